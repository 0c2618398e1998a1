/*
 * prompt.c - prompt and foil, each on a line of its own, token over token, where they differ marked; and what each of them
 * predicts.
 *
 *     prompt  When Mary and John went to the store, John gave a drink to      → ·Mary .923
 *     foil    When Mary and John went to the store, Mary gave a drink to      → ·John .871
 *
 * What does not fit is left out where nothing happens: the cursor's token and the first difference stay. A line that is being typed
 * wraps to three rows, over the panes, so that these need not move for it: only their upper edges do, which say what they show.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tui/app/align.h"
#include "tui/app/binding.h"
#include "tui/app/typing.h"
#include "tui/draw/wrap.h"
#include "tui/panes/lists.h"

enum {
	LABEL_W = 8,
	GUESS_WORD = 14,
	GUESS_FIXED = 7,
	GUESS_FROM = 64,
	GUESS_BESIDE = 100,
	TYPED_ROWS = 3,
	WRAPS_FROM = 18,
	GAPS = 3
};

/* ------------------------------------------------------------------------------------------------ which tokens */

struct strip {
	const struct snapshot *shot;
	struct aligned *at; /* [n] */
	int *w;		    /* [n] columns of each pair */
	bool *shown;	    /* [n] */
	int n, room;
	int cursor, difference; /* the pair that the cursor is in; the first one that differs, or the cursor's */
};

/* A token as text reads: its own spaces, everything else visible. */
static void token_text(const struct snapshot_token *t, struct str *out)
{
	if (t->special)
		str_add(out, t->show);
	else
		utf8_safe(out, t->text, strlen(t->text), false);
}

static int token_columns(const struct snapshot_token *t)
{
	struct str s;
	int w;

	str_init(&s);
	token_text(t, &s);
	w = canvas_columns(s.s, s.n);
	str_done(&s);
	return w;
}

static void measure(struct strip *p)
{
	for (int i = 0; i < p->n; i++) {
		int a = p->at[i].prompt < 0 ? 0 : token_columns(&p->shot->token[p->at[i].prompt]);
		int b = p->at[i].foil < 0 ? 0 : token_columns(&p->shot->foil[p->at[i].foil]);

		p->w[i] = a > b ? a : b;
	}
}

/* All of them; or what is around the cursor and around the first difference, as far as there is room on either side. */
static void choose(struct strip *p)
{
	struct {
		int at, by;
	} front[] = { { p->cursor, -1 }, { p->cursor, 1 }, { p->difference, -1 }, { p->difference, 1 } };
	int all = 0, room = p->room - GAPS;
	bool more = true;

	for (int i = 0; i < p->n; i++)
		all += p->w[i];
	for (int i = 0; i < p->n; i++)
		p->shown[i] = all <= p->room;
	if (all <= p->room)
		return;
	while (more) {
		more = false;
		for (int i = 0; i < 4; i++) {
			int at = front[i].at;

			while (at >= 0 && at < p->n && p->shown[at])
				at += front[i].by;
			if (at < 0 || at >= p->n || (p->w[at] > room && room < p->room - GAPS)) {
				front[i].at = front[i].by < 0 ? -1 : p->n;
				continue;
			}
			p->shown[at] = more = true;
			front[i].at = at;
			room -= p->w[at];
		}
	}
}

/* The tokens are of this text, and not of the one before it: some tokenizers put a token, or a space, in front of it. */
static bool tokens_of(const struct snapshot_token *token, int n, const char *text)
{
	struct str all;
	bool same;

	str_init(&all);
	for (int i = token[0].special ? 1 : 0; i < n; i++)
		str_add(&all, token[i].text);
	same = !strcmp(all.s, text) || (all.s[0] == ' ' && !strcmp(all.s + 1, text));
	str_clear(&all);
	for (int i = 0; i < n && !same; i++) /* where it is written out */
		str_add(&all, token[i].text);
	same = same || !strcmp(all.s, text);
	str_done(&all);
	return same;
}

/* The tokens of prompt and foil side by side; false: they are not known (yet). */
static bool strip_make(const struct app *app, int room, struct strip *p)
{
	const struct snapshot *shot = app->shot;
	int n = shot ? shot->tokens : 0, m = shot && app->doc.job.foil ? shot->foil_tokens : 0;
	int cursor = n ? cursor_get(app, DIM_POSITION, n) : 0;

	*p = (struct strip){ .shot = shot, .room = room, .difference = -1 };
	if (!n || (app->doc.job.foil && !m) || app_stale(app) || !tokens_of(shot->token, n, app->doc.job.prompt) ||
	    (m && !tokens_of(shot->foil, m, app->doc.job.foil)))
		return false;
	p->at = xcalloc((size_t)(n + m), sizeof *p->at);
	p->w = xcalloc((size_t)(n + m), sizeof *p->w);
	p->shown = xcalloc((size_t)(n + m), sizeof *p->shown);
	p->n = m ? align_tokens(shot->token, n, shot->foil, m, p->at) : n;
	for (int i = 0; !m && i < n; i++)
		p->at[i] = (struct aligned){ i, -1, false };
	for (int i = 0; i < p->n; i++) {
		if (p->at[i].prompt == cursor)
			p->cursor = i;
		if (p->at[i].differ && p->difference < 0)
			p->difference = i;
	}
	if (p->difference < 0)
		p->difference = p->cursor;
	measure(p);
	choose(p);
	return true;
}

