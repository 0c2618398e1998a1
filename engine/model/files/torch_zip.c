/* torch_zip.c - see torch_zip.h. */
#include "engine/model/files/torch_zip.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/model/files/torch_inside.h"
#include "engine/numbers/dtype.h"

enum {
	DEPTH_LIMIT = 64,
	VISIT_LIMIT = 1 << 20,
	TENSOR_LIMIT = 1 << 18,
	NAME_LIMIT = 512,
};

struct torch_zip {
	char *path;
	struct mapping map;
	struct archive *archive;
	struct arena *arena;
	struct names names;
	struct torch_tensor *tensor; /* [names.n] */
	size_t capacity;
};

/* ---- a walk through the value that the pickle describes; it may contain itself, and one part in many places ---- */

struct tensor_search {
	struct torch_zip *z;
	struct str name;
	size_t visits;
	struct err *err;
};

static bool fail(const struct torch_zip *z, const char *what, struct err *err)
{
	return err_set(err, ERR_FILE, "%s: %s", z->path, what);
}

static bool list(struct tensor_search *w, const struct torch_tensor *t)
{
	struct torch_zip *z = w->z;
	struct torch_tensor *own;
	struct str shown;

	if (z->names.n == TENSOR_LIMIT)
		return fail(z, "there are more than 262144 tensors in it", w->err);
	if (z->names.n == z->capacity) {
		z->capacity = z->capacity ? 2 * z->capacity : 64;
		z->tensor = xrealloc(z->tensor, z->capacity * sizeof *z->tensor);
	}
	own = &z->tensor[z->names.n];
	*own = *t;
	own->name = w->name.n ? arena_strdup(z->arena, w->name.s) : t->name;
	if (names_add(&z->names, own->name, strlen(own->name)))
		return true;
	str_init(&shown);
	utf8_safe(&shown, own->name, strnlen(own->name, 200), false);
	err_set(w->err, ERR_FILE, "%s: two tensors have the name %s", z->path, shown.s);
	str_done(&shown);
	return false;
}

static bool add_key(struct tensor_search *w, const struct pickle_value *key)
{
	if (w->name.n)
		str_add(&w->name, ".");
	if (key->kind == PICKLE_TEXT && strlen(key->text.s) == key->text.n)
		str_add(&w->name, key->text.s);
	else if (key->kind == PICKLE_INT)
		str_addf(&w->name, "%lld", (long long)key->number);
	else
		return fail(w->z, "a key of a dictionary in it is neither a text nor a whole number", w->err);
	return w->name.n <= NAME_LIMIT || fail(w->z, "the name of a tensor in it is longer than 512 bytes", w->err);
}

static bool visit(struct tensor_search *w, const struct pickle_value *v, int depth);

static bool visit_under(struct tensor_search *w, const struct pickle_value *key, const struct pickle_value *v, int depth)
{
	size_t n = w->name.n;
	bool ok = add_key(w, key) && visit(w, v, depth + 1);

	w->name.n = n;
	w->name.s[n] = '\0';
	return ok;
}

static bool visit(struct tensor_search *w, const struct pickle_value *v, int depth)
{
	const struct torch_tensor *t = torch_value_tensor(v);
	size_t step = v->kind == PICKLE_DICT ? 2 : 1;
	bool ok = true;

	if (depth > DEPTH_LIMIT)
		return fail(w->z, "what is in it is nested more than 64 deep, or contains itself", w->err);
	if (++w->visits > VISIT_LIMIT)
		return fail(w->z, "there are more than a million values in it", w->err);
	if (t)
		return list(w, t);
	if (v->kind != PICKLE_DICT && v->kind != PICKLE_LIST && v->kind != PICKLE_TUPLE)
		return true;
	for (size_t i = 0; ok && i < v->list.n; i += step) {
		struct pickle_value place = { PICKLE_INT, .number = (int64_t)i };

		ok = visit_under(w, step == 2 ? v->list.item[i] : &place, v->list.item[i + step - 1], depth);
	}
	return ok;
}

static bool name_tensors(struct torch_zip *z, const struct pickle_value *root, struct err *err)
{
	struct tensor_search w = { .z = z, .err = err };
	bool ok;

	str_init(&w.name);
	ok = visit(&w, root, 0);
	str_done(&w.name);
	return ok && (z->names.n || fail(z, "there are no tensors in it", err));
}

/* ---- the file ---- */

/* Earlier ways of torch.save, by how they begin. */
static bool is_legacy(const struct mapping *map)
{
	static const char magic[] = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"; /* LONG1 0x1950a86a20f9469cfc6c */
	enum { AFTER_PROTO = 2, TAR_MAGIC_AT = 257 };

	return (map->size >= AFTER_PROTO + sizeof magic - 1 && !memcmp(map->bytes + AFTER_PROTO, magic, sizeof magic - 1)) ||
	       (map->size >= TAR_MAGIC_AT + 5 && !memcmp(map->bytes + TAR_MAGIC_AT, "ustar", 5));
}

/* The folder that all members are in: "archive" where data.pkl is archive/data.pkl. */
static const char *find_prefix(const struct torch_zip *z, struct err *err)
{
	static const char end[] = "/data.pkl";
	const char *prefix = NULL;

	for (size_t i = 0; i < archive_members(z->archive); i++) {
		const char *name = archive_member(z->archive, i)->name, *slash = strchr(name, '/');

		if (!slash || strcmp(slash, end))
			continue;
		if (prefix) {
			fail(z, "there is more than one data.pkl in it", err);
			return NULL;
		}
		prefix = arena_strndup(z->arena, name, (size_t)(slash - name));
	}
	if (!prefix)
		fail(z, "this zip file is not one of torch.save's: it has no data.pkl", err);
	return prefix;
}

