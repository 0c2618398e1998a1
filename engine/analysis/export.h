/* export.h - a table as JSON, CSV or text: rows of one table of writers. Never emits a raw control character in text. */
#ifndef LMSCOPE_ENGINE_ANALYSIS_EXPORT_H
#define LMSCOPE_ENGINE_ANALYSIS_EXPORT_H

#include "engine/analysis/table.h"
#include "engine/base/str.h"

struct answer;	/* session.h: the table with its question */

struct exporter {
	const char *name;	/* "json" */
	void (*write)(const struct answer *answer, struct str *out);
};
extern const struct exporter exporters[];	/* text, json, csv; NULL name at the end */
const struct exporter *export_find(const char *name);

#endif
