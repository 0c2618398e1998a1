/*
 * attribution.c - maps of attribution patching against PyTorch's autograd (tests/fixtures/attribution, made by
 * tests/reference/make_attribution.py), and what the strongest cells come to when they are measured.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/numbers/pool.h"
#include "engine/run/gradient.h"
#include "tests/numbers/pair.h"

#define FOLDER "tests/fixtures/attribution"

static void check_map(const struct pair *f, const char *estimate, const char *site, const struct json_value *map)
{
	float expected[4096];
	char words[120];
	int64_t block = 0;
	size_t n = pair_numbers(map, expected, 0);
	struct table *t;

	json_int(json_get(f->root, "block"), &block);
	snprintf(words, sizeof words, "site=%s estimate=%s block=%d", site, estimate, (int)block);
	t = pair_table(f, "attribution-patching", words);
	if (t && CHECK_THAT((size_t)t->rows.n * (size_t)t->cols.n == n && n > 0, "%s: %s has %zu cells", f->name, words, n))
		CHECK_NEAR(t->value, expected, n, 1e-4, "%s: %s", f->name, words);
	table_unref(t);
}

static void check_maps(const struct pair *f)
{
	static const char *const estimates[] = { "atp", "qkfix", "atpstar" };
	static const char *const sites[] = { "q", "k", "v", "resid_pre", "mlp_out", "head", "pattern", "head_position", "neuron", "parts" };
	int maps = 0;

	for (size_t e = 0; e < 3; e++)
		for (size_t s = 0; s < sizeof sites / sizeof *sites; s++) {
			const struct json_value *map = json_get(json_get(f->root, estimates[e]), sites[s]);

			if (map) {
				check_map(f, estimates[e], sites[s], map);
				maps++;
			}
		}
	CHECK_THAT(maps == 22, "%s: %d maps", f->name, maps);
}

/* Where all cells are measured, the map is activation patching's, less the metric; cells that were far off are marked. */
static void check_exact(const struct pair *f)
{
	struct table *t = pair_table(f, "attribution-patching", "site=k exact=200"), *rough = pair_table(f, "attribution-patching", "site=k");
	struct table *exact = pair_table(f, "activation-patching", "site=k show=raw");
	int wrong = 0, marks = 0;

	for (int i = 0; t && exact && rough && i < t->rows.n * t->cols.n; i++) {
		double change = (double)exact->value[i] - f->m_run, off = fabs(change - (double)rough->value[i]);
		bool marked = t->mark && t->mark[i];

		marks += marked;
		wrong += fabs(change - (double)t->value[i]) > 1e-4 || (fabs(off - fabs(change) / 2) > 1e-4 && marked != (off > fabs(change) / 2));
	}
	CHECK_THAT(t && exact && !wrong, "%s: exact cells are activation patching's, %d of them marked; %d are wrong", f->name, marks, wrong);
	table_unref(t);
	table_unref(rough);
	table_unref(exact);
}

int main(void)
{
	static pair_check *const checks[] = { check_maps, check_exact, NULL };

	pair_each(FOLDER, 3, checks);
	pool_stop();
	return tap_done();
}
