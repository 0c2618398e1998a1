/*
 * gguf.c - see gguf.h.
 *
 * A file is: "GGUF", u32 version, u64 tensors, u64 keys | keys | tensor infos | padding | data. Nothing of it is believed:
 * counts are compared with the bytes that are left before anything is allocated for them.
 */
#include "engine/model/files/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/model/files/gguf_inside.h"

enum {
	INFO_LEAST = 8 + 1 + 4 + 4 + 8, /* bytes: a name of one letter, no dimension, type, offset */
	NAME_LENGTH = 255,
	PARTS = 99999, /* five digits in a file name */
};

/* ggml's numbers for its types. Those without a dtype are not read; of them, integers are passed over in silence. */
static const struct ggml_type {
	uint32_t id;
	const char *name;
	int dtype;	/* -1: none */
	size_t integer; /* bytes of one, when it is an integer type */
} ggml_types[] = {
	{ 0, "F32", DTYPE_F32, 0 },
	{ 1, "F16", DTYPE_F16, 0 },
	{ 2, "Q4_0", DTYPE_Q4_0, 0 },
	{ 3, "Q4_1", DTYPE_Q4_1, 0 },
	{ 6, "Q5_0", DTYPE_Q5_0, 0 },
	{ 7, "Q5_1", DTYPE_Q5_1, 0 },
	{ 8, "Q8_0", DTYPE_Q8_0, 0 },
	{ 9, "Q8_1", -1, 0 },
	{ 10, "Q2_K", DTYPE_Q2_K, 0 },
	{ 11, "Q3_K", DTYPE_Q3_K, 0 },
	{ 12, "Q4_K", DTYPE_Q4_K, 0 },
	{ 13, "Q5_K", DTYPE_Q5_K, 0 },
	{ 14, "Q6_K", DTYPE_Q6_K, 0 },
	{ 15, "Q8_K", -1, 0 },
	{ 16, "IQ2_XXS", -1, 0 },
	{ 17, "IQ2_XS", -1, 0 },
	{ 18, "IQ3_XXS", -1, 0 },
	{ 19, "IQ1_S", -1, 0 },
	{ 20, "IQ4_NL", DTYPE_IQ4_NL, 0 },
	{ 21, "IQ3_S", -1, 0 },
	{ 22, "IQ2_S", -1, 0 },
	{ 23, "IQ4_XS", DTYPE_IQ4_XS, 0 },
	{ 24, "I8", -1, 1 },
	{ 25, "I16", -1, 2 },
	{ 26, "I32", -1, 4 },
	{ 27, "I64", -1, 8 },
	{ 28, "F64", DTYPE_F64, 0 },
	{ 29, "IQ1_M", -1, 0 },
	{ 30, "BF16", DTYPE_BF16, 0 },
	{ 34, "TQ1_0", -1, 0 },
	{ 35, "TQ2_0", -1, 0 },
	{ 39, "MXFP4", DTYPE_MXFP4, 0 },
	{ 40, "NVFP4", -1, 0 },
};

/* One tensor as the file describes it. */
struct info {
	struct name name;
	int dims;
	uint64_t dim[4]; /* in the order of the file: the contiguous one first */
	const struct ggml_type *type;
	uint64_t offset, bytes;
};

static bool fail(const struct gguf_part *part, const struct info *info, const char *what, struct err *err)
{
	struct str shown;

	str_init(&shown);
	utf8_safe(&shown, info->name.s, info->name.n, false);
	err_set(err, ERR_FILE, "%s: tensor %s %s", part->path, shown.s, what);
	str_done(&shown);
	return false;
}

static bool fail_type(const struct gguf_part *part, const struct info *info, uint32_t id, struct err *err)
{
	struct str what;

	str_init(&what);
	if (info->type)
		str_addf(&what, "is %s; lmscope reads", info->type->name);
	else
		str_addf(&what, "is of type %u, which ggml does not have; lmscope reads", id);
	for (int i = 0; i < DTYPE_COUNT; i++)
		str_addf(&what, "%s %s", i ? "," : "", dtype_table[i].name);
	fail(part, info, what.s, err);
	str_done(&what);
	return false;
}

