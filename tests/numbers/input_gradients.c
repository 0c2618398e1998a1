/*
 * input_gradients.c - variants of a run that differ in their inputs: values and gradients together against one run and one gradient
 * after the other, bit for bit, in every family, for every kind of metric, under edits; and the slope along a direction as a
 * difference of values.
 */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/big.h"
#include "engine/model/model.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "engine/run/gradient.h"
#include "engine/run/input_gradient.h"
#include "engine/run/sweep.h"
#include "tests/tap.h"

enum { VARIANTS = 5, EDITS = 8 };

static const char *const edit_sets[][EDITS] = {
	{ NULL },
	{ "embed @3 noise 0.5 1", "embed @5 scale 2", "embed @1 zero", "attn_out 0 @3 scale 2", "mlp_pre 1 @5 scale 0.7", NULL },
	{ "pattern 0.1 @4 scale 0.5", "scores 1.1 @6<2 mask", "head 1.0 @5 scale -1", "z 0.0 @4 scale 1.5", "k 1.0 @2 zero",
	  "ln1 1 freeze", "resid_post 0 @3 scale 0.5", NULL },
	{ "embed @2..4 mean", "resid_pre 1 @2 scale 0.5", "neuron 0.3 scale -2", "ln_final @3.. freeze", NULL },
};

static const char *const metrics[] = { "logit #5",
				       "logprob #7",
				       "logit_diff #3 #9",
				       "entropy",
				       "loss",
				       "kl",
				       "logit #4 @-3",
				       "kl @-2",
				       "neuron 1.7",
				       "neuron_pre 0.3 @-2",
				       "scores 1.1 @6<3",
				       "pattern 0.0 @5<2",
				       "norm resid_post 0",
				       "norm embed 0",
				       "lens #5 resid_mid 1",
				       "part head 1.0 of logit #5",
				       "part mlp_out 0 of logit #5" };

struct variants_question {
	const char *name;
	const struct run *run, *unedited;
	struct metric metric;
	unsigned frozen;
	int taken, alike, same_values;
	double worst;
};

/* -1 … 1, the same on every machine. */
static float noise(unsigned state)
{
	for (int i = 0; i < 3; i++)
		state = state * 1664525u + 1013904223u;
	return (float)(state >> 8) / (float)(1 << 23) - 1;
}

/* Variant 0 is the run as it is. */
static void move(void *context, int i, float *x)
{
	const struct variants_question *q = context;
	const size_t n = (size_t)q->run->T * (size_t)q->run->model->config.D;
	const float size = kernel_norm2(x, n) / sqrtf((float)n);

	for (size_t k = 0; k < n; k++)
		x[k] += (float)i * 0.2f * size * noise((unsigned)k * 31 + (unsigned)i);
}

static struct run *alone(const struct variants_question *q, int i)
{
	const struct run *r = q->run;
	const size_t D = (size_t)r->model->config.D;
	float *x = xmalloc((size_t)r->T * D * sizeof *x);
	struct run_order order = {
		.model = r->model, .tokens = r->tokens, .T = r->T, .base = r, .unedited = q->unedited, .input = x
	};
	struct err err = { 0 };
	struct run *one;

	for (int t = 0; t < r->T; t++)
		run_input(r, t, x + (size_t)t * D);
	move((void *)(uintptr_t)q, i, x);
	one = run_new(&order, NULL, &err);
	free(x);
	if (!one)
		CHECK_THAT(false, "%s runs: %s", q->name, err.text);
	return one;
}

static bool compare(void *context, int i, double value, const float *d)
{
	struct variants_question *q = context;
	const size_t D = (size_t)q->run->model->config.D;
	float *g = xmalloc(D * sizeof *g);
	struct err err = { 0 };
	struct run *one = alone(q, i);
	struct gradient *gradient = one && d ? gradient_new(one, &q->metric, q->unedited, q->frozen, NULL, &err) : NULL;
	double want = NAN;
	bool alike = i == q->taken && (gradient || !d);

	if (one && metric_value(&q->metric, one, q->unedited, &want, NULL, &err))
		q->same_values += fabs(value - want) <= 1e-6 * fmax(1, fabs(want));
	for (int t = 0; alike && d && t < q->run->T; t++) {
		gradient_input(gradient, t, g);
		alike = !memcmp(g, d + (size_t)t * D, D * sizeof *g);
		for (size_t k = 0; k < D; k++)
			q->worst = fmax(q->worst, fabs((double)g[k] - (double)d[(size_t)t * D + k]));
	}
	q->alike += alike;
	q->taken++;
	gradient_unref(gradient);
	run_unref(one);
	free(g);
	return true;
}

