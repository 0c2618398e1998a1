/*
 * theme.h - ink for the roles of styles.def, and ramps for data, from themes/NAME.yaml, resolved for one terminal.
 *
 * A theme is opened for a depth of colour: what it hands out is what that terminal can show (RGB, an index of its palette, or
 * attributes alone), so drawing and its golden tests never ask about terminals. Ramps are for data only. Where there are too
 * few colours for a ramp (16 and less) data is drawn with shade glyphs ░▒▓█: theme_cell gives glyph and ink together.
 */
#ifndef LMSCOPE_TUI_DRAW_THEME_H
#define LMSCOPE_TUI_DRAW_THEME_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "tui/draw/canvas.h"

enum style {
#define STYLE(id, name, mark, about) STYLE_##id,
#include "tui/draw/styles.def"
#undef STYLE
	STYLE_COUNT,
};

/* The neutral value, at 0 or (diverging) in the middle, has the background's own colour. */
enum ramp { RAMP_SEQUENTIAL, RAMP_DIVERGING, RAMP_PROBABILITY, RAMP_COUNT };

enum depth { DEPTH_MONO, DEPTH_8, DEPTH_16, DEPTH_256, DEPTH_TRUE };

/* What a theme is resolved for. */
struct theme_for {
	enum depth depth;
	bool ascii; /* no UTF-8: the canvas will go through canvas_to_ascii, so no half blocks and no eighths */
};

struct theme;

/* The theme that is compiled in ("dusk", the same as themes/dusk.yaml). Never NULL. */
struct theme *theme_builtin(struct theme_for what);
/* NAME (in the user's folder, then in the shipped one) or a FILE (has a slash or ends in .yaml). A wrong key or value goes to
 * `notes` as "FILE:LINE: …" and is taken from the built-in theme; NULL only when there is no such theme or it is not YAML. */
struct theme *theme_open(const char *name, struct theme_for what, struct notes *notes, struct err *err);
/* The same from bytes; `file` is for messages. */
struct theme *theme_parse(const char *yaml, size_t n, const char *file, struct theme_for what, struct notes *notes,
			  struct err *err);
void theme_free(struct theme *t);

/* Names of all themes that can be opened, sorted, for menus and completion; heap array of heap strings. Returns the count. */
int theme_list(char ***names);

const char *theme_name(const struct theme *t);
bool theme_ascii(const struct theme *t);
/* The glyph of a value next to nothing. A space in a token has the same one, but for ASCII, where that is "_". */
const char *theme_dot(const struct theme *t);
enum depth theme_depth(const struct theme *t);

struct ink theme_ink(const struct theme *t, enum style style);

/* A cell of data with text on it: x is 0 … 1 along the ramp (NaN: blank). Background from the ramp and readable text over it; where
 * the depth has no ramps (theme_shades) the foreground says how much, and text stays readable. */
struct ink theme_ramp(const struct theme *t, enum ramp ramp, float x);
/* true: the ramp has too few colours to tell values apart; draw theme_shade glyphs in shade view. */
bool theme_shades(const struct theme *t);
/* The glyph of a shade cell: "·░▒▓█" by x (for diverging by the distance from the middle), " " where colour says it. The ink is
 * theme_shade_ink's. */
const char *theme_shade(const struct theme *t, enum ramp ramp, float x);
struct ink theme_shade_ink(const struct theme *t, enum ramp ramp, float x);
/* The ramp's colour as a foreground: for bars. */
struct ink theme_bar_ink(const struct theme *t, enum ramp ramp, float x);
/* A cell that shows two values, one above the other (NaN: blank there): the glyph, and its ink. Only where !theme_shades. */
const char *theme_halves(const struct theme *t, enum ramp ramp, float upper, float lower, struct ink *ink);

/* A role's text on the background of another ink: in the role's own colour where that can be read there, else in the other's. */
struct ink theme_ink_on(const struct theme *t, enum style style, struct ink under);

/* One role on another's background: a key's name in a selected row keeps its colour and takes the row's. */
struct ink ink_over(struct ink over, struct ink under);

#endif
