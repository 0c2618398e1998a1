/*
 * score_attribution.c - what makes one head look from a query at a key: the score as a sum over everything that wrote to the
 * stream.
 *
 *   score = scale · Σ_c q_c · k = scale · Σ_c q · k_c = scale · Σ_cd q_c · k_d        before a cap, after a position's bias
 *   q_c = the write c, through the norm before attention, W_Q, the norm on queries and rotary position; all scales frozen
 *
 * Biases are constants of their own side: rows like the others. The score is bilinear, so each of the two columns of show=sides
 * sums to all of it, the other side frozen; the two are not to be added. Elhage et al. 2021 have these terms for attention-only
 * models.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <string.h>

#include "engine/analysis/direct_logit.h"
#include "engine/numbers/kernels.h"
#include "engine/run/attention.h"

enum { ARG_LAYER, ARG_HEAD, ARG_QUERY, ARG_KEY, ARG_SHOW };
enum { SHOW_SIDES, SHOW_PAIRS, SHOW_CHANNELS };
static const struct choice shown[] = {
	{ "sides", "each write's share through the query and through the key", SHOW_SIDES },
	{ "pairs", "each write in the query with each write in the key", SHOW_PAIRS },
	{ "channels", "the head's channels: query, key and their product", SHOW_CHANNELS },
	{ 0 },
};
static const struct param params[] = {
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .start = -1, .help = "whose head" },
	[ARG_HEAD] = { "head", PARAM_DIM, DIM_HEAD, .help = "which head of the layer" },
	[ARG_QUERY] = { "query", PARAM_DIM, DIM_POSITION, .start = -1, .help = "the position that looks" },
	[ARG_KEY] = { "key", PARAM_DIM, DIM_KEY, .start = -1, .help = "the position that it looks at" },
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what is split: one side at a time, both, or the product" },
	{ 0 },
};

/* ---- the score ---- */

struct score {
	const struct ask *ask;
	int layer, head, query, key;
	size_t K;
	const float *q, *k; /* [K] */
	double scale, bias; /* of the position: ALiBi */
	double value;	    /* before a cap */
	bool seen;	    /* the query may look there */
};

static bool read_score(struct score *s, const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	float *scores = arena_floats(ask->scratch, (size_t)ask->run->T, err);

	*s = (struct score){ ask, ask->arg[ARG_LAYER], ask->arg[ARG_HEAD], ask->arg[ARG_QUERY], ask->arg[ARG_KEY], (size_t)c->K };
	if (!scores)
		return false;
	run_scores(ask->run, s->layer, s->head, s->query, scores);
	s->seen = s->key <= s->query && scores[s->key] > -INFINITY;
	s->q = run_at(ask->run, SITE_Q, s->layer, s->query) + (size_t)s->head * s->K;
	s->k = run_at(ask->run, SITE_K, s->layer, s->key) + (size_t)config_kv_head(c, s->head) * s->K;
	s->scale = (double)c->attention_scale[s->layer];
	s->bias = (double)attention_bias(c, s->layer, s->head, s->key);
	for (size_t i = 0; i < s->K; i++)
		s->value += s->scale * (double)s->q[i] * (double)s->k[i];
	s->value += s->bias;
	return true;
}

/* ---- one side ---- */

struct score_part {
	struct place place;
	const char *name; /* in scratch */
};

static const struct score_part position_bias = { { SITE_NONE, false, -1, -1, -1, -1, -1, -1, -1, false }, "position_bias" };

/* What each part gives to some numbers that are read of a query or a key. */
struct half {
	struct score_part *part; /* [n] */
	double *share;		 /* [n, width] */
	int n, width;
};

/* Readings along one row, or along each channel of the head. */
static struct direct_logit *read_half(const struct score *s, enum site site, const float *along, int width, struct err *err)
{
	const struct ask *ask = s->ask;
	const bool query = site == SITE_Q;
	const struct place place =
		place_at(site, s->layer, query ? s->head : config_kv_head(&ask->model->config, s->head), query ? s->query : s->key);
	struct direct_logit *out = arena_array(ask->scratch, (size_t)width, sizeof *out, err);
	float *row = arena_floats(ask->scratch, s->K, err);

