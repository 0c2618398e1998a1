/* vector_file.c - see vector_file.h: the forms that vectors are read from, and files of them as an asset. */
#include "engine/run/vector_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/base/text.h"
#include "engine/model/files/gguf.h"
#include "engine/model/files/weights.h"

static float *expand(const char *path, const struct tensor *t, struct arena *arena, size_t *rows, size_t *cols, struct err *err)
{
	float *out;

	*rows = tensor_rows(t);
	*cols = *rows ? tensor_count(t) / *rows : 0;
	if (!*cols) {
		err_set(err, ERR_FILE, "%s: tensor %s is empty", path, t->name);
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

bool vector_choose(const struct vector_place *at, const struct vector_names *names, size_t *chosen, struct err *err)
{
	struct str list;
	char own[32];

	snprintf(own, sizeof own, "direction.%d", at->layer);
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name(names->file, i), at->name ? at->name : own)) {
			*chosen = i;
			return true;
		}
	*chosen = 0;
	if (!at->name && names->n == 1)
		return true;
	str_init(&list);
	list_names(names, &list);
	err_set(err, ERR_FILE, "%s: there is no tensor %s; it has %s", at->path, at->name ? at->name : own, list.s);
	str_done(&list);
	return false;
}

/* ---- safetensors ---- */

static void *open_safetensors(const char *path, struct err *err)
{
	return weights_open(path, err);
}

static void close_safetensors(void *file)
{
	weights_free(file);
}

static const char *safetensors_name(const void *file, size_t i)
{
	return weights_tensor(file, i)->name;
}

static float *read_safetensors(const void *file, const struct vector_place *at, struct arena *arena, size_t *rows, size_t *cols,
			       struct err *err)
{
	const struct vector_names names = { file, weights_tensors(file), safetensors_name };
	size_t i;

	return vector_choose(at, &names, &i, err) ? expand(at->path, weights_tensor(file, i), arena, rows, cols, err) : NULL;
}

/* ---- control vectors ---- */

static void close_control_vector(void *file)
{
	gguf_free(file);
}

static void *open_control_vector(const char *path, struct err *err)
{
	struct gguf *g = gguf_open(path, err);
	const char *architecture = "";
	size_t length = 0;

	if (!g)
		return NULL;
	gguf_string(g, "general.architecture", &architecture, &length);
	if (length == strlen("controlvector") && !memcmp(architecture, "controlvector", length))
		return g;
	err_set(err, ERR_FILE, "%s: this is not a control vector (general.architecture is \"%.*s\")", path,
		length > 60 ? 60 : (int)length, architecture);
	gguf_free(g);
	return NULL;
}

static float *read_control_vector(const void *file, const struct vector_place *at, struct arena *arena, size_t *rows, size_t *cols,
				  struct err *err)
{
	const struct tensor *t;
	char name[32];

	snprintf(name, sizeof name, "direction.%d", at->layer);
	if ((t = gguf_find(file, name)))
		return expand(at->path, t, arena, rows, cols, err);
	err_set(err, ERR_FILE, "%s: this control vector has no %s", at->path, name);
	return NULL;
}

/* ---- which of them a file is ---- */

static const struct vector_ending {
	const char *ending;
	const struct vector_form *how;
} forms[] = {
	{ ".safetensors", &(const struct vector_form){ true, open_safetensors, close_safetensors, read_safetensors } },
	{ ".npz", &vector_npz },
	{ ".pt", &vector_torch },
	{ ".pth", &vector_torch },
	{ ".bin", &vector_torch },
	{ ".gguf", &(const struct vector_form){ false, open_control_vector, close_control_vector, read_control_vector } },
	{ ".npy", &vector_npy },
};

/* By the end of its name; any other end is taken for .npy. */
static const struct vector_form *form_of(const char *path)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (text_ends(path, forms[i].ending))
			return forms[i].how;
	return &vector_npy;
}

struct vectors {
	const struct vector_form *form;
	void *file;
};

void *vectors_open(const char *path, struct err *err)
{
	const struct vector_form *form = form_of(path);
	void *file = form->open(path, err);
	struct vectors *v = file ? xcalloc(1, sizeof *v) : NULL;

	if (v)
		*v = (struct vectors){ form, file };
	return v;
}

void vectors_free(void *content)
{
	struct vectors *v = content;

	v->form->close(v->file);
	free(v);
}

float *vector_rows_read(struct assets *assets, const struct asset_kind *kind, const char *written, int layer, struct arena *arena,
			size_t *rows, size_t *cols, struct err *err)
{
	struct asset_file file;
	struct asset *a;
	const struct vectors *v;
	float *out = NULL;

	asset_find(written, NULL, &file);
	if (!(a = assets_open(assets, kind, &file, NULL, NULL, err)))
		return NULL;
	v = a->content;
	if (!file.part || v->form->has_names)
		out = v->form->read(v->file, &(struct vector_place){ a->path, file.part, layer }, arena, rows, cols, err);
	else
		err_set(err, ERR_FILE, "%s: this kind of file has no names in it, and :%s asks for one", a->path, file.part);
	asset_unref(a);
	return out;
}

float *vector_read(struct assets *assets, const char *written, int layer, struct arena *arena, size_t *n, struct err *err)
{
	size_t rows;
	float *out = vector_rows_read(assets, &asset_vectors, written, layer, arena, &rows, n, err);

	if (!out || rows == 1)
		return out;
	err_set(err, ERR_FILE, "%s: expected one vector; it has %zu rows", written, rows);
	return NULL;
}

/* clang-format off */
const struct asset_kind asset_vectors = {
	.name = "vectors",
	.help = "vectors of the stream or of a head: rows of numbers, a tensor after a colon, or a control vector",
	.endings = VECTOR_ENDINGS,
	.open = vectors_open,
	.free = vectors_free,
};
/* clang-format on */
