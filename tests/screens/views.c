/*
 * views.c - hand-made tables drawn at several sizes and depths of colour, against golden/view-NAME.txt; and what must
 * hold of every table at every size: the grid is straight, nothing raw comes through, and the mouse finds the cell that
 * it points at. What keys do in each kind of view: views_moves.c.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/base/utf8.h"
#include "tests/screens/samples.h"
#include "tests/tap.h"
#include "tests/screens/golden.h"
#include "tests/screens/views.h"
#include "tui/views/views.h"

enum sample {
	LENS,
	LENS_40,
	ATTENTION,
	ATTENTION_512,
	HEADS,
	COMPONENTS,
	RANKING,
	HOSTILE,
	ONE,
	NOTHING,
	SAME,
	HUGE_VALUES,
	LENS_COMING,
	HEADS_COMING,
	TILES,
	READ,
	TRAINING,
	GRAPH,
	TREE,
	SAMPLES
};

/* The first cells are not there yet. */
static struct table *coming(struct table *t, int unknown)
{
	for (int i = 0; i < unknown; i++) {
		t->value[i] = NAN;
		if (t->word)
			t->word[i] = t->word_show[i] = "";
	}
	t->unfinished = true;
	t->check.name = NULL;
	return t;
}

static struct table *make(enum sample sample)
{
	switch (sample) {
	case LENS:
		return sample_lens(12, 6);
	case LENS_40:
		return sample_lens(40, 30);
	case ATTENTION:
		return sample_attention(9);
	case ATTENTION_512:
		return sample_attention(512);
	case LENS_COMING:
		return coming(sample_lens(12, 6), 40);
	case HEADS_COMING:
		return coming(sample_heads(12, 9), 60);
	case TILES:
		return sample_tiles(30, 9);
	case READ:
		return sample_tokens_read(100);
	case TRAINING:
		return sample_training(100, 58);
	case GRAPH:
		return sample_graph(12, 14, 3);
	case TREE:
		return sample_tree(0);
	case HEADS:
		return sample_heads(30, 9);
	case COMPONENTS:
		return sample_components(12, 0);
	case RANKING:
		return sample_ranking(true);
	case HOSTILE:
		return sample_hostile();
	case ONE:
		return sample_constant(1, 1, 0.25f, SCALE_SEQUENTIAL);
	case NOTHING:
		return sample_constant(6, 5, NAN, SCALE_DIVERGING);
	case SAME:
		return sample_constant(6, 5, -3, SCALE_DIVERGING);
	default:
		return sample_constant(4, 6, -1.234e30f, SCALE_SEQUENTIAL);
	}
}

