/*
 * effects_export.c - `:export [screen] FILE [theme=NAME]`: the pane with the keys, or the whole screen, as a file. See effects.h.
 *
 * What is written is what `lmscope print` writes for the same question. A file that is there already is left alone unless `!` says
 * so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "tui/app/binding.h"
#include "tui/app/effects.h"
#include "tui/app/export_line.h"
#include "tui/draw/text.h"
#include "tui/figure/format.h"

/* What was asked for, and how it comes out. */
struct export
{
	bool overwrite, screen;
	char *path, *theme_name; /* theme_name NULL: the format's own; for a screen, the screen's */
	const struct format *format;
	struct theme *theme;
	struct str bytes;
	struct str what; /* "attention · layer 2 head 2, 14 × 14 cells" */
};

/* ---- the words ---- */

static bool read_words(struct export *e, const char *text, struct err *err)
{
	struct export_line line = export_line_read(text);
	char *typed = strndup(line.file, line.file_bytes);

	e->overwrite = line.overwrite;
	e->screen = line.screen;
	e->theme_name = line.theme ? xstrdup(line.theme) : NULL;
	e->path = typed ? file_at_home(typed) : xstrdup("");
	free(typed);
	e->format = format_of_file(e->path, e->screen, err);
	return e->format;
}

/* ---- the file ---- */

static bool folder_is_there(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	bool there = folder && file_is_folder(folder);

	if (!there)
		err_set(err, ERR_FILE, "%s: there is no folder %s", path, folder ? folder : "");
	free(folder);
	return there;
}

bool outside_may_write(char **path, bool overwrite, const char *command, struct err *err)
{
	struct stat st;
	char *real;

	if (!folder_is_there(*path, err))
		return false;
	if (lstat(*path, &st))
		return errno == ENOENT || err_set(err, ERR_FILE, "%s: %s", *path, strerror(errno));
	real = realpath(*path, NULL);
	if (!real || stat(real, &st) || !S_ISREG(st.st_mode)) {
		free(real);
		return err_set(err, ERR_FILE, "%s is there already, and is no file that could be replaced", *path);
	}
	free(*path);
	*path = real;
	return overwrite || err_set(err, ERR_FILE, "%s is there already; :%s! replaces it", *path, command);
}

/* ---- what is in it ---- */

static bool write_pane(struct export *e, const struct app *app, struct err *err)
{
	struct answer_shown shown = { 0 };
	struct job_pane pane;
	struct answer answer = { .job = &app->asked, .pane = &pane, .of = app->shot };

	if (app->doc.job.panes)
		question_answer(app, app->focus, &shown);
	if (shown.error)
		return err_set(err, ERR_ARGUMENT, "this pane has no table: %s", shown.error);
	if (!shown.table || !shown.current || shown.table->unfinished)
		return err_set(err, ERR_ARGUMENT, "this pane is still being computed; export it when its numbers are there");
	question_pane(app, app->focus, &pane);
	answer.table = shown.table;
	answer.sink_in = app->pane[app->focus].sink_in;
	answer.before = shown.before;
	e->format->table(&answer, e->theme, &e->bytes);
	str_addf(&e->what, "%s, %d × %d cells", shown.table->title, shown.table->rows.n, shown.table->cols.n);
	return true;
}

/* The screen as it would be without the line that asked for this; in all colours where it is a picture. */
static bool write_screen(struct export *e, struct app *app, int w, int h)
{
	const struct theme *theme = app->theme;
	struct canvas c;

	app->theme = e->theme;
	canvas_init(&c, w, h);
	app_draw(app, &c);
	app->theme = theme;
	if (theme_ascii(e->theme))
		canvas_to_ascii(&c);
	e->format->screen(&c, &e->bytes);
	canvas_done(&c);
	str_addf(&e->what, "the screen, %d × %d", w, h);
	return true;
}

/* Pictures have all colours, unless the user wants none; text for a terminal has those of this one. */
static struct theme *screen_theme(const struct export *e, const struct app *app, struct notes *notes, struct err *err)
{
	struct theme_for what = { theme_depth(app->theme), theme_ascii(app->theme) };
	const char *name = e->theme_name ? e->theme_name : app->doc.theme;

	if (e->format->depth == DEPTH_TRUE && what.depth != DEPTH_MONO)
		what = (struct theme_for){ DEPTH_TRUE, false };
	return name ? theme_open(name, what, notes, err) : theme_builtin(what);
}

static bool make(struct export *e, struct app *app, int w, int h, struct err *err)
{
	struct notes notes = { 0 };

	e->theme = e->screen ? screen_theme(e, app, &notes, err) : format_theme(e->format, e->theme_name, &notes, err);
	notes_done(&notes);
	if (!e->theme)
		return false;
	return e->screen ? write_screen(e, app, w, h) : write_pane(e, app, err);
}

void outside_export(struct app *app, int w, int h, const char *text)
{
	struct export e = { 0 };
	struct err err = { 0 };
	struct str size;

	str_init(&e.bytes);
	str_init(&e.what);
	str_init(&size);
	if (read_words(&e, text, &err) && outside_may_write(&e.path, e.overwrite, "export", &err) && make(&e, app, w, h, &err) &&
	    file_write(e.path, e.bytes.s, e.bytes.n, &err)) {
		text_bytes(e.bytes.n, &size);
		app_say(app, STYLE_GOOD, "wrote %s: %s, %s", e.path, e.what.s, size.s);
	} else {
		app_say_err(app, &err);
	}
	theme_free(e.theme);
	free(e.path);
	free(e.theme_name);
	str_done(&e.bytes);
	str_done(&e.what);
	str_done(&size);
}
