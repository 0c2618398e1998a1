/* view.c - see view.h: which view draws a table, scrolling, the mouse and the keys. Everything goes by the plan (views/views.h). */
#include "tui/view.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tui/views/views.h"

const char *const zoom_words[ZOOM_COUNT] = { "auto", "word", "number", "shade", "half", "fit" };

/* By the table's look. What has no view of its own is drawn as what it is underneath: rows and columns. */
static const struct view_kind *const kinds[] = {
	[LOOK_HEAT] = &view_heat, [LOOK_ATTENTION] = &view_heat, [LOOK_TOKENS] = &view_heat, [LOOK_BARS] = &view_bars,
	[LOOK_RANKING] = &view_ranking, [LOOK_LINES] = &view_heat, [LOOK_TREE] = &view_bars, [LOOK_GRAPH] = &view_heat,
	[LOOK_TILES] = &view_tiles,
};

/* A difference of tables with pictures has none. */
static const struct view_kind *kind_for(const struct table *t)
{
	return t->look == LOOK_TILES && !t->tile ? &view_heat : kinds[t->look];
}

static int between(int x, int lo, int hi)
{
	return x > hi ? hi > lo ? hi : lo : x < lo ? lo : x;
}

/* ---- the plan ---- */

int plan_screen_row(const struct plan *p, const struct table *t, int row)
{
	return (p->upwards ? t->rows.n - 1 - row : row) / p->pool_rows;
}

int plan_table_row(const struct plan *p, const struct table *t, int screen_row)
{
	int row = between(screen_row * p->pool_rows, 0, t->rows.n - 1);

	return p->upwards ? t->rows.n - 1 - row : row;
}

/* Where to scroll so that the cursor shows, moving as little as can be. */
static int scroll(int from, int page, int all, int cursor)
{
	if (cursor >= 0)
		from = between(from, cursor - page + 1, cursor);
	return between(from, 0, all - page);
}

static uint64_t add_hash(uint64_t hash, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001B3u;
	return hash;
}

/* Tables of one technique, on axes of one kind: of tokens there may be more or less. */
static uint64_t kind_of(const struct table *t)
{
	const struct axis *axes[] = { &t->rows, &t->cols };
	uint64_t hash = add_hash(0xCBF29CE484222325u, t->analysis, strlen(t->analysis));
	bool words = t->word_show != NULL;

	for (int i = 0; i < 2; i++) {
		bool tokens = axes[i]->dim == DIM_POSITION || axes[i]->dim == DIM_KEY;
		int n = tokens ? 0 : axes[i]->n;

		hash = add_hash(add_hash(hash, &axes[i]->dim, sizeof axes[i]->dim), &n, sizeof n);
	}
	return add_hash(hash, &words, sizeof words);
}

/* The same question: its title has the arguments. */
static uint64_t table_of(const struct view *v)
{
	const struct table *t = v->table;

	return add_hash(add_hash(add_hash(kind_of(t), t->title, strlen(t->title)), &t->cols.n, sizeof t->cols.n), &v->sink_in, sizeof v->sink_in);
}

/* The range of the colours: with edits that of the table without them, also while that is on its way. */
static struct span range_of(const struct view *v, const struct view_kept *kept, bool *held)
{
	struct span s = span_of(v->table, v->edited ? v->ground : NULL, v->sink_in);
	float moved = v->table->neutral - kept->span.neutral;

	*held = v->edited && v->ground && span_same_shape(v->table, v->ground);
	if (!v->edited || *held || !kept->span.any || kept->table != table_of(v))
		return s;
	*held = true;
	s = kept->span;
	if (s.scale == SCALE_DIVERGING) {
		s.lo += moved;
		s.hi += moved;
		s.neutral += moved;
	}
	return s;
}

/* Where a cell of the picture is several of the table, more of them are strong. */
static void pool_range(const struct view *v, struct plan *p)
{
	const struct table *of = !p->held ? v->table : v->ground;

	if (of)
		span_pool(&p->span, of, p->pool_rows, p->pool_cols);
}

static enum zoom zoom_of(const struct view *v, const struct view_state *state)
{
	const struct view_kept *kept = &state->kept;
	bool same = kept->w == v->rect.w && kept->h == v->rect.h && kept->kind == kind_of(v->table);

	return state->zoom == ZOOM_AUTO && same ? kept->zoom : state->zoom;
}

static void keep(struct view_state *state, const struct view *v, const struct plan *p)
{
	struct view_kept *kept = &state->kept;

	kept->kind = kind_of(v->table);
	kept->w = v->rect.w;
	kept->h = v->rect.h;
	kept->zoom = state->zoom == ZOOM_AUTO ? p->zoom : ZOOM_AUTO;
	if (!v->edited) {
		kept->table = table_of(v);
		kept->span = p->span;
	}
}

