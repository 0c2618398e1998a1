/* lens_map.c - see lens_map.h. */
#include "engine/analysis/lens_map.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/vocab.h"

enum { SHOW_PROBABILITY, SHOW_LOGIT, SHOW_RANK, SHOW_TARGET, SHOW_ENTROPY, SHOW_KL, SHOW_AGREE };
const struct choice lens_shown[] = {
	{ "probability", "of the word", SHOW_PROBABILITY },
	{ "logit", "of the word", SHOW_LOGIT },
	{ "rank", "of the metric's token", SHOW_RANK, ON_METRIC },
	{ "target", "the probability of the metric's token", SHOW_TARGET, ON_METRIC },
	{ "entropy", "of the distribution", SHOW_ENTROPY },
	{ "agree", "of each token, the first layer from which the last row's word stays", SHOW_AGREE },
	{ "kl", "of the last layer's distribution to this one", SHOW_KL },
	{ 0 },
};

/* What the vocabulary says of some cells, as many as go through it together. */
struct lens_pass {
	const struct ask *ask;
	const struct lens_map *map;
	bool kept;	     /* an edit keeps the final norm's scale: of every layer's rows, so that the last are the output */
	int cols;	     /* of the table */
	bool *done;	     /* [rows, cols] cells of the table that are known */
	size_t known, first; /* how many; counted from the last layer down, all before this one are */
	size_t *cell;	     /* [n] of the table, which these are */
	int n;
	float *x, *last; /* [n, D] the stream that is read, and the one that the model itself reads in the end */
	int rank;
	int32_t *ids;			   /* [n, rank] */
	float *logits;			   /* [n, rank] */
	float *lse, *entropy, *kl;	   /* [n] */
	int32_t target;			   /* the metric's token; -1: none */
	float *target_logit, *target_rank; /* [n] */
};

static float logit(const struct lens_pass *g, int i)
{
	return g->logits[(i + 1) * g->rank - 1];
}

static float probability(const struct lens_pass *g, int i)
{
	return expf(logit(g, i) - g->lse[i]);
}

static float target_rank(const struct lens_pass *g, int i)
{
	return g->target_rank[i];
}

static float target_probability(const struct lens_pass *g, int i)
{
	return expf(g->target_logit[i] - g->lse[i]);
}

static float entropy(const struct lens_pass *g, int i)
{
	return g->entropy[i];
}

static float kl(const struct lens_pass *g, int i)
{
	return g->kl[i];
}

static const struct {
	float (*of)(const struct lens_pass *g, int i);
	const char *title, *unit;
	enum scale scale;
	bool target; /* asks for the metric's token */
} shows[] = {
	[SHOW_PROBABILITY] = { probability, "probability", "probability", SCALE_PROBABILITY, false },
	[SHOW_LOGIT] = { logit, "logit", "logit", SCALE_SEQUENTIAL, false },
	[SHOW_RANK] = { target_rank, "rank of the metric's token", "rank", SCALE_RANK, true },
	[SHOW_TARGET] = { target_probability, "probability of the metric's token", "probability", SCALE_PROBABILITY, true },
	[SHOW_ENTROPY] = { entropy, "entropy", "nats", SCALE_SEQUENTIAL, false },
	[SHOW_KL] = { kl, "KL of the last layer to this", "nats", SCALE_SEQUENTIAL, false },
	[SHOW_AGREE] = { probability, "probability", "probability", SCALE_PROBABILITY, false },
};

static bool reading_init(struct lens_pass *g, const struct ask *ask, const struct lens_map *map, struct err *err)
{
	const struct config *c = &ask->model->config;
	const size_t D = (size_t)c->D, n = VOCAB_ROWS;

	*g = (struct lens_pass){ .ask = ask, .map = map, .kept = run_keeps_final_norm(ask->run), .target = ask->metric->target[0] };
	g->rank = map->rank < c->V ? map->rank : c->V;
	g->cols = map->cols ? map->cols : ask->run->T;
	if (shows[map->show].target && g->target < 0)
		return err_set(err, ERR_ARGUMENT,
			       "show=%s is about the metric's token; %s has none: use logit, logprob or "
			       "logit_diff",
			       map->show == SHOW_RANK ? "rank" : "target", ask->metric->spec);
	g->done = arena_array(ask->scratch, (size_t)map->rows * (size_t)g->cols, sizeof *g->done, err);
	g->cell = arena_array(ask->scratch, n, sizeof *g->cell, err);
	g->x = arena_floats(ask->scratch, n * D, err);
	g->last = arena_floats(ask->scratch, n * D, err);
	g->ids = arena_array(ask->scratch, n * (size_t)g->rank, sizeof *g->ids, err);
	g->logits = arena_floats(ask->scratch, n * (size_t)g->rank, err);
	g->lse = arena_floats(ask->scratch, n, err);
	g->entropy = arena_floats(ask->scratch, n, err);
	g->kl = arena_floats(ask->scratch, n, err);
	g->target_logit = arena_floats(ask->scratch, n, err);
	g->target_rank = arena_floats(ask->scratch, n, err);
	return g->done && g->cell && g->x && g->last && g->ids && g->logits && g->lse && g->entropy && g->kl && g->target_logit &&
	       g->target_rank;
}

