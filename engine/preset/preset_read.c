/*
 * preset_read.c - see preset.h: YAML becomes a preset. Each key is a row of a table: its name and the function that reads it.
 *
 * A reader that meets something wrong leaves a sentence in the notes and continues: a preset of another version, or for another
 * model, still shows what can be shown.
 */
#include "engine/preset/preset.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/expect.h"
#include "engine/base/conf.h"
#include "engine/base/intern.h"
#include "engine/run/asset.h"
#include "engine/run/edit.h"
#include "engine/run/metric.h"

struct reader {
	struct preset *p;
	struct notes *notes;
	struct arena *arena;
	int row; /* of the layout, while panes are read */
};

/* What could not be read becomes a note. */
static void leave_out(struct reader *r, const struct err *err)
{
	notes_add(r->notes, "%s", err->text);
}

#define LEAVE_OUT(r, v, ...) \
	do { \
		struct err left = { 0 }; \
		conf_err((v), &left, __VA_ARGS__); \
		leave_out((r), &left); \
	} while (0)

static void read_text(struct reader *r, const struct conf *v, char **field)
{
	struct err err = { 0 };
	const char *text;

	if (conf_is_null(v))
		job_set(field, NULL);
	else if (conf_text(v, &text, &err))
		job_set(field, text);
	else
		leave_out(r, &err);
}

static void read_title(struct reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->title);
}

static void read_about(struct reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->about);
}

static void read_task(struct reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->task);
}

static void read_goal(struct reader *r, const struct conf *v)
{
	struct err err = { 0 };
	const char *line;

	if (v->kind != CONF_LIST)
		LEAVE_OUT(r, v, "goal is no list; expected [edit head 1.3 zero, …]");
	for (const struct conf *c = v->kind == CONF_LIST ? v->child : NULL; c; c = c->next) {
		if (conf_text(c, &line, &err))
			preset_add_goal(r->p, line);
		else
			leave_out(r, &err);
	}
}

static void read_theme(struct reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->theme);
}

static void read_model(struct reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->job.model);
}

static void read_prompt(struct reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->job.prompt);
	if (!r->p->job.prompt)
		job_set(&r->p->job.prompt, "");
}

static void read_foil(struct reader *r, const struct conf *v)
{
	read_text(r, v, &r->p->job.foil);
}

static void read_metric(struct reader *r, const struct conf *v)
{
	struct err err = { 0 };
	const char *text;

	if (conf_is_null(v))
		return;
	if (!conf_text(v, &text, &err))
		leave_out(r, &err);
	else if (!metric_check(text, NULL, 0, &err))
		LEAVE_OUT(r, v, "%s", err.text);
	else
		job_set(&r->p->job.metric, text);
}

/* "6.12 logit \" Mary\"" */
static void read_step(struct reader *r, const struct conf *v)
{
	struct err err = { 0 };
	const char *text;
	char *end;
	double value;

	if (!conf_text(v, &text, &err)) {
		leave_out(r, &err);
		return;
	}
	value = strtod(text, &end);
	if (end == text || *end != ' ' || !end[1])
		LEAVE_OUT(r, v, "way: '%s' is no step; expected a number and a metric such as 6.12 logit \" Mary\"", text);
	else if (!metric_check(end + 1, NULL, 0, &err))
		LEAVE_OUT(r, v, "way: %s", err.text);
	else
		job_way_push(&r->p->job, &(struct way_step){ .spec = end + 1, .value = value, .pane = -1 });
}

static void read_way(struct reader *r, const struct conf *v)
{
	if (conf_is_null(v))
		return;
	if (v->kind != CONF_LIST)
		LEAVE_OUT(r, v, "way is no list; expected steps such as - 6.12 logit \" Mary\"");
	for (const struct conf *c = v->kind == CONF_LIST ? v->child : NULL; c; c = c->next)
		read_step(r, c);
}

