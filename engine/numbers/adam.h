/* adam.h - one step of Adam (Kingma & Ba 2015; beta 0.9 and 0.999, epsilon 1e-8), over as many threads as there are. */
#ifndef LMSCOPE_ENGINE_NUMBERS_ADAM_H
#define LMSCOPE_ENGINE_NUMBERS_ADAM_H

#include <stddef.h>

struct adam {
	size_t n;	       /* numbers that are learned */
	float *first, *second; /* [n] the moments of their gradient, 0 at first; kept from step to step */
};

/* x -= rate · m̂ / (√v̂ + epsilon), of step `number`, the first is 0. The gradient is g[n] times `scale`. Never fails. */
void adam_step(const struct adam *a, float *x, const float *g, double scale, double rate, int number);

#endif
