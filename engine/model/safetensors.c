/*
 * safetensors.c - see safetensors.h.
 *
 * A file is: u64 header length | JSON {name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": …} | data, to which
 * the offsets are relative.
 */
#include "engine/model/safetensors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/cursor.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/names.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"

enum { INDEX_LIMIT = 64 << 20 };	/* bytes of an index.json */

struct shard {
	char *path;
	struct mapping map;
};

struct safetensors {
	struct shard *shard;
	size_t shards;
	const struct json_value *map;	/* while an index is read: {tensor: file} */
	struct arena *arena;	/* tensor names */
	struct names names;
	struct tensor *tensor;	/* [names.n] */
	size_t capacity;
};

/* The format's types. Integer buffers (attention masks, position ids) are checked and left out. */
static const struct {
	const char *name;
	int dtype;		/* -1: passed over */
	size_t bytes;		/* of an element */
} types[] = {
	{ "F64", DTYPE_F64, 8 }, { "F32", DTYPE_F32, 4 }, { "F16", DTYPE_F16, 2 }, { "BF16", DTYPE_BF16, 2 },
	{ "F8_E4M3", DTYPE_F8_E4M3, 1 }, { "F8_E5M2", DTYPE_F8_E5M2, 1 },
	{ "I64", -1, 8 },	 { "I32", -1, 4 },	  { "I16", -1, 2 },	   { "I8", -1, 1 },
	{ "U64", -1, 8 },	 { "U32", -1, 4 },	  { "U16", -1, 2 },	   { "U8", -1, 1 },
	{ "BOOL", -1, 1 },
};

/* What is at hand while the header of one file is read. */
struct reading {
	struct safetensors *s;
	const struct shard *shard;
	const char *file;	/* the shard's name in the index; NULL: there is none */
	const unsigned char *data;
	size_t bytes;		/* of data */
	size_t end;		/* of the last tensor so far, in data */
	const char *name;	/* of the tensor; shown: safe for a sentence */
	struct str shown;
	struct err *err;
};

static bool fail(const struct reading *r, const char *what)
{
	return err_set(r->err, ERR_FILE, "%s: tensor %s %s", r->shard->path, r->shown.s, what);
}

static bool fail_type(const struct reading *r, const char *dtype)
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
static bool read_shape(struct reading *r, const struct json_value *shape, struct tensor *t, uint64_t *count)
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

static bool read_place(struct reading *r, const struct json_value *offsets, struct tensor *t)
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

/* A tensor that is in several shards is read from the one that the index names: an overlay leaves the older copy where it is. */
static bool settle_copies(struct reading *r, const struct tensor *t)
{
	struct safetensors *s = r->s;
	const char *file = json_text(json_get(s->map, r->name));

	if (!file || !r->file)
		return fail(r, "is there twice");
	if (!strcmp(file, r->file)) {
		struct tensor *there = &s->tensor[names_find(&s->names, r->name, strlen(r->name))];
		const char *name = there->name;

		*there = *t;
		there->name = name;
	}
	return true;
}

static bool list(struct reading *r, struct tensor *t)
{
	struct safetensors *s = r->s;

	if (s->names.n == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 64;
		s->tensor = xrealloc(s->tensor, s->capacity * sizeof *s->tensor);
	}
	t->name = arena_strdup(s->arena, r->name);
	if (!names_add(&s->names, t->name, strlen(t->name)))
		return settle_copies(r, t);
	s->tensor[s->names.n - 1] = *t;
	return true;
}

static bool read_tensor(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct reading *r = context;
	struct tensor t = { 0 };
	uint64_t count = 1;
	size_t type = 0;
	const char *dtype = json_text(json_get(v, "dtype"));

	(void)index;
	if (!strcmp(key, "__metadata__"))
		return true;
	r->name = key;
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
	return list(r, &t);
}

static bool read_header(struct safetensors *s, const struct shard *shard, const char *file, struct err *err)
{
	struct cursor c = cursor_over(shard->map.bytes, shard->map.size);
	struct reading r = { .s = s, .shard = shard, .file = file, .err = err };
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
		return err_set(err, ERR_FILE, "%s: says that its header has %llu bytes; the file has %zu", shard->path,
			       (unsigned long long)n, shard->map.size);
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
		ok = err_set(err, ERR_FILE, "%s: has %zu bytes after its last tensor, which its header does not account for", shard->path,
			     r.bytes - r.end);
	return ok;
}

/* `file`: its name in the index, or NULL. */
static bool open_shard(struct safetensors *s, const char *path, const char *file, struct err *err)
{
	struct shard *shard;

	s->shard = xrealloc(s->shard, (s->shards + 1) * sizeof *s->shard);
	shard = &s->shard[s->shards++];
	*shard = (struct shard){ .path = xstrdup(path) };
	return file_map(path, &shard->map, err) && read_header(s, shard, file, err);
}

/* What index.json says: which files there are. Their names came out of a file: they may not leave the folder. */
struct index {
	struct safetensors *s;
	const char *folder, *path;
	struct names files;
	struct err *err;
};

