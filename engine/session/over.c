/* over.c - see over.h. */
#include "engine/session/over.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/prompts.h"
#include "engine/base/paths.h"
#include "engine/session/session_parts.h"

struct over_question {
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
	const struct over_question *q = context;
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
	const struct over_question *q = context;

	q->s->show(q->s->show_context, so_far);
}

static bool keeps_parts(const struct session *s)
{
	return s->files.resume || s->files.merges || s->files.shards;
}

static struct table *mean(struct over_question *q, const char *path, struct task *task, struct notes *notes, struct err *err)
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
	struct over_question question = { s, job, i };
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

/* ---- how long it will take ---- */

enum { LOOK = 10000 }; /* a longer file is not read for this: its size says about how many there are */

static void forget(struct last_prompts *l)
{
	free(l->path);
	free(l->first);
	*l = (struct last_prompts){ 0 };
}

static void read_some(struct last_prompts *out, struct prompts *prompts)
{
	struct prompt prompt = { .text = "" };
	double bytes = 0;
	uint64_t last = 0;
	struct err err;
	int n = 0;

	while (n <= LOOK && prompt.text) {
		struct arena *arena = arena_new();

		if (!prompts_next(prompts, arena, &prompt, &err))
			prompt.text = NULL;
		if (prompt.text && !n)
			out->first = xstrdup(prompt.text);
		if (prompt.text) {
			bytes += (double)strlen(prompt.text);
			last = prompt.place;
			n++;
		}
		arena_free(arena);
	}
	out->bytes = n ? bytes / n : 0;
	out->prompts = n > LOOK && last > 0 ? (int)((double)file_size(out->path) / (double)last * (n - 1)) : n;
}

/* Read once, until it is written again. */
static const struct last_prompts *look_at(struct session *s, const struct asset_file *file)
{
	struct err err; /* whoever asks the prompts says what is wrong */
	struct prompts *prompts;

	if (s->last_prompts.path && !strcmp(s->last_prompts.path, file->path) && s->last_prompts.version == file->version)
		return &s->last_prompts;
	forget(&s->last_prompts);
	s->last_prompts = (struct last_prompts){ .path = xstrdup(file->path), .version = file->version };
	if ((prompts = prompts_open(file->path, &err)))
		read_some(&s->last_prompts, prompts);
	prompts_close(prompts);
	return &s->last_prompts;
}

void over_done(struct session *s)
{
	forget(&s->last_prompts);
}

/* Passes through the model for a prompt like that of p; -1: nobody knows. */
static double passes(struct session *s, const struct prepared *p, const struct job_pane *pane)
{
	struct session_view v = prepared_view_edited(p);
	const double share = session_share(s, pane->analysis);
	int runs = 0;

	v.passing = true;
	if (pane->analysis->cost >= COST_RUNS)
		runs = session_view_runs(s, &v, pane).usual;
	return runs < 0 ? -1 : (1 + runs * (share > 0 ? share : 1)) * (pane->shown == SHOWN_RUN ? 1 : 2);
}

/* A prompt of the file in the mean, by this one. */
static double seconds_of(struct session *s, const struct prepared *p, const struct job_pane *pane, const struct last_prompts *file)
{
	const double of_one = passes(s, p, pane) * s->token_ms * p->run->T / 1000;

	return of_one > 0 && *p->job.prompt ? of_one * file->bytes / (double)strlen(p->job.prompt) : 0;
}

/* Where the job's own prompt is asked nothing, the file's first is run to see what one takes. */
static double seconds_by_first(struct session *s, const struct job_pane *pane, const struct last_prompts *file)
{
	struct prepared p = { 0 };
	struct job job;
	double seconds = 0;
	struct err err;

	job_copy(&job, &s->now.job);
	job_set(&job.prompt, file->first);
	if (session_prepare_passing(s, &job, &p, NULL, NULL, &err))
		seconds = seconds_of(s, &p, pane, file);
	prepared_done(&p);
	job_done(&job);
	return seconds;
}

/* Of those that are to be asked: of a shard, its own. */
static int own_prompts(const struct session *s, int all)
{
	const int shards = s->files.shards > 1 ? s->files.shards : 1;

	return (all + shards - 1) / shards;
}

struct forecast over_forecast(struct session *s, const struct job_pane *pane)
{
	struct forecast f = { .measured = pane->analysis->cost < COST_RUNS || session_share(s, pane->analysis) > 0 };
	const struct last_prompts *file;
	struct asset_file where;
	struct table *there;
	struct str key;

	str_init(&key);
	asset_find(pane->over, NULL, &where);
	write_key(&key, &s->now.job, pane, &where);
	there = keeps_parts(s) ? NULL : cache_find_table(s->cache, key.s);
	if (!there && !s->files.merges && (file = look_at(s, &where))->first) {
		f.prompts = own_prompts(s, file->prompts);
		f.seconds = f.prompts * (s->now.run ? seconds_of(s, &s->now, pane, file) : seconds_by_first(s, pane, file));
	}
	table_unref(there);
	str_done(&key);
	return f;
}

void session_files(struct session *s, const struct dataset_files *files)
{
	s->files = *files;
}
