/* span.c - see span.h. */
#include "engine/analysis/span.h"

#include <math.h>

/* Ranges of 1, and what rounding makes of it, are one range. */
static const float rounding = 1e-5f;

bool span_same_shape(const struct table *a, const struct table *b)
{
	return a->rows.n == b->rows.n && a->cols.n == b->cols.n && a->scale == b->scale;
}

struct span span_of(const struct table *t, const struct table *ground, bool sink_in)
{
	bool skip_first = t->skip_first && !sink_in;
	struct span s = { .scale = t->scale, .neutral = t->neutral };
	float farthest, about = t->neutral;

	if (ground && span_same_shape(t, ground)) {
		s.any = table_range(ground, skip_first, &s.lo, &s.hi);
		about = ground->neutral;
	}
	if (!s.any)
		s.any = table_range(t, skip_first, &s.lo, &s.hi);
	farthest = fmaxf(fabsf(s.hi - about), fabsf(s.lo - about));
	if (s.scale == SCALE_PROBABILITY) {
		s.lo = 0;
		s.hi = 1;
	} else if (s.scale == SCALE_RANK) {
		s.lo = 1;
		s.hi = s.neutral;
	} else if (s.scale == SCALE_DIVERGING) {
		s.lo = s.neutral - farthest;
		s.hi = s.neutral + farthest;
	} else if (!isnan(s.neutral)) {
		bool down = s.neutral - s.lo > s.hi - s.neutral;

		s.lo = down ? s.lo : s.neutral;
		s.hi = down ? s.neutral : s.hi;
	}
	return s;
}

static float part(float from, float to, float x)
{
	double at = to == from ? 0 : ((double)x - (double)from) / ((double)to - (double)from);

	return (float)fmin(1, fmax(0, at));
}

float span_at(const struct span *s, float x)
{
	if (isnan(x))
		return NAN;
	if (s->scale == SCALE_RANK)
		return part(logf(s->hi), 0, logf(fmaxf(x, 1)));
	if (s->scale == SCALE_DIVERGING)
		return s->hi > s->lo ? part(s->lo, s->hi, x) : 0.5f;
	return !isnan(s->neutral) && s->neutral == s->hi ? part(s->hi, s->lo, x) : part(s->lo, s->hi, x);
}

float span_strength(const struct span *s, float x)
{
	float at = span_at(s, x);

	return s->scale == SCALE_DIVERGING ? fabsf(2 * at - 1) : at;
}

bool span_is_quiet(const struct span *s, float x)
{
	return !isnan(x) && (s->lo == s->hi || (!isnan(s->neutral) && span_strength(s, x) < SPAN_QUIET && !span_is_beyond(s, x)));
}

bool span_is_beyond(const struct span *s, float x)
{
	float margin = rounding * fmaxf(s->hi - s->lo, fmaxf(fabsf(s->lo), fabsf(s->hi)));

	return isfinite(x) && s->any && (x < s->lo - margin || x > s->hi + margin);
}
