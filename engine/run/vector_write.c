/* vector_write.c - see vector_file.h: vectors written as .npy, safetensors, or a control vector. */
#include "engine/run/vector_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/base/text.h"
#include "engine/model/files/safetensors_write.h"

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

	if (text_ends(path, ".npy")) {
		if (from != to)
			return err_set(err, ERR_USAGE,
				       "%s: a .npy file has room for one layer; name it, or write .safetensors or .gguf", path);
		return vector_npy_write(path, vector + (size_t)from * (size_t)m->config.D, (size_t)m->config.D, err);
	}
	if (text_ends(path, ".gguf") && to < 1)
		return err_set(err, ERR_ARGUMENT, "%s: a control vector has nothing for layer 0; choose a later one", path);
	if (text_ends(path, ".safetensors"))
		return write_safetensors(path, m, vector, from, to, err);
	str_init(&out);
	if (text_ends(path, ".gguf"))
		make_control_vector(&out, m, vector, from < 1 ? 1 : from, to);
	ok = out.n ? file_write(path, out.s, out.n, err)
		   : err_set(err, ERR_USAGE, "%s: expected a name that ends in .npy, .safetensors or .gguf", path);
	str_done(&out);
	return ok;
}
