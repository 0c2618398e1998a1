/* reading.c - see reading.h: what all readings share. */
#include <math.h>
#include <string.h>

#include "engine/run/norms.h"
#include "engine/run/reading_inside.h"

void reading_add_constant(struct reading *out, const char *name, double share)
{
	int i = 0;

	while (i < out->constants && strcmp(out->constant[i].name, name))
		i++;
	out->constants += i == out->constants;
	out->constant[i].name = name;
	out->constant[i].share += share;
}

bool reading_begin(struct reading *out, const struct run *run, enum site site, int layer, int from, int n, struct err *err)
{
	out->site = site;
	out->layer = layer;
	out->from = from;
	out->n = n;
	out->scale = 1;
	out->direction = arena_floats(out->arena, (size_t)n * reading_channels(run), err);
	return out->direction != NULL;
}

bool reading_begin_at_norm(struct reading *out, const struct run *run, enum site norm, int layer, int from, int n, struct err *err)
{
	const struct config *c = &run->model->config;

	if (norm == SITE_LN_FINAL)
		return reading_begin(out, run, SITE_RESID_POST, c->L - 1, from, n, err);
	return reading_begin(out, run, norm == SITE_LN1 || c->parallel ? SITE_RESID_PRE : SITE_RESID_MID, layer, from, n, err);
}

void reading_through_norm(struct reading *out, const struct run *run, enum site site, int layer, int i, const float *x, float *w)
{
	const struct model *m = run->model;
	const struct edited_norm place = { m, run->edit_list, run->edits, site, site == SITE_LN_FINAL ? m->config.L : layer };
	const struct norm *norm = norms_at(m, site, place.layer);
	float *direction = out->direction + (size_t)i * reading_channels(run), scale = 1;

	if (norm->there && norm->bias)
		reading_add_constant(out, "norm_bias", metric_dot(w, norm->bias, reading_channels(run)));
	norms_back(&place, out->from + i, x, true, w, direction);
	norms_apply(&place, out->from + i, x, w, &scale);
	out->scale = (double)scale;
}

void reading_add_edits(struct reading *out, const struct run *run, int layer, const enum site *sites, int n)
{
	double sum = 0;
	bool any = false;

	for (int e = 0; e < run->edits; e++)
		for (int s = 0; s < n; s++)
			any = any || edit_hits(&run->edit[e], sites[s], layer);
	if (!any)
		return;
	for (int i = 0; i < out->n; i++)
		sum += reading_share(out, out->from + i, run_at(run, out->site, out->layer, out->from + i), run->model->config.D);
	for (int i = 0; i < out->constants; i++)
		sum += out->constant[i].share;
	reading_add_constant(out, "edits", out->value - sum);
}

const float *reading_at(const struct reading *r, int position, int D)
{
	return position < r->from || position >= r->from + r->n ? NULL : r->direction + (size_t)(position - r->from) * (size_t)D;
}

double reading_uncapped(double x, float cap)
{
	return cap > 0 ? (double)cap * atanh(x / (double)cap) : x;
}

bool reading_refuse(const struct metric *m, const char *instead, struct err *err)
{
	return err_set(err, ERR_ARGUMENT, "%s is not linear in the stream: ask %s", m->spec, instead);
}

bool reading_init(struct reading *out, const struct metric *m, const struct run *run, struct arena *arena, struct err *err)
{
	const struct metric_info *info = metric_table[m->kind];

	*out = (struct reading){ .arena = arena };
	return info->read ? info->read(m, run, out, err) : reading_refuse(m, info->instead, err);
}

/* How far up the layer: before attention, between, after the MLP. */
static int height(enum site site)
{
	if (site == SITE_RESID_PRE || site == SITE_EMBED)
		return 0;
	return site == SITE_RESID_POST || site == SITE_MLP_OUT || site == SITE_MLP_POST ? 2 : 1;
}

bool reading_counts(const struct reading *r, enum site site, int layer)
{
	return site == SITE_EMBED || layer < r->layer || (layer == r->layer && height(site) <= height(r->site));
}

double reading_share(const struct reading *r, int position, const float *x, int D)
{
	const float *direction = reading_at(r, position, D);

	return direction ? metric_dot(x, direction, (size_t)D) : 0;
}