static void read_bos(struct reader *r, const struct conf *v)
{
	for (int i = 0; i < BOS_COUNT; i++) {
		if (v->kind == CONF_SCALAR && !strcmp(v->text, tokenizer_bos_words[i])) {
			r->p->job.bos = (enum tokenizer_bos)i;
			return;
		}
	}
	LEAVE_OUT(r, v, "bos: invalid value; expected default, always or never");
}

static void read_generate(struct reader *r, const struct conf *v)
{
	struct err err = { 0 };

	if (!conf_int(v, 0, 1000, &r->p->job.generate, &err))
		leave_out(r, &err);
}

/* A file that lies beside the preset, and is not seen from the working directory, is named with the preset's folder. */
static const char *beside(const char *written, const char *preset)
{
	const char *path = asset_path(written, NULL, NULL) ? NULL : asset_path(written, preset, NULL);

	return path ? path : intern(written);
}

/* A line of the job, as it is written but for the file's folder. */
static void add_edit(struct reader *r, const char *text, struct edit *edit, bool is_on)
{
	struct job *job = &r->p->job;
	const char *path = edit->file ? beside(edit->file, r->p->file) : NULL;
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
static void read_edit(struct reader *r, const struct conf *v)
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
		leave_out(r, &err);
	} else if (!edit_parse(text, &edit, r->arena, &err)) {
		LEAVE_OUT(r, line, "%s", err.text);
	} else {
		add_edit(r, text, &edit, is_on);
	}
}

static void read_edits(struct reader *r, const struct conf *v)
{
	if (conf_is_null(v))
		return;
	if (v->kind != CONF_LIST)
		LEAVE_OUT(r, v, "edits is no list; expected lines that begin with \"- \"");
	for (const struct conf *c = v->kind == CONF_LIST ? v->child : NULL; c; c = c->next)
		read_edit(r, c);
}

static void read_diff(struct reader *r, const struct conf *v, struct job_pane *pane)
{
	for (int i = 0; v && i <= SHOWN_MINUS_FOIL; i++) {
		if (v->kind == CONF_SCALAR && !strcmp(v->text, shown_words[i].word)) {
			pane->shown = (enum shown)i;
			return;
		}
	}
	if (v)
		LEAVE_OUT(r, v, "diff: invalid value; expected none, edits or foil");
}

/* on: foil; on: prompt is how it is anyway. */
static void read_on(struct reader *r, const struct conf *v, struct job_pane *pane)
{
	bool foil = v && v->kind == CONF_SCALAR && !strcmp(v->text, "foil");

	if (!v)
		return;
	if (!foil && (v->kind != CONF_SCALAR || strcmp(v->text, "prompt")))
		LEAVE_OUT(r, v, "on: invalid value; expected prompt or foil");
	else if (foil && pane->shown != SHOWN_RUN)
		LEAVE_OUT(r, v, "on: foil beside a diff; a pane is one of the two");
	else if (foil)
		pane->shown = SHOWN_FOIL;
}

/* A file of prompts; one that lies beside the preset is found there. */
static void read_over(struct reader *r, const struct conf *v, struct job_pane *pane)
{
	struct err err = { 0 };
	const char *text;

	if (conf_is_null(v))
		return;
	if (conf_text(v, &text, &err))
		pane->over = beside(text, r->p->file);
	else
		leave_out(r, &err);
}

/* One word, as one word's copy. */
static const char *read_word(struct reader *r, const struct conf *v)
{
	enum { LONGEST = 30 };
	struct err err = { 0 };
	const char *text = NULL;

	if (conf_is_null(v))
		return NULL;
	if (!conf_text(v, &text, &err))
		leave_out(r, &err);
	else if (!*text || strlen(text) > LONGEST)
		LEAVE_OUT(r, v, "%s is no word; expected one of at most %d bytes", v->key, LONGEST);
	else
		return intern(text);
	return NULL;
}

