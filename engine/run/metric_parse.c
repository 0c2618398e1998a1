/* metric_parse.c - see metric_parse.h. */
#include "engine/run/metric_parse.h"

#include <stdlib.h>
#include <string.h>

#include "engine/model/config.h"

/* The next word, quotes and backslashes undone; NULL at the end or (with an error) where a quote is not closed. */
static char *next_word(const char **s, bool *quoted, struct arena *arena, const char *spec, struct err *err)
{
	char *out, *w;

	while (**s == ' ' || **s == '\t')
		(*s)++;
	*quoted = false;
	if (!**s)
		return NULL;
	w = out = arena_alloc(arena, strlen(*s) + 1);
	if (**s != '"') {
		while (**s && **s != ' ' && **s != '\t')
			*w++ = *(*s)++;
		return out;
	}
	*quoted = true;
	for ((*s)++; **s && **s != '"'; (*s)++) {
		if (**s == '\\' && (*s)[1]) {
			(*s)++;
			*w++ = (char)(**s == 'n' ? '\n' : **s == 't' ? '\t' : **s);
		} else {
			*w++ = **s;
		}
	}
	if (!**s) {
		err_set(err, ERR_USAGE, "metric '%s': a quote is not closed", spec);
		return NULL;
	}
	(*s)++;
	return out;
}

static bool find_kind(const char *word, struct parsed_metric *p, const char *what, struct err *err)
{
	int kind = 0;

	while (kind < METRIC_KINDS && (!word || strcmp(word, metric_table[kind]->word)))
		kind++;
	p->kind = (enum metric_kind)kind;
	return kind < METRIC_KINDS ||
	       err_set(err, ERR_USAGE, "%s: expected logit, logit_diff, scores, norm or another kind of metric first", what);
}

static bool has_place(enum metric_takes takes)
{
	return takes == TAKES_STREAM || takes == TAKES_FILE_STREAM || takes == TAKES_TOKEN_STREAM;
}

/* "@-1", or "@13<7" of weights. */
static bool parse_position(const char *word, int T, struct parsed_metric *p, const char *what, struct err *err)
{
	char *end;

	if (metric_table[p->kind]->takes == TAKES_WEIGHT) {
		if (!strchr(word, '<'))
			return err_set(err, ERR_USAGE, "%s: expected a query and a key such as @13<7 instead of %s", what, word);
		p->has_position = true;
		if (!place_parse_positions(word + 1, T, &p->place, what, err))
			return false;
		p->position = p->place.position;
		return true;
	}
	p->position = (int)strtol(word + 1, &end, 10);
	p->has_position = end != word + 1 && !*end;
	return p->has_position || err_set(err, ERR_USAGE, "%s: expected a position such as @-1 instead of %s", what, word);
}

/* The site of what has a choice of sites: the stream, or what is written to it. */
static bool parse_site(const char *word, struct parsed_metric *p, const char *what, struct err *err)
{
	const struct place_word *of = place_word_find(word, strlen(word));

	if (!of || of->also_mlp || of->site == SITE_EMBED || site_table[of->site].width != 'D' ||
	    site_table[of->site].unit != DIM_NONE || of->site == SITE_LN_FINAL)
		return err_set(err, ERR_USAGE, "%s: expected resid_pre, resid_mid, resid_post, attn_out or mlp_out instead of %s",
			       what, word);
	p->place.site = of->site;
	return true;
}

static bool parse_layer(const char *word, struct parsed_metric *p, const char *what, struct err *err)
{
	const struct metric_info *info = metric_table[p->kind];
	const struct place_word of = { info->site == SITE_NONE ? site_table[p->place.site].name : info->word, p->place.site, false,
				       info->site != SITE_NONE, NULL };

	if (!place_parse_layer(word, &of, &p->place, what, err))
		return false;
	return p->place.unit_to == p->place.unit ||
	       err_set(err, ERR_USAGE, "%s: expected one %s instead of %s", what, dim_step(site_table[p->place.site].unit), word);
}

