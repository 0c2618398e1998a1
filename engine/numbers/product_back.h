/*
 * product_back.h - a product of some rows with transposed weights: g[n, in] = d[n, out] Wᵀ, from the panels that W itself is in
 * (panel.h), none of which is turned: rows are side by side in a vector, and weights are taken one by one.
 *
 * A sum goes over W's outputs in ascending order, so its bits are those of product.h's tiles, however it is cut.
 */
#ifndef LMSCOPE_ENGINE_NUMBERS_PRODUCT_BACK_H
#define LMSCOPE_ENGINE_NUMBERS_PRODUCT_BACK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/numbers/panel.h"

struct product_back {
	const struct panels *weights;
	int from, depth; /* which of W's outputs; d has only those. from: a multiple of PANEL */
	const float *d;
	size_t ldd;
	int n;
	float *g;
	size_t ldg;
};

/* Whether so many rows are better done so than with turned weights: vectors would be empty otherwise. */
bool product_back_suits(int n);
/* With the pool's threads. */
void product_back_run(const struct product_back *p);

#endif
