/* asset.c - see asset.h. */
#include "engine/run/asset.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/intern.h"
#include "engine/base/paths.h"
#include "engine/base/str.h"

enum { OPEN_MOST = 8 };

/* ---- which file is meant ---- */

/* The first n bytes of a name as a file that is there. */
static bool find_prefix(const char *written, size_t n, const char *named_in, struct asset_file *file)
{
	char *name = strndup(written, n), *path = name ? paths_find(name, named_in) : NULL;

	if (path) {
		file->path = intern(path);
		file->part = written[n] ? intern(written + n + 1) : NULL;
		file->version = file_version(path);
	}
	free(name);
	free(path);
	return path != NULL;
}

bool asset_find(const char *written, const char *named_in, struct asset_file *file)
{
	*file = (struct asset_file){ intern(written), NULL, 0 };
	if (find_prefix(written, strlen(written), named_in, file)) /* colons may be the file's own */
		return true;
	for (const char *colon = strchr(written, ':'); colon; colon = strchr(colon + 1, ':'))
		if (find_prefix(written, (size_t)(colon - written), named_in, file))
			return true;
	return false;
}

const char *asset_path(const char *written, const char *named_in, uint64_t *version)
{
	struct asset_file file;
	struct str whole;
	const char *path;

	if (!asset_find(written, named_in, &file))
		return NULL;
	if (version)
		*version = file.version;
	str_init(&whole);
	str_addf(&whole, "%s%s%s", file.path, file.part ? ":" : "", file.part ? file.part : "");
	path = intern(whole.s);
	str_done(&whole);
	return path;
}

/* ---- files that are open ---- */

struct assets {
	struct asset *open[OPEN_MOST]; /* the latest first; NULL: a free place */
	int refs;
};

struct assets *assets_new(void)
{
	struct assets *s = xcalloc(1, sizeof *s);

	s->refs = 1;
	return s;
}

struct assets *assets_ref(struct assets *s)
{
	s->refs++;
	return s;
}

void assets_unref(struct assets *s)
{
	if (!s || --s->refs)
		return;
	for (int i = 0; i < OPEN_MOST; i++)
		asset_unref(s->open[i]);
	free(s);
}

void asset_unref(struct asset *a)
{
	if (!a || --a->refs)
		return;
	a->kind->free(a->content);
	free(a->path);
	free(a);
}

static struct asset *open_file(const struct asset_kind *kind, const struct asset_file *file, struct err *err)
{
	void *content = kind->open(file->path, err);
	struct asset *a = content ? xcalloc(1, sizeof *a) : NULL;

	if (a)
		*a = (struct asset){ kind, xstrdup(file->path), file->version, content, 1 };
	return a;
}

/* Puts it first; the last one goes, or an older version of it. */
static void put_first(struct assets *s, struct asset *a)
{
	int at = 0;

	while (at < OPEN_MOST - 1 && s->open[at] && s->open[at] != a &&
	       (s->open[at]->kind != a->kind || strcmp(s->open[at]->path, a->path)))
		at++;
	if (s->open[at] != a)
		asset_unref(s->open[at]);
	memmove(s->open + 1, s->open, (size_t)at * sizeof *s->open);
	s->open[0] = a;
}

/* The file among those that are open, or opened now. With a place among them, whoever asked counts it too. */
static struct asset *get(struct assets *s, const struct asset_kind *kind, const struct asset_file *file, struct err *err)
{
	struct asset *a = NULL;

	for (int i = 0; s && i < OPEN_MOST; i++)
		if (s->open[i] && s->open[i]->kind == kind && s->open[i]->version == file->version &&
		    !strcmp(s->open[i]->path, file->path))
			a = s->open[i];
	if (!a && !(a = open_file(kind, file, err)))
		return NULL;
	if (s) {
		put_first(s, a);
		a->refs++;
	}
	return a;
}

struct asset *assets_open(struct assets *s, const struct asset_kind *kind, const struct asset_file *file, const struct model *m,
			  struct notes *notes, struct err *err)
{
	struct asset *a = get(s, kind, file, err);

	if (!a || !m || !kind->fits || kind->fits(a->content, m, a->path, notes, err))
		return a;
	asset_unref(a);
	return NULL;
}
