/*
 * stream_similarity.c - how alike the layers' streams are, as clouds of positions: [L, L].
 *
 *   X, Y [n, D]: a site at two layers, one row a position; the first one, which would decide alone where heads rest, is left out
 *
 *   cosine      mean over positions of cos(x_i, y_i): the same directions in the same channels
 *   cka         HSIC(X, Y) / √(HSIC(X, X) HSIC(Y, Y)) of the products of rows, their diagonals 0 (debiased; without that, few
 *               positions of many channels look alike whatever they are); whatever the rotation      Kornblith 2019, Nguyen 2021
 *   procrustes  ‖XᵀY‖_*  of X and Y centred and of length 1: how well one fits on the other when it is turned
 *
 *   HSIC(K, M) = [tr KM + ΣK ΣM / ((n−1)(n−2)) − 2/(n−2) 1ᵀKM1] / (n(n−3))      K = XXᵀ, M = YYᵀ, diagonals 0
 *   ‖XᵀY‖_* = Σ of the singular values of K^½ M^½, n × n
 *
 * The diagonal is 1: the check.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/lapack.h"

enum { ARG_MEASURE, ARG_SITE };
enum { COSINE, CKA, PROCRUSTES };
static const struct choice measures[] = {
	{ "cosine", "the mean cosine of the same position", COSINE },
	{ "cka", "whether the same positions are near each other, debiased", CKA },
	{ "procrustes", "how well one fits on the other when it is turned", PROCRUSTES },
	{ 0 },
};
static const struct param params[] = {
	[ARG_MEASURE] = { "measure", PARAM_CHOICE, .choices = measures, .help = "what alike means" },
	[ARG_SITE] = { "site", PARAM_CHOICE, .choices = stream_sites, .help = "what is compared" },
	{ 0 },
};

struct clouds {
	const struct ask *ask;
	size_t D, n; /* n: positions from `first` on */
	int first, L;
	double **gram; /* [L] of [n, n]: products of rows, the diagonal 0; of procrustes, their square root */
	double *self;  /* [L] HSIC of each with itself; of procrustes its length's square: 0 where nothing is */
	double *room;  /* [n, n] */
};

static const float *row(const struct clouds *c, int layer, size_t i)
{
	return run_at(c->ask->run, (enum site)c->ask->arg[ARG_SITE], layer, c->first + (int)i);
}

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static double mean_cosine(const struct clouds *c, int a, int b)
{
	double sum = 0;

	for (size_t i = 0; i < c->n; i++) {
		const float *x = row(c, a, i), *y = row(c, b, i);

		sum += dot(x, y, c->D) / sqrt(dot(x, x, c->D) * dot(y, y, c->D));
	}
	return sum / (double)c->n;
}

/* ---- products of rows ---- */

static void fill_gram(const struct clouds *c, int layer)
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t j = 0; j <= i; j++)
			c->gram[layer][i * c->n + j] = c->gram[layer][j * c->n + i] = dot(row(c, layer, i), row(c, layer, j), c->D);
}

static double trace(const double *k, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += k[i * (n + 1)];
	return sum;
}

/* ---- cka ---- */

static double hsic(const struct clouds *c, const double *k, const double *m)
{
	const size_t n = c->n;
	const double N = (double)n;
	double both = 0, all_k = 0, all_m = 0, between = 0;

	for (size_t i = 0; i < n; i++) {
		double row_k = 0, row_m = 0;

		for (size_t j = 0; j < n; j++) {
			both += k[i * n + j] * m[i * n + j];
			row_k += k[i * n + j];
			row_m += m[i * n + j];
		}
		all_k += row_k;
		all_m += row_m;
		between += row_k * row_m;
	}
	return (both + all_k * all_m / ((N - 1) * (N - 2)) - 2 / (N - 2) * between) / (N * (N - 3));
}

static bool prepare_cka(struct clouds *c, int layer, struct err *err)
{
	(void)err;
	fill_gram(c, layer);
	for (size_t i = 0; i < c->n; i++)
		c->gram[layer][i * (c->n + 1)] = 0;
	c->self[layer] = hsic(c, c->gram[layer], c->gram[layer]);
	return true;
}

