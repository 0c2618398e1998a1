/*
 * direct_attribution.c - which writer to the residual stream speaks for the metric, directly; and who made that write.
 *
 *   logit = (embed + Σ attn + Σ mlp + biases) -- final norm, its scale frozen --> · W_U[:, token] + b_U[token]
 *
 *   3.attn ─ head 3.1 ─ each token that it reads        (writers.h)
 *   3.mlp  ─ its 32 strongest neurons, and the rest
 *
 * A row is one writer's share; children sum to their parent, and the first rows to the metric, before a logit cap. It counts the
 * direct path alone: what a writer does through later layers is theirs here, and a later layer may erase what an earlier one wrote
 * (Dao et al. 2023).
 *
 * Every row is worked out by itself, none as what is missing to a sum: so the check of each level means something.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/direct_logit.h"
#include "engine/analysis/parts.h"
#include "engine/model/tokenizer/tokenizer.h"

enum { ARG_POSITION, ARG_OPEN, ARG_DEPTH };
enum { NEURONS = 32 }; /* of an MLP, that have rows of their own */
extern const struct analysis analysis_direct_attribution;
static const struct param params[] = {
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .at_metric = true,
			   .help = "whose next token: the metric's own unless it is given" },
	[ARG_OPEN] = { "open", PARAM_PLACES, .help = "which rows are open: attn_out 3; head 3.1; mlp_out 3" },
	[ARG_DEPTH] = { "depth", PARAM_INT, .lo = 1, .hi = 3, .start = 1,
			.help = "how deep all rows are open: 1 components, 2 heads and neurons, 3 the tokens that heads read" },
	{ 0 },
};

/* ---- rows ---- */

/* The name of a head, a neuron and a token comes from the row's place. */
struct tree_row {
	int parent;
	struct place place;
	bool closed;
	double share;
	const char *name; /* of other rows, in scratch; or NULL */
};

/* The worst of all levels: how far the children of a row are from it, against what is allowed. */
struct tree_level {
	int parent; /* -1: there is none yet */
	double expected, actual, allowed, off;
};

struct attribution_tree {
	const struct ask *ask;
	const struct direct_logit *readout;
	struct parts *parts;  /* [rows of the first level] of those that are open; the others' share is NULL */
	struct tree_row *row; /* heap */
	int n, room;
	struct tree_level worst;
	bool deep;		  /* the run has what opened rows read */
	const struct place *open; /* [opens] */
	int opens;
};

static int add(struct attribution_tree *t, int parent, struct place place, double share, const char *name)
{
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		t->row = xrealloc(t->row, (size_t)t->room * sizeof *t->row);
	}
	t->row[t->n] = (struct tree_row){ parent, place, false, share, name };
	return t->n++;
}

/*
 * Of the rows from `from` on, the children of `parent` against it. Single precision is theirs: what is allowed goes by all that
 * they hold.
 */
static void check_level(struct attribution_tree *t, int parent, int from)
{
	const struct tree_row *p = &t->row[parent];
	double sum = 0, all = 0;
	struct tree_level l;

	for (int i = from; i < t->n; i++) {
		if (t->row[i].parent != parent)
			continue;
		sum += t->row[i].share;
		all += fabs(t->row[i].share);
	}
	l = (struct tree_level){ parent, p->share, sum, 1e-5 * fmax(all, fabs(p->share)) + 1e-6, 0 };
	l.off = fabs(sum - p->share) / l.allowed;
	if (!isnan(t->worst.off) && !(l.off <= t->worst.off)) /* NaN is the worst */
		t->worst = l;
}

/* ---- what is open ---- */

/* An open head opens its layer's attention too: what is open is seen. */
static bool opens(const struct place *open, const struct place *row)
{
	if (open->layer != row->layer)
		return false;
	if (row->site == SITE_RESULT)
		return open->site == SITE_RESULT && row->unit >= open->unit && row->unit <= open->unit_to;
	return open->site == row->site || (open->also_mlp && row->site == SITE_MLP_OUT) ||
	       (open->site == SITE_RESULT && row->site == SITE_ATTN_OUT);
}

static bool is_open(const struct attribution_tree *t, const struct place *row, int depth)
{
	for (int i = 0; i < t->opens; i++)
		if (opens(&t->open[i], row))
			return true;
	return t->ask->arg[ARG_DEPTH] > depth;
}

