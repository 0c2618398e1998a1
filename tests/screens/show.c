/*
 * show.c - the sample tables in the real terminal, to be looked at: show [THEME]. Tab goes to the next pane, z through the zooms,
 * t through the themes, e switches "before" on, q leaves. Not a test.
 */
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/screens/samples.h"
#include "tui/terminal/term.h"
#include "tui/views/view.h"

enum { PANES = 4 };

struct show {
	struct table *table[PANES], *before[PANES];
	struct view_state state[PANES];
	int way[PANES];
	int row[PANES], col[PANES], focus;
	bool edited;
	char last[200];
};

static struct view view_of(const struct show *s, const struct theme *t, int i, struct rect r)
{
	struct view_way ways[VIEW_WAYS];
	int n = view_ways(s->table[i], ways);
	struct view_way way = ways[s->way[i] % n];

	return (struct view){ .table = s->table[i],
			      .as = way.view,
			      .zoom = way.zoom,
			      .before = s->edited ? s->before[i] : NULL,
			      .rect = r,
			      .theme = t,
			      .row = s->row[i],
			      .col = s->col[i],
			      .focus = i == s->focus };
}

static struct rect place(int i, int w, int h)
{
	int left = w * 6 / 10, top = (h - 3) * 6 / 10;

	return (struct rect){ i % 2 ? left : 0, 1 + (i / 2 ? top : 0), i % 2 ? w - left : left + 1, i / 2 ? h - 3 - top : top + 1 };
}

static void draw(struct canvas *c, struct show *s, const struct theme *t, struct view views[PANES])
{
	int w, h;

	term_size(&w, &h);
	canvas_reset(c, w, h, theme_ink(t, STYLE_TEXT));
	canvas_text(c, 1, 0, theme_ink(t, STYLE_BRAND), "lmscope");
	canvas_text(c, 10, 0, theme_ink(t, STYLE_MODEL), "SmolLM2-135M · llama 30L 9H/3kv d576 · Q4_1");
	canvas_field(c, 60, 0, w - 70, ALIGN_LEFT, theme_ink(t, STYLE_INPUT), " The capital of France is");
	canvas_text(c, w - 8, 0, theme_ink(t, STYLE_GOOD), "● 38 ms");
	for (int i = 0; i < PANES; i++) {
		struct frame f = { .rect = place(i, w, h),
				   .title = s->table[i]->parts,
				   .unit = s->table[i]->unit[0],
				   .mark = s->edited ? "edited" : NULL,
				   .right = zoom_words[s->state[i].shown],
				   .focus = i == s->focus };
		struct rect inside = frame_draw(c, t, &f);

		views[i] = view_of(s, t, i, inside);
		view_draw(c, &views[i], &s->state[i]);
	}
	frame_accent(c, t, place(s->focus, w, h));
	canvas_textf(c, 1, h - 2, theme_ink(t, STYLE_DIM), "theme %s · last key %s", theme_name(t), s->last);
	canvas_text(c, 1, h - 1, theme_ink(t, STYLE_KEY), "␣");
	canvas_text(c, 3, h - 1, theme_ink(t, STYLE_HINT), "ablate");
	canvas_text(c, 11, h - 1, theme_ink(t, STYLE_KEY), "q");
	canvas_text(c, 13, h - 1, theme_ink(t, STYLE_HINT), "quit");
	canvas_text(c, 20, h - 1, theme_ink(t, STYLE_EDITED), "head 12.4 zero");
	canvas_text(c, 36, h - 1, theme_ink(t, STYLE_WARNING), "warning");
	canvas_text(c, 46, h - 1, theme_ink(t, STYLE_ERROR), "error");
	canvas_text(c, 54, h - 1, theme_ink(t, STYLE_SELECTED), " selected ");
}

static bool press(struct show *s, struct view views[PANES], const struct key *key)
{
	static const struct {
		enum key_kind kind;
		enum view_move move;
	} moves[] = { { K_UP, VIEW_UP },	   { K_DOWN, VIEW_DOWN },	    { K_LEFT, VIEW_LEFT },  { K_RIGHT, VIEW_RIGHT },
		      { K_PAGE_UP, VIEW_PAGE_UP }, { K_PAGE_DOWN, VIEW_PAGE_DOWN }, { K_HOME, VIEW_FIRST }, { K_END, VIEW_LAST } };
	int i = s->focus;
	struct str name;

	str_init(&name);
	key_print(key, &name);
	snprintf(s->last, sizeof s->last, "%s %d,%d %d", name.s, key->x, key->y, key->again);
	str_done(&name);
	for (size_t k = 0; k < sizeof moves / sizeof *moves; k++)
		if (moves[k].kind == key->kind)
			view_move(&views[i], &s->state[i], moves[k].move, &s->row[i], &s->col[i]);
	if (key->kind == K_TAB)
		s->focus = (s->focus + 1) % PANES;
	for (int k = 0; k < PANES && key->kind == K_CLICK; k++)
		if (rect_holds(views[k].rect, key->x, key->y)) {
			int row, col;

			s->focus = k;
			if (view_hit(&views[k], &s->state[k], key->x, key->y, &row, &col)) {
				s->row[k] = row < 0 ? s->row[k] : row;
				s->col[k] = col < 0 ? s->col[k] : col;
			}
		}
	if (key->kind == K_CHAR && key->c == 'z' && key->mods & MOD_CTRL)
		term_suspend();
	else if (key->kind == K_CHAR && key->c == 'z')
		s->way[i]++;
	if (key->kind == K_CHAR && key->c == 'e')
		s->edited = !s->edited;
	return !(key->kind == K_CHAR && key->c == 'q') && key->kind != K_LOST;
}

int main(int argc, char **argv)
{
	struct show s = { .row = { 9, 9, 9, 3 }, .col = { 5, 5, 4, 0 } };
	struct term_wish wish = { .ascii = argc > 2 };
	struct theme_for what;
	struct err err = { 0 };
	struct notes notes = { 0 };
	struct theme *theme;
	struct canvas c;
	struct view views[PANES];
	struct key key;
	char **names;
	int themes = theme_list(&names), at = 0;

	setlocale(LC_ALL, "");
	s.table[0] = sample_lens(30, 9);
	s.before[0] = sample_lens(30, 9);
	for (int i = 100; i < 120; i++)
		s.before[0]->id[i] += i % 3 == 0;
	s.table[1] = sample_attention(atoi(getenv("N") ? getenv("N") : "17"));
	s.table[2] = sample_heads(30, 9);
	s.table[3] = sample_ranking(true);
	if (getenv("BARS")) {
		s.table[3] = sample_components(12, 0);
		s.before[3] = sample_components(12, 1);
		s.table[2] = sample_hostile();
	}
	if (!term_start(wish, &what, &err)) {
		fprintf(stderr, "show: %s\n", err.text);
		return 1;
	}
	theme = argc > 1 ? theme_open(argv[1], what, &notes, &err) : theme_builtin(what);
	if (!theme)
		theme = theme_builtin(what);
	canvas_init(&c, 0, 0);
	do {
		struct pollfd in = { .fd = term_fd(), .events = POLLIN };

		draw(&c, &s, theme, views);
		term_show(&c);
		while (!term_key(&key))
			poll(&in, 1, -1);
		if (key.kind == K_CHAR && key.c == 't' && themes) {
			theme_free(theme);
			theme = theme_open(names[at++ % themes], what, &notes, &err);
		}
	} while (theme && press(&s, views, &key));
	term_stop();
	return 0;
}
