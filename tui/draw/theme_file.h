/*
 * theme_file.h - what a theme file says, before a terminal is known: roles and ramps as written.
 */
#ifndef LMSCOPE_TUI_DRAW_THEME_FILE_H
#define LMSCOPE_TUI_DRAW_THEME_FILE_H

#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "tui/draw/theme.h"

enum { RAMP_STOPS = 16, COLOR_UNSET = -2 };

struct role {
	int32_t fg, bg; /* 0xRRGGBB, or INK_DEFAULT */
	uint8_t attr;
	int fg16, bg16; /* 0 … 15, INK_DEFAULT, or COLOR_UNSET: the nearest to fg and bg */
	uint8_t mono;	/* attributes where there are no colours */
};

struct ramp_stops {
	int32_t stop[RAMP_STOPS]; /* evenly spaced; of the diverging ramp the middle one is zero */
	int stops;
	int xterm[RAMP_STOPS]; /* the same for 256 colours, whose cube is coarse: each level one that is really there */
	int levels;	       /* 0: the nearest to the stops */
	int low[2];	       /* 0 … 15 or INK_DEFAULT: the foreground of shades in 16 colours; [1] of negative values */
};

struct theme_file {
	char name[64];
	struct role role[STYLE_COUNT];
	struct ramp_stops ramp[RAMP_COUNT];
};

/* Reads `yaml` over what is in *f already (another theme's, for what it leaves out). Wrong keys and values go to notes. */
bool theme_file_parse(struct theme_file *f, const char *yaml, size_t n, const char *file, struct notes *notes, struct err *err);

#endif
