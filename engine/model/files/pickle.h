/*
 * pickle.h - reads a pickle as data: numbers, texts, tuples, lists and dictionaries, and objects of the few names that the caller
 * lists.
 *
 * A pickle is a program for a small machine that can import any name of Python's and call it. This one knows the instructions that
 * torch.save uses for tensors; every other, and every name that is not in the caller's table, is refused with a sentence that names
 * it. Nothing is run.
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_PICKLE_H
#define LMSCOPE_ENGINE_MODEL_FILES_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"

enum pickle_kind {
	PICKLE_NONE,
	PICKLE_BOOL,
	PICKLE_INT,
	PICKLE_FLOAT,
	PICKLE_TEXT,
	PICKLE_TUPLE,
	PICKLE_LIST,
	PICKLE_DICT,
	PICKLE_SET,    /* always empty */
	PICKLE_NAME,   /* a row of the caller's table */
	PICKLE_OBJECT, /* what a row of the table made, or what a persistent id names */
};

struct pickle_value {
	enum pickle_kind kind;
	const struct pickle_name *name; /* NAME; OBJECT and DICT: what made it, or NULL */
	union {
		int64_t number; /* BOOL, INT */
		double real;	/* FLOAT */
		struct {
			const char *s; /* may hold NULs */
			size_t n;
		} text;
		struct { /* TUPLE, LIST; DICT: key, value, key, value … */
			struct pickle_value **item;
			size_t n, capacity;
		} list;
		void *object; /* OBJECT */
	};
};

struct pickle_name {
	const char *module, *name;
	/*
	 * Called with the tuple of arguments; NULL with a sentence when they are not what it takes. No function: the name may
	 * not be called.
	 */
	struct pickle_value *(*make)(void *context, const struct pickle_name *name, struct pickle_value *args, struct err *err);
	int code; /* the caller's own */
};

/* What the caller allows. */
struct pickle_rules {
	const struct pickle_name *name; /* [names] */
	size_t names;
	/* What is kept outside the pickle under this id (torch's storages); NULL with a sentence. */
	struct pickle_value *(*fetch)(void *context, const struct pickle_value *id, struct err *err);
	void *context;
};

/* A new value of this kind, from `arena`. */
struct pickle_value *pickle_new(struct arena *arena, enum pickle_kind kind);

/* The value that the pickle describes, from `arena`; it may contain itself. `path` begins each sentence. NULL on error. */
struct pickle_value *pickle_read(const char *path, const unsigned char *bytes, size_t n, const struct pickle_rules *rules,
				 struct arena *arena, struct err *err);

#endif
