/* reader.c - the whole continuation to read: as text, and each token with the probability that the model gave it. */
#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tui/panes/lists.h"

/* In lines as wide as the screen lets them be, broken between tokens. */
static void add_text(const struct app *app, struct list *list, const struct snapshot_token *token, int n)
{
	enum { EDGES = 12, LEAST = 20 };
	int w = app->layout.footer.w - EDGES > LEAST ? app->layout.footer.w - EDGES : LEAST;
	struct str line;

	str_init(&line);
	for (int i = 0; i < n; i++) {
		if (line.n && canvas_columns(line.s, line.n) + canvas_columns(token[i].text, strlen(token[i].text)) > w) {
			list_add(list, line.s, NULL);
			str_clear(&line);
		}
		utf8_safe(&line, token[i].text, strlen(token[i].text), false);
	}
	list_add(list, line.s, NULL);
	str_done(&line);
}

static void add_tokens(struct list *list, const struct snapshot_token *token, int n)
{
	char detail[20];

	for (int i = 0; i < n; i++) {
		snprintf(detail, sizeof detail, "%.3f", token[i].probability);
		list_add(list, token[i].show, detail);
	}
}

static void fill_reader(const struct app *app, struct list *list)
{
	const struct snapshot *shot = app->shot;
	bool both = shot && shot->plain_tokens > 0;

	if (!shot || !shot->generated_tokens)
		return;
	list_heading(list, both ? "with the edits" : "text");
	add_text(app, list, shot->generated, shot->generated_tokens);
	if (both) {
		list_heading(list, "without the edits");
		add_text(app, list, shot->plain, shot->plain_tokens);
	}
	list_heading(list, both ? "with the edits: each token, its probability" : "each token, its probability");
	add_tokens(list, shot->generated, shot->generated_tokens);
	if (both) {
		list_heading(list, "without the edits: each token, its probability");
		add_tokens(list, shot->plain, shot->plain_tokens);
	}
}

static const struct popup popup_reader = {
	.title = "continuation", .fill = fill_reader, .empty = "nothing yet: g generates", .keep_order = true
};

void act_read(struct app *app, const char *argument)
{
	(void)argument;
	popup_open(app, &popup_reader);
}
