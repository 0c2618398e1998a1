/*
 * singular_vectors.c - the singular vectors of a weight matrix in words: what a head or an MLP does, theme by theme.
 *
 *   W = U Σ Vᵀ      of=ov W_V W_O of a head, of=qk W_Q W_Kᵀ, of=mlp_in W_in, of=mlp_out W_out, of=unembed W_U
 *   value           ⟨vector, W_U[v]⟩ of the vector on the side of the stream, for the tokens at both ends     Millidge & Black 2022
 *
 * A head's come from [K, K] products (head_spectrum.h), the others' from [D, D] ones (spectrum.h); nothing has V or F on both
 * sides. A pair of vectors may be turned round together: the end that reaches farther is +, on the side that is written, and the
 * side that is read goes with it. fold=yes takes the norms beside the matrix into it, and the final one into the unembedding, less
 * its mean.
 *
 * The check sends a vector through the model's own matrices and through U Σ Vᵀ; of the large ones there and back, U Σ² Uᵀ.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <string.h>

#include "engine/analysis/ends.h"
#include "engine/analysis/head_spectrum.h"
#include "engine/analysis/spectrum.h"
#include "engine/numbers/noise.h"
#include "engine/run/mixer.h"
#include "engine/run/norms.h"

enum { ARG_OF, ARG_LAYER, ARG_HEAD, ARG_SIDE, ARG_FOLD, ARG_K };
enum { OF_OV, OF_QK, OF_MLP_IN, OF_MLP_OUT, OF_UNEMBED };
enum { SIDE_OUT, SIDE_IN };
enum { SIGMA, ENDS = 5, COLUMNS = 1 + 2 * ENDS };
static const struct choice matrices[] = {
	{ "ov", "what a head's values write", OF_OV },
	{ "qk", "which keys a head's queries look for", OF_QK },
	{ "mlp_in", "what the MLP reads; of a gated one its linear half", OF_MLP_IN },
	{ "mlp_out", "what the MLP writes", OF_MLP_OUT },
	{ "unembed", "what the vocabulary hears", OF_UNEMBED },
	{ 0 },
};
static const struct choice sides[] = {
	{ "out", "of ov what is written, of qk the keys", SIDE_OUT },
	{ "in", "of ov what is read, of qk the queries", SIDE_IN },
	{ 0 },
};
static const struct choice folds[] = {
	{ "no", "weights as they are", 0 },
	{ "yes", "with the norms beside them taken into them", 1 },
	{ 0 },
};
static const struct param params[] = {
	[ARG_OF] = { "of", PARAM_CHOICE, .choices = matrices, .help = "which matrix" },
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .start = -1, .help = "in which layer" },
	[ARG_HEAD] = { "head", PARAM_DIM, DIM_HEAD, .help = "of which head, with of=ov and qk" },
	[ARG_SIDE] = { "side", PARAM_CHOICE, .choices = sides, .help = "which of a head's two vectors" },
	[ARG_FOLD] = { "fold", PARAM_CHOICE, .choices = folds, .help = "whether norms count" },
	[ARG_K] = { "k", PARAM_INT, .lo = 1, .hi = 200, .start = 10, .help = "how many vectors" },
	{ 0 },
};

struct singular {
	const struct ask *ask;
	const struct model *m;
	int D, V, rank;
	bool head;     /* of a head: it has two sides in the stream */
	double *sigma; /* [rank] */
	double *out;   /* [rank, D] on the side that is written, or the only one in the stream */
	double *in;    /* [rank, D] of a head, on the side that is read */
	float *mean;   /* [D] of=unembed, folded: of its rows */
	float *x;      /* [D] */
	float *value;  /* [V] */
	int32_t *ids;  /* [ENDS] */
};

/* ---- the matrix ---- */

static const struct matrix *mlp_matrix(const struct singular *s)
{
	const struct layer *layer = &s->m->layers[s->ask->arg[ARG_LAYER]];

	return s->ask->arg[ARG_OF] == OF_MLP_IN ? layer->W_in : layer->W_out;
}

static const struct norm *norm_beside(const struct singular *s)
{
	const int l = s->ask->arg[ARG_LAYER];

	if (s->ask->arg[ARG_OF] == OF_UNEMBED)
		return &s->m->ln_final;
	return s->ask->arg[ARG_OF] == OF_MLP_IN ? norms_at(s->m, SITE_LN2, l) : &s->m->layers[l].ln2_post;
}

