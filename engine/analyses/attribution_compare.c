/*
 * attribution_compare.c - several attributions to the same prompt under each other, and how far they agree.
 *
 *   scores     cell = score / the method's largest |score|: units differ, so each row has a range of its own; scores that are
 *              rounding beside the metric stay as they are, since what they are relative to each other is nothing
 *   values     cell = score, in the method's own unit
 *   agreement  method × method: the rank correlation of their scores (rank_correlation.h) over the tokens that both score
 *
 * The mark before the prompt (BOS) and tokens after the last one that the metric reads are not ranked. Where one of two methods has
 * no sign, magnitudes are compared. A method is asked as a pane with its default arguments would ask it, and its answer is shared
 * with such a pane: nothing is computed twice.
 */
#include <math.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/analysis/inputs.h"
#include "engine/analysis/rank_correlation.h"

extern const struct analysis analysis_gradient_x_input, analysis_relevance, analysis_alti_logit, analysis_smoothgrad,
	analysis_integrated_gradients, analysis_occlusion, analysis_atman, analysis_shapley, analysis_lime, analysis_reagent;

/* In the order in which they are asked: the cheap ones first. */
static const struct analysis *const methods[] = {
	&analysis_gradient_x_input,	&analysis_relevance, &analysis_alti_logit, &analysis_smoothgrad, &analysis_occlusion,
	&analysis_integrated_gradients, &analysis_atman,     &analysis_shapley,	   &analysis_lime,	 &analysis_reagent,
};
enum { METHODS = sizeof methods / sizeof *methods, ALL = (1 << METHODS) - 1 };
static const struct choice method_words[] = {
	{ "gradient-x-input", "gradient times embedding", 0 },
	{ "relevance", "relevance by AttnLRP", 0 },
	{ "alti-logit", "what attention writes along the metric, led back to tokens", 0 },
	{ "smoothgrad", "the gradient's length, averaged over noise", 0 },
	{ "occlusion", "the metric without each token", 0 },
	{ "integrated-gradients", "gradients along the way from a mean embedding", 0 },
	{ "atman", "attention to each token turned down", 0 },
	{ "shapley", "Shapley values of tokens hidden", 0 },
	{ "lime", "a line fitted to prompts with tokens hidden", 0 },
	{ "reagent", "which tokens the prediction needs", 0 },
	{ 0 },
};
enum { USUAL = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 }; /* one of each idea, which explain any metric */

enum { ARG_METHODS, ARG_SHOW, ARG_BY };
enum { SHOW_SCORES, SHOW_VALUES, SHOW_AGREEMENT };
static const struct choice shown[] = {
	{ "scores", "scores by token, each method on its own range", SHOW_SCORES },
	{ "values", "scores by token as each method gives them", SHOW_VALUES },
	{ "agreement", "method by method, how alike they order the tokens", SHOW_AGREEMENT },
	{ 0 },
};
enum { BY_SPEARMAN, BY_KENDALL };
static const struct choice correlations[] = {
	{ "spearman", "the correlation of ranks", BY_SPEARMAN },
	{ "kendall", "pairs in the same order less pairs in opposite ones (tau-b)", BY_KENDALL },
	{ 0 },
};
static const struct param params[] = {
	[ARG_METHODS] = { "methods", PARAM_WORDS, .choices = method_words, .lo = 1, .hi = ALL, .start = USUAL,
			  .help = "which are compared" },
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	[ARG_BY] = { "by", PARAM_CHOICE, .choices = correlations, .help = "with show=agreement: which rank correlation" },
	{ 0 },
};

struct method_comparison {
	const struct ask *ask;
	int first, last; /* of the tokens that are ranked */
	int n;
	double metric;
	const struct analysis *method[METHODS];
	bool asked[METHODS], sign[METHODS];
	double *score[METHODS];	  /* [T] each; NaN: it has none there; NULL: no answer, or none yet */
	const char *why[METHODS]; /* it cannot answer this question */
	struct table *table;
};

static void begin(struct method_comparison *c, const struct ask *ask)
{
	*c = (struct method_comparison){ .ask = ask, .first = inputs_first(ask->run), .last = inputs_last(ask->run, ask->metric) };
	for (int i = 0; i < METHODS; i++)
		if (ask->arg[ARG_METHODS] >> i & 1)
			c->method[c->n++] = methods[i];
}

/* ---- asking ---- */

static struct value *defaults(const struct ask *ask, const struct analysis *a)
{
	struct value *args = arena_alloc(ask->scratch, PARAM_MAX * sizeof *args);

