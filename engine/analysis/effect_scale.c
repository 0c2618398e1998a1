/* effect_scale.c - see effect_scale.h. */
#include "engine/analysis/effect_scale.h"

#include <math.h>

bool effect_scale_of_prompts(struct effect_scale *s, const struct ask *ask, bool normalised, struct err *err)
{
	s->normalised = normalised;
	return metric_value(ask->metric, ask->run, ask->unedited, &s->clean, ask->task, err) &&
	       metric_value(ask->metric, ask->foil, ask->unedited, &s->corrupt, ask->task, err);
}

static bool is_apart(const struct effect_scale *s)
{
	return fabs(s->clean - s->corrupt) > 1e-6 * fmax(fabs(s->clean), fabs(s->corrupt));
}

double effect_scaled(const struct effect_scale *s, double value)
{
	if (!s->normalised)
		return value;
	return is_apart(s) ? (value - s->corrupt) / (s->clean - s->corrupt) : NAN;
}

const char *effect_scale_remark(const struct effect_scale *s)
{
	return s->normalised && !is_apart(s) ? "; no difference to normalise by" : "";
}

const char *effect_scale_footnote(const struct effect_scale *s, const struct ask *ask, struct table *t)
{
	return arena_printf(t->arena, "%s: prompt (clean) %.6g, foil (corrupt) %.6g%s", metric_table[ask->metric->kind]->word,
			    s->clean, s->corrupt, effect_scale_remark(s));
}
