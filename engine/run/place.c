/* place.c - see place.h. */
#include "engine/run/place.h"

#include <ctype.h>
#include <string.h>

#include "engine/model/config.h"
#include "engine/run/mixer.h"
#include "engine/run/positions.h"
#include "engine/run/run.h"

const struct place_word place_words[] = {
	{ "head", SITE_RESULT, false, true, "what a head writes to the stream (L.H)" },
	{ "kv", SITE_V, false, true, "the values of a key/value head, which a group of heads shares (L.G)" },
	{ "neuron", SITE_MLP_POST, false, true, "a neuron of the MLP, after its activation (L.N)" },
	{ "expert", SITE_EXPERT, false, true, "what an expert of a mixture writes to the stream (L.E)" },
	{ "router_logits", SITE_ROUTER_LOGITS, false, false, "how much a mixture asks for its experts (L or L.E)" },
	{ "expert_weights", SITE_EXPERT_WEIGHTS, false, false,
	  "what the writes of a mixture's experts are multiplied by (L or L.E)" },
	{ "attn_out", SITE_ATTN_OUT, false, false, "all that attention writes in a layer (L)" },
	{ "mlp_out", SITE_MLP_OUT, false, false, "all that the MLP writes in a layer (L)" },
	{ "layer", SITE_ATTN_OUT, true, false, "attention and MLP of a layer together (L)" },
	{ "embed", SITE_EMBED, false, false, "token embeddings, with learned positions, as they enter layer 0 (write embed 0)" },
	{ "resid_pre", SITE_RESID_PRE, false, false, "the residual stream entering a layer (L)" },
	{ "resid_mid", SITE_RESID_MID, false, false, "the residual stream between attention and MLP (L)" },
	{ "resid_post", SITE_RESID_POST, false, false, "the residual stream leaving a layer (L)" },
	{ "scores", SITE_SCORES, false, false, "attention scores before softmax (L or L.H, @QUERY<KEY for one)" },
	{ "pattern", SITE_PATTERN, false, false, "attention weights after softmax (L.H, @QUERY<KEY for one)" },
	{ "z", SITE_Z, false, false, "mixed values of a head, before W_O (L.H)" },
	{ "q", SITE_Q, false, false, "queries of a head (L.H)" },
	{ "k", SITE_K, false, false, "keys of a key/value head (L.G)" },
	{ "v", SITE_V, false, false, "values of a key/value head (L.G)" },
	{ "conv_in", SITE_CONV_IN, false, false, "gated inputs of a short convolution, by channels of heads (L or L.H)" },
	{ "conv_gate", SITE_CONV_GATE, false, false, "the gate on what a short convolution sums (L or L.H)" },
	{ "mlp_pre", SITE_MLP_PRE, false, false, "neurons before the activation (L or L.N)" },
	{ "mlp_post", SITE_MLP_POST, false, false, "neurons after the activation (L or L.N)" },
	{ "ln1", SITE_LN1, false, false, "the scale of the norm before attention (L): freeze keeps it" },
	{ "ln2", SITE_LN2, false, false, "the scale of the norm before the MLP (L): freeze keeps it" },
	{ "ln1_post", SITE_LN1_POST, false, false,
	  "the scale of the norm after attention, where the family has one (L): freeze keeps it" },
	{ "ln2_post", SITE_LN2_POST, false, false,
	  "the scale of the norm after the MLP, where the family has one (L): freeze keeps it" },
	{ "q_norm", SITE_Q_NORM, false, false,
	  "the scale of the norm on queries, where the family has one (L or L.H): freeze "
	  "keeps it" },
	{ "k_norm", SITE_K_NORM, false, false,
	  "the scale of the norm on keys, where the family has one (L or L.G): freeze keeps it" },
	{ "ln_final", SITE_LN_FINAL, false, false, "the scale of the final norm, which no layer has: ln_final freeze keeps it" },
	{ NULL, SITE_NONE, false, false, NULL },
};

