/*
 * players.c - see players.h. Mask, replace and mean are edits of a sweep; remove is a run of fewer tokens, from the first gap
 * on.
 */
#include "engine/analysis/players.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/inputs.h"
#include "engine/analysis/interventions.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/coalitions.h"
#include "engine/run/mixer.h"
#include "engine/run/norms.h"

const struct choice player_groups[] = {
	{ "token", "each token", GROUP_TOKEN },
	{ "word", "the tokens of a word", GROUP_WORD },
	{ "sentence", "the tokens of a sentence", GROUP_SENTENCE },
	{ 0 },
};
const struct choice player_hows[] = {
	{ "mask", "no later query looks at them", HOW_MASK },
	{ "replace", "token=TEXT in the place of each", HOW_REPLACE },
	{ "remove", "they leave the prompt: later positions shift", HOW_REMOVE },
	{ "mean", "the mean embedding in the place of each", HOW_MEAN },
	{ 0 },
};

/* ---- players ---- */

static int last_read(const struct ask *ask)
{
	return inputs_last(ask->run, ask->metric);
}

static bool reads_key(const struct metric *m)
{
	return m->kind == METRIC_SCORES || m->kind == METRIC_PATTERN;
}

/* The part of a row that may be taken away; false: none. */
static bool player_of(const struct ask *ask, struct token_span row, struct token_span *player)
{
	const struct metric *m = ask->metric;

	*player = row;
	if (row.from < inputs_first(ask->run))
		return false;
	if (reads_key(m) && row.from <= m->place.key && m->place.key <= row.to)
		return false;
	if (player->to > last_read(ask) - (m->kind != METRIC_LOSS))
		player->to = last_read(ask) - (m->kind != METRIC_LOSS);
	return player->from <= player->to;
}

static void find_players(struct players *p)
{
	const struct ask *ask = p->ask;

	for (int i = 0; i < p->rows; i++) {
		struct token_span span;

		p->player[i] = NO_PLAYER;
		if (p->row[i].from > last_read(ask)) {
			p->player[i] = NO_EFFECT;
		} else if (player_of(ask, p->row[i], &span)) {
			p->span[p->n] = span;
			p->first[p->n] = p->how == HOW_MASK ? span.to + 1 : span.from;
			p->row_of[p->n] = i;
			p->player[i] = p->n++;
		}
	}
}

/* ---- what takes them away ---- */

/* A key range of every head and layer, hidden from all queries after it, generated ones included. */
static struct edit *mask_edit(const struct players *p, struct token_span span)
{
	struct place place = place_at(SITE_SCORES, 0, -1, span.to + 1);
	struct edit *edit = arena_alloc(p->ask->scratch, sizeof *edit);

	place.every_layer = true;
	place_set(&place, DIM_KEY, span.from, span.to);
	*edit = edit_at(&place, EDIT_MASK, p->ask->scratch);
	edit->range[0].open = true;
	return edit;
}

struct edit *player_input(const struct ask *ask, struct token_span span, const float *x, struct err *err)
{
	const int n = span.to - span.from + 1;
	const size_t D = (size_t)ask->model->config.D;
	float *rows = arena_floats(ask->scratch, (size_t)n * D, err);
	struct edit *edit = arena_alloc(ask->scratch, sizeof *edit);

	if (!rows)
		return NULL;
	for (int i = 0; i < n; i++) {
		float *row = rows + (size_t)i * D;

		memcpy(row, x, D * sizeof *row);
		model_enter(ask->model, span.from + i, row);
		for (int e = 0; e < ask->run->edits; e++)
			if (edit_hits(&ask->run->edit[e], SITE_EMBED, 0) && edit_covers(&ask->run->edit[e], span.from + i))
				edit_apply(&ask->run->edit[e], &ask->model->config, SITE_EMBED, span.from + i, row);
	}
	*edit = edit_put(place_at(SITE_EMBED, 0, -1, -1), rows, span.from, n);
	return edit;
}