/* The places that are to be open are of rows that can be, and the run has what is read then. */
static bool find_open(struct attribution_tree *t, struct err *err)
{
	const struct analysis *a = &analysis_direct_attribution;

	if (!(t->open = ask_places(t->ask, a, ARG_OPEN, &t->opens, err)))
		return false;
	for (int i = 0; i < t->opens; i++) {
		const enum site site = t->open[i].site;
		struct str s;

		if (site == SITE_ATTN_OUT || site == SITE_MLP_OUT || site == SITE_RESULT)
			continue;
		str_init(&s);
		place_print(&t->open[i], &s);
		err_set(err, ERR_ARGUMENT, "%s: open: %s cannot be opened; attn_out, mlp_out and head can", a->name, s.s);
		str_done(&s);
		return false;
	}
	return t->deep || (!t->opens && t->ask->arg[ARG_DEPTH] == 1) || analysis_refuse_stream(a, t->ask->run, err);
}

/* ---- attention ---- */

/* Where the rows of a level are: of the one position that is read, or of all of them. */
static struct place at_read(const struct attribution_tree *t, enum site site, int layer, int unit)
{
	const struct reading *r = &t->readout->reading;
	struct place place = place_at(site, layer, unit, -1);

	place_set(&place, DIM_POSITION, r->from, r->from + r->n - 1);
	return place;
}

static void add_sources(struct attribution_tree *t, const struct parts *p, int parent, int head)
{
	struct place place = at_read(t, SITE_PATTERN, p->layer, head);
	int from = t->n;

	for (int j = 0; j <= t->readout->position; j++) {
		place_set(&place, DIM_KEY, j, j);
		add(t, parent, place, p->source[head][j], NULL);
	}
	if (!isnan(p->head_edits[head]))
		add(t, parent, PLACE_NONE, p->head_edits[head], "edits");
	check_level(t, parent, from);
}

/* What edits put in the place of a write; its bias is here only then, otherwise it is in attn_bias or mlp_bias. */
static void add_edits(struct attribution_tree *t, const struct parts *p, int parent)
{
	if (!p->edited)
		return;
	if (writers_biased(t->ask->run, p->block, p->layer))
		add(t, parent, PLACE_NONE, p->bias, "bias");
	add(t, parent, PLACE_NONE, p->edits, "edits");
}

static void add_heads(struct attribution_tree *t, const struct parts *p, int parent)
{
	int from = t->n;

	for (int h = 0; h < t->ask->model->config.H; h++) {
		int row = add(t, parent, place_at(SITE_RESULT, p->layer, h, -1), p->share[h], NULL);

		if (p->split[h])
			add_sources(t, p, row, h);
		else
			t->row[row].closed = true;
	}
	add_edits(t, p, parent);
	check_level(t, parent, from);
}

/* ---- neurons, and of a mixture experts ---- */

struct neuron {
	int n;
	double share;
};

/* Moves to the front what is stronger than the weakest there; of equals the earlier one. */
static void strongest_first(struct neuron *neuron, int F, int own)
{
	for (int i = 1; i < F; i++) {
		const struct neuron x = neuron[i];
		int at = i < own ? i : own;

		if (i >= own && !(fabs(x.share) > fabs(neuron[own - 1].share)))
			continue;
		if (i >= own)
			neuron[i] = neuron[--at];
		for (; at > 0 && fabs(x.share) > fabs(neuron[at - 1].share); at--)
			neuron[at] = neuron[at - 1];
		neuron[at] = x;
	}
}

/* Those of this layer that the other side of a difference lists, in its order; returns how many. */
static int listed_first(const struct table *like, enum site site, int layer, struct neuron *neuron, int F)
{
	int own = 0;

	for (int i = 0; i < like->rows.n; i++) {
		const struct place *p = &like->rows.place[i];

		for (int k = own; p->site == site && p->layer == layer && k < F; k++) {
			const struct neuron x = neuron[k];

			if (x.n != p->unit)
				continue;
			neuron[k] = neuron[own];
			neuron[own++] = x;
			break;
		}
	}
	return own;
}

