/*
 * preset.h - a saved view as YAML: a job with its layout, cursor and theme. See DESIGN: presets/NAME.yaml.
 *
 * Reading reports every wrong key or value as "FILE:LINE: …" and continues with the rest: `notes` receives what was left out. Only
 * a file that is not YAML, or that has nothing to show, fails.
 */
#ifndef LMSCOPE_ENGINE_PRESET_PRESET_H
#define LMSCOPE_ENGINE_PRESET_PRESET_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/session/args.h"
#include "engine/session/job.h"

/* A line of `expect:` (analysis/expect.h), of a pane or of the whole preset. */
struct preset_expect {
	char *line;
	int pane;		   /* -1: of the whole */
	const struct analysis *of; /* that the pane showed; with another one there the line says nothing any more */
	int at;			   /* the line of the file; 0: not from a file */
};
enum { PLACES_MOST = 500, SIZE_MOST = 500 };

/* A place that is to be found again: a bookmark, or a cell with a note. */
struct kept_place {
	char letter;	       /* of a bookmark; 0: it is a note */
	char *text;	       /* of a note; NULL: it is a bookmark */
	char *where;	       /* the cell by its labels: "layer 3 · position 5 ·is"; NULL: not known */
	struct job_pane pane;  /* the technique with its arguments; a note's has all that say where it is */
	int cursor[DIM_COUNT]; /* as a preset's */
	bool zoomed;	       /* the pane alone was on the screen */
};
void kept_place_copy(struct kept_place *to, const struct kept_place *from);
void kept_place_done(struct kept_place *place);
bool kept_place_equal(const struct kept_place *a, const struct kept_place *b);

struct preset {
	char *title, *about; /* may be NULL */
	char *theme;	     /* may be NULL */
	char *file;	     /* that it was read from; NULL: none */
	struct job job;
	int row[JOB_PANES];	   /* which row of the layout each pane of the job is in: 0, 0, 1, 1 */
	struct pane_size {	   /* rows and columns that the user added: to the row, by its first pane; to each pane */
		int taller, wider; /* at most SIZE_MOST either way */
	} size[JOB_PANES];
	int cursor[DIM_COUNT]; /* position -1: the last; CURSOR_UNSET where not given */
	struct preset_expect *expect;
	int expects;
	bool misspelt; /* one of these lines could not be read and was left out */
	char *task;    /* of a step of the tour: what to do; NULL: it is none */
	char **goal;   /* [goals] the state in which it is done; see tui/app/tour.h. Neither is saved */
	int goals;
	struct kept_place *place; /* [places] bookmarks and notes, in the order in which they were made */
	int places;
};

void preset_init(struct preset *p);
void preset_done(struct preset *p);
void preset_copy(struct preset *to, const struct preset *from);
void preset_add_place(struct preset *p, const struct kept_place *place); /* copied; past PLACES_MOST the oldest goes */
void preset_remove_place(struct preset *p, int i);

/* Adds a line of `expect:` for a pane that is there, or for the whole preset (-1). */
void preset_expect(struct preset *p, int pane, const char *line, int at);
/* A pane was put in before index `at`, or the one there was taken out (by: 1, -1): what is expected goes along. */
void preset_shift_expects(struct preset *p, int at, int by);
/* Whether the line is about a pane that is there, or about the whole. */
bool preset_expects_now(const struct preset *p, const struct preset_expect *e);
/* Holds what is expected of a pane against its table, or of the whole (-1, `t` NULL), and tells `held` of each line. */
typedef void preset_held(void *context, int pane, bool ok, const char *expected, const char *actual);
void preset_hold(const struct preset *p, int pane, const struct table *t, double metric, preset_held *held, void *context);
void preset_add_goal(struct preset *p, const char *line);

/* NAME (in the user's folder, then in the shipped one) or a FILE (has a slash or ends in .yaml). */
bool preset_open(const char *name, struct preset *p, struct notes *notes, struct err *err);
bool preset_parse(const char *yaml, size_t n, const char *file, struct preset *p, struct notes *notes, struct err *err);
/*
 * Put "FILE:LINE: " before a sentence about what only a model could tell: that it has no such layer, head or position. It is about
 * a pane, or about a part of the job as a whole (session_fault). Both return false.
 */
bool preset_place_pane(const struct preset *p, int pane, struct err *err);
bool preset_place_fault(const struct preset *p, struct job_fault fault, struct err *err);
void preset_print(const struct preset *p, struct str *out);
/* To the user's folder as NAME.yaml; a name with a slash is a path, to which .yaml is added where it has none. Refuses to overwrite
 * a file that it cannot read as a preset. `path` (may be NULL) receives where. */
bool preset_save(const struct preset *p, const char *name, struct str *path, struct err *err);

struct preset_entry {
	char *name, *title, *path;
	char *model; /* NULL: any */
	bool shipped;
	bool absent; /* its model is not on this machine: preset_look */
};
/* All that can be opened, the user's first, sorted; heap array, freed with preset_list_free. Returns the count. */
int preset_list(struct preset_entry **list);
/* Which of their models are there: looks into the caches. */
void preset_look(struct preset_entry *list, int n);
/* The steps of the tour, in order. */
int preset_list_tour(struct preset_entry **list);
void preset_list_free(struct preset_entry *list, int n);

#endif
