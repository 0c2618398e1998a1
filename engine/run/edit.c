/* edit.c - see edit.h: the grammar, checking a line against a model, and the ops. */
#include "engine/run/edit.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/model.h"
#include "engine/run/forward.h"
#include "engine/run/npy.h"
#include "engine/run/run.h"

const struct edit_target edit_targets[] = {
	{ "head", SITE_RESULT, false, "what a head writes to the stream (L.H)" },
	{ "kv", SITE_V, false, "the values of a key/value head, which a group of heads shares (L.G)" },
	{ "neuron", SITE_MLP_POST, false, "a neuron of the MLP, after its activation (L.N)" },
	{ "attn_out", SITE_ATTN_OUT, false, "all that attention writes in a layer (L)" },
	{ "mlp_out", SITE_MLP_OUT, false, "all that the MLP writes in a layer (L)" },
	{ "layer", SITE_ATTN_OUT, true, "attention and MLP of a layer together (L)" },
	{ "resid_pre", SITE_RESID_PRE, false, "the residual stream entering a layer (L)" },
	{ "resid_mid", SITE_RESID_MID, false, "the residual stream between attention and MLP (L)" },
	{ "resid_post", SITE_RESID_POST, false, "the residual stream leaving a layer (L)" },
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
	[EDIT_ZERO] = { "zero", "", "set to zero" },
	[EDIT_MEAN] = { "mean", "", "set to its mean over the prompt's positions in the unedited run" },
	[EDIT_SCALE] = { "scale", "FACTOR", "multiply by FACTOR" },
	[EDIT_ADD] = { "add", "FILE.npy [STRENGTH]", "add the vector in FILE.npy, times STRENGTH" },
	[EDIT_PATCH] = { "patch", "", "set to its value in the foil's run, at the same position" },
};

/* ---- the grammar ---- */

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
		if (e->target->site != SITE_PATTERN)
			return err_set(err, ERR_USAGE, "edit \"%s\": @QUERY<KEY is for pattern alone", line);
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

static bool parse_op(const char *word, const char **rest, struct edit *e, struct arena *arena, const char *line, struct err *err)
{
	char *more;
	int op = 0;

	while (op < EDIT_OPS && (!word || strcmp(word, edit_ops[op].word)))
		op++;
	if (op == EDIT_OPS)
		return err_set(err, ERR_USAGE, "edit \"%s\": expected zero, mean, scale, add or patch%s%s", line, word ? " instead of " : " at the end",
			       word ? word : "");
	e->op = (enum edit_op)op;
	e->amount = 1;
	if (e->op == EDIT_SCALE && !parse_float(next_word(rest, arena), &e->amount))
		return err_set(err, ERR_USAGE, "edit \"%s\": scale needs a number behind it", line);
	if (e->op == EDIT_ADD) {
		if (!(e->file = next_word(rest, arena)))
			return err_set(err, ERR_USAGE, "edit \"%s\": add needs a FILE.npy behind it", line);
		more = next_word(rest, arena);
		if (more && !parse_float(more, &e->amount))
			return err_set(err, ERR_USAGE, "edit \"%s\": the strength behind the file should be a number, not %s", line, more);
	}
	if ((more = next_word(rest, arena)))
		return err_set(err, ERR_USAGE, "edit \"%s\": \"%s\" is too much", line, more);
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
		return err_set(err, ERR_USAGE, "edit \"%s\": expected head, kv, neuron, layer, attn_out, mlp_out, resid_pre, resid_mid, resid_post, "
			       "pattern, z, q, k, v, mlp_pre or mlp_post first", line);
	if (!parse_place(next_word(&rest, arena), e, line, err))
		return false;
	word = next_word(&rest, arena);
	if (word && *word == '@') {
		if (!parse_positions(word + 1, e, arena, line, err))
			return false;
		word = next_word(&rest, arena);
	}
	return parse_op(word, &rest, e, arena, line, err);
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
	if (e->op == EDIT_SCALE)
		str_addf(out, " %.9g", (double)e->amount);
	if (e->op == EDIT_ADD) {
		bool quote = strpbrk(e->file, " \t'\"") != NULL;

		str_addf(out, quote ? " \"%s\"" : " %s", e->file);
		if (e->amount != 1)
			str_addf(out, " %.9g", (double)e->amount);
	}
}

