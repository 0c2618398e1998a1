/*
 * bpe.h - byte-pair encoding of one word: characters, then the pair that merges first, again and again.
 *
 *   "Ġlow" -- characters --> Ġ l o w -- merges by rank --> Ġ lo w --> Ġlow
 *
 * One merger for both kinds. GPT-2's: a pair merges when the list of merges has it, the lowest rank first. SentencePiece's:
 * a pair merges when its concatenation is a token, the token of the highest score first. Leftmost on ties. A linked list of
 * symbols and a heap of candidates make it O(n log n): a megabyte without a space is one word.
 */
#ifndef LMSCOPE_ENGINE_MODEL_TOKENIZER_BPE_H
#define LMSCOPE_ENGINE_MODEL_TOKENIZER_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model/tokenizer/vocabulary.h"

struct bpe {
	const struct vocabulary *vocabulary;
	int32_t unknown;    /* the token for what cannot be spelt; -1: it is left out, as Hugging Face does */
	bool fuse_unknown;  /* neighbours that cannot be spelt are one unknown token */
	bool byte_fallback; /* what is no token is spelt in byte tokens */
	bool whole_words;   /* a word that is a token is taken at once ("ignore_merges") */
	int32_t byte[256];  /* the byte tokens; -1 where there is none */
};

/* Room to work in, and the ids made so far; zero it to begin with. */
struct bpe_work {
	int32_t *id; /* [n] */
	size_t n, capacity;
	struct symbol *symbol; /* [symbols] */
	size_t symbols, symbol_capacity;
	struct candidate *heap; /* [candidates] */
	size_t candidates, heap_capacity;
};

/* Finds the byte tokens of a vocabulary that is complete. */
void bpe_start(struct bpe *b, const struct vocabulary *v);
/* Appends the ids of a word of fewer than 2^31 bytes. */
void bpe_word(const struct bpe *b, const char *word, size_t n, struct bpe_work *work);
void bpe_push(struct bpe_work *work, int32_t id);
void bpe_done(struct bpe_work *work); /* frees all of it, the ids too */

#endif