static bool resolve_mask(const struct players *p, struct edit *edit, struct err *err)
{
	const struct run *r = p->ask->run;
	const struct edit_context context = {
		.model = p->ask->model, .T = r->T, .unedited = p->ask->unedited, .tokens = r->tokens
	};

	return edit_resolve(edit, &context, p->ask->scratch, err);
}

static bool make_masks(struct players *p, struct err *err)
{
	if (!mixer_all_attend(&p->ask->model->config, err))
		return err_in(err, "how=mask");
	for (int i = 0; i < p->n; i++) {
		struct edit *edit = mask_edit(p, p->span[i]);

		p->edits[i] = edit;
		if (!resolve_mask(p, edit, err))
			return false;
	}
	return true;
}

static bool make_inputs(struct players *p, const char *token, struct err *err)
{
	const struct ask *ask = p->ask;
	float *input = arena_floats(ask->scratch, (size_t)ask->model->config.D, err);
	int32_t id;

	if (!input)
		return false;
	if (p->how == HOW_MEAN)
		memcpy(input, model_mean_input(ask->model), (size_t)ask->model->config.D * sizeof *input);
	else if (!token)
		return err_set(err, ERR_ARGUMENT, "how=replace needs token=TEXT: what is put in the place of each token");
	else if (!metric_find_token(ask->model, "token", token, &id, ask->notes, err))
		return false;
	else
		model_input(ask->model, id, input);
	for (int i = 0; i < p->n; i++)
		if (!(p->edits[i] = player_input(ask, p->span[i], input, err)))
			return false;
	return true;
}

/* Fewer tokens: what compares with the whole prompt, or reads another run position by position, would mean others. */
static bool can_remove(const struct ask *ask, struct err *err)
{
	const struct metric *m = ask->metric;
	const struct run *r = ask->run;

	if (m->kind == METRIC_LOSS || m->kind == METRIC_KL || m->kind == METRIC_PART)
		return err_set(err, ERR_ARGUMENT,
			       "how=remove cannot explain %s, which is of the whole prompt's positions: ask how=mask",
			       metric_table[m->kind]->word);
	for (int e = 0; e < r->edits; e++)
		if (r->edit[e].source || r->edit[e].rows || r->edit[e].mean_keys || norms_is(r->edit[e].place.site))
			return err_set(err, ERR_ARGUMENT,
				       "how=remove shifts positions, and an edit reads values position by position: ask how=mask");
	return true;
}

bool players_of(struct players *p, const struct ask *ask, enum token_group group, enum player_how how, const char *token,
		struct err *err)
{
	const size_t T = (size_t)ask->run->T;

	*p = (struct players){ .ask = ask, .group = group, .how = how };
	p->row = arena_alloc(ask->scratch, T * sizeof *p->row);
	p->player = arena_alloc(ask->scratch, T * sizeof *p->player);
	p->span = arena_alloc(ask->scratch, T * sizeof *p->span);
	p->first = arena_alloc(ask->scratch, T * sizeof *p->first);
	p->row_of = arena_alloc(ask->scratch, T * sizeof *p->row_of);
	p->rows = token_groups_split(ask->model, ask->run->tokens, ask->run->T, group, p->row);
	find_players(p);
	if (how == HOW_REMOVE)
		return can_remove(ask, err);
	p->edits = arena_alloc(ask->scratch, T * sizeof *p->edits);
	return how == HOW_MASK ? make_masks(p, err) : make_inputs(p, token, err);
}

bool players_init(struct players *p, const struct ask *ask, struct err *err)
{
	return players_of(p, ask, (enum token_group)ask->arg[PLAYERS_GROUP], (enum player_how)ask->arg[PLAYERS_HOW],
			  ask->text[PLAYERS_TOKEN], err);
}

/* Player a is to be asked as b: they change places. */
static void swap(struct players *p, int a, int b)
{
	const struct token_span span = p->span[a];
	const struct edit *edit = p->edits[a];
	const int row = p->row_of[a], first = p->first[a];

	p->span[a] = p->span[b], p->span[b] = span;
	p->edits[a] = p->edits[b], p->edits[b] = edit;
	p->row_of[a] = p->row_of[b], p->row_of[b] = row;
	p->first[a] = p->first[b], p->first[b] = first;
	p->player[p->row_of[a]] = a;
	p->player[p->row_of[b]] = b;
}

