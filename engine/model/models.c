/* models.c - see models.h. */
#include "engine/model/models.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/model/files/caches.h"
#include "engine/model/model.h"

int models_list(struct model_entry **list)
{
	struct cached *cached;
	int n = caches_list(&cached);

	*list = xcalloc((size_t)n + 1, sizeof **list);
	(*list)[0] = (struct model_entry){ .name = xstrdup("demo"), .path = xstrdup("demo"), .place = "lmscope" };
	for (int i = 0; i < n; i++)
		(*list)[i + 1] = (struct model_entry){ .name = xstrdup(cached[i].name),
						       .path = xstrdup(cached[i].path),
						       .place = cached[i].place };
	caches_free(cached, n);
	return n + 1;
}

static int find_path(const struct model_entry *list, int n, const char *path)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(list[i].path, path))
			return i;
	return -1;
}

void models_recent(struct model_entry **list, int *n, char *const *path, int paths)
{
	for (int i = 0; i < paths; i++) {
		int at = find_path(*list, *n, path[i]);
		struct model_entry e = { 0 };

		if (at < 0 && !file_exists(path[i]))
			continue;
		if (at < 0) {
			*list = xrealloc(*list, ((size_t)*n + 1) * sizeof **list);
			e = (struct model_entry){ .name = xstrdup(path[i]), .path = xstrdup(path[i]), .place = "a file" };
			at = (*n)++;
		} else {
			e = (*list)[at];
		}
		e.recent = true;
		memmove(*list + 1, *list, (size_t)at * sizeof **list);
		(*list)[0] = e;
	}
}

const char *models_why(const char *sentence, const char *path)
{
	size_t n = strlen(path);

	if (strncmp(sentence, path, n) || (sentence[n] != '/' && strncmp(sentence + n, ": ", 2)))
		return sentence;
	return sentence + n + (sentence[n] == '/' ? 1 : 2);
}

void models_look(struct model_entry *e)
{
	struct model_facts f;
	struct err err = { 0 };
	struct str about;

	str_init(&about);
	e->opens = model_glance(e->path, &f, &err);
	if (e->opens)
		str_addf(&about, f.parameters >= 1000000000 ? "%s · %.1fB · %.0f MB · %s" : "%s · %.1fM · %.0f MB · %s", f.family,
			 (double)f.parameters / (f.parameters >= 1000000000 ? 1e9 : 1e6), (double)f.file_bytes / 1e6, f.dtypes);
	else
		str_add(&about, models_why(err.text, e->path));
	free(e->about);
	e->about = str_take(&about);
}

void models_free(struct model_entry *list, int n)
{
	for (int i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].path);
		free(list[i].about);
	}
	free(list);
}