static const struct ggml_type *find_type(uint32_t id)
{
	for (size_t i = 0; i < sizeof ggml_types / sizeof *ggml_types; i++)
		if (ggml_types[i].id == id)
			return &ggml_types[i];
	return NULL;
}

/* Fills in info->bytes. */
static bool measure(const struct gguf_part *part, struct info *info, struct err *err)
{
	uint64_t count = 1, block = 1, size = info->type->integer;

	for (int i = 0; i < info->dims; i++) {
		if (!info->dim[i] || info->dim[i] > INT64_MAX)
			return fail(part, info, "has a dimension that is zero or negative", err);
		if (__builtin_mul_overflow(count, info->dim[i], &count))
			return fail(part, info, "has more elements than can be counted", err);
	}
	if (!size) {
		block = (uint64_t)dtype_table[info->type->dtype].block;
		size = (uint64_t)dtype_table[info->type->dtype].bytes;
	}
	if ((info->dims ? info->dim[0] : 1) % block)
		return fail(part, info, "has rows that are not a whole number of its type's blocks", err);
	if (__builtin_mul_overflow(count / block, size, &info->bytes) || info->bytes > part->map.size)
		return fail(part, info, "is larger than the file, which may be cut short", err);
	return true;
}

static bool read_info(const struct gguf_part *part, struct cursor *c, struct info *info, struct err *err)
{
	static const char torn[] = "has a description that goes beyond the end of the file";
	uint32_t dims, type;
	uint64_t n;

	if (!cursor_u64(c, &n) || !n || n > NAME_LENGTH || !(info->name.s = (const char *)cursor_take(c, n)) ||
	    memchr(info->name.s, 0, n))
		return err_set(err, ERR_FILE, "%s: the name of a tensor is not 1 to %d bytes within the file", part->path,
			       NAME_LENGTH);
	info->name.n = n;
	if (!cursor_u32(c, &dims))
		return fail(part, info, torn, err);
	if (dims > 4)
		return fail(part, info, "has more than 4 dimensions", err);
	info->dims = (int)dims;
	for (int i = 0; i < info->dims; i++)
		if (!cursor_u64(c, &info->dim[i]))
			return fail(part, info, torn, err);
	if (!cursor_u32(c, &type) || !cursor_u64(c, &info->offset))
		return fail(part, info, torn, err);
	info->type = find_type(type);
	if (!info->type || (info->type->dtype < 0 && !info->type->integer))
		return fail_type(part, info, type, err);
	return measure(part, info, err);
}

/* Checks where the tensor is and lists it. `start` is where the data begin. */
static bool place(struct gguf *g, const struct gguf_part *part, const struct info *info, size_t start, size_t alignment,
		  struct err *err)
{
	struct tensor *t = &g->tensor[g->names.n];
	size_t room = start < part->map.size ? part->map.size - start : 0;

	if (info->offset % alignment)
		return fail(part, info, "does not begin at a multiple of the file's alignment", err);
	if (info->bytes > room || info->offset > room - info->bytes)
		return fail(part, info, "goes beyond the end of the file, which may be cut short", err);
	if (info->type->integer)
		return true;
	*t = (struct tensor){
		.name = arena_strndup(g->arena, info->name.s, info->name.n),
		.type = (enum dtype)info->type->dtype,
		.dims = info->dims,
		.data = part->map.bytes + start + info->offset,
		.bytes = info->bytes,
	};
	for (int i = 0; i < info->dims; i++)
		t->shape[i] = (int64_t)info->dim[info->dims - 1 - i];
	if (!names_add(&g->names, t->name, info->name.n))
		return fail(part, info, "is there twice", err);
	return true;
}

