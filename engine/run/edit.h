/*
 * edit.h - an intervention on a run, as one line of text:
 *
 *     TARGET LAYER[.UNIT[..UNIT]] [@POSITIONS] OP [ARGUMENTS]        head 5.1 zero · mlp_out 3 @4..7 zero · pattern 5.1 @7<4 zero
 *     scores * @QUERIES<KEYS OP [ARGUMENTS]                           in every layer: scores * @5..<4 mask
 *
 * The same line is written on the command line (-e), after `:` and in YAML. What may be edited is a place (place.h); ops are rows
 * of a table in edit_line.c, which is public for completion and menus. Parsing needs no model; edit_resolve() checks the line
 * against one (layer and unit numbers, positions of the prompt, the vector's length).
 */
#ifndef LMSCOPE_ENGINE_RUN_EDIT_H
#define LMSCOPE_ENGINE_RUN_EDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/str.h"
#include "engine/model/config.h"
#include "engine/run/place.h"
#include "engine/run/positions.h"

enum edit_op {
	EDIT_ZERO,
	EDIT_MEAN,
	EDIT_SCALE,
	EDIT_ADD,
	EDIT_PATCH,
	EDIT_RESAMPLE,
	EDIT_FREEZE,
	EDIT_INTERCHANGE,
	EDIT_NOISE,
	EDIT_PROJECT,
	EDIT_MASK,
	EDIT_FORBID,
	EDIT_FORCE,
	EDIT_BIAS,
	EDIT_OPS
};

/*
 * What an op may work on: a head's or an expert's write is not kept as such (sites.def), weights and scores are rows over keys,
 * the scale of a norm is one number.
 */
enum {
	EDIT_ON_VECTORS = 1,
	EDIT_ON_HEADS = 2,
	EDIT_ON_WEIGHTS = 4,
	EDIT_ON_SCORES = 8,
	EDIT_ON_ALL = 15,
	EDIT_ON_SCALES = 16,
	EDIT_ON_EXPERTS = 32
};

struct asset_kind;

struct edit_op_info {
	const char *word, *arguments, *help; /* "scale", "FACTOR", "multiply by FACTOR" */
	unsigned on;
	const char *elsewhere; /* why it has no meaning on what it does not work on */
};
extern const struct edit_op_info edit_ops[EDIT_OPS];
/* The kind of file that the first word after it may name; NULL: it names none. */
const struct asset_kind *edit_op_file(enum site site, enum edit_op op);
/* Whether it has a meaning there. */
bool edit_op_fits(enum site site, enum edit_op op);

struct run;

struct edit {
	struct place place;	      /* site, layer and units; positions and keys, as they are written, are below */
	struct position_range *range; /* [ranges]; 0 ranges: every position, generated ones included */
	int ranges;
	bool has_key; /* pattern and scores … @QUERY<KEY[..KEY]: those keys alone */
	int key, key_to;
	enum edit_op op;
	float amount; /* factor of scale, strength of add (1), standard deviations of noise */
	int seed;     /* of noise and resample */
	char *file;   /* vectors of add, project and interchange, prompts of mean and resample; NULL: none */
	bool same;    /* mean FILE: of the same position in prompts as long as this one */
	int line;     /* resample: the prompt on this line of the file; 0: drawn by the seed */
	/* After edit_resolve: */
	bool resolved; /* it is as it acts: resolving it again changes nothing */
	bool *at;      /* [at_count] which positions; NULL: every one, generated ones included */
	int at_count;
	bool onward; /* positions from at_count on, too */
	/*
	 * what mean puts there (twice the width for "layer"), what add adds, what project takes out (length 1); mean on a
	 * pattern: [H, mean_keys]; freeze on a norm's scale: [T of source]
	 */
	float *vector;
	int mean_keys;
	int basis;		  /* interchange: so many vectors in `vector`, orthonormal */
	double deviation;	  /* of the prompt's token embeddings: the unit of noise */
	const struct run *source; /* what patch, freeze, resample and interchange read from, and mean of the same position */
	/* or, in its place, [rows_n, what it covers of a row] for positions rows_from on: edit_put */
	const float *rows;
	int rows_from, rows_n;
	const float *factor; /* [T] of scores: they are taken less their row's least, times this for each key: edit_suppress */
};

