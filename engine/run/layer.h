/*
 * layer.h - the stored sites of one layer, counted, shared between runs that agree up to there.
 *
 * Their rows are in memory that may have room for a few more: a run that continues where another ends writes its rows there, if
 * nobody else did, and has the other's rows without a copy.
 */
#ifndef LMSCOPE_ENGINE_RUN_LAYER_H
#define LMSCOPE_ENGINE_RUN_LAYER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/model/model.h"
#include "engine/run/site.h"

/*
 * What is kept of a layer. RUN_STREAM: the stream, what is written to it, keys and values; queries, z, neurons and the pattern pass
 * by. That is what lenses and continuations need, at a fraction of the memory. RUN_SLOPES, of a stack alone: what a gradient needs
 * on its way back, in families without norms after blocks and without edits on heads' results.
 */
enum run_stores { RUN_ALL, RUN_STREAM, RUN_SLOPES };

/* One layer's sites; every array is [rows, width]. Those of a run have T rows and are shared between runs by count. */
struct layer_rows;

struct layer_sites {
	float *resid_pre, *q, *k, *v, *z, *attn_out, *resid_mid, *mlp_pre, *mlp_up, *mlp_post, *mlp_out, *resid_post;
	/*
	 * Of a mixture: [rows, X] the router's logits and the experts' weights, 0 where one is not chosen; [rows, chosen] who is,
	 * by number (router.h), as floats like all rows. The neurons of the first of them are the first in mlp_pre, mlp_up and
	 * mlp_post and so on; those of the shared expert are the last. NULL in a model without mixtures.
	 */
	float *router_logits, *expert_weights, *expert_chosen;
	/* [rows, H, K] of a short convolution, 0 in layers that attend as q, k, v are in it; NULL in a model without any */
	float *conv_in, *conv_gate;
	float *z_used; /* [rows, H, K] what W_O was given: z with the edits on `result`; the same array as z without any */
	/*
	 * [H, room, room] in a run, of which T by T are in use; in a stack [runs, H, T, T]; NULL in a sweep and in a run of the
	 * stream
	 */
	float *pattern;
	size_t pattern_room; /* from one query's row over keys to the next one's; later keys are 0 */
	float *post_scale;   /* [rows] scale of the norm on attention's output, where the family has one; or NULL */
	atomic_int refs;
	struct layer_rows *memory; /* all others */
	int from, to;		   /* the rows of it that these sites have brought in */
	float *z_memory;	   /* z_used's own, or NULL */
};

/* NULL: ERR_MEMORY. Not zeroed. */
struct layer_sites *layer_sites_new(const struct model *m, int rows, bool keep_pattern, struct err *err);
/*
 * For rows that pass by and leave nothing but the stream, keys and values: the others take turns in the same memory, and so
 * do k and v, unless the caller gives them memory of their own after this. No pattern. Not zeroed.
 */
struct layer_sites *layer_sites_lean(const struct model *m, int rows, struct err *err);
size_t layer_lean_bytes(const struct config *c); /* of a row */
/*
 * With room for more rows, and for how many in all. `passing`: memory for what a run of the stream does not keep, which its layers
 * use one after the other; NULL: all is kept.
 */
int layer_room(int rows);
float *layer_passing_new(const struct model *m, int rows, struct err *err); /* for big_free */
struct layer_sites *layer_sites_roomy(const struct model *m, int rows, float *passing, struct err *err);
/*
 * Sites with T rows, the first `rows` of which are those of s, where they are. NULL when that cannot be: when another has the
 * memory, there is not enough of it, or it keeps something else.
 */
struct layer_sites *layer_sites_go_on(const struct layer_sites *s, const struct model *m, int rows, int T, float *passing);
/*
 * Of `runs` runs over T positions each, which are computed together: rows and patterns of one after those of the other. `passing`
 * (layer_slopes_new): memory for what a gradient does not need on its way back, which layers use one after the other: RUN_SLOPES.
 * NULL: all is kept.
 */
struct layer_sites *layer_sites_stack(const struct model *m, int runs, int T, float *passing, struct err *err);
float *layer_slopes_new(const struct model *m, int rows, struct err *err); /* for big_free */
/* Bytes of the one, and of the other with and without `passing`. */
size_t layer_slopes_bytes(const struct config *c, int rows);
size_t layer_stack_bytes(const struct config *c, int runs, int T, bool passing);
/* Run number i of them: nothing of it is counted, and it ends with the stack. */
struct layer_sites layer_sites_of(const struct layer_sites *stack, const struct config *c, int i, int T);
/* What a pass works on, from that row on; the pattern as it is. */
struct layer_sites layer_sites_from(const struct layer_sites *s, const struct config *c, size_t row);
/* The layer is computed: what passed by is gone. */
void layer_sites_free_passing(struct layer_sites *s);
/* The first `rows` positions of one to another that has room for T. */
bool layer_sites_copy(struct layer_sites *to, const struct layer_sites *from, const struct model *m, int rows, int T,
		      struct err *err);
/* Keys and values in order for attention, as many rows as were brought in so far; made when first asked for. */
struct packed *layer_packed(const struct layer_sites *s, const struct config *c);
struct layer_sites *layer_sites_ref(struct layer_sites *s);
void layer_sites_unref(struct layer_sites *s);
/* Gives z_used memory of its own. */
bool layer_sites_split_z(struct layer_sites *s, const struct model *m, int rows, struct err *err);

/* The weights of one query in the pattern: float[T], 0 for later keys. */
static inline float *layer_weights(const struct layer_sites *s, int head, int query)
{
	return s->pattern + ((size_t)head * s->pattern_room + (size_t)query) * s->pattern_room;
}

/*
 * Base pointer of a stored site (run_width is its width); NULL for derived ones and those that are not kept. SITE_PATTERN is not
 * handled here.
 */
float *layer_site(const struct layer_sites *s, enum site site);

#endif
