/*
 * split.h - cutting text with regular expressions, as pre-tokenizers do (the door to PCRE2).
 *
 * Patterns are Unicode. Text may be anything: what is not UTF-8 matches nothing and ends what could match before it. A
 * pattern that gives up (its limits keep it from running for ever) is an error, never a hang.
 * Immutable once made; may be used from several threads.
 */
#ifndef LMSCOPE_ENGINE_MODEL_TOKENIZER_SPLIT_H
#define LMSCOPE_ENGINE_MODEL_TOKENIZER_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

struct split;

/* What becomes of the matches: Hugging Face's names. */
enum split_keep {
	SPLIT_ISOLATED,		    /* a piece each */
	SPLIT_REMOVED,		    /* left out */
	SPLIT_MERGED_WITH_PREVIOUS, /* the end of the piece before */
	SPLIT_MERGED_WITH_NEXT,	    /* the beginning of the piece after */
	SPLIT_CONTIGUOUS,	    /* neighbouring matches are one piece */
};

struct text_span {
	size_t start, n;
};

struct spans {
	struct text_span *at; /* [n] heap */
	size_t n, capacity;
};

void spans_add(struct spans *spans, size_t start, size_t n);
void spans_done(struct spans *spans);

/*
 * `literal`: the pattern (NUL-terminated as well) is plain text, else a regular expression in the dialect of regex_translate.h.
 * `invert`: what does not match is treated as the match. NULL on error.
 */
struct split *split_new(const char *pattern, size_t n, bool literal, enum split_keep keep, bool invert, struct err *err);
void split_free(struct split *s); /* NULL is fine */

/* Cuts each of the pieces of the text, and appends what they become; none is empty. */
bool split_pieces(const struct split *s, const char *text, const struct spans *pieces, struct spans *out, struct err *err);
/* Appends the text with each match replaced; an error when `out` becomes longer than `limit`. */
bool split_replace(const struct split *s, const char *text, size_t n, const char *with, struct str *out, size_t limit,
		   struct err *err);

#endif
