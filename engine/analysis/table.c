/* table.c - see table.h. Everything of a table, itself included, lies in its arena. */
#include "engine/analysis/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void axis_init(struct table *t, struct axis *axis, int n)
{
	size_t count = (size_t)n;

	axis_of(axis, DIM_NONE);
	axis->n = n;
	axis->label = arena_alloc(t->arena, count * sizeof *axis->label);
	axis->label_bytes = arena_alloc(t->arena, count * sizeof *axis->label_bytes);
	axis->show = arena_alloc(t->arena, count * sizeof *axis->show);
	for (int i = 0; i < n; i++)
		axis->label[i] = axis->show[i] = "";
}

struct table *table_new(int rows, int cols, struct err *err)
{
	struct arena *arena = arena_new();
	struct table *t = arena_alloc(arena, sizeof *t);

	t->value = arena_floats(arena, (size_t)rows * (size_t)cols, err);
	if (!t->value) {
		arena_free(arena);
		return NULL;
	}
	for (size_t i = 0; i < (size_t)rows * (size_t)cols; i++)
		t->value[i] = NAN;
	t->arena = arena;
	t->refs = 1;
	axis_init(t, &t->rows, rows);
	axis_init(t, &t->cols, cols);
	t->analysis = t->title = "";
	t->parts.technique = "";
	t->place = PLACE_NONE;
	t->explain = METRIC_NONE;
	t->ranking = (struct ranking){ 0, -1, -1 };
	table_set_unit(t, "");
	return t;
}

struct table *table_ref(struct table *t)
{
	if (t)
		atomic_fetch_add(&t->refs, 1);
	return t;
}

void table_unref(struct table *t)
{
	if (t && atomic_fetch_sub(&t->refs, 1) == 1)
		arena_free(t->arena);
}

struct table *table_if(bool ok, struct table *t)
{
	if (ok)
		return t;
	table_unref(t);
	return NULL;
}

void axis_of(struct axis *axis, enum dim dim)
{
	axis->dim = dim;
	axis->name = dim_word(dim);
}

void axis_label(struct table *t, struct axis *axis, int i, const char *label)
{
	axis->label[i] = axis->show[i] = arena_strdup(t->arena, label);
	axis->label_bytes[i] = strlen(label);
}

void axis_numbers(struct table *t, struct axis *axis, enum dim dim)
{
	char number[16];

	axis_of(axis, dim);
	for (int i = 0; i < axis->n; i++) {
		snprintf(number, sizeof number, "%d", i);
		axis_label(t, axis, i, number);
	}
}

void axis_text(struct table *t, struct axis *axis, int i, const char *bytes, size_t n, const char *show)
{
	axis->label[i] = arena_strndup(t->arena, bytes, n);
	axis->label_bytes[i] = n;
	axis->show[i] = arena_strdup(t->arena, show);
}

void axis_token(struct table *t, struct axis *axis, int i, int32_t id, const char *bytes, size_t n, const char *show)
{
	if (!axis->id)
		axis->id = arena_alloc(t->arena, (size_t)axis->n * sizeof *axis->id);
	axis->id[i] = id;
	axis_text(t, axis, i, bytes, n, show);
}

void axis_place(struct table *t, struct axis *axis, int i, struct place place)
{
	if (!axis->place) {
		axis->place = arena_alloc(t->arena, (size_t)axis->n * sizeof *axis->place);
		for (int k = 0; k < axis->n; k++)
			axis->place[k] = PLACE_NONE;
	}
	axis->place[i] = place;
}

void axis_place_token(struct table *t, struct axis *axis, int i, const char *show)
{
	if (!axis->token)
		axis->token = arena_alloc(t->arena, (size_t)axis->n * sizeof *axis->token);
	axis->token[i] = arena_strdup(t->arena, show);
}

/* What an index adds to a place. False: it is a component that is nowhere. */
static bool add_index(const struct axis *axis, int i, struct place *place)
{
	int each = axis->each ? axis->each : 1;

	if (i < 0 || i >= axis->n)
		return true;
	if (axis->place && !place_equal(&axis->place[i], &PLACE_NONE)) { /* some say but where in the prompt */
		*place = place_join(place, &axis->place[i]);
		return axis->dim != DIM_COMPONENT || axis->place[i].site != SITE_NONE;
	}
	place_set(place, axis->dim, i * each, (i + 1) * each - 1);
	return axis->dim != DIM_COMPONENT;
}

