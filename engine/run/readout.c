/* readout.c - see readout.h. */
#include "engine/run/readout.h"

#include "engine/run/norms.h"

bool readout_begin(struct readout *r, const struct metric *metric, const struct run *unedited, struct arena *arena,
		   struct task *task, struct err *err)
{
	const struct model *m = unedited->model;
	const size_t D = (size_t)m->config.D, V = (size_t)m->config.V;
	float *logits;

	*r = (struct readout){ .model = m, .metric = metric, .unedited = unedited->last_logits };
	r->y = arena_floats(arena, READOUT_ROWS * D, err);
	r->logits = arena_floats(arena, READOUT_ROWS * V, err);
	if (!r->y || !r->logits)
		return false;
	if (!metric_table[metric->kind]->reads_unedited || metric->position == unedited->T - 1)
		return true;
	r->unedited = logits = arena_floats(arena, V, err);
	return logits && run_logits(unedited, metric->position, 1, logits, task, err);
}

void readout_norm(const struct model *m, const struct variant *variant, int position, const float *x, float *y)
{
	const struct edited_norm place = { m, variant->edit, variant->edits, SITE_LN_FINAL, m->config.L };

	norms_apply(&place, position, x, y, NULL);
}

void readout_rows(const struct readout *r, const struct variant *const *variant, const float *resid, size_t ld, int n,
		  double *value)
{
	const size_t D = (size_t)r->model->config.D, V = (size_t)r->model->config.V;
	const int32_t *target = r->metric->target;

	for (int i = 0; i < n; i++)
		readout_norm(r->model, variant[i], r->metric->position, resid + (size_t)i * ld, r->y + (size_t)i * D);
	if (r->metric->kind == METRIC_LOGIT || r->metric->kind == METRIC_LOGIT_DIFF) /* one or two rows of W_U suffice */
		for (int i = 0; i < 2 && target[i] >= 0; i++)
			model_unembed_some(r->model, r->y, n, target[i], 1, r->logits + target[i], V);
	else
		model_unembed(r->model, r->y, n, r->logits);
	for (int i = 0; i < n; i++)
		value[i] = metric_of_logits(r->metric, r->logits + (size_t)i * V, r->unedited, r->model->config.V);
}
