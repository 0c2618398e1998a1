/*
 * attention.c - where one head looks: its attention weights, query by key.
 *
 *   pattern[T, T] = softmax(q k / sqrt(K))        show=value: pattern[i, j] · ‖v_j W_O‖
 *   what softmax is given, scaled and capped      show=score
 *   with a norm after attention                   show=value: pattern[i, j] · ‖(v_j W_O) ⊙ gain‖ / RMS of attention's summed write
 *                                                 at i
 *                                                 show=norm: the same, each row as shares of its sum
 *
 * A row is a query and sums to 1. A weight is not an effect: much of it rests on the first token, whose value is nearly nothing.
 * Weighted by the length of what the value writes (Kobayashi et al. 2020), the same map says where something is read from.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <string.h>

#include "engine/analysis/attention_check.h"
#include "engine/analysis/mixing.h"
#include "engine/numbers/kernels.h"

enum { ARG_LAYER, ARG_HEAD, ARG_SHOW };
enum { SHOW_WEIGHT, SHOW_SCORE, SHOW_VALUE, SHOW_NORM };
static const struct choice shown[] = {
	{ "weight", "the attention weight", SHOW_WEIGHT },
	{ "score", "what softmax makes the weight of", SHOW_SCORE },
	{ "value", "the weight times the length of what the value writes", SHOW_VALUE },
	{ "norm", "that length as a share of its row", SHOW_NORM },
	{ 0 },
};
static const struct param params[] = {
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .help = "whose head" },
	[ARG_HEAD] = { "head", PARAM_DIM, DIM_HEAD, .help = "which head of the layer" },
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	{ 0 },
};

/*
 * What this head writes of each key, and how long that is; a norm after attention has its gain, but not yet its scale, the
 * query's.
 */
struct written {
	const struct ask *ask;
	int layer, head;
	float *write;  /* [T, D] */
	float *length; /* [T] */
};

static bool read_values(struct written *w, const struct ask *ask, struct err *err)
{
	size_t D = (size_t)ask->model->config.D, T = (size_t)ask->run->T;

	*w = (struct written){ .ask = ask, .layer = ask->arg[ARG_LAYER], .head = ask->arg[ARG_HEAD] };
	if (!(w->length = arena_floats(ask->scratch, T, err)) || !(w->write = arena_floats(ask->scratch, T * D, err)))
		return false;
	source_writes(ask->run, w->layer, w->head, (int)T, w->write, D);
	for (size_t j = 0; j < T; j++)
		w->length[j] = kernel_norm2(w->write + j * D, D);
	return true;
}

/* Whether edits make of the head's write something else than its keys say. */
static bool head_edited(const struct run *r, int layer, int head)
{
	for (int e = 0; e < r->edits; e++)
		if ((edit_hits(&r->edit[e], SITE_RESULT, layer) || edit_hits(&r->edit[e], SITE_Z, layer)) &&
		    edit_has_unit(&r->edit[e], head))
			return true;
	return false;
}

/* The worst of ‖Σ_j A_ij f(x_j) - the head's write‖ / ‖the head's write‖. */
static double parts_off(const struct written *w)
{
	const struct run *r = w->ask->run;
	const float *post = r->layer[w->layer]->post_scale;
	size_t D = (size_t)r->model->config.D;
	float *sum = arena_alloc(w->ask->scratch, 2 * D * sizeof *sum), *whole = sum + D;
	double worst = 0;

	for (int i = 0; i < r->T; i++) {
		const float *weight = run_pattern(r, w->layer, w->head, i);
		double off;

		run_result(r, w->layer, w->head, i, whole);
		memcpy(sum, whole, D * sizeof *sum);
		for (int j = 0; j <= i; j++)
			kernel_axpy(-weight[j] * (post ? post[i] : 1), w->write + (size_t)j * D, sum, D);
		off = (double)kernel_norm2(sum, D) / (double)fmaxf(kernel_norm2(whole, D), 1e-30f);
		if (!(off <= worst))
			worst = off;
	}
	return worst;
}

