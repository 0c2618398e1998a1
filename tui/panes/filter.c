/* filter.c - what is typed in a list: which lines stay, and which of their letters matched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tui/app/fuzzy.h"
#include "tui/panes/lists.h"

enum { FILTER_BYTES = 200 };

struct ranked_item {
	struct list_item item;
	long rank;
	int at;
};

static int better_first(const void *a, const void *b)
{
	const struct ranked_item *one = a, *other = b;

	if (one->rank != other->rank)
		return one->rank > other->rank ? -1 : 1;
	return one->at - other->at;
}

void list_filter(struct list *list, const char *query, bool keep_order)
{
	struct ranked_item *found;
	int n = 0;

	if (!*query || !list->n)
		return;
	found = xmalloc((size_t)list->n * sizeof *found);
	for (int i = 0; i < list->n; i++) {
		const struct list_item *item = &list->item[i];

		found[n] = (struct ranked_item){ .item = *item, .at = i };
		if (!item->heading && fuzzy_line(query, item->text, item->detail, &found[n].rank))
			n++;
	}
	if (!keep_order)
		qsort(found, (size_t)n, sizeof *found, better_first);
	for (int i = 0; i < n; i++)
		list->item[i] = found[i].item;
	list->n = n;
	free(found);
}

/* ------------------------------------------------------------------------------------------------ typing */

void popup_type(struct app *app, const struct key *key)
{
	const char *text = key->paste;
	char bytes[5] = "";
	size_t n;

	if (key->kind != K_PASTE) {
		utf8_encode(key->c, bytes);
		text = bytes;
	}
	n = strcspn(text, "\r\n\t");
	if (app->filter.n + n > FILTER_BYTES || (!app->filter.n && *text == ' ' && n == 1))
		return;
	str_add_n(&app->filter, text, n);
	popup_restart(app);
}

bool popup_filter(struct app *app, const char *text)
{
	struct list list;
	struct list_item item;
	bool any;

	str_clear(&app->filter);
	str_add_n(&app->filter, text, strlen(text) < FILTER_BYTES ? strlen(text) : 0);
	popup_restart(app);
	popup_marked(app, &list, &item);
	any = list.n > 0;
	list_done(&list);
	return any;
}

static void cut(struct app *app, size_t n)
{
	if (n == app->filter.n)
		return;
	app->filter.n = n;
	app->filter.s[n] = '\0';
	popup_restart(app);
}

void act_list_erase(struct app *app, const char *argument)
{
	size_t last = 0, step;
	int width;

	(void)argument;
	for (size_t at = 0; at < app->filter.n; at += step) {
		step = utf8_cluster(app->filter.s + at, app->filter.n - at, &width);
		last = at;
	}
	cut(app, last);
}

void act_list_erase_word(struct app *app, const char *argument)
{
	size_t n = app->filter.n;

	(void)argument;
	while (n && app->filter.s[n - 1] == ' ')
		n--;
	while (n && app->filter.s[n - 1] != ' ')
		n--;
	cut(app, n);
}

void act_list_erase_all(struct app *app, const char *argument)
{
	(void)argument;
	cut(app, 0);
}

/* ------------------------------------------------------------------------------------------------ drawing */

void draw_found(struct app *app, struct canvas *c, struct rect r, struct ink ink, const char *text, bool name)
{
	const struct ink match = app_ink(app, STYLE_MATCH);
	const char *query = app->filter.s, *word;
	const int columns = canvas_columns(text, strlen(text));
	struct fuzzy found;
	size_t n;

	canvas_field(c, r.x, r.y, r.w, ALIGN_LEFT, ink, text);
	while ((word = fuzzy_word(&query, &n))) {
		if (!(name ? fuzzy_name : fuzzy_sentence)(word, n, text, &found))
			continue;
		for (int i = 0; i < found.hits; i++) {
			const char *letter = text + found.hit[i];
			int x = canvas_columns(text, found.hit[i]), width;
			size_t bytes = utf8_cluster(letter, strlen(letter), &width);

			if (x + width <= (columns > r.w ? r.w - 1 : r.w)) /* the last column is the "…" of what is cut */
				canvas_text_n(c, r.x + x, r.y, match, letter, bytes);
		}
	}
}

void draw_filter(struct app *app, struct canvas *c, struct rect r, int found, int whole)
{
	const struct ink dim = ink_over(app_ink(app, STYLE_DIM), app_ink(app, STYLE_POPUP));
	char count[40] = "";
	int w = canvas_columns(app->filter.s, app->filter.n), room;

	if (!app->filter.n) {
		canvas_field(c, r.x, r.y, r.w, ALIGN_LEFT, dim, "type to filter");
		w = 0;
	} else {
		snprintf(count, sizeof count, "%d of %d", found, whole);
		room = r.w - (int)strlen(count) - 2;
		canvas_field(c, r.x, r.y, room, ALIGN_LEFT, app_ink(app, STYLE_INPUT), app->filter.s);
		canvas_field(c, r.x, r.y, room, ALIGN_LEFT, app_ink(app, STYLE_INPUT), app->filter.s);
		canvas_text(c, r.x + room + 2, r.y, dim, count);
		w = w < room ? w : room - 1;
	}
	c->cursor_x = r.x + w;
	c->cursor_y = r.y;
}
