/* shapley.c - Shapley values of a few tokens against all coalitions of PyTorch's runs, and of many against its permutations. */
#include "tests/analyses/perturbation.h"

static void check_exact(const struct pair *f)
{
	check_column(f, "shapley", "", 0, json_get(f->root, "shapley"));
}

/* The same permutations as in make_perturbation.py, of a longer prompt. */
static void check_sampled(const struct pair *f)
{
	const struct json_value *sampled = json_get(f->root, "sampled"), *mean = json_get(sampled, "mean"),
				*error = json_get(sampled, "error");
	struct pair longer = *f;
	struct metric metric = f->metric;
	struct err err = { 0 };
	int64_t pairs = 0, seed = 0;
	char words[60];
	struct table *t, *again, *other;
	int n, first;

	json_int(json_get(f->root, "pairs"), &pairs);
	json_int(json_get(f->root, "seed"), &seed);
	longer.run = pair_run(f, "long_ids", &err);
	if (!CHECK_THAT(longer.run, "%s: %s", f->name, err.text))
		return;
	metric = metric_at(&f->metric, longer.run->T - 1);
	longer.metric = metric;
	snprintf(words, sizeof words, "samples=%d seed=%d", (int)pairs * 2, (int)seed);
	t = pair_table(&longer, "shapley", words);
	again = pair_table(&longer, "shapley", words);
	snprintf(words, sizeof words, "samples=%d seed=%d", (int)pairs * 2, (int)seed + 1);
	other = pair_table(&longer, "shapley", words);
	n = (int)json_count(mean);
	if (t && again && other &&
	    CHECK_THAT(n > 12 && n < MOST_PLAYERS && t->error && strstr(t->title, "estimated"), "%s: %s", f->name, t->title)) {
		float values[MOST_PLAYERS], errors[MOST_PLAYERS];

		first = t->rows.n - 1 - n;
		pair_numbers(mean, values, 0);
		pair_numbers(error, errors, 0);
		CHECK_NEAR(t->value + first, values, (size_t)n, tolerance, "%s: means", f->name);
		CHECK_NEAR(t->error + first, errors, (size_t)n, tolerance, "%s: standard errors", f->name);
		CHECK_THAT(!memcmp(t->value + first, again->value + first, (size_t)n * sizeof(float)) &&
				   memcmp(t->value + first, other->value + first, (size_t)n * sizeof(float)),
			   "%s: a seed gives its permutations again, another one others", f->name);
	}
	table_unref(t);
	table_unref(again);
	table_unref(other);
	run_unref(longer.run);
}

/* Where there is but one to take away, its value is what occlusion says. */
static void check_one(const struct pair *f)
{
	struct table *shares = pair_table(f, "shapley", "group=sentence"), *alone = pair_table(f, "occlusion", "group=sentence");
	int players = 0, row = 0;

	for (int i = 0; shares && i < shares->rows.n; i++)
		if (!isnan(shares->value[i])) {
			players++;
			row = i;
		}
	if (shares && alone && players == 1)
		CHECK_THAT(fabsf(shares->value[row] - alone->value[row]) < 1e-4f, "%s: one player: %g, %g", f->name,
			   (double)shares->value[row], (double)alone->value[row]);
	table_unref(shares);
	table_unref(alone);
}

int main(void)
{
	static pair_check *const checks[] = { check_exact, check_sampled, check_one, NULL };

	pair_each("tests/fixtures/perturbation", 8, checks);
	pool_stop();
	return tap_done();
}
