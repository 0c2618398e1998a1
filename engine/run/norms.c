/* norms.c - see norms.h. */
#include "engine/run/norms.h"

#include <math.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/norm_backward.h"
#include "engine/run/run.h"

bool norms_is(enum site site)
{
	return site_table[site].width == '1' || site == SITE_LN_FINAL;
}

static bool on_heads(enum site site)
{
	return site == SITE_Q_NORM || site == SITE_K_NORM;
}

bool norms_off_stream(const struct config *c, struct err *err)
{
	return !c->stream_normed ||
	       err_set(err, ERR_ARGUMENT,
		       "the stream of this %s model is not the sum of what is written to it, since each block adds to what its "
		       "norm gives: it cannot be taken apart into writes",
		       c->family);
}

const struct norm *norms_at(const struct model *m, enum site site, int layer)
{
	const struct layer *y = &m->layers[layer < m->config.L ? layer : 0];

	switch (site) {
	case SITE_LN1:
		return &y->ln1;
	case SITE_LN2:
		return m->config.parallel_shared_norm ? &y->ln1 : &y->ln2;
	case SITE_LN1_POST:
		return &y->ln1_post;
	case SITE_LN2_POST:
		return &y->ln2_post;
	case SITE_Q_NORM:
		return &y->q_norm;
	case SITE_K_NORM:
		return &y->k_norm;
	default:
		return &m->ln_final;
	}
}

/* How a row is cut into parts, each of which has a scale of its own. */
struct shape {
	bool centred;
	int parts;
	size_t width; /* of a part */
	size_t gains; /* from one part's gains to the next one's: 0 when all have the same */
};

static struct shape shape_of(const struct config *c, enum site site)
{
	const int heads = site == SITE_Q_NORM ? c->H : c->G;
	const size_t K = (size_t)c->K;

	if (!on_heads(site))
		return (struct shape){ c->norm == NORM_LAYER, 1, (size_t)c->D, 0 };
	if (c->qk_span == QK_WHOLE)
		return (struct shape){ c->qk_norm == NORM_LAYER, 1, (size_t)heads * K, 0 };
	return (struct shape){ c->qk_norm == NORM_LAYER, heads, K, c->qk_span == QK_OWN ? K : 0 };
}

int norms_parts(const struct config *c, enum site site)
{
	return shape_of(c, site).parts;
}

/* Where one norm serves attention and MLP, what keeps it for the one keeps it for both. */
static bool hits(const struct edited_norm *p, const struct edit *e)
{
	enum site site = p->site == SITE_LN2 && p->model->config.parallel_shared_norm ? SITE_LN1 : p->site;

	return edit_hits(e, site, p->layer);
}

bool norms_any_kept(const struct edited_norm *p)
{
	int e = 0;

	while (e < p->edits && !hits(p, p->edit[e]))
		e++;
	return e < p->edits;
}

/* The scale that is kept at a position; NULL: the norm's own. */
static const float *kept(const struct edited_norm *p, int position, int part)
{
	for (int e = p->edits - 1; e >= 0; e--)
		if (hits(p, p->edit[e]) && edit_covers(p->edit[e], position) && edit_has_unit(p->edit[e], part))
			return &p->edit[e]->vector[position * norms_parts(&p->model->config, p->site) + part];
	return NULL;
}

bool norms_kept(const struct edited_norm *p, int position)
{
	return kept(p, position, 0) != NULL;
}

void norms_apply(const struct edited_norm *p, int position, const float *x, float *y, float *scale)
{
	const struct norm *norm = norms_at(p->model, p->site, p->layer);
	const struct shape s = shape_of(&p->model->config, p->site);
	const float eps = p->model->config.norm_eps;

	for (int i = 0; i < s.parts; i++) {
		const size_t at = (size_t)i * s.width, own = (size_t)i * s.gains;
		const float *gain = norm->gain ? norm->gain + own : NULL, *bias = norm->bias ? norm->bias + own : NULL;
		const float *held = p->edits ? kept(p, position, i) : NULL;
		float used = held ? *held : 1;

		if (!norm->there) {
			if (y != x)
				memcpy(y + at, x + at, s.width * sizeof *y);
		} else if (held) {
			kernel_norm_with(s.centred, x + at, used, gain, bias, y + at, s.width);
		} else if (s.centred) {
			used = kernel_layer_norm(x + at, gain, bias, eps, y + at, s.width);
		} else {
			used = kernel_rms_norm(x + at, gain, eps, y + at, s.width);
		}
		if (scale)
			scale[i] = used;
	}
}

