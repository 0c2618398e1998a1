/*
 * notes.h - what a person should know although nothing failed: "the prompt is longer than the model was trained for".
 *
 * A list of whole sentences, each once; of too many the oldest go. The command line prints them on stderr, the screen shows them as
 * messages.
 */
#ifndef LMSCOPE_ENGINE_BASE_NOTES_H
#define LMSCOPE_ENGINE_BASE_NOTES_H

#include <stdbool.h>

struct notes {
	char **line;
	int n;
};
enum { NOTES_MOST = 500 };

/* Adds a sentence unless the list has it. `notes` may be NULL: nobody listens. */
void notes_add(struct notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool notes_have(const struct notes *notes, const char *line); /* NULL: no */
void notes_done(struct notes *notes);

#endif
