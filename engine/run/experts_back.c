/* experts_back.c - see experts.h: experts.c from its last line to its first. Who is chosen does not change. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/backward_inner.h"
#include "engine/run/expert_rows.h"
#include "engine/run/experts.h"
#include "engine/run/norms.h"

static int position_of(const struct backward *b, int row)
{
	return row % b->run->T;
}

static bool frozen_weights(const struct backward *b)
{
	return b->frozen & FROZEN_GATES;
}

/* ---- one expert ---- */

/* Back through the edits on its write at one row, in place in d[D]. */
static void expert_edits(const struct backward *b, int l, int expert, int row, float *d)
{
	const struct run *run = b->run;
	const struct config *c = &run->model->config;
	const size_t D = (size_t)c->D;
	const int t = position_of(b, row);

	for (int i = run->edits - 1; i >= 0; i--) {
		const struct edit *e = &run->edit[i];

		if (!edit_hits(e, SITE_EXPERT, l) || !edit_has_unit(e, expert) || !edit_covers(e, t))
			continue;
		if (b->lost) {
			float *x = xcalloc(D, sizeof *x);

			edit_apply_expert(e, c, expert, t, x);
			b->lost->edits += (double)kernel_dot(x, d, D);
			free(x);
		}
		edit_back_expert(e, c, d);
	}
}

/* Some rows on their way back through an expert; all [n, …]. */
struct expert_pass_back {
	const struct backward *b;
	const struct layer_sites *s;
	const struct expert_rows *rows;
	int l, expert, from, n;
	float *d, *h, *pre, *up, *x;
};

/* One row: from h = d W_outᵀ to its neurons, and to its weight. */
static void row_back(const struct expert_pass_back *g, int i)
{
	const struct backward *b = g->b;
	const struct config *c = &b->run->model->config;
	const struct layer_sites *was = b->run->layer[g->l];
	const struct curve curve = config_curve(c, g->l);
	const int row = g->rows->entry[g->from + i].row;
	const size_t F = (size_t)c->experts.F, at = expert_neurons(g->rows, c, g->from + i),
		     in = (size_t)(row * c->experts.X + g->expert), own = (size_t)i * F;
	const float half = backward_share(b, !frozen_weights(b)), *pre = was->mlp_pre + at, *up = was->mlp_up + at;
	float *h = g->h + own;
	double by_weight = 0;

	curve_apply(&curve, pre, g->pre + own, F);
	for (size_t k = 0; k < F; k++)
		by_weight += (double)h[k] * (double)(g->pre[own + k] * up[k]);
	g->s->expert_weights[in] = frozen_weights(b) ? 0 : half * c->residual_scale * (float)by_weight;
	for (size_t k = 0; k < F; k++)
		h[k] *= half * c->residual_scale * was->expert_weights[in];
	memcpy(g->s->mlp_post + at, h, F * sizeof *h);
	backward_activation(b, g->l, &(struct neurons_back){ pre, up, h, g->pre + own, g->up + own, F });
	memcpy(g->s->mlp_pre + at, g->pre + own, F * sizeof *h);
	memcpy(g->s->mlp_up + at, g->up + own, F * sizeof *h);
}

/* b->normed += what half of the neurons, d[n, F], read. */
static void read_rows(const struct expert_pass_back *g, const struct matrix *W, const float *d)
{
	const size_t D = (size_t)matrix_in(W);

	matrix_apply_back(W, d, (size_t)matrix_out(W), g->n, g->x, D);
	for (int i = 0; i < g->n; i++) {
		float *to = g->b->normed + (size_t)g->rows->entry[g->from + i].row * D;

		kernel_add(to, g->x + (size_t)i * D, to, D);
	}
}

static void back_through(const struct expert_pass_back *g, const float *d)
{
	const struct expert *e = &g->b->run->model->layers[g->l].expert[g->expert];
	const size_t D = (size_t)matrix_out(e->W_out), F = (size_t)matrix_in(e->W_out);

	for (int i = 0; i < g->n; i++) {
		const int row = g->rows->entry[g->from + i].row;

		memcpy(g->d + (size_t)i * D, d + (size_t)row * D, D * sizeof *d);
		expert_edits(g->b, g->l, g->expert, row, g->d + (size_t)i * D);
	}
	matrix_apply_back(e->W_out, g->d, D, g->n, g->h, F);
	for (int i = 0; i < g->n; i++)
		row_back(g, i);
	read_rows(g, e->W_gate, g->pre);
	read_rows(g, e->W_in, g->up);
}

