/* lime.c - weights, intercept and R² against the package lime's regression on PyTorch's runs of the same coalitions. */
#include "tests/analyses/perturbation.h"

static void check_weights(const struct pair *f)
{
	const struct json_value *own = json_get(f->root, "lime");
	int64_t samples = 0, seed = 0;
	double intercept = NAN, r2 = NAN;
	char words[60], expected[60];
	struct table *t;

	json_int(json_get(f->root, "lime_samples"), &samples);
	json_int(json_get(f->root, "seed"), &seed);
	json_double(json_get(own, "intercept"), &intercept);
	json_double(json_get(own, "score"), &r2);
	snprintf(words, sizeof words, "samples=%d seed=%d", (int)samples, (int)seed);
	check_column(f, "lime", words, 0, json_get(own, "weights"));
	t = pair_table(f, "lime", words);
	snprintf(expected, sizeof expected, "R² %.3f, with none of them %.4g", r2, intercept);
	if (t)
		CHECK_THAT(!strncmp(t->footnote, expected, strlen(expected)), "%s: %s, expected %s", f->name, t->footnote,
			   expected);
	table_unref(t);
}

/* A seed gives its coalitions again, another one others; a wide kernel counts all alike. */
static void check_seeds(const struct pair *f)
{
	struct table *t[4] = { pair_table(f, "lime", "samples=40"), pair_table(f, "lime", "samples=40"),
			       pair_table(f, "lime", "samples=40 seed=1"), pair_table(f, "lime", "samples=40 width=100") };
	const size_t bytes = t[0] ? (size_t)(t[0]->rows.n - 2) * sizeof(float) : 0;

	if (t[0] && t[1] && t[2] && t[3])
		CHECK_THAT(!memcmp(t[0]->value + 1, t[1]->value + 1, bytes) && memcmp(t[0]->value + 1, t[2]->value + 1, bytes) &&
				   memcmp(t[0]->value + 1, t[3]->value + 1, bytes),
			   "%s: seeds and width", f->name);
	for (int i = 0; i < 4; i++)
		table_unref(t[i]);
}

int main(void)
{
	static pair_check *const checks[] = { check_weights, check_seeds, NULL };

	pair_each("tests/fixtures/perturbation", 8, checks);
	pool_stop();
	return tap_done();
}
