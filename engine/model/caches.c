/* caches.c - see caches.h. Folders are walked to a fixed depth; links to folders are not followed, but for Hugging Face's own. */
#include "engine/model/caches.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"

enum { MANIFEST_LIMIT = 1 << 20, MOST = 10000 };

struct listing {
	struct cached *item;
	int n;
};

static void add(struct listing *l, char *name, char *path, const char *place)
{
	if (l->n == MOST) {
		free(name);
		free(path);
		return;
	}
	l->item = xrealloc(l->item, (size_t)(l->n + 1) * sizeof *l->item);
	l->item[l->n++] = (struct cached){ name, path, place };
}

/* $VARIABLE, or below the home folder; heap. NULL when neither is there. */
static char *place(const char *variable, const char *below_variable, const char *below_home)
{
	const char *root = variable ? getenv(variable) : NULL, *home = getenv("HOME");

	if (root && *root == '/')
		return file_join(root, below_variable);
	return below_home && home && *home == '/' ? file_join(home, below_home) : NULL;
}

/* Calls visit for every entry of a folder whose name does not begin with a dot. */
static void each_entry(const char *folder, void (*visit)(void *context, const char *path, const char *name), void *context)
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

/* ---- folders and .gguf files below a root ---- */

struct walk {
	struct listing *list;
	const char *place, *root;
	const char *prefix;	/* of the names: "ORG/NAME" of a repository; NULL: none */
	int depth;
};

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

/* Of a file in parts only the first counts: NAME-00001-of-00003.gguf. */
static bool is_later_part(const char *name)
{
	const char *of = strstr(name, "-of-");

	return of && of - name > 6 && of[-6] == '-' && strncmp(of - 5, "00001", 5) != 0;
}

/* A folder with one of the two files that tell of a model, or of an adapter: that is listed too, since it looks like one. */
static bool is_model(const char *folder)
{
	char *config = file_join(folder, "config.json"), *adapter = file_join(folder, "adapter_config.json");
	bool is = file_exists(config) || file_exists(adapter);

	free(config);
	free(adapter);
	return is;
}

static void walk(void *context, const char *path, const char *name)
{
	struct walk *w = context;
	const char *below = path + strlen(w->root);

	while (*below == '/')
		below++;
	if (is_model(path)) {
		add(w->list, w->prefix ? file_join(w->prefix, below) : xstrdup(below), xstrdup(path), w->place);
	} else if (file_is_folder(path)) {
		if (w->depth > 0) {
			w->depth--;
			each_entry(path, walk, w);
			w->depth++;
		}
	} else if (ends_with(name, ".gguf") && !is_later_part(name)) {
		char *stem = w->prefix ? file_join(w->prefix, below) : xstrdup(below);

		stem[strlen(stem) - 5] = '\0';
		add(w->list, stem, xstrdup(path), w->place);
	}
}

static void add_tree(struct listing *l, char *root, const char *where, int depth)
{
	struct walk w = { .list = l, .place = where, .root = root, .depth = depth };

	if (root)
		each_entry(root, walk, &w);
	free(root);
}

/* ---- Hugging Face ---- */

/* The revision that refs/main names; NULL when it does not name a plain one. */
static char *main_revision(const char *repo)
{
	char *ref = file_join(repo, "refs/main"), *text;
	struct err err;
	size_t n;

	text = file_exists(ref) ? file_read(ref, 200, &n, &err) : NULL;
	free(ref);
	if (!text)
		return NULL;
	text[strcspn(text, " \r\n")] = '\0';
	if (*text && !strchr(text, '/') && *text != '.')
		return text;
	free(text);
	return NULL;
}

static void keep_last(void *context, const char *path, const char *name)
{
	char **last = context;

	(void)path;
	if (!*last || strcmp(name, *last) > 0) {
		free(*last);
		*last = xstrdup(name);
	}
}

