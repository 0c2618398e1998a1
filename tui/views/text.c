/*
 * text.c - the prompt as a text that is read: each token on the colour of its value, wrapped at words. The table has
 * tokens on one axis, or words and sentences as its rows; of the other it is the cursor's row or column. With numbers, or where
 * there are no colours, a line under each line of text says how much.
 *
 *     The old lighthouse stood on the‹cliff›above the harbour,
 *     and every evening the keeper climbed the long stairs
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "tui/views/views.h"

/*
 * Where each token is, and each word of a sentence: its line, its first column, its columns, and whether a blank is before it, for
 * the cursor. A token is one piece; a row that is a group of tokens has a piece for each of its words.
 */
struct text_pieces {
	struct text_piece {
		int token, line, x, w;
		bool gap;
		const char *show; /* [bytes] what is drawn */
		size_t bytes;
	} * piece;
	int pieces, lines;
};

static bool tokens_on(const struct axis *axis)
{
	return axis->dim == DIM_GROUP || (axis->id && (axis->dim == DIM_POSITION || axis->dim == DIM_KEY));
}

static bool on_rows(const struct table *t)
{
	return tokens_on(&t->rows);
}

static const struct axis *token_axis(const struct table *t)
{
	return on_rows(t) ? &t->rows : &t->cols;
}

/* Text of one table row or column; where both are tokens, as in attention, it would be one of many. */
static enum fit text_fits(const struct table *t)
{
	if (tokens_on(&t->rows) == tokens_on(&t->cols))
		return FITS_NOT;
	return t->look == LOOK_TOKENS ? FITS_BEST : FITS;
}

/* The cell of a token. */
static void cell_of(const struct view *v, int token, int *row, int *col)
{
	const struct table *t = v->table;

	*row = on_rows(t) ? token : v->row < 0 ? 0 : clamp(v->row, 0, t->rows.n - 1);
	*col = !on_rows(t) ? token : v->col < 0 ? 0 : clamp(v->col, 0, t->cols.n - 1);
}

static int cursor_token(const struct view *v)
{
	int at = on_rows(v->table) ? v->row : v->col;

	return at < 0 ? -1 : clamp(at, 0, token_axis(v->table)->n - 1);
}

static struct number_form form_of(const struct view *v)
{
	int row, col;

	cell_of(v, 0, &row, &col);
	return number_form(v->table, on_rows(v->table) ? col : ALL_COLUMNS);
}

static const char dot[] = "·"; /* a blank */

/* What is drawn of a token: without the blank that it begins with, which is a blank on the screen. */
static const char *shown(const struct axis *axis, int i, bool *gap)
{
	const char *text = axis->show[i];
	const bool blank = !axis->label_bytes || (axis->label_bytes[i] && axis->label[i][0] == ' ');

	*gap = text && blank && !strncmp(text, dot, strlen(dot));
	return *gap ? text + strlen(dot) : text ? text : "";
}

/* What a label was before it was made visible: there, a blank and a dot are not the same. */
struct raw {
	const char *at, *end;
};

/* Whether the next of what is shown as a dot is a blank of the text, and goes past it. Where the text ends before, it is one. */
static bool is_blank(struct raw *raw)
{
	const size_t n = strlen(dot);

	for (; raw->at < raw->end; raw->at++) {
		if (*raw->at == ' ')
			return raw->at++, true;
		if ((size_t)(raw->end - raw->at) >= n && !memcmp(raw->at, dot, n))
			return raw->at += n, false;
	}
	return true;
}

/* The first dot after the first byte that is a blank; NULL: none. */
static const char *next_blank(struct raw *raw, const char *show)
{
	for (const char *at = show; (at = strstr(at, dot)); at += strlen(dot))
		if (is_blank(raw) && at > show)
			return at;
	return NULL;
}

