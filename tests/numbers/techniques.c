/*
 * techniques.c - what each technique's numbers mean, worked out here a second time in the plainest way: whole rows of logits, one
 * run per ablation, sums written as the papers write them.
 */
#include <dirent.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/run/run.h"
#include "engine/session.h"
#include "tests/tap.h"

#define FOLDER "tests/fixtures/tiny"

static struct session *session;
static struct job job;
static const char *model_name;

/* The table of one technique, asked with "key=value" words; the caller unrefs. */
static struct table *answer(const char *analysis, const char *const *words)
{
	struct err err = { 0 };
	struct table *t = NULL;

	job.panes = 1;
	job_pane_init(&job.pane[0], analysis_find(analysis));
	for (int i = 0; words && words[i]; i++)
		if (!CHECK_THAT(job_pane_set(&job.pane[0], words[i], &err), "%s %s", words[i], err.text))
			return NULL;
	if (session_prepare(session, &job, NULL, NULL, &err))
		t = session_answer(session, 0, NULL, NULL, &err);
	if (!t)
		CHECK_THAT(false, "%s: %s answers: %s", model_name, analysis, err.text);
	return t;
}

#define ANSWER(analysis, ...) answer(analysis, (const char *const[]){ __VA_ARGS__, NULL })

/* --- what the model itself says of a row of its stream --- */

struct distribution {
	int V;
	float *logits;	/* [V] */
	double *p;	/* [V] */
	double entropy;
};

static void read_row(struct distribution *d, const float *x)
{
	const struct model *m = session_model(session);
	float *y = malloc((size_t)m->config.D * sizeof *y);
	double max = -INFINITY, sum = 0;

	model_final_norm(m, x, 1, y, NULL);
	model_unembed(m, y, 1, d->logits);
	free(y);
	for (int v = 0; v < d->V; v++)
		max = fmax(max, (double)d->logits[v]);
	for (int v = 0; v < d->V; v++)
		sum += d->p[v] = exp((double)d->logits[v] - max);
	d->entropy = 0;
	for (int v = 0; v < d->V; v++) {
		d->p[v] /= sum;
		d->entropy -= d->p[v] > 0 ? d->p[v] * log(d->p[v]) : 0;
	}
}

static struct distribution new_distribution(void)
{
	int V = session_model(session)->config.V;

	return (struct distribution){ V, calloc((size_t)V, sizeof(float)), calloc((size_t)V, sizeof(double)), 0 };
}

static void free_distribution(struct distribution *d)
{
	free(d->logits);
	free(d->p);
}

static int rank_of(const struct distribution *d, int32_t id)
{
	int rank = 1;

	for (int v = 0; v < d->V; v++)
		rank += d->logits[v] > d->logits[id];
	return rank;
}

/* One row of one show of the lens at every cell. */
static void check_lens(const char *site_word, enum site site, const char *show, int rank)
{
	char a[40], b[40], c[40];
	struct table *t;
	struct distribution d, last;
	const struct run *r;
	const struct metric *metric;
	float *expected;
	bool words = true;

	snprintf(a, sizeof a, "site=%s", site_word);
	snprintf(b, sizeof b, "show=%s", show);
	snprintf(c, sizeof c, "rank=%d", rank);
	if (!(t = ANSWER("logit-lens", a, b, c)))
		return;
	r = session_run(session);
	metric = session_metric(session);
	d = new_distribution();
	last = new_distribution();
	expected = calloc((size_t)t->rows.n * (size_t)t->cols.n, sizeof *expected);
	for (int l = 0; l < t->rows.n; l++) {
		for (int i = 0; i < t->cols.n; i++) {
			size_t cell = table_cell(t, l, i);
			double kl = 0;

			read_row(&d, run_at(r, site, l, i));
			read_row(&last, run_at(r, SITE_RESID_POST, t->rows.n - 1, i));
			for (int v = 0; v < d.V; v++)
				kl += last.p[v] > 0 ? last.p[v] * (log(last.p[v]) - log(d.p[v])) : 0;
			words = words && rank_of(&d, t->id[cell]) == rank;
			expected[cell] = (float)(!strcmp(show, "probability") ? d.p[t->id[cell]]
						 : !strcmp(show, "logit")     ? (double)d.logits[t->id[cell]]
						 : !strcmp(show, "rank")      ? rank_of(&d, metric->target[0])
						 : !strcmp(show, "target")    ? d.p[metric->target[0]]
						 : !strcmp(show, "entropy")   ? d.entropy
									      : kl);
		}
	}
	CHECK_THAT(words, "%s: logit-lens %s: words are the tokens of rank %d", model_name, site_word, rank);
	CHECK_NEAR(t->value, expected, (size_t)t->rows.n * (size_t)t->cols.n, 2e-5, "%s: logit-lens %s %s", model_name, site_word, show);
	free(expected);
	free_distribution(&d);
	free_distribution(&last);
	table_unref(t);
}

