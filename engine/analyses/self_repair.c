/*
 * self_repair.c - who makes up for a part that is taken away.
 *
 *   metric' − metric = direct + Σ later parts (their change, at the unablated norm's scale) + norm
 *
 * An ablated part's own share of the metric goes (direct); parts after it read another stream and write something else, often
 * against the loss: that is self-repair. What is left is the final norm, which divides by another length. McGrath et al. 2023 (the
 * Hydra effect), Rushing & Nanda 2024.
 */
#include "engine/analysis/direct_logit.h"
#include "engine/analysis/interventions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ARG_PART, ARG_LAYER, ARG_HEAD, ARG_OP, ARG_AT, ARG_POSITION };
enum { PART_HEAD, PART_ATTN, PART_MLP };
enum { OP_ZERO, OP_MEAN };
enum { AT_ALL, AT_LAST };
static const struct choice parts[] = {
	{ "head", "one head", PART_HEAD },
	{ "attn_out", "a layer's attention", PART_ATTN },
	{ "mlp_out", "a layer's MLP", PART_MLP },
	{ 0 },
};
static const struct choice ops[] = {
	{ "zero", "set to zero", OP_ZERO },
	{ "mean", "set to its mean over the prompt's positions", OP_MEAN },
	{ 0 },
};
static const struct choice where[] = {
	{ "all", "at every position", AT_ALL },
	{ "last", "at the metric's position only", AT_LAST },
	{ 0 },
};
static const struct param params[] = {
	[ARG_PART] = { "part", PARAM_CHOICE, .choices = parts, .help = "what is ablated" },
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .help = "its layer" },
	[ARG_HEAD] = { "head", PARAM_DIM, DIM_HEAD, .help = "which head of the layer" },
	[ARG_OP] = { "op", PARAM_CHOICE, .choices = ops, .help = "what is put in its place" },
	[ARG_AT] = { "at", PARAM_CHOICE, .choices = where, .help = "where it is ablated" },
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .at_metric = true,
			   .help = "whose next token: the metric's own unless it is given" },
	{ 0 },
};

/* The two runs, and the metric as a sum over writers in each. */
struct repair {
	const struct ask *ask;
	struct run *ablated;
	struct direct_logit before, after;
	double direct, norm;
};

/* What is ablated, at all positions. */
static struct place part_of(const struct ask *ask)
{
	static const enum site site[] = { [PART_HEAD] = SITE_RESULT, [PART_ATTN] = SITE_ATTN_OUT, [PART_MLP] = SITE_MLP_OUT };

	return place_at(site[ask->arg[ARG_PART]], ask->arg[ARG_LAYER], ask->arg[ARG_PART] == PART_HEAD ? ask->arg[ARG_HEAD] : -1,
			-1);
}

static const char *part_words(const struct ask *ask, struct arena *arena)
{
	struct place part = part_of(ask);
	const char *words;
	struct str s;

	str_init(&s);
	place_print(&part, &s);
	words = arena_strdup(arena, s.s);
	str_done(&s);
	return words;
}

static struct run *ablate(const struct ask *ask, struct err *err)
{
	struct cause c = cause_new(ask, ask->run, ask->foil, 1);
	struct place part = part_of(ask);

	if (ask->arg[ARG_AT] == AT_LAST)
		place_set(&part, DIM_POSITION, ask->arg[ARG_POSITION], ask->arg[ARG_POSITION]);
	cause_edit(&c, 0, &part, ask->arg[ARG_OP] == OP_ZERO ? EDIT_ZERO : EDIT_MEAN);
	return cause_run(&c, 0, err);
}

/* A writer's share of the ablated run at the scale of the run before. */
static double later(const struct repair *r, int i)
{
	return r->after.piece[i].share * r->before.reading.scale / r->after.reading.scale;
}

/* The change of what the part itself writes. */
static double direct_change(const struct repair *r, struct err *err)
{
	const struct ask *ask = r->ask;
	int D = ask->model->config.D, l = ask->arg[ARG_LAYER], at = r->before.position;
	enum site site = ask->arg[ARG_PART] == PART_MLP ? SITE_MLP_OUT : SITE_ATTN_OUT;
	float *was = arena_floats(ask->scratch, 2 * (size_t)D, err), *is = was + D;

	if (!was)
		return NAN;
	if (ask->arg[ARG_PART] == PART_HEAD) {
		run_result(ask->run, l, ask->arg[ARG_HEAD], at, was);
		run_result(r->ablated, l, ask->arg[ARG_HEAD], at, is);
	} else {
		memcpy(was, run_at(ask->run, site, l, at), (size_t)D * sizeof *was);
		memcpy(is, run_at(r->ablated, site, l, at), (size_t)D * sizeof *is);
	}
	return direct_logit_share(&r->before, at, is) - direct_logit_share(&r->before, at, was);
}

static bool measure(struct repair *r, struct err *err)
{
	struct ask with = *r->ask;

	if (!(r->ablated = ablate(r->ask, err)))
		return false;
	with.run = r->ablated;
	if (!direct_logit_init(&r->before, r->ask, r->ask->arg[ARG_POSITION], err) ||
	    !direct_logit_init(&r->after, &with, r->ask->arg[ARG_POSITION], err))
		return false;
	r->direct = direct_change(r, err);
	for (int i = 0; i < r->after.writes; i++)
		r->norm += r->after.piece[i].share - later(r, i);
	return !isnan(r->direct);
}

static int row(struct table *t, int at, const char *name, const struct logit_share *p, double value)
{
	axis_label(t, &t->rows, at, name);
	if (p)
		axis_place(t, &t->rows, at, place_at(p->site, p->layer, -1, -1));
	t->value[at] = (float)value;
	return at + 1;
}

