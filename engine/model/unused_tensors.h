/*
 * unused_tensors.h - unused tensors of a checkpoint: an unsupported module, or a misspelt name.
 */
#ifndef LMSCOPE_ENGINE_MODEL_UNUSED_TENSORS_H
#define LMSCOPE_ENGINE_MODEL_UNUSED_TENSORS_H

#include "engine/model/bind.h"

/* What a model of text and images or sound has beside its text part: "vision_tower", and how many tensors it is. */
struct other_part {
	const char *name; /* the beginning of a tensor's name, length long */
	size_t length, tensors;
};

enum { OTHER_PARTS = 8 };

struct account {
	const struct tensor **unused; /* [n], in the order of the checkpoint */
	size_t n;
	struct other_part part[OTHER_PARTS]; /* those beyond the last one's place are counted there */
	int parts;
};

/*
 * Buffers that files carry (masks, rotary frequencies) do not count. wrapped: the settings have the text part's as an object of
 * their own, and all that is not within that part is another one.
 */
void account_open(const struct checkpoint *c, const struct model *m, const struct bind_plan *plan, bool wrapped, struct account *a);
void account_close(struct account *a);

/* " a, b, c …": at most eight names. */
void account_list(const struct account *a, struct str *out);
/* "vision_tower (14 tensors), multi_modal_projector (5 tensors)". */
void account_list_parts(const struct account *a, struct str *out);
/* The name most like this one: of the unused tensors, or of all where none is unused. NULL: there are no tensors. */
const char *account_nearest(const struct account *a, const struct checkpoint *c, const char *name);

#endif
