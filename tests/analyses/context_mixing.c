/*
 * context_mixing.c - each measure in each layer against tests/reference/make_mixing.py: parts as vectors, value zeroing as runs of
 * the whole model, decompx as derivatives; and what edits do to them.
 */
#include "tests/analyses/mixing.h"

static const char *const methods[] = { "attention", "norm", "value_zeroing", "alti", "globenc" };

static void check_layers(const struct pair *f)
{
	const struct json_value *layers = json_get(f->root, "layers");
	char words[80];

	for (size_t l = 0; l < json_count(layers); l++)
		for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
			struct table *t;

			snprintf(words, sizeof words, "layer=%zu method=%s", l, methods[m]);
			t = pair_table(f, "context-mixing", words);
			/* an angle's rounding is divided by what a row holds */
			mixing_compare(f, t, json_get(json_at(layers, l), methods[m]),
				       strcmp(methods[m], "value_zeroing") ? 2e-5 : 1e-3, words);
			table_unref(t);
		}
}

/* By Inseq's own code (make_inseq.py), in all layers but the last, of which it compares what the final norm makes. */
static void check_inseq(const struct pair *f)
{
	const struct json_value *layers = json_get(f->root, "layers");
	char words[80];

	for (size_t l = 0; CHECK(json_count(layers) > 0) && l < json_count(layers); l++) {
		struct table *t;

		snprintf(words, sizeof words, "layer=%zu method=value_zeroing", l);
		t = pair_table(f, "context-mixing", words);
		mixing_compare(f, t, json_get(json_at(layers, l), "value_zeroing"), 2e-3, words);
		table_unref(t);
	}
}

static void check_decompx(const struct pair *f)
{
	const struct json_value *layers = json_get(f->root, "decompx");
	char words[80];

	for (size_t l = 0; l < json_count(layers); l++) {
		struct table *t;

		snprintf(words, sizeof words, "layer=%zu method=decompx", l);
		t = pair_table(f, "context-mixing", words);
		CHECK_THAT(t && t->cols.n == t->rows.n + 1 && !strcmp(t->cols.label[t->rows.n], "bias"), "%s: a column of biases",
			   f->name);
		mixing_compare(f, t, json_at(layers, l), 2e-5, words);
		table_unref(t);
	}
}

/* A head that is switched off brings nothing; what is put in its place is no token's. */
static void check_heads_off(const struct pair *f)
{
	const struct config *c = &f->model->config;
	char line[60];
	const char *edits[] = { line };

	for (size_t m = 1; m < sizeof methods / sizeof *methods; m++) {
		char words[80];
		struct table *t;
		int wrong = 0;

		snprintf(line, sizeof line, "head 0.0..%d %s", c->H - 1, m % 2 ? "zero" : "mean");
		snprintf(words, sizeof words, "layer=0 method=%s", methods[m]);
		t = mixing_edited(f, "context-mixing", words, edits, 1);
		for (int i = 0; t && i < t->rows.n; i++)
			for (int j = 0; j <= i; j++)
				wrong += fabsf(t->value[table_cell(t, i, j)] - (float)(i == j)) > 1e-6f;
		CHECK_THAT(t && !wrong, "%s: %s with %s: every row is its own, %d cells are not", f->name, words, line, wrong);
		table_unref(t);
	}
}

/* Parts of halved heads are as those of halved values: the same numbers by another way. */
static void check_scaled(const struct pair *f)
{
	const struct config *c = &f->model->config;
	char head[60], value[60];
	const char *by_head[] = { head }, *by_value[] = { value };

	snprintf(head, sizeof head, "head 0.0..%d scale 0.5", c->H - 1);
	snprintf(value, sizeof value, "kv 0.0..%d scale 0.5", c->G - 1);
	for (size_t m = 1; m <= sizeof methods / sizeof *methods; m++) {
		const char *method = m < sizeof methods / sizeof *methods ? methods[m] : "decompx";
		char words[80];
		struct table *a, *b;
		int wrong = 0;

		snprintf(words, sizeof words, "layer=0 method=%s", method);
		a = mixing_edited(f, "context-mixing", words, by_head, 1);
		b = mixing_edited(f, "context-mixing", words, by_value, 1);
		for (int i = 0; a && b && i < a->rows.n; i++)
			for (int j = 0; j <= i; j++)
				wrong += !(fabsf(a->value[table_cell(a, i, j)] - b->value[table_cell(b, i, j)]) < 1e-3f);
		CHECK_THAT(a && b && !wrong, "%s: %s: halved heads and halved values give the same, %d cells do not", f->name,
			   words, wrong);
		table_unref(a);
		table_unref(b);
	}
}

/* Edits of every kind on the way: the parts and the rest are still the stream. */
static void check_decompx_edited(const struct pair *f)
{
	static const char *const edits[] = { "resid_pre 1 scale 1.5", "mlp_out 0 @2..3 zero", "attn_out 1 @4 mean",
					     "head 0.1 scale 2",      "neuron 0.3 mean",      "head 1.0 mean",
					     "embed 0 @2 noise 1",    "mlp_post 1 noise 0.5" };
	struct table *t = mixing_edited(f, "context-mixing", "layer=1 method=decompx", edits, (int)(sizeof edits / sizeof *edits));

	CHECK_THAT(t && t->check.name && t->check.actual < 1e-5, "%s: %s is %g", f->name, t ? t->check.name : "",
		   t ? t->check.actual : NAN);
	table_unref(t);
}

int main(void)
{
	static pair_check *const checks[] = {
		check_layers, check_decompx, check_heads_off, check_scaled, check_decompx_edited, NULL
	};

	static pair_check *const inseqs[] = { check_inseq, NULL };

	pair_each(MIXING_FOLDER, MIXING_MODELS, checks);
	pair_each("tests/fixtures/inseq", 4, inseqs);
	pool_stop();
	return tap_done();
}
