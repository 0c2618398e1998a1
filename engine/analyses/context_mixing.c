/*
 * context_mixing.c - from which tokens each token's stream is mixed in one layer, by six measures (mixing.h, token_parts.h).
 *
 *   attention, norm, value_zeroing, alti, globenc    [T, T] of that layer alone
 *   decompx                                          of all layers up to that one: from the input tokens, and a column `bias`
 *
 * A row is a query and sums to 1. Parts of one layer are vectors of attention and the stream; with the biases they sum to resid_mid
 * (alti, norm, globenc), with decompx's bias to resid_post: the check.
 */
#include <math.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/analysis/mixing.h"
#include "engine/analysis/token_parts.h"
#include "engine/numbers/kernels.h"

enum { ARG_METHOD, ARG_LAYER };
enum { DECOMPX = MIXING_GLOBENC + 1 };
static const struct choice methods[] = {
	MIXING_CHOICES,
	{ "decompx", "the length of what came from each input token, through all layers up to this one", DECOMPX },
	{ 0 },
};
static const struct param params[] = {
	[ARG_METHOD] = { "method", PARAM_CHOICE, .choices = methods, .help = "how a token's share is measured" },
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .help = "in which layer" },
	{ 0 },
};

/* ---- one layer ---- */

struct growth {
	const struct ask *ask;
	struct table *t;
	const struct mixing *m;
	int shown; /* rows that the table has */
};

static void fill_rows(struct growth *g, int rows)
{
	for (; g->shown < rows; g->shown++)
		memcpy(g->t->value + table_cell(g->t, g->shown, 0), g->m->share + (size_t)g->shown * (size_t)g->m->T,
		       ((size_t)g->shown + 1) * sizeof(float));
}

static void grown(void *context, int queries)
{
	struct growth *g = context;

	fill_rows(g, queries);
	if (queries < g->m->T && ask_watched(g->ask))
		ask_show(g->ask, g->t);
}

static struct check books(double worst, const char *name)
{
	return (struct check){ name, 0, worst, 1e-4 };
}

static double worst_row(const struct table *t)
{
	double worst = 1;

	for (int i = 0; i < t->rows.n; i++) {
		double sum = 0;

		for (int j = 0; j < t->cols.n; j++)
			sum += j > i && j < t->rows.n ? 0 : (double)t->value[table_cell(t, i, j)];
		if (!(fabs(sum - 1) <= fabs(worst - 1)))
			worst = sum;
	}
	return worst;
}

static bool mix(const struct ask *ask, struct table *t, struct err *err)
{
	const struct config *c = &ask->model->config;
	struct growth g = { .ask = ask, .t = t };
	struct mixing m;

	if (!mixing_open(&m, ask->run, (enum mixing_method)ask->arg[ARG_METHOD], ask->run->T, ask->scratch, ask->task, err))
		return false;
	g.m = &m;
	m.grown = grown;
	m.context = &g;
	task_count_runs(ask->task, mixing_runs(c, m.method, m.T, 1));
	if (!mixing_layer(&m, ask->arg[ARG_LAYER], err))
		return false;
	fill_rows(&g, m.T);
	t->check = mixing_has_books(&m) ? books(mixing_books(&m), "parts + biases - resid_mid, of its length")
					: (struct check){ "rows sum to 1", 1, worst_row(t), 1e-5 };
	return true;
}

/* ---- all layers up to that one ---- */

struct mixed_parts {
	const struct ask *ask;
	struct table *t;
	float *sum;  /* [T, D] of all parts so far */
	double *all; /* [T] of the lengths in a row */
};

static void add_source(void *context, int source, int from, const float *x)
{
	struct mixed_parts *p = context;
	const int T = p->ask->run->T, column = source < 0 ? T : source;
	size_t D = (size_t)p->ask->model->config.D;

	for (int i = from; i < T; i++, x += D) {
		float length = kernel_norm2(x, D);

		kernel_add(p->sum + (size_t)i * D, x, p->sum + (size_t)i * D, D);
		p->t->value[table_cell(p->t, i, column)] = length;
		p->all[i] += (double)length;
	}
	if (source < 0)
		return;
	for (int j = 0; j <= T; j++) /* no other source reaches this row */
		p->t->value[table_cell(p->t, source, j)] /= (float)p->all[source];
	if (source + 1 < T && ask_watched(p->ask))
		ask_show(p->ask, p->t);
}

