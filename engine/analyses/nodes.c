/*
 * nodes.c - the parts that matter most, of all kinds in one list: what each gives directly, what its gradient promises, what it is
 * worth when it is switched off, and how active it is. As the table of nodes of the Transformer Debugger (OpenAI 2024).
 *
 *   direct                  its write along what the metric reads of the stream, norms frozen            (parts.h)
 *   gradient_x_activation   Σ_t a_t · ∂ metric / ∂ a_t: what switching it off would take away, to first order, on all paths
 *   effect                  metric − metric(the node at 0 at every position), by a run of its own
 *   activation              a neuron's; of others the length of what they write; at the last position that the metric reads
 *
 *   a: z of a head, mlp_out of an MLP, mlp_post of a neuron, the weight of an expert, in which its write is linear.
 *   Positive: it speaks for the metric.
 *
 * Effects take a run each, so only the first of the list have one. With by=effect these are chosen by gradient and then ordered by
 * what was measured.
 */
#include "engine/analysis/interventions.h"

#include <math.h>
#include <stdlib.h>

#include "engine/analysis/direct_logit.h"
#include "engine/analysis/inputs.h"
#include "engine/analysis/parts.h"
#include "engine/numbers/kernels.h"

enum { KIND_HEAD, KIND_MLP, KIND_NEURON, KIND_EXPERT, KINDS };
static const struct choice kinds[] = {
	{ "head", "attention heads", KIND_HEAD },
	{ "mlp", "whole MLPs", KIND_MLP },
	{ "neuron", "neurons of MLPs", KIND_NEURON },
	{ "expert", "experts of mixtures", KIND_EXPERT },
	{ 0 },
};
enum { DIRECT, GRADIENT, EFFECT, ACTIVATION, COLUMNS };
static const struct choice orders[] = {
	{ "direct", "what it gives to the metric directly", DIRECT },
	{ "gradient", "gradient times activation", GRADIENT },
	{ "effect", "what is lost without it, of the strongest by gradient", EFFECT },
	{ "activation", "how active it is", ACTIVATION },
	{ 0 },
};
enum { ARG_KINDS, ARG_BY, ARG_K, ARG_EXACT };
static const struct param params[] = {
	[ARG_KINDS] = { "kinds", PARAM_WORDS, .choices = kinds, .lo = 1, .hi = (1 << KINDS) - 1, .help = "what is listed" },
	[ARG_BY] = { "by", PARAM_CHOICE, .choices = orders, .help = "what orders the list" },
	[ARG_K] = { "k", PARAM_INT, .lo = 1, .hi = 1000, .start = 50, .help = "how many rows" },
	[ARG_EXACT] = { "exact", PARAM_INT, .lo = 0, .hi = 1000, .start = 20,
			.help = "how many of them are switched off, each in a run of its own" },
	{ 0 },
};

struct node {
	int kind, layer, unit;
	double of[COLUMNS]; /* NaN: not known */
};

struct node_list {
	const struct ask *ask;
	bool linear;		     /* the metric is a sum over the stream: nodes give directly */
	struct direct_logit readout; /* then */
	int position;		     /* whose activation is shown */
	struct node *node;	     /* [n] all of them, the chosen ones first */
	int n, rows, exact;
	struct table *table;
};

/* ---- all nodes ---- */

static bool wanted(const struct ask *ask, int kind)
{
	return ask->arg[ARG_KINDS] >> kind & 1;
}

/* Neurons of experts have no places of their own. */
static int units_of(const struct config *c, int kind, int layer)
{
	const int units[] = { c->H, 1, config_mixes(c, layer) ? 0 : c->dense, config_mixes(c, layer) ? c->experts.X : 0 };

	return units[kind];
}

static int count_nodes(const struct ask *ask)
{
	int n = 0;

	for (int l = 0; l < ask->model->config.L; l++)
		for (int kind = 0; kind < KINDS; kind++)
			n += wanted(ask, kind) ? units_of(&ask->model->config, kind, l) : 0;
	return n;
}

static struct place place_of(const struct node *n)
{
	static const enum site site[] = { SITE_RESULT, SITE_MLP_OUT, SITE_MLP_POST, SITE_EXPERT };

	return place_at(site[n->kind], n->layer, n->kind == KIND_MLP ? -1 : n->unit, -1);
}