const struct place_word *place_word_find(const char *word, size_t n)
{
	const struct place_word *w = place_words;

	while (w->word && (strlen(w->word) != n || strncmp(word, w->word, n)))
		w++;
	return w->word ? w : NULL;
}

const struct place_word *place_word_of(const struct place *p)
{
	const struct place_word *w = place_words;

	while (w->word && (w->site != p->site || w->also_mlp != p->also_mlp || (w->needs_unit && p->unit < 0)))
		w++;
	return w->word ? w : NULL;
}

bool place_has_layer(const struct place *p)
{
	return p->site != SITE_LN_FINAL;
}

struct place place_at(enum site site, int layer, int unit, int position)
{
	return (struct place){ site, false, layer, unit, unit, position, position, -1, -1, false };
}

/* ---- by dimension ---- */

static bool is_unit(enum dim dim)
{
	return dim == DIM_HEAD || dim == DIM_KV_HEAD || dim == DIM_NEURON || dim == DIM_EXPERT;
}

int place_get(const struct place *p, enum dim dim)
{
	if (is_unit(dim))
		return p->unit;
	return dim == DIM_LAYER	     ? (p->every_layer ? -1 : p->layer)
	       : dim == DIM_POSITION ? p->position
	       : dim == DIM_KEY	     ? p->key
				     : -1;
}

void place_set(struct place *p, enum dim dim, int from, int to)
{
	if (dim == DIM_LAYER) {
		p->layer = from;
		p->every_layer = false;
	} else if (is_unit(dim)) {
		p->unit = from;
		p->unit_to = to;
		if (p->site == SITE_NONE && dim == DIM_NEURON)
			p->site = SITE_MLP_POST;
		if (p->site == SITE_NONE && dim == DIM_EXPERT)
			p->site = SITE_EXPERT;
	} else if (dim == DIM_POSITION) {
		p->position = from;
		p->position_to = to;
	} else if (dim == DIM_KEY) {
		p->key = from;
		p->key_to = to;
	}
}

static void take(int *from, int *to, int more, int more_to)
{
	if (more < 0)
		return;
	*from = more;
	*to = more_to;
}

struct place place_join(const struct place *place, const struct place *more)
{
	struct place p = *place;
	int layer_to;

	if (more->site != SITE_NONE) {
		p.site = more->site;
		p.also_mlp = more->also_mlp;
	}
	if (more->layer >= 0)
		p.every_layer = more->every_layer;
	take(&p.layer, &layer_to, more->layer, more->layer);
	take(&p.unit, &p.unit_to, more->unit, more->unit_to);
	take(&p.position, &p.position_to, more->position, more->position_to);
	take(&p.key, &p.key_to, more->key, more->key_to);
	return p;
}

bool place_equal(const struct place *a, const struct place *b)
{
	return a->site == b->site && a->also_mlp == b->also_mlp && a->layer == b->layer && a->unit == b->unit &&
	       a->unit_to == b->unit_to && a->position == b->position && a->position_to == b->position_to && a->key == b->key &&
	       a->key_to == b->key_to && a->every_layer == b->every_layer;
}

/* ---- as text ---- */

static void add_range(struct str *out, const char *before, int from, int to)
{
	if (from < 0)
		return;
	str_addf(out, "%s%d", before, from);
	if (to > from)
		str_addf(out, "..%d", to);
}

void place_print_positions(const struct place *p, struct str *out)
{
	add_range(out, "@", p->position, p->position_to);
	add_range(out, "<", p->key, p->key_to);
}

void place_print(const struct place *p, struct str *out)
{
	const struct place_word *w = place_word_of(p);

	if (p->site == SITE_NONE)
		return;
	str_add(out, w ? w->word : site_table[p->site].name);
	if (p->every_layer) {
		str_add(out, " *");
	} else if (place_has_layer(p)) {
		add_range(out, " ", p->layer, p->layer);
		add_range(out, ".", p->unit, p->unit_to);
	}
	if (p->position >= 0)
		str_add_char(out, ' ');
	place_print_positions(p, out);
}

