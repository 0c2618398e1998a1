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

struct npz {
	struct mapping map;
	struct archive *archive;
};

static void close_npz(void *file)
{
	struct npz *z = file;

	archive_close(z->archive);
	file_unmap(&z->map);
	free(z);
}

static void *open_npz(const char *path, struct err *err)
{
	struct npz *z = xcalloc(1, sizeof *z);

	if (file_map(path, &z->map, err) && (z->archive = archive_open(path, &z->map, err)))
		return z;
	close_npz(z);
	return NULL;
}

static float *read_npz(const void *file, const struct vector_place *at, struct arena *arena, size_t *rows, size_t *cols,
		       struct err *err)
{
	const struct archive *a = ((const struct npz *)file)->archive;
	const struct vector_names names = { npz_names(a, arena), archive_members(a), npz_name };
	const struct archive_member *m;
	size_t i;

	if (!vector_choose(at, &names, &i, err))
		return NULL;
	m = archive_member(a, i);
	return vector_npy_parse(arena_printf(arena, "%s:%s", at->path, names.name(names.file, i)), (const char *)m->bytes, m->n,
				arena, rows, cols, err);
}

const struct vector_form vector_npz = { true, open_npz, close_npz, read_npz };

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

static void *open_torch(const char *path, struct err *err)
{
	return torch_zip_open(path, err);
}

static void close_torch(void *file)
{
	torch_zip_free(file);
}

static float *read_torch(const void *file, const struct vector_place *at, struct arena *arena, size_t *rows, size_t *cols,
			 struct err *err)
{
	const struct vector_names names = { file, torch_zip_tensors(file), torch_name };
	size_t i;

	return vector_choose(at, &names, &i, err) ? expand(at->path, torch_zip_tensor(file, i), arena, rows, cols, err) : NULL;
}

const struct vector_form vector_torch = { true, open_torch, close_torch, read_torch };
