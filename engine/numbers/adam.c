/* adam.c - see adam.h: a chunk is some of the numbers, each of which is changed by itself. */
#include "engine/numbers/adam.h"

#include <math.h>

#include "engine/numbers/pool.h"

enum { CHUNK = 16384 };

static const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

struct adam_update {
	const struct adam *adam;
	float *x;
	const float *g;
	double scale, rate, first_scale, second_scale; /* of the moments: what makes up for their beginning at 0 */
};

static void change_chunk(void *context, int chunk)
{
	const struct adam_update *c = context;
	float *first = c->adam->first, *second = c->adam->second;
	const size_t from = (size_t)chunk * CHUNK, to = from + CHUNK < c->adam->n ? from + CHUNK : c->adam->n;

	for (size_t i = from; i < to; i++) {
		const double g = (double)c->g[i] * c->scale;

		first[i] = (float)(beta1 * (double)first[i] + (1 - beta1) * g);
		second[i] = (float)(beta2 * (double)second[i] + (1 - beta2) * g * g);
		c->x[i] -= (float)(c->rate * (double)first[i] * c->first_scale /
				   (sqrt((double)second[i] * c->second_scale) + epsilon));
	}
}

void adam_step(const struct adam *a, float *x, const float *g, double scale, double rate, int number)
{
	struct adam_update c = { .adam = a,
				 .x = x,
				 .g = g,
				 .scale = scale,
				 .rate = rate,
				 .first_scale = 1 / (1 - pow(beta1, number + 1)),
				 .second_scale = 1 / (1 - pow(beta2, number + 1)) };

	pool_run((int)((a->n + CHUNK - 1) / CHUNK), change_chunk, &c);
}
