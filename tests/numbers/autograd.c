/*
 * autograd.c - gradients at every site of tiny models against PyTorch's: tests/fixtures/gradients, made by
 * tests/reference/make_gradients.py.
 */
#include <math.h>

#include "engine/model/files/weights.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/gradient_fixture.h"

/* A site's gradient at every position: [T, width], or [H, T, T]. */
static size_t collect(const struct gradient *g, enum site site, int layer, float *out)
{
	const struct config *c = &g->run->model->config;
	const struct place whole = place_at(site, layer, -1, -1);
	size_t T = (size_t)g->run->T, from, width = place_slice(&whole, c, &from), at = 0;

	for (int h = 0; site == SITE_PATTERN && h < c->H; h++)
		for (size_t t = 0; t < T; t++, at += T)
			memcpy(out + at, gradient_pattern(g, layer, h, (int)t), T * sizeof *out);
	for (size_t t = 0; site != SITE_PATTERN && t < T; t++, at += width)
		memcpy(out + at, gradient_at(g, site, layer, (int)t), width * sizeof *out);
	return at;
}

/* Autograd says something of weights on later keys, which softmax holds at zero: they are not sites of ours. */
static void hide_later_keys(float *x, size_t n, int T)
{
	for (size_t i = 0; i < n; i++)
		if (i % (size_t)T > i / (size_t)T % (size_t)T)
			x[i] = 0;
}

static void compare_tensors(const struct gradient *g, const struct weights *expected, int question, int sites, const char *what)
{
	int compared = 0, near = 0;
	double worst = 0;
	char worst_at[100] = "";

	for (size_t i = 0; i < weights_tensors(expected); i++) {
		const struct tensor *t = weights_tensor(expected, i);
		size_t n = tensor_count(t);
		float *want, *got;
		double scale = 1e-12, gap = 0;
		int which, layer;
		char name[64];

		if (sscanf(t->name, "%d.blocks.%d.%63s", &which, &layer, name) != 3 || which != question)
			continue;
		want = calloc(n, sizeof *want);
		got = calloc(n + 100000, sizeof *got);
		tensor_expand(t, want);
		if (site_find(name) == SITE_PATTERN)
			hide_later_keys(want, n, g->run->T);
		compared++;
		if (collect(g, site_find(name), layer, got) == n) {
			for (size_t j = 0; j < n; j++) {
				scale = fmax(scale, fabs((double)want[j]));
				gap = fmax(gap, isnan(got[j]) ? INFINITY : fabs((double)got[j] - (double)want[j]));
			}
			near += gap <= 1e-4 * scale;
			if (gap / scale > worst) {
				worst = gap / scale;
				snprintf(worst_at, sizeof worst_at, "%s", t->name);
			}
		}
		free(want);
		free(got);
	}
	CHECK_THAT(compared == sites && near == sites, "%s: %d of %d gradients are PyTorch's, gap at most %.2g (%s)", what, near,
		   sites, worst, worst_at);
}

/* What is called the input: its gradient's length at each position, and the gradient times the input. */
static void check_input(const struct gradient_fixture *f, const struct gradient *g, const struct json_value *question,
			const char *what)
{
	const size_t D = (size_t)f->model->config.D;
	float product[MOST_IDS], length[MOST_IDS], want_length[MOST_IDS], *d = xmalloc(2 * D * sizeof *d), *x = d + D;
	const struct json_value *products = json_get(question, "input_products"), *lengths = json_get(question, "input_lengths");
	double number = NAN, size, worst = 0;

	for (int t = 0; t < f->T; t++) {
		gradient_input(g, t, d);
		model_input(f->model, f->ids[t], x);
		length[t] = kernel_norm2(d, D);
		json_double(json_at(lengths, (size_t)t), &number);
		want_length[t] = (float)number;
		/* a norm right after it leaves next to nothing of the product */
		size = (double)kernel_norm2(x, D) * number + 1e-30;
		product[t] = (float)((double)kernel_dot(d, x, D) / size);
		json_double(json_at(products, (size_t)t), &number);
		worst = fmax(worst, fabs((double)product[t] - number / size));
	}
	if (CHECK_THAT((int)json_count(products) == f->T && (int)json_count(lengths) == f->T, "%s: PyTorch has as many inputs",
		       what)) {
		CHECK_THAT(worst < 1e-5, "%s: gradient × input, within %.2g of the lengths' product", what, worst);
		CHECK_NEAR(length, want_length, f->T, 1e-4, "%s: the gradient's length at the input", what);
	}
	free(d);
}