/* The words are the screen's: it knows whether there is such a view. */
static void read_view(struct reader *r, const struct conf *map, struct job_view *view)
{
	const struct conf *threshold = conf_get(map, "threshold");
	struct err err = { 0 };

	view->name = read_word(r, conf_get(map, "view"));
	view->zoom = read_word(r, conf_get(map, "zoom"));
	if (!conf_is_null(threshold) && !conf_float(threshold, &view->threshold, &err))
		leave_out(r, &err);
	if (view->threshold < 0) {
		LEAVE_OUT(r, threshold, "threshold is negative; expected a weight from 0 up");
		view->threshold = 0;
	}
}

static void find_files(struct job_pane *pane, const char *preset)
{
	for (const struct param *p = pane->analysis->params; p && p->name; p++) {
		struct value *value = &pane->args[p - pane->analysis->params];

		if (param_is_path(p) && value->text)
			value->text = beside(value->text, preset);
	}
}

/* The items of a list with ; between them, as places are given on the command line. */
static bool add_list(const struct conf *list, struct str *out, struct err *err)
{
	const char *text;

	for (const struct conf *c = list->child; c; c = c->next) {
		if (!conf_text(c, &text, err))
			return false;
		str_addf(out, "%s%s", c == list->child ? "" : "; ", text);
	}
	return true;
}

static void read_args(struct reader *r, const struct conf *args, struct job_pane *pane)
{
	struct str assignment;

	str_init(&assignment);
	if (args && args->kind != CONF_MAP)
		LEAVE_OUT(r, args, "args is no map; expected {name: value, …}");
	for (const struct conf *c = args && args->kind == CONF_MAP ? args->child : NULL; c; c = c->next) {
		struct err err = { 0 };
		const char *text;

		str_clear(&assignment);
		str_addf(&assignment, "%s=", c->key);
		if (!(c->kind == CONF_LIST ? add_list(c, &assignment, &err) : conf_text(c, &text, &err))) {
			leave_out(r, &err);
			continue;
		}
		if (c->kind != CONF_LIST)
			str_add(&assignment, text);
		if (!job_pane_set(pane, assignment.s, &err))
			LEAVE_OUT(r, c, "%s", err.text);
	}
	str_done(&assignment);
	find_files(pane, r->p->file);
}

static void no_such_analysis(struct reader *r, const struct conf *v, const char *name)
{
	struct str near;

	str_init(&near);
	analysis_suggest(name, &near);
	LEAVE_OUT(r, v, "there is no analysis \"%s\"; did you mean %s?", name, near.s);
	str_done(&near);
}

static void read_expectation(struct reader *r, const struct conf *v, int pane)
{
	struct err err = { 0 };
	struct expect expect;
	const char *line;

	if (!conf_text(v, &line, &err)) {
		leave_out(r, &err);
	} else if (!expect_parse(line, &expect, r->arena, &err)) {
		LEAVE_OUT(r, v, "%s", err.text);
	} else if (pane < 0 && expect.of != EXPECT_METRIC) {
		LEAVE_OUT(r, v, "expect '%s': only metric can be expected of the whole; cell and top belong to a pane", line);
	} else {
		preset_expect(r->p, pane, line, v->line);
		return;
	}
	r->p->misspelt = true;
}

/* A list of lines: of a pane, or of the whole (-1). */
static void read_expect(struct reader *r, const struct conf *v, int pane)
{
	if (conf_is_null(v))
		return;
	if (v->kind != CONF_LIST) {
		LEAVE_OUT(r, v, "expect is no list; expected lines such as - metric > 3");
		r->p->misspelt = true;
	}
	for (const struct conf *c = v->kind == CONF_LIST ? v->child : NULL; c; c = c->next)
		read_expectation(r, c, pane);
}

static void read_whole_expect(struct reader *r, const struct conf *v)
{
	read_expect(r, v, -1);
}

