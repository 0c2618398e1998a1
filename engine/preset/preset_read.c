/*
 * preset_read.c - see preset.h: YAML becomes a preset. Each key is a row of a table: its name and the function that reads it.
 *
 * A reader that meets something wrong leaves a sentence in the notes and continues: a preset of another version, or for another
 * model, still shows what can be shown.
 */
#include "engine/preset/preset_reader.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/intern.h"
#include "engine/run/asset.h"
#include "engine/run/edit.h"
#include "engine/run/metric.h"

void preset_leave_out(struct preset_reader *r, const struct err *err)
{
	notes_add(r->notes, "%s", err->text);
}

const char *preset_beside(const char *written, const char *preset)
{
	const char *path = asset_path(written, NULL, NULL) ? NULL : asset_path(written, preset, NULL);

	return path ? path : intern(written);
}

static void read_text(struct preset_reader *r, const struct conf *v, char **field)
{
	struct err err = { 0 };
	const char *text;

	if (conf_is_null(v))
		job_set(field, NULL);
	else if (conf_text(v, &text, &err))
		job_set(field, text);
	else
		preset_leave_out(r, &err);
}

static void read_title(struct preset_reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->title);
}

static void read_about(struct preset_reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->about);
}

static void read_task(struct preset_reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->task);
}

static void read_goal(struct preset_reader *r, const struct conf *v)
{
	struct err err = { 0 };
	const char *line;

	if (v->kind != CONF_LIST)
		LEAVE_OUT(r, v, "goal is no list; expected [edit head 1.3 zero, …]");
	for (const struct conf *c = v->kind == CONF_LIST ? v->child : NULL; c; c = c->next) {
		if (conf_text(c, &line, &err))
			preset_add_goal(r->p, line);
		else
			preset_leave_out(r, &err);
	}
}

static void read_theme(struct preset_reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->theme);
}

static void read_model(struct preset_reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->job.model);
}

static void read_prompt(struct preset_reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->job.prompt);
	if (!r->p->job.prompt)
		job_set(&r->p->job.prompt, "");
}

static void read_foil(struct preset_reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->job.foil);
}

/* The metric's file may lie beside the preset. */
static char *metric_beside(const struct preset_reader *r, const char *spec)
{
	struct str out;

	str_init(&out);
	metric_name_file(spec, preset_beside, r->p->file, &out);
	return str_take(&out);
}

static void read_metric(struct preset_reader *r, const struct conf *v)
{
	struct err err = { 0 };
	const char *text;
	char *spec;

	if (conf_is_null(v))
		return;
	if (!conf_text(v, &text, &err)) {
		preset_leave_out(r, &err);
	} else if (!metric_check(text, NULL, 0, &err)) {
		LEAVE_OUT(r, v, "%s", err.text);
	} else {
		spec = metric_beside(r, text);
		job_set(&r->p->job.metric, spec);
		free(spec);
	}
}

/* "6.12 logit \" Mary\"" */
static void read_step(struct preset_reader *r, const struct conf *v)
{
	struct err err = { 0 };
	const char *text;
	char *end, *spec;
	double value;

	if (!conf_text(v, &text, &err)) {
		preset_leave_out(r, &err);
		return;
	}
	value = strtod(text, &end);
	if (end == text || *end != ' ' || !end[1]) {
		LEAVE_OUT(r, v, "way: '%s' is no step; expected a number and a metric such as 6.12 logit \" Mary\"", text);
	} else if (!metric_check(end + 1, NULL, 0, &err)) {
		LEAVE_OUT(r, v, "way: %s", err.text);
	} else {
		spec = metric_beside(r, end + 1);
		job_way_push(&r->p->job, &(struct way_step){ .spec = spec, .value = value, .pane = -1 });
		free(spec);
	}
}

static void read_way(struct preset_reader *r, const struct conf *v)
{
	if (conf_is_null(v))
		return;
	if (v->kind != CONF_LIST)
		LEAVE_OUT(r, v, "way is no list; expected steps such as - 6.12 logit \" Mary\"");
	for (const struct conf *c = v->kind == CONF_LIST ? v->child : NULL; c; c = c->next)
		read_step(r, c);
}

static void read_bos(struct preset_reader *r, const struct conf *v)
{
	for (int i = 0; i < BOS_COUNT; i++) {
		if (v->kind == CONF_SCALAR && !strcmp(v->text, tokenizer_bos_words[i])) {
			r->p->job.bos = (enum tokenizer_bos)i;
			return;
		}
	}
	LEAVE_OUT(r, v, "bos: invalid value; expected default, always or never");
}

static void read_generate(struct preset_reader *r, const struct conf *v)
{
	struct err err = { 0 };

	if (!conf_int(v, 0, 1000, &r->p->job.generate, &err))
		preset_leave_out(r, &err);
}

