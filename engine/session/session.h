/*
 * session.h - answers jobs: keeps the model, the last runs and tables, and does only what a new question changes.
 *
 * Not thread-safe: one thread (the worker's, or the command line's) owns a session. But an answer may be interrupted: from within
 * task->called, the session may be prepared for another job on the same model and answer that, and then the first answer resumes.
 */
#ifndef LMSCOPE_ENGINE_SESSION_SESSION_H
#define LMSCOPE_ENGINE_SESSION_SESSION_H

#include <stdbool.h>

#include "engine/analysis/table.h"
#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/base/task.h"
#include "engine/model/model.h"
#include "engine/session/dataset.h"
#include "engine/session/forecast.h"
#include "engine/session/job.h"

struct session;

struct session *session_new(void);
void session_free(struct session *s);

/*
 * Prepares a job: opens the model when it is another one, tokenises, runs what is new (unedited, edited, foil), resolves the
 * metric. After it, session_answer and the getters below speak of this job. On error the previous job stays prepared.
 */
bool session_prepare(struct session *s, const struct job *job, struct task *task, struct notes *notes, struct err *err);
/*
 * For a job whose panes are all over files of prompts: opens the model, and asks the job's own prompt nothing. Of the getters below
 * only the model is there.
 */
bool session_open(struct session *s, const struct job *job, struct task *task, struct notes *notes, struct err *err);
/* What was at fault in the last job that could not be prepared. */
struct job_fault session_fault(const struct session *s);

/* The table of pane i of the prepared job; counted (the caller unrefs). NULL on error. Cached: the same question again is free. */
struct table *session_answer(struct session *s, int i, struct task *task, struct notes *notes, struct err *err);

/* Where the parts of means are kept from here on; borrowed. */
void session_files(struct session *s, const struct dataset_files *files);
/* What an answer of the prepared job would take. */
struct forecast session_forecast(struct session *s, const struct job_pane *pane);

/*
 * While session_answer works: `show` gets what a slow table has so far, as a table of its own that it is to unref; `visible` (or
 * NULL) says what of it is on the screen, to be computed first. show NULL: nobody watches. While a job is prepared, `running` (or
 * NULL) gets the name of each prompt whose run begins: "prompt", "foil", "edited prompt".
 */
typedef void session_partial(void *context, struct table *so_far);
typedef struct window session_visible(void *context);
typedef void session_running(void *context, const char *which);
void session_watch(struct session *s, session_partial *show, session_visible *visible, session_running *running, void *context);

/* The same without the edits, for "was": NULL without an error when there are none, or when the pane is a difference. */
struct table *session_before(struct session *s, int i, struct task *task, struct notes *notes, struct err *err);

/* Of the prepared job; borrowed until the next prepare. */
const struct model *session_model(const struct session *s);
const struct run *session_run(const struct session *s); /* edited */
const struct run *session_unedited(const struct session *s);
const struct run *session_foil(const struct session *s); /* NULL: no foil */
const struct metric *session_metric(const struct session *s);
bool session_metric_values(struct session *s, double *edited, double *unedited, struct task *task, struct err *err);

/*
 * Greedy continuation of the prepared job's prompt, under its edits or without them: calls `token` for each; it returns false to
 * stop. Stops at the end-of-sequence token.
 */
typedef bool session_token(void *context, int32_t id, double probability);
bool session_generate(struct session *s, bool edited, int n, session_token *token, void *context, struct task *task,
		      struct err *err);

/* The likeliest of the first `known` tokens after a run's last one; *probability (may be NULL) is among all that the model has. */
int32_t session_predict(const struct run *r, int known, double *probability);

#endif
