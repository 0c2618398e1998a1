/*
 * session.c - opens the model and prepares a job. What is kept: the model; a few runs, found again by their tokens and edits; the
 * finished tables, found again by run and question (cache.h). A toggled edit is answered from the second, a moved cursor from the
 * third.
 */
#include "engine/session/session_parts.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/session/over.h"

struct session *session_new(void)
{
	struct session *s = xcalloc(1, sizeof *s);

	s->cache = cache_new();
	s->assets = assets_new();
	return s;
}

void prepared_done(struct prepared *p)
{
	run_unref(p->run);
	run_unref(p->unedited);
	run_unref(p->foil);
	metric_done(&p->metric);
	job_done(&p->job);
}

struct prepared session_hold(const struct session *s)
{
	const struct prepared *now = &s->now;
	struct prepared held = *now;

	job_copy(&held.job, &now->job);
	held.run = now->run ? run_ref(now->run) : NULL;
	held.unedited = now->unedited ? run_ref(now->unedited) : NULL;
	held.foil = now->foil ? run_ref(now->foil) : NULL;
	held.metric = metric_share(&now->metric);
	return held;
}

static void forget(struct session *s)
{
	if (s->ready)
		prepared_done(&s->now);
	s->ready = false;
	gradient_unref(s->gradient[0]);
	gradient_unref(s->gradient[1]);
	s->gradient[0] = s->gradient[1] = NULL;
	s->token_ms = s->multiplication_ms = 0;
	memset(s->share, 0, sizeof s->share);
	cache_clear(s->cache);
	assets_unref(s->assets);
	s->assets = assets_new();
}

void session_free(struct session *s)
{
	if (!s)
		return;
	forget(s);
	over_done(s);
	assets_unref(s->assets);
	cache_free(s->cache);
	model_free(s->model);
	free(s->where);
	free(s);
}

static bool open_model(struct session *s, const char *where, struct task *task, struct notes *notes, struct err *err)
{
	struct model *m;

	if (s->model && text_same(s->where, where))
		return true;
	if (!(m = model_open(where, task, notes, err)))
		return false;
	forget(s);
	model_free(s->model);
	s->model = m;
	job_set(&s->where, where);
	return true;
}

/* ---- preparing ---- */

static bool encode(const struct session *s, const char *text, enum tokenizer_bos bos, struct wanted *w, struct notes *notes,
		   struct err *err)
{
	const struct config *c = &s->model->config;

	if (!tokenizer_encode(s->model->tokenizer, text, strlen(text), bos, &w->tokens, &w->n, err))
		return false;
	if (!c->context_is_hard && w->n > (size_t)c->context)
		notes_add(notes, "%zu tokens are more than the %d that this model was trained for: what it says there means little",
			  w->n, c->context);
	return true;
}

static void say_what_is_kept(const struct prepared *p, struct notes *notes)
{
	const struct run *runs[] = { p->foil, p->unedited, p->run };
	const struct run *r = NULL;

	for (int i = 0; i < 3; i++)
		r = runs[i] && runs[i]->keeps == RUN_STREAM ? runs[i] : r;
	if (r)
		notes_add(notes,
			  "all of a run over %d tokens would not fit into memory: its stream alone is kept, enough for "
			  "lenses and predictions",
			  r->T);
}

/* The index in the job of the edit that a run counts as number `item` of those that are on. */
static struct job_fault fault_of_edit(const struct job *job, int item)
{
	for (int e = 0; item && e < job->edits; e++)
		if (job->edit[e].on && !--item)
			return (struct job_fault){ JOB_EDIT, e };
	return (struct job_fault){ JOB_WHOLE, 0 };
}

static bool run_edited(struct session *s, struct prepared *p, const struct wanted *prompt, struct task *task, struct err *err)
{
	struct wanted edited = { prompt->tokens, prompt->n, &p->job, p->unedited, p->foil, p->passing, "edited prompt" };

	if (!job_edited(&p->job)) {
		p->run = run_ref(p->unedited);
		p->run_id = p->unedited_id;
	} else if (!(p->run = session_get_run(s, &edited, &p->run_id, task, err))) {
		s->fault = fault_of_edit(&p->job, err->item);
	}
	return p->run != NULL;
}

