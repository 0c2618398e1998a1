/*
 * fixture.h - a tiny model, its run, and the activations that transformers gives for it: every site of the two is compared.
 * Included once per test executable.
 */
#ifndef LMSCOPE_TESTS_NUMBERS_FIXTURE_H
#define LMSCOPE_TESTS_NUMBERS_FIXTURE_H

#include <stdlib.h>

#include "engine/base/json.h"
#include "engine/model/model.h"
#include "engine/model/files/weights.h"
#include "engine/run/run.h"
#include "tests/numbers/ids.h"
#include "tests/tap.h"

static const double tolerance = 2e-5; /* of a site's scale: less than what an exact GELU in place of the tanh form makes */

struct fixture {
	const char *name;
	struct model *model;
	struct weights *expected;
	struct json *about;
	int32_t ids[MOST_IDS], foil_ids[MOST_IDS];
	int n, foil_n;
	struct run *run, *foil;
};

/* A site of ours at every position, as the reference has it: [T, width], or [H, T, T] for the pattern. */
static size_t collect(const struct fixture *f, enum site site, int layer, float *out)
{
	const struct config *c = &f->model->config;
	size_t at = 0, width = site_table[site].width == 'D'   ? (size_t)c->D
			       : site_table[site].width == 'X' ? (size_t)c->experts.X
			       : site_table[site].width == 'F' ? (size_t)c->dense
			       : site_table[site].width == 'C'
				       ? (size_t)config_conv_width(c)
				       : (size_t)((site_table[site].unit == DIM_KV_HEAD ? c->G : c->H) * c->K);

	if (site == SITE_PATTERN) {
		for (int h = 0; h < c->H; h++)
			for (int t = 0; t < f->n; t++, at += (size_t)f->n)
				memcpy(out + at, run_pattern(f->run, layer, h, t), (size_t)f->n * sizeof *out);
		return at;
	}
	for (int t = 0; t < f->n; t++, at += width)
		memcpy(out + at, run_at(f->run, site, layer, t), width * sizeof *out);
	return at;
}

static void check_sites(const struct fixture *f)
{
	int compared = 0;

	for (size_t i = 0; i < weights_tensors(f->expected); i++) {
		const struct tensor *t = weights_tensor(f->expected, i);
		size_t n = tensor_count(t), have = 0;
		float *want = malloc(n * sizeof *want), *got = malloc((n + 1000000) * sizeof *got);
		int layer;
		char name[64];
		struct err err = { 0 };

		tensor_expand(t, want);
		if (sscanf(t->name, "blocks.%d.%63s", &layer, name) == 2 && site_find(name) != SITE_NONE) {
			have = collect(f, site_find(name), layer, got);
		} else if (!strcmp(t->name, "logits") && run_logits(f->run, 0, f->n, got, NULL, &err)) {
			have = (size_t)f->n * (size_t)f->model->config.V;
		} else if (!strcmp(t->name, "ln_final")) {
			for (int p = 0; p < f->n; p++, have += (size_t)f->model->config.D)
				run_ln_final(f->run, p, got + have);
		}
		if (have) {
			compared++;
			if (CHECK_THAT(have == n, "%s %s has %zu numbers", f->name, t->name, n))
				CHECK_NEAR(got, want, n, tolerance, "%s %s", f->name, t->name);
		}
		free(want);
		free(got);
	}
	CHECK_THAT(compared > f->model->config.L * 8, "%s: %d sites were compared", f->name, compared);
}

#endif