static void hub_entry(void *context, const char *path, const char *name)
{
	struct listing *l = context;
	char *snapshots, *revision, *folder, *label;

	if (strncmp(name, "models--", 8))
		return;
	snapshots = file_join(path, "snapshots");
	if (!(revision = main_revision(path)))
		each_entry(snapshots, keep_last, &revision);
	folder = revision ? file_join(snapshots, revision) : NULL;
	if (folder && file_is_folder(folder)) {
		label = xstrdup(name + 8);
		for (char *dashes; (dashes = strstr(label, "--"));) {
			dashes[0] = '/';
			memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
		}
		struct walk w = { .list = l, .place = "Hugging Face", .root = folder, .prefix = label, .depth = 1 };

		if (is_model(folder))
			add(l, xstrdup(label), xstrdup(folder), "Hugging Face");
		else
			each_entry(folder, walk, &w);	/* a repository of .gguf files */
		free(label);
	}
	free(folder);
	free(revision);
	free(snapshots);
}

static void add_hub(struct listing *l)
{
	char *root = place("HF_HUB_CACHE", "", NULL);

	if (!root)
		root = place("HF_HOME", "hub", ".cache/huggingface/hub");
	if (root)
		each_entry(root, hub_entry, l);
	free(root);
}

/* ---- Ollama ---- */

struct ollama {
	struct listing *list;
	const char *blobs;
	char *name[4];		/* host, namespace, name, tag */
	int depth;
};

/* "sha256:HEX" as the file of its blob; NULL for anything else. */
static char *blob_path(const char *blobs, const char *digest)
{
	char name[80];

	if (!digest || strncmp(digest, "sha256:", 7) || strspn(digest + 7, "0123456789abcdef") != 64 || digest[71])
		return NULL;
	snprintf(name, sizeof name, "sha256-%s", digest + 7);
	return file_join(blobs, name);
}

static void manifest(struct ollama *o, const char *path)
{
	struct err err;
	struct json *doc = json_open(path, MANIFEST_LIMIT, &err);
	const struct json_value *layers = json_get(json_root(doc), "layers");

	for (size_t i = 0; i < json_count(layers); i++) {
		const struct json_value *layer = json_at(layers, i);
		const char *type = json_text(json_get(layer, "mediaType"));
		char *blob = type && !strcmp(type, "application/vnd.ollama.image.model")
				     ? blob_path(o->blobs, json_text(json_get(layer, "digest"))) : NULL;
		struct str name;

		if (!blob)
			continue;
		str_init(&name);
		if (strcmp(o->name[1], "library"))
			str_addf(&name, "%s/", o->name[1]);
		str_addf(&name, "%s:%s", o->name[2], o->name[3]);
		add(o->list, str_take(&name), xstrdup(blob), "Ollama");
		free(blob);
	}
	json_free(doc);
}

static void ollama_entry(void *context, const char *path, const char *name)
{
	struct ollama *o = context;

	o->name[o->depth] = xstrdup(name);
	if (o->depth == 3) {
		manifest(o, path);
	} else {
		o->depth++;
		each_entry(path, ollama_entry, o);
		o->depth--;
	}
	free(o->name[o->depth]);
}

static void add_ollama(struct listing *l)
{
	char *root = place("OLLAMA_MODELS", "", ".ollama/models");
	char *manifests = root ? file_join(root, "manifests") : NULL, *blobs = root ? file_join(root, "blobs") : NULL;
	struct ollama o = { .list = l, .blobs = blobs };

	if (root)
		each_entry(manifests, ollama_entry, &o);
	free(root);
	free(manifests);
	free(blobs);
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

	add_hub(&l);
	add_tree(&l, place("LLAMA_CACHE", "", ".cache/llama.cpp"), "llama.cpp", 1);
	add_ollama(&l);
	add_tree(&l, place(NULL, NULL, ".lmstudio/models"), "LM Studio", 3);
	add_tree(&l, place(NULL, NULL, ".cache/lm-studio/models"), "LM Studio", 3);
	add_tree(&l, place("XDG_DATA_HOME", "lmscope", ".local/share/lmscope"), "lmscope", 3);
	if (l.n)
		qsort(l.item, (size_t)l.n, sizeof *l.item, by_name);
	*list = l.item;
	return l.n;
}

void caches_free(struct cached *list, int n)
{
	for (int i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].path);
	}
	free(list);
}
