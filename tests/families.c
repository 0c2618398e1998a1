/*
 * families.c - every technique, with every choice of every argument, on families that have something of their own: mixtures of
 * experts, streams that norms are on, curves with numbers of their own. Each answers with a check that holds, or says in a
 * sentence what it cannot.
 */
#include <stdio.h>

#include "engine/analysis/table.h"
#include "tests/registry_walk.h"

static int answered, refused;

static void check_one(struct walk *w)
{
	struct err err = { 0 };
	struct table *t = NULL;

	unit_file_arguments(&w->job, &session_model(w->session)->config, w->samples);
	if (session_prepare(w->session, &w->job, NULL, NULL, &err))
		t = session_answer(w->session, 0, NULL, NULL, &err);
	if (!t) {
		CHECK_THAT(err.kind == ERR_ARGUMENT && *err.text, "%s %s: %s", w->job.model, w->what, err.text);
		refused++;
		return;
	}
	CHECK_THAT(!t->check.name || check_holds(&t->check), "%s %s: %s: %.6g, expected %.6g", w->job.model, w->what,
		   t->check.name ? t->check.name : "no check", t->check.actual, t->check.expected);
	answered++;
	table_unref(t);
}

int main(void)
{
	static const char *const families[] = { "glm4_moe",  "ernie4_5_moe",	"granitemoe", "qwen2_moe",
						"mixtral",   "qwen3_moe-dense", "bloom-post", "lfm2",
						"lfm2-bias", "lfm2_moe",	"glm4",	      "apertus",
						"mpt",	     "exaone4",		"ministral3" };

	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		struct walk w;
		char folder[200];

		snprintf(folder, sizeof folder, "tests/fixtures/families/%s", families[i]);
		answered = refused = 0;
		if (walk_open(&w, folder, "abc the cat", "abc the dog"))
			for (int a = 0; analysis_list[a]; a++)
				if (tap_takes(i, (size_t)a, 3))
					walk_choices(&w, analysis_list[a], check_one);
		CHECK_THAT(answered > 2 * refused, "%s: %d answers, %d refusals", families[i], answered, refused);
		walk_close(&w);
	}
	return tap_done();
}
