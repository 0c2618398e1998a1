/* preset_read_panes.c - see preset_reader.h. */
#include "engine/preset/preset_reader.h"

#include <string.h>

#include "engine/analysis/expect.h"
#include "engine/base/intern.h"

static void read_diff(struct preset_reader *r, const struct conf *v, struct job_pane *pane)
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
static void read_on(struct preset_reader *r, const struct conf *v, struct job_pane *pane)
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
static void read_over(struct preset_reader *r, const struct conf *v, struct job_pane *pane)
{
	struct err err = { 0 };
	const char *text;

	if (conf_is_null(v))
		return;
	if (conf_text(v, &text, &err))
		pane->over = preset_beside(text, r->p->file);
	else
		preset_leave_out(r, &err);
}

/* One word, as one word's copy. */
static const char *read_word(struct preset_reader *r, const struct conf *v)
{
	enum { LONGEST = 30 };
	struct err err = { 0 };
	const char *text = NULL;

	if (conf_is_null(v))
		return NULL;
	if (!conf_text(v, &text, &err))
		preset_leave_out(r, &err);
	else if (!*text || strlen(text) > LONGEST)
		LEAVE_OUT(r, v, "%s is no word; expected one of at most %d bytes", v->key, LONGEST);
	else
		return intern(text);
	return NULL;
}

/* The words are the screen's: it knows whether there is such a view. */
static void read_view(struct preset_reader *r, const struct conf *map, struct job_view *view)
{
	const struct conf *threshold = conf_get(map, "threshold");
	struct err err = { 0 };

	view->name = read_word(r, conf_get(map, "view"));
	view->zoom = read_word(r, conf_get(map, "zoom"));
	if (!conf_is_null(threshold) && !conf_float(threshold, &view->threshold, &err))
		preset_leave_out(r, &err);
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
			value->text = preset_beside(value->text, preset);
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

static void read_args(struct preset_reader *r, const struct conf *args, struct job_pane *pane)
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
			preset_leave_out(r, &err);
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

static void no_such_analysis(struct preset_reader *r, const struct conf *v, const char *name)
{
	struct str near;

	str_init(&near);
	analysis_suggest(name, &near);
	LEAVE_OUT(r, v, "there is no analysis \"%s\"; did you mean %s?", name, near.s);
	str_done(&near);
}

static void read_expectation(struct preset_reader *r, const struct conf *v, int pane)
{
	struct err err = { 0 };
	struct expect expect;
	const char *line;

	if (!conf_text(v, &line, &err)) {
		preset_leave_out(r, &err);
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

void preset_read_expect(struct preset_reader *r, const struct conf *v, int pane)
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

static bool is_pane_key(const char *key)
{
	static const char *const known[] = { "analysis", "args",  "diff", "on",	  "over",     "expect",
					     "taller",	 "wider", "view", "zoom", "threshold" };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(key, known[i]))
			return true;
	return false;
}

bool preset_read_technique(struct preset_reader *r, const struct conf *v, struct job_pane *pane)
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
		preset_leave_out(r, &err);
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
static void read_size(struct preset_reader *r, const struct conf *v, int *size)
{
	struct err err = { 0 };

	if (v && !conf_int(v, -SIZE_MOST, SIZE_MOST, size, &err))
		preset_leave_out(r, &err);
}

static void read_pane(struct preset_reader *r, const struct conf *v)
{
	struct job *job = &r->p->job;
	struct job_pane pane;

	if (!preset_read_technique(r, v, &pane)) {
		return;
	} else if (job->panes == JOB_PANES) {
		LEAVE_OUT(r, v, "one pane too many; expected at most %d", JOB_PANES);
	} else {
		r->p->row[job->panes] = r->row;
		job->pane[job->panes++] = pane;
		if (v->kind != CONF_MAP)
			return;
		preset_read_expect(r, conf_get(v, "expect"), job->panes - 1);
		read_size(r, conf_get(v, "taller"), &r->p->size[job->panes - 1].taller);
		read_size(r, conf_get(v, "wider"), &r->p->size[job->panes - 1].wider);
	}
}

void preset_read_panes(struct preset_reader *r, const struct conf *v)
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
