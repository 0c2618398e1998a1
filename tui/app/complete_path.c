/* complete_path.c - see complete_path.h. */
#include "tui/app/complete_path.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/str.h"

enum { MOST = 500 }; /* names of one folder that are looked at */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folder's names that begin so, sorted; heap. */
static int list_names(const char *folder, const char *start, char ***names)
{
	DIR *dir = opendir(folder);
	int n = 0;

	*names = NULL;
	for (struct dirent *entry; dir && n < MOST && (entry = readdir(dir));) {
		const char *name = entry->d_name;

		if (strncmp(name, start, strlen(start)) || (*name == '.' && *start != '.') || !strcmp(name, ".") ||
		    !strcmp(name, ".."))
			continue;
		*names = xrealloc(*names, (size_t)(n + 1) * sizeof **names);
		(*names)[n++] = xstrdup(name);
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(*names, (size_t)n, sizeof **names, by_name);
	return n;
}

/* Where the typed folder is: of "", here; of "~/…", in the user's home. */
static char *folder_of(const char *typed, size_t n)
{
	char *folder = n ? strndup(typed, n) : xstrdup("."), *path = folder ? file_at_home(folder) : NULL;

	free(folder);
	return path;
}

/* Whether it ends in one of them. */
static bool is_wanted(const char *name, const char *endings)
{
	for (const char *s = endings; s && *(s += strspn(s, " ")); s += strcspn(s, " ")) {
		size_t n = strcspn(s, " "), length = strlen(name);

		if (length >= n && !strncmp(name + length - n, s, n))
			return true;
	}
	return !endings;
}

void complete_path(const char *typed, const char *endings, struct list *list)
{
	const char *slash = strrchr(typed, '/');
	size_t before = slash ? (size_t)(slash + 1 - typed) : 0;
	char *folder = folder_of(typed, before), **names = NULL;
	int n = folder ? list_names(folder, typed + before, &names) : 0;

	for (int i = 0; i < n; i++) {
		char *path = file_join(folder, names[i]);
		bool is_folder = file_is_folder(path);
		struct str text;

		str_init(&text);
		str_add_n(&text, typed, before);
		str_addf(&text, "%s%s", names[i], is_folder ? "/" : "");
		if (is_folder || is_wanted(names[i], endings))
			list_add(list, text.s, is_folder ? "folder" : "");
		str_done(&text);
		free(path);
		free(names[i]);
	}
	free(names);
	free(folder);
}
