/*
 * geometry.c - the shape of the residual stream: how long it is, how it turns, what is mixed into it, and the few channels that
 * stick out.
 *
 *   x enters a layer (of=layer), attention (attn) or the MLP (mlp), which adds w
 *
 *   norm          ‖x + w‖
 *   cosine        ⟨x, x + w⟩ / ‖x‖‖x + w‖                1: it does not turn
 *   erasure       −⟨x, w⟩ / ‖x‖²                         1: what was there is taken away, below 0: more of the same
 *   update_ratio  ‖w‖ / ‖x‖
 *   mixing_ratio  m / (m + p): m = ‖Σ_{j≠i} T_ij‖, p = ‖T_ii + x_i‖, T_ij what attention brings from j to i (sources.h)
 *                                                        Kobayashi et al. 2021, their variant with the stream, without the norm
 *   anisotropy    mean over the other positions j of cos(y_i, y_j), y after the layer: the mean of a row is the layer's
 *                                                        Ethayarajh 2019
 *   outlier       max_k |y_k| / median |y|, the median over all positions and channels of the layer       Sun et al. 2024
 *   channels      the channels by that ratio; `layers`: in how many the channel's mean over positions is further than three
 *                 deviations from that of the others                                                     Kovaleva et al. 2021
 *
 * The first token, BOS or not, is an outlier in most models, where heads rest: it is left out of means over positions.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/sources.h"
#include "engine/numbers/kernels.h"
#include "engine/run/mixer.h"
#include "engine/run/norms.h"

enum { ARG_SHOW, ARG_OF };
enum { NORM, COSINE, MIXING_RATIO, ANISOTROPY, OUTLIER, ERASURE, UPDATE_RATIO, CHANNELS };
enum { OF_LAYER, OF_ATTN, OF_MLP };
enum { CHANNEL_ROWS = 32 };
static const struct choice shown[] = {
	{ "norm", "how long the stream is", NORM },
	{ "cosine", "how little it turns there", COSINE },
	{ "mixing_ratio", "how much of it attention brought from other positions", MIXING_RATIO },
	{ "anisotropy", "how alike the positions are", ANISOTROPY },
	{ "outlier", "its largest number beside the layer's median", OUTLIER },
	{ "erasure", "how much of it is taken away", ERASURE },
	{ "update_ratio", "the length of what is written, beside what is there", UPDATE_RATIO },
	{ "channels", "the channels whose numbers are the largest", CHANNELS },
	{ 0 },
};
static const struct choice blocks[] = {
	{ "layer", "all that a layer writes", OF_LAYER },
	{ "attn", "what attention writes", OF_ATTN },
	{ "mlp", "what the MLP writes", OF_MLP },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	[ARG_OF] = { "of", PARAM_CHOICE, .choices = blocks, .help = "of norm, cosine, erasure and update_ratio: whose write" },
	{ 0 },
};

struct geometry {
	const struct ask *ask;
	struct table *t;
	size_t D;
	int first;    /* position that counts in means */
	float *y, *w; /* [D] what is there afterwards, and what was written */
	float *sum;   /* [D] of the directions of a layer's positions */
	float *sizes; /* [T · D] */
	float *mean;  /* [D] over positions */
	struct sources sources;
};

/* ---- what a block does to the stream ---- */

static const float *before(const struct geometry *g, int layer, int position)
{
	const bool mid = g->ask->arg[ARG_OF] == OF_MLP && !g->ask->model->config.parallel;

	return run_at(g->ask->run, mid ? SITE_RESID_MID : SITE_RESID_PRE, layer, position);
}

