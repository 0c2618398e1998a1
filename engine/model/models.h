/*
 * models.h - the models of this machine as a person sees them in a list: names at once, what is known of each one by one.
 *
 * Names come from the caches (model/files/caches.h), with the demo first. Looking at one reads its headers: milliseconds, so that a
 * list of hundreds is filled in while it is on the screen.
 */
#ifndef LMSCOPE_ENGINE_MODEL_MODELS_H
#define LMSCOPE_ENGINE_MODEL_MODELS_H

#include <stdbool.h>

struct model_entry {
	char *name; /* what opens it */
	char *path;
	const char *place; /* "Hugging Face" */
	/* "llama · 135M · 98 MB · Q4_1", or (`opens` false) why it cannot be opened; NULL: not looked at yet */
	char *about;
	bool opens;
	bool recent; /* see models_recent */
};

/* Heap array, for models_free. Returns how many. */
int models_list(struct model_entry **list);
/* Those that were opened lately (paths, the last one last) come first, also where no cache has them. */
void models_recent(struct model_entry **list, int *n, char *const *path, int paths);
void models_look(struct model_entry *entry);
void models_free(struct model_entry *list, int n);
/* Why a model cannot be opened, beside its name: of a sentence about one of its files, the file's own name is enough. */
const char *models_why(const char *sentence, const char *path);

#endif
