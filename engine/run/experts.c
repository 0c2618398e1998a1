/* experts.c - see experts.h. */
#include "engine/run/experts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/expert_rows.h"
#include "engine/run/rows.h"

enum { GRAIN = 4 }; /* rows of a chunk */

/* ---- edits ---- */

bool experts_rule(const struct config *c, const struct edit *const *edit, int edits, int layer, int position, unsigned char *rule)
{
	bool any = false;

	memset(rule, RULING_NONE, (size_t)c->experts.X);
	for (int i = 0; i < edits; i++) {
		const struct edit *e = edit[i];

		if (!edit_rules(e) || !edit_hits(e, SITE_EXPERT, layer) || !edit_covers(e, position))
			continue;
		any = true;
		for (int x = 0; x < c->experts.X; x++)
			if (edit_has_unit(e, x))
				rule[x] = e->op == EDIT_FORBID ? RULING_FORBIDDEN : RULING_FORCED;
	}
	return any;
}

void experts_touch(const struct config *c, const struct edit *const *edit, int edits, int layer, int expert, int position, float *x)
{
	for (int i = 0; i < edits; i++)
		if (edit_hits(edit[i], SITE_EXPERT, layer) && edit_has_unit(edit[i], expert) && edit_covers(edit[i], position))
			edit_apply_expert(edit[i], c, expert, position, x);
}

/* ---- the router ---- */

static void route(const struct rows *r, int row)
{
	const struct config *c = &r->p->model->config;
	const struct variant *v = &r->p->variant[rows_variant(r->p, row)];
	const size_t X = (size_t)c->experts.X;
	const int t = rows_position(r, row);
	float *logits = r->s->router_logits + (size_t)row * X, *weights = r->s->expert_weights + (size_t)row * X;
	const bool edited = rows_touches(r, row, rows_bit(SITE_EXPERT));
	unsigned char *rule = edited ? xmalloc(X) : NULL;
	struct routing routing = { &c->experts, logits, r->layer->b_choice, NULL };

	rows_touch(r, row, SITE_ROUTER_LOGITS, logits);
	for (int i = 0; edited && i < v->edits; i++)
		if (edit_hits(v->edit[i], SITE_EXPERT, r->l) && edit_covers(v->edit[i], t))
			edit_bias_router(v->edit[i], c, logits);
	if (rule && experts_rule(c, v->edit, v->edits, r->l, t, rule))
		routing.rule = rule;
	router_choose(&routing, weights, r->s->expert_chosen + (size_t)row * (size_t)c->experts.chosen);
	rows_touch(r, row, SITE_EXPERT_WEIGHTS, weights);
	free(rule);
}

/* ---- one expert ---- */

/* Some rows on their way through an expert. */
struct expert_pass {
	const struct rows *r;
	const struct expert_rows *rows;
	int expert, from, n;
	float *x, *pre, *up, *y; /* [n, D], [n, F], [n, F], [n, D] */
};

/* One row's neurons, pre[n] and up[n] of the products: kept as sites from neuron `at` on, and pre[n] becomes mlp_post. */
static void activate(const struct rows *r, size_t at, float *pre, const float *up, size_t n)
{
	const struct curve curve = config_curve(&r->p->model->config, r->l);
	float *post = r->s->mlp_post + at;

	memcpy(r->s->mlp_pre + at, pre, n * sizeof *pre);
	memcpy(r->s->mlp_up + at, up, n * sizeof *up);
	curve_apply(&curve, pre, post, n);
	for (size_t k = 0; k < n; k++)
		post[k] *= up[k];
	memcpy(pre, post, n * sizeof *pre);
}

static void activate_one(void *context, int i)
{
	const struct expert_pass *g = context;
	const struct config *c = &g->r->p->model->config;
	const size_t F = (size_t)c->experts.F;

	activate(g->r, expert_neurons(g->rows, c, g->from + i), g->pre + (size_t)i * F, g->up + (size_t)i * F, F);
}

static void add_one(void *context, int i)
{
	const struct expert_pass *g = context;
	const struct pass *p = g->r->p;
	const struct config *c = &p->model->config;
	const int row = g->rows->entry[g->from + i].row;
	const struct variant *v = &p->variant[rows_variant(p, row)];
	const size_t D = (size_t)c->D;
	float *y = g->y + (size_t)i * D, *out = g->r->s->mlp_out + (size_t)row * D;
	const float by = g->r->s->expert_weights[row * c->experts.X + g->expert] * c->residual_scale;

	for (size_t k = 0; k < D; k++)
		y[k] *= by;
	if (rows_touches(g->r, row, rows_bit(SITE_EXPERT)))
		experts_touch(c, v->edit, v->edits, g->r->l, g->expert, rows_position(g->r, row), y);
	kernel_add(out, y, out, D);
}

static void pass_through(struct expert_pass *g)
{
	const struct config *c = &g->r->p->model->config;
	const struct expert *e = &g->r->layer->expert[g->expert];
	const struct matrix *in[] = { e->W_gate, e->W_in };
	const size_t D = (size_t)c->D, F = (size_t)c->experts.F;
	float *const out[] = { g->pre, g->up };

	for (int i = 0; i < g->n; i++)
		memcpy(g->x + (size_t)i * D, g->r->p->scratch + (size_t)g->rows->entry[g->from + i].row * D, D * sizeof *g->x);
	matrix_apply_each(in, 2, g->x, D, g->n, out);
	pool_run(g->n, activate_one, g);
	matrix_apply(e->W_out, g->pre, F, g->n, g->y, D);
	if (rows_edited(g->r->p, SITE_EXPERT)) /* an edit may start products of its own */
		for (int i = 0; i < g->n; i++)
			add_one(g, i);
	else
		pool_run(g->n, add_one, g);
}

