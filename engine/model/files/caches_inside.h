/* caches_inside.h - what the readers of single programs' caches share: see caches.h. */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_CACHES_INSIDE_H
#define LMSCOPE_ENGINE_MODEL_FILES_CACHES_INSIDE_H

#include <stdbool.h>

#include "engine/model/files/caches.h"

struct listing {
	struct cached *item;
	int n;
};

/* Takes the heap strings; `also` may be NULL. */
void caches_add(struct listing *l, char *name, char *also, char *path, const char *place);
/* Calls visit for every entry of a folder whose name does not begin with a dot. */
void caches_each(const char *folder, void (*visit)(void *context, const char *path, const char *name), void *context);
/* A folder with one of the two files that tell of a model, or of an adapter: that is listed too, since it looks like one. */
bool caches_is_model(const char *folder);
/*
 * Folders of models and .gguf files below `root`, so many folders deep. With a prefix, names begin with it, and so do those in
 * `also`.
 */
void caches_add_tree(struct listing *l, const char *root, const char *prefix, const char *also, const char *place, int depth);
/* The value of a variable that names a folder, with ~ and $NAME in it put in; NULL when it is unset or empty. Heap. */
char *caches_variable(const char *name);
/* PART below $XDG_CACHE_HOME or ~/.cache; NULL when there is no home. Heap. */
char *caches_below_cache(const char *part);
/* PART below the home folder, or NULL. Heap. */
char *caches_below_home(const char *part);

void caches_add_hub(struct listing *l);	   /* caches_hub.c */
void caches_add_ollama(struct listing *l); /* caches_ollama.c */

#endif
