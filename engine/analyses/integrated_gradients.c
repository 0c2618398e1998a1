/*
 * integrated_gradients.c - the metric's difference from a prompt without content, shared out among the tokens.
 *
 *   straight     IG_i = Σ_d (x_i − b)_d · ∫ ∂f/∂x_id (b + α (x − b)) dα, α = 0 … 1         (Sundararajan et al. 2017)
 *   sequential   the same with token i alone on its way, the others as they are             (Enguehard 2023)
 *
 * x[T, D] are the token embeddings alone, as the family scales them (run_input); b[D] is the baseline of each. The mark before the
 * prompt keeps its input: without it attention has nowhere to rest, and the way would begin in another model.
 *
 * steps=auto: a piece of the way from α to α' is one gradient at its middle, and what that misses is known, since f at both ends
 * is: f(α') − f(α) less the estimate is its gap. The pieces with the greatest gaps are halved; the value in the middle is an end
 * then.
 *
 * A token's sequential sum is f(x) − f(x with b at i) by the same theorem, which takes one forward pass and no gradient: so it is
 * computed, and the way of the strongest token is integrated to check it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/filling.h"
#include "engine/analysis/inputs.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/input_gradient.h"

enum { MOST_GRADIENTS = 512, FEWEST_PIECES = 8 };
#define GAP 1e-2      /* of the difference: what all gaps together may be */
#define GAPS 5e-2     /* the sum of their sizes, of the difference or of what is shared out to both sides */
#define ROUNDING 1e-5 /* of a metric: a smaller gap is none */

enum { ARG_BASELINE, ARG_STEPS, ARG_PATH, ARG_TOKEN };
enum { FROM_MEAN, FROM_ZERO, FROM_BOS, FROM_TOKEN };
enum { PATH_STRAIGHT, PATH_SEQUENTIAL };
static const struct choice baselines[] = {
	{ "mean", "the mean embedding", FROM_MEAN },
	{ "zero", "no embedding", FROM_ZERO },
	{ "bos", "the mark before the prompt", FROM_BOS },
	{ "token", "token=TEXT", FROM_TOKEN },
	{ 0 },
};
static const struct choice paths[] = {
	{ "straight", "all tokens together", PATH_STRAIGHT },
	{ "sequential", "one token at a time, the others as they are", PATH_SEQUENTIAL },
	{ 0 },
};
static const struct param params[] = {
	[ARG_BASELINE] = { "baseline", PARAM_CHOICE, .choices = baselines, .help = "what takes each token's place at the start" },
	[ARG_STEPS] = { "steps", PARAM_INT, .words = "auto", .lo = 1, .hi = MOST_GRADIENTS, .start = 50, .start_text = "auto",
			.help = "gradients along the straight path; auto: as many as the sum needs" },
	[ARG_PATH] = { "path", PARAM_CHOICE, .choices = paths, .help = "how the prompt comes from the baseline" },
	[ARG_TOKEN] = { "token", PARAM_TEXT, .help = "for baseline=token: the token" },
	{ 0 },
};

struct way_piece {
	double from, to;	     /* along the way, 0 … 1 */
	double value_from, value_to; /* the metric there */
	double value;		     /* and in the middle */
	double *share;		     /* [T] the estimate of each token's part */
	double gap;
};

struct baseline_path {
	const struct ask *ask;
	size_t D;
	int T;
	float *baseline, *x; /* [D]; scratch [D] */
	bool *moves;	     /* [T] the tokens on their way */
	double start, end;   /* the metric at the baseline, and of the prompt */
	struct way_piece *piece;
	int pieces, gradients;
	int *asked; /* the pieces whose gradients are wanted */
	bool converged;
	struct table *table;
};

/* ---- inputs ---- */

