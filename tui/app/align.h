/*
 * align.h - which token of the foil stands for which of the prompt.
 *
 * Equally many: one for one. Otherwise what both begin with and what both end with goes one for one, what is between from the left,
 * and the longer one has tokens without a counterpart.
 */
#ifndef LMSCOPE_TUI_APP_ALIGN_H
#define LMSCOPE_TUI_APP_ALIGN_H

#include <stdbool.h>

#include "engine/session/worker.h"

struct aligned {
	int prompt, foil; /* positions; -1: none */
	bool differ;	  /* another token, or none */
};

/* Returns how many pairs, at most n + m, which is what `out` has room for. */
int align_tokens(const struct snapshot_token *prompt, int n, const struct snapshot_token *foil, int m, struct aligned *out);

#endif
