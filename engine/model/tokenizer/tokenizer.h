/*
 * tokenizer.h - text to token ids and back, exactly as the model's own files say.
 *
 * Byte-level BPE (GPT-2, Llama 3…) and SentencePiece BPE (Llama 1-2, Mistral…), from tokenizer.json, vocab.json + merges.txt,
 * tokenizer.model, or a GGUF's metadata. What cannot be done as the files say is refused by name. Immutable once open; may be used
 * from several threads.
 */
#ifndef LMSCOPE_ENGINE_MODEL_TOKENIZER_TOKENIZER_H
#define LMSCOPE_ENGINE_MODEL_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

struct gguf;
struct tokenizer;

/* From a Hugging Face folder, or a GGUF. NULL on error. `gguf` is only read during the call. */
struct tokenizer *tokenizer_open(const char *folder, struct err *err);
struct tokenizer *tokenizer_from_gguf(const struct gguf *g, struct err *err);
void tokenizer_free(struct tokenizer *t);

/* Whether the beginning-of-sequence token is put first. */
enum tokenizer_bos {
	BOS_DEFAULT, /* as the model's own files say */
	BOS_ALWAYS,  /* an error when the model has none */
	BOS_NEVER,
	BOS_COUNT,
};
extern const char *const tokenizer_bos_words[BOS_COUNT]; /* "default", "always", "never" */

/* Ids of the text, heap memory (*ids; never NULL on success), *n of them. Special tokens written out in the text
 * ("<|endoftext|>") become themselves. Any bytes are fine: what is not UTF-8 is tokenised as bytes (or as the unknown token). */
bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t bytes, enum tokenizer_bos bos, int32_t **ids, size_t *n,
		      struct err *err);
/* Without BOS, dummy prefix, or template: the pieces of a target such as " Paris". */
bool tokenizer_encode_raw(const struct tokenizer *t, const char *text, size_t bytes, int32_t **ids, size_t *n, struct err *err);

int tokenizer_size(const struct tokenizer *t); /* ids are 0 … size-1; the model's vocabulary may be larger (padding) */
/* The token's own bytes as they are inside a text (a leading space is a space). Ids without a token: empty. Borrowed. */
const char *tokenizer_bytes(const struct tokenizer *t, int32_t id, size_t *n);
/* The token whose bytes are exactly these; -1 when there is none. Normal tokens win over special ones, then the lowest id. */
int32_t tokenizer_find(const struct tokenizer *t, const char *bytes, size_t n);
bool tokenizer_is_special(const struct tokenizer *t, int32_t id);
/* Whole text: special tokens are left out unless `special`, the dummy prefix space is dropped. Appends bytes. */
void tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, bool special, struct str *out);
/* One token for people: "·Paris", "\n" as \n, a byte as \xE2, ‹bos› and ‹eos› for those, other special tokens by their text,
 * an id without a token as ‹#50259›. Safe for a terminal. Appends. */
void tokenizer_show(const struct tokenizer *t, int32_t id, struct str *out);

int32_t tokenizer_bos(const struct tokenizer *t); /* -1: the model has none */
int32_t tokenizer_eos(const struct tokenizer *t);
bool tokenizer_adds_bos(const struct tokenizer *t);
/* For people: "byte-level BPE (tokenizer.json)" and why BOS is (not) added: "tokenizer.ggml.add_bos_token is true". */
const char *tokenizer_kind(const struct tokenizer *t);
size_t tokenizer_memory(const struct tokenizer *t); /* bytes that it takes */
const char *tokenizer_bos_reason(const struct tokenizer *t);

#endif
