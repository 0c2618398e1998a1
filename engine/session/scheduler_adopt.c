/* scheduler_adopt.c - see scheduler_parts.h: a newer job takes the place of the one on the scheduler. */
#include "engine/session/scheduler_parts.h"

#include <stdlib.h>
#include <string.h>

static int find_pane(const struct job *job, const struct job_pane *pane)
{
	for (int i = 0; i < job->panes; i++)
		if (job_pane_equal(&job->pane[i], pane))
			return i;
	return -1;
}

bool scheduler_wants(const struct scheduler *d, const struct job *job, struct piece piece, int *pane)
{
	bool unedited = piece.kind == PIECE_BEFORE || piece.kind == PIECE_PLAIN_TEXT;

	if (unedited && !job_edited(job))
		return false;
	if (piece.kind >= PIECE_TEXT) {
		*pane = 0;
		return job_same_ground(&d->job, job, !unedited) && d->job.generate == job->generate;
	}
	*pane = find_pane(job, &d->job.pane[piece.pane]);
	return *pane >= 0 && job_pane_same_ground(&d->job, job, &job->pane[*pane], !unedited);
}

/* The continuations that are there or under way. */
static void keep_texts(struct scheduler *d, const struct job *job)
{
	struct piece text = { PIECE_TEXT, 0 }, plain = { PIECE_PLAIN_TEXT, 0 };
	struct snapshot *s = d->draft;
	int pane;
	bool keep = d->has_job && scheduler_wants(d, job, text, &pane) && (d->has_text || piece_under_way(d, text));
	bool keep_plain = d->has_job && scheduler_wants(d, job, plain, &pane) && (d->has_plain_text || piece_under_way(d, plain));

	if (!keep) {
		snapshot_free_tokens(s->generated, s->generated_tokens);
		s->generated = NULL;
		s->generated_tokens = 0;
	}
	if (!keep_plain) {
		snapshot_free_tokens(s->plain, s->plain_tokens);
		s->plain = NULL;
		s->plain_tokens = 0;
	}
	d->has_text = d->has_text && keep;
	d->has_plain_text = d->has_plain_text && keep_plain;
}

void scheduler_adopt(struct scheduler *d, const struct job *job)
{
	struct snapshot *s = d->draft;
	struct snapshot_pane pane[JOB_PANES] = { 0 };
	bool has_before[JOB_PANES] = { false };
	int at;

	keep_texts(d, job);
	for (int i = 0; i < job->panes; i++) {
		int from = d->has_job ? find_pane(&d->job, &job->pane[i]) : -1;
		bool unchanged = from >= 0 && job_pane_same_ground(&d->job, job, &job->pane[i], true),
		     same = unchanged && d->prepared, alike = i < s->panes && s->pane[i].question.analysis == job->pane[i].analysis;

		from = from >= 0 ? from : alike ? i : -1;
		pane[i].question = job->pane[i];
		if (from < 0) {
			pane[i].stale = true;
			continue;
		}
		pane[i].stale = !same || s->pane[from].stale;
		pane[i].table = table_ref(s->pane[from].table);
		pane[i].older = table_ref(s->pane[from].older);
		pane[i].error = s->pane[from].error ? xstrdup(s->pane[from].error) : NULL;
		pane[i].before = same ? table_ref(s->pane[from].before) : NULL;
		has_before[i] = same && d->has_before[from];
		/*
		 * What was stopped waits to be asked for: a question that changes nothing for it, as a move's, does not begin it
		 * again; nor do letters that come faster than their prompts are prepared.
		 */
		pane[i].stopped = unchanged && s->pane[from].stopped && job->again == d->job.again;
	}
	for (struct level *l = d->top; l; l = l->below) {
		if (l->unwanted || l->piece.kind == PIECE_NONE)
			continue;
		scheduler_assign(l, scheduler_wants(d, job, l->piece, &at) ? at : -1);
	}
	for (int i = 0; i < s->panes; i++) {
		table_unref(s->pane[i].table);
		table_unref(s->pane[i].before);
		table_unref(s->pane[i].older);
		free(s->pane[i].error);
	}
	memcpy(s->pane, pane, sizeof pane);
	memcpy(d->has_before, has_before, sizeof has_before);
	s->panes = job->panes;
}

/* The edits count for it. */
static bool is_of_runs(const struct job_pane *pane)
{
	return pane->over || job_pane_reads_run(pane);
}

void scheduler_forget(struct scheduler *d)
{
	for (int i = 0; i < d->draft->panes; i++)
		if (is_of_runs(&d->job.pane[i])) {
			d->draft->pane[i].stale = true;
			d->has_before[i] = false;
		}
	d->has_text = d->has_plain_text = false;
	for (struct level *l = d->top->below; l; l = l->below)
		if (l->piece.kind >= PIECE_TEXT || is_of_runs(&d->job.pane[l->piece.pane]))
			scheduler_assign(l, -1);
}
