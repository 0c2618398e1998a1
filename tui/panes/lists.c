/* lists.c - see lists.h: what all lists over the panes share. */
#include "tui/panes/lists.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/draw/frame.h"

void list_init(struct list *list)
{
	memset(list, 0, sizeof *list);
	list->arena = arena_new();
}

void list_done(struct list *list)
{
	arena_free(list->arena);
	free(list->item);
}

struct list_item *list_add(struct list *list, const char *text, const char *detail)
{
	struct list_item *item;

	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 32;
		list->item = xrealloc(list->item, (size_t)list->room * sizeof *list->item);
	}
	item = &list->item[list->n++];
	*item = (struct list_item){ .text = arena_strdup(list->arena, text),
				    .detail = arena_strdup(list->arena, detail),
				    .style = STYLE_TEXT };
	return item;
}

struct list_item *list_addf(struct list *list, const char *detail, const char *format, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return list_add(list, text, detail);
}

void list_heading(struct list *list, const char *text)
{
	struct list_item *item = list_add(list, text, NULL);

	item->heading = true;
	item->style = STYLE_LABEL;
	list->indent = 2;
}

/* ------------------------------------------------------------------------------------------------ moving */

unsigned popup_where(const struct popup *popup)
{
	return popup->where;
}

static int columns_of(const char *text)
{
	return canvas_columns(text, strlen(text));
}

/* The left column: as wide as its widest text that has something to its right, at most half of the screen. */
static int text_columns(const struct list *list, int w)
{
	int most = 0;

	for (int i = 0; i < list->n; i++)
		if (list->item[i].detail && columns_of(list->item[i].text) > most)
			most = columns_of(list->item[i].text);
	most += list->indent;
	return most > w / 2 ? w / 2 : most;
}

/* Bytes of a text that fit in so many columns, up to a space. */
static size_t line_bytes(const char *text, int columns)
{
	size_t end = 0, n = strlen(text);

	for (size_t i = 0; i <= n; i++)
		if (text[i] == ' ' || text[i] == '\0') {
			if (canvas_columns(text, i) > columns)
				break;
			end = i;
		}
	return end ? end : n;
}

/* What is too long for the screen continues in the next line, which cannot be chosen. */
static void wrap(struct list *list, int w)
{
	struct list whole = *list;
	int columns = w - list->text_w - 8;

	if (columns < 12)
		return;
	list->item = NULL;
	list->n = list->room = 0;
	for (int i = 0; i < whole.n; i++) {
		const char *detail = whole.item[i].detail;
		size_t n = detail ? line_bytes(detail, columns) : 0;
		struct list_item *item = list_add(list, whole.item[i].text, NULL);

		*item = whole.item[i];
		while (detail && detail[n]) {
			item->detail = arena_strndup(list->arena, detail, n);
			detail += n + 1;
			n = line_bytes(detail, columns);
			item = list_add(list, "", detail);
			item->heading = true;
		}
	}
	free(whole.item);
}

static void fill_with(const struct app *app, struct list *list, const char *query)
{
	list_init(list);
	app->popup->fill(app, list);
	list->text_w = text_columns(list, app->layout.footer.w);
	list_filter(list, query, app->popup->keep_order);
	wrap(list, app->layout.footer.w);
}

static void fill(const struct app *app, struct list *list)
{
	fill_with(app, list, app->filter.s);
}

/* The nearest line from `at` in that direction that can be chosen; -1: none. */
static int settle_on(const struct list *list, int at, int by)
{
	while (at >= 0 && at < list->n && list->item[at].heading)
		at += by;
	return at >= 0 && at < list->n ? at : -1;
}

static void go(struct app *app, int to)
{
	struct list list;
	int by = to < app->list_at ? -1 : 1, at;

	fill(app, &list);
	/* A page that is only read scrolls; a list moves its mark. */
	if (!app->popup->choose && to > list.n - app->list_page)
		to = list.n - app->list_page;
	to = to >= list.n ? list.n - 1 : to;
	to = to < 0 ? 0 : to;
	if (!app->popup->choose) {
		app->list_at = app->list_top = to;
		list_done(&list);
		return;
	}
	at = settle_on(&list, to, by);
	if (at < 0)
		at = settle_on(&list, to, -by);
	app->list_at = at < 0 ? 0 : at;
	list_done(&list);
}

void popup_open(struct app *app, const struct popup *popup)
{
	app->popup = popup;
	str_clear(&app->filter);
	popup_restart(app);
}

