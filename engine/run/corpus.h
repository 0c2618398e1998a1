/*
 * corpus.h - a file of prompts (base/prompts.h) as tokens, in windows: a document that is longer than a window makes several, each
 * with BOS where the model's tokenizer puts it. One document is in memory at a time.
 */
#ifndef LMSCOPE_ENGINE_RUN_CORPUS_H
#define LMSCOPE_ENGINE_RUN_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/model.h"

struct corpus;

/* Windows of at most `length` tokens, BOS among them. The tokenizer outlives the corpus. */
struct corpus *corpus_open(const char *path, const struct model *m, int length, struct err *err);
void corpus_close(struct corpus *c); /* NULL is fine */

/* Where to continue later, in this file or in one of the same bytes. */
struct corpus_place {
	uint64_t at; /* the document … */
	int line;
	int window; /* … and which of its windows comes next */
};

struct corpus_window {
	const int32_t *tokens; /* [n] borrowed until the next call; n 0: the file has ended */
	int n;
	int line;	   /* of the document in the file, from 1 */
	const char *split; /* what the document says of itself: "train", "test"; or NULL */
};

/* The next window of two tokens or more. */
bool corpus_next(struct corpus *c, struct corpus_window *w, struct err *err);
struct corpus_place corpus_at(const struct corpus *c);
bool corpus_go(struct corpus *c, struct corpus_place place, struct err *err);

#endif
