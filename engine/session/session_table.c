/* session_table.c - one technique's table of one run, with the gradient that it needs; see session_parts.h. */
#include "engine/session/session_parts.h"

#include <string.h>

#include "engine/base/clock.h"
#include "engine/session/args.h"

/* Of the prompt; 0: there is none, and what is asked reads no run. */
static int positions(const struct session_view *v)
{
	return v->run ? v->run->T : 0;
}

/* For tests: what this table of a view answers. */
static void bear_witness(const struct table *t, const struct session_view *v, const struct job_pane *pane)
{
	struct witness_view w = { .job = v->job, .side = v->side, .metric = v->metric.spec };

	if (!v->run)
		return;
	for (int dim = 0; dim < DIM_COUNT; dim++)
		w.extent[dim] = dim_extent(&v->run->model->config, v->run->T, (enum dim)dim);
	witness_made(t, &w, pane);
}

/* The gradient of a view's metric on its run, made when it is first asked for; counted. */
static struct gradient *get_gradient(struct session *s, const struct session_view *v, struct task *task, struct err *err)
{
	struct gradient *g;

	for (int i = 0; i < 2; i++)
		if (s->gradient[i] && gradient_answers(s->gradient[i], v->run, &v->metric, v->unedited, 0))
			return gradient_ref(s->gradient[i]);
	if (!session_has_room(s, NULL, v->run->T, RUN_ALL, err) ||
	    !(g = gradient_new(v->run, &v->metric, v->unedited, 0, task, err)))
		return NULL;
	gradient_unref(s->gradient[1]);
	s->gradient[1] = s->gradient[0];
	s->gradient[0] = g;
	return gradient_ref(g);
}

static bool has_gradient(const struct session *s, const struct session_view *v)
{
	for (int i = 0; i < 2; i++)
		if (s->gradient[i] && gradient_answers(s->gradient[i], v->run, &v->metric, v->unedited, 0))
			return true;
	return false;
}

static void show_partial(void *context, const struct table *so_far)
{
	struct partial *p = context;
	struct err err;
	struct table *t = p->subtract ? table_minus(so_far, p->subtract, p->what, &err) : table_copy(so_far, &err);

	if (!t) /* no memory: then the whole one will say so */
		return;
	bear_witness(so_far, p->view, p->pane);
	witness_copied(t, so_far, p->subtract);
	t->analysis = p->analysis;
	t->unfinished = true;
	p->show(p->context, t);
}

static struct window seen_part(void *context)
{
	const struct partial *p = context;

	return p->visible ? p->visible(p->context) : (struct window){ 0 };
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

	for (int i = 0; t && runs > 0 && ask->run && s->token_ms > 0 && jobs == s->jobs && analysis_list[i]; i++)
		if (analysis_list[i] == a)
			s->share[i] = (clock_now() - start) / (runs * s->token_ms * ask->run->T);
	return t;
}

/* Whose question it is that a technique asks others. */
struct asking {
	struct session *s;
	const struct session_view *v;
	struct task *task;
	struct notes *notes;
};

static struct job_pane other_pane(const struct analysis *a, const struct value *args)
{
	struct job_pane pane;

	job_pane_init(&pane, a);
	memcpy(pane.args, args, sizeof pane.args);
	return pane;
}

static struct table *other_answer(void *context, const struct analysis *a, const struct value *args, struct err *err)
{
	struct asking *q = context;
	struct job_pane pane = other_pane(a, args);

	return session_view_table(q->s, q->v, &pane, NULL, NULL, q->task, q->notes, err);
}

static struct passes passes_of(struct session *s, const struct session_view *v, const struct job_pane *pane);

static struct passes other_passes(void *context, const struct analysis *a, const struct value *args)
{
	struct asking *q = context;
	struct job_pane pane = other_pane(a, args);

	return passes_of(q->s, q->v, &pane);
}

static struct table *compute(struct session *s, const struct session_view *v, const struct job_pane *pane, const struct table *like,
			     struct partial *partial, struct task *task, struct notes *notes, struct err *err)
{
	struct watch watch = { .show = show_partial, .visible = seen_part, .context = partial };
	struct asking asking = { s, v, task, notes };
	struct others others = { other_answer, other_passes, &asking };
	struct ask ask = { .model = s->model,
			   .run = v->run,
			   .unedited = v->unedited,
			   .foil = v->foil,
			   .metric = &v->metric,
			   .assets = s->assets,
			   .like = like,
			   .task = task,
			   .notes = notes,
			   .watch = partial ? &watch : NULL,
			   .others = &others };
	struct value args[PARAM_MAX];
	struct gradient *gradient = NULL;
	struct table *t;