static void test_logit_lens(void)
{
	static const char *const shows[] = { "probability", "logit", "rank", "target", "entropy", "kl" };

	for (size_t i = 0; i < sizeof shows / sizeof *shows; i++)
		check_lens("resid_post", SITE_RESID_POST, shows[i], 1);
	check_lens("resid_pre", SITE_RESID_PRE, "probability", 2);
	check_lens("resid_mid", SITE_RESID_MID, "logit", 3);
	check_lens("attn_out", SITE_ATTN_OUT, "probability", 1);
	check_lens("mlp_out", SITE_MLP_OUT, "kl", 1);
}

static void test_next_token(void)
{
	struct table *t;
	struct distribution now, before;
	float expected[4 * 5];
	bool ranks = true;

	job_add_edit(&job, "layer 0 zero");
	t = ANSWER("next-token", "k=5", "position=-2");
	now = new_distribution();
	before = new_distribution();
	if (t) {
		int last = session_model(session)->config.L - 1, at = session_run(session)->T - 2;

		read_row(&now, run_at(session_run(session), SITE_RESID_POST, last, at));
		read_row(&before, run_at(session_unedited(session), SITE_RESID_POST, last, at));
		for (int i = 0; i < 5; i++) {
			int32_t id = t->id[4 * i];

			ranks = ranks && rank_of(&now, id) == i + 1;
			expected[4 * i] = now.logits[id];
			expected[4 * i + 1] = (float)now.p[id];
			expected[4 * i + 2] = before.logits[id];
			expected[4 * i + 3] = (float)before.p[id];
		}
		CHECK_THAT(ranks && t->rows.n == 5, "%s: next-token: likeliest first", model_name);
		CHECK_NEAR(t->value, expected, 20, 1e-5, "%s: next-token", model_name);
	}
	free_distribution(&now);
	free_distribution(&before);
	table_unref(t);
	job_remove_edit(&job, 0);
}

static void test_residual_norms(void)
{
	struct table *t = ANSWER("residual-norms", "site=mlp_out");
	float expected[64 * 64];

	for (int l = 0; t && l < t->rows.n; l++) {
		for (int i = 0; i < t->cols.n; i++) {
			const float *x = run_at(session_run(session), SITE_MLP_OUT, l, i);
			double sum = 0;

			for (int d = 0; d < session_model(session)->config.D; d++)
				sum += (double)x[d] * (double)x[d];
			expected[table_cell(t, l, i)] = (float)sqrt(sum);
		}
	}
	if (t)
		CHECK_NEAR(t->value, expected, (size_t)t->rows.n * (size_t)t->cols.n, 1e-5, "%s: residual-norms", model_name);
	table_unref(t);
}

