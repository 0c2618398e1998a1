/*
 * patching.c - maps of interventions against tests/fixtures/patching, where every cell is a run of PyTorch of its own
 * (tests/reference/make_patching.py), and the identities of METHODS.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/numbers/pool.h"
#include "engine/run/sweep.h"
#include "tests/numbers/pair.h"
#include "tests/numbers/variant.h"
#include "tests/unit_file.h"

#define FOLDER "tests/fixtures/patching"
static const double tolerance = 1e-4;

/* A map of the fixture, raw and normalised. */
static void check_map(const struct pair *f, const char *direction, const char *site)
{
	const struct json_value *map = json_get(json_get(f->root, direction), site);
	float expected[4096];
	char words[160];
	size_t n = pair_numbers(map, expected, 0);
	bool own = strstr(site, "show=");	/* no second way to show it */

	for (int raw = 1; raw >= own; raw--) {
		struct table *t;

		snprintf(words, sizeof words, "site=%s direction=%s%s", site, direction, own ? "" : raw ? " show=raw" : " show=normalised");
		t = pair_table(f, "activation-patching", words);
		for (size_t i = 0; !raw && i < n; i++)
			expected[i] = (float)(((double)expected[i] - f->m_foil) / (f->m_run - f->m_foil));
		if (t && CHECK_THAT((size_t)t->rows.n * (size_t)t->cols.n == n && n > 0, "%s: %s has %zu cells", f->name, words, n)) {
			CHECK_NEAR(t->value, expected, n, tolerance, "%s: %s", f->name, words);
			CHECK_THAT(strstr(t->title, direction) && t->footnote, "%s: %s", f->name, t->title);
		}
		table_unref(t);
	}
}

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
	} maps[] = { { "resid_pre", "stream" }, { "resid_post", "stream" }, { "attn_out", "stream" }, { "mlp_out", "stream" }, { "z", "head" },
		     { "q", "head" }, { "k", "head" } };
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
		if (CHECK_THAT(t && n > 0 && (size_t)t->rows.n * (size_t)t->cols.n == n, "%s: %s has %zu cells %s", f->name, words, n, err.text)) {
			CHECK_NEAR(t->value, expected, n, tolerance, "%s: %s within %s", f->name, words, file);
			CHECK_THAT(check_holds(&t->check) && strstr(t->title, direction) && strstr(t->title, strrchr(file, '/') + 1), "%s: %s", f->name, t->title);
		}
		table_unref(t);
	}
	all = ask_within(f, whole, "show=raw", &err);
	patched = pair_table(f, "activation-patching", "show=raw");
	if (CHECK_THAT(all && patched, "%s: all directions %s", f->name, err.text))
		CHECK_NEAR(all->value, patched->value, (size_t)patched->rows.n * (size_t)patched->cols.n, 1e-5, "%s: within all directions it is patching", f->name);
	table_unref(all);
	table_unref(patched);
	CHECK_THAT(!ask_within(f, long_ones, "show=normalised", &err) && strstr(err.text, "not orthonormal"),
		   "%s: %s", f->name, err.text);
	CHECK_THAT(!ask_within(f, whole, "site=z", &err) && strstr(err.text, "expected at most"),
		   "%s: %s", f->name, err.text);
	CHECK_THAT(!pair_ask(f, f->foil, "subspace-interchange", "", &err) && strstr(err.text, "basis=FILE"), "%s: %s", f->name, err.text);
	free(whole);
	free(long_ones);
}