static bool cka(struct clouds *c, int a, int b, double *out, struct err *err)
{
	(void)err;
	*out = hsic(c, c->gram[a], c->gram[b]) / sqrt(c->self[a] * c->self[b]);
	return true;
}

/* ---- procrustes ---- */

/* Rows and columns of products without their means: those of the centred cloud. */
static void centre(double *k, size_t n)
{
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < n; i++) {
			const size_t step = side ? n : 1, from = side ? i : i * n;
			double mean = 0;

			for (size_t j = 0; j < n; j++)
				mean += k[from + j * step] / (double)n;
			for (size_t j = 0; j < n; j++)
				k[from + j * step] -= mean;
		}
}

/* k[n, n] = k^½, by its eigenvectors; what is below 0 is rounding. */
static bool take_root(const struct clouds *c, double *k, struct err *err)
{
	const size_t n = c->n;
	double *w = arena_array(c->ask->scratch, n, sizeof *w, err);

	if (!w || !lapack_symmetric(k, (int)n, w, err))
		return false;
	memset(c->room, 0, n * n * sizeof *c->room);
	for (size_t v = 0; v < n; v++)
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				c->room[i * n + j] += sqrt(fmax(0, w[v])) * k[v * n + i] * k[v * n + j];
	memcpy(k, c->room, n * n * sizeof *k);
	return true;
}

static bool prepare_procrustes(struct clouds *c, int layer, struct err *err)
{
	double length;

	fill_gram(c, layer);
	centre(c->gram[layer], c->n);
	c->self[layer] = length = trace(c->gram[layer], c->n);
	if (!(length > 0))
		return true;
	for (size_t i = 0; i < c->n * c->n; i++)
		c->gram[layer][i] /= length;
	return take_root(c, c->gram[layer], err);
}

static bool procrustes(struct clouds *c, int a, int b, double *out, struct err *err)
{
	const size_t n = c->n;
	const double *x = c->gram[a], *y = c->gram[b];
	double *s = arena_array(c->ask->scratch, n, sizeof *s, err);

	*out = NAN;
	if (!(c->self[a] > 0 && c->self[b] > 0))
		return s != NULL;
	memset(c->room, 0, n * n * sizeof *c->room);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < n; j++)
				c->room[i * n + j] += x[i * n + k] * y[k * n + j];
	if (!s || !lapack_singular_values(c->room, (int)n, (int)n, s, err))
		return false;
	*out = 0;
	for (size_t i = 0; i < n; i++)
		*out += s[i];
	return true;
}

static bool cosines(struct clouds *c, int a, int b, double *out, struct err *err)
{
	(void)err;
	*out = mean_cosine(c, a, b);
	return true;
}

/* ---- the table ---- */

static const struct {
	bool (*prepare)(struct clouds *c, int layer, struct err *err); /* a layer by itself; NULL: nothing */
	bool (*compare)(struct clouds *c, int a, int b, double *out, struct err *err);
	const char *title;
	int least; /* positions */
} kinds[] = {
	[COSINE] = { NULL, cosines, "cosine", 1 },
	[CKA] = { prepare_cka, cka, "debiased CKA", 4 },
	[PROCRUSTES] = { prepare_procrustes, procrustes, "Procrustes", 2 },
};

static void describe(struct table *t, const struct clouds *c)
{
	const int measure = c->ask->arg[ARG_MEASURE];

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_LAYER);
	t->cols.dim = DIM_QUANTITY; /* a cursor of its own */
	table_set_title(t, "similarity of layers", site_table[c->ask->arg[ARG_SITE]].name, kinds[measure].title);
	table_set_unit(t, measure == COSINE ? "cosine" : "similarity");
	t->look = LOOK_HEAT;
	t->scale = SCALE_SEQUENTIAL;
	t->neutral = 1; /* a layer and itself are no finding */
	t->meaning = "1 = alike";
	t->explain_other = "a similarity of two layers is no number of the run at one place";
	if (c->first)
		t->footnote = "without the first token";
}

