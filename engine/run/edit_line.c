/* edit_line.c - the grammar of edits: the table of ops, parsing a line and writing it. See edit.h. */
#include "engine/run/edit.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/run/asset.h"
#include "engine/run/norms.h"

static const char no_directions[] = "a pattern has one number for each key, and no directions";

static const char no_choice[] = "an expert alone can be chosen or not";

/* clang-format off */
const struct edit_op_info edit_ops[EDIT_OPS] = {
	[EDIT_ZERO] = { "zero", "", "set to zero; scores that are all zero make softmax look at every key alike",
			EDIT_ON_ALL | EDIT_ON_EXPERTS, NULL },
	[EDIT_MEAN] = { "mean", "[FILE [same]]", "set to its mean over the prompt's positions in the unedited run; with a FILE of "
						 "prompts (one a line, or JSON lines with \"prompt\"): over all positions of all "
						 "of them, or, with same, at the same position of those with as many tokens as "
						 "this one", EDIT_ON_VECTORS | EDIT_ON_HEADS | EDIT_ON_WEIGHTS | EDIT_ON_EXPERTS,
			"a key that a query may not see has the score -inf, and so there is no mean over queries" },
	[EDIT_SCALE] = { "scale", "FACTOR", "multiply by FACTOR", EDIT_ON_ALL | EDIT_ON_EXPERTS, NULL },
	[EDIT_ADD] = { "add", "FILE [STRENGTH]", "add the vector in FILE, times STRENGTH: .npy, .npz, .safetensors, .pt (of "
						 "several: FILE:NAME), or a control vector's .gguf; "
		       "on scores and pattern: add NUMBER", EDIT_ON_ALL | EDIT_ON_EXPERTS, NULL },
	[EDIT_PATCH] = { "patch", "", "set to its value in the foil's run, at the same position", EDIT_ON_ALL | EDIT_ON_EXPERTS,
			 NULL },
	[EDIT_RESAMPLE] = { "resample", "FILE [SEED | line N]",
			    "set to its value at the same position of another prompt of the FILE with as many tokens: the one that "
			    "SEED (0) draws, or that of line N", EDIT_ON_ALL, NULL },
	[EDIT_FREEZE] = { "freeze", "", "keep its value of the unedited run, whatever other edits do below it",
			  EDIT_ON_ALL | EDIT_ON_SCALES | EDIT_ON_EXPERTS, NULL },
	[EDIT_INTERCHANGE] = { "interchange", "BASIS",
			       "take over from the foil's run what lies in the space of the orthonormal vectors in BASIS: .npy, "
			       ".npz, .safetensors or .pt, a vector a row", EDIT_ON_VECTORS | EDIT_ON_HEADS, no_directions },
	[EDIT_NOISE] = { "noise", "SIGMA [SEED]", "add Gaussian noise of SIGMA standard deviations of the prompt's token "
						  "embeddings; the same SEED (0) gives the same noise",
			 EDIT_ON_VECTORS | EDIT_ON_HEADS, "its size is measured in embeddings, which weights and scores are not" },
	[EDIT_PROJECT] = { "project", "FILE", "take the direction of the vector in FILE out of it",
			   EDIT_ON_VECTORS | EDIT_ON_HEADS | EDIT_ON_EXPERTS, no_directions },
	[EDIT_MASK] = { "mask", "", "hide a key (@QUERY<KEY) from softmax: the other weights grow; zero on pattern leaves them as "
				    "they are",
			EDIT_ON_SCORES, "only what softmax reads can be hidden from it" },
	[EDIT_FORBID] = { "forbid", "", "never choose the expert: another takes its place, and the weights are those without it",
			  EDIT_ON_EXPERTS, no_choice },
	[EDIT_FORCE] = { "force", "", "always choose the expert, with the weight that its router gives it; the last of the others "
				      "makes room", EDIT_ON_EXPERTS, no_choice },
	[EDIT_BIAS] = { "bias", "NUMBER", "add NUMBER to the expert's router logit", EDIT_ON_EXPERTS, no_choice },
};
/* clang-format on */

