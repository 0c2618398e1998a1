/*
 * stack.h - runs of one prompt that differ in their inputs alone, computed together so that each weight matrix is read once for all
 * of them: the rows of each after those of the one before, in every array. What a part of the engine wants of one run, it gets as a
 * struct run whose arrays are that part of the stack.
 *
 * For who asks for gradients of many variants: input_gradient.h, stream_gradient.h.
 */
#ifndef LMSCOPE_ENGINE_RUN_STACK_H
#define LMSCOPE_ENGINE_RUN_STACK_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/task.h"
#include "engine/run/layer.h"
#include "engine/run/run.h"

struct stack {
	/* Set by who makes it: */
	const struct run *run; /* its tokens, inputs and edits */
	bool slopes;	       /* gradients are wanted: every layer is kept */
	int T;		       /* positions that are carried */
	int top;	       /* the last layer that is computed */
	int all;	       /* variants that are wanted, of which `first` were before those that are in it */
	int first;
	/* Made by stack_plan: */
	bool whole; /* with all of its sites */
	int most;   /* variants at a time, no more than are wanted */
	/* Made by stack_begin: */
	struct arena *arena;
	struct layer_sites **layer; /* [top + 1] without slopes all the same one */
	struct layer_sites *slope;  /* of one layer */
	float *passing;
	float *input, *embed, *x; /* [most, T, D] inputs; what enters layer 0; the gradient on its way down */
	struct run *part;	  /* [most] the stack's runs */
	const struct run **each;  /* [most] the same, for who takes a list */
};

/* How many fit into the memory of three runs; from 128 rows on products gain no more by being together. */
void stack_plan(struct stack *s);
/* Ended by stack_end also where it failed: ERR_MEMORY. */
bool stack_begin(struct stack *s, struct err *err);
void stack_end(struct stack *s);

/* Of n variants whose inputs are there, with struct run for each afterwards. ERR_CANCELLED. */
bool stack_forward(struct stack *s, int n, struct task *task, struct err *err);
/*
 * Progress within the work: every layer of every variant is a step, and one more on the way back. So many layers of n variants are
 * done.
 */
bool stack_step(const struct stack *s, int n, int layers, struct task *task, struct err *err);

#endif
