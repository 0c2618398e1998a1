/*
 * corpus_split.h - a corpus (run/corpus.h) for what learns from it: windows to learn from, and others that are held out to measure
 * on. Held out is every tenth document, or, where a document says so itself, one whose "split" is "test".
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_CORPUS_SPLIT_H
#define LMSCOPE_ENGINE_ANALYSIS_CORPUS_SPLIT_H

#include "engine/base/arena.h"
#include "engine/base/task.h"
#include "engine/run/corpus.h"

enum { HELD_MOST = 1024 };

struct held_window {
	int32_t *tokens;
	int n;
};

struct corpus_split {
	struct corpus *corpus;
	int seed;  /* from which document on every tenth is held out */
	int ahead; /* tokens at the end of a window that nothing is learned at, since what they foretell is not in it */
	struct held_window held[HELD_MOST];
	int helds, held_tokens; /* tokens: those that something is measured at */
};

/*
 * How many held-out tokens are enough for a training from `learned` tokens. Measuring takes about half as long as learning from as
 * many, and is done ten times: it should not be most of the work.
 */
int corpus_split_enough(double learned);

/* Tokens of a window of n that something is learned from. */
int corpus_split_rows(const struct corpus_split *s, int n);

/*
 * Reads as many held-out windows as have `enough` tokens, and goes back to the beginning. An error, in the file's name, where there
 * is nothing to measure on or nothing to learn from. The windows are in `arena`.
 */
bool corpus_split_hold_out(struct corpus_split *s, const char *path, int enough, struct arena *arena, struct task *task,
			   struct err *err);

/* The next window to learn from, borrowed until the next call; after the last document the first comes again. */
bool corpus_split_next(struct corpus_split *s, struct corpus_window *w, struct err *err);

#endif
