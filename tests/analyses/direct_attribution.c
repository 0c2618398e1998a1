/* direct_attribution.c - what each part writes, from the other end: what the logit loses without it. */
#include "tests/analyses/attributions.h"

/*
 * A row, once more and from the other end: what the logit would lose if this write were taken out of the final stream while the
 * norm's scale stays. Take it out, normalise, and undo the change of scale.
 */
static double share_by_removal(const float *write)
{
	const struct model *m = session_model(session);
	const struct run *r = session_run(session);
	const struct metric *metric = session_metric(session);
	size_t D = (size_t)m->config.D;
	const float *x = run_at(r, SITE_RESID_POST, m->config.L - 1, r->T - 1);
	float *less = calloc(D, sizeof *less), *y = calloc(D, sizeof *y), *logits = calloc((size_t)m->config.V, sizeof *logits);
	float *zero = calloc(D, sizeof *zero), scale[3];
	double with, without, at_zero, share;

	for (size_t i = 0; i < D; i++)
		less[i] = x[i] - write[i];
	model_final_norm(m, x, 1, y, &scale[0]);
	model_unembed(m, y, 1, logits);
	with = (double)logits[metric->target[0]];
	model_final_norm(m, less, 1, y, &scale[1]);
	model_unembed(m, y, 1, logits);
	without = (double)logits[metric->target[0]];
	model_final_norm(m, zero, 1, y, &scale[2]);
	model_unembed(m, y, 1, logits);
	at_zero = (double)logits[metric->target[0]];
	share = with - ((without - at_zero) * (double)scale[0] / (double)scale[1] + at_zero);
	free(less);
	free(zero);
	free(y);
	free(logits);
	return share;
}

/* Attention and MLP of each layer; a bias is a row of its own. */
static void test_direct_attribution(void)
{
	struct table *t = ANSWER("direct-attribution", "position=-1");
	const struct model *m = session_model(session);
	int L = m->config.L, last = session_run(session)->T - 1;
	size_t D = (size_t)m->config.D;

	for (int l = 0; t && l < L; l++) {
		const float *biases[] = { m->layers[l].b_O, m->layers[l].b_out };
		float *write = calloc(D, sizeof *write), expected[2], actual[2];

		for (int part = 0; part < 2; part++) {
			char label[20];

			snprintf(label, sizeof label, part ? "%d.mlp" : "%d.attn", l);
			actual[part] = t->value[row_of(t, label)];
			memcpy(write, run_at(session_run(session), part ? SITE_MLP_OUT : SITE_ATTN_OUT, l, last), D * sizeof *write);
			for (size_t i = 0; i < D; i++)
				write[i] -= biases[part] ? biases[part][i] : 0;
			expected[part] = (float)share_by_removal(write);
		}
		CHECK_NEAR(actual, expected, 2, 2e-4, "%s: layer %d: attention and MLP", model_name, l);
		free(write);
	}
	if (t && m->W_pos)
		CHECK(row_of(t, "embed") == 0 && row_of(t, "pos_embed") == 1 && row_of(t, "0.attn") == 2);
	if (t)
		CHECK(row_of(t, "unembed_bias") == t->rows.n - 1 && row_of(t, "edits") == -1 && t->rows.place[row_of(t, "1.mlp")].layer == 1);
	table_unref(t);
}

static void test_at_metric(void)
{
	check_at_metric("direct-attribution");
}

/* The rows by name, in the order of the file. */
static void compare_rows(const struct tables *f, const struct table *t, const struct json_value *expected, const char *what)
{
	float *actual = calloc((size_t)t->rows.n, sizeof *actual), *value = calloc((size_t)t->rows.n, sizeof *value);
	int known = 0;

	for (int i = 0; i < t->rows.n; i++) {
		double x;

		known += json_double(json_get(expected, t->rows.label[i]), &x);
		value[i] = known ? (float)x : NAN;
		actual[i] = t->value[i];
	}
	CHECK_THAT(known == t->rows.n && json_count(expected) == (size_t)known, "%s: %s: the same rows", f->name, what);
	CHECK_NEAR(actual, value, t->rows.n, tables_tolerance, "%s: %s", f->name, what);
	free(actual);
	free(value);
}

static void check_one(const struct tables *f, const struct json_value *one, const char *metric, const char *words)
{
	struct table *t = tables_compute(f, "direct-attribution", metric, words);
	double value = 0;

	json_double(json_get(one, "value"), &value);
	if (t) {
		compare_rows(f, t, json_get(one, "rows"), metric);
		CHECK_THAT(fabs(t->check.expected - value) <= tables_tolerance * fmax(1, fabs(value)), "%s: %s is %g", f->name, metric, value);
	}
	table_unref(t);
}

static void check_tables(const struct tables *f)
{
	attributions_each(f, check_one);
}

int main(void)
{
	static plain_test *const tests[] = { test_direct_attribution, test_at_metric, NULL };

	plain_each(tests);
	tables_each(check_tables);
	return tap_done();
}
