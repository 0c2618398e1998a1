/* router.c - who is chosen, and how much they count: ties, groups, edits, NaN; and the way back against differences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/router.h"
#include "tests/tap.h"

enum { MOST = 8 };

static struct experts plain(int X, int chosen)
{
	return (struct experts){ .X = X, .chosen = chosen, .F = 1, .groups = 1, .open = 1, .group_best = 1, .scale = 1 };
}

/* "1 3" and so on. */
static const char *who(const float *chosen, int n)
{
	static char text[64];
	size_t at = 0;

	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", i ? " " : "", (int)chosen[i]);
	return text;
}

static void check_choice(const char *what, const struct routing *r, const char *want, double sum)
{
	float weights[MOST], chosen[MOST];
	double all = 0;
	const char *got;

	router_choose(r, weights, chosen);
	for (int x = 0; x < r->e->X; x++)
		all += (double)weights[x];
	got = who(chosen, r->e->chosen);
	CHECK_THAT(!strcmp(got, want), "%s: %s, wanted %s", what, got, want);
	CHECK_THAT(isnan(sum) || fabs(all - sum) < 1e-6, "%s: weights sum to %.7g, wanted %.7g", what, all, sum);
}

static void check_ties(void)
{
	const float equal[] = { 1, 1, 1, 1 }, two[] = { 0, 2, 1, 2 }, infinite[] = { NAN, 1, NAN, 0 };
	struct experts e = plain(4, 2);

	check_choice("all alike", &(struct routing){ &e, equal, NULL, NULL }, "0 1", 0.5);
	check_choice("two alike at the top", &(struct routing){ &e, two, NULL, NULL }, "1 3", NAN);
	e.normalised = true;
	check_choice("normalised", &(struct routing){ &e, two, NULL, NULL }, "1 3", 1);
	e.chosen = 1;
	check_choice("one of two", &(struct routing){ &e, two, NULL, NULL }, "1", 1);
	e.chosen = 2;
	e.score = ROUTER_SPARSEMIXER;
	check_choice("not a number comes last", &(struct routing){ &e, infinite, NULL, NULL }, "1 3", NAN);
}

static void check_rules(void)
{
	const float logits[] = { 0, 1, 2, 3 };
	const unsigned char none[] = { 0, 0, 0, RULING_FORBIDDEN }, forced[] = { RULING_FORCED, 0, 0, 0 },
			    most[] = { RULING_FORBIDDEN, RULING_FORBIDDEN, RULING_FORBIDDEN, 0 };
	struct experts e = plain(4, 2);

	check_choice("the best is forbidden", &(struct routing){ &e, logits, NULL, none }, "1 2",
		     (exp(1) + exp(2)) / (1 + exp(1) + exp(2)));
	check_choice("the worst is forced", &(struct routing){ &e, logits, NULL, forced }, "0 3",
		     (1 + exp(3)) / (1 + exp(1) + exp(2) + exp(3)));
	e.normalised = true;
	check_choice("one is left", &(struct routing){ &e, logits, NULL, most }, "3 -1", 1);
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* Six experts in three groups of two, of which two are open. */
static void check_groups(void)
{
	const float logits[] = { 5, -9, 2, 1, 4, -9 }, bias[] = { 0, 0, 0, 2, 0, 0 };
	struct experts e = plain(6, 2);

	e.score = ROUTER_SIGMOID;
	e.groups = 3;
	e.open = 2;
	e.group_best = 2;
	e.scale = 2.5f;
	check_choice("the group whose best two are best", &(struct routing){ &e, logits, NULL, NULL }, "0 2",
		     2.5 * (sigmoid(5) + sigmoid(2)));
	e.group_best = 1;
	check_choice("the groups whose best is best", &(struct routing){ &e, logits, NULL, NULL }, "0 4",
		     2.5 * (sigmoid(5) + sigmoid(4)));
	e.normalised = true;
	check_choice("a bias chooses and does not weigh", &(struct routing){ &e, logits, bias, NULL }, "0 3", 2.5);
}

/* d(Σ c w) by differences of the logits, where the choice stays. */
static void check_back(const char *what, const struct experts *e, const unsigned char *rule)
{
	const float logits[] = { 0.3f, 1.2f, -0.4f, 1.1f, 0.2f, 1.15f }, c[] = { 1, -2, 3, 0.5f, -1, 2 };
	float weights[MOST], chosen[MOST], d[MOST], moved[MOST];
	double worst = 0;

	router_choose(&(struct routing){ e, logits, NULL, rule }, weights, chosen);
	router_back(&(struct routing){ e, logits, NULL, rule }, chosen, c, d);
	for (int x = 0; x < e->X; x++) {
		double side[2] = { 0, 0 };

		for (int s = 0; s < 2; s++) {
			memcpy(moved, logits, sizeof logits);
			moved[x] += s ? 0.01f : -0.01f;
			router_choose(&(struct routing){ e, moved, NULL, rule }, weights, chosen);
			for (int i = 0; i < e->X; i++)
				side[s] += (double)c[i] * (double)weights[i];
		}
		worst = fmax(worst, fabs((side[1] - side[0]) / 0.02 - (double)d[x]));
	}
	CHECK_THAT(worst < 1e-3, "%s: the way back is the slope, gap %.2g", what, worst);
}

int main(void)
{
	const unsigned char rule[] = { RULING_FORCED, 0, 0, RULING_FORBIDDEN, 0, 0 };
	struct experts e = plain(6, 3);

	check_ties();
	check_rules();
	check_groups();
	check_back("softmax", &e, NULL);
	check_back("softmax with edits", &e, rule);
	e.normalised = true;
	check_back("normalised", &e, NULL);
	check_back("normalised with edits", &e, rule);
	e.score = ROUTER_SIGMOID;
	e.scale = 1.7f;
	e.sum_eps = 0.1f;
	check_back("sigmoid", &e, NULL);
	e = plain(6, 2);
	e.score = ROUTER_SPARSEMIXER;
	e.near = 0.1f;
	check_back("sparsemixer", &e, NULL);
	return tap_done();
}
