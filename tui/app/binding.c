/* binding.c - see binding.h. */
#include "tui/app/binding.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/session/args.h"

int extent_of(const struct app *app, enum dim dim)
{
	const struct snapshot *shot = app->shot;

	return shot && shot->has_model ? dim_extent(&shot->config, shot->tokens, dim) : 0;
}

/* ------------------------------------------------------------------------------------------------ the cursor */

static int clamp(int x, int n)
{
	return x < 0 ? 0 : x >= n ? n - 1 : x;
}

int cursor_get(const struct app *app, enum dim dim, int n)
{
	int at;

	if (n <= 0)
		return -1;
	at = cursor_index(app->doc.cursor[dim], n, dim);
	return at < 0 ? at + n : at;
}

void cursor_set(struct app *app, enum dim dim, int index, int n)
{
	bool sticks = dim == DIM_POSITION || dim == DIM_KEY;

	if (n <= 0)
		return;
	app->doc.cursor[dim] = sticks && index >= n - 1 ? -1 : clamp(index, n);
	if (dim == DIM_POSITION && cursor_get(app, DIM_KEY, n) > clamp(index, n))
		app->doc.cursor[DIM_KEY] = app->doc.cursor[DIM_POSITION]; /* no query looks ahead */
}

/* The strongest row of a tree's first level: its first line. */
static int first_of_tree(const struct table *t)
{
	int best = 0;

	for (int r = 1; r < t->rows.n; r++)
		if (t->parent[r] < 0 && fabsf(t->value[table_cell(t, r, 0)]) > fabsf(t->value[table_cell(t, best, 0)]))
			best = r;
	return best;
}

/* The node that most goes through: where a graph is read from. */
static int first_of_graph(const struct table *t)
{
	int best = 0;

	for (int r = 1; r < t->rows.n; r++) {
		const float x = t->value[table_cell(t, r, 0)], most = t->value[table_cell(t, best, 0)];

		if (isnan(most) || x > most)
			best = r;
	}
	return best;
}

/* Where a cursor begins that was never moved. */
static int first_row(const struct app *app, const struct table *t)
{
	if (t->rows.n && app->doc.cursor[t->rows.dim] == CURSOR_UNSET) {
		if (t->parent && t->look == LOOK_TREE)
			return first_of_tree(t);
		if (t->edge && t->look == LOOK_GRAPH)
			return first_of_graph(t);
	}
	return cursor_get(app, t->rows.dim, t->rows.n);
}

/* Parts by parts, as senders and receivers are: nobody looks for anything in the corner. */
static bool is_of_parts(const struct app *app, const struct table *t)
{
	return t->look == LOOK_HEAT && t->units == 1 && t->rows.dim == DIM_COMPONENT &&
	       (t->cols.dim == DIM_COMPONENT || t->cols.dim == DIM_QUANTITY) && app->doc.cursor[t->rows.dim] == CURSOR_UNSET &&
	       app->doc.cursor[t->cols.dim] == CURSOR_UNSET;
}

static void first_of_parts(const struct table *t, int *row, int *col)
{
	const int cells = t->rows.n * t->cols.n;
	float most = -1;

	for (int i = 0; i < cells; i++)
		if (fabsf(t->value[i]) > most) { /* NaN is not */
			most = fabsf(t->value[i]);
			*row = i / t->cols.n;
			*col = i % t->cols.n;
		}
}

void cursor_in(const struct app *app, const struct table *t, int *row, int *col)
{
	*row = first_row(app, t);
	*col = cursor_get(app, t->cols.dim, t->cols.n);
	if (is_of_parts(app, t))
		first_of_parts(t, row, col);
}

static void move_on_axis(struct app *app, const struct axis *axis, int i)
{
	cursor_set(app, axis->dim, i, axis->n);
	if (axis->place && i >= 0 && i < axis->n && axis->place[i].layer >= 0 && axis->dim != DIM_LAYER)
		app->doc.cursor[DIM_LAYER] = axis->place[i].layer;
	if (axis->place && i >= 0 && i < axis->n && axis->place[i].position >= 0 && axis->dim != DIM_POSITION &&
	    extent_of(app, DIM_POSITION))
		cursor_set(app, DIM_POSITION, axis->place[i].position, extent_of(app, DIM_POSITION));
}

void cursor_to(struct app *app, const struct table *t, int row, int col)
{
	move_on_axis(app, &t->rows, row);
	move_on_axis(app, &t->cols, col);
}

/* ------------------------------------------------------------------------------------------------ the question */