/* A line of the job, as it is written but for the file's folder. */
static void add_edit(struct preset_reader *r, const char *text, struct edit *edit, bool is_on)
{
	struct job *job = &r->p->job;
	const char *path = edit->file ? preset_beside(edit->file, r->p->file) : NULL;
	struct str line;

	str_init(&line);
	if (path && strcmp(path, edit->file)) {
		edit->file = arena_strdup(r->arena, path);
		edit_print(edit, &line);
	} else {
		str_add(&line, text);
	}
	job_add_edit(job, line.s);
	job->edit[job->edits - 1].on = is_on;
	str_done(&line);
}

/* "head 1.3 zero", or {edit: head 1.3 zero, on: false}. */
static void read_edit(struct preset_reader *r, const struct conf *v)
{
	const struct conf *line = v->kind == CONF_MAP ? conf_get(v, "edit") : v, *on = conf_get(v, "on");
	struct err err = { 0 };
	struct edit edit;
	const char *text;
	bool is_on = true;

	for (const struct conf *c = v->kind == CONF_MAP ? v->child : NULL; c; c = c->next)
		if (c != line && c != on)
			LEAVE_OUT(r, c, "unknown key \"%s\" of an edit; expected edit, on", c->key);
	if (!line) {
		LEAVE_OUT(r, v, "an edit without its line; expected {edit: LINE, on: true}");
	} else if (!conf_text(line, &text, &err) || (on && !conf_bool(on, &is_on, &err))) {
		preset_leave_out(r, &err);
	} else if (!edit_parse(text, &edit, r->arena, &err)) {
		LEAVE_OUT(r, line, "%s", err.text);
	} else {
		add_edit(r, text, &edit, is_on);
	}
}

static void read_edits(struct preset_reader *r, const struct conf *v)
{
	if (conf_is_null(v))
		return;
	if (v->kind != CONF_LIST)
		LEAVE_OUT(r, v, "edits is no list; expected lines that begin with \"- \"");
	for (const struct conf *c = v->kind == CONF_LIST ? v->child : NULL; c; c = c->next)
		read_edit(r, c);
}

static void read_whole_expect(struct preset_reader *r, const struct conf *v)
{
	preset_read_expect(r, v, -1);
}

static const struct {
	const char *name;
	void (*read)(struct preset_reader *r, const struct conf *v);
} keys[] = {
	{ "title", read_title },
	{ "about", read_about },
	{ "model", read_model },
	{ "prompt", read_prompt },
	{ "foil", read_foil },
	{ "metric", read_metric },
	{ "way", read_way },
	{ "edits", read_edits },
	{ "panes", preset_read_panes },
	{ "cursor", preset_read_cursor },
	{ "theme", read_theme },
	{ "bos", read_bos },
	{ "generate", read_generate },
	{ "expect", read_whole_expect },
	{ "task", read_task },
	{ "goal", read_goal },
	{ "bookmarks", preset_read_bookmarks },
	{ "notes", preset_read_notes },
};
enum { KEYS = sizeof keys / sizeof *keys };

static void read_key(struct preset_reader *r, const struct conf *v)
{
	struct str known;

	for (size_t i = 0; i < KEYS; i++) {
		if (!strcmp(keys[i].name, v->key)) {
			keys[i].read(r, v);
			return;
		}
	}
	str_init(&known);
	for (size_t i = 0; i < KEYS; i++)
		str_addf(&known, "%s%s", i ? ", " : "", keys[i].name);
	LEAVE_OUT(r, v, "unknown key \"%s\"; expected %s", v->key, known.s);
	str_done(&known);
}

/* An argument that a pane leaves out is where the cursor is. */
static void follow_cursor(struct preset *p)
{
	for (int i = 0; i < p->job.panes; i++) {
		const struct binding binding = { .cursor = p->cursor, .metric_position = -1 };
		struct job_pane asked = p->job.pane[i];

		args_bind(&asked, &binding, p->job.pane[i].args, NULL);
	}
}

bool preset_parse(const char *yaml, size_t n, const char *file, struct preset *p, struct notes *notes, struct err *err)
{
	struct preset_reader r = { .p = p, .notes = notes, .arena = arena_new() };
	struct conf *root = conf_parse(yaml, n, file, r.arena, err);
	bool ok = false;

	preset_init(p);
	job_set(&p->file, file);
	if (root && root->kind != CONF_MAP) {
		conf_err(root, err, "not a preset; expected keys such as prompt and panes");
	} else if (root) {
		for (const struct conf *c = root->child; c; c = c->next)
			read_key(&r, c);
		follow_cursor(p);
		ok = p->job.panes > 0;
		if (!ok)
			conf_err(conf_get(root, "panes") ? conf_get(root, "panes") : root, err,
				 "nothing to show; expected panes: - [{analysis: NAME}, …]");
	}
	arena_free(r.arena);
	if (!ok)
		preset_done(p);
	return ok;
}
