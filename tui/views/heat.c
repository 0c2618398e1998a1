/*
 * heat.c - rows × columns as coloured cells: words, numbers, shades, or half blocks where many have to fit. Attention is the same
 * with blanks above its diagonal.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/views/views.h"

enum { WORD_MIN = 7, WORD_USUAL = 8, WORD_MAX = 13, WORD_COLUMNS = 4, LABEL_MAX = 14, MIN_LINES = 3 };

static int clamp(int x, int lo, int hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

/* ---- the plan ---- */

/* Columns of the widest word, and a space on its left. */
static int word_width(const struct table *t)
{
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;
	int widest = 0;

	for (size_t i = 0; i < cells && widest < WORD_MAX; i++) {
		int w = t->word_show[i] ? canvas_columns(t->word_show[i], strlen(t->word_show[i])) : 0;

		widest = w > widest ? w : widest;
	}
	return clamp(widest + 1, WORD_MIN, WORD_MAX);
}

/* The least columns of a cell, and its most: as far as there is room, cells grow until their labels are whole. */
static void cell_width(const struct view *v, enum zoom zoom, int *least, int *most)
{
	const struct table *t = v->table;
	int labels = label_is_number(&t->cols) ? 0 : clamp(label_columns(&t->cols) + 1, 0, 9), number;

	switch (zoom) {
	case ZOOM_WORD:
		*least = WORD_MIN;
		*most = word_width(t);
		return;
	case ZOOM_NUMBER:
		number = number_form(t, ALL_COLUMNS).width;
		*least = number + 1;
		*most = number + 2 > labels ? number + 2 : labels;
		return;
	case ZOOM_SHADE:
		*least = 2;
		break;
	default:
		*least = 1;
	}
	/* Attention in halves stays square; elsewhere a few columns more show the labels. */
	*most = zoom == ZOOM_SHADE && labels ? 6 : t->look == LOOK_ATTENTION ? 2 : 4;
}

static int stack_of(const struct view *v, enum zoom zoom)
{
	return (zoom == ZOOM_HALF || zoom == ZOOM_FIT) && !theme_shades(v->theme) && !theme_ascii(v->theme) ? 2 : 1;
}

static bool columns_fit(const struct view *v, enum zoom zoom, int w)
{
	int least, most;

	cell_width(v, zoom, &least, &most);
	return v->table->cols.n <= w / least;
}

static bool all_fits(const struct view *v, enum zoom zoom, int w, int h)
{
	return columns_fit(v, zoom, w) && v->table->rows.n <= h * stack_of(v, zoom);
}

/* Words where there are any, as long as some stand side by side; then the richest in which all fits. */
static enum zoom choose(const struct view *v, enum zoom wanted, int w, int h)
{
	static const enum zoom richest[] = { ZOOM_NUMBER, ZOOM_SHADE, ZOOM_HALF };
	const struct table *t = v->table;

	if (wanted == ZOOM_WORD && !t->word_show)
		return ZOOM_NUMBER;
	if (wanted != ZOOM_AUTO)
		return wanted;
	if (t->word_show && w / WORD_MIN >= (t->cols.n < WORD_COLUMNS ? t->cols.n : WORD_COLUMNS))
		return ZOOM_WORD;
	for (int i = 0; i < (t->mark ? 2 : 3); i++)	/* half a cell has no room for a mark */
		if (all_fits(v, richest[i], w, h))
			return richest[i];
	/* Then numbers for some of the rows; shades say no more than halves do, for half as many. */
	return columns_fit(v, ZOOM_NUMBER, w) ? ZOOM_NUMBER : stack_of(v, ZOOM_HALF) == 2 || !columns_fit(v, ZOOM_SHADE, w) ? ZOOM_HALF : ZOOM_SHADE;
}

static int ceil_div(int a, int b)
{
	return (a + b - 1) / b;
}