static const struct {
	const char *name;
	enum sample sample;
	int w, h;
	enum zoom zoom;
	struct theme_for what;
	bool before;
	enum view_id as;
} goldens[] = {
	{ "lens-38x10", LENS, 38, 10, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "lens-80x24", LENS, 80, 24, ZOOM_AUTO, { DEPTH_TRUE, false }, true },
	{ "lens-coming-80x24", LENS_COMING, 80, 24, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "heads-coming-70x20", HEADS_COMING, 70, 20, ZOOM_AUTO, { DEPTH_256, false }, false },
	{ "heads-coming-30x8", HEADS_COMING, 30, 8, ZOOM_AUTO, { DEPTH_256, false }, false },
	{ "heads-coming-70x20-mono", HEADS_COMING, 70, 20, ZOOM_SHADE, { DEPTH_MONO, false }, false },
	{ "lens-20x5", LENS, 20, 5, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "lens40-120x40", LENS_40, 120, 40, ZOOM_AUTO, { DEPTH_256, false }, false },
	{ "lens40-200x60-half", LENS_40, 200, 60, ZOOM_HALF, { DEPTH_256, false }, false },
	{ "attention-60x14", ATTENTION, 60, 14, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "attention-30x14", ATTENTION, 30, 14, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "attention-30x14-mono", ATTENTION, 30, 14, ZOOM_SHADE, { DEPTH_MONO, false }, false },
	{ "attention-30x14-ascii", ATTENTION, 30, 14, ZOOM_SHADE, { DEPTH_16, true }, false },
	{ "attention512-80x24-fit", ATTENTION_512, 80, 24, ZOOM_FIT, { DEPTH_256, false }, false },
	{ "attention512-20x5", ATTENTION_512, 20, 5, ZOOM_AUTO, { DEPTH_256, false }, false },
	{ "heads-70x36", HEADS, 70, 36, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "heads-38x9-mono", HEADS, 38, 9, ZOOM_AUTO, { DEPTH_MONO, false }, false },
	{ "heads-38x9-mono-ascii", HEADS, 38, 9, ZOOM_AUTO, { DEPTH_MONO, true }, false },
	{ "heads-20x5", HEADS, 20, 5, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "components-60x20", COMPONENTS, 60, 20, ZOOM_AUTO, { DEPTH_TRUE, false }, true },
	{ "components-20x5", COMPONENTS, 20, 5, ZOOM_AUTO, { DEPTH_8, false }, false },
	{ "components-60x20-ascii", COMPONENTS, 60, 20, ZOOM_AUTO, { DEPTH_8, true }, true },
	{ "ranking-60x12", RANKING, 60, 12, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "ranking-34x8", RANKING, 34, 8, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "ranking-20x5-ascii", RANKING, 20, 5, ZOOM_AUTO, { DEPTH_MONO, true }, false },
	{ "tiles-118x36", TILES, 118, 36, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "tiles-78x20", TILES, 78, 20, ZOOM_AUTO, { DEPTH_256, false }, false },
	{ "tiles-30x9-mono-ascii", TILES, 30, 9, ZOOM_AUTO, { DEPTH_MONO, true }, false },
	{ "text-80x12", READ, 80, 12, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "text-40x12-number", READ, 40, 12, ZOOM_NUMBER, { DEPTH_256, false }, false },
	{ "text-40x12-mono-ascii", READ, 40, 12, ZOOM_AUTO, { DEPTH_MONO, true }, false },
	{ "text-20x5", READ, 20, 5, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "lines-118x18", TRAINING, 118, 18, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "lines-78x20-heads", HEADS, 78, 20, ZOOM_AUTO, { DEPTH_256, false }, false, VIEW_lines },
	{ "lines-20x5", TRAINING, 20, 5, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "lines-60x12-ascii", HEADS, 60, 12, ZOOM_AUTO, { DEPTH_MONO, true }, false, VIEW_lines },
	{ "graph-118x36", GRAPH, 118, 36, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "graph-78x20", GRAPH, 78, 20, ZOOM_AUTO, { DEPTH_256, false }, false },
	{ "graph-78x20-ascii", GRAPH, 78, 20, ZOOM_AUTO, { DEPTH_MONO, true }, false },
	{ "graph-20x5", GRAPH, 20, 5, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "tree-80x20", TREE, 80, 20, ZOOM_AUTO, { DEPTH_TRUE, false }, true },
	{ "tree-60x20-mono", TREE, 60, 20, ZOOM_AUTO, { DEPTH_MONO, false }, false },
	{ "tree-60x12-mono-ascii", TREE, 60, 12, ZOOM_AUTO, { DEPTH_MONO, true }, true },
	{ "tree-20x5", TREE, 20, 5, ZOOM_AUTO, { DEPTH_256, false }, false },
	{ "hostile-50x9", HOSTILE, 50, 9, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "one-40x6", ONE, 40, 6, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "nothing-40x10", NOTHING, 40, 10, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "same-40x10", SAME, 40, 10, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
	{ "huge-70x8", HUGE_VALUES, 70, 8, ZOOM_AUTO, { DEPTH_TRUE, false }, false },
};

static void check_looks(size_t i)
{
	struct table *t = make(goldens[i].sample), *before = NULL;
	struct theme *theme = theme_builtin(goldens[i].what);
	struct view v = view_of(t, theme, goldens[i].w, goldens[i].h);
	struct view_state state = { 0 };
	struct canvas c;
	struct str out;
	char name[100];

	if (goldens[i].before) {
		before = goldens[i].sample == COMPONENTS ? sample_components(12, 1)
			 : goldens[i].sample == TREE	 ? sample_tree(1)
							 : make(goldens[i].sample);
		for (int k = 0; before->id && k < before->rows.n * before->cols.n; k += 3)
			before->id[k]++;
		v.before = before;
	}
	v.zoom = goldens[i].zoom;
	v.as = goldens[i].as;
	canvas_init(&c, v.rect.w, v.rect.h);
	view_draw(&c, &v, &state);
	if (goldens[i].what.ascii)
		canvas_to_ascii(&c);
	str_init(&out);
	canvas_dump(&c, &out);
	str_add(&out, "--- marks\n");
	canvas_dump_marks(&c, &out);
	snprintf(name, sizeof name, "view-%s", goldens[i].name);
	check_golden(name, &out);
	str_done(&out);
	canvas_done(&c);
	theme_free(theme);
	table_unref(before);
	table_unref(t);
}

/* Each row adds up to the width, and no cell holds what a terminal would act on. */
static bool is_straight(const struct canvas *c)
{
	for (int y = 0; y < c->h; y++) {
		int w = 0;

		for (int x = 0; x < c->w; x++) {
			const struct cell *cell = &c->cell[y * c->w + x];
			bool right_half = x > 0 && cell[-1].width == 2;

			w += cell->width;
			if (right_half != (cell->width == 0) || (cell->width && (unsigned char)cell->text[0] < ' '))
				return false;
			if (cell->width && !utf8_valid(cell->text, strlen(cell->text)))
				return false;
		}
		if (w != c->w)
			return false;
	}
	return true;
}

/* Points at each cell of the canvas: where the mouse finds a cell, a cursor put there must be under the mouse. */
static bool mouse_agrees(struct view v, struct view_state state, struct canvas *c)
{
	char cursor = theme_ink(v.theme, STYLE_CURSOR).mark;

	v.row = v.col = -1;
	for (int y = 0; y < v.rect.h; y += 3)
		for (int x = 0; x < v.rect.w; x += 5) {
			struct view_state moved = state;
			int row, col;

			if (!view_hit(&v, &state, x, y, &row, &col) || row < 0 || col < 0)
				continue;
			v.row = row;
			v.col = col;
			view_draw(c, &v, &moved);
			if (c->cell[y * c->w + x].ink.mark != cursor && c->cell[y * c->w + x].width)
				return false;
			v.row = v.col = -1;
		}
	return true;
}

/* From the first screen row, going down reaches the last, each row once. */
static bool keys_agree(const struct view *v, const struct view_state *state)
{
	int row = 0, col = 0, steps = 0;

	view_move(v, state, VIEW_TOP, &row, &col);
	while (view_move(v, state, VIEW_DOWN, &row, &col))
		steps++;
	return steps == v->table->rows.n - 1 && row == (v->table->rows.dim == DIM_LAYER ? 0 : v->table->rows.n - 1);
}

static void check_everywhere(enum sample sample, struct theme_for what)
{
	static const struct {
		int w, h;
	} sizes[] = { { 1, 1 }, { 5, 2 }, { 12, 2 }, { 13, 3 }, { 20, 5 }, { 38, 8 }, { 120, 40 }, { 200, 60 } };
	struct table *t = make(sample);
	struct theme *theme = theme_builtin(what);
	struct view_way ways[VIEW_WAYS];
	const int n = view_ways(t, ways);
	bool straight = true, mouse = true, keys = true;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int k = 0; k < n; k++) {
			const enum view_id view = view_for(t, ways[k].view);
			const bool bars = view == VIEW_bars || view == VIEW_ranking || view == VIEW_tree,
				   drawn = view == VIEW_lines || view == VIEW_graph;
			struct view v = view_of(t, theme, sizes[i].w, sizes[i].h);
			struct view_state state = { 0 };
			struct canvas c;

			v.as = ways[k].view;
			v.zoom = ways[k].zoom;
			canvas_init(&c, v.rect.w, v.rect.h);
			view_draw(&c, &v, &state);
			straight = straight && is_straight(&c);
			keys = keys && (drawn || view == VIEW_text || view == VIEW_tree || keys_agree(&v, &state));
			if (sizes[i].w < 100 && t->rows.n < 100 && !bars && !drawn && v.zoom != ZOOM_HALF && v.zoom != ZOOM_FIT &&
			    state.shown != ZOOM_HALF)
				mouse = mouse && mouse_agrees(v, state, &c);
			canvas_done(&c);
		}
	CHECK_THAT(straight, "sample %d, depth %d%s: the grid is straight", sample, what.depth, what.ascii ? ", ascii" : "");
	CHECK_THAT(mouse, "sample %d, depth %d: the mouse finds the cell that it points at", sample, what.depth);
	CHECK_THAT(keys, "sample %d: down goes through all rows", sample);
	theme_free(theme);
	table_unref(t);
}