/* What there is after it; of a layer the stream as it is, which a norm on it or an edit may have changed. */
static const float *read_change(struct geometry *g, int layer, int position)
{
	const struct run *run = g->ask->run;
	const int of = g->ask->arg[ARG_OF];
	const float *x = before(g, layer, position);

	if (of == OF_LAYER) {
		memcpy(g->y, run_at(run, SITE_RESID_POST, layer, position), g->D * sizeof *g->y);
		for (size_t k = 0; k < g->D; k++)
			g->w[k] = g->y[k] - x[k];
		return x;
	}
	memcpy(g->w, run_at(run, of == OF_ATTN ? SITE_ATTN_OUT : SITE_MLP_OUT, layer, position), g->D * sizeof *g->w);
	kernel_add(x, g->w, g->y, g->D);
	return x;
}

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static double cosine(const float *a, const float *b, size_t n)
{
	return dot(a, b, n) / sqrt(dot(a, a, n) * dot(b, b, n));
}

static double norm_at(struct geometry *g, int layer, int position)
{
	read_change(g, layer, position);
	return sqrt(dot(g->y, g->y, g->D));
}

static double cosine_at(struct geometry *g, int layer, int position)
{
	return cosine(read_change(g, layer, position), g->y, g->D);
}

static double erasure_at(struct geometry *g, int layer, int position)
{
	const float *x = read_change(g, layer, position);

	return -dot(x, g->w, g->D) / dot(x, x, g->D);
}

static double update_ratio_at(struct geometry *g, int layer, int position)
{
	const float *x = read_change(g, layer, position);

	return sqrt(dot(g->w, g->w, g->D) / dot(x, x, g->D));
}

static double mixing_ratio_at(struct geometry *g, int layer, int position)
{
	const float *x = run_at(g->ask->run, SITE_RESID_PRE, layer, position);
	double mixed;

	memset(g->y, 0, g->D * sizeof *g->y);
	for (int j = 0; j < position; j++) {
		sources_part(&g->sources, position, j, false, g->w);
		kernel_add(g->y, g->w, g->y, g->D);
	}
	mixed = sqrt(dot(g->y, g->y, g->D));
	sources_part(&g->sources, position, position, false, g->w);
	kernel_add(g->w, x, g->w, g->D);
	return mixed / (mixed + sqrt(dot(g->w, g->w, g->D)));
}

/* ---- what the positions of a layer have in common ---- */

static const float *after(const struct geometry *g, int layer, int position)
{
	return run_at(g->ask->run, SITE_RESID_POST, layer, position);
}

static void sum_directions(struct geometry *g, int layer)
{
	memset(g->sum, 0, g->D * sizeof *g->sum);
	for (int i = g->first; i < g->ask->run->T; i++)
		kernel_axpy(1 / kernel_norm2(after(g, layer, i), g->D), after(g, layer, i), g->sum, g->D);
}

static double anisotropy_at(struct geometry *g, int layer, int position)
{
	const float *y = after(g, layer, position);
	const bool own = position >= g->first;
	const int others = g->ask->run->T - g->first - own;

	return others ? (dot(y, g->sum, g->D) / sqrt(dot(y, y, g->D)) - own) / others : (double)NAN;
}