static void chosen_experts(const struct rows *r)
{
	const struct config *c = &r->p->model->config;
	const size_t D = (size_t)c->D, F = (size_t)c->experts.F;
	struct expert_rows *rows = expert_rows_new(c, r->s->expert_chosen, r->n);
	const size_t most = (size_t)expert_rows_most(rows, c);
	float *room = xmalloc((most * 2 * (D + F) + 1) * sizeof *room);

	for (int x = 0; x < c->experts.X; x++)
		for (int from = rows->start[x]; from < rows->start[x + 1]; from += EXPERT_ROWS) {
			const int left = rows->start[x + 1] - from, n = left < EXPERT_ROWS ? left : EXPERT_ROWS;
			struct expert_pass g = {
				r, rows, x, from, n, room, room + most * D, room + most * (D + F), room + most * (D + 2 * F)
			};

			pass_through(&g);
		}
	free(room);
	expert_rows_free(rows);
}

/* ---- the shared expert, and experts that edits alone make write ---- */

/* Its neurons are the last ones of a row; `pre` and `up` [n, shared], as the products leave them. */
struct shared {
	const struct rows *r;
	float *pre, *up, *y, *share; /* share[n] or NULL */
};

static void activate_shared(void *context, int row)
{
	const struct shared *h = context;
	const struct config *c = &h->r->p->model->config;
	const size_t S = (size_t)c->experts.shared, at = (size_t)row * (size_t)c->F + experts_slot(c, c->experts.chosen);

	activate(h->r, at, h->pre + (size_t)row * S, h->up + (size_t)row * S, S);
}

static void add_shared(void *context, int row)
{
	const struct shared *h = context;
	const struct config *c = &h->r->p->model->config;
	const size_t D = (size_t)c->D;

	kernel_axpy((h->share ? 1 / (1 + expf(-h->share[row])) : 1) * c->residual_scale, h->y + (size_t)row * D,
		    h->r->s->mlp_out + (size_t)row * D, D);
}

static void shared_expert(const struct rows *r)
{
	const struct config *c = &r->p->model->config;
	const struct layer *w = r->layer;
	const size_t n = (size_t)r->n, D = (size_t)c->D, S = (size_t)c->experts.shared;
	const struct matrix *in[] = { w->W_gate, w->W_in, w->W_share };
	float *room = xmalloc((n * (2 * S + D + 1) + 1) * sizeof *room);
	struct shared h = { r, room, room + n * S, room + 2 * n * S, w->W_share ? room + n * (2 * S + D) : NULL };
	float *const out[] = { h.pre, h.up, h.share };

	matrix_apply_each(in, w->W_share ? 3 : 2, r->p->scratch, D, r->n, out);
	pool_run(r->n, activate_shared, &h);
	matrix_apply(w->W_out, h.pre, S, r->n, h.y, D);
	pool_run(r->n, add_shared, &h);
	free(room);
}

static bool is_chosen(const struct rows *r, int row, int expert)
{
	const int k = r->p->model->config.experts.chosen;
	const float *chosen = r->s->expert_chosen + (size_t)row * (size_t)k;
	int i = 0;

	while (i < k && (int)chosen[i] != expert)
		i++;
	return i < k;
}

/* Does an edit make something of the write of an expert that is not chosen? */
static bool makes_write(const struct edit *e, int layer, int expert, int position)
{
	return edit_hits(e, SITE_EXPERT, layer) && edit_has_unit(e, expert) && edit_covers(e, position) && edit_adds(e);
}

/* An edit may put a write where the expert has none. */
static void wake(const struct rows *r)
{
	const struct config *c = &r->p->model->config;
	const size_t D = (size_t)c->D;
	float *x = xmalloc(D * sizeof *x);

	for (int row = 0; row < r->n; row++) {
		const struct variant *v = &r->p->variant[rows_variant(r->p, row)];
		const int t = rows_position(r, row);

		for (int e = 0; e < c->experts.X; e++) {
			bool wakes = false;

			for (int i = 0; i < v->edits; i++)
				wakes = wakes || makes_write(v->edit[i], r->l, e, t);
			if (!wakes || is_chosen(r, row, e))
				continue;
			memset(x, 0, D * sizeof *x);
			experts_touch(c, v->edit, v->edits, r->l, e, t, x);
			kernel_add(r->s->mlp_out + (size_t)row * D, x, r->s->mlp_out + (size_t)row * D, D);
		}
	}
	free(x);
}

void experts_run(const struct pass *p, int l, const struct layer_sites *s)
{
	struct rows r = { p, l, rows_count(p), &p->model->layers[l], s, NULL };
	const size_t D = (size_t)p->model->config.D;

	matrix_apply(r.layer->W_router, p->scratch, D, r.n, s->router_logits, (size_t)p->model->config.experts.X);
	rows_each(p, l, s, route);
	memset(s->mlp_out, 0, (size_t)r.n * D * sizeof *s->mlp_out);
	memset(s->mlp_pre, 0, (size_t)r.n * (size_t)p->model->config.F * sizeof *s->mlp_pre);
	memset(s->mlp_up, 0, (size_t)r.n * (size_t)p->model->config.F * sizeof *s->mlp_up);
	memset(s->mlp_post, 0, (size_t)r.n * (size_t)p->model->config.F * sizeof *s->mlp_post);
	chosen_experts(&r);
	if (rows_edited(p, SITE_EXPERT))
		wake(&r);
	if (r.layer->W_out)
		shared_expert(&r);
}