/* What the cursor must leave alone: backgrounds, half blocks and bars whole, and whatever is written in a cell. */
static bool is_untouched(const struct cell *with, const struct cell *without, bool shades)
{
	bool painted = !strcmp(without->text, "▀") || !strcmp(without->text, "▄") || !strcmp(without->text, "█");

	if (with->ink.bg != without->ink.bg || (with->ink.attr & INK_REVERSE) != (without->ink.attr & INK_REVERSE))
		return false;
	if (painted && !shades && with->ink.fg != without->ink.fg)
		return false;
	return !strcmp(with->text, without->text) || !strcmp(without->text, " ") || (shades && strstr("‹›", with->text));
}

/* The same picture with and without the cursor: it marks a cell, it never hides or imitates a value. */
static void check_cursor(enum sample sample, const struct table *t, const struct theme *theme, struct view_way way)
{
	enum depth depth = theme_depth(theme);
	struct view v = view_of(t, theme, 70, 20);
	struct view_state state = { 0 };
	struct canvas with, without;
	bool untouched = true, seen = false;

	for (int focus = 0; focus < 2; focus++) {
		canvas_init(&with, v.rect.w, v.rect.h);
		canvas_init(&without, v.rect.w, v.rect.h);
		canvas_reset(&with, v.rect.w, v.rect.h, theme_ink(theme, STYLE_TEXT));
		canvas_reset(&without, v.rect.w, v.rect.h, theme_ink(theme, STYLE_TEXT));
		v = view_of(t, theme, 70, 20);
		v.as = way.view;
		v.zoom = way.zoom;
		v.focus = focus;
		view_draw(&with, &v, &state);
		if (view_for(t, way.view) != VIEW_text || t->rows.id)
			v.row = -1;
		if (view_for(t, way.view) != VIEW_text || !t->rows.id) /* a text is of the cursor's row or column */
			v.col = -1;
		view_draw(&without, &v, &state);
		for (int i = 0; i < v.rect.w * v.rect.h; i++) {
			bool label = with.cell[i].ink.mark ==
				     theme_ink(theme, STYLE_LABEL_CURSOR).mark; /* in narrow columns it takes the room of others */

			untouched = untouched && (label || without.cell[i].ink.mark == 'd' ||
						  is_untouched(&with.cell[i], &without.cell[i], theme_shades(theme)));
			seen = seen || memcmp(&with.cell[i].ink, &without.cell[i].ink, sizeof with.cell[i].ink);
		}
		canvas_done(&with);
		canvas_done(&without);
	}
	CHECK_THAT(untouched, "sample %d, depth %d, %s %s: the cursor hides nothing", sample, depth, view_words[way.view],
		   zoom_words[way.zoom]);
	CHECK_THAT(seen, "sample %d, depth %d, %s %s: the cursor is seen", sample, depth, view_words[way.view],
		   zoom_words[way.zoom]);
}

