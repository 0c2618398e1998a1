/*
 * attribution_patching.c - activation patching of every place at once, to first order, from one backward pass.
 *
 *   atp:     (x_foil − x) · ∂ metric / ∂ x                              Nanda 2023
 *   qkfix:   the same; for queries and keys, softmax is done again:     Kramár et al. 2024
 *            Σ (pattern with x_foil − pattern) · ∂ metric / ∂ pattern
 *   atpstar: that, and the mean of its absolute values over the layers left out on the way back (GradDrop):
 *            1/(L−1) Σ_l | estimate without attention and MLP of layer l |
 *
 * An estimate of the metric's change when the foil's value is put into the prompt's run (noising). It misleads where softmax is
 * saturated, which qkfix mends, and where two effects cancel, which GradDrop shows, at the price of the sign. The strongest places
 * can be measured.
 */
#include "engine/analysis/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/attention.h"

enum { ARG_ESTIMATE = GRID_PARAM_COUNT, ARG_EXACT };
enum { ATP, QKFIX, ATPSTAR };
/* clang-format off */
static const struct choice patched[] = {
	GRID_RESID_PRE, GRID_ATTN_OUT, GRID_MLP_OUT, GRID_HEAD, GRID_Q, GRID_K, GRID_V, GRID_PATTERN, GRID_RESID_MID,
	GRID_RESID_POST, GRID_Z, GRID_HEAD_POSITION, GRID_NEURON, GRID_PARTS, { 0 },
};
/* clang-format on */
static const struct choice estimates[] = {
	{ "atp", "difference times gradient", ATP },
	{ "qkfix", "softmax computed again for queries and keys", QKFIX },
	{ "atpstar", "that and GradDrop, without sign", ATPSTAR },
	{ 0 },
};
static const struct param params[] = {
	GRID_PARAMS(patched, "what is patched"),
	[ARG_ESTIMATE] = { "estimate", PARAM_CHOICE, .choices = estimates, .help = "how the effect is estimated" },
	[ARG_EXACT] = { "exact", PARAM_INT, .lo = 0, .hi = 200, .start = 0,
			.help = "how many of the strongest cells are really patched" },
	{ 0 },
};

/* ---- differences times gradients ---- */

/* A head's write is linear in z, so z takes its place. */
static enum site kept_site(enum site site)
{
	return site == SITE_RESULT ? SITE_Z : site;
}

static double along(const float *foil, const float *x, const float *g, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ((double)foil[i] - (double)x[i]) * (double)g[i];
	return sum;
}

static double along_site(const struct ask *ask, const struct gradient *g, const struct place *at, int t)
{
	enum site site = kept_site(at->site);
	size_t from, n = place_slice(at, &ask->model->config, &from);

	return along(run_at(ask->foil, site, at->layer, t) + from, run_at(ask->run, site, at->layer, t) + from,
		     gradient_at(g, site, at->layer, t) + from, n);
}

static double along_pattern(const struct ask *ask, const struct gradient *g, const struct place *at, int t)
{
	return along(run_pattern(ask->foil, at->layer, at->unit, t), run_pattern(ask->run, at->layer, at->unit, t),
		     gradient_pattern(g, at->layer, at->unit, t), (size_t)t + 1);
}

/* ---- softmax done again ---- */

/* Of one cell of a map of queries or keys: the patterns that are with the foil's in place. */
struct again {
	const struct ask *ask;
	struct place at;
	const float *keys; /* [T, G K] of all KV heads, the patched ones in place */
	float *row;	   /* [2, T] */
};

static bool covers(const struct place *at, int t)
{
	return at->position < 0 || at->position == t;
}

/* weights[query + 1] of the run with that query, those keys, and the run's own edits. */
static void weights_again(const struct again *a, int head, int query, const float *q, float *weights)
{
	const struct run *run = a->ask->run;
	const struct config *c = &run->model->config;

	attention_scores(c, a->at.layer, head, query, q, a->keys + (size_t)config_kv_head(c, head) * (size_t)c->K,
			 (size_t)(c->G * c->K), query + 1, weights);
	for (int e = 0; e < run->edits; e++)
		if (edit_hits(&run->edit[e], SITE_SCORES, a->at.layer) && edit_covers(&run->edit[e], query))
			edit_apply_pattern(&run->edit[e], head, query, weights);
	kernel_softmax(weights, (size_t)query + 1);
	for (int e = 0; e < run->edits; e++)
		if (edit_hits(&run->edit[e], SITE_PATTERN, a->at.layer) && edit_covers(&run->edit[e], query))
			edit_apply_pattern(&run->edit[e], head, query, weights);
}

