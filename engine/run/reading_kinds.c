/* reading_kinds.c - see reading.h: what each kind of metric reads. */
#include <math.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/norms.h"
#include "engine/run/reading_inside.h"

/* ---- logits ---- */

bool read_logits(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	const struct model *model = run->model;
	const struct config *c = &model->config;
	const size_t D = reading_channels(run);
	float *w = arena_floats(out->arena, 3 * D, err), *y = w ? w + D : NULL, *u = w ? w + 2 * D : NULL, logit;
	double bias = 0;

	if (!w || !reading_begin_at_norm(out, run, SITE_LN_FINAL, c->L, m->position, 1, err))
		return false;
	run_ln_final(run, m->position, y);
	for (int k = 0; k < 2 && m->target[k] >= 0; k++) {
		matrix_output(model->W_U, m->target[k], u);
		kernel_axpy(k ? -c->logit_scale : c->logit_scale, u, w, D);
		bias += (k ? -1 : 1) * (double)c->logit_scale * (model->b_U ? (double)model->b_U[m->target[k]] : 0);
		model_unembed_some(model, y, 1, m->target[k], 1, &logit, 1);
		out->value += (k ? -1 : 1) * reading_uncapped((double)logit, c->logit_cap);
	}
	reading_through_norm(out, run, SITE_LN_FINAL, c->L, 0, run_at(run, SITE_RESID_POST, c->L - 1, m->position), w);
	reading_add_constant(out, "norm_bias", 0);
	reading_add_constant(out, "unembed_bias", bias);
	return true;
}

/* ---- neurons ---- */

bool read_neuron(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	static const enum site between[] = { SITE_MLP_PRE };
	const struct layer *y = &run->model->layers[m->place.layer];
	const bool gate = run->model->config.gated && m->kind == METRIC_NEURON_PRE;
	const float *bias = gate ? y->b_gate : y->b_in;
	float *w = arena_floats(out->arena, reading_channels(run), err);

	if (!w || !reading_begin_at_norm(out, run, SITE_LN2, m->place.layer, m->position, 1, err))
		return false;
	out->value = metric_of_run(m, run);
	matrix_output(gate ? y->W_gate : y->W_in, m->place.unit, w);
	reading_through_norm(out, run, SITE_LN2, m->place.layer, 0, norms_input(run, SITE_LN2, m->place.layer, m->position), w);
	reading_add_constant(out, "neuron_bias", bias ? (double)bias[m->place.unit] : 0);
	reading_add_edits(out, run, m->place.layer, between, m->kind == METRIC_NEURON_PRE);
	return true;
}

bool read_router(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	static const enum site between[] = { SITE_ROUTER_LOGITS, SITE_EXPERT };
	float *w = arena_floats(out->arena, reading_channels(run), err);

	if (!w || !reading_begin_at_norm(out, run, SITE_LN2, m->place.layer, m->position, 1, err))
		return false;
	out->value = metric_of_run(m, run);
	matrix_output(run->model->layers[m->place.layer].W_router, m->place.unit, w);
	reading_through_norm(out, run, SITE_LN2, m->place.layer, 0, norms_input(run, SITE_LN2, m->place.layer, m->position), w);
	reading_add_edits(out, run, m->place.layer, between, 2);
	return true;
}

/* ---- rows of the stream, and of what is written to it ---- */

/* What a neuron is depends on its input alone: that of the metric's own, where it names one. */
static bool refuse_neurons(const struct metric *m, struct arena *arena, struct err *err)
{
	struct place place = m->place;
	const char *one = "neuron_pre of one of its neurons";

	if (place.site == SITE_MLP_POST && place.unit >= 0 && place.unit == place.unit_to) {
		one = arena_printf(arena, "neuron_pre %d.%d", place.layer, place.unit);
		if (place.position >= 0)
			one = arena_printf(arena, "%s @%d", one, place.position);
	}
	return reading_refuse(m, one, err);
}