/* The ink of a cell's value: where it is drawn. */
static struct ink ink_at(const struct canvas *c, const struct view *v, const struct view_state *state, int row, int col)
{
	int r, k;

	for (int y = 0; y < v->rect.h; y++)
		for (int x = 0; x < v->rect.w; x++)
			if (view_hit(v, state, x, y, &r, &k) && r == row && k == col)
				return c->cell[y * c->w + x].ink;
	return (struct ink){ 0 };
}

/* Colours mean with an edit what they meant without it, also while the unedited table is on its way; and where they
 * cannot, they say so. */
static void test_range_is_held(void)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_TRUE, false });
	struct table *before = sample_heads(12, 9), *now = sample_heads(12, 9);
	struct view v = view_of(before, theme, 70, 20);
	struct view_state state = { 0 };
	struct ink unedited;
	struct canvas c;

	canvas_init(&c, 70, 20);
	v.row = v.col = -1;
	view_draw(&c, &v, &state);
	unedited = ink_at(&c, &v, &state, 2, 2); /* the strongest one */
	CHECK(!screen_says(&c, "unedited run"));
	for (int i = 0; i < now->rows.n * now->cols.n; i++)
		now->value[i] = before->value[i] / 4;
	now->value[table_cell(now, 2, 2)] = before->value[table_cell(now, 2, 2)];
	v.table = now;
	v.edited = true;
	for (int known = 0; known < 2; known++) {
		v.ground = known ? before : NULL;
		view_draw(&c, &v, &state);
		CHECK_THAT(ink_at(&c, &v, &state, 2, 2).bg == unedited.bg, "the same value has the same colour, %s",
			   known ? "beside the unedited" : "at once");
		CHECK_THAT(screen_says(&c, "(of the unedited run)") && !screen_says(&c, "beyond"),
			   "and the legend says whose range it is");
	}
	now->value[0] = 100;
	view_draw(&c, &v, &state);
	CHECK_THAT(screen_says(&c, "1 cell beyond") && screen_says(&c, "▴") && !screen_says(&c, "▾"),
		   "what leaves the range is counted, and marked where it is");
	v.edited = false;
	v.ground = NULL;
	view_draw(&c, &v, &state);
	CHECK_THAT(ink_at(&c, &v, &state, 2, 2).bg != unedited.bg && !screen_says(&c, "unedited"),
		   "without edits the range is the table's own");
	canvas_done(&c);
	theme_free(theme);
	table_unref(before);
	table_unref(now);
}