/* Query 0 sees one key with weight 1, so that its weighted value is all that the head writes there. */
static void test_attention(void)
{
	const struct config *c;
	float *write;

	for (int layer = 0; layer < 2; layer++) {
		struct table *t = ANSWER("attention", layer ? "layer=-1" : "layer=0", "head=-1", "show=value");
		struct table *plain = ANSWER("attention", layer ? "layer=-1" : "layer=0", "head=-1");
		double norm = 0;
		float first;
		int same = 0;

		if (!t || !plain)
			return;
		c = &session_model(session)->config;
		write = calloc((size_t)c->D, sizeof *write);
		run_result(session_run(session), t->place.layer, c->H - 1, 0, write);
		for (int d = 0; d < c->D; d++)
			norm += (double)write[d] * (double)write[d];
		first = (float)sqrt(norm);
		CHECK_NEAR(t->value, &first, 1, 1e-5, "%s: attention show=value is what the head writes", model_name);
		CHECK(t->place.unit == c->H - 1 && t->place.layer == (layer ? c->L - 1 : 0) && t->skip_first);
		for (int i = 0; i < plain->rows.n; i++)
			same += !memcmp(plain->value + table_cell(plain, i, 0), run_pattern(session_run(session), t->place.layer, c->H - 1, i),
					(size_t)(i + 1) * sizeof(float));
		CHECK_THAT(same == plain->rows.n, "%s: attention is the run's pattern", model_name);
		free(write);
		table_unref(t);
		table_unref(plain);
	}
}

static double overview(const char *show, const float *A, int i)
{
	double bits = 0;

	if (!strcmp(show, "first"))
		return (double)A[0];
	if (!strcmp(show, "previous"))
		return (double)A[i - 1];
	for (int j = 0; j <= i; j++)
		bits -= A[j] > 0 ? (double)A[j] * log((double)A[j]) / log(2) : 0;
	return bits;
}

static void test_attention_overview(void)
{
	static const char *const shows[] = { "entropy", "first", "previous" };

	for (int s = 0; s < 3; s++) {
		char word[32];
		float expected[64 * 64];
		struct table *t;

		snprintf(word, sizeof word, "show=%s", shows[s]);
		t = ANSWER("attention-overview", word);
		for (int cell = 0; t && cell < t->rows.n * t->cols.n; cell++) {
			int T = session_run(session)->T;
			double mean = 0;

			for (int i = 1; i < T; i++)
				mean += overview(shows[s], run_pattern(session_run(session), cell / t->cols.n, cell % t->cols.n, i), i) / (T - 1);
			expected[cell] = (float)mean;
		}
		if (t)
			CHECK_NEAR(t->value, expected, (size_t)t->rows.n * (size_t)t->cols.n, 1e-5, "%s: attention-overview %s", model_name,
				   shows[s]);
		table_unref(t);
	}
}

static int row_of(const struct table *t, const char *label)
{
	for (int i = 0; i < t->rows.n; i++)
		if (!strcmp(t->rows.label[i], label))
			return i;
	return -1;
}

/*
 * A row, once more and from the other end: what the logit would lose if this write were taken out of the final stream while the
 * norm's scale stays. Take it out, normalise, and undo the change of scale.
 */
static double share_by_removal(const float *write)
{
	const struct model *m = session_model(session);
	const struct run *r = session_run(session);
	const struct metric *metric = session_metric(session);
	size_t D = (size_t)m->config.D;
	const float *x = run_at(r, SITE_RESID_POST, m->config.L - 1, r->T - 1);
	float *less = calloc(D, sizeof *less), *y = calloc(D, sizeof *y), *logits = calloc((size_t)m->config.V, sizeof *logits);
	float *zero = calloc(D, sizeof *zero), scale[3];
	double with, without, at_zero, share;

	for (size_t i = 0; i < D; i++)
		less[i] = x[i] - write[i];
	model_final_norm(m, x, 1, y, &scale[0]);
	model_unembed(m, y, 1, logits);
	with = (double)logits[metric->target[0]];
	model_final_norm(m, less, 1, y, &scale[1]);
	model_unembed(m, y, 1, logits);
	without = (double)logits[metric->target[0]];
	model_final_norm(m, zero, 1, y, &scale[2]);
	model_unembed(m, y, 1, logits);
	at_zero = (double)logits[metric->target[0]];
	share = with - ((without - at_zero) * (double)scale[0] / (double)scale[1] + at_zero);
	free(less);
	free(zero);
	free(y);
	free(logits);
	return share;
}

