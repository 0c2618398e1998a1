/*
 * reagent.c - which tokens a prediction needs: others are put in the place of random ones, again and again (Zhao & Shan 2024).
 *
 *   a probe's scores s[n] begin at random, from 0 to 1; each step:
 *     each token is replaced with probability `ratio`;  Δ = p(y | prompt) − p(y | that)
 *     s_i += logit((1 + Δ) / 2) where i was replaced, −= that where it was not
 *     all but the `keep` greatest are replaced: the probe stops when y is among the `top` predictions then
 *   cell: the mean over the probes that have stopped of softmax(s)
 *
 * y is the metric's token, read at its position. The mark before the prompt is never replaced, and has no share.
 *
 * What takes a token's place is drawn among those of the vocabulary that begin with white space like it, or do not: so words are
 * replaced by beginnings of words. (The paper draws from a masked language model, Inseq among tokens of the same part of speech.)
 * Learned positions stay.
 *
 * Draw number k of a probe is noise_uniform(seed, k · probes + probe, token): k = 0 its start; at step t, 3t + 1 which tokens are
 * replaced, 3t + 2 by what, 3t + 3 by what when it is tried whether to stop.
 */
#include <math.h>

#include "engine/analysis/inputs.h"
#include "engine/analysis/interventions.h"
#include "engine/analysis/players.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/noise.h"
#include "engine/run/sweep.h"

enum { ARG_PROBES, ARG_KEEP, ARG_TOP, ARG_RATIO, ARG_STEPS, ARG_SEED };
static const struct param params[] = {
	[ARG_PROBES] = { "probes", PARAM_INT, .lo = 1, .hi = 256, .start = 16, .help = "how many, each with draws of its own" },
	[ARG_KEEP] = { "keep", PARAM_INT, .lo = 1, .hi = 1000, .start = 5, .help = "tokens that are to suffice" },
	[ARG_TOP] = { "top", PARAM_INT, .lo = 1, .hi = 100, .start = 3,
		      .help = "predictions among which the metric's token is then" },
	[ARG_RATIO] = { "ratio", PARAM_REAL, .lo = 0.01, .hi = 0.99, .start = 0.3,
			.help = "of the tokens that are replaced at a time" },
	[ARG_STEPS] = { "steps", PARAM_INT, .lo = 1, .hi = 100000, .start = 3000, .help = "after which a probe gives up" },
	[ARG_SEED] = { "seed", PARAM_INT, .lo = 0, .hi = 1000000, .start = 0, .help = "which draws" },
	{ 0 },
};

enum { INSIDE, BEGINS, CLASSES, NO_CLASS = -1 };
enum draw { DRAW_WHICH = 1, DRAW_WHAT, DRAW_TRIAL, DRAWS = 3 };

struct probe {
	double *score;	/* [n] s */
	bool *gone;	/* [n] what is replaced now */
	int32_t *token; /* [n] by what */
	double value;	/* log p(y) with that */
	int rank;	/* and the rank of y */
	int steps;
	bool stopped;
};

struct probing {
	const struct ask *ask;
	struct metric metric; /* log p(y) */
	double now;	      /* of the prompt */
	int first, n;	      /* the tokens that may be replaced: first … first + n - 1 */
	struct probe *probe;  /* [probes] */
	int probes, stopped;
	int32_t *of_class[CLASSES]; /* [count] tokens of the vocabulary */
	int count[CLASSES];
	int *asked; /* [probes] those whose values are wanted */
	struct table *table;
};

/* ---- what takes a token's place ---- */

static int class_of(const struct model *m, int32_t token)
{
	size_t n;
	const char *bytes = tokenizer_bytes(m->tokenizer, token, &n);

	if (tokenizer_is_special(m->tokenizer, token) || !n)
		return NO_CLASS;
	return bytes[0] == ' ' || (bytes[0] >= '\t' && bytes[0] <= '\r') ? BEGINS : INSIDE;
}