/* Vectors of neurons or tokens. */
static void read_rows(const void *context, int from, int count, float *rows)
{
	const struct singular *s = context;

	for (int i = 0; i < count; i++) {
		float *row = rows + (size_t)i * (size_t)s->D;

		if (s->ask->arg[ARG_OF] == OF_MLP_OUT)
			matrix_input(mlp_matrix(s), from + i, row);
		else
			matrix_output(s->ask->arg[ARG_OF] == OF_UNEMBED ? s->m->W_U : mlp_matrix(s), from + i, row);
		if (s->ask->arg[ARG_FOLD])
			weight_fold(s->m, norm_beside(s), s->ask->arg[ARG_OF] == OF_MLP_OUT, row);
		for (int d = 0; s->mean && d < s->D; d++)
			row[d] -= s->mean[d];
	}
}

/* The unembedding's mean row: a logit less the mean of all. */
static bool find_mean(struct singular *s, struct err *err)
{
	double *sum = arena_alloc(s->ask->scratch, (size_t)s->D * sizeof *sum);
	float *mean = arena_floats(s->ask->scratch, (size_t)s->D, err);

	for (int v = 0; mean && v < s->V; v++) {
		read_rows(s, v, 1, s->x);
		for (int d = 0; d < s->D; d++)
			sum[d] += (double)s->x[d] / s->V;
	}
	for (int d = 0; mean && d < s->D; d++)
		mean[d] = (float)sum[d];
	s->mean = mean;
	return !!mean;
}

static bool take_rows_apart(struct singular *s, struct err *err)
{
	const int of = s->ask->arg[ARG_OF];
	struct spectrum_source source = { s->V, s->D, read_rows, s };
	struct spectrum found;

	if (of == OF_UNEMBED && s->ask->arg[ARG_FOLD] && !find_mean(s, err))
		return false;
	if (of != OF_UNEMBED)
		source.n = of == OF_MLP_IN ? matrix_out(mlp_matrix(s)) : matrix_in(mlp_matrix(s));
	if (!spectrum_of(&source, &found, s->ask->scratch, s->ask->task, err))
		return false;
	s->sigma = found.sigma;
	s->out = found.vector;
	s->rank = s->D < source.n ? s->D : source.n;
	return true;
}

static bool take_head_apart(struct singular *s, struct err *err)
{
	const struct ask *ask = s->ask;
	struct head_spectrum found;

	if (!head_spectrum_of(s->m, ask->arg[ARG_LAYER], ask->arg[ARG_HEAD], ask->arg[ARG_OF] == OF_QK, ask->arg[ARG_FOLD], &found,
			      ask->scratch, err))
		return false;
	s->sigma = found.sigma;
	s->in = found.reads;
	s->out = found.writes;
	s->rank = found.rank;
	return true;
}

static bool can_read(const struct singular *s, struct err *err)
{
	const int of = s->ask->arg[ARG_OF], l = s->ask->arg[ARG_LAYER];

	if (s->head)
		return mixer_attends(&s->m->config, l, err) || err_in(err, "singular-vectors");
	if (of != OF_UNEMBED && config_mixes(&s->m->config, l))
		return err_set(err, ERR_ARGUMENT, "singular-vectors: layer %d is a mixture, whose experts have a matrix each", l);
	return true;
}

/* ---- the check ---- */

static void add_along(const double *vector, double by, double *y, int D)
{
	for (int d = 0; d < D; d++)
		y[d] += by * vector[d];
}

static double along(const double *vector, const float *x, int D)
{
	double sum = 0;

	for (int d = 0; d < D; d++)
		sum += vector[d] * (double)x[d];
	return sum;
}

/* y[D] of s->x by the singular vectors: x U Σ Vᵀ, or x U Σ² Uᵀ. */
static void by_vectors(const struct singular *s, double *y)
{
	for (int i = 0; i < s->rank; i++) {
		const double *read = (s->head ? s->in : s->out) + (size_t)i * (size_t)s->D;
		const double sigma = s->sigma[i];

		add_along(s->out + (size_t)i * (size_t)s->D, along(read, s->x, s->D) * (s->head ? sigma : sigma * sigma), y, s->D);
	}
}

static void unfold(const struct singular *s, const struct norm *norm, float *x)
{
	if (s->ask->arg[ARG_FOLD])
		weight_unfold(s->m, norm, false, x);
}

