/*
 * heat.c - rows × columns as coloured cells: words, numbers, shades, or half blocks where many have to fit. Attention is the same
 * with blanks above its diagonal. What is neutral looks like the background.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/views/heat.h"

/* A cell on its way to the canvas. */
struct heat_cell {
	const struct view *v;
	const struct plan *p;
	const struct span *span;
	const struct number_form *form;
	int x, y, screen_row, screen_col;
	size_t cell;	    /* of the table: the first, where several are pooled */
	float value, paint; /* what it is, and what its colour is the colour of */
	bool cursor;
	struct ink ink; /* on its ramp */
};

/* A value and the one whose colour it has: not the same where a first token is muted. */
struct painted {
	float value, paint;
};

/*
 * What a cell shows: the value, or of several the one that is farthest from neutral; or (`older`) what it was, while that is not
 * known.
 */
static struct painted pooled_of(const struct view *v, const struct plan *p, const struct span *span, int screen_row, int screen_col,
				bool older)
{
	const struct table *t = v->table;
	struct painted most = { NAN, NAN };

	if (screen_row >= p->rows)
		return most;
	for (int i = 0; i < p->pool_rows && screen_row * p->pool_rows + i < t->rows.n; i++)
		for (int j = 0; j < p->pool_cols && screen_col * p->pool_cols + j < t->cols.n; j++) {
			int at = screen_row * p->pool_rows + i, row = p->upwards ? t->rows.n - 1 - at : at,
			    col = screen_col * p->pool_cols + j;
			float x = older ? older_value(v, row, col) : t->value[table_cell(t, row, col)];
			float paint = older ? x : span_paint(span, t, v->sink_in, row, col);

			if (!isnan(x) && (isnan(most.value) || span_strength(span, paint) > span_strength(span, most.paint)))
				most = (struct painted){ x, paint };
		}
	return most;
}

