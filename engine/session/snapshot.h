/*
 * snapshot.h - what the worker has to show: the answers so far, whole and finished. See worker.h.
 */
#ifndef LMSCOPE_ENGINE_SESSION_SNAPSHOT_H
#define LMSCOPE_ENGINE_SESSION_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/analysis/table.h"
#include "engine/model/model.h"
#include "engine/session/forecast.h"
#include "engine/session/job.h"

enum work_state { WORK_IDLE, WORK_LOADING, WORK_RUNNING, WORK_ANSWERING, WORK_GENERATING };

/* A token as the screen needs it. */
struct snapshot_token {
	int32_t id;
	char *text; /* [bytes] raw, NUL-terminated; it may hold NULs */
	size_t bytes;
	char *show; /* safe, readable */
	bool special;
	double probability; /* that the model gave it, of a generated one */
};

/* The likeliest next token. */
struct snapshot_guess {
	int32_t id;
	char *show; /* NULL: there is no such run */
	double probability;
};

struct snapshot {
	unsigned serial; /* of the job that this answers (worker_ask returns it) */
	enum work_state state;
	int done, total;     /* progress of what is being done */
	double left;	     /* seconds that it will take; 0: not known */
	int queued;	     /* how many answers wait for their turn */
	int answering;	     /* the pane that it is done for; -1: none */
	char what[96];	     /* "loading demo", "logit-lens" */
	double milliseconds; /* from asking to the last finished piece */

	bool unprepared; /* its runs are not there yet: tokens, metric and predictions are those of the job before */
	bool has_model;
	struct model_facts model;
	struct config config;	      /* its sizes, to check edits against: lists that lie in the model's memory are left out */
	struct snapshot_token *token; /* [tokens] of the prompt */
	int tokens;
	struct snapshot_token *foil; /* [foil_tokens] */
	int foil_tokens;
	char metric_spec[256];
	bool has_metric;
	double metric, metric_unedited;
	const char *metric_unit;
	int metric_position;				      /* where it is taken; -1: of no single position */
	struct snapshot_guess next, next_unedited, next_foil; /* what each run predicts */

	struct snapshot_pane {
		struct job_pane question; /* which this answers */
		struct table *table;	  /* NULL: not yet, or an error */
		struct table *before;	  /* the same without the edits; NULL: there are none, or not yet */
		/* while the table is unfinished: the last whole one of the pane; NULL: there was none */
		struct table *older;
		char *error;		  /* NULL: none */
		bool stale;		  /* from an earlier question: its answer is on the way */
		int done, total;	  /* how far it is; total 0: nothing to tell */
		double left;		  /* seconds; 0: not known */
		bool stopped;		  /* by the screen, before there was an answer */
		struct forecast forecast; /* what it would take */
	} pane[JOB_PANES];
	int panes;
	struct forecast forecast[ANALYSIS_COUNT]; /* of each technique at its defaults, as analysis_list has them */

	struct snapshot_token *generated; /* [generated_tokens] so far */
	int generated_tokens;
	struct snapshot_token *plain; /* [plain_tokens] the same without the edits, when there are any */
	int plain_tokens;
	bool generating;

	char *error; /* of the job as a whole; NULL: none. The rest then still answers the previous job. */
	enum err_kind error_kind;
	struct job_fault fault; /* what of the job it is about */
	int notes;
	char **note; /* [notes] sentences */
};

/* A copy that shares nothing but the tables, which are counted and never change. */
struct snapshot *snapshot_copy(const struct snapshot *from);
void snapshot_free(struct snapshot *s); /* NULL is fine */

struct tokenizer;
struct run;
struct session;

/* What a prepared session is asked: model, tokens of prompt and foil, metric (without its values). */
void snapshot_describe(struct snapshot *s, const struct session *session);

void snapshot_free_tokens(struct snapshot_token *t, int n);
struct snapshot_token snapshot_make_token(const struct tokenizer *t, int32_t id);
void snapshot_free_notes(struct snapshot *s);
void snapshot_free_guesses(struct snapshot *s);

#endif