	analysis_defaults(a, args);
	return args;
}

/* The first column is the main one. */
static void take_scores(struct method_comparison *c, int i, const struct table *t)
{
	const int T = c->ask->run->T;

	c->score[i] = arena_alloc(c->ask->scratch, (size_t)T * sizeof *c->score[i]);
	for (int p = 0; p < T; p++)
		c->score[i][p] = (double)t->value[table_cell(t, p, 0)];
	c->sign[i] = t->scale == SCALE_DIVERGING;
}

/* False: cancelled, or no memory. That a method cannot explain this metric, or under these edits, is no error here. */
static bool ask_method(struct method_comparison *c, int i, struct err *err)
{
	struct err why = { 0 };
	struct table *t = ask_other(c->ask, c->method[i], defaults(c->ask, c->method[i]), &why);

	c->asked[i] = true;
	if (t) {
		take_scores(c, i, t);
		table_unref(t);
		return true;
	}
	if (why.kind != ERR_ARGUMENT)
		return err_set(err, why.kind, "%s", why.text);
	c->why[i] = arena_printf(c->ask->scratch, "%s", why.text);
	return true;
}

/* ---- what is shown ---- */

static bool ranked(const struct method_comparison *c, int position)
{
	return position >= c->first && position <= c->last;
}

static double largest(const struct method_comparison *c, int i)
{
	double most = 0;

	for (int p = c->first; c->score[i] && p <= c->last; p++)
		most = fmax(most, fabs(c->score[i][p])); /* which leaves out NaN */
	return most;
}

/* Of products of single precision: a gradient whose norm forgets the embedding's length is such, times the embedding (BLOOM). */
static bool is_rounding(const struct method_comparison *c, double most)
{
	return most <= 0x1p-16 * fabs(c->metric);
}

static void fill_scores(struct method_comparison *c)
{
	const bool scaled = c->ask->arg[ARG_SHOW] == SHOW_SCORES;

	for (int i = 0; i < c->n; i++) {
		const double most = largest(c, i), unit = scaled && most > 0 && !is_rounding(c, most) ? most : 1;

		for (int p = 0; c->score[i] && p < c->ask->run->T; p++)
			c->table->value[table_cell(c->table, i, p)] = (float)(c->score[i][p] / unit);
	}
}

static double agreement(const struct method_comparison *c, int i, int k)
{
	double *a = arena_alloc(c->ask->scratch, 2 * (size_t)c->ask->run->T * sizeof *a), *b = a + c->ask->run->T;
	const bool sign = c->sign[i] && c->sign[k];
	int n = 0;

	for (int p = 0; p < c->ask->run->T; p++)
		if (ranked(c, p) && isfinite(c->score[i][p]) && isfinite(c->score[k][p])) {
			a[n] = sign ? c->score[i][p] : fabs(c->score[i][p]);
			b[n++] = sign ? c->score[k][p] : fabs(c->score[k][p]);
		}
	return c->ask->arg[ARG_BY] == BY_KENDALL ? rank_kendall(a, b, n) : rank_spearman(a, b, n);
}

static void fill_agreement(struct method_comparison *c)
{
	struct arena_mark mark = arena_mark(c->ask->scratch);

	for (int i = 0; i < c->n; i++)
		for (int k = 0; k < c->n; k++)
			if (c->score[i] && c->score[k])
				c->table->value[table_cell(c->table, i, k)] = (float)agreement(c, i, k);
	arena_rewind(c->ask->scratch, mark);
}

static bool agreeing(const struct method_comparison *c)
{
	return c->ask->arg[ARG_SHOW] == SHOW_AGREEMENT;
}

static void fill(struct method_comparison *c)
{
	if (agreeing(c))
		fill_agreement(c);
	else
		fill_scores(c);
}

/* ---- the table ---- */

static void name_methods(const struct method_comparison *c, struct axis *axis)
{
	for (int i = 0; i < c->n; i++)
		axis_label(c->table, axis, i, c->method[i]->name);
}

static void describe_agreement(struct method_comparison *c)
{
	struct table *t = c->table;

	axis_of(&t->cols, DIM_QUANTITY); /* a cursor of its own */
	t->cols.name = dim_word(DIM_METHOD);
	name_methods(c, &t->cols);
	table_set_title(t, "attribution compare", "agreement", c->ask->arg[ARG_BY] == BY_KENDALL ? "Kendall's τ" : "Spearman's ρ");
	table_set_unit(t, "rank correlation");
	t->meaning = "1 = the same order, −1 = the opposite one";
}