static struct painted pooled(const struct view *v, const struct plan *p, const struct span *span, int screen_row, int screen_col)
{
	return pooled_of(v, p, span, screen_row, screen_col, false);
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

/* A value of the table before, where only a new one will have its colour: as a number where numbers are, else as a muted glyph. */
static void draw_older(struct canvas *c, const struct heat_cell *s, float value)
{
	static const char *const by_strength[] = { "·", "░", "▒", "▓" };
	int strength = (int)(span_strength(s->span, value) * 4);
	bool numbers = s->p->zoom == ZOOM_WORD || s->p->zoom == ZOOM_NUMBER;
	struct ink ink = older_ink(s->v);
	char number[NUMBER_BYTES];

	ink.mark = s->cursor ? cursor_ink(s->v, ink).mark : ink.mark;
	if (numbers && !span_is_quiet(s->span, value))
		canvas_field(c, s->x + 1, s->y, s->p->cell_w - 1 - (s->p->cell_w > s->form->width + 1), ALIGN_RIGHT, ink,
			     number_print(s->form, value, number));
	else
		canvas_field(c, s->x, s->y, s->p->cell_w, ALIGN_CENTRE, ink,
			     span_is_quiet(s->span, value) ? theme_dot(s->v->theme) : by_strength[strength > 3 ? 3 : strength]);
}

/* Of an unfinished table: a cell that is not known yet, as against one that cannot be, which is blank. */
static void draw_not_yet(struct canvas *c, const struct heat_cell *s)
{
	struct ink ink = theme_ink(s->v->theme, STYLE_BORDER);
	float older = pooled_of(s->v, s->p, s->span, s->screen_row, s->screen_col, true).value;

	if (!isnan(older)) {
		draw_older(c, s, older);
		return;
	}
	ink.mark = s->cursor ? cursor_ink(s->v, ink).mark : ink.mark;
	canvas_field(c, s->x, s->y, s->p->cell_w, ALIGN_CENTRE, ink, "…");
}

/* Text in w columns of a cell, whose background is the value's; at the cursor a line is under the text alone. */
static void draw_field(struct canvas *c, const struct heat_cell *s, int x, int y, int w, enum align align, struct ink ink,
		       const char *text)
{
	int columns = canvas_columns(text, strlen(text)), from = align == ALIGN_RIGHT && columns < w ? x + w - columns : x;

	canvas_field(c, x, y, w, align, ink, text);
	if (s->cursor)
		canvas_field(c, from, y, columns < w ? columns : w, ALIGN_LEFT, cursor_ink(s->v, ink), text);
}

static void draw_shade(struct canvas *c, const struct heat_cell *s)
{
	enum ramp ramp = ramp_of(s->span->scale);
	float at = span_at(s->span, s->paint);
	bool quiet = span_is_quiet(s->span, s->value);
	const char *glyph = quiet ? theme_dot(s->v->theme) : theme_shade(s->v->theme, ramp, at);
	struct ink ink = quiet ? s->ink : theme_shade_ink(s->v->theme, ramp, at);

	if (s->cursor)
		ink.mark = cursor_ink(s->v, ink).mark;
	if (s->cursor && strcmp(glyph, " ") && s->p->cell_w <= 2) /* no column is free for marks */
		ink = cursor_ink(s->v, ink);
	for (int line = 0; line < s->p->lines; line++)
		if (!quiet && strcmp(glyph, "·"))
			canvas_repeat(c, s->x, s->y + line, s->p->cell_w, ink, glyph);
		else /* next to nothing is one dot, not a line of them */
			canvas_field(c, s->x, s->y + line, s->p->cell_w, ALIGN_CENTRE, ink,
				     line == (s->p->lines - 1) / 2 ? glyph : "");
	if (s->cursor && strcmp(glyph, " ") && s->p->cell_w > 2) { /* room for the marks beside the glyph */
		canvas_text(c, s->x, s->y, ink, " ");
		canvas_text(c, s->x + s->p->cell_w - 1, s->y, ink, " ");
	}
}

static void draw_word(struct canvas *c, const struct heat_cell *s)
{
	const struct table *t = s->v->table;
	const char *text = t->word_show[s->cell] ? t->word_show[s->cell] : "";
	int w = s->p->cell_w - 1 - s->p->number_w;
	struct ink ink = search_finds(s->v, text) ? theme_ink(s->v->theme, STYLE_MATCH) : s->ink;
	char number[NUMBER_BYTES];

	draw_field(c, s, s->x + 1, s->y, w, ALIGN_LEFT, ink, text);
	if (word_changed(s->v, s->cell)) { /* a line under the word, not under the cell */
		int columns = canvas_columns(text, strlen(text));

		ink.attr |= INK_UNDERLINE;
		ink.mark = theme_ink(s->v->theme, STYLE_EDITED).mark;
		canvas_field(c, s->x + 1, s->y, columns < w ? columns : w, ALIGN_LEFT, ink, text);
	}
	if (s->p->number_w)
		canvas_field(c, s->x + 1 + w, s->y, s->p->number_w, ALIGN_RIGHT, s->ink, number_print(s->form, s->value, number));
	else if (s->p->lines > 1)
		canvas_field(c, s->x + 1, s->y + 1, w, ALIGN_LEFT, s->ink, number_print(s->form, s->value, number));
}

/* A column that is no like quantity of those that the colours are for. */
static bool has_own_numbers(const struct heat_cell *s)
{
	return s->v->table->range_cols && s->screen_col >= s->v->table->range_cols && s->p->zoom == ZOOM_NUMBER;
}

static void draw_number(struct canvas *c, const struct heat_cell *s)
{
	const bool own = has_own_numbers(s);
	const bool unlike = s->v->table->units > 1 && s->p->zoom == ZOOM_NUMBER;
	struct number_form form = own || unlike ? number_form(s->v->table, s->screen_col) : *s->form;
	int after = s->p->cell_w > s->form->width + 1;
	char number[NUMBER_BYTES];
	const char *text =
		!own && span_is_quiet(s->span, s->value) ? theme_dot(s->v->theme) : number_print(&form, s->value, number);

	draw_field(c, s, s->x + 1, s->y, s->p->cell_w - 1 - after, ALIGN_RIGHT, s->ink, text);
}

static struct ink edited_on(const struct heat_cell *s)
{
	struct ink ink = theme_ink_on(s->v->theme, STYLE_EDITED, s->ink);

