/* causal_tracing.c - noise and restored sites, against PyTorch's runs. */
#include "tests/analyses/tracing.h"

static void check_tracing(const struct pair *f)
{
	static const char *const shows[] = { "raw", "normalised" };
	const struct json_value *list = json_get(f->root, "tracing");

	CHECK_THAT(json_count(list) >= 8, "%s: %zu tracings", f->name, json_count(list));
	for (size_t i = 0; i < json_count(list); i++)
		for (int s = 0; s < 2; s++) {
			const struct json_value *v = json_at(list, i), *errors;
			char words[200], member[40];
			struct table *t;

			snprintf(words, sizeof words, "%s show=%s", json_text(json_get(v, "words")), shows[s]);
			snprintf(member, sizeof member, "%s_errors", shows[s]);
			errors = json_get(v, member);
			if (!(t = pair_table(f, "causal-tracing", words)))
				continue;
			check_numbers(f, t->value, t->rows.n * t->cols.n, json_get(v, shows[s]), 0, words);
			if (CHECK_THAT(!errors == !t->error, "%s: %s: standard errors", f->name, words) && errors)
				check_numbers(f, t->error, t->rows.n * t->cols.n, errors, 0, member);
			table_unref(t);
		}
}

/* A window that reaches beyond both ends is every layer, whatever its row. */
static void check_window(const struct pair *f)
{
	struct table *wide = pair_table(f, "causal-tracing", "window=16 from=1 to=1 site=attn_out seeds=1");
	int T = f->run->T, wrong = 0;

	for (int i = 0; wide && i < f->model->config.L * T; i++)
		wrong += wide->value[i] != wide->value[i % T];
	CHECK_THAT(wide && !wrong, "%s: %d cells that are the same question are not equal", f->name, wrong);
	table_unref(wide);
}

static void check_refused(const struct pair *f)
{
	check_reversed(f, "causal-tracing", "from=3 to=2");
}

int main(void)
{
	static pair_check *const checks[] = { check_tracing, check_window, check_refused, NULL };

	pair_each("tests/fixtures/tracing", 4, checks);
	pool_stop();
	return tap_done();
}
