/* asset.c - see asset.h. */
#include "engine/run/asset.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"

enum { OPEN_MOST = 8 };

struct assets {
	struct asset *open[OPEN_MOST]; /* the latest first; NULL: a free place */
};

struct assets *assets_new(void)
{
	return xcalloc(1, sizeof(struct assets));
}

void assets_free(struct assets *s)
{
	for (int i = 0; s && i < OPEN_MOST; i++)
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

static struct asset *open_file(const struct asset_kind *kind, const char *path, uint64_t version, struct err *err)
{
	void *content = kind->open(path, err);
	struct asset *a = content ? xcalloc(1, sizeof *a) : NULL;

	if (a)
		*a = (struct asset){ kind, xstrdup(path), version, content, 1 };
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

struct asset *assets_open(struct assets *s, const struct asset_kind *kind, const char *path, const struct model *m,
			  struct notes *notes, struct err *err)
{
	const uint64_t version = file_version(path);
	struct asset *a = NULL;

	for (int i = 0; i < OPEN_MOST; i++)
		if (s->open[i] && s->open[i]->kind == kind && s->open[i]->version == version && !strcmp(s->open[i]->path, path))
			a = s->open[i];
	if (!a && !(a = open_file(kind, path, version, err)))
		return NULL;
	put_first(s, a);
	if (!kind->fits(a->content, m, path, notes, err))
		return NULL;
	a->refs++;
	return a;
}
