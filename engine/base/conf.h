/*
 * conf.h - YAML: a file becomes a small tree that knows its line numbers, and a tree becomes a file (the door to libyaml).
 *
 * Presets and themes are read through it. Depth at most 256, aliases are refused, duplicate keys are errors. Errors say
 * "FILE:LINE: what is there and what was expected".
 */
#ifndef LMSCOPE_ENGINE_BASE_CONF_H
#define LMSCOPE_ENGINE_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/str.h"

enum conf_kind { CONF_SCALAR, CONF_LIST, CONF_MAP };

struct conf {
	enum conf_kind kind;
	const char *file; /* for messages */
	int line;	  /* from 1 */
	const char *key;  /* in a map; NULL elsewhere */
	const char *text; /* of a scalar */
	bool plain;	  /* a scalar without quotes: null, true, 12 mean what they look like */
	bool flow;	  /* written on one line: [a, b] or {k: v} */
	struct conf *child, *next;
	int count; /* children */
};

/* NULL on error. An empty file is an empty map. Memory from `arena`. Files of at most 1 MB, lists and maps of at most 10000. */
struct conf *conf_parse(const char *bytes, size_t n, const char *file, struct arena *arena, struct err *err);
struct conf *conf_open(const char *path, struct arena *arena, struct err *err);

const struct conf *conf_get(const struct conf *map, const char *key); /* NULL when absent, or not a map */
const struct conf *conf_at(const struct conf *list, int i);

/* Each returns false with "FILE:LINE: …" when v is not of that form. */
bool conf_text(const struct conf *v, const char **out, struct err *err);
bool conf_int(const struct conf *v, int lo, int hi, int *out, struct err *err);
bool conf_float(const struct conf *v, double *out, struct err *err);
bool conf_bool(const struct conf *v, bool *out, struct err *err);
bool conf_is_null(const struct conf *v); /* also when v is NULL */
/* err_set with the place of v in front. Returns false. */
bool conf_err(const struct conf *v, struct err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Writing. Build a tree with these and print it; quoting is the library's. */
struct conf *conf_new_map(struct arena *arena);
struct conf *conf_new_list(struct arena *arena);
void conf_add(struct arena *arena, struct conf *parent, const char *key, struct conf *child);	 /* key NULL in lists */
void conf_add_text(struct arena *arena, struct conf *parent, const char *key, const char *text); /* NULL: null */
/* a number or a word: unquoted */
void conf_add_plain(struct arena *arena, struct conf *parent, const char *key, const char *text);
void conf_add_int(struct arena *arena, struct conf *parent, const char *key, int value);
void conf_add_bool(struct arena *arena, struct conf *parent, const char *key, bool value);
/* Bytes that are not UTF-8 cannot be in YAML: they become U+FFFD. */
void conf_print(const struct conf *tree, struct str *out);

#endif
