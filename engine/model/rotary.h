/*
 * rotary.h - how far the pairs of a head's channels turn from one position to the next: the base, and the scalings that were
 * invented to go beyond the length that a model was trained for.
 */
#ifndef LMSCOPE_ENGINE_MODEL_ROTARY_H
#define LMSCOPE_ENGINE_MODEL_ROTARY_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct config;
struct family;
struct settings;

struct rotary {
	int pairs;	  /* rotated channels of a head / 2; the rest passes */
	bool interleaved; /* pairs (2i, 2i+1) rather than (i, i+pairs) */
	float factor;	  /* multiplies cosine and sine (attention factor of yarn, longrope); 1 */
	float *frequency; /* [pairs] radians per position, scaling applied */
	/* Where they depend on the prompt's length: */
	int first_length; /* `frequency` is for prompts up to it; 0: for all */
	/* [pairs] for longer ones (longrope, Ding et al. 2024); or NULL, and the base grows (dynamic NTK): */
	float *beyond;
	float base, growth;
	int width; /* the exponent's divisor: 2 pairs, or one less where a share of the channels is odd */
};

/* c->rotary, and c->rotary_local where layers with a window have their own. c->K and c->context are known. */
bool rotary_read(const struct settings *s, const struct family *f, struct config *c, struct arena *arena, struct err *err);
/* c->rotary_local alone, of that base where the settings do not say. */
bool rotary_read_local(const struct settings *s, float base, struct config *c, struct arena *arena, struct err *err);

/* The frequencies for a prompt of T tokens; `room` [pairs] is used when they are made for that length alone. */
const float *rotary_frequencies(const struct rotary *r, int T, float *room);
/* Do prompts of these two lengths turn alike, so that they can share keys? */
bool rotary_alike(const struct rotary *r, int T, int other);

#endif
