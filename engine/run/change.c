/* change.c - see change.h: the edit is applied to a copy of each row, and the two are compared. */
#include "engine/run/change.h"

#include <stdlib.h>
#include <string.h>

#include "engine/run/layer.h"
#include "engine/run/result.h"

/* What the run has at a site that is stored as rows; NULL: it has no such row. */
static const float *row_of(const struct edit *e, const struct run *r, enum site site, int t)
{
	if (site == SITE_RESULT)
		return result_by_z(e) && run_has(r, SITE_Z)
			       ? r->layer[e->place.layer]->z_used + (size_t)t * run_width(&r->model->config, SITE_Z)
			       : NULL;
	return site_table[site].stored && run_has(r, site) ? run_at(r, site, e->place.layer, t) : NULL;
}

static bool changes_row(const struct edit *e, const struct run *r, enum site site, int t, float *copy)
{
	size_t bytes = run_width(&r->model->config, site == SITE_RESULT ? SITE_Z : site) * sizeof *copy;
	const float *row = row_of(e, r, site, t);

	if (!row)
		return true;
	memcpy(copy, row, bytes);
	edit_apply(e, &r->model->config, site, t, copy);
	return memcmp(copy, row, bytes) != 0;
}

static bool changes_pattern(const struct edit *e, const struct run *r, int t, float *copy)
{
	size_t bytes = (size_t)(t + 1) * sizeof *copy;

	for (int h = 0; h < r->model->config.H; h++) {
		const float *row = run_pattern(r, e->place.layer, h, t);

		memcpy(copy, row, bytes);
		edit_apply_pattern(e, h, t, copy);
		if (memcmp(copy, row, bytes))
			return true;
	}
	return false;
}

static bool changes(const struct edit *e, const struct run *r, int t, float *copy)
{
	if (e->place.site == SITE_PATTERN && run_has(r, SITE_PATTERN))
		return changes_pattern(e, r, t, copy);
	return changes_row(e, r, e->place.site, t, copy) || (e->place.also_mlp && changes_row(e, r, SITE_MLP_OUT, t, copy));
}

int change_first(const struct edit *e, const struct run *r)
{
	const struct config *c = &r->model->config;
	size_t most = run_width(c, SITE_MLP_POST), z = run_width(c, SITE_Z), room = (size_t)(r->T + c->D) + (most > z ? most : z);
	float *copy = xmalloc(room * sizeof *copy);
	int t = e->op == EDIT_FREEZE && e->source == r ? r->T : edit_first_position(e); /* what it keeps is what is there */

	while (t < r->T && !(edit_covers(e, t) && changes(e, r, t, copy)))
		t++;
	free(copy);
	return t < r->T ? t : r->T;
}
