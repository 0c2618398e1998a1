/* finite.h - a run whose logits are not finite says where that began. */
#ifndef LMSCOPE_ENGINE_RUN_FINITE_H
#define LMSCOPE_ENGINE_RUN_FINITE_H

#include <stdbool.h>

#include "engine/run/run.h"

/*
 * false: the last logits (without them: the last stream) are not finite; the sentence names the first site that is not, and a
 * tensor with such a value if there is one.
 */
bool run_finite(const struct run *r, struct err *err);

#endif