/* "4" or "4..7". */
static bool range(const char **s, struct position_range *r)
{
	int n;

	return !strchr(*s, ',') && positions_read(s, r, &n) && !r->open;
}

/* ".1" or ".1..4" after a layer, or nothing. */
static bool parse_units(const char *s, struct place *p)
{
	struct position_range units = { -1, -1, false };
	bool fine = !*s || (*s++ == '.' && range(&s, &units) && units.from >= 0 && units.to >= 0 && !*s);

	p->unit = units.from;
	p->unit_to = units.to;
	return fine;
}

bool place_parse_layer(const char *word, const struct place_word *of, struct place *p, const char *what, struct err *err)
{
	enum dim unit = site_table[of->site].unit;
	const char *s = word;

	p->every_layer = s && !strcmp(s, "*");
	if (p->every_layer) {
		p->layer = 0;
		return of->site == SITE_SCORES || err_set(err, ERR_USAGE, "%s: * (every layer) is for scores; write %s %s", what,
							  of->word, of->needs_unit ? "0.0" : "0");
	}
	if (!s || !positions_number(&s, &p->layer) || p->layer < 0 || !parse_units(s, p))
		return err_set(err, ERR_USAGE, "%s: expected a layer (5), or layer and %s (5.1), after %s", what,
			       unit == DIM_NONE ? "nothing else" : dim_step(unit), of->word);
	if (p->unit_to < p->unit)
		return err_set(err, ERR_USAGE, "%s: the range %d..%d runs backwards", what, p->unit, p->unit_to);
	if (p->unit >= 0 && unit == DIM_NONE)
		return err_set(err, ERR_USAGE, "%s: %s belongs to a whole layer; write %s %d", what, of->word, of->word, p->layer);
	if (p->unit < 0 && of->needs_unit)
		return err_set(err, ERR_USAGE, "%s: which %s of the layer? write %s %d.0", what, of->word, of->word, p->layer);
	return true;
}

/* "4", "4..7", "-1"; of patterns and scores also "7<4" and "7<2..4". */
bool place_parse_positions(const char *word, int T, struct place *p, const char *what, struct err *err)
{
	const char *s = word;
	struct position_range at, keys;
	int from, to;
	bool has_key = false, fine = range(&s, &at);

	if (fine && *s == '<') {
		if (p->site != SITE_PATTERN && p->site != SITE_SCORES)
			return err_set(err, ERR_USAGE, "%s: @QUERY<KEY is for pattern and scores alone", what);
		s++;
		has_key = true;
		fine = range(&s, &keys);
	}
	if (!fine || *s)
		return err_set(err, ERR_USAGE, "%s: expected a position such as @4, @-1 or @4..7 instead of @%s", what, word);
	if (!T)
		return true;
	if (!positions_resolve(&at, T, &from, &to, what, err))
		return false;
	place_set(p, DIM_POSITION, from, to);
	if (has_key && !positions_resolve(&keys, T, &from, &to, what, err))
		return false;
	if (has_key)
		place_set(p, DIM_KEY, from, to);
	return true;
}

/* The next word of `s` in word[size]; where it ends. NULL: there is none, or it is longer. */
static const char *next_word(const char *s, char *word, size_t size)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	for (n = 0; s[n] && !isspace((unsigned char)s[n]);)
		n++;
	if (!n || n >= size)
		return NULL;
	memcpy(word, s, n);
	word[n] = '\0';
	return s + n;
}

bool place_parse(const char *text, int T, struct place *p, const char *what, struct err *err)
{
	const struct place_word *of = NULL;
	const char *s, *after;
	char word[64];

	*p = PLACE_NONE;
	if ((s = next_word(text, word, sizeof word)))
		of = place_word_find(word, strlen(word));
	if (!of)
		return err_set(err, ERR_USAGE, "%s: expected a place such as head 5.1, resid_pre 3 @4 or neuron 3.17", what);
	p->site = of->site;
	p->also_mlp = of->also_mlp;
	if (place_has_layer(p)) {
		after = next_word(s, word, sizeof word);
		if (!place_parse_layer(after ? word : NULL, of, p, what, err))
			return false;
		s = after;
	}
	if ((after = next_word(s, word, sizeof word)) && *word == '@') {
		if (!place_parse_positions(word + 1, T, p, what, err))
			return false;
		s = after;
	}
	while (isspace((unsigned char)*s))
		s++;
	return !*s || err_set(err, ERR_USAGE, "%s: unexpected \"%s\"", what, s);
}

