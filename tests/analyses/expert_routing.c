/*
 * expert_routing.c - which experts the tokens are sent to: against the weights that transformers gives for tiny mixtures, and on
 * models without experts, which are refused by name.
 */
#include <math.h>

#include "engine/base/json.h"
#include "engine/model/files/weights.h"
#include "tests/analyses/plain.h"
#include "tests/scratch.h"

static void test_dense(void)
{
	static const char *const shown[] = { "choice", "entropy", "experts", "rate", "difference" };

	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		struct err err = { 0 };
		struct table *t = NULL;
		char word[40];

		snprintf(word, sizeof word, "show=%s", shown[i]);
		job.panes = 1;
		job_pane_init(&job.pane[0], analysis_find("expert-routing"));
		if (CHECK_THAT(job_pane_set(&job.pane[0], word, &err), "%s", err.text) &&
		    CHECK_THAT(session_prepare(session, &job, NULL, NULL, &err), "%s", err.text))
			t = session_answer(session, 0, NULL, NULL, &err);
		CHECK_THAT(!t && err.kind == ERR_ARGUMENT && strstr(err.text, session_model(session)->name) &&
				   strstr(err.text, "has no experts"),
			   "%s: %s is refused: %s", model_name, word, err.text);
		table_unref(t);
	}
}

/* expert_weights[T, X] of a layer, as transformers has them; NULL: the layer is no mixture. */
static float *reference(const struct weights *w, int layer)
{
	char name[64];
	const struct tensor *t = NULL;
	float *x;

	snprintf(name, sizeof name, "blocks.%d.expert_weights", layer);
	for (size_t i = 0; i < weights_tensors(w); i++)
		if (!strcmp(weights_tensor(w, i)->name, name))
			t = weights_tensor(w, i);
	if (!t)
		return NULL;
	x = malloc(tensor_count(t) * sizeof *x);
	tensor_expand(t, x);
	return x;
}

static int first_of(const float *weights, int X)
{
	int best = 0;

	for (int e = 1; e < X; e++)
		best = weights[e] > weights[best] ? e : best;
	return best;
}

static double entropy_of(const float *weights, int X)
{
	double sum = 0, entropy = 0;

	for (int e = 0; e < X; e++)
		sum += (double)weights[e];
	for (int e = 0; e < X; e++)
		entropy -= weights[e] > 0 ? (double)weights[e] / sum * log2((double)weights[e] / sum) : 0;
	return entropy;
}

struct answers {
	struct table *choice, *entropy, *rate;
};

/* One layer of all three maps. */
static void check_layer(const struct answers *a, int layer, const float *weights, int T, int X)
{
	char forbid[64];
	int wrong = 0;
	double worst = 0;

	for (int i = 0; i < T; i++) {
		const float *row = weights + i * X;
		const size_t cell = table_cell(a->choice, layer, i);
		const int first = first_of(row, X);

		snprintf(forbid, sizeof forbid, "expert %d.%d @%d forbid", layer, first, i);
		wrong += atoi(a->choice->word_show[cell]) != first || !a->choice->edits || !a->choice->edits[cell] ||
			 strcmp(a->choice->edits[cell], forbid);
		worst = fmax(worst, fabs((double)(a->choice->value[cell] - row[first])));
		worst = fmax(worst, fabs((double)a->entropy->value[cell] - entropy_of(row, X)));
	}
	for (int e = 0; e < X; e++) {
		int sent = 0;

		for (int i = 0; i < T; i++)
			sent += weights[i * X + e] > 0;
		worst = fmax(worst, fabs((double)a->rate->value[table_cell(a->rate, layer, e)] - (double)sent / T));
	}
	CHECK_THAT(!wrong && worst < 2e-5, "%s layer %d: %d first experts, or edits of them, are others, gap %.2g", model_name,
		   layer, wrong, worst);
}

static void check_experts(int layer, const float *weights, int T, int X)
{
	char which[32];
	double worst = 0;
	struct table *t;

	snprintf(which, sizeof which, "layer=%d", layer);
	t = ANSWER("expert-routing", "show=experts", which);
	for (int e = 0; t && e < X; e++)
		for (int i = 0; i < T; i++)
			worst = fmax(worst, fabs((double)(t->value[table_cell(t, e, i)] - weights[i * X + e])));
	CHECK_THAT(t && worst < 2e-5, "%s layer %d: weights, gap %.2g", model_name, layer, worst);
	CHECK_THAT(t && t->check.name &&
			   fabs(t->check.actual - t->check.expected) <= t->check.tolerance * fmax(1, fabs(t->check.expected)),
		   "%s: the experts' writes sum to the MLP's", model_name);
	table_unref(t);
}

