/*
 * bench_work.h - within the benchmark: the work of each row, what it takes to prepare it, and what it costs at least.
 */
#ifndef LMSCOPE_ENGINE_BENCH_BENCH_WORK_H
#define LMSCOPE_ENGINE_BENCH_BENCH_WORK_H

#include "engine/base/arena.h"
#include "engine/bench/bench.h"
#include "engine/numbers/matrix.h"
#include "engine/run/forward.h"
#include "engine/run/run.h"
#include "engine/run/sweep.h"

/* What the rows need. */
struct bench_stand {
	const char *where;
	struct model *model;
	struct arena *arena;
	const int32_t *tokens;
	struct run *before; /* of the row's positions, or of one fewer for append */
	struct run *foil;   /* of other tokens, as many; for techniques */
	struct sweep_variant *variant;
	int variants;
	double *value;
	float *rows;			 /* for the lens: [L * T, D] */
	struct pass *pass;		 /* for the mixtures */
	float *logits;			 /* [T, V] */
	struct matrix *matrix;		 /* of the MLP's shape, [D, F] */
	float *in, *out;		 /* [T, D], [T, F] */
	double file_bytes, weight_bytes; /* mapped; packed (or mapped, where they are not packed) */
};

struct bench_work {
	const char *name, *what;
	int T;
	bool (*prepare)(struct bench_stand *s, int T, struct err *err);
	bool (*run)(struct bench_stand *s, int T, struct err *err);
	void (*cost)(const struct bench_stand *s, int T, struct bench_row *row);
	bool of_mixtures; /* only where some layer is a mixture of experts */
	const char *pass; /* the row of the forward pass that it is told in; before it in the table */
};

extern const struct bench_work bench_works[]; /* ends with a NULL name */

#endif