/*
 * The part itself, every writer of its layer and after it, the norm. In the part's own layer and at its own site, the writer's
 * change less the part's: of a head's layer, what the other heads make of it through a norm after attention. Biases write what they
 * did, but an ablated attn_out or mlp_out takes its own with it, which is part of the direct effect.
 */
static struct table *lay_out(const struct repair *r, struct err *err)
{
	const struct ask *ask = r->ask;
	const struct direct_logit *b = &r->before;
	enum site own = ask->arg[ARG_PART] == PART_MLP ? SITE_MLP_OUT : SITE_ATTN_OUT;
	double rest = 0, repaired = 0, total = r->after.reading.value - b->reading.value, sum;
	struct table *t;
	const char *part;
	int n = 2, at = 0;

	for (int i = 0; i < b->writes; i++)
		n += b->piece[i].layer > ask->arg[ARG_LAYER] ||
		     (b->piece[i].layer == ask->arg[ARG_LAYER] && b->piece[i].site >= own);
	if (!(t = table_new(n, 1, err)))
		return NULL;
	part = part_words(ask, t->arena);
	at = row(t, at, part, NULL, r->direct);
	axis_place(t, &t->rows, 0, part_of(ask));
	for (int i = 0; i < b->writes; i++) /* what is not a later writer's: of the part's own, the biases', the edits' */
		if (b->piece[i].layer <= ask->arg[ARG_LAYER] &&
		    !(b->piece[i].layer == ask->arg[ARG_LAYER] && b->piece[i].site > own))
			rest += later(r, i) - b->piece[i].share;
	for (int i = 0; i < b->writes; i++) {
		const struct logit_share *p = &b->piece[i];
		bool same = p->layer == ask->arg[ARG_LAYER] && p->site == own;
		double change = same ? rest - r->direct : later(r, i) - p->share;

		if (p->layer < ask->arg[ARG_LAYER] || (p->layer == ask->arg[ARG_LAYER] && p->site < own))
			continue;
		at = row(t, at, same ? arena_printf(t->arena, "%s, rest", p->name) : p->name, p, change);
		repaired += change;
	}
	row(t, at, "norm", NULL, r->norm);
	sum = r->direct + repaired + r->norm;
	t->check = (struct check){ "direct + downstream + norm = total", total, sum, 1e-4 };
	t->footnote =
		r->direct == 0 && total == 0
			? arena_printf(t->arena, "the edits did this to %s already: undo it to see what makes up for it", part)
			: arena_printf(t->arena, "direct %+.4g, downstream %+.4g (%s), norm %+.4g: total %+.4g", r->direct,
				       repaired,
				       r->direct * repaired < 0
					       ? arena_printf(ask->scratch, "makes up for %.0f %%", -100 * repaired / r->direct)
					       : "nothing is made up for",
				       r->norm, total);
	return t;
}

static void describe(struct table *t, const struct repair *r)
{
	const struct ask *ask = r->ask;
	const char *part = part_words(ask, t->arena);
	const char *op = param_word(&params[ARG_OP], ask->arg[ARG_OP]);

	axis_of(&t->rows, DIM_COMPONENT);
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "change");
	table_set_title(t, "self-repair",
			arena_printf(t->arena, "%s %s%s", part, op, ask->arg[ARG_AT] == AT_LAST ? " at the metric's position" : ""),
			"change of each direct effect");
	table_set_unit(t, metric_unit(ask->metric));
	t->look = LOOK_BARS;
	t->scale = SCALE_DIVERGING;
	t->explain = METRIC_PART;
	t->explain_other = cause_no_number;
}

static bool below_metric(const struct ask *ask, struct err *err)
{
	const struct place part = part_of(ask);

	return part.layer < metric_layer(ask->metric, &ask->model->config) || metric_of_output(ask->metric) ||
	       (part.layer == ask->metric->place.layer && part.site != SITE_MLP_OUT && !ask->model->config.parallel) ||
	       err_set(err, ERR_ARGUMENT, "self-repair: %s reads the stream before layer %d writes there: choose a layer below",
		       ask->metric->spec, part.layer);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct repair r = { .ask = ask };
	struct table *t = below_metric(ask, err) && measure(&r, err) ? lay_out(&r, err) : NULL;

	if (t)
		describe(t, &r);
	run_unref(r.ablated);
	return t;
}

static int runs(const struct ask *ask)
{
	(void)ask;
	return 1;
}

const struct analysis analysis_self_repair = {
	.name = "self-repair",
	.title = "Self-repair",
	.topic = TOPIC_CAUSAL,
	.paper = "McGrath et al. 2023, Rushing & Nanda 2024",
	.blurb = "Which later parts make up for a part that is ablated, and how much.",
	.help = "The first row is what the ablated part wrote to the metric directly; the others are how much more or less later "
		"parts write, now that they read another stream, and what the final norm's new scale does. They sum to the whole "
		"change. Where later rows point against the first, the model repairs itself, and an ablation understates what the "
		"part did.",
	.picture = " head 2.1 itself  ████████│          what it wrote is lost\n"
		   " later parts\n"
		   "   3.head 0               │███▎      these write more, now\n"
		   "   3.head 2               │█▉        that it is missing\n"
		   "   3.mlp                 ▐│\n"
		   " norm's scale             │▌\n"
		   " the whole change    ▐████│          less than what was lost\n",
	.shape = "component × quantity",
	.unit = "logit",
	.on = ON_RUN | ON_METRIC,
	.needs = NEEDS_SUM,
	.cost = COST_RUNS,
	.runs = runs,
	/* Between the two runs what they read of the stream differs by the norm's scale alone. */
	.metrics = METRICS_ONE_NORM,
	.params = params,
	.compute = compute,
};