static void check_diagonal(struct table *t)
{
	double worst = 1;
	bool nothing = false;

	for (int l = 0; l < t->rows.n; l++) {
		const double x = (double)t->value[table_cell(t, l, l)];

		worst = fabs(x - 1) > fabs(worst - 1) ? x : worst;
		nothing = nothing || isnan(x);
	}
	t->check = (struct check){ "the diagonal is 1", 1, worst, 1e-5, NULL };
	if (nothing)
		t->footnote = "a layer that writes nothing is like no other";
}

static bool fill(struct table *t, struct clouds *c, struct err *err)
{
	const int measure = c->ask->arg[ARG_MEASURE];

	for (int a = 0; a < c->L; a++) {
		if (!task_step(c->ask->task, a, c->L, err) || (kinds[measure].prepare && !kinds[measure].prepare(c, a, err)))
			return false;
		for (int b = 0; b <= a; b++) {
			struct arena_mark mark = arena_mark(c->ask->scratch);
			double x;

			if (!task_going(c->ask->task, err) || !kinds[measure].compare(c, a, b, &x, err))
				return false;
			t->value[table_cell(t, a, b)] = t->value[table_cell(t, b, a)] = (float)x;
			arena_rewind(c->ask->scratch, mark);
		}
		if (a + 1 < c->L && ask_watched(c->ask))
			ask_show(c->ask, t);
	}
	check_diagonal(t);
	return true;
}

static bool begin(struct clouds *c, const struct ask *ask, struct err *err)
{
	const int first = ask->run->T > 1;
	size_t square;
	bool ok;

	*c = (struct clouds){ .ask = ask, .D = (size_t)ask->model->config.D, .first = first, .L = ask->model->config.L };
	c->n = (size_t)(ask->run->T - first);
	square = ask->arg[ARG_MEASURE] == COSINE ? 0 : c->n * c->n;
	c->gram = arena_alloc(ask->scratch, (size_t)c->L * sizeof *c->gram);
	c->self = arena_alloc(ask->scratch, (size_t)c->L * sizeof *c->self);
	ok = (c->room = arena_array(ask->scratch, square + 1, sizeof *c->room, err)) != NULL;
	for (int l = 0; ok && l < c->L; l++)
		ok = (c->gram[l] = arena_array(ask->scratch, square + 1, sizeof **c->gram, err)) != NULL;
	return ok;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct clouds c;
	struct table *t;

	if (!begin(&c, ask, err) || !(t = table_new(c.L, c.L, err)))
		return NULL;
	describe(t, &c);
	if ((int)c.n >= kinds[ask->arg[ARG_MEASURE]].least)
		return table_if(fill(t, &c, err), t);
	t->footnote = arena_printf(t->arena, "%s takes at least %d tokens%s", kinds[ask->arg[ARG_MEASURE]].title,
				   kinds[ask->arg[ARG_MEASURE]].least, c.first ? " after the first" : "");
	return t;
}

const struct analysis analysis_stream_similarity = {
	.name = "stream-similarity",
	.title = "Similarity of layers",
	.topic = TOPIC_GEOMETRY,
	.paper = "Kornblith et al. 2019, Nguyen et al. 2021, Schönemann 1966",
	.blurb = "How alike the streams of any two layers are, over the positions of the prompt.",
	.help = "Each layer is a cloud of as many points as the prompt has tokens. cosine asks whether a position keeps its "
		"direction; cka and procrustes also see that a cloud has only been turned. Blocks along the diagonal are layers "
		"that work on much the same; a sharp edge is where something changes. cka is debiased and may be a little below 0; "
		"with a few tokens it is uncertain. On long prompts procrustes takes long.",
	.picture = " layer   0    1    2    3    4\n"
		   "   4    ██   ██   ▓▓   ░░    ·    dark: alike. Two blocks,\n"
		   "   3    ██   ██   ▓▓    ·   ░░    0 and 1, 3 and 4\n"
		   "   2    ▓▓   ▓▓    ·   ▓▓   ▓▓\n"
		   "   1    ░░    ·   ▓▓   ██   ██    bright: between them the\n"
		   "   0     ·   ░░   ▓▓   ██   ██    stream is made over\n",
	.shape = "layer × layer",
	.unit = "cosine, similarity",
	.on = ON_RUN,
	.cost = COST_VOCABULARY,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
