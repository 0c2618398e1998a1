/* over.c - see over.h. */
#include "engine/session/over.h"

#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "engine/session/session_parts.h"

struct question {
	struct session *s;
	const struct job *job;
	int pane;
};

static void add_quoted(struct str *out, const char *text)
{
	str_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			str_add_char(out, '\\');
		str_add_char(out, *text);
	}
	str_add_char(out, '"');
}

/* The job becomes the question about a prompt: its text; its foil and the logit of its answer, where it has them. */
static bool pose(struct job *job, const struct prompt *p, struct err *err)
{
	struct str spec;
	bool ok;

	job_set(&job->prompt, p->text);
	if (p->foil)
		job_set(&job->foil, p->foil);
	if (job->metric || !p->answer)
		return true;
	str_init(&spec);
	str_add(&spec, p->wrong ? "logit_diff " : "logit ");
	add_quoted(&spec, p->answer);
	if (p->wrong) {
		str_add_char(&spec, ' ');
		add_quoted(&spec, p->wrong);
	}
	ok = metric_check(spec.s, NULL, 0, err);
	if (ok)
		job_set(&job->metric, spec.s);
	str_done(&spec);
	return ok;
}

static struct table *ask_prompt(void *context, const struct prompt *prompt, const struct table *like, struct part *part,
				struct task *task, struct notes *notes, struct err *err)
{
	const struct question *q = context;
	struct job_pane pane = q->job->pane[q->pane];
	struct prepared p = { 0 };
	struct table *t = NULL;
	struct job job;

	job_copy(&job, q->job);
	pane.over = NULL;
	if (pose(&job, prompt, err) && session_prepare_passing(q->s, &job, &p, task, notes, err) &&
	    prepared_metric_values(&p, &part->metric, &part->unedited, task, err))
		t = session_answer_of(q->s, &p, &pane, like, task, notes, err);
	prepared_done(&p);
	job_done(&job);
	return t;
}

static void show_mean(void *context, struct table *so_far)
{
	const struct question *q = context;

	q->s->show(q->s->show_context, so_far);
}

static bool keeps_parts(const struct session *s)
{
	return s->files.resume || s->files.merges || s->files.shards;
}

static struct table *mean(struct question *q, const char *path, struct task *task, struct notes *notes, struct err *err)
{
	const struct model *m = q->s->model;
	struct arena *scratch = arena_new();
	struct dataset d = { .path = path,
			     .files = &q->s->files,
			     .ask = ask_prompt,
			     .show = q->s->show ? show_mean : NULL,
			     .metric = q->job->metric,
			     .context = q };
	struct table *t;

	if (keeps_parts(q->s)) /* reading all of an unembedding is not free */
		d.model = arena_printf(scratch, "%d layers of %d channels, unembedding %016llx", m->config.L, m->config.D,
				       (unsigned long long)model_unembedding_hash(m));
	t = dataset_mean(&d, task, notes, err);
	arena_free(scratch);
	return t;
}

/* Everything that the mean depends on but the model. */
static void write_key(struct str *key, const struct job *job, const struct job_pane *pane, const struct asset_file *file)
{
	str_addf(key, "over %s#%llx %s %d %d ", file->path, (unsigned long long)file->version, pane->analysis->name,
		 (int)pane->shown, (int)job->bos);
	for (int k = 0; k < param_count(pane->analysis->params); k++)
		str_add_char(key, pane->given[k] ? '!' : '.');
	session_key_arguments(key, pane->analysis, pane->args);
	str_addf(key, "|%s|%s", job->foil ? job->foil : "", job->metric ? job->metric : "");
	session_key_edits(key, job);
}

struct table *over_answer(struct session *s, const struct job *job, int i, struct task *task, struct notes *notes, struct err *err)
{
	struct question question = { s, job, i };
	struct asset_file file;
	struct table *t;
	struct str key;

	str_init(&key);
	asset_find(job->pane[i].over, NULL, &file);
	write_key(&key, job, &job->pane[i], &file);
	t = keeps_parts(s) ? NULL : cache_find_table(s->cache, key.s);
	if (!t && (t = mean(&question, file.path, task, notes, err)))
		cache_add_table(s->cache, key.s, t);
	str_done(&key);
	return t;
}

void session_files(struct session *s, const struct dataset_files *files)
{
	s->files = *files;
}