/* The reference's maps; unequal prompts are refused; a prompt patched with itself stays as it is. */
static void check_patching(const struct pair *f)
{
	static const char *const directions[] = { "noising", "denoising" }, *const sites[] = {
		"resid_pre", "attn_out", "mlp_out", "head", "q", "k", "v", "pattern", "head at=last", "q at=last", "k at=last", "v at=last",
		"pattern at=last", "resid_mid", "resid_post", "z", "head_position layer=1", "neuron block=9",
		"neuron block=30 at=position position=-2", "parts", "head at=position position=3", "head show=kl" };
	struct run_order shorter = { .model = f->model, .tokens = f->foil->tokens, .T = f->foil->T - 1 };
	struct err err = { 0 };
	struct run *run = run_new(&shorter, NULL, &err);
	struct table *t = pair_ask(f, run, "activation-patching", "", &err);
	char sentence[100];

	snprintf(sentence, sizeof sentence, "equally many tokens; they have %d and %d", f->run->T, f->foil->T - 1);
	CHECK_THAT(!t && err.kind == ERR_ARGUMENT && strstr(err.text, sentence), "%s: %s", f->name, err.text);
	run_unref(run);
	for (int d = 0; d < 2; d++)
		for (size_t s = 0; s < sizeof sites / sizeof *sites; s++)
			check_map(f, directions[d], sites[s]);

	t = pair_ask(f, f->run, "activation-patching", "show=raw", &err);	/* the run's own values */
	for (int i = 0; t && i < t->rows.n * t->cols.n; i++)
		if (t->value[i] != t->value[0])
			table_unref(t), t = NULL;
	CHECK_THAT(!!t, "%s: patching a run with itself changes nothing, exactly", f->name);
	table_unref(t);
}

static void check_ablation(const struct pair *f)
{
	static const char *const maps[] = { "site=attn_out op=mean", "site=resid_post op=zero", "site=kv op=zero",
					    "site=head op=zero at=position position=2", "site=parts op=mean at=last",
					    "site=neuron op=zero block=11", "site=head_position op=zero layer=0" };

	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
		const struct json_value *map = json_get(json_get(f->root, "ablation"), maps[i]);
		float expected[4096];
		size_t n = pair_numbers(map, expected, 0);
		struct table *t = pair_table(f, "ablation-sweep", maps[i]);

		if (t && CHECK_THAT((size_t)t->rows.n * (size_t)t->cols.n == n && n > 0, "%s: %s has %zu cells", f->name, maps[i], n))
			CHECK_NEAR(t->value, expected, n, tolerance, "%s: ablation %s", f->name, maps[i]);
		table_unref(t);
	}
}

static struct run *edited(const struct pair *f, const char *const *lines, int n, const struct run *foil, struct err *err)
{
	struct run_order order = { .model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edits = lines, .edit_count = n,
				   .unedited = f->run, .foil = foil };

	return run_new(&order, NULL, err);
}

