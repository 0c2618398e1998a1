/* sheet.c - see sheet.h. */
#include "tui/figure/sheet.h"

#include <string.h>

#include "tui/figure/cells.h"
#include "tui/views/view.h"
#include "tui/views/views.h"

enum { LABELS_W = 18, WORD_W = 13, ROOM_W = 24, LEAST_W = 72, LIST_W = 90, FOOT = 3, MANY_CELLS = 250000 };

/* How large the table then is: as large as it wants to be. */
static struct rect size_of(const struct view *v)
{
	const struct table *t = v->table;
	int number = number_form(t, ALL_COLUMNS).width + 2, each;
	struct view_size want = view_need(v).want;

	if (view_for(t, v->as) != VIEW_heat)
		return (struct rect){ 0, 0, want.cols > LIST_W ? want.cols : LIST_W, want.rows + FOOT };
	each = v->zoom == ZOOM_HALF ? 1 : v->zoom == ZOOM_WORD ? WORD_W : number > 9 ? number : 9;
	return (struct rect){ 0, 0, LABELS_W + t->cols.n * each + ROOM_W,
			      (v->zoom == ZOOM_HALF ? t->rows.n / 2 + 1 : t->rows.n) + 1 + FOOT };
}

/* As the pane draws it; cells of a heatmap where it leaves open how: with all that there is to read. */
static void choose_view(const struct answer *a, struct view *v)
{
	const struct table *t = a->table;
	long cells = (long)t->rows.n * t->cols.n;

	view_of_words(&a->pane->view, v);
	if (v->zoom == ZOOM_AUTO || v->zoom == ZOOM_FIT)
		v->zoom = cells > MANY_CELLS ? ZOOM_HALF : t->word_show ? ZOOM_WORD : ZOOM_NUMBER;
}

static const struct cell *row_at(const struct canvas *c, int y)
{
	return c->cell + (size_t)y * (size_t)c->w;
}

/* How many columns of a row have something in them. */
static int used_columns(const struct canvas *c, int y)
{
	const struct cell *row = row_at(c, y);
	int32_t ground = row_at(c, c->h - 1)[c->w - 1].ink.bg;
	int n = c->w;

	while (n > 0 && !strcmp(row[n - 1].text, " ") && row[n - 1].ink.bg == ground)
		n--;
	return n;
}

/* Without the blank rows that the view left above its legend, and as narrow as its widest row. */
static void crop(const struct canvas *from, struct canvas *to)
{
	int w = 1, h = 0;

	for (int y = 0; y < from->h; y++) {
		int n = used_columns(from, y);

		w = n > w ? n : w;
		h += n > 0;
	}
	canvas_init(to, w, h);
	for (int y = 0, at = 0; y < from->h; y++)
		if (used_columns(from, y))
			memcpy(to->cell + (size_t)at++ * (size_t)w, row_at(from, y), (size_t)w * sizeof *to->cell);
}

/* One line of text for each line of `text`; returns how many. */
static int draw_lines(struct canvas *c, int y, struct ink ink, const char *text)
{
	int lines = 0;

	for (; *text; lines++) {
		size_t n = strcspn(text, "\n");

		if (c)
			canvas_text_n(c, 1, y + lines, ink, text, n);
		text += n + (text[n] == '\n');
	}
	return lines;
}

static void draw(const struct answer *a, const struct theme *theme, struct canvas *used)
{
	struct view view = { .table = a->table, .before = a->before, .theme = theme, .row = -1, .col = -1 };
	struct view_state state = { 0 };
	struct canvas whole;
	struct str question;
	struct ink title = theme_ink(theme, STYLE_TITLE), dim = theme_ink(theme, STYLE_DIM);
	int top;

	str_init(&question);
	export_question(a, &question);
	top = 1 + draw_lines(NULL, 0, dim, question.s);
	choose_view(a, &view);
	view.rect = size_of(&view);
	view.rect.y = top;
	if (view.rect.w < LEAST_W)
		view.rect.w = LEAST_W;
	title.attr |= INK_BOLD;
	canvas_init(&whole, view.rect.w, top + view.rect.h + 1);
	canvas_reset(&whole, whole.w, whole.h, theme_ink(theme, STYLE_TEXT));
	canvas_text(&whole, 1, 0, title, a->table->title);
	draw_lines(&whole, 1, dim, question.s);
	view_draw(&whole, &view, &state);
	crop(&whole, used);
	canvas_done(&whole);
	str_done(&question);
}

void sheet_ans(const struct answer *a, const struct theme *theme, struct str *out)
{
	struct canvas used;

	draw(a, theme, &used);
	cells_ans(&used, out);
	canvas_done(&used);
}

void sheet_text(const struct answer *a, const struct theme *theme, struct str *out)
{
	struct canvas used;

	draw(a, theme, &used);
	canvas_dump(&used, out);
	canvas_done(&used);
}
