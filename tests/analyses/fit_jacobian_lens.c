/*
 * fit_jacobian_lens.c - matrices of a file against means over its prompts that are made one by one; a fit that was stopped and
 * resumed against one that was not, bit for bit; what is passed over, and what is refused. Those of one prompt: jacobian_lens.c.
 */
#include <math.h>

#include "engine/analysis/jacobian.h"
#include "engine/run/corpus.h"
#include "engine/run/lens_file.h"
#include "tests/analyses/training.h"
#include "tests/scratch.h"

#define MODEL "tests/fixtures/tiny/llama-tied"
enum { FIRST = 2, PROMPTS = 3 };
/* The second line is too short to count. */
static const char text[] = "the cat saw a dog and the hen sat on a mat\nthe cat\nthe dog had a hat\nthe bird was in a barn\n";

static const char *const question[] = { "first=2", "prompts=5", "length=9" };

static void take_channel(void *context, int i, float *w)
{
	(void)context;
	w[i] = 1;
}

struct fit_sum {
	size_t D;
	double *J; /* [L-1, D, D] */
};

static void add_row(void *context, int i, int layer, const float *row, const float *d)
{
	const struct fit_sum *s = context;

	(void)d;
	for (size_t k = 0; k < s->D; k++)
		s->J[((size_t)layer * s->D + (size_t)i) * s->D + k] += (double)row[k];
}

/* The sum over all windows that count, of which there are *n. */
static double *sum_of(const struct model *m, const char *path, int *n)
{
	const size_t D = (size_t)m->config.D, all = (size_t)(m->config.L - 1) * D * D;
	struct fit_sum s = { D, calloc(all, sizeof(double)) };
	const struct jacobian_rows rows = { FIRST, (int)D, take_channel, add_row, &s };
	struct err err = { 0 };
	struct corpus *c = corpus_open(path, m, 9, &err);
	struct corpus_window w;

	for (*n = 0; c && corpus_next(c, &w, &err) && w.n;) {
		struct run *r;

		if (!jacobian_positions(w.n, FIRST))
			continue;
		r = run_new(&(struct run_order){ .model = m, .tokens = w.tokens, .T = w.n }, NULL, &err);
		CHECK_THAT(r && jacobian_make(r, &rows, NULL, &err), "a prompt %s", err.text);
		run_unref(r);
		++*n;
	}
	corpus_close(c);
	return s.J;
}

static void check_means(const char *path, const char *corpus)
{
	struct err err = { 0 };
	struct model *m = model_open(MODEL, NULL, NULL, &err);
	struct lens *lens = asset_jacobian.open(path, &err);
	const size_t D = m ? (size_t)m->config.D : 0;
	double worst = 0, size = 0, *sum;
	int n;

	if (!CHECK_THAT(m && lens && lens->jacobian && lens->L == m->config.L && asset_jacobian.fits(lens, m, path, NULL, &err),
			"reads back %s", err.text))
		return;
	sum = sum_of(m, corpus, &n);
	for (int l = 0; l < m->config.L - 1; l++)
		for (size_t i = 0; i < D * D; i++) {
			const double J = (double)((const float *)(const void *)lens->weight[l].data)[i];

			worst = fmax(worst, fabs(J - sum[(size_t)l * D * D + i] / n));
			size = fmax(size, fabs(J));
		}
	CHECK_THAT(n > PROMPTS && worst < 1e-6 * size && size > 0.1, "means over %d prompts: %g of %g", n, worst, size);
	CHECK_THAT(!lens_has(lens, m->config.L - 1), "the last layer has none");
	asset_jacobian.free(lens);
	model_free(m);
	free(sum);
}

