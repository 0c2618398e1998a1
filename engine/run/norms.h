/*
 * norms.h - the norms that a layer reads through (ln1, ln2), those after its blocks (ln1_post, ln2_post) and on its queries and
 * keys (q_norm, k_norm), and the last one (ln_final), under edits that keep their scale: `ln1 5 freeze` divides by what the
 * unedited run divided by there, while layer norm still takes the mean off. TransformerLens' hook_scale, held.
 */
#ifndef LMSCOPE_ENGINE_RUN_NORMS_H
#define LMSCOPE_ENGINE_RUN_NORMS_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/model/model.h"
#include "engine/run/edit.h"

/* Whether a site is the scale of a norm. */
bool norms_is(enum site site);
/* The norm at such a site, of a layer. It may not be there. */
const struct norm *norms_at(const struct model *m, enum site site, int layer);
/* Scales of one position: 1, or one for each head that is normalised by itself. */
int norms_parts(const struct config *c, enum site site);

/* Is the stream the sum of what is written to it? false: the error says that it is not, since norms are on the stream itself. */
bool norms_off_stream(const struct config *c, struct err *err);

/* The edits of a run or a variant, and where. */
struct edited_norm {
	const struct model *model;
	const struct edit *const *edit; /* [edits] */
	int edits;
	enum site site;
	int layer; /* of ln_final: the number of layers */
};

/* Whether an edit keeps a scale there, at any position, or at this one. */
bool norms_any_kept(const struct edited_norm *p);
bool norms_kept(const struct edited_norm *p, int position);
/*
 * y of x, a whole row: [D], or [heads, K] of queries or keys. scale[parts] (may be NULL) receives what was used, 1 / sqrt(…). y
 * may be x.
 */
void norms_apply(const struct edited_norm *p, int position, const float *x, float *y, float *scale);
/*
 * Back: d at its output to g (may be d) at its input x; frozen: the scale is taken as constant. One that is kept does not answer
 * to x.
 */
void norms_back(const struct edited_norm *p, int position, const float *x, bool frozen, const float *d, float *g);

/* Σ bias · d of the norm's own bias, d at its output. */
double norms_bias_share(const struct edited_norm *p, const float *d);

/* What a stored stream holds of the input of ln1, ln2 or ln_final: [D]. */
const float *norms_input(const struct run *r, enum site site, int layer, int position);
/* The stored site from which norms_scales computes, or SITE_NONE when every run has it. */
enum site norms_source(enum site site);
/* The scales of a run: [T, parts], from `arena`; NULL: ERR_MEMORY. */
float *norms_scales(const struct run *r, enum site site, int layer, struct arena *arena, struct err *err);

#endif
