/* vector_file.c - see vector_file.h. */
#include "engine/run/vector_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/paths.h"
#include "engine/base/str.h"
#include "engine/model/files/gguf.h"
#include "engine/model/files/safetensors_write.h"
#include "engine/model/files/weights.h"

static bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static float *expand(const struct tensor *t, struct arena *arena, size_t *rows, size_t *cols, struct err *err)
{
	float *out;

	*rows = tensor_rows(t);
	*cols = *rows ? tensor_count(t) / *rows : 0;
	if (!*cols) {
		err_set(err, ERR_FILE, "tensor %s is empty", t->name);
		return NULL;
	}
	out = arena_floats(arena, tensor_count(t), err);
	if (out)
		tensor_expand(t, out);
	return out;
}

/* "a, b, c …": what a file has, for the sentence that says that it has not what was asked for. */
static void list_names(const struct vector_names *names, struct str *list)
{
	size_t most = 8;

	for (size_t i = 0; i < names->n && i < most; i++) {
		str_add(list, i ? ", " : "");
		str_add_name(list, names->name(names->file, i));
	}
	if (names->n > most)
		str_add(list, " …");
}

bool vector_choose(const char *path, const struct vector_names *names, const char *name, int layer, size_t *chosen, struct err *err)
{
	struct str list;
	char own[32];

	snprintf(own, sizeof own, "direction.%d", layer);
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name(names->file, i), name ? name : own)) {
			*chosen = i;
			return true;
		}
	*chosen = 0;
	if (!name && names->n == 1)
		return true;
	str_init(&list);
	list_names(names, &list);
	err_set(err, ERR_FILE, "%s: there is no tensor %s; it has %s", path, name ? name : own, list.s);
	str_done(&list);
	return false;
}

static const char *safetensors_name(const void *file, size_t i)
{
	return weights_tensor(file, i)->name;
}

static float *from_safetensors(const char *path, const char *name, int layer, struct arena *arena, size_t *rows, size_t *cols,
			       struct err *err)
{
	struct weights *s = weights_open(path, err);
	float *out = NULL;
	size_t i;

	if (!s)
		return NULL;
	if (vector_choose(path, &(struct vector_names){ s, weights_tensors(s), safetensors_name }, name, layer, &i, err))
		out = expand(weights_tensor(s, i), arena, rows, cols, err);
	weights_free(s);
	return out;
}

static float *from_control_vector(const char *path, const char *ignored, int layer, struct arena *arena, size_t *rows, size_t *cols,
				  struct err *err)
{
	struct gguf *g = gguf_open(path, err);
	const struct tensor *t;
	float *out = NULL;
	const char *architecture = "";
	size_t length = 0;
	char name[32];

	(void)ignored;
	if (!g)
		return NULL;
	snprintf(name, sizeof name, "direction.%d", layer);
	gguf_string(g, "general.architecture", &architecture, &length);
	if (length != strlen("controlvector") || memcmp(architecture, "controlvector", length))
		err_set(err, ERR_FILE, "%s: this is not a control vector (general.architecture is \"%.*s\")", path,
			length > 60 ? 60 : (int)length, architecture);
	else if ((t = gguf_find(g, name)))
		out = expand(t, arena, rows, cols, err);
	else
		err_set(err, ERR_FILE, "%s: this control vector has no %s", path, name);
	gguf_free(g);
	return out;
}

static float *from_npy(const char *path, const char *ignored, int layer, struct arena *arena, size_t *rows, size_t *cols,
		       struct err *err)
{
	(void)ignored;
	(void)layer;
	return vector_npy_read(path, arena, rows, cols, err);
}

/* How a file is read, by the end of its name; any other end is taken for .npy. */
static const struct form {
	const char *ending;
	bool has_names; /* ENDING:NAME says which tensor is meant */
	float *(*read)(const char *path, const char *name, int layer, struct arena *arena, size_t *rows, size_t *cols,
		       struct err *err);
} forms[] = {
	{ ".safetensors", true, from_safetensors },
	{ ".npz", true, vector_npz_read },
	{ ".pt", true, vector_torch_read },
	{ ".pth", true, vector_torch_read },
	{ ".bin", true, vector_torch_read },
	{ ".gguf", false, from_control_vector },
	{ ".npy", false, from_npy },
};

/* The first colon after an ending is where the name begins; NULL: there is none. */
static const char *find_name(const char *spec, const struct form *form)
{
	size_t n = strlen(form->ending);

	for (const char *p = strstr(spec, form->ending); p && form->has_names; p = strstr(p + 1, form->ending))
		if (p[n] == ':')
			return p + n + 1;
	return NULL;
}

static const struct form *find_form(const char *spec, const char **name)
{
	size_t n = sizeof forms / sizeof *forms;

	for (size_t i = 0; i < n; i++)
		if ((*name = find_name(spec, &forms[i])) || ends_in(spec, forms[i].ending))
			return &forms[i];
	return &forms[n - 1];
}