static void test_direct_attribution(void)
{
	struct table *t = ANSWER("direct-attribution", "position=-1"), *heads = ANSWER("head-attribution", "position=-1");
	const struct model *m = session_model(session);
	int L = m->config.L, last = session_run(session)->T - 1;
	size_t D = (size_t)m->config.D;

	for (int l = 0; t && heads && l < L; l++) {
		float *write = calloc(D, sizeof *write), expected[3], actual[3];
		double sum = 0;
		char label[20];

		snprintf(label, sizeof label, "%d.attn", l);
		actual[0] = t->value[row_of(t, label)];
		memcpy(write, run_at(session_run(session), SITE_ATTN_OUT, l, last), D * sizeof *write);
		for (size_t i = 0; i < D; i++)
			write[i] -= m->layers[l].b_O ? m->layers[l].b_O[i] : 0;
		expected[0] = (float)share_by_removal(write);
		snprintf(label, sizeof label, "%d.mlp", l);
		actual[1] = t->value[row_of(t, label)];
		memcpy(write, run_at(session_run(session), SITE_MLP_OUT, l, last), D * sizeof *write);
		for (size_t i = 0; i < D; i++)
			write[i] -= m->layers[l].b_out ? m->layers[l].b_out[i] : 0;
		expected[1] = (float)share_by_removal(write);
		for (int h = 0; h < m->config.H; h++)
			sum += (double)heads->value[table_cell(heads, l, h)];
		actual[2] = (float)sum;
		expected[2] = actual[0];
		CHECK_NEAR(actual, expected, 3, 2e-4, "%s: layer %d: attention, MLP, and the sum of its heads", model_name, l);
		free(write);
	}
	if (t && m->W_pos)
		CHECK(row_of(t, "embed") == 0 && row_of(t, "pos_embed") == 1 && row_of(t, "0.attn") == 2);
	if (t)
		CHECK(row_of(t, "unembed_bias") == t->rows.n - 1 && row_of(t, "edits") == -1 && t->rows.place[row_of(t, "1.mlp")].layer == 1);
	table_unref(t);
	table_unref(heads);
}

/* Every cell against a run of its own. */
/* A metric somewhere else takes the attributions with it: their sum stays the number that is shown for the metric. */
static void test_attribution_at_metric(void)
{
	static const char *const techniques[] = { "direct-attribution", "head-attribution" };
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof techniques / sizeof *techniques; i++) {
		struct table *t;
		double value, unedited;

		job_set(&job.metric, "logit #5 @2");
		if (!(t = answer(techniques[i], NULL)))
			continue;
		CHECK(session_metric_values(session, &value, &unedited, NULL, &err));
		CHECK_THAT(fabs(t->check.expected - value) <= 1e-4 * fmax(1, fabs(value)), "%s: %s explains the metric where it is: %g, %g",
			   model_name, techniques[i], t->check.expected, value);
		CHECK_THAT(!strstr(t->title, "read at"), "%s", t->title);
		table_unref(t);
		if (!(t = ANSWER(techniques[i], "position=1")))
			continue;
		CHECK_THAT(fabs(t->check.expected - value) > 1e-3, "a position that is given is another sum");
		CHECK_THAT(strstr(t->title, "heads · read at position 1") || strstr(t->title, "all parts · read at position 1"), "%s", t->title);
		table_unref(t);
	}
	job_set(&job.metric, NULL);
}

static void check_ablation(const char *op, const char *at)
{
	char a[20], b[20], line[60];
	struct err err = { 0 };
	double now, ablated, unedited;
	struct table *t;
	float *expected;
	int H;

	snprintf(a, sizeof a, "op=%s", op);
	snprintf(b, sizeof b, "at=%s", at);
	if (!(t = ANSWER("ablation-sweep", a, b)))
		return;
	H = t->cols.n;
	expected = calloc((size_t)t->rows.n * (size_t)H, sizeof *expected);
	session_metric_values(session, &now, &unedited, NULL, &err);
	for (int i = 0; i < t->rows.n * H; i++) {
		int e;

		snprintf(line, sizeof line, "head %d.%d%s %s", i / H, i % H, *at == 'l' ? " @-1" : "", op);
		e = job_add_edit(&job, line);
		session_prepare(session, &job, NULL, NULL, &err);
		session_metric_values(session, &ablated, &unedited, NULL, &err);
		expected[i] = (float)(ablated - now);
		job_remove_edit(&job, e);
	}
	CHECK_NEAR(t->value, expected, (size_t)t->rows.n * (size_t)H, 1e-4, "%s: ablation-sweep %s %s", model_name, op, at);
	free(expected);
	table_unref(t);
}

