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

/* A name as people shorten it: without the organisation, without the tag "latest". */
static bool named(const char *full, const char *typed)
{
	const char *last = strrchr(full, '/');
	size_t n = strlen(typed);

	if (!strcmp(full, typed) || (last && !strcmp(last + 1, typed)))
		return true;
	return !strncmp(full, typed, n) && !strcmp(full + n, ":latest");
}

/* The one model of the caches with that name. An exact name wins over shortened ones. */
static char *find_cached(const char *where, struct err *err)
{
	struct cached *list;
	int n = caches_list(&list), hits = 0, hit = -1;
	struct str names;
	char *path = NULL;

	str_init(&names);
	for (int i = 0; i < n; i++)
		if (!strcmp(list[i].name, where) && !path)
			path = xstrdup(list[i].path);
	for (int i = 0; !path && i < n; i++)
		if (named(list[i].name, where)) {
			str_addf(&names, "%s%s", hits++ ? ", " : "", list[i].name);
			hit = i;
		}
	if (!path && hits == 1)
		path = xstrdup(list[hit].path);
	else if (!path && hits)
		err_set(err, ERR_FILE, "%s: several models are called that: %s", where, names.s);
	else if (!path)
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