void players_take_by(struct players *p, const struct edit *const *edits)
{
	for (int i = 0; i < p->n; i++) {
		const int first = edit_first_position(edits[i]);

		p->edits[i] = edits[i];
		p->first[i] = first < p->span[i].from ? first : p->span[i].from;
		for (int at = i; at > 0 && p->first[at - 1] > p->first[at]; at--)
			swap(p, at - 1, at);
	}
}

/* ---- coalitions ---- */

const bool *players_all_but(const struct players *p, int width)
{
	const int n = p->n, windows = n ? n - width + 1 : 0;
	bool *in = arena_alloc(p->ask->scratch, (size_t)(windows * n + 1) * sizeof *in);

	for (int i = 0; i < windows; i++)
		for (int j = 0; j < n; j++)
			in[i * n + j] = j < i || j >= i + width;
	return in;
}

static int absent(const struct players *p, const bool *in, const struct edit **edit)
{
	int n = 0;

	for (int i = 0; i < p->n; i++)
		if (!in[i])
			edit[n++] = p->edits[i];
	return n;
}

static struct coalitions question(const struct players *p)
{
	const struct ask *ask = p->ask;

	return (struct coalitions){ ask->run, ask->unedited, ask->foil, ask->metric, p->n, p->edits, p->first };
}

/* before[T + 1]: how many tokens before each position a coalition lacks. */
static int *gone_before(const struct players *p, const bool *in, struct arena *arena)
{
	const int T = p->ask->run->T;
	int *before = arena_alloc(arena, (size_t)(T + 1) * sizeof *before);

	for (int i = 0; i < p->n; i++)
		for (int t = p->span[i].from; !in[i] && t <= p->span[i].to; t++)
			before[t + 1] = 1;
	for (int t = 0; t < T; t++)
		before[t + 1] += before[t];
	return before;
}

/* An edit of the same tokens, where they are now. */
static struct edit *closed_up(const struct edit *from, const int *before, struct arena *arena)
{
	struct edit *e = arena_alloc(arena, sizeof *e);

	*e = *from;
	if (e->at) {
		e->at = arena_alloc(arena, (size_t)from->at_count);
		e->at_count = 0;
		for (int t = 0; t < from->at_count; t++)
			if (before[t + 1] == before[t])
				e->at[e->at_count++] = from->at[t];
	}
	if (e->has_key) {
		e->key -= before[e->key];
		e->key_to -= before[e->key_to + 1];
	}
	return e;
}

/* The tokens of a coalition, the run's edits there, and the metric that is asked of them. */
static struct run_order order_of_rest(const struct players *p, const bool *in, struct metric *metric, struct arena *arena)
{
	const struct run *r = p->ask->run;
	const struct metric *m = p->ask->metric;
	const int *before = gone_before(p, in, arena);
	int32_t *tokens = arena_alloc(arena, (size_t)r->T * sizeof *tokens);
	const struct edit **edit = arena_alloc(arena, (size_t)(r->edits + 1) * sizeof *edit);
	struct run_order order = { .model = r->model, .tokens = tokens, .keeps = r->keeps, .more = edit, .more_count = r->edits };

	for (int t = 0; t < r->T; t++)
		if (before[t + 1] == before[t])
			tokens[order.T++] = r->tokens[t];
	for (int e = 0; e < r->edits; e++)
		edit[e] = closed_up(&r->edit[e], before, arena);
	order.prefix = r->edits ? NULL : r;
	*metric = metric_at(m, m->position - before[m->position]);
	if (reads_key(m))
		place_set(&metric->place, DIM_KEY, m->place.key - before[m->place.key], m->place.key - before[m->place.key]);
	return order;
}

static bool value_of_rest(const struct players *p, const bool *in, double *value, struct err *err)
{
	struct arena *arena = arena_new();
	struct metric metric;
	struct run_order order = order_of_rest(p, in, &metric, arena);
	struct run *r = run_new(&order, p->ask->task, err);
	const bool ok = r && metric_value(&metric, r, r, value, p->ask->task, err);

	run_unref(r);
	arena_free(arena);
	return ok;
}

