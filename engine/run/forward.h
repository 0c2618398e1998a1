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

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/model/model.h"
#include "engine/run/edit.h"
#include "engine/run/layer.h"

/* The edits of one variant: resolved, in the order in which they apply. */
struct variant {
	const struct edit **edit;
	int edits;
};

/* Keys and values of some positions that variants have in common, and that are not the run's: a list, from the last rows back. */
struct past_rows {
	const struct past_rows *before; /* NULL: those before `from` are the run's */
	int from, to;			/* positions from … to-1 */
	float *const *k, *const *v;	/* [L] of [rows, G, K] */
	float *const *conv_in;		/* [L] of [rows, H, K]; NULL in models without short convolutions */
	size_t row;			/* where they begin there */
};

/* Variants of unequal lengths, or whose pasts differ. */
struct ragged {
	const int *t0;			     /* [variants] the first position whose keys and values are in the pass's rows */
	const int *key_row;		     /* [variants] where they begin; all up to T */
	const struct past_rows *const *past; /* [variants] what comes before them; NULL: the run's */
	const int *row;			     /* [variants + 1] where the variant's rows begin: its queries */
	const int *variant, *position;	     /* [rows] of each row */
};

struct pass {
	const struct model *model;
	int t0, T; /* positions that are computed: t0 … T-1 */
	int variants;
	const struct variant *variant; /* [variants] */
	const float *input;	       /* [rows, D] in the place of the tokens' embeddings (model_input); or NULL */
	/* sites are stored: all of them are computed, also those that nothing downstream reads */
	bool stored;
	const struct layer_sites *const *past; /* [L] with the rows below t0; NULL when t0 is 0 */
	const struct ragged *ragged; /* NULL: every variant has the rows t0 … T-1; otherwise t0 is the least of theirs */
	/* Made by pass_begin: */
	/* keys and values from here on are in the pass's own rows: t0, but see forward_last */
	int key0;
	float *cosine[2], *sine[2]; /* [T - key0, pairs] for plain and local rotary */
	float *scratch;		    /* [rows, D] normalised rows */
	uint32_t *touched;	    /* [variants] bit s: an edit of the variant is at site s of the layer that is computed */
	struct arena *arena;
	struct task *task;
};

/* Prepares tables and scratch from p->arena. */
bool pass_begin(struct pass *p, struct err *err);

/*
 * Computes layer l: `s` has resid_pre for every row (edits on resid_pre not yet applied) and receives the rest. `first_row` is
 * where the rows of the pass start in s (t0 in a run's own layer, 0 in a sweep). The last z_known variants have everything up to z
 * already. ERR_CANCELLED when the task is stopped.
 */
bool forward_layer(struct pass *p, int l, struct layer_sites *s, int first_row, int z_known, struct err *err);

/*
 * The same for the last layer of a sweep (s from row 0), when only the last position is looked at: keys and values of every row,
 * the rest for the last row of each variant. Its sites are [variants] rows.
 */
bool forward_last(struct pass *p, int l, struct layer_sites *s, struct err *err);

/* The same when nothing is wanted of a layer but its keys and values. */
bool forward_keys(struct pass *p, int l, struct layer_sites *s, struct err *err);

/* What enters layer 0, of tokens[t0 … T-1] or p->input, for every variant into x[rows, D], edits on `embed` applied. */
void forward_embed(struct pass *p, const int32_t *tokens, float *x);

#endif
