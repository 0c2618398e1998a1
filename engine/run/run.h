/*
 * run.h - one prompt through the model: every site of sites.def for every layer and position. Immutable once made.
 *
 * A run keeps what is expensive or small (sites.def: stored) and derives the rest on demand; where that would not fit into memory,
 * it keeps its stream alone (layer.h). Layers are shared between runs: a run with an edit at layer l borrows the layers below l
 * from the run it was resumed from, so toggling an edit costs only the layers above it. Reference-counted; may be read from several
 * threads.
 *
 * Legend as in model.h: L, T, D, H, G, K, F, V.
 */
#ifndef LMSCOPE_ENGINE_RUN_RUN_H
#define LMSCOPE_ENGINE_RUN_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/model/model.h"
#include "engine/run/edit.h"
#include "engine/run/layer.h"
#include "engine/run/site.h"

struct assets;

/* Runs that are kept because something reads them; counted. Zeroed: none. */
struct run_set {
	struct run **run; /* [n] heap */
	int n;
};
void run_set_add(struct run_set *s, const struct run *r);
void run_set_done(struct run_set *s);

struct run {
	const struct model *model;
	enum run_stores keeps;
	int T;
	int prompt_T;	 /* positions of the prompt; those after them were generated */
	int32_t *tokens; /* [T] */
	int edits;
	struct edit *edit;	       /* [edits], resolved */
	const struct edit **edit_list; /* [edits] the same, for who takes a list */
	struct layer_sites **layer;    /* [L] shared, counted */
	float *input;		       /* [T, D] where it was given (run_order); NULL: the tokens' embeddings */
	float *embed;		       /* [T, D] */
	float *last_logits;	       /* [V] at the last position; NULL when they were not ordered */
	struct run_set reads;	       /* the runs that edits read: foil's, unedited, of other prompts */
	struct assets *assets;	       /* the files that edits and metrics read, counted */
	struct arena *arena;
	atomic_int refs;
};

/* What a run is asked for. */
struct run_order {
	const struct model *model;
	const int32_t *tokens;
	int T, prompt_T;	  /* prompt_T 0: T */
	const struct run *base;	  /* its edits come first, as they act there; NULL: none. The new run keeps a reference */
	const char *const *edits; /* lines, only those that are switched on */
	int edit_count;
	const struct edit *const *more; /* edits after the lines, parsed or made: edit_at, edit_take, edit_put */
	int more_count;
	/* of the same tokens: mean and freeze read it, and layers below the first edit are borrowed from it */
	const struct run *unedited;
	const struct run *foil; /* patch reads it; NULL: patch is refused */
	struct assets *assets;	/* files that are open; NULL: those of the unedited run, or none yet */
	enum run_stores keeps;
	/* [T, D] in the place of the tokens' embeddings: before learned positions and a norm on embeddings; copied. NULL: base's */
	const float *input;
	bool without_logits;	  /* last_logits stays NULL: who reads other logits than the last */
	const struct run *prefix; /* a run with the same edits whose tokens begin alike: its rows are copied; NULL is fine */
};

/* NULL on error (ERR_MEMORY, ERR_CANCELLED, ERR_ARGUMENT for an edit that does not fit, ERR_USAGE for one that does not parse). */
struct run *run_new(const struct run_order *order, struct task *task, struct err *err);
struct run *run_ref(const struct run *r);
void run_unref(struct run *r); /* NULL is fine */

/* Bytes that a run over T positions of this model keeps, and has while it is made. */
size_t run_bytes(const struct config *c, int T, enum run_stores keeps);
/* Whether that would leave the machine half of the memory that it has free; otherwise a sentence. */
bool run_fits(const struct model *m, int T, enum run_stores keeps, struct err *err);
/* Whether a stored site can be read from it. */
bool run_has(const struct run *r, enum site site);

/* x[D]: the input at a position, before learned positions and a norm on embeddings: the token's embedding, or what was given. */
void run_input(const struct run *r, int position, float *x);
/* In place: from an input x[D] there to the row that enters layer 0, the run's edits on `embed` applied. */
void run_enter(const struct run *r, int position, float *x);

/*
 * Borrowed pointer to a stored site that the run has, at (layer, position), unit 0: float[width] for sites without units,
 * float[units, width] for those with heads, float[F] for neurons. For SITE_EMBED the layer is ignored. Not for SITE_PATTERN.
 */
const float *run_at(const struct run *r, enum site site, int layer, int position);
/* Floats of a stored site at one position, all units: D, H*K, G*K or F. */
size_t run_width(const struct config *c, enum site site);
/* Attention weights of one query: float[T], 0 for later keys. */
const float *run_pattern(const struct run *r, int layer, int head, int query);

/* Derived sites. */
/* out[T]: scores of one query; -INFINITY where the query may not look. */
void run_scores(const struct run *r, int layer, int head, int query, float *out);
/* out[D]: what the head writes at that position, without b_O, as it reaches the stream (post-norm and residual scale of the family
 * applied, with the scale frozen at its real value). The sum over heads + b_O's share is attn_out, before edits on attn_out. */
void run_result(const struct run *r, int layer, int head, int position, float *out);
/* out[D]: what an expert of a mixture writes there, as it reaches the stream, with the edits on it; 0 where it is not chosen. */
void run_expert(const struct run *r, int layer, int expert, int position, float *out);
/* The same of the expert that every token passes through; 0 where there is none. */
void run_shared(const struct run *r, int layer, int position, float *out);
/* Which of the choices there the expert is; -1: it is not chosen. */
int run_choice(const struct run *r, int layer, int expert, int position);
/* Do two runs of as many tokens send each to the same experts? */
bool run_same_experts(const struct run *a, const struct run *b);
/* out[D]: the share of b_O in attention's write there, treated like a head's. */
void run_attention_bias(const struct run *r, int layer, int position, float *out);
/*
 * y[D]: a row x[D] of the stream at that position after the final norm as the run has it; scale as in model_final_norm. Whether
 * an edit keeps it.
 */
void run_final_norm(const struct run *r, int position, const float *x, float *y, float *scale);
bool run_keeps_final_norm(const struct run *r);
/* out[D]: the last stream after the final norm. */
void run_ln_final(const struct run *r, int position, float *out);
/* out[n, V] for positions from … from+n-1. */
bool run_logits(const struct run *r, int from, int n, float *out, struct task *task, struct err *err);

/* Sum of -log p of the tokens first … T-1 (first >= 1), each from the position before it: nats. */
bool run_loss(const struct run *r, int first, double *sum, struct task *task, struct err *err);

#endif
