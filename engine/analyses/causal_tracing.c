/*
 * causal_tracing.c - where a model keeps what it read: noise on some embeddings breaks the answer; which activation, restored,
 * mends it?
 *
 *   clean:    the run;   noised: Gaussian noise on the embeddings of positions from … to
 *   cell:     the noised run with the clean activation at (a window of layers around the row's, position), mean over seeds
 *   normalised: (m − m_noised) / (m_clean − m_noised):  0 nothing mended, 1 all of it
 *   its standard error: of the ratio of two means over seeds, by their residuals
 *
 * Meng et al. 2022: noise of 3 standard deviations of the embeddings, on the tokens of the subject.
 */
#include "engine/analysis/effect_scale.h"
#include "engine/analysis/interventions.h"

#include <math.h>
#include <string.h>

enum { ARG_SITE, ARG_FROM, ARG_TO, ARG_SIGMA, ARG_SEEDS, ARG_WINDOW, ARG_SHOW };
enum { SHOW_NORMALISED, SHOW_RAW };
static const struct choice restored[] = {
	{ "resid_pre", "the stream before a layer", SITE_RESID_PRE },
	{ "attn_out", "what attention writes", SITE_ATTN_OUT },
	{ "mlp_out", "what the MLP writes", SITE_MLP_OUT },
	{ "resid_mid", "the stream between attention and MLP", SITE_RESID_MID },
	{ "resid_post", "the stream after a layer", SITE_RESID_POST },
	{ 0 },
};
static const struct choice shown[] = {
	{ "normalised", "1 = clean, 0 = with noise", SHOW_NORMALISED },
	{ "raw", "the metric itself", SHOW_RAW },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SITE] = { "site", PARAM_CHOICE, .choices = restored, .help = "what is restored" },
	[ARG_FROM] = { "from", PARAM_DIM, DIM_POSITION, .pinned = true, .start = 0, .help = "the first position with noise" },
	[ARG_TO] = { "to", PARAM_DIM, DIM_POSITION, .pinned = true, .start = -1, .help = "the last position with noise" },
	[ARG_SIGMA] = { "sigma", PARAM_INT, .lo = 1, .hi = 20, .start = 3,
			.help = "standard deviations of the prompt's token embeddings" },
	[ARG_SEEDS] = { "seeds", PARAM_INT, .lo = 1, .hi = 10, .start = 3, .help = "over how many noises the mean is taken" },
	[ARG_WINDOW] = { "window", PARAM_INT, .lo = 1, .hi = CAUSE_WINDOW, .start = 1,
			 .help = "in how many layers around the row's, as far as there are any" },
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	{ 0 },
};

static struct edit noise_of(const struct ask *ask, int seed)
{
	struct place place = place_at(SITE_EMBED, 0, -1, -1);
	struct edit noise;

	place_set(&place, DIM_POSITION, ask->arg[ARG_FROM], ask->arg[ARG_TO]);
	noise = edit_at(&place, EDIT_NOISE, ask->scratch);
	noise.amount = (float)ask->arg[ARG_SIGMA];
	noise.seed = seed;
	return noise;
}

/* The run with noise of that seed on top of its own edits. */
static struct run *noised_run(const struct ask *ask, int seed, struct err *err)
{
	const struct edit noise = noise_of(ask, seed), *edit = &noise;

	return ask_run_with(ask, ask->run, ask->foil, &edit, 1, err);
}

/* A cell each, and after them one in which the whole stream is restored where it begins: it must be the clean run again. */
static struct cause variants(const struct ask *ask)
{
	int L = ask->model->config.L, T = ask->run->T;
	struct cause c = cause_new(ask, NULL, ask->run, L * T + 1);
	struct place place = place_at(SITE_RESID_PRE, 0, -1, -1);

	cause_edit(&c, L * T, &place, EDIT_PATCH);

	for (int i = 0; i < L * T; i++) {
		struct cause_window w = cause_window(i / T, ask->arg[ARG_WINDOW], L);

		for (int l = w.from; l < w.to; l++) {
			place = place_at((enum site)ask->arg[ARG_SITE], l, -1, i % T);
			cause_edit(&c, i, &place, EDIT_PATCH);
		}
	}
	return c;
}

