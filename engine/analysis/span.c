/* span.c - see span.h. */
#include "engine/analysis/span.h"

#include <math.h>

/* Ranges of 1, and what rounding makes of it, are one range. */
static const float rounding = 1e-5f;

/* Knees to choose from: few, so that a range seldom changes while a prompt is typed, and the legend's number is a plain one. */
static const float knees[] = { 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 0.95f, 0.98f };
enum { KNEES = sizeof knees / sizeof *knees, LOUD_ONE_IN = 5 };

bool span_same_shape(const struct table *a, const struct table *b)
{
	return a->rows.n == b->rows.n && a->cols.n == b->cols.n && a->scale == b->scale;
}

static float part(float from, float to, float x)
{
	double at = to == from ? 0 : ((double)x - (double)from) / ((double)to - (double)from);

	return (float)fmin(1, fmax(0, at));
}

static bool downwards(const struct span *s)
{
	return !isnan(s->neutral) && s->neutral == s->hi;
}

/* How far of the way from neutral to the end; of a diverging range to either end. */
static float way(const struct span *s, float x)
{
	if (s->scale == SCALE_RANK)
		return part(logf(s->hi), 0, logf(fmaxf(x, 1)));
	if (s->scale == SCALE_DIVERGING)
		return s->hi > s->lo ? fabsf(2 * part(s->lo, s->hi, x) - 1) : 0;
	return downwards(s) ? part(s->hi, s->lo, x) : part(s->lo, s->hi, x);
}

/* ---- the knee ---- */

/* Cells of the picture, and how many of them have come as far as each knee. */
struct knee_tally {
	int n, as_far[KNEES];
};

static void count(struct knee_tally *tally, float far)
{
	if (isnan(far))
		return;
	tally->n++;
	for (int k = 0; k < KNEES && far >= knees[k]; k++)
		tally->as_far[k]++;
}

static float strongest_way(const struct span *s, const struct table *t, int row, int col, int rows, int cols)
{
	float most = NAN;

	for (int i = row; i < row + rows && i < t->rows.n; i++)
		for (int j = col; j < col + cols && j < t->cols.n; j++) {
			float x = t->value[table_cell(t, i, j)];

			most = isfinite(x) ? fmaxf(most, way(s, x)) : most;
		}
	return most;
}

/* The first token, which a range leaves out, is no reason to dim the others. */
static float knee_of(const struct span *s, const struct table *t, bool skip_first, int rows, int cols)
{
	struct knee_tally tally = { 0 };
	int k = 0;

	for (int i = 0; i < t->rows.n; i += rows)
		for (int j = 0; j < t->cols.n; j += cols)
			if (table_in_range(t, skip_first, i, j))
				count(&tally, strongest_way(s, t, i, j, rows, cols));
	while (k < KNEES - 1 && tally.as_far[k] > 1 && tally.as_far[k] * LOUD_ONE_IN > tally.n)
		k++;
	return knees[k];
}

void span_pool(struct span *s, const struct table *t, int rows, int cols)
{
	s->knee = knee_of(s, t, false, rows, cols);
}

/* ---- the range ---- */

/* The scale's own ends, from the least and the greatest of the values. */
static void set_ends(struct span *s, float about)
{
	float farthest = fmaxf(fabsf(s->hi - about), fabsf(s->lo - about));

	if (s->scale == SCALE_PROBABILITY) {
		s->lo = 0;
		s->hi = 1;
	} else if (s->scale == SCALE_RANK) {
		s->lo = 1;
		s->hi = s->neutral;
	} else if (s->scale == SCALE_DIVERGING) {
		s->lo = s->neutral - farthest;
		s->hi = s->neutral + farthest;
	} else if (!isnan(s->neutral)) {
		bool down = s->neutral - s->lo > s->hi - s->neutral;

		s->lo = down ? s->lo : s->neutral;
		s->hi = down ? s->neutral : s->hi;
	}
}

struct span span_of(const struct table *t, const struct table *ground, bool sink_in)
{
	bool skip_first = t->skip_first && !sink_in;
	struct span s = { .scale = t->scale, .neutral = t->neutral, .knee = knees[0] };
	const struct table *of = ground && span_same_shape(t, ground) && table_range(ground, skip_first, &s.lo, &s.hi) ? ground : t;
	struct span own;

	s.any = of == ground || table_range(t, skip_first, &s.lo, &s.hi);
	own = s;
	own.neutral = of->neutral;
	set_ends(&own, of->neutral);
	set_ends(&s, of->neutral);
	s.knee = s.any ? knee_of(&own, of, skip_first, 1, 1) : s.knee;
	return s;
}

/* ---- on the ramp ---- */

float span_strength(const struct span *s, float x)
{
	float far = isnan(x) ? NAN : way(s, x);

	return isnan(far) ? NAN : far < s->knee ? far / s->knee / 2 : 1 - (1 - far) / (1 - s->knee) / 2;
}

float span_at(const struct span *s, float x)
{
	float strength = span_strength(s, x);

	return s->scale != SCALE_DIVERGING ? strength : x < s->neutral ? (1 - strength) / 2 : (1 + strength) / 2;
}

float span_value(const struct span *s, float at)
{
	float strength = s->scale == SCALE_DIVERGING ? fabsf(2 * at - 1) : at, width = s->hi - s->lo;
	float far = strength < 0.5f ? strength * 2 * s->knee : 1 - (1 - strength) * 2 * (1 - s->knee);

	if (s->scale == SCALE_RANK)
		return expf(logf(s->hi) * (1 - far));
	if (s->scale == SCALE_DIVERGING)
		return s->neutral + (at < 0.5f ? -far : far) * width / 2;
	return downwards(s) ? s->hi - far * width : s->lo + far * width;
}

float span_paint(const struct span *s, const struct table *t, bool sink_in, int row, int col)
{
	static const float muted = 0.4f;
	float x = t->value[table_cell(t, row, col)];

	if (isnan(x) || table_in_range(t, t->skip_first && !sink_in, row, col) || span_strength(s, x) <= muted)
		return x;
	return span_value(s, s->scale != SCALE_DIVERGING ? muted : (x < s->neutral ? 1 - muted : 1 + muted) / 2);
}

bool span_is_quiet(const struct span *s, float x)
{
	return !isnan(x) && (s->lo == s->hi || (!isnan(s->neutral) && way(s, x) < SPAN_QUIET && !span_is_beyond(s, x)));
}

bool span_is_beyond(const struct span *s, float x)
{
	float margin = rounding * fmaxf(s->hi - s->lo, fmaxf(fabsf(s->lo), fabsf(s->hi)));

	return isfinite(x) && s->any && (x < s->lo - margin || x > s->hi + margin);
}
