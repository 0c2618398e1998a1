/*
 * spectral_bands.c - the stream in bands of the unembedding's spectrum: from what the vocabulary hears most to what it hardly
 * hears.
 *
 *   V_b: the right singular vectors (spectrum.h) from b D/B to (b + 1) D/B, the loudest first
 *   energy   ‖V_b x‖² / ‖x‖²                                  a row sums to 1
 *   cosine   of V_b x with V_b y, y what leaves the last layer: 1 where the band is as it will be
 *
 * x is the stream that leaves the layer. Cancedda 2024, "Spectral filters, dark signals, and attention sinks": the last bands are
 * where models keep what no prediction may see, such as the first token's sink. With position=all a mean over positions without the
 * first token, which would be most of it.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <string.h>

#include "engine/analysis/spectrum.h"

enum { ARG_SHOW, ARG_BANDS, ARG_POSITION };
enum { SHOW_ENERGY, SHOW_COSINE };
enum { BANDS_MOST = 100 };
static const struct choice shown[] = {
	{ "energy", "the band's share of the stream's length, squared", SHOW_ENERGY },
	{ "cosine", "how alike the band is to what it is in the end", SHOW_COSINE },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	[ARG_BANDS] = { "bands", PARAM_INT, .lo = 1, .hi = BANDS_MOST, .start = 10, .help = "of equally many directions" },
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .words = "all", .start = -1, .at_metric = true,
			   .help = "one token's stream, or the mean over all" },
	{ 0 },
};

struct spectral {
	const struct ask *ask;
	struct spectrum spectrum;
	size_t D;
	int bands;
	double *x, *y;		    /* [D] along the vectors: of the layer, of the last */
	double *sum;		    /* [bands] */
	double worst, sum_at_worst; /* of the rows' sums, for the check */
};

/* ---- a stream along the vectors ---- */

static void turn(const struct spectral *s, const float *h, double *x)
{
	for (size_t i = 0; i < s->D; i++) {
		const double *v = s->spectrum.vector + i * s->D;

		x[i] = 0;
		for (size_t k = 0; k < s->D; k++)
			x[i] += v[k] * (double)h[k];
	}
}

static size_t begin_of(const struct spectral *s, int band)
{
	return (size_t)band * s->D / (size_t)s->bands;
}

static double dot(const double *a, const double *b, size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += a[i] * b[i];
	return sum;
}

static double length2(const float *h, size_t D)
{
	double sum = 0;

	for (size_t k = 0; k < D; k++)
		sum += (double)h[k] * (double)h[k];
	return sum;
}

/* Adds each band's number at a position to s->sum. */
static void add_position(struct spectral *s, int layer, int position)
{
	const struct run *run = s->ask->run;
	const float *h = run_at(run, SITE_RESID_POST, layer, position);
	const double all = length2(h, s->D);

	turn(s, h, s->x);
	if (s->ask->arg[ARG_SHOW] == SHOW_COSINE)
		turn(s, run_at(run, SITE_RESID_POST, run->model->config.L - 1, position), s->y);
	for (int b = 0; b < s->bands; b++) {
		const size_t from = begin_of(s, b), to = begin_of(s, b + 1);
		const double own = dot(s->x, s->x, from, to);

		s->sum[b] += s->ask->arg[ARG_SHOW] == SHOW_ENERGY
				     ? own / all
				     : dot(s->x, s->y, from, to) / sqrt(own * dot(s->y, s->y, from, to));
	}
}

static bool fill_row(struct spectral *s, struct table *t, int layer, struct err *err)
{
	const struct ask *ask = s->ask;
	const bool all = ask->text[ARG_POSITION] && !strcmp(ask->text[ARG_POSITION], "all");
	const int from = all ? (ask->run->T > 1 ? 1 : 0) : ask->arg[ARG_POSITION], to = all ? ask->run->T : from + 1;
	double sum = 0;

	memset(s->sum, 0, (size_t)s->bands * sizeof *s->sum);
	for (int i = from; i < to; i++) {
		if (!task_going(ask->task, err))
			return false;
		add_position(s, layer, i);
	}
	for (int b = 0; b < s->bands; b++) {
		t->value[table_cell(t, layer, b)] = (float)(s->sum[b] / (to - from));
		sum += s->sum[b] / (to - from);
	}
	if (fabs(sum - 1) >= s->worst) {
		s->worst = fabs(sum - 1);
		s->sum_at_worst = sum;
	}
	return true;
}

