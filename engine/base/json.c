/* json.c - see json.h. The only file that knows jansson. */
#include "engine/base/json.h"

/* The library has enumerators of the same names. (Its json_is_… macros would see ours: they are not used here.) */
#define JSON_NULL JANSSON_NULL
#define JSON_STRING JANSSON_STRING
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_OBJECT JANSSON_OBJECT
#include <jansson.h>
#undef JSON_NULL
#undef JSON_STRING
#undef JSON_ARRAY
#undef JSON_OBJECT

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/plain_text.h"
#include "engine/base/utf8.h"

/*
 * jansson's own depth limit is 2048, and it allocates on the way down. Its values take up to 80 times the bytes that they
 * have in the file ("{}," is 240 bytes in memory), so what one document may take is bounded by the size of its file.
 */
enum { DEPTH_LIMIT = 256, MEMORY_BASE = 48 << 20, MEMORY_PER_BYTE = 18, OPEN_LIMIT = 1 << 30 };

/* What the document that is being parsed on this thread may still take; -1 outside a parse: no limit. */
static _Thread_local int64_t budget = -1;

static int64_t cost(void *p)
{
	return (int64_t)malloc_usable_size(p) + 8;
}

static void *take(size_t bytes)
{
	void *p;

	if (budget < 0)
		return xmalloc(bytes);
	if (bytes > (size_t)budget)
		return NULL;
	p = xmalloc(bytes);
	budget -= cost(p) < budget ? cost(p) : budget;
	return p;
}

static void give_back(void *p)
{
	if (p && budget >= 0)
		budget += cost(p);
	free(p);
}

__attribute__((constructor)) static void bound_memory(void)
{
	json_set_alloc_funcs(take, give_back);
}

struct json {
	json_t *root;
};

static json_t *in(const struct json_value *v)
{
	return (json_t *)(uintptr_t)v;
}

static const struct json_value *out(const json_t *v)
{
	return (const struct json_value *)v;
}

/* Line and column, from 1; columns count characters. */
static bool fail_at(const char *bytes, size_t place, const char *where, const char *what, struct err *err)
{
	int line = 1, column = 1;

	for (size_t i = 0; i < place; i++) {
		if (bytes[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)bytes[i] & 0xC0) != 0x80) {
			column++;
		}
	}
	return err_set(err, ERR_FILE, "%s: line %d, column %d: %s", where, line, column, what);
}

/*
 * Python's json module writes NaN, Infinity and -Infinity, which JSON has no words for and the library does not read. They are
 * given to it as a number that no file has, and no getter takes that for a number.
 */
#define NOT_FINITE "1.7976931348623151e308"
static const double not_finite = 1.7976931348623151e308;

/* Bytes of such a word at the beginning of s[n]; 0: it is another. */
static size_t word_of_python(const char *s, size_t n)
{
	static const char *const words[] = { "NaN", "Infinity" };

	for (size_t i = 0; i < 2; i++) {
		size_t length = strlen(words[i]);

		if (n >= length && !memcmp(s, words[i], length))
			return length;
	}
	return 0;
}

/* The bytes with the number in the place of each such word; heap. */
static char *without_python_words(const char *bytes, size_t n, size_t *out_n)
{
	struct str text;
	bool quoted = false;

	str_init(&text);
	for (size_t i = 0; i < n; i++) {
		size_t length = quoted ? 0 : word_of_python(bytes + i, n - i);

		if (length) {
			str_add(&text, NOT_FINITE);
			i += length - 1;
			continue;
		}
		if (bytes[i] == '"')
			quoted = !quoted;
		str_add_char(&text, bytes[i]);
		if (quoted && bytes[i] == '\\' && i + 1 < n)
			str_add_char(&text, bytes[++i]);
	}
	*out_n = text.n;
	return str_take(&text);
}

/* Only brackets outside strings count; what is wrong otherwise is for the parser to say. *python: there is a word of Python's. */
static bool check_depth(const char *bytes, size_t n, const char *where, bool *python, struct err *err)
{
	int depth = 0;
	bool quoted = false;

	*python = false;

	for (size_t i = 0; i < n; i++) {
		char c = bytes[i];

		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
		} else if (c == '"') {
			quoted = true;
		} else if (c == '[' || c == '{') {
			if (++depth > DEPTH_LIMIT)
				return fail_at(bytes, i, where, "more than 256 brackets inside each other", err);
		} else if (c == ']' || c == '}') {
			depth--;
		} else if ((c == 'N' || c == 'I') && word_of_python(bytes + i, n - i)) {
			*python = true;
		}
	}
	return true;
}

