/*
 * caches_ollama.c - Ollama's stores: manifests/HOST/NAMESPACE/NAME/TAG name blobs. A model goes by the name that `ollama ls` shows,
 * without Ollama's own host and without "library".
 */
#include "engine/model/files/caches_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"

enum { MANIFEST_LIMIT = 1 << 20 };

struct ollama {
	struct listing *list;
	const char *blobs;
	char *name[4]; /* host, namespace, name, tag */
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

/* The same model in another store is none to choose between. */
static bool is_listed(const struct listing *l, const char *name, const char *path)
{
	for (int i = 0; i < l->n; i++)
		if (!strcmp(l->item[i].name, name) && !strcmp(strrchr(l->item[i].path, '/'), strrchr(path, '/')))
			return true;
	return false;
}

/* What the same hub goes by as well; or the host's own name. */
static const char *other_host(const char *host)
{
	return !strcmp(host, "hf.co") ? "huggingface.co" : !strcmp(host, "huggingface.co") ? "hf.co" : host;
}

/* With the tag, and without it where it is "latest"; a line each. */
static void add_names(const struct ollama *o, const char *host, const char *namespace, struct str *out)
{
	for (int bare = 0; bare <= !strcmp(o->name[3], "latest"); bare++)
		str_addf(out, "%s%s%s%s%s%s%s\n", host, *host ? "/" : "", namespace, *namespace ? "/" : "", o->name[2],
			 bare ? "" : ":", bare ? "" : o->name[3]);
}

/* Every way to write the name, from the shortest on. */
static void add_model(const struct ollama *o, char *path)
{
	const char *host = o->name[0], *namespace = o->name[1], *other = other_host(host);
	struct str also;
	char *name;

	str_init(&also);
	if (!strcmp(host, "registry.ollama.ai")) {
		if (!strcmp(namespace, "library"))
			add_names(o, "", "", &also);
		add_names(o, "", namespace, &also);
	}
	add_names(o, host, namespace, &also);
	if (other != host)
		add_names(o, other, namespace, &also);
	name = xstrdup(also.s);
	name[strcspn(name, "\n")] = '\0';
	if (is_listed(o->list, name, path)) {
		free(name);
		free(path);
		str_done(&also);
	} else {
		caches_add(o->list, name, str_take(&also), path, "Ollama");
	}
}

static void read_manifest(struct ollama *o, const char *path)
{
	struct err err;
	struct json *doc = json_open(path, MANIFEST_LIMIT, &err);
	const struct json_value *layers = json_get(json_root(doc), "layers");

	for (size_t i = 0; i < json_count(layers); i++) {
		const struct json_value *layer = json_at(layers, i);
		const char *type = json_text(json_get(layer, "mediaType"));
		char *blob = type && !strcmp(type, "application/vnd.ollama.image.model")
				     ? blob_path(o->blobs, json_text(json_get(layer, "digest")))
				     : NULL;

		if (blob)
			add_model(o, blob);
	}
	json_free(doc);
}

static void take_entry(void *context, const char *path, const char *name)
{
	struct ollama *o = context;

	if (strchr(name, '\n'))
		return;
	o->name[o->depth] = xstrdup(name);
	if (o->depth == 3) {
		read_manifest(o, path);
	} else {
		o->depth++;
		caches_each(path, take_entry, o);
		o->depth--;
	}
	free(o->name[o->depth]);
}

static void add_store(struct listing *l, const char *root)
{
	char *manifests = file_join(root, "manifests"), *blobs = file_join(root, "blobs");
	struct ollama o = { .list = l, .blobs = blobs };

	caches_each(manifests, take_entry, &o);
	free(manifests);
	free(blobs);
}

/* A person's own store, and where the service has its own, as installers and distributions set it up. */
void caches_add_ollama(struct listing *l)
{
	static const char *const service[] = { "/usr/share/ollama/.ollama/models", "/var/lib/ollama/.ollama/models",
					       "/var/lib/ollama/models", "/var/lib/ollama" };
	char *own = caches_variable("OLLAMA_MODELS");

	if (!own)
		own = caches_below_home(".ollama/models");
	if (own)
		add_store(l, own);
	for (size_t i = 0; i < sizeof service / sizeof *service; i++)
		if (!own || strcmp(own, service[i]))
			add_store(l, service[i]);
	free(own);
}
