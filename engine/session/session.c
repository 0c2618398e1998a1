/*
 * session.c - see session.h. What is kept: the model; a few runs, found again by their tokens and edits; the finished tables, found
 * again by run and question (cache.h). A toggled edit is answered from the second, a moved cursor from the third.
 */
#include "engine/session/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/kernels.h"
#include "engine/run/prompt_runs.h"
#include "engine/session/args.h"
#include "engine/session/cache.h"
#include "engine/session/witness.h"

/* Everything that a prepared job needs. */
struct prepared {
	struct job job;
	struct run *run, *unedited, *foil; /* counted */
	unsigned run_id, unedited_id, foil_id;
	struct metric metric;
};

struct session {
	session_partial *show; /* NULL: nobody waits for less than a whole table */
	session_visible *visible;
	void *show_context;
	struct model *model;
	char *where; /* as the job named it; NULL: demo */
	struct cache *keep;
	struct prompt_runs *prompts; /* what edits read of files of prompts */
	struct assets *assets;	     /* what techniques read */
	bool ready;
	struct prepared now;
	struct job_fault fault;	      /* while a job is prepared: whose turn it is */
	struct gradient *gradient[2]; /* the latest first: of the edited and of the unedited run, most often; counted; or NULL */
	double token_ms;	      /* what a pass took, by the token; 0: none was measured */
	double share[ANALYSIS_COUNT]; /* of a pass's time that one of a technique's own passes took; 0: not measured */
	unsigned jobs;		      /* how many were prepared */
};

static double share_known(const struct session *s, const struct analysis *a)
{
	for (int i = 0; analysis_list[i]; i++)
		if (analysis_list[i] == a)
			return s->share[i];
	return 0;
}

struct session *session_new(void)
{
	struct session *s = xcalloc(1, sizeof *s);

	s->keep = cache_new();
	s->assets = assets_new();
	return s;
}

static void prepared_done(struct prepared *p)
{
	run_unref(p->run);
	run_unref(p->unedited);
	run_unref(p->foil);
	metric_done(&p->metric);
	job_done(&p->job);
}

/* What an answer needs stays while it is made, even if the session is prepared for another job meanwhile (see session.h). */
static struct prepared hold(const struct prepared *now)
{
	struct prepared held = *now;

	job_copy(&held.job, &now->job);
	held.run = run_ref(now->run);
	held.unedited = run_ref(now->unedited);
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
	s->token_ms = 0;
	memset(s->share, 0, sizeof s->share);
	cache_clear(s->keep);
	prompt_runs_unref(s->prompts);
	s->prompts = NULL;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	forget(s);
	assets_free(s->assets);
	cache_free(s->keep);
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
	s->prompts = prompt_runs_new(m);
	job_set(&s->where, where);
	return true;
}

/* ---- runs ---- */

/* A file that an edit reads may be another one by now under its old name. */
static void add_version(struct str *key, const char *line)
{
	struct arena *scratch = arena_new();
	struct edit edit;
	struct err err;

	if (edit_parse(line, &edit, scratch, &err) && edit.file)
		str_addf(key, "#%llx", (unsigned long long)file_version(edit.file));
	arena_free(scratch);
}

static void run_key(struct str *key, const int32_t *tokens, size_t n, const struct job *job, const int32_t *foil, size_t foil_n)
{
	str_add_n(key, (const char *)tokens, n * sizeof *tokens);
	for (int e = 0; job && e < job->edits; e++)
		if (job->edit[e].on) {
			str_addf(key, "|%s", job->edit[e].line);
			add_version(key, job->edit[e].line);
		}
	if (job && foil)
		str_add_n(key, (const char *)foil, foil_n * sizeof *foil);
}

/* What a run is to be of. */
struct wanted {
	int32_t *tokens;
	size_t n;
	const struct job *job; /* its edits; NULL: none */
	const struct run *unedited, *foil;
};

/* Whether a run fits, for which those that are kept for later may have to give way. */
static bool has_room(struct session *s, int T, enum run_stores keeps, struct err *err)
{
	struct err why = { 0 };

	if (run_fits(s->model, T, keeps, &why))
		return true;
	cache_evict(s->keep);
	return run_fits(s->model, T, keeps, err);
}