bool table_place(const struct table *t, int row, int col, struct place *place)
{
	bool row_is_place, col_is_place;

	*place = t->place;
	row_is_place = add_index(&t->rows, row, place);
	col_is_place = (t->paths && row >= 0) || add_index(&t->cols, col, place);
	return row_is_place && col_is_place;
}

void table_set_words(struct table *t)
{
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;

	t->word = arena_alloc(t->arena, cells * sizeof *t->word);
	t->word_show = arena_alloc(t->arena, cells * sizeof *t->word_show);
	t->word_bytes = arena_alloc(t->arena, cells * sizeof *t->word_bytes);
	t->id = arena_alloc(t->arena, cells * sizeof *t->id);
	for (size_t i = 0; i < cells; i++) {
		t->word[i] = t->word_show[i] = "";
		t->id[i] = -1;
	}
}

void table_set_word(struct table *t, size_t cell, int32_t id, const char *bytes, size_t n, const char *show)
{
	t->id[cell] = id;
	t->word[cell] = arena_strndup(t->arena, bytes, n);
	t->word_bytes[cell] = n;
	t->word_show[cell] = arena_strdup(t->arena, show);
}

static void set_lines(struct table *t, size_t cell, const char *lines, enum edit_op first)
{
	const size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;

	if (!t->edits) {
		t->edits = arena_alloc(t->arena, cells * sizeof *t->edits);
		t->edit_op = arena_alloc(t->arena, cells * sizeof *t->edit_op);
	}
	t->edits[cell] = arena_strdup(t->arena, lines);
	t->edit_op[cell] = first;
}

static void add_lines(struct table *t, size_t cell, const char *before, const struct edit *edit, int n)
{
	struct str lines;

	str_init(&lines);
	str_add(&lines, before ? before : "");
	for (int i = 0; i < n; i++) {
		if (lines.n)
			str_add_char(&lines, '\n');
		edit_print(&edit[i], &lines);
	}
	set_lines(t, cell, lines.s, before ? t->edit_op[cell] : edit->op);
	str_done(&lines);
}

void table_add_edit(struct table *t, size_t cell, const struct edit *edit)
{
	add_lines(t, cell, t->edits ? t->edits[cell] : NULL, edit, 1);
}

void table_set_edits(struct table *t, size_t cell, const struct edit *edit, int n)
{
	add_lines(t, cell, NULL, edit, n);
}

void table_set_tree(struct table *t)
{
	t->parent = arena_alloc(t->arena, (size_t)t->rows.n * sizeof *t->parent);
	t->closed = arena_alloc(t->arena, (size_t)t->rows.n * sizeof *t->closed);
	for (int i = 0; i < t->rows.n; i++)
		t->parent[i] = -1;
}

void table_set_edges(struct table *t, int n)
{
	t->edge = arena_alloc(t->arena, (size_t)n * sizeof *t->edge);
	t->edges = n;
	for (int i = 0; i < n; i++)
		t->edge[i].place = PLACE_NONE;
}

void table_set_mark(struct table *t, size_t cell)
{
	if (!t->mark)
		t->mark = arena_alloc(t->arena, (size_t)t->rows.n * (size_t)t->cols.n * sizeof *t->mark);
	t->mark[cell] = true;
}

static size_t tile_floats(const struct table *t)
{
	return (size_t)t->rows.n * (size_t)t->cols.n * (size_t)t->tile_rows * (size_t)t->tile_cols;
}

void table_set_tiles(struct table *t, int rows, int cols)
{
	t->tile_rows = rows;
	t->tile_cols = cols;
	t->tile = arena_alloc(t->arena, tile_floats(t) * sizeof *t->tile);
	for (size_t i = 0; i < tile_floats(t); i++)
		t->tile[i] = NAN;
}

void table_set_unit(struct table *t, const char *unit)
{
	t->units = 1;
	t->unit = arena_alloc(t->arena, sizeof *t->unit);
	t->unit[0] = arena_strdup(t->arena, unit);
}

