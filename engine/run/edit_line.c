/* edit_line.c - the grammar of edits: the tables of targets and ops, parsing a line and writing it. See edit.h. */
#include "engine/run/edit.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct edit_target edit_targets[] = {
	{ "head", SITE_RESULT, false, "what a head writes to the stream (L.H)" },
	{ "kv", SITE_V, false, "the values of a key/value head, which a group of heads shares (L.G)" },
	{ "neuron", SITE_MLP_POST, false, "a neuron of the MLP, after its activation (L.N)" },
	{ "attn_out", SITE_ATTN_OUT, false, "all that attention writes in a layer (L)" },
	{ "mlp_out", SITE_MLP_OUT, false, "all that the MLP writes in a layer (L)" },
	{ "layer", SITE_ATTN_OUT, true, "attention and MLP of a layer together (L)" },
	{ "embed", SITE_EMBED, false, "token embeddings, with learned positions, as they enter layer 0 (write embed 0)" },
	{ "resid_pre", SITE_RESID_PRE, false, "the residual stream entering a layer (L)" },
	{ "resid_mid", SITE_RESID_MID, false, "the residual stream between attention and MLP (L)" },
	{ "resid_post", SITE_RESID_POST, false, "the residual stream leaving a layer (L)" },
	{ "scores", SITE_SCORES, false, "attention scores before softmax (L or L.H, @QUERY<KEY for one)" },
	{ "pattern", SITE_PATTERN, false, "attention weights after softmax (L.H, @QUERY<KEY for one)" },
	{ "z", SITE_Z, false, "mixed values of a head, before W_O (L.H)" },
	{ "q", SITE_Q, false, "queries of a head (L.H)" },
	{ "k", SITE_K, false, "keys of a key/value head (L.G)" },
	{ "v", SITE_V, false, "values of a key/value head (L.G)" },
	{ "mlp_pre", SITE_MLP_PRE, false, "neurons before the activation (L or L.N)" },
	{ "mlp_post", SITE_MLP_POST, false, "neurons after the activation (L or L.N)" },
	{ NULL, SITE_NONE, false, NULL },
};

const struct edit_op_info edit_ops[EDIT_OPS] = {
	[EDIT_ZERO] = { "zero", "", "set to zero", EDIT_ON_VECTORS | EDIT_ON_HEADS | EDIT_ON_WEIGHTS },
	[EDIT_MEAN] = { "mean", "", "set to its mean over the prompt's positions in the unedited run",
			EDIT_ON_VECTORS | EDIT_ON_HEADS | EDIT_ON_WEIGHTS },
	[EDIT_SCALE] = { "scale", "FACTOR", "multiply by FACTOR", EDIT_ON_VECTORS | EDIT_ON_HEADS | EDIT_ON_WEIGHTS | EDIT_ON_SCORES },
	[EDIT_ADD] = { "add", "FILE [STRENGTH]", "add the vector in FILE, times STRENGTH: .npy, .safetensors (FILE:NAME), or a control vector's .gguf", EDIT_ON_VECTORS | EDIT_ON_HEADS },
	[EDIT_PATCH] = { "patch", "", "set to its value in the foil's run, at the same position",
			 EDIT_ON_VECTORS | EDIT_ON_HEADS | EDIT_ON_WEIGHTS },
	[EDIT_FREEZE] = { "freeze", "", "keep its value of the unedited run, whatever other edits do below it",
			  EDIT_ON_VECTORS | EDIT_ON_HEADS | EDIT_ON_WEIGHTS },
	[EDIT_NOISE] = { "noise", "SIGMA [SEED]", "add Gaussian noise of SIGMA standard deviations of the prompt's token embeddings; the same "
			 "SEED (0) gives the same noise", EDIT_ON_VECTORS | EDIT_ON_HEADS },
	[EDIT_PROJECT] = { "project", "FILE", "take the direction of the vector in FILE out of it", EDIT_ON_VECTORS },
	[EDIT_MASK] = { "mask", "", "hide a key (@QUERY<KEY) from softmax: the other weights grow; zero on pattern leaves them as they are",
			EDIT_ON_SCORES },
};

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