/* Parses one line. Memory from `arena`. Errors are ERR_USAGE and say what was expected where. */
bool edit_parse(const char *line, struct edit *edit, struct arena *arena, struct err *err);
/* Whether a number follows the op: factor, strength, standard deviations. */
bool edit_has_amount(const struct edit *edit);
/* The canonical line. */
void edit_print(const struct edit *edit, struct str *out);

/* Does it cover that unit? */
bool edit_has_unit(const struct edit *edit, int unit);

struct model;
struct assets;
struct run_set;

/* What a line is checked against. */
struct edit_context {
	const struct model *model;
	int T;			    /* of the prompt: negative positions count from here */
	const struct run *unedited; /* mean and freeze read it */
	const struct run *foil;	    /* patch reads it; NULL: there is none */
	const int32_t *tokens;	    /* [T] noise is measured in their embeddings */
	struct assets *assets;	    /* the files that are open; NULL: what is read is opened for this edit alone */
	struct run_set *reads;	    /* receives the runs that the edit reads */
	struct task *task;	    /* of the runs over a file of prompts */
};

/*
 * What can be known of a line before anything runs: layer, unit and positions, the vector in its file, the foil. T 0: the prompt's
 * length is not known yet, and positions are not checked. foil_T -1: no foil is set; 0: its length is not known yet. edit_resolve()
 * checks the same first.
 */
bool edit_check(const char *line, const struct config *c, int T, int foil_T, struct err *err);

/*
 * Checks layer, unit and positions, loads the vector, computes the mean. ERR_ARGUMENT says what the model has. Memory from
 * `arena`.
 */
bool edit_resolve(struct edit *edit, const struct edit_context *context, struct arena *arena, struct err *err);

/*
 * An edit of a place, its positions and keys, as if it had been parsed: it is still to be resolved. amount is 1. Memory from
 * `arena`.
 */
struct edit edit_at(const struct place *place, enum edit_op op, struct arena *arena);

/*
 * Edits that no line can say, made of what is in memory, resolved: all units (-1) or one of a site take their values from `source`
 * or from rows[n, width] for the positions from … from+n-1. Both must outlive the edit.
 */
struct edit edit_take(struct place place, const struct run *source);
struct edit edit_put(struct place place, const float *rows, int from, int n);
/*
 * Scores of every layer and head less the least that the query has, times factor[T] for each key (Deiseroth et al. 2023: plain
 * multiplication would let a negative score grow). Nothing changes before the first key whose factor is not 1.
 */
struct edit edit_suppress(const float *factor, int T, struct arena *arena);
/* Whether nothing of what the model computes at the site, from position t0 on, is left. */
bool edit_replaces(const struct edit *edit, enum site site, int layer, int t0);

/* Where it acts in a layer: bit s for site s. */
uint32_t edit_sites(const struct edit *edit, int layer);
/* Does it act at this site, layer and position? */
bool edit_hits(const struct edit *edit, enum site site, int layer);
bool edit_covers(const struct edit *edit, int position);
/* The first position that it changes: 0 without positions, at_count when none. */
int edit_first_position(const struct edit *edit);

/* Applies it to x, the whole row of the site at that position ([units, width]). For `result`, x is z[H, K], and ops that z
 * cannot say are left to result.h. */
void edit_apply(const struct edit *edit, const struct config *c, enum site site, int position, float *x);
/* The same for one expert's write x[D]. What it rules about the choice of experts is router.h's. */
void edit_apply_expert(const struct edit *edit, const struct config *c, int expert, int position, float *x);
/* Does it say who is chosen? */
bool edit_rules(const struct edit *edit);
/* logits[X] of a router: bias adds to those that it covers. */
void edit_bias_router(const struct edit *edit, const struct config *c, float *logits);
/* Can it make something of nothing? */
bool edit_adds(const struct edit *edit);
/* What noise adds to x[n], which is in its row from number `first` on. */
void edit_add_noise(const struct edit *edit, int position, size_t first, float *x, size_t n);
/* Applies it to one row of attention weights, or of scores before softmax: x[query + 1] of that head. */
void edit_apply_pattern(const struct edit *edit, int head, int query, float *x);

/*
 * Back through it: from the gradient at the value that it made to the one at the value that it was given. What is put in a value's
 * place stops the gradient; scale multiplies it, project and interchange project it, add and noise let it pass. Rows as for those
 * above.
 */
void edit_back(const struct edit *edit, const struct config *c, float *d);
void edit_back_expert(const struct edit *edit, const struct config *c, float *d);
void edit_back_pattern(const struct edit *edit, int head, int query, float *d);

#endif