/* The data begin after the last description, so these are read twice: for the end of them, then for the tensors. */
static bool read_tensors(struct gguf *g, struct gguf_part *part, struct cursor c, uint64_t count, struct err *err)
{
	int64_t alignment = 32;
	struct cursor again = c;
	struct info info;
	size_t start;

	if (gguf_part_has(part, "general.alignment") && (!gguf_part_int(part, "general.alignment", &alignment) || alignment < 1 ||
							 alignment > 1 << 30 || (alignment & (alignment - 1))))
		return err_set(err, ERR_FILE, "%s: key general.alignment: is not a power of two", part->path);
	if (count > cursor_left(&c) / INFO_LEAST)
		return err_set(err, ERR_FILE, "%s: says that it has %llu tensors; %zu bytes cannot describe them", part->path,
			       (unsigned long long)count, cursor_left(&c));
	for (uint64_t i = 0; i < count; i++)
		if (!read_info(part, &c, &info, err))
			return false;
	start = (size_t)(c.p - part->map.bytes);
	start = (start + (size_t)alignment - 1) / (size_t)alignment * (size_t)alignment;
	g->tensor = xrealloc(g->tensor, (g->names.n + count + 1) * sizeof *g->tensor);
	for (uint64_t i = 0; i < count; i++)
		if (!read_info(part, &again, &info, err) || !place(g, part, &info, start, (size_t)alignment, err))
			return false;
	return true;
}

static bool check_version(const struct gguf_part *part, uint32_t version, struct err *err)
{
	if (version && !(version & 0xFFFF))
		return err_set(err, ERR_FILE, "%s: is a GGUF file for big-endian machines; lmscope reads little-endian ones",
			       part->path);
	if (version < 2 || version > 3)
		return err_set(err, ERR_FILE, "%s: is GGUF version %u; lmscope reads versions 2 and 3", part->path, version);
	return true;
}

/* Adds a file's tensors to g. */
static bool open_part(struct gguf *g, const char *path, struct err *err)
{
	struct gguf_part *part;
	struct cursor c;
	const unsigned char *magic;
	uint64_t tensors, keys;
	uint32_t version;

	g->part = xrealloc(g->part, (g->parts + 1) * sizeof *g->part);
	part = &g->part[g->parts++];
	*part = (struct gguf_part){ .path = xstrdup(path) };
	if (!file_map(path, &part->map, err))
		return false;
	if (file_is_pointer(&part->map))
		return err_set(err, ERR_FILE, "%s: is only a Git LFS pointer to the model; `git lfs pull` fetches it", path);
	c = cursor_over(part->map.bytes, part->map.size);
	magic = cursor_take(&c, 4);
	if (!magic || memcmp(magic, "GGUF", 4))
		return err_set(err, ERR_FILE, "%s: is not a GGUF file: it does not begin with \"GGUF\"", path);
	if (!cursor_u32(&c, &version))
		return err_set(err, ERR_FILE, "%s: ends after %zu bytes, within its first fields", path, part->map.size);
	if (!check_version(part, version, err))
		return false;
	if (!cursor_u64(&c, &tensors) || !cursor_u64(&c, &keys))
		return err_set(err, ERR_FILE, "%s: ends after %zu bytes, within its first fields", path, part->map.size);
	return gguf_read_keys(part, &c, keys, err) && read_tensors(g, part, c, tensors, err);
}

/* Of a split model: what a part's metadata say. A file that is whole is part 0 of 1. */
struct gguf_split {
	int64_t no, count, tensors; /* tensors: of all parts; -1: not given */
};

static struct gguf_split split_of(const struct gguf_part *part)
{
	struct gguf_split split = { 0, 1, -1 };

	gguf_part_int(part, "split.no", &split.no);
	gguf_part_int(part, "split.count", &split.count);
	gguf_part_int(part, "split.tensors.count", &split.tensors);
	return split;
}

static bool check_split(const struct gguf_part *part, struct err *err)
{
	struct gguf_split split = split_of(part);

	if (split.no < 0 || split.count < 1 || split.count > PARTS || split.no >= split.count)
		return err_set(err, ERR_FILE, "%s: says that it is part %lld, counted from 0, of %lld", part->path,
			       (long long)split.no, (long long)split.count);
	return true;
}

