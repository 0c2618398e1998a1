/*
 * ranking.c - a list of words with a bar each: what comes next, how likely, and how likely it was before the edits.
 *
 *     ·Paris  .712 ██████████▏  15.5  was .741
 *
 * Columns of the table are known by their names: probability, logit, and the same before the edits.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/views/views.h"

#define BAR_SHADE 0.65f /* one colour for all bars: their length says how much */

enum { WORD_MIN = 6, WORD_MAX = 16, BAR_MIN = 6, BAR_MAX = 40, PROBABILITY_DECIMALS = 3 };

static double value(const struct table *t, int row, int col)
{
	return col < 0 ? (double)NAN : (double)t->value[table_cell(t, row, col)];
}

/* Which columns of the screen there are; 0 wide: no room, or nothing to say. */
struct lanes {
	int main, logit, before; /* the table's columns; -1: none */
	struct number_form main_form, logit_form;
	int word_x, word_w, main_x, bar_x, bar_w, logit_x, logit_w, was_x, was_w;
	double greatest; /* the value that fills a bar */
};

static bool changed(const struct table *t, int now, int before)
{
	for (int r = 0; r < t->rows.n && now >= 0 && before >= 0; r++)
		if (value(t, r, now) != value(t, r, before))
			return true;
	return false;
}

static bool is_difference(const struct table *t)
{
	return t->scale == SCALE_DIVERGING;
}

static struct ink bar_ink(const struct view *v, double x)
{
	if (v->stale)
		return theme_ink(v->theme, STYLE_STALE);
	if (is_difference(v->table))
		return theme_ink(v->theme, x < 0 ? STYLE_NEGATIVE : STYLE_POSITIVE);
	return theme_bar_ink(v->theme, RAMP_PROBABILITY, BAR_SHADE);
}

struct ranking ranking_columns(const struct table *t)
{
	struct ranking r = t->ranking;

	if (is_difference(t)) /* what was is in it already */
		r.before = -1;
	return r;
}

struct number_form ranking_form(const struct table *t, int main)
{
	struct number_form form = number_form(t, main);

	if (form.bare) {
		form.decimals = PROBABILITY_DECIMALS;
		form.width = is_difference(t) ? 6 : 5;
	}
	return form;
}

static struct lanes lanes_of(const struct view *v)
{
	const struct table *t = v->table;
	struct ranking columns = ranking_columns(t);
	struct lanes l = { .main = columns.main, .logit = columns.beside, .before = columns.before };
	int left = v->rect.x + (v->rect.w >= MARGIN_FROM), room, word = WORD_MIN;

	l.main_form = ranking_form(t, l.main);
	l.logit_form = number_form(t, l.logit < 0 ? l.main : l.logit);
	for (int r = 0; r < t->rows.n; r++) {
		const char *text = t->word_show ? t->word_show[table_cell(t, r, 0)] : t->rows.show[r];
		int w = text ? canvas_columns(text, strlen(text)) : 0;

		word = clamp(w, word, WORD_MAX);
		l.greatest = fmax(l.greatest, fmax(fabs(value(t, r, l.main)), l.before < 0 ? 0 : fabs(value(t, r, l.before))));
	}
	l.word_x = left;
	l.word_w = clamp(word, 1, clamp(v->rect.w / 3, WORD_MIN, WORD_MAX));
	l.main_x = left + l.word_w + 1;
	l.bar_x = l.main_x + l.main_form.width + 1;
	room = v->rect.x + v->rect.w - l.bar_x - 1;
	l.was_w = changed(t, l.main, l.before) ? l.main_form.width + 4 : 0; /* "was .741" */
	if (room < BAR_MIN + l.was_w + 1)
		l.was_w = 0;
	l.logit_w = l.logit >= 0 ? l.logit_form.width : 0;
	if (room < BAR_MIN + (l.was_w ? l.was_w + 2 : 0) + l.logit_w + 1)
		l.logit_w = 0;
	l.bar_w = clamp(room - (l.was_w ? l.was_w + 2 : 0) - (l.logit_w ? l.logit_w + 1 : 0), 0, BAR_MAX);
	l.logit_x = l.bar_x + l.bar_w + 1;
	l.was_x = l.logit_x + (l.logit_w ? l.logit_w + 2 : 0);
	return l;
}

static void ranking_plan(const struct view *v, enum zoom zoom, struct plan *p)
{
	struct rect r = v->rect;
	int foot = r.h >= 10 ? 2 : r.h >= 4;

	(void)zoom; /* a list has but one */
	p->zoom = ZOOM_WORD;
	p->head_y = r.h >= 6 ? r.y : -1;
	p->cells = (struct rect){ r.x, r.y + (p->head_y >= 0), r.w, 0 };
	p->label_x = r.x;
	p->cell_w = r.w;
	p->rows = v->table->rows.n;
	p->cols = p->page_cols = 1;
	p->page_rows = clamp(r.h - (p->head_y >= 0) - (foot ? 1 : 0), 1, p->rows);
	p->foot_lines = foot_lines(v, &view_ranking, p, foot);
	p->page_rows = clamp(r.h - (p->head_y >= 0) - p->foot_lines, 1, p->rows);
	p->cells.h = p->page_rows;
}