/* The same by the head's own matrices. */
static void through_head(const struct singular *s, float *y, float *wide)
{
	const struct layer *layer = &s->m->layers[s->ask->arg[ARG_LAYER]];
	const struct config *c = &s->m->config;
	const int head = s->ask->arg[ARG_HEAD], group = head * c->G / c->H;
	const bool keys = s->ask->arg[ARG_OF] == OF_QK;

	memcpy(y, s->x, (size_t)c->D * sizeof *y);
	unfold(s, &layer->ln1, y);
	matrix_apply_outputs(keys ? layer->W_Q : layer->W_V, (keys ? head : group) * c->K, c->K, y, (size_t)c->D, 1, wide,
			     (size_t)c->K);
	if (!keys) {
		matrix_apply_inputs(layer->W_O, head * c->K, c->K, wide, (size_t)c->K, 1, y, (size_t)c->D);
	} else {
		float *all = wide + c->K;

		memset(all, 0, (size_t)(c->G * c->K) * sizeof *all);
		memcpy(all + group * c->K, wide, (size_t)c->K * sizeof *all);
		matrix_apply_back(layer->W_K, all, (size_t)(c->G * c->K), 1, y, (size_t)c->D);
	}
	if (s->ask->arg[ARG_FOLD])
		weight_fold(s->m, keys ? &layer->ln1 : &layer->ln1_post, !keys, y);
}

/* There and back: to the neurons or tokens and to the stream. */
static void there_and_back(const struct singular *s, float *y, float *wide)
{
	const bool writes = s->ask->arg[ARG_OF] == OF_MLP_OUT;
	const struct matrix *w = s->ask->arg[ARG_OF] == OF_UNEMBED ? s->m->W_U : mlp_matrix(s);
	const size_t D = (size_t)s->D, n = (size_t)(writes ? matrix_in(w) : matrix_out(w));

	memcpy(y, s->x, D * sizeof *y);
	if (s->ask->arg[ARG_FOLD])
		weight_unfold(s->m, norm_beside(s), writes, y);
	if (writes) {
		matrix_apply_back(w, y, D, 1, wide, n);
		matrix_apply(w, wide, n, 1, y, D);
	} else {
		matrix_apply(w, y, D, 1, wide, n);
		if (s->mean)
			ends_centre(wide, s->V);
		matrix_apply_back_long(w, wide, n, 1, y, D);
	}
	if (s->ask->arg[ARG_FOLD])
		weight_fold(s->m, norm_beside(s), writes, y);
}

static bool check_reproduced(const struct singular *s, struct table *t, struct err *err)
{
	const struct config *c = &s->m->config;
	const int most = c->V > c->F ? c->V : c->F, heads = (c->H + 1) * c->K;
	float *y = arena_floats(s->ask->scratch, (size_t)c->D, err);
	float *wide = arena_floats(s->ask->scratch, (size_t)(most > heads ? most : heads), err);
	double *ours = arena_alloc(s->ask->scratch, (size_t)c->D * sizeof *ours), length = 0, off = 0;

	if (!y || !wide)
		return false;
	for (int d = 0; d < s->D; d++)
		s->x[d] = (float)noise_normal(1, 0, (uint64_t)d);
	by_vectors(s, ours);
	if (s->head)
		through_head(s, y, wide);
	else
		there_and_back(s, y, wide);
	for (int d = 0; d < s->D; d++) {
		length += (double)y[d] * (double)y[d];
		off += (ours[d] - (double)y[d]) * (ours[d] - (double)y[d]);
	}
	t->check = (struct check){ s->head ? "x W less x UΣVᵀ, as a share" : "x W Wᵀ less x UΣ²Uᵀ, as a share", 0,
				   length > 0 ? sqrt(off / length) : sqrt(off), 1e-4 };
	return true;
}

/* ---- the words ---- */

/* s->value[V] of a vector. */
static void read_products(const struct singular *s, const double *vector)
{
	for (int d = 0; d < s->D; d++)
		s->x[d] = (float)vector[d];
	unfold(s, &s->m->ln_final, s->x);
	matrix_apply(s->m->W_U, s->x, (size_t)s->D, 1, s->value, (size_t)s->V);
	if (s->ask->arg[ARG_FOLD])
		ends_centre(s->value, s->V);
}

static bool reaches_down(const struct singular *s)
{
	float most = -INFINITY, least = INFINITY;

	for (int v = 0; v < s->V; v++) {
		most = fmaxf(most, s->value[v]);
		least = fminf(least, s->value[v]);
	}
	return -least > most;
}

static void fill_row(const struct singular *s, struct table *t, int i)
{
	const size_t at = (size_t)i * (size_t)s->D;
	const bool in = s->head && s->ask->arg[ARG_SIDE] == SIDE_IN;
	const int n = ENDS < s->V ? ENDS : s->V;
	bool turned;

	read_products(s, s->out + at);
	turned = reaches_down(s);
	if (in)
		read_products(s, s->in + at);
	for (int v = 0; turned && v < s->V; v++)
		s->value[v] = -s->value[v];
	t->value[table_cell(t, i, SIGMA)] = (float)s->sigma[i];
	for (int end = 0; end < 2; end++) {
		ends_choose(s->value, s->V, end ? -1 : 1, n, s->ids);
		for (int k = 0; k < n; k++) {
			const size_t cell = table_cell(t, i, 1 + end * ENDS + k);

			t->value[cell] = s->value[s->ids[k]];
			table_set_token(t, cell, s->m, s->ids[k]);
		}
	}
}

