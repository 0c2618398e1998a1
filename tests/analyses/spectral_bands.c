/*
 * spectral_bands.c - bands of streams against tests/fixtures/spectral_bands (make_spectral_bands.py); the spectrum itself: singular
 * values, and that vectors are of length 1 and at right angles.
 */
#include <math.h>

#include "engine/analysis/spectrum.h"
#include "tests/analyses/tables.h"

static void check_spectrum(const struct tables *f)
{
	const struct json_value *expected = json_get(f->root, "sigma");
	const size_t D = (size_t)f->model->config.D, n = tables_numbers(expected, NULL, 0);
	float *theirs = calloc(2 * D + n, sizeof *theirs), *own = theirs + n;
	struct arena *arena = arena_new();
	struct spectrum s;
	struct err err = { 0 };
	double worst = 0;

	tables_numbers(expected, theirs, 0);
	if (CHECK_THAT(n == D && spectrum_of_unembedding(f->model, &s, arena, NULL, &err), "%s: spectrum %s", f->name, err.text)) {
		for (size_t i = 0; i < D; i++) {
			own[i] = (float)s.sigma[i];
			for (size_t j = 0; j <= i; j++) {
				double sum = 0;

				for (size_t k = 0; k < D; k++)
					sum += s.vector[i * D + k] * s.vector[j * D + k];
				worst = fmax(worst, fabs(sum - (i == j)));
			}
		}
		CHECK_NEAR(own, theirs, D, 1e-4, "%s: singular values", f->name);
		CHECK_THAT(worst < 1e-12, "%s: vectors are orthonormal but for %g", f->name, worst);
	}
	arena_free(arena);
	free(theirs);
}

static void check_case(const struct tables *f, const char *key)
{
	const struct json_value *expected = json_get(json_get(f->root, "spectral-bands"), key);
	char words[60];
	struct table *t;

	snprintf(words, sizeof words, "show=%s bands=5", key);
	if (!(t = tables_compute(f, "spectral-bands", "entropy", words)))
		return;
	CHECK_THAT(expected && !t->check.name == !strncmp(key, "cosine", 6), "%s: %s", f->name, key);
	tables_compare(f, t, expected, key);
	table_unref(t);
}

static void check_all(const struct tables *f)
{
	check_spectrum(f);
	check_case(f, "energy position=-1");
	check_case(f, "energy position=0");
	check_case(f, "energy position=all");
	check_case(f, "cosine position=-2");
}

int main(void)
{
	tables_each_in("tests/fixtures/spectral_bands", check_all);
	return tap_done();
}
