/* caches.c - see caches.h. Folders are walked to a fixed depth; links to folders are not followed, but for Hugging Face's own. */
#include "engine/model/files/caches_inside.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/base/text.h"

enum { MOST = 10000 };

void caches_add(struct listing *l, char *name, char *also, char *path, const char *place)
{
	if (l->n == MOST) {
		free(name);
		free(also);
		free(path);
		return;
	}
	l->item = xrealloc(l->item, (size_t)(l->n + 1) * sizeof *l->item);
	l->item[l->n++] = (struct cached){ name, also, path, place };
}

/* ---- where they are ---- */

char *caches_below_home(const char *part)
{
	const char *home = getenv("HOME");

	return home && *home == '/' ? file_join(home, part) : NULL;
}

char *caches_below_cache(const char *part)
{
	char *root = caches_variable("XDG_CACHE_HOME"), *path;

	if (!root)
		root = caches_below_home(".cache");
	path = root ? file_join(root, part) : NULL;
	free(root);
	return path;
}

/* "$NAME" or "${NAME}" at s: adds its value, which may be empty, and returns its length; 0: it is just a dollar. */
static size_t add_variable(struct str *out, const char *s)
{
	bool braced = s[1] == '{';
	const char *from = s + 1 + braced, *end = from;
	char *name;

	while (isalnum((unsigned char)*end) || *end == '_')
		end++;
	if (end == from || (braced && *end != '}'))
		return 0;
	name = xstrdup(from);
	name[end - from] = '\0';
	if (getenv(name))
		str_add(out, getenv(name));
	free(name);
	return (size_t)(end + braced - s);
}

char *caches_variable(const char *name)
{
	const char *value = getenv(name), *home = getenv("HOME");
	struct str out;

	if (!value || !*value)
		return NULL;
	str_init(&out);
	if (*value == '~' && (!value[1] || value[1] == '/') && home) {
		str_add(&out, home);
		value++;
	}
	while (*value) {
		size_t n = *value == '$' ? add_variable(&out, value) : 0;

		if (!n)
			str_add_char(&out, *value);
		value += n ? n : 1;
	}
	return str_take(&out);
}

/* ---- folders and .gguf files below a root ---- */

void caches_each(const char *folder, void (*visit)(void *context, const char *path, const char *name), void *context)
{
	DIR *d = opendir(folder);

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.') {
			char *path = file_join(folder, e->d_name);

			visit(context, path, e->d_name);
			free(path);
		}
	if (d)
		closedir(d);
}

struct folder_search {
	struct listing *list;
	const char *place, *root;
	const char *prefix, *also; /* what names begin with: "ORG/NAME" of a repository; NULL: with nothing */
	int depth;
};

/* Of a file in parts only the first counts: NAME-00001-of-00003.gguf. */
static bool is_later_part(const char *name)
{
	const char *of = strstr(name, "-of-");

	return of && of - name > 6 && of[-6] == '-' && strncmp(of - 5, "00001", 5) != 0;
}

bool caches_is_model(const char *folder)
{
	char *config = file_join(folder, "config.json"), *adapter = file_join(folder, "adapter_config.json");
	bool is = file_exists(config) || file_exists(adapter);

	free(config);
	free(adapter);
	return is;
}

/* Each line of `lines` with "/BELOW" after it, without the last `cut` letters. NULL for NULL. */
static char *extend_lines(const char *lines, const char *below, size_t cut)
{
	struct str out;

	if (!lines)
		return NULL;
	str_init(&out);
	for (const char *end; (end = strchr(lines, '\n')); lines = end + 1)
		str_addf(&out, "%.*s/%.*s\n", (int)(end - lines), lines, (int)(strlen(below) - cut), below);
	return str_take(&out);
}

static void add_found(const struct folder_search *w, const char *path, const char *below, size_t cut)
{
	char *name = w->prefix ? file_join(w->prefix, below) : xstrdup(below);

	name[strlen(name) - cut] = '\0';
	caches_add(w->list, name, extend_lines(w->also, below, cut), xstrdup(path), w->place);
}

static void walk(void *context, const char *path, const char *name)
{
	struct folder_search *w = context;
	const char *below = path + strlen(w->root);

	while (*below == '/')
		below++;
	if (caches_is_model(path)) {
		add_found(w, path, below, 0);
	} else if (file_is_folder(path)) {
		if (w->depth > 0) {
			w->depth--;
			caches_each(path, walk, w);
			w->depth++;
		}
	} else if (text_ends(name, ".gguf") && strcmp(name, ".gguf") && !is_later_part(name)) {
		add_found(w, path, below, strlen(".gguf"));
	}
}

void caches_add_tree(struct listing *l, const char *root, const char *prefix, const char *also, const char *place, int depth)
{
	struct folder_search w = { l, place, root, prefix, also, depth };

	caches_each(root, walk, &w);
}

/* ---- all ---- */

/* The same for a folder that has just been named, if it was. */
static void add_place(struct listing *l, char *root, const char *place, int depth)
{
	if (root)
		caches_add_tree(l, root, NULL, NULL, place, depth);
	free(root);
}

static int by_name(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->path, y->path);
}

int caches_list(struct cached **list)
{
	struct listing l = { 0 };
	char *llama = caches_variable("LLAMA_CACHE"), *data = caches_variable("XDG_DATA_HOME");

	caches_add_hub(&l);
	add_place(&l, llama ? llama : caches_below_cache("llama.cpp"), "llama.cpp", 1);
	caches_add_ollama(&l);
	add_place(&l, caches_below_home(".lmstudio/models"), "LM Studio", 3);
	add_place(&l, caches_below_home(".cache/lm-studio/models"), "LM Studio", 3);
	add_place(&l, data ? file_join(data, "lmscope") : caches_below_home(".local/share/lmscope"), "lmscope", 3);
	free(data);
	if (l.n)
		qsort(l.item, (size_t)l.n, sizeof *l.item, by_name);
	*list = l.item;
	return l.n;
}

void caches_free(struct cached *list, int n)
{
	for (int i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].also);
		free(list[i].path);
	}
	free(list);
}
