/*
 * relevance.c - layer-wise relevance propagation: the metric is handed down, step by step, to what made it.
 *
 *   R_td = x_td g_td     g the metric's gradient by rules under which each step hands on what it got (backward.h), x the token
 *                        embeddings alone (at=input) or the stream that enters each layer (at=stream);  a cell is Σ_d R_td
 *
 *   in all rules    norms divide by a constant, centring stays;  f(z) of an MLP without a gate, and caps: f(z)/z for f'(z)
 *   attnlrp         weights · values, queries · keys, f(gate) · up: each factor gets half;  f(gate)/gate;  softmax by its
 *                   derivative (Achtibat et al. 2024, as LXT's efficient form has it)
 *   detached        attention weights and f(gate) are constants (Ali et al. 2022, whose activations keep their derivative: with
 *                   f(z)/z nothing is lost)
 *   relp            weights are constants, f(gate) · up gets half each, and a gate keeps its derivative f'(gate), so that it loses
 *                   relevance or makes some (Jafari et al. 2025)
 *
 * What no input has: rows (at=stream: columns) `bias`, `softmax`, `activation`, and `edits` where there are some, each by its own
 * formula (lost.h). The check: what enters a layer is what leaves it, and those; the layer where that is furthest off is named.
 */
#include <math.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/analysis/inputs.h"
#include "engine/run/backward.h"

enum { ARG_RULE, ARG_AT };
enum { ATTNLRP, DETACHED, RELP };
enum { AT_INPUT, AT_STREAM };
static const struct choice rules[] = {
	{ "attnlrp", "products shared by halves, softmax by its derivative (Achtibat et al. 2024)", ATTNLRP },
	{ "detached", "attention weights and gates are constants (Ali et al. 2022)", DETACHED },
	{ "relp", "weights are constants, gated products shared by halves (Jafari et al. 2025)", RELP },
	{ 0 },
};
static const struct choice places[] = {
	{ "input", "each token's embedding", AT_INPUT },
	{ "stream", "the stream that enters each layer, at each position", AT_STREAM },
	{ 0 },
};
static const struct param params[] = {
	[ARG_RULE] = { "rule", PARAM_CHOICE, .choices = rules, .help = "how steps that are not linear hand relevance on" },
	[ARG_AT] = { "at", PARAM_CHOICE, .choices = places, .help = "where it is read" },
	{ 0 },
};

static const unsigned rule_bits[] = {
	[ATTNLRP] = FROZEN_NORMS | HALVED_PRODUCTS | CHORDS | CHORDS_IN_GATES | COUNTING_LOSSES,
	[DETACHED] = FROZEN_NORMS | FROZEN_PATTERNS | FROZEN_GATES | HALVED_PRODUCTS | CHORDS | COUNTING_LOSSES,
	[RELP] = FROZEN_NORMS | FROZEN_PATTERNS | HALVED_PRODUCTS | CHORDS | COUNTING_LOSSES,
};

enum { BIAS, SOFTMAX, ACTIVATION, EDITS };

struct relevance {
	const struct ask *ask;
	const struct gradient *g;
	struct table *table;
	int T, top, losses; /* top: the highest stream that the metric sees; losses: those that are shown */
	size_t D;
	double value;	/* of the metric */
	double *input;	/* [T] at the inputs */
	double *stream; /* [top + 1, T] at what enters each layer, and at the last stream */
};

/* ---- relevance ---- */

static double product(const float *x, const float *g, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)g[i];
	return sum;
}

/* The stream between layers l-1 and l: l 0 is what enters the first, L what leaves the last. */
static double at_stream(const struct relevance *r, int l, int t)
{
	const enum site site = l ? SITE_RESID_POST : SITE_EMBED;
	const int layer = l ? l - 1 : 0;

	return product(run_at(r->ask->run, site, layer, t), gradient_at(r->g, site, layer, t), r->D);
}

static void read_relevance(struct relevance *r)
{
	float *x = arena_alloc(r->ask->scratch, 2 * r->D * sizeof *x), *g = x + r->D;

	for (int t = 0; t < r->T; t++) {
		run_input(r->ask->run, t, x);
		gradient_input(r->g, t, g);
		r->input[t] = product(x, g, r->D);
		for (int l = 0; l <= r->top; l++)
			r->stream[l * r->T + t] = at_stream(r, l, t);
	}
}

