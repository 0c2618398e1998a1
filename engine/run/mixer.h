/*
 * mixer.h - how the positions of a layer reach each other: rows of one table. Softmax attention is one of them.
 *
 * A mixer makes of each row what other positions will take from it and what it takes itself (attention: keys and values; queries),
 * and then of all of them z, which W_O writes to the stream. What comes before (the norm) and after it (heads' results, W_O, the
 * norm after, the stream) is the same for all.
 */
#ifndef LMSCOPE_ENGINE_RUN_MIXER_H
#define LMSCOPE_ENGINE_RUN_MIXER_H

#include "engine/run/backward.h"
#include "engine/run/forward.h"

struct mixer {
	/*
	 * p->scratch[rows, D], normalised -> what other positions take; `whole`: and what the rows take themselves. Edits
	 * applied.
	 */
	void (*read)(const struct pass *p, int l, const struct layer_sites *s, bool whole);
	/* … what the rows take themselves, alone. */
	void (*ask)(const struct pass *p, int l, const struct layer_sites *s);
	/* -> z, before edits on it; `s` and first_row as attention_run() has them. */
	void (*mix)(const struct pass *p, int l, const struct layer_sites *s, int first_row);
	/*
	 * Back from z[rows, H, K], the gradient before edits there, to b->normed += that at what was read, which is b->read; `s`
	 * receives the gradients of what is between. z may be b->wide.
	 */
	void (*back)(const struct backward *b, int l, const float *z, struct layer_sites *s);
	/*
	 * What a head's z has from the position `key`, gates and weights as they are; over all keys it sums to z before edits on
	 * it: z[K] += that, or that along[K].
	 */
	void (*from)(const struct run *r, int l, int head, int query, int key, float *z);
	double (*from_along)(const struct run *r, int l, int head, int query, int key, const float *along);
};

extern const struct mixer mixer_attention, mixer_conv;

/* Layer l's. */
const struct mixer *mixer_of(const struct config *c, int l);

/* Does layer l attend, or every layer? Otherwise a sentence that says what it is. */
bool mixer_attends(const struct config *c, int l, struct err *err);
bool mixer_all_attend(const struct config *c, struct err *err);

/* A layer that attends, in a model that has short convolutions: its rows have nothing of one, and no gradient there. */
void mix_conv_nothing(const struct pass *p, const struct layer_sites *s);
void mix_conv_no_gradient(const struct backward *b, struct layer_sites *s);

/* A row's way back: for the row. */
void mix_attention_back(const struct backward *b, int l, const float *z, struct layer_sites *s);
void mix_conv_back(const struct backward *b, int l, const float *z, struct layer_sites *s);

#endif
