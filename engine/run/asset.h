/*
 * asset.h - trained or given files that techniques read: a kind is a row of assets.def and one struct asset_kind.
 *
 * A file is opened once, however many tables read it, and again when it has changed; who reads it counts it, so that it stays while
 * a table is computed although the file was replaced meanwhile. One that does not fit the model is refused with a sentence.
 */
#ifndef LMSCOPE_ENGINE_RUN_ASSET_H
#define LMSCOPE_ENGINE_RUN_ASSET_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/model/model.h"

struct asset_kind {
	const char *name; /* "lens": what metadata `lmscope` of a file of ours says */
	const char *help; /* what such a file is, for people */
	/* What is in the file or folder; NULL on error. */
	void *(*open)(const char *path, struct err *err);
	void (*free)(void *content);
	/* False, with a sentence, when its sizes are not the model's; a note for what is merely doubtful. */
	bool (*fits)(const void *content, const struct model *m, const char *path, struct notes *notes, struct err *err);
	/* Writes such a file, whole or not at all; NULL: this program does not make them. `content` is what open gives. */
	bool (*save)(const void *content, const char *path, struct err *err);
};

/* The rows. */
#define ASSET(stem) extern const struct asset_kind asset_##stem;
#include "engine/run/assets.def"
#undef ASSET

/* An open file, counted. */
struct asset {
	const struct asset_kind *kind;
	char *path;
	uint64_t version;
	void *content;
	int refs;
};
void asset_unref(struct asset *a); /* NULL is fine */

/* The files that are open, for one thread. */
struct assets;
struct assets *assets_new(void);
void assets_free(struct assets *s); /* those that somebody counts stay */
/* The file as that kind, fit for the model; counted. NULL on error. */
struct asset *assets_open(struct assets *s, const struct asset_kind *kind, const char *path, const struct model *m,
			  struct notes *notes, struct err *err);

#endif