/* `app` NULL: what the model and the prompt have is not known. */
static void fill_in(const struct preset *doc, const struct app *app, int pane, struct job_pane *out)
{
	struct binding binding = { .cursor = doc->cursor, .metric_position = -1 }; /* the engine knows the metric's position */
	enum bound from[PARAM_MAX];

	for (int dim = 0; app && dim < DIM_COUNT; dim++)
		binding.extent[dim] = extent_of(app, (enum dim)dim);
	*out = doc->job.pane[pane];
	args_bind(&doc->job.pane[pane], &binding, out->args, from);
	for (int i = 0; i < param_count(out->analysis->params); i++)
		out->given[i] = out->given[i] || from[i] == BOUND_CURSOR;
}

void question_pane(const struct app *app, int pane, struct job_pane *out)
{
	fill_in(&app->doc, app, pane, out);
}

void question_pane_of(const struct preset *doc, int pane, struct job_pane *out)
{
	fill_in(doc, NULL, pane, out);
}

void question_job(const struct app *app, struct job *out)
{
	job_copy(out, &app->doc.job);
	out->focus = app->focus;
	out->again = app->again;
	for (int i = 0; i < out->panes; i++)
		question_pane(app, i, &out->pane[i]);
}

/* A cursor that was never moved is where its arguments are, so that they follow it again when this is opened. */
static void save_cursor(const struct job_pane *pane, const struct job_pane *filled, int *cursor)
{
	const struct param *params = pane->analysis->params;

	for (int i = 0; i < param_count(params); i++)
		if (!pane->given[i] && filled->given[i] && cursor[params[i].dim] == CURSOR_UNSET)
			cursor[params[i].dim] = (int)filled->args[i].number;
}

void question_save(const struct app *app, struct preset *out)
{
	preset_copy(out, &app->doc);
	for (int i = 0; i < out->job.panes; i++) {
		question_pane(app, i, &out->job.pane[i]);
		save_cursor(&app->doc.job.pane[i], &out->job.pane[i], out->cursor);
	}
}

void question_opened(struct preset *doc)
{
	for (int i = 0; i < doc->job.panes; i++) {
		struct job_pane *pane = &doc->job.pane[i];
		const struct param *params = pane->analysis->params;

		for (int k = 0; k < param_count(params); k++)
			if (param_follows(&params[k]) && pane->given[k] &&
			    value_equal(pane->args[k], value_number(doc->cursor[params[k].dim])))
				pane->given[k] = false;
	}
}

static bool same_question(const struct job_pane *a, const struct job_pane *b)
{
	if (!job_pane_alike(a, b))
		return false;
	for (int i = 0; i < param_count(a->analysis->params); i++)
		if (!value_equal(a->args[i], b->args[i]))
			return false;
	return true;
}

/* The cells of one table are in the places of the other's, and their numbers mean the same. */
static bool fits_over(const struct table *a, const struct table *b)
{
	return a->rows.n == b->rows.n && a->cols.n == b->cols.n && a->rows.dim == b->rows.dim && a->cols.dim == b->cols.dim &&
	       a->scale == b->scale && a->look == b->look && a->units == b->units &&
	       !strcmp(a->units ? a->unit[0] : "", b->units ? b->unit[0] : "");
}

void question_answer(const struct app *app, int pane, struct answer_shown *out)
{
	const struct snapshot *shot = app->shot;
	struct job_pane asked;
	int best = -1;

	memset(out, 0, sizeof *out);
	if (!shot)
		return;
	question_pane(app, pane, &asked);
	for (int i = 0; i < shot->panes && i < JOB_PANES; i++) {
		const struct job_pane *question = &shot->pane[i].question;
		bool same = question->analysis && same_question(question, &asked);

		/* Panes come and go while the worker is busy: look for the same question first, then for the same
		 * technique. */
		if (same && (best < 0 || i == pane || !out->current)) {
			best = i;
			out->current = true;
			if (i == pane)
				break;
		} else if (best < 0 && job_pane_alike(question, &asked) && (i == pane || shot->panes != app->doc.job.panes)) {
			best = i;
		}
	}
	if (best < 0)
		return;
	out->table = shot->pane[best].table;
	out->before = out->current && app_edited(app) ? shot->pane[best].before : NULL;
	if (out->table && out->table->unfinished && shot->pane[best].older && fits_over(out->table, shot->pane[best].older))
		out->older = shot->pane[best].older;
	/* Of the question before it is shown while the next answer is expected at once, so that nothing flickers. */
	out->error = out->current && !(shot->pane[best].stale && app_is_slow(app)) ? shot->pane[best].error : NULL;
	out->stopped = out->current && shot->serial == app->serial && shot->pane[best].stopped;
	if (out->current && shot->serial == app->serial) {
		out->forecast = shot->pane[best].forecast;
		out->waits = shot->pane[best].stale && shot->state != WORK_IDLE && shot->answering != best && !out->stopped;
	}
	out->current = out->current && shot->serial == app->serial && !shot->pane[best].stale;
	if ((!out->current || (out->table && out->table->unfinished)) && shot->serial == app->serial &&
	    shot->pane[best].total > 1) {
		out->done = shot->pane[best].done;
		out->total = shot->pane[best].total;
		out->left = shot->pane[best].left;
	}
}

