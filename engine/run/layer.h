/*
 * layer.h - the stored sites of one layer, counted, shared between runs that agree up to there.
 *
 * Their rows stand in memory that may have room for a few more: a run that goes on where another ends writes its rows there, if
 * nobody else did, and has the other's rows without a copy.
 */
#ifndef LMSCOPE_ENGINE_RUN_LAYER_H
#define LMSCOPE_ENGINE_RUN_LAYER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/model/model.h"
#include "engine/run/site.h"

/* One layer's sites; every array is [rows, width]. Those of a run have T rows and are shared between runs by count. */
struct layer_rows;

struct layer_sites {
	float *resid_pre, *q, *k, *v, *z, *attn_out, *resid_mid, *mlp_pre, *mlp_up, *mlp_post, *mlp_out, *resid_post;
	float *z_used;		/* [rows, H, K] what W_O was given: z with the edits on `result`; the same array as z without any */
	float *pattern;		/* [H, T, T] in a run, memory of its own; NULL in a sweep, which does not keep it */
	float *post_scale;	/* [rows] scale of the norm on attention's output, where the family has one; or NULL */
	atomic_int refs;
	struct layer_rows *memory;	/* all others */
	int from, to;		/* the rows of it that these sites have brought in */
	float *z_memory;	/* z_used's own, or NULL */
};

/* NULL: ERR_MEMORY. Not zeroed. */
struct layer_sites *layer_sites_new(const struct model *m, int rows, bool keep_pattern, struct err *err);
/* With room for more rows, and for how many in all. */
int layer_room(int rows);
struct layer_sites *layer_sites_roomy(const struct model *m, int rows, struct err *err);
/* Sites with T rows, the first `rows` of which are those of s, where they stand; the pattern is new. NULL when that cannot be: without
 * an error, when another has the memory or there is not enough of it. */
struct layer_sites *layer_sites_go_on(const struct layer_sites *s, const struct model *m, int rows, int T, struct err *err);
/* The first `rows` positions, from a run with from_T positions to one with T; the pattern alone where the sites have them already. */
bool layer_sites_copy(struct layer_sites *to, const struct layer_sites *from, const struct model *m, int rows, int T, int from_T,
		      bool pattern_alone, struct err *err);
struct layer_sites *layer_sites_ref(struct layer_sites *s);
void layer_sites_unref(struct layer_sites *s);
/* Gives z_used memory of its own. */
bool layer_sites_split_z(struct layer_sites *s, const struct model *m, int rows, struct err *err);

/* Base pointer of a stored site (run_width is its width); NULL for derived ones. SITE_PATTERN is not handled here. */
float *layer_site(const struct layer_sites *s, enum site site);

#endif