/* A token more does not make another kind of picture of it; another size, another technique or the user do. */
static void test_kind_is_kept(void)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_TRUE, false });
	struct table *few = sample_attention(9), *many = sample_attention(40), *heads = sample_heads(30, 9);
	struct view v = view_of(few, theme, 60, 14);
	struct view_state state = { 0 }, fresh = { 0 };
	struct canvas c;

	canvas_init(&c, 80, 14);
	view_draw(&c, &v, &state);
	CHECK(state.shown == ZOOM_NUMBER);
	v.table = many;
	view_draw(&c, &v, &fresh);
	view_draw(&c, &v, &state);
	CHECK_THAT(fresh.shown != ZOOM_NUMBER && state.shown == ZOOM_NUMBER, "40 tokens where 9 were: %s", zoom_words[state.shown]);
	v.rect.w = 61;
	view_draw(&c, &v, &state);
	CHECK_THAT(state.shown == fresh.shown, "another size: %s", zoom_words[state.shown]);
	v.rect.w = 60;
	state = (struct view_state){ 0 };
	v.table = few;
	view_draw(&c, &v, &state);
	v.table = heads;
	v.rect.w = 30;
	fresh = (struct view_state){ 0 };
	view_draw(&c, &v, &fresh);
	state.kept.w = 30; /* were it but for the size */
	view_draw(&c, &v, &state);
	CHECK_THAT(state.shown == fresh.shown, "another technique: %s", zoom_words[state.shown]);
	v.rect.w = 60;
	v.rect.h = 14;
	v.table = few;
	for (state = (struct view_state){ 0 }; v.rect.h > 4 && state.shown != ZOOM_HALF; v.rect.h--)
		view_draw(&c, &v, &state);
	CHECK_THAT(v.rect.h > 4 && v.rect.h < 11, "a line less after the other: at %d rows of 9 tokens it is another picture",
		   v.rect.h);
	state = fresh = (struct view_state){ 0 };
	v.rect.h = 11;
	view_draw(&c, &v, &state);
	v.rect.h = 10;
	view_draw(&c, &v, &fresh);
	view_draw(&c, &v, &state);
	CHECK_THAT(fresh.shown == ZOOM_HALF && state.shown == ZOOM_NUMBER, "a line that comes above it is no other size: %s, %s",
		   zoom_words[fresh.shown], zoom_words[state.shown]);
	canvas_done(&c);
	theme_free(theme);
	table_unref(few);
	table_unref(many);
	table_unref(heads);
}

