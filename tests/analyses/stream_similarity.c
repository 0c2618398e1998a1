/*
 * stream_similarity.c - how alike layers are against tests/fixtures/geometry (make_geometry.py), by each measure; too few tokens.
 */
#include "tests/analyses/tables.h"

static const char *const measures[] = { "cosine", "cka", "procrustes" }, *const sites[] = { "resid_post", "attn_out" };

static void check_values(const struct tables *f)
{
	char key[40], words[60];

	for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
		for (size_t k = 0; k < sizeof sites / sizeof *sites; k++) {
			snprintf(key, sizeof key, "%s %s", measures[i], sites[k]);
			snprintf(words, sizeof words, "measure=%s site=%s", measures[i], sites[k]);
			CHECK_THAT(json_get(json_get(f->root, "stream-similarity"), key), "%s has %s", f->name, key);
			tables_test(f, "stream-similarity", key, words);
		}
}

/* CKA of three tokens after the first divides by 0, of four it does not. */
static void check_few(const struct tables *f)
{
	for (int T = 4; T <= 5; T++) {
		struct run_order order = { .model = f->model, .tokens = f->run->tokens + f->run->T - T, .T = T };
		struct err err = { 0 };
		struct tables few = *f;
		struct metric metric;
		struct ask ask = { .model = f->model, .metric = &metric };
		struct job_pane pane;
		struct table *t;

		few.run = run_new(&order, NULL, &err);
		ask.run = ask.unedited = few.run;
		job_pane_init(&pane, analysis_find("stream-similarity"));
		if (!CHECK_THAT(few.run && metric_resolve("logit #1", few.run, &metric, NULL, &err) &&
					job_pane_set(&pane, "measure=cka", &err),
				"%s %s", f->name, err.text))
			continue;
		t = analysis_compute(pane.analysis, &ask, pane.args, &err);
		CHECK_THAT(t && (T == 4) == isnan(*t->value) && (T == 5 || strstr(t->footnote, "at least 4 tokens")),
			   "%s: %d tokens: %s", f->name, T, err.text);
		table_unref(t);
		metric_done(&metric);
		run_unref(few.run);
	}
}

static void check_all(const struct tables *f)
{
	check_values(f);
	check_few(f);
}

int main(void)
{
	tables_each_in("tests/fixtures/geometry", check_all);
	return tap_done();
}