static void sort_vocabulary(struct probing *p)
{
	const struct model *m = p->ask->model;
	const int V = tokenizer_size(m->tokenizer) < m->config.V ? tokenizer_size(m->tokenizer) : m->config.V;

	for (int c = 0; c < CLASSES; c++)
		p->of_class[c] = arena_alloc(p->ask->scratch, (size_t)V * sizeof(int32_t));
	for (int32_t id = 0; id < V; id++) {
		const int c = class_of(m, id);

		if (c != NO_CLASS)
			p->of_class[c][p->count[c]++] = id;
	}
}

static double draw(const struct probing *p, int number, int probe, int i)
{
	const uint64_t row = (uint64_t)number * (uint64_t)p->probes + (uint64_t)probe;

	return noise_uniform((uint64_t)p->ask->arg[ARG_SEED], row, (uint64_t)i);
}

/* Another token for each that is gone; a special one stays what it is. */
static void draw_tokens(const struct probing *p, int number, int probe)
{
	struct probe *q = &p->probe[probe];

	for (int i = 0; i < p->n; i++) {
		const int32_t own = p->ask->run->tokens[p->first + i];
		const int c = class_of(p->ask->model, own);

		q->token[i] = c == NO_CLASS || !q->gone[i] ? own : p->of_class[c][(int)(draw(p, number, probe, i) * p->count[c])];
	}
}

/* ---- probes ---- */

static bool probing_init(struct probing *p, const struct ask *ask)
{
	struct arena *scratch = ask->scratch;
	size_t n;

	*p = (struct probing){ .ask = ask, .metric = *ask->metric, .probes = ask->arg[ARG_PROBES] };
	p->metric.kind = METRIC_LOGPROB;
	p->first = inputs_first(ask->run);
	p->n = p->metric.position + 1 - p->first;
	n = (size_t)p->n;
	p->probe = arena_alloc(scratch, (size_t)p->probes * sizeof *p->probe);
	p->asked = arena_alloc(scratch, (size_t)p->probes * sizeof *p->asked);
	for (int k = 0; k < p->probes; k++) {
		p->probe[k] = (struct probe){ .score = arena_alloc(scratch, (n + 1) * sizeof(double)),
					      .gone = arena_alloc(scratch, n + 1),
					      .token = arena_alloc(scratch, (n + 1) * sizeof(int32_t)) };
		for (int i = 0; i < p->n; i++)
			p->probe[k].score[i] = draw(p, 0, k, i);
	}
	sort_vocabulary(p);
	return p->n > 0;
}

/* edit[n + 1]: what replaces a probe's tokens. Returns how many; -1: ERR_MEMORY. */
static int edits_of(const struct probing *p, int probe, const struct edit **edit, struct err *err)
{
	const struct probe *q = &p->probe[probe];
	float *x = arena_floats(p->ask->scratch, (size_t)p->ask->model->config.D, err);
	int n = 0;

	for (int i = 0; x && i < p->n; i++) {
		const struct token_span at = { p->first + i, p->first + i };

		if (!q->gone[i])
			continue;
		model_input(p->ask->model, q->token[i], x);
		if (!(edit[n++] = player_input(p->ask, at, x, err)))
			return -1;
	}
	return x ? n : -1;
}

static void see(void *context, int variant, const float *logits)
{
	const struct probing *p = context;
	const float own = logits[p->metric.target[0]];
	int rank = 1;

	for (int v = 0; v < p->ask->model->config.V; v++)
		rank += logits[v] > own;
	p->probe[p->asked[variant]].rank = rank;
}

/* log p(y) and the rank of y for each probe that has not stopped. */
static bool measure(const struct probing *p, struct err *err)
{
	const struct ask *ask = p->ask;
	const struct logits_seen seen = { see, (void *)p };
	struct arena_mark mark = arena_mark(ask->scratch);
	struct sweep_variant *variant = arena_alloc(ask->scratch, (size_t)p->probes * sizeof *variant);
	double *value = arena_alloc(ask->scratch, (size_t)p->probes * sizeof *value);
	int n = 0;
	bool ok = true;

	for (int k = 0; ok && k < p->probes; k++) {
		const struct edit **edit = arena_alloc(ask->scratch, (size_t)(p->n + 1) * sizeof *edit);

		if (p->probe[k].stopped)
			continue;
		p->asked[n] = k;
		variant[n].more = edit;
		variant[n].more_count = edits_of(p, k, edit, err);
		ok = variant[n++].more_count >= 0;
	}
	ok = ok && sweep_logits(ask->run, ask->unedited, ask->foil, &p->metric, variant, n, value, &seen, ask->task, err);
	for (int i = 0; ok && i < n; i++)
		p->probe[p->asked[i]].value = value[i];
	arena_rewind(ask->scratch, mark);
	return ok;
}