/* The library says nothing at all when memory ran out. */
static bool explain(const json_error_t *error, const char *bytes, size_t n, const char *where, struct err *err)
{
	static const struct {
		enum json_error_code code;
		const char *text;
		bool detail; /* the library's own words help */
	} table[] = {
		{ json_error_duplicate_key, "the same key twice in one object", true },
		{ json_error_end_of_input_expected, "the document has ended, but more follows", true },
		{ json_error_invalid_syntax, "this is not JSON", true },
		{ json_error_invalid_utf8, "bytes that are not UTF-8", false },
		{ json_error_null_byte_in_key, "a key with a zero character in it", false },
		{ json_error_null_character, "a zero character", false },
		{ json_error_numeric_overflow, "a number beyond what a double can hold", true },
		{ json_error_premature_end_of_input, "the file ends in the middle of the document", false },
	};
	struct str text;

	if (!*error->text || json_error_code(error) == json_error_out_of_memory)
		return err_set(err, ERR_FILE, "%s: takes more memory than a JSON file of %.1f MB should", where, (double)n / 1e6);
	str_init(&text);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].code != json_error_code(error))
			continue;
		str_add(&text, table[i].text);
		if (table[i].detail) {
			str_add(&text, " (");
			utf8_safe(&text, error->text, strlen(error->text), false);
			str_add(&text, ")");
		}
	}
	fail_at(bytes, error->position < 0 || (size_t)error->position > n ? n : (size_t)error->position, where,
		text.n ? text.s : "this is not JSON", err);
	str_done(&text);
	return false;
}

/* Integers are read as doubles too: config files of Hugging Face have 1000000000000000019884624838656 in them. */
static json_t *load(const char *bytes, size_t n, const char *where, struct err *err)
{
	size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
	json_error_t error;
	json_t *root;

	budget = MEMORY_BASE + MEMORY_PER_BYTE * (int64_t)n;
	root = json_loadb(bytes, n, flags, &error);
	budget = -1;
	if (!root)
		explain(&error, bytes, n, where, err);
	return root;
}

struct json *json_parse(const char *bytes, size_t n, const char *where, struct err *err)
{
	size_t mark = n ? plain_text_mark(bytes, n) : 0;
	struct json *doc;
	char *changed = NULL;
	json_t *root;
	bool python;

	if (n == mark) { /* of an empty file there are no bytes to point at */
		err_set(err, ERR_FILE, "%s: is empty; JSON was expected", where);
		return NULL;
	}
	bytes += mark;
	n -= mark;
	if (!plain_text_check(bytes, n, where, err) || !check_depth(bytes, n, where, &python, err))
		return NULL;
	if (python)
		bytes = changed = without_python_words(bytes, n, &n);
	root = load(bytes, n, where, err);
	free(changed);
	if (!root)
		return NULL;
	doc = xmalloc(sizeof *doc);
	doc->root = root;
	return doc;
}

struct json *json_open(const char *path, size_t limit, struct err *err)
{
	struct mapping map;
	struct json *doc = NULL;

	if (!limit)
		limit = OPEN_LIMIT;
	if (!file_map(path, &map, err))
		return NULL;
	if (map.size > limit)
		err_set(err, ERR_FILE, "%s: has %.1f MB; at most %.1f MB are read of such a file", path, (double)map.size / 1e6,
			(double)limit / 1e6);
	else
		doc = json_parse((const char *)map.bytes, map.size, path, err);
	file_unmap(&map);
	return doc;
}

void json_free(struct json *doc)
{
	if (!doc)
		return;
	json_decref(doc->root);
	free(doc);
}

const struct json_value *json_root(const struct json *doc)
{
	return doc ? out(doc->root) : NULL;
}

