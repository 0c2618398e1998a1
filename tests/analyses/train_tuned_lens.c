/*
 * train_tuned_lens.c - each kind's distance, slope and solution against torch; the gradient against differences; step 0 against the
 * logit lens; a training that was stopped and resumed against one that was not, bit for bit; and files of other questions.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/model/files/weights.h"
#include "engine/numbers/pool.h"
#include "engine/run/lens_file.h"
#include "engine/run/lens_loss.h"
#include "engine/run/lens_ridge.h"
#include "tests/analyses/training.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#define TINY "tests/fixtures/tiny/"
static const char text[] = "the cat saw a dog\nthe hen sat on a mat\na pig met the cat\nthe dog had a hat\nthe bird was in a "
			   "barn\nthe cat sat\n"
			   "a man saw the hen\nthe pig sat on the mat\na dog met a cat\nthe hen had a hat\nthe man sat on that "
			   "mat\nthe dog was red\n";

/* ---- the gradient ---- */

static double loss_at(struct lens_loss *s, const float *x, const struct run *r, float *g)
{
	double sum[16] = { 0 }, all = 0;

	lens_loss_add(s, x, r, sum, g, NULL, &(struct err){ 0 });
	for (int l = 0; l < r->model->config.L; l++)
		all += sum[l];
	return all;
}

/* Along a direction in all translators at once, at translators that are not zero. */
static void test_gradient(const char *name)
{
	struct err err = { 0 };
	struct model *m = model_open(name, NULL, NULL, &err);
	struct arena *arena = arena_new();
	const int32_t tokens[] = { 0, 5, 9, 2, 7, 3, 3, 1 };
	struct run *r = m ? run_new(&(struct run_order){ .model = m,
							 .tokens = tokens,
							 .T = 8,
							 .keeps = RUN_STREAM,
							 .without_logits = true },
				    NULL, &err)
			  : NULL;
	const size_t n = m ? lens_plan_floats(m) * (size_t)m->config.L : 0;
	float *x = arena_floats(arena, n, &err), *v = arena_floats(arena, n, &err), *g = arena_floats(arena, n, &err),
	      *y = arena_floats(arena, n, &err);
	const int layers[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	const struct lens_plan plan = { .layer = layers, .layers = m ? m->config.L : 0 };
	struct lens_loss *s = m ? lens_loss_new(m, &plan, arena, &err) : NULL;
	double slope = 0, difference, h = 1e-3;
	uint64_t seed = 1;

	if (!CHECK_THAT(r && s, "%s %s", name, err.text))
		return;
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		x[i] = 0.1f * ((float)(seed >> 40) / (1 << 24) - 0.5f);
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		v[i] = (float)(seed >> 40) / (1 << 24) - 0.5f;
	}
	loss_at(s, x, r, g);
	for (size_t i = 0; i < n; i++)
		slope += (double)g[i] * (double)v[i];
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] + (float)h * v[i];
	difference = loss_at(s, y, r, NULL);
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] - (float)h * v[i];
	difference = (difference - loss_at(s, y, r, NULL)) / (2 * h);
	CHECK_THAT(fabs(slope - difference) < 1e-3 * fmax(1, fabs(slope)) && fabs(slope) > 0.01,
		   "%s: the slope is %g, differences give %g", name, slope, difference);
	run_unref(r);
	arena_free(arena);
	model_free(m);
}

/* ---- against torch: tests/reference/make_train_lens.py ---- */

static void fill(float *x, size_t n, int unit, double scale, double step, double (*f)(double))
{
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(scale * f(step * (double)i + unit));
}