/* Rows as they are read: with the scale that an edit keeps, if one does: otherwise vocab_read() takes each row's own. */
static void keep_scale(const struct lens_pass *g, int position, float *x)
{
	if (g->kept)
		run_final_norm(g->ask->run, position, x, x, NULL);
}

static int position_of(const struct lens_pass *g, size_t cell)
{
	return g->map->cols ? g->map->position : (int)(cell % (size_t)g->cols);
}

/* Cells that follow one another in a row of the table are taken together. */
static void take_rows(const struct lens_pass *g)
{
	const int cols = g->cols;
	const size_t D = (size_t)g->ask->model->config.D;

	for (int i = 0, n; i < g->n; i += n) {
		const int row = (int)(g->cell[i] / (size_t)cols), from = (int)(g->cell[i] % (size_t)cols);

		for (n = 1; i + n < g->n && g->cell[i + n] == g->cell[i] + (size_t)n && from + n < cols; n++)
			;
		g->map->take(g->ask, g->map->context, row, from, n, g->x + (size_t)i * D);
		for (int k = 0; k < n; k++)
			keep_scale(g, position_of(g, g->cell[i + k]), g->x + (size_t)(i + k) * D);
	}
}

/* What the model itself reads there in the end. */
static void take_last(const struct lens_pass *g)
{
	const struct run *r = g->ask->run;
	const size_t D = (size_t)r->model->config.D;

	for (int i = 0; i < g->n; i++) {
		const int position = position_of(g, g->cell[i]);

		memcpy(g->last + (size_t)i * D, run_at(r, SITE_RESID_POST, r->model->config.L - 1, position), D * sizeof(float));
		keep_scale(g, position, g->last + (size_t)i * D);
	}
}

static bool read_cells(const struct lens_pass *g, struct err *err)
{
	const struct ask *ask = g->ask;
	const int show = g->map->show;
	struct vocab_wanted wanted = {
		.k = g->rank,
		.ids = g->ids,
		.logits = g->logits,
		.lse = g->lse,
		.entropy = show == SHOW_ENTROPY ? g->entropy : NULL,
		.reference = show == SHOW_KL ? g->last : NULL,
		.kl = show == SHOW_KL ? g->kl : NULL,
		.targets = &g->target,
		.target_count = shows[show].target,
		.target_logits = g->target_logit,
		.target_ranks = g->target_rank,
	};

	take_rows(g);
	if (wanted.kl)
		take_last(g);
	return vocab_read(ask->model, g->x, g->n, g->kept, &wanted, ask->task, err);
}

/* The last row is the model's output: the word in the last corner has the probability that the run's own logits give it. */
static void check_output(struct table *t, const struct lens_pass *g, int i)
{
	const float *own = g->ask->run->last_logits; /* [V] */
	float lse = kernel_log_sum_exp(own, (size_t)g->ask->model->config.V);
	int32_t word = t->id[g->cell[i]];

	t->check = (struct check){ "last layer = output", exp((double)(own[word] - lse)), (double)probability(g, i), 1e-5 };
}

static bool is_nothing(const struct lens_pass *g, size_t cell)
{
	return g->map->nothing &&
	       g->map->nothing(g->ask, g->map->context, (int)(cell / (size_t)g->cols), (int)(cell % (size_t)g->cols));
}

static void fill_cells(struct table *t, const struct lens_pass *g)
{
	const size_t corner = table_cell(t, t->rows.n - 1, t->cols.n - 1);

	for (int i = 0; i < g->n; i++) {
		if (is_nothing(g, g->cell[i]))
			continue;
		t->value[g->cell[i]] = shows[g->map->show].of(g, i);
		table_set_token(t, g->cell[i], g->ask->model, g->ids[(i + 1) * g->rank - 1]);
		if (g->cell[i] == corner && g->map->ends_in_output)
			check_output(t, g, i);
	}
}

/* ---- the order: what is on the screen, then the rest; the last layers first, since they are looked at first ---- */

/* False: it is known already, or there is no room for it in this go. */
static bool take(struct lens_pass *g, size_t cell)
{
	if (g->done[cell] || g->n == VOCAB_ROWS)
		return false;
	g->cell[g->n++] = cell;
	g->done[cell] = true;
	g->known++;
	return true;
}

/* Whether the last ones of those on the screen were taken. */
static bool take_visible(struct lens_pass *g, const struct table *t)
{
	const struct window w = ask_visible(g->ask, t);
	bool taken = false, all = true;

	for (int i = w.row + w.rows - 1; i >= w.row; i--)
		for (int j = w.col; j < w.col + w.cols; j++) {
			taken |= take(g, table_cell(t, i, j));
			all &= g->done[table_cell(t, i, j)];
		}
	return taken && all;
}

