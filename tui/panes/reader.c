/* reader.c - the whole continuation to read: as text, and each token with the probability that the model gave it. */
#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tui/panes/lists.h"

static void add_text(struct list *list, const struct snapshot_token *token, int n)
{
	struct str text;

	str_init(&text);
	for (int i = 0; i < n; i++)
		utf8_safe(&text, token[i].text, strlen(token[i].text), false);
	list_add(list, text.s, NULL);
	str_done(&text);
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
	add_text(list, shot->generated, shot->generated_tokens);
	if (both) {
		list_heading(list, "without the edits");
		add_text(list, shot->plain, shot->plain_tokens);
	}
	list_heading(list, both ? "with the edits: each token, its probability" : "each token, its probability");
	add_tokens(list, shot->generated, shot->generated_tokens);
	if (both) {
		list_heading(list, "without the edits: each token, its probability");
		add_tokens(list, shot->plain, shot->plain_tokens);
	}
}

const struct popup popup_reader = { .title = "continuation", .fill = fill_reader, .empty = "nothing yet: g generates" };

void act_read(struct app *app, const char *argument)
{
	(void)argument;
	popup_open(app, &popup_reader);
}
