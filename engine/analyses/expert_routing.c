/*
 * expert_routing.c - which experts of a mixture the tokens are sent to.
 *
 *   router_logits[X] --> the chosen ones and their weights (router.h)     expert_weights[L, T, X]
 *
 * A layer of a mixture whose MLP is none counts as one expert, number 0, that every token is sent to. Rates over a file are those
 * of its prompts in windows; the difference of two rates says which experts two kinds of text do not share.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/asset.h"
#include "engine/run/corpus.h"

enum { ARG_SHOW, ARG_CHOICE, ARG_LAYER, ARG_CORPUS, ARG_AGAINST, ARG_WINDOWS, ARG_LENGTH };
enum { SHOW_CHOICE, SHOW_ENTROPY, SHOW_EXPERTS, SHOW_RATE, SHOW_DIFFERENCE };
static const struct choice shown[] = {
	{ "choice", "layer × position: the expert that is chosen first (second … with choice=), and its weight", SHOW_CHOICE },
	{ "entropy", "layer × position: how evenly the weights are spread over the chosen experts", SHOW_ENTROPY },
	{ "experts", "expert × position at one layer: the weights", SHOW_EXPERTS },
	{ "rate", "layer × expert: the share of tokens that are sent to it, of the prompt or of corpus=FILE", SHOW_RATE,
	  ON_CORPUS },
	{ "difference", "the same, less that of the foil or of against=FILE", SHOW_DIFFERENCE, ON_CORPUS | ON_FOIL },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	[ARG_CHOICE] = { "choice", PARAM_INT, .lo = 1, .hi = 64, .start = 1, .help = "for show=choice: which one, by weight" },
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .start = -1, .help = "for show=experts: which layer" },
	[ARG_CORPUS] = { "corpus", PARAM_FILE, .file = &asset_prompts,
			 .help = "for rates: prompts, in place of the one that is open" },
	[ARG_AGAINST] = { "against", PARAM_FILE, .file = &asset_prompts,
			  .help = "for show=difference: prompts, in place of the foil" },
	[ARG_WINDOWS] = { "windows", PARAM_INT, .lo = 1, .hi = 100000, .start = 200, .help = "of a file: at most so many" },
	[ARG_LENGTH] = { "length", PARAM_INT, .lo = 2, .hi = 4096, .start = 128, .help = "tokens of a window" },
	{ 0 },
};

/* ---- one token ---- */

struct chosen {
	int expert;
	float weight;
};

static bool mixes(const struct run *r, int layer)
{
	return config_mixes(&r->model->config, layer);
}

/* How many experts of a layer a token is sent to. */
static int choices_of(const struct run *r, int layer)
{
	return mixes(r, layer) ? r->model->config.experts.chosen : 1;
}

/* Choice number `slot`, by the experts' numbers; expert -1 where edits left none. */
static struct chosen choice_at(const struct run *r, int layer, int position, int slot)
{
	const int k = r->model->config.experts.chosen;
	struct chosen c = { 0, 1 };

	if (!mixes(r, layer))
		return c;
	c.expert = (int)r->layer[layer]->expert_chosen[position * k + slot];
	c.weight = c.expert < 0 ? 0 : run_at(r, SITE_EXPERT_WEIGHTS, layer, position)[c.expert];
	return c;
}

/* The n-th by weight, from 0; of equal ones the lower number first. expert -1: there are not so many. */
static struct chosen nth(const struct run *r, int layer, int position, int n)
{
	const int k = choices_of(r, layer);

	for (int i = 0; i < k; i++) {
		const struct chosen c = choice_at(r, layer, position, i);
		int before = 0;

		for (int j = 0; j < k; j++) {
			const struct chosen d = choice_at(r, layer, position, j);

			before += d.expert >= 0 && (d.weight > c.weight || (d.weight == c.weight && j < i));
		}
		if (c.expert >= 0 && before == n)
			return c;
	}
	return (struct chosen){ -1, 0 };
}

/* In bits, of the chosen weights as shares of their sum. */
static double entropy_at(const struct run *r, int layer, int position)
{
	double sum = 0, entropy = 0;

	for (int i = 0; i < choices_of(r, layer); i++)
		sum += fabs((double)choice_at(r, layer, position, i).weight);
	for (int i = 0; i < choices_of(r, layer); i++) {
		const double p = sum > 0 ? fabs((double)choice_at(r, layer, position, i).weight) / sum : 0;

		entropy -= p > 0 ? p * log2(p) : 0;
	}
	return entropy;
}

/* ---- maps of the prompt ---- */

/* Space forbids the expert of a cell: another takes its place. */
static void tell(struct table *t, const struct ask *ask, size_t cell, int layer, int expert, int position)
{
	const struct place place = place_at(SITE_EXPERT, layer, expert, position);
	const struct edit edit = edit_at(&place, EDIT_FORBID, ask->scratch);

	if (expert >= 0 && mixes(ask->run, layer))
		table_add_edit(t, cell, &edit);
}

