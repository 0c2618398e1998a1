/* mix_attention_back.c - attention's way back: see mixer.h. Softmax and its products are attention_back.c's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/attention_back.h"
#include "engine/run/backward_inner.h"
#include "engine/run/mixer.h"
#include "engine/run/norms.h"

/* Heads of a group share keys and values: heads[rows, H, K] is summed to g[rows, G, K]. */
static void sum_groups(const struct config *c, const float *heads, size_t rows, float *g)
{
	size_t K = (size_t)c->K, HK = (size_t)c->H * K, GK = (size_t)c->G * K;

	memset(g, 0, rows * GK * sizeof *g);
	for (size_t r = 0; r < rows; r++)
		for (int h = 0; h < c->H; h++) {
			float *to = g + r * GK + (size_t)config_kv_head(c, h) * K;

			kernel_add(to, heads + r * HK + (size_t)h * K, to, K);
		}
}

/* Queries, keys or values: how they are made of the normalised stream. */
struct projection {
	enum site site;
	const struct matrix *W;
	const float *bias;
	enum site norm; /* on heads; SITE_NONE for values */
	int heads;
	bool turned; /* by rotary positions */
};

/* Back through clipping, of which x[n] is what came out. */
static void clip_back(const struct backward *b, const float *x, size_t n, float *d)
{
	const float clip = b->run->model->config.qkv_clip;

	for (size_t i = 0; clip > 0 && i < n; i++) {
		const bool passes = fabsf(x[i]) < clip;

		if (b->lost && !passes)
			b->lost->activation += (double)x[i] * (double)d[i];
		d[i] = passes ? d[i] : 0;
	}
}

/* The same where it comes after the norm, of x as the matrix gave it. */
static void normed_clip_back(const struct backward *b, int l, const struct projection *p, const float *x, float *d)
{
	const struct run *run = b->run;
	const struct edited_norm place = { run->model, run->edit_list, run->edits, p->norm, l };
	const size_t width = (size_t)(p->heads * run->model->config.K);
	const float clip = run->model->config.qkv_clip;
	float *y = xmalloc(width * sizeof *y);

	for (size_t r = 0; clip > 0 && r < (size_t)b->rows; r++) {
		norms_apply(&place, backward_position(b, r), x + r * width, y, NULL);
		for (size_t i = 0; i < width; i++)
			y[i] = fminf(fmaxf(y[i], -clip), clip);
		clip_back(b, y, width, d + r * width);
	}
	free(y);
}

/* Back through norm on heads and clipping, in place in d[rows, heads, K]; x is what the matrix gave, and is clipped here. */
static void heads_back(const struct backward *b, int l, const struct projection *p, float *x, float *d)
{
	const struct config *c = &b->run->model->config;
	size_t width = (size_t)(p->heads * c->K), n = (size_t)b->rows * width;

	if (c->clip_normed && p->norm != SITE_NONE) {
		normed_clip_back(b, l, p, x, d);
		backward_norm(b, p->norm, l, x, width, d);
		return;
	}
	for (size_t i = 0; c->qkv_clip > 0 && i < n; i++)
		x[i] = fminf(fmaxf(x[i], -c->qkv_clip), c->qkv_clip);
	if (p->norm != SITE_NONE)
		backward_norm(b, p->norm, l, x, width, d);
	clip_back(b, x, n, d);
}

/* From d at a stored site to the stream that was read: normed += … */
static void project_back(const struct backward *b, int l, const struct projection *p, const float *d)
{
	const struct config *c = &b->run->model->config;
	const struct rotary *r = config_rotary(c, l);
	const int which = r != &c->rotary;
	size_t width = (size_t)(p->heads * c->K), rows = (size_t)b->rows;

	memcpy(b->wide, d, rows * width * sizeof *d);
	backward_edits(b, l, p->site, b->wide);
	for (size_t i = 0; p->site == SITE_Q && c->query_growth != 0 && i < rows; i++) {
		const float by = config_query_scale(c, backward_position(b, i));

		for (size_t k = 0; k < width; k++)
			b->wide[i * width + k] *= by;
	}
	for (size_t i = 0; p->turned && i < rows; i++) {
		const size_t at = (size_t)backward_position(b, i) * (size_t)r->pairs;

		for (int h = 0; h < p->heads; h++)
			kernel_rotary(b->wide + i * width + (size_t)(h * c->K), b->cosine[which] + at, b->sine[which] + at,
				      r->pairs, r->interleaved);
	}
	if (c->qkv_clip > 0 || (p->norm != SITE_NONE && norms_at(b->run->model, p->norm, l)->there)) {
		backward_product(p->W, p->bias, b->read, b->rows, b->inner);
		heads_back(b, l, p, b->inner, b->wide);
	}
	lost_bias(b->lost, p->bias, b->wide, rows, width);
	backward_read(b, p->W, b->wide, width);
}

void mix_attention_back(const struct backward *b, int l, const float *z, struct layer_sites *s)
{
	const struct config *c = &b->run->model->config;
	const struct layer *y = &b->run->model->layers[l];
	const bool turned = c->position == POSITION_ROTARY && !(c->no_rotary && c->no_rotary[l]);
	const struct projection q = { SITE_Q, y->W_Q, y->b_Q, SITE_Q_NORM, c->H, turned };
	const struct projection k = { SITE_K, y->W_K, y->b_K, SITE_K_NORM, c->G, turned };
	const struct projection v = { SITE_V, y->W_V, y->b_V, SITE_NONE, c->G, false };

	mix_conv_no_gradient(b, s);
	attention_back(b, l, z, s);
	sum_groups(c, b->head_k, (size_t)b->rows, s->k);
	sum_groups(c, b->head_v, (size_t)b->rows, s->v);
	backward_seeds(b, l, SITE_V, s->v);
	project_back(b, l, &q, s->q);
	project_back(b, l, &k, s->k);
	project_back(b, l, &v, s->v);
}