	ink.mark = s->cursor ? s->ink.mark : ink.mark;
	return ink;
}

/* A cell of one line or more: a word, a number or a shade. */
static void draw_cell(struct canvas *c, struct heat_cell *s)
{
	const struct table *t = s->v->table;
	bool shade = s->p->zoom != ZOOM_WORD && s->p->zoom != ZOOM_NUMBER;
	struct painted shown;

	s->cell = table_cell(t, plan_table_row(s->p, t, s->screen_row), s->screen_col * s->p->pool_cols);
	shown = pooled(s->v, s->p, s->span, s->screen_row, s->screen_col);
	s->value = shown.value;
	s->paint = shown.paint;
	s->cursor = cursor_is_at(s->v, s->p, s->screen_row, s->screen_col);
	s->ink = has_own_numbers(s) ? theme_ink(s->v->theme, STYLE_TEXT) : value_ink(s->v->theme, s->span, s->paint);
	/* the dot that stands for next to nothing */
	if (s->p->zoom != ZOOM_WORD && !has_own_numbers(s) && span_is_quiet(s->span, s->value))
		s->ink.fg = theme_ink(s->v->theme, STYLE_DIM).fg;
	if (s->cursor)
		s->ink.mark = cursor_ink(s->v, s->ink).mark;
	canvas_fill(c, (struct rect){ s->x, s->y, s->p->cell_w, s->p->lines }, s->ink);
	if (t->unfinished && isnan(s->value))
		draw_not_yet(c, s);
	else if (shade)
		draw_shade(c, s);
	else if (s->p->zoom == ZOOM_WORD)
		draw_word(c, s);
	else
		draw_number(c, s);
	if (s->p->held && s->p->cell_w > 2 && span_is_beyond(s->span, s->value)) /* more than its colour says */
		canvas_text(c, s->x, s->y, edited_on(s), s->value > s->span->hi ? "▴" : "▾");
	if (t->mark && t->mark[s->cell] && s->p->pool_cols == 1 && s->p->cell_w > 1)
		canvas_text(c, s->x + s->p->cell_w - 1, s->y, s->ink, "!");
}

/*
 * Two cells above one another in a line. The cursor is shown by the labels alone: any mark in half a cell would look like a
 * value.
 */
static void draw_halves(struct canvas *c, const struct heat_cell *s)
{
	bool below = s->screen_row + 1 < s->p->top + s->p->page_rows;
	float upper = pooled(s->v, s->p, s->span, s->screen_row, s->screen_col).paint;
	float lower = below ? pooled(s->v, s->p, s->span, s->screen_row + 1, s->screen_col).paint : NAN;
	struct ink ink;
	const char *glyph;

	if (s->v->table->unfinished && isnan(upper) && (!below || isnan(lower))) {
		draw_not_yet(c, s);
		return;
	}
	glyph = theme_halves(s->v->theme, ramp_of(s->span->scale), span_is_quiet(s->span, upper) ? NAN : span_at(s->span, upper),
			     span_is_quiet(s->span, lower) ? NAN : span_at(s->span, lower), &ink);
	canvas_repeat(c, s->x, s->y, s->p->cell_w, ink, glyph);
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

/* Returns the first column after it that is free; x: it was left out for what is in its place. */
static int draw_tick(struct canvas *c, int x, int y, struct ink ink, const char *text, struct rect taken)
{
	const int w = canvas_columns(text, strlen(text));

	if (taken.w && x + w >= taken.x && x <= taken.x + taken.w)
		return x;
	canvas_text(c, x, y, ink, text);
	return x + w + 1;
}

/* A column of something else than the tokens, such as what a bias has: its index would look like a position. */
static bool has_only_a_name(const struct axis *axis, int i)
{
	return axis->id ? axis->id[i] < 0 : !label_is_number(axis);
}

/* A name begins within so many columns of the screen, or right after them. */
static bool name_follows(const struct axis *axis, const struct plan *p, int col, int w)
{
	for (int i = col + 1; i < p->left + p->page_cols && (i - col) * p->cell_w <= w; i++)
		if (has_only_a_name(axis, i * p->pool_cols))
			return true;
	return false;
}

/* Above narrow columns: the index of some; the names of those that have only one, as far as they do not run into each other. */
static void draw_ticks(struct canvas *c, const struct view *v, const struct plan *p, struct rect taken)
{
	const struct axis *axis = &v->table->cols;
	const int step = tick_step(p, axis->n), cursor = v->col < 0 ? -1 : clamp(v->col, 0, axis->n - 1) / p->pool_cols;
	struct ink dim = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_DIM);
	int x = p->cells.x, free = x;
	char number[12];

	for (int i = p->left; i < p->left + p->page_cols; i++, x += p->cell_w) {
		const int first = i * p->pool_cols, tick = ceil_div(first, step) * step;
		const char *name = axis->show[first];

		if (i == cursor || x < free)
			continue;
		snprintf(number, sizeof number, "%d", tick);
		if (has_only_a_name(axis, first) && x + canvas_columns(name, strlen(name)) <= v->rect.x + v->rect.w)
			free = draw_tick(c, x, p->head_y, dim, name, taken);
		else if (!has_only_a_name(axis, first) && tick < first + p->pool_cols &&
			 !name_follows(axis, p, i, (int)strlen(number)))
			draw_tick(c, x, p->head_y, dim, number, taken);
	}
}

static void draw_head(struct canvas *c, const struct view *v, const struct plan *p, const struct number_form *form)
{
	const struct axis *axis = &v->table->cols;
	bool narrow = p->cell_w < 4;
	int x = p->cells.x, end = p->cells.x + p->cells.w;
	int cursor = v->col < 0 ? -1 : clamp(v->col, 0, axis->n - 1) / p->pool_cols;
	struct ink dim = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_DIM);
	struct rect over_all = label_over_all(v, p);

