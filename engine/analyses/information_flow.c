/*
 * information_flow.c - the routes by which one position's prediction was computed: a graph of token positions, layer by layer.
 *
 *   node    resid_post l @i = resid_mid l @i + mlp_out             parts: the stream, the MLP's write
 *           resid_mid l @i  = resid_post l-1 @i + Σ A_ij v_j W_O   parts: the stream, one for every head and key j
 *   weight  of a part p of whole w: max(‖w‖₁ − ‖w − p‖₁, 1e-5), divided by the sum over all parts of w
 *   flow    1 at the position's last stream; from each node to where its parts come from, by their weights
 *
 * Ferrando & Voita 2024, "Information flow routes"; the weights are ALTI's (Ferrando et al. 2022), with the floor of the paper's
 * own code. What both write without reading a token (biases) is no part. Where attention and MLP run side by side there is no
 * stream between them, and a layer is one step. A head that an edit has changed is one part of its own query: its sources do not
 * say any more what it writes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/analysis/sources.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/result.h"

static const float least = 1e-5f;

enum { ARG_THRESHOLD, ARG_POSITION, ARG_PER_HEAD };
enum { PER_HEAD_NO, PER_HEAD_YES };
static const struct choice per_head[] = {
	{ "no", "the heads of a layer together, each part above the threshold", PER_HEAD_NO },
	{ "yes", "an edge for each head", PER_HEAD_YES },
	{ 0 },
};
static const struct param params[] = {
	[ARG_THRESHOLD] = { "threshold", PARAM_REAL, .lo = 0, .hi = 1, .start = 0.04,
			    .help = "parts that weigh no more than that are hidden" },
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .at_metric = true,
			   .help = "whose routes: the metric's own unless it is given" },
	[ARG_PER_HEAD] = { "per_head", PARAM_CHOICE, .choices = per_head, .help = "whether heads are edges of their own" },
	{ 0 },
};

enum { FLOW, HIDDEN, COLUMNS };

/* Of one layer: what all parts of all nodes weigh. */
struct flow_weights {
	const struct ask *ask;
	int layer, T;	     /* positions 0 … T-1: those after the last one have no part in it */
	int head;	     /* whose parts are weighed now */
	float *write;	     /* [T, D] what that head writes of each key with weight 1, but for the scale of a norm after it */
	float *part;	     /* [H, T, T] of each head, query and key */
	float *stream, *mlp; /* [T] of the stream and, where MLP and attention are one step, of the MLP */
	float *mlp_stream;   /* [T] share of the stream in what leaves the layer; the rest is the MLP's */
};

static bool one_step(const struct flow_weights *w)
{
	return w->ask->model->config.parallel;
}

/* The sum that attention is a part of. */
static const float *whole(const struct flow_weights *w, int i)
{
	return run_at(w->ask->run, one_step(w) ? SITE_RESID_POST : SITE_RESID_MID, w->layer, i);
}

/* What `part`, `by` times, is worth to the sum x[D]. */
static float worth(const float *x, float length, const float *part, float by, size_t D)
{
	return fmaxf(source_worth(x, length, part, by, D), least);
}

/* Whether what the head writes at a position is more, or less, than its pattern and values say. */
static bool head_edited(const struct run *r, int layer, int head, int position)
{
	for (int e = 0; e < r->edits; e++)
		if ((edit_hits(&r->edit[e], SITE_RESULT, layer) || edit_hits(&r->edit[e], SITE_Z, layer)) &&
		    edit_has_unit(&r->edit[e], head) && edit_covers(&r->edit[e], position))
			return true;
	return false;
}

static void weigh_query(void *context, int i)
{
	const struct flow_weights *w = context;
	const struct run *run = w->ask->run;
	const struct config *c = &run->model->config;
	size_t D = (size_t)c->D;
	const float *x = whole(w, i), *pattern = run_pattern(run, w->layer, w->head, i), *post = run->layer[w->layer]->post_scale;
	float *part = w->part + ((size_t)w->head * (size_t)w->T + (size_t)i) * (size_t)w->T, length = source_length(x, D);

	if (head_edited(run, w->layer, w->head, i))
		return;
	for (int j = 0; j <= i; j++)
		part[j] = worth(x, length, w->write + (size_t)j * D, pattern[j] * (post ? post[i] : 1), D);
}