static double product(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static void check_number(const struct json_value *unit, const char *key, double x, const char *what, int u)
{
	double expected = NAN;

	json_double(json_get(unit, key), &expected);
	CHECK_THAT(fabs(x - expected) < 2e-4 * fmax(1, fabs(expected)), "%s %d: %s is %.9g, torch has %.9g", what, u, key, x,
		   expected);
}

static void check_item(const struct json_value *list, int i, double x, const char *what)
{
	double expected = NAN;

	json_double(json_at(list, (size_t)i), &expected);
	CHECK_THAT(fabs(x - expected) < 2e-4 * fmax(1, fabs(expected)), "%s: number %d is %.9g, torch has %.9g", what, i, x,
		   expected);
}

static void check_steps(const struct run *r, const struct lens_plan *plan, const struct json_value *units, const char *what)
{
	struct err err = { 0 };
	struct arena *arena = arena_new();
	const int n = lens_plan_units(plan, r->model);
	const size_t each = lens_plan_floats(r->model);
	float *x = arena_floats(arena, (size_t)n * each, &err), *g = arena_floats(arena, (size_t)n * each, &err),
	      *v = arena_floats(arena, each, &err);
	double *sum = arena_alloc(arena, (size_t)n * sizeof *sum);
	struct lens_loss *s = lens_loss_new(r->model, plan, arena, &err);

	for (int u = 0; u < n; u++)
		fill(x + (size_t)u * each, each, u, 0.1, 0.7, sin);
	CHECK_THAT(lens_loss_add(s, x, r, sum, g, NULL, &err) && (int)json_count(units) == n, "%s has %d translators", what, n);
	for (int u = 0; u < n; u++) {
		fill(v, each, u, 1, 0.3, cos);
		check_number(json_at(units, (size_t)u), "kl", sum[u], what, u);
		check_number(json_at(units, (size_t)u), "slope", product(g + (size_t)u * each, v, each), what, u);
	}
	arena_free(arena);
}

/* What holds of the least by itself: ⟨A h, y⟩ = |A h|² + λ|A|², as shares of the sum of |h|². */
static void check_identity(const struct lens_ridge *s, const float *W, const char *what, int u)
{
	const size_t D = (size_t)s->m->config.D;
	double with_y = 0, own = 0, size = 0, trace = 0;

	for (size_t k = 0; k < D; k++)
		for (size_t i = 0; i < D; i++) {
			const double a = (double)W[k * D + i] + (k == i);
			double sum = 0;

			for (size_t j = 0; j < D; j++)
				sum += s->hh[i * D + j] * ((double)W[k * D + j] + (k == j));
			with_y += a * s->hy[i * D + k];
			own += a * sum;
			size += a * a;
			trace += k ? 0 : s->hh[i * D + i];
		}
	own += 1e-3 * trace / (double)D * size;
	CHECK_THAT(fabs(with_y - own) < 1e-5 * own && with_y > 1e-3 * trace, "%s %d: %.9g = %.9g", what, u, with_y, own);
}

static void check_regression(const struct run *r, const struct lens_plan *plan, const struct json_value *units, const char *what)
{
	struct err err = { 0 };
	struct arena *arena = arena_new();
	const size_t each = lens_plan_floats(r->model), D = (size_t)r->model->config.D;
	float *x = arena_floats(arena, (size_t)plan->layers * each, &err), *v = arena_floats(arena, each, &err);

	for (int u = 0; u < plan->layers; u++) {
		const struct lens_plan one = { .layer = &plan->layer[u], .layers = 1, .ahead = plan->ahead };
		struct lens_ridge *s = lens_ridge_new(r->model, &one, r->T, arena, &err);

		lens_ridge_add(s, r);
		lens_ridge_clear(s); /* put aside, and not taken: nothing */
		lens_ridge_add(s, r);
		lens_ridge_take(s);
		lens_ridge_solve(s, x);
		lens_ridge_measure(s, x, r);
		fill(v, each, u, 1, 0.3, cos);
		check_number(json_at(units, (size_t)u), "along", product(x, v, D * D), what, u);
		check_number(json_at(units, (size_t)u), "unexplained", lens_ridge_unexplained(s), what, u);
		check_identity(s, x, what, u);
	}
	arena_free(arena);
}

static void test_torch(const char *name)
{
	struct err err = { 0 };
	char path[200], model[200];
	struct model *m;
	struct json *doc;
	struct run *r;
	int32_t ids[256];
	int layers[16], n;

	snprintf(path, sizeof path, "tests/fixtures/train_lens/%s.json", name);
	snprintf(model, sizeof model, TINY "%s", name);
	doc = json_open(path, 0, &err);
	m = model_open(model, NULL, NULL, &err);
	n = doc ? (int)json_count(json_get(json_root(doc), "ids")) : 0;
	for (int i = 0; i < n && i < 256; i++) {
		int64_t id = 0;

		json_int(json_at(json_get(json_root(doc), "ids"), (size_t)i), &id);
		ids[i] = (int32_t)id;
	}
	r = m && n > 3 ? run_new(&(struct run_order){ .model = m, .tokens = ids, .T = n, .without_logits = true }, NULL, &err)
		       : NULL;
	if (!CHECK_THAT(r, "%s %s", name, err.text))
		return;
	for (int l = 0; l < m->config.L; l++)
		layers[l] = l;
	for (int ahead = 0; ahead <= 2; ahead += 2)
		for (int kind = 0; kind < 3; kind++) {
			static const char *const words[] = { "kl", "head", "regression" };
			struct lens_plan plan = { layers, m->config.L, kind == 1, ahead };
			const struct json_value *units;
			char key[40];

			snprintf(key, sizeof key, "%s %d", words[kind], ahead);
			units = json_get(json_root(doc), key);
			snprintf(path, sizeof path, "%s, %s", name, key);
			(kind == 2 ? check_regression : check_steps)(r, &plan, units, path);
		}
	run_unref(r);
	model_free(m);
	json_free(doc);
}

/* ---- questions ---- */

/* A whole training, from the regression and from the logit lens: its losses, and the distances on held-out text around it. */
static void check_training(const char *name, const char *corpus, const char *start, const struct json_value *expected)
{
	char out[200], text_arg[200], start_arg[40], *path = scratch_path(start);
	enum { STEPS = 5 };
	struct training_question q;
	struct table *t;
	struct err err;

	snprintf(out, sizeof out, "out=%s.safetensors", path);
	snprintf(text_arg, sizeof text_arg, "corpus=%s", corpus);
	snprintf(start_arg, sizeof start_arg, "start=%s", start);
	training_begin(&q, name);
	t = training_ask(&q, "train-tuned-lens",
			 (const char *[TRAINING_WORDS]){ text_arg, out, start_arg, "steps=5", "batch=24", "rate=0.01" }, 0, &err);
	if (CHECK_THAT(t && t->rows.n == STEPS + 1 && json_count(json_get(expected, "loss")) == STEPS, "%s %s", name, err.text)) {
		for (int i = 0; i < STEPS; i++)
			check_item(json_get(expected, "loss"), i, (double)t->value[table_cell(t, i + 1, 0)], name);
		check_item(json_get(expected, "held"), 0, (double)t->value[table_cell(t, 0, 1)], name);
		check_item(json_get(expected, "held"), 1, (double)t->value[table_cell(t, STEPS, 1)], name);
	}
	table_unref(t);
	remove(out + 4);
	training_end(&q);
	free(path);
}

static void test_training(const char *name)
{
	struct err err = { 0 };
	char path[200], model[200], *corpus;
	struct json *doc;
	const struct json_value *documents, *training;
	struct str text_of_all;

	snprintf(path, sizeof path, "tests/fixtures/train_lens/%s.json", name);
	snprintf(model, sizeof model, TINY "%s", name);
	if (!CHECK_THAT(doc = json_open(path, 0, &err), "%s", err.text))
		return;
	documents = json_get(json_root(doc), "documents");
	training = json_get(json_root(doc), "training");
	str_init(&text_of_all);
	for (size_t i = 0; i < json_count(documents); i++)
		str_addf(&text_of_all, "%s\n", json_text(json_at(documents, i)));
	corpus = scratch_file("documents.txt", text_of_all.s, text_of_all.n);
	check_training(model, corpus, "regression", json_get(training, "regression"));
	check_training(model, corpus, "identity", json_get(training, "identity"));
	str_done(&text_of_all);
	free(corpus);
	json_free(doc);
}

static void test_resume(const char *corpus, const char *kind, const char *layers)
{
	char whole_name[60], parts_name[60], part_name[80], *whole, *parts, *part;
	char out[200], other[200], text_arg[200];
	struct training_question q;
	struct err err;
	const bool heads = !strcmp(kind, "kind=head");
	struct table *t, *u = NULL, *lens;
	int stops = 0;

	snprintf(whole_name, sizeof whole_name, "whole-%s.safetensors", kind + 5);
	snprintf(parts_name, sizeof parts_name, "parts-%s.safetensors", kind + 5);
	snprintf(part_name, sizeof part_name, "%s.part", parts_name);
	whole = scratch_path(whole_name);
	parts = scratch_path(parts_name);
	part = scratch_path(part_name);
	snprintf(out, sizeof out, "out=%s", whole);
	snprintf(other, sizeof other, "out=%s", parts);
	snprintf(text_arg, sizeof text_arg, "corpus=%s", corpus);
	training_begin(&q, TINY "llama-tied");
	t = training_ask(&q, "train-tuned-lens",
			 (const char *[TRAINING_WORDS]){ text_arg, out, "steps=24", "batch=16", kind, layers }, 0, &err);
	if (!CHECK_THAT(t && t->rows.n == 25 && t->cols.n == 3 && t->rows.dim == DIM_STEP, "trains %s", err.text))
		return;
	CHECK_THAT(t->value[table_cell(t, 24, 1)] < t->value[table_cell(t, 0, 1)] &&
			   t->value[table_cell(t, 0, 2)] == t->value[table_cell(t, 24, 2)],
		   "held out from %g to %g", (double)t->value[table_cell(t, 0, 1)], (double)t->value[table_cell(t, 24, 1)]);
	CHECK_THAT(strcmp(kind, "kind=kl") ? t->value[table_cell(t, 0, 1)] == t->value[table_cell(t, 0, 2)]
					   : t->value[table_cell(t, 0, 1)] < t->value[table_cell(t, 0, 2)],
		   "kl alone starts below the logit lens: %g, %g", (double)t->value[table_cell(t, 0, 1)],
		   (double)t->value[table_cell(t, 0, 2)]);
	CHECK_THAT(t->footnote && strstr(t->footnote, "24 of 24 steps"), "%s", t->footnote);
	job_set(&q.job.prompt, "a hen");
	u = training_ask(&q, "train-tuned-lens",
			 (const char *[TRAINING_WORDS]){ text_arg, out, "steps=24", "batch=16", kind, layers }, 0, &err);
	CHECK_THAT(u == t, "another prompt asks nothing of it %s", err.text);
	table_unref(u);
	u = NULL;
	for (int stop = 17; !u && stops < 200; stop = file_exists(part) ? 31 + stops * 7 % 90 : 2 * stop, stops++) {
		u = training_ask(&q, "train-tuned-lens",
				 (const char *[TRAINING_WORDS]){ text_arg, other, "steps=24", "batch=16", kind, layers }, stop,
				 &err);
		if (!u && err.kind != ERR_CANCELLED)
			break;
		if (!u && !file_exists(part))
			CHECK_THAT(strstr(err.text, "stopped before anything was learned") && !file_exists(parts), "%s", err.text);
		if (!u && stops == 10) { /* used while it still trains */
			char read[200];
			struct err why;

			CHECK_THAT(file_exists(part) && strstr(err.text, "resumes from there"), "stopped: %s", err.text);
			snprintf(read, sizeof read, "lens=%s", parts);
			lens = training_ask(&q, "tuned-lens",
					    (const char *[TRAINING_WORDS]){ read, heads ? "site=head" : NULL,
									    heads ? "layer=1" : NULL },
					    0, &why);
			CHECK_THAT(lens && lens->footnote && strstr(lens->footnote, "of 24 steps"), "a lens that is half done %s",
				   why.text);
			table_unref(lens);
		}
	}
	CHECK_THAT(u && stops > 10 && !file_exists(part), "stopped %d times %s", stops, err.text);
	CHECK_THAT(u && !memcmp(t->value, u->value, 75 * sizeof *t->value), "the same curve");
	CHECK_THAT(training_same_files(whole, parts), "the same file, bit for bit");
	table_unref(u);
	training_end(&q);
	training_begin(&q, TINY "llama-tied"); /* nothing is kept: the file is the answer */
	u = training_ask(&q, "train-tuned-lens",
			 (const char *[TRAINING_WORDS]){ text_arg, out, "steps=24", "batch=16", kind, layers }, 0, &err);
	CHECK_THAT(u && !memcmp(t->value, u->value, 75 * sizeof *t->value) && !strcmp(t->footnote, u->footnote),
		   "what is trained is read %s", err.text);
	table_unref(u);
	u = training_ask(&q, "train-tuned-lens",
			 (const char *[TRAINING_WORDS]){ text_arg, out, "steps=24", "batch=17", kind, layers }, 0, &err);
	CHECK_THAT(!u && strstr(err.text, "answer to another question"), "%s", err.text);
	u = training_ask(&q, "train-tuned-lens",
			 (const char *[TRAINING_WORDS]){ text_arg, "out=tests/fixtures/tiny/llama-tied/config.json", "steps=24",
							 "batch=17", kind, layers },
			 0, &err);
	CHECK_THAT(!u && *err.text && file_exists("tests/fixtures/tiny/llama-tied/config.json"), "%s", err.text);
	training_end(&q);
	table_unref(t);
	free(whole);
	free(parts);
	free(part);
}

/* Step 0 is the logit lens: its KL, as the logit lens itself shows it, over the documents that are held out. */
static void test_step_0(const char *corpus)
{
	static const char *const held[] = { "the cat saw a dog", "the man sat on that mat" }; /* lines 1 and 11 */
	char *path = scratch_path("step0.safetensors"), out[200], text_arg[200];
	struct training_question q;
	struct err err;
	struct table *t, *u;
	double sum = 0;
	int cells = 0;

	snprintf(out, sizeof out, "out=%s", path);
	snprintf(text_arg, sizeof text_arg, "corpus=%s", corpus);
	training_begin(&q, TINY "gpt2-odd");
	t = training_ask(&q, "train-tuned-lens",
			 (const char *[TRAINING_WORDS]){ text_arg, out, "steps=1", "batch=16", "start=identity" }, 0, &err);
	for (int i = 0; i < 2; i++) {
		job_set(&q.job.prompt, held[i]);
		u = training_ask(&q, "logit-lens", (const char *[TRAINING_WORDS]){ "site=resid_pre", "show=kl" }, 0, &err);
		for (int k = 0; u && k < u->rows.n * u->cols.n; k++, cells++)
			sum += (double)u->value[k];
		table_unref(u);
	}
	CHECK_THAT(t && fabs(sum / cells - (double)t->value[1]) < 1e-5 * fmax(1, sum / cells),
		   "the logit lens is %.9g from the output, step 0 %.9g %s", sum / cells, t ? (double)t->value[1] : NAN, err.text);
	table_unref(t);
	training_end(&q);
	free(path);
}

/* What is read through a lens of each kind, on the text that was held out, is as far from the output as its training says. */
static void test_read(const char *corpus)
{
	static const char *const held[] = { "the cat saw a dog", "the man sat on that mat" }; /* lines 1 and 11 */
	static const struct {
		const char *train[3], *read[2];
		int rows, outs;
	} kinds[] = {
		{ { "kind=kl", "layers=1..2", "ahead=0" }, { "show=kl" }, 3, 1 },
		{ { "kind=regression", "layers=0,2", "ahead=0" }, { "show=kl" }, 3, 1 },
		{ { "kind=head", "layers=1", "ahead=0" }, { "site=head", "layer=1" }, 4, 0 },
	};

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		char name[40], out[200], read[200], text_arg[200], *path;
		const char *const *more = kinds[k].train;
		double sum = 0, held_out;
		struct table *t, *u;
		struct training_question q;
		struct err err;
		int cells = 0;

		snprintf(name, sizeof name, "read-%s.safetensors", more[0] + 5);
		path = scratch_path(name);
		snprintf(out, sizeof out, "out=%s", path);
		snprintf(read, sizeof read, "lens=%s", path);
		snprintf(text_arg, sizeof text_arg, "corpus=%s", corpus);
		training_begin(&q, TINY "llama-tied");
		t = training_ask(&q, "train-tuned-lens",
				 (const char *[TRAINING_WORDS]){ text_arg, out, "steps=4", "batch=16", more[0], more[1], more[2] },
				 0, &err);
		if (!CHECK_THAT(t && check_holds(&t->check) && t->check.name, "%s %s", name, err.text))
			return;
		held_out = (double)t->value[table_cell(t, 4, 1)];
		table_unref(t);
		for (int i = 0; i < 2; i++) {
			job_set(&q.job.prompt, held[i]);
			u = training_ask(&q, "tuned-lens",
					 (const char *[TRAINING_WORDS]){ read, "show=kl", kinds[k].read[0], kinds[k].read[1] }, 0,
					 &err);
			CHECK_THAT(u && u->rows.n == kinds[k].rows, "%s: %d rows %s", name, u ? u->rows.n : 0, err.text);
			for (int c = 0; u && c < (u->rows.n - kinds[k].outs) * u->cols.n; c++, cells++)
				sum += (double)u->value[c];
			table_unref(u);
		}
		CHECK_THAT(fabs(sum / cells - held_out) < 1e-5 * fmax(1, held_out), "%s: read %.9g, trained %.9g", name,
			   sum / cells, held_out);
		training_end(&q);
		free(path);
	}
}

