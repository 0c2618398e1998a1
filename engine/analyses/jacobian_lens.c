/*
 * jacobian_lens.c - what a layer's stream disposes the model to say, sooner or later: read through the average effect that a change
 * there has on the last stream, at its own position and at all later ones.
 *
 *   lens=FILE   J_l resid_post[l, t] --> final norm --> W_U --> logits        J_l of many texts: jacobian.h, fit_jacobian_lens.c
 *   without     ⟨J_lᵀ W_U[token], resid_post[l, t]⟩                           J_l of this prompt alone, from one way back; no norm
 *
 * Gurnee et al. 2026, "jacobian lens", as TransformerLens has it. The matrix of the last layer is the identity: its row is the
 * model's output, and without a file the product with the token's row of the unembedding.
 *
 * The check without a file: the stream of one layer and position moved by ±v, by four runs.
 */
#include "engine/analysis/interventions.h"

#include <math.h>
#include <string.h>

#include "engine/analysis/jacobian.h"
#include "engine/analysis/lens_map.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/noise.h"
#include "engine/run/lens_file.h"

enum { ARG_SHOW, ARG_RANK, ARG_FIRST, ARG_LENS };
static const struct param params[] = {
	[ARG_SHOW] = LENS_SHOW,
	[ARG_RANK] = LENS_RANK,
	[ARG_FIRST] = { "first", PARAM_INT, .words = "auto", .lo = 0, .hi = 1 << 20, .start_text = "auto",
			.help = "without a file: the first position that counts; auto: 16, of shorter prompts 1" },
	[ARG_LENS] = { "lens", PARAM_FILE, .file = &asset_jacobian,
		       .help = "the matrices: a .safetensors of fit-jacobian-lens, or a published .pt" },
	{ 0 },
};

/* ---- through a file's matrices ---- */

struct jacobian_file {
	const struct lens *lens;
	int *layer; /* [rows] the last is the model's last */
	int rows;
};

static void take(const struct ask *ask, const void *context, int row, int from, int n, float *x)
{
	const struct jacobian_file *s = context;
	const float *h = run_at(ask->run, SITE_RESID_POST, s->layer[row], from);

	if (row == s->rows - 1)
		memcpy(x, h, (size_t)n * (size_t)ask->model->config.D * sizeof *x);
	else
		lens_apply(s->lens, s->layer[row], h, n, x);
}

static void set_axis(struct table *t, const struct ask *ask, const void *context)
{
	const struct jacobian_file *s = context;

	(void)ask;
	t->place.site = SITE_RESID_POST;
	t->rows.dim = DIM_LAYER;
	t->rows.name = "layer";
	for (int i = 0; i < s->rows; i++) {
		axis_label(t, &t->rows, i, arena_printf(t->arena, "%d", s->layer[i]));
		axis_place(t, &t->rows, i, place_at(SITE_RESID_POST, s->layer[i], -1, -1));
	}
}

static struct table *through_file(const struct ask *ask, struct err *err)
{
	const struct asset *file = ask_asset(ask, ARG_LENS, err);
	const int L = ask->model->config.L;
	struct jacobian_file s = { .rows = 0 };
	const char *says;
	struct table *t;

	if (!file)
		return NULL;
	s.lens = file->content;
	s.layer = arena_alloc(ask->scratch, (size_t)L * sizeof *s.layer);
	for (int l = 0; l < L; l++)
		if (l == L - 1 || (l < s.lens->L && lens_has(s.lens, l)))
			s.layer[s.rows++] = l;
	t = lens_map(ask,
		     &(struct lens_map){ .technique = "jacobian lens",
					 .rows = s.rows,
					 .layers = true,
					 .ends_in_output = true,
					 .show = ask->arg[ARG_SHOW],
					 .rank = ask->arg[ARG_RANK],
					 .take = take,
					 .context = &s },
		     set_axis, err);
	if (t && (says = lens_says(s.lens, "result")))
		t->footnote = arena_printf(t->arena, "the lens: %s", says);
	return t;
}

/* ---- of this prompt alone ---- */

