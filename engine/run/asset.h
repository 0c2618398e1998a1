/*
 * asset.h - trained or given files that techniques, edits and metrics read: a kind is a row of assets.def and one struct
 * asset_kind.
 *
 * This is the one door for such files: where they are looked for, what identifies them in the keys of caches, which names
 * completion offers, how they are opened. A file is opened once, however many read it, and again when it has changed; who reads it
 * counts it, so that it stays while a table is computed although the file was replaced meanwhile. One that does not fit the model
 * is refused with a sentence.
 */
#ifndef LMSCOPE_ENGINE_RUN_ASSET_H
#define LMSCOPE_ENGINE_RUN_ASSET_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/model/model.h"

struct asset_kind {
	const char *name;    /* "lens": what metadata `lmscope` of a file of ours says */
	const char *help;    /* what such a file is, for people */
	const char *endings; /* ".npy .npz": of such files' names, for completion; NULL: any */
	/* What is in the file or folder; NULL on error. */
	void *(*open)(const char *path, struct err *err);
	void (*free)(void *content);
	/*
	 * False, with a sentence, when its sizes are not the model's; a note for what is merely doubtful. NULL: that depends on
	 * what reads it, and is checked there.
	 */
	bool (*fits)(const void *content, const struct model *m, const char *path, struct notes *notes, struct err *err);
	/* Writes such a file, whole or not at all; NULL: this program does not make them. `content` is what open gives. */
	bool (*save)(const void *content, const char *path, struct err *err);
};

/* The rows. */
#define ASSET(stem) extern const struct asset_kind asset_##stem;
#include "engine/run/assets.def"
#undef ASSET

/* A file as somebody wrote it, found. Texts are interned. */
struct asset_file {
	const char *path;
	const char *part; /* after a colon: which of the things in it; NULL: none is named */
	uint64_t version; /* what identifies its content: another one when it was changed */
};
/*
 * FILE or FILE:PART: seen from the working directory, beside the file that names it (NULL: none does), or among the program's own.
 * False where it is nowhere; then *file is as if it were here.
 */
bool asset_find(const char *written, const char *named_in, struct asset_file *file);
/* The same in one text, path and part; NULL where it is nowhere. */
const char *asset_path(const char *written, const char *named_in, uint64_t *version);

/* An open file, counted. */
struct asset {
	const struct asset_kind *kind;
	char *path;
	uint64_t version;
	void *content;
	int refs;
};
void asset_unref(struct asset *a); /* NULL is fine */

/* The files that are open, for one thread; counted by the runs that read them. */
struct assets;
struct assets *assets_new(void);
struct assets *assets_ref(struct assets *s);
void assets_unref(struct assets *s); /* NULL is fine; files that somebody counts stay */
/*
 * The file as that kind, fit for the model (NULL: that is not asked); counted. Assets NULL: it is opened for the caller alone. NULL
 * on error.
 */
struct asset *assets_open(struct assets *s, const struct asset_kind *kind, const struct asset_file *file, const struct model *m,
			  struct notes *notes, struct err *err);

#endif
