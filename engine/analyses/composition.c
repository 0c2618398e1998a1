/*
 * composition.c - how much of what one head writes a later head reads, by their weights alone: [senders, receivers].
 *
 *   ‖W_V W_O X‖ / (‖W_V W_O‖ ‖X‖), Frobenius, of the sender's W_V W_O and the receiver's X = B C         Elhage et al. 2021
 *   kind=k   X = W_K W_Qᵀ    through its keys
 *   kind=q   X = W_Q W_Kᵀ    through its queries
 *   kind=v   X = W_V W_O     through its values
 *
 * No [D, D] is made. With Grams W_Vᵀ W_V = RᵀR and C Cᵀ = SᵀS, both [K, K], it is ‖(R W_O)(B Sᵀ)‖ / (‖R W_O‖ ‖B Sᵀ‖), and all pairs
 * of two layers are the blocks of one product [H K, D] [D, H K]. R and S come from eigenvectors, since a Gram may be singular.
 *
 * Of matrices that are turned at random the squared score is 1/D on the average, whatever their ranks and spectra: against=random
 * takes 1/√D off. Rotary positions lie between W_Q and W_K: the score is that at offset 0.
 *
 * The check multiplies the strongest pair out, row by row, in double precision.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/head_spectrum.h"
#include "engine/numbers/dense.h"
#include "engine/numbers/pool.h"
#include "engine/run/mixer.h"

enum { ARG_KIND, ARG_RECEIVER, ARG_LAYER, ARG_AGAINST, ARG_FOLD };
enum { KIND_K, KIND_Q, KIND_V };
static const struct choice kinds[] = {
	{ "k", "through the receiver's keys", KIND_K },
	{ "q", "through its queries", KIND_Q },
	{ "v", "through its values", KIND_V },
	{ 0 },
};
static const struct choice receivers[] = { { "all", "heads of every layer", 0 }, { "layer", "of one layer", 1 }, { 0 } };
static const struct choice bases[] = {
	{ "none", "the score as it is", 0 },
	{ "random", "less that of random matrices", 1 },
	{ 0 },
};
static const struct choice folds[] = {
	{ "no", "weights as they are", 0 },
	{ "yes", "with the norms beside them taken into them", 1 },
	{ 0 },
};
static const struct param params[] = {
	[ARG_KIND] = { "kind", PARAM_CHOICE, .choices = kinds, .help = "through what the receiver reads" },
	[ARG_RECEIVER] = { "receiver", PARAM_CHOICE, .choices = receivers, .help = "which heads read" },
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .start = -1, .help = "their layer, with receiver=layer" },
	[ARG_AGAINST] = { "against", PARAM_CHOICE, .choices = bases, .help = "what is taken off" },
	[ARG_FOLD] = { "fold", PARAM_CHOICE, .choices = folds, .help = "whether norms count" },
	{ 0 },
};

/* The receiver's B and C by kind. */
static const enum head_weights reads[] = { HEAD_K, HEAD_Q, HEAD_V }, rests[] = { HEAD_Q, HEAD_K, HEAD_O };

struct links {
	const struct ask *ask;
	size_t D, H, G, K;
	double *root;	      /* [L, G, K, K] R of each head's values */
	float *rows;	      /* [H K, D] W_O of the sender's layer */
	float *sent;	      /* [H][K, D] R W_O */
	float *product;	      /* [H][K, H K] */
	struct dense reading; /* [D, H K] B Sᵀ of the receiver's layer */
	double *length;	      /* [H] ‖B Sᵀ‖² */
	double *score;	      /* [H, H] of two layers */
	int sender;	      /* its layer */
};

/* ---- weights ---- */

static void read_head(const struct links *w, int l, enum head_weights which, size_t head, float *rows)
{
	weight_rows_of_head(w->ask->model, l, which, (int)head, w->ask->arg[ARG_FOLD], rows);
}

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