/*
 * As edits of the prompt's own run: the first noise, and freeze, since what is restored is the value of the run without it. The
 * sweep's own edits patch into a noised run.
 */
static void tell_edits(struct table *t, const struct ask *ask)
{
	int L = ask->model->config.L, T = ask->run->T;
	const struct edit noise = noise_of(ask, 0);

	for (int i = 0; i < L * T; i++) {
		struct cause_window w = cause_window(i / T, ask->arg[ARG_WINDOW], L);

		table_add_edit(t, (size_t)i, &noise);
		for (int l = w.from; l < w.to; l++) {
			struct place place = place_at(t->place.site, l, -1, i % T);
			struct edit freeze = edit_at(&place, EDIT_FREEZE, ask->scratch);

			table_add_edit(t, (size_t)i, &freeze);
		}
	}
}

/* What the seeds before gave. */
struct noise_seeds {
	int done;
	double *value;	/* [seeds, n] */
	double *noised; /* [seeds] the metric with noise alone */
	double clean;	/* and without */
	bool normalise;
};

/* The mean of one cell over `n` seeds, and its standard error; `now` stands for the last of them when it is under way. */
static void cell(struct table *t, const struct cause *c, const struct noise_seeds *s, int i, int n)
{
	double sum = 0, noised = 0, span, mean, squares = 0;

	for (int k = 0; k < n; k++) {
		sum += k < s->done ? s->value[k * c->n + i] : c->value[i];
		noised += k < s->done ? s->noised[k] : c->now;
	}
	span = s->normalise ? s->clean - noised / n : 1;
	mean = effect_scaled(&(struct effect_scale){ s->clean, noised / n, s->normalise }, sum / n);
	t->value[i] = (float)mean;
	if (!t->error)
		return;
	for (int k = 0; k < n; k++) {
		double off = s->value[k * c->n + i] - (s->normalise ? s->noised[k] + mean * (s->clean - s->noised[k]) : mean);

		squares += off * off;
	}
	t->error[i] = (float)(sqrt(squares / (n - 1) / n) / fabs(span));
}

/* The metric of the noised run, the mean over the seeds so far. */
static float with_noise_alone(const struct cause *c, const struct noise_seeds *s)
{
	double sum = c->now;

	for (int k = 0; k < s->done; k++)
		sum += s->noised[k];
	return (float)(sum / (s->done + 1));
}

/* Over the seeds so far: the one under way counts where it is known already. */
static void cells(struct table *t, const struct cause *c, const void *with)
{
	const struct noise_seeds *s = with;

	for (int i = 0; i < t->rows.n * t->cols.n; i++)
		cell(t, c, s, i, s->done + (!isnan(c->value[i]) || !s->done));
	t->neutral = s->normalise ? 0 : with_noise_alone(c, s);
}

static bool sweep_seeds(struct table *t, const struct ask *ask, struct cause *c, struct noise_seeds *s, struct err *err)
{
	for (; s->done < ask->arg[ARG_SEEDS]; s->done++) {
		struct run *r = noised_run(ask, s->done, err);
		bool ok;

		c->base = r;
		task_part(ask->task, s->done * c->n, c->n, ask->arg[ARG_SEEDS] * c->n);
		ok = r && cause_fill(c, t, cells, s, err);
		task_part(ask->task, 0, 0, 0);
		run_unref(r);
		if (!ok)
			return false;
		memcpy(s->value + s->done * c->n, c->value, (size_t)c->n * sizeof *s->value);
		s->noised[s->done] = c->now;
	}
	return true;
}

static double mean(const double *x, int n, int step)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += x[i * step];
	return sum / n;
}