/* ---- in a model ---- */

static bool is_of_attention(enum site site)
{
	return site == SITE_Q || site == SITE_K || site == SITE_V || site == SITE_Q_NORM || site == SITE_K_NORM ||
	       site == SITE_SCORES || site == SITE_PATTERN;
}

/* Does the layer's mixer have such a site? */
static bool check_mixer(const struct place *p, const struct config *c, const char *what, struct err *err)
{
	const bool of_conv = p->site == SITE_CONV_IN || p->site == SITE_CONV_GATE;

	if (of_conv && !c->conv_taps)
		return err_set(err, ERR_ARGUMENT, "%s: this model has no short convolutions", what);
	if (of_conv && config_mixer(c, p->layer) != MIXER_CONV)
		return err_set(err, ERR_ARGUMENT, "%s: layer %d attends and has no short convolution", what, p->layer);
	return p->every_layer || !is_of_attention(p->site) || mixer_attends(c, p->layer, err) || err_in(err, "%s", what);
}

bool place_check(const struct place *p, const struct config *c, const char *what, struct err *err)
{
	enum dim unit = site_table[p->site].unit;
	int n = unit == DIM_HEAD      ? c->H
		: unit == DIM_KV_HEAD ? c->G
		: unit == DIM_NEURON  ? c->dense
		: unit == DIM_EXPERT  ? c->experts.X
				      : 0;

	if (place_has_layer(p) && p->layer >= c->L)
		return err_set(err, ERR_ARGUMENT, "%s: the model has layers 0 … %d", what, c->L - 1);
	if (place_has_layer(p) && !check_mixer(p, c, what, err))
		return false;
	if (unit == DIM_EXPERT && !c->experts.X)
		return err_set(err, ERR_ARGUMENT, "%s: this model has no experts", what);
	if (unit == DIM_EXPERT && !config_mixes(c, p->layer))
		return err_set(err, ERR_ARGUMENT, "%s: layer %d has one MLP and no experts", what, p->layer);
	if (unit == DIM_NEURON && config_mixes(c, p->layer))
		return err_set(err, ERR_ARGUMENT,
			       "%s: the MLP of layer %d is a mixture of experts, whose neurons have no places of their own; write "
			       "expert %d.%d",
			       what, p->layer, p->layer, 0);
	if (p->unit >= 0 && p->unit_to >= n)
		return err_set(err, ERR_ARGUMENT, "%s: a layer has %ss 0 … %d", what, dim_step(unit), n - 1);
	if (p->layer > 0 && p->site == SITE_EMBED)
		return err_set(err, ERR_ARGUMENT, "%s: embeddings enter layer 0; write embed 0", what);
	if (c->parallel && p->site == SITE_RESID_MID)
		return err_set(err, ERR_ARGUMENT,
			       "%s: this model runs attention and MLP side by side; there is no stream between "
			       "them",
			       what);
	return true;
}

size_t place_slice(const struct place *p, const struct config *c, size_t *from)
{
	enum site site = p->site == SITE_RESULT ? SITE_Z : p->site;
	const enum dim units = site_table[site].unit;
	size_t width = units == DIM_NEURON ? (size_t)c->dense : run_width(c, site),
	       unit = units == DIM_NEURON || units == DIM_EXPERT ? 1 : (size_t)c->K;

	*from = 0;
	if (p->unit < 0 || site == SITE_EXPERT) /* an expert's write is a row of its own */
		return width;
	*from = (size_t)p->unit * unit;
	return (size_t)(p->unit_to - p->unit + 1) * unit;
}
