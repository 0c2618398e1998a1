/* finite.c - see finite.h. Sites are looked at in the order in which the forward pass makes them. */
#include "engine/run/finite.h"

#include <math.h>

#include "engine/base/str.h"

static bool all_finite(const float *x, size_t n)
{
	float sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * 0; /* NaN from then on, if one is not */
	return sum == 0;
}

/* The first position at which a stored site is not finite; -1: none. */
static int first_position(const struct run *r, enum site site, int layer)
{
	const struct config *c = &r->model->config;

	for (int t = 0; t < r->T; t++) {
		if (site != SITE_PATTERN && !all_finite(run_at(r, site, layer, t), run_width(c, site)))
			return t;
		for (int h = 0; site == SITE_PATTERN && h < c->H; h++)
			if (!all_finite(run_pattern(r, layer, h, t), (size_t)t + 1))
				return t;
	}
	return -1;
}

/* Layer -1: before or after all layers. */
static struct place find_place(const struct run *r)
{
	struct place p = place_at(SITE_EMBED, -1, -1, first_position(r, SITE_EMBED, 0));

	for (int l = 0; p.position < 0 && l < r->model->config.L; l++)
		for (int site = 0; p.position < 0 && site < SITE_COUNT; site++)
			if (site != SITE_EMBED && site_table[site].stored && run_has(r, (enum site)site))
				p = place_at((enum site)site, l, -1, first_position(r, (enum site)site, l));
	return p.position < 0 ? place_at(SITE_LOGITS, -1, -1, r->T - 1) : p;
}

/* "blk.1.ffn_down.weight holds nan at [3, 7]" */
static bool name_tensor(const struct run *r, const struct place *p, struct str *out)
{
	struct model_flaw f;

	if (!model_find_flaw(r->model, p->layer, &f))
		return false;
	str_addf(out, "the tensor %s holds %g at [", f.tensor->name, (double)f.value);
	if (f.tensor->dims > 1)
		str_addf(out, "%zu, ", f.row);
	str_addf(out, "%zu]", f.column);
	return true;
}

bool run_finite(const struct run *r, struct err *err)
{
	const struct config *c = &r->model->config;
	struct place p;
	struct str why;

	if (r->last_logits ? all_finite(r->last_logits, (size_t)c->V)
			   : all_finite(run_at(r, SITE_RESID_POST, c->L - 1, r->T - 1), (size_t)c->D))
		return true;
	p = find_place(r);
	str_init(&why);
	if (!name_tensor(r, &p, &why))
		str_addf(&why, "the weights there are finite: numbers grew too large%s",
			 r->edits ? ", which an edit may have done" : "");
	if (p.layer < 0)
		err_set(err, ERR_FILE, "%s: the logits are not finite; %s is the first site that is not, at position %d; %s",
			r->model->name, site_table[p.site].name, p.position, why.s);
	else
		err_set(err, ERR_FILE,
			"%s: the logits are not finite; %s of layer %d is the first site that is not, at position "
			"%d; %s",
			r->model->name, site_table[p.site].name, p.layer, p.position, why.s);
	str_done(&why);
	return false;
}