/* out[K, D] = root[K, K] rows[K, D]. */
static void apply_root(const struct links *w, const double *root, const float *rows, float *out)
{
	memset(out, 0, w->K * w->D * sizeof *out);
	for (size_t i = 0; i < w->K; i++)
		for (size_t k = 0; k < w->K; k++)
			for (size_t d = 0; d < w->D; d++)
				out[i * w->D + d] += (float)root[i * w->K + k] * rows[k * w->D + d];
}

/* ---- all pairs of two layers ---- */

static bool read_roots(struct links *w, int l, struct err *err)
{
	for (size_t g = 0; g < w->G; g++) {
		read_head(w, l, HEAD_V, g * (w->H / w->G), w->rows);
		if (!head_root(w->rows, (int)w->K, (int)w->D, w->root + ((size_t)l * w->G + g) * w->K * w->K, w->ask->scratch, err))
			return false;
	}
	return true;
}

static bool read_receiver(struct links *w, int l, struct err *err)
{
	const int kind = w->ask->arg[ARG_KIND];
	double *root = arena_alloc(w->ask->scratch, w->K * w->K * sizeof *root);

	for (size_t h = 0; h < w->H; h++) {
		read_head(w, l, rests[kind], h, w->rows);
		if (!head_root(w->rows, (int)w->K, (int)w->D, root, w->ask->scratch, err))
			return false;
		read_head(w, l, reads[kind], h, w->rows);
		apply_root(w, root, w->rows, w->sent);
		w->length[h] = dot(w->sent, w->sent, w->K * w->D);
		dense_set_columns(&w->reading, (int)(h * w->K), (int)w->K, w->sent, w->D);
	}
	return true;
}

/* One sender with all receivers of a layer. */
static void send(void *context, int head)
{
	struct links *w = context;
	const size_t h = (size_t)head, wide = w->H * w->K;
	float *sent = w->sent + h * w->K * w->D, *product = w->product + h * w->K * wide;
	double length;

	apply_root(w, w->root + ((size_t)w->sender * w->G + h * w->G / w->H) * w->K * w->K, w->rows + h * w->K * w->D, sent);
	length = dot(sent, sent, w->K * w->D);
	dense_apply(&w->reading, 0, (int)w->D, (int)wide, sent, w->D, (int)w->K, product, wide, false);
	for (size_t r = 0; r < w->H; r++) {
		double sum = 0;

		for (size_t k = 0; k < w->K; k++)
			sum += dot(product + k * wide + r * w->K, product + k * wide + r * w->K, w->K);
		w->score[h * w->H + r] = sqrt(sum / (length * w->length[r]));
	}
}

static int first_receiver(const struct ask *ask)
{
	return ask->arg[ARG_RECEIVER] ? ask->arg[ARG_LAYER] : 0;
}

static void fill_layer(struct links *w, struct table *t, int sender, int receiver)
{
	const double off = w->ask->arg[ARG_AGAINST] ? 1 / sqrt((double)w->D) : 0;

	w->sender = sender;
	for (size_t h = 0; h < w->H; h++)
		read_head(w, sender, HEAD_O, h, w->rows + h * w->K * w->D);
	pool_run((int)w->H, send, w);
	for (size_t s = 0; s < w->H; s++)
		for (size_t r = 0; r < w->H; r++)
			t->value[table_cell(t, sender * (int)w->H + (int)s,
					    (receiver - first_receiver(w->ask)) * (int)w->H + (int)r)] =
				(float)(w->score[s * w->H + r] - off);
}

/* Layers that mix positions otherwise have no queries, keys and values: their cells stay empty. */
static bool attends(const struct links *w, int l)
{
	return config_mixer(&w->ask->model->config, l) == MIXER_ATTENTION;
}

