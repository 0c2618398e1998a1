/* effects_circuit.c - :circuit FILE keeps the way of x as a file of edges, :follow FILE goes it again. See effects.h. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/preset/circuit.h"
#include "tui/app/effects.h"

static char *path_of(const char *text)
{
	char *path = file_at_home(text);

	return path ? path : xstrdup(text);
}

static bool write_way(const struct app *app, char **path, bool overwrite, int *edges, struct err *err)
{
	struct arena *arena = arena_new();
	struct circuit c;
	struct str text;
	bool ok;

	str_init(&text);
	ok = (app->shot->has_metric && !app_busy(app)) || !app->doc.job.ways ||
	     err_set(err, ERR_ARGUMENT, "the way's last number is still being computed; keep it when it is there");
	ok = ok && circuit_of_way(&c, &app->doc.job, app->shot->metric_spec, app->shot->metric, arena, err) &&
	     outside_may_write(path, overwrite, "circuit", err);
	if (ok) {
		circuit_print(&c, &text);
		*edges = c.edges;
		ok = file_write(*path, text.s, text.n, err);
	}
	str_done(&text);
	arena_free(arena);
	return ok;
}

void outside_circuit(struct app *app, const char *text)
{
	const bool overwrite = *text == '!';
	char *path = path_of(text + strspn(text, "! "));
	struct err err = { 0 };
	int edges = 0;

	if (write_way(app, &path, overwrite, &edges, &err))
		app_say(app, STYLE_GOOD, "wrote %s: the way, %d edge%s; :follow goes it again", path, edges, edges == 1 ? "" : "s");
	else
		app_say_err(app, &err);
	free(path);
}

/* Where the file says nothing, the question is as it is. */
static void take_question(struct job *job, const struct circuit *c)
{
	if (c->model)
		job_set(&job->model, strcmp(c->model, "demo") ? c->model : NULL);
	if (c->prompt) {
		job_set(&job->prompt, c->prompt);
		job_set(&job->foil, c->foil);
	}
}

void outside_follow(struct app *app, const char *text)
{
	struct arena *arena = arena_new();
	char *path = path_of(text);
	struct err err = { 0 };
	struct circuit c;
	struct job job;

	job_init(&job);
	if (circuit_open(path, &c, arena, &err) && circuit_to_way(&c, path, &job, &err)) {
		app_change(app);
		take_question(&app->doc.job, &c);
		(void)circuit_to_way(&c, path, &app->doc.job, &err);
		app_say(app, STYLE_GOOD, "followed %s: %d step%s; Backspace goes back", path, c.edges, c.edges == 1 ? "" : "s");
	} else {
		app_say_err(app, &err);
	}
	job_done(&job);
	free(path);
	arena_free(arena);
}