/* ---- the table ---- */

static void describe(struct table *t, const struct singular *s)
{
	static const char *const unit[COLUMNS] = { "singular value", "logit", "logit", "logit", "logit", "logit",
						   "logit",	     "logit", "logit", "logit", "logit" };
	const int *arg = s->ask->arg;
	const char *of = matrices[arg[ARG_OF]].word;

	axis_of(&t->rows, DIM_RANK);
	for (int i = 0; i < t->rows.n; i++)
		axis_label(t, &t->rows, i, arena_printf(t->arena, "%d", i + 1));
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, SIGMA, "sigma");
	for (int k = 0; k < ENDS; k++) {
		axis_label(t, &t->cols, 1 + k, arena_printf(t->arena, "+%d", k + 1));
		axis_label(t, &t->cols, 1 + ENDS + k, arena_printf(t->arena, "-%d", k + 1));
	}
	if (s->head)
		of = arena_printf(t->arena, "%s of head %d.%d", of, arg[ARG_LAYER], arg[ARG_HEAD]);
	else if (arg[ARG_OF] != OF_UNEMBED)
		of = arena_printf(t->arena, "%s of layer %d", of, arg[ARG_LAYER]);
	table_set_title(t, "singular vectors", of,
			arena_printf(t->arena, "%s%s", s->head ? sides[arg[ARG_SIDE]].word : "in the unembedding",
				     arg[ARG_FOLD] ? ", norms folded" : ""));
	table_set_units(t, unit);
	table_set_words(t);
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->neutral = 0;
	if (s->head)
		t->place = place_at(SITE_RESULT, arg[ARG_LAYER], arg[ARG_HEAD], -1);
	else if (arg[ARG_OF] != OF_UNEMBED)
		t->place = place_at(SITE_MLP_OUT, arg[ARG_LAYER], -1, -1);
	t->explain_other = "what weights say is no number of the run; what the head or MLP writes there is one";
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	struct singular s = { .ask = ask, .m = ask->model, .D = c->D, .V = c->V, .head = ask->arg[ARG_OF] <= OF_QK };
	struct table *t;

	s.x = arena_floats(ask->scratch, (size_t)c->D, err);
	s.value = arena_floats(ask->scratch, (size_t)c->V, err);
	s.ids = arena_alloc(ask->scratch, ENDS * sizeof *s.ids);
	if (!s.x || !s.value || !can_read(&s, err) || !(s.head ? take_head_apart(&s, err) : take_rows_apart(&s, err)))
		return NULL;
	if (!(t = table_new(ask->arg[ARG_K] < s.rank ? ask->arg[ARG_K] : s.rank, COLUMNS, err)))
		return NULL;
	describe(t, &s);
	for (int i = 0; i < t->rows.n; i++) {
		if (!task_going(ask->task, err))
			return table_if(false, t);
		fill_row(&s, t, i);
	}
	return table_if(check_reproduced(&s, t, err), t);
}

const struct analysis analysis_singular_vectors = {
	.name = "singular-vectors",
	.title = "Singular vectors",
	.topic = TOPIC_GEOMETRY,
	.paper = "Millidge & Black 2022",
	.blurb = "What a head, an MLP or the unembedding does, theme by theme: its weights' singular vectors in words.",
	.help = "Each row is one direction that the matrix passes on, the strongest first, and the words at both of its ends. "
		"Which end is + means nothing. side=in has what a head reads to write the same row of side=out, of qk the query "
		"that looks for that key. Themes are clearest in the OV of middle and late heads; words with nothing in common say "
		"that the vector is not about the vocabulary, as in early layers. With rotary positions qk is that at offset 0.",
	.picture = " rank  sigma   +1       +2       −1     −2\n"
		   "   1    7.1   ·France  ·Paris   ·he    ·she    one end\n"
		   "   2    5.8   ·red     ·blue    ·ten   ·two    has a theme,\n"
		   "   3    5.2   ·The     ·the     ·ing   ·ed     or both\n",
	.shape = "rank × quantity",
	.unit = "singular value, logit",
	.cost = COST_VOCABULARY,
	.params = params,
	.compute = compute,
};