/* The path of part `no`, made from that of another part: NAME-00003-of-00007.gguf. Heap; NULL with a sentence. */
static char *part_path(const struct gguf_part *part, int64_t no, struct err *err)
{
	struct gguf_split split = split_of(part);
	size_t n = strlen(part->path);
	char suffix[40];
	struct str path;

	snprintf(suffix, sizeof suffix, "-%05d-of-%05d.gguf", (int)split.no + 1, (int)split.count);
	if (n < strlen(suffix) || strcmp(part->path + n - strlen(suffix), suffix)) {
		err_set(err, ERR_FILE, "%s: is part %d of %d of a split model, so its name should end in %s", part->path,
			(int)split.no + 1, (int)split.count, suffix);
		return NULL;
	}
	str_init(&path);
	str_add_n(&path, part->path, n - strlen(suffix));
	str_addf(&path, "-%05d-of-%05d.gguf", (int)no + 1, (int)split.count);
	return path.s;
}

static bool open_other_parts(struct gguf *g, struct err *err)
{
	struct gguf_split whole = split_of(&g->part[0]);

	for (int64_t i = 1; i < whole.count; i++) {
		char *path = part_path(&g->part[0], i, err);
		bool ok = path && open_part(g, path, err);
		struct gguf_split split;

		free(path);
		if (!ok)
			return path && err_in(err, "part %d of %d", (int)i + 1, (int)whole.count);
		split = split_of(&g->part[i]);
		if (split.no != i || split.count != whole.count)
			return err_set(err, ERR_FILE, "%s: says that it is part %lld, counted from 0, of %lld", g->part[i].path,
				       (long long)split.no, (long long)split.count);
	}
	return true;
}

static bool check_whole(const struct gguf *g, struct err *err)
{
	int64_t expected = split_of(&g->part[0]).tensors;
	const struct tensor *a, *b;

	if (g->parts > 1 && expected >= 0 && (uint64_t)expected != g->names.n)
		return err_set(err, ERR_FILE, "%s: the parts have %zu tensors in all, where the first says %lld", g->part[0].path,
			       g->names.n, (long long)expected);
	if (!tensors_apart(g->tensor, g->names.n, &a, &b))
		return err_set(err, ERR_FILE, "%s: the tensors %s and %s overlap", g->part[0].path, a->name, b->name);
	return true;
}

/* The file as it is, and what belongs to it when it is the first part of several. */
static struct gguf *open_from(const char *path, struct err *err)
{
	struct gguf *g = xcalloc(1, sizeof *g);

	g->arena = arena_new();
	if (open_part(g, path, err) && check_split(&g->part[0], err) &&
	    (split_of(&g->part[0]).no != 0 || (open_other_parts(g, err) && check_whole(g, err))))
		return g;
	gguf_free(g);
	return NULL;
}

struct gguf *gguf_open(const char *path, struct err *err)
{
	struct gguf *g = open_from(path, err), *first;
	char *first_path;

	if (!g || split_of(&g->part[0]).no == 0)
		return g;
	first_path = part_path(&g->part[0], 0, err);
	first = first_path ? open_from(first_path, err) : NULL;
	if (first && split_of(&first->part[0]).no != 0) {
		err_set(err, ERR_FILE, "%s: says that it is not the first part of the model", first_path);
		gguf_free(first);
		first = NULL;
	}
	free(first_path);
	gguf_free(g);
	return first;
}

void gguf_free(struct gguf *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->parts; i++) {
		gguf_free_keys(&g->part[i]);
		file_unmap(&g->part[i].map);
		free(g->part[i].path);
	}
	free(g->part);
	names_done(&g->names);
	free(g->tensor);
	arena_free(g->arena);
	free(g);
}

const char *gguf_path(const struct gguf *g)
{
	return g->part[0].path;
}

size_t gguf_file_bytes(const struct gguf *g)
{
	size_t bytes = 0;

	for (size_t i = 0; i < g->parts; i++)
		bytes += g->part[i].map.size;
	return bytes;
}

size_t gguf_tensors(const struct gguf *g)
{
	return g->names.n;
}

const struct tensor *gguf_tensor(const struct gguf *g, size_t i)
{
	return &g->tensor[i];
}

const struct tensor *gguf_find(const struct gguf *g, const char *name)
{
	int64_t i = names_find(&g->names, name, strlen(name));

	return i < 0 ? NULL : &g->tensor[i];
}
