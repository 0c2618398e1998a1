/*
 * metric_parse.h - a metric's spec taken apart: the words still as text, the place as numbers. For metric.c.
 */
#ifndef LMSCOPE_ENGINE_RUN_METRIC_PARSE_H
#define LMSCOPE_ENGINE_RUN_METRIC_PARSE_H

#include "engine/base/arena.h"
#include "engine/run/metric.h"

struct parsed_metric {
	enum metric_kind kind;
	const char *target[2], *file;
	struct place place; /* of an inner kind */
	bool has_position;
	int position;	/* as written: negative ones count from the end */
	const char *of; /* of a part: the other metric's spec */
};

/* T 0: not known yet. Memory from `arena`. ERR_USAGE. */
bool metric_parse(const char *spec, int T, struct parsed_metric *p, struct arena *arena, struct err *err);
/* Whether a model (NULL: not known yet) and a prompt have what it names. ERR_ARGUMENT. */
bool metric_parsed_check(const struct parsed_metric *p, const struct config *c, int T, struct err *err);
/* The file that a spec names, and from where to where it is written; NULL: none. */
const char *metric_file_word(const char *spec, struct arena *arena, size_t *from, size_t *to);
/* "#17": a token by its number. */
bool metric_token_number(const char *text, long *number);
/* How many tokens a kind takes. */
int metric_targets(enum metric_kind kind);

#endif