static struct plan plan_of(const struct view *v, const struct view_state *state)
{
	const struct table *t = v->table;
	struct plan p = { .pool_rows = 1, .pool_cols = 1, .stack = 1, .lines = 1, .head_y = -1, .upwards = t->rows.dim == DIM_LAYER };
	int row = v->row < 0 || state->adrift ? -1 : between(v->row, 0, t->rows.n - 1);
	int col = v->col < 0 ? -1 : between(v->col, 0, t->cols.n - 1);

	p.span = range_of(v, &state->kept, &p.held);
	kind_for(t)->plan(v, zoom_of(v, state), &p);
	if (p.pool_rows > 1 || p.pool_cols > 1)
		pool_range(v, &p);
	p.foot_y = v->rect.y + v->rect.h - p.foot_lines;
	p.top = scroll(state->top, p.page_rows, p.rows, row < 0 ? -1 : plan_screen_row(&p, t, row));
	p.left = scroll(state->left, p.page_cols, p.cols, col < 0 ? -1 : col / p.pool_cols);
	return p;
}

/* Of a last pooled row or column that is not full, the table has less: whoever asks for it clips. */
static struct window visible(const struct plan *p, const struct table *t)
{
	const int rows = p->page_rows * p->pool_rows, top = p->top * p->pool_rows, below = t->rows.n - top - rows;
	const int row = !p->upwards ? top : below > 0 ? below : 0;

	return (struct window){ row, rows, p->left * p->pool_cols, p->page_cols * p->pool_cols };
}

static bool drawable(const struct view *v)
{
	return v->rect.w >= VIEW_MIN_W && v->rect.h >= VIEW_MIN_H && v->table->rows.n > 0 && v->table->cols.n > 0;
}

void view_draw(struct canvas *c, const struct view *v, struct view_state *state)
{
	struct rect before = canvas_clip(c, v->rect);
	struct plan p;

	if (drawable(v)) {
		p = plan_of(v, state);
		keep(state, v, &p);
		state->top = p.top;
		state->left = p.left;
		state->shown = p.zoom;
		state->page_rows = p.page_rows;
		state->page_cols = p.page_cols;
		state->fits = p.page_rows >= p.rows && p.page_cols >= p.cols;
		state->visible = visible(&p, v->table);
		kind_for(v->table)->draw(c, v, &p);
		foot_draw(c, v, kind_for(v->table), &p);
	} else {
		const char *why = v->table->rows.n > 0 && v->table->cols.n > 0 ? "too small" : "nothing to show";

		canvas_field(c, v->rect.x, v->rect.y, v->rect.w, ALIGN_CENTRE, theme_ink(v->theme, STYLE_DIM), why);
		state->page_rows = state->page_cols = 1;
		state->fits = false;
	}
	canvas_unclip(c, before);
}

static struct view_size larger(struct view_size a, struct view_size b)
{
	return (struct view_size){ a.rows > b.rows ? a.rows : b.rows, a.cols > b.cols ? a.cols : b.cols };
}

struct view_need view_need(const struct view *v, const struct view_state *state)
{
	struct view_need need = { 0 };

	if (v->table->rows.n > 0 && v->table->cols.n > 0)
		need = kind_for(v->table)->need(v, state->zoom);
	need.min = larger(need.min, (struct view_size){ VIEW_MIN_H, VIEW_MIN_W });
	need.want = larger(need.want, need.min);
	need.most = larger(need.most, need.want);
	return need;
}

/* ---- the mouse and the keys ---- */

/* Which block of rows is under column x, and how far it is to the right of the first. */
static int block_at(const struct plan *p, int x)
{
	return p->blocks > 1 ? between((x - p->label_x) / p->block_w, 0, p->blocks - 1) : 0;
}

bool view_hit(const struct view *v, const struct view_state *state, int x, int y, int *row, int *col)
{
	bool sideways, on_row, on_col;
	struct plan p;
	int line, block, screen_row;

	if (!drawable(v) || !rect_holds(v->rect, x, y))
		return false;
	p = plan_of(v, state);
	sideways = kind_for(v->table)->has_columns;
	block = block_at(&p, x);
	x -= block * p.block_w;
	line = (y - p.cells.y) / p.lines * p.stack + block * p.block_rows;
	screen_row = p.top + line;
	on_row = y >= p.cells.y && y < p.cells.y + p.cells.h && screen_row < p.rows && line < p.page_rows;
	on_col = sideways && x >= p.cells.x && x < p.cells.x + p.cells.w;
	if (sideways && !on_col && x >= p.cells.x)
		return false;	/* beside the table */
	if (!on_row && !(on_col && y == p.head_y))
		return false;
	*row = on_row ? plan_table_row(&p, v->table, screen_row) : -1;
	*col = on_col ? between((p.left + (x - p.cells.x) / p.cell_w) * p.pool_cols, 0, v->table->cols.n - 1) : -1;
	return true;
}

