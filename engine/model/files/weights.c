/* weights.c - see weights.h: folders, indexes, and what holds for all files together. */
#include "engine/model/files/weights.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/names.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/model/files/weights_inside.h"

enum { INDEX_LIMIT = 64 << 20 }; /* bytes of an index.json */

struct weights_note {
	const char *key, *value;
	struct weights_note *next;
};

struct weights {
	struct weights_shard *shard;
	size_t shards;
	const struct json_value *map; /* while an index is read: {tensor: file} */
	struct arena *arena;	      /* tensor names, notes, what had to be copied */
	struct names names;
	struct tensor *tensor; /* [names.n] */
	size_t capacity;
	struct weights_note *notes;
};

/* A tensor that is in several shards is read from the one that the index names: an overlay leaves the older copy where it is. */
static bool settle_copies(struct weights *w, const struct weights_shard *shard, const struct tensor *t, struct err *err)
{
	const char *file = json_text(json_get(w->map, t->name));
	struct str shown;

	if (file && shard->file) {
		struct tensor *there = &w->tensor[names_find(&w->names, t->name, strlen(t->name))];
		const char *name = there->name;

		if (!strcmp(file, shard->file)) {
			*there = *t;
			there->name = name;
		}
		return true;
	}
	str_init(&shown);
	utf8_safe(&shown, t->name, strnlen(t->name, 200), false);
	err_set(err, ERR_FILE, "%s: tensor %s is there twice", shard->path, shown.s);
	str_done(&shown);
	return false;
}

bool weights_list(struct weights *w, const struct weights_shard *shard, const struct tensor *t, struct err *err)
{
	const char *name = arena_strdup(w->arena, t->name);

	if (w->names.n == w->capacity) {
		w->capacity = w->capacity ? 2 * w->capacity : 64;
		w->tensor = xrealloc(w->tensor, w->capacity * sizeof *w->tensor);
	}
	if (!names_add(&w->names, name, strlen(name)))
		return settle_copies(w, shard, t, err);
	w->tensor[w->names.n - 1] = *t;
	w->tensor[w->names.n - 1].name = name;
	return true;
}

void weights_note(struct weights *w, const char *key, const char *value)
{
	struct weights_note *n = arena_alloc(w->arena, sizeof *n);

	*n = (struct weights_note){ arena_strdup(w->arena, key), arena_strdup(w->arena, value), w->notes };
	w->notes = n;
}

const char *weights_metadata(const struct weights *w, const char *key)
{
	for (const struct weights_note *n = w->notes; n; n = n->next)
		if (!strcmp(n->key, key))
			return n->value;
	return NULL;
}

/* ---- files ---- */

/*
 * What torch.save writes is a zip file; what it wrote earlier, which torch_zip_open() names in its sentence, a pickle or a tar
 * file.
 */
static bool is_torch(const struct mapping *map)
{
	enum { TAR_MAGIC_AT = 257 };

	return (map->size >= 4 && !memcmp(map->bytes, "PK\3\4", 4)) ||
	       (map->size >= 4 && !memcmp(map->bytes, "\x80\x02\x8a\x0a", 4)) ||
	       (map->size >= TAR_MAGIC_AT + 5 && !memcmp(map->bytes + TAR_MAGIC_AT, "ustar", 5));
}

/* `file`: its name in the index, or NULL. */
static bool open_shard(struct weights *w, const char *path, const char *file, struct err *err)
{
	struct weights_shard *shard;

	w->shard = xrealloc(w->shard, (w->shards + 1) * sizeof *w->shard);
	shard = &w->shard[w->shards++];
	*shard = (struct weights_shard){ .path = xstrdup(path), .file = file };
	if (!file_map(path, &shard->map, err))
		return false;
	if (!is_torch(&shard->map))
		return safetensors_read(w, shard, err);
	return (shard->torch = torch_zip_open(path, err)) && torch_weights_read(w, shard, w->arena, err);
}

/* What index.json says: which files there are. Their names came out of a file: they may not leave the folder. */
struct index {
	struct weights *w;
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
		ok = err_set(index->err, ERR_FILE,
			     "%s is a link to a file that is not there: its download did not end, or was cleaned away", file);
	else
		ok = path && open_shard(index->w, path, file, index->err);
	free(path);
	return ok || err_in(index->err, "%s", index->path);
}

static bool open_index(struct weights *w, const char *folder, const char *path, struct err *err)
{
	struct index index = { .w = w, .folder = folder, .path = path, .err = err };
	struct json *doc = json_open(path, INDEX_LIMIT, err);
	const struct json_value *map = json_get(json_root(doc), "weight_map");
	bool ok;

	if (!doc)
		return false;
	if (!json_is(map, JSON_OBJECT) || !json_count(map))
		ok = err_set(err, ERR_FILE, "%s: has no weight_map {tensor: file}", path);
	else
		ok = json_each(w->map = map, open_listed, &index);
	w->map = NULL;
	names_done(&index.files);
	json_free(doc);
	return ok;
}

