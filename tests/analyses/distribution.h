/* distribution.h - what the model itself says of a row of its stream: logits, probabilities, ranks. */
#ifndef LMSCOPE_TESTS_ANALYSES_DISTRIBUTION_H
#define LMSCOPE_TESTS_ANALYSES_DISTRIBUTION_H

#include <math.h>

#include "tests/analyses/plain.h"

struct distribution {
	int V;
	float *logits; /* [V] */
	double *p;     /* [V] */
	double entropy;
};

/* The rest from its logits. */
static void read_logits(struct distribution *d)
{
	double max = -INFINITY, sum = 0;

	for (int v = 0; v < d->V; v++)
		max = fmax(max, (double)d->logits[v]);
	for (int v = 0; v < d->V; v++)
		sum += d->p[v] = exp((double)d->logits[v] - max);
	d->entropy = 0;
	for (int v = 0; v < d->V; v++) {
		d->p[v] /= sum;
		d->entropy -= d->p[v] > 0 ? d->p[v] * log(d->p[v]) : 0;
	}
}

static __attribute__((unused)) void read_row(struct distribution *d, const float *x)
{
	const struct model *m = session_model(session);
	float *y = malloc((size_t)m->config.D * sizeof *y);

	model_final_norm(m, x, 1, y, NULL);
	model_unembed(m, y, 1, d->logits);
	free(y);
	read_logits(d);
}

static struct distribution new_distribution(void)
{
	int V = session_model(session)->config.V;

	return (struct distribution){ V, calloc((size_t)V, sizeof(float)), calloc((size_t)V, sizeof(double)), 0 };
}

static void free_distribution(struct distribution *d)
{
	free(d->logits);
	free(d->p);
}

static int rank_of(const struct distribution *d, int32_t id)
{
	int rank = 1;

	for (int v = 0; v < d->V; v++)
		rank += d->logits[v] > d->logits[id];
	return rank;
}

#endif