static bool fill(struct links *w, struct table *t, struct err *err)
{
	const int first = first_receiver(w->ask), n = t->cols.n / (int)w->H;

	for (int l = 0; l < first + n; l++)
		if (attends(w, l) && !read_roots(w, l, err))
			return false;
	for (int l = first; l < first + n; l++) {
		if (attends(w, l) && !read_receiver(w, l, err))
			return false;
		for (int s = 0; s < l && attends(w, l); s++) {
			if (!task_going(w->ask->task, err))
				return false;
			if (attends(w, s))
				fill_layer(w, t, s, l);
		}
	}
	return true;
}

/* ---- the check: one pair in full ---- */

struct factors {
	float *a, *b, *c, *d; /* [K, D] W_Vᵀ, W_O, Bᵀ, C */
};

/* ‖aᵀ M c‖² with M [K, K], one row of [D, D] after the other. */
static double full_norm(const struct links *w, const float *a, const double *middle, const float *c)
{
	double *x = arena_alloc(w->ask->scratch, w->K * sizeof *x), total = 0;

	for (size_t i = 0; i < w->D; i++) {
		for (size_t j = 0; j < w->K; j++) {
			x[j] = 0;
			for (size_t k = 0; k < w->K; k++)
				x[j] += (double)a[k * w->D + i] * middle[k * w->K + j];
		}
		for (size_t e = 0; e < w->D; e++) {
			double y = 0;

			for (size_t j = 0; j < w->K; j++)
				y += x[j] * (double)c[j * w->D + e];
			total += y * y;
		}
	}
	return total;
}

static double full_score(const struct links *w, const struct factors *p)
{
	double *middle = arena_alloc(w->ask->scratch, w->K * w->K * sizeof *middle);
	double *one = arena_alloc(w->ask->scratch, w->K * w->K * sizeof *one);

	for (size_t i = 0; i < w->K; i++) {
		one[i * (w->K + 1)] = 1;
		for (size_t j = 0; j < w->K; j++)
			middle[i * w->K + j] = dot(p->b + i * w->D, p->c + j * w->D, w->D);
	}
	return sqrt(full_norm(w, p->a, middle, p->d) / (full_norm(w, p->a, one, p->b) * full_norm(w, p->c, one, p->d)));
}

static size_t strongest(const struct table *t)
{
	size_t best = 0, n = (size_t)t->rows.n * (size_t)t->cols.n;

	for (size_t i = 0; i < n; i++)
		if (!isnan(t->value[i]) && (isnan(t->value[best]) || t->value[i] > t->value[best]))
			best = i;
	return best;
}

static bool check_strongest(const struct links *w, struct table *t, struct err *err)
{
	const size_t cell = strongest(t), size = w->K * w->D, H = w->H;
	const size_t s = cell / (size_t)t->cols.n, r = cell % (size_t)t->cols.n + (size_t)first_receiver(w->ask) * H;
	const int kind = w->ask->arg[ARG_KIND];
	float *room = arena_floats(w->ask->scratch, 4 * size, err);
	const struct factors p = { room, room + size, room + 2 * size, room + 3 * size };

	if (!room || isnan(t->value[cell]))
		return !!room;
	read_head(w, (int)(s / H), HEAD_V, s % H, p.a);
	read_head(w, (int)(s / H), HEAD_O, s % H, p.b);
	read_head(w, (int)(r / H), reads[kind], r % H, p.c);
	read_head(w, (int)(r / H), rests[kind], r % H, p.d);
	t->check = (struct check){ "the strongest pair multiplied out is its score",
				   full_score(w, &p) - (w->ask->arg[ARG_AGAINST] ? 1 / sqrt((double)w->D) : 0),
				   (double)t->value[cell], 1e-5,
				   arena_printf(t->arena, "%s → %s", t->rows.label[s], t->cols.label[cell % (size_t)t->cols.n]) };
	return true;
}

/* ---- the table ---- */

static void name_heads(struct table *t, struct axis *axis, enum dim dim, int first, int H)
{
	axis_of(axis, dim);
	for (int i = 0; i < axis->n; i++) {
		axis_label(t, axis, i, arena_printf(t->arena, "%d.%d", first + i / H, i % H));
		axis_place(t, axis, i, place_at(SITE_RESULT, first + i / H, i % H, -1));
	}
}