static bool find_baseline(const struct baseline_path *w, struct err *err)
{
	const struct ask *ask = w->ask;
	int32_t id = tokenizer_bos(ask->model->tokenizer);

	switch (ask->arg[ARG_BASELINE]) {
	case FROM_ZERO:
		return true;
	case FROM_MEAN:
		memcpy(w->baseline, model_mean_input(ask->model), w->D * sizeof *w->baseline);
		return true;
	case FROM_BOS:
		if (id < 0)
			return err_set(err, ERR_ARGUMENT,
				       "baseline=bos: this model has no mark before the prompt; ask baseline=mean");
		break;
	default:
		if (!ask->text[ARG_TOKEN])
			return err_set(err, ERR_ARGUMENT,
				       "baseline=token needs token=TEXT: what takes each token's place at the start");
		if (!metric_find_token(ask->model, "token", ask->text[ARG_TOKEN], &id, ask->notes, err))
			return false;
	}
	model_input(ask->model, id, w->baseline);
	return true;
}

static bool is_mark(const struct baseline_path *w, int t)
{
	return t < inputs_first(w->ask->run);
}

static bool way_init(struct baseline_path *w, const struct ask *ask, struct err *err)
{
	*w = (struct baseline_path){ .ask = ask, .D = (size_t)ask->model->config.D, .T = ask->run->T };
	w->baseline = arena_alloc(ask->scratch, w->D * sizeof *w->baseline);
	w->x = arena_alloc(ask->scratch, w->D * sizeof *w->x);
	w->moves = arena_alloc(ask->scratch, (size_t)w->T * sizeof *w->moves);
	w->piece = arena_alloc(ask->scratch, MOST_GRADIENTS * sizeof *w->piece);
	w->asked = arena_alloc(ask->scratch, MOST_GRADIENTS * sizeof *w->asked);
	for (int t = 0; t < w->T; t++)
		w->moves[t] = !is_mark(w, t) && t <= inputs_last(ask->run, ask->metric);
	return find_baseline(w, err);
}

static void put_input(const struct baseline_path *w, double along, float *x)
{
	for (size_t d = 0; d < w->D; d++) {
		const double b = (double)w->baseline[d];

		x[d] = (float)(b + along * ((double)x[d] - b));
	}
}

/* ---- gradients along the way ---- */

static void make_middle(void *context, int i, float *x)
{
	const struct baseline_path *w = context;
	const struct way_piece *p = &w->piece[w->asked[i]];

	for (int t = 0; t < w->T; t++)
		if (w->moves[t])
			put_input(w, (p->from + p->to) / 2, x + (size_t)t * w->D);
}

static bool take_middle(void *context, int i, double value, const float *g)
{
	const struct baseline_path *w = context;
	struct way_piece *p = &w->piece[w->asked[i]];

	p->value = value;
	p->gap = p->value_to - p->value_from;
	for (int t = 0; t < w->T; t++) {
		double sum = 0;

		run_input(w->ask->run, t, w->x);
		for (size_t d = 0; w->moves[t] && d < w->D; d++)
			sum += (double)g[(size_t)t * w->D + d] * ((double)w->x[d] - (double)w->baseline[d]);
		p->share[t] = sum * (p->to - p->from);
		p->gap -= p->share[t];
	}
	return true;
}

static double sum_of(const struct baseline_path *w, int t)
{
	double sum = 0;

	for (int i = 0; i < w->pieces; i++)
		sum += w->piece[i].share[t];
	return sum;
}

static void fill_cells(void *with)
{
	const struct baseline_path *w = with;

	for (int t = 0; t < w->T; t++)
		if (!is_mark(w, t))
			w->table->value[table_cell(w->table, t, 0)] = (float)sum_of(w, t);
}

/* The gradients of the first n pieces that are asked. */
static bool measure(struct baseline_path *w, int n, int of, struct err *err)
{
	const struct ask *ask = w->ask;
	const struct input_variants middles = { n, make_middle, take_middle, w };
	bool ok;

	task_part(ask->task, w->gradients, n, of);
	ok = input_gradients(ask->run, ask->unedited, ask->metric, 0, &middles, ask->task, err);
	task_part(ask->task, 0, 0, 0);
	w->gradients += n;
	return ok;
}

static struct way_piece *add_piece(struct baseline_path *w, double from, double to)
{
	struct way_piece *p = &w->piece[w->pieces++];

	*p = (struct way_piece){ from, to, .share = arena_alloc(w->ask->scratch, (size_t)w->T * sizeof *p->share) };
	return p;
}

