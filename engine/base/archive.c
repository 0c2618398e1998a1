/*
 * archive.c - see archive.h.
 *
 * libzip reads the directory, with its checks and the 64-bit forms. It hands out copies, and does not say where in the file a
 * member's bytes are; so it reads through a source of ours, which sees where it reads the first of them.
 */
#include "engine/base/archive.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "engine/base/arena.h"
#include "engine/base/names.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"

/* What libzip reads from. */
struct archive_source {
	const unsigned char *bytes; /* [n] */
	size_t n, at;
	size_t last; /* where the last read began */
	zip_error_t error;
};

struct archive {
	struct arena *arena; /* names */
	struct names names;
	struct archive_member *member; /* [names.n] */
};

struct opening {
	struct archive *a;
	const char *path;
	zip_t *zip;
	struct archive_source *source;
	struct err *err;
};

static zip_int64_t source_read(struct archive_source *s, void *data, zip_uint64_t n)
{
	size_t left = s->n - s->at, take = n < left ? (size_t)n : left;

	s->last = s->at;
	memcpy(data, s->bytes + s->at, take);
	s->at += take;
	return (zip_int64_t)take;
}

static zip_int64_t source_seek(struct archive_source *s, void *data, zip_uint64_t n)
{
	zip_int64_t to = zip_source_seek_compute_offset(s->at, s->n, data, n, &s->error);

	if (to < 0)
		return -1;
	s->at = (size_t)to;
	return 0;
}

static zip_int64_t source_stat(const struct archive_source *s, zip_stat_t *st)
{
	zip_stat_init(st);
	st->size = s->n;
	st->valid |= ZIP_STAT_SIZE;
	return sizeof *st;
}

static zip_int64_t serve(void *context, void *data, zip_uint64_t n, zip_source_cmd_t command)
{
	struct archive_source *s = context;

	switch (command) {
	case ZIP_SOURCE_OPEN:
		s->at = 0;
		return 0;
	case ZIP_SOURCE_READ:
		return source_read(s, data, n);
	case ZIP_SOURCE_SEEK:
		return source_seek(s, data, n);
	case ZIP_SOURCE_TELL:
		return (zip_int64_t)s->at;
	case ZIP_SOURCE_STAT:
		return source_stat(s, data);
	case ZIP_SOURCE_ERROR:
		return zip_error_to_data(&s->error, data, n);
	case ZIP_SOURCE_CLOSE:
	case ZIP_SOURCE_FREE:
		return 0;
	case ZIP_SOURCE_SUPPORTS:
		return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
						      ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, -1);
	default:
		zip_error_set(&s->error, ZIP_ER_OPNOTSUPP, 0);
		return -1;
	}
}

static bool refuse(const struct opening *o, const char *name, const char *what)
{
	struct str shown;

	str_init(&shown);
	utf8_safe(&shown, name, strnlen(name, 200), false);
	err_set(o->err, ERR_FILE, "%s: the zip member %s %s", o->path, shown.s, what);
	str_done(&shown);
	return false;
}

static bool leads_out(const char *name)
{
	size_t n = strlen(name);

	return !n || *name == '/' || strchr(name, '\\') || !strcmp(name, "..") || !strncmp(name, "../", 3) ||
	       strstr(name, "/../") || (n >= 3 && !strcmp(name + n - 3, "/.."));
}

/* Reads one byte, to see where from. */
static bool find_bytes(struct opening *o, zip_uint64_t i, struct archive_member *m)
{
	/* as it is in the file: no check sum over all of it */
	zip_file_t *file = zip_fopen_index(o->zip, i, ZIP_FL_COMPRESSED);
	char first;
	bool read = file && zip_fread(file, &first, 1) == 1;

	if (file)
		zip_fclose(file);
	if (!read || o->source->last > o->source->n || m->n > o->source->n - o->source->last)
		return refuse(o, m->name, "reaches past the end of the file, which may be cut short");
	m->bytes = o->source->bytes + o->source->last;
	return true;
}