/* ---- the books ---- */

static double sum_of(const double *x, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += x[i];
	return sum;
}

static double entering(const struct relevance *r, int l)
{
	return sum_of(r->stream + l * r->T, r->T);
}

/* One step: what came into it against what left it and was lost. The worst of all is kept. */
static void check_step(struct relevance *r, const char *of, double in, double left, const struct lost *lost)
{
	struct check *check = &r->table->check;
	const double out = left + lost_in_all(lost);

	if (check->name &&
	    fabs(out - in) / fmax(1, fabs(in)) <= fabs(check->actual - check->expected) / fmax(1, fabs(check->expected)))
		return;
	*check = (struct check){ "each layer: enters = leaves + bias, softmax, activation", in, out, 1e-4, of };
}

/* What was lost between what enters layer l and what is above: the stream after it, or the metric. */
static struct lost lost_above(const struct relevance *r, int l)
{
	const int L = r->ask->model->config.L;
	struct lost lost = { 0 };

	if (l < L)
		lost_add(&lost, &r->g->lost[l + 1]);
	if (l == r->top)
		lost_add(&lost, &r->g->lost[L + 1]);
	return lost;
}

static void check_books(struct relevance *r)
{
	for (int l = r->top; l >= 0; l--) {
		const struct lost lost = lost_above(r, l);
		const bool first = l == r->top;

		check_step(r, first ? "metric" : arena_printf(r->table->arena, "layer %d", l),
			   first ? r->value : entering(r, l + 1), entering(r, l), &lost);
	}
	check_step(r, "input", entering(r, 0), sum_of(r->input, r->T), &r->g->lost[0]);
}

/* ---- the table ---- */

static float loss(const struct lost *lost, int kind)
{
	const double by_kind[] = { lost->bias, lost->softmax, lost->activation, lost->edits };

	return (float)by_kind[kind];
}

/* Positions, and after them what belongs to none. */
static void label_axis(const struct relevance *r, struct axis *axis)
{
	static const char *const names[] = { "bias", "softmax", "activation", "edits" };
	struct table *t = r->table;

	axis_tokens(t, axis, r->ask->run, DIM_POSITION, "position");
	axis->dim = DIM_COMPONENT; /* the last ones are no positions */
	for (int i = 0; i < r->T; i++)
		axis_place(t, axis, i,
			   r->ask->arg[ARG_AT] == AT_INPUT ? place_at(SITE_EMBED, 0, -1, i) : place_at(SITE_NONE, -1, -1, i));
	for (int i = 0; i < r->losses; i++) {
		axis_label(t, axis, r->T + i, names[i]);
		axis->id[r->T + i] = -1;
	}
}

static void fill_inputs(const struct relevance *r)
{
	struct table *t = r->table;
	struct lost all = { 0 };

	label_axis(r, &t->rows);
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "relevance");
	for (int i = 0; i < r->ask->model->config.L + 2; i++)
		lost_add(&all, &r->g->lost[i]);
	for (int i = 0; i < r->T; i++)
		t->value[i] = (float)r->input[i];
	for (int i = 0; i < r->losses; i++)
		t->value[r->T + i] = loss(&all, i);
	t->look = LOOK_BARS;
	t->footnote = arena_printf(t->arena, "all rows sum to the metric, %.4g", r->value);
}

/* A row: what enters the layer, and what the layer lost of what the row after it has. */
static void fill_stream(const struct relevance *r)
{
	const int L = r->ask->model->config.L;
	struct table *t = r->table;

	label_axis(r, &t->cols);
	t->rows.dim = DIM_LAYER;
	t->rows.name = dim_word(DIM_LAYER);
	for (int l = 0; l <= r->top; l++) {
		const struct lost lost = lost_above(r, l);

		axis_label(t, &t->rows, l, l < L ? arena_printf(t->arena, "%d", l) : "out");
		axis_place(t, &t->rows, l, l < L ? place_at(SITE_RESID_PRE, l, -1, -1) : place_at(SITE_RESID_POST, L - 1, -1, -1));
		for (int i = 0; i < r->T; i++)
			t->value[table_cell(t, l, i)] = (float)r->stream[l * r->T + i];
		for (int i = 0; i < r->losses; i++)
			t->value[table_cell(t, l, r->T + i)] = loss(&lost, i);
	}
	t->look = LOOK_HEAT;
	t->footnote =
		arena_printf(t->arena, "each row sums to the positions of the next; the last one to the metric, %.4g", r->value);
}

