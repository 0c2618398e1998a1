/* refuse.c - see refuse.h. */
#include "tui/app/refuse.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/run/metric.h"

/* The prompt's tokens, when the snapshot is of this prompt; 0: not known. */
static int tokens_now(const struct app *app)
{
	return app->shot && app->shot->has_model && app->shot->serial == app->serial && !app->shot->unprepared && !app->shot->error
		       ? app->shot->tokens
		       : 0;
}

static bool say_refusal(struct app *app, const struct err *err)
{
	app_say(app, STYLE_ERROR, "%s; not applied", err->text);
	return true;
}

bool refuse_edit(struct app *app, const char *line)
{
	const struct snapshot *shot = app->shot;
	int T = tokens_now(app), foil_T = !app->doc.job.foil ? -1 : T ? shot->foil_tokens : 0;
	struct err err = { 0 };

	return shot && shot->has_model && !edit_check(line, &shot->config, T, foil_T, &err) && say_refusal(app, &err);
}

bool refuse_metric(struct app *app, const char *spec)
{
	struct err err = { 0 };

	return !metric_check(spec, app->shot && app->shot->has_model ? &app->shot->config : NULL, tokens_now(app), &err) &&
	       say_refusal(app, &err);
}

/* ------------------------------------------------------------------------------------------------ what the worker found */

/*
 * The field is again what it was when it could be answered; where it is that already, what goes without saying. False: it was
 * both.
 */
static bool put_back_text(char **field, const char *good)
{
	if (!text_same(*field, good))
		job_set(field, good);
	else if (*field)
		job_set(field, NULL);
	else
		return false;
	return true;
}

/* The prompt and the model have nothing that goes without saying. */
static bool put_back_ground(struct job *job, const struct job *good, enum job_part part)
{
	if (part != JOB_MODEL && !text_same(job->prompt, good->prompt))
		job_set(&job->prompt, good->prompt);
	else if (!text_same(job->model, good->model))
		job_set(&job->model, good->model);
	else
		return false;
	return true;
}

static void put_back_edits(struct job *job, const struct job *good)
{
	while (job->edits)
		job_remove_edit(job, job->edits - 1);
	for (int i = 0; i < good->edits; i++) {
		int at = job_add_edit(job, good->edit[i].line); /* may move them: before job->edit is read */

		job->edit[at].on = good->edit[i].on;
	}
}

/* What an edit is checked against. */
static bool same_setting(const struct job *a, const struct job *b)
{
	return text_same(a->model, b->model) && text_same(a->prompt, b->prompt) && text_same(a->foil, b->foil) && a->bos == b->bos;
}

/*
 * An edit that was added goes, one that was changed is as before. Where something else was changed, such as the prompt, it is
 * switched off: it may be possible again.
 */
static bool put_back_edit(struct job *job, const struct job *good, int i)
{
	struct job_edit *edit = i < job->edits ? &job->edit[i] : NULL;

	if (!edit || !edit->on)
		return false;
	edit->on = false;
	if (!same_setting(job, good))
		return true;
	if (good->edits < job->edits) {
		job_remove_edit(job, i);
	} else if (good->edits == job->edits && strcmp(edit->line, good->edit[i].line)) {
		job_set(&edit->line, good->edit[i].line);
		edit->on = good->edit[i].on;
	}
	return true;
}

/* Everything that an answer depends on. */
static bool put_back_whole(struct job *job, const struct job *good)
{
	if (job_same_ground(job, good, true))
		return false;
	job_set(&job->model, good->model);
	job_set(&job->prompt, good->prompt);
	job_set(&job->foil, good->foil);
	job_set(&job->metric, good->metric);
	job_way_copy(job, good);
	job->bos = good->bos;
	put_back_edits(job, good);
	return true;
}

static bool put_back_part(struct job *job, const struct job *good, struct job_fault fault)
{
	switch (fault.part) {
	case JOB_EDIT:
		return put_back_edit(job, good, fault.edit);
	case JOB_METRIC:
		job_way_copy(job, good);
		return put_back_text(&job->metric, good->metric);
	case JOB_FOIL:
		return put_back_text(&job->foil, good->foil);
	case JOB_GENERATE:
		job->generate = 0;
		return true;
	case JOB_PROMPT:
	case JOB_MODEL:
		return put_back_ground(job, good, fault.part);
	default:
		return put_back_whole(job, good);
	}
}

void refuse_from(struct app *app, enum line_kind line, const char *before)
{
	if (app->shot && (app->shot->serial != app->serial || app->shot->error))
		job_set(line == LINE_FOIL ? &app->good.foil : &app->good.prompt, before);
}

static void put_back(struct app *app)
{
	const struct snapshot *shot = app->shot;
	const struct job *good = &app->good;
	bool by_itself = same_setting(&app->doc.job, good);

	if (!put_back_part(&app->doc.job, good, shot->fault))
		return;
	if ((shot->fault.part == JOB_EDIT || shot->fault.part == JOB_METRIC) && !by_itself)
		app->taken = LINE_NONE; /* the line, such as the prompt's, was taken; this was there before */
	app_say(app, STYLE_ERROR, "%s; not applied", shot->error);
	app_unchange(app);
}

void refuse_answered(struct app *app)
{
	const struct snapshot *shot = app->shot;
	bool prepared =
		shot->state == WORK_ANSWERING || shot->state == WORK_GENERATING || (shot->state == WORK_IDLE && !*shot->what);

	if (shot->error) {
		/* While prompt and foil are typed they may be on their way to something that can be answered. */
		if (app->line != LINE_PROMPT && app->line != LINE_FOIL)
			put_back(app);
	} else if (prepared && app->good_serial != shot->serial) {
		job_done(&app->good);
		job_copy(&app->good, &app->asked);
		app->good_serial = shot->serial;
	}
}