	for (int i = 0; out && row && i < width; i++) {
		struct reading reading;

		memset(row, 0, s->K * sizeof *row);
		row[i] = 1;
		if (!task_step(ask->task, query ? i : width + i, 2 * width, err) ||
		    !reading_of_side(&reading, ask->run, &place, along ? along : row, ask->scratch, err) ||
		    !direct_logit_of(&out[i], ask->run, &reading, ask->scratch, err))
			return NULL;
	}
	return row ? out : NULL;
}

static double *add_part(struct half *h, struct place place, const char *name)
{
	h->part[h->n] = (struct score_part){ place, name };
	return h->share + (size_t)h->n++ * (size_t)h->width;
}

/* Attention's write is its heads', unless an edit put something in its place. */
static void add_heads(struct half *h, const struct score *s, const struct direct_logit *out, int layer, float *write)
{
	const struct run *run = s->ask->run;

	for (int head = 0; head < run->model->config.H; head++) {
		double *share =
			add_part(h, place_at(SITE_RESULT, layer, head, -1), arena_printf(s->ask->scratch, "%d.%d", layer, head));

		run_result(run, layer, head, out->position, write);
		for (int i = 0; i < h->width; i++)
			share[i] = direct_logit_share(&out[i], out->position, write);
	}
}

static bool split(struct half *h, const struct score *s, enum site site, const float *along, struct err *err)
{
	const struct config *c = &s->ask->model->config;
	const int width = along ? 1 : c->K;
	const struct direct_logit *out = read_half(s, site, along, width, err);
	float *write = arena_floats(s->ask->scratch, (size_t)c->D, err);
	const size_t most = out ? (size_t)out->pieces + (size_t)c->L * (size_t)c->H : 0;

	*h = (struct half){ .width = width };
	if (!out || !write || !(h->part = arena_array(s->ask->scratch, most + 1, sizeof *h->part, err)) ||
	    !(h->share = arena_array(s->ask->scratch, (most + 1) * (size_t)width, sizeof *h->share, err)))
		return false;
	for (int p = 0; p < out->pieces; p++) {
		const struct logit_share *piece = &out->piece[p];
		double *share;

		if (piece->site == SITE_ATTN_OUT && !piece->replaced) {
			add_heads(h, s, out, piece->layer, write);
			continue;
		}
		share = add_part(h, place_at(piece->site, piece->layer, -1, -1), piece->name);
		for (int i = 0; i < width; i++)
			share[i] = out[i].piece[p].share;
	}
	return true;
}

/* ---- tables ---- */

static void name_part(struct table *t, struct axis *axis, int i, const struct score_part *p)
{
	const bool head = p->place.site == SITE_RESULT;

	axis_text(t, axis, i, p->name, strlen(p->name), head ? arena_printf(t->arena, "head %s", p->name) : p->name);
	axis_place(t, axis, i, p->place);
}

static int find_part(const struct half *h, const char *name)
{
	for (int i = 0; i < h->n; i++)
		if (!strcmp(h->part[i].name, name))
			return i;
	return -1;
}

/* What is allowed goes by all that the cells hold: single precision is theirs. */
static struct check check_of(const char *name, double expected, double sum, double all)
{
	return (struct check){ name, expected, sum, (1e-5 * fmax(all, fabs(expected)) + 1e-6) / fmax(1, fabs(expected)), NULL };
}

/* `empty`: why some cells are. */
static void describe(struct table *t, const struct score *s, const char *quantity, const char *empty)
{
	const float cap = s->ask->model->config.attention_cap;
	struct str note;

	str_init(&note);
	if (!s->seen)
		str_add(&note, "the query may not look at this key: the score is what it would be");
	if (cap > 0)
		str_addf(&note, "%sbefore the cap of %.4g the score is %.4g", note.n ? "; " : "", (double)cap, s->value);
	if (empty)
		str_addf(&note, "%s%s", note.n ? "; " : "", empty);
	t->footnote = note.n ? arena_strdup(t->arena, note.s) : NULL;
	str_done(&note);
	t->scale = SCALE_DIVERGING;
	t->look = LOOK_HEAT;
	table_set_title(t, "score attribution",
			arena_printf(t->arena, "layer %d head %d @%d<%d", s->layer, s->head, s->query, s->key), quantity);
}

/* The key's side is what the metric `scores` is the sum of. */
static void explain(struct table *t, const struct score *s)
{
	t->explain = s->seen ? METRIC_PART : METRIC_NONE;
	t->part_of = arena_printf(t->arena, "scores %d.%d @%d<%d", s->layer, s->head, s->query, s->key);
}