/* Heads that edits have changed: here, and not in a chunk of the pool, since what they write takes a product of its own. */
static void weigh_edited(const struct flow_weights *w, float *write)
{
	const struct run *run = w->ask->run;
	size_t D = (size_t)run->model->config.D;

	for (int i = 0; run->edits && i < w->T; i++) {
		float *part = w->part + ((size_t)w->head * (size_t)w->T + (size_t)i) * (size_t)w->T;

		if (!head_edited(run, w->layer, w->head, i))
			continue;
		memset(part, 0, (size_t)w->T * sizeof *part);
		run_result(run, w->layer, w->head, i, write);
		part[i] = worth(whole(w, i), source_length(whole(w, i), D), write, 1, D);
	}
}

static void weigh_head(struct flow_weights *w, int head)
{
	const struct run *run = w->ask->run;

	source_writes(run, w->layer, head, w->T, w->write, (size_t)run->model->config.D);
	w->head = head;
	pool_run(w->T, weigh_query, w);
	weigh_edited(w, w->write);
}

/* Every node's parts made shares of their sum. */
static void normalise(struct flow_weights *w)
{
	const struct config *c = &w->ask->model->config;
	size_t T = (size_t)w->T;

	for (size_t i = 0; i < T; i++) {
		double sum = (double)w->stream[i] + (double)w->mlp[i];

		for (size_t h = 0; h < (size_t)c->H; h++)
			for (size_t j = 0; j <= i; j++)
				sum += (double)w->part[(h * T + i) * T + j];
		w->stream[i] = (float)((double)w->stream[i] / sum);
		w->mlp[i] = (float)((double)w->mlp[i] / sum);
		for (size_t h = 0; h < (size_t)c->H; h++)
			for (size_t j = 0; j <= i; j++)
				w->part[(h * T + i) * T + j] = (float)((double)w->part[(h * T + i) * T + j] / sum);
	}
}

static void weigh_stream(struct flow_weights *w, int i)
{
	const struct run *run = w->ask->run;
	size_t D = (size_t)run->model->config.D;
	const float *x = whole(w, i), *pre = run_at(run, SITE_RESID_PRE, w->layer, i),
		    *out = run_at(run, SITE_MLP_OUT, w->layer, i);
	float length = source_length(x, D), mlp, stream;

	w->stream[i] = worth(x, length, pre, 1, D);
	w->mlp[i] = one_step(w) ? worth(x, length, out, 1, D) : 0;
	if (one_step(w))
		return;
	x = run_at(run, SITE_RESID_POST, w->layer, i);
	length = source_length(x, D);
	stream = worth(x, length, run_at(run, SITE_RESID_MID, w->layer, i), 1, D);
	mlp = worth(x, length, out, 1, D);
	w->mlp_stream[i] = stream / (stream + mlp);
}

static bool weigh_layer(struct flow_weights *w, int layer, struct err *err)
{
	const struct config *c = &w->ask->model->config;

	w->layer = layer;
	for (int h = 0; h < c->H; h++) {
		if (!task_step(w->ask->task, (c->L - 1 - layer) * c->H + h, c->L * c->H, err))
			return false;
		weigh_head(w, h);
	}
	for (int i = 0; i < w->T; i++)
		weigh_stream(w, i);
	normalise(w);
	return true;
}

/* ---- the graph ---- */

struct flow_graph {
	struct flow_weights *w;
	struct table *t;
	struct edge *edge; /* heap, [room] */
	int edges, room;
	bool *reached; /* [rows] by edges that are shown, from the position's last stream */
	double threshold;
	double worst; /* sum over a level's flow that is farthest from 1 */
};

/* Rows: from the last layer's resid_post down; for each level the positions in order. */
static int levels(const struct config *c)
{
	return (c->parallel ? 1 : 2) * c->L + 1;
}

/* The level of what leaves a layer (1: of what is between attention and MLP; where a layer is one step there is none). */
static int level_of(const struct config *c, int layer, int mid)
{
	return (c->parallel ? 1 : 2) * (c->L - 1 - layer) + mid;
}

static void add_edge(struct flow_graph *g, int from, int to, float weight, struct place place)
{
	if (g->edges == g->room) {
		g->room = g->room ? 2 * g->room : 256;
		g->edge = xrealloc(g->edge, (size_t)g->room * sizeof *g->edge);
	}
	g->edge[g->edges++] = (struct edge){ from, to, weight, place };
	g->reached[from] = true;
}