static void check_question(struct variants_question *q, const char *edits)
{
	const struct input_variants v = { VARIANTS, move, compare, q };
	struct err err = { 0 };
	bool ok = input_gradients(q->run, q->unedited, &q->metric, q->frozen, &v, NULL, &err);

	CHECK_THAT(ok && q->taken == VARIANTS && q->alike == VARIANTS,
		   "%s %s, %s: %d of %d gradients are a single run's, gap %.2g %s", q->name, q->metric.spec, edits, q->alike,
		   VARIANTS, q->worst, err.text);
	CHECK_THAT(q->same_values == VARIANTS, "%s %s, %s: %d values are", q->name, q->metric.spec, edits, q->same_values);
	q->taken = q->same_values = 0;
	ok = input_values(q->run, q->unedited, &q->metric, &v, NULL, &err);
	CHECK_THAT(ok && q->same_values == VARIANTS, "%s %s, %s: without gradients, too %s", q->name, q->metric.spec, edits,
		   err.text);
}

/* ---- one direction ---- */

struct slope_walk {
	const struct run *run;
	double step, value[4], slope;
};

static void walk_along(void *context, int i, float *x)
{
	const struct slope_walk *w = context;
	const size_t n = (size_t)w->run->T * (size_t)w->run->model->config.D;
	const float size = kernel_norm2(x, n) / sqrtf((float)n), by = (float)(i < 2 ? w->step : w->step / 2) * (i % 2 ? -1 : 1);

	for (size_t k = 0; k < n; k++)
		x[k] += by * size * noise((unsigned)k * 17);
}

static bool take_value(void *context, int i, double value, const float *d)
{
	struct slope_walk *w = context;
	const struct config *c = &w->run->model->config;
	const size_t n = (size_t)w->run->T * (size_t)c->D;
	float *x;

	w->value[i] = value;
	if (!d)
		return true;
	x = xmalloc(n * sizeof *x);
	for (int t = 0; t < w->run->T; t++)
		run_input(w->run, t, x + (size_t)t * (size_t)c->D);
	w->slope = 0;
	for (size_t k = 0; k < n; k++)
		w->slope += (double)d[k] * (double)noise((unsigned)k * 17);
	w->slope *= (double)kernel_norm2(x, n) / sqrt((double)n);
	free(x);
	return true;
}

/* Of ReLU, neurons near their kink make the difference another one's than the slope's: there it is a rough check. */
static double slope_tolerance(const struct config *c)
{
	return c->activation == ACTIVATION_RELU ? 0.15 : 3e-2;
}

static void check_slope(const struct variants_question *q)
{
	struct slope_walk w = { .run = q->run, .step = 0 };
	struct input_variants v = { 1, walk_along, take_value, &w };
	struct err err = { 0 };
	bool ok = input_gradients(q->run, q->unedited, &q->metric, 0, &v, NULL, &err);
	double coarse, fine, slope;

	w.step = 4e-3;
	v.n = 4;
	ok = ok && input_values(q->run, q->unedited, &q->metric, &v, NULL, &err);
	coarse = (w.value[0] - w.value[1]) / (2 * w.step);
	fine = (w.value[2] - w.value[3]) / w.step;
	slope = fine + (fine - coarse) / 3;
	CHECK_THAT(ok && fabs(slope - w.slope) < slope_tolerance(&q->run->model->config) * fmax(fabs(slope), 1e-2),
		   "%s %s: %.5g along a direction is a difference's %.5g", q->name, q->metric.spec, w.slope, slope);
}

/* ---- a sweep that puts inputs ---- */

static void check_sweep(const struct variants_question *q)
{
	const struct run *r = q->run;
	const size_t D = (size_t)r->model->config.D;
	const int from = 2, n = r->T - from;
	float *x = xmalloc((size_t)r->T * D * sizeof *x);
	struct place place = place_at(SITE_EMBED, 0, -1, 0);
	struct run *one = alone(q, 1);
	struct run_order order = { .model = r->model, .tokens = r->tokens, .T = r->T, .base = r, .input = x };
	struct sweep_variant variant = { .edits = 1 };
	struct edit put;
	struct err err = { 0 };
	double value = NAN, want = NAN;
	bool ok;

	for (int t = 0; t < r->T; t++)
		run_input(t < from ? r : one, t, x + (size_t)t * D);
	run_unref(one);
	one = run_new(&order, NULL, &err);
	ok = one && metric_value(&q->metric, one, q->unedited, &want, NULL, &err);
	for (int t = from; t < r->T; t++)
		run_enter(r, t, x + (size_t)t * D);
	put = edit_put(place, x + (size_t)from * D, from, n);
	variant.edit[0] = &put;
	ok = ok && sweep_metric(r, q->unedited, NULL, &q->metric, &variant, 1, &value, NULL, &err);
	CHECK_THAT(ok && value == want, "%s %s: a sweep of put inputs has %.9g, a run %.9g %s", q->name, q->metric.spec, value,
		   want, err.text);
	/* and a sweep that changes nothing about a run with inputs of its own, from its first layer on */
	put = edit_at(&place, EDIT_SCALE, r->arena);
	put.amount = 1.25f;
	order.base = one;
	order.input = NULL;
	order.more = (const struct edit *const[]){ &put };
	order.more_count = 1;
	if (ok) {
		struct run *both = run_new(&order, NULL, &err);

		ok = both && metric_value(&q->metric, both, q->unedited, &want, NULL, &err) &&
		     sweep_metric(one, q->unedited, NULL, &q->metric, &variant, 1, &value, NULL, &err);
		run_unref(both);
	}
	CHECK_THAT(ok && value == want, "%s %s: a sweep over a run with inputs of its own has %.9g, a run %.9g %s", q->name,
		   q->metric.spec, value, want, err.text);
	run_unref(one);
	free(x);
}