/* A head's write is linear in z, an expert's in its weight: these take its place. */
static double gradient_of(const struct ask *ask, const struct node *n)
{
	struct place place = place_of(n);
	size_t from, width;
	double sum = 0;

	place.site = place.site == SITE_RESULT ? SITE_Z : place.site == SITE_EXPERT ? SITE_EXPERT_WEIGHTS : place.site;
	width = place_slice(&place, &ask->model->config, &from);
	for (int t = 0; t < ask->run->T; t++)
		sum += (double)kernel_dot(run_at(ask->run, place.site, n->layer, t) + from,
					  gradient_at(ask->gradient, place.site, n->layer, t) + from, width);
	return sum;
}

static double activation_of(const struct node_list *l, const struct node *n, float *write)
{
	const struct run *run = l->ask->run;
	const size_t D = (size_t)run->model->config.D;

	if (n->kind == KIND_NEURON)
		return (double)run_at(run, SITE_MLP_POST, n->layer, l->position)[n->unit];
	if (n->kind == KIND_MLP)
		return (double)kernel_norm2(run_at(run, SITE_MLP_OUT, n->layer, l->position), D);
	(n->kind == KIND_EXPERT ? run_expert : run_result)(run, n->layer, n->unit, l->position, write);
	return (double)kernel_norm2(write, D);
}

/* What each of a layer's blocks gives to the metric, and their parts; NULL: the block is above what is read, or not asked for. */
struct shares {
	const struct parts *heads, *inside; /* inside an MLP: neurons, or experts */
	double mlp;
};

static double direct_of(const struct shares *s, const struct node *n)
{
	const struct parts *p = n->kind == KIND_HEAD ? s->heads : s->inside;

	return n->kind == KIND_MLP ? s->mlp : p ? p->share[n->unit] : 0;
}

static bool take_parts(const struct node_list *l, enum block block, int layer, const struct parts **out, struct err *err)
{
	const struct ask *ask = l->ask;
	const enum site site = block == BLOCK_ATTN ? SITE_ATTN_OUT : SITE_MLP_OUT;
	const int kind = block == BLOCK_ATTN ? KIND_HEAD : config_mixes(&ask->model->config, layer) ? KIND_EXPERT : KIND_NEURON;
	struct parts *p = arena_alloc(ask->scratch, sizeof *p);

	*out = NULL;
	if (!wanted(ask, kind) || !reading_counts(&l->readout.reading, site, layer))
		return true;
	*out = p;
	return parts_init(p, ask->run, block, layer, &l->readout.reading, ask->scratch, err) &&
	       parts_sum(&p, 1, ask->run, &l->readout.reading, ask->scratch, NULL, err);
}

static bool take_shares(const struct node_list *l, int layer, struct shares *s, struct err *err)
{
	*s = (struct shares){ 0 };
	if (!l->linear)
		return true;
	for (int i = 0; i < l->readout.writes; i++)
		if (l->readout.piece[i].site == SITE_MLP_OUT && l->readout.piece[i].layer == layer)
			s->mlp = l->readout.piece[i].share;
	return take_parts(l, BLOCK_ATTN, layer, &s->heads, err) && take_parts(l, BLOCK_MLP, layer, &s->inside, err);
}

static bool list_layer(struct node_list *l, int layer, float *write, struct err *err)
{
	struct arena_mark mark = arena_mark(l->ask->scratch);
	struct shares s;

	if (!take_shares(l, layer, &s, err))
		return false;
	for (int kind = 0; kind < KINDS; kind++)
		for (int u = 0; wanted(l->ask, kind) && u < units_of(&l->ask->model->config, kind, layer); u++) {
			struct node *n = &l->node[l->n++];

			*n = (struct node){ kind, layer, u, { NAN, NAN, NAN, NAN } };
			n->of[DIRECT] = l->linear ? direct_of(&s, n) : NAN;
			n->of[GRADIENT] = gradient_of(l->ask, n);
			n->of[ACTIVATION] = activation_of(l, n, write);
		}
	arena_rewind(l->ask->scratch, mark);
	return true;
}

static bool list_nodes(struct node_list *l, struct err *err)
{
	const struct config *c = &l->ask->model->config;
	float *write = arena_floats(l->ask->scratch, (size_t)c->D, err);

	l->node = arena_array(l->ask->scratch, (size_t)count_nodes(l->ask), sizeof *l->node, err);
	for (int layer = 0; write && l->node && layer < c->L; layer++)
		if (!task_step(l->ask->task, layer, c->L, err) || !list_layer(l, layer, write, err))
			return false;
	return write && l->node;
}

/* ---- their order ---- */

/* What the list is ordered by before effects are known. Directly gives nobody where the metric is no sum. */
static int order_of(const struct node_list *l)
{
	const int by = l->ask->arg[ARG_BY];

	return by == EFFECT || (by == DIRECT && !l->linear) ? GRADIENT : by;
}