static bool open_listed(void *context, size_t i, const char *tensor, const struct json_value *v)
{
	struct index *index = context;
	size_t n;
	const char *file = json_text_n(v, &n);
	char *path;
	bool ok;

	(void)i;
	(void)tensor;
	if (!file || strlen(file) != n)
		return err_set(index->err, ERR_FILE, "%s: weight_map has an entry that is not the name of a file", index->path);
	if (!names_add(&index->files, file, n))
		return true;
	path = file_inside(index->folder, file, index->err);
	if (path && file_is_broken_link(path))
		ok = err_set(index->err, ERR_FILE, "%s is a link to a file that is not there: its download did not end, or was cleaned away", file);
	else
		ok = path && open_shard(index->s, path, file, index->err);
	free(path);
	return ok || err_in(index->err, "%s", index->path);
}

static bool open_index(struct safetensors *s, const char *folder, const char *path, struct err *err)
{
	struct index index = { .s = s, .folder = folder, .path = path, .err = err };
	struct json *doc = json_open(path, INDEX_LIMIT, err);
	const struct json_value *map = json_get(json_root(doc), "weight_map");
	bool ok;

	if (!doc)
		return false;
	if (!json_is(map, JSON_OBJECT) || !json_count(map))
		ok = err_set(err, ERR_FILE, "%s: has no weight_map {tensor: file}", path);
	else
		ok = json_each(s->map = map, open_listed, &index);
	s->map = NULL;
	names_done(&index.files);
	json_free(doc);
	return ok;
}

static bool open_folder(struct safetensors *s, const char *folder, struct err *err)
{
	char *single = file_join(folder, "model.safetensors"), *index = file_join(folder, "model.safetensors.index.json");
	char *pickle = file_join(folder, "pytorch_model.bin"), *pickles = file_join(folder, "pytorch_model.bin.index.json");
	bool ok;

	if (file_is_broken_link(single) || file_is_broken_link(index))
		ok = err_set(err, ERR_FILE, "%s: the weights are a link to a file that is not there: their download did not end, or was cleaned away",
			     folder);
	else if (file_exists(single))
		ok = open_shard(s, single, NULL, err);
	else if (file_exists(index))
		ok = open_index(s, folder, index, err);
	else if (file_exists(pickle) || file_exists(pickles))
		ok = err_set(err, ERR_FILE,
			     "%s: the weights are in pytorch_model.bin, a format that can run programs when it is read; lmscope needs "
			     "model.safetensors (save_pretrained of transformers writes it)", folder);
	else
		ok = err_set(err, ERR_FILE, "%s: there is neither model.safetensors nor model.safetensors.index.json: the weights are missing, or "
			     "their download did not end", folder);
	free(single);
	free(index);
	free(pickle);
	free(pickles);
	return ok;
}

/* Bytes as floats are read as they are. Where a file has scales to multiply them by, their values alone would be wrong ones. */
static bool check_scales(const struct safetensors *s, const char *path, struct err *err)
{
	static const char *const ends[] = { "weight_scale_inv", "weight_scale", "scale_weight", "scale" };
	bool ok = true;

	for (size_t i = 0; ok && i < s->names.n; i++) {
		const struct tensor *t = &s->tensor[i];
		const char *dot = strrchr(t->name, '.');
		size_t stem = dot ? (size_t)(dot + 1 - t->name) : 0;
		struct str name;

		str_init(&name);
		for (size_t k = 0; ok && k < sizeof ends / sizeof *ends && (t->type == DTYPE_F8_E4M3 || t->type == DTYPE_F8_E5M2); k++) {
			str_clear(&name);
			str_addf(&name, "%.*s%s", (int)stem, t->name, ends[k]);
			ok = !safetensors_find(s, name.s) || err_set(err, ERR_FILE, "%s: tensor %s is %s with a scale (%s), which is not supported; "
				"lmscope reads such bytes where they are the weights themselves", path, t->name, dtype_table[t->type].name, name.s);
		}
		str_done(&name);
	}
	return ok;
}

static bool check_whole(const struct safetensors *s, const char *path, struct err *err)
{
	const struct tensor *a, *b;

	if (!s->names.n)
		return err_set(err, ERR_FILE, "%s: there are no tensors of a float type in it", path);
	if (!tensors_apart(s->tensor, s->names.n, &a, &b))
		return err_set(err, ERR_FILE, "%s: the tensors %s and %s overlap", path, a->name, b->name);
	return check_scales(s, path, err);
}

struct safetensors *safetensors_open(const char *path, struct err *err)
{
	struct safetensors *s = xcalloc(1, sizeof *s);

	s->arena = arena_new();
	if ((file_is_folder(path) ? open_folder(s, path, err) : open_shard(s, path, NULL, err)) && check_whole(s, path, err))
		return s;
	safetensors_free(s);
	return NULL;
}

void safetensors_free(struct safetensors *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->shards; i++) {
		file_unmap(&s->shard[i].map);
		free(s->shard[i].path);
	}
	free(s->shard);
	names_done(&s->names);
	free(s->tensor);
	arena_free(s->arena);
	free(s);
}

size_t safetensors_file_bytes(const struct safetensors *s)
{
	size_t bytes = 0;

	for (size_t i = 0; i < s->shards; i++)
		bytes += s->shard[i].map.size;
	return bytes;
}

size_t safetensors_tensors(const struct safetensors *s)
{
	return s->names.n;
}

const struct tensor *safetensors_tensor(const struct safetensors *s, size_t i)
{
	return &s->tensor[i];
}

const struct tensor *safetensors_find(const struct safetensors *s, const char *name)
{
	int64_t i = names_find(&s->names, name, strlen(name));

	return i < 0 ? NULL : &s->tensor[i];
}
