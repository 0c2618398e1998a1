/*
 * caches_hub.c - Hugging Face's cache: models--ORG--NAME/snapshots/COMMIT, and refs/NAME with the commit that a name means.
 *
 * A snapshot that refs/main means is called ORG/NAME, another ORG/NAME@REF, one that no ref means ORG/NAME@COMMIT with as many
 * letters as tell it apart, unless it is the only one.
 */
#include "engine/model/files/caches_inside.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/str.h"

enum { REF_DEPTH = 4, SHORT_COMMIT = 8 };

struct repository {
	struct listing *list;
	char *label;		      /* "ORG/NAME" */
	const char *refs, *snapshots; /* its folders */
	struct str ref;		      /* "NAME COMMIT\n" of each ref */
	char **commit;		      /* [n] of the snapshots with models */
	int n, depth;
};

/* The commit that a file of refs/ holds; NULL when it is not a plain name. */
static char *read_ref(const char *path)
{
	struct err err;
	size_t n;
	char *text = file_read(path, 200, &n, &err);

	if (!text)
		return NULL;
	text[strcspn(text, " \r\n")] = '\0';
	if (*text && !strchr(text, '/') && *text != '.')
		return text;
	free(text);
	return NULL;
}

static void take_ref(void *context, const char *path, const char *name)
{
	struct repository *r = context;
	char *commit;

	(void)name;
	if (file_is_folder(path)) {
		if (r->depth++ < REF_DEPTH)
			caches_each(path, take_ref, r);
		r->depth--;
	} else if (!strpbrk(path + strlen(r->refs) + 1, " \n") && (commit = read_ref(path))) {
		str_addf(&r->ref, "%s %s\n", path + strlen(r->refs) + 1, commit);
		free(commit);
	}
}

static bool has_model(const char *snapshot)
{
	struct listing inside = { 0 };
	bool has;

	caches_add_tree(&inside, snapshot, NULL, NULL, "", 1);
	has = caches_is_model(snapshot) || inside.n;
	caches_free(inside.item, inside.n);
	return has;
}

static void take_snapshot(void *context, const char *path, const char *name)
{
	struct repository *r = context;

	if (!file_is_folder(path) || !has_model(path))
		return;
	r->commit = xrealloc(r->commit, (size_t)(r->n + 1) * sizeof *r->commit);
	r->commit[r->n++] = xstrdup(name);
}

/* Letters of a commit that no other snapshot's begins with. */
static int letters(const struct repository *r, int i)
{
	int n = SHORT_COMMIT;

	for (int k = 0; k < r->n; k++)
		while (k != i && !strncmp(r->commit[k], r->commit[i], (size_t)n) && r->commit[i][n])
			n++;
	return n;
}

/* Does refs/main mean any commit, here or not? */
static bool has_main(const struct repository *r)
{
	return !strncmp(r->ref.s, "main ", 5) || strstr(r->ref.s, "\nmain ");
}

/*
 * The name that a snapshot goes by in `name`, of several refs by the first in the alphabet, and all that mean it too, a line
 * each.
 */
static void name_snapshot(const struct repository *r, int i, struct str *name, struct str *also)
{
	size_t label = strlen(r->label) + 1;
	bool main = false;

	for (const char *line = r->ref.s, *end; (end = strchr(line, '\n')); line = end + 1) {
		const char *space = memchr(line, ' ', (size_t)(end - line));
		int n = (int)(space - line);

		if ((size_t)(end - space - 1) != strlen(r->commit[i]) || strncmp(space + 1, r->commit[i], strlen(r->commit[i])))
			continue;
		str_addf(also, "%s@%.*s\n", r->label, n, line);
		main |= n == 4 && !strncmp(line, "main", 4);
		if (!name->n || strncmp(line, name->s + label, (size_t)n) < 0) {
			str_clear(name);
			str_addf(name, "%s@%.*s", r->label, n, line);
		}
	}
	if (main || (!name->n && r->n == 1 && !has_main(r))) { /* the only one there is, unless another is the main one */
		str_clear(name);
		str_add(name, r->label);
	} else if (!name->n) {
		str_addf(name, "%s@%.*s", r->label, letters(r, i), r->commit[i]);
	}
	str_addf(also, "%s@%s\n", r->label, r->commit[i]);
}

static void add_snapshot(const struct repository *r, int i)
{
	char *folder = file_join(r->snapshots, r->commit[i]);
	struct str name, also;

	str_init(&name);
	str_init(&also);
	name_snapshot(r, i, &name, &also);
	if (caches_is_model(folder))
		caches_add(r->list, xstrdup(name.s), xstrdup(also.s), xstrdup(folder), "Hugging Face");
	else
		caches_add_tree(r->list, folder, name.s, also.s, "Hugging Face", 1); /* a repository of .gguf files */
	str_done(&name);
	str_done(&also);
	free(folder);
}

static void take_repository(void *context, const char *path, const char *name)
{
	struct repository r = { .list = context };
	char *refs = file_join(path, "refs"), *snapshots = file_join(path, "snapshots");

	if (!strncmp(name, "models--", 8)) {
		r.refs = refs;
		r.snapshots = snapshots;
		r.label = xstrdup(name + 8);
		for (char *dashes; (dashes = strstr(r.label, "--"));) {
			dashes[0] = '/';
			memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
		}
		str_init(&r.ref);
		caches_each(refs, take_ref, &r);
		caches_each(snapshots, take_snapshot, &r);
		for (int i = 0; i < r.n; i++)
			add_snapshot(&r, i);
		for (int i = 0; i < r.n; i++)
			free(r.commit[i]);
		free(r.commit);
		free(r.label);
		str_done(&r.ref);
	}
	free(refs);
	free(snapshots);
}

void caches_add_hub(struct listing *l)
{
	char *root = caches_variable("HF_HUB_CACHE"), *home = NULL;

	if (!root)
		root = caches_variable("HUGGINGFACE_HUB_CACHE");
	if (!root && (home = caches_variable("HF_HOME")))
		root = file_join(home, "hub");
	if (!root)
		root = caches_below_cache("huggingface/hub");
	if (root)
		caches_each(root, take_repository, l);
	free(root);
	free(home);
}
