/* find.c - see find.h. */
#include "engine/model/find.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "engine/base/str.h"
#include "engine/model/caches.h"

/* A name as people shorten it: some whole parts of it, such as the last, and without the tag "latest". */
static bool named(const char *full, const char *typed)
{
	size_t n = strlen(typed);

	for (const char *at = full; n && at; at = strchr(at, '/')) {
		at += *at == '/';
		if (!strncmp(at, typed, n) && (!at[n] || at[n] == '/' || !strcmp(at + n, ":latest")))
			return true;
	}
	return false;
}

static bool equal(const char *full, const char *typed)
{
	return !strcmp(full, typed);
}

/* Of several, as many as a sentence has room for; where their names are the same, only their paths tell them apart. */
static void list_hit(struct str *out, const struct cached *c, bool exact, int before)
{
	enum { SHOWN = 5 };

	if (before < SHOWN)
		str_addf(out, "%s%s", before ? ", " : "", exact ? c->path : c->name);
	else if (before == SHOWN)
		str_add(out, " …");
}

/* The one model of the caches with that name. An exact name wins over shortened ones. */
static char *find_cached(const char *where, struct err *err)
{
	static bool (*const fits[])(const char *full, const char *typed) = { equal, named };
	struct cached *list;
	int n = caches_list(&list), hits = 0, hit = -1;
	struct str names;
	char *path = NULL;

	str_init(&names);
	for (size_t way = 0; way < 2 && !hits; way++)
		for (int i = 0; i < n; i++)
			if (fits[way](list[i].name, where)) {
				list_hit(&names, &list[i], fits[way] == equal, hits++);
				hit = i;
			}
	if (hits == 1)
		path = xstrdup(list[hit].path);
	else if (hits)
		err_set(err, ERR_FILE, "%s: %d models are called that: %s", where, hits, names.s);
	else
		err_set(err, ERR_FILE, "%s: there is no such folder or file, and no model of that name in the caches of Hugging Face, llama.cpp, "
			"Ollama, LM Studio or lmscope", where);
	str_done(&names);
	caches_free(list, n);
	return path;
}

char *find_model(const char *where, struct err *err)
{
	char *path;

	if (where && file_exists(where))
		return xstrdup(where);
	if (where && *where == '/') {	/* a path, and no name */
		err_set(err, ERR_FILE, "%s: there is no such folder or file", where);
		return NULL;
	}
	if (where && strcmp(where, "demo"))
		return find_cached(where, err);
	path = paths_data("models/demo");
	if (!path)
		err_set(err, ERR_FILE, "the demo model was not found beside the program; name a model folder or a .gguf file");
	return path;
}

/* The last part of a path without trailing slashes, without ".gguf"; heap. */
static char *last_part(const char *path)
{
	size_t n = strlen(path), from;
	char *name;

	while (n > 1 && path[n - 1] == '/')
		n--;
	from = n;
	while (from > 0 && path[from - 1] != '/')
		from--;
	if (n - from > 5 && !memcmp(path + n - 5, ".gguf", 5))
		n -= 5;
	name = xcalloc(n - from + 1, 1);
	memcpy(name, path + from, n - from);
	return name;
}

char *find_name(const char *where, const char *path)
{
	if (!where || !strcmp(where, "demo"))
		return xstrdup("demo");
	return last_part(file_exists(where) ? path : where);
}
