/*
 * export.h - an answer as text, JSON or CSV. A finished table and its question go in, bytes come out; nothing that a terminal would
 * obey (control characters, bidirectional marks) is in them. Figures need colours and are made above: tui/figure.
 */
#ifndef LMSCOPE_ENGINE_EXPORT_EXPORT_H
#define LMSCOPE_ENGINE_EXPORT_EXPORT_H

#include "engine/base/str.h"
#include "engine/session/job.h"
#include "engine/session/snapshot.h"

/* A table and its question. */
struct answer {
	const struct table *table, *before; /* `before`: the same without the edits; NULL: there are none, or it is not known */
	const struct job *job;
	const struct job_pane *pane;
	const struct snapshot *of; /* model, tokens, metric and its values */
	bool sink_in;		   /* the first token counts in the colours' range, also where the table leaves it out */
};

/* The metric, as shown, and its values: the prompt's, or the means over a file of prompts. */
const char *answer_metric(const struct answer *a);
double answer_value(const struct answer *a);
double answer_unedited(const struct answer *a);

void export_text(const struct answer *answer, struct str *out);
void export_json(const struct answer *answer, struct str *out);
void export_csv(const struct answer *answer, struct str *out);

/* The lines that say under which edits and for which metric the numbers are; none where neither matters. */
void export_question(const struct answer *answer, struct str *out);

/* A technique itself: its arguments, what it depends on and costs, as one line of JSON. */
void export_registry(const struct analysis *a, struct str *out);

#endif