static struct view_need ranking_need(const struct view *v, enum zoom zoom)
{
	enum { SOME = 3, USEFUL = 7, HEAD = 1, FOOT = 1, FOOT_MOST = 2, NUMBERS = 6, LOGIT = 7, WAS = 11 };
	int rows = v->table->rows.n;

	(void)zoom;
	return (struct view_need){
		.min = { (rows < SOME ? rows : SOME) + HEAD + FOOT, 1 + WORD_MIN + NUMBERS + BAR_MIN },
		.enough_rows = (rows < USEFUL ? rows : USEFUL) + HEAD + FOOT,
		.want = { rows + HEAD + FOOT, 1 + WORD_MIN + 2 + NUMBERS + BAR_MIN + LOGIT + (v->before ? WAS : 0) },
		.most = { rows + HEAD + FOOT_MOST, 1 + WORD_MAX + NUMBERS + BAR_MAX + LOGIT + WAS },
	};
}

static void draw_head(struct canvas *c, const struct view *v, const struct lanes *l, int y)
{
	struct ink dim = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_DIM);
	const struct table *t = v->table;
	const char *main = t->cols.show[l->main];
	int main_w = canvas_columns(main, strlen(main));

	/* The name is over the numbers and continues over the bars. */
	canvas_field(c, l->main_x, y, clamp(main_w, 0, l->main_form.width + 1 + l->bar_w), ALIGN_LEFT, dim, main);
	if (l->logit_w)
		canvas_field(c, l->logit_x + l->logit_w - clamp(l->logit_w, 5, 5), y, 5, ALIGN_RIGHT, dim, t->cols.show[l->logit]);
}

static void draw_row(struct canvas *c, const struct view *v, const struct lanes *l, int y, int row)
{
	const struct table *t = v->table;
	bool here = v->row >= 0 && clamp(v->row, 0, t->rows.n - 1) == row, ascii = theme_ascii(v->theme);
	const char *word = t->word_show ? t->word_show[table_cell(t, row, 0)] : t->rows.show[row];
	double now = value(t, row, l->main), before = value(t, row, l->before),
	       unit = l->greatest > 0 ? l->bar_w * 8 / l->greatest : 0;
	struct ink text = theme_ink(v->theme, v->stale ? STYLE_STALE : STYLE_TEXT), ghost = theme_ink(v->theme, STYLE_GHOST);
	struct ink mark = here ? cursor_ink(v, text) : text;
	char number[NUMBER_BYTES], was[NUMBER_BYTES + 8];
	int cells;

	if (search_finds(v, word))
		mark = theme_ink(v->theme, STYLE_MATCH);
	canvas_field(c, l->word_x, y, l->word_w, ALIGN_LEFT, mark, word ? word : "");
	if (here)
		cursor_brackets(c, v, l->word_x - 1, y, l->word_w + 2);
	canvas_field(c, l->main_x, y, l->main_form.width, ALIGN_RIGHT, text, number_print(&l->main_form, (float)now, number));
	if (isfinite(before) && before != now) {
		cells = (int)lround(before * unit + 4) / 8;
		canvas_repeat(c, l->bar_x, y, clamp(cells, 0, l->bar_w), ghost, "░");
	}
	if (isfinite(now))
		bar_draw(c, l->bar_x, y, (int)lround(fabs(now) * unit), bar_ink(v, now), ascii);
	if (l->logit_w)
		canvas_field(c, l->logit_x, y, l->logit_w, ALIGN_RIGHT, theme_ink(v->theme, STYLE_DIM),
			     number_print(&l->logit_form, (float)value(t, row, l->logit), number));
	if (l->was_w && isfinite(before) && before != now) {
		snprintf(was, sizeof was, "was %s", number_print(&l->main_form, (float)before, number));
		canvas_field(c, l->was_x, y, l->was_w, ALIGN_LEFT, theme_ink(v->theme, STYLE_EDITED), was);
	}
}

static void ranking_draw(struct canvas *c, const struct view *v, const struct plan *p)
{
	struct lanes l = lanes_of(v);

	if (p->head_y >= 0)
		draw_head(c, v, &l, p->head_y);
	for (int i = 0; i < p->page_rows; i++)
		draw_row(c, v, &l, p->cells.y + i, p->top + i);
}

static enum fit ranking_fits(const struct table *t)
{
	return t->look == LOOK_RANKING ? FITS_BEST : FITS_NOT;
}

const struct view_kind view_ranking = { .fits = ranking_fits, .plan = ranking_plan, .draw = ranking_draw, .need = ranking_need };