void view_mark(struct canvas *c, const struct view *v, const struct view_state *state, int row, int col)
{
	struct plan p;
	int x, line;

	if (!drawable(v) || row < 0 || row >= v->table->rows.n || col < 0 || col >= v->table->cols.n)
		return;
	p = plan_of(v, state);
	line = plan_screen_row(&p, v->table, row) - p.top;
	x = kind_for(v->table)->has_columns ? p.cells.x + (col / p.pool_cols - p.left) * p.cell_w : p.cells.x - 1;
	if (p.stack > 1 || p.block_w || (p.cell_w < 2 && x >= p.cells.x) || line < 0 || line >= p.page_rows || x < p.cells.x - 1 ||
	    x >= p.cells.x + p.cells.w)
		return;
	canvas_text(c, x, p.cells.y + line * p.lines, theme_ink(v->theme, STYLE_MATCH), theme_ascii(v->theme) ? "*" : "¹");
}

void view_scroll(const struct view *v, struct view_state *state, int lines)
{
	struct plan p;

	if (!drawable(v))
		return;
	p = plan_of(v, state);
	state->top = between(p.top + (p.lines > 1 ? (lines > 0) - (lines < 0) : lines * p.stack), 0, p.rows - p.page_rows);
	state->adrift = true;
}

bool view_move(const struct view *v, const struct view_state *state, enum view_move move, int *row, int *col)
{
	const struct table *t = v->table;
	bool sideways = kind_for(t)->has_columns;
	int r = between(*row, 0, t->rows.n - 1), c = between(*col, 0, t->cols.n - 1), page = state->page_rows > 1 ? state->page_rows - 1 : 1;
	int page_cols = state->page_cols > 1 ? state->page_cols - 1 : 1, old_row = *row, old_col = *col;
	int down = t->rows.dim == DIM_LAYER ? -1 : 1, top = down > 0 ? 0 : t->rows.n - 1;

	switch (move) {
	case VIEW_UP:
		r -= down;
		break;
	case VIEW_DOWN:
		r += down;
		break;
	case VIEW_PAGE_UP:
		r -= down * page;
		break;
	case VIEW_PAGE_DOWN:
		r += down * page;
		break;
	case VIEW_TOP:
		r = top;
		break;
	case VIEW_BOTTOM:
		r = t->rows.n - 1 - top;
		break;
	case VIEW_LEFT:
		c -= sideways;
		break;
	case VIEW_RIGHT:
		c += sideways;
		break;
	case VIEW_PAGE_LEFT:
		c -= sideways ? page_cols : 0;
		break;
	case VIEW_PAGE_RIGHT:
		c += sideways ? page_cols : 0;
		break;
	case VIEW_FIRST:
		c = sideways ? 0 : c;
		break;
	case VIEW_LAST:
		c = sideways ? t->cols.n - 1 : c;
		break;
	}
	*row = between(r, 0, t->rows.n - 1);
	*col = between(c, 0, t->cols.n - 1);
	return *row != old_row || *col != old_col;
}

void view_number(const struct table *t, int row, int col, struct str *out)
{
	struct number_form form = number_form(t, t->units > 1 ? col : ALL_COLUMNS);
	char text[NUMBER_BYTES];

	str_add(out, number_print(&form, t->value[table_cell(t, row, col)], text));
}

/* ---- labels ---- */

int label_columns(const struct axis *axis)
{
	enum { ENOUGH = 24 };	/* no view gives a label more */
	int widest = 1;

	for (int i = 0; i < axis->n && widest < ENOUGH; i++) {
		int w = axis->show[i] ? canvas_columns(axis->show[i], strlen(axis->show[i])) : 0;

		widest = w > widest ? w : widest;
	}
	return widest;
}

bool label_is_number(const struct axis *axis)
{
	return axis->n > 0 && axis->label[0] && !strcmp(axis->label[0], "0") && !axis->id;
}

bool search_finds(const struct view *v, const char *text)
{
	return v->search && *v->search && text && strcasestr(text, v->search);
}

struct ink label_ink(const struct view *v, const char *text, bool at_cursor)
{
	struct ink ink = theme_ink(v->theme, v->stale ? STYLE_STALE : at_cursor ? STYLE_LABEL_CURSOR : STYLE_LABEL);

	return search_finds(v, text) ? theme_ink(v->theme, STYLE_MATCH) : ink;
}