static void replace_some(const struct probing *p, int step)
{
	for (int k = 0; k < p->probes; k++) {
		if (p->probe[k].stopped)
			continue;
		for (int i = 0; i < p->n; i++)
			p->probe[k].gone[i] = draw(p, DRAWS * step + DRAW_WHICH, k, i) < p->ask->real[ARG_RATIO];
		draw_tokens(p, DRAWS * step + DRAW_WHAT, k);
	}
}

/* Scores grow of what was replaced when that has made y less likely, and of what was not when it has made it likelier. */
static void update(const struct probing *p)
{
	for (int k = 0; k < p->probes; k++) {
		struct probe *q = &p->probe[k];
		const double fall = exp(p->now) - exp(q->value), gain = log1p(fall) - log1p(-fall);

		for (int i = 0; !q->stopped && i < p->n; i++)
			q->score[i] += q->gone[i] ? gain : -gain;
	}
}

/* All but those with the greatest scores are gone. */
static void keep_best(const struct probing *p, struct probe *q)
{
	for (int i = 0; i < p->n; i++) {
		int above = 0;

		for (int j = 0; j < p->n; j++)
			above += q->score[j] > q->score[i] || (q->score[j] == q->score[i] && j < i);
		q->gone[i] = above >= p->ask->arg[ARG_KEEP];
	}
}

static bool take_step(struct probing *p, int step, struct err *err)
{
	replace_some(p, step);
	if (!measure(p, err))
		return false;
	update(p);
	for (int k = 0; k < p->probes; k++)
		if (!p->probe[k].stopped) {
			keep_best(p, &p->probe[k]);
			draw_tokens(p, DRAWS * step + DRAW_TRIAL, k);
		}
	if (!measure(p, err))
		return false;
	for (int k = 0; k < p->probes; k++) {
		struct probe *q = &p->probe[k];

		if (q->stopped)
			continue;
		q->steps = step + 1;
		q->stopped = q->rank <= p->ask->arg[ARG_TOP];
		p->stopped += q->stopped;
	}
	return true;
}

/* ---- the table ---- */

/* sum[n], squares[n] += a probe's shares. */
static void add_shares(const struct probing *p, const struct probe *q, double *sum, double *squares)
{
	double most = -INFINITY, total = 0;

	for (int i = 0; i < p->n; i++)
		most = fmax(most, q->score[i]);
	for (int i = 0; i < p->n; i++)
		total += exp(q->score[i] - most);
	for (int i = 0; i < p->n; i++) {
		const double share = exp(q->score[i] - most) / total;

		sum[i] += share;
		squares[i] += share * share;
	}
}

static void fill_cells(void *with)
{
	const struct probing *p = with;
	const int of = p->stopped ? p->stopped : p->probes;
	double *sum = arena_alloc(p->ask->scratch, 2 * (size_t)p->n * sizeof *sum), *squares = sum + p->n;

	for (int k = 0; k < p->probes; k++)
		if (p->probe[k].stopped || !p->stopped)
			add_shares(p, &p->probe[k], sum, squares);
	for (int i = 0; i < p->n; i++) {
		const size_t cell = table_cell(p->table, p->first + i, 0);
		const double mean = sum[i] / of, spread = fmax(0, squares[i] / of - mean * mean);

		p->table->value[cell] = (float)mean;
		p->table->error[cell] = of > 1 ? (float)sqrt(spread / (of - 1)) : NAN;
	}
	for (int t = p->first + p->n; t < p->table->rows.n; t++)
		p->table->value[table_cell(p->table, t, 0)] = 0;
}