/* ---- against a model ---- */

/* Floats that one edit covers at a position: a unit, or all of them. For `result`, of z. */
static size_t slice(const struct edit *e, const struct config *c, size_t *from)
{
	enum site site = e->target->site == SITE_RESULT ? SITE_Z : e->target->site;
	size_t width = run_width(c, site), unit = site_table[site].unit == DIM_NEURON ? 1 : (size_t)c->K;

	*from = 0;
	if (e->unit < 0)
		return width;
	*from = (size_t)e->unit * unit;
	return unit;
}

static bool check_place(const struct edit *e, const struct config *c, const char *line, struct err *err)
{
	enum dim unit = site_table[e->target->site].unit;
	int n = unit == DIM_HEAD ? c->H : unit == DIM_KV_HEAD ? c->G : unit == DIM_NEURON ? c->F : 0;

	if (e->layer >= c->L)
		return err_set(err, ERR_ARGUMENT, "edit \"%s\": the model has layers 0 … %d", line, c->L - 1);
	if (e->unit >= n && e->unit >= 0)
		return err_set(err, ERR_ARGUMENT, "edit \"%s\": a layer has %ss 0 … %d", line, dim_step(unit), n - 1);
	if (c->parallel && e->target->site == SITE_RESID_MID)
		return err_set(err, ERR_ARGUMENT, "edit \"%s\": this model runs attention and MLP side by side; there is no stream between them",
			       line);
	return true;
}

/* A position as written, from the end when negative. */
static bool place_in(int written, int T, int *out, const char *line, struct err *err)
{
	*out = written < 0 ? written + T : written;
	if (*out >= 0 && *out < T)
		return true;
	return err_set(err, ERR_ARGUMENT, "edit \"%s\": position %d is outside the prompt, which has %d tokens (0 … %d)", line, written, T, T - 1);
}

static bool resolve_positions(struct edit *e, int T, struct arena *arena, const char *line, struct err *err)
{
	if (e->has_key && !place_in(e->key, T, &e->key, line, err))
		return false;
	if (!e->ranges)
		return true;
	e->at_count = T;
	e->at = arena_alloc(arena, (size_t)T);
	for (int i = 0; i < e->ranges; i++) {
		int from, to;

		if (!place_in(e->range[i].from, T, &from, line, err) || !place_in(e->range[i].to, T, &to, line, err))
			return false;
		if (from > to)
			return err_set(err, ERR_ARGUMENT, "edit \"%s\": the range %d..%d runs backwards", line, e->range[i].from, e->range[i].to);
		memset(e->at + from, true, (size_t)(to - from + 1));
	}
	return true;
}

/* Mean over the prompt's positions of the unedited run: [slice], or [T] per head for a pattern. */
static bool resolve_mean(struct edit *e, const struct config *c, const struct run *run, struct arena *arena, struct err *err)
{
	enum site site = e->target->site == SITE_RESULT ? SITE_Z : e->target->site;
	int T = run->prompt_T, sites = e->target->both ? 2 : 1;
	size_t from, n = slice(e, c, &from);

	if (site == SITE_PATTERN) {
		n = (size_t)c->H * (size_t)T;
		e->mean_keys = T;
	}
	if (!(e->vector = arena_floats(arena, n * (size_t)sites, err)))
		return false;
	for (int s = 0; s < sites; s++)
		for (int t = 0; t < T; t++) {
			float *mean = e->vector + n * (size_t)s;

			if (site == SITE_PATTERN)
				for (int h = 0; h < c->H; h++)
					kernel_axpy(1.0f / (float)T, run_pattern(run, e->layer, h, t), mean + h * T, (size_t)T);
			else
				kernel_axpy(1.0f / (float)T, run_at(run, s ? SITE_MLP_OUT : site, e->layer, t) + from, mean, n);
		}
	return true;
}