static int compare_sizes(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Of an even number the mean of the two in the middle. */
static double median_of(const struct geometry *g, int layer)
{
	const size_t n = (size_t)g->ask->run->T * g->D;

	for (int i = 0; i < g->ask->run->T; i++)
		for (size_t k = 0; k < g->D; k++)
			g->sizes[(size_t)i * g->D + k] = fabsf(after(g, layer, i)[k]);
	qsort(g->sizes, n, sizeof *g->sizes, compare_sizes);
	return ((double)g->sizes[(n - 1) / 2] + (double)g->sizes[n / 2]) / 2;
}

static double largest(const float *x, size_t n)
{
	float most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmaxf(most, fabsf(x[i]));
	return (double)most;
}

/* ---- maps ---- */

static const struct {
	double (*at)(struct geometry *g, int layer, int position);
	const char *title, *unit;
	enum scale scale;
	float neutral;
	const char *meaning;
	bool of; /* the argument counts */
} shows[] = {
	[NORM] = { norm_at, "norm", "L2 norm", SCALE_SEQUENTIAL, 0, NULL, true },
	[COSINE] = { cosine_at, "cosine", "cosine", SCALE_SEQUENTIAL, 1, "1 = it does not turn", true },
	[MIXING_RATIO] = { mixing_ratio_at, "mixing ratio", "share", SCALE_PROBABILITY, 0, NULL, false },
	[ANISOTROPY] = { anisotropy_at, "likeness of positions", "cosine", SCALE_DIVERGING, 0, NULL, false },
	[OUTLIER] = { NULL, "largest number", "× the median", SCALE_SEQUENTIAL, 0, NULL, false },
	[ERASURE] = { erasure_at, "erasure", "share", SCALE_DIVERGING, 0, "1 = what was there is taken away", true },
	[UPDATE_RATIO] = { update_ratio_at, "update ratio", "‖w‖ / ‖x‖", SCALE_SEQUENTIAL, 0, NULL, true },
};

static void fill_layer(struct geometry *g, int layer)
{
	const int show = g->ask->arg[ARG_SHOW];
	const double median = show == OUTLIER ? median_of(g, layer) : 0;

	if (show == MIXING_RATIO)
		sources_read(&g->sources, layer);
	if (show == ANISOTROPY)
		sum_directions(g, layer);
	for (int i = 0; i < g->ask->run->T; i++)
		g->t->value[table_cell(g->t, layer, i)] =
			(float)(show == OUTLIER ? largest(after(g, layer, i), g->D) / median : shows[show].at(g, layer, i));
}

static bool edited(const struct run *run, int layer, int position)
{
	for (int e = 0; e < run->edits; e++)
		if ((edit_hits(&run->edit[e], SITE_RESID_MID, layer) || edit_hits(&run->edit[e], SITE_RESID_POST, layer)) &&
		    edit_covers(&run->edit[e], position))
			return true;
	return false;
}

/* The stream after the layer, by what attention and the MLP say that they wrote; the worst of the layer is kept. */
static void check_layer(struct geometry *g, int layer)
{
	const struct run *run = g->ask->run;
	struct check *check = &g->t->check;

	for (int i = 0; i < run->T; i++) {
		const float *x = run_at(run, SITE_RESID_PRE, layer, i), *y = after(g, layer, i);
		double whole = dot(y, y, g->D), sum;

		if (edited(run, layer, i))
			continue;
		kernel_add(run_at(run, SITE_ATTN_OUT, layer, i), run_at(run, SITE_MLP_OUT, layer, i), g->w, g->D);
		sum = dot(x, x, g->D) + dot(g->w, g->w, g->D) + 2 * dot(x, g->w, g->D);
		if (!check->name ||
		    fabs(sum - whole) / fmax(1, whole) > fabs(check->actual - check->expected) / fmax(1, check->expected))
			*check = (struct check){ "‖x + w‖² = ‖x‖² + ‖w‖² + 2⟨x, w⟩", whole, sum, 1e-4,
						 arena_printf(g->t->arena, "layer %d @%d", layer, i) };
	}
}

static void describe(struct geometry *g)
{
	const int show = g->ask->arg[ARG_SHOW], of = g->ask->arg[ARG_OF];
	struct table *t = g->t;

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_tokens(t, &t->cols, g->ask->run, DIM_POSITION, "position");
	table_set_title(t, "geometry", shows[show].of && of != OF_LAYER ? (of == OF_ATTN ? "attn_out" : "mlp_out") : "resid_post",
			shows[show].title);
	table_set_unit(t, shows[show].unit);
	t->look = LOOK_HEAT;
	t->scale = shows[show].scale;
	t->neutral = shows[show].neutral;
	t->meaning = shows[show].meaning;
	t->skip_first = true;
	t->place.site = !shows[show].of || of == OF_LAYER ? SITE_RESID_POST : of == OF_ATTN ? SITE_ATTN_OUT : SITE_MLP_OUT;
	t->explain = METRIC_NORM;
	if (show == ANISOTROPY && g->ask->run->T - g->first < 2)
		t->footnote = "one token alone is like no other";
	if (show != NORM || of != OF_LAYER)
		t->explain_other = "the length of the stream there is a number of the run; this cell is another";
}

static bool fill_map(struct geometry *g, struct err *err)
{
	const struct ask *ask = g->ask;
	const bool sum = norms_off_stream(&ask->model->config, &(struct err){ 0 });

	for (int l = 0; l < ask->model->config.L; l++) {
		if (!task_step(ask->task, l, ask->model->config.L, err))
			return false;
		fill_layer(g, l);
		if (sum)
			check_layer(g, l);
		if (l + 1 < ask->model->config.L && ask_watched(ask))
			ask_show(ask, g->t);
	}
	return true;
}

/* ---- channels ---- */

struct channel {
	int channel, layer, position, layers;
	double ratio;
};

static int by_ratio(const void *a, const void *b)
{
	const struct channel *x = a, *y = b;

	return x->ratio != y->ratio ? (x->ratio > y->ratio ? -1 : 1) : x->channel - y->channel;
}

static void see_largest(const struct geometry *g, int layer, struct channel *of)
{
	const double median = median_of(g, layer);

	for (int i = 0; i < g->ask->run->T; i++)
		for (size_t k = 0; k < g->D; k++) {
			const double ratio = fabs((double)after(g, layer, i)[k]) / median;

			if (ratio > of[k].ratio)
				of[k] = (struct channel){ (int)k, layer, i, of[k].layers, ratio };
		}
}

/* Channels whose mean over positions is far from the others'. */
static void count_layer(const struct geometry *g, int layer, struct channel *of)
{
	const int n = g->ask->run->T - g->first;
	double mean = 0, square = 0;

	memset(g->mean, 0, g->D * sizeof *g->mean);
	for (int i = g->first; i < g->ask->run->T; i++)
		kernel_axpy(1 / (float)n, after(g, layer, i), g->mean, g->D);
	for (size_t k = 0; k < g->D; k++)
		mean += (double)g->mean[k] / (double)g->D;
	for (size_t k = 0; k < g->D; k++)
		square += ((double)g->mean[k] - mean) * ((double)g->mean[k] - mean) / (double)g->D;
	for (size_t k = 0; k < g->D; k++)
		of[k].layers += fabs((double)g->mean[k] - mean) > 3 * sqrt(square);
}

static void describe_channels(struct table *t)
{
	static const char *const names[] = { "ratio", "channel", "layers", "layer", "position" };

	axis_of(&t->rows, DIM_RANK);
	axis_of(&t->cols, DIM_QUANTITY);
	for (int k = 0; k < t->cols.n; k++)
		axis_label(t, &t->cols, k, names[k]);
	table_set_title(t, "geometry", "channels", "of the stream after each layer");
	table_set_units(t, (const char *const[]){ "× the median", "channel", "layers", "layer", "position" });
	t->look = LOOK_HEAT;
	t->scale = SCALE_SEQUENTIAL;
	t->range_cols = 1;
	t->explain_other = "a channel is no number of the run by itself: ask along a direction";
	t->footnote = "layers: where the channel's mean lies further than three deviations from the others'";
}

static bool fill_channels(struct geometry *g, struct err *err)
{
	const int L = g->ask->model->config.L;
	struct channel *of = arena_array(g->ask->scratch, g->D, sizeof *of, err);
	struct table *t = g->t;

	for (size_t k = 0; of && k < g->D; k++)
		of[k] = (struct channel){ .channel = (int)k };
	for (int l = 0; of && l < L; l++) {
		if (!task_step(g->ask->task, l, L, err))
			return false;
		see_largest(g, l, of);
		count_layer(g, l, of);
	}
	if (!of)
		return false;
	qsort(of, g->D, sizeof *of, by_ratio);
	for (int i = 0; i < t->rows.n; i++) {
		const double cell[] = { of[i].ratio, of[i].channel, of[i].layers, of[i].layer, of[i].position };

		axis_label(t, &t->rows, i, arena_printf(t->arena, "%d", i + 1));
		axis_place(t, &t->rows, i, place_at(SITE_RESID_POST, of[i].layer, -1, of[i].position));
		for (int k = 0; k < t->cols.n; k++)
			t->value[table_cell(t, i, k)] = (float)cell[k];
	}
	return true;
}

/* ---- either ---- */

static bool begin(struct geometry *g, const struct ask *ask, struct err *err)
{
	const int show = ask->arg[ARG_SHOW], T = ask->run->T;

	*g = (struct geometry){ .ask = ask, .D = (size_t)ask->model->config.D, .first = T > 1 };
	if (show == MIXING_RATIO && !mixer_all_attend(&ask->model->config, err))
		return err_in(err, "geometry show=mixing_ratio");
	if (show == MIXING_RATIO && (!run_has(ask->run, SITE_V) ? !analysis_refuse_stream(analysis_find("geometry"), ask->run, err)
								: !sources_open(&g->sources, ask->run, T, ask->scratch, err)))
		return false;
	g->y = arena_floats(ask->scratch, g->D, err);
	g->w = arena_floats(ask->scratch, g->D, err);
	g->sum = arena_floats(ask->scratch, g->D, err);
	g->mean = arena_floats(ask->scratch, g->D, err);
	g->sizes = arena_floats(ask->scratch, show == OUTLIER || show == CHANNELS ? (size_t)T * g->D : 1, err);
	if (!g->y || !g->w || !g->sum || !g->mean || !g->sizes)
		return false;
	g->t = show == CHANNELS ? table_new(g->D < CHANNEL_ROWS ? (int)g->D : CHANNEL_ROWS, 5, err)
				: table_new(ask->model->config.L, T, err);
	return g->t != NULL;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct geometry g;

	if (!begin(&g, ask, err))
		return NULL;
	if (ask->arg[ARG_SHOW] == CHANNELS) {
		describe_channels(g.t);
		return table_if(fill_channels(&g, err), g.t);
	}
	describe(&g);
	return table_if(fill_map(&g, err), g.t);
}

const struct analysis analysis_geometry = {
	.name = "geometry",
	.title = "Geometry of the stream",
	.topic = TOPIC_GEOMETRY,
	.paper = "Kobayashi et al. 2021, Ethayarajh 2019, Sun et al. 2024, Kovaleva et al. 2021",
	.blurb = "How the residual stream grows, turns, mixes and erases, and which channels stick out.",
	.help = "cosine near 1: the layer hardly turns the stream, and could nearly be left out. erasure above 0: something that "
		"was there is taken away, as when a token's own embedding is cleared. mixing_ratio: how much of a position came "
		"from others in that layer. anisotropy: positions that all look alike, mostly because of a few channels. outlier "
		"in the hundreds: a massive activation, in most models at the first token and in one or two channels "
		"(show=channels). The first token, where heads rest, is left out of means over positions, and of the colour range.",
	.picture = " show=outlier     ‹bos›  ·When  ·Tom  ·and\n"
		   "   3              ███      ·     ·     ·\n"
		   "   2              ███      ·     ·     ·   from layer 1\n"
		   "   1              ███      ·     ·     ·   on, but at the\n"
		   "   0               ·       ·     ·     ·   first token alone\n"
		   " show=channels: the same one or two channels in all layers\n",
	.shape = "layer × position, rank × quantity",
	.unit = "L2 norm, cosine, share, ratio",
	.on = ON_RUN,
	.cost = COST_VOCABULARY,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
