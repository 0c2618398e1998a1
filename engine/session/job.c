/* job.c - see job.h. Every string of a job is its own. */
#include "engine/session/job.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/text.h"

const struct shown_words shown_words[SHOWN_COUNT] = {
	[SHOWN_RUN] = { "none", "as it is" },
	[SHOWN_MINUS_UNEDITED] = { "edits", "edited − unedited" },
	[SHOWN_MINUS_FOIL] = { "foil", "prompt − foil" },
	[SHOWN_FOIL] = { "on-foil", "of the foil" },
};

void job_set(char **field, const char *text)
{
	char *copy = text ? xstrdup(text) : NULL; /* text may be the field itself */

	free(*field);
	*field = copy;
}

void job_init(struct job *job)
{
	*job = (struct job){ .prompt = xstrdup("") };
}

void job_done(struct job *job)
{
	for (int i = 0; i < job->edits; i++)
		free(job->edit[i].line);
	free(job->edit);
	free(job->model);
	free(job->prompt);
	free(job->foil);
	free(job->metric);
	job_way_cut(job, 0);
	*job = (struct job){ 0 };
}

void job_copy(struct job *to, const struct job *from)
{
	*to = *from;
	to->model = to->prompt = to->foil = to->metric = NULL;
	job_set(&to->model, from->model);
	job_set(&to->prompt, from->prompt);
	job_set(&to->foil, from->foil);
	job_set(&to->metric, from->metric);
	to->ways = 0;
	job_way_copy(to, from);
	to->edit = NULL;
	to->edits = 0;
	for (int i = 0; i < from->edits; i++) {
		job_add_edit(to, from->edit[i].line);
		to->edit[i].on = from->edit[i].on;
	}
}

void job_way_push(struct job *job, const struct way_step *step)
{
	if (job->ways == WAY_MOST) {
		free(job->way[0].spec);
		memmove(job->way, job->way + 1, (size_t)--job->ways * sizeof *job->way);
	}
	job->way[job->ways] = *step;
	job->way[job->ways++].spec = xstrdup(step->spec);
}

void job_way_cut(struct job *job, int n)
{
	while (job->ways > n)
		free(job->way[--job->ways].spec);
}

void job_way_copy(struct job *to, const struct job *from)
{
	job_way_cut(to, 0);
	for (int i = 0; i < from->ways; i++)
		job_way_push(to, &from->way[i]);
}

bool job_edited(const struct job *job)
{
	for (int i = 0; i < job->edits; i++)
		if (job->edit[i].on)
			return true;
	return false;
}

bool job_view_equal(const struct job_view *a, const struct job_view *b)
{
	return a->name == b->name && a->zoom == b->zoom && a->threshold == b->threshold;
}

bool job_pane_alike(const struct job_pane *a, const struct job_pane *b)
{
	return a->analysis == b->analysis && a->shown == b->shown && a->over == b->over;
}

bool job_pane_equal(const struct job_pane *a, const struct job_pane *b)
{
	if (!job_pane_alike(a, b))
		return false;
	for (int i = 0; i < param_count(a->analysis->params); i++)
		if (!value_equal(a->args[i], b->args[i]) || a->given[i] != b->given[i])
			return false;
	return true;
}

static bool same_edits(const struct job *a, const struct job *b)
{
	int i = 0, k = 0;

	for (;; i++, k++) {
		while (i < a->edits && !a->edit[i].on)
			i++;
		while (k < b->edits && !b->edit[k].on)
			k++;
		if (i == a->edits || k == b->edits)
			return i == a->edits && k == b->edits;
		if (strcmp(a->edit[i].line, b->edit[k].line))
			return false;
	}
}

bool job_same_ground(const struct job *a, const struct job *b, bool edits)
{
	return text_same(a->model, b->model) && text_same(a->prompt, b->prompt) && text_same(a->foil, b->foil) &&
	       text_same(a->metric, b->metric) && a->bos == b->bos && (!edits || same_edits(a, b));
}

