/*
 * pair.c - prompt and foil under each other, token over token, where they differ marked; and what each of them predicts.
 *
 *     prompt  When Mary and John went to the store, John gave a drink to      → ·Mary .923
 *     foil    When Mary and John went to the store, Mary gave a drink to      → ·John .871
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tui/align.h"
#include "tui/lines.h"
#include "tui/panes/lists.h"
#include "tui/question.h"

enum { LABEL_W = 8, GUESS_W = 22, GUESS_FROM = 64 };

struct pair {
	const struct snapshot *shot;
	struct aligned *at;	/* [n] */
	int *x;			/* [n + 1] where each pair begins */
	int n, from, room;	/* columns that are left out on the left; and that there are */
	int cursor;		/* the pair that the cursor's position is in */
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

static void measure(struct pair *p)
{
	p->x[0] = 0;
	for (int i = 0; i < p->n; i++) {
		int a = p->at[i].prompt < 0 ? 0 : token_columns(&p->shot->token[p->at[i].prompt]);
		int b = p->at[i].foil < 0 ? 0 : token_columns(&p->shot->foil[p->at[i].foil]);

		p->x[i + 1] = p->x[i] + (a > b ? a : b);
	}
}

/* So that the cursor's token shows, with some of what is around it; the end of the text stays at the right edge. */
static void scroll(struct pair *p)
{
	int all = p->x[p->n], middle = p->x[p->cursor] - p->room / 2;

	p->from = all <= p->room ? 0 : middle < 0 ? 0 : middle > all - p->room ? all - p->room : middle;
}

static void draw_tokens(struct app *app, struct canvas *c, const struct pair *p, int x, int y, bool foil)
{
	struct rect before = canvas_clip(c, (struct rect){ x, y, p->room, 1 });
	struct str s;

	str_init(&s);
	for (int i = 0; i < p->n; i++) {
		int at = foil ? p->at[i].foil : p->at[i].prompt;
		const struct snapshot_token *t = at < 0 ? NULL : foil ? &p->shot->foil[at] : &p->shot->token[at];
		struct ink ink = app_ink(app, p->at[i].differ ? STYLE_WARNING : t && t->special ? STYLE_SPECIAL : STYLE_TOKEN);

		if (!t || p->x[i + 1] <= p->from || p->x[i] >= p->from + p->room)
			continue;
		if (i == p->cursor && !p->at[i].differ)
			ink = app_ink(app, STYLE_LABEL_CURSOR);
		if (p->at[i].differ)
			ink.attr |= INK_UNDERLINE;
		str_clear(&s);
		token_text(t, &s);
		canvas_text_n(c, x + p->x[i] - p->from, y, ink, s.s, s.n);
	}
	str_done(&s);
	canvas_unclip(c, before);
	if (p->from > 0)
		canvas_text(c, x, y, app_ink(app, STYLE_DIM), "…");
	if (p->x[p->n] - p->from > p->room)
		canvas_text(c, x + p->room - 1, y, app_ink(app, STYLE_DIM), "…");
}

static void draw_guess(struct app *app, struct canvas *c, int x, int y, const struct snapshot_guess *g)
{
	char probability[16];

	if (!g->show)
		return;
	snprintf(probability, sizeof probability, "%.3f", g->probability);
	canvas_text(c, x, y, app_ink(app, STYLE_DIM), "→");
	canvas_field(c, x + 2, y, GUESS_W - 8, ALIGN_LEFT, app_ink(app, STYLE_TOKEN), g->show);
	canvas_text(c, x + GUESS_W - 5, y, app_ink(app, STYLE_TEXT), *probability == '0' ? probability + 1 : probability);
}

/* A line that is typed, or whose tokens are not known yet. */
static void draw_plain(struct app *app, struct canvas *c, int x, int y, int w, enum line_kind kind, const char *text)
{
	struct str cut;

	if (app->line == kind) {
		draw_input(app, c, x, y, w, STYLE_INPUT);
		return;
	}
	str_init(&cut);
	text_window(text, strlen(text), w, &cut);
	canvas_text_n(c, x, y, app_ink(app, STYLE_TEXT), cut.s, cut.n);
	str_done(&cut);
}

void draw_pair(struct app *app, struct canvas *c, struct rect r)
{
	const struct snapshot *shot = app->shot;
	int n = shot ? shot->tokens : 0, m = shot ? shot->foil_tokens : 0, x = r.x + 1 + LABEL_W, guess = r.w >= GUESS_FROM ? GUESS_W + 1 : 0;
	bool known = n && m && !app_stale(app);
	struct pair p = { .shot = shot, .room = r.x + r.w - 1 - x - guess };

	canvas_text(c, r.x + 1, r.y, app_ink(app, app->line == LINE_PROMPT ? STYLE_FOCUS : STYLE_TITLE), "prompt");
	canvas_text(c, r.x + 1, r.y + 1, app_ink(app, app->line == LINE_FOIL ? STYLE_FOCUS : STYLE_TITLE), "foil");
	if (known) {
		p.at = xcalloc((size_t)(n + m), sizeof *p.at);
		p.x = xcalloc((size_t)(n + m + 1), sizeof *p.x);
		p.n = align_tokens(shot->token, n, shot->foil, m, p.at);
		for (int i = 0; i < p.n; i++)
			p.cursor = p.at[i].prompt == cursor_get(app, DIM_POSITION, n) ? i : p.cursor;
		measure(&p);
		scroll(&p);
	}
	if (known && app->line != LINE_PROMPT)
		draw_tokens(app, c, &p, x, r.y, false);
	else
		draw_plain(app, c, x, r.y, p.room, LINE_PROMPT, app->doc.job.prompt);
	if (known && app->line != LINE_FOIL)
		draw_tokens(app, c, &p, x, r.y + 1, true);
	else
		draw_plain(app, c, x, r.y + 1, p.room, LINE_FOIL, app->doc.job.foil ? app->doc.job.foil : "");
	if (known && guess) {
		draw_guess(app, c, x + p.room + 1, r.y, &shot->next);
		draw_guess(app, c, x + p.room + 1, r.y + 1, &shot->next_foil);
	}
	free(p.at);
	free(p.x);
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
