/*
 * stream.c - a run that keeps its stream alone, since all of it would not fit into memory: what it keeps has the same bits,
 * techniques that are content with it give the same tables, all others are refused, and a continuation is the same.
 */
#include <dirent.h>
#include <stdlib.h>

#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/run.h"
#include "engine/session/session.h"
#include "tests/tap.h"
#include "tests/unit_file.h"

#define FOLDER "tests/fixtures/families"
enum { T = 19, SHARED = 9, MORE = 5 };

/* ---- runs ---- */

static struct run *make(const struct run_order *order, enum run_stores keeps)
{
	struct run_order o = *order;
	struct err err = { 0 };
	struct run *r;

	o.keeps = keeps;
	r = run_new(&o, NULL, &err);
	if (!r) {
		printf("Bail out! %s: %s\n", o.model->name, err.text);
		exit(1);
	}
	return r;
}

/* The first site of a run of the stream that differs from the whole run's; NULL: none does. */
static const char *difference(const struct run *stream, const struct run *whole)
{
	const struct config *c = &whole->model->config;

	for (int l = 0; l < c->L; l++)
		for (int site = 0; site < SITE_COUNT; site++)
			if (site_table[site].stored && site != SITE_PATTERN && run_has(stream, (enum site)site) &&
			    memcmp(run_at(stream, (enum site)site, l, 0), run_at(whole, (enum site)site, l, 0),
				   (size_t)whole->T * run_width(c, (enum site)site) * sizeof(float)))
				return site_table[site].name;
	return memcmp(stream->last_logits, whole->last_logits, (size_t)c->V * sizeof(float)) ? "logits" : NULL;
}

static void check_pair(const struct run_order *order, const struct run *from, const char *what)
{
	struct run *whole = make(order, RUN_ALL), *stream;
	struct run_order o = *order;
	const char *site;

	if (from && o.prefix)
		o.prefix = from;
	if (from && o.unedited)
		o.unedited = from;
	stream = make(&o, RUN_STREAM);
	site = difference(stream, whole);
	CHECK_THAT(!site, "%s: %s%s%s", order->model->name, what, site ? ": differs first in " : "", site ? site : "");
	run_unref(whole);
	run_unref(stream);
}

/* Lines about what a layer does not have are others in its place. */
static const char *line_for(const struct model *m, const char *line)
{
	static const struct {
		const char *line, *other;
		int layer;
	} without_attention[] = { { "pattern 0.0 @7<4 zero", "conv_gate 0.0 @7 zero", 0 },
				  { "v 1 @3 zero", "conv_in 1 @3 zero", 1 } };

	if (config_mixes(&m->config, 0) && !strncmp(line, "neuron", 6))
		return "expert 0.0 @3.. zero";
	for (size_t i = 0; i < sizeof without_attention / sizeof *without_attention; i++)
		if (!strcmp(line, without_attention[i].line) &&
		    config_mixer(&m->config, without_attention[i].layer) != MIXER_ATTENTION)
			return without_attention[i].other;
	return line;
}

static void check_runs(const struct model *m)
{
	static const char *const edits[] = {
		"head 1.0 zero",	 "head 0.1 @3 scale 2", "attn_out 0 zero", "resid_post 0 @5.. scale 0.5", "neuron 0.2 zero",
		"pattern 0.0 @7<4 zero", "v 1 @3 zero",		"mlp_out 0 mean",  "resid_pre 1 freeze"
	};
	int32_t tokens[T];
	struct run_order order = { .model = m, .tokens = tokens, .T = T }, begun = order, edited = order;
	struct run *beginning, *stream, *whole;
	struct err err;

	for (int t = 0; t < T; t++)
		tokens[t] = (11 + 7 * t) % m->config.V;
	begun.T = SHARED;
	beginning = make(&begun, RUN_ALL);
	stream = make(&begun, RUN_STREAM);
	CHECK_THAT(run_has(stream, SITE_RESID_MID) && run_has(stream, SITE_V) && !run_has(stream, SITE_Q) &&
			   !run_has(stream, SITE_PATTERN) && !run_has(stream, SITE_MLP_POST) && run_has(beginning, SITE_Q) &&
			   run_has(beginning, SITE_PATTERN),
		   "%s: what each keeps", m->name);
	check_pair(&order, NULL, "the stream");
	order.prefix = beginning;
	check_pair(&order, NULL, "grown from a whole run");
	check_pair(&order, stream, "grown from a run of the stream");
	order.prefix = stream;
	check_pair(&order, NULL, "a whole run does not continue a run of the stream");
	run_unref(beginning);
	run_unref(stream);
	order.prefix = NULL;
	whole = make(&order, RUN_ALL);
	stream = make(&order, RUN_STREAM);
	edited.edit_count = 1;
	edited.unedited = whole;
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		const char *line = line_for(m, edits[i]);

		edited.edits = &line;
		check_pair(&edited, stream, line);
	}
	edited.unedited = stream;
	edited.edits = (const char *const[]){ "head 1.0 mean" };
	CHECK_THAT(!run_new(&edited, NULL, &err) && err.kind == ERR_MEMORY && strstr(err.text, "does not keep"),
		   "%s: an edit that reads what is not kept: %s", m->name, err.text);
	run_unref(whole);
	run_unref(stream);
}

