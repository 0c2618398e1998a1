/*
 * torch_rebuild.c - see torch_inside.h: the names of Python that a pickle of tensors uses, and what each of them makes.
 *
 * As in torch._utils: _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata]), where offset and strides
 * count elements; v3 has the type after the hooks, and a storage of bytes.
 */
#include "engine/model/files/torch_inside.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/numbers/dtype.h"

enum type { F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, TRUTH };

/* clang-format off */
static const struct torch_type types[] = {
	[F64] = { "float64", DTYPE_F64, { 'f', 8 } },		[F32] = { "float32", DTYPE_F32, { 'f', 4 } },
	[F16] = { "float16", DTYPE_F16, { 'f', 2 } },		[BF16] = { "bfloat16", DTYPE_BF16, { 'f', 2 } },
	[F8_E4M3] = { "float8_e4m3fn", DTYPE_F8_E4M3, { 'f', 1 } }, [F8_E5M2] = { "float8_e5m2", DTYPE_F8_E5M2, { 'f', 1 } },
	[I64] = { "int64", -1, { 'i', 8 } }, [I32] = { "int32", -1, { 'i', 4 } }, [I16] = { "int16", -1, { 'i', 2 } },
	[I8] = { "int8", -1, { 'i', 1 } }, [U64] = { "uint64", -1, { 'u', 8 } }, [U32] = { "uint32", -1, { 'u', 4 } },
	[U16] = { "uint16", -1, { 'u', 2 } }, [U8] = { "uint8", -1, { 'u', 1 } }, [TRUTH] = { "bool", -1, { 'b', 1 } },
};
/* clang-format on */

/* What a name's code says besides its type. */
enum { STORAGE = 0x100, UNTYPED = 0x200, DTYPE = 0x400, TYPE = 0xff };

static struct pickle_value *make_dict(void *context, const struct pickle_name *name, struct pickle_value *args, struct err *err);
static struct pickle_value *make_tensor(void *context, const struct pickle_name *name, struct pickle_value *args, struct err *err);
static struct pickle_value *make_parameter(void *context, const struct pickle_name *name, struct pickle_value *args,
					   struct err *err);
static struct pickle_value *make_size(void *context, const struct pickle_name *name, struct pickle_value *args, struct err *err);
static struct pickle_value *make_device(void *context, const struct pickle_name *name, struct pickle_value *args, struct err *err);

enum { V2 = 2, V3 = 3 };

/* clang-format off */
static const struct pickle_name names[] = {
	{ "collections", "OrderedDict", make_dict },
	{ "torch._utils", "_rebuild_tensor_v2", make_tensor, V2 },
	{ "torch._utils", "_rebuild_tensor_v3", make_tensor, V3 },
	{ "torch._utils", "_rebuild_parameter", make_parameter, 3 },
	{ "torch._utils", "_rebuild_parameter_with_state", make_parameter, 4 },
	{ "torch.nn.parameter", "Parameter", make_parameter, 2 },
	{ "torch", "Size", make_size },
	{ "torch", "device", make_device },
	{ "torch", "DoubleStorage", NULL, STORAGE | F64 }, { "torch", "FloatStorage", NULL, STORAGE | F32 },
	{ "torch", "HalfStorage", NULL, STORAGE | F16 }, { "torch", "BFloat16Storage", NULL, STORAGE | BF16 },
	{ "torch", "LongStorage", NULL, STORAGE | I64 }, { "torch", "IntStorage", NULL, STORAGE | I32 },
	{ "torch", "ShortStorage", NULL, STORAGE | I16 }, { "torch", "CharStorage", NULL, STORAGE | I8 },
	{ "torch", "ByteStorage", NULL, STORAGE | U8 }, { "torch", "BoolStorage", NULL, STORAGE | TRUTH },
	{ "torch.storage", "UntypedStorage", NULL, STORAGE | UNTYPED },
	{ "torch", "float64", NULL, DTYPE | F64 }, { "torch", "float32", NULL, DTYPE | F32 },
		{ "torch", "float16", NULL, DTYPE | F16 },
	{ "torch", "bfloat16", NULL, DTYPE | BF16 }, { "torch", "float8_e4m3fn", NULL, DTYPE | F8_E4M3 },
	{ "torch", "float8_e5m2", NULL, DTYPE | F8_E5M2 }, { "torch", "int64", NULL, DTYPE | I64 },
		{ "torch", "int32", NULL, DTYPE | I32 },
	{ "torch", "int16", NULL, DTYPE | I16 }, { "torch", "int8", NULL, DTYPE | I8 }, { "torch", "uint64", NULL, DTYPE | U64 },
	{ "torch", "uint32", NULL, DTYPE | U32 }, { "torch", "uint16", NULL, DTYPE | U16 }, { "torch", "uint8", NULL, DTYPE | U8 },
	{ "torch", "bool", NULL, DTYPE | TRUTH },
};
/* clang-format on */

