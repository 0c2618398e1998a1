/*
 * score_attribution.c - each head's score against tests/reference/make_score_attribution.py, where a part's share is a derivative
 * of the model's own modules with the scales of norms frozen.
 */
#include "tests/analyses/mixing.h"

static const char *const shows[] = { "sides", "pairs", "channels" };

/* The writes by name; what the reference calls "constants" is the sum of all rows of biases. */
static bool is_constant(const char *label)
{
	static const char *const constants[] = { "norm_bias", "query_bias", "key_bias", "clipped", "position_bias" };

	for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
		if (!strcmp(label, constants[i]))
			return true;
	return false;
}

/* The reference's row or column of a label; biases of writes are one there. -1: it has none. */
static int index_of(const struct json_value *names, const char *label)
{
	const char *name = is_constant(label)					       ? "constants"
			   : !strcmp(label, "attn_bias") || !strcmp(label, "mlp_bias") ? "write_biases"
										       : label;

	for (size_t i = 0; i < json_count(names); i++)
		if (!strcmp(json_text(json_at(names, i)), name))
			return (int)i;
	return -1;
}

static int at(const struct json_value *names, const struct axis *axis, int i, bool components)
{
	return components ? index_of(names, axis->label[i]) : i;
}

static void compare(const struct pair *f, const struct json_value *one, const char *show, const struct table *t)
{
	const struct json_value *names = json_get(one, "names"), *expected = json_get(one, show);
	const size_t rows = json_count(expected), cols = json_count(json_at(expected, 0));
	const bool alone = strcmp(show, "channels") != 0, square = !strcmp(show, "pairs");
	float *value = calloc(rows * cols, sizeof *value), *actual = calloc(rows * cols, sizeof *actual);
	int lost = 0;

	for (size_t i = 0; i < rows * cols; i++) {
		double x = NAN;

		json_double(json_at(json_at(expected, i / cols), i % cols), &x);
		value[i] = (float)x;
	}
	for (int r = 0; r < t->rows.n; r++)
		for (int c = 0; c < t->cols.n; c++) {
			const int row = at(names, &t->rows, r, alone), col = at(names, &t->cols, c, square);
			const float x = t->value[table_cell(t, r, c)];

			if (row < 0 || col < 0 || row >= (int)rows || col >= (int)cols)
				lost++;
			else if (!isnan(x)) /* the other side's biases */
				actual[(size_t)row * cols + (size_t)col] += x;
		}
	CHECK_THAT(lost == 0, "%s: %s: %d cells that the reference has not", f->name, show, lost);
	CHECK_NEAR(actual, value, rows * cols, 2e-5, "%s: %s", f->name, show);
	free(value);
	free(actual);
}

static void check_cases(const struct pair *f)
{
	const struct json_value *cases = json_get(f->root, "cases");

	CHECK(json_count(cases) > 0);
	for (size_t i = 0; i < json_count(cases); i++)
		for (size_t s = 0; s < sizeof shows / sizeof *shows; s++) {
			const struct json_value *one = json_at(cases, i);
			char words[100];
			struct table *t;
			double score = NAN;

			snprintf(words, sizeof words, "%s show=%s", json_text(json_get(one, "words")), shows[s]);
			t = pair_table(f, "score-attribution", words);
			json_double(json_get(one, "score"), &score);
			if (!CHECK_THAT(!!t, "%s: %s", f->name, words))
				continue;
			CHECK_THAT(check_holds(&t->check) && fabs(t->check.expected - score) < 2e-5 * fmax(1, fabs(score)),
				   "%s: %s: the score is %g (%g); the check: %g", f->name, words, t->check.expected, score,
				   t->check.actual);
			compare(f, one, shows[s], t);
			table_unref(t);
		}
}

/* A write is where its side of the score is: at the query in the one column, at the key in the other. */
static void check_side(const struct pair *f, const struct table *t, int col, int position)
{
	for (int r = 0; r < t->rows.n; r++) {
		struct place place = PLACE_NONE;

		if (t->rows.place[r].site != SITE_NONE)
			CHECK_THAT(table_place(t, r, col, &place) && place.position == position && place.position_to == position &&
					   place.site == t->rows.place[r].site,
				   "%s: %s is at %d", f->name, t->rows.label[r], place.position);
		else
			CHECK_THAT(!table_place(t, r, col, &place), "%s: %s is nowhere", f->name, t->rows.label[r]);
	}
}

static void check_places(const struct pair *f)
{
	enum { QUERY = 5, KEY = 2 };
	struct table *sides = pair_table(f, "score-attribution", "layer=1 query=5 key=2"),
		     *pairs = pair_table(f, "score-attribution", "layer=1 query=5 key=2 show=pairs");
	struct place place = PLACE_NONE;

	if (sides) {
		check_side(f, sides, 0, QUERY);
		check_side(f, sides, 1, KEY);
	}
	for (int i = 0; pairs && i < 2; i++)
		CHECK_THAT(pairs->rows.place[i].site == SITE_NONE ||
				   (pairs->rows.place[i].position == QUERY && pairs->cols.place[i].position == KEY &&
				    table_place(pairs, i, -1, &place) && place.position == QUERY),
			   "%s: %s of the query, %s of the key", f->name, pairs->rows.label[i], pairs->cols.label[i]);
	table_unref(sides);
	table_unref(pairs);
}

int main(void)
{
	static pair_check *const checks[] = { check_cases, check_places, NULL };

	pair_each("tests/fixtures/score_attribution", 9, checks);
	pool_stop();
	return tap_done();
}