/* A whole number at *s; moves *s behind it. */
static bool number(const char **s, int *out)
{
	char *end;
	long x = strtol(*s, &end, 10);

	if (end == *s || isspace((unsigned char)**s) || x > 100000000 || x < -100000000)
		return false;
	*s = end;
	*out = (int)x;
	return true;
}

static bool parse_place(const char *word, struct edit *e, const char *line, struct err *err)
{
	const char *s = word;

	e->unit = -1;
	if (!s || !number(&s, &e->layer) || e->layer < 0 || (*s == '.' && (s++, !number(&s, &e->unit) || e->unit < 0)) || *s)
		return err_set(err, ERR_USAGE, "edit \"%s\": expected a layer (5), or layer and %s (5.1), after %s", line,
			       site_table[e->target->site].unit == DIM_NONE ? "nothing else" : dim_step(site_table[e->target->site].unit),
			       e->target->word);
	if (e->unit >= 0 && site_table[e->target->site].unit == DIM_NONE)
		return err_set(err, ERR_USAGE, "edit \"%s\": %s belongs to a whole layer; write %s %d", line, e->target->word,
			       e->target->word, e->layer);
	if (e->unit < 0 && (!strcmp(e->target->word, "head") || !strcmp(e->target->word, "neuron") || !strcmp(e->target->word, "kv")))
		return err_set(err, ERR_USAGE, "edit \"%s\": which %s of the layer? write %s %d.0", line, e->target->word,
			       e->target->word, e->layer);
	return true;
}

/* "4", "4..7", "1,3,5..7", "-1"; for patterns also "7<4". */
static bool parse_positions(const char *word, struct edit *e, struct arena *arena, const char *line, struct err *err)
{
	const char *s = word;
	int commas = 1;

	for (const char *p = word; *p; p++)
		commas += *p == ',';
	e->range = arena_alloc(arena, (size_t)commas * sizeof *e->range);
	do {
		struct edit_range r;

		if (!number(&s, &r.from))
			goto wrong;
		r.to = r.from;
		if (s[0] == '.' && s[1] == '.' && (s += 2, !number(&s, &r.to)))
			goto wrong;
		e->range[e->ranges++] = r;
	} while (*s == ',' && s++);
	if (*s == '<') {
		s++;
		if (e->target->site != SITE_PATTERN && e->target->site != SITE_SCORES)
			return err_set(err, ERR_USAGE, "edit \"%s\": @QUERY<KEY is for pattern and scores alone", line);
		if (!number(&s, &e->key))
			goto wrong;
		e->has_key = true;
	}
	if (!*s)
		return true;
wrong:
	return err_set(err, ERR_USAGE, "edit \"%s\": expected positions such as @4, @-1, @4..7 or @1,3 instead of @%s", line, word);
}

static bool parse_float(const char *word, float *out)
{
	char *end;

	if (!word)
		return false;
	*out = strtof(word, &end);
	return end != word && !*end && isfinite(*out);
}

static unsigned kind_of(const struct edit_target *target)
{
	return target->site == SITE_RESULT ? EDIT_ON_HEADS : target->site == SITE_PATTERN ? EDIT_ON_WEIGHTS
	       : target->site == SITE_SCORES ? EDIT_ON_SCORES : EDIT_ON_VECTORS;
}

bool edit_op_fits(const struct edit_target *target, enum edit_op op)
{
	return (edit_ops[op].on & kind_of(target)) != 0;
}

/* "zero, mean or scale": the ops that work on a target. */
static const char *ops_for(const struct edit_target *target, struct arena *arena)
{
	const char *list = "";
	int left = 0;

	for (int i = 0; i < EDIT_OPS; i++)
		left += edit_op_fits(target, (enum edit_op)i);
	for (int i = 0; i < EDIT_OPS; i++)
		if (edit_op_fits(target, (enum edit_op)i)) {
			list = arena_printf(arena, "%s%s%s", list, edit_ops[i].word, left > 2 ? ", " : left == 2 ? " or " : "");
			left--;
		}
	return list;
}

static const char *target_words(struct arena *arena)
{
	const char *list = "";

	for (const struct edit_target *t = edit_targets; t->word; t++)
		list = arena_printf(arena, "%s%s%s", list, t == edit_targets ? "" : t[1].word ? ", " : " or ", t->word);
	return list;
}