static void lay_out(const struct view *v, struct plan *p, int w, int h)
{
	const struct table *t = v->table;
	int least, most;

	p->stack = stack_of(v, p->zoom);
	p->pool_rows = p->pool_cols = 1;
	if (p->zoom == ZOOM_FIT) {
		p->pool_rows = ceil_div(t->rows.n, h * p->stack);
		p->pool_cols = ceil_div(t->cols.n, w);
	}
	p->rows = ceil_div(t->rows.n, p->pool_rows);
	p->cols = ceil_div(t->cols.n, p->pool_cols);
	cell_width(v, p->zoom, &least, &most);
	p->page_cols = clamp(p->cols * least <= w ? p->cols : w / (p->zoom == ZOOM_WORD ? WORD_USUAL : least), 1, p->cols);
	p->cell_w = clamp(w / p->page_cols, least, most);
	p->page_rows = clamp(h * p->stack, 1, p->rows);
	p->cells.w = p->page_cols * p->cell_w;
	p->cells.h = ceil_div(p->page_rows, p->stack);
}

/* Columns of the row labels, in a rectangle of w. */
static int labels_width(const struct table *t, int w)
{
	int name = t->rows.name ? (int)strlen(t->rows.name) : 0, labels = clamp(label_columns(&t->rows), 1, clamp(w / 4, 2, LABEL_MAX));

	return w >= MARGIN_FROM && labels < name ? clamp(name, 1, 8) : labels;
}

static struct view_need heat_need(const struct view *v, enum zoom zoom)
{
	enum { SOME = 4, HEAD = 1, FOOT = 1, FOOT_MOST = 3, ROOMY = 1000 };
	const struct table *t = v->table;
	int label = 1 + labels_width(t, ROOMY) + 1, end = t->cols.name ? (int)strlen(t->cols.name) + 2 : 1, least, most, small, unused;
	int rows = ceil_div(t->rows.n, zoom == ZOOM_HALF ? stack_of(v, zoom) : 1), some = t->cols.n < SOME ? t->cols.n : SOME;

	if (zoom == ZOOM_AUTO || zoom == ZOOM_WORD)
		zoom = t->word_show ? ZOOM_WORD : ZOOM_NUMBER;
	cell_width(v, zoom, &least, &most);
	cell_width(v, zoom == ZOOM_NUMBER ? ZOOM_SHADE : zoom, &small, &unused);
	return (struct view_need){
		.min = { HEAD + (rows < SOME ? rows : SOME) + FOOT, label + some * small },
		.want = { HEAD + rows + FOOT, label + t->cols.n * least },
		.most = { HEAD + t->rows.n + FOOT_MOST, label + t->cols.n * most + end },
	};
}

static void heat_plan(const struct view *v, enum zoom zoom, struct plan *p)
{
	const struct table *t = v->table;
	struct rect r = v->rect;
	int head = r.h >= 3, margin = r.w >= MARGIN_FROM, foot = r.h >= 14 ? 3 : r.h >= 7 ? 2 : r.h >= 5 ? 1 : 0, w;

	p->label_w = labels_width(t, r.w);
	p->label_x = r.x + margin;
	p->head_y = head ? r.y : -1;
	p->cells.x = p->label_x + p->label_w + 1;
	p->cells.y = r.y + head;
	w = r.x + r.w - p->cells.x;
	p->foot_lines = foot ? 1 : 0;
	p->zoom = choose(v, zoom, w, r.h - head - p->foot_lines);
	lay_out(v, p, w, r.h - head - p->foot_lines);
	if (p->page_rows == p->rows)	/* the rows come before a second line below them */
		foot = clamp(r.h - head - p->cells.h, foot > 0, foot);
	p->foot_lines = foot_lines(v, &view_heat, p, foot);
	lay_out(v, p, w, r.h - head - p->foot_lines);
}

/* ---- drawing ---- */