void question_args(const struct app *app, int pane, struct str *out)
{
	const struct param *params = app->doc.job.pane[pane].analysis->params;
	struct job_pane asked;

	question_pane(app, pane, &asked);
	for (int i = 0; i < param_count(params); i++) {
		if (!asked.given[i])
			continue;
		str_addf(out, "%s%s=", out->n ? " " : "", params[i].name);
		param_print(&params[i], asked.args[i], out);
	}
}

/* ------------------------------------------------------------------------------------------------ what it is on */

/* A spec begins with its kind's word; without one the metric is a logit. */
static enum metric_kind kind_of(const char *spec)
{
	const size_t n = spec ? strcspn(spec, " ") : 0;

	for (int k = 0; n && k < METRIC_KINDS; k++)
		if (strlen(metric_table[k]->word) == n && !strncmp(metric_table[k]->word, spec, n))
			return (enum metric_kind)k;
	return METRIC_LOGIT;
}

const char *technique_lacks(const struct app *app, const struct analysis *a)
{
	if ((a->needs & NEEDS_FOIL) && !app->doc.job.foil)
		return "needs a foil: f";
	if ((a->needs & NEEDS_EXPERTS) && app->shot && app->shot->has_model && !extent_of(app, DIM_EXPERT))
		return "needs a mixture of experts";
	if (a->metrics && !analysis_explains(a, kind_of(app->doc.job.metric)))
		return "not of this metric: m";
	return NULL;
}

bool cursor_place(const struct app *app, struct place *place)
{
	struct answer_shown answer = { 0 };
	int row, col;

	*place = PLACE_NONE;
	if (app->focus < app->doc.job.panes)
		question_answer(app, app->focus, &answer);
	if (!answer.table)
		return false;
	cursor_in(app, answer.table, &row, &col);
	return table_place(answer.table, row, col, place);
}

bool place_to_ablate(const struct place *cell, bool here, struct place *out, struct err *err)
{
	bool reads = cell->site == SITE_Q || cell->site == SITE_K || cell->site == SITE_V;

	if (here && cell->key >= 0 && cell->layer >= 0 && cell->unit >= 0) {
		*out = *cell;
		out->site = SITE_PATTERN;
		return true;
	}
	if (here && cell->position < 0)
		return err_set(err, ERR_ARGUMENT, "this table has no positions: Space ablates everywhere");
	if (cell->layer < 0)
		return err_set(err, ERR_ARGUMENT,
			       "there is nothing to ablate under the cursor: go to a layer, a head, or a component "
			       "such as 3.attn");
	*out = place_at(SITE_ATTN_OUT, cell->layer, cell->unit, here ? cell->position : -1);
	out->unit_to = cell->unit_to;
	if (cell->unit >= 0)
		out->site = cell->site == SITE_MLP_POST || reads ? cell->site : SITE_RESULT;
	else if (cell->site == SITE_MLP_OUT || cell->site == SITE_ATTN_OUT)
		out->site = cell->site;
	else
		out->also_mlp = true;
	return true;
}

bool edit_canonical(const char *line, struct str *out, struct err *err)
{
	struct arena *scratch = arena_new();
	struct edit edit;
	bool fine = edit_parse(line, &edit, scratch, err);

	if (fine)
		edit_print(&edit, out);
	arena_free(scratch);
	return fine;
}

bool cell_edits(const struct table *t, int row, int col, struct str *lines, enum edit_op *first)
{
	const char *edits = t->edits && row >= 0 && col >= 0 ? t->edits[table_cell(t, row, col)] : NULL;

	if (edits) {
		str_add(lines, edits);
		*first = t->edit_op[table_cell(t, row, col)];
	}
	return edits != NULL;
}
