/* lens_plan.c - see lens_plan.h. */
#include "engine/run/lens_plan.h"

#include "engine/run/vocab.h"

size_t lens_plan_floats(const struct model *m)
{
	return (size_t)m->config.D * (size_t)m->config.D + (size_t)m->config.D;
}

int lens_plan_units(const struct lens_plan *plan, const struct model *m)
{
	return plan->layers * (plan->heads ? m->config.H : 1);
}

int lens_plan_layer(const struct lens_plan *plan, const struct model *m, int unit, int *head)
{
	*head = plan->heads ? unit % m->config.H : -1;
	return plan->layer[plan->heads ? unit / m->config.H : unit];
}

void lens_plan_maps(const struct lens_plan *plan, const struct model *m, const float *translators, struct lens *lens,
		    struct arena *arena)
{
	const int D = lens->D;
	const size_t D2 = (size_t)D * (size_t)D, maps = (size_t)lens_maps(lens);

	lens->weight = arena_alloc(arena, maps * sizeof *lens->weight);
	lens->bias = arena_alloc(arena, maps * sizeof *lens->bias);
	for (int u = 0, head; u < lens_plan_units(plan, m); u++) {
		const int layer = lens_plan_layer(plan, m, u, &head), map = lens_map_of(lens, layer, head);
		const float *x = translators + (size_t)u * lens_plan_floats(m);

		lens->weight[map] = (struct tensor){ NULL, DTYPE_F32, 2, { D, D }, (const unsigned char *)x, D2 * sizeof *x };
		lens->bias[map] = tensor_floats(NULL, x + D2, (size_t)D);
	}
}

/* What one translator makes of its rows: x[n, D]. False: the lens lacks it. */
static bool translate(const struct lens_plan *plan, const struct lens *lens, const struct run *r, int unit, int n, float *h,
		      float *x)
{
	const size_t D = (size_t)lens->D;
	int head, layer = lens_plan_layer(plan, r->model, unit, &head), map = lens_map_of(lens, layer, head);

	if (!lens_has(lens, map))
		return false;
	for (int i = 0; head >= 0 && i < n; i++)
		run_result(r, layer, head, i, h + (size_t)i * D);
	lens_apply(lens, map, head < 0 ? run_at(r, SITE_RESID_PRE, layer, 0) : h, n, x);
	return true;
}

bool lens_plan_distance(const struct lens_plan *plan, const struct lens *lens, const struct run *r, double *mean,
			struct arena *arena, struct task *task, struct err *err)
{
	const int n = r->T - plan->ahead, units = lens_plan_units(plan, r->model), last = r->model->config.L - 1;
	const size_t D = (size_t)lens->D;
	float *h = arena_floats(arena, (size_t)n * D, err), *x = arena_floats(arena, (size_t)n * D, err),
	      *kl = arena_floats(arena, (size_t)n, err);
	const struct vocab_wanted wanted = { .reference = run_at(r, SITE_RESID_POST, last, plan->ahead), .kl = kl };

	if (!h || !x || !kl)
		return false;
	*mean = 0;
	for (int u = 0; u < units; u++) {
		if (!translate(plan, lens, r, u, n, h, x))
			return err_set(err, ERR_FILE, "the lens lacks translators that were trained");
		if (!vocab_read(r->model, x, n, false, &wanted, task, err))
			return false;
		for (int i = 0; i < n; i++)
			*mean += (double)kl[i];
	}
	*mean /= (double)n * units;
	return true;
}
