/*
 * lens_loss.h - how far a lens is from the model's output on a run, and the gradient of that.
 *
 *   mean over positions of KL(softmax(output) ‖ softmax(W_U norm(h + h Wᵀ + b)))   for each layer by itself, h the stream that enters it
 *
 * Belrose et al. 2023. The output, norm and unembedding are the model's own (logit scale and cap applied), and constant.
 */
#ifndef LMSCOPE_ENGINE_RUN_LENS_LOSS_H
#define LMSCOPE_ENGINE_RUN_LENS_LOSS_H

#include "engine/base/arena.h"
#include "engine/run/run.h"

struct lens_loss;

/* Room to work in, from `arena`; NULL: ERR_MEMORY. */
struct lens_loss *lens_loss_new(const struct model *m, struct arena *arena, struct err *err);
/* Floats of one layer's translator: W[D, D], then b[D]. */
size_t lens_loss_floats(const struct model *m);
/*
 * Adds the sum over the run's positions to sum[L]; g[L, floats] (may be NULL) receives the gradient of that sum, added to what is
 * there. Unedited runs that keep their stream will do.
 */
bool lens_loss_add(struct lens_loss *s, const float *translators, const struct run *r, double *sum, float *g, struct task *task,
		   struct err *err);

#endif
