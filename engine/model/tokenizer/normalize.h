/*
 * normalize.h - what happens to a text before its words are merged: normalising and pre-tokenising, as a list of small steps.
 *
 * All of it is one kind of thing: pieces of a text go in, pieces come out. Hugging Face's components become one or two steps:
 *
 *   ByteLevel   prepend " " unless there · split by GPT-2's pattern · bytes to the printable alphabet
 *   Metaspace   replace " " by "▁" · prepend "▁" unless there · split before each "▁"
 *   Prepend, Replace, NFC, NFKC, NFD, NFKD, Lowercase, StripAccents, Split, Digits, Punctuation, Whitespace   one each
 */
#ifndef LMSCOPE_ENGINE_MODEL_TOKENIZER_NORMALIZE_H
#define LMSCOPE_ENGINE_MODEL_TOKENIZER_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/str.h"
#include "engine/model/tokenizer/split.h"

enum step_kind { STEP_NFC, STEP_NFKC, STEP_NFD, STEP_NFKD, STEP_LOWER, STEP_PREPEND, STEP_REPLACE, STEP_SPLIT, STEP_ALPHABET };

struct step {
	enum step_kind kind;
	struct split *split; /* SPLIT, REPLACE: the pattern; owned */
	char *text;	     /* PREPEND: what; REPLACE: with what; heap */
	bool unless_there;   /* PREPEND: only where the piece does not begin with it */
	bool at_start;	     /* PREPEND: only at the very beginning of the prompt */
};

struct steps {
	struct step *at; /* [n] heap */
	size_t n;
};

/* Takes over the split and copies the text. */
void steps_add(struct steps *steps, struct step step);
/* Compiles the pattern and adds the step. `with` NULL: SPLIT, otherwise REPLACE. */
bool steps_add_split(struct steps *steps, const char *pattern, bool literal, enum split_keep keep, bool invert, struct err *err);
bool steps_add_replace(struct steps *steps, const char *pattern, bool literal, const char *with, struct err *err);
void steps_add_prepend(struct steps *steps, const char *text, bool unless_there, bool at_start);
void steps_done(struct steps *steps);

/* The pattern of GPT-2, which ByteLevel splits by. */
extern const char steps_gpt2[];

/* A text and its pieces: pieces point into it, in order. */
struct pieces {
	struct str text;
	struct spans span;
};

void pieces_start(struct pieces *p);
void pieces_done(struct pieces *p);
/* Begins again with one piece, the whole text (none when it is empty). */
void pieces_set(struct pieces *p, const char *text, size_t n);
/* `first`: the text is the beginning of the prompt. `bare`: nothing is prepended, for texts that continue one. */
bool steps_apply(const struct steps *steps, struct pieces *p, bool first, bool bare, struct err *err);

#endif