static void describe_scores(struct method_comparison *c)
{
	const bool scaled = c->ask->arg[ARG_SHOW] == SHOW_SCORES;
	struct table *t = c->table;

	axis_tokens(t, &t->cols, c->ask->run, DIM_POSITION, "position");
	table_set_title(t, "attribution compare", arena_printf(t->arena, "%d method%s", c->n, c->n == 1 ? "" : "s"), NULL);
	table_set_unit(t, scaled ? "of the method's largest" : "each method's own");
	t->place.site = SITE_EMBED;
	t->skip_first = c->first == 1;
}

static void describe(struct method_comparison *c)
{
	struct table *t = c->table;

	axis_of(&t->rows, DIM_METHOD);
	name_methods(c, &t->rows);
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->neutral = 0;
	if (agreeing(c))
		describe_agreement(c);
	else
		describe_scores(c);
}

/* "gradient-x-input 0.31, occlusion 2.4": what 1 is in each row. */
static void tell_ranges(const struct method_comparison *c, struct str *out)
{
	int told = 0;

	for (int i = 0; i < c->n; i++)
		if (c->score[i])
			str_addf(out, "%s%s %.3g%s", told++ ? ", " : "largest: ", c->method[i]->name, largest(c, i),
				 is_rounding(c, largest(c, i)) ? " (rounding)" : "");
}

static void tell(struct method_comparison *c)
{
	struct str out;

	str_init(&out);
	for (int i = 0; i < c->n; i++)
		if (c->why[i])
			str_addf(&out, "%s; ", c->why[i]);
	if (agreeing(c))
		str_addf(&out, "over positions %d to %d; magnitudes where one of two has no sign", c->first, c->last);
	else
		tell_ranges(c, &out);
	c->table->footnote = arena_printf(c->table->arena, "%s", out.s);
	str_done(&out);
}

static bool ask_all(struct method_comparison *c, struct err *err)
{
	for (int i = 0; i < c->n; i++) {
		if (!ask_method(c, i, err))
			return false;
		if (ask_watched(c->ask)) {
			fill(c);
			ask_show(c->ask, c->table);
		}
	}
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct method_comparison c;

	begin(&c, ask);
	if (!metric_value(ask->metric, ask->run, ask->unedited, &c.metric, ask->task, err))
		return NULL;
	if (!(c.table = table_new(c.n, ask->arg[ARG_SHOW] == SHOW_AGREEMENT ? c.n : ask->run->T, err)))
		return NULL;
	describe(&c);
	if (!ask_all(&c, err))
		return table_if(false, c.table);
	fill(&c);
	tell(&c);
	return c.table;
}

/* What is there already costs nothing; what cannot be answered neither. */
static struct passes passes_of_all(const struct ask *ask)
{
	struct method_comparison c;
	struct passes all = { 0 };

	begin(&c, ask);
	for (int i = 0; i < c.n; i++) {
		struct passes n = ask_other_passes(ask, c.method[i], defaults(ask, c.method[i]));

		all.most += n.most > 0 ? n.most : 0;
		all.usual += n.usual > 0 ? n.usual : 0;
	}
	return all;
}

static int runs(const struct ask *ask)
{
	return passes_of_all(ask).most;
}

static int usual_runs(const struct ask *ask)
{
	return passes_of_all(ask).usual;
}

const struct analysis analysis_attribution_compare = {
	.name = "attribution-compare",
	.title = "Attribution compare",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Neely et al. 2021, Krishna et al. 2022",
	.blurb = "Several attributions to the prompt's tokens under each other, and whether they agree.",
	.help = "Each row is a technique with its default arguments, on its own range: units differ, and 1 is the method's largest "
		"score. What all rows show is likely so; where they differ, look at what each one asks: gradients ask about an "
		"infinitely small change, occlusion about one token at a time, integrated gradients about a way that begins at a "
		"mean embedding, relevance how a rule hands the answer down. show=agreement has the correlation of their rankings: "
		"a low one means that at least one of the two misleads, not which.",
	.picture = "              ·The ·capital ·of ·France ·is\n"
		   " gradient      ▒▒             ▒    ███\n"
		   " relevance           ▒▒▒      ·    ███\n"
		   " occlusion           ███      ·    ▓▓▓\n"
		   " a column that is bright in all rows: they agree\n",
	.shape = "method × position, method × method",
	.unit = "of the method's largest, correlation",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.usual_runs = usual_runs,
	.needs = NEEDS_GRADIENT,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
