/*
 * err.h - what went wrong, as a sentence for a person.
 *
 * A function that can fail returns bool (or a pointer that may be NULL) and takes `struct err *err` last. The callee
 * writes a whole sentence that names the file and the place; callers may put a place in front with err_in(). On success
 * err is untouched, so calls chain. Only main() prints it and only the status line shows it.
 */
#ifndef LMSCOPE_ENGINE_BASE_ERR_H
#define LMSCOPE_ENGINE_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum err_kind {
	ERR_NONE,
	ERR_FILE,      /* a file is missing, broken or not supported: exit status 1 */
	ERR_ARGUMENT,  /* the question cannot be answered (a layer that this model does not have): 1 */
	ERR_USAGE,     /* the question is not well-formed (an unknown analysis, an edit that does not parse): 2 */
	ERR_MEMORY,    /* it would not fit: 1 */
	ERR_CANCELLED, /* a newer question came, or the user pressed Esc */
};

struct err {
	enum err_kind kind;
	int item; /* which of several that were handed in it is about, such as a run's edits: from 1; 0: none of them */
	char text[1000];
};

/* Writes the sentence (shortened to fit, at whole characters); returns false, so that `return err_set(…)` reads well. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Writes a sentence that fits: long words, which may be names from a file, and a long middle are shortened, so that its end is
 * there.
 */
void err_sentence(char *text, size_t capacity, const char *format, va_list ap);

/* Puts a place before the sentence that is there: "tokenizer.json: " + text. Returns false. */
bool err_in(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