/* One word after the kind's, where it belongs. `targets`: tokens so far. */
static bool parse_word(char *word, bool quoted, int T, struct parsed_metric *p, int *targets, const char *what, struct err *err)
{
	const struct metric_info *info = metric_table[p->kind];

	if (*word == '@' && !quoted)
		return parse_position(word, T, p, what, err);
	if (*targets < metric_targets(p->kind)) {
		p->target[(*targets)++] = word;
		return true;
	}
	if (info->takes == TAKES_FILE_STREAM && !p->file) {
		p->file = word;
		return true;
	}
	if (has_place(info->takes) && p->place.site == SITE_NONE)
		return parse_site(word, p, what, err);
	if (p->place.site != SITE_NONE && p->place.layer < 0)
		return parse_layer(word, p, what, err);
	return err_set(err, ERR_USAGE, "%s: unexpected \"%s\"; expected %s%s%s", what, word, info->word,
		       *info->arguments ? " " : "", info->arguments);
}

/* Between a part's place and its metric; NULL: there is no such word. */
static const char *find_of(const char *s)
{
	return strstr(s, " of ");
}

size_t metric_own_bytes(const char *spec)
{
	const size_t word = strcspn(spec, " ");
	const char *part = metric_table[METRIC_PART]->word,
		   *of = strlen(part) == word && !strncmp(part, spec, word) ? find_of(spec) : NULL;

	return of ? (size_t)(of - spec) : strlen(spec);
}

/* "head 2.1 @7 of logit …" */
static bool parse_part(const char *s, int T, struct parsed_metric *p, struct arena *arena, const char *what, struct err *err)
{
	const char *of = find_of(s);

	if (!of)
		return err_set(err, ERR_USAGE,
			       "%s: expected a place, the word of, and a metric, such as part head 2.1 of logit \" "
			       "Paris\"",
			       what);
	p->of = of + 4;
	p->has_position = memchr(s, '@', (size_t)(of - s)) != NULL;
	if (!place_parse(arena_strndup(arena, s, (size_t)(of - s)), T, &p->place, what, err))
		return false;
	p->position = p->place.position;
	return true;
}

static bool is_whole(const struct parsed_metric *p, int targets, const char *what, struct err *err)
{
	const struct metric_info *info = metric_table[p->kind];
	const int need = metric_targets(p->kind);

	if (targets < need)
		return err_set(err, ERR_USAGE, "%s: %s needs %d token%s in quotes after it", what, info->word, need,
			       need == 1 ? "" : "s");
	if (info->takes > TAKES_TOKENS && (p->place.layer < 0 || (info->takes == TAKES_WEIGHT && !p->has_position)))
		return err_set(err, ERR_USAGE, "%s: expected %s %s", what, info->word, info->arguments);
	return true;
}

static bool parse(const char *spec, int T, struct parsed_metric *p, struct arena *arena, const char *what, struct err *err)
{
	const char *s = spec;
	bool quoted;
	struct err before = { 0 };
	char *word = next_word(&s, &quoted, arena, spec, &before);
	int targets = 0;

	*p = (struct parsed_metric){ .place = PLACE_NONE };
	if (!find_kind(word, p, what, err))
		return false;
	p->place.site = metric_table[p->kind]->site;
	if (p->kind == METRIC_PART)
		return parse_part(s, T, p, arena, what, err);
	while ((word = next_word(&s, &quoted, arena, spec, &before)))
		if (!parse_word(word, quoted, T, p, &targets, what, err))
			return false;
	if (before.kind) {
		*err = before;
		return false;
	}
	return is_whole(p, targets, what, err);
}

bool metric_parse(const char *spec, int T, struct parsed_metric *p, struct arena *arena, struct err *err)
{
	return parse(spec, T, p, arena, arena_printf(arena, "metric '%s'", spec), err);
}

