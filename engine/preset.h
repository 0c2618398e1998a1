/*
 * preset.h - a saved view as YAML: a job with its layout, cursor and theme. See DESIGN: presets/NAME.yaml.
 *
 * Reading reports every wrong key or value as "FILE:LINE: …" and goes on with the rest: `notes` receives what was left out. Only
 * a file that is not YAML, or that has nothing to show, fails.
 */
#ifndef LMSCOPE_ENGINE_PRESET_H
#define LMSCOPE_ENGINE_PRESET_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/job.h"

struct preset {
	char *title, *about;		/* may be NULL */
	char *theme;			/* may be NULL */
	char *file;			/* that it was read from; NULL: none */
	struct job job;
	int row[JOB_PANES];		/* which row of the layout each pane of the job stands in: 0, 0, 1, 1 */
	int cursor[DIM_COUNT];		/* position -1: the last; CURSOR_UNSET where not given */
};
enum { CURSOR_UNSET = -1000000 };

void preset_init(struct preset *p);
void preset_done(struct preset *p);
void preset_copy(struct preset *to, const struct preset *from);

/* NAME (in the user's folder, then in the shipped one) or a FILE (has a slash or ends in .yaml). */
bool preset_open(const char *name, struct preset *p, struct notes *notes, struct err *err);
bool preset_parse(const char *yaml, size_t n, const char *file, struct preset *p, struct notes *notes, struct err *err);
/*
 * Puts "FILE:LINE: " before a sentence about what only a model could tell: that it has no such layer, head or position. `pane` is
 * the one that failed; -1: the job as a whole (one of its edits). Returns false.
 */
bool preset_place(const struct preset *p, int pane, struct err *err);
void preset_print(const struct preset *p, struct str *out);
/* To the user's folder as NAME.yaml. Refuses a name with a slash, and to overwrite a file that it cannot read as a preset.
 * `path` (may be NULL) receives where. */
bool preset_save(const struct preset *p, const char *name, struct str *path, struct err *err);

struct preset_entry {
	char *name, *title, *path;
	char *model;		/* NULL: any */
	bool shipped;
	bool absent;		/* its model is not on this machine: preset_look */
};
/* All that can be opened, the user's first, sorted; heap array, freed with preset_list_free. Returns the count. */
int preset_list(struct preset_entry **list);
/* Which of their models are there: looks into the caches. */
void preset_look(struct preset_entry *list, int n);
void preset_list_free(struct preset_entry *list, int n);

#endif
