/*
 * bench.h - how long lmscope's work takes on this machine, beside what the machine could do at most: the peak of our own
 * multiply-add loop and the bandwidth of our own reading loop, measured just before and after.
 */
#ifndef LMSCOPE_ENGINE_BENCH_BENCH_H
#define LMSCOPE_ENGINE_BENCH_BENCH_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/model/model.h"

enum { BENCH_ROWS = 28 };

struct bench_row {
	const char *name, *what; /* "forward-64"; a phrase for people */
	int times;		 /* 0: left out, since it would take too long */
	double median, best;	 /* seconds */
	double flops, bytes;	 /* what cannot be done without: arithmetic, and weights read from memory */
	double limit;		 /* seconds that those take at the machine's best, the longer of the two */
	bool memory_bound;	 /* it is the bytes */
	/* bytes that it took for a while beside what it was given; that in runs over as many tokens */
	double memory, runs;
	double passes; /* the median in forward passes over as many tokens; 0: not told so */
};

struct bench {
	struct model_facts model;
	const char *kernels; /* "avx512" */
	bool low_memory;
	int threads;
	double flops, bandwidth; /* a second: the best of all that was measured; a row's limit goes by those around it */
	int rows;
	struct bench_row row[BENCH_ROWS];
};

/* Measures everything; a minute or so. `tell` is called with each row's phrase before it is measured. */
bool bench_measure(const char *where, bool low_memory, void (*tell)(const char *what), struct bench *out, struct err *err);

#endif
