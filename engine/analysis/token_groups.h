/*
 * token_groups.h - the words and sentences of a prompt, as spans of its tokens.
 *
 * A word begins at a token that begins with white space, or that follows a newline or punctuation. A sentence ends after . ! ? or a
 * newline, with the quotes and brackets that close it; "3.14" ends none. The mark before the prompt (BOS) is alone.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_TOKEN_GROUPS_H
#define LMSCOPE_ENGINE_ANALYSIS_TOKEN_GROUPS_H

#include <stdint.h>

#include "engine/model/model.h"

enum token_group { GROUP_TOKEN, GROUP_WORD, GROUP_SENTENCE };

/* Tokens from … to of the prompt. */
struct token_span {
	int from, to;
};

/* The groups of tokens[T], T >= 1, in order: span[T]; returns how many. */
int token_groups_split(const struct model *m, const int32_t *tokens, int T, enum token_group group, struct token_span *span);

#endif