/* What one query's weights are worth: the difference to the run's times the gradient. */
static double weights_along(const struct again *a, const struct gradient *g, int head, int query, const float *q)
{
	weights_again(a, head, query, q, a->row);
	return along(a->row, run_pattern(a->ask->run, a->at.layer, head, query), gradient_pattern(g, a->at.layer, head, query),
		     (size_t)query + 1);
}

static double queries_again(struct again *a, const struct gradient *g)
{
	const struct config *c = &a->ask->model->config;
	double sum = 0;

	a->keys = run_at(a->ask->run, SITE_K, a->at.layer, 0);
	for (int t = 0; t < a->ask->run->T; t++)
		if (covers(&a->at, t))
			sum += weights_along(a, g, a->at.unit, t, run_at(a->ask->foil, SITE_Q, a->at.layer, t) + a->at.unit * c->K);
	return sum;
}

static double keys_again(struct again *a, const struct gradient *g, float *keys)
{
	const struct config *c = &a->ask->model->config;
	const struct run *run = a->ask->run;
	size_t GK = (size_t)(c->G * c->K), from = (size_t)(a->at.unit * c->K);
	double sum = 0;

	memcpy(keys, run_at(run, SITE_K, a->at.layer, 0), (size_t)run->T * GK * sizeof *keys);
	for (int t = 0; t < run->T; t++)
		if (covers(&a->at, t))
			memcpy(keys + (size_t)t * GK + from, run_at(a->ask->foil, SITE_K, a->at.layer, t) + from,
			       (size_t)c->K * sizeof *keys);
	a->keys = keys;
	for (int h = 0; h < c->H; h++)
		for (int t = 0; config_kv_head(c, h) == a->at.unit && t < run->T; t++)
			sum += weights_along(a, g, h, t, run_at(run, SITE_Q, a->at.layer, t) + h * c->K);
	return sum;
}

/* ---- the map ---- */

struct estimate {
	const struct ask *ask;
	const struct grid *grid;
	const struct gradient *g;
	int L, cells;
	int *order, *start; /* the cells, those of a layer together: of layer l from start[l] to start[l + 1] */
	int first;	    /* of `order`, that are estimated now */
	double *value;	    /* [cells] */
};

static void sort_by_layer(struct estimate *e)
{
	int *at = arena_alloc(e->ask->scratch, (size_t)e->L * sizeof *at);

	e->order = arena_alloc(e->ask->scratch, (size_t)e->cells * sizeof *e->order);
	e->start = arena_alloc(e->ask->scratch, (size_t)(e->L + 1) * sizeof *e->start);
	for (int i = 0; i < e->cells; i++)
		e->start[grid_place(e->grid, i).layer + 1]++;
	for (int l = 0; l < e->L; l++) {
		e->start[l + 1] += e->start[l];
		at[l] = e->start[l];
	}
	for (int i = 0; i < e->cells; i++)
		e->order[at[grid_place(e->grid, i).layer]++] = i;
}

static void estimate_cell(void *context, int i)
{
	const struct estimate *e = context;
	const struct ask *ask = e->ask;
	int cell = e->order[e->first + i];
	struct place at = grid_place(e->grid, cell);
	size_t T = (size_t)ask->run->T, GK = (size_t)(ask->model->config.G * ask->model->config.K);
	struct again again = { .ask = ask, .at = at };
	double sum = 0;

	if (ask->arg[ARG_ESTIMATE] != ATP && (at.site == SITE_Q || at.site == SITE_K)) {
		again.row = xmalloc((T + T * GK) * sizeof(float));
		e->value[cell] = at.site == SITE_Q ? queries_again(&again, e->g) : keys_again(&again, e->g, again.row + T);
		free(again.row);
		return;
	}
	for (int t = 0; t < ask->run->T; t++)
		if (covers(&at, t))
			sum += at.site == SITE_PATTERN ? along_pattern(ask, e->g, &at, t) : along_site(ask, e->g, &at, t);
	e->value[cell] = sum;
}

static void estimate_all(struct estimate *e, const struct gradient *g)
{
	e->g = g;
	e->first = 0;
	pool_run(e->cells, estimate_cell, e);
}