/* Writes are on both sides; the constants of one side come last, NaN in the other column. */
struct columns {
	struct half half[2];
	double sum[2], all[2];
	int own; /* rows that one side alone has */
	int rows;
};

static bool read_columns(struct columns *c, const struct score *s, struct err *err)
{
	float *along = arena_floats(s->ask->scratch, 2 * s->K, err);

	if (!along)
		return false;
	kernel_axpy((float)s->scale, s->k, along, s->K);
	kernel_axpy((float)s->scale, s->q, along + s->K, s->K);
	if (!split(&c->half[0], s, SITE_Q, along, err) || !split(&c->half[1], s, SITE_K, along + s->K, err))
		return false;
	c->rows = c->half[0].n + (s->ask->model->config.alibi != NULL);
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < c->half[side].n; i++) {
			const bool alone = find_part(&c->half[!side], c->half[side].part[i].name) < 0;

			c->own += alone;
			c->rows += side && alone;
		}
	return true;
}

static void add_cell(struct columns *c, struct table *t, int row, int side, double share)
{
	float *cell = &t->value[table_cell(t, row, side)];

	*cell = (float)share + (isnan(*cell) ? 0 : *cell);
	c->sum[side] += share;
	c->all[side] += fabs(share);
}

static void fill_columns(struct columns *c, const struct score *s, struct table *t)
{
	int own = c->half[0].n;

	for (int side = 0; side < 2; side++)
		for (int i = 0; i < c->half[side].n; i++) {
			const struct score_part *p = &c->half[side].part[i];
			const int found = find_part(&c->half[0], p->name), row = found < 0 ? own++ : found;

			name_part(t, &t->rows, row, p);
			add_cell(c, t, row, side, c->half[side].share[i]);
		}
	if (!s->ask->model->config.alibi)
		return;
	name_part(t, &t->rows, own, &position_bias);
	add_cell(c, t, own, 0, s->bias);
	add_cell(c, t, own, 1, s->bias);
}

static struct check check_columns(const struct columns *c, const struct score *s)
{
	const struct check of[] = { check_of("the query's column sums to the score", s->value, c->sum[0], c->all[0]),
				    check_of("the key's column sums to the score", s->value, c->sum[1], c->all[1]) };
	const double off[] = { fabs(c->sum[0] - s->value) / of[0].tolerance, fabs(c->sum[1] - s->value) / of[1].tolerance };

	return off[0] <= off[1] ? of[1] : of[0]; /* NaN is the worst: its check fails */
}

static struct table *sides(const struct score *s, struct err *err)
{
	struct columns c = { .rows = 0 };
	struct table *t;

	if (!read_columns(&c, s, err) || !(t = table_new(c.rows, 2, err)))
		return NULL;
	fill_columns(&c, s, t);
	axis_of(&t->rows, DIM_COMPONENT);
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "query");
	axis_label(t, &t->cols, 1, "key");
	axis_place(t, &t->cols, 0, place_at(SITE_NONE, -1, -1, s->query)); /* a column is what was written there */
	axis_place(t, &t->cols, 1, place_at(SITE_NONE, -1, -1, s->key));
	table_set_units(t, (const char *const[]){ "score by the query", "score by the key" });
	t->check = check_columns(&c, s);
	describe(t, s, NULL, c.own > 0 ? "a bias of one side has no share by the other" : NULL);
	explain(t, s);
	t->explain_col = 1;
	return t;
}

/* Returns the check of the cells, which it fills. */
static struct check fill_pairs(struct table *t, const struct score *s, const struct half *q, const struct half *k)
{
	double sum = s->bias, all = fabs(s->bias);

	for (int i = 0; i < q->n; i++)
		for (int j = 0; j < k->n; j++) {
			double x = 0;

			for (size_t c = 0; c < s->K; c++)
				x += s->scale * q->share[(size_t)i * s->K + c] * k->share[(size_t)j * s->K + c];
			t->value[table_cell(t, i, j)] = (float)x;
			sum += x;
			all += fabs(x);
		}
	return check_of("cells sum to the score", s->value, sum, all);
}

/* The writes of one side, all at one position. */
static void name_axis_parts(struct table *t, struct axis *axis, enum dim dim, const struct half *h, int position)
{
	axis_of(axis, dim);
	for (int i = 0; i < h->n; i++) {
		struct score_part part = h->part[i];

		if (part.place.site != SITE_NONE)
			place_set(&part.place, DIM_POSITION, position, position);
		name_part(t, axis, i, &part);
	}
	if (axis->n > h->n)
		name_part(t, axis, h->n, &position_bias);
}

