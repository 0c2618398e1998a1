/*
 * command.h - what `lmscope WORD …` does: rows of commands. Without a known word it is the explorer.
 *
 * Results go to standard output, everything else to standard error. Exit status: 0 done; 1 the question cannot be answered; 2 wrong
 * usage.
 */
#ifndef LMSCOPE_TUI_CLI_COMMAND_H
#define LMSCOPE_TUI_CLI_COMMAND_H

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/base/str.h"
#include "tui/cli/options.h"

struct command {
	const char *word; /* NULL: the explorer */
	unsigned bit;	  /* FOR_… */
	const char *usage, *help;
	/* true: done. Otherwise err says why. */
	bool (*run)(struct options *o, struct err *err);
};

extern const struct command commands[]; /* the explorer first; ends with a NULL run */

/* Does everything: parses, runs, prints errors and notes. `explore` starts the screen. Returns the exit status. */
int command_main(int argc, char **argv, bool (*explore)(struct options *o, struct err *err));

/* A sentence each (say.h). */
void command_say_notes(const struct notes *notes);

bool command_print(struct options *o, struct err *err);
bool command_merge(struct options *o, struct err *err);
bool command_analyses(struct options *o, struct err *err);
bool command_info(struct options *o, struct err *err);
bool command_models(struct options *o, struct err *err);
bool command_tokens(struct options *o, struct err *err);
bool command_generate(struct options *o, struct err *err);
bool command_perplexity(struct options *o, struct err *err);
bool command_direction(struct options *o, struct err *err);
bool command_verify(struct options *o, struct err *err);
bool command_bench(struct options *o, struct err *err);

/* The man page as roff, made from the same tables. */
void command_man(struct str *out);

#endif