static bool fail(struct err *err, const char *what)
{
	return err_set(err, ERR_FILE, "%s", what);
}

static bool is_name(const struct pickle_value *v, int kind)
{
	return v->kind == PICKLE_NAME && v->name->code & kind;
}

static bool is_text(const struct pickle_value *v, const char *text)
{
	return v->kind == PICKLE_TEXT && v->text.n == strlen(text) && !memcmp(v->text.s, text, v->text.n);
}

static bool is_empty(const struct pickle_value *v)
{
	return v->kind == PICKLE_NONE || ((v->kind == PICKLE_DICT || v->kind == PICKLE_TUPLE) && !v->list.n);
}

/* ---- storages: a persistent id is ('storage', type, key, where it was, elements) ---- */

static bool refuse_key(const char *key, size_t n, const char *what, struct err *err)
{
	struct str shown;

	str_init(&shown);
	utf8_safe(&shown, key, n < 100 ? n : 100, false);
	err_set(err, ERR_FILE, "storage %s %s", shown.s, what);
	str_done(&shown);
	return false;
}

static struct pickle_value *new_storage(struct torch_reading *r, const struct torch_type *type, const char *key, uint64_t numel,
					struct err *err)
{
	const struct archive_member *m = archive_find(r->archive, arena_printf(r->arena, "%s/data/%s", r->prefix, key));
	size_t width = type ? type->element.width : 1;
	struct torch_storage *s;
	struct pickle_value *v;

	if (!m) {
		refuse_key(key, strlen(key), "is not in the file", err);
		return NULL;
	}
	if (numel > SIZE_MAX / width || numel * width != m->n) {
		refuse_key(key, strlen(key), "has another size than the pickle says", err);
		return NULL;
	}
	s = arena_alloc(r->arena, sizeof *s);
	*s = (struct torch_storage){ type, m->bytes, m->n };
	v = pickle_new(r->arena, PICKLE_OBJECT);
	v->object = s;
	names_add(&r->keys, key, strlen(key));
	if (r->keys.n > r->capacity) {
		r->capacity = 2 * r->keys.n;
		r->storage = xrealloc(r->storage, r->capacity * sizeof *r->storage);
	}
	return r->storage[r->keys.n - 1] = v;
}

static struct pickle_value *fetch(void *context, const struct pickle_value *id, struct err *err)
{
	struct torch_reading *r = context;
	struct pickle_value *const *part = id->list.item;
	const struct torch_type *type;
	const struct torch_storage *s;
	size_t width;
	int64_t i;

	if (id->kind != PICKLE_TUPLE || id->list.n != 5 || !is_text(part[0], "storage") || !is_name(part[1], STORAGE) ||
	    part[2]->kind != PICKLE_TEXT || strlen(part[2]->text.s) != part[2]->text.n || part[4]->kind != PICKLE_INT ||
	    part[4]->number < 0) {
		fail(err, "a storage is not given by its type, name, device and size");
		return NULL;
	}
	type = part[1]->name->code & UNTYPED ? NULL : &types[part[1]->name->code & TYPE];
	i = names_find(&r->keys, part[2]->text.s, part[2]->text.n);
	if (i < 0)
		return new_storage(r, type, part[2]->text.s, (uint64_t)part[4]->number, err);
	s = r->storage[i]->object;
	width = type ? type->element.width : 1;
	if (s->type == type && (uint64_t)part[4]->number == s->n / width)
		return r->storage[i];
	refuse_key(part[2]->text.s, part[2]->text.n, "is given twice, with two types or sizes", err);
	return NULL;
}

/* ---- tensors ---- */

const struct torch_tensor *torch_value_tensor(const struct pickle_value *v)
{
	return v->kind == PICKLE_OBJECT && v->name && v->name->make == make_tensor ? v->object : NULL;
}

static const struct torch_storage *value_storage(const struct pickle_value *v)
{
	return v->kind == PICKLE_OBJECT && !v->name ? v->object : NULL;
}

static bool read_numbers(const struct pickle_value *list, int64_t *out, int *n)
{
	if (list->kind != PICKLE_TUPLE || list->list.n > TORCH_DIMS)
		return false;
	for (size_t i = 0; i < list->list.n; i++) {
		if (list->list.item[i]->kind != PICKLE_INT || list->list.item[i]->number < 0)
			return false;
		out[i] = list->list.item[i]->number;
	}
	*n = (int)list->list.n;
	return true;
}

