/*
 * geometry.c - lengths, turns, mixing and outliers of tiny models' streams against tests/fixtures/geometry (make_geometry.py); the
 * check under edits; one token alone.
 */
#include <math.h>
#include <string.h>

#include "tests/analyses/plain.h"
#include "tests/analyses/tables.h"

static const char *const changes[] = { "norm", "cosine", "erasure", "update_ratio" }, *const blocks[] = { "layer", "attn", "mlp" },
			 *const others[] = { "mixing_ratio", "anisotropy", "outlier", "channels" };

static void check_values(const struct tables *f)
{
	char key[40], words[60];

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		for (size_t k = 0; k < sizeof blocks / sizeof *blocks; k++) {
			snprintf(key, sizeof key, "%s %s", changes[i], blocks[k]);
			snprintf(words, sizeof words, "show=%s of=%s", changes[i], blocks[k]);
			CHECK_THAT(json_get(json_get(f->root, "geometry"), key), "%s has %s", f->name, key);
			tables_test(f, "geometry", key, words);
		}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		snprintf(words, sizeof words, "show=%s", others[i]);
		CHECK_THAT(json_get(json_get(f->root, "geometry"), others[i]), "%s has %s", f->name, others[i]);
		tables_test(f, "geometry", others[i], words);
	}
}

/* Rows of channels fall, and the first is the largest number of any map. */
static void test_channels(void)
{
	struct table *map = ANSWER("geometry", "show=outlier"), *t = ANSWER("geometry", "show=channels");
	float most = 0;

	for (int i = 0; map && i < map->rows.n * map->cols.n; i++)
		most = fmaxf(most, map->value[i]);
	for (int i = 1; t && i < t->rows.n; i++)
		CHECK_THAT(t->value[table_cell(t, i, 0)] <= t->value[table_cell(t, i - 1, 0)], "row %d is no larger", i);
	CHECK_THAT(t && fabsf(t->value[0] - most) < 1e-4f * most, "%s: the first is %g, the largest %g", model_name,
		   t ? (double)t->value[0] : 0, (double)most);
	table_unref(t);
	table_unref(map);
}

/* What an edit puts into the stream itself is no write: those rows are not held against the writes, all others are. */
static void test_edited(void)
{
	static const char *const lines[] = { "resid_post 0 scale 2", "attn_out 0 zero", "resid_pre 1 @1 zero", "head 0.0 scale 3" };

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		const int at = job_add_edit(&job, lines[i]);
		struct table *t = ANSWER("geometry", "show=norm");

		job_remove_edit(&job, at);
		CHECK_THAT(t && t->check.name && check_holds(&t->check), "%s: %s: the check holds", model_name, lines[i]);
		CHECK_THAT(t && (i || !strstr(t->check.of, "layer 0")), "%s: %s: %s", model_name, lines[i], t ? t->check.of : "");
		table_unref(t);
	}
}

static void check_all(const struct tables *f)
{
	check_values(f);
}

int main(void)
{
	static plain_test *const tests[] = { test_channels, test_edited, NULL };

	plain_each(tests);
	tables_each_in("tests/fixtures/geometry", check_all);
	return tap_done();
}
