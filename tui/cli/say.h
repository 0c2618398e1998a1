/*
 * say.h - the only way to standard output and standard error: whatever text a model, a file or its name holds, a terminal gets no
 * control characters, nothing that turns the direction of writing and nothing invisible.
 */
#ifndef LMSCOPE_TUI_CLI_SAY_H
#define LMSCOPE_TUI_CLI_SAY_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

/* For people, to standard output: control characters become visible symbols wherever it goes. Newlines and tabs stay. */
void say_text(const struct str *text);
/* For programs: exactly these bytes into a file or a pipe; on a terminal the same JSON with \uXXXX, other kinds as say_text(). */
void say_json(const struct str *json);
void say_data(const struct str *data);
/* Cells of a canvas with their colours: they hold no control characters but those that paint them. */
void say_painted(const struct str *cells);
/* All text is out; false: it could not be written. */
bool say_done(struct err *err);

/* To standard error, after "lmscope: ". */
void say_sentence(const char *sentence);
/* How far something is, over what was printed before; only where somebody watches. */
void say_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_progress_end(void); /* the line is cleared: results follow */

#endif