	if (!analysis_can_answer(pane->analysis, &ask, err) ||
	    ((pane->analysis->needs & NEEDS_GRADIENT) && !(gradient = get_gradient(s, v, task, err))))
		return NULL;
	ask.gradient = gradient;
	if (partial) {
		partial->view = v;
		partial->pane = pane;
	}
	args_of_run(pane, v->metric.position, positions(v), args);
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
	if (value.text && param_is_path(p) && (path = asset_path(value.text, NULL, &version)))
		str_addf(key, " %s#%llx", path, (unsigned long long)version);
}

void session_key_arguments(struct str *key, const struct analysis *a, const struct value args[PARAM_MAX])
{
	for (int k = 0; k < param_count(a->params); k++)
		add_argument(key, &a->params[k], args[k]);
}

static void table_key(struct str *key, const struct session_view *v, const struct job_pane *pane)
{
	struct value args[PARAM_MAX];
	unsigned on;

	args_of_run(pane, v->metric.position, positions(v), args);
	on = analysis_on(pane->analysis, args);
	str_add(key, pane->analysis->name);
	if (on & ON_RUN)
		str_addf(key, " %u %u", v->run_id, v->unedited_id);
	if (on & ON_FOIL)
		str_addf(key, " foil %u", v->foil_id);
	if (on & ON_METRIC)
		str_addf(key, " %s @%d #%llx", v->metric.spec, v->metric.position, (unsigned long long)metric_version(&v->metric));
	session_key_arguments(key, pane->analysis, args);
}

/* The technique's table of a view, found again when it was asked before; `like`: with that one's rows. */
struct table *session_view_table(struct session *s, const struct session_view *v, const struct job_pane *pane,
				 const struct table *like, struct partial *partial, struct task *task, struct notes *notes,
				 struct err *err)
{
	struct str key;
	struct table *t;

	if (like || v->passing)
		return compute(s, v, pane, like, partial, task, notes, err);
	str_init(&key);
	table_key(&key, v, pane);
	t = cache_find_table(s->cache, key.s);
	if (!t && (t = compute(s, v, pane, NULL, partial, task, notes, err)))
		cache_add_table(s->cache, key.s, t);
	str_done(&key);
	return t;
}

static bool is_there(struct session *s, const struct session_view *v, const struct job_pane *pane)
{
	struct table *there;
	struct str key;

	str_init(&key);
	table_key(&key, v, pane);
	there = cache_find_table(s->cache, key.s);
	table_unref(there);
	str_done(&key);
	return there != NULL;
}

/* Without those for the gradient. */
static struct passes passes_of(struct session *s, const struct session_view *v, const struct job_pane *pane)
{
	struct asking asking = { .s = s, .v = v };
	struct others others = { other_answer, other_passes, &asking };
	struct ask ask = {
		.model = s->model, .run = v->run, .unedited = v->unedited, .foil = v->foil, .metric = &v->metric, .others = &others
	};
	struct value args[PARAM_MAX];

	args_of_run(pane, v->metric.position, positions(v), args);
	return !v->passing && is_there(s, v, pane) ? (struct passes){ 0 } : analysis_runs(pane->analysis, &ask, args);
}

struct passes session_view_runs(struct session *s, const struct session_view *v, const struct job_pane *pane)
{
	struct passes n;
	int gradient;

	if (!v->passing && is_there(s, v, pane))
		return (struct passes){ 0 };
	n = passes_of(s, v, pane);
	gradient = n.most >= 0 && (pane->analysis->needs & NEEDS_GRADIENT) && !has_gradient(s, v);
	return (struct passes){ n.most + gradient, n.usual + gradient };
}

double session_view_work(struct session *s, const struct session_view *v, const struct job_pane *pane, int *steps)
{
	struct ask ask = { .model = s->model, .run = v->run, .unedited = v->unedited, .foil = v->foil, .metric = &v->metric };
	struct value args[PARAM_MAX];

	if (is_there(s, v, pane))
		return 0;
	args_of_run(pane, v->metric.position, positions(v), args);
	return analysis_work(pane->analysis, &ask, args, steps);
}
