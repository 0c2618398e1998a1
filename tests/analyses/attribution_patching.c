/*
 * attribution_patching.c - maps against PyTorch's autograd (tests/fixtures/attribution, made by
 * tests/reference/make_attribution.py), the strongest cells measured, and an estimate differs from the patch by the square of
 * what was patched.
 */
#include "engine/numbers/pool.h"
#include "tests/analyses/gradients.h"
#include "tests/numbers/pair.h"

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
	static const char *const sites[] = { "q",      "k",    "v", "resid_pre", "mlp_out", "head", "pattern", "head_position",
					     "neuron", "parts" };
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
	struct table *t = pair_table(f, "attribution-patching", "site=k exact=200"),
		     *rough = pair_table(f, "attribution-patching", "site=k");
	struct table *exact = pair_table(f, "activation-patching", "site=k show=raw");
	int wrong = 0, marks = 0;

	for (int i = 0; t && exact && rough && i < t->rows.n * t->cols.n; i++) {
		double change = (double)exact->value[i] - f->m_run, off = fabs(change - (double)rough->value[i]);
		bool marked = t->mark && t->mark[i];

		marks += marked;
		wrong += fabs(change - (double)t->value[i]) > 1e-4 ||
			 (fabs(off - fabs(change) / 2) > 1e-4 && marked != (off > fabs(change) / 2));
	}
	CHECK_THAT(t && exact && !wrong, "%s: exact cells are activation patching's, %d of them marked; %d are wrong", f->name,
		   marks, wrong);
	table_unref(t);
	table_unref(rough);
	table_unref(exact);
}

/* The prompt with a little noise on its embeddings: a foil as near as one likes. */
static struct run *near_foil(const struct setting *s, double by)
{
	struct err err = { 0 };
	char line[60];
	const char *lines[] = { line };
	struct run_order order = { .model = s->run->model,
				   .tokens = s->run->tokens,
				   .T = s->run->T,
				   .edits = lines,
				   .edit_count = 1,
				   .unedited = s->run };

	snprintf(line, sizeof line, "embed 0 noise %.9g 3", by);
	return run_new(&order, NULL, &err);
}

/* The largest |exact − estimate| over a map, and the largest exact effect. */
static double gap(const struct setting *s, const struct gradient *g, const char *site, double by, double *effect)
{
	struct run *foil = near_foil(s, by);
	char argument[40];
	struct table *t;
	double now = value_of(s, NULL, NULL), worst = 0;

	snprintf(argument, sizeof argument, "site=%s", site);
	t = gradient_answer(s, "attribution-patching", foil, g, argument);
	*effect = 0;
	for (int i = 0; t && i < t->rows.n * t->cols.n; i++) {
		bool head = !strcmp(site, "head");
		char line[60];
		double exact;

		snprintf(line, sizeof line, head ? "%s %d.%d patch" : "%s %d @%d patch", site, i / t->cols.n, i % t->cols.n);
		exact = value_of(s, line, foil) - now;
		*effect = fmax(*effect, fabs(exact));
		worst = fmax(worst, fabs(exact - (double)t->value[i]));
	}
	table_unref(t);
	run_unref(foil);
	return worst;
}

static void check_gap(const struct setting *s, const struct gradient *g)
{
	static const char *const sites[] = { "resid_pre", "attn_out", "mlp_out", "head" };

	for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
		double large, small, wide = gap(s, g, sites[i], 0.1, &large), near = gap(s, g, sites[i], 0.01, &small);

		CHECK_THAT(near < 0.1 * small && small > 1e-4, "%s %s: a small patch of effect %.3g is estimated within %.2g",
			   s->name, sites[i], small, near);
		CHECK_THAT(near < 0.05 * wide + 2e-5, "%s %s: a tenth of the difference has a hundredth of the gap: %.2g and %.2g",
			   s->name, sites[i], near, wide);
	}
}

int main(void)
{
	static pair_check *const checks[] = { check_maps, check_exact, NULL };

	pair_each("tests/fixtures/attribution", 3, checks);
	gradients_each(check_gap);
	pool_stop();
	return tap_done();
}