static void check_resume(const char *corpus_arg, const char *whole)
{
	char *parts = scratch_path("parts.safetensors"), *part = scratch_path("parts.safetensors.part"), out[200];
	struct training_question q;
	struct table *t = NULL;
	struct err err;
	int stops = 0;

	snprintf(out, sizeof out, "out=%s", parts);
	training_begin(&q, MODEL);
	for (int stop = 40; !t && stops < 100; stop = 40 + stops * 13 % 60, stops++) {
		t = training_ask(&q, "fit-jacobian-lens",
				 (const char *[TRAINING_WORDS]){ corpus_arg, out, question[0], question[1], question[2] }, stop,
				 &err);
		if (!t && err.kind != ERR_CANCELLED)
			break;
	}
	CHECK_THAT(t && stops > 2 && !file_exists(part) && check_holds(&t->check), "stopped %d times %s", stops, err.text);
	CHECK_THAT(training_same_files(whole, parts), "the same file, bit for bit");
	table_unref(t);
	training_end(&q);
	free(part);
	free(parts);
}

static void check_refused(const char *corpus_arg, const char *out)
{
	struct training_question q;
	struct err err;

	training_begin(&q, MODEL);
	CHECK_THAT(!training_ask(&q, "fit-jacobian-lens", (const char *[TRAINING_WORDS]){ out }, 0, &err) &&
			   strstr(err.text, "corpus=FILE"),
		   "%s", err.text);
	CHECK_THAT(!training_ask(&q, "fit-jacobian-lens", (const char *[TRAINING_WORDS]){ corpus_arg, "out=/tmp/never" }, 0,
				 &err) &&
			   strstr(err.text, "no prompt is left"),
		   "%s", err.text);
	CHECK_THAT(!training_ask(&q, "fit-jacobian-lens", (const char *[TRAINING_WORDS]){ corpus_arg, out, "first=1" }, 0, &err) &&
			   strstr(err.text, "another question"),
		   "%s", err.text);
	CHECK_THAT(!training_ask(&q, "fit-jacobian-lens",
				 (const char *[TRAINING_WORDS]){ corpus_arg, "out=/tmp/never", question[0], "layers=-1" }, 0,
				 &err) &&
			   strstr(err.text, "the identity"),
		   "%s", err.text);
	training_end(&q);
}

static void check_used(const char *path)
{
	char lens[200];
	struct training_question q;
	struct table *t;
	struct err err;

	snprintf(lens, sizeof lens, "lens=%s", path);
	training_begin(&q, MODEL);
	t = training_ask(&q, "jacobian-lens", (const char *[TRAINING_WORDS]){ lens }, 0, &err);
	CHECK_THAT(t && check_holds(&t->check) && t->check.name && strstr(t->footnote, "5 of 5 steps"), "jacobian-lens reads it %s",
		   err.text);
	table_unref(t);
	t = training_ask(&q, "tuned-lens", (const char *[TRAINING_WORDS]){ lens }, 0, &err);
	CHECK_THAT(!t && strstr(err.text, "this is no lens"), "tuned-lens does not: %s", err.text);
	training_end(&q);
}

int main(void)
{
	char *corpus = scratch_file("text.txt", text, sizeof text - 1), *whole = scratch_path("whole.safetensors"), out[200],
	     corpus_arg[200];
	struct training_question q;
	struct table *t;
	struct err err;

	snprintf(out, sizeof out, "out=%s", whole);
	snprintf(corpus_arg, sizeof corpus_arg, "corpus=%s", corpus);
	training_begin(&q, MODEL);
	t = training_ask(&q, "fit-jacobian-lens",
			 (const char *[TRAINING_WORDS]){ corpus_arg, out, question[0], question[1], question[2] }, 0, &err);
	if (CHECK_THAT(t && t->cols.n == 2 && t->value[0] == 5 && t->value[1] > 0 && t->value[1] < 1, "fits %s", err.text)) {
		CHECK_THAT(t->check.name && check_holds(&t->check) && fabs(t->check.actual) > 0.05, "%s: %g, %g", t->check.name,
			   t->check.expected, t->check.actual);
		check_means(whole, corpus);
		check_resume(corpus_arg, whole);
		check_refused(corpus_arg, out);
		check_used(whole);
	}
	table_unref(t);
	training_end(&q);
	free(corpus);
	free(whole);
	scratch_done();
	return tap_done();
}
