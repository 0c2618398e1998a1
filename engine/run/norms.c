/* norms.c - see norms.h. */
#include "engine/run/norms.h"

#include "engine/run/run.h"

const struct norm *norms_at(const struct model *m, enum site site, int layer)
{
	if (site == SITE_LN_FINAL)
		return &m->ln_final;
	return site == SITE_LN1 || m->config.parallel_shared_norm ? &m->layers[layer].ln1 : &m->layers[layer].ln2;
}

const float *norms_input(const struct run *r, enum site site, int layer, int position)
{
	const struct config *c = &r->model->config;

	if (site == SITE_LN_FINAL)
		return run_at(r, SITE_RESID_POST, c->L - 1, position);
	return run_at(r, site == SITE_LN1 || c->parallel ? SITE_RESID_PRE : SITE_RESID_MID, layer, position);
}

/* Where one norm serves attention and MLP, what keeps it for the one keeps it for both. */
static bool hits(const struct norm_place *p, const struct edit *e)
{
	enum site site = p->site == SITE_LN2 && p->model->config.parallel_shared_norm ? SITE_LN1 : p->site;

	return edit_hits(e, site, p->layer);
}

bool norms_any_kept(const struct norm_place *p)
{
	int e = 0;

	while (e < p->edits && !hits(p, p->edit[e]))
		e++;
	return e < p->edits;
}

/* The scale that is kept at a position; NULL: the norm's own. */
static const float *kept(const struct norm_place *p, int position)
{
	for (int e = p->edits - 1; e >= 0; e--)
		if (hits(p, p->edit[e]) && edit_covers(p->edit[e], position))
			return &p->edit[e]->vector[position];
	return NULL;
}

void norms_apply(const struct norm_place *p, int position, const float *x, float *y, float *scale)
{
	const struct norm *norm = norms_at(p->model, p->site, p->layer);
	const float *own = kept(p, position);

	if (own)
		model_norm_with(p->model, norm, *own, x, y);
	else
		model_norm(p->model, norm, x, 1, y, scale);
	if (own && scale)
		*scale = *own;
}

void norms_back(const struct norm_place *p, int position, const float *x, bool frozen, const float *d, float *g)
{
	const struct norm *norm = norms_at(p->model, p->site, p->layer);
	const float *own = kept(p, position);

	if (own)
		model_norm_with_back(p->model, norm, *own, d, g);
	else
		model_norm_back(p->model, norm, x, 1, frozen, d, g);
}