/* The highest stream that the metric sees: L after the last layer. */
static int top_of(const struct ask *ask)
{
	const enum site site = ask->metric->place.site;
	const int layer = metric_layer(ask->metric, &ask->model->config);

	return metric_of_output(ask->metric) || site == SITE_RESID_POST ? layer + 1 : site == SITE_EMBED ? 0 : layer;
}

static bool begin(struct relevance *r, const struct ask *ask, struct err *err)
{
	const int top = top_of(ask), T = ask->run->T, losses = ask->run->edits ? EDITS + 1 : EDITS;
	const bool stream = ask->arg[ARG_AT] == AT_STREAM;

	*r = (struct relevance){ .ask = ask, .T = T, .top = top, .losses = losses, .D = (size_t)ask->model->config.D };
	r->input = arena_alloc(ask->scratch, (size_t)T * sizeof *r->input);
	r->stream = arena_alloc(ask->scratch, (size_t)(top + 1) * (size_t)T * sizeof *r->stream);
	if (!metric_value(ask->metric, ask->run, ask->unedited, &r->value, ask->task, err))
		return false;
	r->table = stream ? table_new(top + 1, T + losses, err) : table_new(T + losses, 1, err);
	return r->table != NULL;
}

static void describe(const struct relevance *r)
{
	static const char *const names[] = { "AttnLRP", "detached", "RelP" };
	struct table *t = r->table;
	const bool stream = r->ask->arg[ARG_AT] == AT_STREAM;

	(stream ? fill_stream : fill_inputs)(r);
	table_set_title(t, "relevance", stream ? "resid_pre" : "tokens", names[r->ask->arg[ARG_RULE]]);
	table_set_unit(t, metric_unit(r->ask->metric));
	t->scale = SCALE_DIVERGING;
	t->skip_first = inputs_first(r->ask->run) > 0;
	t->no_edit = "a cell is a share of the metric by rules, not the effect of an edit; occlusion has that";
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct relevance r;
	struct gradient *g;

	if (!(g = gradient_new(ask->run, ask->metric, ask->unedited, rule_bits[ask->arg[ARG_RULE]], ask->task, err)))
		return NULL;
	if (!begin(&r, ask, err)) {
		gradient_unref(g);
		return NULL;
	}
	r.g = g;
	read_relevance(&r);
	describe(&r);
	check_books(&r);
	gradient_unref(g);
	return r.table;
}

static int runs(const struct ask *ask)
{
	(void)ask;
	return 1;
}

const struct analysis analysis_relevance = {
	.name = "relevance",
	.title = "Relevance propagation",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Achtibat et al. 2024, Ali et al. 2022, Jafari et al. 2025",
	.blurb = "The metric handed down layer by layer to the tokens, by rules that keep its sum.",
	.help = "A backward pass in which norms are constants and every other step shares what it got among what it was made of: "
		"cells and the rows bias, softmax and activation sum to the metric. Positive speaks for it. attnlrp hands "
		"relevance to queries and keys too, so that it says why a head looks there; detached and relp ask only what was "
		"carried. at=stream shows at which layer relevance moves from one position to another. A large bias or softmax "
		"row: the tokens share little of the metric, and their order says more than their size.",
	.picture = " layer   ·red ·ball ·blue ·car   bias\n"
		   "  out      .    .     .   ███     .     the last position\n"
		   "   2       .    .     .   ███     .\n"
		   "   1      ▓▓▓   .     .   ░░░    ░░░    attention of layer 1\n"
		   "   0      ▓▓▓   .     .    .      .     moved it to ·red\n"
		   " a row and its losses sum to the positions above\n",
	.shape = "position × quantity; layer × position",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