/* The next word of the line, without its quotes; NULL at the end. */
static char *next_word(const char **line, struct arena *arena)
{
	const char *s = *line, *end;
	char quote = 0;

	while (isspace((unsigned char)*s))
		s++;
	if (!*s)
		return NULL;
	if (*s == '"' || *s == '\'')
		quote = *s++;
	for (end = s; *end && (quote ? *end != quote : !isspace((unsigned char)*end));)
		end++;
	*line = quote && *end ? end + 1 : end;
	return arena_strndup(arena, s, (size_t)(end - s));
}

/* "4", "4..7", "4..", "1,3,5..7", "-1"; for patterns also "7<4" and "7<2..4". */
static bool parse_positions(const char *word, struct edit *e, struct arena *arena, const char *line, struct err *err)
{
	const char *s = word;
	struct position_range keys = { 0 };
	int n = 0;

	e->range = arena_alloc(arena, (size_t)positions_room(word) * sizeof *e->range);
	if (!positions_read(&s, e->range, &e->ranges))
		goto wrong;
	if (*s == '<') {
		s++;
		if (e->place.site != SITE_PATTERN && e->place.site != SITE_SCORES)
			return err_set(err, ERR_USAGE, "edit \"%s\": @QUERY<KEY is for pattern and scores alone", line);
		if (strchr(s, ',') || !positions_read(&s, &keys, &n) || keys.open)
			goto wrong;
		e->key = keys.from;
		e->key_to = keys.to;
		e->has_key = true;
	}
	if (!*s)
		return true;
wrong:
	return err_set(err, ERR_USAGE, "edit \"%s\": expected positions such as @4, @-1, @4..7, @4.. or @1,3 instead of @%s", line,
		       word);
}

static bool parse_float(const char *word, float *out)
{
	char *end;

	if (!word)
		return false;
	*out = strtof(word, &end);
	return end != word && !*end && isfinite(*out);
}

static unsigned kind_of(enum site site)
{
	return site == SITE_RESULT    ? EDIT_ON_HEADS
	       : site == SITE_EXPERT  ? EDIT_ON_EXPERTS
	       : site == SITE_PATTERN ? EDIT_ON_WEIGHTS
	       : site == SITE_SCORES  ? EDIT_ON_SCORES
	       : norms_is(site)	      ? EDIT_ON_SCALES
				      : EDIT_ON_VECTORS;
}

bool edit_op_fits(enum site site, enum edit_op op)
{
	return (edit_ops[op].on & kind_of(site)) != 0;
}

/* "zero, mean or scale": the ops that work on a site. */
static const char *ops_for(enum site site, struct arena *arena)
{
	const char *list = "";
	int left = 0;

	for (int i = 0; i < EDIT_OPS; i++)
		left += edit_op_fits(site, (enum edit_op)i);
	for (int i = 0; i < EDIT_OPS; i++)
		if (edit_op_fits(site, (enum edit_op)i)) {
			list = arena_printf(arena, "%s%s%s", list, edit_ops[i].word, left > 2 ? ", " : left == 2 ? " or " : "");
			left--;
		}
	return list;
}

static const char *list_of_places(struct arena *arena)
{
	const char *list = "";

	for (const struct place_word *w = place_words; w->word; w++)
		list = arena_printf(arena, "%s%s%s", list, w == place_words ? "" : w[1].word ? ", " : " or ", w->word);
	return list;
}

/* A number after the op, or what there is when it may be left out. */
static bool parse_amount(const char **rest, struct edit *e, const char *missing, struct arena *arena, const char *line,
			 struct err *err)
{
	const char *word = next_word(rest, arena);

	if (!word && !missing)
		return true;
	if (!parse_float(word, &e->amount))
		return err_set(err, ERR_USAGE, "edit \"%s\": %s%s%s", line,
			       missing ? missing : "the strength after the file should be a number", word ? ", not " : "",
			       word ? word : "");
	return true;
}