/* The pieces of a token or a group; at most one for each byte of what it shows. Returns how many there are. */
static int cut(const struct axis *axis, int i, struct text_piece *piece)
{
	bool gap;
	const char *rest = shown(axis, i, &gap), *end, *text = axis->label_bytes ? axis->label[i] : "";
	struct raw raw = { text + (gap && *text), text + (axis->label_bytes ? axis->label_bytes[i] : 0) };
	int n = 0;

	do {
		end = axis->dim == DIM_GROUP ? next_blank(&raw, rest) : NULL;
		piece[n++] = (struct text_piece){
			.token = i, .gap = gap, .show = rest, .bytes = end ? (size_t)(end - rest) : strlen(rest)
		};
		gap = true;
		rest = end ? end + strlen(dot) : NULL;
	} while (rest);
	return n;
}

static struct text_pieces pieces_of(const struct axis *axis)
{
	struct text_pieces text = { NULL, 0, 0 };
	size_t most = 0;

	for (int i = 0; i < axis->n; i++)
		most += 1 + (axis->dim == DIM_GROUP && axis->show[i] ? strlen(axis->show[i]) : 0);
	text.piece = xcalloc(most + 1, sizeof *text.piece);
	for (int i = 0; i < axis->n; i++)
		text.pieces += cut(axis, i, text.piece + text.pieces);
	return text;
}

static bool ends_line(const struct axis *axis, int i)
{
	size_t n = axis->label_bytes ? axis->label_bytes[i] : 0;

	return n && axis->label[i][n - 1] == '\n';
}

/* The first and the last piece of a token. */
static int first_piece(const struct text_pieces *text, int token)
{
	int i = 0;

	while (i < text->pieces - 1 && text->piece[i].token != token)
		i++;
	return i;
}

static int last_piece(const struct text_pieces *text, int token)
{
	int i = first_piece(text, token);

	while (i < text->pieces - 1 && text->piece[i + 1].token == token)
		i++;
	return i;
}

/* Lines of w columns. A token has at least the columns of its number, where there are numbers. */
static struct text_pieces lay_out(const struct view *v, int w, int number_w)
{
	const struct axis *axis = token_axis(v->table);
	struct text_pieces text = pieces_of(axis);
	int x = 0, line = 0, word = 0; /* word: the first piece of the word that is being set */

	w = w > 1 ? w : 1;
	for (int i = 0; i < text.pieces; i++) {
		struct text_piece *piece = &text.piece[i];
		const bool first = !i || piece[-1].token != piece->token,
			   after_line = i && first && ends_line(axis, piece[-1].token);
		const int least = first && number_w ? number_w : !piece->gap;

		if (piece->gap || number_w || after_line)
			word = i;
		piece->gap = piece->gap || number_w;
		piece->w = clamp(canvas_columns(piece->show, piece->bytes), least, w);
		if (after_line) {
			line++;
			x = 0;
		}
		piece->line = line;
		piece->x = x + (piece->gap && x > 0);
		if (piece->x + piece->w > w &&
		    x > 0) { /* the word goes to the next line, or the rest of a word that began this one does */
			int from = text.piece[word].x > 0 ? word : i;

			line++;
			x = 0;
			for (int k = from; k <= i; k++) {
				text.piece[k].line = line;
				text.piece[k].x = x;
				x += text.piece[k].w;
			}
			if (x > w && from < i) { /* one word alone is longer than a line */
				piece->line = ++line;
				piece->x = 0;
				x = piece->w;
			}
			word = from;
			continue;
		}
		x = piece->x + piece->w;
	}
	text.lines = line + 1;
	return text;
}

/* So few colours that glyphs in a line of their own tell values apart. */
static bool has_marks(const struct view *v, enum zoom zoom)
{
	return zoom == ZOOM_NUMBER || theme_shades(v->theme);
}

static struct text_pieces text_of(const struct view *v, const struct plan *p)
{
	return lay_out(v, p->cells.w, p->number_w);
}

