/*
 * gguf_keys.c - the metadata of a GGUF file: see gguf.h for the getters.
 *
 * Opening walks over every value once and builds nothing for the elements of arrays: a vocabulary of 128,000 tokens is one
 * entry until its strings are asked for.
 */
#include "engine/model/files/gguf_inside.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/base/utf8.h"

enum kind { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64, KINDS };

static const struct {
	const char *name;
	size_t bytes; /* of a number; 0: not of one size */
} kinds[KINDS] = {
	[U8] = { "u8", 1 },   [I8] = { "i8", 1 },   [U16] = { "u16", 2 },   [I16] = { "i16", 2 },	[U32] = { "u32", 4 },
	[I32] = { "i32", 4 }, [F32] = { "f32", 4 }, [BOOL] = { "bool", 1 }, [STRING] = { "string", 0 }, [ARRAY] = { "array", 0 },
	[U64] = { "u64", 8 }, [I64] = { "i64", 8 }, [F64] = { "f64", 8 },
};

enum {
	ARRAY_DEPTH = 8,	   /* arrays inside arrays */
	KEY_LEAST = 8 + 1 + 4 + 1, /* bytes: a name of one letter, a kind, a u8 */
	KEY_LENGTH = 65535,
};

static bool fail(const struct gguf_part *part, const struct name *key, const char *what, struct err *err)
{
	struct str shown;

	str_init(&shown);
	utf8_safe(&shown, key->s, key->n < 100 ? key->n : 100, false);
	err_set(err, ERR_FILE, "%s: key %s: %s", part->path, shown.s, what);
	str_done(&shown);
	return false;
}

static bool bools_right(const unsigned char *p, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (p[i] > 1)
			return false;
	return true;
}

/* Steps over an array's elements; NULL when that works, otherwise what is wrong. */
static const char *skip_array(struct cursor *c, uint32_t element, uint64_t count, int depth)
{
	static const char short_file[] = "the file ends inside this array";

	if (element >= KINDS)
		return "the array's type of elements is not one that GGUF has";
	if (kinds[element].bytes) {
		const unsigned char *p = count <= UINT64_MAX / 8 ? cursor_take(c, count * kinds[element].bytes) : NULL;

		if (!p)
			return short_file;
		return element != BOOL || bools_right(p, count) ? NULL : "a bool is neither 0 nor 1";
	}
	if (depth >= ARRAY_DEPTH)
		return "arrays are nested more than 8 deep";
	for (uint64_t i = 0; i < count; i++) {
		uint32_t inner;
		uint64_t n;
		const char *wrong;

		if (element == ARRAY && !cursor_u32(c, &inner))
			return short_file;
		if (!cursor_u64(c, &n))
			return short_file;
		if (element == STRING && !cursor_take(c, n))
			return "a string in this array is longer than the file";
		if (element == ARRAY && (wrong = skip_array(c, inner, n, depth + 1)))
			return wrong;
	}
	return NULL;
}

/* Fills in *k; NULL, or what is wrong. */
static const char *read_value(struct cursor *c, struct gguf_key *k)
{
	if (!cursor_u32(c, &k->kind))
		return "the file ends here";
	if (k->kind >= KINDS)
		return "its type is not one that GGUF has";
	if (k->kind == STRING) {
		if (!cursor_u64(c, &k->count) || !(k->value = cursor_take(c, k->count)))
			return "the string is longer than the file";
	} else if (k->kind == ARRAY) {
		if (!cursor_u32(c, &k->element) || !cursor_u64(c, &k->count))
			return "the file ends here";
		k->value = c->p;
		return skip_array(c, k->element, k->count, 1);
	} else {
		if (!(k->value = cursor_take(c, kinds[k->kind].bytes)))
			return "the file ends here";
		if (k->kind == BOOL && !bools_right(k->value, 1))
			return "a bool is neither 0 nor 1";
	}
	return NULL;
}

bool gguf_read_keys(struct gguf_part *part, struct cursor *c, uint64_t count, struct err *err)
{
	if (count > cursor_left(c) / KEY_LEAST)
		return err_set(err, ERR_FILE, "%s: says that it has %llu metadata keys; %zu bytes cannot hold them", part->path,
			       (unsigned long long)count, cursor_left(c));
	part->key = xcalloc(count, sizeof *part->key);
	for (uint64_t i = 0; i < count; i++) {
		struct name key = { 0 };
		const char *wrong;
		uint64_t n;

		if (!cursor_u64(c, &n) || !n || n > KEY_LENGTH || !(key.s = (const char *)cursor_take(c, n)))
			return err_set(err, ERR_FILE, "%s: metadata key %llu of %llu has no name that fits the file", part->path,
				       (unsigned long long)i + 1, (unsigned long long)count);
		key.n = n;
		if (!names_add(&part->names, key.s, key.n))
			return fail(part, &key, "is there twice", err);
		if ((wrong = read_value(c, &part->key[i])))
			return fail(part, &key, wrong, err);
	}
	return true;
}

