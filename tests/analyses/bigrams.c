/*
 * bigrams.c - what single tokens call for against tests/fixtures/bigrams (make_bigrams.py), raw and by the effective embedding; a
 * token that is named; many effective embeddings at once are those of each alone.
 */
#include <string.h>

#include "engine/analysis/effective_embedding.h"
#include "tests/analyses/tables.h"

static void check_case(const struct tables *f, const char *words)
{
	const struct json_value *all = json_get(f->root, "bigrams");
	char key[60], given[80];
	float id[16] = { 0 };
	struct table *t;
	size_t n;
	int same = 0;

	snprintf(key, sizeof key, "%s ids", words);
	snprintf(given, sizeof given, "k=6 %s", words);
	n = tables_numbers(json_get(all, key), id, 0);
	if (!(t = tables_compute(f, "bigrams", tables_metric(f), given)))
		return;
	tables_compare(f, t, json_get(all, words), words);
	for (int i = 0; i < t->rows.n; i++)
		same += t->id[table_cell(t, i, 0)] == (int32_t)id[i];
	CHECK_THAT(n == 6 && same == 6, "%s: %s: %d of %zu words", f->name, words, same, n);
	CHECK_THAT(t->check.name, "%s: %s: it checks itself", f->name, words);
	table_unref(t);
}

static void check_token(const struct tables *f)
{
	char words[60];
	struct table *at = tables_compute(f, "bigrams", tables_metric(f), "position=1 embedding=effective"), *named;

	snprintf(words, sizeof words, "token=#%d embedding=effective", (int)f->run->tokens[1]);
	named = tables_compute(f, "bigrams", tables_metric(f), words);
	CHECK_THAT(at && named && !memcmp(at->value, named->value, (size_t)at->rows.n * 2 * sizeof *at->value),
		   "%s: a token that is named", f->name);
	table_unref(at);
	table_unref(named);
}

/* More than go through the layer together. */
static void check_many(const struct tables *f)
{
	enum { N = 300 };
	const size_t D = (size_t)f->model->config.D;
	struct arena *arena = arena_new();
	struct err err = { 0 };
	float *all = arena_floats(arena, N * D, &err), *one = arena_floats(arena, D, &err);
	int32_t token[N];
	bool ok;

	for (int i = 0; i < N; i++)
		token[i] = (i * 7) % f->model->config.V;
	ok = all && one && effective_embedding(f->model, token, N, all, arena, NULL, &err);
	CHECK_THAT(ok, "%s: many %s", f->name, err.text);
	for (int i = 0; ok && i < N; i += 149) {
		CHECK_THAT(effective_embedding(f->model, token + i, 1, one, arena, NULL, &err), "%s %s", f->name, err.text);
		CHECK_NEAR(all + (size_t)i * D, one, D, 1e-5, "%s: token %d of many", f->name, i);
	}
	arena_free(arena);
}

static void check_all(const struct tables *f)
{
	check_case(f, "embedding=raw position=-1");
	check_case(f, "embedding=raw position=1");
	check_case(f, "embedding=effective position=-1");
	check_case(f, "embedding=effective position=1");
	check_token(f);
	check_many(f);
}

int main(void)
{
	tables_each_in("tests/fixtures/bigrams", check_all);
	return tap_done();
}