/* Over keys, add has a number instead. */
static bool reads_vector(enum site site, enum edit_op op)
{
	bool over_keys = site == SITE_PATTERN || site == SITE_SCORES;

	return op == EDIT_PROJECT || op == EDIT_INTERCHANGE || (op == EDIT_ADD && !over_keys);
}

const struct asset_kind *edit_op_file(enum site site, enum edit_op op)
{
	if (op == EDIT_MEAN || op == EDIT_RESAMPLE)
		return &asset_prompts;
	return op == EDIT_INTERCHANGE ? &asset_basis : reads_vector(site, op) ? &asset_vectors : NULL;
}

static bool parse_seed(const char *word, struct edit *e, const char *line, struct err *err)
{
	if (!positions_number(&word, &e->seed) || *word || e->seed < 0)
		return err_set(err, ERR_USAGE, "edit \"%s\": the seed after %s should be a whole number from 0 on", line,
			       edit_ops[e->op].word);
	return true;
}

/* [FILE [same]] */
static bool parse_mean(const char **rest, struct edit *e, struct arena *arena, const char *line, struct err *err)
{
	const char *more;

	e->file = next_word(rest, arena);
	if (e->file && e->place.site == SITE_EXPERT)
		return err_set(err, ERR_USAGE,
			       "edit \"%s\": the mean of an expert is that over the prompt's positions, without a file", line);
	if (!e->file || !(more = next_word(rest, arena)))
		return true;
	e->same = !strcmp(more, "same");
	return e->same || err_set(err, ERR_USAGE, "edit \"%s\": after the file of mean comes nothing, or same, not %s", line, more);
}

/* FILE [SEED | line N] */
static bool parse_resample(const char **rest, struct edit *e, struct arena *arena, const char *line, struct err *err)
{
	const char *more;

	if (!(e->file = next_word(rest, arena)))
		return err_set(err, ERR_USAGE, "edit \"%s\": resample needs a file of prompts after it", line);
	if (!(more = next_word(rest, arena)))
		return true;
	if (strcmp(more, "line"))
		return parse_seed(more, e, line, err);
	more = next_word(rest, arena);
	return (more && positions_number(&more, &e->line) && !*more && e->line > 0) ||
	       err_set(err, ERR_USAGE, "edit \"%s\": line needs the number of a line of the file, from 1 on", line);
}

static bool parse_arguments(const char **rest, struct edit *e, struct arena *arena, const char *line, struct err *err)
{
	const char *more;

	e->amount = 1;
	if (e->op == EDIT_MEAN && !parse_mean(rest, e, arena, line, err))
		return false;
	if (e->op == EDIT_RESAMPLE && !parse_resample(rest, e, arena, line, err))
		return false;
	if (reads_vector(e->place.site, e->op) && !(e->file = next_word(rest, arena)))
		return err_set(err, ERR_USAGE, "edit \"%s\": %s needs a FILE.npy, .npz, .safetensors, .pt or .gguf after it", line,
			       edit_ops[e->op].word);
	if (e->op == EDIT_ADD && !parse_amount(rest, e, e->file ? NULL : "add needs a number after it there", arena, line, err))
		return false;
	if (e->op == EDIT_BIAS && !parse_amount(rest, e, "bias needs a number after it", arena, line, err))
		return false;
	if (e->op == EDIT_SCALE && !parse_amount(rest, e, "scale needs a number after it", arena, line, err))
		return false;
	if (e->op == EDIT_NOISE && !parse_amount(rest, e, "noise needs a number of standard deviations after it", arena, line, err))
		return false;
	if (e->op == EDIT_NOISE && (more = next_word(rest, arena)) && !parse_seed(more, e, line, err))
		return false;
	if (e->place.every_layer && (e->op == EDIT_PATCH || e->op == EDIT_RESAMPLE || e->op == EDIT_FREEZE))
		return err_set(err, ERR_USAGE, "edit \"%s\": * (every layer) is for mask, zero, scale and add", line);
	if (e->op == EDIT_MASK && !e->has_key)
		return err_set(err, ERR_USAGE, "edit \"%s\": mask needs a key: @QUERY<KEY, such as @-1<2", line);
	if ((more = next_word(rest, arena)))
		return err_set(err, ERR_USAGE, "edit \"%s\": unexpected \"%s\"", line, more);
	return true;
}

