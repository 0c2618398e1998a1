/*
 * experts.c - identities of mixtures: experts' writes sum to the MLP's, an expert that is zero writes nothing, a forbidden one is
 * not chosen, a metric of the router is its logit and linear in the stream, and a sweep's cell is the single run, bit for bit.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/run/experts.h"
#include "engine/run/reading.h"
#include "engine/run/sweep.h"
#include "tests/tap.h"
#include "tests/numbers/variant.h"

enum { T = 9 };

static struct run *make(const struct run *base, const struct model *m, const int32_t *ids, const char *edit)
{
	struct err err = { 0 };
	struct run_order order = {
		.model = m, .tokens = ids, .T = T, .edits = &edit, .edit_count = edit ? 1 : 0, .unedited = base
	};
	struct run *r = run_new(&order, NULL, &err);

	CHECK_THAT(r, "%s runs%s%s %s", m->name, edit ? " with " : "", edit ? edit : "", err.text);
	return r;
}

static void check_sum(const struct run *r, int layer, int position)
{
	const struct config *c = &r->model->config;
	float *sum = calloc((size_t)c->D, sizeof *sum), *x = calloc((size_t)c->D, sizeof *x);

	run_shared(r, layer, position, sum);
	for (int e = 0; e < c->experts.X; e++) {
		run_expert(r, layer, e, position, x);
		for (int i = 0; i < c->D; i++)
			sum[i] += x[i];
	}
	CHECK_NEAR(sum, run_at(r, SITE_MLP_OUT, layer, position), c->D, 1e-5, "%s: experts of layer %d sum to its write",
		   r->model->name, layer);
	free(sum);
	free(x);
}

static void check_edits(const struct run *r, const int32_t *ids, int layer)
{
	const struct config *c = &r->model->config;
	const int first = (int)r->layer[layer]->expert_chosen[(T - 1) * c->experts.chosen];
	float *x = calloc((size_t)c->D, sizeof *x);
	char line[64];
	struct run *zero, *forbidden;

	snprintf(line, sizeof line, "expert %d.%d zero", layer, first);
	zero = make(r, r->model, ids, line);
	snprintf(line, sizeof line, "expert %d.%d forbid", layer, first);
	forbidden = make(r, r->model, ids, line);
	if (zero && forbidden) {
		double size = 0;

		run_expert(zero, layer, first, T - 1, x);
		for (int i = 0; i < c->D; i++)
			size += fabs((double)x[i]);
		CHECK_THAT(size == 0 && run_choice(zero, layer, first, T - 1) >= 0,
			   "%s: an expert that is zero is chosen and writes nothing", r->model->name);
		CHECK_THAT(run_choice(forbidden, layer, first, T - 1) < 0, "%s: a forbidden one is not chosen", r->model->name);
		check_sum(zero, layer, T - 1);
		check_sum(forbidden, layer, T - 1);
	}
	run_unref(zero);
	run_unref(forbidden);
	free(x);
}

static void check_metric(const struct run *r, int layer)
{
	struct err err = { 0 };
	struct arena *arena = arena_new();
	char spec[64];
	struct metric m;
	struct reading reading;
	double value = NAN, sum = 0;

	snprintf(spec, sizeof spec, "router %d.1 @-2", layer);
	if (CHECK_THAT(metric_resolve(spec, r, &m, NULL, &err) && metric_value(&m, r, r, &value, NULL, &err), "%s: %s %s",
		       r->model->name, spec, err.text) &&
	    CHECK_THAT(reading_init(&reading, &m, r, arena, &err), "%s: %s is read %s", r->model->name, spec, err.text)) {
		CHECK_THAT(value == (double)run_at(r, SITE_ROUTER_LOGITS, layer, T - 2)[1], "%s: %s is the logit", r->model->name,
			   spec);
		sum = reading_share(&reading, T - 2, run_at(r, reading.site, reading.layer, T - 2), r->model->config.D);
		for (int i = 0; i < reading.constants; i++)
			sum += reading.constant[i].share;
		CHECK_THAT(fabs(sum - value) < 1e-5 * fmax(1, fabs(value)), "%s: %s %.7g is read of the stream, %.7g",
			   r->model->name, spec, value, sum);
	}
	arena_free(arena);
}

static void check_sweep(const struct run *r, const int32_t *ids, int layer)
{
	static const char *const ops[] = { "zero", "forbid", "@-1 force", "@3.. scale -1", "mean", "bias 1.5" };
	enum { N = sizeof ops / sizeof *ops };
	struct err err = { 0 };
	struct arena *arena = arena_new();
	struct sweep_variant v[N];
	struct metric m;
	char line[N][64];
	const char *words[N];
	double value[N];
	int wrong = 0;

	for (int i = 0; i < N; i++) {
		snprintf(line[i], sizeof line[i], "expert %d.%d %s", layer, i % r->model->config.experts.X, ops[i]);
		words[i] = line[i];
		v[i] = variant_of(words + i, 1, arena);
	}
	if (CHECK_THAT(metric_resolve("logit #5", r, &m, NULL, &err) && sweep_metric(r, r, NULL, &m, v, N, value, NULL, &err),
		       "%s: %s", r->model->name, err.text))
		for (int i = 0; i < N; i++) {
			struct run *one = make(r, r->model, ids, words[i]);
			double single = NAN;

			wrong += !one || !metric_value(&m, one, r, &single, NULL, &err) || single != value[i];
			run_unref(one);
		}
	CHECK_THAT(!wrong, "%s: %d cells of a sweep over experts of layer %d are the single runs", r->model->name, N - wrong,
		   layer);
	arena_free(arena);
}

static void check_model(const char *folder)
{
	struct err err = { 0 };
	struct model *m = model_open(folder, NULL, NULL, &err);
	int32_t ids[T];
	struct run *r;

	if (!CHECK_THAT(m, "%s opens %s", folder, err.text))
		return;
	for (int t = 0; t < T; t++)
		ids[t] = (11 + 7 * t) % m->config.V;
	r = make(NULL, m, ids, NULL);
	for (int l = 0; r && l < m->config.L; l++) {
		if (!config_mixes(&m->config, l))
			continue;
		check_sum(r, l, 0);
		check_sum(r, l, T - 1);
		check_edits(r, ids, l);
		check_metric(r, l);
		check_sweep(r, ids, l);
	}
	run_unref(r);
	model_free(m);
}

int main(void)
{
	static const char *const names[] = { "mixtral",	    "mixtral-one",     "qwen2_moe",	  "qwen2_moe-dense", "qwen3_moe",
					     "olmoe",	    "qwen3_moe-dense", "olmoe-unclipped", "phimoe",	     "phimoe-plain",
					     "granitemoe",  "granitemoe-bias", "glm4_moe",	  "glm4_moe-plain",  "dots1",
					     "dots1-plain", "ernie4_5_moe",    "lfm2_moe" };
	char folder[200];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(folder, sizeof folder, "tests/fixtures/families/%s", names[i]);
		check_model(folder);
	}
	return tap_done();
}