/* A layer of a gradient; false: no cell is of a lower one. */
static bool estimate_layer(void *context, const struct gradient *g, int layer)
{
	struct estimate *e = context;

	e->g = g;
	e->first = e->start[layer];
	pool_run(e->start[layer + 1] - e->first, estimate_cell, e);
	return e->first > 0;
}

/*
 * 1/(L−1) Σ |estimate without layer l|: of a place in layer l itself, that one says nothing. Places above l do not see that it
 * is left out.
 */
static bool drop_layers(struct estimate *e, struct table *t, struct err *err)
{
	const double share = 1.0 / (e->L > 1 ? e->L - 1 : 1);
	double *whole = arena_alloc(e->ask->scratch, (size_t)e->cells * sizeof *whole);

	memcpy(whole, e->value, (size_t)e->cells * sizeof *whole);
	memset(t->value, 0, (size_t)e->cells * sizeof *t->value);
	for (int l = 0; l < e->L; l++) {
		if (!task_step(e->ask->task, l, e->L, err))
			return false;
		memcpy(e->value, whole, (size_t)e->cells * sizeof *whole);
		if (e->start[l + 1] > 0 && !gradient_drop(e->ask->gradient, l, estimate_layer, e, e->ask->task, err))
			return false;
		for (int i = 0; i < e->cells; i++)
			t->value[i] += (float)(fabs(e->value[i]) * share);
	}
	return true;
}

static bool fill_estimate(struct table *t, const struct ask *ask, const struct grid *grid, struct err *err)
{
	int cells = grid->rows * grid->cols;
	struct estimate e = { .ask = ask,
			      .grid = grid,
			      .L = ask->model->config.L,
			      .cells = cells,
			      .value = arena_alloc(ask->scratch, (size_t)cells * sizeof(double)) };

	sort_by_layer(&e);
	estimate_all(&e, ask->gradient);
	if (ask->arg[ARG_ESTIMATE] == ATPSTAR)
		return drop_layers(&e, t, err);
	for (int i = 0; i < cells; i++)
		t->value[i] = (float)e.value[i];
	return true;
}

/* ---- measuring ---- */

/* The n strongest cells, strongest first. */
static int *strongest(const struct table *t, int n, struct arena *arena)
{
	int *cell = arena_alloc(arena, (size_t)n * sizeof *cell), have = 0;

	for (int i = 0; i < t->rows.n * t->cols.n; i++) {
		int at = have < n ? have++ : n;

		for (; at > 0 && fabsf(t->value[cell[at - 1]]) < fabsf(t->value[i]); at--)
			if (at < n)
				cell[at] = cell[at - 1];
		if (at < n)
			cell[at] = i;
	}
	return cell;
}

static void say(struct table *t, const struct place *place, double first, double exact, int asked, int apart)
{
	struct str s;

	str_init(&s);
	str_add(&s, "strongest, ");
	place_print(place, &s);
	str_addf(&s, ": estimate %+.4g, exactly %+.4g", first, exact);
	if (asked > 1)
		str_addf(&s, "; of the %d strongest, %d %s more than half off%s", asked, apart, apart == 1 ? "was" : "were",
			 apart ? ": marked !" : "");
	t->footnote = arena_strdup(t->arena, s.s);
	str_done(&s);
}

static int exact_cells(const struct ask *ask, const struct grid *grid)
{
	return ask->arg[ARG_EXACT] < grid->rows * grid->cols ? ask->arg[ARG_EXACT] : grid->rows * grid->cols;
}

/*
 * The strongest cells by patching; with `exact`, the values of the table from now on, marked where the estimate was more than half
 * off. One is measured in any case, so that there is never an estimate alone.
 */
static bool measure(struct table *t, const struct ask *ask, const struct grid *grid, struct err *err)
{
	int asked = exact_cells(ask, grid), n = asked > 1 ? asked : 1;
	int *cell = strongest(t, n, ask->scratch), apart = 0;
	bool sign = ask->arg[ARG_ESTIMATE] != ATPSTAR;
	struct cause c = cause_new(ask, ask->run, ask->foil, n);
	struct place strongest_place = grid_place(grid, cell[0]);
	double first = (double)t->value[cell[0]];

	for (int i = 0; i < n; i++)
		grid_edit(grid, &c, cell[i], i, EDIT_PATCH);
	if (!cause_sweep(&c, err))
		return false;
	for (int i = 0; i < n; i++) {
		double exact = c.value[i] - c.now, estimate = (double)t->value[cell[i]];
		bool off = fabs((sign ? exact : fabs(exact)) - estimate) > fabs(exact) / 2;

		apart += off;
		if (asked)
			t->value[cell[i]] = (float)exact;
		if (asked && off)
			table_set_mark(t, (size_t)cell[i]);
	}
	say(t, &strongest_place, first, c.value[0] - c.now, asked, apart);
	return !asked || cause_check_strongest(&c, t, "strongest exact cell, run alone", err);
}

