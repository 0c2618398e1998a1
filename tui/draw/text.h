/* text.h - small texts that several parts of the screen show: numbers with their change, tokens, what a cell is. */
#ifndef LMSCOPE_TUI_DRAW_TEXT_H
#define LMSCOPE_TUI_DRAW_TEXT_H

#include "tui/app/app.h"

enum { TEXT_LINES = 3, TALL = 30 }; /* of generated text; a screen that has room for twice as many */

/* "14.20", "0.731", "1.2e-05": four figures that a person reads. */
void text_number(double x, struct str *out);
/* "812 bytes", "23 kB". */
void text_bytes(size_t n, struct str *out);
/* "−1.31", "+0.02": with its sign. */
void text_change(double x, struct str *out);
/* "3 s", "2 min", "1 h 20 min" */
void text_duration(double seconds, struct str *out);
struct forecast;
/* "421 runs, up to 25 s", once a technique was measured "421 runs, about 2 s"; nothing for what takes less than a second. */
void text_forecast(const struct forecast *f, struct str *out);
/* "layer 12 · position 5 ·is": the cell's place, by its axes. */
void text_place(const struct table *t, int row, int col, struct str *out);
/* "·Paris 0.7131 probability": its word, number and unit. */
/* Of a node of a graph: "   ← resid_pre 3 1·Mary .36", the strongest edges into it. Nothing for other tables. */
void text_edges(const struct table *t, int row, struct str *out);
void text_value(const struct table *t, int row, int col, struct str *out);

#endif