static bool probe_all(struct probing *p, struct err *err)
{
	const struct ask *ask = p->ask;
	struct filling filling = { ask, p->table, fill_cells, p };

	if (!metric_value(&p->metric, ask->run, ask->unedited, &p->now, ask->task, err))
		return false;
	for (int step = 0; step < ask->arg[ARG_STEPS] && p->stopped < p->probes; step++) {
		task_part(ask->task, p->stopped, 0, p->probes);
		if (!take_step(p, step, err))
			return false;
		filling_show(&filling);
	}
	task_part(ask->task, 0, 0, 0);
	return filling_end(&filling, true);
}

/* What the first probe was stopped by, or has tried last, in a run of its own. */
static bool check_alone(const struct probing *p, struct err *err)
{
	const struct edit **edit = arena_alloc(p->ask->scratch, (size_t)(p->n + 1) * sizeof *edit);
	const int n = edits_of(p, 0, edit, err);
	double value = NAN;

	if (n < 0 || !ask_value_with(p->ask, &p->metric, edit, n, &value, err))
		return false;
	p->table->check = (struct check){ "probability with what is kept, run alone", exp(value), exp(p->probe[0].value), 1e-4 };
	return true;
}

static void tell(struct probing *p)
{
	struct table *t = p->table;
	int most = 0;

	for (int k = 0; k < p->probes; k++)
		most = p->probe[k].steps > most ? p->probe[k].steps : most;
	t->footnote =
		arena_printf(t->arena, "%d of %d probes stopped, %s%d step%s; p of the metric's token %.4g", p->stopped, p->probes,
			     p->stopped == p->probes ? "the last after " : "after ", most, most == 1 ? "" : "s", exp(p->now));
	if (p->stopped)
		return;
	for (int i = 0; i < p->n; i++)
		table_set_mark(t, table_cell(t, p->first + i, 0));
	table_set_title(t, "ReAGent", "each token", arena_printf(t->arena, "mean of %d probes, not converged", p->probes));
}

static void describe(const struct probing *p)
{
	struct table *t = p->table;

	axis_tokens(t, &t->rows, p->ask->run, DIM_POSITION, "position");
	table_set_title(t, "ReAGent", "each token", arena_printf(t->arena, "mean of %d probes", p->probes));
	table_set_attribution(t, &p->metric, "ReAGent");
	table_set_unit(t, "share");
	table_set_errors(t, arena_printf(t->arena, "%d probes", p->probes));
	t->scale = SCALE_SEQUENTIAL;
	t->no_edit = "a cell is a share of many replacements; occlusion with how=replace has what one of them does";
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct probing p;
	const bool some = probing_init(&p, ask);

	if (!(p.table = table_new(ask->run->T, 1, err)))
		return NULL;
	describe(&p);
	p.table->footnote = some ? NULL : "nothing here can be replaced: the metric is read before it";
	if (!some)
		return p.table;
	if (!probe_all(&p, err) || !check_alone(&p, err))
		return table_if(false, p.table);
	tell(&p);
	return p.table;
}

/* At each step a probe is measured twice, until it stops; once more for the check. */
static int runs(const struct ask *ask)
{
	return 2 * ask->arg[ARG_PROBES] * ask->arg[ARG_STEPS] + 1;
}

const struct analysis analysis_reagent = {
	.name = "reagent",
	.title = "ReAGent",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Zhao & Shan 2024",
	.blurb = "Which tokens a prediction needs: with random others replaced, the model still makes it.",
	.help = "The metric's token, its logit or log-probability, is what has to be predicted. Shares sum to 1 and have no sign: "
		"they order tokens, and a token that speaks against the prediction has little. Probes begin at random and stop as "
		"soon as the kept tokens suffice: where the prediction is easy that is at once, and the shares hardly differ from "
		"chance. The standard error says so; keep=1 or 2 and top=1 ask for more. What takes a token's place is a random "
		"token that begins with white space as it does, or does not: seldom a likely one.",
	.picture = " ‹bos› The ·capital ·of ·France ·is\n"
		   "        ·     ▒▒▒    ·    ███    ▒   kept: the answer stays\n"
		   " shares ± a standard error over the probes: small ones\n"
		   " that are within it of each other say nothing\n",
	.shape = "position × quantity",
	.unit = "share",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_OF_TOKEN,
	.params = params,
	.compute = compute,
};