static void describe(struct table *t, const struct ask *ask, const struct grid *grid)
{
	static const char *const words[] = { "", ", softmax again for q and k",
					     ", AtP*: softmax again for q and k, GradDrop, no sign" };
	const char *site = param_word(&params[GRID_SITE], ask->arg[GRID_SITE]);

	table_set_title(t, "attribution patching", arena_printf(t->arena, "%s%s", site, grid_when(grid)),
			arena_printf(t->arena, "estimate of foil into prompt%s%s", words[ask->arg[ARG_ESTIMATE]],
				     ask->arg[ARG_EXACT] ? ", the strongest exact" : ""));
	table_set_unit(t, metric_unit(ask->metric));
	grid_describe(grid, t);
	grid_tell(grid, t, EDIT_PATCH, NULL);
	t->scale = ask->arg[ARG_ESTIMATE] == ATPSTAR && !ask->arg[ARG_EXACT] ? SCALE_SEQUENTIAL : SCALE_DIVERGING;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct grid grid;
	struct table *t;

	if (ask->foil->T != ask->run->T) {
		err_set(err, ERR_ARGUMENT, "attribution-patching needs prompt and foil of equally many tokens; they have %d and %d",
			ask->run->T, ask->foil->T);
		return NULL;
	}
	if (!grid_open(ask, &grid, err) || !(t = table_new(grid.rows, grid.cols, err)))
		return NULL;
	describe(t, ask, &grid);
	if (fill_estimate(t, ask, &grid, err)) {
		ask_show(ask, t); /* measuring takes longer */
		if (measure(t, ask, &grid, err))
			return t;
	}
	table_unref(t);
	return NULL;
}

/*
 * With GradDrop one way back for each layer that has a place in or below it; then those that are measured, and the strongest of
 * them alone.
 */
static int runs(const struct ask *ask)
{
	struct err none = { 0 };
	struct grid grid;
	int exact, L = ask->model->config.L, lowest;

	if (!grid_open(ask, &grid, &none))
		return 0;
	exact = exact_cells(ask, &grid);
	lowest = grid.shape == GRID_HEAD_BY_POSITION ? grid.layer : 0;
	return (ask->arg[ARG_ESTIMATE] == ATPSTAR ? L - lowest : 0) + (exact > 1 ? exact : 1) + (exact > 0);
}

const struct analysis analysis_attribution_patching = {
	.name = "attribution-patching",
	.title = "Attribution patching",
	.topic = TOPIC_CAUSAL,
	.paper = "Nanda 2023, Kramár et al. 2024",
	.blurb = "How the metric would move, to first order, when each activation is taken from the other prompt.",
	.help = "All of activation patching's noising maps for the price of one backward pass: a first-order estimate of the "
		"metric's change. It is good for small differences and for writes to the stream, and poor where softmax is "
		"saturated or where the whole stream differs, as in the first layers. estimate=qkfix does softmax again for "
		"patched queries and keys; atpstar also leaves one layer after another out on the way back (GradDrop), which shows "
		"what cancels and has no sign. exact=20 patches the 20 strongest cells themselves and marks those of which the "
		"estimate was more than half off.",
	.picture = "     estimate                 patched for real\n"
		   " 3    ·   1.9   ·             ·   2.1   ·\n"
		   " 2    ·    ·  -0.8            ·    ·  -0.7   close: trust it\n"
		   " 1    ·    ·    ·             ·    ·    ·\n"
		   " 0   3.0   ·    ·            0.4   ·    ·    far off: check\n"
		   " the same strong cells first; exact=20 patches those\n",
	.shape = "layer × position, layer × head, layer × kv_head, head × position, layer × neuron, layer × component",
	.unit = "the metric's",
	.on = ON_RUN | ON_FOIL | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = NEEDS_FOIL | NEEDS_GRADIENT,
	.metrics = METRICS_ANY_PROMPT,
	.params = params,
	.compute = compute,
};