static bool parse_op(const char *word, struct edit *e, struct arena *arena, const char *line, struct err *err)
{
	int op = 0;

	while (op < EDIT_OPS && (!word || strcmp(word, edit_ops[op].word)))
		op++;
	if (op == EDIT_OPS)
		return err_set(err, ERR_USAGE, "edit \"%s\": expected %s%s%s", line, ops_for(e->place.site, arena),
			       word ? " instead of " : " at the end", word ? word : "");
	if (!edit_op_fits(e->place.site, (enum edit_op)op))
		return err_set(err, ERR_USAGE, "edit \"%s\": %s does not work on %s: %s; there: %s", line, edit_ops[op].word,
			       place_word_of(&e->place)->word,
			       kind_of(e->place.site) == EDIT_ON_SCALES ? "the scale of a norm can be kept, and nothing else"
									: edit_ops[op].elsewhere,
			       ops_for(e->place.site, arena));
	e->op = (enum edit_op)op;
	return true;
}

bool edit_parse(const char *line, struct edit *e, struct arena *arena, struct err *err)
{
	const char *rest = line;
	char *word = next_word(&rest, arena);
	const struct place_word *of;

	*e = (struct edit){ 0 };
	if (!word || !(of = place_word_find(word, strlen(word))))
		return err_set(err, ERR_USAGE, "edit \"%s\": expected %s first", line, list_of_places(arena));
	e->place = place_at(of->site, -1, -1, -1);
	e->place.also_mlp = of->also_mlp;
	if (place_has_layer(&e->place) &&
	    !place_parse_layer(next_word(&rest, arena), of, &e->place, arena_printf(arena, "edit \"%s\"", line), err))
		return false;
	word = next_word(&rest, arena);
	if (word && *word == '@') {
		if (!parse_positions(word + 1, e, arena, line, err))
			return false;
		word = next_word(&rest, arena);
	}
	return parse_op(word, e, arena, line, err) && parse_arguments(&rest, e, arena, line, err);
}

bool edit_has_amount(const struct edit *e)
{
	return e->op == EDIT_SCALE || e->op == EDIT_NOISE || e->op == EDIT_ADD || e->op == EDIT_BIAS;
}

/* As a word that next_word reads as it was: in quotes where it must be, of the kind that is not in it. */
static void add_file(struct str *out, const char *file)
{
	bool plain = *file && *file != '"' && *file != '\'';
	char quote = strchr(file, '"') ? '\'' : '"';

	for (const char *s = file; *s; s++)
		plain = plain && !isspace((unsigned char)*s);
	if (plain)
		str_addf(out, " %s", file);
	else
		str_addf(out, " %c%s%c", quote, file, quote);
}

static void add_range(struct str *out, const char *before, int from, int to)
{
	str_addf(out, "%s%d", before, from);
	if (to != from)
		str_addf(out, "..%d", to);
}

void edit_print(const struct edit *e, struct str *out)
{
	place_print(&e->place, out);
	for (int i = 0; i < e->ranges; i++) {
		add_range(out, i ? "," : " @", e->range[i].from, e->range[i].to);
		if (e->range[i].open)
			str_add(out, "..");
	}
	if (e->has_key)
		add_range(out, "<", e->key, e->key_to);
	str_addf(out, " %s", edit_ops[e->op].word);
	if (e->file)
		add_file(out, e->file);
	if (e->same)
		str_add(out, " same");
	if (e->line)
		str_addf(out, " line %d", e->line);
	if (e->op == EDIT_SCALE || e->op == EDIT_NOISE || e->op == EDIT_BIAS ||
	    (e->op == EDIT_ADD && (!e->file || e->amount != 1))) {
		str_add_char(out, ' ');
		json_write_float(out, e->amount); /* as few digits as say which float it is */
	}
	if (e->seed)
		str_addf(out, " %d", e->seed);
}
