/*
 * alti_logit.c - ALTI-Logit against tests/reference/make_mixing.py, its books under edits and for every kind of metric that it
 * takes.
 */
#include "tests/analyses/mixing.h"

static const char *at_position(const struct pair *f)
{
	static char words[40];
	int64_t position = -1;

	json_int(json_get(f->root, "position"), &position);
	snprintf(words, sizeof words, "position=%d", (int)position);
	return words;
}

static void check_cells(const struct pair *f)
{
	const struct json_value *expected = json_get(f->root, "alti_logit");
	struct table *t = pair_table(f, "alti-logit", at_position(f));
	int n = (int)json_count(expected), wrong = 0;

	for (int i = 0; t && i < t->rows.n; i++)
		for (int k = 0; k < 3; k++) {
			float own = t->value[3 * i + k];
			double value = NAN;

			if (i >= n || (k && i < n - 1)) {
				wrong += !isnan(own);
				continue;
			}
			json_double(json_at(json_at(expected, (size_t)i), (size_t)k), &value);
			wrong += !(fabs((double)own - value) <= 1e-4 * fmax(1, fabs(value)));
		}
	CHECK_THAT(t && n && !wrong, "%s: of %d positions %d cells are wrong", f->name, n, wrong);
	table_unref(t);
}

static void check_edits(const struct pair *f)
{
	static const char *const edits[] = { "head 0.1 scale 2", "attn_out 1 @2..5 mean", "mlp_out 0 zero", "head 1.0 mean",
					     "resid_post 0 scale 1.1" };
	struct table *t;

	for (int n = 1; n <= (int)(sizeof edits / sizeof *edits); n++) {
		t = mixing_edited(f, "alti-logit", at_position(f), edits, n);
		table_unref(t);
	}
}

static void check_metrics(const struct pair *f)
{
	static const char *const metrics[] = { "neuron_pre 1.2", "scores 1.0 @4<2", "norm resid_post 0 @3",
					       "part head 1.0 of logit #5" };

	for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
		struct pair own = *f;
		struct err err = { 0 };
		struct table *t = NULL;

		if (metric_resolve(metrics[m], f->run, &own.metric, NULL, &err))
			t = pair_ask(&own, NULL, "alti-logit", "", &err);
		CHECK_THAT(t && check_holds(&t->check), "%s: %s: its books balance %s", f->name, metrics[m], err.text);
		table_unref(t);
		metric_done(&own.metric);
	}
}

int main(void)
{
	static pair_check *const checks[] = { check_cells, check_edits, check_metrics, NULL };

	pair_each(MIXING_FOLDER, MIXING_MODELS, checks);
	pool_stop();
	return tap_done();
}