static bool is_pane_key(const char *key)
{
	static const char *const known[] = { "analysis", "args",  "diff", "on",	  "over",     "expect",
					     "taller",	 "wider", "view", "zoom", "threshold" };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(key, known[i]))
			return true;
	return false;
}

/* A technique's name, or {analysis: NAME, args: {…}, diff: …, over: FILE, expect: […], taller: 2, wider: -4} or {…, on: foil}. */
static bool read_technique(struct reader *r, const struct conf *v, struct job_pane *pane)
{
	const struct conf *name = v->kind == CONF_MAP ? conf_get(v, "analysis") : v;
	struct err err = { 0 };
	const char *text;

	for (const struct conf *c = v->kind == CONF_MAP ? v->child : NULL; c; c = c->next)
		if (!is_pane_key(c->key))
			LEAVE_OUT(r, c,
				  "unknown key \"%s\" of a pane; expected analysis, args, diff, on, over, expect, taller, wider, "
				  "view, zoom, threshold",
				  c->key);
	if (!name) {
		LEAVE_OUT(r, v, "a pane without its analysis; expected {analysis: NAME, args: {…}}");
	} else if (!conf_text(name, &text, &err)) {
		leave_out(r, &err);
	} else if (!analysis_find(text)) {
		no_such_analysis(r, name, text);
	} else {
		job_pane_init(pane, analysis_find(text));
		read_args(r, conf_get(v, "args"), pane);
		read_diff(r, conf_get(v, "diff"), pane);
		read_on(r, conf_get(v, "on"), pane);
		read_over(r, conf_get(v, "over"), pane);
		read_view(r, v, &pane->view);
		return true;
	}
	return false;
}

/* Rows and columns more than it would have, or fewer. */
static void read_size(struct reader *r, const struct conf *v, int *size)
{
	struct err err = { 0 };

	if (v && !conf_int(v, -SIZE_MOST, SIZE_MOST, size, &err))
		leave_out(r, &err);
}

static void read_pane(struct reader *r, const struct conf *v)
{
	struct job *job = &r->p->job;
	struct job_pane pane;

	if (!read_technique(r, v, &pane)) {
		return;
	} else if (job->panes == JOB_PANES) {
		LEAVE_OUT(r, v, "one pane too many; expected at most %d", JOB_PANES);
	} else {
		r->p->row[job->panes] = r->row;
		job->pane[job->panes++] = pane;
		if (v->kind != CONF_MAP)
			return;
		read_expect(r, conf_get(v, "expect"), job->panes - 1);
		read_size(r, conf_get(v, "taller"), &r->p->size[job->panes - 1].taller);
		read_size(r, conf_get(v, "wider"), &r->p->size[job->panes - 1].wider);
	}
}

/* A list of rows; a row is a list of panes, or one pane. */
static void read_panes(struct reader *r, const struct conf *v)
{
	if (v->kind != CONF_LIST)
		LEAVE_OUT(r, v, "panes is no list; expected rows of panes: - [{analysis: NAME}, …]");
	for (const struct conf *row = v->kind == CONF_LIST ? v->child : NULL; row; row = row->next) {
		int before = r->p->job.panes;

		if (row->kind != CONF_LIST)
			read_pane(r, row);
		for (const struct conf *c = row->kind == CONF_LIST ? row->child : NULL; c; c = c->next)
			read_pane(r, c);
		r->row += r->p->job.panes > before;
	}
}

static void read_cursor_into(struct reader *r, const struct conf *v, int *cursor)
{
	if (conf_is_null(v))
		return;
	if (v->kind != CONF_MAP)
		LEAVE_OUT(r, v, "cursor is no map; expected {layer: 2, head: 5, position: -1}");
	for (const struct conf *c = v->kind == CONF_MAP ? v->child : NULL; c; c = c->next) {
		enum dim dim = dim_find(c->key);
		struct err err = { 0 };

		if (dim == DIM_COUNT || dim == DIM_NONE)
			LEAVE_OUT(r, c, "unknown key \"%s\" of the cursor; expected layer, head, position …", c->key);
		else if (!conf_int(c, -1000000 + 1, 1000000, &cursor[dim], &err))
			leave_out(r, &err);
	}
}

