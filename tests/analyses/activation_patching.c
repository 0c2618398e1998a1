/*
 * activation_patching.c - maps of patches against tests/fixtures/patching, where every cell is a run of PyTorch
 * (tests/reference/make_patching.py); --diff foil turns the direction round.
 */
#include <math.h>

#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"
#include "tests/analyses/plain.h"

static const double tolerance = 1e-4;

/* With --diff foil each prompt is the other's foil: what one direction is on the prompt, the other is on the foil. */
static void test_patching_difference(void)
{
	struct err err = { 0 };
	struct table *noising, *denoising, *difference = NULL;
	int wrong = 0;

	job_set(&job.foil, "one three two two one");
	noising = ANSWER("activation-patching", "direction=noising", "show=raw");
	denoising = ANSWER("activation-patching", "direction=denoising", "show=raw");
	job_pane_set(&job.pane[0], "direction=noising", &err);
	job.pane[0].shown = SHOWN_MINUS_FOIL;
	if (session_prepare(session, &job, NULL, NULL, &err))
		difference = session_answer(session, 0, NULL, NULL, &err);
	if (CHECK_THAT(noising && denoising && difference, "%s: activation-patching, prompt − foil %s", model_name, err.text))
		for (int i = 0; i < difference->rows.n * difference->cols.n; i++)
			wrong += fabsf(difference->value[i] - (noising->value[i] - denoising->value[i])) > 1e-5f;
	CHECK_THAT(!wrong, "%s: activation-patching: %d cells of prompt − foil are not noising − denoising", model_name, wrong);
	table_unref(noising);
	table_unref(denoising);
	table_unref(difference);
	job_set(&job.foil, NULL);
}

/* A map of the fixture, raw and normalised. */
static void check_map(const struct pair *f, const char *direction, const char *site)
{
	const struct json_value *map = json_get(json_get(f->root, direction), site);
	float expected[4096];
	char words[160];
	size_t n = pair_numbers(map, expected, 0);
	bool own = strstr(site, "show="); /* no second way to show it */

	for (int raw = 1; raw >= own; raw--) {
		struct table *t;

		snprintf(words, sizeof words, "site=%s direction=%s%s", site, direction,
			 own   ? ""
			 : raw ? " show=raw"
			       : " show=normalised");
		t = pair_table(f, "activation-patching", words);
		for (size_t i = 0; !raw && i < n; i++)
			expected[i] = (float)(((double)expected[i] - f->m_foil) / (f->m_run - f->m_foil));
		if (t &&
		    CHECK_THAT((size_t)t->rows.n * (size_t)t->cols.n == n && n > 0, "%s: %s has %zu cells", f->name, words, n)) {
			CHECK_NEAR(t->value, expected, n, tolerance, "%s: %s", f->name, words);
			CHECK_THAT(strstr(t->title, direction) && t->footnote, "%s: %s", f->name, t->title);
		}
		table_unref(t);
	}
}

/* The reference's maps; unequal prompts are refused; a prompt patched with itself stays as it is. */
static void check_patching(const struct pair *f)
{
	static const char *const directions[] = { "noising", "denoising" }, *const sites[] = {
		"resid_pre",
		"attn_out",
		"mlp_out",
		"head",
		"q",
		"k",
		"v",
		"pattern",
		"head at=last",
		"q at=last",
		"k at=last",
		"v at=last",
		"pattern at=last",
		"resid_mid",
		"resid_post",
		"z",
		"head_position layer=1",
		"neuron block=9",
		"neuron block=30 at=position position=-2",
		"parts",
		"head at=position position=3",
		"head show=kl"
	};
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

	t = pair_ask(f, f->run, "activation-patching", "show=raw", &err); /* the run's own values */
	for (int i = 0; t && i < t->rows.n * t->cols.n; i++)
		if (t->value[i] != t->value[0])
			table_unref(t), t = NULL;
	CHECK_THAT(!!t, "%s: patching a run with itself changes nothing, exactly", f->name);
	table_unref(t);
}

int main(void)
{
	static plain_test *const tests[] = { test_patching_difference, NULL };
	static pair_check *const checks[] = { check_patching, NULL };

	plain_each(tests);
	pair_each("tests/fixtures/patching", 2, checks);
	pool_stop();
	return tap_done();
}
