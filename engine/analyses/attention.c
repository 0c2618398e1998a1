/*
 * attention.c - where one head looks: its attention weights, query by key.
 *
 *   pattern[T, T] = softmax(q k / sqrt(K))        show=value: pattern[i, j] · ‖v_j W_O‖
 *   what softmax is given, scaled and capped      show=score
 *   with a norm after attention                   show=value: pattern[i, j] · ‖(v_j W_O) ⊙ gain‖ / RMS of attention's summed write at i
 *
 * A row is a query and sums to 1. A weight is not an effect: much of it rests on the first token, whose value is nearly nothing.
 * Weighted by the length of what the value writes (Kobayashi et al. 2020), the same map says where something is read from.
 */
#include "engine/analysis/analysis.h"

#include <math.h>

#include "engine/analysis/attention_check.h"
#include "engine/numbers/kernels.h"
#include "engine/run/result.h"

enum { ARG_LAYER, ARG_HEAD, ARG_SHOW };
enum { SHOW_WEIGHT, SHOW_SCORE, SHOW_VALUE };
static const struct choice shown[] = {
	{ "weight", "the attention weight", SHOW_WEIGHT },
	{ "score", "what softmax makes the weight of", SHOW_SCORE },
	{ "value", "the weight times the length of what the value writes", SHOW_VALUE },
	{ 0 },
};
static const struct param params[] = {
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .help = "whose head" },
	[ARG_HEAD] = { "head", PARAM_DIM, DIM_HEAD, .help = "which head of the layer" },
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	{ 0 },
};

/*
 * out[T]: the length of what this head writes of each key j; a norm after attention has its gain, but not yet its scale, which
 * is the query's.
 */
static bool value_lengths(const struct ask *ask, float *out, struct err *err)
{
	const struct config *c = &ask->model->config;
	int layer = ask->arg[ARG_LAYER], head = ask->arg[ARG_HEAD];
	size_t K = (size_t)c->K, kv = (size_t)config_kv_head(c, head);
	const struct result_place place = { .model = ask->model, .layer = layer, .post_scale = 1 };
	float *write = arena_floats(ask->scratch, (size_t)c->D, err); /* [D] */

	if (!write)
		return false;
	for (int j = 0; j < ask->run->T; j++) {
		const float *v = run_at(ask->run, SITE_V, layer, j) + kv * K;

		matrix_apply_inputs(ask->model->layers[layer].W_O, head * c->K, c->K, v, K, 1, write, (size_t)c->D);
		result_finish(&place, write);
		out[j] = kernel_norm2(write, (size_t)c->D);
	}
	return true;
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

static void fill_weights(struct table *t, const struct ask *ask, const float *length)
{
	const int layer = ask->arg[ARG_LAYER], T = ask->run->T;
	const bool value = ask->arg[ARG_SHOW] == SHOW_VALUE;
	const float *post = ask->run->layer[layer]->post_scale; /* [T], or NULL */

	if (!pattern_is_edited(ask->run, layer))
		pattern_check_init(&t->check);
	for (int i = 0; i < T; i++) {
		const float *weight = run_pattern(ask->run, layer, ask->arg[ARG_HEAD], i), scale = post ? post[i] : 1;

		pattern_check_row(&t->check, weight, T);
		for (int j = 0; j <= i; j++)
			t->value[table_cell(t, i, j)] = value ? weight[j] * length[j] * scale : weight[j];
	}
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const int T = ask->run->T, show = ask->arg[ARG_SHOW];
	float *of_keys = arena_floats(ask->scratch, (size_t)T, err); /* [T] */
	struct table *t;

	if (!of_keys || (show == SHOW_VALUE && !value_lengths(ask, of_keys, err)) || !(t = table_new(T, T, err)))
		return NULL;
	describe(t, ask);
	if (show == SHOW_SCORE)
		fill_scores(t, ask, of_keys);
	else
		fill_weights(t, ask, of_keys);
	return t;
}

const struct analysis analysis_attention = {
	.name = "attention",
	.title = "Attention",
	.topic = TOPIC_ATTENTION,
	.paper = "Kobayashi et al. 2020",
	.blurb = "Where one head looks: the weight that each query gives to each key.",
	.help = "Rows are queries, columns keys. A large weight is no proof that the head does anything with what it finds: "
		"show=value multiplies it by the length of what that value writes to the stream, show=score is what softmax was given. The first token is where heads "
		"rest; it is left out of the colour range.",
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
	.cost = COST_READ,
	.params = params,
	.compute = compute,
};