/* What a view says of the room that it needs is true of what it draws there. */
static void check_need(enum sample sample, const struct table *t, struct view_way way)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_TRUE, false });
	struct view v = view_of(t, theme, 1, 1);
	struct view_state state = { 0 };
	struct view_need need;
	struct canvas c;

	v.as = way.view;
	v.zoom = way.zoom;
	need = view_need(&v);
	CHECK_THAT(need.min.rows <= need.want.rows && need.want.rows <= need.most.rows && need.min.cols <= need.want.cols &&
			   need.want.cols <= need.most.cols,
		   "sample %d: min, want and most are in order", sample);
	v.rect = (struct rect){ 0, 0, need.want.cols, need.want.rows };
	canvas_init(&c, v.rect.w, v.rect.h);
	view_draw(&c, &v, &state);
	CHECK_THAT(state.fits || view_for(t, way.view) == VIEW_bars || view_for(t, way.view) == VIEW_tree,
		   "sample %d, %s %s: all of it is in the %d × %d that it wants", sample, view_words[way.view],
		   zoom_words[way.zoom], v.rect.w, v.rect.h);
	canvas_done(&c);
	theme_free(theme);
}

/* How many columns of the drawing hold something in the ink of stale answers. */
static int muted_cells(const struct canvas *c, const struct theme *theme)
{
	struct ink stale = theme_ink(theme, STYLE_STALE);
	int n = 0;

	for (int i = 0; i < c->w * c->h; i++)
		n += strcmp(c->cell[i].text, " ") && *c->cell[i].text && c->cell[i].ink.fg == stale.fg &&
		     c->cell[i].ink.attr == stale.attr;
	return n;
}

static bool is_drawn(const struct canvas *c, const char *text)
{
	struct str all;
	bool has;

	str_init(&all);
	canvas_dump(c, &all);
	has = strstr(all.s, text) != NULL;
	str_done(&all);
	return has;
}

/* A cell that is not known yet shows what it was in the table before, muted; one that is known shows what it is. */
static void test_older_values(void)
{
	static const enum zoom zooms[] = { ZOOM_NUMBER, ZOOM_SHADE, ZOOM_HALF, ZOOM_FIT };

	for (size_t i = 0; i <= sizeof zooms / sizeof *zooms; i++) {
		bool bars = i == sizeof zooms / sizeof *zooms;
		struct table *old = bars ? sample_components(12, 0) : sample_heads(12, 9);
		struct table *t = coming(bars ? sample_components(12, 0) : sample_heads(12, 9), bars ? 8 : 60);
		struct theme *theme = theme_builtin((struct theme_for){ DEPTH_256, false });
		struct view v = view_of(t, theme, 70, 30);
		struct view_state state = { 0 };
		struct canvas c;
		int without;

		v.zoom = bars ? ZOOM_AUTO : zooms[i];
		canvas_init(&c, 70, 30);
		view_draw(&c, &v, &state);
		without = muted_cells(&c, theme);
		canvas_done(&c);
		canvas_init(&c, 70, 30);
		v.older = old;
		view_draw(&c, &v, &state);
		CHECK_THAT(!without && muted_cells(&c, theme) >= (bars ? 8 : 20),
			   "old values fill what is not known yet (%zu: %d cells)", i, muted_cells(&c, theme));
		CHECK_THAT(!is_drawn(&c, "…"), "and nothing says that it is not known");
		canvas_done(&c);
		canvas_init(&c, 70, 30);
		t->unfinished = false; /* a whole table has cells that cannot be: nothing fills these */
		view_draw(&c, &v, &state);
		CHECK(muted_cells(&c, theme) == 0);
		canvas_done(&c);
		table_unref(t);
		table_unref(old);
		theme_free(theme);
	}
}

/* Draws a table whose cursor is in its first cell, and returns whether the text is there. */
static bool drawn_says(const struct table *t, int w, int h, const char *text)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	struct view v = view_of(t, theme, w, h);
	struct view_state state = { 0 };
	struct canvas c;
	bool says;

	v.row = v.col = 0;
	canvas_init(&c, w, h);
	view_draw(&c, &v, &state);
	says = is_drawn(&c, text);
	canvas_done(&c);
	theme_free(theme);
	return says;
}

/* Where there is room for it, each line of words has its numbers below. */
static void test_numbers_below_words(void)
{
	struct table *t = sample_tokens_read(12);

	CHECK_THAT(drawn_says(t, 60, 12, "0.4") || drawn_says(t, 60, 12, "1."), "numbers");
	CHECK_THAT(!drawn_says(t, 60, 3, "0.4") && drawn_says(t, 60, 3, "capital"), "in three lines, words alone");
	table_unref(t);
}