/* All of the text, each line with its numbers below. */
static bool numbers_fit(const struct view *v, int w, int h)
{
	struct text_pieces text = lay_out(v, w, form_of(v).width);

	free(text.piece);
	return 2 * text.lines <= h;
}

static void text_plan(const struct view *v, enum zoom zoom, struct plan *p)
{
	struct rect r = v->rect;
	int foot = r.h >= 10 ? 3 : r.h >= 6 ? 2 : r.h >= 3, cursor = cursor_token(v);
	bool numbers = zoom == ZOOM_NUMBER || (zoom == ZOOM_AUTO && numbers_fit(v, r.w - 2, r.h - foot));
	struct text_pieces text;

	p->zoom = numbers ? ZOOM_NUMBER : ZOOM_SHADE;
	p->lines = has_marks(v, p->zoom) && r.h >= 4 ? 2 : 1;
	p->number_w = p->zoom == ZOOM_NUMBER ? form_of(v).width : 0;
	p->cells = (struct rect){ r.x + 1, r.y, r.w - 2, 0 }; /* a column for the cursor's marks on either side */
	p->cell_w = p->cells.w;
	text = text_of(v, p);
	p->rows = text.lines;
	p->cols = p->page_cols = 1;
	p->cursor_line = cursor < 0 ? -1 : text.piece[first_piece(&text, cursor)].line;
	free(text.piece);
	p->page_rows = clamp((r.h - (foot > 0)) / p->lines, 1, p->rows);
	p->foot_lines = foot_lines(v, &view_text, p, foot);
	p->page_rows = clamp((r.h - p->foot_lines) / p->lines, 1, p->rows);
	p->cells.h = p->page_rows * p->lines;
}

static struct view_need text_need(const struct view *v, enum zoom zoom)
{
	enum { COLUMNS = 72, COLUMNS_MIN = 20, COLUMNS_MOST = 120, FOOT = 1, FOOT_MOST = 3, SOME = 3 };
	int number_w = zoom == ZOOM_NUMBER ? form_of(v).width : 0, lines = has_marks(v, zoom) ? 2 : 1;
	struct text_pieces text = lay_out(v, COLUMNS, number_w);
	int rows = text.lines, w = 0;

	for (int i = 0; i < text.pieces; i++)
		w = text.piece[i].x + text.piece[i].w > w ? text.piece[i].x + text.piece[i].w : w;
	free(text.piece);
	return (struct view_need){
		.min = { (rows < SOME ? rows : SOME) * lines + FOOT, COLUMNS_MIN + 2 },
		.want = { rows * lines + FOOT, (rows > 1 ? COLUMNS : w) + 2 },
		.most = { rows * lines + FOOT_MOST, rows > 1 ? COLUMNS_MOST : w + 2 },
	};
}

/* Under a token: its number, or a glyph for it all along. */
static void draw_mark(struct canvas *c, const struct view *v, const struct plan *p, const struct number_form *form, struct rect r,
		      float value, char mark)
{
	struct ink ink;
	char number[NUMBER_BYTES];
	enum ramp ramp = ramp_of(p->span.scale);
	float at = span_at(&p->span, value);

	if (p->zoom == ZOOM_NUMBER) {
		ink = theme_ink(v->theme, STYLE_DIM);
		ink.mark = mark ? mark : ink.mark;
		canvas_field(c, r.x, r.y, r.w, ALIGN_LEFT, ink, number_print(form, value, number));
		return;
	}
	ink = theme_shade_ink(v->theme, ramp, at);
	ink.mark = mark ? mark : ink.mark;
	canvas_repeat(c, r.x, r.y, r.w, ink,
		      isnan(value) || span_is_quiet(&p->span, value) ? " " : theme_shade(v->theme, ramp, at));
}

static struct ink token_ink(const struct view *v, const struct plan *p, int i)
{
	struct ink ink = theme_ink(v->theme, STYLE_TEXT);
	float older;
	int row, col;