static bool open_single(struct weights *w, const char *folder, const char *path, struct err *err)
{
	(void)folder;
	return open_shard(w, path, NULL, err);
}

/* The names of weights in a folder, the first that is there counts: one file, or an index of many. */
static const struct {
	const char *name;
	bool (*open)(struct weights *w, const char *folder, const char *path, struct err *err);
} known[] = {
	{ "model.safetensors", open_single },
	{ "model.safetensors.index.json", open_index },
	{ "pytorch_model.bin", open_single },
	{ "pytorch_model.bin.index.json", open_index },
};

static bool open_folder(struct weights *w, const char *folder, struct err *err)
{
	bool found = false, ok = false;

	for (size_t i = 0; i < sizeof known / sizeof *known && !found; i++) {
		char *path = file_join(folder, known[i].name);

		if ((found = file_is_broken_link(path)))
			err_set(err, ERR_FILE,
				"%s: the weights are a link to a file that is not there: their download did not "
				"end, or was cleaned away",
				folder);
		else if ((found = file_exists(path)))
			ok = known[i].open(w, folder, path, err);
		free(path);
	}
	return found ? ok
		     : err_set(err, ERR_FILE,
			       "%s: there is neither model.safetensors nor pytorch_model.bin, whole or in shards: the weights "
			       "are missing, or their download did not end",
			       folder);
}

/* Bytes as floats are read as they are. Where a file has scales to multiply them by, their values alone would be wrong ones. */
static bool check_scales(const struct weights *w, const char *path, struct err *err)
{
	static const char *const ends[] = { "weight_scale_inv", "weight_scale", "scale_weight", "scale" };
	bool ok = true;

	for (size_t i = 0; ok && i < w->names.n; i++) {
		const struct tensor *t = &w->tensor[i];
		const char *dot = strrchr(t->name, '.');
		size_t stem = dot ? (size_t)(dot + 1 - t->name) : 0;
		struct str name;

		str_init(&name);
		for (size_t k = 0; ok && k < sizeof ends / sizeof *ends && (t->type == DTYPE_F8_E4M3 || t->type == DTYPE_F8_E5M2);
		     k++) {
			str_clear(&name);
			str_addf(&name, "%.*s%s", (int)stem, t->name, ends[k]);
			ok = !weights_find(w, name.s) ||
			     err_set(err, ERR_FILE,
				     "%s: tensor %s is %s with a scale (%s), which is not supported; lmscope "
				     "reads such bytes where they are the weights themselves",
				     path, t->name, dtype_table[t->type].name, name.s);
		}
		str_done(&name);
	}
	return ok;
}

static bool check_whole(const struct weights *w, const char *path, struct err *err)
{
	const struct tensor *a, *b;

	if (!w->names.n)
		return err_set(err, ERR_FILE, "%s: there are no tensors of a float type in it", path);
	/* torch.save writes what two names share once. */
	if (!w->shard[0].torch && !tensors_apart(w->tensor, w->names.n, &a, &b))
		return err_set(err, ERR_FILE, "%s: the tensors %s and %s overlap", path, a->name, b->name);
	return check_scales(w, path, err);
}

struct weights *weights_open(const char *path, struct err *err)
{
	struct weights *w = xcalloc(1, sizeof *w);

	w->arena = arena_new();
	if ((file_is_folder(path) ? open_folder(w, path, err) : open_shard(w, path, NULL, err)) && check_whole(w, path, err))
		return w;
	weights_free(w);
	return NULL;
}

void weights_free(struct weights *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->shards; i++) {
		torch_zip_free(w->shard[i].torch);
		file_unmap(&w->shard[i].map);
		free(w->shard[i].path);
	}
	free(w->shard);
	names_done(&w->names);
	free(w->tensor);
	arena_free(w->arena);
	free(w);
}

size_t weights_file_bytes(const struct weights *w)
{
	size_t bytes = 0;

	for (size_t i = 0; i < w->shards; i++)
		bytes += w->shard[i].map.size;
	return bytes;
}

size_t weights_tensors(const struct weights *w)
{
	return w->names.n;
}

const struct tensor *weights_tensor(const struct weights *w, size_t i)
{
	return &w->tensor[i];
}

const struct tensor *weights_find(const struct weights *w, const char *name)
{
	int64_t i = names_find(&w->names, name, strlen(name));

	return i < 0 ? NULL : &w->tensor[i];
}