/* A blank in a group of words is where its text has one, and no dot that the text has itself. */
static void test_dots_of_a_group(void)
{
	struct table *t = sample_new(2, 1, "occlusion", "logit", LOOK_TOKENS, SCALE_DIVERGING);

	t->rows.dim = DIM_GROUP;
	axis_text(t, &t->rows, 0, "‹bos›The", strlen("‹bos›The"), "‹bos›The");
	axis_text(t, &t->rows, 1, " Col·legi de  Girona", strlen(" Col·legi de  Girona"), "·Col·legi·de··Girona");
	axis_label(t, &t->cols, 0, "effect");
	t->value[0] = 1;
	t->value[1] = -2;
	CHECK_THAT(drawn_says(t, 60, 8, "Col·legi de "), "the dot stays, the blank is one");
	table_unref(t);
}

/* Narrow columns show the index of tokens; what is no token has its name, since its index would look like a position. */
static void test_names_over_narrow_columns(void)
{
	enum { TOKENS = 12, N = TOKENS + 2 };
	struct table *t = sample_new(30, N, "relevance", "logit", LOOK_HEAT, SCALE_DIVERGING);

	axis_numbers(t, &t->rows, DIM_LAYER);
	t->cols.dim = DIM_COMPONENT;
	for (int i = 0; i < N; i++)
		axis_token(t, &t->cols, i, i < TOKENS ? i : -1, "", 0, i < TOKENS ? "·token" : i > TOKENS ? "softmax" : "bias");
	for (int i = 0; i < t->rows.n * N; i++)
		t->value[i] = i % 7 ? 1.5f : -100.f;
	CHECK_THAT(drawn_says(t, 60, 12, "10 11 bias\n"), "bias follows the last index, and is none");
	CHECK_THAT(drawn_says(t, 40, 12, "10  bias\n"), "in narrower ones an index gives way to it");
	table_unref(t);
}

/* In each way that there is to draw it. */
static void check_ways(enum sample sample)
{
	struct table *t = make(sample);
	struct view_way ways[VIEW_WAYS];
	int n = view_ways(t, ways);

	for (int depth = DEPTH_MONO; depth <= DEPTH_TRUE; depth++) {
		struct theme *theme = theme_builtin((struct theme_for){ (enum depth)depth, false });

		for (int i = 0; i < n; i++)
			check_cursor(sample, t, theme, ways[i]);
		theme_free(theme);
	}
	for (int i = 0; i < n; i++)
		check_need(sample, t, ways[i]);
	table_unref(t);
}

/* Each view is some sample's own. */
static void test_each_is_drawn(void)
{
	bool drawn[VIEW_COUNT] = { 0 };

	for (int sample = 0; sample < SAMPLES; sample++) {
		struct table *t = make((enum sample)sample);

		drawn[view_for(t, VIEW_OWN)] = true;
		table_unref(t);
	}
	for (int i = VIEW_OWN + 1; i < VIEW_COUNT; i++)
		CHECK_THAT(drawn[i], "a sample is drawn as %s", view_words[i]);
}

/* Numbers in sentences have the minus of the cells; names with a hyphen keep it. */
static void test_sentences(void)
{
	struct str out;

	str_init(&out);
	number_sentence("heads -0.32, rest (-.5), layers 3-4, x-ray, -2e-05", &out);
	CHECK_TEXT(out.s, "heads −0.32, rest (−.5), layers 3-4, x-ray, −2e-05");
	str_done(&out);
}

int main(void)
{
	test_sentences();
	test_each_is_drawn();
	test_older_values();
	test_numbers_below_words();
	test_dots_of_a_group();
	test_names_over_narrow_columns();
	for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++)
		check_looks(i);
	for (int sample = 0; sample < SAMPLES; sample++)
		for (int depth = DEPTH_MONO; depth <= DEPTH_TRUE; depth += 2)
			check_everywhere((enum sample)sample, (struct theme_for){ (enum depth)depth, depth == DEPTH_MONO });
	test_range_is_held();
	test_kind_is_kept();
	for (int sample = 0; sample < SAMPLES; sample++)
		check_ways((enum sample)sample);
	return tap_done();
}
