/*
 * interventions.c - edits against tests/fixtures/patching (tests/reference/make_patching.py), what holds of them without a
 * reference, and the lines that are refused.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/numbers/pool.h"
#include "engine/run/sweep.h"
#include "tests/numbers/pair.h"
#include "tests/numbers/variant.h"

#define FOLDER "tests/fixtures/patching"
static const double tolerance = 1e-4;

/* Ops that the models' own fixtures have none of: the last logits under each. */
static void check_edits(const struct pair *f)
{
	const struct json_value *edits = json_get(f->root, "edits");
	const char *vector = "vector.npy";

	CHECK_THAT(json_count(edits) > 10, "%s: %zu edits", f->name, json_count(edits));
	for (size_t i = 0; i < json_count(edits); i++) {
		const char *text = json_text(json_get(json_at(edits, i), "edit")), *file = strstr(text, vector), *lines[1];
		struct err err = { 0 };
		float expected[4096];
		char line[300];
		struct run *r;

		snprintf(line, sizeof line, "%.*s", (int)(file ? file - text : (ptrdiff_t)strlen(text)), text);
		if (file)
			snprintf(line + strlen(line), sizeof line - strlen(line), "tests/fixtures/%s/%s",
				 json_text(json_get(f->root, "model")), file);
		lines[0] = line;
		pair_numbers(json_get(json_at(edits, i), "logits_last"), expected, 0);
		r = pair_edited(f, f->foil, lines, 1, &err);
		if (CHECK_THAT(!!r, "%s: %s %s", f->name, text, err.text))
			CHECK_NEAR(r->last_logits, expected, f->model->config.V, tolerance, "%s: %s", f->name, text);
		run_unref(r);
	}
}

static bool same_logits(const struct run *a, const struct run *b)
{
	return a && b && !memcmp(a->last_logits, b->last_logits, (size_t)a->model->config.V * sizeof(float));
}

/* What holds without a reference: seeds, masks against zeros, sweeps of edits at the embedding. */
static void check_identities(const struct pair *f)
{
	static const char *const lines[] = { "embed 0 @2 noise 1 5", "embed 0 @2 noise 1 6", "scores 0 @1<0 mask",
					     "pattern 0 @1<0 zero",  "embed 0 noise 0",	     "embed 0 @1 patch",
					     "resid_pre 0 @1 patch", "head 0.1 @3 noise 2" };
	enum { N = sizeof lines / sizeof *lines };
	struct run *r[N] = { NULL }, *again, *nothing;
	const char *hidden[] = { "scores 0 @0<0 mask" };
	struct sweep_variant v[N] = { 0 };
	struct arena *arena = arena_new();
	struct err err = { 0 };
	double value[N], single;
	int wrong = 0;
	float sum = 0;

	for (int i = 0; i < N; i++) {
		r[i] = pair_edited(f, f->foil, lines + i, 1, &err);
		v[i] = variant_of(lines + i, 1, arena);
		CHECK_THAT(!!r[i], "%s: %s %s", f->name, lines[i], err.text);
	}
	again = pair_edited(f, NULL, lines, 1, &err);
	CHECK_THAT(same_logits(r[0], again) && !same_logits(r[0], r[1]),
		   "%s: a seed gives its noise again, another one other noise", f->name);
	CHECK_THAT(!same_logits(r[2], r[3]), "%s: hiding a key is not the same as zeroing its weight", f->name);
	CHECK_THAT(same_logits(r[4], f->run), "%s: noise of size 0 changes nothing", f->name);
	CHECK_THAT(same_logits(r[5], r[6]), "%s: the embedding is what enters layer 0", f->name);
	if (CHECK_THAT(sweep_metric(f->run, f->run, f->foil, &f->metric, v, N, value, NULL, &err), "%s: sweep %s", f->name,
		       err.text))
		for (int i = 0; i < N; i++)
			wrong += !metric_value(&f->metric, r[i], f->run, &single, NULL, &err) || single != value[i];
	CHECK_THAT(!wrong, "%s: of %d cells of a sweep %d are not exactly the single run", f->name, N, wrong);
	nothing = pair_edited(f, NULL, hidden, 1, &err);
	for (int h = 0; nothing && h < f->model->config.H; h++)
		sum += fabsf(run_pattern(nothing, 0, h, 0)[0]);
	CHECK_THAT(nothing && sum == 0 && isfinite(nothing->last_logits[0]), "%s: with every key hidden, heads look at nothing",
		   f->name);
	run_unref(nothing);
	run_unref(again);
	for (int i = 0; i < N; i++)
		run_unref(r[i]);
	arena_free(arena);
}

/* Lines that are refused, and why. */
static void check_refusals(const struct pair *f)
{
	static const char *const cases[][2] = {
		{ "pattern 0.1 project v.npy", "project does not work on pattern: a pattern has one number for each key" },
		{ "scores 0.1 @1<0 mean",
		  "mean does not work on scores: a key that a query may not see has the score -inf, and so "
		  "there is no mean over queries; there: zero, scale, add, patch, resample, freeze or mask" },
		{ "resid_pre 0 interchange", "interchange needs a FILE.npy" },
		{ "pattern 0.1 @1<0 mask", "mask does not work on pattern: only what softmax reads can be hidden from it" },
		{ "scores 0.1 @1 mask", "mask needs a key" },
		{ "scores * @1 mask", "mask needs a key" },
		{ "scores * @1<0 freeze", "* (every layer) is for mask, zero, scale and add" },
		{ "embed 0 noise", "noise needs a number" },
		{ "embed 0 noise 3 x", "the seed after noise" },
		{ "embed 1 zero", "embeddings enter layer 0" },
		{ "embed 0 blur", "expected zero, mean, scale, add, patch, resample, freeze, interchange, noise or project instead "
				  "of blur" },
		{ "resid_pre 0 project", "project needs a FILE.npy" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = { 0 };
		struct run *r = pair_edited(f, f->foil, cases[i], 1, &err);

		CHECK_THAT(!r && strstr(err.text, cases[i][1]), "%s: %s", cases[i][0], err.text);
		run_unref(r);
	}
}

int main(void)
{
	static pair_check *const checks[] = { check_edits, check_identities, check_refusals, NULL };

	pair_each(FOLDER, 2, checks);
	pool_stop();
	return tap_done();
}
