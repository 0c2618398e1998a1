/*
 * binding.h - what the document asks, and what answers it: arguments that follow the cursor, the linked cursor itself, and
 * what it is on.
 */
#ifndef LMSCOPE_TUI_APP_BINDING_H
#define LMSCOPE_TUI_APP_BINDING_H

#include <stdbool.h>

#include "tui/app/app.h"

/* How many there are along a dimension in the model and prompt that are shown: 0 when not known. */
int extent_of(const struct app *app, enum dim dim);

/* The one cursor of a dimension, as an index into n; -1 when n is 0. */
int cursor_get(const struct app *app, enum dim dim, int n);
/* Moves it. The last position stays the last when the prompt grows. */
void cursor_set(struct app *app, enum dim dim, int index, int n);

/* Where the cursor is in a table; moving it there. Components move the layer's cursor with them. */
void cursor_in(const struct app *app, const struct table *t, int *row, int *col);
void cursor_to(struct app *app, const struct table *t, int row, int col);

/* The pane's question with every argument that follows the cursor filled in. */
void question_pane(const struct app *app, int pane, struct job_pane *out);
/* The same of another document, by its own cursor. */
void question_pane_of(const struct preset *doc, int pane, struct job_pane *out);
/* The whole job. `out` is uninitialised. */
void question_job(const struct app *app, struct job *out);

/*
 * A saved document says which layer and head it shows, so that `lmscope print --preset` shows the same. An opened one lets the
 * arguments that equal its cursor follow the cursor again. `out` is uninitialised.
 */
void question_save(const struct app *app, struct preset *out);
void question_opened(struct preset *doc);

/* What answers a pane at the moment: its own table, or an older one that is stale, or none. */
struct answer_shown {
	const struct table *table;  /* NULL: none yet */
	const struct table *before; /* the same without edits; NULL: none, or no edits */
	const struct table *older;  /* fills an unfinished table until its cells are known; NULL: none, or of another shape */
	const char *error;	    /* NULL: none */
	bool current;		    /* it answers this very question */
	int done, total;	    /* how far the answer is that is on its way; total 0: nothing to tell */
	double left;		    /* seconds that it will take; 0: not known */
	bool stopped;		    /* by the user, before it was there */
	bool waits;		    /* for its turn */
	struct forecast forecast;   /* what it will take */
};
void question_answer(const struct app *app, int pane, struct answer_shown *out);

/* What is in the way of a technique, with the key that mends it: "needs a foil: f"; NULL: nothing that is known. */
const char *technique_lacks(const struct app *app, const struct analysis *a);

/* Where the cursor is in what is focused: the place of its cell. False: there is no table yet, or the cell is nowhere. */
bool cursor_place(const struct app *app, struct place *place);
/*
 * What is switched off for a cell there: its head, its neurons, its attention or MLP, or its whole layer; `here`: at its
 * position only, and of an attention weight, that weight alone. False with a sentence why not.
 */
bool place_to_ablate(const struct place *cell, bool here, struct place *out, struct err *err);
/* The line as edit_print writes it, so that two spellings of one edit are one. False with a sentence. */
bool edit_canonical(const char *line, struct str *out, struct err *err);
/*
 * The edits that a cell is the effect of, as edit_print() writes them, a line each, and what the first of them does; false: it is
 * not the effect of any.
 */
bool cell_edits(const struct table *t, int row, int col, struct str *lines, enum edit_op *first);

/*
 * What Space does with the cell under the cursor, as edits, a line each: the intervention that the cell is the effect of; where it
 * is of none, what it is about is switched off, at its position only with `here`. *first is what the first one does. False with a
 * sentence why there is nothing to do.
 */
bool cell_intervention(const struct app *app, bool here, struct str *lines, enum edit_op *first, struct err *err);
/* The same in a word, for the footer: "ablate", "patch", "mask"; "revert" when it is on, "no edit" when there is nothing to do. */
const char *cell_verb(const struct app *app);

/* "layer=5 head=1": the arguments that are not at their defaults, or follow the cursor. */
void question_args(const struct app *app, int pane, struct str *out);

#endif