static void test_ablation_sweep(void)
{
	check_ablation("zero", "all");
	check_ablation("mean", "last");
	job_add_edit(&job, "mlp_out 0 zero");
	check_ablation("zero", "last");
	check_ablation("mean", "all");
	job_remove_edit(&job, 0);
	job_set(&job.metric, "kl");
	check_ablation("zero", "all");
	job_set(&job.metric, NULL);
}

/* With --diff foil each prompt is the other's foil: what one direction is on the prompt, the other is on the foil. */
static void test_patching_difference(void)
{
	struct err err = { 0 };
	struct table *noising, *denoising, *difference = NULL;
	int wrong = 0;

	job_set(&job.foil, "one three two two one");
	noising = ANSWER("activation-patching", "direction=noising", "show=raw");
	denoising = ANSWER("activation-patching", "direction=denoising", "show=raw");
	job_pane_set(&job.pane[0], "direction=noising", &err);
	job.pane[0].diff = DIFF_FOIL;
	if (session_prepare(session, &job, NULL, NULL, &err))
		difference = session_answer(session, 0, NULL, NULL, &err);
	if (CHECK_THAT(noising && denoising && difference, "%s: activation-patching, prompt − foil %s", model_name, err.text))
		for (int i = 0; i < difference->rows.n * difference->cols.n; i++)
			wrong += fabsf(difference->value[i] - (noising->value[i] - denoising->value[i])) > 1e-5f;
	CHECK_THAT(!wrong, "%s: activation-patching: %d cells of prompt − foil are not noising − denoising", model_name, wrong);
	table_unref(noising);
	table_unref(denoising);
	table_unref(difference);
	job_set(&job.foil, NULL);
}

/* A table of the foil is the table of a prompt like it; without a foil there is one sentence. */
static void test_on_foil(void)
{
	static const char *const names[] = { "logit-lens", "attention", "direct-attribution" };
	struct err err = { 0 };

	job_set(&job.metric, "logit \"two\"");
	for (int i = 0; i < 3; i++) {
		struct table *own, *on = NULL;

		job_set(&job.prompt, "three two one");
		own = ANSWER(names[i], NULL);
		job_set(&job.prompt, "one two three two one");
		job_set(&job.foil, "three two one");
		job.pane[0].diff = ON_THE_FOIL;
		if (session_prepare(session, &job, NULL, NULL, &err))
			on = session_answer(session, 0, NULL, NULL, &err);
		CHECK_THAT(own && on && own->rows.n == on->rows.n && own->cols.n == on->cols.n && !memcmp(own->value, on->value,
			   (size_t)own->rows.n * (size_t)own->cols.n * sizeof *own->value) && strstr(on->title, "of the foil"),
			   "%s: %s of the foil is that of a prompt like it %s", model_name, names[i], err.text);
		table_unref(own);
		table_unref(on);
		job_set(&job.foil, NULL);
		CHECK_THAT(session_prepare(session, &job, NULL, NULL, &err) && !session_answer(session, 0, NULL, NULL, &err) &&
			   strstr(err.text, "no foil is set"), "%s: and without one: %s", model_name, err.text);
	}
	job_set(&job.metric, NULL);
}

static void test_model(const char *path)
{
	session = session_new();
	job_init(&job);
	job_set(&job.model, path);
	job_set(&job.prompt, "one two three two one");
	test_next_token();
	test_logit_lens();
	test_residual_norms();
	test_attention();
	test_attention_overview();
	test_direct_attribution();
	test_attribution_at_metric();
	test_ablation_sweep();
	test_patching_difference();
	test_on_foil();
	job_done(&job);
	session_free(session);
}

int main(void)
{
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	int models = 0;

	while (dir && (entry = readdir(dir))) {
		char *path = file_join(FOLDER, entry->d_name), *config = file_join(path, "config.json");

		model_name = entry->d_name;
		if (entry->d_name[0] != '.' && file_exists(config) && ++models)
			test_model(path);
		free(config);
		free(path);
	}
	if (dir)
		closedir(dir);
	CHECK_THAT(models > 0, "%d tiny models", models);
	return tap_done();
}