static void chosen_back(const struct backward *b, int l, const float *d, const struct layer_sites *s)
{
	const struct config *c = &b->run->model->config;
	const size_t D = (size_t)c->D, F = (size_t)c->experts.F;
	struct expert_rows *rows = expert_rows_new(c, b->run->layer[l]->expert_chosen, b->rows);
	const size_t most = (size_t)expert_rows_most(rows, c);
	float *room = xmalloc((most * (2 * D + 3 * F) + 1) * sizeof *room), *inner = room + 2 * most * D;

	for (int x = 0; x < c->experts.X; x++)
		for (int from = rows->start[x]; from < rows->start[x + 1]; from += EXPERT_ROWS) {
			const int left = rows->start[x + 1] - from, n = left < EXPERT_ROWS ? left : EXPERT_ROWS;
			const struct expert_pass_back g = {
				b, s, rows, l, x, from, n, room, inner, inner + most * F, inner + 2 * most * F, room + most * D
			};

			back_through(&g, d);
		}
	free(room);
	expert_rows_free(rows);
}

/* What edits put where an expert was not chosen goes to no input. */
static void lose_woken(const struct backward *b, int l, const float *d)
{
	const struct run *run = b->run;
	const struct config *c = &run->model->config;
	const size_t D = (size_t)c->D;
	float *x = b->lost ? xmalloc(D * sizeof *x) : NULL;

	for (int row = 0; b->lost && run->edits && row < b->rows; row++)
		for (int e = 0; e < c->experts.X; e++) {
			if (run_choice(run, l, e, row) >= 0)
				continue;
			memset(x, 0, D * sizeof *x);
			experts_touch(c, run->edit_list, run->edits, l, e, position_of(b, row), x);
			b->lost->edits += (double)kernel_dot(x, d + (size_t)row * D, D);
		}
	free(x);
}

/* ---- the shared expert ---- */

/* z[rows]: the logit of its share of each row; the way back wants what the mixture read. */
static void share_logits(const struct backward *b, int l, float *z)
{
	const struct run *run = b->run;
	const size_t D = (size_t)run->model->config.D;
	const struct edited_norm read = { run->model, run->edit_list, run->edits, SITE_LN2, l };

	for (int r = 0; r < b->rows; r++)
		norms_apply(&read, position_of(b, r), norms_input(run, SITE_LN2, l, r), b->part + (size_t)r * D, NULL);
	matrix_apply(run->model->layers[l].W_share, b->part, D, b->rows, z, 1);
}

/* In place: from h = d W_outᵀ to d at the neurons; z becomes the gradient at the logit of the share. */
static void share_back(const struct backward *b, const float *post, float *h, float *z)
{
	const struct config *c = &b->run->model->config;
	const size_t S = (size_t)c->experts.shared;
	const float half = backward_share(b, !frozen_weights(b));
	const double share = 1 / (1 + exp(-(double)*z));
	double by_share = 0, dz;

	for (size_t k = 0; k < S; k++)
		by_share += (double)h[k] * (double)post[k];
	by_share *= frozen_weights(b) ? 0 : (double)(half * c->residual_scale);
	dz = by_share * share * (1 - share);
	if (b->lost)
		b->lost->activation += share * by_share - (double)*z * dz;
	for (size_t k = 0; k < S; k++)
		h[k] *= half * c->residual_scale * (float)share;
	*z = (float)dz;
}

static void shared_row_back(const struct backward *b, int l, int row, const struct layer_sites *s, float *h, float *z)
{
	const struct config *c = &b->run->model->config;
	const struct layer_sites *was = b->run->layer[l];
	const struct curve curve = config_curve(c, l);
	const size_t S = (size_t)c->experts.shared, at = (size_t)row * (size_t)c->F + experts_slot(c, c->experts.chosen);
	const float *pre = was->mlp_pre + at, *up = was->mlp_up + at;
	float *post = xmalloc(S * sizeof *post);

	curve_apply(&curve, pre, post, S);
	for (size_t k = 0; k < S; k++)
		post[k] *= up[k];
	if (z)
		share_back(b, post, h, z);
	else
		for (size_t k = 0; k < S; k++)
			h[k] *= c->residual_scale;
	memcpy(s->mlp_post + at, h, S * sizeof *h);
	backward_activation(b, l, &(struct neurons_back){ pre, up, h, s->mlp_pre + at, s->mlp_up + at, S });
	free(post);
}