static void read_cursor(struct reader *r, const struct conf *v)
{
	read_cursor_into(r, v, r->p->cursor);
}

/* {letter: a, place: "layer 3", pane: {…}, cursor: {…}, zoom: true}; a note has its text in place of the letter. */
static void read_place(struct reader *r, const struct conf *v, bool note)
{
	const char *first = note ? "text" : "letter", *what = note ? "a note" : "a bookmark", *text, *where = NULL;
	const struct conf *named = conf_get(v, first), *pane = conf_get(v, "pane"), *labels = conf_get(v, "place"),
			  *zoom = conf_get(v, "zoom");
	struct kept_place place = { 0 };
	struct err err = { 0 };

	for (int d = 0; d < DIM_COUNT; d++)
		place.cursor[d] = CURSOR_UNSET;
	for (const struct conf *c = v->kind == CONF_MAP ? v->child : NULL; c; c = c->next)
		if (c != named && c != pane && c != labels && c != zoom && strcmp(c->key, "cursor"))
			LEAVE_OUT(r, c, "unknown key \"%s\" of %s; expected %s, place, pane, cursor, zoom", c->key, what, first);
	if (!named || !pane) {
		LEAVE_OUT(r, v, "%s without its %s; expected {%s: …, pane: {analysis: NAME}, cursor: {…}}", what,
			  named ? "pane" : first, first);
	} else if (!conf_text(named, &text, &err) || (labels && !conf_text(labels, &where, &err)) ||
		   (zoom && !conf_bool(zoom, &place.zoomed, &err))) {
		leave_out(r, &err);
	} else if (!note && (strlen(text) != 1 || !isalnum((unsigned char)*text))) {
		LEAVE_OUT(r, named, "letter is \"%s\"; expected a letter or a digit", text);
	} else if (note && !*text) {
		LEAVE_OUT(r, named, "a note without words");
	} else if (read_technique(r, pane, &place.pane)) {
		if (conf_get(v, "cursor"))
			read_cursor_into(r, conf_get(v, "cursor"), place.cursor);
		place.letter = note ? 0 : *text;
		if (note)
			job_set(&place.text, text);
		job_set(&place.where, where);
		preset_add_place(r->p, &place);
		kept_place_done(&place);
	}
}

static void read_places(struct reader *r, const struct conf *v, bool notes)
{
	if (conf_is_null(v))
		return;
	if (v->kind != CONF_LIST)
		LEAVE_OUT(r, v, "%s is no list; expected lines that begin with \"- \"", v->key);
	for (const struct conf *c = v->kind == CONF_LIST ? v->child : NULL; c; c = c->next)
		read_place(r, c, notes);
}

static void read_bookmarks(struct reader *r, const struct conf *v)
{
	read_places(r, v, false);
}

static void read_notes(struct reader *r, const struct conf *v)
{
	read_places(r, v, true);
}

static const struct {
	const char *name;
	void (*read)(struct reader *r, const struct conf *v);
} keys[] = {
	{ "title", read_title },	 { "about", read_about },	  { "model", read_model }, { "prompt", read_prompt },
	{ "foil", read_foil },		 { "metric", read_metric },	  { "way", read_way },	   { "edits", read_edits },
	{ "panes", read_panes },	 { "cursor", read_cursor },	  { "theme", read_theme }, { "bos", read_bos },
	{ "generate", read_generate },	 { "expect", read_whole_expect }, { "task", read_task },   { "goal", read_goal },
	{ "bookmarks", read_bookmarks }, { "notes", read_notes },
};
enum { KEYS = sizeof keys / sizeof *keys };

static void read_key(struct reader *r, const struct conf *v)
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
	struct reader r = { .p = p, .notes = notes, .arena = arena_new() };
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