struct jacobian_token {
	const struct ask *ask;
	float *w;   /* [D] the token's row of the unembedding; of logit_diff, less the other's */
	float *row; /* [L, D] what of the stream speaks for it */
	int first;
	int layer, position; /* of the check */
	float *slope;	     /* [D] there */
};

static void direction(void *context, int i, float *w)
{
	const struct jacobian_token *g = context;

	(void)i;
	memcpy(w, g->w, (size_t)g->ask->model->config.D * sizeof *w);
}

static void keep(void *context, int i, int layer, const float *row, const float *d)
{
	const struct jacobian_token *g = context;
	const size_t D = (size_t)g->ask->model->config.D;

	(void)i;
	memcpy(g->row + (size_t)layer * D, row, D * sizeof *row);
	if (layer == g->layer)
		memcpy(g->slope, d + (size_t)g->position * D, D * sizeof *d);
}

/* v[D] for the check: as long as the stream there, not at right angles to the slope. */
static void choose(const struct jacobian_token *g, float *v)
{
	const size_t D = (size_t)g->ask->model->config.D;
	const float size = kernel_norm2(run_at(g->ask->run, SITE_RESID_POST, g->layer, g->position), D) / sqrtf((float)D);

	for (size_t k = 0; k < D; k++)
		v[k] = copysignf(size * (1 + ((float)noise_uniform(0, 0, k) - 0.5f)), g->slope[k]);
}

/* Σ_{t in V} ⟨w, resid_post[L-1, t]⟩ with the stream at the place moved by so many times v. */
static bool sum_at(const struct jacobian_token *g, float by, const float *v, float *x, double *sum, struct err *err)
{
	const struct run *run = g->ask->run;
	const size_t D = (size_t)run->model->config.D;
	struct edit put = edit_put(place_at(SITE_RESID_POST, g->layer, -1, -1), x, g->position, 1);
	const struct edit *const one = &put;
	struct run *moved;

	memcpy(x, run_at(run, SITE_RESID_POST, g->layer, g->position), D * sizeof *x);
	kernel_axpy(by, v, x, D);
	if (!(moved = ask_run_with(g->ask, run, NULL, &one, 1, err)))
		return false;
	*sum = 0;
	for (int t = g->first; t < run->T - 1; t++)
		for (size_t k = 0; k < D; k++)
			*sum += (double)g->w[k] * (double)run_at(moved, SITE_RESID_POST, run->model->config.L - 1, t)[k];
	run_unref(moved);
	return true;
}

/* The slope from a step and half of it, extrapolated. */
static bool check_slope(const struct jacobian_token *g, struct table *t, struct err *err)
{
	static const float steps[] = { 0.02f, 0.01f };
	const size_t D = (size_t)g->ask->model->config.D;
	float *room = arena_floats(g->ask->scratch, 2 * D, err), *v = room, *x = room + D;
	double slope[2], expected = 0;

	if (!room)
		return false;
	choose(g, v);
	for (size_t k = 0; k < D; k++)
		expected += (double)g->slope[k] * (double)v[k];
	for (int i = 0; i < 2; i++) {
		double more, less;

		if (!sum_at(g, steps[i], v, x, &more, err) || !sum_at(g, -steps[i], v, x, &less, err))
			return false;
		slope[i] = (more - less) / (2 * (double)steps[i]);
	}
	t->check = (struct check){ "the stream moved at one place moves the token's sum as its slope says",
				   slope[1] + (slope[1] - slope[0]) / 3, expected, 1e-2,
				   arena_printf(t->arena, "layer %d, position %d", g->layer, g->position) };
	return true;
}

static void describe(const struct jacobian_token *g, struct table *t)
{
	const struct ask *ask = g->ask;

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	t->place.site = SITE_RESID_POST;
	table_set_title(t, "jacobian lens", "of this prompt alone, no norm", ask->metric->spec);
	table_set_unit(t, "product");
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->neutral = 0;
	t->skip_first = true;
	t->footnote =
		arena_printf(t->arena, "effects of positions %d … %d on each other; lens=FILE reads words, through many texts",
			     g->first, ask->run->T - 2);
	t->explain_other =
		"a product with a direction that this prompt gives is no number of the run: ask `lens TOKEN SITE L`, the "
		"logit there";
}

