/*
 * unused_tensors.h - unused tensors of a checkpoint: an unsupported module, or a misspelt name.
 */
#ifndef LMSCOPE_ENGINE_MODEL_UNUSED_TENSORS_H
#define LMSCOPE_ENGINE_MODEL_UNUSED_TENSORS_H

#include "engine/model/bind.h"

struct account {
	const struct tensor **unused; /* [n], in the order of the checkpoint */
	size_t n;
};

/* Buffers that files carry (masks, rotary frequencies) and the vision half of a model do not count. */
void account_open(const struct checkpoint *c, const struct model *m, const struct bind_plan *plan, struct account *a);
void account_close(struct account *a);

/* " a, b, c …": at most eight names. */
void account_list(const struct account *a, struct str *out);
/* The name most like this one: of the unused tensors, or of all where none is unused. NULL: there are no tensors. */
const char *account_nearest(const struct account *a, const struct checkpoint *c, const char *name);

#endif
