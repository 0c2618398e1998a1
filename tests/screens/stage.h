/* stage.h - an app on a canvas of 120 × 40, played by the worker of fake.h. */
#ifndef LMSCOPE_TESTS_SCREENS_STAGE_H
#define LMSCOPE_TESTS_SCREENS_STAGE_H

#include <stdlib.h>
#include <string.h>

#include "tests/screens/fake.h"
#include "tests/tap.h"
#include "tui/panes/lists.h"

struct stage {
	struct theme *theme;
	struct preset doc;
	struct app app;
	struct fake fake;
	struct canvas canvas;
};

static void raise_curtain(struct stage *s)
{
	memset(s, 0, sizeof *s);
	s->theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	fake_document(&s->doc);
	app_init(&s->app, &s->doc, s->theme);
	fake_serve(&s->fake, &s->app);
	canvas_init(&s->canvas, 120, 40);
	app_draw(&s->app, &s->canvas);
}

static void drop_curtain(struct stage *s)
{
	canvas_done(&s->canvas);
	app_done(&s->app);
	fake_done(&s->fake);
	preset_done(&s->doc);
	theme_free(s->theme);
}

static __attribute__((unused)) void press(struct stage *s, const char *keys)
{
	if (!fake_keys(&s->fake, &s->app, keys))
		CHECK_THAT(false, "every key of \"%s\" has a name", keys);
	app_draw(&s->app, &s->canvas);
}

/* The screen at another size. */
static __attribute__((unused)) void resize(struct stage *s, int w, int h)
{
	canvas_done(&s->canvas);
	canvas_init(&s->canvas, w, h);
	app_draw(&s->app, &s->canvas);
}

/* Line `y` of the screen as text (negative: from below); heap. */
static __attribute__((unused)) char *line_of(const struct stage *s, int y)
{
	const char *line;
	struct str all;
	char *text;

	str_init(&all);
	canvas_dump(&s->canvas, &all);
	line = all.s;
	for (y = y < 0 ? s->canvas.h + y : y; y > 0 && *line; y--)
		line += strcspn(line, "\n") + 1;
	text = strndup(line, strcspn(line, "\n"));
	str_done(&all);
	return text;
}

static __attribute__((unused)) bool line_has(const struct stage *s, int y, const char *text)
{
	char *line = line_of(s, y);
	bool has = strstr(line, text) != NULL;

	if (!has)
		printf("# line %d: %s\n", y, line);
	free(line);
	return has;
}

static __attribute__((unused)) bool screen_has(const struct stage *s, const char *text)
{
	struct str all;
	bool has;

	str_init(&all);
	canvas_dump(&s->canvas, &all);
	has = strstr(all.s, text) != NULL;
	str_done(&all);
	return has;
}

/* The document as a file, cursors aside: they are not undone. */
static __attribute__((unused)) char *document_text(const struct preset *doc)
{
	struct preset copy;
	struct str out;

	preset_copy(&copy, doc);
	for (int i = 0; i < DIM_COUNT; i++)
		copy.cursor[i] = CURSOR_UNSET;
	str_init(&out);
	preset_print(&copy, &out);
	preset_done(&copy);
	return str_take(&out);
}

static __attribute__((unused)) int asked_argument(const struct app *app, int pane, const char *name)
{
	const struct job_pane *p = &app->asked.pane[pane];

	return (int)p->args[param_find(p->analysis->params, name)].number;
}

/* The marked line of the open list begins so. */
static __attribute__((unused)) bool marked(const struct stage *s, const char *text)
{
	struct list list;
	struct list_item item;
	bool ok = popup_marked(&s->app, &list, &item) && !strncmp(item.text, text, strlen(text));

	list_done(&list);
	return ok;
}

/* How many lines of the open list can be chosen. */
static __attribute__((unused)) int lines_left(const struct stage *s)
{
	struct list list;
	struct list_item item;
	int n = 0;

	popup_marked(&s->app, &list, &item);
	for (int i = 0; i < list.n; i++)
		n += !list.item[i].heading;
	list_done(&list);
	return n;
}

#endif