void popup_restart(struct app *app)
{
	app->list_at = app->list_top = 0;
	go(app, 0);
}

void popup_mark(struct app *app, int id)
{
	struct list list;
	int at = app->list_at;

	fill(app, &list);
	for (int i = 0; i < list.n; i++)
		if (!list.item[i].heading && list.item[i].id == id)
			at = i;
	list_done(&list);
	go(app, at);
}

void popup_close(struct app *app)
{
	app->popup = NULL;
}

bool popup_marked(const struct app *app, struct list *list, struct list_item *item)
{
	int at;

	fill(app, list);
	at = app->list_at < list->n ? app->list_at : list->n - 1;
	if (at < 0 || list->item[at].heading)
		return false;
	*item = list->item[at];
	return true;
}

void act_list_choose(struct app *app, const char *argument)
{
	const struct popup *popup = app->popup;
	struct list list;
	struct list_item item;

	(void)argument;
	if (!popup->choose)
		popup_close(app);
	else if (popup_marked(app, &list, &item))
		popup->choose(app, &item);
	if (popup->choose)
		list_done(&list);
}

void act_list_up(struct app *app, const char *argument)
{
	(void)argument;
	go(app, app->list_at - 1);
}

void act_list_down(struct app *app, const char *argument)
{
	(void)argument;
	go(app, app->list_at + 1);
}

void act_list_page_up(struct app *app, const char *argument)
{
	(void)argument;
	go(app, app->list_at - app->list_page);
}

void act_list_page_down(struct app *app, const char *argument)
{
	(void)argument;
	go(app, app->list_at + app->list_page);
}

void act_list_first(struct app *app, const char *argument)
{
	(void)argument;
	go(app, 0);
	app->list_top = 0;
}

void act_list_last(struct app *app, const char *argument)
{
	(void)argument;
	go(app, 1 << 20);
}

/* What was typed goes first. */
void act_list_close(struct app *app, const char *argument)
{
	(void)argument;
	if (!app->filter.n) {
		popup_close(app);
		return;
	}
	str_clear(&app->filter);
	popup_restart(app);
}

/* ------------------------------------------------------------------------------------------------ drawing */

/* The filter has a row over the lines, where there is one to spare. */
static int filter_rows(const struct app *app, int h)
{
	return h > 6 || app->filter.n;
}

/* Where it is: in the middle, as large as its lines need while nothing is typed, so that it does not move with every letter. */
static struct rect place(const struct app *app, int w, int h, struct list *whole)
{
	enum { STRIP = 8 }; /* columns beside it: fewer of the panes would say nothing */
	const char *title;
	int wide, detail = 0, high;

	fill_with(app, whole, "");
	title = whole->title ? whole->title : app->popup->title;
	wide = columns_of(title) + 12 < 40 ? 40 : columns_of(title) + 12;
	high = (whole->n > 0 ? whole->n : 1) + filter_rows(app, h);
	for (int i = 0; i < whole->n; i++) {
		const struct list_item *item = &whole->item[i];

		if (!item->detail && columns_of(item->text) + whole->indent > wide)
			wide = columns_of(item->text) + whole->indent;
		if (item->detail && columns_of(item->detail) > detail)
			detail = columns_of(item->detail);
	}
	if (detail && whole->text_w + 2 + detail > wide)
		wide = whole->text_w + 2 + detail;
	if (app->popup->empty && !whole->n && columns_of(app->popup->empty) > wide)
		wide = columns_of(app->popup->empty);
	wide = wide + 4 > w - STRIP ? w : wide + 4;
	high = high + 2 > h - 3 ? h - 3 : high + 2;
	return (struct rect){ (w - wide) / 2, (h - high) / 2 > 1 ? (h - high) / 2 : 1, wide, high };
}

static void draw_item(struct app *app, struct canvas *c, struct rect r, int y, const struct list *list, int at, bool marked)
{
	const struct list_item *item = &list->item[at];
	const int indent = item->heading ? 0 : list->indent;
	struct ink under = app_ink(app, marked ? STYLE_SELECTED : STYLE_POPUP);
	struct ink text = ink_over(app_ink(app, item->style), under), detail = ink_over(app_ink(app, STYLE_DIM), under);
	struct rect left = { r.x + 1 + indent, y, (item->detail ? list->text_w + 1 : r.w - 1) - indent - 1, 1 };
	struct rect right = { r.x + list->text_w + 3, y, r.w - list->text_w - 4, 1 };

	canvas_fill(c, (struct rect){ r.x, y, r.w, 1 }, under);
	draw_found(app, c, left, marked ? under : text, item->text, true);
	if (item->detail)
		draw_found(app, c, right, marked ? under : detail, item->detail, false);
}

