/* session_answer.c - a pane's answer: a table of the edited run or of the foil's, or what differs between two. */
#include "engine/session/over.h"
#include "engine/session/session_parts.h"

struct session_view prepared_view_edited(const struct prepared *p)
{
	return (struct session_view){ p->run,	  p->unedited, p->foil, p->run_id,	p->unedited_id,
				      p->foil_id, p->metric,   &p->job, WITNESS_EDITED, p->passing };
}

struct session_view prepared_view_unedited(const struct prepared *p)
{
	return (struct session_view){ p->unedited, p->unedited, p->foil, p->unedited_id,   p->unedited_id,
				      p->foil_id,  p->metric,	&p->job, WITNESS_UNEDITED, p->passing };
}

/* Each is the other's foil. The metric: the same targets, at the foil's own last position when it is the last of the prompt. */
struct session_view prepared_view_foil(const struct prepared *p)
{
	struct session_view v = { p->foil,	  p->foil,   p->unedited, p->foil_id,	p->foil_id,
				  p->unedited_id, p->metric, &p->job,	  WITNESS_FOIL, p->passing };

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

/* Rows that are the run's strongest parts, by their places. */
static bool chooses_parts(const struct table *t)
{
	return t->parent || (t->rows.place && t->rows.dim == DIM_RANK);
}

/* Which rows there are depends on what the run holds: its likeliest tokens, its strongest neurons. */
static bool chooses_rows(const struct table *t)
{
	return chooses_parts(t) || (t->id && t->rows.dim == DIM_RANK);
}

struct table *session_answer_of(struct session *s, const struct prepared *p, const struct job_pane *pane, const struct table *like,
				struct task *task, struct notes *notes, struct err *err)
{
	struct partial partial = { .show = s->show,
				   .visible = s->visible,
				   .context = s->show_context,
				   .analysis = pane->analysis->name },
		       *watched = s->show && !p->passing ? &partial : NULL;
	struct session_view here = prepared_view_edited(p), there = prepared_view_unedited(p);
	struct table *a, *b, *t = NULL;

	if ((pane->shown == SHOWN_MINUS_FOIL || pane->shown == SHOWN_FOIL) && !p->foil) {
		err_set(err, ERR_ARGUMENT, "%s was asked for, and no foil is set",
			pane->shown == SHOWN_FOIL ? "the foil" : "the difference to the foil");
		return NULL;
	}
	if (pane->shown == SHOWN_MINUS_FOIL || pane->shown == SHOWN_FOIL)
		there = prepared_view_foil(p);
	if (pane->shown == SHOWN_RUN)
		return session_view_table(s, &here, pane, like, watched, task, notes, err);
	if (pane->shown == SHOWN_FOIL)
		return named_foil(session_view_table(s, &there, pane, like, watched, task, notes, err), err);
	if (!(b = session_view_table(s, &there, pane, like, NULL, task, notes, err)))
		return NULL;
	partial.subtract = b;
	partial.what = shown_words[pane->shown].title;
	a = session_view_table(s, &here, pane, like, watched, task, notes, err);
	if (a && chooses_rows(a)) { /* of the other run, too, the tokens that this one ranks, the neurons that it lists */
		table_unref(b);
		b = session_view_table(s, &there, pane, a, NULL, task, notes, err);
	}
	if (a && b)
		witness_copied(t = table_minus(a, b, partial.what, err), a, b);
	table_unref(a);
	table_unref(b);
	return t;
}

struct table *session_answer(struct session *s, int i, struct task *task, struct notes *notes, struct err *err)
{
	struct prepared held = session_hold(s);
	struct table *t = held.job.pane[i].over ? over_answer(s, &held.job, i, task, notes, err)
						: session_answer_of(s, &held, &held.job.pane[i], NULL, task, notes, err);

	prepared_done(&held);
	return t;
}

void session_watch(struct session *s, session_partial *show, session_visible *visible, session_running *running, void *context)
{
	s->show = show;
	s->visible = visible;
	s->running = running;
	s->show_context = context;
}

struct table *session_before(struct session *s, int i, struct task *task, struct notes *notes, struct err *err)
{
	struct prepared held;
	struct session_view here, there;
	const struct job_pane *pane = &s->now.job.pane[i];
	struct table *t, *now;

	if (s->now.run == s->now.unedited || pane->shown != SHOWN_RUN || pane->over || !job_pane_reads_run(pane))
		return NULL;
	held = session_hold(s);
	here = prepared_view_edited(&held);
	there = prepared_view_unedited(&held);
	t = session_view_table(s, &there, &held.job.pane[i], NULL, NULL, task, notes, err);
	if (t && chooses_parts(t) && (now = session_view_table(s, &here, &held.job.pane[i], NULL, NULL, task, notes, err))) {
		table_unref(t); /* the neurons that are listed now, as they were */
		t = session_view_table(s, &there, &held.job.pane[i], now, NULL, task, notes, err);
		table_unref(now);
	}
	prepared_done(&held);
	return t;
}