static int compare_by(const struct node *a, const struct node *b, int column)
{
	const double x = fabs(a->of[column]), y = fabs(b->of[column]);

	if (x != y)
		return x > y ? -1 : 1;
	if (a->layer != b->layer)
		return a->layer - b->layer;
	return a->kind != b->kind ? a->kind - b->kind : a->unit - b->unit;
}

static int by_direct(const void *a, const void *b)
{
	return compare_by(a, b, DIRECT);
}

static int by_gradient(const void *a, const void *b)
{
	return compare_by(a, b, GRADIENT);
}

static int by_effect(const void *a, const void *b)
{
	return compare_by(a, b, EFFECT);
}

static int by_activation(const void *a, const void *b)
{
	return compare_by(a, b, ACTIVATION);
}

static void sort_nodes(struct node *node, int n, int column)
{
	static int (*const compare[])(const void *, const void *) = { by_direct, by_gradient, by_effect, by_activation };

	qsort(node, (size_t)n, sizeof *node, compare[column]);
}

/* The rows of the other side of a difference, in its order. */
static void choose_like(struct node_list *l, const struct table *like)
{
	for (int i = 0; i < l->rows; i++)
		for (int k = i; k < l->n; k++) {
			const struct place place = place_of(&l->node[k]);
			const struct node x = l->node[k];

			if (!place_equal(&place, &like->rows.place[i]))
				continue;
			l->node[k] = l->node[i];
			l->node[i] = x;
			break;
		}
}

/* ---- effects ---- */

/* A watched table shows what is known so far; its rows are in the order before effects are known. */
static void effect_cells(struct table *t, const struct cause *c, const void *with)
{
	(void)with;
	for (int i = 0; i < c->n; i++)
		t->value[c->cell[i]] = (float)(c->now - c->value[i]);
}

static bool measure(struct node_list *l, struct err *err)
{
	struct cause c = cause_new(l->ask, l->ask->run, l->ask->foil, l->exact);
	size_t *cell = arena_alloc(l->ask->scratch, (size_t)(l->exact + 1) * sizeof *cell);

	for (int i = 0; i < l->exact; i++) {
		const struct place place = place_of(&l->node[i]);

		cell[i] = table_cell(l->table, i, EFFECT);
		cause_edit(&c, i, &place, EDIT_ZERO);
	}
	c.cell = cell;
	if (!l->exact)
		return true;
	if (!cause_fill(&c, l->table, effect_cells, NULL, err))
		return false;
	for (int i = 0; i < l->exact; i++)
		l->node[i].of[EFFECT] = c.now - c.value[i];
	return true;
}

/* The first row's, by a whole run of its own. */
static bool check_first(const struct node_list *l, struct err *err)
{
	const struct ask *ask = l->ask;
	struct place place = place_of(&l->node[0]);
	struct edit edit = edit_at(&place, EDIT_ZERO, ask->scratch);
	const struct edit *const one = &edit;
	struct table *t = l->table;
	double now, alone;

	if (!l->exact)
		return true;
	if (!metric_value(ask->metric, ask->run, ask->unedited, &now, ask->task, err) ||
	    !ask_value_with(ask, ask->metric, &one, 1, &alone, err))
		return false;
	t->check = (struct check){ "effect of the first, run alone", now - alone, l->node[0].of[EFFECT], 1e-4 };
	t->check.of = t->rows.show[0];
	return true;
}

/* ---- the table ---- */

/* Whatever a cell says of a node, Space switches it off. */
static void put_row(const struct node_list *l, int i)
{
	const struct place place = place_of(&l->node[i]);
	const struct edit edit = edit_at(&place, EDIT_ZERO, l->ask->scratch);
	struct table *t = l->table;

	axis_place(t, &t->rows, i, place);
	for (int k = 0; k < COLUMNS; k++) {
		t->value[table_cell(t, i, k)] = (float)l->node[i].of[k];
		table_set_edits(t, table_cell(t, i, k), &edit, 1);
	}
}

/* Rows and all cells; those that are not measured yet are NaN. */
static void put_rows(struct node_list *l)
{
	struct table *t = l->table;
	struct str label;

	str_init(&label);
	for (int i = 0; i < l->rows; i++) {
		const struct place place = place_of(&l->node[i]);

		str_clear(&label);
		place_print(&place, &label);
		axis_label(t, &t->rows, i, label.s);
		put_row(l, i);
	}
	str_done(&label);
}

