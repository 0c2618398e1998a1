/* view.c - see view.h: which view draws a table, its plan, and scrolling. Everything goes by the plan (views/views.h).
 */
#include "tui/views/view.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/views/views.h"

const char *const zoom_words[ZOOM_COUNT] = { "auto", "word", "number", "shade", "half", "fit" };

static const struct view_kind *const kinds[VIEW_COUNT] = {
#define VIEW(id, name, picture, title) [VIEW_##id] = &view_##id,
#include "tui/views/views.def"
#undef VIEW
};
const char *const view_words[VIEW_COUNT] = {
	[VIEW_OWN] = "own",
#define VIEW(id, name, picture, title) [VIEW_##id] = name,
#include "tui/views/views.def"
#undef VIEW
};
const char *const view_titles[VIEW_COUNT] = {
	[VIEW_OWN] = "as the technique shows it",
#define VIEW(id, name, picture, title) [VIEW_##id] = title,
#include "tui/views/views.def"
#undef VIEW
};

/* ---- which views there are for a table ---- */

enum view_id view_for(const struct table *t, enum view_id wanted)
{
	enum view_id own = VIEW_heat;

	if (wanted != VIEW_OWN && kinds[wanted]->fits(t) != FITS_NOT)
		return wanted;
	for (int i = VIEW_COUNT - 1; i > VIEW_OWN; i--)
		if (kinds[i]->fits(t) == FITS_BEST)
			own = (enum view_id)i;
	return own;
}

void view_words_check(const struct preset *p, struct notes *notes)
{
	for (int i = 0; i < p->job.panes; i++) {
		const struct job_pane *pane = &p->job.pane[i];

		if (pane->view.name && view_find(pane->view.name) == VIEW_COUNT)
			notes_add(notes, "%s: %s: there is no view %s", p->file, pane->analysis->name, pane->view.name);
		if (pane->view.zoom && zoom_find(pane->view.zoom) == ZOOM_COUNT)
			notes_add(notes, "%s: %s: there is no zoom %s", p->file, pane->analysis->name, pane->view.zoom);
	}
}

static const struct view_kind *kind_for(const struct view *v)
{
	return kinds[view_for(v->table, v->as)];
}

int view_ways(const struct table *t, struct view_way ways[VIEW_WAYS])
{
	const enum view_id own = view_for(t, VIEW_OWN);
	int views = 1, n;

	ways[0] = (struct view_way){ VIEW_OWN, ZOOM_AUTO };
	for (int i = VIEW_OWN + 1; i < VIEW_COUNT; i++)
		if (i != (int)own && kinds[i]->fits(t) != FITS_NOT)
			ways[views++] = (struct view_way){ (enum view_id)i, ZOOM_AUTO };
	n = views;
	for (int i = 0; i < views; i++)
		for (int zoom = ZOOM_AUTO + 1; zoom < ZOOM_COUNT; zoom++)
			if ((kinds[i ? ways[i].view : own]->zooms >> zoom & 1) && (zoom != ZOOM_WORD || t->word_show))
				ways[n++] = (struct view_way){ ways[i].view, (enum zoom)zoom };
	return n;
}

static int find_word(const char *const *words, int n, const char *word)
{
	int i = 0;

	while (i < n && strcmp(words[i], word))
		i++;
	return i;
}

enum view_id view_find(const char *word)
{
	return (enum view_id)find_word(view_words, VIEW_COUNT, word);
}

enum zoom zoom_find(const char *word)
{
	return (enum zoom)find_word(zoom_words, ZOOM_COUNT, word);
}