/* Within what the gaps are to be. */
static double allowed(const struct baseline_path *w, double share)
{
	return fmax(share * fabs(w->end - w->start), ROUNDING * fmax(1, fabs(w->end)));
}

/* Of all gaps together, each without its sign. */
static double sizes_of(const struct baseline_path *w)
{
	double sizes = 0;

	for (int i = 0; i < w->pieces; i++)
		sizes += fabs(w->piece[i].gap);
	return sizes;
}

static bool is_close(const struct baseline_path *w)
{
	const double sizes = sizes_of(w);
	double sum = 0, shares = 0;

	for (int i = 0; i < w->pieces; i++)
		sum += w->piece[i].gap;
	for (int t = 0; t < w->T; t++)
		shares += fabs(sum_of(w, t));
	return w->pieces >= FEWEST_PIECES && fabs(sum) <= allowed(w, GAP) && sizes <= fmax(allowed(w, GAPS), GAPS * shares);
}

/* The worst of the first n. */
static int worst_of(const struct baseline_path *w, int n)
{
	int worst = 0;

	for (int i = 1; i < n; i++)
		if (fabs(w->piece[i].gap) > fabs(w->piece[worst].gap))
			worst = i;
	return worst;
}

/* The piece becomes its first half, the second one is new; both are asked. */
static void halve(struct baseline_path *w, int i, int n)
{
	struct way_piece *first = &w->piece[i];
	const double middle = (first->from + first->to) / 2;
	struct way_piece *second = add_piece(w, middle, first->to);

	second->value_from = first->value;
	second->value_to = first->value_to;
	first->to = middle;
	first->value_to = first->value;
	w->asked[n] = i;
	w->asked[n + 1] = w->pieces - 1;
}

/*
 * Halves the worst pieces, as many as one go of gradients has room for, but none that is much better than the worst; all of them
 * while there are few. Returns how many gradients that asks.
 */
static int halve_worst(struct baseline_path *w, int together)
{
	const int before = w->pieces, few = before < FEWEST_PIECES, left = MOST_GRADIENTS - w->gradients;
	const int room = few ? 2 * before : together > 2 ? together : 2, most = room < left ? room : left;
	const double enough = few ? -1 : fabs(w->piece[worst_of(w, before)].gap) / 4;
	int n = 0;

	while (n + 2 <= most) {
		const int i = few ? n / 2 : worst_of(w, before);

		if (fabs(w->piece[i].gap) < enough)
			break;
		halve(w, i, n);
		w->piece[i].gap = 0; /* until it is measured */
		n += 2;
	}
	return n;
}

/*
 * How many it takes as a rule: the deeper a model, the more turns its way has. Seen: 15 to 117 in two layers, 17 to 35 in four, 240
 * to 511 in thirty.
 */
static int usual_gradients(const struct ask *ask)
{
	const int n = 20 + 10 * ask->model->config.L;

	return n < MOST_GRADIENTS ? n : MOST_GRADIENTS;
}

/* How many there may be in the end, when there are so many: for progress. */
static int expected(const struct ask *ask, int gradients)
{
	const int usual = usual_gradients(ask), twice = 2 * gradients < MOST_GRADIENTS ? 2 * gradients : MOST_GRADIENTS;

	return gradients <= usual ? usual : twice;
}

static bool integrate_auto(struct baseline_path *w, struct err *err)
{
	const int together = input_together(w->ask->run, w->ask->metric);
	struct way_piece *whole = add_piece(w, 0, 1);
	struct filling filling = { w->ask, w->table, fill_cells, w };
	int n = 1;

	whole->value_from = w->start;
	whole->value_to = w->end;
	w->asked[0] = 0;
	do {
		if (!measure(w, n, expected(w->ask, w->gradients + n), err))
			return false;
		if (w->ask->arg[ARG_PATH] == PATH_STRAIGHT)
			filling_show(&filling);
		w->converged = is_close(w);
	} while (!w->converged && w->gradients + 2 <= MOST_GRADIENTS && (n = halve_worst(w, together)) > 0);
	return true;
}