/* ---- sessions ---- */

static bool add_id(void *context, int32_t id, double probability)
{
	(void)probability;
	int32_t *ids = context;

	ids[++ids[0]] = id;
	return true;
}

static bool same_table(const struct table *a, const struct table *b)
{
	bool same = a && b && a->rows.n == b->rows.n && a->cols.n == b->cols.n;

	for (size_t i = 0; same && i < (size_t)a->rows.n * (size_t)a->cols.n; i++)
		same = !memcmp(&a->value[i], &b->value[i], sizeof a->value[i]);
	return same;
}

static void prepare(struct session *s, const struct job *job, struct notes *notes)
{
	struct err err = { 0 };

	if (!CHECK_THAT(session_prepare(s, job, NULL, notes, &err), "%s: \"%s\" is prepared %s", job->model, job->prompt, err.text))
		exit(1);
}

/* Memory for the stream of a little more than so many tokens, and for no more. */
static void shorten_memory(const struct model *m, int tokens)
{
	char bytes[40];

	snprintf(bytes, sizeof bytes, "%zu", 2 * run_bytes(&m->config, tokens + MORE, RUN_STREAM));
	setenv("LMSCOPE_MEMORY", bytes, 1);
}

/* Asked for again, with the memory that it takes no longer free, it is the same run. */
static void check_stays(struct session *s, const struct job *job)
{
	char *limit = strdup(getenv("LMSCOPE_MEMORY"));
	const struct run *run = session_run(s);

	setenv("LMSCOPE_MEMORY", "1000", 1);
	prepare(s, job, NULL);
	CHECK_THAT(session_run(s) == run, "%s: a run whose stream is kept is not made again", job->model);
	setenv("LMSCOPE_MEMORY", limit, 1);
	free(limit);
}

static void check_session(const char *folder)
{
	struct session *whole = session_new(), *stream = session_new();
	struct notes none = { 0 }, some = { 0 };
	int32_t ids[2][MORE + 1] = { { 0 } };
	struct err err = { 0 };
	struct job job;

	job_init(&job);
	job_set(&job.model, folder);
	job_set(&job.metric, "logit #5");
	job.panes = 1;
	job_pane_init(&job.pane[0], analysis_list[0]);
	job_set(&job.prompt, "Once");
	prepare(stream, &job, &some);
	job_set(&job.prompt, "Once upon a time there was a cat. One day the cat sat on a mat.");
	prepare(whole, &job, &none);
	shorten_memory(session_model(stream), session_run(whole)->T);
	prepare(stream, &job, &some);
	CHECK_THAT(session_run(whole)->keeps == RUN_ALL && session_run(stream)->keeps == RUN_STREAM && none.n == 0 && some.n == 1 &&
			   strstr(some.line[0], "its stream alone is kept"),
		   "%s: it says so: %s", folder, some.n ? some.line[0] : "");
	check_stays(stream, &job);
	for (int i = 0; analysis_list[i]; i++) {
		const struct analysis *a = analysis_list[i];
		struct table *t, *u;

		if ((a->needs & NEEDS_FOIL) || ((a->needs & NEEDS_EXPERTS) && !session_model(whole)->config.experts.X))
			continue;
		job_pane_init(&job.pane[0], a);
		unit_file_arguments(&job, &session_model(whole)->config, "");
		prepare(whole, &job, NULL);
		prepare(stream, &job, NULL);
		t = session_answer(stream, 0, NULL, NULL, &err);
		if (a->needs & READS_STREAM) {
			u = session_answer(whole, 0, NULL, NULL, &err);
			CHECK_THAT(same_table(t, u), "%s: %s is the same %s", folder, a->name, err.text);
			table_unref(u);
		} else {
			CHECK_THAT(!t && err.kind == ERR_MEMORY && strstr(err.text, a->name) && strstr(err.text, "logit-lens"),
				   "%s: %s is refused: %s", folder, a->name, err.text);
		}
		table_unref(t);
	}
	CHECK_THAT(session_generate(stream, false, MORE, add_id, ids[0], NULL, &err), "%s: it continues %s", folder, err.text);
	unsetenv("LMSCOPE_MEMORY");
	CHECK_THAT(session_generate(whole, false, MORE, add_id, ids[1], NULL, &err) && !memcmp(ids[0], ids[1], sizeof ids[0]) &&
			   ids[0][0] > 0,
		   "%s: as it does with all of the run %s", folder, err.text);
	session_free(whole);
	session_free(stream);
	notes_done(&none);
	notes_done(&some);
	job_done(&job);
}

int main(void)
{
	struct dirent **entry;
	int n = scandir(FOLDER, &entry, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		struct err err = { 0 };
		char path[600];
		struct model *m;

		snprintf(path, sizeof path, FOLDER "/%s", entry[i]->d_name);
		if (entry[i]->d_name[0] != '.' && entry[i]->d_type == DT_DIR &&
		    CHECK_THAT((m = model_open_for_ids(path, NULL, NULL, &err)), "%s %s", path, err.text)) {
			check_runs(m);
			model_free(m);
		}
		free(entry[i]);
	}
	free(entry);
	CHECK_THAT(n > 10, "models are there");
	check_session("demo");
	check_session("tests/fixtures/tiny/mistral-window");
	scratch_done();
	return tap_done();
}