static bool add_neurons(struct attribution_tree *t, const struct parts *p, int parent, struct err *err)
{
	const bool mixes = config_mixes(&t->ask->model->config, p->layer);
	const enum site site = mixes ? SITE_EXPERT : SITE_MLP_POST;
	const int F = mixes ? t->ask->model->config.experts.X : t->ask->model->config.dense, from = t->n;
	int own = F < NEURONS ? F : NEURONS;
	struct neuron *neuron = arena_array(t->ask->scratch, (size_t)F, sizeof *neuron, err);
	double rest = 0;

	if (!neuron)
		return false;
	for (int n = 0; n < F; n++)
		neuron[n] = (struct neuron){ n, p->share[n] };
	if (t->ask->like)
		own = listed_first(t->ask->like, site, p->layer, neuron, F);
	else
		strongest_first(neuron, F, own);
	for (int i = 0; i < own; i++)
		add(t, parent, at_read(t, site, p->layer, neuron[i].n), neuron[i].share, NULL);
	for (int i = own; i < F; i++)
		rest += neuron[i].share;
	if (own < F)
		add(t, parent, PLACE_NONE, rest, arena_printf(t->ask->scratch, "rest of %d", F));
	if (mixes && t->ask->model->config.experts.shared)
		add(t, parent, PLACE_NONE, p->share[F], "shared");
	add_edits(t, p, parent);
	check_level(t, parent, from);
	return true;
}

/* ---- all of it ---- */

static bool is_block(const struct logit_share *p)
{
	return p->site == SITE_ATTN_OUT || p->site == SITE_MLP_OUT;
}

/* What the open rows of the first level are made of. */
static bool open_parts(struct attribution_tree *t, struct err *err)
{
	const struct direct_logit *out = t->readout;
	const struct run *run = t->ask->run;
	struct arena *scratch = t->ask->scratch;
	struct parts **open = arena_alloc(scratch, (size_t)out->pieces * sizeof *open);
	int n = 0;

	t->parts = arena_alloc(scratch, (size_t)out->pieces * sizeof *t->parts);
	for (int i = 0; i < out->pieces; i++) {
		const struct logit_share *p = &out->piece[i];
		const struct place place = place_at(p->site, p->layer, -1, -1);

		if (!is_block(p) || !is_open(t, &place, 1))
			continue;
		open[n] = &t->parts[i];
		if (!parts_init(open[n], run, p->site == SITE_ATTN_OUT ? BLOCK_ATTN : BLOCK_MLP, p->layer, &out->reading, scratch,
				err))
			return false;
		for (int h = 0; open[n]->split && h < run->model->config.H; h++) {
			const struct place head = place_at(SITE_RESULT, p->layer, h, -1);

			open[n]->split[h] = is_open(t, &head, 2);
		}
		n++;
	}
	return parts_sum(open, n, run, &out->reading, scratch, t->ask->task, err);
}

static bool add_pieces(struct attribution_tree *t, struct err *err)
{
	for (int i = 0; i < t->readout->pieces; i++) {
		const struct logit_share *p = &t->readout->piece[i];
		const struct parts *parts = &t->parts[i];
		int row = add(t, -1, place_at(p->site, p->layer, -1, -1), p->share, p->name);

		t->row[row].closed = is_block(p) && t->deep && !parts->share;
		if (!parts->share)
			continue;
		if (parts->block == BLOCK_ATTN)
			add_heads(t, parts, row);
		else if (!add_neurons(t, parts, row, err))
			return false;
	}
	return true;
}

/* ---- the table ---- */

/*
 * Of all levels the one that is furthest off. The first rows have the final norm and the unembedding between them and the
 * metric.
 */
static struct check check_of(const struct attribution_tree *t, const char *const *show, struct arena *arena)
{
	const struct tree_level *l = &t->worst;
	double metric = t->readout->reading.value, sum = 0;
	const double tolerance = 1e-4, off_of_roots = tolerance * fmax(1, fabs(metric));

	for (int i = 0; i < t->n; i++)
		sum += t->row[i].parent < 0 ? t->row[i].share : 0;
	if (l->parent < 0 || fabs(sum - metric) / off_of_roots >= l->off)
		return (struct check){ "rows sum to the metric", metric, sum, tolerance };
	return (struct check){ arena_printf(arena, "children sum to %s", show[l->parent]), l->expected, l->actual,
			       l->allowed / fmax(1, fabs(l->expected)), NULL };
}

/* A token's row shares its text with those of all heads. */
struct token_text {
	const char *label, *show;
	size_t bytes;
};

static const struct token_text *token_texts(const struct attribution_tree *tree, struct arena *arena)
{
	const struct run *r = tree->ask->run;
	struct token_text *text = arena_alloc(tree->ask->scratch, (size_t)r->T * sizeof *text);
	struct str show;

	str_init(&show);
	for (int j = 0; j < r->T; j++) {
		const char *label = tokenizer_bytes(r->model->tokenizer, r->tokens[j], &text[j].bytes);

		str_clear(&show);
		str_addf(&show, "%d ", j);
		tokenizer_show(r->model->tokenizer, r->tokens[j], &show);
		text[j].label = arena_strndup(arena, label, text[j].bytes);
		text[j].show = arena_strdup(arena, show.s);
	}
	str_done(&show);
	return text;
}