/* The first line that is seen: so that the marked one is, and no room is left at the end. */
static void scroll(struct app *app, const struct list *list, int at, int rows)
{
	if (app->popup->choose && app->list_top > at)
		app->list_top = at > 0 && list->item[at - 1].heading ? at - 1 : at;
	if (app->popup->choose && app->list_top < at - rows + 1)
		app->list_top = at - rows + 1;
	if (app->list_top > list->n - rows)
		app->list_top = list->n - rows;
	if (app->list_top < 0)
		app->list_top = 0;
}

/* Up to line `end`, without headings. */
static int lines_before(const struct list *list, int end)
{
	int n = 0;

	for (int i = 0; i < list->n && i < end; i++)
		n += !list->item[i].heading;
	return n;
}

static int lines_in(const struct list *list)
{
	return lines_before(list, list->n);
}

/* Its frame and the row of the filter; returns what is left for the lines. */
static struct rect draw_box(struct app *app, struct canvas *c, const struct list *list, int at)
{
	struct list whole;
	struct rect box = place(app, c->w, c->h, &whole), in;
	struct frame frame = { .rect = box, .focus = true };
	const int rows = box.h - 2 - filter_rows(app, c->h);
	char position[40] = "";

	canvas_fill(c, box, app_ink(app, STYLE_POPUP));
	if (list->n > rows)
		snprintf(position, sizeof position, "%d of %d",
			 app->popup->choose ? lines_before(list, at + 1) : app->list_top + rows,
			 app->popup->choose ? lines_in(list) : list->n);
	frame.title.technique = whole.title ? whole.title : app->popup->title;
	frame.right = *position ? position : NULL;
	in = frame_draw(c, app->theme, &frame);
	/* As wide as the screen, its sides are the screen's own. */
	frame_accent(c, app->theme, box.w < c->w ? box : (struct rect){ box.x, box.y, box.w, 1 });
	canvas_reground(c, box, app_ink(app, STYLE_TEXT).bg, app_ink(app, STYLE_POPUP).bg);
	if (filter_rows(app, c->h)) {
		draw_filter(app, c, (struct rect){ in.x + 1, in.y, in.w - 2, 1 }, lines_in(list), lines_in(&whole));
		in.y++;
		in.h--;
	}
	list_done(&whole);
	return in;
}

void draw_popup(struct app *app, struct canvas *c)
{
	const char *none = app->filter.n ? "nothing here matches" : app->popup->empty;
	struct list list;
	struct rect in;
	int at;

	fill(app, &list);
	at = app->list_at < list.n ? app->list_at : list.n - 1;
	in = draw_box(app, c, &list, at);
	app->list_page = in.h > 0 ? in.h : 1;
	scroll(app, &list, at, in.h);
	for (int i = 0; i < in.h && app->list_top + i < list.n; i++)
		draw_item(app, c, in, in.y + i, &list, app->list_top + i, app->popup->choose && app->list_top + i == at);
	if (!list.n && none)
		canvas_field(c, in.x + 1, in.y, in.w - 2, ALIGN_LEFT, app_ink(app, STYLE_DIM), none);
	if (in.w == c->w - 2) /* as wide as the screen it is over nothing, and what is blank may stay so */
		canvas_reground(c, (struct rect){ 0, 0, c->w, c->h }, app_ink(app, STYLE_POPUP).bg, app_ink(app, STYLE_TEXT).bg);
	list_done(&list);
}

void popup_mouse(struct app *app, const struct key *key)
{
	struct list list;
	struct rect box, screen = app->layout.footer;
	int row, first;

	if (key->kind == K_WHEEL_UP || key->kind == K_WHEEL_DOWN) {
		go(app, app->list_at + (key->kind == K_WHEEL_UP ? -3 : 3));
		return;
	}
	if (key->kind != K_CLICK)
		return;
	box = place(app, screen.w, screen.y + 1, &list);
	list_done(&list);
	fill(app, &list);
	first = box.y + 1 + filter_rows(app, screen.y + 1);
	row = app->list_top + key->y - first;
	if (!rect_holds(box, key->x, key->y)) {
		popup_close(app);
	} else if (key->y >= first && key->y < box.y + box.h - 1 && row < list.n && !list.item[row].heading) {
		bool twice = key->again || app->list_at == row;

		app->list_at = row;
		if (twice)
			act_list_choose(app, NULL);
	}
	list_done(&list);
}
