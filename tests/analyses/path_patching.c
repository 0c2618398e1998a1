/*
 * path_patching.c - path patching against tests/fixtures/paths, where every cell is two runs of PyTorch
 * (tests/reference/make_paths.py), and what holds without a reference.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/numbers/pool.h"
#include "engine/run/sweep.h"
#include "tests/numbers/pair.h"

#define FOLDER "tests/fixtures/paths"

static void check_maps(const struct pair *f)
{
	const struct json_value *list = json_get(f->root, "paths");

	CHECK_THAT(json_count(list) == 16, "%s: %zu maps", f->name, json_count(list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *words = json_text(json_get(json_at(list, i), "words"));
		struct table *t = pair_table(f, "path-patching", words);
		float expected[1024];
		size_t n = pair_numbers(json_get(json_at(list, i), "map"), expected, 0);
		int blanks = 0;

		if (!t ||
		    !CHECK_THAT((size_t)t->rows.n * (size_t)t->cols.n == n && n > 0, "%s: %s has %zu cells", f->name, words, n))
			continue;
		for (size_t k = 0; k < n; k++) {
			blanks += isnan(expected[k]) != isnan(t->value[k]);
			if (isnan(expected[k]))
				expected[k] = t->value[k] = 0;
		}
		CHECK_THAT(!blanks, "%s: %s: %d cells are there in one and not in the other", f->name, words, blanks);
		CHECK_NEAR(t->value, expected, n, 1e-4, "%s: %s", f->name, words);
		table_unref(t);
	}
}

static struct run *under(const struct pair *f, const char *const *lines, int n, const struct edit *const *more, int m)
{
	struct err err = { 0 };
	struct run_order order = { .model = f->model,
				   .tokens = f->run->tokens,
				   .T = f->run->T,
				   .edits = lines,
				   .edit_count = n,
				   .more = more,
				   .more_count = m,
				   .unedited = f->run,
				   .foil = f->foil };
	struct run *r = run_new(&order, NULL, &err);

	CHECK_THAT(!!r, "%s: %s", f->name, err.text);
	return r;
}

static bool same_logits(const struct run *a, const struct run *b)
{
	return a && b && !memcmp(a->last_logits, b->last_logits, (size_t)a->model->config.V * sizeof(float));
}

/*
 * What every path carries together is what the node does: a head's value at every later reader is the head's value in the
 * stream.
 */
static void check_all_paths(const struct pair *f)
{
	const struct config *c = &f->model->config;
	const char *lines[] = { "head 0.1 patch", "head 0.1 freeze" }, *nothing[] = { "resid_pre 0 freeze" };
	struct edit *put = calloc((size_t)(2 * c->L), sizeof *put);
	const struct edit **list = calloc((size_t)(2 * c->L), sizeof *list);
	struct run *node = under(f, lines, 1, NULL, 0), *edges, *same;
	int n = 0;

	/* The whole write of every later part, taken from the run in which the head was patched, beside the head itself. */
	for (int l = 1; node && l < c->L; l++)
		for (int s = 0; s < 2; s++) {
			put[n] = edit_take(place_at(s ? SITE_MLP_OUT : SITE_ATTN_OUT, l, -1, -1), node);
			list[n] = &put[n];
			n++;
		}
	edges = under(f, lines, 1, list, n);
	CHECK_THAT(same_logits(node, edges), "%s: every reader given what it reads in the patched run: the patched run", f->name);
	same = under(f, lines, 2, NULL, 0); /* patched, and put back at the same site */
	CHECK_THAT(same_logits(same, f->run), "%s: what is frozen last is as it was", f->name);
	run_unref(same);
	same = under(f, nothing, 1, NULL, 0);
	CHECK_THAT(same_logits(same, f->run), "%s: freezing what nothing changes changes nothing", f->name);
	run_unref(same);
	run_unref(edges);
	run_unref(node);
	free(list);
	free(put);
}

/*
 * With every reader of the stream held, what is added to it reaches the logits alone, and all of the last layer's stream is the
 * foil's.
 */
static void check_everything(const struct pair *f)
{
	const struct config *c = &f->model->config;
	struct edit embed = edit_take(place_at(SITE_EMBED, 0, -1, -1), f->foil), put[64];
	const struct edit *list[64] = { &embed };
	struct run *r;
	int n = 1;

	for (int l = 0; l < c->L && n < 62; l++)
		for (int s = 0; s < 2; s++, n++) {
			put[n] = edit_take(place_at(s ? SITE_MLP_OUT : SITE_ATTN_OUT, l, -1, -1), f->foil);
			list[n] = &put[n];
		}
	r = under(f, NULL, 0, list, n);
	CHECK_THAT(same_logits(r, f->foil), "%s: every writer's value of the foil: the foil's run", f->name);
	run_unref(r);
}

int main(void)
{
	static pair_check *const checks[] = { check_maps, check_all_paths, check_everything, NULL };

	pair_each(FOLDER, 4, checks);
	pool_stop();
	return tap_done();
}