/* A number behind the op, or what there is when it may be left out. */
static bool parse_amount(const char **rest, struct edit *e, const char *missing, struct arena *arena, const char *line, struct err *err)
{
	const char *word = next_word(rest, arena);

	if (!word && !missing)
		return true;
	if (!parse_float(word, &e->amount))
		return err_set(err, ERR_USAGE, "edit \"%s\": %s%s%s", line, missing ? missing : "the strength behind the file should be a number",
			       word ? ", not " : "", word ? word : "");
	return true;
}

static bool parse_arguments(const char **rest, struct edit *e, struct arena *arena, const char *line, struct err *err)
{
	const char *more;

	e->amount = 1;
	if ((e->op == EDIT_ADD || e->op == EDIT_PROJECT) && !(e->file = next_word(rest, arena)))
		return err_set(err, ERR_USAGE, "edit \"%s\": %s needs a FILE.npy, .safetensors or .gguf behind it", line, edit_ops[e->op].word);
	if (e->op == EDIT_ADD && !parse_amount(rest, e, NULL, arena, line, err))
		return false;
	if (e->op == EDIT_SCALE && !parse_amount(rest, e, "scale needs a number behind it", arena, line, err))
		return false;
	if (e->op == EDIT_NOISE && !parse_amount(rest, e, "noise needs a number of standard deviations behind it", arena, line, err))
		return false;
	if (e->op == EDIT_NOISE && (more = next_word(rest, arena)) && (!number(&more, &e->seed) || *more || e->seed < 0))
		return err_set(err, ERR_USAGE, "edit \"%s\": the seed behind noise should be a whole number from 0 on", line);
	if (e->op == EDIT_MASK && !e->has_key)
		return err_set(err, ERR_USAGE, "edit \"%s\": mask needs a key: @QUERY<KEY, such as @-1<2", line);
	if ((more = next_word(rest, arena)))
		return err_set(err, ERR_USAGE, "edit \"%s\": \"%s\" is too much", line, more);
	return true;
}

static bool parse_op(const char *word, struct edit *e, struct arena *arena, const char *line, struct err *err)
{
	int op = 0;

	while (op < EDIT_OPS && (!word || strcmp(word, edit_ops[op].word)))
		op++;
	if (op == EDIT_OPS)
		return err_set(err, ERR_USAGE, "edit \"%s\": expected %s%s%s", line, ops_for(e->target, arena), word ? " instead of " : " at the end",
			       word ? word : "");
	if (!edit_op_fits(e->target, (enum edit_op)op))
		return err_set(err, ERR_USAGE, "edit \"%s\": %s does not work on %s; there: %s", line, edit_ops[op].word, e->target->word,
			       ops_for(e->target, arena));
	e->op = (enum edit_op)op;
	return true;
}

bool edit_parse(const char *line, struct edit *e, struct arena *arena, struct err *err)
{
	const char *rest = line;
	char *word = next_word(&rest, arena);

	*e = (struct edit){ 0 };
	e->target = edit_targets;
	while (e->target->word && (!word || strcmp(word, e->target->word)))
		e->target++;
	if (!e->target->word)
		return err_set(err, ERR_USAGE, "edit \"%s\": expected %s first", line, target_words(arena));
	if (!parse_place(next_word(&rest, arena), e, line, err))
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
	return e->op == EDIT_SCALE || e->op == EDIT_NOISE || e->op == EDIT_ADD;
}

void edit_print(const struct edit *e, struct str *out)
{
	str_addf(out, "%s %d", e->target->word, e->layer);
	if (e->unit >= 0)
		str_addf(out, ".%d", e->unit);
	for (int i = 0; i < e->ranges; i++) {
		str_addf(out, "%s%d", i ? "," : " @", e->range[i].from);
		if (e->range[i].to != e->range[i].from)
			str_addf(out, "..%d", e->range[i].to);
	}
	if (e->has_key)
		str_addf(out, "<%d", e->key);
	str_addf(out, " %s", edit_ops[e->op].word);
	if (e->file)
		str_addf(out, strpbrk(e->file, " \t'\"") ? " \"%s\"" : " %s", e->file);
	if (e->op == EDIT_SCALE || e->op == EDIT_NOISE || (e->op == EDIT_ADD && e->amount != 1))
		str_addf(out, " %.9g", (double)e->amount);
	if (e->seed)
		str_addf(out, " %d", e->seed);
}