/* ---- families ---- */

/* Families do not have all that a line or metric is about: then it is left out. */
static struct run *edited(const struct run *unedited, const char *const *lines)
{
	const char *fits[EDITS];
	struct run_order order = {
		.model = unedited->model, .tokens = unedited->tokens, .T = unedited->T, .edits = fits, .unedited = unedited
	};
	struct err err = { 0 };
	struct run *r;

	for (; *lines; lines++)
		if (edit_check(*lines, &unedited->model->config, unedited->T, -1, &err) &&
		    (strncmp(*lines, "ln1 ", 4) || unedited->model->layers[0].ln1.there))
			fits[order.edit_count++] = *lines;
	err = (struct err){ 0 };
	r = run_new(&order, NULL, &err);
	if (!r)
		CHECK_THAT(false, "it runs: %s", err.text);
	return r;
}

/* `number` decides what is asked of it. */
static void check_model(const char *folder, const char *name, int number)
{
	enum { SETS = sizeof edit_sets / sizeof *edit_sets, METRICS = sizeof metrics / sizeof *metrics, ASKED = 3 };
	struct err err = { 0 };
	struct model *m = model_open(folder, NULL, NULL, &err);
	int32_t ids[8] = { 1, 5, 9, 2, 7, 5, 3, 8 };
	struct run_order order = { .model = m, .tokens = ids, .T = 8 };
	struct run *unedited = m ? run_new(&order, NULL, &err) : NULL;

	if (!CHECK_THAT(unedited, "%s runs %s", name, err.text))
		return;
	for (int set = 0; set < SETS; set++) {
		struct run *r = edited(unedited, edit_sets[set]);

		for (int i = 0; r && i < ASKED; i++) {
			struct variants_question q = {
				.name = name, .run = r, .unedited = unedited, .frozen = (unsigned)(number + i) % 4
			};
			const char *spec = metrics[(number * 5 + set * ASKED + i) % METRICS];

			if (metric_resolve(spec, unedited, &q.metric, NULL, &err)) {
				check_question(&q, set ? edit_sets[set][0] : "unedited");
				if (!set && i == 0 && q.metric.kind != METRIC_KL) /* of a run with itself: flat */
					check_slope(&q);
				if (i == 1)
					check_sweep(&q);
				metric_done(&q.metric);
			}
			err = (struct err){ 0 };
		}
		run_unref(r);
	}
	run_unref(unedited);
	model_free(m);
}

static int check_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir))) {
		char path[500];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		check_model(path, entry->d_name, entry->d_name[0] + 3 * entry->d_name[2] + (int)strlen(entry->d_name));
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* ---- memory, and stopping ---- */

static bool stop_at_three(void *context, int i, double value, const float *d)
{
	int *taken = context;

	(void)value, (void)d;
	*taken = i + 1;
	return i < 2;
}

static void stay(void *context, int i, float *x)
{
	(void)context, (void)i, (void)x;
}

static void check_memory(void)
{
	struct err err = { 0 };
	struct model *m = model_open("tests/fixtures/tiny/llama-grouped", NULL, NULL, &err);
	int32_t ids[40];
	struct run_order order = { .model = m, .tokens = ids, .T = 40 };
	struct metric metric;
	struct run *run;
	int taken = 0;
	const struct input_variants v = { 64, stay, stop_at_three, &taken };
	size_t before;

	for (int i = 0; i < 40; i++)
		ids[i] = i % 9;
	run = m ? run_new(&order, NULL, &err) : NULL;
	if (!CHECK_THAT(run && metric_resolve("logit #3", run, &metric, NULL, &err), "it runs %s", err.text))
		return;
	before = big_used();
	big_watch();
	CHECK_THAT(input_gradients(run, run, &metric, 0, &v, NULL, &err) && taken == 3, "it ends after %d variants", taken);
	CHECK_THAT(input_together(run, &metric) > 1 && big_used() == before, "%d together, and memory is given back",
		   input_together(run, &metric));
	CHECK_THAT(big_most() <= 4 * before, "%.2f runs' memory at most", (double)big_most() / (double)before);
	metric_done(&metric);
	run_unref(run);
	model_free(m);
}

int main(void)
{
	int tiny = check_folder("tests/fixtures/tiny"), families = check_folder("tests/fixtures/families");

	CHECK_THAT(tiny >= 7 && families >= 38, "%d and %d models were looked at", tiny, families);
	check_memory();
	pool_stop();
	return tap_done();
}