/* What makes no sense of a kind is refused in a sentence. */
static void test_refused(const char *corpus)
{
	static const struct {
		const char *train[3], *read[2], *says;
	} cases[] = {
		{ { "kind=head", "layers=1", "ahead=0" }, { "site=resid_pre", "show=kl" }, "attention lens" },
		{ { "kind=head", "layers=1", "ahead=0" }, { "site=head", "layer=0" }, "no translators for the heads of layer 0" },
		{ { "kind=kl", "layers=0", "ahead=1" }, { "site=resid_pre", "show=kl" }, "foresees the token 1 after" },
		{ { "kind=kl", "layers=0", "ahead=1" }, { "site=head", "layer=0" }, "reads the stream, not what heads write" },
		{ { "kind=kl", "layers=0", "ahead=1" },
		  { "site=resid_post", "layer=0" },
		  "no translators for what leaves a layer" },
		{ { "kind=kl", "layers=0", "ahead=1" }, { "site=resid_pre", "layer=0" }, NULL },
		{ { "kind=kl", "layers=0..3", "ahead=0" }, { "site=resid_pre", "layer=0" }, "expected layers such as" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char name[40], out[200], read[200], text_arg[200], *path;
		struct training_question q;
		struct err err;
		struct table *t, *u = NULL;

		snprintf(name, sizeof name, "no%zu.safetensors", i);
		path = scratch_path(name);
		snprintf(out, sizeof out, "out=%s", path);
		snprintf(read, sizeof read, "lens=%s", path);
		snprintf(text_arg, sizeof text_arg, "corpus=%s", corpus);
		training_begin(&q, TINY "llama-tied");
		t = training_ask(&q, "train-tuned-lens",
				 (const char *[TRAINING_WORDS]){ text_arg, out, "steps=1", "batch=16", cases[i].train[0],
								 cases[i].train[1], cases[i].train[2] },
				 0, &err);
		if (t)
			u = training_ask(&q, "tuned-lens",
					 (const char *[TRAINING_WORDS]){ read, cases[i].read[0], cases[i].read[1] }, 0, &err);
		CHECK_THAT(!u == !!cases[i].says && (u || strstr(err.text, cases[i].says)), "%s: %s", cases[i].train[0], err.text);
		CHECK_THAT(!u || u->rows.n == 1, "one layer, and no output beside what is foreseen");
		table_unref(u);
		table_unref(t);
		training_end(&q);
		free(path);
	}
}

/* `split` says what is held out; without a document of either kind there is a sentence. */
static void test_split(void)
{
	static const struct {
		const char *text, *says;
	} files[] = {
		{ "{\"text\":\"the cat saw a dog\",\"split\":\"train\"}\n{\"text\":\"a hen sat\",\"split\":\"train\"}\n",
		  "no document to measure on" },
		{ "{\"text\":\"the cat saw a dog\",\"split\":\"test\"}\n{\"prompt\":\"a hen sat\",\"split\":\"test\"}\n",
		  "no document to learn from" },
		{ "{\"text\":\"the cat saw a dog\",\"split\":\"train\"}\n{\"label\":3}\n",
		  "line 2: expected an object with a \"prompt\" or a \"text\"" },
		{ "{\"text\":\"the cat saw a dog\",\"split\":\"train\",\"own\":7}\n{\"prompt\":\"a hen sat\",\"split\":\"test\"}\n",
		  NULL },
	};
	struct training_question q;

	training_begin(&q, TINY "llama-tied");
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char name[40], out[200], text_arg[200], *path;
		struct table *t;
		struct err err;

		snprintf(name, sizeof name, "split%zu.jsonl", i);
		path = scratch_file(name, files[i].text, strlen(files[i].text));
		snprintf(text_arg, sizeof text_arg, "corpus=%s", path);
		snprintf(out, sizeof out, "out=%s.safetensors", path);
		t = training_ask(&q, "train-tuned-lens", (const char *[TRAINING_WORDS]){ text_arg, out, "steps=1", "batch=16" }, 0,
				 &err);
		CHECK_THAT(!t == !!files[i].says && (!files[i].says || strstr(err.text, files[i].says)), "%s: %s", name, err.text);
		table_unref(t);
		free(path);
	}
	training_end(&q);
}