/* "5.1" in files and "head 5.1" for people. */
static struct token_text text_of(const struct tree_row *r, const struct token_text *token, struct arena *arena)
{
	struct token_text x = { .label = r->name };

	if (r->place.key >= 0)
		return token[r->place.key];
	if (r->name) {
		x.show = x.label = arena_strdup(arena, r->name);
	} else {
		x.label = arena_printf(arena, "%d.%d", r->place.layer, r->place.unit);
		x.show = arena_printf(arena, "%s %s", place_word_of(&r->place)->word, x.label);
	}
	x.bytes = strlen(x.label);
	return x;
}

static void name_rows(const struct attribution_tree *tree, struct table *t)
{
	const struct token_text *token = token_texts(tree, t->arena);

	axis_of(&t->rows, DIM_COMPONENT);
	table_set_tree(t);
	for (int i = 0; i < tree->n; i++) {
		const struct tree_row *r = &tree->row[i];
		const struct token_text x = text_of(r, token, t->arena);

		t->rows.label[i] = x.label;
		t->rows.label_bytes[i] = x.bytes;
		t->rows.show[i] = x.show;
		axis_place(t, &t->rows, i, r->place);
		t->parent[i] = r->parent;
		t->closed[i] = r->closed;
	}
}

static void fill(const struct attribution_tree *tree, struct table *t)
{
	double root = tree->readout->reading.value, all = 0;

	name_rows(tree, t);
	for (int i = 0; i < tree->n; i++)
		all += tree->row[i].parent < 0 ? fabs(tree->row[i].share) : 0;
	for (int i = 0; i < tree->n; i++) {
		t->value[table_cell(t, i, 0)] = (float)tree->row[i].share;
		if (fabs(root) >= 1e-6 * all) /* a share of nothing says nothing */
			t->value[table_cell(t, i, 1)] = (float)(tree->row[i].share / root);
	}
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "contribution");
	axis_label(t, &t->cols, 1, "share");
	table_set_units(t, (const char *const[]){ metric_unit(tree->ask->metric), "of the sum" });
	t->check = check_of(tree, t->rows.show, t->arena);
	t->look = LOOK_TREE;
	t->scale = SCALE_DIVERGING;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct direct_logit readout;
	struct attribution_tree tree = {
		.ask = ask, .readout = &readout, .worst = { .parent = -1 }, .deep = run_has(ask->run, SITE_Z)
	};
	struct table *t = NULL;

	if (find_open(&tree, err) && direct_logit_init(&readout, ask, ask->arg[ARG_POSITION], err) && open_parts(&tree, err) &&
	    add_pieces(&tree, err) && (t = table_new(tree.n, 2, err))) {
		fill(&tree, t);
		direct_logit_title(&readout, ask, t, "all parts");
	}
	free(tree.row);
	return t;
}

const struct analysis analysis_direct_attribution = {
	.name = "direct-attribution",
	.title = "Direct attribution",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Elhage et al. 2021",
	.blurb = "How much each layer's attention and MLP add to the metric directly; opens to heads, their tokens, and neurons.",
	.help = "A layer's attention opens into its heads, a head into the tokens that it reads, an MLP into its strongest neurons "
		"and the rest. At each level the rows sum to the row above; the first ones sum to the logit (or logit difference) "
		"before a cap, with the final norm's scale frozen at its own value. Only the direct path is counted: a writer that "
		"works through later layers shows nothing here, and later layers may erase what earlier ones wrote.",
	.picture = "                − against   for +\n"
		   " ▾ 3.attn              │████████▍     few long bars:\n"
		   "   ▾ head 3.1          │███████▏      these write it\n"
		   "       4 ·Mary         │██████▉       from what it reads\n"
		   "   ▸ head 3.0       ▐██│              writes against it\n"
		   " ▸ 3.mlp               │████▉         opens to neurons\n"
		   " embed                 │              all sum to the metric\n",
	.shape = "component × quantity",
	.unit = "logit",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_READ,
	.needs = READS_STREAM | NEEDS_SUM,
	.metrics = METRICS_LINEAR,
	.params = params,
	.compute = compute,
};
