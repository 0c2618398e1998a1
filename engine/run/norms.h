/*
 * norms.h - the norms before attention, before the MLP and behind the last layer, under edits that keep their scale: `ln1 5 freeze` divides
 * by what the unedited run divided by there, while layer norm still takes the mean off. TransformerLens' hook_scale, held.
 */
#ifndef LMSCOPE_ENGINE_RUN_NORMS_H
#define LMSCOPE_ENGINE_RUN_NORMS_H

#include "engine/model/model.h"
#include "engine/run/edit.h"

/* One of the sites ln1, ln2, ln_final: the norm there, and the stream that it reads. */
const struct norm *norms_at(const struct model *m, enum site site, int layer);
const float *norms_input(const struct run *r, enum site site, int layer, int position);

/* The edits of a run or a variant, and where. */
struct norm_place {
	const struct model *model;
	const struct edit *const *edit;	/* [edits] */
	int edits;
	enum site site;
	int layer;			/* of ln_final: the number of layers */
};

/* Whether an edit keeps a scale there at any position. */
bool norms_any_kept(const struct norm_place *p);
/* y[D] of x[D]; scale (may be NULL) receives what was used, 1 / sqrt(…). y may be x. */
void norms_apply(const struct norm_place *p, int position, const float *x, float *y, float *scale);
/* Back: d[D] at its output to g[D] (may be d) at its input x; frozen: as in model_norm_back. A scale that is kept does not answer to x. */
void norms_back(const struct norm_place *p, int position, const float *x, bool frozen, const float *d, float *g);

#endif
