/*
 * mixers.c - identities of layers that mix positions without attention: what a head takes from each position sums to z, nothing
 * comes from further than the taps reach, a run that is continued has the same bits, and so has each coalition of tokens and its
 * own run.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/run/coalitions.h"
#include "engine/run/mixer.h"
#include "tests/tap.h"

enum { T = 11, PLAYERS = 5, COALITIONS = 1 << PLAYERS };

static struct run *make(const struct run_order *order, const char *name)
{
	struct err err = { 0 };
	struct run *r = run_new(order, NULL, &err);

	CHECK_THAT(r, "%s runs %s", name, err.text);
	return r;
}

/* Of one layer that is no attention. */
static void check_parts(const struct run *r, int l)
{
	const struct config *c = &r->model->config;
	const struct mixer *mixer = mixer_of(c, l);
	const size_t K = (size_t)c->K, all = (size_t)c->H * K;
	float *z = calloc(all + K, sizeof *z), *one = z + all;
	double along = 0, whole = 0;
	int beyond = 0;

	for (int h = 0; h < c->H; h++)
		for (int j = 0; j < T; j++) {
			const float *ask = run_at(r, SITE_CONV_GATE, l, 3) + (size_t)h * K;

			mixer->from(r, l, h, T - 1, j, z + (size_t)h * K);
			memset(one, 0, K * sizeof *one);
			mixer->from(r, l, h, T - 1, j, one);
			along += mixer->from_along(r, l, h, T - 1, j, ask);
			for (size_t i = 0; i < K; i++) {
				whole += (double)one[i] * (double)ask[i];
				beyond += j < T - c->conv_taps && one[i] != 0;
			}
		}
	CHECK_NEAR(z, run_at(r, SITE_Z, l, T - 1), all, 1e-6, "%s: what heads of layer %d take from positions sums to z",
		   r->model->name, l);
	CHECK_THAT(!beyond, "%s: layer %d reads nothing beyond its taps", r->model->name, l);
	CHECK_THAT(fabs(along - whole) < 1e-4 * fmax(1, fabs(whole)), "%s: along a direction %.6g, %.6g", r->model->name, along,
		   whole);
	CHECK_THAT(run_pattern(r, l, 0, T - 1)[T - 1] == 0 && run_at(r, SITE_Q, l, 1)[0] == 0,
		   "%s: layer %d has no weights and queries", r->model->name, l);
	free(z);
}

static bool same(const struct run *a, const struct run *b)
{
	return a && b && !memcmp(a->last_logits, b->last_logits, (size_t)a->model->config.V * sizeof(float));
}

/* Whatever the position where it is continued, and also where nothing but the stream is kept. */
static void check_resume(const struct run *r)
{
	for (int keeps = RUN_ALL; keeps <= RUN_STREAM; keeps++)
		for (int t = 1; t < T; t++) {
			struct run_order order = {
				.model = r->model, .tokens = r->tokens, .T = t, .keeps = (enum run_stores)keeps
			};
			struct run *part = make(&order, r->model->name), *whole;

			order.T = T;
			order.prefix = part;
			whole = make(&order, r->model->name);
			CHECK_THAT(same(whole, r), "%s: continued from position %d, keeping %d: the same bits", r->model->name, t,
				   keeps);
			run_unref(whole);
			run_unref(part);
		}
}

static void check_coalitions(const struct run *r)
{
	const size_t D = (size_t)r->model->config.D;
	static bool in[COALITIONS * PLAYERS];
	static double value[COALITIONS];
	const int first[PLAYERS] = { 1, 2, 4, 7, 10 };
	struct edit edit[PLAYERS];
	const struct edit *list[PLAYERS];
	float *other = calloc(D, sizeof *other);
	struct metric metric;
	struct err err = { 0 };
	int wrong = 0;

	model_embed(r->model, 7, -1, other);
	for (int i = 0; i < PLAYERS; i++) {
		edit[i] = edit_put(place_at(SITE_EMBED, 0, -1, -1), other, first[i], 1);
		list[i] = &edit[i];
	}
	for (int i = 0; i < COALITIONS * PLAYERS; i++)
		in[i] = i / PLAYERS >> i % PLAYERS & 1;
	struct coalitions q = { .run = r, .unedited = r, .metric = &metric, .n = PLAYERS, .edit = list, .first = first };

	if (!CHECK_THAT(metric_resolve("logit #5", r, &metric, NULL, &err) &&
				coalitions_values(&q, in, COALITIONS, value, NULL, &err),
			"%s: coalitions %s", r->model->name, err.text))
		return;
	for (int i = 0; i < COALITIONS; i++) {
		const struct edit *absent[PLAYERS];
		struct run_order order = { .model = r->model, .tokens = r->tokens, .T = T, .more = absent, .unedited = r };
		struct run *alone;
		double want = NAN;

		for (int k = 0; k < PLAYERS; k++)
			if (!in[i * PLAYERS + k])
				absent[order.more_count++] = list[k];
		alone = make(&order, r->model->name);
		wrong += !alone || !metric_value(&metric, alone, r, &want, NULL, &err) || want != value[i];
		run_unref(alone);
	}
	CHECK_THAT(!wrong, "%s: %d of %d coalitions have the bits of their own runs", r->model->name, COALITIONS - wrong,
		   COALITIONS);
	free(other);
}

static void check_model(const char *folder)
{
	struct err err = { 0 };
	struct model *m = model_open(folder, NULL, NULL, &err);
	int32_t ids[T];
	struct run_order order = { .model = m, .tokens = ids, .T = T };
	struct run *r;
	int others = 0;

	if (!CHECK_THAT(m, "%s opens %s", folder, err.text))
		return;
	for (int t = 0; t < T; t++)
		ids[t] = (11 + 7 * t) % m->config.V;
	r = make(&order, m->name);
	for (int l = 0; r && l < m->config.L; l++)
		if (config_mixer(&m->config, l) != MIXER_ATTENTION) {
			check_parts(r, l);
			others++;
		}
	CHECK_THAT(others, "%s: %d layers do not attend", m->name, others);
	if (r) {
		check_resume(r);
		check_coalitions(r);
	}
	run_unref(r);
	model_free(m);
}

int main(void)
{
	static const char *const names[] = { "lfm2", "lfm2-bias", "lfm2_moe" };
	char folder[200];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(folder, sizeof folder, "tests/fixtures/families/%s", names[i]);
		check_model(folder);
	}
	return tap_done();
}
