/* vector_zip.c - see vector_file.h: NumPy's .npz, a zip file of .npy files, and what torch.save writes. */
#include "engine/run/vector_file.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/archive.h"
#include "engine/base/file.h"
#include "engine/model/files/torch_zip.h"

/* ---- .npz ---- */

/* Members without the ".npy" that savez adds, as numpy.load names them. */
static const char *npz_name(const void *names, size_t i)
{
	return ((const char *const *)names)[i];
}

static const char **npz_names(const struct archive *a, struct arena *arena)
{
	const char **names = arena_alloc(arena, (archive_members(a) + 1) * sizeof *names);

	for (size_t i = 0; i < archive_members(a); i++) {
		const char *name = archive_member(a, i)->name;
		size_t n = strlen(name);

		names[i] = n > 4 && !strcmp(name + n - 4, ".npy") ? arena_strndup(arena, name, n - 4) : name;
	}
	return names;
}

static float *read_member(const char *path, const struct archive *a, const char *name, int layer, struct arena *arena, size_t *rows,
			  size_t *cols, struct err *err)
{
	const struct vector_names names = { npz_names(a, arena), archive_members(a), npz_name };
	const struct archive_member *m;
	size_t i;

	if (!vector_choose(path, &names, name, layer, &i, err))
		return NULL;
	m = archive_member(a, i);
	return vector_npy_parse(arena_printf(arena, "%s:%s", path, names.name(names.file, i)), (const char *)m->bytes, m->n, arena,
				rows, cols, err);
}

float *vector_npz_read(const char *path, const char *name, int layer, struct arena *arena, size_t *rows, size_t *cols,
		       struct err *err)
{
	struct mapping map = { 0 };
	struct archive *a = file_map(path, &map, err) ? archive_open(path, &map, err) : NULL;
	float *out = a ? read_member(path, a, name, layer, arena, rows, cols, err) : NULL;

	archive_close(a);
	file_unmap(&map);
	return out;
}

/* ---- torch.save ---- */

static const char *torch_name(const void *file, size_t i)
{
	return torch_zip_tensor(file, i)->name;
}

static float *expand(const char *path, const struct torch_tensor *t, struct arena *arena, size_t *rows, size_t *cols,
		     struct err *err)
{
	float *out;

	if (!t->count) {
		err_set(err, ERR_FILE, "%s: tensor %s is empty", path, t->name);
		return NULL;
	}
	*cols = t->dims ? (size_t)t->shape[t->dims - 1] : 1;
	*rows = t->count / *cols;
	out = arena_floats(arena, t->count, err);
	if (out)
		torch_tensor_expand(t, out);
	return out;
}

float *vector_torch_read(const char *path, const char *name, int layer, struct arena *arena, size_t *rows, size_t *cols,
			 struct err *err)
{
	struct torch_zip *z = torch_zip_open(path, err);
	float *out = NULL;
	size_t i;

	if (!z)
		return NULL;
	if (vector_choose(path, &(struct vector_names){ z, torch_zip_tensors(z), torch_name }, name, layer, &i, err))
		out = expand(path, torch_zip_tensor(z, i), arena, rows, cols, err);
	torch_zip_free(z);
	return out;
}
