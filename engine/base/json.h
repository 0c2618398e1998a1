/*
 * json.h - reading and writing JSON (the one door to the JSON library).
 *
 * Reading: a document is parsed whole and is then immutable; values are borrowed from it. Every getter takes NULL and
 * answers "not there", so look-ups chain: json_get(json_get(root, "model"), "vocab").
 * Nesting deeper than 256 is refused before anything is allocated for it, duplicate keys are errors. A byte order mark is passed
 * over. NaN, Infinity and -Infinity, as Python writes them, are numbers that no getter returns.
 */
#ifndef LMSCOPE_ENGINE_BASE_JSON_H
#define LMSCOPE_ENGINE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

struct json;	   /* a document */
struct json_value; /* a value in it */

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* `where` names the source in errors: "PATH: line 3, column 7: …". NULL on error. */
struct json *json_parse(const char *bytes, size_t n, const char *where, struct err *err);
/* Reads a regular file of at most `limit` bytes (0: 1 GB). */
struct json *json_open(const char *path, size_t limit, struct err *err);
void json_free(struct json *doc);
const struct json_value *json_root(const struct json *doc);

enum json_kind json_kind(const struct json_value *v);	       /* NULL: JSON_NULL */
bool json_is(const struct json_value *v, enum json_kind kind); /* NULL: false, also for JSON_NULL */

/* Objects: members in the order of the file. */
const struct json_value *json_get(const struct json_value *object, const char *key);
/* Arrays and objects: how many. Strings: their bytes. Otherwise 0. */
size_t json_count(const struct json_value *v);
/* Visits an array's or object's elements in order: key is NULL in arrays. Stops when the visitor returns false;
 * returns what the last visit returned (true when there was none). */
typedef bool json_visitor(void *context, size_t index, const char *key, const struct json_value *v);
bool json_each(const struct json_value *v, json_visitor *visit, void *context);
const struct json_value *json_at(const struct json_value *array, size_t i);

/* Scalars. They return false, leaving *out alone, when the value is absent, null, or of another kind;
 * json_int also when the number has a fraction or does not fit. */
bool json_bool(const struct json_value *v, bool *out);
bool json_int(const struct json_value *v, int64_t *out);
bool json_double(const struct json_value *v, double *out);	/* integers count */
const char *json_text(const struct json_value *v);		/* UTF-8, borrowed; NULL when it is not a string */
const char *json_text_n(const struct json_value *v, size_t *n); /* strings may hold NULs */

/* Writing: straight into a string. */
void json_write_string(struct str *text, const char *bytes, size_t n); /* quoted; invalid UTF-8 becomes U+FFFD */
void json_write_float(struct str *text, float x); /* shortest that reads back to the same float; NaN, inf: null */
void json_write_double(struct str *text, double x);

#endif