void gguf_free_keys(struct gguf_part *part)
{
	for (size_t i = 0; i < part->names.n; i++)
		free(part->key[i].string);
	free(part->key);
	names_done(&part->names);
}

static struct gguf_key *find(const struct gguf_part *part, const char *key)
{
	int64_t i = names_find(&part->names, key, strlen(key));

	return i < 0 ? NULL : &part->key[i];
}

struct number {
	bool is, integer; /* a number at all; one that fits an int64_t */
	int64_t i;
	double x;
};

static struct number integer(int64_t i)
{
	return (struct number){ true, true, i, (double)i };
}

static struct number real(double x)
{
	return (struct number){ true, false, 0, x };
}

/* A bool is 0 or 1. */
static struct number number_at(uint32_t kind, const unsigned char *p)
{
	union {
		uint8_t u8;
		int8_t i8;
		uint16_t u16;
		int16_t i16;
		uint32_t u32;
		int32_t i32;
		uint64_t u64;
		int64_t i64;
		float f32;
		double f64;
	} v;

	memcpy(&v, p, kinds[kind].bytes);
	switch (kind) {
	case BOOL:
	case U8:
		return integer(v.u8);
	case I8:
		return integer(v.i8);
	case U16:
		return integer(v.u16);
	case I16:
		return integer(v.i16);
	case U32:
		return integer(v.u32);
	case I32:
		return integer(v.i32);
	case U64:
		return v.u64 <= INT64_MAX ? integer((int64_t)v.u64) : real((double)v.u64);
	case I64:
		return integer(v.i64);
	case F32:
		return real((double)v.f32);
	case F64:
		return real(v.f64);
	default:
		return (struct number){ 0 }; /* a string, an array */
	}
}

static struct number number_of(const struct gguf_part *part, const char *key)
{
	const struct gguf_key *k = find(part, key);

	return k ? number_at(k->kind, k->value) : (struct number){ 0 };
}

/* Element i of an array of numbers. */
static struct number number_in(const struct gguf *g, const char *key, size_t i)
{
	const struct gguf_key *k = find(&g->part[0], key);

	if (!k || k->kind != ARRAY || i >= k->count || !kinds[k->element].bytes)
		return (struct number){ 0 };
	return number_at(k->element, k->value + i * kinds[k->element].bytes);
}

static bool give_int(struct number number, int64_t *out)
{
	if (number.integer)
		*out = number.i;
	return number.integer;
}

static bool give_double(struct number number, double *out)
{
	if (number.is)
		*out = number.x;
	return number.is;
}

bool gguf_part_has(const struct gguf_part *part, const char *key)
{
	return find(part, key) != NULL;
}

bool gguf_part_int(const struct gguf_part *part, const char *key, int64_t *out)
{
	return give_int(number_of(part, key), out);
}

bool gguf_has(const struct gguf *g, const char *key)
{
	return gguf_part_has(&g->part[0], key);
}

bool gguf_int(const struct gguf *g, const char *key, int64_t *out)
{
	return gguf_part_int(&g->part[0], key, out);
}

bool gguf_double(const struct gguf *g, const char *key, double *out)
{
	return give_double(number_of(&g->part[0], key), out);
}

bool gguf_bool(const struct gguf *g, const char *key, bool *out)
{
	const struct gguf_key *k = find(&g->part[0], key);

	if (!k || k->kind != BOOL)
		return false;
	*out = *k->value;
	return true;
}

bool gguf_string(const struct gguf *g, const char *key, const char **s, size_t *n)
{
	const struct gguf_key *k = find(&g->part[0], key);

	if (!k || k->kind != STRING)
		return false;
	*s = (const char *)k->value;
	*n = (size_t)k->count;
	return true;
}

size_t gguf_array(const struct gguf *g, const char *key)
{
	const struct gguf_key *k = find(&g->part[0], key);

	return k && k->kind == ARRAY ? (size_t)k->count : 0;
}

bool gguf_array_int(const struct gguf *g, const char *key, size_t i, int64_t *out)
{
	return give_int(number_in(g, key, i), out);
}

bool gguf_array_double(const struct gguf *g, const char *key, size_t i, double *out)
{
	return give_double(number_in(g, key, i), out);
}

/* Where each string begins. Their lengths were checked when the file was opened. */
static void index_strings(struct gguf_key *k)
{
	const unsigned char *p = k->value;

	k->string = xmalloc((size_t)k->count * sizeof *k->string);
	for (uint64_t i = 0; i < k->count; i++) {
		uint64_t n;

		k->string[i] = p;
		memcpy(&n, p, sizeof n);
		p += sizeof n + n;
	}
}

bool gguf_array_string(const struct gguf *g, const char *key, size_t i, const char **s, size_t *n)
{
	struct gguf_key *k = find(&g->part[0], key);
	uint64_t length;

	if (!k || k->kind != ARRAY || k->element != STRING || i >= k->count)
		return false;
	if (!k->string)
		index_strings(k);
	memcpy(&length, k->string[i], sizeof length);
	*s = (const char *)k->string[i] + sizeof length;
	*n = (size_t)length;
	return true;
}
