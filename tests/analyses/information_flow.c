/*
 * information_flow.c - routes against those that tests/reference/make_information_flow.py works out from PyTorch's activations part
 * by part, and what threshold, heads and edits do to the graph.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/pair.h"

#define FOLDER "tests/fixtures/flow"
static const double tolerance = 2e-5;

static int member(const struct pair *f, const char *name)
{
	int64_t n = -1;

	json_int(json_get(f->root, name), &n);
	return (int)n;
}

/* With an edit on top of the run, or NULL. */
static struct table *ask_with(const struct pair *f, const char *edit, const char *words)
{
	struct pair own = *f;
	const char *lines[] = { edit };
	struct run_order order = { .model = f->model,
				   .tokens = f->run->tokens,
				   .T = f->run->T,
				   .edits = lines,
				   .edit_count = edit != NULL,
				   .unedited = f->run };
	struct err err = { 0 };
	struct table *t = NULL;

	own.run = run_new(&order, NULL, &err);
	if (own.run)
		t = pair_ask(&own, NULL, "information-flow", words, &err);
	CHECK_THAT(t, "%s: information-flow %s %s %s", f->name, words, edit ? edit : "", err.text);
	run_unref(own.run);
	return t;
}

static const char *all_of(const struct pair *f, const char *more)
{
	static char words[80];

	snprintf(words, sizeof words, "position=%d threshold=0%s", member(f, "position"), more);
	return words;
}

/* How much of each level passes through each position. */
static void check_flow(const struct pair *f)
{
	const struct json_value *levels = json_get(f->root, "flow");
	struct table *t = ask_with(f, NULL, all_of(f, ""));
	int T = member(f, "position") + 1;
	float expected[64], *flow = calloc((size_t)(t ? t->rows.n : 1), sizeof *flow);

	for (int i = 0; t && i < t->rows.n; i++)
		flow[i] = t->value[2 * i];
	CHECK_THAT(t && t->rows.n == T * (int)json_count(levels) && t->look == LOOK_GRAPH && check_holds(&t->check),
		   "%s: a row for each node", f->name);
	for (size_t l = 0; t && l < json_count(levels) && T * (int)(l + 1) <= t->rows.n; l++) {
		pair_numbers(json_at(levels, l), expected, 0);
		CHECK_NEAR(flow + l * (size_t)T, expected, T, tolerance, "%s: flow of level %zu from the top", f->name, l);
	}
	free(flow);
	table_unref(t);
}

/* The weight of an edge of the table; 0: there is none. */
static float edge(const struct table *t, const char *from, const char *to, const struct place *carrier)
{
	float weight = 0;

	for (int e = 0; e < t->edges; e++)
		if (!strcmp(t->rows.label[t->edge[e].from], from) && !strcmp(t->rows.label[t->edge[e].to], to) &&
		    place_equal(&t->edge[e].place, carrier))
			weight += t->edge[e].weight;
	return weight;
}

/* Every part of the last stream's own node and of the one below it, by head and key. */
static void check_weights(const struct pair *f)
{
	const struct json_value *layers = json_get(f->root, "layers"), *layer = json_at(layers, 0); /* the last one */
	const struct config *c = &f->model->config;
	struct table *t = ask_with(f, NULL, all_of(f, " per_head=yes"));
	int i = member(f, "position"), wrong = 0, heads = 0;
	char post[40], from[40], below[40];

	if (!t)
		return;
	snprintf(post, sizeof post, "%s %d @%d", c->parallel ? "resid_post" : "resid_mid", c->L - 1, i);
	for (int j = 0; j <= i; j++)
		for (int h = 0; h < c->H; h++) {
			struct place carrier = place_at(SITE_PATTERN, c->L - 1, h, i);
			double expected = 0;

			place_set(&carrier, DIM_KEY, j, j);
			snprintf(from, sizeof from, c->L > 1 ? "resid_post %d @%d" : "resid_pre %d @%d", c->L > 1 ? c->L - 2 : 0,
				 j);
			json_double(json_at(json_at(json_at(json_get(layer, "heads"), (size_t)i), (size_t)j), (size_t)h),
				    &expected);
			wrong += fabs((double)edge(t, from, post, &carrier) - expected) > tolerance;
			heads++;
		}
	CHECK_THAT(!wrong && heads, "%s: of %d weights of heads and keys %d are wrong", f->name, heads, wrong);
	if (!c->parallel) {
		struct place carrier = place_at(SITE_MLP_OUT, c->L - 1, -1, i);
		float expected[64], weight;

		snprintf(below, sizeof below, "resid_post %d @%d", c->L - 1, i);
		pair_numbers(json_get(layer, "mlp"), expected, 0);
		weight = edge(t, post, below, &carrier);
		CHECK_THAT(fabsf(weight - expected[i]) < tolerance, "%s: the MLP's share is %g, expected %g", f->name,
			   (double)weight, (double)expected[i]);
	}
	table_unref(t);
}

/* Weights into each node that is reached, hidden ones included, sum to 1; a threshold hides edges and changes none. */
static void check_threshold(const struct pair *f)
{
	struct table *all = ask_with(f, NULL, all_of(f, " per_head=yes")), *few = NULL;
	char words[80];
	int wrong = 0, lost = 0, nodes = 0;

	snprintf(words, sizeof words, "position=%d threshold=0.05 per_head=yes", member(f, "position"));
	few = ask_with(f, NULL, words);
	for (int r = 0; few && all && r < few->rows.n; r++) {
		double in = 0;

		for (int e = 0; e < few->edges; e++)
			in += few->edge[e].to == r ? (double)few->edge[e].weight : 0;
		if (in > 0)
			nodes++;
		wrong += in > 0 && fabs(in + (double)few->value[2 * r + 1] - 1) > 1e-5;
		wrong += few->value[2 * r] != all->value[2 * r];
	}
	for (int e = 0; few && all && e < few->edges; e++)
		lost += !(few->edge[e].weight > 0.05f) ||
			edge(all, all->rows.label[few->edge[e].from], all->rows.label[few->edge[e].to], &few->edge[e].place) !=
				few->edge[e].weight;
	CHECK_THAT(few && all && nodes && !wrong && !lost && few->edges < all->edges,
		   "%s: %d edges of %d above 0.05: as they were; %d nodes are wrong", f->name, few ? few->edges : 0,
		   all ? all->edges : 0, wrong);
	table_unref(all);
	table_unref(few);
}

/* Heads that are switched off move nothing any more. */
static void check_edit(const struct pair *f)
{
	const struct config *c = &f->model->config;
	char line[40];
	struct table *t;
	double before = 0, after = 0;

	for (int with = 0; with < 2; with++) {
		double *sum = with ? &after : &before;

		snprintf(line, sizeof line, "head %d.0..%d zero", c->L - 1, c->H - 1);
		t = ask_with(f, with ? line : NULL, all_of(f, " per_head=yes"));
		for (int e = 0; t && e < t->edges; e++)
			if (t->edge[e].place.site == SITE_PATTERN && t->edge[e].place.layer == c->L - 1)
				*sum += (double)t->edge[e].weight;
		CHECK(t && check_holds(&t->check));
		table_unref(t);
	}
	CHECK_THAT(after < 1e-3 && before > 10 * after, "%s: heads that write nothing carry %g, before %g", f->name, after, before);
}

int main(void)
{
	static pair_check *const checks[] = { check_flow, check_weights, check_threshold, check_edit, NULL };

	pair_each(FOLDER, 8, checks);
	pool_stop();
	return tap_done();
}