static bool run_foil(struct session *s, struct prepared *p, struct wanted *foil, struct task *task, struct notes *notes,
		     struct err *err)
{
	if (!p->job.foil)
		return true;
	s->fault.part = JOB_FOIL;
	if (encode(s, p->job.foil, p->job.bos, foil, notes, err) && (p->foil = session_get_run(s, foil, &p->foil_id, task, err)))
		return true;
	return err->kind == ERR_CANCELLED ? false : err_in(err, "foil");
}

static bool prepare_runs(struct session *s, struct prepared *p, struct wanted *prompt, struct wanted *foil, struct task *task,
			 struct notes *notes, struct err *err)
{
	const struct job *job = &p->job;

	prompt->passing = foil->passing = p->passing;
	s->fault.part = JOB_PROMPT;
	if (!encode(s, job->prompt, job->bos, prompt, notes, err) ||
	    !(p->unedited = session_get_run(s, prompt, &p->unedited_id, task, err)) || !run_foil(s, p, foil, task, notes, err) ||
	    !run_edited(s, p, prompt, task, err))
		return false;
	say_what_is_kept(p, notes);
	s->fault.part = JOB_METRIC;
	return metric_resolve(job->metric, p->unedited, &p->metric, notes, err);
}

static bool prepare(struct session *s, struct prepared *p, struct task *task, struct notes *notes, struct err *err)
{
	struct wanted prompt = { .name = "prompt" }, foil = { .name = "foil" };
	bool ok = prepare_runs(s, p, &prompt, &foil, task, notes, err);

	free(prompt.tokens);
	free(foil.tokens);
	return ok;
}

struct job_fault session_fault(const struct session *s)
{
	return s->fault;
}

bool session_prepare(struct session *s, const struct job *job, struct task *task, struct notes *notes, struct err *err)
{
	struct prepared p = { 0 };

	s->fault = (struct job_fault){ JOB_MODEL, 0 };
	if (!open_model(s, job->model, task, notes, err))
		return false;
	job_copy(&p.job, job);
	if (!prepare(s, &p, task, notes, err)) {
		prepared_done(&p);
		return false;
	}
	if (s->ready)
		prepared_done(&s->now);
	s->now = p;
	s->ready = true;
	s->jobs++;
	return true;
}

bool session_prepare_passing(struct session *s, const struct job *job, struct prepared *p, struct task *task, struct notes *notes,
			     struct err *err)
{
	*p = (struct prepared){ .passing = true };
	job_copy(&p->job, job);
	return prepare(s, p, task, notes, err);
}

bool session_open(struct session *s, const struct job *job, struct task *task, struct notes *notes, struct err *err)
{
	if (!open_model(s, job->model, task, notes, err))
		return false;
	if (s->ready)
		prepared_done(&s->now);
	s->now = (struct prepared){ .metric = { .position = -1 } };
	job_copy(&s->now.job, job);
	s->ready = true;
	return true;
}

/* ---- what is prepared ---- */

const struct model *session_model(const struct session *s)
{
	return s->model;
}

const struct run *session_run(const struct session *s)
{
	return s->now.run;
}

const struct run *session_unedited(const struct session *s)
{
	return s->now.unedited;
}

const struct run *session_foil(const struct session *s)
{
	return s->now.foil;
}

const struct metric *session_metric(const struct session *s)
{
	return &s->now.metric;
}

bool prepared_metric_values(const struct prepared *p, double *edited, double *unedited, struct task *task, struct err *err)
{
	if (!metric_value(&p->metric, p->unedited, p->unedited, unedited, task, err))
		return false;
	if (p->run != p->unedited)
		return metric_value(&p->metric, p->run, p->unedited, edited, task, err);
	*edited = *unedited;
	return true;
}

bool session_metric_values(struct session *s, double *edited, double *unedited, struct task *task, struct err *err)
{
	return prepared_metric_values(&s->now, edited, unedited, task, err);
}
