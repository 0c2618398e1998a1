/*
 * color.h - arithmetic on colours, 0xRRGGBB: mixing as the eye does (OKLab), contrast, and the nearest that a terminal has.
 */
#ifndef LMSCOPE_TUI_DRAW_COLOR_H
#define LMSCOPE_TUI_DRAW_COLOR_H

#include <stdbool.h>
#include <stdint.h>

/* "#rrggbb" or "#rgb". */
bool color_parse(const char *text, int32_t *rgb);
/* "red", "bright-red", "gray" (bright-black) …: 0 … 15. */
bool color_parse_name(const char *text, int *index);

/* t of the way from a to b, evenly to the eye. */
int32_t color_mix(int32_t a, int32_t b, double t);
/* Contrast as WCAG 2 has it: 1 (the same) … 21 (black on white). */
double color_contrast(int32_t a, int32_t b);

/*
 * Many terminals show bold in the first eight colours as the bright one of its hue: whether that, too, can be read on colour
 * number `bg`.
 */
bool color_bold_reads(int fg, int bg);

/* xterm's 256: 16 … 255, which no terminal lets people repaint (0 … 15 they do). */
int color_nearest_256(int32_t rgb);
/* Of the sixteen by name: for themes that do not say which. */
int color_nearest_16(int32_t rgb);
int32_t color_of_index(int index); /* 0 … 255, the first sixteen as xterm paints them */

#endif
