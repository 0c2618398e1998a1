/*
 * worker.h - the mailbox between the screen and the engine (a pthread door): a job in, progress and finished snapshots out.
 *
 * One background thread owns a session. The newest job wins: asking again stops what is running within a layer. Whatever is in
 * a snapshot is finished and never changes; the screen holds it until its next look. Tables come one by one as they are
 * done, so that a slow pane does not hold up the others.
 */
#ifndef LMSCOPE_ENGINE_WORKER_H
#define LMSCOPE_ENGINE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/analysis/table.h"
#include "engine/job.h"
#include "engine/model/model.h"

enum work_state { WORK_IDLE, WORK_LOADING, WORK_RUNNING, WORK_ANSWERING, WORK_GENERATING };

/* A token as the screen needs it. */
struct snapshot_token {
	int32_t id;
	char *text;		/* raw bytes, NUL-terminated */
	char *show;		/* safe, readable */
	bool special;
};

struct snapshot {
	unsigned serial;	/* of the job that this answers (worker_ask returns it) */
	enum work_state state;
	int done, total;	/* progress of what is being done */
	char what[96];		/* "loading demo", "logit-lens" */
	double milliseconds;	/* from asking to the last finished piece */

	bool has_model;
	struct model_facts model;
	struct snapshot_token *token;	/* [tokens] of the prompt */
	int tokens;
	struct snapshot_token *foil;	/* [foil_tokens] */
	int foil_tokens;
	char metric_spec[256];
	bool has_metric;
	double metric, metric_unedited;
	const char *metric_unit;
	int next_id;			/* what the edited run predicts, and what the unedited one does */
	char *next_show, *next_show_unedited;
	double next_probability, next_probability_unedited;

	struct snapshot_pane {
		struct job_pane question;	/* which this answers */
		struct table *table;		/* NULL: not yet, or an error */
		struct table *before;		/* the same without the edits; NULL: there are none, or not yet */
		char *error;			/* NULL: none */
		bool stale;			/* from an earlier question: its answer is on the way */
	} pane[JOB_PANES];
	int panes;

	struct snapshot_token *generated;	/* [generated_tokens] so far */
	int generated_tokens;
	bool generating;

	char *error;		/* of the job as a whole; NULL: none. The rest then still answers the job before. */
	enum err_kind error_kind;
	int notes;
	char **note;		/* [notes] sentences */
};

struct worker;

struct worker *worker_new(struct err *err);	/* NULL: the thread could not be started */
void worker_free(struct worker *w);	/* cancels and joins */

/* Copies the job; returns its serial. */
unsigned worker_ask(struct worker *w, const struct job *job);
void worker_cancel(struct worker *w);
/* Readable when there is news: one byte per burst; worker_look drains it. */
int worker_fd(const struct worker *w);
/* The newest snapshot, valid until the next look. Never NULL. */
const struct snapshot *worker_look(struct worker *w);

#endif
