/*
 * forward.h - the forward pass: one function for every family, for whole prompts, for what is left of one after an edit, and for
 * many variants at once.
 *
 * A pass carries rows through the layers. A row is one position of one variant; variants are stacked, so that each weight matrix
 * is read once for all of them. Rows below t0 are not computed: their keys and values come from a run that has them already.
 *
 *   variants × (T - t0) rows;  row r = variant * (T - t0) + (position - t0)
 */
#ifndef LMSCOPE_ENGINE_RUN_FORWARD_H
#define LMSCOPE_ENGINE_RUN_FORWARD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/model/model.h"
#include "engine/run/edit.h"

/* One layer's sites; every array is [rows, width]. Those of a run have T rows and are shared between runs by count. */
struct layer_sites {
	float *resid_pre, *q, *k, *v, *z, *attn_out, *resid_mid, *mlp_pre, *mlp_up, *mlp_post, *mlp_out, *resid_post;
	float *z_used;		/* [rows, H, K] what W_O was given: z with the edits on `result`; the same array as z without any */
	float *pattern;		/* [H, T, T] in a run; NULL in a sweep, which does not keep it */
	float *post_scale;	/* [rows] scale of the norm on attention's output, where the family has one; or NULL */
	atomic_int refs;
	float *memory;		/* all of the above */
	float *z_memory;	/* z_used's own, or NULL */
};

/* NULL: ERR_MEMORY. Not zeroed, but for the pattern. */
struct layer_sites *layer_sites_new(const struct model *m, int rows, bool keep_pattern, struct err *err);
struct layer_sites *layer_sites_ref(struct layer_sites *s);
void layer_sites_unref(struct layer_sites *s);
/* Gives z_used memory of its own. */
bool layer_sites_split_z(struct layer_sites *s, const struct model *m, int rows, struct err *err);

/* Base pointer and width of a stored site; NULL for derived ones. SITE_PATTERN is not handled here. */
float *layer_site(const struct layer_sites *s, enum site site);

/* The edits of one variant: resolved, in the order in which they apply. */
struct variant {
	const struct edit **edit;
	int edits;
};

struct pass {
	const struct model *model;
	int t0, T;				/* positions that are computed: t0 … T-1 */
	int variants;
	const struct variant *variant;		/* [variants] */
	const struct layer_sites *const *past;	/* [L] with the rows below t0; NULL when t0 is 0 */
	float *cosine[2], *sine[2];		/* [T - t0, pairs] for plain and local rotary; pass_begin makes them */
	float *scratch;				/* [rows, D] normalised rows */
	struct arena *arena;
	struct task *task;
};

/* Prepares tables and scratch from p->arena. */
bool pass_begin(struct pass *p, struct err *err);

/*
 * Computes layer l: `s` has resid_pre for every row (edits on resid_pre not yet applied) and receives the rest. `first_row` is where
 * the rows of the pass start in s (t0 in a run's own layer, 0 in a sweep). With z_known, everything up to z is there already.
 * ERR_CANCELLED when the task is stopped.
 */
bool forward_layer(struct pass *p, int l, struct layer_sites *s, int first_row, bool z_known, struct err *err);

/* The embedding of tokens[t0 … T-1] for every variant into x[rows, D], edits on `embed` applied. */
void forward_embed(struct pass *p, const int32_t *tokens, float *x);

#endif
