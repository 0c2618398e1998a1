/* lens.c - see metric.h: a token's logit when a layer's stream is read as the last one. */
#include "engine/run/metric_inner.h"

#include <stdlib.h>

#include "engine/run/norms.h"
#include "engine/run/reading.h"

static double lens_of_rows(const struct metric *m, const struct metric_rows *rows)
{
	const struct model *model = rows->run->model;
	const struct edited_norm place = { model, rows->edit, rows->edits, SITE_LN_FINAL, model->config.L };
	float *y = xmalloc(metric_channels(rows) * sizeof *y), logit;

	norms_apply(&place, m->position, rows->at(rows, m->place.site, m->position), y, NULL);
	model_unembed_some(model, y, 1, m->target[0], 1, &logit, 1);
	free(y);
	return (double)logit;
}

static int lens_seeds(const struct metric *m, const struct metric_rules *rules, struct arena *arena, struct backward_seed *seed)
{
	const struct run *run = rules->run;
	const struct model *model = run->model;
	const struct config *c = &model->config;
	const struct edited_norm place = { model, run->edit_list, run->edits, SITE_LN_FINAL, c->L };
	const size_t D = (size_t)c->D;
	const float slope = model_unembed_slope(model, (float)metric_of_run(m, run), (rules->frozen & CHORDS) != 0);
	float *d = arena_alloc(arena, D * sizeof *d);

	matrix_output(model->W_U, m->target[0], d);
	for (size_t i = 0; i < D; i++)
		d[i] *= slope;
	if (rules->lost)
		rules->lost->bias +=
			norms_bias_share(&place, d) + (model->b_U ? (double)slope * (double)model->b_U[m->target[0]] : 0);
	norms_back(&place, m->position, run_at(run, m->place.site, m->place.layer, m->position),
		   (rules->frozen & FROZEN_NORMS) != 0, d, d);
	*seed = metric_seed(m, m->position, 1, D, d);
	return 1;
}

/* clang-format off */
const struct metric_info metric_kind_lens = {
	.word = "lens",
	.arguments = "TOKEN SITE L",
	.takes = TAKES_TOKEN_STREAM,
	.site = SITE_NONE,
	.unit = "logit",
	.help = "a token's logit when a layer's stream is read as the last one: lens \" Paris\" resid_post 3",
	.of_rows = lens_of_rows,
	.seeds = lens_seeds,
	.read = read_row,
};
/* clang-format on */
