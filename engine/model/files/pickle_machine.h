/*
 * pickle_machine.h - what instructions of a pickle work on: a stack of values, a stack of marks, and a memo of values seen before.
 * Each has its bound, so that no file makes it grow for ever. Private to the files of the pickle reader.
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_PICKLE_MACHINE_H
#define LMSCOPE_ENGINE_MODEL_FILES_PICKLE_MACHINE_H

#include "engine/base/cursor.h"
#include "engine/model/files/pickle.h"

struct pickle_machine {
	const char *path;
	const unsigned char *start;
	struct cursor c;
	const struct pickle_rules *rules;
	struct arena *arena;
	size_t values;		     /* made so far */
	struct pickle_value **stack; /* [n] */
	size_t n, capacity;
	size_t *mark; /* [marks]: how high the stack was */
	size_t marks, mark_capacity;
	struct pickle_value **memo; /* [memos]; NULL: not written */
	size_t memos;
	struct pickle_value *none, *yes, *no;
	bool stopped;
	struct err *err;
};

/* Sets the error, with the byte that was reached; false. */
bool pickle_fail(struct pickle_machine *m, const char *what);
bool pickle_cut_short(struct pickle_machine *m);

/* One more value is made. */
bool pickle_count(struct pickle_machine *m);
bool pickle_push(struct pickle_machine *m, struct pickle_value *v);
/* A new value on the stack; NULL on error. */
struct pickle_value *pickle_push_new(struct pickle_machine *m, enum pickle_kind kind);
/* Whether there are so many values above the last mark. */
bool pickle_has(struct pickle_machine *m, size_t count);

void pickle_push_mark(struct pickle_machine *m);
/* Takes the last mark away: *at is where the values above it begin. */
bool pickle_pop_mark(struct pickle_machine *m, size_t *at);

/* One more item of a list, or key or value of a dictionary. */
void pickle_add(struct pickle_machine *m, struct pickle_value *list, struct pickle_value *v);

/* The memo: keeps what is on top of the stack as i; pushes what was kept. */
bool pickle_put(struct pickle_machine *m, size_t i);
bool pickle_get(struct pickle_machine *m, size_t i);

#endif
