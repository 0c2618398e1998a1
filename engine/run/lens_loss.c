/* lens_loss.c - see lens_loss.h. A few rows at a time: what is made of the vocabulary for them is all that is large. */
#include "engine/run/lens_loss.h"

#include <string.h>

#include "engine/numbers/dense.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/norms.h"

enum { ROWS = 64, BLOCK = 64 };

struct lens_loss {
	const struct model *m;
	struct lens_plan plan;
	int n;		    /* rows of this go */
	float *p, *q, *d;   /* [ROWS, V] the output's distribution; a layer's logits; what comes back */
	double *own, *kl;   /* [ROWS] sum of p log p; of this layer */
	const float *h;	    /* [n, D] what is translated: the stream that enters the layer, or what a head writes */
	float *written;	    /* [ROWS, D] by a head; NULL where the stream is read */
	float *y, *z, *g;   /* [ROWS, D] translated, normalised, the gradient at either */
	float *turned;	    /* [D, ROWS] the gradient, a channel a row */
	const float *W, *b; /* the layer's translator */
	float *gW;	    /* [D, D] its gradient */
	bool slope;
};

struct lens_loss *lens_loss_new(const struct model *m, const struct lens_plan *plan, struct arena *arena, struct err *err)
{
	const size_t V = (size_t)m->config.V, D = (size_t)m->config.D;
	struct lens_loss *s = arena_alloc(arena, sizeof *s);

	*s = (struct lens_loss){ .m = m,
				 .plan = *plan,
				 .p = arena_floats(arena, ROWS * V, err),
				 .q = arena_floats(arena, ROWS * V, err),
				 .d = arena_floats(arena, ROWS * V, err),
				 .own = arena_alloc(arena, ROWS * sizeof *s->own),
				 .kl = arena_alloc(arena, ROWS * sizeof *s->kl),
				 .y = arena_floats(arena, ROWS * D, err),
				 .z = arena_floats(arena, ROWS * D, err),
				 .g = arena_floats(arena, ROWS * D, err),
				 .turned = arena_floats(arena, ROWS * D, err) };
	if (plan->heads && !(s->written = arena_floats(arena, ROWS * D, err)))
		return NULL;
	return s->p && s->q && s->d && s->y && s->z && s->g && s->turned ? s : NULL;
}

