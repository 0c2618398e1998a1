/*
 * circuit.h - a circuit file: which part was explained by which, as a list of edges in YAML.
 *
 *     circuit: 1
 *     model: demo
 *     prompt: When Tom and Lily went to the park, Tom gave a ball to
 *     foil: null
 *     metric: logit " Lily"
 *     value: 19.3
 *     edges:
 *       - {from: head 3.0, to: logit " Lily", value: 4.1, metric: part head 3.0 of logit " Lily"}
 *       - {from: head 0.1, to: head 3.0, value: 0.7, metric: part head 0.1 of part head 3.0 of logit " Lily"}
 *
 * circuit: the version of this form. metric and value: what is explained in the end, and what it was. An edge leads from a part to
 * what it was a part of: each is a place (place.h), or where none is named, such as for a logit, a metric. value: the number of the
 * edge. metric (may be left out): that number as a metric, so that the edge can be asked again. model, prompt and foil may be left
 * out.
 *
 * The way of x and Enter is one such list, in which each edge leads to where the one before it began.
 */
#ifndef LMSCOPE_ENGINE_PRESET_CIRCUIT_H
#define LMSCOPE_ENGINE_PRESET_CIRCUIT_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/str.h"
#include "engine/session/job.h"

struct circuit_edge {
	const char *from, *to;
	double value;
	const char *metric; /* NULL: it is left out */
	int line;	    /* of the file; 0: from none */
};

struct circuit {
	const char *model, *prompt, *foil; /* NULL: left out, or none */
	const char *metric;
	double value;
	struct circuit_edge *edge; /* [edges], at least one */
	int edges;
};

/* The way of a job to its metric now, which is `metric` and has that value; all from `arena`. ERR_ARGUMENT: there is no way. */
bool circuit_of_way(struct circuit *c, const struct job *job, const char *metric, double value, struct arena *arena,
		    struct err *err);
/* The other way: the job's metric and the steps to it. ERR_FILE: the edges are no single way, or not all of them are metrics. */
bool circuit_to_way(const struct circuit *c, const char *file, struct job *job, struct err *err);

void circuit_print(const struct circuit *c, struct str *out);
/* One sentence names file and line of what is wrong. All from `arena`. */
bool circuit_parse(const char *bytes, size_t n, const char *file, struct circuit *c, struct arena *arena, struct err *err);
bool circuit_open(const char *path, struct circuit *c, struct arena *arena, struct err *err);

#endif
