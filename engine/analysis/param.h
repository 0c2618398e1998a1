/*
 * param.h - an argument of a technique: a row with name, kind, range, default and help.
 *
 * The argument form, completion, --help, -s KEY=VALUE, JSON, presets, cache keys and the man page all come from these rows.
 * Arguments typed with a dimension take their range from the model, and the cursor steps them.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_PARAM_H
#define LMSCOPE_ENGINE_ANALYSIS_PARAM_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/str.h"
#include "engine/run/dim.h"

enum { PARAM_MAX = 24 }; /* a test holds every technique to it */

enum param_kind {
	PARAM_INT,	 /* lo … hi */
	PARAM_REAL,	 /* lo … hi, a decimal number */
	PARAM_CHOICE,	 /* one of `choices` */
	PARAM_DIM,	 /* a layer, head, position …: 0 … n-1 of the model and the prompt, negatives from the end */
	PARAM_TEXT,	 /* any text */
	PARAM_FILE,	 /* a file's name */
	PARAM_FOLDER,	 /* a folder's name */
	PARAM_POSITIONS, /* a set of positions, as after @ in an edit (positions.h), or of indices along `dim` */
	PARAM_UNIT,	 /* a place, as the beginning of an edit (place.h): "head 5.1" */
	PARAM_PLACES,	 /* places with ; between them; in YAML a list */
	PARAM_WORDS,	 /* some of `choices`, with commas: bits by row */
	PARAM_OUTPUT,	 /* the name of a file that will be written */
	PARAM_KINDS
};
extern const char *const param_kind_words[PARAM_KINDS]; /* "int", "choice", … */

/* A word that a choice may be, and what it means; `value` is the technique's own enumerator. A list ends with a NULL word. */
struct choice {
	const char *word, *help;
	int value;
	unsigned on; /* what the answer depends on besides, where this is chosen (analysis.h) */
};

struct asset_kind;

struct param {
	const char *name; /* NULL ends the list */
	enum param_kind kind;
	enum dim dim;		       /* of PARAM_DIM; of PARAM_POSITIONS, where it is not along the prompt */
	const struct choice *choices;  /* of PARAM_CHOICE: the first is the default; of PARAM_WORDS: all are */
	const char *words;	       /* of numbers and dimensions: what may be given in place of one, "auto|all"; NULL: nothing */
	double lo, hi;		       /* of PARAM_INT and PARAM_REAL */
	double start;		       /* the default number; of dimensions it may be negative */
	const char *start_text;	       /* the default word or text; NULL: the number, or not given */
	bool at_metric;		       /* a position that is the metric's own wherever it is not given */
	bool pinned;		       /* a place other than the cursor's: it is given, and does not follow the cursor */
	const struct asset_kind *file; /* of PARAM_FILE and PARAM_FOLDER: what is in it */
	const char *help;
};

/* What an argument is set to: a plain value, copied and compared as it is. */
struct value {
	double number;	  /* a number, an index along a dimension (as given: negatives are kept), a choice's value */
	const char *text; /* interned: a text, a file's name, places, a word in place of a number; NULL: there is none */
};

static inline bool value_equal(struct value a, struct value b)
{
	return a.number == b.number && a.text == b.text; /* interned texts are equal where they are the same */
}

static inline struct value value_number(double number)
{
	return (struct value){ number, NULL };
}

/* Whether it is the cursor's place wherever it is not given: a place, and not the metric's. */
bool param_follows(const struct param *p);
/* How many arguments; index of a name, -1 when there is none. */
int param_count(const struct param *params);
int param_find(const struct param *params, const char *name);
/* Holds a text: a name or a word for which there is no list. */
bool param_is_text(const struct param *p);
/* Along which dimension of model and prompt its numbers count; DIM_NONE. */
enum dim param_dim(const struct param *p);
/* Each place of a PARAM_PLACES, one after the other: *list moves on. False: there is no more. `place` is interned. */
bool param_next_place(const char **list, const char **place);
/* Names a file or folder that is to be there. */
bool param_is_path(const struct param *p);
/* What it is when it is not given. */
struct value param_default(const struct param *p);
/*
 * Parses `text`; a sentence that says what is allowed (ERR_USAGE) otherwise. `n` is how many there are along the argument's
 * dimension (param_dim; 0: not known yet, any number goes).
 */
bool param_parse(const struct param *p, const char *text, int n, struct value *value, struct err *err);
/* Checks a stored value against n and resolves negatives: ERR_ARGUMENT names what the model has. */
bool param_resolve(const struct param *p, struct value value, int n, struct value *resolved, struct err *err);
/* As it is typed: "logit", "-1", "0.25", "auto". Nothing for a text that is not given. */
void param_print(const struct param *p, struct value value, struct str *out);
/* The row of a choice's value; its word. */
const struct choice *param_choice(const struct param *p, double value);
const char *param_word(const struct param *p, double value);
int param_choices(const struct param *p);
/* What the answer depends on besides, with what is chosen. */
unsigned param_on(const struct param *p, struct value value);
/* The next value in that direction: choices go round, numbers stop at their ends; `n` as above. False: it has no neighbours. */
bool param_step(const struct param *p, int n, int by, struct value *value);
/* "probability, logit, rank" or "0 … 29" or "1 … 50, or auto": for help. */
void param_range_text(const struct param *p, int n, struct str *out);

#endif