const char *metric_file_word(const char *spec, struct arena *arena, size_t *from, size_t *to)
{
	const char *s = spec;
	struct err err = { 0 };
	struct parsed_metric p;
	bool quoted;
	const char *word = next_word(&s, &quoted, arena, spec, &err), *file = NULL;

	if (!find_kind(word, &p, "", &err))
		return NULL;
	if (p.kind == METRIC_PART && (word = find_of(spec))) {
		file = metric_file_word(word + 4, arena, from, to);
		*from += (size_t)(word + 4 - spec);
		*to += (size_t)(word + 4 - spec);
	}
	while (metric_table[p.kind]->takes == TAKES_FILE_STREAM && !file) {
		*from = (size_t)(s + strspn(s, " \t") - spec);
		if (!(word = next_word(&s, &quoted, arena, spec, &err)))
			return NULL;
		*to = (size_t)(s - spec);
		file = *word == '@' && !quoted ? NULL : word;
	}
	return file;
}

bool metric_token_number(const char *text, long *number)
{
	char *end;

	*number = *text == '#' ? strtol(text + 1, &end, 10) : -1;
	return *text == '#' && end != text + 1 && !*end;
}

static bool check_target(const char *text, int V, struct err *err)
{
	long number;

	if (!*text)
		return err_set(err, ERR_ARGUMENT, "metric: \"\" is not a token");
	return !metric_token_number(text, &number) || !V || (number >= 0 && number < V) ||
	       err_set(err, ERR_ARGUMENT, "metric: the vocabulary has the tokens #0 … #%d, not %s", V - 1, text);
}

static bool check_weight(const struct place *p, const struct config *c, struct err *err)
{
	const int window = c && c->window ? c->window[p->layer] : 0;

	if (p->position_to != p->position || p->key_to != p->key)
		return err_set(err, ERR_ARGUMENT, "metric: expected one query and one key, such as @%d<%d", p->position, p->key);
	if (p->key > p->position)
		return err_set(err, ERR_ARGUMENT, "metric: key %d comes after query %d, which does not see it", p->key,
			       p->position);
	return p->site == SITE_PATTERN || !window || p->position - p->key < window ||
	       err_set(err, ERR_ARGUMENT, "metric: layer %d looks %d positions back at most; query %d has no score for key %d",
		       p->layer, window - 1, p->position, p->key);
}

/*
 * The last position at which a metric reads the stream, in a prompt of T tokens: of a score the key's, its query is frozen. A head
 * that is a part reads the keys before it, too.
 */
static int last_read(const struct parsed_metric *p, int T, struct arena *arena, bool *before_too)
{
	struct parsed_metric of;
	struct err err = { 0 };

	*before_too = p->kind == METRIC_PART;
	if (metric_table[p->kind]->takes == TAKES_WEIGHT)
		return p->place.key;
	if (p->has_position)
		return p->position + (p->position < 0 ? T : 0);
	if (p->kind != METRIC_PART || !metric_parse(p->of, T, &of, arena, &err))
		return T - 1;
	return last_read(&of, T, arena, &(bool){ false });
}

/* Whether a part at that position (-1: at all that are read) can be one of the metric. T 0: not known yet. */
static bool check_position(const struct parsed_metric *whole, const char *spec, int position, int T, struct arena *arena,
			   struct err *err)
{
	bool before_too;
	const int last = last_read(whole, T, arena, &before_too);

	if (!T || position < 0 || position == last || (position < last && before_too))
		return true;
	return before_too ? err_set(err, ERR_ARGUMENT, "metric: %s reads positions up to %d, not %d", spec, last, position)
			  : err_set(err, ERR_ARGUMENT, "metric: %s reads position %d, not %d", spec, last, position);
}

