/*
 * causal_tracing.c - where a model keeps what it read: noise on some embeddings breaks the answer; which activation, restored, mends it?
 *
 *   clean:    the run;   noised: Gaussian noise on the embeddings of positions from … to
 *   cell:     the noised run with the clean activation at (layer … layer+window-1, position), mean over seeds
 *   normalised: (m − m_noised) / (m_clean − m_noised):  0 nothing mended, 1 all of it
 *
 * Meng et al. 2022: noise of 3 standard deviations of the embeddings, on the tokens of the subject.
 */
#include "engine/analysis/cause.h"

#include <math.h>

enum { ARG_SITE, ARG_FROM, ARG_TO, ARG_SIGMA, ARG_SEEDS, ARG_WINDOW, ARG_SHOW };
enum { SHOW_NORMALISED, SHOW_RAW };
static const struct param params[] = {
	[ARG_SITE] = { "site", .choices = "resid_pre|attn_out|mlp_out", .help = "what is restored" },
	[ARG_FROM] = { "from", .dim = DIM_POSITION, .held = true, .start = 0, .help = "the first position with noise" },
	[ARG_TO] = { "to", .dim = DIM_POSITION, .held = true, .start = -1, .help = "the last position with noise" },
	[ARG_SIGMA] = { "sigma", .lo = 1, .hi = 20, .start = 3, .help = "standard deviations of the prompt's token embeddings" },
	[ARG_SEEDS] = { "seeds", .lo = 1, .hi = 10, .start = 3, .help = "over how many noises the mean is taken" },
	[ARG_WINDOW] = { "window", .lo = 1, .hi = SWEEP_EDITS, .start = 1, .help = "in how many layers, from the row's on" },
	[ARG_SHOW] = { "show", .choices = "normalised|raw", .help = "1 = clean, 0 = with noise; or the metric itself" },
	{ 0 },
};

/* The run with noise of that seed on top of its own edits. */
static struct run *noised_run(const struct ask *ask, int seed, struct err *err)
{
	const struct run *r = ask->run;
	const char **lines = cause_lines(r, 1, ask->scratch);
	struct run_order order = { .model = ask->model, .tokens = r->tokens, .T = r->T, .prompt_T = r->prompt_T, .edits = lines,
				   .edit_count = r->edits + 1, .unedited = ask->unedited, .foil = ask->foil };

	lines[r->edits] = arena_printf(ask->scratch, "embed 0 @%d..%d noise %d %d", ask->arg[ARG_FROM], ask->arg[ARG_TO], ask->arg[ARG_SIGMA], seed);
	return run_new(&order, ask->task, err);
}

/* A cell each, and behind them one in which the whole stream is restored where it begins: it must be the clean run again. */
static struct cause variants(const struct ask *ask)
{
	int L = ask->model->config.L, T = ask->run->T;
	const char *site = site_table[site_argument(ask, params, ARG_SITE)].name;
	struct cause c = cause_new(ask, NULL, ask->run, L * T + 1);

	for (int i = 0; i < L * T; i++)
		for (int l = i / T; l < i / T + ask->arg[ARG_WINDOW] && l < L; l++)
			cause_edit(&c, i, "%s %d @%d patch", site, l, i % T);
	cause_edit(&c, L * T, "resid_pre 0 patch");
	return c;
}

/* What the seeds before said, and the run that they broke. */
struct seeds {
	int done;
	double *sum;		/* [c.n] */
	double clean, noised;	/* the metric; noised: a sum */
	bool normalise;
};

/* The mean over the seeds so far: the one under way counts where it is known already. */
static void cells(struct table *t, const struct cause *c, const void *with)
{
	const struct seeds *s = with;

	for (int i = 0; i < t->rows.n * t->cols.n; i++) {
		bool under_way = !isnan(c->value[i]) || !s->done;
		int n = s->done + under_way;
		double mean = (s->sum[i] + (under_way ? c->value[i] : 0)) / n, noised = (s->noised + (under_way ? c->now : 0)) / n;

		t->value[i] = (float)(s->normalise ? cause_normalised(mean, s->clean, noised) : mean);
	}
}

