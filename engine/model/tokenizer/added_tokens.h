/*
 * added_tokens.h - tokens that are cut out of a text as they are, before anything else looks at it: "<|endoftext|>".
 *
 * The leftmost one is taken, and of those that begin there the longest. There may be thousands; a sorted array is walked
 * as if it were a tree of bytes.
 */
#ifndef LMSCOPE_ENGINE_MODEL_TOKENIZER_ADDED_TOKENS_H
#define LMSCOPE_ENGINE_MODEL_TOKENIZER_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model/tokenizer/vocabulary.h"

struct literal {
	struct word text; /* borrowed from the vocabulary */
	int32_t id;
	bool whole_word;	      /* not inside a word ("single_word") */
	bool takes_left, takes_right; /* swallows the white space beside it ("lstrip", "rstrip") */
};

struct literals {
	struct literal *at; /* [n] heap; sorted once ready */
	size_t n, capacity;
	size_t first[257]; /* where the ones that begin with each byte begin */
};

void literals_add(struct literals *set, struct literal literal); /* an empty text is left out */
/* Leaves out those whose id is of a kind; before literals_ready. */
void literals_drop(struct literals *set, const struct vocabulary *v, enum token_kind kind);
void literals_ready(struct literals *set); /* after the last one was added */
void literals_done(struct literals *set);

/* Where a walk over the literals of a text is; zero it to begin with. */
struct literal_walk {
	size_t look; /* the next one begins here or later: one may be in white space that the one before swallowed */
	/* the last one and what it swallows; text between the end of one and the start of the next is text */
	size_t start, end;
};

/* The next one in text[n]; white space before the last end is not its. NULL when there is none; start and end are n then. */
const struct literal *literals_next(const struct literals *set, const char *text, size_t n, struct literal_walk *place);

#endif
