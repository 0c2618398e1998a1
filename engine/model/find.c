/* find.c - see find.h. */
#include "engine/model/find.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/paths.h"

char *find_model(const char *where, struct err *err)
{
	char *path;

	if (where && file_exists(where))
		return xstrdup(where);
	if (where && strcmp(where, "demo")) {
		err_set(err, ERR_FILE, "%s: there is no such folder or file", where);
		return NULL;
	}
	path = paths_data("models/demo");
	if (!path)
		err_set(err, ERR_FILE, "the demo model was not found beside the program; name a model folder or a .gguf file");
	return path;
}

char *find_name(const char *where, const char *path)
{
	size_t n = strlen(path), from;
	char *name;

	if (!where || !strcmp(where, "demo"))
		return xstrdup("demo");
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