static void take_others(struct lens_pass *g, const struct table *t)
{
	const size_t T = (size_t)t->cols.n, cells = (size_t)t->rows.n * T;

	for (; g->first < cells && g->n < VOCAB_ROWS; g->first++)
		take(g, (cells / T - 1 - g->first / T) * T + g->first % T);
}

static bool fill(struct table *t, struct lens_pass *g, struct err *err)
{
	const int L = t->rows.n, T = t->cols.n;
	const size_t cells = (size_t)L * (size_t)T;

	while (g->known < cells) {
		bool seen;

		if (!task_step(g->ask->task, (int)(g->known / (size_t)T), L, err))
			return false;
		g->n = 0;
		seen = take_visible(g, t);
		take_others(g, t);
		if (!read_cells(g, err))
			return false;
		fill_cells(t, g);
		if (g->known < cells && g->map->show != SHOW_AGREE && (seen || ask_watched(g->ask)))
			ask_show(g->ask, t);
	}
	return true;
}

/*
 * The last rank says nothing, a distribution like a blind guess says nothing, and neither does a layer that agrees with the last
 * one.
 */
static void set_neutral(struct table *t, int show, int V)
{
	if (show == SHOW_LOGIT)
		t->neutral = NAN;
	else if (show == SHOW_RANK)
		t->neutral = (float)V;
	else if (show == SHOW_ENTROPY)
		table_set_entropy(t, V);
	else if (show == SHOW_KL)
		t->meaning = "0 = as the last layer";
}

bool lens_shows_logit(int show)
{
	return show == SHOW_LOGIT;
}

bool lens_shows_kl(int show)
{
	return show == SHOW_KL;
}

static void describe(struct table *t, const struct ask *ask, const struct lens_map *map)
{
	char word[32] = "top token";

	if (map->rank > 1)
		snprintf(word, sizeof word, "token of rank %d", map->rank);
	table_set_title(t, map->technique, map->object, arena_printf(t->arena, "%s, %s", word, shows[map->show].title));
	table_set_unit(t, shows[map->show].unit);
	table_set_words(t);
	if (!map->cols)
		axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	t->look = LOOK_HEAT;
	t->scale = shows[map->show].scale;
	set_neutral(t, map->show, ask->model->config.V);
}

/* ---- agreement ---- */

/* The row from which on the word is the last row's. */
static int first_agreeing(const struct table *words, int position)
{
	const int last = words->rows.n - 1;
	int row = last;

	while (row > 0 && words->id[table_cell(words, row - 1, position)] == words->id[table_cell(words, last, position)])
		row--;
	return row;
}

/* Of a table of words a row for each position: the layer, and the word. */
static struct table *agreement(const struct ask *ask, const struct table *words, struct err *err)
{
	const int T = words->cols.n, last = words->rows.n - 1;
	struct table *t = table_new(T, 1, err);

	if (!t)
		return NULL;
	axis_tokens(t, &t->rows, ask->run, DIM_POSITION, "position");
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "agree");
	table_set_words(t);
	for (int i = 0; i < T; i++) {
		const int row = first_agreeing(words, i);

		t->value[i] = (float)row;
		table_set_token(t, (size_t)i, ask->model, words->id[table_cell(words, last, i)]);
		if (words->rows.place)
			axis_place(t, &t->rows, i, words->rows.place[row]);
	}
	table_set_title(t, words->parts.technique, words->parts.object, "from where the last word stays");
	table_set_unit(t, "layer");
	t->look = LOOK_TOKENS;
	t->scale = SCALE_SEQUENTIAL;
	t->meaning = arena_printf(t->arena, "0 = from the first row on, %d = the last row alone", last);
	t->place.site = words->place.site;
	t->check = words->check;
	t->explain_other = "the layer where a word settles is no number of the run";
	return t;
}

/* In exchange for the table of words. */
static struct table *agreement_of(const struct ask *ask, struct table *words, struct err *err)
{
	struct table *t = words ? agreement(ask, words, err) : NULL;

	table_unref(words);
	return t;
}

struct table *lens_map(const struct ask *ask, const struct lens_map *map,
		       void (*axis)(struct table *t, const struct ask *ask, const void *context), struct err *err)
{
	struct lens_pass g;
	struct table *t;

	if (map->show == SHOW_AGREE && !map->layers) {
		err_set(err, ERR_ARGUMENT, "show=agree asks from which layer on a word stays, and these rows are no layers");
		return NULL;
	}
	if (!reading_init(&g, ask, map, err) || !(t = table_new(map->rows, g.cols, err)))
		return NULL;
	describe(t, ask, map);
	axis(t, ask, map->context);
	t = table_if(fill(t, &g, err), t);
	return map->show == SHOW_AGREE ? agreement_of(ask, t, err) : t;
}
