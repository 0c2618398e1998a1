/* dense.c - products of activations: right against double loops, and a row's bits are its own. */
#include "engine/numbers/blas.h"
#include "engine/numbers/cpu.h"
#include "engine/numbers/dense.h"
#include "tests/tap.h"

#include <stdint.h>
#include <stdlib.h>

enum { MOST = 50, WIDE = 60 };

static float random_float(void)
{
	static uint32_t seed = 3;

	seed = seed * 1664525 + 1013904223;
	return (float)(seed >> 8) / (float)(1 << 23) - 1;
}

static float x[MOST][WIDE], turned[WIDE][MOST], rows[MOST][WIDE], y[MOST][WIDE], again[MOST][WIDE];

/* y = x rowsᵀ, filled in two parts, or y = x rows. */
static double check(bool transposed, int depth, int columns, int n)
{
	struct dense b;
	double worst = 0;
	int part = (transposed ? columns : depth) / 3;

	dense_init(&b, depth, columns);
	if (transposed) {
		dense_set_columns(&b, 0, part, &rows[0][0], WIDE);
		dense_set_columns(&b, part, columns - part, &rows[part][0], WIDE);
	} else {
		dense_set_rows(&b, 0, part, &rows[0][0], WIDE);
		dense_set_rows(&b, part, depth - part, &rows[part][0], WIDE);
	}
	memset(y, 0x55, sizeof y);
	dense_apply(&b, 0, depth, columns, &x[0][0], WIDE, n, &y[0][0], WIDE, false);
	for (int r = 0; r < n; r++) {
		for (int c = 0; c < columns; c++) {
			double sum = 0;

			for (int k = 0; k < depth; k++)
				sum += (double)x[r][k] * (double)(transposed ? rows[c][k] : rows[k][c]);
			worst = fmax(worst, fabs((double)y[r][c] - sum));
		}
		if (y[r][columns] != y[MOST - 1][WIDE - 1]) /* nothing beside them was touched */
			worst = INFINITY;
	}
	memset(again, 0x55, sizeof again);
	dense_apply_turned(&b, 0, depth, columns, &turned[0][0], MOST, n, &again[0][0], WIDE, false);
	for (int r = 0; !b.blas && r < n; r++)
		if (memcmp(again[r], y[r], (size_t)columns * sizeof(float)))
			worst = INFINITY;
	for (int r = 0; b.blas && r < n; r++)
		for (int c = 0; c < columns; c++)
			worst = fmax(worst, fabs((double)again[r][c] - (double)y[r][c]));
	part = depth / 2; /* row by row, and each in two goes */
	for (int r = 0; r < n; r++) {
		dense_apply(&b, 0, part, columns, x[r], WIDE, 1, again[r], WIDE, false);
		dense_apply(&b, part, depth - part, columns, x[r] + part, WIDE, 1, again[r], WIDE, true);
		if (!b.blas && memcmp(again[r], y[r], (size_t)columns * sizeof(float))) /* OpenBLAS does not promise it */
			worst = INFINITY;
		for (int c = 0; b.blas && c < columns; c++)
			worst = fmax(worst, fabs((double)again[r][c] - (double)y[r][c]));
	}
	dense_done(&b);
	return worst;
}

static double check_shapes(void)
{
	double worst = 0;

	for (int depth = 1; depth < MOST; depth += 1 + depth / 5)
		for (int columns = 1; columns < MOST; columns += 1 + columns / 4)
			for (int n = 1; n < MOST - 1; n += 4)
				worst = fmax(worst, fmax(check(true, depth, columns, n), check(false, depth, columns, n)));
	return worst;
}

int main(void)
{
	struct err err = { 0 };
	double worst;

	unsetenv("LMSCOPE_GEMM");
	for (int i = 0; i < MOST; i++) {
		for (int j = 0; j < WIDE; j++) {
			turned[j][i] = x[i][j] = random_float();
			rows[i][j] = random_float();
		}
	}
	for (enum cpu_set set = 0; set < CPU_SETS; set++) {
		if (!cpu_use(set)) {
			tap_skip("%s: this processor does not have it", cpu_names[set]);
			continue;
		}
		worst = check_shapes();
		CHECK_THAT(worst < 1e-5, "%s: all shapes, both ways, in one go and in two: %.2g", cpu_names[set], worst);
	}
	setenv("LMSCOPE_GEMM", "openblas", 1);
	CHECK_THAT(blas_load(&err), "OpenBLAS is loaded %s", err.text);
	worst = check_shapes();
	CHECK_THAT(worst < 1e-5, "OpenBLAS: all shapes, both ways, in one go and in two: %.2g", worst);
	unsetenv("LMSCOPE_GEMM");
	return tap_done();
}