enum json_kind json_kind(const struct json_value *v)
{
	static const enum json_kind kinds[] = {
		[JANSSON_NULL] = JSON_NULL,   [JSON_TRUE] = JSON_BOOL,	      [JSON_FALSE] = JSON_BOOL,
		[JSON_INTEGER] = JSON_NUMBER, [JSON_REAL] = JSON_NUMBER,      [JANSSON_STRING] = JSON_STRING,
		[JANSSON_ARRAY] = JSON_ARRAY, [JANSSON_OBJECT] = JSON_OBJECT,
	};

	return v ? kinds[json_typeof(in(v))] : JSON_NULL;
}

bool json_is(const struct json_value *v, enum json_kind kind)
{
	return v && kind != JSON_NULL && json_kind(v) == kind;
}

const struct json_value *json_get(const struct json_value *object, const char *key)
{
	return out(json_object_get(in(object), key));
}

size_t json_count(const struct json_value *v)
{
	switch (json_kind(v)) {
	case JSON_ARRAY:
		return json_array_size(in(v));
	case JSON_OBJECT:
		return json_object_size(in(v));
	case JSON_STRING:
		return json_string_length(in(v));
	default:
		return 0;
	}
}

bool json_each(const struct json_value *v, json_visitor *visit, void *context)
{
	json_t *value;
	const char *key;
	size_t i = 0;

	if (json_is(v, JSON_ARRAY)) {
		json_array_foreach(in(v), i, value) if (!visit(context, i, NULL, out(value))) return false;
	} else if (json_is(v, JSON_OBJECT)) {
		json_object_foreach(in(v), key, value) if (!visit(context, i++, key, out(value))) return false;
	}
	return true;
}

const struct json_value *json_at(const struct json_value *array, size_t i)
{
	return out(json_array_get(in(array), i));
}

bool json_bool(const struct json_value *v, bool *result)
{
	if (!json_is(v, JSON_BOOL))
		return false;
	*result = json_typeof(in(v)) == JSON_TRUE;
	return true;
}

bool json_int(const struct json_value *v, int64_t *result)
{
	double x;

	/* Above 2^53 a double is not the number that the file has. */
	if (!json_double(v, &x) || x != floor(x) || fabs(x) > 9007199254740992.0)
		return false;
	*result = (int64_t)x;
	return true;
}

bool json_double(const struct json_value *v, double *result)
{
	if (!json_is(v, JSON_NUMBER))
		return false;
	if (fabs(json_number_value(in(v))) == not_finite)
		return false;
	*result = json_number_value(in(v));
	return true;
}

const char *json_text(const struct json_value *v)
{
	return json_string_value(in(v));
}

const char *json_text_n(const struct json_value *v, size_t *n)
{
	*n = json_string_length(in(v));
	return json_string_value(in(v));
}

void json_write_string(struct str *text, const char *bytes, size_t n)
{
	struct str valid;

	str_init(&valid);
	utf8_replace_invalid(&valid, bytes, n);
	str_add_char(text, '"');
	for (size_t i = 0; i < valid.n; i++) {
		unsigned char c = (unsigned char)valid.s[i];

		if (c == '"' || c == '\\')
			str_addf(text, "\\%c", c);
		else if (c == '\n')
			str_add(text, "\\n");
		else if (c == '\t')
			str_add(text, "\\t");
		else if (c < 0x20 || c == 0x7F)
			str_addf(text, "\\u%04x", c);
		else if (c == 0xC2 && (unsigned char)valid.s[i + 1] < 0xA0) /* C1: a terminal might obey it */
			str_addf(text, "\\u%04x", (unsigned char)valid.s[++i]);
		else
			str_add_char(text, (char)c);
	}
	str_add_char(text, '"');
	str_done(&valid);
}

/* Some locales write a comma; JSON does not. */
static void add_number(struct str *text, char *number)
{
	for (char *p = number; *p; p++)
		if (*p == ',')
			*p = '.';
	str_add(text, number);
}

static void write_number(struct str *text, double x, int digits, int most, bool single)
{
	char number[40];

	if (!isfinite(x)) {
		str_add(text, "null");
		return;
	}
	do
		snprintf(number, sizeof number, "%.*g", digits, x);
	while (digits++ < most && (single ? (double)strtof(number, NULL) != x : strtod(number, NULL) != x));
	add_number(text, number);
}

void json_write_float(struct str *text, float x)
{
	write_number(text, (double)x, 6, 9, true);
}

void json_write_double(struct str *text, double x)
{
	write_number(text, x, 15, 17, false);
}