void view_of_words(const struct job_view *words, struct view *v)
{
	const enum view_id as = words->name ? view_find(words->name) : VIEW_OWN;
	const enum zoom zoom = words->zoom ? zoom_find(words->zoom) : ZOOM_AUTO;

	v->as = as == VIEW_COUNT ? VIEW_OWN : as;
	v->zoom = zoom == ZOOM_COUNT ? ZOOM_AUTO : zoom;
	v->threshold = words->threshold;
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

/* Where to scroll so that the cursor shows, moving as little as can be, or so much more. */
static int scroll(int from, int page, int all, int cursor, int more)
{
	if (cursor >= 0 && cursor < from)
		from = cursor - more;
	else if (cursor >= from + page)
		from = cursor - page + 1 + more;
	return between(from, 0, all - page);
}

/* Each column that moves aside draws all of them again: after a third of a page the next steps draw next to nothing. */
static int columns_at_once(const struct plan *p)
{
	return p->page_cols / 3;
}

static uint64_t add_hash(uint64_t hash, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001B3u;
	return hash;
}

/* Tables of one technique, on axes of one kind, in one view: of tokens there may be more or less. */
static uint64_t kind_of(const struct view *v)
{
	const struct table *t = v->table;
	const enum view_id as = view_for(t, v->as);
	const struct axis *axes[] = { &t->rows, &t->cols };
	uint64_t hash = add_hash(0xCBF29CE484222325u, t->analysis, strlen(t->analysis));
	bool words = t->word_show != NULL;

	for (int i = 0; i < 2; i++) {
		bool tokens = axes[i]->dim == DIM_POSITION || axes[i]->dim == DIM_KEY;
		int n = tokens ? 0 : axes[i]->n;

		hash = add_hash(add_hash(hash, &axes[i]->dim, sizeof axes[i]->dim), &n, sizeof n);
	}
	return add_hash(add_hash(hash, &words, sizeof words), &as, sizeof as);
}

/* The same question: its title has the arguments. */
static uint64_t table_of(const struct view *v)
{
	const struct table *t = v->table;

	return add_hash(add_hash(add_hash(kind_of(v), t->title, strlen(t->title)), &t->cols.n, sizeof t->cols.n), &v->sink_in,
			sizeof v->sink_in);
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

/* A line that comes or goes above the panes, such as a foil or the way to a metric, makes no other picture of it. */
static bool same_ground(const struct view *v, const struct view_kept *kept)
{
	enum { NUDGE = 2 };

	return kept->w == v->rect.w && abs(kept->h - v->rect.h) <= NUDGE && kept->kind == kind_of(v);
}

static enum zoom zoom_of(const struct view *v, const struct view_state *state)
{
	return v->zoom == ZOOM_AUTO && same_ground(v, &state->kept) ? state->kept.zoom : v->zoom;
}

static void keep(struct view_state *state, const struct view *v, const struct plan *p)
{
	struct view_kept *kept = &state->kept;

	if (!same_ground(v, kept)) /* else it stays that of the first: many small steps are a large one */
		kept->h = v->rect.h;
	kept->kind = kind_of(v);
	kept->w = v->rect.w;
	kept->zoom = v->zoom == ZOOM_AUTO ? p->zoom : ZOOM_AUTO;
	if (!v->edited) {
		kept->table = table_of(v);
		kept->span = p->span;
	}
}

/* Where the frame's edge is free, there is a row more, for the foot alone: without a foot there is none. */
static void plan_with_edge(const struct view *v, enum zoom zoom, struct plan *p)
{
	const struct plan empty = *p;
	struct view taller = *v;

	taller.rect.h++;
	kind_for(v)->plan(&taller, zoom, p);
	if (p->foot_lines)
		return;
	*p = empty;
	kind_for(v)->plan(v, zoom, p);
}

static struct plan plan_of(const struct view *v, const struct view_state *state)
{
	const struct table *t = v->table;
	struct plan p = { .pool_rows = 1,
			  .pool_cols = 1,
			  .stack = 1,
			  .lines = 1,
			  .head_y = -1,
			  .cursor_line = -1,
			  .upwards = t->rows.dim == DIM_LAYER };
	int row = v->row < 0 ? -1 : between(v->row, 0, t->rows.n - 1), col = v->col < 0 ? -1 : between(v->col, 0, t->cols.n - 1),
	    line;

	p.span = range_of(v, &state->kept, &p.held);
	if (v->edge)
		plan_with_edge(v, zoom_of(v, state), &p);
	else
		kind_for(v)->plan(v, zoom_of(v, state), &p);
	if (p.pool_rows > 1 || p.pool_cols > 1)
		pool_range(v, &p);
	p.foot_y = v->rect.y + v->rect.h + v->edge - p.foot_lines;
	line = p.cursor_line >= 0 ? p.cursor_line : row < 0 ? -1 : plan_screen_row(&p, t, row);
	p.top = scroll(state->top, p.page_rows, p.rows, state->adrift ? -1 : line, 0);
	p.left = scroll(state->left, p.page_cols, p.cols, col < 0 ? -1 : col / p.pool_cols, columns_at_once(&p));
	return p;
}

/* In a view that is no grid, any cell may be seen. Of a last pooled row or column that is not full, the table has less:
 * whoever asks for it clips. */
static struct window visible(const struct view *v, const struct plan *p)
{
	const struct table *t = v->table;
	const int rows = p->page_rows * p->pool_rows, top = p->top * p->pool_rows, below = t->rows.n - top - rows;
	const int row = !p->upwards ? top : below > 0 ? below : 0;

	if (kind_for(v)->hit)
		return (struct window){ 0, t->rows.n, 0, t->cols.n };
	return (struct window){ row, rows, p->left * p->pool_cols, p->page_cols * p->pool_cols };
}

static bool drawable(const struct view *v)
{
	return v->rect.w >= VIEW_MIN_W && v->rect.h >= VIEW_MIN_H && v->table->rows.n > 0 && v->table->cols.n > 0;
}

void view_draw(struct canvas *c, const struct view *v, struct view_state *state)
{
	struct rect before = canvas_clip(c, (struct rect){ v->rect.x, v->rect.y, v->rect.w, v->rect.h + v->edge });
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
		state->visible = visible(v, &p);
		kind_for(v)->draw(c, v, &p);
		foot_draw(c, v, kind_for(v), &p);
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

struct view_need view_need(const struct view *v)
{
	struct view_need need = { 0 };

	if (v->table->rows.n > 0 && v->table->cols.n > 0)
		need = kind_for(v)->need(v, v->zoom);
	need.min.rows -= v->edge; /* all needs have a line for the foot */
	need.want.rows -= v->edge;
	need.most.rows -= v->edge;
	need.min = larger(need.min, (struct view_size){ VIEW_MIN_H, VIEW_MIN_W });
	need.want = larger(need.want, need.min);
	need.most = larger(need.most, need.want);
	if (need.enough_rows)
		need.enough_rows = need.enough_rows - v->edge > need.min.rows ? need.enough_rows - v->edge : need.min.rows;
	if (need.instead_rows)
		need.instead_rows -= v->edge;
	return need;
}

/* ---- the mouse and the keys ---- */

bool view_hit(const struct view *v, const struct view_state *state, int x, int y, int *row, int *col)
{
	const struct view_kind *kind;
	struct plan p;

	if (!drawable(v) || !rect_holds(v->rect, x, y))
		return false;
	p = plan_of(v, state);
	kind = kind_for(v);
	return kind->hit ? kind->hit(v, &p, x, y, row, col) : grid_hit(v, kind, &p, x, y, row, col);
}

void view_mark(struct canvas *c, const struct view *v, const struct view_state *state, int row, int col)
{
	const struct view_kind *kind;
	struct plan p;
	int x, y;

	if (!drawable(v) || row < 0 || row >= v->table->rows.n || col < 0 || col >= v->table->cols.n)
		return;
	p = plan_of(v, state);
	kind = kind_for(v);
	if (kind->sign ? kind->sign(v, &p, row, col, &x, &y) : grid_sign(v, kind, &p, row, col, &x, &y))
		canvas_text(c, x, y, theme_ink(v->theme, STYLE_MATCH), theme_ascii(v->theme) ? "*" : "¹");
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
	int to_row = between(*row, 0, t->rows.n - 1), to_col = between(*col, 0, t->cols.n - 1), old_row = *row, old_col = *col;
	struct plan p = { .page_rows = state->page_rows, .page_cols = state->page_cols };

	if (kind_for(v)->move) {
		if (drawable(v))
			p = plan_of(v, state);
		kind_for(v)->move(v, &p, move, &to_row, &to_col);
	} else { /* in a grid the sizes of a page are all that counts */
		grid_move(v, kind_for(v), &p, move, &to_row, &to_col);
	}
	*row = between(to_row, 0, t->rows.n - 1);
	*col = between(to_col, 0, t->cols.n - 1);
	return *row != old_row || *col != old_col;
}

double view_threshold(const struct view *v, const struct view_state *state, int by)
{
	struct plan p;

	if (!drawable(v) || view_for(v->table, v->as) != VIEW_graph)
		return 0;
	p = plan_of(v, state);
	return graph_threshold(v, &p, by);
}

void view_number(const struct table *t, int row, int col, struct str *out)
{
	struct number_form form = number_form(t, t->units > 1 ? col : ALL_COLUMNS);
	char text[NUMBER_BYTES];

	str_add(out, number_print(&form, t->value[table_cell(t, row, col)], text));
}

/* ---- labels ---- */

int label_columns(const struct axis *axis, int enough)
{
	int widest = 1;

	for (int i = 0; i < axis->n && widest < enough; i++) {
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