bool job_pane_reads_run(const struct job_pane *pane)
{
	return analysis_on(pane->analysis, pane->args) & (ON_RUN | ON_FOIL | ON_METRIC);
}

/* The prompts of a file are asked under the job's edits; the foil and the metric are those that prompts of the file do not have. */
static bool same_ground_over(const struct job *a, const struct job *b)
{
	return text_same(a->model, b->model) && a->bos == b->bos && same_edits(a, b) && text_same(a->foil, b->foil) &&
	       text_same(a->metric, b->metric);
}

/*
 * Weights alone know no prompt and no edits. An edit may read the foil's run; the metric that is not given is what the run
 * predicts.
 */
bool job_pane_same_ground(const struct job *a, const struct job *b, const struct job_pane *pane, bool edits)
{
	unsigned on = analysis_on(pane->analysis, pane->args);
	bool run = job_pane_reads_run(pane), edited = job_edited(a) || job_edited(b);
	bool foil = (on & ON_FOIL) || pane->shown == SHOWN_MINUS_FOIL || pane->shown == SHOWN_FOIL || (run && edited);

	if (pane->over)
		return same_ground_over(a, b);
	return text_same(a->model, b->model) &&
	       (!run || (text_same(a->prompt, b->prompt) && a->bos == b->bos && (!edits || same_edits(a, b)))) &&
	       (!foil || text_same(a->foil, b->foil)) && (!(on & ON_METRIC) || text_same(a->metric, b->metric));
}

bool job_equal(const struct job *a, const struct job *b)
{
	if (!job_same_ground(a, b, true) || a->generate != b->generate)
		return false;
	if (a->edits != b->edits || a->panes != b->panes)
		return false;
	for (int i = 0; i < a->edits; i++)
		if (a->edit[i].on != b->edit[i].on || !text_same(a->edit[i].line, b->edit[i].line))
			return false;
	for (int i = 0; i < a->panes; i++)
		if (!job_pane_equal(&a->pane[i], &b->pane[i]))
			return false;
	return true;
}

int job_add_edit(struct job *job, const char *line)
{
	job->edit = xrealloc(job->edit, ((size_t)job->edits + 1) * sizeof *job->edit);
	job->edit[job->edits] = (struct job_edit){ .line = xstrdup(line), .on = true };
	return job->edits++;
}

void job_remove_edit(struct job *job, int i)
{
	free(job->edit[i].line);
	job->edits--;
	memmove(job->edit + i, job->edit + i + 1, (size_t)(job->edits - i) * sizeof *job->edit);
}

void job_pane_init(struct job_pane *pane, const struct analysis *analysis)
{
	*pane = (struct job_pane){ .analysis = analysis };
	analysis_defaults(analysis, pane->args);
}

/* "logit-lens has no argument lyer; it has site, show, rank" */
static bool no_such_argument(const struct analysis *a, const char *name, struct err *err)
{
	struct str names;

	str_init(&names);
	for (int i = 0; i < param_count(a->params); i++)
		str_addf(&names, "%s%s", i ? ", " : "; it has ", a->params[i].name);
	err_set(err, ERR_USAGE, "%s has no argument \"%s\"%s", a->name, name, names.s);
	str_done(&names);
	return false;
}

bool job_pane_set(struct job_pane *pane, const char *assignment, struct err *err)
{
	const struct analysis *a = pane->analysis;
	const char *equals = strchr(assignment, '=');
	struct str name;
	bool ok = false;
	int i;

	if (!equals)
		return err_set(err, ERR_USAGE, "\"%s\" is not an assignment; expected KEY=VALUE", assignment);
	str_init(&name);
	str_add_n(&name, assignment, (size_t)(equals - assignment));
	i = param_find(a->params, name.s);
	if (i < 0)
		no_such_argument(a, name.s, err);
	else if (!param_parse(&a->params[i], equals + 1, 0, &pane->args[i], err))
		err_in(err, "%s", a->name);
	else
		ok = pane->given[i] = true;
	str_done(&name);
	return ok;
}