static bool integrate_plain(struct baseline_path *w, int steps, struct err *err)
{
	for (int i = 0; i < steps; i++) {
		add_piece(w, (double)i / steps, (double)(i + 1) / steps);
		w->asked[i] = i;
	}
	return measure(w, steps, steps, err);
}

/* ---- the metric with tokens at the baseline ---- */

struct way_ends {
	const struct baseline_path *way;
	const int *token; /* [n] the one that is there; NULL: all of them */
	double *value;	  /* [n] */
};

static void make_end(void *context, int i, float *x)
{
	const struct way_ends *e = context;

	for (int t = 0; t < e->way->T; t++)
		if (e->token ? t == e->token[i] : e->way->moves[t])
			put_input(e->way, 0, x + (size_t)t * e->way->D);
}

static bool take_end(void *context, int i, double value, const float *g)
{
	struct way_ends *e = context;

	(void)g;
	e->value[i] = value;
	return true;
}

static bool measure_ends(const struct baseline_path *w, const int *token, int n, double *value, struct err *err)
{
	struct way_ends e = { w, token, value };
	const struct input_variants variants = { n, make_end, take_end, &e };

	return input_values(w->ask->run, w->ask->unedited, w->ask->metric, &variants, w->ask->task, err);
}

/* Where a token is sent to other experts the metric jumps, and gradients do not add up to its change. */
static bool jumps(const struct baseline_path *w)
{
	return w->ask->model->config.experts.X > 0;
}

/* ---- straight ---- */

static bool straight(struct baseline_path *w, struct err *err)
{
	const struct ask *ask = w->ask;
	const bool adaptive = ask->text[ARG_STEPS] != NULL;
	struct table *t = w->table;
	double sum = 0, difference;

	if (!measure_ends(w, NULL, 1, &w->start, err) ||
	    !(adaptive ? integrate_auto(w, err) : integrate_plain(w, ask->arg[ARG_STEPS], err)))
		return false;
	fill_cells(w);
	difference = w->end - w->start;
	for (int i = 0; i < w->T; i++)
		sum += sum_of(w, i);
	if (adaptive && !jumps(w))
		t->check = (struct check){ "sum = metric − at the baseline", difference, sum,
					   allowed(w, GAP) / fmax(1, fabs(difference)) };
	t->footnote =
		arena_printf(t->arena,
			     "sum %+.6g; the metric is %.6g, at the baseline %.6g: gap %+.2g (sizes %.3g) after %d gradient%s%s",
			     sum, w->end, w->start, difference - sum, sizes_of(w), w->gradients, w->gradients == 1 ? "" : "s",
			     jumps(w) ? "; in the gap are the jumps where other experts are chosen, which no gradient sees" : "");
	return true;
}

/* ---- sequential ---- */

/* tokens[T]: those on their way; returns how many. */
static int moving(const struct baseline_path *w, int *tokens)
{
	int n = 0;

	for (int t = 0; t < w->T; t++)
		if (w->moves[t])
			tokens[n++] = t;
	return n;
}

/* The strongest token's own way, by gradients, against its cell. */
static bool check_strongest(struct baseline_path *w, const int *token, const double *value, int n, struct err *err)
{
	struct table *t = w->table;
	int best = 0;

	for (int i = 1; i < n; i++)
		best = fabs(w->end - value[i]) > fabs(w->end - value[best]) ? i : best;
	for (int i = 0; i < w->T; i++)
		w->moves[i] = i == token[best];
	w->start = value[best];
	if (!integrate_auto(w, err))
		return false;
	t->check = (struct check){ "strongest, by gradients along its path", w->end - w->start, sum_of(w, token[best]),
				   allowed(w, GAP) / fmax(1, fabs(w->end - w->start)) };
	t->check.of = arena_printf(t->arena, "%s", t->rows.show[token[best]]);
	return true;
}

