/*
 * str.h - a string that grows. `s` is always NUL-terminated and never NULL after str_init; it may hold NULs inside.
 * Growing aborts when there is no memory: strings are small things here.
 */
#ifndef LMSCOPE_ENGINE_BASE_STR_H
#define LMSCOPE_ENGINE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

struct str {
	char *s;
	size_t n, capacity;
};

void str_init(struct str *s);
void str_done(struct str *s);
void str_clear(struct str *s);

void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const char *bytes, size_t n);
void str_add_char(struct str *s, char c);
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Names that come out of files may be of any length. In place: of a text longer than `most` bytes (8 or more) its beginning and
 * its end, with "…" between them. Both return the new length.
 */
size_t str_shorten(char *s, size_t n, size_t most);
/* The same for each word of a sentence, which may be a name. */
size_t str_shorten_words(char *s, size_t n, size_t most);
/* Appends a name from a file, shortened for a list in a sentence. */
void str_add_name(struct str *s, const char *name);

/* Hands the heap string over (the caller frees it). s owns nothing afterwards, as after str_done; adding begins a new one. */
char *str_take(struct str *s);

#endif
