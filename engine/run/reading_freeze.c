/* reading_freeze.c - see reading.h: what is read of a part is kept as the part's own weights. */
#include <string.h>

#include "engine/numbers/tensor.h"
#include "engine/run/norms.h"
#include "engine/run/reading_inside.h"

/* What is added to a part for what is none of it: the biases of a write, and learned positions. */
static double not_of_part(const struct metric *m, const struct model *model, const float *p, int position, float *row)
{
	const struct layer *y = m->place.layer >= 0 ? &model->layers[m->place.layer] : NULL;
	const size_t D = (size_t)model->config.D;
	const float *bias = m->place.site == SITE_ATTN_OUT ? y->b_O : m->place.site == SITE_MLP_OUT ? y->b_out : NULL;

	if (m->place.site == SITE_EMBED && model->W_pos) {
		tensor_row(model->W_pos, (size_t)(position + model->config.position_offset), row);
		return -metric_dot(row, p, D);
	}
	return bias ? -(double)model->config.residual_scale * metric_dot(bias, p, D) : 0;
}

/* A neuron's weight in what is read: w_out through the norm after the MLP. */
static bool freeze_neuron(struct metric_vector *v, const struct metric *m, const struct run *run, const float *p,
			  struct arena *arena, struct err *err)
{
	const struct model *model = run->model;
	const struct norm *post = &model->layers[m->place.layer].ln2_post;
	const size_t D = reading_channels(run);
	float *w = arena_floats(arena, D, err),
	      *scale = post->there ? norms_scales(run, SITE_LN2_POST, m->place.layer, arena, err) : NULL;

	if (!w || (post->there && !scale))
		return false;
	matrix_input(model->layers[m->place.layer].W_out, m->place.unit, w);
	for (size_t k = 0; k < D; k++)
		w[k] *= model->config.residual_scale * (post->there && post->gain ? post->gain[k] : 1);
	for (int i = 0; i < v->n; i++)
		v->row[i] = (float)metric_dot(w, p + (size_t)i * D, D) * (scale ? scale[v->from + i] : 1);
	return true;
}

/* What is wanted of a head's value, in place of its write. */
static bool freeze_source(struct metric_vector *v, const struct metric *m, const struct run *run, const float *p,
			  struct arena *arena, struct err *err)
{
	const struct config *c = &run->model->config;
	const struct reading_sources s = { m->place.layer, m->place.unit, v->from, 1, p, NULL, false };
	float *pl = arena_floats(arena, reading_channels(run), err), *u = arena_floats(arena, (size_t)(c->H * c->K), err);

	if (!pl || !u)
		return false;
	reading_before_write(run, &s, 0, pl, u);
	memcpy(v->row, u + (size_t)m->place.unit * v->width, v->width * sizeof *u);
	return true;
}

static bool freeze_rows(struct metric_vector *v, const struct metric *m, const struct run *run, const float *p, struct arena *arena,
			struct err *err)
{
	const float *post = m->place.site == SITE_RESULT ? run->layer[m->place.layer]->post_scale : NULL;
	const size_t D = reading_channels(run);
	float *row = arena_floats(arena, D, err);

	if (!row)
		return false;
	memcpy(v->row, p, (size_t)v->n * D * sizeof *p);
	v->scale = m->place.site == SITE_RESULT ? xcalloc((size_t)v->n, sizeof *v->scale) : NULL;
	for (int i = 0; i < v->n; i++) {
		if (v->scale)
			v->scale[i] = post ? post[v->from + i] : 1;
		v->constant += not_of_part(m, run->model, p + (size_t)i * D, v->from + i, row);
	}
	return true;
}

static bool freeze(struct metric *m, const struct reading *r, const struct run *run, struct err *err)
{
	const struct config *c = &run->model->config;
	const enum site site = m->place.site;
	const float *p = reading_at(r, m->place.position < 0 ? r->from : m->place.position, c->D);
	const int from = m->place.position < 0 ? r->from : m->place.position, n = m->place.position < 0 ? r->n : 1;

	m->position = from + n - 1;
	m->vector = metric_vector_new(from, n, site == SITE_MLP_POST ? 1 : site == SITE_PATTERN ? (size_t)c->K : (size_t)c->D);
	if (site == SITE_MLP_POST)
		return freeze_neuron(m->vector, m, run, p, r->arena, err);
	return (site == SITE_PATTERN ? freeze_source : freeze_rows)(m->vector, m, run, p, r->arena, err);
}

bool reading_freeze_part(struct metric *m, const struct metric *of, const struct run *unedited, struct err *err)
{
	struct arena *arena = arena_new();
	struct reading r;
	bool ok = reading_init(&r, of, unedited, arena, err);

	if (ok && !reading_counts(&r, m->place.site, m->place.layer))
		ok = err_set(err, ERR_ARGUMENT, "metric: what layer %d writes there comes after what %s reads", m->place.layer,
			     of->spec);
	if (ok && m->place.position >= 0 && !reading_at(&r, m->place.position, unedited->model->config.D))
		ok = r.n == 1 ? err_set(err, ERR_ARGUMENT, "metric: %s reads position %d, not %d", of->spec, r.from,
					m->place.position)
			      : err_set(err, ERR_ARGUMENT, "metric: %s reads positions %d … %d, not %d", of->spec, r.from,
					r.from + r.n - 1, m->place.position);
	ok = ok && freeze(m, &r, unedited, err);
	arena_free(arena);
	return ok;
}
