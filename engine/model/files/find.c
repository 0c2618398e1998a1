/* find.c - see find.h. */
#include "engine/model/files/find.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "engine/base/str.h"
#include "engine/model/files/caches.h"

/* ---- names, from the strictest way to take them to the loosest ---- */

typedef bool compare(const char *full, const char *typed, size_t n);

static bool begins(const char *full, const char *typed, size_t n)
{
	return !strncmp(full, typed, n);
}

static bool begins_in_any_case(const char *full, const char *typed, size_t n)
{
	return !strncasecmp(full, typed, n);
}

/* Is `typed` some whole parts of `full`, such as the last? The tag "latest" and a revision may be left out. */
static bool has_parts(const char *full, const char *typed, compare *same)
{
	size_t n = strlen(typed);

	for (const char *at = full; n && at; at = strchr(at, '/')) {
		at += *at == '/';
		if (same(at, typed, n) && (!at[n] || at[n] == '/' || at[n] == '@' || !strcmp(at + n, ":latest")))
			return true;
	}
	return false;
}

static bool is_listed(const struct cached *c, const char *typed)
{
	return !strcmp(c->name, typed);
}

/* A commit may be shortened to four letters. */
static bool shortens_commit(const char *full, const char *typed)
{
	const char *at = strrchr(typed, '@');
	size_t n = strlen(typed);

	return at && strspn(at + 1, "0123456789abcdef") == strlen(at + 1) && strlen(at + 1) >= 4 && !strncmp(full, typed, n) &&
	       strspn(full + n, "0123456789abcdef") == strlen(full + n);
}

/* One of its other names, whole or from a part on. */
static bool is_known_as(const struct cached *c, const char *typed, bool from_a_part)
{
	bool known = false;

	for (const char *line = c->also, *end; !known && line && (end = strchr(line, '\n')); line = end + 1) {
		char *name = xstrdup(line);

		name[end - line] = '\0';
		for (const char *at = name; !known && at; at = from_a_part ? strchr(at, '/') : NULL) {
			at += *at == '/';
			known = !strcmp(at, typed) || shortens_commit(at, typed);
		}
		free(name);
	}
	return known;
}

static bool is_also(const struct cached *c, const char *typed)
{
	return is_known_as(c, typed, false);
}

static bool is_part(const struct cached *c, const char *typed)
{
	return has_parts(c->name, typed, begins) || (strchr(typed, '@') && is_known_as(c, typed, true));
}

static bool is_in_any_case(const struct cached *c, const char *typed)
{
	return has_parts(c->name, typed, begins_in_any_case);
}

/* Of several, as many as a sentence has room for; where their names are the same, only their paths tell them apart. */
static void list_hit(struct str *out, const struct cached *c, bool by_path, int before)
{
	enum { SHOWN = 5 };

	if (before < SHOWN)
		str_addf(out, "%s%s", before ? ", " : "", by_path ? c->path : c->name);
	else if (before == SHOWN)
		str_add(out, " …");
}

static bool same_name(const struct cached *list, const int *hit, int hits)
{
	for (int i = 1; i < hits; i++)
		if (strcmp(list[hit[i]].name, list[hit[0]].name))
			return false;
	return true;
}

/* Are they all revisions of one repository? */
static bool one_repository(const struct cached *list, const int *hit, int hits)
{
	size_t n = strcspn(list[hit[0]].name, "@");

	for (int i = 0; i < hits; i++)
		if (list[hit[i]].name[n] != '@' || strncmp(list[hit[i]].name, list[hit[0]].name, n))
			return false;
	return true;
}

/* Is a model a revision of a repository whose main one is among the hits? */
static bool is_beside_main(const struct cached *list, const char *name, const int *hit, int hits)
{
	size_t n = strcspn(name, "@");

	for (int i = 0; name[n] && i < hits; i++) {
		const char *other = list[hit[i]].name;

		if (!strncmp(other, name, n) && (!other[n] || other[n] == '/'))
			return true;
	}
	return false;
}

/* Those that `typed` means, when it is taken in the strictest way in which it means any. */
static int find_hits(const struct cached *list, int n, const char *typed, int *hit)
{
	static bool (*const fits[])(const struct cached *c, const char *typed) = { is_listed, is_also, is_part, is_in_any_case };
	int hits = 0, kept = 0;

	for (size_t way = 0; way < sizeof fits / sizeof *fits && !hits; way++)
		for (int i = 0; i < n; i++)
			if (fits[way](&list[i], typed))
				hit[hits++] = i;
	for (int i = 0; i < hits; i++)
		if (!is_beside_main(list, list[hit[i]].name, hit, hits))
			hit[kept++] = hit[i];
	return kept;
}

static void say_several(const char *where, const struct cached *list, const int *hit, int hits, struct err *err)
{
	struct str names;

	str_init(&names);
	for (int i = 0; i < hits; i++)
		list_hit(&names, &list[hit[i]], same_name(list, hit, hits), i);
	if (one_repository(list, hit, hits))
		err_set(err, ERR_FILE, "%s: there are %d revisions of it, and none is its main one: %s", where, hits, names.s);
	else
		err_set(err, ERR_FILE, "%s: %d models are called that: %s", where, hits, names.s);
	str_done(&names);
}

/* The repository may be there in other revisions than the one that was asked for. */
static void say_none(const char *where, const struct cached *list, int n, struct err *err)
{
	const char *at = strchr(where, '@');
	char *repository = xstrdup(where);
	struct str names;
	int hits = 0;

	str_init(&names);
	if (at) {
		repository[at - where] = '\0';
		for (int i = 0; i < n; i++)
			if (is_part(&list[i], repository))
				list_hit(&names, &list[i], false, hits++);
	}
	if (hits)
		err_set(err, ERR_FILE, "%s: that revision is not on this machine; there is %s", where, names.s);
	else
		err_set(err, ERR_FILE,
			"%s: there is no such folder or file, and no model of that name in the caches of Hugging "
			"Face, llama.cpp, Ollama, LM Studio or lmscope",
			where);
	free(repository);
	str_done(&names);
}

/* The one model of the caches with that name. */
static char *find_cached(const char *where, struct err *err)
{
	struct cached *list;
	int n = caches_list(&list), *hit = xcalloc((size_t)n + 1, sizeof *hit), hits = find_hits(list, n, where, hit);
	char *path = NULL;

	if (hits == 1)
		path = xstrdup(list[hit[0]].path);
	else if (hits)
		say_several(where, list, hit, hits, err);
	else
		say_none(where, list, n, err);
	free(hit);
	caches_free(list, n);
	return path;
}

char *find_model(const char *where, struct err *err)
{
	char *path;

	if (where && file_exists(where))
		return file_at_home(where);
	if (where && (*where == '/' || !strncmp(where, "~/", 2))) { /* a path, and no name */
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

/*
 * The last part of a path without trailing slashes, without ".gguf"; heap. A revision belongs to the part before it, though it
 * may have slashes in it.
 */
static char *last_part(const char *path, bool is_path)
{
	size_t n = strlen(path), from;
	char *name;

	while (n > 1 && path[n - 1] == '/')
		n--;
	from = is_path ? n : strcspn(path, "@");
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
	return file_exists(where) ? last_part(path, true) : last_part(where, false);
}