static void strip_done(struct strip *p)
{
	free(p->at);
	free(p->w);
	free(p->shown);
}

/* ------------------------------------------------------------------------------------------------ drawing */

static struct ink token_ink(const struct app *app, const struct strip *p, int i, const struct snapshot_token *t)
{
	struct ink ink = app_ink(app, p->at[i].differ ? STYLE_WARNING : t->special ? STYLE_SPECIAL : STYLE_TOKEN);

	if (i == p->cursor && !p->at[i].differ)
		ink = app_ink(app, STYLE_LABEL_CURSOR);
	if (p->at[i].differ)
		ink.attr |= INK_UNDERLINE;
	return ink;
}

static void draw_strip(struct app *app, struct canvas *c, const struct strip *p, int x, int y, bool foil)
{
	struct rect before = canvas_clip(c, (struct rect){ x, y, p->room, 1 });
	struct str s;

	str_init(&s);
	for (int i = 0; i < p->n; i++) {
		int at = foil ? p->at[i].foil : p->at[i].prompt;
		const struct snapshot_token *t = at < 0 ? NULL : foil ? &p->shot->foil[at] : &p->shot->token[at];

		if (!p->shown[i]) {
			if (i == 0 || p->shown[i - 1])
				x += canvas_text(c, x, y, app_ink(app, STYLE_DIM), "…");
			continue;
		}
		str_clear(&s);
		if (t) {
			token_text(t, &s);
			canvas_text_n(c, x, y, token_ink(app, p, i, t), s.s, s.n);
		}
		x += p->w[i];
	}
	str_done(&s);
	canvas_unclip(c, before);
}

int guess_columns(const struct snapshot_guess *g)
{
	int word = g->show ? canvas_columns(g->show, strlen(g->show)) : 0;

	return !word ? 0 : GUESS_FIXED + (word < GUESS_WORD ? word : GUESS_WORD);
}

void draw_guess(struct app *app, struct canvas *c, int x, int y, int w, const struct snapshot_guess *g)
{
	const bool stale = app_unprepared(app);
	char probability[16];

	if (!g->show)
		return;
	snprintf(probability, sizeof probability, "%.3f", g->probability);
	canvas_text(c, x, y, app_ink(app, STYLE_DIM), "→");
	canvas_field(c, x + 2, y, w - GUESS_FIXED, ALIGN_LEFT, app_ink(app, stale ? STYLE_STALE : STYLE_TOKEN), g->show);
	canvas_field(c, x + w - 4, y, 4, ALIGN_RIGHT, app_ink(app, stale ? STYLE_STALE : STYLE_TEXT),
		     *probability == '0' ? probability + 1 : "1");
}

void draw_input(struct app *app, struct canvas *c, int x, int y, int w, enum style style)
{
	struct str text;
	bool left, right;
	int caret;

	str_init(&text);
	input_window(&app->input, w, &text, &caret, &left, &right);
	canvas_fill(c, (struct rect){ x, y, w, 1 }, app_ink(app, style));
	canvas_text_n(c, x, y, app_ink(app, style), text.s, text.n);
	c->cursor_x = x + (caret < w ? caret : w - 1);
	c->cursor_y = y;
	str_done(&text);
}

/* The rows of what is being typed that are shown, and which is the first. */
static int typed_rows(const struct app *app, int w, int *top)
{
	struct wrapped all = wrap_cursor(&app->input, w);
	int rows = all.rows < TYPED_ROWS ? all.rows : TYPED_ROWS;

	*top = all.row - rows / 2 < 0 ? 0 : all.row - rows / 2 > all.rows - rows ? all.rows - rows : all.row - rows / 2;
	return rows;
}

/* Returns how many rows it takes. */
static int draw_typed(struct app *app, struct canvas *c, struct rect r)
{
	struct wrapped at = wrap_cursor(&app->input, r.w);
	struct str text;
	int top, rows;

	if (c->h < WRAPS_FROM) {
		draw_input(app, c, r.x, r.y, r.w, STYLE_INPUT);
		return 1;
	}
	rows = typed_rows(app, r.w, &top);
	str_init(&text);
	canvas_fill(c, (struct rect){ 0, r.y, c->w, rows }, app_ink(app, STYLE_TEXT));
	canvas_fill(c, (struct rect){ r.x, r.y, r.w, rows }, app_ink(app, STYLE_INPUT));
	for (int i = 0; i < rows; i++) {
		str_clear(&text);
		wrap_row(&app->input, r.w, top + i, &text);
		canvas_text_n(c, r.x, r.y + i, app_ink(app, STYLE_INPUT), text.s, text.n);
	}
	app->typed = (struct typed){ { r.x, r.y, r.w, rows }, top };
	c->cursor_x = r.x + at.col;
	c->cursor_y = r.y + at.row - top;
	str_done(&text);
	return rows;
}

