/*
 * openblas.c - LMSCOPE_GEMM=openblas: the same sites and logits as with our own kernels, to 1e-5 of their scale, but by other
 * additions; and the same tables, of which some are small differences of large numbers. With weights that are kept, and with
 * weights that are read from the file at each use.
 */
#include <stdlib.h>

#include "engine/model/model.h"
#include "engine/numbers/blas.h"
#include "engine/run/run.h"
#include "engine/session/session.h"
#include "tests/tap.h"
#include "tests/unit_file.h"

enum { T = 21 };

static const double tolerance = 1e-5, of_tables = 5e-5;

static const char *const models[] = { "tests/fixtures/tiny/llama-grouped",    "tests/fixtures/tiny/gpt2-odd",
				      "tests/fixtures/families/gemma2",	      "tests/fixtures/families/bloom",
				      "tests/fixtures/families/falcon-7b",    "tests/fixtures/families/phi",
				      "tests/fixtures/gguf/llama-mixed.gguf", NULL };

static void choose(bool openblas)
{
	if (openblas)
		setenv("LMSCOPE_GEMM", "openblas", 1);
	else
		unsetenv("LMSCOPE_GEMM");
}

/*
 * The largest difference, of the largest value or of `least`: what cancels to less is rounding. A number here and none there is
 * infinitely far.
 */
static double gap(const float *a, const float *b, size_t n, double least)
{
	double worst = 0, scale = least;

	for (size_t i = 0; i < n; i++) {
		if (isfinite(a[i]) != isfinite(b[i]))
			return INFINITY;
		if (!isfinite(a[i]))
			continue;
		worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
		scale = fmax(scale, fabs((double)a[i]));
	}
	return worst / scale;
}

/* ---- sites ---- */

/* Copies a site of all layers; its floats. */
static size_t collect(struct run *r, enum site site, float *out)
{
	const struct config *c = &r->model->config;
	size_t n = 0, width = site == SITE_PATTERN ? T : run_width(c, site);
	int units = site == SITE_PATTERN ? c->H : 1;

	for (int l = 0; l < c->L; l++)
		for (int t = 0; t < T; t++)
			for (int u = 0; u < units; u++, n += width)
				if (out)
					memcpy(out + n, site == SITE_PATTERN ? run_pattern(r, l, u, t) : run_at(r, site, l, t),
					       width * sizeof *out);
	return n;
}

static double site_gap(struct run *own, struct run *other, enum site site, bool *same)
{
	size_t n = collect(own, site, NULL);
	float *a = malloc((n + 1) * sizeof *a), *b = malloc((n + 1) * sizeof *b);
	double worst;

	collect(own, site, a);
	collect(other, site, b);
	worst = gap(a, b, n, 1e-30);
	*same = *same && !memcmp(a, b, n * sizeof *a);
	free(a);
	free(b);
	return worst;
}

static struct run *run_of(struct model **m, const char *path, bool openblas)
{
	struct err err = { 0 };
	int32_t tokens[T];
	struct run_order order = { .tokens = tokens, .T = T };
	struct run *r = NULL;

	choose(openblas);
	order.model = *m = model_open(path, NULL, NULL, &err);
	for (int t = 0; *m && t < T; t++)
		tokens[t] = t * 7 % (*m)->config.V;
	if (*m)
		r = run_new(&order, NULL, &err);
	CHECK_THAT(!!r, "%s %s", path, err.text);
	return r;
}

static void check_run(const char *path, const char *how)
{
	struct model *m[2];
	struct run *own = run_of(&m[0], path, false), *other = run_of(&m[1], path, true);
	float *logits[2];
	struct err err = { 0 };
	double worst = 0;
	bool same = true;

	if (own && other) {
		size_t n = (size_t)T * (size_t)m[0]->config.V;

		for (enum site site = 0; site < SITE_COUNT; site++)
			if (site_table[site].stored && run_has(own, site))
				worst = fmax(worst, site_gap(own, other, site, &same));
		for (int i = 0; i < 2; i++) {
			logits[i] = malloc(n * sizeof **logits);
			choose(i);
			CHECK(run_logits(i ? other : own, 0, T, logits[i], NULL, &err));
		}
		CHECK_THAT(worst < tolerance, "%s, %s: every site, %.2g", path, how, worst);
		worst = gap(logits[0], logits[1], n, 1e-30);
		CHECK_THAT(worst < tolerance && !same, "%s, %s: logits, %.2g, by other additions", path, how, worst);
		free(logits[0]);
		free(logits[1]);
	}
	run_unref(own);
	run_unref(other);
	model_free(m[0]);
	model_free(m[1]);
}

/* ---- techniques ---- */

static struct table *answer(struct session *s, const char *path, const struct analysis *a, bool openblas)
{
	struct err err = { 0 };
	struct job job;
	struct table *t = NULL;

	choose(openblas);
	job_init(&job);
	job_set(&job.model, path);
	job_set(&job.prompt, "one two three two one");
	job_set(&job.foil, "one three two two one");
	job_add_edit(&job, "head 0.1 scale 0.5");
	job_pane_init(&job.pane[job.panes++], a);
	if (session_prepare(s, &job, NULL, NULL, &err)) {
		unit_file_arguments(&job, &session_model(s)->config, "tests/fixtures/edits/own.txt");
		if (session_prepare(s, &job, NULL, NULL, &err))
			t = session_answer(s, 0, NULL, NULL, &err);
	}
	CHECK_THAT(!!t, "%s %s %s", path, a->name, err.text);
	job_done(&job);
	return t;
}

static void check_techniques(const char *path)
{
	struct session *own = session_new(), *other = session_new();

	for (int i = 0; analysis_list[i]; i++) {
		if (analysis_list[i]->needs & NEEDS_EXPERTS)
			continue; /* these models have none */
		struct table *a = answer(own, path, analysis_list[i], false), *b = answer(other, path, analysis_list[i], true);
		size_t n = a ? (size_t)a->rows.n * (size_t)a->cols.n : 0;
		double apart =
			a && b && a->rows.n == b->rows.n && a->cols.n == b->cols.n ? gap(a->value, b->value, n, 0.01) : INFINITY;

		CHECK_THAT(apart < of_tables, "%s: %s, %.2g", path, analysis_list[i]->name, apart);
		table_unref(a);
		table_unref(b);
	}
	session_free(own);
	session_free(other);
}

int main(void)
{
	struct err err = { 0 };

	if (!CHECK_THAT(blas_load(&err), "it is loaded %s", err.text))
		return tap_done();
	for (int i = 0; models[i]; i++) {
		check_run(models[i], "packed");
		matrix_low_memory(true);
		check_run(models[i], "low memory");
		matrix_low_memory(false);
		check_techniques(models[i]);
	}
	choose(false);
	scratch_done();
	return tap_done();
}
