/*
 * format.h - the ways an answer, or the screen, is written down: rows of one table. `-f WORD` on the command line and the extension
 * of `:export FILE` choose among them.
 */
#ifndef LMSCOPE_TUI_FIGURE_FORMAT_H
#define LMSCOPE_TUI_FIGURE_FORMAT_H

#include "engine/base/notes.h"
#include "engine/export/export.h"
#include "tui/draw/canvas.h"
#include "tui/draw/theme.h"

struct format {
	const char *word, *extension, *help; /* "text", "txt", … */
	const char *theme;		     /* that it takes when none is asked for; NULL: the built-in one */
	enum depth depth;		     /* of colour, that the theme is opened for; DEPTH_MONO: none is needed */
	void (*table)(const struct answer *a, const struct theme *theme, struct str *out);
	void (*screen)(const struct canvas *c, struct str *out); /* NULL: a table alone can be written so */
};

extern const struct format formats[]; /* ends with a NULL word */

const struct format *format_find(const char *word);
/* By the extension; ERR_USAGE with those that there are, for a whole screen or for a table. */
const struct format *format_of_file(const char *path, bool screen, struct err *err);
/* The theme that it is written in: `name`, or else its own. NULL only on error. */
struct theme *format_theme(const struct format *f, const char *name, struct notes *notes, struct err *err);

#endif