static bool resolve_add(struct edit *e, const struct config *c, struct arena *arena, const char *line, struct err *err)
{
	size_t from, want = slice(e, c, &from), n;

	if (e->target->site == SITE_PATTERN)
		return err_set(err, ERR_ARGUMENT, "edit \"%s\": add works on vectors, not on attention weights", line);
	if (e->target->site == SITE_RESULT)
		want = (size_t)c->D;
	if (!(e->vector = npy_read(e->file, arena, &n, err)))
		return false;
	if (n != want)
		return err_set(err, ERR_ARGUMENT, "edit \"%s\": the vector in %s has %zu numbers, expected %zu", line, e->file, n, want);
	return true;
}

bool edit_resolve(struct edit *e, const struct edit_context *context, struct arena *arena, struct err *err)
{
	const struct config *c = &context->model->config;
	struct str line;
	bool ok;

	str_init(&line);
	edit_print(e, &line);
	ok = check_place(e, c, line.s, err) && resolve_positions(e, context->T, arena, line.s, err);
	if (ok && e->op == EDIT_MEAN)
		ok = resolve_mean(e, c, context->unedited, arena, err);
	if (ok && e->op == EDIT_ADD)
		ok = resolve_add(e, c, arena, line.s, err);
	if (ok && e->op == EDIT_PATCH) {
		e->source = context->foil;
		if (!e->source)
			ok = err_set(err, ERR_ARGUMENT, "edit \"%s\": patch reads from the foil, and none is set", line.s);
		else if (e->source->T != context->T)
			ok = err_set(err, ERR_ARGUMENT, "edit \"%s\": patch needs prompt and foil of equally many tokens; they have %d and %d", line.s,
				     context->T, e->source->T);
	}
	str_done(&line);
	return ok;
}

/* ---- the ops ---- */

bool edit_hits(const struct edit *e, enum site site, int layer)
{
	return e->layer == layer && (e->target->site == site || (e->target->both && site == SITE_MLP_OUT));
}

bool edit_covers(const struct edit *e, int position)
{
	if (e->source && position >= e->source->T)
		return false;
	return !e->at || (position < e->at_count && e->at[position]);
}

int edit_first_position(const struct edit *e)
{
	int t = 0;

	while (e->at && t < e->at_count && !e->at[t])
		t++;
	return t;
}

void edit_apply(const struct edit *e, const struct config *c, enum site site, int position, float *x)
{
	size_t from, n = slice(e, c, &from);
	bool second = e->target->both && site == SITE_MLP_OUT;

	x += from;
	switch (e->op) {
	case EDIT_ZERO:
		memset(x, 0, n * sizeof *x);
		break;
	case EDIT_MEAN:
		memcpy(x, e->vector + (second ? n : 0), n * sizeof *x);
		break;
	case EDIT_SCALE:
		for (size_t i = 0; i < n; i++)
			x[i] *= e->amount;
		break;
	case EDIT_ADD:
		if (site != SITE_RESULT)
			kernel_axpy(e->amount, e->vector, x, n);
		break;
	case EDIT_PATCH:
		memcpy(x, run_at(e->source, site == SITE_RESULT ? SITE_Z : site, e->layer, position) + from, n * sizeof *x);
		break;
	default:
		break;
	}
}

void edit_apply_write(const struct edit *e, const struct config *c, float *x)
{
	if (e->op == EDIT_ADD)
		kernel_axpy(e->amount, e->vector, x, (size_t)c->D);
}

void edit_apply_pattern(const struct edit *e, int head, int query, float *x)
{
	int from = e->has_key ? e->key : 0, to = e->has_key ? e->key : query;

	if (e->unit >= 0 && head != e->unit)
		return;
	for (int j = from; j <= to && j <= query; j++) {
		if (e->op == EDIT_ZERO)
			x[j] = 0;
		else if (e->op == EDIT_SCALE)
			x[j] *= e->amount;
		else if (e->op == EDIT_PATCH)
			x[j] = run_pattern(e->source, e->layer, head, query)[j];
		else if (e->op == EDIT_MEAN)
			x[j] = j < e->mean_keys ? e->vector[head * e->mean_keys + j] : 0;
	}
}