void table_set_units(struct table *t, const char *const *unit)
{
	t->units = t->cols.n;
	t->unit = arena_alloc(t->arena, (size_t)t->units * sizeof *t->unit);
	for (int i = 0; i < t->units; i++)
		t->unit[i] = arena_strdup(t->arena, unit[i]);
}

static void join_title(struct table *t)
{
	const char *const part[] = { t->parts.object, t->parts.quantity, t->parts.whose };

	t->title = t->parts.technique;
	for (size_t i = 0; i < sizeof part / sizeof *part; i++)
		if (part[i])
			t->title = arena_printf(t->arena, "%s · %s", t->title, part[i]);
}

static const char *kept(struct table *t, const char *text)
{
	return text && *text ? arena_strdup(t->arena, text) : NULL;
}

static void set_parts(struct table *t, const struct title *parts)
{
	t->parts = (struct title){ arena_strdup(t->arena, parts->technique), kept(t, parts->object), kept(t, parts->quantity),
				   kept(t, parts->whose) };
	join_title(t);
}

void table_set_title(struct table *t, const char *technique, const char *object, const char *quantity)
{
	set_parts(t, &(struct title){ technique, object, quantity, NULL });
}

void table_set_whose(struct table *t, const char *format, ...)
{
	char whose[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(whose, sizeof whose, format, ap);
	va_end(ap);
	t->parts.whose = arena_strdup(t->arena, whose);
	join_title(t);
}

bool check_holds(const struct check *check)
{
	double allowed = check->tolerance * fmax(1, fabs(check->expected));

	return !check->name || fabs(check->actual - check->expected) <= allowed; /* NaN does not hold */
}

static void copy_axis(struct table *t, struct axis *to, const struct axis *from)
{
	to->dim = from->dim;
	to->name = arena_strdup(t->arena, from->name);
	to->each = from->each;
	for (int i = 0; i < from->n; i++) {
		if (from->id)
			axis_token(t, to, i, from->id[i], from->label[i], from->label_bytes[i], from->show[i]);
		else
			axis_text(t, to, i, from->label[i], from->label_bytes[i], from->show[i]);
		if (from->place)
			axis_place(t, to, i, from->place[i]);
		if (from->token && from->token[i])
			axis_place_token(t, to, i, from->token[i]);
	}
}

static void copy_words(struct table *to, const struct table *from)
{
	table_set_words(to);
	for (size_t i = 0; i < (size_t)from->rows.n * (size_t)from->cols.n; i++)
		table_set_word(to, i, from->id[i], from->word[i], from->word_bytes[i], from->word_show[i]);
}

/* Rows that are not numbered alike in two tables are found by what they are: ranks by their token, components by their name. */
static bool rows_have_names(const struct table *t)
{
	return (t->rows.dim == DIM_RANK && t->id) || t->rows.dim == DIM_COMPONENT;
}

/* Whether two rows of trees are the same one, under the same parent: by their place, wherever the prompts end, or by their name. */
static bool same_row(const struct table *a, int i, const struct table *b, int j)
{
	struct place p, q;

	if (a->parent && a->rows.place && b->rows.place && a->rows.place[i].site != SITE_NONE) {
		p = a->rows.place[i];
		q = b->rows.place[j];
		p.position = p.position_to = q.position = q.position_to = -1;
		return place_equal(&p, &q);
	}
	return !strcmp(a->rows.label[i], b->rows.label[j]) && (!b->rows.place || b->rows.place[j].site == SITE_NONE || !a->parent);
}

static int parent_of(const struct table *t, int row)
{
	return t->parent ? t->parent[row] : -1;
}

void table_match(const struct table *a, const struct table *b, int *match)
{
	int next = 0; /* most often they come in the same order */

	for (int i = 0; i < a->rows.n; i++) {
		const int above = parent_of(a, i), parent = above < 0 ? -1 : match[above];

		match[i] = -1;
		for (int k = 0; k < b->rows.n && match[i] < 0 && (above < 0 || parent >= 0); k++) {
			const int j = (next + k) % b->rows.n;

			if (parent_of(b, j) == parent && same_row(a, i, b, j))
				match[i] = j;
		}
		next = match[i] < 0 ? next : match[i] + 1;
	}
}

bool table_has_rows_of(const struct table *t, int row)
{
	return t->parent && row + 1 < t->rows.n && t->parent[row + 1] == row;
}

/* The value of b that a's cell is compared with. A token that b does not rank is not known; a component that it lacks adds 0. */
static float counterpart(const struct table *a, const struct table *b, const int *match, int row, int col)
{
	if (!rows_have_names(a))
		return b->value[table_cell(b, row, col)];
	if (a->rows.dim == DIM_COMPONENT)
		return match[row] < 0 ? 0 : b->value[table_cell(b, match[row], col)];
	for (int r = 0; r < b->rows.n; r++)
		if (b->id[table_cell(b, r, col)] == a->id[table_cell(a, row, col)])
			return b->value[table_cell(b, r, col)];
	return NAN;
}

/* Of a tree's difference: which rows had nothing to be compared with. */
static const char *unmatched(struct arena *arena, const struct table *a, const struct table *b, const int *match)
{
	const char *first = NULL;
	int lacking = 0, matched = 0;

	for (int i = 0; i < a->rows.n; i++) {
		if (match[i] < 0 && !lacking++)
			first = a->rows.show[i];
		matched += match[i] >= 0;
	}
	if (lacking && matched < b->rows.n)
		return arena_printf(arena,
				    "%d rows (%s …) are of one alone and count as 0 in the other; %d of the other are left "
				    "out",
				    lacking, first, b->rows.n - matched);
	if (matched < b->rows.n)
		return arena_printf(arena, "%d rows of the other alone are left out", b->rows.n - matched);
	return !lacking	      ? NULL
	       : lacking == 1 ? arena_printf(arena, "%s is of one alone and counts as 0 in the other", first)
			      : arena_printf(arena, "%d rows (%s …) are of one alone and count as 0 in the other", lacking, first);
}

void table_set_errors(struct table *t, const char *over)
{
	size_t n = (size_t)t->rows.n * (size_t)t->cols.n;

	t->error_over = arena_strdup(t->arena, over);
	t->error = arena_alloc(t->arena, n * sizeof *t->error);
	for (size_t i = 0; i < n; i++)
		t->error[i] = NAN;
}

void table_set_over(struct table *t, const struct over *over)
{
	struct over *copy = arena_alloc(t->arena, sizeof *copy);

	*copy = *over;
	copy->file = arena_strdup(t->arena, over->file);
	copy->metric = arena_strdup(t->arena, over->metric);
	t->over = copy;
}

void table_set_like(struct table *t, const struct table *from)
{
	if (from->units == 1)
		table_set_unit(t, from->unit[0]);
	else
		table_set_units(t, from->unit);
	t->analysis = arena_strdup(t->arena, from->analysis);
	t->look = from->look;
	t->scale = from->scale;
	t->neutral = from->neutral;
	t->meaning = from->meaning ? arena_strdup(t->arena, from->meaning) : NULL;
	t->skip_first = from->skip_first;
	t->ranking = from->ranking;
	t->range_cols = from->range_cols;
	t->place = from->place;
	t->paths = from->paths;
}

void table_set_relations(struct table *t, const struct table *from)
{
	if (from->parent) {
		table_set_tree(t);
		memcpy(t->parent, from->parent, (size_t)t->rows.n * sizeof *t->parent);
		memcpy(t->closed, from->closed, (size_t)t->rows.n * sizeof *t->closed);
	}
	if (from->edge) {
		table_set_edges(t, from->edges);
		memcpy(t->edge, from->edge, (size_t)t->edges * sizeof *t->edge);
	}
}

/* All of a table but its cells' values. */
static struct table *copy_description(const struct table *from, struct err *err)
{
	struct table *t = table_new(from->rows.n, from->cols.n, err);

	if (!t)
		return NULL;
	copy_axis(t, &t->rows, &from->rows);
	copy_axis(t, &t->cols, &from->cols);
	if (from->word)
		copy_words(t, from);
	for (size_t i = 0; from->edits && i < (size_t)from->rows.n * (size_t)from->cols.n; i++)
		if (from->edits[i])
			set_lines(t, i, from->edits[i], from->edit_op[i]);
	t->no_edit = from->no_edit ? arena_strdup(t->arena, from->no_edit) : NULL;
	table_set_relations(t, from);
	table_set_like(t, from);
	set_parts(t, &from->parts);
	t->unfinished = from->unfinished;
	return t;
}

struct table *table_copy(const struct table *from, struct err *err)
{
	struct table *t = copy_description(from, err);
	size_t n = (size_t)from->rows.n * (size_t)from->cols.n;

	if (!t)
		return NULL;
	memcpy(t->value, from->value, n * sizeof *t->value);
	if (from->error) {
		table_set_errors(t, from->error_over);
		memcpy(t->error, from->error, n * sizeof *t->error);
	}
	if (from->over)
		table_set_over(t, from->over);
	if (from->tile) {
		table_set_tiles(t, from->tile_rows, from->tile_cols);
		memcpy(t->tile, from->tile, tile_floats(t) * sizeof *t->tile);
	}
	if (from->mark) {
		t->mark = arena_alloc(t->arena, n * sizeof *t->mark);
		memcpy(t->mark, from->mark, n * sizeof *t->mark);
	}
	t->explain = from->explain;
	t->explain_col = from->explain_col;
	t->part_of = from->part_of ? arena_strdup(t->arena, from->part_of) : NULL;
	t->explain_other = from->explain_other ? arena_strdup(t->arena, from->explain_other) : NULL;
	t->check = from->check;
	if (from->check.name)
		t->check.name = arena_strdup(t->arena, from->check.name);
	if (from->check.of)
		t->check.of = arena_strdup(t->arena, from->check.of);
	t->footnote = from->footnote ? arena_strdup(t->arena, from->footnote) : NULL;
	return t;
}

struct table *table_minus(const struct table *a, const struct table *b, const char *what, struct err *err)
{
	struct table *t;
	int *match;

	if ((a->rows.n != b->rows.n && !rows_have_names(a)) || a->cols.n != b->cols.n) {
		err_set(err, ERR_ARGUMENT, "%s cannot be compared: one has %d × %d cells (%s × %s), the other %d × %d", a->title,
			a->rows.n, a->cols.n, a->rows.name, a->cols.name, b->rows.n, b->cols.n);
		return NULL;
	}
	if (!(t = copy_description(a, err)))
		return NULL;
	match = arena_alloc(t->arena, (size_t)a->rows.n * sizeof *match);
	if (a->rows.dim == DIM_COMPONENT)
		table_match(a, b, match);
	for (int r = 0; r < a->rows.n; r++)
		for (int c = 0; c < a->cols.n; c++)
			t->value[table_cell(t, r, c)] = a->value[table_cell(a, r, c)] - counterpart(a, b, match, r, c);
	if (a->parent)
		t->footnote = unmatched(t->arena, a, b, match);
	table_set_whose(t, "%s", what);
	t->scale = SCALE_DIVERGING;
	t->neutral = 0;
	t->meaning = NULL;
	if (a->word && !rows_have_names(a)) /* both runs have words of their own there */
		t->footnote = arena_printf(t->arena, "words: %.*s", (int)strcspn(what, " "), what);
	return t;
}

static bool is_sink(const struct axis *axis, int i)
{
	return i == 0 && (axis->dim == DIM_POSITION || axis->dim == DIM_KEY);
}

bool table_in_range(const struct table *t, bool skip_first, int row, int col)
{
	return (!t->range_cols || col < t->range_cols) && (!skip_first || !(is_sink(&t->rows, row) || is_sink(&t->cols, col)));
}

bool table_range(const struct table *t, bool skip_first, float *lo, float *hi)
{
	bool any = false;

	for (int r = 0; r < t->rows.n; r++) {
		for (int c = 0; c < t->cols.n; c++) {
			float x = t->value[table_cell(t, r, c)];

			if (!isfinite(x) || !table_in_range(t, skip_first, r, c))
				continue;
			*lo = any && *lo < x ? *lo : x;
			*hi = any && *hi > x ? *hi : x;
			any = true;
		}
	}
	return any;
}
