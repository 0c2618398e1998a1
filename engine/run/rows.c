/* rows.c - see rows.h. */
#include "engine/run/rows.h"

#include "engine/numbers/pool.h"
#include "engine/run/norms.h"

enum { GRAIN = 4 }; /* rows of a chunk */

int rows_count(const struct pass *p)
{
	return p->ragged ? p->ragged->row[p->variants] : p->variants * (p->T - p->t0);
}

int rows_variant(const struct pass *p, int row)
{
	return p->ragged ? p->ragged->variant[row] : row / (p->T - p->t0);
}

int rows_position(const struct rows *r, int row)
{
	return r->p->ragged ? r->p->ragged->position[row] : r->p->t0 + row % (r->p->T - r->p->t0);
}

static void some_rows(void *context, int chunk)
{
	const struct rows *r = context;

	for (int i = chunk * GRAIN; i < r->n && i < (chunk + 1) * GRAIN; i++)
		r->work(r, i);
}

void rows_each(const struct pass *p, int l, const struct layer_sites *s, void (*work)(const struct rows *r, int row))
{
	struct rows r = { p, l, rows_count(p), &p->model->layers[l], s, work };

	pool_run((r.n + GRAIN - 1) / GRAIN, some_rows, &r);
}

bool rows_edited(const struct pass *p, enum site site)
{
	for (int v = 0; v < p->variants; v++)
		if (p->touched[v] & rows_bit(site))
			return true;
	return false;
}

bool rows_touches(const struct rows *r, int row, uint32_t sites)
{
	return r->p->touched[rows_variant(r->p, row)] & sites;
}

void rows_apply_edits(const struct rows *r, int row, enum site site, float *x)
{
	const struct variant *v = &r->p->variant[rows_variant(r->p, row)];
	int t = rows_position(r, row);

	for (int e = 0; e < v->edits; e++)
		if (edit_hits(v->edit[e], site, r->l) && edit_covers(v->edit[e], t))
			edit_apply(v->edit[e], &r->p->model->config, site, t, x);
}

void rows_touch(const struct rows *r, int row, enum site site, float *x)
{
	if (rows_touches(r, row, rows_bit(site)))
		rows_apply_edits(r, row, site, x);
}

void rows_normalise(const struct rows *r, int row, enum site site, const float *x, float *y, float *scale)
{
	const struct variant *v = &r->p->variant[rows_variant(r->p, row)];
	const bool edited = rows_touches(r, row, rows_bit(site) | rows_bit(SITE_LN1));
	const struct edited_norm place = { r->p->model, v->edit, edited ? v->edits : 0, site, r->l };

	norms_apply(&place, rows_position(r, row), x, y, scale);
}