static void fill_choices(struct table *t, const struct ask *ask)
{
	table_set_words(t);
	for (int l = 0; l < t->rows.n; l++)
		for (int i = 0; i < t->cols.n; i++) {
			const struct chosen c = nth(ask->run, l, i, ask->arg[ARG_CHOICE] - 1);
			const size_t cell = table_cell(t, l, i);
			const char *word = c.expert < 0 ? "" : arena_printf(t->arena, "%d", c.expert);

			t->value[cell] = c.expert < 0 ? NAN : c.weight;
			table_set_word(t, cell, -1, word, strlen(word), word); /* no token */
			tell(t, ask, cell, l, c.expert, i);
		}
	t->look = LOOK_HEAT;
}

static void fill_entropies(struct table *t, const struct ask *ask)
{
	for (int l = 0; l < t->rows.n; l++)
		for (int i = 0; i < t->cols.n; i++)
			t->value[table_cell(t, l, i)] = (float)entropy_at(ask->run, l, i);
	t->look = LOOK_HEAT;
}

static void fill_experts(struct table *t, const struct ask *ask)
{
	const int layer = ask->arg[ARG_LAYER];

	for (int i = 0; i < t->cols.n; i++)
		for (int k = 0; k < choices_of(ask->run, layer); k++) {
			const struct chosen c = choice_at(ask->run, layer, i, k);

			if (c.expert >= 0)
				t->value[table_cell(t, c.expert, i)] = c.weight;
		}
	for (int e = 0; e < t->rows.n; e++)
		for (int i = 0; i < t->cols.n; i++)
			tell(t, ask, table_cell(t, e, i), layer, e, i);
	t->look = LOOK_HEAT;
}

/* ---- rates ---- */

struct rates {
	double *count; /* [L, X] tokens that were sent there */
	double tokens;
};

static void count_run(struct rates *g, const struct run *r, int X)
{
	for (int l = 0; l < r->model->config.L; l++)
		for (int i = 0; i < r->T; i++)
			for (int k = 0; k < choices_of(r, l); k++) {
				const int e = choice_at(r, l, i, k).expert;

				if (e >= 0)
					g->count[l * X + e]++;
			}
	g->tokens += r->T;
}

static bool count_file(struct rates *g, const struct ask *ask, const char *file, int X, struct err *err)
{
	const int most = ask->arg[ARG_WINDOWS];
	struct corpus *c = corpus_open(file, ask->model, ask->arg[ARG_LENGTH], err);
	struct corpus_window w;
	bool ok = c != NULL;

	for (int i = 0; ok && i < most && (ok = task_step(ask->task, i, most, err) && corpus_next(c, &w, err)) && w.n; i++) {
		const struct run_order order = {
			.model = ask->model, .tokens = w.tokens, .T = w.n, .keeps = RUN_STREAM, .without_logits = true
		};
		struct run *r = run_new(&order, ask->task, err);

		if ((ok = r != NULL))
			count_run(g, r, X);
		run_unref(r);
	}
	corpus_close(c);
	return ok && (g->tokens > 0 || err_set(err, ERR_ARGUMENT, "%s: there is no prompt of two tokens or more in it", file));
}

/* Of a file, or else of a run. */
static bool rates_of(struct rates *g, const struct ask *ask, const char *file, const struct run *r, struct err *err)
{
	const int X = ask->model->config.experts.X;

	*g = (struct rates){ arena_array(ask->scratch, (size_t)(ask->model->config.L * X), sizeof *g->count, err), 0 };
	if (!g->count)
		return false;
	if (file)
		return count_file(g, ask, file, X, err);
	count_run(g, r, X);
	return true;
}

static bool fill_rates(struct table *t, const struct ask *ask, struct err *err)
{
	const bool difference = ask->arg[ARG_SHOW] == SHOW_DIFFERENCE;
	const size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;
	struct rates here, there = { NULL, 1 };

	if (difference && !ask->foil && !ask->text[ARG_AGAINST])
		return err_set(
			err, ERR_ARGUMENT,
			"a difference of rates needs a foil, or a file of prompts that are unlike those of corpus: against=FILE");
	if (!rates_of(&here, ask, ask->text[ARG_CORPUS], ask->run, err) ||
	    (difference && !rates_of(&there, ask, ask->text[ARG_AGAINST], ask->foil, err)))
		return false;
	for (size_t i = 0; i < cells; i++) {
		t->value[i] = (float)(here.count[i] / here.tokens - (difference ? there.count[i] / there.tokens : 0));
		tell(t, ask, i, (int)i / t->cols.n, (int)i % t->cols.n, -1);
	}
	t->look = LOOK_HEAT;
	return true;
}

/* ---- the table ---- */

static bool by_expert(const struct ask *ask)
{
	return ask->arg[ARG_SHOW] == SHOW_RATE || ask->arg[ARG_SHOW] == SHOW_DIFFERENCE;
}