static void describe(const struct node_list *l)
{
	static const char *const names[] = { "direct", "gradient_x_activation", "effect", "activation" };
	const struct ask *ask = l->ask;
	const char *unit = metric_unit(ask->metric);
	struct table *t = l->table;

	axis_of(&t->rows, DIM_RANK);
	axis_of(&t->cols, DIM_QUANTITY);
	for (int k = 0; k < COLUMNS; k++)
		axis_label(t, &t->cols, k, names[k]);
	table_set_units(t, (const char *const[]){ unit, unit, unit, "activation" });
	table_set_title(t, "nodes", arena_printf(t->arena, "%d of %d", l->rows, l->n),
			arena_printf(t->arena, "by %s", ask->arg[ARG_BY] == EFFECT ? "effect" : names[order_of(l)]));
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->range_cols = ACTIVATION; /* which is of another kind than what is before it */
	if (l->linear)
		t->explain = METRIC_PART;
}

static void tell(struct node_list *l)
{
	struct table *t = l->table;
	struct str out;

	str_init(&out);
	if (!l->linear)
		str_addf(&out, "nothing gives directly: %s is not linear in the stream%s; ", l->ask->metric->spec,
			 l->ask->arg[ARG_BY] == DIRECT ? ", so the list is ordered by gradient" : "");
	str_addf(&out, "effect: %s %d switched off, each alone", l->exact < l->rows ? "the first" : "all", l->exact);
	if (l->ask->arg[ARG_BY] == EFFECT)
		str_add(&out, "; chosen by gradient");
	t->footnote = arena_printf(t->arena, "%s", out.s);
	str_done(&out);
}

static bool begin(struct node_list *l, const struct ask *ask, struct err *err)
{
	const int last = inputs_last(ask->run, ask->metric);

	*l = (struct node_list){ .ask = ask,
				 .linear = metric_table[ask->metric->kind]->read != NULL,
				 .position = last > 0 ? last : 0 };
	if (l->linear && !direct_logit_init(&l->readout, ask, ask->metric->position, err))
		return false;
	l->position = l->linear ? l->readout.position : l->position;
	return list_nodes(l, err);
}

static void count_rows(struct node_list *l, const struct ask *ask)
{
	const int n = count_nodes(ask);

	l->rows = ask->like ? ask->like->rows.n : ask->arg[ARG_K] < n ? ask->arg[ARG_K] : n;
	l->exact = ask->arg[ARG_EXACT] < l->rows ? ask->arg[ARG_EXACT] : l->rows;
}

static void choose(struct node_list *l)
{
	sort_nodes(l->node, l->n, order_of(l));
	if (l->ask->like)
		choose_like(l, l->ask->like);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct node_list l;

	if (!begin(&l, ask, err))
		return NULL;
	count_rows(&l, ask);
	if (!(l.table = table_new(l.rows, COLUMNS, err)))
		return NULL;
	choose(&l);
	describe(&l);
	put_rows(&l);
	if (!measure(&l, err))
		return table_if(false, l.table);
	if (ask->arg[ARG_BY] == EFFECT && !ask->like)
		sort_nodes(l.node, l.exact, EFFECT);
	put_rows(&l);
	tell(&l);
	return table_if(check_first(&l, err), l.table);
}

static int runs(const struct ask *ask)
{
	struct node_list l;

	count_rows(&l, ask);
	return l.exact + (l.exact > 0);
}

const struct analysis analysis_nodes = {
	.name = "nodes",
	.title = "Nodes",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Mossing et al. 2024",
	.blurb = "The strongest heads, MLPs, neurons and experts in one list, by several measures side by side.",
	.help = "Positive speaks for the metric in the first three columns. direct is what a node writes along the metric itself; "
		"gradient times activation counts all paths, but only to first order: a saturated softmax or a repair in later "
		"layers is not in it. effect is the truth about switching the node off everywhere, one node at a time; where it "
		"and the gradient differ much, do not trust the gradient further down. A large effect with nothing direct: the "
		"node works through others. by=effect finds no node that the gradient does not show.",
	.picture = "               direct  gradient  effect  activation\n"
		   " head 3.0       2.9      2.7      2.8       9.1\n"
		   " mlp_out 0      0.1      4.2      6.3      31     through\n"
		   " neuron 2.17    0.6      0.5      0.1       2.0   others\n"
		   " effect near 0 with a large direct: repaired later\n",
	.shape = "rank × quantity",
	.unit = "the metric's, activation",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = NEEDS_GRADIENT | NEEDS_SUM,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