	cell_of(v, i, &row, &col);
	older = older_value(v, row, col);
	if (!isnan(older))
		ink = older_ink(v);
	else if (!isnan(v->table->value[table_cell(v->table, row, col)]))
		ink = value_ink(v->theme, &p->span, span_paint(&p->span, v->table, v->sink_in, row, col));
	else if (v->table->unfinished)
		ink = theme_ink(v->theme, STYLE_DIM);
	if (search_finds(v, token_axis(v->table)->show[i]))
		ink = theme_ink(v->theme, STYLE_MATCH);
	if (v->stale)
		ink.fg = theme_ink(v->theme, STYLE_STALE).fg;
	return ink;
}

/* `first` of its token: its number is there. The blank between two words of a group has its colour, too. */
static void draw_piece(struct canvas *c, const struct view *v, const struct plan *p, const struct number_form *form,
		       const struct text_piece *piece, bool first)
{
	int x = p->cells.x + piece->x, y = p->cells.y + (piece->line - p->top) * p->lines, row, col;
	const bool here = piece->token == cursor_token(v);
	struct ink ink = token_ink(v, p, piece->token);
	char show[512];

	ink = here ? cursor_ink(v, ink) : ink;
	if (!first && piece->gap && piece->x > 0)
		canvas_field(c, x - 1, y, 1, ALIGN_LEFT, ink, " ");
	snprintf(show, sizeof show, "%.*s", (int)(piece->bytes < sizeof show ? piece->bytes : sizeof show - 1), piece->show);
	canvas_field(c, x, y, piece->w, ALIGN_LEFT, ink, show);
	cell_of(v, piece->token, &row, &col);
	if (p->lines > 1 && (first || p->zoom != ZOOM_NUMBER))
		draw_mark(c, v, p, form, (struct rect){ x, y + 1, piece->w, 1 }, v->table->value[table_cell(v->table, row, col)],
			  here ? ink.mark : 0);
}

static bool on_page(const struct plan *p, const struct text_piece *piece)
{
	return piece->line >= p->top && piece->line < p->top + p->page_rows;
}

/* One bracket before the first piece of the cursor's token, one after the last: on the lines that are shown. */
static void draw_cursor(struct canvas *c, const struct view *v, const struct plan *p, const struct text_pieces *text, int cursor)
{
	const struct text_piece *from = &text->piece[first_piece(text, cursor)], *to = &text->piece[last_piece(text, cursor)];

	if (from->line == to->line) {
		if (on_page(p, from))
			cursor_brackets(c, v, p->cells.x + from->x - 1, p->cells.y + (from->line - p->top) * p->lines,
					to->x + to->w - from->x + 2);
		return;
	}
	if (on_page(p, from))
		cursor_bracket(c, v, p->cells.x + from->x - 1, p->cells.y + (from->line - p->top) * p->lines, "‹");
	if (on_page(p, to))
		cursor_bracket(c, v, p->cells.x + to->x + to->w, p->cells.y + (to->line - p->top) * p->lines, "›");
}

static void text_draw(struct canvas *c, const struct view *v, const struct plan *p)
{
	struct text_pieces text = text_of(v, p);
	struct number_form form = form_of(v);
	int cursor = cursor_token(v);

	for (int i = 0; i < text.pieces; i++)
		if (on_page(p, &text.piece[i]))
			draw_piece(c, v, p, &form, &text.piece[i], !i || text.piece[i - 1].token != text.piece[i].token);
	if (cursor >= 0)
		draw_cursor(c, v, p, &text, cursor);
	free(text.piece);
}

static bool text_hit(const struct view *v, const struct plan *p, int x, int y, int *row, int *col)
{
	struct text_pieces text = text_of(v, p);
	int line = p->top + (y - p->cells.y) / p->lines, found = -1;

	for (int i = 0; i < text.pieces && y >= p->cells.y && y < p->cells.y + p->cells.h; i++) {
		const struct text_piece *at = &text.piece[i];

		if (at->line == line && x >= p->cells.x + at->x && x < p->cells.x + at->x + at->w)
			found = at->token;
	}
	free(text.piece);
	if (found < 0)
		return false;
	cell_of(v, found, row, col);
	return true;
}

