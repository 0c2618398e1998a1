/*
 * edit.h - an intervention on a run, as one line of text:
 *
 *     TARGET LAYER[.UNIT] [@POSITIONS] OP [ARGUMENTS]        head 5.1 zero · mlp_out 3 @4..7 zero · pattern 5.1 @7<4 zero
 *
 * The same line stands on the command line (-e), behind `:` and in YAML. Targets and ops are rows of tables in edit.c; the
 * list of both, with help, is public for completion and menus. Parsing needs no model; edit_resolve() checks the line
 * against one (layer and unit numbers, positions of the prompt, the vector's length).
 */
#ifndef LMSCOPE_ENGINE_RUN_EDIT_H
#define LMSCOPE_ENGINE_RUN_EDIT_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/str.h"
#include "engine/run/site.h"

enum edit_op { EDIT_ZERO, EDIT_MEAN, EDIT_SCALE, EDIT_ADD, EDIT_PATCH, EDIT_OPS };

/* What may be edited: "head" is the site result, "neuron" is mlp_post, "kv" is v, "layer" is attn_out and mlp_out together. */
struct edit_target {
	const char *word;
	enum site site;		/* for "layer": SITE_ATTN_OUT, and `both` is set */
	bool both;
	const char *help;
};
struct edit_op_info {
	const char *word, *arguments, *help;	/* "scale", "FACTOR", "multiply by FACTOR" */
};
extern const struct edit_target edit_targets[];	/* ends with a NULL word */
extern const struct edit_op_info edit_ops[EDIT_OPS];

/* A set of positions as written: ranges a..b (negative from the end), or all. */
struct edit_range {
	int from, to;
};

struct edit {
	const struct edit_target *target;
	int layer, unit;		/* unit -1: all of them */
	struct edit_range *range;	/* [ranges]; 0 ranges: every position, generated ones included */
	int ranges;
	bool has_key;			/* pattern … @QUERY<KEY: that key alone */
	int key;
	enum edit_op op;
	float amount;			/* factor of scale, strength of add (1) */
	char *file;			/* of add */
	float *vector;			/* [width] of add, loaded by edit_resolve */
	bool *at;			/* [T] after edit_resolve, or NULL for all positions; beyond T: none */
	int at_count;
};

/* Parses one line. Memory from `arena`. Errors are ERR_USAGE and say what was expected where. */
bool edit_parse(const char *line, struct edit *edit, struct arena *arena, struct err *err);
/* The canonical line. */
void edit_print(const struct edit *edit, struct str *out);

#endif