static void shared_back(const struct backward *b, int l, const float *d, const struct layer_sites *s)
{
	const struct config *c = &b->run->model->config;
	const struct layer *y = &b->run->model->layers[l];
	const size_t n = (size_t)b->rows, D = (size_t)c->D, F = (size_t)c->F, S = (size_t)c->experts.shared,
		     at = experts_slot(c, c->experts.chosen);
	float *h = xmalloc(n * (S + 1) * sizeof *h), *z = y->W_share ? h + n * S : NULL;

	if (z)
		share_logits(b, l, z);
	matrix_apply_back(y->W_out, d, D, b->rows, h, S);
	for (int r = 0; r < b->rows; r++)
		shared_row_back(b, l, r, s, h + (size_t)r * S, z ? z + r : NULL);
	backward_read(b, y->W_gate, s->mlp_pre + at, F);
	backward_read(b, y->W_in, s->mlp_up + at, F);
	if (z)
		backward_read(b, y->W_share, z, 1);
	free(h);
}

/* ---- the router ---- */

/* What softmax and sigmoid keep to themselves; w[X] as the router gave them, before edits. */
static void lose_routing(const struct backward *b, const struct routing *r, const float *d_weights, const float *d_logits)
{
	const size_t X = (size_t)r->e->X;
	float *w;

	if (!b->lost)
		return;
	w = xmalloc((X + (size_t)r->e->chosen) * sizeof *w);
	router_choose(r, w, w + X);
	b->lost->softmax += (double)kernel_dot(w, d_weights, X) - (double)kernel_dot(r->logits, d_logits, X);
	free(w);
}

/* One row: d_weights[X], after the edits on weights, to the logits. */
static void route_back(const struct backward *b, int l, int row, const float *d_weights, float *d_logits)
{
	const struct run *run = b->run;
	const struct config *c = &run->model->config;
	const size_t X = (size_t)c->experts.X;
	const struct layer_sites *was = run->layer[l];
	unsigned char *rule = run->edits ? xmalloc(X) : NULL;
	struct routing r = { &c->experts, was->router_logits + (size_t)row * X, run->model->layers[l].b_choice, NULL };

	if (rule && experts_rule(c, run->edit_list, run->edits, l, position_of(b, row), rule))
		r.rule = rule;
	router_back(&r, was->expert_chosen + (size_t)row * (size_t)c->experts.chosen, d_weights, d_logits);
	lose_routing(b, &r, d_weights, d_logits);
	free(rule);
}

/* What bias edits add to logits goes to no input. */
static void lose_biases(const struct backward *b, int l, int row, const float *d_logits)
{
	const struct run *run = b->run;
	const struct config *c = &run->model->config;
	float *added = b->lost && run->edits ? xcalloc((size_t)c->experts.X, sizeof *added) : NULL;

	for (int i = 0; added && i < run->edits; i++)
		if (edit_hits(&run->edit[i], SITE_EXPERT, l) && edit_covers(&run->edit[i], position_of(b, row)))
			edit_bias_router(&run->edit[i], c, added);
	if (added)
		b->lost->edits += (double)kernel_dot(added, d_logits, (size_t)c->experts.X);
	free(added);
}

static void router_rows_back(const struct backward *b, int l, const struct layer_sites *s)
{
	const size_t X = (size_t)b->run->model->config.experts.X, all = (size_t)b->rows * X;
	float *d = xmalloc(all * sizeof *d);

	backward_seeds(b, l, SITE_EXPERT_WEIGHTS, s->expert_weights);
	memcpy(d, s->expert_weights, all * sizeof *d);
	backward_edits(b, l, SITE_EXPERT_WEIGHTS, d);
	for (int r = 0; r < b->rows; r++)
		route_back(b, l, r, d + (size_t)r * X, s->router_logits + (size_t)r * X);
	backward_seeds(b, l, SITE_ROUTER_LOGITS, s->router_logits);
	memcpy(d, s->router_logits, all * sizeof *d);
	for (int r = 0; r < b->rows; r++)
		lose_biases(b, l, r, d + (size_t)r * X);
	backward_edits(b, l, SITE_ROUTER_LOGITS, d);
	backward_read(b, b->run->model->layers[l].W_router, d, X);
	free(d);
}

void experts_back(const struct backward *b, int l, const float *d, const struct layer_sites *s)
{
	const struct config *c = &b->run->model->config;
	const size_t rows = (size_t)b->rows, neurons = rows * (size_t)c->F * sizeof(float);

	memset(s->mlp_post, 0, neurons);
	memset(s->mlp_pre, 0, neurons);
	memset(s->mlp_up, 0, neurons);
	memset(s->expert_weights, 0, rows * (size_t)c->experts.X * sizeof(float));
	chosen_back(b, l, d, s);
	lose_woken(b, l, d);
	if (b->run->model->layers[l].W_out)
		shared_back(b, l, d, s);
	router_rows_back(b, l, s);
}
