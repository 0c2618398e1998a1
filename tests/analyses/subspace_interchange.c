/* subspace_interchange.c - maps of what lies in a subspace, against tests/fixtures/patching (tests/reference/make_patching.py). */
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"
#include "tests/unit_file.h"

static const double tolerance = 1e-4;

static struct table *ask_within(const struct pair *f, const char *basis, const char *word, struct err *err)
{
	char words[200];

	snprintf(words, sizeof words, "basis=%s %s", basis, word);
	return pair_ask(f, f->foil, "subspace-interchange", words, err);
}

/* The reference's maps of what lies in a subspace; within all directions it is activation patching, and a bad basis is refused. */
static void check_subspaces(const struct pair *f)
{
	static const char *const directions[] = { "noising", "denoising" };
	static const struct {
		const char *site, *basis;
	} maps[] = { { "resid_pre", "stream" },
		     { "resid_post", "stream" },
		     { "attn_out", "stream" },
		     { "mlp_out", "stream" },
		     { "z", "head" },
		     { "q", "head" },
		     { "k", "head" } };
	const char *name = strrchr(json_text(json_get(f->root, "model")), '/') + 1;
	const int D = f->model->config.D;
	char *whole = unit_file("whole.npy", D, D, 1, false), *long_ones = unit_file("long.npy", 2, D, 2, false);
	struct err err = { 0 };
	struct table *all, *patched;

	for (size_t i = 0; i < 2 * sizeof maps / sizeof *maps; i++) {
		const char *direction = directions[i % 2], *site = maps[i / 2].site;
		char file[100], words[200], key[160];
		float expected[4096];
		struct table *t;
		size_t n;

		snprintf(file, sizeof file, "tests/fixtures/edits/%s-%s.npy", name, maps[i / 2].basis);
		snprintf(key, sizeof key, "%s in %s", site, strrchr(file, '/') + 1);
		snprintf(words, sizeof words, "basis=%s site=%s direction=%s show=raw", file, site, direction);
		n = pair_numbers(json_get(json_get(f->root, direction), key), expected, 0);
		t = pair_ask(f, f->foil, "subspace-interchange", words, &err);
		if (CHECK_THAT(t && n > 0 && (size_t)t->rows.n * (size_t)t->cols.n == n, "%s: %s has %zu cells %s", f->name, words,
			       n, err.text)) {
			CHECK_NEAR(t->value, expected, n, tolerance, "%s: %s within %s", f->name, words, file);
			CHECK_THAT(check_holds(&t->check) && strstr(t->title, direction) &&
					   strstr(t->title, strrchr(file, '/') + 1),
				   "%s: %s", f->name, t->title);
		}
		table_unref(t);
	}
	all = ask_within(f, whole, "show=raw", &err);
	patched = pair_table(f, "activation-patching", "show=raw");
	if (CHECK_THAT(all && patched, "%s: all directions %s", f->name, err.text))
		CHECK_NEAR(all->value, patched->value, (size_t)patched->rows.n * (size_t)patched->cols.n, 1e-5,
			   "%s: within all directions it is patching", f->name);
	table_unref(all);
	table_unref(patched);
	CHECK_THAT(!ask_within(f, long_ones, "show=normalised", &err) && strstr(err.text, "not orthonormal"), "%s: %s", f->name,
		   err.text);
	CHECK_THAT(!ask_within(f, whole, "site=z", &err) && strstr(err.text, "expected at most"), "%s: %s", f->name, err.text);
	CHECK_THAT(!pair_ask(f, f->foil, "subspace-interchange", "", &err) && strstr(err.text, "basis=FILE"), "%s: %s", f->name,
		   err.text);
	free(whole);
	free(long_ones);
}

int main(void)
{
	static pair_check *const checks[] = { check_subspaces, NULL };

	pair_each("tests/fixtures/patching", 2, checks);
	pool_stop();
	scratch_done();
	return tap_done();
}
