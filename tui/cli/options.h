/*
 * options.h - the command line: rows of options, each with the commands that take it.
 *
 * --help, COMMAND --help and the man page come from the same rows.
 */
#ifndef LMSCOPE_TUI_CLI_OPTIONS_H
#define LMSCOPE_TUI_CLI_OPTIONS_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/base/str.h"
#include "engine/preset/preset.h"
#include "tui/figure/format.h"

/* Which commands take an option: bits. */
enum {
	FOR_EXPLORE = 1,
	FOR_PRINT = 2,
	FOR_ANALYSES = 4,
	FOR_INFO = 8,
	FOR_TOKENS = 16,
	FOR_GENERATE = 32,
	FOR_MODELS = 64,
	FOR_PERPLEXITY = 128,
	FOR_VERIFY = 256,
	FOR_BENCH = 512,
	FOR_DIRECTION = 1024,
	FOR_MERGE = 2048,
	FOR_PROMPT = FOR_EXPLORE | FOR_PRINT | FOR_GENERATE, /* those that run the model */
	FOR_ALL = (1 << 16) - 1,
};

enum { EACH_MOST = 2, SET_MOST = 32, WORDS_MOST = 1000 };

struct options {
	struct preset preset; /* what is asked: from --preset, then from the options after it */
	bool from_preset;
	char *word[WORDS_MOST]; /* words that are not options, in order; borrowed from argv: of merge many, else two */
	int words;
	const char *set[SET_MOST]; /* KEY=VALUE of -s */
	int sets;
	enum dim each[EACH_MOST];
	int eaches;
	enum shown shown;
	const struct format *format;	     /* text */
	int pane;			     /* of --pane, from 1; 0: all */
	const char *view;		     /* of --view: a word of view_words; NULL: as the pane says */
	const char *theme;		     /* of --theme, for figures; borrowed from argv */
	bool json;			     /* -f json, for commands whose answer is not a table */
	int count;			     /* -n */
	int stride, window;		     /* of perplexity; 0: not given */
	const char *with, *without, *output; /* of direction; borrowed from argv */
	int layer;			     /* -1: all */
	bool pca;
	bool compare;		   /* of generate */
	bool check;		   /* of print: what is expected, instead of the tables */
	const char *over, *resume; /* of print: a file of prompts; where what is done is kept */
	int shard, shards;	   /* of print: from 0; shards 0: all prompts */
	int threads;		   /* 0: all */
	bool ascii, low_memory, help, version, man;
	struct notes notes; /* of reading the preset */
};

/* Reads argv[1 …] for a command (one FOR_ bit). ERR_USAGE names the word that is wrong. options_done() in either case. */
bool options_parse(int argc, char **argv, unsigned command, struct options *o, struct err *err);
void options_done(struct options *o);

/* "  -p, --prompt PROMPT   the text …" for every option of a command. */
void options_help(unsigned command, struct str *out);
/* The same as roff, for the man page: all options. */
void options_man(struct str *out);

#endif