void norms_back(const struct edited_norm *p, int position, const float *x, bool frozen, const float *d, float *g)
{
	const struct norm *norm = norms_at(p->model, p->site, p->layer);
	const struct shape s = shape_of(&p->model->config, p->site);
	const float eps = p->model->config.norm_eps;

	for (int i = 0; i < s.parts; i++) {
		const size_t at = (size_t)i * s.width;
		const float *gain = norm->gain ? norm->gain + (size_t)i * s.gains : NULL;
		const float *held = p->edits ? kept(p, position, i) : NULL;

		if (!norm->there) {
			if (g != d)
				memcpy(g + at, d + at, s.width * sizeof *g);
		} else if (held) {
			back_norm_with(s.centred, *held, gain, d + at, g + at, s.width);
		} else if (s.centred) {
			back_layer_norm(x + at, gain, eps, frozen, d + at, g + at, s.width);
		} else {
			back_rms_norm(x + at, gain, eps, frozen, d + at, g + at, s.width);
		}
	}
}

double norms_bias_share(const struct edited_norm *p, const float *d)
{
	const struct norm *norm = norms_at(p->model, p->site, p->layer);
	const struct shape s = shape_of(&p->model->config, p->site);
	double sum = 0;

	for (int i = 0; norm->there && norm->bias && i < s.parts; i++)
		sum += (double)kernel_dot(norm->bias + (size_t)i * s.gains, d + (size_t)i * s.width, s.width);
	return sum;
}

/* ---- the scales of a run ---- */

const float *norms_input(const struct run *r, enum site site, int layer, int position)
{
	const struct config *c = &r->model->config;

	if (site == SITE_LN_FINAL)
		return run_at(r, SITE_RESID_POST, c->L - 1, position);
	return run_at(r, site == SITE_LN1 || c->parallel ? SITE_RESID_PRE : SITE_RESID_MID, layer, position);
}

enum site norms_source(enum site site)
{
	return site == SITE_LN2_POST ? SITE_MLP_POST : SITE_NONE;
}

/* What queries, keys or a block's write are made from, by which matrix, and what is added. */
struct norm_product {
	const struct matrix *W;
	const float *bias, *x;
	float clip;
};

static bool product_of(const struct run *r, enum site site, int layer, struct norm_product *of, struct arena *arena,
		       struct err *err)
{
	const struct config *c = &r->model->config;
	const struct layer *y = &r->model->layers[layer];
	const struct edited_norm read = { r->model, r->edit_list, r->edits, SITE_LN1, layer };
	float *normed;

	if (site == SITE_LN2_POST) {
		*of = (struct norm_product){ y->W_out, y->b_out, run_at(r, SITE_MLP_POST, layer, 0), 0 };
		return true;
	}
	*of = site == SITE_Q_NORM ? (struct norm_product){ y->W_Q, y->b_Q, NULL, c->clip_normed ? 0 : c->qkv_clip }
				  : (struct norm_product){ y->W_K, y->b_K, NULL, c->clip_normed ? 0 : c->qkv_clip };
	of->x = normed = arena_floats(arena, (size_t)r->T * (size_t)c->D, err);
	for (int t = 0; normed && t < r->T; t++)
		norms_apply(&read, t, run_at(r, SITE_RESID_PRE, layer, t), normed + (size_t)t * (size_t)c->D, NULL);
	return normed != NULL;
}

/* Rows that are kept nowhere before their norm: they are made again. */
static float *made_again(const struct run *r, enum site site, int layer, struct arena *arena, struct err *err)
{
	struct norm_product of;
	size_t in, out;
	float *x;

	if (!product_of(r, site, layer, &of, arena, err))
		return NULL;
	in = (size_t)matrix_in(of.W);
	out = (size_t)matrix_out(of.W);
	if (!(x = arena_floats(arena, (size_t)r->T * out, err)))
		return NULL;
	matrix_apply(of.W, of.x, in, r->T, x, out);
	for (size_t t = 0; of.bias && t < (size_t)r->T; t++)
		kernel_add(x + t * out, of.bias, x + t * out, out);
	for (size_t i = 0; of.clip > 0 && i < (size_t)r->T * out; i++)
		x[i] = fminf(fmaxf(x[i], -of.clip), of.clip);
	return x;
}

float *norms_scales(const struct run *r, enum site site, int layer, struct arena *arena, struct err *err)
{
	const struct config *c = &r->model->config;
	const struct edited_norm place = { r->model, r->edit_list, r->edits, site, layer };
	const struct shape s = shape_of(c, site);
	const bool stored = site == SITE_LN1 || site == SITE_LN2 || site == SITE_LN_FINAL;
	const size_t width = (size_t)s.parts * s.width;
	float *scale = arena_floats(arena, (size_t)r->T * (size_t)s.parts, err), *y = arena_floats(arena, width, err), *x = NULL;

	if (!scale || !y)
		return NULL;
	if (site == SITE_LN1_POST) {
		memcpy(scale, r->layer[layer]->post_scale, (size_t)r->T * sizeof *scale);
		return scale;
	}
	if (!stored && !(x = made_again(r, site, layer, arena, err)))
		return NULL;
	for (int t = 0; t < r->T; t++)
		norms_apply(&place, t, stored ? norms_input(r, site, layer, t) : x + (size_t)t * width, y, scale + t * s.parts);
	return scale;
}