/* What a cell shows: the value, or of several that with the largest magnitude. */
static float pooled(const struct view *v, const struct plan *p, int screen_row, int screen_col)
{
	const struct table *t = v->table;
	float most = NAN;

	if (screen_row >= p->rows)
		return NAN;
	for (int i = 0; i < p->pool_rows && screen_row * p->pool_rows + i < t->rows.n; i++)
		for (int j = 0; j < p->pool_cols && screen_col * p->pool_cols + j < t->cols.n; j++) {
			int row = screen_row * p->pool_rows + i;
			float x = t->value[table_cell(t, p->upwards ? t->rows.n - 1 - row : row, screen_col * p->pool_cols + j)];

			if (!isnan(x) && (isnan(most) || (t->scale == SCALE_DIVERGING ? fabsf(x) > fabsf(most) : x > most)))
				most = x;
		}
	return most;
}

static bool cursor_is_at(const struct view *v, const struct plan *p, int screen_row, int screen_col)
{
	return v->row >= 0 && v->col >= 0 && plan_screen_row(p, v->table, clamp(v->row, 0, v->table->rows.n - 1)) == screen_row &&
	       clamp(v->col, 0, v->table->cols.n - 1) / p->pool_cols == screen_col;
}

/* The edits made another word of it. */
static bool word_changed(const struct view *v, size_t cell)
{
	const struct table *a = v->table, *b = v->before;

	return b && b->id && a->id && a->rows.n == b->rows.n && a->cols.n == b->cols.n && a->id[cell] != b->id[cell];
}

static struct ink with_cursor(const struct view *v, struct ink ink, bool blank)
{
	if (v->focus)
		return theme_ink(v->theme, STYLE_CURSOR);
	if (blank)
		return theme_ink(v->theme, STYLE_CURSOR_AWAY);
	ink.attr |= INK_BOLD | INK_UNDERLINE;
	ink.mark = theme_ink(v->theme, STYLE_CURSOR_AWAY).mark;
	return ink;
}

/* Of an unfinished table: a cell that is not known yet, as against one that cannot be, which is blank. */
static void draw_not_yet(struct canvas *c, const struct view *v, const struct plan *p, int x, int y, bool cursor)
{
	struct ink ink = theme_ink(v->theme, STYLE_DIM);

	canvas_field(c, x, y, p->cell_w, ALIGN_CENTRE, cursor ? with_cursor(v, ink, true) : ink, "·");
}

/* A cell of one line: a word, a number or a shade. */
static void draw_cell(struct canvas *c, const struct view *v, const struct plan *p, const struct span *span,
		      const struct number_form *form, int x, int y, int screen_row, int screen_col)
{
	const struct table *t = v->table;
	size_t cell = table_cell(t, plan_table_row(p, t, screen_row), screen_col * p->pool_cols);
	float value = pooled(v, p, screen_row, screen_col), at = span_at(span, value);
	bool cursor = cursor_is_at(v, p, screen_row, screen_col), words = p->zoom == ZOOM_WORD, shade = !words && p->zoom != ZOOM_NUMBER;
	struct ink ink = shade ? theme_shade_ink(v->theme, span->ramp, at) : theme_ramp(v->theme, span->ramp, at);
	const char *text = words && t->word_show[cell] ? t->word_show[cell] : "";
	char number[NUMBER_BYTES];

	if (t->unfinished && isnan(value) && !(shade && theme_shades(v->theme))) {	/* there a dot is next to nothing */
		draw_not_yet(c, v, p, x, y, cursor);
		return;
	}
	if (search_finds(v, text))
		ink = theme_ink(v->theme, STYLE_MATCH);
	if (cursor)
		ink = with_cursor(v, ink, isnan(at));
	if (shade) {
		const char *glyph = theme_shade(v->theme, span->ramp, at);

		if (strcmp(glyph, "·"))
			canvas_repeat(c, x, y, p->cell_w, ink, glyph);
		else	/* next to nothing is one dot, not a line of them */
			canvas_field(c, x, y, p->cell_w, ALIGN_CENTRE, ink, glyph);
		if (cursor && p->cell_w > 1) {
			canvas_text(c, x, y, ink, "‹");
			canvas_text(c, x + p->cell_w - 1, y, ink, "›");
		}
	} else if (words) {
		canvas_text(c, x, y, ink, " ");
		canvas_field(c, x + 1, y, p->cell_w - 1, ALIGN_LEFT, ink, text);
		if (word_changed(v, cell)) {	/* a line under the word, not under the cell */
			int w = canvas_columns(text, strlen(text));

			ink.attr |= INK_UNDERLINE;
			ink.mark = theme_ink(v->theme, STYLE_EDITED).mark;
			canvas_field(c, x + 1, y, w < p->cell_w - 1 ? w : p->cell_w - 1, ALIGN_LEFT, ink, text);
		}
	} else {
		int after = p->cell_w > form->width + 1;

		canvas_field(c, x, y, p->cell_w - after, ALIGN_RIGHT, ink, number_print(form, value, number));
		canvas_repeat(c, x + p->cell_w - after, y, after, ink, " ");
	}
	if (t->mark && t->mark[cell] && p->pool_cols == 1 && p->cell_w > 1)
		canvas_text(c, x + p->cell_w - 1, y, ink, "!");
}