static double parts_off(const struct mixed_parts *p, int layer)
{
	size_t D = (size_t)p->ask->model->config.D;
	double worst = 0;

	for (int i = 0; i < p->ask->run->T; i++) {
		const float *whole = run_at(p->ask->run, SITE_RESID_POST, layer, i);
		float *sum = p->sum + (size_t)i * D;
		double off;

		kernel_axpy(-1, whole, sum, D);
		off = (double)kernel_norm2(sum, D) / (double)fmaxf(kernel_norm2(whole, D), 1e-30f);
		if (!(off <= worst))
			worst = off;
	}
	return worst;
}

static bool decompose(const struct ask *ask, struct table *t, struct err *err)
{
	const int T = ask->run->T, layer = ask->arg[ARG_LAYER];
	struct mixed_parts p = { ask, t, arena_floats(ask->scratch, (size_t)T * (size_t)ask->model->config.D, err),
				 arena_alloc(ask->scratch, (size_t)T * sizeof(double)) };

	if (!p.sum || !token_parts(ask->run, layer, add_source, &p, ask->scratch, ask->task, err))
		return false;
	t->check = books(parts_off(&p, layer), "parts + bias - resid_post, of its length");
	return true;
}

/* ---- the table ---- */

/* A source is an input token: its cell is its embedding's. */
static void label_sources(struct table *t)
{
	const int T = t->rows.n;

	t->place = PLACE_NONE;
	t->cols.dim = DIM_COMPONENT; /* the last one is no token */
	for (int j = 0; j < T; j++)
		axis_place(t, &t->cols, j, place_at(SITE_EMBED, 0, -1, j));
	axis_label(t, &t->cols, T, "bias");
	t->cols.id[T] = -1;
	t->footnote = "bias: what comes from no token of the prompt";
}

static void describe(struct table *t, const struct ask *ask)
{
	const int method = ask->arg[ARG_METHOD], layer = ask->arg[ARG_LAYER];

	axis_tokens(t, &t->rows, ask->run, DIM_POSITION, "query");
	axis_tokens(t, &t->cols, ask->run, DIM_KEY, method == DECOMPX ? "source" : "key");
	table_set_title(t, "context mixing", arena_printf(t->arena, method == DECOMPX ? "layers 0..%d" : "layer %d", layer),
			methods[method].word);
	table_set_unit(t, "share");
	t->look = LOOK_ATTENTION;
	t->scale = SCALE_PROBABILITY;
	t->skip_first = true;
	t->place = place_at(SITE_PATTERN, layer, -1, -1);
	if (method == DECOMPX)
		label_sources(t);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const int T = ask->run->T;
	const bool all = ask->arg[ARG_METHOD] == DECOMPX;
	struct table *t = table_new(T, all ? T + 1 : T, err);

	if (!t)
		return NULL;
	describe(t, ask);
	return table_if(all ? decompose(ask, t, err) : mix(ask, t, err), t);
}

static int runs(const struct ask *ask)
{
	const struct config *c = &ask->model->config;

	if (ask->arg[ARG_METHOD] == DECOMPX)
		return token_parts_runs(c, ask->run->T, ask->arg[ARG_LAYER]);
	return mixing_runs(c, (enum mixing_method)ask->arg[ARG_METHOD], ask->run->T, 1);
}

const struct analysis analysis_context_mixing = {
	.name = "context-mixing",
	.title = "Context mixing",
	.topic = TOPIC_ATTENTION,
	.paper = "Ferrando et al. 2022",
	.blurb = "From which tokens each token's stream is mixed in one layer, measured by what arrives and not by the weight "
		 "alone.",
	.help = "Rows are queries and sum to 1. attention is the mean weight of the heads. norm is the length of what attention "
		"brings from each token. alti and globenc have the stream in it too, as a part of the token itself: most of what "
		"leaves a layer is what entered it. value_zeroing asks what the layer would give without a token's value, MLP and "
		"all. decompx carries each input token's part through all layers up to this one; what biases add is a column of "
		"its own. A share is of size and says nothing about the answer. The first token is left out of the colour range.",
	.picture = " attention        alti\n"
		   " █                █\n"
		   " █ ·              · █           the weight rests on the\n"
		   " █ · ·            · · █         first token, but nothing\n"
		   " ▓ · █ ·          · · ▒ █       is read there: what is\n"
		   " █ · · · ·        · · · · █     mixed in is the name\n",
	.shape = "query × key, query × source",
	.unit = "share",
	.on = ON_RUN,
	.needs = NEEDS_ATTENTION,
	.cost = COST_RUNS,
	.runs = runs,
	.params = params,
	.compute = compute,
};