/* What a file of prompts puts there: each draw is the edit that it stands for; without a file, a sentence. */
static void check_samples(const struct pair *f)
{
	enum { DRAWS = 3 };
	struct err err = { 0 };
	struct table *t = pair_ask(f, NULL, "ablation-sweep", "op=resample", &err), *drawn, *mean;
	double now = 0, sum = 0, value = 0;

	CHECK_THAT(!t && strstr(err.text, "samples=FILE"), "%s: %s", f->name, err.text);
	table_unref(t);
	err = (struct err){ 0 };
	metric_value(&f->metric, f->run, f->run, &now, NULL, &err);
	drawn = pair_ask(f, NULL, "ablation-sweep", "samples=tests/fixtures/edits/own.txt op=resample draws=3", &err);
	mean = pair_ask(f, NULL, "ablation-sweep", "samples=tests/fixtures/edits/set.jsonl op=samples_mean site=mlp_out", &err);
	for (int k = 0; k <= DRAWS; k++) {
		char line[100];
		const char *lines[] = { line };
		struct run *r;

		snprintf(line, sizeof line, k < DRAWS ? "head 1.0 resample tests/fixtures/edits/own.txt %d" : "mlp_out 1 @2 mean tests/fixtures/edits/set.jsonl", k);
		r = edited(f, lines, 1, NULL, &err);
		if (!CHECK_THAT(r && metric_value(&f->metric, r, f->run, &value, NULL, &err), "%s: %s %s", f->name, line, err.text))
			break;
		if (k < DRAWS)
			sum += value - now;
		run_unref(r);
	}
	CHECK_THAT(drawn && drawn->error && fabs((double)drawn->value[table_cell(drawn, 1, 0)] - sum / DRAWS) < 1e-5, "%s: a cell is the mean of its draws %s", f->name, err.text);
	CHECK_THAT(mean && fabs((double)mean->value[table_cell(mean, 1, 2)] - (value - now)) < 1e-5, "%s: a cell is the edit that puts the samples' mean %s", f->name, err.text);
	table_unref(drawn);
	table_unref(mean);
}

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
			snprintf(line + strlen(line), sizeof line - strlen(line), "tests/fixtures/%s/%s", json_text(json_get(f->root, "model")), file);
		lines[0] = line;
		pair_numbers(json_get(json_at(edits, i), "logits_last"), expected, 0);
		r = edited(f, lines, 1, f->foil, &err);
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
	static const char *const lines[] = { "embed 0 @2 noise 1 5", "embed 0 @2 noise 1 6", "scores 0 @1<0 mask", "pattern 0 @1<0 zero",
					     "embed 0 noise 0", "embed 0 @1 patch", "resid_pre 0 @1 patch", "head 0.1 @3 noise 2" };
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
		r[i] = edited(f, lines + i, 1, f->foil, &err);
		v[i] = variant_of(lines + i, 1, arena);
		CHECK_THAT(!!r[i], "%s: %s %s", f->name, lines[i], err.text);
	}
	again = edited(f, lines, 1, NULL, &err);
	CHECK_THAT(same_logits(r[0], again) && !same_logits(r[0], r[1]), "%s: a seed gives its noise again, another one other noise", f->name);
	CHECK_THAT(!same_logits(r[2], r[3]), "%s: hiding a key is not the same as zeroing its weight", f->name);
	CHECK_THAT(same_logits(r[4], f->run), "%s: noise of size 0 changes nothing", f->name);
	CHECK_THAT(same_logits(r[5], r[6]), "%s: the embedding is what enters layer 0", f->name);
	if (CHECK_THAT(sweep_metric(f->run, f->run, f->foil, &f->metric, v, N, value, NULL, &err), "%s: sweep %s", f->name, err.text))
		for (int i = 0; i < N; i++)
			wrong += !metric_value(&f->metric, r[i], f->run, &single, NULL, &err) || single != value[i];
	CHECK_THAT(!wrong, "%s: of %d cells of a sweep %d are not exactly the single run", f->name, N, wrong);
	nothing = edited(f, hidden, 1, NULL, &err);
	for (int h = 0; nothing && h < f->model->config.H; h++)
		sum += fabsf(run_pattern(nothing, 0, h, 0)[0]);
	CHECK_THAT(nothing && sum == 0 && isfinite(nothing->last_logits[0]), "%s: with every key hidden, heads look at nothing", f->name);
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
		{ "scores 0.1 @1<0 mean", "mean does not work on scores: a key that a query may not see has the score -inf, and so there is no mean over queries; there: zero, scale, add, patch, "
					"resample, freeze or mask" },
		{ "resid_pre 0 interchange", "interchange needs a FILE.npy" },
		{ "pattern 0.1 @1<0 mask", "mask does not work on pattern: only what softmax reads can be hidden from it" },
		{ "scores 0.1 @1 mask", "mask needs a key" },
		{ "embed 0 noise", "noise needs a number" },
		{ "embed 0 noise 3 x", "the seed after noise" },
		{ "embed 1 zero", "embeddings enter layer 0" },
		{ "embed 0 blur", "expected zero, mean, scale, add, patch, resample, freeze, interchange, noise or project instead of blur" },
		{ "resid_pre 0 project", "project needs a FILE.npy" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = { 0 };
		struct run *r = edited(f, cases[i], 1, f->foil, &err);

		CHECK_THAT(!r && strstr(err.text, cases[i][1]), "%s: %s", cases[i][0], err.text);
		run_unref(r);
	}
}

int main(void)
{
	static pair_check *const checks[] = { check_edits, check_identities, check_refusals, check_patching, check_subspaces, check_ablation, check_samples, NULL };

	pair_each(FOLDER, 2, checks);
	pool_stop();
	scratch_done();
	return tap_done();
}
