/*
 * loud.c - a walk over the registry on the demo model: of no technique more than one cell in five glows, and the strongest is at
 * the ramp's end.
 *
 *   build/tests/screens/test-screens-loud MODEL PROMPT FOIL METRIC		the same on another model, by hand
 */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/analysis/span.h"
#include "tests/registry_walk.h"

enum { ONE_IN = 5 };
static const float glows = 0.5f; /* the brighter half of a ramp */
static int tables, tables_equal;

/* Where cells are not painted with a ramp, but bars are drawn, nothing glows. */
static bool has_ramp(const struct table *t)
{
	return t->look == LOOK_HEAT || t->look == LOOK_ATTENTION || t->look == LOOK_TILES;
}

static void check_table(struct walk *w, const struct table *t)
{
	const struct span span = span_of(t, NULL, false);
	const bool equal = span.knee >= 0.98f; /* more than a fifth are that near to the end: no ramp tells them apart */
	int n = 0, loud = 0;
	float most = 0, least = 1;

	for (int i = 0; i < t->rows.n * t->cols.n; i++) {
		float strength = span_strength(&span, span_paint(&span, t, false, i / t->cols.n, i % t->cols.n));

		n += !isnan(strength);
		loud += strength >= glows;
		most = fmaxf(most, isnan(strength) ? 0 : strength);
		least = fminf(least, isnan(strength) ? 1 : strength);
	}
	CHECK_THAT(loud <= 1 || loud * ONE_IN <= n || equal, "%s: %d of %d cells glow, half at %g", w->what, loud, n,
		   (double)span.knee);
	tables++;
	tables_equal += loud > 1 && loud * ONE_IN > n && least < most; /* of equal cells there is nothing to tell apart */
	CHECK_THAT(span.scale == SCALE_PROBABILITY || span.scale == SCALE_RANK || most > 0.999f || span.lo == span.hi,
		   "%s: the strongest is at the end: %g", w->what, (double)most);
}

static void check_answer(struct walk *w)
{
	struct table *t = answer(w);

	if (t && has_ramp(t))
		check_table(w, t);
	table_unref(t);
}

static void check_every_head(struct walk *w)
{
	const struct config *c = &session_model(w->session)->config;
	struct job_pane *pane = &w->job.pane[0];

	for (int l = 0; l < c->L; l++)
		for (int h = 0; h < c->H; h++) {
			char line[32];

			job_pane_init(pane, analysis_find("attention"));
			snprintf(line, sizeof line, "layer=%d", l);
			CHECK(job_pane_set(pane, line, &(struct err){ 0 }));
			snprintf(line, sizeof line, "head=%d", h);
			CHECK(job_pane_set(pane, line, &(struct err){ 0 }));
			snprintf(w->what, sizeof w->what, "attention %d.%d", l, h);
			check_answer(w);
		}
}

static void check_prompt(struct walk *w, const char *model, const char *prompt, const char *foil, const char *metric)
{
	struct err err = { 0 };

	job_init(&w->job);
	job_set(&w->job.model, model);
	job_set(&w->job.prompt, prompt);
	job_set(&w->job.foil, foil);
	job_set(&w->job.metric, metric);
	w->job.panes = 1;
	job_pane_init(&w->job.pane[0], analysis_list[0]);
	if (CHECK_THAT(session_prepare(w->session, &w->job, NULL, NULL, &err), "%s %s", prompt, err.text)) {
		for (int i = 0; analysis_list[i]; i++) {
			const struct analysis *a = analysis_list[i];

			if (!a->metrics || analysis_explains(a, session_metric(w->session)->kind))
				walk_choices(w, a, check_answer);
		}
		check_every_head(w);
	}
	job_done(&w->job);
}

/*
 * The demo model's tuned lens is the one that ships with the program, under the name that unit_file.h would give one that
 * changes nothing.
 */
static void take_trained_lens(void)
{
	char *real = realpath("presets/tuned_lens.safetensors", NULL), *name = scratch_path("lens-4-160.safetensors");

	CHECK(real && !symlink(real, name));
	free(real);
	free(name);
}

int main(int argc, char **argv)
{
	static const char *const questions[][3] = {
		{ " ball tree bird car book cat dog ball tree bird car book cat",
		  " ball tree bird car book cat dog ball tree bird car book tree", "logit \" dog\"" },
		{ "When Tom and Lily went to the park, Tom gave a ball to",
		  "When Tom and Lily went to the park, Lily gave a ball to", "logit_diff \" Lily\" \" Tom\"" },
		{ "The capital of France is", "The capital of Italy is", "logit_diff \" Paris\" \" Rome\"" },
	};
	struct walk w = { .session = session_new() };
	struct str samples;

	take_trained_lens();
	str_init(&samples); /* prompts of as many tokens as each question's: the foils */
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
		str_addf(&samples, "%s\n", argc > 3 ? argv[3] : questions[i][1]);
	w.samples = scratch_file("samples.txt", samples.s, samples.n);
	if (argc > 4)
		check_prompt(&w, argv[1], argv[2], argv[3], argv[4]);
	for (size_t i = 0; argc <= 4 && i < sizeof questions / sizeof *questions; i++)
		if (tap_takes(1, i, 3)) /* colours are numbers: under sanitizers the shortest question */
			check_prompt(&w, "demo", questions[i][0], questions[i][1], questions[i][2]);
	CHECK_THAT(tables_equal * 30 <= tables, "of %d tables %d have more than a fifth of their cells at the very end", tables,
		   tables_equal);
	session_free(w.session);
	free(w.samples);
	str_done(&samples);
	scratch_done();
	return tap_done();
}