static bool values_by_runs(const struct players *p, const bool *in, int count, double *value, struct err *err)
{
	for (int c = 0; c < count; c++) {
		if (!task_step(p->ask->task, c, count, err) || !value_of_rest(p, in + (size_t)c * (size_t)p->n, &value[c], err))
			return false;
		task_piece(p->ask->task);
	}
	return true;
}

bool players_values(const struct players *p, const bool *in, int count, double *value, struct err *err)
{
	const struct coalitions q = question(p);

	if (p->edits)
		return coalitions_values(&q, in, count, value, p->ask->task, err);
	for (int c = 0; c < count; c++)
		value[c] = NAN;
	return values_by_runs(p, in, count, value, err);
}

bool players_fill(const struct players *p, const bool *in, int count, double *value, struct filling *f, struct err *err)
{
	filling_begin(f);
	return filling_end(f, players_values(p, in, count, value, err));
}

int players_passes(const struct players *p, const bool *in, int count)
{
	const struct coalitions q = question(p);

	return p->edits ? coalitions_passes(&q, in, count) : count;
}

bool players_value_alone(const struct players *p, const bool *in, double *value, struct err *err)
{
	const struct ask *ask = p->ask;
	const struct edit **edit = arena_alloc(ask->scratch, (size_t)(p->n + 1) * sizeof *edit);

	if (!p->edits)
		return value_of_rest(p, in, value, err);
	return ask_value_with(ask, ask->metric, edit, absent(p, in, edit), value, err);
}

/* ---- in a table ---- */

static void label(const struct players *p, struct table *t, int row)
{
	const struct tokenizer *tokenizer = p->ask->model->tokenizer;
	const struct token_span span = p->row[row];
	struct place place = PLACE_NONE;
	struct str text, show;

	str_init(&text);
	str_init(&show);
	for (int i = span.from; i <= span.to; i++) {
		size_t n;
		const char *bytes = tokenizer_bytes(tokenizer, p->ask->run->tokens[i], &n);

		str_add_n(&text, bytes, n);
		tokenizer_show(tokenizer, p->ask->run->tokens[i], &show);
	}
	axis_text(t, &t->rows, row, text.s, text.n, show.s);
	place_set(&place, DIM_POSITION, span.from, span.to);
	axis_place(t, &t->rows, row, place);
	str_done(&text);
	str_done(&show);
}

static void name_rows(const struct players *p, struct table *t)
{
	if (p->group == GROUP_TOKEN) {
		axis_tokens(t, &t->rows, p->ask->run, DIM_POSITION, "position");
		return;
	}
	t->rows.dim = DIM_GROUP;
	t->rows.name = player_groups[p->group].word;
	for (int i = 0; i < p->rows; i++)
		label(p, t, i);
}

struct table *players_table(const struct players *p, const char *technique, const char *column, const char *more, struct err *err)
{
	struct table *t = table_new(p->rows, 1, err);
	const char *how = player_hows[p->how].word;

	if (!t)
		return NULL;
	name_rows(p, t);
	table_set_title(t, technique, player_groups[p->group].help, more ? arena_printf(t->arena, "%s, %s", how, more) : how);
	table_set_attribution(t, p->ask->metric, column);
	return t;
}

void players_put(const struct players *p, struct table *t, const double *worth)
{
	for (int i = 0; i < p->rows; i++)
		if (p->player[i] != NO_PLAYER)
			t->value[table_cell(t, i, 0)] = p->player[i] == NO_EFFECT ? 0 : (float)worth[p->player[i]];
}

void players_edits(const struct players *p, struct table *t)
{
	if (p->how != HOW_MASK) {
		t->no_edit = "no edit takes tokens away like this; with how=mask one does";
		return;
	}
	for (int i = 0; i < p->n; i++)
		table_add_edit(t, table_cell(t, p->row_of[i], 0), p->edits[i]);
}