/* All of the run if that fits, its stream if only that does. An edited run continues the unedited one, and keeps as much. */
static bool choose_keeps(struct session *s, const struct wanted *w, enum run_stores *keeps, struct err *err)
{
	const int T = (int)w->n;
	struct err why = { 0 };

	*keeps = w->unedited && w->unedited->keeps == RUN_STREAM ? RUN_STREAM
		 : has_room(s, T, RUN_ALL, &why)		 ? RUN_ALL
								 : RUN_STREAM;
	return *keeps == RUN_ALL || has_room(s, T, RUN_STREAM, err);
}

/* What a whole run takes is what later ones are reckoned by. One that begins in the middle of another says nothing about it. */
static struct run *measured_run(struct session *s, const struct run_order *order, struct task *task, struct err *err)
{
	double start = clock_now();
	struct run *r = run_new(order, task, err);

	if (r && !order->prefix && !order->edit_count)
		s->token_ms = (clock_now() - start) / r->T;
	return r;
}

/* Counted, from the kept ones or made now. */
static struct run *get_run(struct session *s, const struct wanted *w, unsigned *id, struct task *task, struct err *err)
{
	struct str key;
	struct run *r;
	const char **line = w->job ? xcalloc((size_t)w->job->edits, sizeof *line) : NULL;
	struct run_order order = { .model = s->model,
				   .tokens = w->tokens,
				   .T = (int)w->n,
				   .edits = line,
				   .unedited = w->unedited,
				   .foil = w->foil,
				   .prompts = s->prompts };
	bool ok;

	str_init(&key);
	for (int e = 0; w->job && e < w->job->edits; e++)
		if (w->job->edit[e].on)
			line[order.edit_count++] = w->job->edit[e].line;
	run_key(&key, w->tokens, w->n, w->job, w->foil ? w->foil->tokens : NULL, w->foil ? (size_t)w->foil->T : 0);
	r = cache_find_run(s->keep, &key, id);
	ok = r || choose_keeps(s, w, &order.keeps, err);
	if (!r && ok && order.keeps == RUN_STREAM) {
		str_add(&key, "|stream");
		r = cache_find_run(s->keep, &key, id);
	}
	if (!r && ok) {
		if (!w->job) /* a changed token costs only what is after it */
			order.prefix = cache_longest_prefix(s->keep, w->tokens, w->n);
		if ((r = measured_run(s, &order, task, err)))
			*id = cache_add_run(s->keep, &key, r);
	}
	str_done(&key);
	free(line);
	return r;
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
	struct wanted edited = { prompt->tokens, prompt->n, &p->job, p->unedited, p->foil };

	if (!job_edited(&p->job)) {
		p->run = run_ref(p->unedited);
		p->run_id = p->unedited_id;
	} else if (!(p->run = get_run(s, &edited, &p->run_id, task, err))) {
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
	if (encode(s, p->job.foil, p->job.bos, foil, notes, err) && (p->foil = get_run(s, foil, &p->foil_id, task, err)))
		return true;
	return err->kind == ERR_CANCELLED ? false : err_in(err, "foil");
}

static bool prepare(struct session *s, struct prepared *p, struct wanted *prompt, struct wanted *foil, struct task *task,
		    struct notes *notes, struct err *err)
{
	const struct job *job = &p->job;

