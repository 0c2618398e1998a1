/* latency.h - how long a key takes to the screen: from the byte that is typed to the last byte of what is written for it. */
#ifndef LMSCOPE_TESTS_PTY_LATENCY_H
#define LMSCOPE_TESTS_PTY_LATENCY_H

#include "tests/pty/pty.h"

struct latency {
	double median, p99, worst; /* milliseconds, over the keys that were answered */
	int answered;
	size_t bytes; /* the median of what was written for a key */
};

/* Presses the keys in turn, n times in all, each when the screen has been still for a moment. False: no such key. */
bool latency_measure(struct pty *p, char *const *key, int keys, int n, struct latency *out);

/*
 * Presses the keys in turn, n times in all, one every `every` milliseconds whether or not they are answered, as a held key does.
 * Returns how long after the last one the screen was still, in milliseconds; negative: no such key.
 */
double latency_held(struct pty *p, char *const *key, int keys, int n, int every);

/*
 * Types the text, a character every `every` milliseconds whatever the screen does. Returns how long after its key a character was
 * on the screen after those before it: for nine in ten of them at most so many milliseconds; negative: some never did.
 */
double latency_typed(struct pty *p, const char *text, int every);

#endif
