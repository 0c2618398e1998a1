/*
 * safetensors.c - one .safetensors file, for weights.c.
 *
 * A file is: u64 header length | JSON {name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": …} | data, to which
 * the offsets are relative.
 */
#include <stdint.h>
#include <string.h>

#include "engine/base/cursor.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/model/files/weights_inside.h"

/* The format's types. Integer buffers (attention masks, position ids) are checked and left out. */
static const struct {
	const char *name;
	int dtype;    /* -1: passed over */
	size_t bytes; /* of an element */
} types[] = {
	{ "F64", DTYPE_F64, 8 },
	{ "F32", DTYPE_F32, 4 },
	{ "F16", DTYPE_F16, 2 },
	{ "BF16", DTYPE_BF16, 2 },
	{ "F8_E4M3", DTYPE_F8_E4M3, 1 },
	{ "F8_E5M2", DTYPE_F8_E5M2, 1 },
	{ "I64", -1, 8 },
	{ "I32", -1, 4 },
	{ "I16", -1, 2 },
	{ "I8", -1, 1 },
	{ "U64", -1, 8 },
	{ "U32", -1, 4 },
	{ "U16", -1, 2 },
	{ "U8", -1, 1 },
	{ "BOOL", -1, 1 },
};

/* What is at hand while the header of one file is read. */
struct header_pass {
	struct weights *w;
	const struct weights_shard *shard;
	const unsigned char *data;
	size_t bytes;	  /* of data */
	size_t end;	  /* of the last tensor so far, in data */
	struct str shown; /* the tensor's name, safe for a sentence */
	struct err *err;
};

static bool fail(const struct header_pass *r, const char *what)
{
	return err_set(r->err, ERR_FILE, "%s: tensor %s %s", r->shard->path, r->shown.s, what);
}

static bool fail_type(const struct header_pass *r, const char *dtype)
{
	struct str what;

	str_init(&what);
	str_add(&what, "is ");
	utf8_safe(&what, dtype, strlen(dtype), false);
	str_add(&what, "; lmscope reads");
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].dtype >= 0)
			str_addf(&what, "%s %s", i ? "," : "", types[i].name);
	fail(r, what.s);
	str_done(&what);
	return false;
}

/* Multiplies *count by the dimensions. */
static bool read_shape(struct header_pass *r, const struct json_value *shape, struct tensor *t, uint64_t *count)
{
	if (!json_is(shape, JSON_ARRAY))
		return fail(r, "has no shape");
	if (json_count(shape) > 4)
		return fail(r, "has more than 4 dimensions");
	t->dims = (int)json_count(shape);
	for (int i = 0; i < t->dims; i++) {
		if (!json_int(json_at(shape, (size_t)i), &t->shape[i]) || t->shape[i] < 0)
			return fail(r, "has a shape that is not made of whole numbers from 0 up");
		if (__builtin_mul_overflow(*count, (uint64_t)t->shape[i], count))
			return fail(r, "has more elements than can be counted");
	}
	return true;
}

static bool read_place(struct header_pass *r, const struct json_value *offsets, struct tensor *t)
{
	int64_t begin, end;

	if (json_count(offsets) != 2 || !json_int(json_at(offsets, 0), &begin) || !json_int(json_at(offsets, 1), &end) ||
	    begin < 0 || end < begin)
		return fail(r, "has no data_offsets [begin, end]");
	if ((uint64_t)end > r->bytes)
		return fail(r, "goes beyond the end of the file, which may be cut short");
	t->data = r->data + begin;
	t->bytes = (size_t)(end - begin);
	if ((size_t)end > r->end)
		r->end = (size_t)end;
	return true;
}

static bool read_note(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct header_pass *r = context;
	size_t n;
	const char *text = json_text_n(v, &n);

	(void)index;
	if (text && strlen(text) == n)
		weights_note(r->w, key, text);
	return true;
}

static bool read_tensor(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct header_pass *r = context;
	struct tensor t = { .name = key };
	uint64_t count = 1;
	size_t type = 0;
	const char *dtype = json_text(json_get(v, "dtype"));

	(void)index;
	if (!strcmp(key, "__metadata__"))
		return !json_is(v, JSON_OBJECT) || json_each(v, read_note, r);
	str_clear(&r->shown);
	utf8_safe(&r->shown, key, strlen(key) < 200 ? strlen(key) : 200, false);
	if (!dtype)
		return fail(r, "has no dtype");
	while (type < sizeof types / sizeof *types && strcmp(types[type].name, dtype))
		type++;
	if (type == sizeof types / sizeof *types)
		return fail_type(r, dtype);
	if (!read_shape(r, json_get(v, "shape"), &t, &count) || !read_place(r, json_get(v, "data_offsets"), &t))
		return false;
	if (count > SIZE_MAX / types[type].bytes || count * types[type].bytes != t.bytes)
		return fail(r, "has data_offsets that do not fit its shape and dtype");
	if (types[type].dtype < 0)
		return true;
	t.type = (enum dtype)types[type].dtype;
	return weights_list(r->w, r->shard, &t, r->err);
}

bool safetensors_read(struct weights *w, const struct weights_shard *shard, struct err *err)
{
	struct cursor c = cursor_over(shard->map.bytes, shard->map.size);
	struct header_pass r = { .w = w, .shard = shard, .err = err };
	const unsigned char *header;
	struct json *doc;
	uint64_t n;
	bool ok;

	if (!cursor_u64(&c, &n))
		return err_set(err, ERR_FILE, "%s: is too short for a safetensors file", shard->path);
	if (file_is_pointer(&shard->map))
		return err_set(err, ERR_FILE, "%s: is only a Git LFS pointer to the model; `git lfs pull` fetches it", shard->path);
	header = cursor_take(&c, n);
	if (!header)
		return err_set(err, ERR_FILE,
			       "%s: is no safetensors file, or is cut: says that its header has %llu bytes; the "
			       "file has %zu",
			       shard->path, (unsigned long long)n, shard->map.size);
	r.data = c.p;
	r.bytes = cursor_left(&c);
	doc = json_parse((const char *)header, (size_t)n, shard->path, err);
	if (!doc)
		return err_in(err, "the header of a safetensors file");
	str_init(&r.shown);
	ok = json_is(json_root(doc), JSON_OBJECT) ? json_each(json_root(doc), read_tensor, &r)
						  : err_set(err, ERR_FILE, "%s: the header is not a JSON object", shard->path);
	str_done(&r.shown);
	json_free(doc);
	/* The format has no room for anything else: the header's length is wrong, or two files were joined. */
	if (ok && r.end < r.bytes)
		ok = err_set(err, ERR_FILE, "%s: has %zu bytes after its last tensor, which its header does not account for",
			     shard->path, r.bytes - r.end);
	return ok;
}