/* What a part is of: a sum over the stream. MLPs and their neurons are none, not even with norms frozen. */
static bool check_whole(const char *spec, const struct config *c, int position, int T, struct err *err)
{
	struct arena *arena = arena_new();
	struct parsed_metric p;
	bool ok = metric_parse(spec, T, &p, arena, err) && metric_parsed_check(&p, c, T, err);

	if (ok && metric_table[p.kind]->instead)
		ok = err_set(err, ERR_ARGUMENT, "metric: %s is not linear in the stream: ask %s", spec,
			     metric_table[p.kind]->instead);
	ok = ok && check_position(&p, spec, position, T, arena, err);
	arena_free(arena);
	return ok;
}

/* What is the part of a sum: what writes to the stream, or the stream. */
static bool check_part(const struct parsed_metric *p, const struct config *c, int T, struct err *err)
{
	static const enum site fine[] = { SITE_RESULT,	SITE_ATTN_OUT,	SITE_MLP_POST,	SITE_MLP_OUT,	SITE_EMBED,
					  SITE_PATTERN, SITE_RESID_PRE, SITE_RESID_MID, SITE_RESID_POST };
	const struct place *place = &p->place;
	size_t i = 0;

	while (i < sizeof fine / sizeof *fine && fine[i] != place->site)
		i++;
	if (i == sizeof fine / sizeof *fine || place->also_mlp)
		return err_set(err, ERR_ARGUMENT,
			       "metric: a part is what writes to the stream: head, attn_out, neuron, mlp_out, "
			       "embed, or pattern for one source");
	if ((place->site == SITE_MLP_POST && place->unit < 0) || place->unit_to != place->unit)
		return err_set(err, ERR_ARGUMENT, "metric: a part is of one %s", dim_step(site_table[place->site].unit));
	if (place->site == SITE_PATTERN && (place->unit < 0 || (T && place->key < 0)))
		return err_set(err, ERR_ARGUMENT, "metric: a source is one head's, of one query and key: pattern 2.1 @13<7");
	if (T && place->position_to != place->position)
		return err_set(err, ERR_ARGUMENT, "metric: a part is of one position, or, without @, of all that are read");
	if (T && place->site == SITE_PATTERN && !check_weight(place, c, err))
		return false;
	return check_whole(p->of, c, place->position, T, err);
}

static bool check_place(const struct parsed_metric *p, const struct config *c, int T, struct err *err)
{
	if (c && !place_check(&p->place, c, "metric", err))
		return false;
	if (c && p->place.site == SITE_MLP_UP && !c->gated)
		return err_set(err, ERR_ARGUMENT, "metric: this model's neurons have no gate: ask neuron_pre %d.%d", p->place.layer,
			       p->place.unit);
	if (p->kind == METRIC_PART)
		return check_part(p, c, T, err);
	return !T || metric_table[p->kind]->takes != TAKES_WEIGHT || check_weight(&p->place, c, err);
}

bool metric_parsed_check(const struct parsed_metric *p, const struct config *c, int T, struct err *err)
{
	if (p->has_position && T && (p->position < -T || p->position >= T))
		return err_set(err, ERR_ARGUMENT, "metric: position %d is outside the prompt, which has %d tokens", p->position, T);
	if (p->kind == METRIC_LOSS && T == 1)
		return err_set(err, ERR_ARGUMENT, "metric: the loss needs a prompt of at least two tokens");
	for (int i = 0; i < metric_targets(p->kind); i++)
		if (!check_target(p->target[i], c ? c->V : 0, err))
			return false;
	return metric_table[p->kind]->takes <= TAKES_TOKENS || check_place(p, c, T, err);
}

bool metric_check(const char *spec, const struct config *c, int T, struct err *err)
{
	struct arena *arena = arena_new();
	struct parsed_metric p;
	bool ok = !spec || !*spec || (metric_parse(spec, T, &p, arena, err) && metric_parsed_check(&p, c, T, err));

	arena_free(arena);
	return ok;
}