static bool sweep_seeds(struct table *t, const struct ask *ask, struct cause *c, struct seeds *s, struct err *err)
{
	for (; s->done < ask->arg[ARG_SEEDS]; s->done++) {
		struct run *r = noised_run(ask, s->done, err);
		bool ok;

		c->base = r;
		ok = r && cause_fill(c, t, cells, s, err);
		run_unref(r);
		if (!ok)
			return false;
		for (int i = 0; i < c->n; i++)
			s->sum[i] += c->value[i];
		s->noised += c->now;
	}
	return true;
}

static bool fill(struct table *t, const struct ask *ask, struct err *err)
{
	struct cause c = variants(ask);
	struct seeds s = { .sum = arena_alloc(ask->scratch, (size_t)c.n * sizeof *s.sum), .normalise = ask->arg[ARG_SHOW] == SHOW_NORMALISED };
	double noised;
	int n = ask->arg[ARG_SEEDS];

	if (!metric_value(ask->metric, ask->run, ask->unedited, &s.clean, ask->task, err) || !sweep_seeds(t, ask, &c, &s, err))
		return false;
	noised = s.noised / n;
	t->footnote = arena_printf(t->arena, "%s: clean %.6g, with noise %.6g (mean of %d seed%s)%s", metric_table[ask->metric->kind].word, s.clean,
				   noised, n, n == 1 ? "" : "s",
				   s.normalise && isnan(cause_normalised(0, s.clean, noised)) ? "; no difference to normalise by" : "");
	t->check = (struct check){ "all of the stream restored at layer 0 = clean", s.clean, s.sum[c.n - 1] / n, 1e-4 };
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	enum site site = site_argument(ask, params, ARG_SITE);
	bool raw = ask->arg[ARG_SHOW] == SHOW_RAW;
	struct table *t;

	if (ask->arg[ARG_FROM] > ask->arg[ARG_TO]) {
		err_set(err, ERR_ARGUMENT, "causal-tracing: the noise goes from position %d to %d, which is before it", ask->arg[ARG_FROM],
			ask->arg[ARG_TO]);
		return NULL;
	}
	if (!(t = table_new(ask->model->config.L, ask->run->T, err)))
		return NULL;
	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	table_set_title(t, "causal tracing · %s restored%s · noise of %d σ at positions %d … %d · %s%s", site_table[site].name,
			ask->arg[ARG_WINDOW] == 1 ? "" : arena_printf(ask->scratch, " in %d layers from the row's", ask->arg[ARG_WINDOW]),
			ask->arg[ARG_SIGMA], ask->arg[ARG_FROM], ask->arg[ARG_TO], ask->metric->spec, raw ? "" : ", 1 = clean, 0 = with noise");
	table_set_unit(t, raw ? metric_table[ask->metric->kind].unit : "normalised");
	t->look = LOOK_HEAT;
	t->scale = raw ? SCALE_SEQUENTIAL : SCALE_DIVERGING;
	t->site = site;
	if (fill(t, ask, err))
		return t;
	table_unref(t);
	return NULL;
}

const struct analysis analysis_causal_tracing = {
	.name = "causal-tracing",
	.title = "Causal tracing",
	.topic = TOPIC_CAUSAL,
	.paper = "Meng et al. 2022",
	.blurb = "Which activation, restored, mends the answer that noise on some tokens broke.",
	.help = "Put the noise on the tokens of the subject (from, to): a cell near 1 shows that what the answer needs has passed through there. "
		"attn_out and mlp_out of single layers mend little: widen the window. The noise pushes the model where it never was: prefer a foil and "
		"activation-patching where there is one. The mean hides how much the seeds differ; more of them are steadier.",
	.shape = "layer × position",
	.unit = "normalised, or the metric's",
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
