/*
 * lens_plan.h - which translators a lens has that is trained, and where each one's numbers are.
 *
 *   translators[units, D² + D]        of each its W[D, D], then its b[D]
 */
#ifndef LMSCOPE_ENGINE_RUN_LENS_PLAN_H
#define LMSCOPE_ENGINE_RUN_LENS_PLAN_H

#include "engine/run/lens_file.h"
#include "engine/run/run.h"

/* One for each of these layers, or one for each head of them, a layer's heads after one another. */
struct lens_plan {
	const int *layer; /* [layers] ascending */
	int layers;
	bool heads;
	int ahead; /* tokens after the next one */
};
int lens_plan_units(const struct lens_plan *plan, const struct model *m);
/* The layer of a translator, and its head; -1: it translates the stream. */
int lens_plan_layer(const struct lens_plan *plan, const struct model *m, int unit, int *head);
/* Floats of one translator. */
size_t lens_plan_floats(const struct model *m);

/* The translators as the maps of a lens that is to be saved, which borrows them; layers without one have none. */
void lens_plan_maps(const struct lens_plan *plan, const struct model *m, const float *translators, struct lens *lens,
		    struct arena *arena);
/*
 * How far a lens that was read is from the model's output on a run: KL, nats, as a mean over translators and over positions but the
 * last `ahead`. By the functions that lenses are read with. The run keeps its stream, and what heads write where it is read.
 */
bool lens_plan_distance(const struct lens_plan *plan, const struct lens *lens, const struct run *r, double *mean,
			struct arena *arena, struct task *task, struct err *err);

#endif