/* The token of a line that is nearest to a column. */
static int nearest(const struct text_pieces *text, int line, int x)
{
	int best = 0, least = -1;

	for (int i = 0; i < text->pieces; i++) {
		const struct text_piece *at = &text->piece[i];
		int away = abs(at->x + at->w / 2 - x);

		if (at->line == line && (least < 0 || away < least)) {
			best = at->token;
			least = away;
		}
	}
	return best;
}

/* Left and right by token, up and down by line. */
static void text_move(const struct view *v, const struct plan *p, enum view_move move, int *row, int *col)
{
	struct text_pieces text = text_of(v, p);
	int *at = on_rows(v->table) ? row : col, n = token_axis(v->table)->n;
	const struct text_piece *from = &text.piece[first_piece(&text, *at)], *last = &text.piece[last_piece(&text, *at)];
	int line = from->line, x = from->x + from->w / 2, down = last->line + 1;
	int page = p->page_rows > 1 ? p->page_rows - 1 : 1, to = line;

	switch (move) {
	case VIEW_LEFT:
	case VIEW_PAGE_LEFT:
		*at -= *at > 0;
		break;
	case VIEW_RIGHT:
	case VIEW_PAGE_RIGHT:
		*at += *at < n - 1;
		break;
	case VIEW_UP:
		to = line - 1;
		break;
	case VIEW_DOWN:
		to = down;
		break;
	case VIEW_PAGE_UP:
		to = clamp(line - page, 0, line);
		break;
	case VIEW_PAGE_DOWN:
		to = clamp(line + page, line, text.lines - 1);
		break;
	case VIEW_FIRST:
		*at = nearest(&text, line, 0);
		break;
	case VIEW_LAST:
		*at = nearest(&text, line, p->cells.w + 1);
		break;
	case VIEW_TOP:
		*at = 0;
		break;
	case VIEW_BOTTOM:
		*at = n - 1;
		break;
	}
	if (to != line && to >= 0 && to < text.lines)
		*at = nearest(&text, to, x);
	free(text.piece);
}

static bool text_sign(const struct view *v, const struct plan *p, int row, int col, int *x, int *y)
{
	struct text_pieces text = text_of(v, p);
	const struct text_piece at = text.piece[first_piece(&text, on_rows(v->table) ? row : col)];
	int shown_row, shown_col;

	free(text.piece);
	cell_of(v, on_rows(v->table) ? row : col, &shown_row, &shown_col);
	*x = p->cells.x + at.x - 1;
	*y = p->cells.y + (at.line - p->top) * p->lines;
	return shown_row == row && shown_col == col && (at.gap || at.x == 0) && at.line >= p->top &&
	       at.line < p->top + p->page_rows;
}

/* Of several rows or columns: which one is read. */
static void text_say(const struct view *v, const struct plan *p, struct str *out)
{
	const struct table *t = v->table;
	const struct axis *other = on_rows(t) ? &t->cols : &t->rows;
	int row, col;

	cell_of(v, 0, &row, &col);
	if (other->n > 1)
		str_addf(out, "%s %s of %d", other->name, other->show[on_rows(t) ? col : row], other->n);
	if (p->page_rows < p->rows)
		str_addf(out, "%slines %d–%d of %d", other->n > 1 ? "\n" : "", p->top + 1, p->top + p->page_rows, p->rows);
}

const struct view_kind view_text = {
	.has_columns = true,
	.has_legend = true,
	.zooms = 1u << ZOOM_NUMBER,
	.fits = text_fits,
	.plan = text_plan,
	.draw = text_draw,
	.need = text_need,
	.hit = text_hit,
	.move = text_move,
	.sign = text_sign,
	.says = text_say,
};