static void describe(struct table *t, const struct ask *ask)
{
	static const struct {
		const char *title, *unit;
		enum scale scale;
		enum metric_kind explain;
	} shows[] = {
		[SHOW_WEIGHT] = { NULL, "weight", SCALE_PROBABILITY, METRIC_PATTERN },
		[SHOW_SCORE] = { "score", "score", SCALE_DIVERGING, METRIC_SCORES },
		[SHOW_VALUE] = { "weight × value norm", "weight × L2 norm", SCALE_SEQUENTIAL, METRIC_NONE },
		[SHOW_NORM] = { "share of the value norms", "share", SCALE_PROBABILITY, METRIC_NONE },
	};
	const int layer = ask->arg[ARG_LAYER], head = ask->arg[ARG_HEAD], show = ask->arg[ARG_SHOW];

	axis_tokens(t, &t->rows, ask->run, DIM_POSITION, "query");
	axis_tokens(t, &t->cols, ask->run, DIM_KEY, "key");
	table_set_title(t, "attention", arena_printf(t->arena, "layer %d head %d", layer, head), shows[show].title);
	table_set_unit(t, shows[show].unit);
	t->look = LOOK_ATTENTION;
	t->scale = shows[show].scale;
	t->skip_first = true;
	t->place = place_at(SITE_PATTERN, layer, head, -1);
	t->explain = shows[show].explain;
}

/* A key that the query does not see has no score. */
static void fill_scores(struct table *t, const struct ask *ask, float *scores)
{
	for (int i = 0; i < ask->run->T; i++) {
		run_scores(ask->run, ask->arg[ARG_LAYER], ask->arg[ARG_HEAD], i, scores);
		for (int j = 0; j <= i; j++) {
			t->value[table_cell(t, i, j)] = scores[j] > -INFINITY ? scores[j] : NAN;
			if (!(scores[j] > -INFINITY))
				t->footnote = "a key that the query may not look at has no score";
		}
	}
}

static void fill_weights(struct table *t, const struct ask *ask)
{
	if (!pattern_is_edited(ask->run, ask->arg[ARG_LAYER]))
		pattern_check_init(&t->check);
	for (int i = 0; i < ask->run->T; i++) {
		const float *weight = run_pattern(ask->run, ask->arg[ARG_LAYER], ask->arg[ARG_HEAD], i);

		pattern_check_row(&t->check, weight, ask->run->T);
		memcpy(t->value + table_cell(t, i, 0), weight, ((size_t)i + 1) * sizeof *weight);
	}
}

/* Weights times lengths; as shares, the parts that they are the lengths of are held against what the head writes. */
static void fill_lengths(struct table *t, const struct written *w)
{
	const struct run *r = w->ask->run;
	const bool shares = w->ask->arg[ARG_SHOW] == SHOW_NORM;
	const float *post = r->layer[w->layer]->post_scale; /* [T], or NULL */

	if (!shares)
		fill_weights(t, w->ask); /* its check */
	for (int i = 0; i < r->T; i++) {
		const float *weight = run_pattern(r, w->layer, w->head, i), scale = post ? post[i] : 1;
		float *row = t->value + table_cell(t, i, 0);

		for (int j = 0; j <= i; j++)
			row[j] = weight[j] * w->length[j] * scale;
		if (shares)
			mixing_normalise(row, i + 1, i);
	}
	if (shares && !head_edited(r, w->layer, w->head))
		t->check = (struct check){ "parts - the head's write, of its length", 0, parts_off(w), 1e-4 };
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const int T = ask->run->T, show = ask->arg[ARG_SHOW];
	float *scores = arena_floats(ask->scratch, (size_t)T, err); /* [T] */
	const bool lengths = show == SHOW_VALUE || show == SHOW_NORM;
	struct written w = { 0 };
	struct table *t;

	if (!scores || (lengths && !read_values(&w, ask, err)) || !(t = table_new(T, T, err)))
		return NULL;
	describe(t, ask);
	if (lengths)
		fill_lengths(t, &w);
	else if (show == SHOW_SCORE)
		fill_scores(t, ask, scores);
	else
		fill_weights(t, ask);
	return t;
}

const struct analysis analysis_attention = {
	.name = "attention",
	.title = "Attention",
	.topic = TOPIC_ATTENTION,
	.paper = "Kobayashi et al. 2020",
	.blurb = "Where one head looks: the weight that each query gives to each key.",
	.help = "Rows are queries, columns keys. A large weight is no proof that the head does anything with what it finds: "
		"show=value multiplies it by the length of what that value writes to the stream, show=score is what softmax was "
		"given. The first token is where heads rest; it is left out of the colour range.",
	.picture = " previous token  first token    induction: A B C A B C\n"
		   " █               █              █\n"
		   " █ ·             █ ·            █ ·\n"
		   " · █ ·           █ · ·          █ · ·\n"
		   " · · █ ·         █ · · ·        · █ · ·       the second A\n"
		   " · · · █ ·       █ · · · ·      · · █ · ·     looks at what\n"
		   " · · · · █ ·     █ · · · · ·    · · · █ · ·   came after the\n"
		   "                                              first\n",
	.shape = "query × key",
	.unit = "weight, score",
	.on = ON_RUN,
	.needs = READS_ATTENTION,
	.cost = COST_READ,
	.params = params,
	.compute = compute,
};