/* How many elements there are, and whether all of them are in the storage; an empty tensor has none to be there. */
static bool measure(struct torch_tensor *t, uint64_t offset, uint64_t have, struct err *err)
{
	enum { SPREAD_LIMIT = 16 << 20 };
	uint64_t last = offset, step, count = 1;

	for (int i = 0; i < t->dims; i++)
		if (__builtin_mul_overflow(count, (uint64_t)t->shape[i], &count))
			return fail(err, "a tensor has more elements than can be counted");
	for (int i = 0; count && i < t->dims; i++)
		if (__builtin_mul_overflow((uint64_t)t->shape[i] - 1, (uint64_t)t->stride[i], &step) ||
		    __builtin_add_overflow(last, step, &last))
			return fail(err, "a tensor's strides lead further than can be counted");
	if (count ? last >= have : offset > have)
		return fail(err, "a tensor reaches past the end of its storage");
	/* Strides of 0 repeat elements: a few bytes must not become all of the memory. */
	if (count > have && count > SPREAD_LIMIT)
		return fail(err, "a tensor repeats the elements of its storage more than 16 million times");
	t->count = (size_t)count;
	return true;
}

static struct pickle_value *make_tensor(void *context, const struct pickle_name *name, struct pickle_value *args, struct err *err)
{
	struct torch_reading *r = context;
	struct pickle_value *const *arg = args->list.item, *v;
	size_t n = args->list.n, fixed = name->code == V3 ? 7 : 6;
	const struct torch_storage *s = n ? value_storage(arg[0]) : NULL;
	struct torch_tensor t = { .name = "tensor" };
	int strides = 0;

	if (n < fixed || n > fixed + 1 || !s || arg[1]->kind != PICKLE_INT || arg[1]->number < 0 ||
	    !read_numbers(arg[2], t.shape, &t.dims) || !read_numbers(arg[3], t.stride, &strides) || strides != t.dims ||
	    !is_empty(arg[5]) || (name->code == V3 && (s->type || !is_name(arg[6], DTYPE)))) {
		fail(err, "a tensor is not given by storage, offset, size and strides, of at most 8 dimensions and from 0 up");
		return NULL;
	}
	if (n > fixed && !is_empty(arg[fixed])) {
		fail(err, "a tensor is marked as conjugate or negative, which is not supported");
		return NULL;
	}
	t.type = name->code == V3 ? &types[arg[6]->name->code & TYPE] : s->type;
	if (!t.type) {
		fail(err, "a tensor without a type views a storage without one");
		return NULL;
	}
	if (!measure(&t, (uint64_t)arg[1]->number, s->n / t.type->element.width, err))
		return NULL;
	t.data = s->bytes + (size_t)arg[1]->number * t.type->element.width;
	v = pickle_new(r->arena, PICKLE_OBJECT);
	v->name = name;
	v->object = arena_alloc(r->arena, sizeof t);
	memcpy(v->object, &t, sizeof t);
	return v;
}

/* (tensor, requires_grad, hooks, state), of which the tensor is kept; the name's code is how many of them there may be. */
static struct pickle_value *make_parameter(void *context, const struct pickle_name *name, struct pickle_value *args,
					   struct err *err)
{
	(void)context;
	if (args->list.n && args->list.n <= (size_t)name->code && torch_value_tensor(args->list.item[0]) &&
	    (args->list.n < 4 || is_empty(args->list.item[3])))
		return args->list.item[0];
	fail(err, args->list.n == 4 ? "a parameter has attributes besides its tensor, which is not supported"
				    : "a parameter is not given by its tensor");
	return NULL;
}

static struct pickle_value *make_dict(void *context, const struct pickle_name *name, struct pickle_value *args, struct err *err)
{
	struct torch_reading *r = context;
	struct pickle_value *v;

	if (args->list.n) {
		fail(err, "an OrderedDict is made from arguments, which torch.save does not write");
		return NULL;
	}
	v = pickle_new(r->arena, PICKLE_DICT);
	v->name = name;
	return v;
}

static struct pickle_value *make_size(void *context, const struct pickle_name *name, struct pickle_value *args, struct err *err)
{
	(void)context;
	(void)name;
	if (args->list.n == 1 && args->list.item[0]->kind == PICKLE_TUPLE)
		return args->list.item[0];
	fail(err, "a torch.Size is not made from a tuple");
	return NULL;
}

/* Where a tensor was when it was saved does not matter here. */
static struct pickle_value *make_device(void *context, const struct pickle_name *name, struct pickle_value *args, struct err *err)
{
	struct torch_reading *r = context;

	(void)name;
	(void)args;
	(void)err;
	return pickle_new(r->arena, PICKLE_NONE);
}

struct pickle_rules torch_rules(struct torch_reading *r)
{
	return (struct pickle_rules){ names, sizeof names / sizeof *names, fetch, r };
}

void torch_reading_done(struct torch_reading *r)
{
	names_done(&r->keys);
	free(r->storage);
}