/* One of the two lines, at y; returns the row after it. */
static int draw_line(struct app *app, struct canvas *c, struct rect r, enum line_kind kind, const struct strip *p, int guess)
{
	const struct snapshot_guess *g = !p->n ? NULL : kind == LINE_FOIL ? &p->shot->next_foil : &p->shot->next;
	const char *text = kind == LINE_FOIL ? app->doc.job.foil : app->doc.job.prompt;
	int x = r.x + 1 + LABEL_W, end = r.x + r.w - 1, rows = 1;

	canvas_fill(c, r, app_ink(app, STYLE_TEXT));
	if (app->line == kind) {
		rows = draw_typed(app, c, (struct rect){ x, r.y, end - x, 1 });
	} else if (p->n) {
		draw_strip(app, c, p, x, r.y, kind == LINE_FOIL);
		if (guess)
			draw_guess(app, c, end - guess, r.y, guess, g);
	} else if (text) {
		canvas_field(c, x, r.y, end - x, ALIGN_LEFT, app_ink(app, STYLE_TEXT), text);
	}
	canvas_text(c, r.x + 1, r.y, app_ink(app, app->line == kind ? STYLE_FOCUS : STYLE_TITLE),
		    kind == LINE_FOIL ? "foil" : "prompt");
	return r.y + rows;
}

bool guess_is_above(const struct app *app)
{
	return app->layout.prompt.h && app->layout.prompt.w < GUESS_BESIDE && app->layout.prompt.w >= GUESS_FROM &&
	       !app->layout.foil.h;
}

/* The rows that what is typed takes of the panes. */
static int rows_over_panes(const struct app *app, const struct canvas *c, struct rect r)
{
	int top;

	return (app->line != LINE_PROMPT && app->line != LINE_FOIL) || c->h < WRAPS_FROM
		       ? 0
		       : typed_rows(app, r.w - LABEL_W - 2, &top) - 1;
}

/*
 * The upper edges of the first panes, so many rows further down: without its title, and the word "stale", nobody knows what a
 * table is.
 */
static void lower_edges(const struct app *app, struct canvas *c, int by)
{
	const struct layout *l = &app->layout;

	for (int i = 0; i < app->doc.job.panes; i++) {
		const struct rect *p = &l->pane[i];
		struct cell *edge = &c->cell[(size_t)p->y * (size_t)c->w + (size_t)p->x];

		if (p->w && p->y == l->header.h + l->prompt.h + l->foil.h + l->way.h)
			memcpy(edge + by * c->w, edge, (size_t)p->w * sizeof *edge);
	}
}

void draw_prompt(struct app *app, struct canvas *c)
{
	const struct layout *l = &app->layout;
	struct rect r = l->prompt.h ? l->prompt : l->header;
	int guess = 0, over = rows_over_panes(app, c, r);
	struct strip p;

	app->typed = (struct typed){ 0 };
	if (app->shot && !guess_is_above(app) && r.w >= GUESS_FROM) {
		int next = guess_columns(&app->shot->next), foil = l->foil.h ? guess_columns(&app->shot->next_foil) : 0;

		guess = next > foil ? next : foil;
	}
	strip_make(app, r.w - LABEL_W - 2 - (guess ? guess + 2 : 0), &p);
	if (over)
		lower_edges(app, c, over);
	/* Where there is no line for the foil, it has the prompt's while it is typed. */
	if (app->line != LINE_FOIL || l->foil.h)
		r.y = draw_line(app, c, r, LINE_PROMPT, &p, guess);
	if (app->line == LINE_FOIL || l->foil.h)
		r.y = draw_line(app, c, r, LINE_FOIL, &p, guess);
	if (l->way.h)
		draw_way(app, c, (struct rect){ l->way.x, r.y, l->way.w, 1 });
	strip_done(&p);
}

void pair_note(const struct app *app, struct str *out, enum style *style)
{
	const struct snapshot *shot = app->shot;
	bool equal = shot && shot->foil_tokens == shot->tokens;
	struct aligned *at;
	int n, differ = 0;

	*style = STYLE_DIM;
	if (!shot || !shot->foil_tokens || app_stale(app))
		return;
	at = xcalloc((size_t)(shot->tokens + shot->foil_tokens), sizeof *at);
	n = align_tokens(shot->token, shot->tokens, shot->foil, shot->foil_tokens, at);
	for (int i = 0; i < n; i++)
		differ += at[i].differ;
	free(at);
	if (equal)
		str_addf(out, "%d tokens each, %d differ%s", shot->tokens, differ, differ == 1 ? "s" : "");
	else
		str_addf(out, "%d ≠ %d tokens: no patching", shot->tokens, shot->foil_tokens);
	if (!equal)
		*style = STYLE_WARNING;
}
