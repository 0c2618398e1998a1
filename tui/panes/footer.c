/*
 * footer.c - the lines at the bottom that speak: the keys available here, always; over them the newest message; and the line that
 * is being typed, below its keys.
 */
#include <stdio.h>
#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/complete.h"
#include "tui/app/typing.h"
#include "tui/panes/lists.h"

/* A row's word; that of Space is what it does with this cell. */
static const char *label_of(const struct app *app, const struct action *action)
{
	return action == &actions[ACTION_ablate] ? cell_verb(app) : action->label;
}

/* "[ ] layer": rows with the same label are together. Returns false when it does not fit before `end`. */
static bool draw_hint(struct app *app, struct canvas *c, int *x, int y, int end, const struct action *first)
{
	enum { HINT_KEYS = 6, VERB_W = 6 }; /* what comes after "ablate", "patch", "revert" stays where it is */
	const char *label = label_of(app, first);
	struct hot hot[HINT_KEYS];
	struct str keys;
	int w, word_w, hots = 0;

	str_init(&keys);
	for (int i = (int)(first - actions); i < ACTION_COUNT; i++) {
		if (actions[i].where != first->where || strcmp(actions[i].label, first->label))
			continue;
		if (keys.n)
			str_add_char(&keys, ' ');
		if (hots < HINT_KEYS)
			hot[hots++] = (struct hot){ .rect = { canvas_columns(keys.s, keys.n), y, 0, 1 }, .id = i };
		action_keys(&actions[i], 1, theme_ascii(app->theme), &keys);
	}
	word_w = canvas_columns(label, strlen(label));
	if (first == &actions[ACTION_ablate] && word_w < VERB_W)
		word_w = VERB_W;
	w = canvas_columns(keys.s, keys.n) + 1 + word_w;
	if (*x + w <= end) {
		/* Each key is itself; the word is the last one's. */
		for (int i = 0; i < hots; i++)
			hot_add(&app->hots,
				(struct rect){ *x + hot[i].rect.x, y, (i + 1 < hots ? hot[i + 1].rect.x : w) - hot[i].rect.x, 1 },
				HOT_ACTION, hot[i].id);
		*x += canvas_text(c, *x, y, app_ink(app, STYLE_KEY), keys.s) + 1;
		canvas_text(c, *x, y, app_ink(app, STYLE_HINT), label);
		*x += word_w + 2;
		w = 0;
	}
	str_done(&keys);
	return w == 0;
}

static bool shown_before(const struct action *action, unsigned where)
{
	for (const struct action *a = actions; a < action; a++)
		if ((a->where & where) && a->footer && a->where == action->where && !strcmp(a->label, action->label))
			return true;
	return false;
}

/* Its first key does something else here. */
static bool is_shadowed(const struct action *action, unsigned where)
{
	char name[16];
	struct key key;

	snprintf(name, sizeof name, "%.*s", (int)strcspn(action->keys, " "), action->keys);
	return *name && key_parse(name, &key) && action_for_key(&key, where) != action;
}

void draw_hints(struct app *app, struct canvas *c, struct rect r)
{
	unsigned where = app_where(app);
	int x = r.x + 1, end = r.x + r.w;

	/* Help keeps its place at the end. */
	if (where & W_MAIN) {
		int at = end - 7;

		end = at - 1;
		draw_hint(app, c, &at, r.y, r.x + r.w, &actions[ACTION_help]);
	}
	for (int place = 1; place < 40; place++)
		for (int i = 0; i < ACTION_COUNT; i++) {
			const struct action *a = &actions[i];

			if (i == ACTION_list_choose && app->popup && !app->popup->choose)
				continue; /* a page to read */
			if (a->footer != place || !(a->where & where) || i == ACTION_help || shown_before(a, where) ||
			    is_shadowed(a, where))
				continue;
			if (!draw_hint(app, c, &x, r.y, end, a))
				return;
		}
}

bool draw_message(struct app *app, struct canvas *c, struct rect r)
{
	enum { ROWS = 3 };
	struct canvas nowhere = { 0 };
	struct ink ink = app_ink(app, app->message_style);
	int rows;

	if (!app->message.n)
		return false;
	rows = canvas_paragraph(&nowhere, (struct rect){ 0, 0, r.w - 2, 0 }, 0, ink, app->message.s);
	rows = rows > ROWS ? ROWS : rows > r.y ? r.y : rows;
	r = (struct rect){ r.x, r.y + 1 - rows, r.w, rows };
	canvas_fill(c, r, app_ink(app, STYLE_TEXT));
	canvas_paragraph(c, (struct rect){ r.x + 1, r.y, r.w - 2, r.h }, 0, ink, app->message.s);
	return true;
}

static bool typed_below(const struct app *app)
{
	return app->line && app->line != LINE_PROMPT && app->line != LINE_FOIL;
}

void draw_footer(struct app *app, struct canvas *c, struct rect r)
{
	const char *label = lines_label(app->line);
	int x = r.x + 1;

	if (!typed_below(app)) {
		if (app->layout.status.h || !draw_message(app, c, r))
			draw_hints(app, c, r);
		return;
	}
	x += canvas_text(c, x, r.y, app_ink(app, STYLE_KEY), label);
	if (label[1])
		x++;
	draw_input(app, c, x, r.y, r.w - x - 1, STYLE_INPUT);
	if (!app->input.text.n && lines_example(app->line))
		canvas_field(c, x + 1, r.y, r.w - x - 2, ALIGN_LEFT, ink_over(app_ink(app, STYLE_DIM), app_ink(app, STYLE_INPUT)),
			     lines_example(app->line));
}

/* What may be typed at the cursor, over the footer, with the one that Tab has put in marked. */
void draw_completion(struct app *app, struct canvas *c)
{
	struct completion done;
	int most = app->layout.footer.y - 3 < 10 ? app->layout.footer.y - 3 : 10, wide = 0, top = 0, n;
	struct rect r;

	completion_of_line(app, app->line, app->complete_typed ? app->complete_typed : app->input.text.s, &done);
	n = done.list.n < most ? done.list.n : most;
	if (app->complete_at >= n)
		top = app->complete_at - n + 1;
	for (int i = 0; i < done.list.n; i++) {
		int w = canvas_columns(done.list.item[i].text, strlen(done.list.item[i].text));

		if (w > wide)
			wide = w;
	}
	if (wide > c->w / 2)
		wide = c->w / 2;
	r = (struct rect){ 0, app->layout.footer.y - n, c->w, 1 };
	for (int i = 0; i < n; i++, r.y++) {
		const struct list_item *item = &done.list.item[top + i];
		bool marked = top + i == app->complete_at;
		struct ink under = app_ink(app, marked ? STYLE_SELECTED : STYLE_POPUP);

		canvas_fill(c, r, under);
		canvas_field(c, 2, r.y, wide, ALIGN_LEFT, marked ? under : ink_over(app_ink(app, item->style), under), item->text);
		if (item->detail)
			canvas_field(c, wide + 4, r.y, c->w - wide - 5, ALIGN_LEFT,
				     marked ? under : ink_over(app_ink(app, STYLE_DIM), under), item->detail);
	}
	completion_done(&done);
}
