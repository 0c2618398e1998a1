/*
 * lens_loss.h - how far a lens is from the model's output on a run, and the gradient of that.
 *
 *   sum over positions i of KL(softmax(output[i + ahead]) ‖ softmax(W_U norm(h[i] + h[i] Wᵀ + b)))
 *
 * for each translator by itself.
 *
 * h is the stream that enters a layer (Belrose et al. 2023, "Eliciting latent predictions from transformers with the tuned lens"),
 * or what one head writes (Sakarvadia et al. 2023, "Attention lens"); with `ahead` the translator foresees later predictions (Pal
 * et al. 2023, "Future lens"). The output, norm and unembedding are the model's own (logit scale and cap applied), and constant.
 */
#ifndef LMSCOPE_ENGINE_RUN_LENS_LOSS_H
#define LMSCOPE_ENGINE_RUN_LENS_LOSS_H

#include "engine/base/arena.h"
#include "engine/run/lens_plan.h"
#include "engine/run/run.h"

struct lens_loss;

/* Room to work in, from `arena`; what `plan` borrows outlives it. NULL: ERR_MEMORY. */
struct lens_loss *lens_loss_new(const struct model *m, const struct lens_plan *plan, struct arena *arena, struct err *err);
/*
 * Adds the sum over the run's positions but the last `ahead` to sum[units]; g[units, lens_plan_floats()] (may be NULL) receives the
 * gradient of that sum, added to what is there. Unedited runs that keep their stream will do where no head is read. False: it was
 * stopped.
 */
bool lens_loss_add(struct lens_loss *s, const float *translators, const struct run *r, double *sum, float *g, struct task *task,
		   struct err *err);

#endif