/* Two cells above one another in a line. */
static void draw_halves(struct canvas *c, const struct view *v, const struct plan *p, const struct span *span, int x, int y,
			int screen_row, int screen_col)
{
	bool upper = cursor_is_at(v, p, screen_row, screen_col), lower = cursor_is_at(v, p, screen_row + 1, screen_col);
	bool below = screen_row + 1 < p->top + p->page_rows;
	struct ink ink, cursor = theme_ink(v->theme, v->focus ? STYLE_CURSOR : STYLE_LABEL_CURSOR);
	const char *glyph = theme_halves(v->theme, span->ramp, span_at(span, pooled(v, p, screen_row, screen_col)),
					 below ? span_at(span, pooled(v, p, screen_row + 1, screen_col)) : NAN, &ink);
	int32_t accent = v->focus ? cursor.bg : cursor.fg;

	if (v->table->unfinished && !upper && !lower && isnan(pooled(v, p, screen_row, screen_col)) &&
	    (!below || isnan(pooled(v, p, screen_row + 1, screen_col)))) {
		draw_not_yet(c, v, p, x, y, false);
		return;
	}
	if (upper || lower) {	/* the other half keeps its colour */
		int32_t other = !strcmp(glyph, "▀") ? (upper ? ink.bg : ink.fg) : (upper ? ink.fg : ink.bg);

		if (!strcmp(glyph, " "))
			other = ink.bg;
		glyph = upper ? "▀" : "▄";
		ink = (struct ink){ accent, other, 0, cursor.mark };
	}
	canvas_repeat(c, x, y, p->cell_w, ink, glyph);
}

/* Numbers that would run into each other are written at every second, fifth, tenth … */
static int tick_step(const struct plan *p, int n)
{
	static const int steps[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 };
	int digits = n > 1000 ? 4 : n > 100 ? 3 : n > 10 ? 2 : 1;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (steps[i] / p->pool_cols * p->cell_w > digits)
			return steps[i];
	return n;
}

/* Where one label stands for all in narrow columns: over the cursor's, as far as it has room; w 0: nowhere. */
static struct rect label_over_all(const struct view *v, const struct plan *p)
{
	const struct axis *axis = &v->table->cols;
	int cursor = v->col < 0 ? -1 : clamp(v->col, 0, axis->n - 1) / p->pool_cols, w, at;
	const char *label = axis->show[clamp(v->col, 0, axis->n - 1)];

	if (p->cell_w >= 4 || cursor < p->left || cursor >= p->left + p->page_cols)
		return (struct rect){ 0 };
	w = canvas_columns(label, strlen(label));
	at = p->cells.x + (cursor - p->left) * p->cell_w;
	return (struct rect){ clamp(at, p->cells.x, clamp(v->rect.x + v->rect.w - w, p->cells.x, at)), p->head_y, w, 1 };
}

