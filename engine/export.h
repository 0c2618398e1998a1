/*
 * export.h - an answer as text, JSON or CSV: rows of one table of writers. A finished table and its question go in, bytes come out;
 * nothing that a terminal would obey (control characters, bidirectional marks) is in them.
 */
#ifndef LMSCOPE_ENGINE_EXPORT_H
#define LMSCOPE_ENGINE_EXPORT_H

#include "engine/base/str.h"
#include "engine/session.h"

struct exporter {
	const char *name, *help;	/* "json", "one line of JSON per table" */
	void (*write)(const struct answer *answer, struct str *out);
};

extern const struct exporter exporters[];	/* text, json, csv; NULL name at the end */
const struct exporter *export_find(const char *name);

/* The writers. */
void export_text(const struct answer *answer, struct str *out);
void export_json(const struct answer *answer, struct str *out);
void export_csv(const struct answer *answer, struct str *out);

/* Whether every row has one word for all its cells, as a ranking has: then it is written once. */
bool export_one_word_a_row(const struct table *t);

#endif