	s->fault.part = JOB_PROMPT;
	if (!encode(s, job->prompt, job->bos, prompt, notes, err) ||
	    !(p->unedited = get_run(s, prompt, &p->unedited_id, task, err)) || !run_foil(s, p, foil, task, notes, err) ||
	    !run_edited(s, p, prompt, task, err))
		return false;
	say_what_is_kept(p, notes);
	s->fault.part = JOB_METRIC;
	return metric_resolve(job->metric, p->unedited, &p->metric, notes, err);
}

struct job_fault session_fault(const struct session *s)
{
	return s->fault;
}

bool session_prepare(struct session *s, const struct job *job, struct task *task, struct notes *notes, struct err *err)
{
	struct prepared p = { 0 };
	struct wanted prompt = { 0 }, foil = { 0 };
	bool ok;

	s->fault = (struct job_fault){ JOB_MODEL, 0 };
	if (!open_model(s, job->model, task, notes, err))
		return false;
	job_copy(&p.job, job);
	ok = prepare(s, &p, &prompt, &foil, task, notes, err);
	free(prompt.tokens);
	free(foil.tokens);
	if (!ok) {
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

/* ---- answering ---- */

/* Which of the runs a technique looks at, with their numbers. */
struct view {
	const struct run *run, *unedited, *foil;
	unsigned run_id, unedited_id, foil_id;
	struct metric metric;
	const struct job *job;
	enum witness_side side;
};

/* For tests: what this table of a view answers. */
static void bear_witness(const struct table *t, const struct view *v, const struct job_pane *pane)
{
	struct witness_view w = { .job = v->job, .side = v->side, .metric = v->metric.spec };

	for (int dim = 0; dim < DIM_COUNT; dim++)
		w.extent[dim] = dim_extent(&v->run->model->config, v->run->T, (enum dim)dim);
	witness_made(t, &w, pane);
}

/* The gradient of a view's metric on its run, made when it is first asked for; counted. */
static struct gradient *get_gradient(struct session *s, const struct view *v, struct task *task, struct err *err)
{
	struct gradient *g;

	for (int i = 0; i < 2; i++)
		if (s->gradient[i] && gradient_answers(s->gradient[i], v->run, &v->metric, v->unedited, 0))
			return gradient_ref(s->gradient[i]);
	if (!has_room(s, v->run->T, RUN_ALL, err) || !(g = gradient_new(v->run, &v->metric, v->unedited, 0, task, err)))
		return NULL;
	gradient_unref(s->gradient[1]);
	s->gradient[1] = s->gradient[0];
	s->gradient[0] = g;
	return gradient_ref(g);
}

static bool has_gradient(const struct session *s, const struct view *v)
{
	for (int i = 0; i < 2; i++)
		if (s->gradient[i] && gradient_answers(s->gradient[i], v->run, &v->metric, v->unedited, 0))
			return true;
	return false;
}

/* Who waits for a table while it is made, and what is taken off it before it is shown. */
struct growing {
	session_partial *show;
	session_visible *visible;
	void *context;
	const char *analysis;
	const struct table *less; /* NULL: nothing */
	const char *what;	  /* the difference is called */
	const struct view *view;  /* that it is of */
	const struct job_pane *pane;
};

static void show_partial(void *context, const struct table *so_far)
{
	struct growing *g = context;
	struct err err;
	struct table *t = g->less ? table_minus(so_far, g->less, g->what, &err) : table_copy(so_far, &err);

	if (!t) /* no memory: then the whole one will say so */
		return;
	bear_witness(so_far, g->view, g->pane);
	witness_copied(t, so_far, g->less);
	t->analysis = g->analysis;
	t->unfinished = true;
	g->show(g->context, t);
}

static struct window seen_part(void *context)
{
	const struct growing *g = context;

	return g->visible ? g->visible(g->context) : (struct window){ 0 };
}

/* What a slow technique's own passes take, beside a whole run; where another job was answered in between, nothing is learned. */
static struct table *measured_answer(struct session *s, const struct analysis *a, struct ask *ask, const struct value *args,
				     struct err *err)
{
	const int before = ask->task ? atomic_load(&ask->task->runs) : 0;
	const unsigned jobs = s->jobs;
	double start = clock_now();
	struct table *t = analysis_compute(a, ask, args, err);
	int runs = ask->task ? atomic_load(&ask->task->runs) - before : 0;

	for (int i = 0; t && runs > 0 && s->token_ms > 0 && jobs == s->jobs && analysis_list[i]; i++)
		if (analysis_list[i] == a)
			s->share[i] = (clock_now() - start) / (runs * s->token_ms * ask->run->T);
	return t;
}

static struct table *compute(struct session *s, const struct view *v, const struct job_pane *pane, const struct table *like,
			     struct growing *growing, struct task *task, struct notes *notes, struct err *err)
{
	struct watch watch = { .show = show_partial, .visible = seen_part, .context = growing };
	struct ask ask = { .model = s->model,
			   .run = v->run,
			   .unedited = v->unedited,
			   .foil = v->foil,
			   .metric = &v->metric,
			   .assets = s->assets,
			   .like = like,
			   .task = task,
			   .notes = notes,
			   .watch = growing ? &watch : NULL };
	struct value args[PARAM_MAX];
	struct gradient *gradient = NULL;
	struct table *t;

	if (!analysis_can_answer(pane->analysis, &ask, err) ||
	    ((pane->analysis->needs & NEEDS_GRADIENT) && !(gradient = get_gradient(s, v, task, err))))
		return NULL;
	ask.gradient = gradient;
	if (growing) {
		growing->view = v;
		growing->pane = pane;
	}
	args_of_run(pane, v->metric.position, v->run->T, args);
	t = measured_answer(s, pane->analysis, &ask, args, err);
	gradient_unref(gradient);
	bear_witness(t, v, pane);
	return t;
}

/* A file that an argument names may be another one by now under its old name. */
static void add_argument(struct str *key, const struct param *p, struct value value)
{
	const char *path;
	uint64_t version;

	str_add_char(key, ' ');
	param_print(p, value, key);
	if (value.text && param_is_path(p) && (path = param_path(value, &version)))
		str_addf(key, " %s#%llx", path, (unsigned long long)version);
}

static void table_key(struct str *key, const struct view *v, const struct job_pane *pane)
{
	struct value args[PARAM_MAX];
	unsigned on;

	args_of_run(pane, v->metric.position, v->run->T, args);
	on = analysis_on(pane->analysis, args);
	str_add(key, pane->analysis->name);
	if (on & ON_RUN)
		str_addf(key, " %u %u", v->run_id, v->unedited_id);
	if (on & ON_FOIL)
		str_addf(key, " foil %u", v->foil_id);
	if (on & ON_METRIC)
		str_addf(key, " %s @%d #%llx", v->metric.spec, v->metric.position, (unsigned long long)metric_version(&v->metric));
	for (int k = 0; k < param_count(pane->analysis->params); k++)
		add_argument(key, &pane->analysis->params[k], args[k]);
}

/* The technique's table of a view, found again when it was asked before; `like`: with that one's rows. */
static struct table *answer_view(struct session *s, const struct view *v, const struct job_pane *pane, const struct table *like,
				 struct growing *growing, struct task *task, struct notes *notes, struct err *err)
{
	struct str key;
	struct table *t;

	if (like)
		return compute(s, v, pane, like, growing, task, notes, err);
	str_init(&key);
	table_key(&key, v, pane);
	t = cache_find_table(s->keep, key.s);
	if (!t && (t = compute(s, v, pane, NULL, growing, task, notes, err)))
		cache_add_table(s->keep, key.s, t);
	str_done(&key);
	return t;
}

static int runs_of_view(struct session *s, const struct view *v, const struct job_pane *pane)
{
	struct ask ask = { .model = s->model, .run = v->run, .unedited = v->unedited, .foil = v->foil, .metric = &v->metric };
	struct value args[PARAM_MAX];
	struct table *there;
	struct str key;
	int runs;

	str_init(&key);
	table_key(&key, v, pane);
	there = cache_find_table(s->keep, key.s);
	table_unref(there);
	str_done(&key);
	if (there)
		return 0;
	args_of_run(pane, v->metric.position, v->run->T, args);
	runs = analysis_runs(pane->analysis, &ask, args);
	return runs < 0 ? runs : runs + ((pane->analysis->needs & NEEDS_GRADIENT) && !has_gradient(s, v));
}

static struct view view_edited(const struct prepared *p)
{
	return (struct view){ p->run,	  p->unedited, p->foil, p->run_id,     p->unedited_id,
			      p->foil_id, p->metric,   &p->job, WITNESS_EDITED };
}

static struct view view_unedited(const struct prepared *p)
{
	return (struct view){ p->unedited, p->unedited, p->foil, p->unedited_id,  p->unedited_id,
			      p->foil_id,  p->metric,	&p->job, WITNESS_UNEDITED };
}

/* Each is the other's foil. The metric: the same targets, at the foil's own last position when it is the last of the prompt. */
static struct view view_foil(const struct prepared *p)
{
	struct view v = { p->foil, p->foil, p->unedited, p->foil_id, p->foil_id, p->unedited_id, p->metric, &p->job, WITNESS_FOIL };

	if (v.metric.position == p->run->T - 1 || v.metric.position >= p->foil->T)
		v.metric = metric_at(&p->metric, p->foil->T - 1);
	return v;
}

/* A copy that says whose it is, in exchange for the table. */
static struct table *named_foil(struct table *t, struct err *err)
{
	struct table *named = t ? table_copy(t, err) : NULL;

	if (named)
		table_set_whose(named, "%s", shown_words[SHOWN_FOIL].title);
	witness_copied(named, t, NULL);
	table_unref(t);
	return named;
}

/* Which rows there are depends on what the run holds: its likeliest tokens, its strongest neurons. */
static bool chooses_rows(const struct table *t)
{
	return t->parent || (t->id && t->rows.dim == DIM_RANK);
}

static struct table *answer(struct session *s, const struct prepared *p, const struct job_pane *pane, const struct table *like,
			    struct task *task, struct notes *notes, struct err *err)
{
	struct growing growing = { .show = s->show,
				   .visible = s->visible,
				   .context = s->show_context,
				   .analysis = pane->analysis->name },
		       *watched = s->show ? &growing : NULL;
	struct view here = view_edited(p), there = view_unedited(p);
	struct table *a, *b, *t = NULL;

	if ((pane->shown == SHOWN_MINUS_FOIL || pane->shown == SHOWN_FOIL) && !p->foil) {
		err_set(err, ERR_ARGUMENT, "%s was asked for, and no foil is set",
			pane->shown == SHOWN_FOIL ? "the foil" : "the difference to the foil");
		return NULL;
	}
	if (pane->shown == SHOWN_MINUS_FOIL || pane->shown == SHOWN_FOIL)
		there = view_foil(p);
	if (pane->shown == SHOWN_RUN)
		return answer_view(s, &here, pane, like, watched, task, notes, err);
	if (pane->shown == SHOWN_FOIL)
		return named_foil(answer_view(s, &there, pane, like, watched, task, notes, err), err);
	if (!(b = answer_view(s, &there, pane, like, NULL, task, notes, err)))
		return NULL;
	growing.less = b;
	growing.what = shown_words[pane->shown].title;
	a = answer_view(s, &here, pane, like, watched, task, notes, err);
	if (a && chooses_rows(a)) { /* of the other run, too, the tokens that this one ranks, the neurons that it lists */
		table_unref(b);
		b = compute(s, &there, pane, a, NULL, task, notes, err);
	}
	if (a && b)
		witness_copied(t = table_minus(a, b, growing.what, err), a, b);
	table_unref(a);
	table_unref(b);
	return t;
}

struct forecast session_forecast(struct session *s, const struct job_pane *pane)
{
	const struct prepared *p = &s->now;
	const bool other = pane->shown == SHOWN_MINUS_FOIL || pane->shown == SHOWN_FOIL;
	struct view here = view_edited(p), there = other && p->foil ? view_foil(p) : view_unedited(p);
	struct forecast f = { 0 };
	double share = share_known(s, pane->analysis);
	int more = 0;

	if (pane->analysis->cost < COST_RUNS || !s->ready)
		return f;
	if (other && !p->foil)
		return (struct forecast){ .runs = -1 };
	f.runs = pane->shown == SHOWN_FOIL ? 0 : runs_of_view(s, &here, pane);
	if (pane->shown != SHOWN_RUN && (pane->shown != SHOWN_MINUS_UNEDITED || p->run != p->unedited))
		more = runs_of_view(s, &there, pane);
	f.runs = f.runs < 0 || more < 0 ? -1 : f.runs + more;
	f.measured = share > 0;
	f.seconds = f.runs > 0 ? f.runs * s->token_ms * p->run->T * (share > 0 ? share : 1) / 1000 : 0;
	return f;
}

struct table *session_answer_like(struct session *s, int i, const struct table *like, struct task *task, struct notes *notes,
				  struct err *err)
{
	struct prepared held = hold(&s->now);
	struct table *t = answer(s, &held, &held.job.pane[i], like, task, notes, err);

	prepared_done(&held);
	return t;
}

struct table *session_answer(struct session *s, int i, struct task *task, struct notes *notes, struct err *err)
{
	return session_answer_like(s, i, NULL, task, notes, err);
}

void session_watch(struct session *s, session_partial *show, session_visible *visible, void *context)
{
	s->show = show;
	s->visible = visible;
	s->show_context = context;
}

struct table *session_before(struct session *s, int i, struct task *task, struct notes *notes, struct err *err)
{
	struct prepared held;
	struct view here, there;
	struct table *t, *now;

	if (s->now.run == s->now.unedited || s->now.job.pane[i].shown != SHOWN_RUN || !job_pane_reads_run(&s->now.job.pane[i]))
		return NULL;
	held = hold(&s->now);
	here = view_edited(&held);
	there = view_unedited(&held);
	t = answer_view(s, &there, &held.job.pane[i], NULL, NULL, task, notes, err);
	if (t && t->parent && (now = answer_view(s, &here, &held.job.pane[i], NULL, NULL, task, notes, err))) {
		table_unref(t); /* the neurons that are listed now, as they were */
		t = answer_view(s, &there, &held.job.pane[i], now, NULL, task, notes, err);
		table_unref(now);
	}
	prepared_done(&held);
	return t;
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

bool session_metric_values(struct session *s, double *edited, double *unedited, struct task *task, struct err *err)
{
	const struct prepared *p = &s->now;

	if (!metric_value(&p->metric, p->unedited, p->unedited, unedited, task, err))
		return false;
	if (p->run != p->unedited)
		return metric_value(&p->metric, p->run, p->unedited, edited, task, err);
	*edited = *unedited;
	return true;
}

int32_t session_predict(const struct run *r, int known, double *probability)
{
	int V = r->model->config.V, best = kernel_best(r->last_logits, known);
	double sum = 0;

	for (int i = 0; probability && i < V; i++)
		sum += exp((double)r->last_logits[i] - (double)r->last_logits[best]);
	if (probability)
		*probability = 1 / sum;
	return best;
}

static bool generate(struct session *s, const struct prepared *p, bool edited, int n, session_token *token, void *context,
		     struct task *task, struct err *err)
{
	const struct tokenizer *t = s->model->tokenizer;
	const struct config *c = &s->model->config;
	const struct run *from = edited ? p->run : p->unedited;
	int known = tokenizer_size(t) < c->V ? tokenizer_size(t) : c->V, T = from->T;
	int32_t *tokens = xmalloc((size_t)(T + n) * sizeof *tokens);
	const char **line = xcalloc((size_t)p->job.edits, sizeof *line);
	struct run_order order = { .model = s->model,
				   .tokens = tokens,
				   .prompt_T = T,
				   .edits = line,
				   .unedited = p->unedited,
				   .foil = p->foil,
				   .prompts = s->prompts,
				   .keeps = from->keeps };
	struct run *r = run_ref(from);
	bool ok = true;

	for (int e = 0; edited && e < p->job.edits; e++)
		if (p->job.edit[e].on)
			line[order.edit_count++] = p->job.edit[e].line;
	memcpy(tokens, from->tokens, (size_t)T * sizeof *tokens);
	for (int i = 0; ok && i < n; i++) {
		struct run *longer;
		double probability;
		int32_t id = session_predict(r, known, &probability);

		if (id == tokenizer_eos(t) || !token(context, id, probability))
			break;
		if (i + 1 == n)
			break;
		tokens[T + i] = id;
		order.T = T + i + 1;
		order.prefix = r;
		if (c->context_is_hard && order.T > c->context)
			break;
		longer = has_room(s, order.T, order.keeps, err) ? run_new(&order, task, err) : NULL;
		ok = longer != NULL;
		if (ok) {
			run_unref(r);
			r = longer;
		}
	}
	run_unref(r);
	free(line);
	free(tokens);
	return ok;
}

bool session_generate(struct session *s, bool edited, int n, session_token *token, void *context, struct task *task,
		      struct err *err)
{
	struct prepared held = hold(&s->now);
	bool ok = generate(s, &held, edited, n, token, context, task, err);

	prepared_done(&held);
	return ok;
}
