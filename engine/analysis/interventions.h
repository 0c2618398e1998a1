/*
 * interventions.h - what the techniques that intervene share: many small edits of one run, and the metric under each of them.
 *
 *     struct cause c = cause_new(ask, base, source, n);
 *     cause_edit(&c, i, &place, EDIT_PATCH);           for every variant i
 *     cause_fill(&c, t, cells, with, err)              c.value[i], c.now, and the table made of them, while they come
 *     cause_check_strongest(&c, t, "…", err)           the books
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_INTERVENTIONS_H
#define LMSCOPE_ENGINE_ANALYSIS_INTERVENTIONS_H

#include "engine/analysis/analysis.h"
#include "engine/run/sweep.h"

struct cause {
	const struct ask *ask;
	const struct run *base;	       /* what the edits are made in, on top of its own */
	const struct run *source;      /* what patch reads from; NULL: there is none */
	struct sweep_variant *variant; /* [n] */
	int n;
	/* [n] of the table: which each variant makes; NULL: the one of its own number, while there are any */
	const size_t *cell;
	double *value; /* [n] the metric under each variant */
	double now;    /* and on the base as it is */
};

/* n variants without edits yet. Memory from ask->scratch. */
struct cause cause_new(const struct ask *ask, const struct run *base, const struct run *source, int n);
/* One more edit for variant i, at most SWEEP_EDITS: edit_at(), whose amount, seed and file may then be set. */
struct edit *cause_edit(struct cause *c, int i, const struct place *place, enum edit_op op);
bool cause_sweep(struct cause *c, struct err *err);
/*
 * The same, and fills the table: `cells` turns values into cells, once when all are there, and before when somebody watches: what
 * is not known then is NaN, and so must be its cell. The table's axes, title and look are to be there beforehand. Each cell is told
 * what it is the effect of (table->edits): those of its variant, unless the technique has set them itself.
 */
typedef void cause_cells(struct table *t, const struct cause *c, const void *with);
bool cause_fill(struct cause *c, struct table *t, cause_cells *cells, const void *with, struct err *err);
/* A whole run of its own under variant i; the caller unrefs. NULL on error. */
struct run *cause_run(const struct cause *c, int i, struct err *err);

/*
 * A whole run of its own with edit[n] on top of those of the base; patches read `source` (NULL: there is none). The caller unrefs;
 * NULL on error.
 */
struct run *ask_run_with(const struct ask *ask, const struct run *base, const struct run *source, const struct edit *const *edit,
			 int n, struct err *err);
/* The metric there, with the question's own run and foil: for checks of what a sweep gives. */
bool ask_value_with(const struct ask *ask, const struct metric *metric, const struct edit *const *edit, int n, double *value,
		    struct err *err);

/*
 * A sweep shares work between its variants; the one that moves the metric most, done again by a whole run of its own, must come out
 * the same. The edits of the base must not read another foil than `source`.
 */
bool cause_check_strongest(const struct cause *c, struct table *t, const char *name, struct err *err);

/* `width` layers around one, from … to-1, cut off at both ends: as the papers' windows (of two, the other one is below). */
enum { CAUSE_WINDOW = 16 }; /* the widest */
struct cause_window {
	int from, to;
};
struct cause_window cause_window(int layer, int width, int L);

/* Why a cell is no metric, and what is there is explained in its place: table->explain_other. */
extern const char cause_no_number[];
/* Why cells of a denoising map are nothing to make in the prompt's run: table->no_edit. */
extern const char cause_denoised[];
/* "noising: foil into prompt": for titles. */
const char *cause_direction(bool denoising);

#endif