static void describe(struct table *t, const struct ask *ask)
{
	static const char *const units[] = { "weight", "bits", "weight", "share of tokens", "share of tokens" };
	const struct config *c = &ask->model->config;
	const int show = ask->arg[ARG_SHOW];
	const char *of = show == SHOW_CHOICE	? arena_printf(t->arena, "choice %d of %d", ask->arg[ARG_CHOICE], c->experts.chosen)
			 : show == SHOW_EXPERTS ? arena_printf(t->arena, "weights in layer %d", ask->arg[ARG_LAYER])
						: shown[show].word;

	axis_numbers(t, &t->rows, show == SHOW_EXPERTS ? DIM_EXPERT : DIM_LAYER);
	if (by_expert(ask))
		axis_numbers(t, &t->cols, DIM_EXPERT);
	else
		axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	table_set_title(t, "expert routing", of, arena_printf(t->arena, "%d experts", c->experts.X));
	table_set_unit(t, units[show]);
	t->scale = show == SHOW_DIFFERENCE ? SCALE_DIVERGING : SCALE_SEQUENTIAL;
	t->neutral = 0;
	t->place = place_at(SITE_EXPERT, show == SHOW_EXPERTS ? ask->arg[ARG_LAYER] : -1, -1, -1);
}

/*
 * Each token has so many choices: rates of a layer sum to them, and a difference of rates to nothing. Of a layer's weights, see
 * below.
 */
static void check_rates(struct table *t, const struct ask *ask)
{
	const int last = t->rows.n - 1;
	double sum = 0;

	for (int e = 0; e < t->cols.n; e++)
		sum += (double)t->value[table_cell(t, last, e)];
	t->check = (struct check){ "a layer's rates sum to its choices",
				   ask->arg[ARG_SHOW] == SHOW_DIFFERENCE ? 0 : choices_of(ask->run, last), sum, 1e-5 };
}

/*
 * What the chosen experts, and the shared one, write is what the mixture writes: of the last layer at the last token, along
 * itself.
 */
static bool check_writes(struct table *t, const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	const struct run *r = ask->run;
	const int layer = c->L - 1, position = r->T - 1;
	const size_t D = (size_t)c->D;
	const float *whole = run_at(r, SITE_MLP_OUT, layer, position);
	float *x = arena_floats(ask->scratch, D, err);
	double sum = 0, want = 0;

	if (!x || !mixes(r, layer) || !run_has(r, SITE_MLP_POST))
		return x != NULL;
	for (int e = -1; e < c->experts.X; e++) {
		if (e < 0)
			run_shared(r, layer, position, x);
		else
			run_expert(r, layer, e, position, x);
		for (size_t i = 0; i < D; i++)
			sum += (double)x[i] * (double)whole[i];
	}
	for (size_t i = 0; i < D; i++)
		want += (double)whole[i] * (double)whole[i];
	for (int e = 0; e < r->edits; e++)
		if (edit_hits(&r->edit[e], SITE_MLP_OUT, layer))
			return true; /* then it is another write */
	t->check = (struct check){ "the experts' writes sum to the MLP's", want, sum, 1e-4 };
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	static void (*const fill[])(struct table * t, const struct ask *ask) = { fill_choices, fill_entropies, fill_experts };
	const struct config *c = &ask->model->config;
	const int show = ask->arg[ARG_SHOW], rows = show == SHOW_EXPERTS ? c->experts.X : c->L;
	struct table *t = table_new(rows, by_expert(ask) ? c->experts.X : ask->run->T, err);

	if (!t)
		return NULL;
	describe(t, ask);
	if (by_expert(ask)) {
		if (!fill_rates(t, ask, err))
			return table_if(false, t);
		check_rates(t, ask);
		return t;
	}
	fill[show](t, ask);
	return table_if(check_writes(t, ask, err), t);
}

const struct analysis analysis_expert_routing = {
	.name = "expert-routing",
	.title = "Expert routing",
	.topic = TOPIC_GEOMETRY,
	.paper = "Shazeer et al. 2017, Muennighoff et al. 2024",
	.blurb = "Which experts of a mixture each token is sent to, with which weights, and how the load is spread.",
	.help = "A number in a cell is an expert of that layer; expert 3 of one layer and expert 3 of the next have nothing in "
		"common. Experts are rarely about a subject: the same one often gets a kind of token, wherever it is. Few tokens "
		"make any load look uneven: rates over a file of prompts (show=rate corpus=FILE), or the difference of two files "
		"(show=difference corpus=FILE against=FILE), say more. Space forbids the expert: another takes its place; `expert "
		"3.17 zero` leaves it chosen and takes its write away. x explains its router's logit.",
	.picture = " layer   ‹bos›  ·The  ·cap  ·of\n"
		   "   3      50▒    9░    36▓   25░    the number: the expert\n"
		   "   2      56▒   45▓    36▒   29▒    the shade: its weight\n"
		   "   1       8▒   45▒    36▓    8▒\n"
		   "           36 of three layers: three experts, not one\n",
	.shape = "layer × position, expert × position, layer × expert",
	.unit = "weight",
	.on = ON_RUN,
	.cost = COST_READ,
	.needs = READS_STREAM | NEEDS_EXPERTS,
	.params = params,
	.compute = compute,
};