/* A part of a node: its flow goes down in any case; whether it is an edge is for the threshold to say. */
static void pass(struct flow_graph *g, int from, int to, float weight, struct place place)
{
	struct table *t = g->t;
	float *flow = t->value;

	flow[from * COLUMNS + FLOW] += flow[to * COLUMNS + FLOW] * weight;
	if (!((double)weight > g->threshold))
		flow[to * COLUMNS + HIDDEN] += weight;
	else if (g->reached[to])
		add_edge(g, from, to, weight, place);
}

/*
 * All that a head, or (-1) all heads, read of one key at a query. Parts are held against the threshold one by one, whoever they
 * are added to.
 */
static void pass_key(struct flow_graph *g, int from, int to, int i, int j)
{
	const struct flow_weights *w = g->w;
	const struct config *c = &w->ask->model->config;
	bool apart = w->ask->arg[ARG_PER_HEAD] == PER_HEAD_YES;
	float all = 0, shown = 0;
	struct place place = place_at(SITE_PATTERN, w->layer, -1, i);

	place_set(&place, DIM_KEY, j, j);
	for (int h = 0; h < c->H; h++) {
		float part = w->part[((size_t)h * (size_t)w->T + (size_t)i) * (size_t)w->T + (size_t)j];

		if (apart && part > 0) {
			place_set(&place, DIM_HEAD, h, h);
			pass(g, from, to, part, place);
		}
		all += part;
		shown += (double)part > g->threshold ? part : 0;
	}
	if (apart)
		return;
	g->t->value[from * COLUMNS + FLOW] += g->t->value[to * COLUMNS + FLOW] * all;
	g->t->value[to * COLUMNS + HIDDEN] += all - shown;
	if (shown > 0 && g->reached[to])
		add_edge(g, from, to, shown, place);
}

/* From what leaves attention (or the layer, where that is one step) down to what enters the layer. */
static void pass_attention(struct flow_graph *g, int above, int below)
{
	const struct flow_weights *w = g->w;

	for (int i = 0; i < w->T; i++) {
		pass(g, below + i, above + i, w->stream[i], place_at(SITE_RESID_PRE, w->layer, -1, i));
		if (w->mlp[i] > 0)
			pass(g, below + i, above + i, w->mlp[i], place_at(SITE_MLP_OUT, w->layer, -1, i));
		for (int j = 0; j <= i; j++)
			pass_key(g, below + j, above + i, i, j);
	}
}

static void pass_mlp(struct flow_graph *g, int above, int below)
{
	const struct flow_weights *w = g->w;

	for (int i = 0; i < w->T; i++) {
		pass(g, below + i, above + i, w->mlp_stream[i], place_at(SITE_RESID_MID, w->layer, -1, i));
		pass(g, below + i, above + i, 1 - w->mlp_stream[i], place_at(SITE_MLP_OUT, w->layer, -1, i));
	}
}

/* The flow of a level sums to 1. */
static void check_level(struct flow_graph *g, int level)
{
	double sum = 0;

	for (int i = 0; i < g->w->T; i++)
		sum += (double)g->t->value[(level * g->w->T + i) * COLUMNS + FLOW];
	if (fabs(sum - 1) > fabs(g->worst - 1))
		g->worst = sum;
}

static bool walk_down(struct flow_graph *g, struct err *err)
{
	const struct config *c = &g->w->ask->model->config;
	int T = g->w->T;

	memset(g->t->value, 0, (size_t)g->t->rows.n * COLUMNS * sizeof *g->t->value);
	g->t->value[(T - 1) * COLUMNS + FLOW] = 1;
	g->reached[T - 1] = true;
	for (int l = c->L - 1; l >= 0; l--) {
		if (!weigh_layer(g->w, l, err))
			return false;
		if (!c->parallel)
			pass_mlp(g, level_of(c, l, 0) * T, level_of(c, l, 1) * T);
		pass_attention(g, (level_of(c, l, c->parallel ? 0 : 1)) * T, level_of(c, l - 1, 0) * T);
		check_level(g, level_of(c, l - 1, 0));
	}
	return true;
}

/* "resid_mid 3 ·Tom" for people; the place by itself in JSON. */
static void label_node(struct table *t, const struct ask *ask, int row, struct place place)
{
	struct str label;
	const char *word = site_table[place.site].name;
	struct str token;

	str_init(&label);
	str_init(&token);
	place_print(&place, &label);
	axis_label(t, &t->rows, row, label.s);
	axis_place(t, &t->rows, row, place);
	str_clear(&label);
	tokenizer_show(ask->model->tokenizer, ask->run->tokens[place.position], &token);
	axis_place_token(t, &t->rows, row, token.s);
	str_addf(&label, "%s %d %d %s", word, place.layer, place.position, token.s);
	t->rows.show[row] = arena_strdup(t->arena, label.s);
	str_done(&label);
	str_done(&token);
}