/* Files of before the member `byteorder` are all little endian. */
static bool check_order(const struct torch_zip *z, const char *prefix, struct err *err)
{
	const struct archive_member *m = archive_find(z->archive, arena_printf(z->arena, "%s/byteorder", prefix));

	return !m || (m->n == strlen("little") && !memcmp(m->bytes, "little", m->n)) ||
	       fail(z, "its numbers are big endian, as another kind of machine wrote them; save it again on this one", err);
}

static bool read_pickle(struct torch_zip *z, struct err *err)
{
	const char *prefix = find_prefix(z, err);
	struct torch_reading r = { .archive = z->archive, .prefix = prefix, .arena = z->arena };
	struct pickle_rules rules = torch_rules(&r);
	const struct pickle_value *root;
	const struct archive_member *m;

	if (!prefix || !check_order(z, prefix, err))
		return false;
	m = archive_find(z->archive, arena_printf(z->arena, "%s/data.pkl", prefix));
	root = pickle_read(z->path, m->bytes, m->n, &rules, z->arena, err);
	torch_reading_done(&r);
	return root && name_tensors(z, root, err);
}

static bool open_file(struct torch_zip *z, struct err *err)
{
	if (!file_map(z->path, &z->map, err))
		return false;
	if (file_is_pointer(&z->map))
		return fail(z, "is only a Git LFS pointer to the file; `git lfs pull` fetches it", err);
	if (is_legacy(&z->map))
		return fail(z,
			    "this is the format of torch.save before version 1.6; save it again: torch.save(torch.load(FILE), "
			    "FILE)",
			    err);
	return (z->archive = archive_open(z->path, &z->map, err)) && read_pickle(z, err);
}

struct torch_zip *torch_zip_open(const char *path, struct err *err)
{
	struct torch_zip *z = xcalloc(1, sizeof *z);

	z->path = xstrdup(path);
	z->arena = arena_new();
	if (open_file(z, err))
		return z;
	torch_zip_free(z);
	return NULL;
}

void torch_zip_free(struct torch_zip *z)
{
	if (!z)
		return;
	archive_close(z->archive);
	file_unmap(&z->map);
	names_done(&z->names);
	free(z->tensor);
	arena_free(z->arena);
	free(z->path);
	free(z);
}

size_t torch_zip_tensors(const struct torch_zip *z)
{
	return z->names.n;
}

const struct torch_tensor *torch_zip_tensor(const struct torch_zip *z, size_t i)
{
	return &z->tensor[i];
}

const struct torch_tensor *torch_zip_find(const struct torch_zip *z, const char *name)
{
	int64_t i = names_find(&z->names, name, strlen(name));

	return i < 0 ? NULL : &z->tensor[i];
}

/* ---- numbers ---- */

const char *torch_tensor_type(const struct torch_tensor *t)
{
	return t->type->name;
}

/* The stride of a dimension of size 1 does not matter. */
bool torch_tensor_is_contiguous(const struct torch_tensor *t)
{
	int64_t stride = 1;

	for (int i = t->count ? t->dims - 1 : -1; i >= 0; i--) {
		if (t->shape[i] != 1 && t->stride[i] != stride)
			return false;
		stride *= t->shape[i];
	}
	return true;
}

static void expand(const struct torch_type *type, const unsigned char *from, float *out, size_t n)
{
	if (type->dtype >= 0)
		dtype_table[type->dtype].expand(from, out, n);
	else
		for (size_t i = 0; i < n; i++)
			out[i] = element_float(from, i, &type->element);
}

/* Calls `each` with where every element is, from the first one's bytes on: the last dimension first. */
static void step_through(const struct torch_tensor *t,
			 void (*each)(const struct torch_tensor *t, size_t i, const unsigned char *at, void *out), void *out)
{
	int64_t at[TORCH_DIMS] = { 0 };
	size_t width = t->type->element.width, offset = 0;

	for (size_t i = 0; i < t->count; i++) {
		each(t, i, t->data + offset * width, out);
		for (int d = t->dims - 1; d >= 0; d--) {
			offset += (size_t)t->stride[d];
			if (++at[d] < t->shape[d])
				break;
			offset -= (size_t)t->stride[d] * (size_t)t->shape[d];
			at[d] = 0;
		}
	}
}

static void expand_one(const struct torch_tensor *t, size_t i, const unsigned char *at, void *out)
{
	expand(t->type, at, (float *)out + i, 1);
}

void torch_tensor_expand(const struct torch_tensor *t, float *out)
{
	if (torch_tensor_is_contiguous(t))
		expand(t->type, t->data, out, t->count);
	else
		step_through(t, expand_one, out);
}

static void copy_one(const struct torch_tensor *t, size_t i, const unsigned char *at, void *out)
{
	const size_t width = t->type->element.width;

	memcpy((unsigned char *)out + i * width, at, width);
}

void torch_tensor_gather(const struct torch_tensor *t, unsigned char *out)
{
	step_through(t, copy_one, out);
}

size_t torch_tensor_width(const struct torch_tensor *t)
{
	return t->type->element.width;
}

bool torch_tensor_dtype(const struct torch_tensor *t, enum dtype *type)
{
	if (t->type->dtype < 0)
		return false;
	*type = (enum dtype)t->type->dtype;
	return true;
}
