/*
 * vocabulary.h - the tokens of a model: what is in the file, which bytes that means, and which pairs merge.
 *
 *   text   "Ġthe"   as the file writes it     found by words of the text that the pre-tokenizer made
 *   bytes  " the"   as it is in a prompt      found when a person names a token
 *   merges (Ġt, he) → Ġthe, rank 5            lower ranks merge first
 *
 * Filled once by a reader (tokenizer_hf.c, tokenizer_gguf.c…), immutable afterwards. Maps are open-addressed and sized once.
 */
#ifndef LMSCOPE_ENGINE_MODEL_TOKENIZER_VOCABULARY_H
#define LMSCOPE_ENGINE_MODEL_TOKENIZER_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"

enum token_kind {
	TOKEN_NONE, /* no token has this id */
	TOKEN_NORMAL,
	TOKEN_BYTE,    /* "<0xE2>": one byte that no other token covers */
	TOKEN_ADDED,   /* stands for itself wherever the text has it, but is ordinary text */
	TOKEN_SPECIAL, /* the same, and is no text: BOS, EOS, roles of a chat */
};

struct word {
	const char *s; /* NUL-terminated as well; owned by the vocabulary's arena */
	uint32_t n;
};

/* Words by their bytes: slots hold the word's index, or -1. */
struct wordmap {
	const struct word *word; /* [ids] borrowed */
	int32_t *slot;		 /* [mask + 1] */
	size_t mask;
};

struct merge {
	uint64_t pair; /* left id << 32 | right id; NO_PAIR when the slot is free */
	int32_t rank, id;
};

struct vocabulary {
	struct arena *arena;	   /* borrowed from the tokenizer */
	int32_t n;		   /* ids are 0 … n-1 */
	struct word *text, *bytes; /* [n] */
	unsigned char *kind;	   /* [n] enum token_kind */
	int32_t *rank;		   /* [n] SentencePiece: order in which tokens are made, -1 never; NULL with merges */
	size_t longest;		   /* bytes of the longest text */
	struct wordmap by_text, by_bytes;
	struct merge *merge; /* [merge_mask + 1]; NULL when there are none */
	size_t merge_mask;
	char *room; /* where the next word's bytes go */
	size_t left;
};

/* Makes room for ids 0 … n-1. */
bool vocabulary_start(struct vocabulary *v, struct arena *arena, size_t n, struct err *err);
/* Copies a word into the vocabulary's memory. */
struct word vocabulary_keep(struct vocabulary *v, const char *s, size_t n);
/* Gives an id its text. `findable`: words of a prompt may become this token (else only literals do). An id twice: error. */
bool vocabulary_put(struct vocabulary *v, int64_t id, const char *s, size_t n, enum token_kind kind, bool findable,
		    struct err *err);
/* The id of a findable text; -1 when there is none. */
int32_t vocabulary_find(const struct vocabulary *v, const char *s, size_t n);

/* Makes room for `n` merges, then takes them in order. A merge that names no token is an error, as it is for Hugging Face. */
bool vocabulary_start_merges(struct vocabulary *v, size_t n, struct err *err);
bool vocabulary_merge(struct vocabulary *v, size_t rank, struct word left, struct word right, struct err *err);
/* A merge written as "left right"; the space is the first one that is not the very first byte. */
bool vocabulary_merge_line(struct vocabulary *v, size_t rank, const char *s, size_t n, struct err *err);
const struct merge *vocabulary_merged(const struct vocabulary *v, int32_t left, int32_t right); /* NULL: they do not merge */

/* Ranks tokens by score, the highest first, equal scores alike: SentencePiece's merging order. score[n]; NaN comes last. */
bool vocabulary_rank(struct vocabulary *v, const float *score, struct err *err);

/* Fills bytes[] from text[] and indexes them: through the printable alphabet of GPT-2, or U+2581 as a space and <0xNN>. */
enum spelling { SPELLING_ALPHABET, SPELLING_SENTENCEPIECE, SPELLING_PLAIN };
bool vocabulary_spell(struct vocabulary *v, enum spelling spelling, struct err *err);
int32_t vocabulary_find_bytes(const struct vocabulary *v, const char *s, size_t n);

#endif
