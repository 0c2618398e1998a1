/*
 * param.h - an argument of a technique: a row with name, kind, range, default and help.
 *
 * The argument form, --help, -s KEY=VALUE, JSON, preset checks and the man page all come from these rows. Values are ints: a
 * number, or the index of a choice. Arguments typed with a dimension take their range from the model, and the cursor steps them.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_PARAM_H
#define LMSCOPE_ENGINE_ANALYSIS_PARAM_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/str.h"
#include "engine/run/dim.h"

enum { PARAM_MAX = 8 };

struct param {
	const char *name;		/* NULL ends the list */
	enum dim dim;			/* LAYER, HEAD, POSITION: range from the model and the prompt, negatives from the end */
	const char *choices;		/* "probability|logit|rank": the first is index 0; NULL: a number */
	int lo, hi, start;		/* of plain numbers; `start` is the default, also of dimensions (may be negative) */
	bool at_metric;			/* a position that is the metric's own wherever it is not given */
	bool held;			/* a place of another part than the cursor's: it is given, and does not follow */
	const char *help;
};

/* Stands where the cursor does wherever it is not given: a place, and not the metric's. */
bool param_follows(const struct param *p);
/* How many arguments; index of a name, -1 when there is none. */
int param_count(const struct param *params);
int param_find(const struct param *params, const char *name);
/* Parses `text`; a sentence that says what is allowed (ERR_USAGE) otherwise. `n` is how many there are along the param's dimension
 * (0: not known yet, any number goes). */
bool param_parse(const struct param *p, const char *text, int n, int *value, struct err *err);
/* Checks a stored value against n and resolves negatives: ERR_ARGUMENT names what the model has. */
bool param_resolve(const struct param *p, int value, int n, int *resolved, struct err *err);
void param_print(const struct param *p, int value, struct str *out);
/* The word of a choice: param_choice(p, 1) = "logit". Returns its length in *n. */
const char *param_choice(const struct param *p, int index, int *n);
int param_choices(const struct param *p);
/* "probability, logit, rank" or "0 … 29" or "1 … 50": for help. */
void param_range_text(const struct param *p, int n, struct str *out);

#endif