static bool sequential(struct baseline_path *w, struct err *err)
{
	int *token = arena_alloc(w->ask->scratch, (size_t)w->T * sizeof *token);
	double *value = arena_alloc(w->ask->scratch, (size_t)w->T * sizeof *value);
	const int n = moving(w, token);
	struct table *t = w->table;

	if (!measure_ends(w, token, n, value, err))
		return false;
	for (int i = 0; i < w->T; i++)
		t->value[table_cell(t, i, 0)] = is_mark(w, i) ? NAN : 0;
	for (int i = 0; i < n; i++)
		t->value[table_cell(t, token[i], 0)] = (float)(w->end - value[i]);
	t->footnote =
		arena_printf(t->arena, "the metric is %.6g; a cell is how far it falls when that token alone is at the baseline",
			     w->end);
	return !n || jumps(w) || check_strongest(w, token, value, n, err);
}

/* ---- the table ---- */

static void set_title(const struct baseline_path *w, bool failed)
{
	const int baseline = w->ask->arg[ARG_BASELINE];
	struct table *t = w->table;
	const char *from = baseline == FROM_TOKEN ? w->ask->text[ARG_TOKEN] : param_choice(&params[ARG_BASELINE], baseline)->help;

	table_set_title(t, "integrated gradients", w->ask->arg[ARG_PATH] == PATH_STRAIGHT ? "tokens" : "each token alone",
			arena_printf(t->arena, "from %s%s", from, failed ? ", not converged" : ""));
}

static void describe(const struct baseline_path *w)
{
	struct table *t = w->table;

	axis_tokens(t, &t->rows, w->ask->run, DIM_POSITION, "position");
	table_set_attribution(t, w->ask->metric, "integrated gradient");
	set_title(w, false);
	t->no_edit = "a cell is an integral over inputs; occlusion has what one edit does";
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct baseline_path w;

	if (!way_init(&w, ask, err) || !metric_value(ask->metric, ask->run, ask->unedited, &w.end, ask->task, err) ||
	    !(w.table = table_new(w.T, 1, err)))
		return NULL;
	describe(&w);
	if (!(ask->arg[ARG_PATH] == PATH_STRAIGHT ? straight(&w, err) : sequential(&w, err)))
		return table_if(false, w.table);
	set_title(&w, w.pieces && (ask->text[ARG_STEPS] || ask->arg[ARG_PATH] == PATH_SEQUENTIAL) && !w.converged);
	return w.table;
}

/* A gradient is two passes. Where gaps decide how many it takes: `adaptive` of them. */
static int passes(const struct ask *ask, int adaptive)
{
	struct baseline_path w;
	struct err err;
	int ends = 1;

	if (!way_init(&w, ask, &err))
		return -1;
	if (ask->arg[ARG_PATH] == PATH_STRAIGHT && !ask->text[ARG_STEPS])
		return ends + 2 * ask->arg[ARG_STEPS];
	if (ask->arg[ARG_PATH] == PATH_SEQUENTIAL)
		ends = moving(&w, arena_alloc(ask->scratch, (size_t)w.T * sizeof *w.asked));
	return ends + 2 * adaptive;
}

static int runs(const struct ask *ask)
{
	return passes(ask, MOST_GRADIENTS);
}

static int usual_runs(const struct ask *ask)
{
	return passes(ask, usual_gradients(ask));
}

const struct analysis analysis_integrated_gradients = {
	.name = "integrated-gradients",
	.title = "Integrated gradients",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Sundararajan et al. 2017, Enguehard 2023",
	.blurb = "Which tokens make the metric other than it is for a prompt without content.",
	.help = "All embeddings move from the baseline to what they are; a token's cell is what its own movement adds on the way. "
		"The cells sum to the metric minus its value at the baseline, so each is a share of that difference: another "
		"baseline asks another question, and far from the prompt the model is on inputs that it never saw. From no "
		"embedding at all, norms divide by next to nothing: shares may be many times the difference there, to both sides. "
		"The first mark keeps its embedding. steps=auto takes gradients until the sum is right, at most 512; with a "
		"number, the footnote has the gap. path=sequential moves one token at a time: what occlusion by that baseline "
		"shows.",
	.picture = " baseline ─────────────▶ prompt\n"
		   "     gradients along the way, summed\n"
		   "\n"
		   " ‹bos› The ·capital ·of ·France ·is\n"
		   "        ·     ▒▒▒    ·    ███    ▒     ███: makes most\n"
		   " the cells sum to metric − metric at the baseline\n",
	.shape = "position × quantity",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.usual_runs = usual_runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
