/*
 * above.c - for a metric of a layer inside nothing above that layer is computed: not by its value, not by sweeps, not by its
 * gradient. The linker counts (--wrap): each call of a layer's function comes here first.
 */
#include "engine/model/model.h"
#include "engine/numbers/pool.h"
#include "engine/run/backward.h"
#include "engine/run/forward.h"
#include "engine/run/gradient.h"
#include "engine/run/sweep.h"
#include "tests/numbers/variant.h"
#include "tests/tap.h"

static int top, within, above;

static void count(int layer)
{
	*(layer > top ? &above : &within) += 1;
}

bool __real_forward_layer(struct pass *p, int l, struct layer_sites *s, int first_row, int z_known, struct err *err);
bool __wrap_forward_layer(struct pass *p, int l, struct layer_sites *s, int first_row, int z_known, struct err *err);
bool __wrap_forward_layer(struct pass *p, int l, struct layer_sites *s, int first_row, int z_known, struct err *err)
{
	count(l);
	return __real_forward_layer(p, l, s, first_row, z_known, err);
}

bool __real_forward_last(struct pass *p, int l, struct layer_sites *s, struct err *err);
bool __wrap_forward_last(struct pass *p, int l, struct layer_sites *s, struct err *err);
bool __wrap_forward_last(struct pass *p, int l, struct layer_sites *s, struct err *err)
{
	count(l);
	return __real_forward_last(p, l, s, err);
}

void __real_backward_layer(const struct backward *b, int l, struct layer_sites *s, float *x);
void __wrap_backward_layer(const struct backward *b, int l, struct layer_sites *s, float *x);
void __wrap_backward_layer(const struct backward *b, int l, struct layer_sites *s, float *x)
{
	count(l);
	__real_backward_layer(b, l, s, x);
}

static void counted(const char *spec, const char *what, int least)
{
	CHECK_THAT(above == 0 && within >= least, "%s: %s computes %d layers up to its own and %d above", spec, what, within,
		   above);
	within = above = 0;
}

enum { VARIANTS = 7 };

static void check_metric(const struct run *run, const char *spec)
{
	static const char *const lines[VARIANTS] = { "embed 0 @2 zero",	   "head 0.1 zero",	   "mlp_out 0 @3.. scale 2",
						     "head 1.0 @1.. zero", "attn_out 2 @2.. zero", "resid_post 3 zero",
						     "head 3.2 zero" };
	struct arena *arena = arena_new();
	struct sweep_variant v[VARIANTS];
	struct metric m = { 0 };
	struct gradient *g;
	struct err err = { 0 };
	double value[VARIANTS], plain;

	top = run->model->config.L; /* resolving is not counted */
	for (int i = 0; i < VARIANTS; i++)
		v[i] = variant_of(&lines[i], 1, arena);
	if (CHECK_THAT(metric_resolve(spec, run, &m, NULL, &err), "%s %s", spec, err.text)) {
		top = metric_layer(&m, &run->model->config);
		within = above = 0;
		CHECK(metric_value(&m, run, run, &plain, NULL, &err));
		counted(spec, "its value", 0);
		CHECK_THAT(sweep_metric(run, run, NULL, &m, v, VARIANTS, value, NULL, &err), "%s %s", spec, err.text);
		counted(spec, "a sweep", top + 1);
		CHECK_THAT(value[5] == plain && value[6] == plain, "%s: %g, and edits above leave it %g and %g", spec, plain,
			   value[5], value[6]);
		CHECK_THAT(value[0] != plain, "%s: %g, and edits below do not, %g", spec, plain, value[0]);
		CHECK_THAT((g = gradient_new(run, &m, run, 0, NULL, &err)) != NULL, "%s %s", spec, err.text);
		counted(spec, "its gradient", top + 1);
		gradient_unref(g);
	}
	metric_done(&m);
	arena_free(arena);
}

int main(void)
{
	static const char *const specs[] = { "neuron 1.3",
					     "neuron_pre 2.5 @4",
					     "norm resid_post 0",
					     "norm attn_out 2",
					     "scores 1.1 @5<3",
					     "pattern 2.0 @5<3",
					     "lens #300 resid_mid 1",
					     "part head 1.2 of logit #300",
					     "part pattern 2.1 @5<2 of logit #300",
					     "part mlp_out 0 of scores 2.1 @5<2" };
	static const int32_t ids[] = { 1, 300, 400, 500, 300, 400 };
	struct err err = { 0 };
	struct model *m = model_open("models/demo", NULL, NULL, &err);
	struct run *run = m ? run_new(&(struct run_order){ .model = m, .tokens = ids, .T = 6 }, NULL, &err) : NULL;

	if (CHECK_THAT(run && m->config.L == 4, "the demo model runs %s", err.text))
		for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
			check_metric(run, specs[i]);
	run_unref(run);
	model_free(m);
	pool_stop();
	return tap_done();
}
