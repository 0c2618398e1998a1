/* logit_lens.c - every show of the lens at every cell, from whole rows of logits, and against the tables of the fixtures. */
#include "tests/analyses/distribution.h"
#include "tests/analyses/tables.h"

/* One row of one show of the lens at every cell. */
static void check_lens(const char *site_word, enum site site, const char *show, int rank)
{
	char a[40], b[40], c[40];
	struct table *t;
	struct distribution d, last;
	const struct run *r;
	const struct metric *metric;
	float *expected;
	bool words = true;

	snprintf(a, sizeof a, "site=%s", site_word);
	snprintf(b, sizeof b, "show=%s", show);
	snprintf(c, sizeof c, "rank=%d", rank);
	if (!(t = ANSWER("logit-lens", a, b, c)))
		return;
	r = session_run(session);
	metric = session_metric(session);
	d = new_distribution();
	last = new_distribution();
	expected = calloc((size_t)t->rows.n * (size_t)t->cols.n, sizeof *expected);
	for (int l = 0; l < t->rows.n; l++) {
		for (int i = 0; i < t->cols.n; i++) {
			size_t cell = table_cell(t, l, i);
			double kl = 0;

			read_row(&d, run_at(r, site, l, i));
			read_row(&last, run_at(r, SITE_RESID_POST, t->rows.n - 1, i));
			for (int v = 0; v < d.V; v++)
				kl += last.p[v] > 0 ? last.p[v] * (log(last.p[v]) - log(d.p[v])) : 0;
			words = words && rank_of(&d, t->id[cell]) == rank;
			expected[cell] = (float)(!strcmp(show, "probability") ? d.p[t->id[cell]]
						 : !strcmp(show, "logit")     ? (double)d.logits[t->id[cell]]
						 : !strcmp(show, "rank")      ? rank_of(&d, metric->target[0])
						 : !strcmp(show, "target")    ? d.p[metric->target[0]]
						 : !strcmp(show, "entropy")   ? d.entropy
									      : kl);
		}
	}
	CHECK_THAT(words, "%s: logit-lens %s: words are the tokens of rank %d", model_name, site_word, rank);
	CHECK_NEAR(t->value, expected, (size_t)t->rows.n * (size_t)t->cols.n, 2e-5, "%s: logit-lens %s %s", model_name, site_word,
		   show);
	free(expected);
	free_distribution(&d);
	free_distribution(&last);
	table_unref(t);
}

static void test_logit_lens(void)
{
	static const char *const shows[] = { "probability", "logit", "rank", "target", "entropy", "kl" };

	for (size_t i = 0; i < sizeof shows / sizeof *shows; i++)
		check_lens("resid_post", SITE_RESID_POST, shows[i], 1);
	check_lens("resid_pre", SITE_RESID_PRE, "probability", 2);
	check_lens("resid_mid", SITE_RESID_MID, "logit", 3);
	check_lens("attn_out", SITE_ATTN_OUT, "probability", 1);
	check_lens("mlp_out", SITE_MLP_OUT, "kl", 1);
}

static void compare_ids(const struct tables *f, const struct table *t, const struct json_value *expected, const char *what)
{
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n, n = tables_numbers(expected, NULL, 0), same = 0;
	float *id = calloc(n + 1, sizeof *id);

	tables_numbers(expected, id, 0);
	for (size_t i = 0; i < n && n == cells; i++)
		same += t->id[i] == (int32_t)id[i];
	CHECK_THAT(n && same == n, "%s: %s: %zu of %zu words", f->name, what, same, n);
	free(id);
}

static void check_tables(const struct tables *f)
{
	static const char *const sites[] = { "resid_post", "resid_pre", "resid_mid", "attn_out", "mlp_out" };
	static const struct {
		const char *words, *values, *ids;
	} shows[] = {
		{ "show=probability", "probability", "ids" },
		{ "show=logit", "logit", "ids" },
		{ "show=probability rank=3", "probability_rank_3", "ids_rank_3" },
		{ "show=target", "target_probability", "ids" },
		{ "show=rank", "target_rank", "ids" },
		{ "show=entropy", "entropy_nats", "ids" },
		{ "show=kl", "kl_nats", "ids" },
	};

	for (size_t s = 0; s < sizeof sites / sizeof *sites; s++) {
		const struct json_value *expected = json_get(json_get(f->root, "logit-lens"), sites[s]);

		if (!expected) /* parallel layers have no resid_mid */
			continue;
		for (size_t i = 0; i < sizeof shows / sizeof *shows; i++) {
			char words[100];
			struct table *t;

			snprintf(words, sizeof words, "site=%s %s", sites[s], shows[i].words);
			if (!(t = tables_compute(f, "logit-lens", tables_metric(f), words)))
				continue;
			tables_compare(f, t, json_get(expected, shows[i].values), words);
			compare_ids(f, t, json_get(expected, shows[i].ids), words);
			table_unref(t);
		}
	}
}

/* Heads, and from where words stay: make_head_lens.py. */
static void check_heads(const struct tables *f)
{
	static const struct {
		const char *words, *values, *ids;
	} cases[] = { { "site=head position=3", "layers", "layers ids" },
		      { "site=head layer=1", "heads", "heads ids" },
		      { "site=head position=3 show=target", "target", "layers ids" },
		      { "show=agree", "agree", NULL } };
	const struct json_value *expected = json_get(f->root, "logit-lens");

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct table *t = tables_compute(f, "logit-lens", tables_metric(f), cases[i].words);

		if (t)
			tables_compare(f, t, json_get(expected, cases[i].values), cases[i].words);
		if (t && cases[i].ids)
			compare_ids(f, t, json_get(expected, cases[i].ids), cases[i].words);
		table_unref(t);
	}
}

/* Of site=head rows are no layers, or columns no positions: a word cannot stay. An edit on a head's write is read with it. */
static void test_heads(void)
{
	struct table *t;
	struct distribution d = new_distribution();
	float *write = calloc((size_t)session_model(session)->config.D, sizeof *write);
	struct err err = { 0 };
	int at;

	job.panes = 1;
	job_pane_init(&job.pane[0], analysis_find("logit-lens"));
	job_pane_set(&job.pane[0], "site=head", &err);
	job_pane_set(&job.pane[0], "show=agree", &err);
	t = session_prepare(session, &job, NULL, NULL, &err) ? session_answer(session, 0, NULL, NULL, &err) : NULL;
	CHECK_THAT(!t && strstr(err.text, "these rows are no layers"), "%s: agree of heads: %s", model_name, err.text);
	table_unref(t);
	at = job_add_edit(&job, "head 0.0 scale -3");
	if ((t = ANSWER("logit-lens", "site=head", "position=2"))) {
		run_result(session_run(session), 0, 0, 2, write);
		read_row(&d, write);
		CHECK_NEAR(t->value, (&(float){ (float)d.p[t->id[0]] }), 1, 2e-5, "%s: an edited head is read as it is",
			   model_name);
	}
	job_remove_edit(&job, at);
	table_unref(t);
	free_distribution(&d);
	free(write);
}

int main(void)
{
	static plain_test *const tests[] = { test_logit_lens, test_heads, NULL };

	plain_each(tests);
	tables_each(check_tables);
	tables_each_in("tests/fixtures/head_lens", check_heads);
	return tap_done();
}