static void draw_tick(struct canvas *c, int x, int y, struct ink ink, int number, struct rect taken)
{
	char text[12];

	snprintf(text, sizeof text, "%d", number);
	if (!taken.w || x + (int)strlen(text) < taken.x || x > taken.x + taken.w)
		canvas_text(c, x, y, ink, text);
}

static void draw_head(struct canvas *c, const struct view *v, const struct plan *p, const struct number_form *form)
{
	const struct axis *axis = &v->table->cols;
	bool narrow = p->cell_w < 4;
	int step = narrow ? tick_step(p, axis->n) : 1, x = p->cells.x, end = p->cells.x + p->cells.w;
	int cursor = v->col < 0 ? -1 : clamp(v->col, 0, axis->n - 1) / p->pool_cols;
	struct ink dim = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_DIM);
	struct rect over_all = label_over_all(v, p);

	if (v->table->rows.name)
		canvas_field(c, p->label_x, p->head_y, p->label_w, label_is_number(&v->table->rows) ? ALIGN_RIGHT : ALIGN_LEFT, dim,
			     v->table->rows.name);
	for (int i = p->left; i < p->left + p->page_cols; i++, x += p->cell_w) {
		const char *label = axis->show[i * p->pool_cols];
		int after = p->zoom == ZOOM_NUMBER && p->cell_w > form->width + 1;

		if (!narrow && p->zoom == ZOOM_NUMBER)
			canvas_field(c, x + 1, p->head_y, p->cell_w - 1 - after, ALIGN_RIGHT, label_ink(v, label, i == cursor), label);
		else if (!narrow)
			canvas_field(c, x + 1, p->head_y, p->cell_w - 1, ALIGN_LEFT, label_ink(v, label, i == cursor), label);
		else if (ceil_div(i * p->pool_cols, step) * step < (i + 1) * p->pool_cols && i != cursor)
			draw_tick(c, x, p->head_y, dim, ceil_div(i * p->pool_cols, step) * step, over_all);
	}
	if (axis->name && !narrow && v->rect.x + v->rect.w - end >= (int)strlen(axis->name) + 2)
		canvas_text(c, end + 1, p->head_y, dim, axis->name);
	if (over_all.w) {
		const char *label = axis->show[clamp(v->col, 0, axis->n - 1)];

		canvas_text(c, over_all.x, p->head_y, label_ink(v, label, true), label);
	}
}

static void draw_label(struct canvas *c, const struct view *v, const struct plan *p, int y, int screen_row)
{
	const struct axis *axis = &v->table->rows;
	int cursor = v->row < 0 ? -1 : plan_screen_row(p, v->table, clamp(v->row, 0, axis->n - 1));
	bool here = cursor >= screen_row && cursor < screen_row + p->stack;
	int row = here ? clamp(v->row, 0, axis->n - 1) : plan_table_row(p, v->table, screen_row);

	canvas_field(c, p->label_x, y, p->label_w, label_is_number(axis) ? ALIGN_RIGHT : ALIGN_LEFT,
		     label_ink(v, axis->show[row], here), axis->show[row]);
}

static void heat_draw(struct canvas *c, const struct view *v, const struct plan *p)
{
	struct number_form form = number_form(v->table, ALL_COLUMNS);
	struct span span = span_of(v->table);

	if (p->head_y >= 0)
		draw_head(c, v, p, &form);
	for (int line = 0; line < p->cells.h; line++) {
		int row = p->top + line * p->stack, y = p->cells.y + line;

		draw_label(c, v, p, y, row);
		for (int i = 0; i < p->page_cols; i++) {
			int x = p->cells.x + i * p->cell_w;

			if (p->stack == 2)
				draw_halves(c, v, p, &span, x, y, row, p->left + i);
			else
				draw_cell(c, v, p, &span, &form, x, y, row, p->left + i);
		}
	}
}

const struct view_kind view_heat = { .has_columns = true, .has_legend = true, .plan = heat_plan, .draw = heat_draw, .need = heat_need };