static struct table *pairs(const struct score *s, struct err *err)
{
	const bool bias = s->ask->model->config.alibi != NULL;
	struct half q, k;
	struct table *t;

	if (!split(&q, s, SITE_Q, NULL, err) || !split(&k, s, SITE_K, NULL, err) || !(t = table_new(q.n + bias, k.n + bias, err)))
		return NULL;
	t->check = fill_pairs(t, s, &q, &k);
	name_axis_parts(t, &t->rows, DIM_COMPONENT, &q, s->query);
	name_axis_parts(t, &t->cols, DIM_QUANTITY, &k, s->key); /* a cursor of its own */
	if (bias)						/* of no write: a corner of its own */
		t->value[table_cell(t, q.n, k.n)] = (float)s->bias;
	table_set_unit(t, "score");
	describe(t, s, "query's writes × key's writes", bias ? "position_bias is of no write" : NULL);
	explain(t, s);
	t->explain_other = "a pair of writes is no sum over the stream";
	return t;
}

/* Returns the check of the products. */
static struct check fill_channels(struct table *t, const struct score *s)
{
	double sum = s->bias, all = fabs(s->bias);

	for (int i = 0; i < (int)s->K; i++) {
		const float product = (float)(s->scale * (double)s->q[i] * (double)s->k[i]);

		t->value[table_cell(t, i, 0)] = s->q[i];
		t->value[table_cell(t, i, 1)] = s->k[i];
		t->value[table_cell(t, i, 2)] = product;
		sum += (double)product;
		all += fabs((double)product);
	}
	return check_of("products sum to the score", s->value, sum, all);
}

static struct table *channels(const struct score *s, struct err *err)
{
	static const char *const names[] = { "q", "k", "product" };
	const int K = (int)s->K;
	const bool bias = s->ask->model->config.alibi != NULL;
	struct table *t = table_new(K + bias, 3, err);

	if (!t)
		return NULL;
	axis_numbers(t, &t->rows, DIM_HEAD_CHANNEL);
	t->check = fill_channels(t, s);
	if (bias) {
		axis_label(t, &t->rows, K, position_bias.name);
		t->value[table_cell(t, K, 2)] = (float)s->bias;
	}
	axis_of(&t->cols, DIM_QUANTITY);
	for (int i = 0; i < 3; i++)
		axis_label(t, &t->cols, i, names[i]);
	table_set_units(t, (const char *const[]){ "activation", "activation", "score" });
	describe(t, s, "head channels", bias ? "position_bias is of no channel" : NULL);
	t->place = place_at(SITE_SCORES, s->layer, s->head, s->query);
	place_set(&t->place, DIM_KEY, s->key, s->key);
	t->explain = s->seen ? METRIC_SCORES : METRIC_NONE;
	t->explain_col = 2;
	t->explain_other = "one channel is no metric";
	return t;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	static struct table *(*const show[])(const struct score *, struct err *) = { sides, pairs, channels };
	struct score s;

	return read_score(&s, ask, err) ? show[ask->arg[ARG_SHOW]](&s, err) : NULL;
}

const struct analysis analysis_score_attribution = {
	.name = "score-attribution",
	.title = "Score attribution",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Elhage et al. 2021",
	.blurb = "Why one head looks from a query at a key: the score as a sum over what earlier parts wrote at either of them.",
	.help = "Each column of show=sides sums to the score before a cap, with the other side as it is; so the two columns are "
		"two ways to split one number. show=pairs splits both at once. The scales of norms are frozen, biases are rows. A "
		"score means something only against those of other keys of the same query: what is the same for all of them, "
		"softmax does not see.",
	.picture = "             query    key        the previous-token head is\n"
		   " head 0.0      0.1    5.4 <----- in the key, what is known\n"
		   " head 0.1      5.5   -0.6        of the word in the query:\n"
		   " 0.mlp         6.8    4.0        an induction head's score\n"
		   " sum          17.6   17.6        each column has all of it\n",
	.shape = "component × quantity, component × component, head_channel × quantity",
	.unit = "score",
	.on = ON_RUN,
	.needs = NEEDS_SUM | READS_ATTENTION,
	.cost = COST_VOCABULARY,
	.params = params,
	.compute = compute,
};