static double product(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

/* Logits of the output to its distribution, in place. */
static void output_row(void *context, int i)
{
	struct lens_loss *s = context;
	const size_t V = (size_t)s->m->config.V;
	float *p = s->p + (size_t)i * V, *logits = s->d + (size_t)i * V; /* d is free now */
	float lse;

	memcpy(logits, p, V * sizeof *p);
	lse = kernel_softmax(p, V);
	s->own[i] = product(p, logits, V) - (double)lse;
}

static void layer_row(void *context, int i)
{
	struct lens_loss *s = context;
	const size_t V = (size_t)s->m->config.V;
	const float *p = s->p + (size_t)i * V, *q = s->q + (size_t)i * V;
	float *d = s->d + (size_t)i * V;

	if (s->slope) {
		memcpy(d, q, V * sizeof *d);
		s->kl[i] = s->own[i] - product(p, q, V) + (double)kernel_softmax(d, V);
		for (size_t k = 0; k < V; k++)
			d[k] -= p[k];
	} else {
		s->kl[i] = s->own[i] - product(p, q, V) + (double)kernel_log_sum_exp(q, V);
	}
}

static int blocks(const struct lens_loss *s)
{
	return (s->m->config.D + BLOCK - 1) / BLOCK;
}

static int block_width(const struct lens_loss *s, int block)
{
	const int left = s->m->config.D - block * BLOCK;

	return left < BLOCK ? left : BLOCK;
}

/* Some channels of y = h + h Wᵀ + b. */
static void translate_block(void *context, int block)
{
	const struct lens_loss *s = context;
	const int D = s->m->config.D, from = block * BLOCK, width = block_width(s, block);
	struct dense w;

	dense_init(&w, D, width);
	dense_set_columns(&w, 0, width, s->W + (size_t)from * (size_t)D, (size_t)D);
	dense_apply(&w, 0, D, width, s->h, (size_t)D, s->n, s->y + from, (size_t)D, false);
	dense_done(&w);
	for (size_t i = 0; i < (size_t)s->n; i++) {
		float *y = s->y + i * (size_t)D + (size_t)from;

		kernel_add(s->h + i * (size_t)D + (size_t)from, y, y, (size_t)width);
		kernel_add(y, s->b + from, y, (size_t)width);
	}
}

/* Some columns of gW += gᵀ h. */
static void gather_block(void *context, int block)
{
	const struct lens_loss *s = context;
	const int D = s->m->config.D, from = block * BLOCK, width = block_width(s, block);
	struct dense h;

	dense_init(&h, s->n, width);
	dense_set_rows(&h, 0, s->n, s->h + from, (size_t)D);
	dense_apply(&h, 0, s->n, width, s->turned, (size_t)s->n, D, s->gW + from, (size_t)D, true);
	dense_done(&h);
}

/* From the logits back to the translator. */
static void go_back(struct lens_loss *s, float *g)
{
	const size_t D = (size_t)s->m->config.D;
	const struct edited_norm norm = { .model = s->m, .site = SITE_LN_FINAL, .layer = s->m->config.L };

	model_unembed_back(s->m, s->q, s->n, false, s->d, s->g);
	for (size_t i = 0; i < (size_t)s->n; i++) {
		norms_back(&norm, 0, s->y + i * D, false, s->g + i * D, s->g + i * D);
		for (size_t k = 0; k < D; k++)
			s->turned[k * (size_t)s->n + i] = s->g[i * D + k];
		kernel_add(g + D * D, s->g + i * D, g + D * D, D);
	}
	s->gW = g;
	pool_run(blocks(s), gather_block, s);
}

static const float *rows_of(struct lens_loss *s, const struct run *r, int unit, int from)
{
	int head, layer = lens_plan_layer(&s->plan, s->m, unit, &head);

	if (head < 0)
		return run_at(r, SITE_RESID_PRE, layer, from);
	for (int i = 0; i < s->n; i++)
		run_result(r, layer, head, from + i, s->written + (size_t)i * (size_t)s->m->config.D);
	return s->written;
}

static void add_unit(struct lens_loss *s, const float *translator, double *sum, float *g)
{
	const size_t D = (size_t)s->m->config.D;

	s->W = translator;
	s->b = translator + D * D;
	s->slope = g != NULL;
	pool_run(blocks(s), translate_block, s);
	model_final_norm(s->m, s->y, s->n, s->z, NULL);
	model_unembed(s->m, s->z, s->n, s->q);
	pool_run(s->n, layer_row, s);
	for (int i = 0; i < s->n; i++)
		*sum += s->kl[i];
	if (g)
		go_back(s, g);
}

/* The distribution of the output, at the positions that translators from here on foresee. */
static void take_output(struct lens_loss *s, const struct run *r, int from)
{
	model_final_norm(s->m, run_at(r, SITE_RESID_POST, s->m->config.L - 1, from + s->plan.ahead), s->n, s->z, NULL);
	model_unembed(s->m, s->z, s->n, s->p);
	pool_run(s->n, output_row, s);
}

bool lens_loss_add(struct lens_loss *s, const float *translators, const struct run *r, double *sum, float *g, struct task *task,
		   struct err *err)
{
	const size_t each = lens_plan_floats(s->m);
	const int units = lens_plan_units(&s->plan, s->m), rows = r->T - s->plan.ahead;

	for (int from = 0; from < rows; from += ROWS) {
		s->n = rows - from < ROWS ? rows - from : ROWS;
		take_output(s, r, from);
		for (int u = 0; u < units; u++) {
			if (!task_going(task, err))
				return false;
			s->h = rows_of(s, r, u, from);
			add_unit(s, translators + (size_t)u * each, &sum[u], g ? g + (size_t)u * each : NULL);
		}
	}
	return true;
}
