/*
 * projection.c - how far the stream reaches along a direction, layer by layer and token by token.
 *
 *   site[L, T, D] · v      raw: ⟨x, v⟩ · norm: ⟨x, v⟩ / ‖v‖ · cosine: ⟨x, v⟩ / (‖x‖ ‖v‖)
 *
 * The direction is a file's (vector_file.h: one for all layers, or each layer's own), or the difference of two tokens' rows of the
 * unembedding, W_U[a] − W_U[b] (one token: its row): what the final norm's scale leaves of that is a difference of logits, and so
 * the sign says which of the two the stream leans to.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/vector_file.h"

enum { ARG_DIRECTION, ARG_TOKENS, ARG_SITE, ARG_UNIT };
enum { RAW, COSINE, LENGTH };
static const struct choice units[] = {
	{ "raw", "the product with the direction as it is", RAW },
	{ "cosine", "of the angle between them", COSINE },
	{ "norm", "how far it reaches along the direction", LENGTH },
	{ 0 },
};
static const struct param params[] = {
	[ARG_DIRECTION] = { "direction", PARAM_FILE, .file = &asset_vectors,
			    .help = "a file of a vector, or of one for each layer" },
	[ARG_TOKENS] = { "tokens", PARAM_TEXT, .help = "instead: one or two tokens, as \" Paris\" \" Rome\"" },
	[ARG_SITE] = { "site", PARAM_CHOICE, .choices = stream_sites, .help = "what is projected" },
	[ARG_UNIT] = { "unit", PARAM_CHOICE, .choices = units, .help = "in what it is measured" },
	{ 0 },
};

/* v[D] = W_U[a], less W_U[b] where there are two. */
static bool read_tokens(const struct ask *ask, const char *text, float *v, struct err *err)
{
	const size_t D = (size_t)ask->model->config.D;
	float *other = arena_floats(ask->scratch, D, err);
	struct metric m;

	if (!other)
		return false;
	if (!metric_resolve(arena_printf(ask->scratch, "logit_diff %s", text), ask->run, &m, ask->notes, &(struct err){ 0 }) &&
	    !metric_resolve(arena_printf(ask->scratch, "logit %s", text), ask->run, &m, ask->notes, &(struct err){ 0 }))
		return err_set(err, ERR_ARGUMENT,
			       "projection: tokens=%s: expected one or two tokens in quotes, such as \" Paris\" \" Rome\"", text);
	matrix_output(ask->model->W_U, m.target[0], v);
	if (m.target[1] >= 0) {
		matrix_output(ask->model->W_U, m.target[1], other);
		kernel_axpy(-1, other, v, D);
	}
	metric_done(&m);
	return true;
}

/* The direction of a layer, [D]; NULL on error. */
static const float *direction_of(const struct ask *ask, int layer, struct err *err)
{
	const char *text = ask->text[ARG_DIRECTION];
	const size_t D = (size_t)ask->model->config.D;
	size_t n = D;
	float *v;

	if (!text)
		return (v = arena_floats(ask->scratch, D, err)) && read_tokens(ask, ask->text[ARG_TOKENS], v, err) ? v : NULL;
	if (!(v = vector_read(ask->assets, text, layer, ask->scratch, &n, err)))
		return NULL;
	if (n == D)
		return v;
	err_set(err, ERR_ARGUMENT, "%s: the vector has %zu numbers, the stream of this model %zu", text, n, D);
	return NULL;
}

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static double measured(int unit, const float *x, const float *v, size_t D)
{
	const double length = unit == RAW ? 1 : sqrt(dot(v, v, D)), own = unit == COSINE ? sqrt(dot(x, x, D)) : 1;

	return dot(x, v, D) / (length * own);
}

static void describe(struct table *t, const struct ask *ask)
{
	static const char *const words[] = { "product", "cosine", "length" };
	const enum site site = (enum site)ask->arg[ARG_SITE];
	const char *text = ask->text[ask->text[ARG_DIRECTION] ? ARG_DIRECTION : ARG_TOKENS], *file = strrchr(text, '/');

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	table_set_title(t, "projection", site_table[site].name, arena_printf(t->arena, "on %s", file ? file + 1 : text));
	table_set_unit(t, words[ask->arg[ARG_UNIT]]);
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->skip_first = true;
	t->place.site = site;
	t->explain = METRIC_NORM;
	t->explain_other =
		"the length of the stream there is a number of the run; along a direction of a file ask `along FILE SITE L`";
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const size_t D = (size_t)ask->model->config.D;
	struct table *t;

	if (!ask->text[ARG_DIRECTION] == !ask->text[ARG_TOKENS]) {
		err_set(err, ERR_ARGUMENT,
			"projection asks how far the stream reaches along a direction, and %s: direction=FILE, or tokens in quotes",
			ask->text[ARG_TOKENS] ? "two are given" : "none is given");
		return NULL;
	}
	if (!(t = table_new(ask->model->config.L, ask->run->T, err)))
		return NULL;
	describe(t, ask);
	for (int l = 0; l < t->rows.n; l++) {
		const float *v = direction_of(ask, l, err);

		if (!v)
			return table_if(false, t);
		for (int i = 0; i < t->cols.n; i++)
			t->value[table_cell(t, l, i)] =
				(float)measured(ask->arg[ARG_UNIT], run_at(ask->run, (enum site)ask->arg[ARG_SITE], l, i), v, D);
	}
	return t;
}

const struct analysis analysis_projection = {
	.name = "projection",
	.title = "Projection on a direction",
	.topic = TOPIC_GEOMETRY,
	.blurb = "How far the stream of each layer and token reaches along a direction of a file, or between two tokens.",
	.help = "The direction is a vector in a file, as `lmscope direction` writes it, or two tokens in quotes: then above 0 "
		"leans to the first and below 0 to the second. Streams grow with depth, and so do raw products; cosine takes the "
		"length away. A direction that was found in one layer need not mean the same in another.",
	.picture = " layer   I    ·really  ·love   ·this\n"
		   "   3     ·     ░░      ██      ██     from the word on, in\n"
		   "   2     ·      ·      ██      ▓▓     the layers where the\n"
		   "   1     ·      ·      ▓▓      ░░     direction was found\n"
		   "   0     ·      ·      ░░       ·\n",
	.shape = "layer × position",
	.unit = "product, cosine, length",
	.on = ON_RUN | ON_ASSET,
	.cost = COST_READ,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