/* ---- the table ---- */

static void describe(const struct spectral *s, struct table *t)
{
	const struct ask *ask = s->ask;
	const bool energy = ask->arg[ARG_SHOW] == SHOW_ENERGY;
	const bool all = ask->text[ARG_POSITION] && !strcmp(ask->text[ARG_POSITION], "all");

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_of(&t->cols, DIM_QUANTITY);
	t->cols.name = "band";
	for (int b = 0; b < s->bands; b++)
		axis_label(t, &t->cols, b, arena_printf(t->arena, "%zu", begin_of(s, b)));
	t->place = place_at(SITE_RESID_POST, -1, -1, all ? -1 : ask->arg[ARG_POSITION]);
	table_set_title(t, "spectral bands", energy ? "energy" : "cosine with the last layer",
			all ? "mean over positions" : arena_printf(t->arena, "position %d", ask->arg[ARG_POSITION]));
	table_set_unit(t, energy ? "share" : "cosine");
	t->look = LOOK_HEAT;
	t->scale = energy ? SCALE_SEQUENTIAL : SCALE_DIVERGING;
	t->neutral = 0;
	t->explain_other = "a share of the stream is no number of the run; its length there is one: `norm resid_post L`";
	t->footnote = arena_printf(t->arena, "singular values: %.3g the first, %.3g the middle, %.3g the last",
				   s->spectrum.sigma[0], s->spectrum.sigma[s->D / 2], s->spectrum.sigma[s->D - 1]);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const size_t D = (size_t)ask->model->config.D;
	struct spectral s = { .ask = ask, .D = D, .bands = ask->arg[ARG_BANDS] < (int)D ? ask->arg[ARG_BANDS] : (int)D };
	struct table *t;
	bool ok = true;

	if (!spectrum_of_unembedding(ask->model, &s.spectrum, ask->scratch, ask->task, err) ||
	    !(t = table_new(ask->model->config.L, s.bands, err)))
		return NULL;
	s.x = arena_alloc(ask->scratch, D * sizeof *s.x);
	s.y = arena_alloc(ask->scratch, D * sizeof *s.y);
	s.sum = arena_alloc(ask->scratch, (size_t)s.bands * sizeof *s.sum);
	describe(&s, t);
	for (int l = 0; ok && l < t->rows.n; l++)
		ok = fill_row(&s, t, l, err);
	if (ask->arg[ARG_SHOW] == SHOW_ENERGY)
		t->check = (struct check){ "bands sum to the whole", 1, s.sum_at_worst, 1e-6 };
	return table_if(ok, t);
}

const struct analysis analysis_spectral_bands = {
	.name = "spectral-bands",
	.title = "Spectral bands",
	.topic = TOPIC_GEOMETRY,
	.paper = "Cancedda 2024",
	.blurb = "How much of the stream the vocabulary hears loudly, and how much it hardly hears.",
	.help = "The unembedding's singular vectors, the loudest first, in bands of equally many, each named by its first one. "
		"What a prediction needs is in the first ones; the last ones are the dark signals, by which layers talk to each "
		"other unheard, and where the first token's large stream lies that heads rest on. show=cosine says from which "
		"layer each band is as it will be in the end.",
	.picture = " layer   0     16  …    128      144\n"
		   "   3    ███    ▓▓         ░        ░     loud: the answer\n"
		   "   2    ▓▓▓    ▓▓         ░        ░     is ready\n"
		   "   1    ░░     ░          ▒        ▒\n"
		   "   0    ░      ░          ▒        ██    dark: kept for\n"
		   "                                         later layers\n",
	.shape = "layer × band",
	.unit = "share, cosine",
	.on = ON_RUN,
	.cost = COST_VOCABULARY,
	.needs = READS_STREAM,
	.params = params,
	.compute = compute,
};
