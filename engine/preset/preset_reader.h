/*
 * preset_reader.h - within reading a preset: what its files share. preset_read.c has the keys and what is one text each,
 * preset_read_panes.c the panes with what is expected of them, preset_read_places.c cursor, bookmarks and notes.
 */
#ifndef LMSCOPE_ENGINE_PRESET_PRESET_READER_H
#define LMSCOPE_ENGINE_PRESET_PRESET_READER_H

#include "engine/base/conf.h"
#include "engine/preset/preset.h"

struct preset_reader {
	struct preset *p;
	struct notes *notes;
	struct arena *arena;
	int row; /* of the layout, while panes are read */
};

/* What could not be read becomes a note. */
void preset_leave_out(struct preset_reader *r, const struct err *err);
#define LEAVE_OUT(r, v, ...) \
	do { \
		struct err left = { 0 }; \
		conf_err((v), &left, __VA_ARGS__); \
		preset_leave_out((r), &left); \
	} while (0)

/* A file that lies beside the preset, and is not seen from the working directory, is named with the preset's folder. */
const char *preset_beside(const char *written, const char *preset);

/* A list of rows; a row is a list of panes, or one pane. */
void preset_read_panes(struct preset_reader *r, const struct conf *v);
/* A technique's name, or {analysis: NAME, args: {…}, diff: …, over: FILE, expect: […], taller: 2, wider: -4} or {…, on: foil}. */
bool preset_read_technique(struct preset_reader *r, const struct conf *v, struct job_pane *pane);
/* A list of lines: of a pane, or of the whole (-1). */
void preset_read_expect(struct preset_reader *r, const struct conf *v, int pane);

void preset_read_cursor(struct preset_reader *r, const struct conf *v);
void preset_read_bookmarks(struct preset_reader *r, const struct conf *v);
void preset_read_notes(struct preset_reader *r, const struct conf *v);

#endif
