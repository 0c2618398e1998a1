/*
 * place.h - where something is in a run: what an edit changes, what a cell of a table is of, a node of a graph, what a metric
 * reads.
 *
 *     WHAT [LAYER[.UNIT[..UNIT]]] [@POSITION[..POSITION][<KEY[..KEY]]]
 *     head 5.1 @7 · resid_pre 17 @9 · neuron 3.64..127 · pattern 2.1 @13<7 · layer 4 · embed 0 @2 · ln_final · scores * @9<4
 *
 * It is the beginning of an edit's line (edit.h): with an op after it, it can be typed. A place is a plain value, compared by
 * place_equal().
 */
#ifndef LMSCOPE_ENGINE_RUN_PLACE_H
#define LMSCOPE_ENGINE_RUN_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/str.h"
#include "engine/run/dim.h"
#include "engine/run/site.h"

struct config;

/* -1: not given. Units, positions and keys are ranges, from and to. */
struct place {
	enum site site; /* SITE_NONE: it is not known of what */
	bool also_mlp;	/* "layer 4": attn_out and mlp_out together; the site is SITE_ATTN_OUT */
	int layer, unit, unit_to, position, position_to, key, key_to;
	bool every_layer; /* "scores *": all heads of all layers; `layer` is the first, 0 */
};
#define PLACE_NONE ((struct place){ SITE_NONE, false, -1, -1, -1, -1, -1, -1, -1, false })

/* What a place may begin with. */
struct place_word {
	const char *word; /* "head" is the site result, "neuron" is mlp_post, "kv" is v, "layer" is attn_out and mlp_out */
	enum site site;
	bool also_mlp;
	bool needs_unit; /* "head 5" says nothing; "z 5" is all heads of the layer */
	const char *help;
};
extern const struct place_word place_words[]; /* ends with a NULL word */

const struct place_word *place_word_find(const char *word, size_t n); /* NULL: there is none */
/* The word of a site and its form, as place_print() writes it. NULL: no edit can name it. */
const struct place_word *place_word_of(const struct place *place);
/* ln_final comes after all layers: its place names none. */
bool place_has_layer(const struct place *place);

/* A site in a layer; one unit of it (-1: all); at one position (-1: all). */
struct place place_at(enum site site, int layer, int unit, int position);
/*
 * By dimension: LAYER, HEAD, KV_HEAD and NEURON (the unit), POSITION, KEY. -1: it is not given, or the dimension is none of a
 * place.
 */
int place_get(const struct place *place, enum dim dim);
void place_set(struct place *place, enum dim dim, int from, int to);
/* What `more` says counts, what it does not say is as in `place`. */
struct place place_join(const struct place *place, const struct place *more);
bool place_equal(const struct place *a, const struct place *b);

/* As it is typed. Nothing for a place without a site. */
void place_print(const struct place *place, struct str *out);
/* What even such a place says of the prompt, as it is typed: "@13", "@13..15"; nothing where it says nothing. */
void place_print_positions(const struct place *place, struct str *out);
/*
 * Reads one; all of `text` must be it. Negative positions count from the end of a prompt of T tokens; T 0: not known yet, then
 * positions are checked for their form alone, and are not in `place`. ERR_USAGE says what was expected, ERR_ARGUMENT what the
 * prompt has; both begin with `what`, such as `edit "head 5 zero"`.
 */
bool place_parse(const char *text, int T, struct place *place, const char *what, struct err *err);
/* Layer[.unit[..unit]] as one word: fills layer and unit. ERR_USAGE. */
bool place_parse_layer(const char *word, const struct place_word *of, struct place *place, const char *what, struct err *err);
/* Positions as after the @: fills position and key; with T 0 their form alone is checked. */
bool place_parse_positions(const char *word, int T, struct place *place, const char *what, struct err *err);
/* Whether a model has it: layer and unit. ERR_ARGUMENT. */
bool place_check(const struct place *place, const struct config *c, const char *what, struct err *err);

/*
 * Floats of the site's row at one position that it covers, *from the first (of z for a head's result; not for patterns and
 * scores).
 */
size_t place_slice(const struct place *place, const struct config *c, size_t *from);

#endif
