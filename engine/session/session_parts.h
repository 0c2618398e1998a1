/*
 * session_parts.h - what the files of the session share: session.c prepares a job, session_runs.c makes its runs, session_table.c
 * one technique's table of one run, session_forecast.c how long such tables take, session_answer.c differences of them, over.c
 * means over files of prompts, session_generate.c a continuation.
 */
#ifndef LMSCOPE_ENGINE_SESSION_SESSION_PARTS_H
#define LMSCOPE_ENGINE_SESSION_SESSION_PARTS_H

#include "engine/session/cache.h"
#include "engine/session/session.h"
#include "engine/session/witness.h"

/* What a file of prompts has in it, as far as it was read for saying how long it takes. */
struct last_prompts {
	char *path;
	uint64_t version;
	int prompts;  /* of a long file about as many */
	double bytes; /* of a prompt, in the mean */
	char *first;
};

/* Everything that a prepared job needs. */
struct prepared {
	struct job job;
	struct run *run, *unedited, *foil; /* counted */
	unsigned run_id, unedited_id, foil_id;
	struct metric metric;
	bool passing; /* one prompt of many: neither its runs nor its tables are kept for later */
};

struct session {
	session_partial *show; /* NULL: nobody waits for less than a whole table */
	session_visible *visible;
	session_running *running; /* NULL: nobody asks */
	void *show_context;
	struct model *model;
	char *where; /* as the job named it; NULL: demo */
	struct cache *cache;
	struct assets *assets;		  /* files that techniques, edits and metrics read */
	struct last_prompts last_prompts; /* the file of prompts that was looked at last */
	struct dataset_files files;	  /* where the parts of means are kept */
	bool ready;
	struct prepared now;
	struct job_fault fault;	      /* while a job is prepared: whose turn it is */
	struct gradient *gradient[2]; /* the latest first: of the edited and of the unedited run, most often; counted; or NULL */
	double token_ms;	      /* what a pass took, by the token; 0: none was measured */
	double multiplication_ms;     /* what one takes, in a large product; 0: not measured */
	double share[ANALYSIS_COUNT]; /* of a pass's time that one of a technique's own passes took; 0: not measured */
	unsigned jobs;		      /* how many were prepared */
};

void prepared_done(struct prepared *p);
/* What an answer needs stays while it is made, even if the session is prepared for another job meanwhile (see session.h). */
struct prepared session_hold(const struct session *s);
/* Prepares another job, on the model that is open, beside the one that is prepared; prepared_done() in either case. */
bool session_prepare_passing(struct session *s, const struct job *job, struct prepared *p, struct task *task, struct notes *notes,
			     struct err *err);
bool prepared_metric_values(const struct prepared *p, double *edited, double *unedited, struct task *task, struct err *err);

/* ---- session_runs.c ---- */

/* What a run is to be of. */
struct wanted {
	int32_t *tokens;
	size_t n;
	const struct job *job; /* its edits; NULL: none */
	const struct run *unedited, *foil;
	bool passing;	  /* it will not be asked for again */
	const char *name; /* "prompt", "foil", for who waits for it */
};

/* Counted, from the cache or made now; *id is its number there. */
struct run *session_get_run(struct session *s, const struct wanted *w, unsigned *id, struct task *task, struct err *err);
/* Whether a run fits, for which those that are kept for later may have to give way, but none that `w` (or NULL) continues. */
bool session_has_room(struct session *s, const struct wanted *w, int T, enum run_stores keeps, struct err *err);
/* The lines of the edits that are on, into line[job->edits]; their number. `job` NULL: none. */
int session_edit_lines(const struct job *job, const char **line);
/* Adds the edits that are on, with the versions of their files. */
void session_key_edits(struct str *key, const struct job *job);

/* ---- session_table.c ---- */

/* Which of the runs a technique looks at, with their numbers. */
struct session_view {
	const struct run *run, *unedited, *foil;
	unsigned run_id, unedited_id, foil_id;
	struct metric metric;
	const struct job *job;
	enum witness_side side;
	bool passing; /* its table will not be asked for again */
};

/* Who waits for a table while it is made, and what is taken off it before it is shown. */
struct partial {
	session_partial *show;
	session_visible *visible;
	void *context;
	const char *analysis;
	const struct table *subtract;	 /* NULL: nothing */
	const char *what;		 /* the difference is called */
	const struct session_view *view; /* that it is of */
	const struct job_pane *pane;
};

/*
 * The technique's table of a view, counted, found again when it was asked before. `like` (or NULL): with that one's rows, and never
 * from the cache. `partial` NULL: nobody waits for less than a whole table.
 */
struct table *session_view_table(struct session *s, const struct session_view *v, const struct job_pane *pane,
				 const struct table *like, struct partial *partial, struct task *task, struct notes *notes,
				 struct err *err);
/* How many passes through the model that would take; 0: it is there already; -1: it cannot be answered. */
struct passes session_view_runs(struct session *s, const struct session_view *v, const struct job_pane *pane);
/* Adds the arguments, with the versions of their files. */
void session_key_arguments(struct str *key, const struct analysis *a, const struct value args[PARAM_MAX]);

/* The work of a training whose table is not there yet, in multiplications, and its steps; 0: it is none, or is there. */
double session_view_work(struct session *s, const struct session_view *v, const struct job_pane *pane, int *steps);

/* ---- session_forecast.c ---- */

/* Of a pass's time: what one of the technique's own passes takes; 0: not measured. */
double session_share(const struct session *s, const struct analysis *a);

/* ---- session_answer.c ---- */

struct session_view prepared_view_edited(const struct prepared *p);
struct session_view prepared_view_unedited(const struct prepared *p);
struct session_view prepared_view_foil(const struct prepared *p);

/* What a pane shows of a prepared job, its file of prompts aside; counted. `like` as above. */
struct table *session_answer_of(struct session *s, const struct prepared *p, const struct job_pane *pane, const struct table *like,
				struct task *task, struct notes *notes, struct err *err);

#endif