/* The difference to a foil: less what the foil's own rate is. */
static void check_difference(const struct table *rate, const char *foil)
{
	struct table *difference, *own;
	double worst = 0;

	job_set(&job.foil, foil);
	difference = ANSWER("expert-routing", "show=difference");
	job_set(&job.prompt, foil);
	own = ANSWER("expert-routing", "show=rate");
	for (int i = 0; difference && own && i < rate->rows.n * rate->cols.n; i++)
		worst = fmax(worst, fabs((double)(difference->value[i] - (rate->value[i] - own->value[i]))));
	CHECK_THAT(difference && own && worst < 1e-6, "%s: a difference of rates, gap %.2g", model_name, worst);
	table_unref(difference);
	table_unref(own);
}

/* An argument that is a file. */
static const char *argument_of(const char *name, const char *path, char out[400])
{
	snprintf(out, 400, "%s=%s", name, path);
	return out;
}

/* A file's rate is that of all its tokens; each of the two prompts alone has been compared above. */
static void check_files(const struct table *rate, int tokens, const char *text, const char *foil)
{
	struct table *choice, *own, *both, *difference;
	char lines[400], corpus[400], against[400], *one, *two;
	double worst = 0, gap = 0, T = tokens, U;

	snprintf(lines, sizeof lines, "%s\n%s\n", text, foil);
	two = scratch_file("both.txt", lines, strlen(lines));
	snprintf(lines, sizeof lines, "%s\n", foil);
	one = scratch_file("foil.txt", lines, strlen(lines));
	job_set(&job.prompt, foil);
	choice = ANSWER("expert-routing", "show=choice");
	own = ANSWER("expert-routing", "show=rate");
	both = ANSWER("expert-routing", "show=rate", argument_of("corpus", two, corpus));
	job_set(&job.prompt, text); /* and no foil: what is told is the files */
	job_set(&job.foil, NULL);
	difference = ANSWER("expert-routing", "show=difference", corpus, argument_of("against", one, against));
	U = choice ? choice->cols.n : 0;
	for (int i = 0; own && both && difference && i < rate->rows.n * rate->cols.n; i++) {
		const double all = (T * (double)rate->value[i] + U * (double)own->value[i]) / (T + U);

		worst = fmax(worst, fabs((double)both->value[i] - all));
		gap = fmax(gap, fabs((double)difference->value[i] - (all - (double)own->value[i])));
	}
	CHECK_THAT(own && both && worst < 1e-6, "%s: the rate over a file, gap %.2g", model_name, worst);
	CHECK_THAT(difference && gap < 1e-6, "%s: the difference of two files, gap %.2g", model_name, gap);
	table_unref(choice);
	table_unref(own);
	table_unref(both);
	table_unref(difference);
	free(one);
	free(two);
}

static void check_mixture(const char *name)
{
	char path[300];
	struct err err = { 0 };
	struct weights *w;
	struct json *about;
	struct answers a;

	model_name = name;
	snprintf(path, sizeof path, "tests/fixtures/families/%s/expected.safetensors", name);
	w = weights_open(path, &err);
	snprintf(path, sizeof path, "tests/fixtures/families/%s/expected.json", name);
	about = json_open(path, 0, &err);
	if (!CHECK_THAT(w && about, "%s: its reference opens %s", name, err.text))
		return;
	session = session_new();
	job_init(&job);
	snprintf(path, sizeof path, "tests/fixtures/families/%s", name);
	job_set(&job.model, path);
	job_set(&job.prompt, json_text(json_get(json_root(about), "text")));
	a = (struct answers){ ANSWER("expert-routing", "show=choice"), ANSWER("expert-routing", "show=entropy"),
			      ANSWER("expert-routing", "show=rate") };
	if (a.choice && a.entropy && a.rate) {
		const struct config *c = &session_model(session)->config;

		for (int l = 0; l < c->L; l++) {
			float *weights = reference(w, l);

			if (weights) {
				check_layer(&a, l, weights, a.choice->cols.n, c->experts.X);
				check_experts(l, weights, a.choice->cols.n, c->experts.X);
			}
			free(weights);
		}
		check_difference(a.rate, json_text(json_get(json_root(about), "foil_text")));
		check_files(a.rate, a.choice->cols.n, json_text(json_get(json_root(about), "text")),
			    json_text(json_get(json_root(about), "foil_text")));
	}
	table_unref(a.choice);
	table_unref(a.entropy);
	table_unref(a.rate);
	job_done(&job);
	session_free(session);
	scratch_done();
	weights_free(w);
	json_free(about);
}

int main(void)
{
	static plain_test *const tests[] = { test_dense, NULL };
	static const char *const mixtures[] = { "mixtral", "qwen2_moe",	 "qwen2_moe-dense", "qwen3_moe",   "olmoe",
						"phimoe",  "granitemoe", "glm4_moe",	    "ernie4_5_moe" };

	plain_each(tests);
	for (size_t i = 0; i < sizeof mixtures / sizeof *mixtures; i++)
		check_mixture(mixtures[i]);
	return tap_done();
}