static bool fill(struct table *t, const struct ask *ask, struct err *err)
{
	struct cause c = variants(ask);
	int n = ask->arg[ARG_SEEDS];
	struct noise_seeds s = { .value = arena_alloc(ask->scratch, (size_t)(n * c.n) * sizeof *s.value),
				 .noised = arena_alloc(ask->scratch, (size_t)n * sizeof *s.noised),
				 .normalise = ask->arg[ARG_SHOW] == SHOW_NORMALISED };
	double noised;

	if (!metric_value(ask->metric, ask->run, ask->unedited, &s.clean, ask->task, err) || !sweep_seeds(t, ask, &c, &s, err))
		return false;
	noised = mean(s.noised, n, 1);
	if (n > 1) {
		table_set_errors(t, arena_printf(t->arena, "%d seeds", n));
		for (int i = 0; i < t->rows.n * t->cols.n; i++)
			cell(t, &c, &s, i, n);
	}
	t->footnote = arena_printf(t->arena, "%s: clean %.6g, with noise %.6g (mean of %d seed%s)%s",
				   metric_table[ask->metric->kind]->word, s.clean, noised, n, n == 1 ? "" : "s",
				   effect_scale_remark(&(struct effect_scale){ s.clean, noised, s.normalise }));
	t->check =
		(struct check){ "all of the stream restored at layer 0 = clean", s.clean, mean(s.value + c.n - 1, n, c.n), 1e-4 };
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	enum site site = (enum site)ask->arg[ARG_SITE];
	bool raw = ask->arg[ARG_SHOW] == SHOW_RAW;
	struct table *t;

	if (ask->arg[ARG_FROM] > ask->arg[ARG_TO]) {
		err_set(err, ERR_ARGUMENT, "causal-tracing: the noise goes from position %d to %d, which is before it",
			ask->arg[ARG_FROM], ask->arg[ARG_TO]);
		return NULL;
	}
	if (!(t = table_new(ask->model->config.L, ask->run->T, err)))
		return NULL;
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	table_set_title(t, "causal tracing",
			arena_printf(t->arena, "%s restored%s", site_table[site].name,
				     ask->arg[ARG_WINDOW] == 1
					     ? ""
					     : arena_printf(ask->scratch, " in %d layers around the row's", ask->arg[ARG_WINDOW])),
			arena_printf(t->arena, "noise of %d σ at positions %d … %d", ask->arg[ARG_SIGMA], ask->arg[ARG_FROM],
				     ask->arg[ARG_TO]));
	table_set_unit(t, raw ? metric_unit(ask->metric) : "normalised");
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->meaning = raw ? NULL : "1 = clean, 0 = with noise";
	t->place.site = site;
	t->explain = METRIC_PART;
	t->explain_other = cause_no_number;
	tell_edits(t, ask);
	return table_if(fill(t, ask, err), t);
}

/* For each seed a noised run, every cell, and the check. */
static int runs(const struct ask *ask)
{
	return ask->arg[ARG_SEEDS] * (ask->model->config.L * ask->run->T + 2);
}

const struct analysis analysis_causal_tracing = {
	.name = "causal-tracing",
	.title = "Causal tracing",
	.topic = TOPIC_CAUSAL,
	.paper = "Meng et al. 2022",
	.blurb = "Which restored activation recovers the answer after noise on some tokens.",
	.help = "Put the noise on the tokens of the subject (from, to): a cell near 1 shows that what the answer needs has passed "
		"through there. attn_out and mlp_out of single layers mend little: widen the window (the paper has 10). The noise "
		"pushes the model where it never was: prefer a foil and activation-patching where there is one. How much the seeds "
		"differ is in the standard errors; more of them are steadier.",
	.picture = "         noise on these\n"
		   " layer  The ·Eiffel ·Tower ·is  ·in\n"
		   "   3     ·     ·      ·     ·   ██   late: the last token,\n"
		   "   2     ·     ·     ▒▒     ·   ▓▓   just before the answer\n"
		   "   1     ·    ▒▒     ██     ·    ·\n"
		   "   0     ·    ▓▓     ██     ·    ·   early: the subject's\n"
		   "                      ↑              last token\n",
	.shape = "layer × position",
	.unit = "normalised, or the metric's",
	.on = ON_RUN | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