	if (v->table->rows.name)
		canvas_field(c, p->label_x, p->head_y, p->label_w, label_is_number(&v->table->rows) ? ALIGN_RIGHT : ALIGN_LEFT, dim,
			     v->table->rows.name);
	if (narrow)
		draw_ticks(c, v, p, over_all);
	for (int i = p->left; !narrow && i < p->left + p->page_cols; i++, x += p->cell_w) {
		const char *label = axis->show[i * p->pool_cols];
		int after = p->zoom == ZOOM_NUMBER && p->cell_w > form->width + 1;

		if (p->zoom == ZOOM_NUMBER)
			canvas_field(c, x + 1, p->head_y, p->cell_w - 1 - after, ALIGN_RIGHT, label_ink(v, label, i == cursor),
				     label);
		else
			canvas_field(c, x + 1, p->head_y, p->cell_w - 1, ALIGN_LEFT, label_ink(v, label, i == cursor), label);
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

/* ‹ › around the cursor's cell: the second is in the blank column before the next cell where the cell itself has none. */
static void draw_brackets(struct canvas *c, const struct view *v, const struct plan *p)
{
	const struct table *t = v->table;
	int row = v->row < 0 ? -1 : plan_screen_row(p, t, clamp(v->row, 0, t->rows.n - 1)) - p->top;
	int col = v->col < 0 ? -1 : clamp(v->col, 0, t->cols.n - 1) / p->pool_cols - p->left;
	int x = p->cells.x + col * p->cell_w, y = p->cells.y + row * p->lines, end = x + p->cell_w - 1;
	bool own = p->zoom != ZOOM_WORD && p->zoom != ZOOM_NUMBER;

	if (p->stack > 1 || row < 0 || row >= p->page_rows || col < 0 || col >= p->page_cols || (own && p->cell_w < 2))
		return;
	if (!own && rect_holds(c->clip, end, y) && c->cell[y * c->w + end].text[0] != ' ')
		end++;
	cursor_brackets(c, v, x, y, end - x + 1);
}

static void heat_draw(struct canvas *c, const struct view *v, const struct plan *p)
{
	struct number_form form = number_form(v->table, ALL_COLUMNS);
	struct heat_cell cell = { .v = v, .p = p, .span = &p->span, .form = &form };

	if (p->head_y >= 0)
		draw_head(c, v, p, &form);
	for (int line = 0; line < p->cells.h; line += p->lines) {
		cell.screen_row = p->top + line / p->lines * p->stack;
		cell.y = p->cells.y + line;
		draw_label(c, v, p, cell.y, cell.screen_row);
		for (int i = 0; i < p->page_cols; i++) {
			cell.x = p->cells.x + i * p->cell_w;
			cell.screen_col = p->left + i;
			if (p->stack == 2)
				draw_halves(c, &cell);
			else
				draw_cell(c, &cell);
		}
	}
	draw_brackets(c, v, p);
}

/* Whatever a table is, it has rows, columns and numbers. */
static enum fit heat_fits(const struct table *t)
{
	return t->look == LOOK_HEAT || t->look == LOOK_ATTENTION ? FITS_BEST : FITS;
}

/* clang-format off */
const struct view_kind view_heat = {
	.has_columns = true, .has_legend = true,
	.zooms = 1u << ZOOM_WORD | 1u << ZOOM_NUMBER | 1u << ZOOM_SHADE | 1u << ZOOM_HALF | 1u << ZOOM_FIT,
	.fits = heat_fits, .plan = heat_plan, .draw = heat_draw, .need = heat_need,
};
/* clang-format on */
