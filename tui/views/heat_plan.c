/*
 * heat_plan.c - which kind of picture a heatmap is, and where its rows and columns are. See heat.h.
 */
#include "tui/views/heat.h"

#include <string.h>

enum { COLUMNS_MANY = 200 /* more than any terminal has room for, as words */ };
enum { WORD_MIN = 7, WORD_USUAL = 8, WORD_MAX = 13, WORD_COLUMNS = 4, LABEL_MAX = 14, LINES_MAX = 3 };

/*
 * Columns of the widest word, and a space on its left. Where the columns do not all fit anyway, it makes no difference: the words
 * of a long prompt are not measured with each frame.
 */
static int word_width(const struct table *t)
{
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;
	int widest = t->cols.n > COLUMNS_MANY ? WORD_MAX : 0;

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
	int labels = label_is_number(&t->cols) ? 0 : clamp(label_columns(&t->cols, 8) + 1, 0, 9), number;

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
	*most = zoom == ZOOM_SHADE && labels ? 6 : t->look == LOOK_ATTENTION ? 2 : 6;
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

/* Words where there are any, as long as some fit side by side; then the richest in which all fits. */
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
	if (t->units > 1 && columns_fit(v, ZOOM_NUMBER, w)) /* of unlike columns colours say little */
		return ZOOM_NUMBER;
	for (int i = 0; i < (t->mark ? 2 : 3); i++) /* half a cell has no room for a mark */
		if (all_fits(v, richest[i], w, h))
			return richest[i];
	/* Then numbers for some of the rows; shades say no more than halves do, for half as many. */
	return columns_fit(v, ZOOM_NUMBER, w)				       ? ZOOM_NUMBER
	       : stack_of(v, ZOOM_HALF) == 2 || !columns_fit(v, ZOOM_SHADE, w) ? ZOOM_HALF
									       : ZOOM_SHADE;
}

/* Where there is room, each word has its number: beside it, or else below it. */
static void add_numbers(const struct view *v, struct plan *p, int w, int h)
{
	int number = number_form(v->table, ALL_COLUMNS).width + 1, word = word_width(v->table);

	if (p->page_cols == p->cols && w / p->cols >= clamp(word, WORD_MIN, WORD_USUAL) + number) {
		p->number_w = number;
		p->cell_w = clamp(w / p->cols, 0, word + number);
	} else if (p->rows * 2 <= h) {
		p->lines = 2;
	}
}

/* Shades fill the lines and columns that there are, as tall as they are broad to the eye. */
static void grow(struct plan *p, int w, int h)
{
	p->lines = clamp(h / p->rows, 1, LINES_MAX);
	if (p->lines > 1)
		p->cell_w = clamp(w / p->page_cols, p->cell_w, p->cell_w > 2 * p->lines ? p->cell_w : 2 * p->lines);
}

static void lay_out(const struct view *v, struct plan *p, int w, int h)
{
	const struct table *t = v->table;
	int least, most;

	p->stack = t->rows.n <= h ? 1 : stack_of(v, p->zoom);
	p->lines = p->pool_rows = p->pool_cols = 1;
	p->number_w = 0;
	if (p->zoom == ZOOM_FIT) {
		p->pool_rows = ceil_div(t->rows.n, h * p->stack);
		p->pool_cols = ceil_div(t->cols.n, w);
	}
	p->rows = ceil_div(t->rows.n, p->pool_rows);
	p->cols = ceil_div(t->cols.n, p->pool_cols);
	cell_width(v, p->zoom, &least, &most);
	p->page_cols = clamp(p->cols * least <= w ? p->cols : w / (p->zoom == ZOOM_WORD ? WORD_USUAL : least), 1, p->cols);
	p->cell_w = clamp(w / p->page_cols, least, most);
	if (p->zoom == ZOOM_WORD)
		add_numbers(v, p, w, h);
	else if (p->zoom != ZOOM_NUMBER && p->stack == 1)
		grow(p, w, h);
	p->page_rows = clamp(h * p->stack / p->lines, 1, p->rows);
	p->cells.w = p->page_cols * p->cell_w;
	p->cells.h = ceil_div(p->page_rows, p->stack) * p->lines;
}

/* Columns of the row labels, in a rectangle of w. */
static int labels_width(const struct table *t, int w)
{
	int name = t->rows.name ? (int)strlen(t->rows.name) : 0,
	    labels = clamp(label_columns(&t->rows, LABEL_MAX), 1, clamp(w / 4, 2, LABEL_MAX));

	return w >= MARGIN_FROM && labels < name ? clamp(name, 1, 8) : labels;
}

struct view_need heat_need(const struct view *v, enum zoom zoom)
{
	enum { SOME = 4, HEAD = 1, FOOT = 1, FOOT_MOST = 3, ROOMY = 1000 };
	const struct table *t = v->table;
	int label = 1 + labels_width(t, ROOMY) + 1, end = t->cols.name ? (int)strlen(t->cols.name) + 2 : 1, least, most, small,
	    unused;
	int rows = ceil_div(t->rows.n, zoom == ZOOM_HALF ? stack_of(v, zoom) : 1), some = t->cols.n < SOME ? t->cols.n : SOME,
	    lines = 1;
	bool halves = zoom == ZOOM_AUTO && !t->word_show && !t->mark && t->units <= 1 && stack_of(v, ZOOM_HALF) == 2;

	if (zoom == ZOOM_AUTO || zoom == ZOOM_WORD)
		zoom = t->word_show ? ZOOM_WORD : ZOOM_NUMBER;
	cell_width(v, zoom, &least, &most);
	cell_width(v, zoom == ZOOM_NUMBER ? ZOOM_SHADE : zoom, &small, &unused);
	if (zoom == ZOOM_WORD) {
		most += number_form(t, ALL_COLUMNS).width + 1;
		lines = 2;
	} else if (zoom != ZOOM_NUMBER) {
		most = most > 2 * LINES_MAX ? most : 2 * LINES_MAX;
		lines = LINES_MAX;
	}
	return (struct view_need){
		.min = { HEAD + (rows < SOME ? rows : SOME) + FOOT, label + some * small },
		.want = { HEAD + rows + FOOT, label + t->cols.n * least },
		.most = { HEAD + t->rows.n * lines + FOOT_MOST, label + t->cols.n * most + end },
		.instead_rows = halves ? HEAD + ceil_div(t->rows.n, 2) + FOOT : 0,
	};
}

void heat_plan(const struct view *v, enum zoom zoom, struct plan *p)
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
	foot = foot > v->edge ? foot : v->edge;
	p->foot_lines = foot ? 1 : 0;
	p->zoom = choose(v, zoom, w, r.h - head - p->foot_lines);
	lay_out(v, p, w, r.h - head - p->foot_lines);
	if (p->page_rows == p->rows) /* the rows come before a second line below them */
		foot = clamp(r.h - head - p->cells.h, foot > 0, foot);
	p->foot_lines = foot_lines(v, &view_heat, p, foot);
	lay_out(v, p, w, r.h - head - p->foot_lines);
}