float *vector_rows_read(const char *spec, int layer, struct arena *arena, size_t *rows, size_t *cols, struct err *err)
{
	const char *name;
	const struct form *form = find_form(spec, &name);
	const char *path = name ? arena_strndup(arena, spec, (size_t)(name - 1 - spec)) : spec;
	char *found = paths_find(path, NULL); /* a preset that ships names a file of the program's */
	float *out = form->read(found ? found : path, name, layer, arena, rows, cols, err);

	free(found);
	return out;
}

float *vector_read(const char *spec, int layer, struct arena *arena, size_t *n, struct err *err)
{
	size_t rows;
	float *out = vector_rows_read(spec, layer, arena, &rows, n, err);

	if (!out || rows == 1)
		return out;
	err_set(err, ERR_FILE, "%s: expected one vector; it has %zu rows", spec, rows);
	return NULL;
}

/* ---- writing ---- */

static void add_number(struct str *out, uint64_t x, int bytes)
{
	for (int i = 0; i < bytes; i++)
		str_add_char(out, (char)(x >> (8 * i) & 255));
}

static void add_gguf_string(struct str *out, const char *s)
{
	add_number(out, strlen(s), 8);
	str_add(out, s);
}

static void add_gguf_text(struct str *out, const char *key, const char *value)
{
	enum { GGUF_STRING = 8 };

	add_gguf_string(out, key);
	add_number(out, GGUF_STRING, 4);
	add_gguf_string(out, value);
}

/* As llama.cpp's own tool writes it: direction.1 on, F32. Layer 0 has no place in it. */
static void make_control_vector(struct str *out, const struct model *m, const float *vector, int from, int to)
{
	enum { GGUF_INT32 = 5, GGUF_F32 = 0, ALIGNMENT = 32, VERSION = 3, KEYS = 3 };
	size_t D = (size_t)m->config.D, each = (D * sizeof *vector + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	str_add(out, "GGUF");
	add_number(out, VERSION, 4);
	add_number(out, (uint64_t)(to - from + 1), 8);
	add_number(out, KEYS, 8);
	add_gguf_text(out, "general.architecture", "controlvector");
	add_gguf_text(out, "controlvector.model_hint", m->config.family);
	add_gguf_string(out, "controlvector.layer_count");
	add_number(out, GGUF_INT32, 4);
	add_number(out, (uint64_t)(to - from + 1), 4);
	for (int l = from; l <= to; l++) {
		char name[32];

		snprintf(name, sizeof name, "direction.%d", l);
		add_gguf_string(out, name);
		add_number(out, 1, 4);
		add_number(out, D, 8);
		add_number(out, GGUF_F32, 4);
		add_number(out, each * (size_t)(l - from), 8);
	}
	for (int l = from; l <= to; l++) {
		while (out->n % ALIGNMENT)
			str_add_char(out, 0);
		str_add_n(out, (const char *)(vector + (size_t)l * D), D * sizeof *vector);
	}
	while (out->n % ALIGNMENT)
		str_add_char(out, 0);
}

static bool write_safetensors(const char *path, const struct model *m, const float *vector, int from, int to, struct err *err)
{
	const size_t D = (size_t)m->config.D;
	struct tensor *t = xcalloc((size_t)(to - from + 1), sizeof *t);
	struct arena *arena = arena_new();
	bool ok;

	for (int l = from; l <= to; l++)
		t[l - from] =
			(struct tensor){ arena_printf(arena, "direction.%d", l),	  DTYPE_F32,	     1, { (int64_t)D },
					 (const unsigned char *)(vector + (size_t)l * D), D * sizeof *vector };
	ok = safetensors_write(path, NULL, 0, t, to - from + 1, err);
	arena_free(arena);
	free(t);
	return ok;
}

bool vector_write(const char *path, const struct model *m, const float *vector, int from, int to, struct err *err)
{
	struct str out;
	bool ok;

	if (ends_in(path, ".npy")) {
		if (from != to)
			return err_set(err, ERR_USAGE,
				       "%s: a .npy file has room for one layer; name it, or write .safetensors or .gguf", path);
		return vector_npy_write(path, vector + (size_t)from * (size_t)m->config.D, (size_t)m->config.D, err);
	}
	if (ends_in(path, ".gguf") && to < 1)
		return err_set(err, ERR_ARGUMENT, "%s: a control vector has nothing for layer 0; choose a later one", path);
	if (ends_in(path, ".safetensors"))
		return write_safetensors(path, m, vector, from, to, err);
	str_init(&out);
	if (ends_in(path, ".gguf"))
		make_control_vector(&out, m, vector, from < 1 ? 1 : from, to);
	ok = out.n ? file_write(path, out.s, out.n, err)
		   : err_set(err, ERR_USAGE, "%s: expected a name that ends in .npy, .safetensors or .gguf", path);
	str_done(&out);
	return ok;
}