static void describe(struct table *t, const struct ask *ask, int T)
{
	const struct config *c = &ask->model->config;

	axis_of(&t->rows, DIM_COMPONENT);
	for (int l = c->L - 1; l >= 0; l--)
		for (int i = 0; i < T; i++) {
			label_node(t, ask, level_of(c, l, 0) * T + i, place_at(SITE_RESID_POST, l, -1, i));
			if (!c->parallel)
				label_node(t, ask, level_of(c, l, 1) * T + i, place_at(SITE_RESID_MID, l, -1, i));
			if (!l)
				label_node(t, ask, level_of(c, -1, 0) * T + i, place_at(SITE_RESID_PRE, 0, -1, i));
		}
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, FLOW, "flow");
	axis_label(t, &t->cols, HIDDEN, "hidden");
	table_set_title(t, "information flow", arena_printf(t->arena, "into position %d", T - 1),
			arena_printf(t->arena, "edges above %.3g%s", ask->real[ARG_THRESHOLD],
				     ask->arg[ARG_PER_HEAD] == PER_HEAD_YES ? ", heads apart" : ""));
	table_set_unit(t, "share");
	t->look = LOOK_GRAPH;
	t->explain = METRIC_NORM;
	t->explain_other = "a flow is no number of the run";
	t->scale = SCALE_PROBABILITY;
}

static bool begin(struct flow_weights *w, const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	size_t T = (size_t)ask->arg[ARG_POSITION] + 1;

	*w = (struct flow_weights){ .ask = ask, .T = (int)T };
	return (w->write = arena_floats(ask->scratch, T * (size_t)c->D, err)) &&
	       (w->part = arena_floats(ask->scratch, (size_t)c->H * T * T, err)) &&
	       (w->stream = arena_floats(ask->scratch, T, err)) && (w->mlp = arena_floats(ask->scratch, T, err)) &&
	       (w->mlp_stream = arena_floats(ask->scratch, T, err));
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct flow_weights w;
	struct flow_graph g = { .w = &w, .threshold = ask->real[ARG_THRESHOLD], .worst = 1 };
	bool ok;

	if (!begin(&w, ask, err) || !(g.t = table_new(levels(&ask->model->config) * w.T, COLUMNS, err)))
		return NULL;
	describe(g.t, ask, w.T);
	g.reached = arena_alloc(ask->scratch, (size_t)g.t->rows.n);
	ok = walk_down(&g, err);
	if (ok) {
		table_set_edges(g.t, g.edges);
		if (g.edges)
			memcpy(g.t->edge, g.edge, (size_t)g.edges * sizeof *g.edge);
		g.t->check = (struct check){ "the flow of each level sums to 1", 1, g.worst, 1e-4 };
	}
	free(g.edge);
	if (ok)
		return g.t;
	table_unref(g.t);
	return NULL;
}

const struct analysis analysis_information_flow = {
	.name = "information-flow",
	.title = "Information flow",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Ferrando & Voita 2024",
	.blurb = "The routes by which a prediction was computed: which heads moved what from which token to which.",
	.help = "A node is a token's stream at a layer; an edge says what share of it came from where: along the stream, by "
		"attention from another token, or through the MLP. Read it from the top, where the prediction is made, down to the "
		"tokens. The threshold hides weak edges and changes no weight; the column hidden says what it hides. flow is how "
		"much of what reaches the top passes through a node. Shares are of size, not of meaning: a large part may say "
		"nothing about the answer.",
	.picture = "  3         ○━━━━━━━━━━━●   the answer reads the name\n"
		   "  2         │     ○╌╌╌╌╌●\n"
		   "  1   ○─────●     │     │   one token back: where a\n"
		   "  0   │     ○─────●     │   repeated name is noticed\n"
		   "     Tom   and  Lily   to\n"
		   " ━ strong  ─ less  ╌ weak  │ along the stream\n",
	.shape = "component × quantity",
	.unit = "share",
	.on = ON_RUN,
	.needs = NEEDS_SUM | NEEDS_ATTENTION,
	.cost = COST_VOCABULARY,
	.params = params,
	.compute = compute,
};