/* Without a name, in the user's own folder, with what it is in its header. */
static void test_own_place(const char *corpus)
{
	char text_arg[200], *found = NULL;
	struct notes notes = { 0 };
	struct training_question q;
	struct weights *w;
	struct table *t;
	struct err err;

	setenv("XDG_DATA_HOME", scratch_folder(), 1);
	snprintf(text_arg, sizeof text_arg, "corpus=%s", corpus);
	training_begin(&q, TINY "llama-tied");
	t = training_ask(&q, "train-tuned-lens", (const char *[TRAINING_WORDS]){ text_arg, "steps=1", "batch=16" }, 0, &err);
	if (CHECK_THAT(t && strstr(t->footnote, "/lmscope/train-tuned-lens/llama-tied-"), "%s", t ? t->footnote : err.text))
		found = strndup(t->footnote, (size_t)(strstr(t->footnote, ".safetensors") + strlen(".safetensors") - t->footnote));
	w = found ? weights_open(found, &err) : NULL;
	CHECK_THAT(w && weights_find(w, "weight.2") && weights_find(w, "bias.0") &&
			   !strcmp(weights_metadata(w, "lmscope"), "lens") && !strcmp(weights_metadata(w, "site"), "resid_pre") &&
			   strstr(weights_metadata(w, "model"), "\"name\":\"llama-tied\""),
		   "its header says what it is %s", err.text);
	weights_free(w);
	table_unref(t);
	notes_done(&notes);
	training_end(&q);
	free(found);
}

int main(void)
{
	char *corpus = scratch_file("corpus.txt", text, sizeof text - 1);

	test_gradient(TINY "llama-tied");
	test_gradient(TINY "gpt2-odd");
	test_gradient(TINY "llama-grouped");
	test_torch("llama-tied");
	test_torch("gpt2-odd");
	test_training("llama-tied");
	test_training("gpt2-odd");
	test_step_0(corpus);
	test_resume(corpus, "kind=kl", "layers=all");
	test_resume(corpus, "kind=regression", "layers=0,-1");
	test_resume(corpus, "kind=head", "layers=1");
	test_read(corpus);
	test_refused(corpus);
	test_split();
	test_own_place(corpus);
	pool_stop();
	free(corpus);
	scratch_done();
	return tap_done();
}