static int first_of(const struct ask *ask)
{
	if (!ask->text[ARG_FIRST])
		return ask->arg[ARG_FIRST];
	return jacobian_positions(ask->run->T, JACOBIAN_FIRST) ? JACOBIAN_FIRST : 1;
}

static bool begin(struct jacobian_token *g, struct err *err)
{
	const struct model *m = g->ask->model;
	const struct metric *metric = g->ask->metric;
	const size_t D = (size_t)m->config.D, L = (size_t)m->config.L;
	const int n = jacobian_positions(g->ask->run->T, g->first);
	float *other = arena_floats(g->ask->scratch, D, err);

	if (!metric_of_output(metric) || metric->target[0] < 0)
		return err_set(
			err, ERR_ARGUMENT,
			"jacobian-lens without a file is about the metric's token; %s has none: use logit, logprob or logit_diff",
			metric->spec);
	if (!n)
		return err_set(
			err, ERR_ARGUMENT,
			"jacobian-lens leaves out the positions before %d and the last one, and of these %d tokens none is left",
			g->first, g->ask->run->T);
	if (!other || !(g->w = arena_floats(g->ask->scratch, D, err)) || !(g->row = arena_floats(g->ask->scratch, L * D, err)) ||
	    !(g->slope = arena_floats(g->ask->scratch, D, err)))
		return false;
	matrix_output(m->W_U, metric->target[0], g->w);
	if (metric->target[1] >= 0) {
		matrix_output(m->W_U, metric->target[1], other);
		kernel_axpy(-1, other, g->w, D);
	}
	memcpy(g->row + (L - 1) * D, g->w, D * sizeof *g->w);
	g->layer = ((int)L - 1) / 2;
	g->position = g->first + n / 2;
	return true;
}

static struct table *of_prompt(const struct ask *ask, struct err *err)
{
	struct jacobian_token g = { .ask = ask, .first = first_of(ask) };
	const struct jacobian_rows rows = { g.first, 1, direction, keep, &g };
	const int L = ask->model->config.L;
	const size_t D = (size_t)ask->model->config.D;
	struct table *t;

	if (!begin(&g, err) || !jacobian_make(ask->run, &rows, ask->task, err) || !(t = table_new(L, ask->run->T, err)))
		return NULL;
	describe(&g, t);
	for (int l = 0; l < L; l++)
		for (int i = 0; i < ask->run->T; i++)
			t->value[table_cell(t, l, i)] =
				kernel_dot(g.row + (size_t)l * D, run_at(ask->run, SITE_RESID_POST, l, i), D);
	return table_if(L == 1 || check_slope(&g, t, err), t);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	return ask->text[ARG_LENS] ? through_file(ask, err) : of_prompt(ask, err);
}

/* The run once more, the way back, and the check's four. */
static int runs(const struct ask *ask)
{
	return ask->text[ARG_LENS] ? 0 : 6;
}

const struct analysis analysis_jacobian_lens = {
	.name = "jacobian-lens",
	.title = "Jacobian lens",
	.topic = TOPIC_LENS,
	.paper = "Gurnee et al. 2026",
	.blurb = "What a layer's stream disposes the model to say, there or later, by the average effect of a change.",
	.help = "The logit lens asks what a layer would say if it were the last. This one asks what it makes the model say: a "
		"change of the stream there is followed to the last layer, at this position and all later ones. With lens=FILE "
		"(fit-jacobian-lens, or a published one) that is an average over many texts, and each cell is a word. Without, it "
		"is of this prompt alone and of the metric's token: each cell says how much the stream lies along what speaks for "
		"it. Words that will be needed only later show; those that the model has used already fade.",
	.picture = " layer   The  ·capital  ·of  ·France   ·is\n"
		   "   3      .     ·of    ·the   ·is     ·Paris\n"
		   "   2      .     ·city  ·the   ·Paris  ·Paris\n"
		   "   1      .     ·city  ·the   ·Paris  ·Paris   known before\n"
		   "   0     ·first ·city  ·the   ·French ·the     it is said\n",
	.shape = "layer × position, position × quantity",
	.unit = "probability, logit, rank, nats, product",
	.on = ON_RUN | ON_METRIC | ON_ASSET,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