static void check_torch_question(struct gradient_fixture *f, const struct json_value *question, int i,
				 const struct weights *expected)
{
	const char *spec = json_text(json_get(question, "metric")), *edits[EDITS] = { NULL };
	struct err err = { 0 };
	struct metric metric;
	struct gradient *g = NULL;
	struct run *r;
	double want = NAN, value = NAN;
	int64_t sites = 0;
	char what[100];

	for (size_t e = 0; e < json_count(json_get(question, "edits")); e++)
		edits[e] = json_text(json_at(json_get(question, "edits"), e));
	json_double(json_get(question, "value"), &want);
	json_int(json_get(question, "sites"), &sites);
	r = make_run(f, f->ids, edits);
	snprintf(what, sizeof what, "%s %s, %zu edits", f->name, spec, json_count(json_get(question, "edits")));
	if (r && metric_resolve(spec, f->unedited, &metric, NULL, &err) &&
	    metric_value(&metric, r, f->unedited, &value, NULL, &err))
		g = gradient_new(r, &metric, f->unedited, 0, NULL, &err);
	CHECK_THAT(g && fabs(value - want) < 1e-4 * fmax(1, fabs(want)), "%s: %.6g is %.6g %s", what, value, want, err.text);
	if (g)
		check_input(f, g, question, what);
	if (g)
		compare_tensors(g, expected, i, (int)sites, what);
	gradient_unref(g);
	run_unref(r);
}

static void check_torch(const char *file)
{
	struct err err = { 0 };
	char path[500];
	struct gradient_fixture f = { .name = file };
	struct json *doc;
	struct weights *expected;
	const struct json_value *questions;

	snprintf(path, sizeof path, "tests/fixtures/gradients/%s.json", file);
	doc = json_open(path, 0, &err);
	snprintf(path, sizeof path, "tests/fixtures/gradients/%s.safetensors", file);
	expected = weights_open(path, &err);
	if (CHECK_THAT(doc && expected, "%s has gradients %s", file, err.text) &&
	    open_fixture(&f, json_text(json_get(json_root(doc), "model")))) {
		questions = json_get(json_root(doc), "questions");
		for (size_t i = 0; i < json_count(questions); i++)
			check_torch_question(&f, json_at(questions, i), (int)i, expected);
	}
	close_fixture(&f);
	weights_free(expected);
	json_free(doc);
}

int main(void)
{
	static const char *const torch[] = { "glm4_moe",
					     "glm4_moe-plain",
					     "dots1",
					     "ernie4_5_moe",
					     "phimoe",
					     "lfm2",
					     "lfm2-bias",
					     "lfm2_moe",
					     "granitemoe",
					     "mixtral",
					     "qwen2_moe",
					     "qwen2_moe-dense",
					     "qwen3_moe",
					     "olmoe",
					     "gpt2-tied",
					     "gpt2-odd",
					     "llama-grouped",
					     "gemma2",
					     "gemma3",
					     "gpt_neox",
					     "olmo",
					     "olmo2",
					     "cohere-qk",
					     "bloom",
					     "falcon-7b",
					     "opt",
					     "gpt_neo",
					     "olmo3",
					     "ministral3",
					     "apertus",
					     "gpt_bigcode",
					     "codegen",
					     "bloom-post",
					     "opt-post",
					     "opt-project",
					     "exaone4",
					     "glm4",
					     "cohere2",
					     "mpt" };

	for (size_t i = 0; i < sizeof torch / sizeof *torch; i++)
		check_torch(torch[i]);
	scratch_done();
	pool_stop();
	return tap_done();
}