static bool add_member(struct opening *o, zip_uint64_t i)
{
	const zip_uint64_t needed =
		ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
	struct archive *a = o->a;
	struct archive_member *m = &a->member[a->names.n];
	zip_stat_t st;

	if (zip_stat_index(o->zip, i, 0, &st) || (st.valid & needed) != needed)
		return err_set(o->err, ERR_FILE, "%s: member %llu of the zip file cannot be read", o->path,
			       (unsigned long long)i + 1);
	if (leads_out(st.name))
		return refuse(o, st.name, "has a name that leads out of a folder");
	if (st.encryption_method != ZIP_EM_NONE)
		return refuse(o, st.name, "is encrypted");
	if (st.comp_method != ZIP_CM_STORE)
		return refuse(o, st.name,
			      "is compressed; lmscope reads members that are stored as they are, as torch.save and "
			      "numpy.savez write them");
	if (st.size != st.comp_size || st.size > SIZE_MAX)
		return refuse(o, st.name, "is stored as it is, and yet has two sizes");
	m->name = arena_strdup(a->arena, st.name);
	m->n = (size_t)st.size;
	m->bytes = o->source->bytes;
	if (!names_add(&a->names, m->name, strlen(m->name)))
		return refuse(o, st.name, "is there twice");
	return !m->n || find_bytes(o, i, m);
}

static int by_place(const void *x, const void *y)
{
	const struct archive_member *const *a = x, *const *b = y;

	return ((*a)->bytes > (*b)->bytes) - ((*a)->bytes < (*b)->bytes);
}

static bool check_apart(const struct opening *o)
{
	struct archive *a = o->a;
	const struct archive_member **sorted = xmalloc((a->names.n + 1) * sizeof *sorted);
	size_t n = 0;
	bool ok = true;

	for (size_t i = 0; i < a->names.n; i++)
		if (a->member[i].n)
			sorted[n++] = &a->member[i];
	qsort(sorted, n, sizeof *sorted, by_place);
	for (size_t i = 1; ok && i < n; i++)
		ok = sorted[i - 1]->n <= (size_t)(sorted[i]->bytes - sorted[i - 1]->bytes) ||
		     refuse(o, sorted[i]->name, "overlaps another one");
	free(sorted);
	return ok;
}

static bool read_members(struct opening *o)
{
	zip_int64_t n = zip_get_num_entries(o->zip, 0);
	bool ok = true;

	o->a->member = xcalloc((size_t)n + 1, sizeof *o->a->member);
	for (zip_int64_t i = 0; ok && i < n; i++)
		ok = add_member(o, (zip_uint64_t)i);
	return ok && check_apart(o);
}

/* libzip's own words for it are short, and fit into the sentence. */
static bool read_directory(struct opening *o)
{
	zip_source_t *source;
	zip_error_t error;
	bool ok;

	zip_error_init(&error);
	zip_error_init(&o->source->error);
	source = zip_source_function_create(serve, o->source, &error);
	o->zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
	if (o->zip) {
		ok = read_members(o);
		zip_discard(o->zip); /* frees the source, too */
	} else {
		ok = zip_error_code_zip(&error) == ZIP_ER_EXISTS
			     ? err_set(o->err, ERR_FILE, "%s: two members of the zip file have the same name", o->path)
			     : err_set(o->err, ERR_FILE, "%s: the zip file is broken or cut short (%s)", o->path,
				       zip_error_strerror(&error));
		zip_source_free(source);
	}
	zip_error_fini(&o->source->error);
	zip_error_fini(&error);
	return ok;
}

struct archive *archive_open(const char *path, const struct mapping *map, struct err *err)
{
	struct archive_source source = { .bytes = map->bytes, .n = map->size };
	struct archive *a = xcalloc(1, sizeof *a);
	struct opening o = { .a = a, .path = path, .source = &source, .err = err };

	a->arena = arena_new();
	if (map->size < 4 || memcmp(map->bytes, "PK", 2))
		err_set(err, ERR_FILE, "%s: this is not a zip file", path);
	else if (read_directory(&o))
		return a;
	archive_close(a);
	return NULL;
}

void archive_close(struct archive *a)
{
	if (!a)
		return;
	names_done(&a->names);
	free(a->member);
	arena_free(a->arena);
	free(a);
}

size_t archive_members(const struct archive *a)
{
	return a->names.n;
}

const struct archive_member *archive_member(const struct archive *a, size_t i)
{
	return &a->member[i];
}

const struct archive_member *archive_find(const struct archive *a, const char *name)
{
	int64_t i = names_find(&a->names, name, strlen(name));

	return i < 0 ? NULL : &a->member[i];
}