static void describe(struct table *t, const struct ask *ask)
{
	static const char *const through[] = { "keys", "queries", "values" };

	name_heads(t, &t->rows, DIM_COMPONENT, 0, ask->model->config.H);
	name_heads(t, &t->cols, DIM_QUANTITY, first_receiver(ask), ask->model->config.H);
	table_set_title(t, "composition", arena_printf(t->arena, "of heads through %s", through[ask->arg[ARG_KIND]]),
			arena_printf(t->arena, "%s%s", ask->arg[ARG_AGAINST] ? "less that of random matrices" : "raw",
				     ask->arg[ARG_FOLD] ? ", norms folded" : ""));
	table_set_unit(t, "score");
	t->look = LOOK_HEAT;
	t->scale = ask->arg[ARG_AGAINST] ? SCALE_DIVERGING : SCALE_SEQUENTIAL;
	t->neutral = 0;
	t->footnote = mixer_all_attend(&ask->model->config, &(struct err){ 0 })
			      ? "no value: only heads of later layers read what a head writes"
			      : "no value: only heads of later layers read what a head writes, and some layers do not attend";
	t->explain_other = "what weights say is no number of the run; the sender's path into the receiver is one: path-attribution";
}

static bool prepare(struct links *w, struct err *err)
{
	const struct config *c = &w->ask->model->config;
	struct arena *a = w->ask->scratch;
	const size_t wide = w->H * w->K;

	w->root = arena_alloc(a, (size_t)c->L * w->G * w->K * w->K * sizeof *w->root);
	w->length = arena_alloc(a, w->H * sizeof *w->length);
	w->score = arena_alloc(a, w->H * w->H * sizeof *w->score);
	w->rows = arena_floats(a, wide * w->D, err);
	w->sent = arena_floats(a, wide * w->D, err);
	w->product = arena_floats(a, wide * wide, err);
	return w->rows && w->sent && w->product;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	const bool one = ask->arg[ARG_RECEIVER] != 0;
	struct links w = { ask, (size_t)c->D, (size_t)c->H, (size_t)c->G, (size_t)c->K, .sender = 0 };
	struct table *t;
	bool ok;

	if (one && !mixer_attends(c, ask->arg[ARG_LAYER], err))
		return NULL;
	if (!(t = prepare(&w, err) ? table_new(c->L * c->H, (one ? 1 : c->L) * c->H, err) : NULL))
		return NULL;
	for (size_t i = 0; i < (size_t)t->rows.n * (size_t)t->cols.n; i++)
		t->value[i] = NAN;
	describe(t, ask);
	dense_init(&w.reading, c->D, c->H * c->K);
	ok = fill(&w, t, err) && check_strongest(&w, t, err);
	dense_done(&w.reading);
	return table_if(ok, t);
}

const struct analysis analysis_composition = {
	.name = "composition",
	.title = "Composition of heads",
	.topic = TOPIC_ATTENTION,
	.paper = "Elhage et al. 2021",
	.blurb = "How much of what one head writes a later head reads, by their weights alone.",
	.help = "1: all that the sender writes lies where the receiver reads most; 1/√D is what matrices turned at random have. "
		"With rotary positions keys and queries are compared at offset 0, and norms on queries and keys are left out. "
		"fold=yes takes the norms before and after attention into the weights, whose few large gains decide otherwise. A "
		"score says what could be passed on: path-attribution says what was.",
	.picture = " sender  2.0   2.1   3.0   3.1\n"
		   "   0.0   ░░░   ░░░   ░░░   ░░░\n"
		   "   0.3   ░░░   ███   ░░░   ░░░    one dark cell: 0.3\n"
		   "   1.2   ░░░   ░░░   ░░░   ▒▒▒    writes what 2.1 reads\n",
	.shape = "component × quantity",
	.unit = "score",
	.cost = COST_VOCABULARY,
	.params = params,
	.compute = compute,
};