/* p[n, D] at the metric's site. */
static bool read_site(const struct metric *m, const struct run *run, const float *p, int from, int n, struct reading *out,
		      struct err *err)
{
	const struct reading_sources all = { m->place.layer, -1, from, n, p, NULL, m->kind != METRIC_PART };

	if (m->place.site == SITE_ATTN_OUT)
		return reading_of_sources(run, &all, out, err);
	if (m->place.site == SITE_MLP_OUT || m->place.site == SITE_MLP_POST)
		return refuse_neurons(m, out->arena, err);
	if (m->place.site == SITE_EMBED)
		return err_set(err, ERR_ARGUMENT, "%s: nothing writes to an embedding", m->spec);
	if (!reading_begin(out, run, m->place.site, m->place.layer, from, n, err))
		return false;
	memcpy(out->direction, p, (size_t)n * reading_channels(run) * sizeof *p);
	return true;
}

/* w of the unembedding to the row that the lens reads. */
static bool lens_row(const struct metric *m, const struct run *run, float *p, struct reading *out, struct err *err)
{
	const struct model *model = run->model;
	const struct config *c = &model->config;
	const struct edited_norm place = { model, run->edit_list, run->edits, SITE_LN_FINAL, c->L };
	const size_t D = reading_channels(run);
	float *w = arena_floats(out->arena, D, err);

	if (!w)
		return false;
	matrix_output(model->W_U, m->target[0], w);
	for (size_t i = 0; i < D; i++)
		w[i] *= c->logit_scale;
	if (model->ln_final.there && model->ln_final.bias)
		reading_add_constant(out, "norm_bias", metric_dot(w, model->ln_final.bias, D));
	reading_add_constant(out, "unembed_bias", model->b_U ? (double)c->logit_scale * (double)model->b_U[m->target[0]] : 0);
	norms_back(&place, m->position, run_at(run, m->place.site, m->place.layer, m->position), true, w, p);
	return true;
}

bool read_row(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	const size_t D = reading_channels(run);
	const float *x = run_at(run, m->place.site, m->place.layer, m->position);
	float *p = arena_floats(out->arena, D, err);

	if (!p)
		return false;
	out->value = metric_of_run(m, run);
	if (m->kind == METRIC_ALONG)
		memcpy(p, m->vector->row, D * sizeof *p);
	for (size_t i = 0; m->kind == METRIC_NORM && out->value > 0 && i < D; i++)
		p[i] = (float)((double)x[i] / out->value);
	if (m->kind == METRIC_LENS) {
		out->value = reading_uncapped(out->value, run->model->config.logit_cap);
		if (!lens_row(m, run, p, out, err))
			return false;
	}
	return read_site(m, run, p, m->position, 1, out, err);
}

/* ---- parts ---- */

bool read_part(const struct metric *m, const struct run *run, struct reading *out, struct err *err)
{
	const struct metric_vector *v = m->vector;
	const struct config *c = &run->model->config;
	const float *row = v->row;
	float *d;

	out->value = metric_of_run(m, run);
	if (m->place.site == SITE_RESULT) {
		const struct reading_sources head = { m->place.layer, m->place.unit, v->from, v->n, row, v->scale, false };

		return reading_of_sources(run, &head, out, err);
	}
	if (m->place.site != SITE_PATTERN)
		return read_site(m, run, row, v->from, v->n, out, err);
	d = arena_floats(out->arena, (size_t)(c->G * c->K), err); /* of the value at one key */
	if (!d || !reading_begin_at_norm(out, run, SITE_LN1, m->place.layer, m->place.key, 1, err))
		return false;
	kernel_axpy(run_pattern(run, m->place.layer, m->place.unit, m->position)[m->place.key], row,
		    d + (size_t)config_kv_head(c, m->place.unit) * v->width, v->width);
	return reading_values_back(run, m->place.layer, d, out, err);
}
