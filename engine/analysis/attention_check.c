/* attention_check.c - see attention_check.h. */
#include "engine/analysis/attention_check.h"

#include <math.h>

void pattern_check_init(struct check *check)
{
	*check = (struct check){ "rows sum to 1", 1, 1, 1e-5 };
}

void pattern_check_row(struct check *check, const float *weights, int n)
{
	double sum = 0;

	for (int j = 0; j < n; j++)
		sum += (double)weights[j];
	if (!(fabs(sum - 1) <= fabs(check->actual - 1))) /* a sum that is not a number stays */
		check->actual = sum;
}

bool pattern_is_edited(const struct run *r, int layer)
{
	for (int i = 0; i < r->edits; i++)
		if ((r->edit[i].place.site == SITE_PATTERN || r->edit[i].place.site == SITE_SCORES) &&
		    (layer < 0 || r->edit[i].place.every_layer || r->edit[i].place.layer == layer))
			return true;
	return false;
}
