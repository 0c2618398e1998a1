/*
 * backward.h - the forward pass reversed: from a gradient at the stream that leaves a layer to the gradient at every site of it,
 * and at the stream that enters. One function for every family, over the same options; gradients of activations only, none of
 * weights.
 *
 * A site's gradient is the one at the value that a run stores, with the edits at that site applied. After it come the edits, last
 * one first: what an edit puts in a value's place (zero, mean, patch) takes the gradient away from what the model had computed
 * there, others change it or let it pass (edit_back).
 *
 * Runs that differ in their inputs alone go back together: their rows follow each other in memory, as those of a stack do
 * (layer.h), so that each weight matrix is read once for all of them. Row r is position r % T of run r / T.
 *
 * Other rules than the derivative's are bits beside what is taken as constant: with them, activation × gradient is the relevance of
 * layer-wise relevance propagation, and a layer's loss of it is counted where it happens (struct lost).
 *
 * What a run does not store and the way back needs is computed again: scales of norms, queries and keys before a norm on heads,
 * what a block writes before a norm after it.
 */
#ifndef LMSCOPE_ENGINE_RUN_BACKWARD_H
#define LMSCOPE_ENGINE_RUN_BACKWARD_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/run/lost.h"
#include "engine/run/run.h"

/* What is taken as constant: gradient × input is then a decomposition (Ali et al. 2022). And other rules than the derivative's. */
enum {
	FROZEN_NORMS = 1,    /* the scale of every norm; centring stays */
	FROZEN_PATTERNS = 2, /* attention weights: nothing flows to queries and keys */
	FROZEN_GATES = 4,    /* an activated gate: all flows to the linear half */
	HALVED_PRODUCTS = 8, /* of two activations that both answer, each gets half: weights and values, queries and keys, halves */
	CHORDS = 16,	     /* f(z) / z in the place of f'(z): activations without a gate, caps */
	CHORDS_IN_GATES = 32, /* the same in gates */
	COUNTING_LOSSES = 64, /* relevance that does not arrive at a layer's input is counted; wants FROZEN_NORMS and CHORDS */
};

/*
 * Where a gradient starts inside a layer: what is added to the gradient at some rows of a site. Of a pattern or scores, one
 * number.
 */
struct backward_seed {
	struct place place; /* site, layer, unit (-1: whole rows); of weights the query and the key, too */
	int run;	    /* which of those that go back together */
	int from, n;	    /* positions */
	size_t width;	    /* floats of a row, from the unit's first on */
	const float *d;	    /* [n, width]; of a head's result, at what it writes to the stream */
	const float *scale; /* of a result: [n] of the norm after attention, which is a constant */
};

struct backward {
	const struct run *const *each; /* [runs] of as many tokens, under the same edits */
	int runs, rows;		       /* rows: runs × T */
	const struct run *run;	       /* the first: what all have in common; the others' rows follow those of its sites */
	unsigned frozen;
	/* [seeds] not those at resid_post and embed, which are the stream's between layers */
	const struct backward_seed *seed;
	int seeds;
	struct lost *lost; /* of the layer that goes back, increased; NULL: it is not counted */
	/* Made by backward_begin: */
	float *cosine[2], *sine[2]; /* [T, pairs] turning back, for plain and local rotary */
	float *read;		    /* [rows, D] the stream as a block reads it */
	float *write;		    /* [rows, D] at what a block wrote, before edits, multiplier and norm after it */
	float *normed, *part;	    /* [rows, D] at a norm's output, and the share of one matrix in it */
	float *wide, *inner;	    /* [rows, widest of F, H*K] */
	float *head_k, *head_v;	    /* [rows, H, K] keys and values, before heads of a group are summed */
	double *by_scale;	    /* [rows] */
	struct lost *head_lost;	    /* [runs, H]; NULL without COUNTING_LOSSES */
};

/* d[T, width of the site], which is of the seed's run, += the seed's rows; not of patterns, scores and results. */
void backward_plant(const struct backward_seed *seed, const struct config *c, float *d);

/* Of a product of two activations, the share that each gets. */
static inline float backward_share(const struct backward *b, bool both_answer)
{
	return (b->frozen & HALVED_PRODUCTS) && both_answer ? 0.5f : 1;
}

/* Scratch and tables; memory from `arena`, which backward_bytes() estimates. */
bool backward_begin(struct backward *b, const struct run *const *each, int runs, unsigned frozen, struct arena *arena,
		    struct err *err);
size_t backward_bytes(const struct config *c, int runs, int T);

/*
 * Layer l: x[rows, D] is the gradient at resid_post as the run has it, and becomes the one at what entered the layer, before edits
 * on resid_pre. `s` receives the gradients of all sites (layer_sites_new with a pattern, layer_sites_stack of several runs).
 */
void backward_layer(const struct backward *b, int l, struct layer_sites *s, float *x);

/* The same past a layer whose attention and MLP are left out: their sites get 0, the stream goes straight through. */
void backward_past(const struct backward *b, int l, struct layer_sites *s, float *x);

/*
 * What is lost between there and the input, of d[D] at what enters layer 0 at a position: learned positions, a norm's biases,
 * edits.
 */
void backward_enter_losses(const struct run *run, int position, const float *d, struct lost *lost);
/* In place: from d[D] at what enters layer 0 at a position to the input there (run_input), before edits on `embed`. */
void backward_enter(const struct run *run, unsigned frozen, int position, float *d);

#endif
