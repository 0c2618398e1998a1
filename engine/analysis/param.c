/* param.c - see param.h. */
#include "engine/analysis/param.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/intern.h"
#include "engine/run/asset.h"
#include "engine/run/place.h"
#include "engine/run/positions.h"

const char *const param_kind_words[PARAM_KINDS] = {
	[PARAM_INT] = "int",   [PARAM_REAL] = "real",	  [PARAM_CHOICE] = "choice", [PARAM_DIM] = "dim",
	[PARAM_TEXT] = "text", [PARAM_FILE] = "file",	  [PARAM_FOLDER] = "folder", [PARAM_POSITIONS] = "positions",
	[PARAM_UNIT] = "unit", [PARAM_PLACES] = "places", [PARAM_WORDS] = "words",   [PARAM_OUTPUT] = "output",
};

int param_count(const struct param *params)
{
	int n = 0;

	while (params && params[n].name)
		n++;
	return n;
}

bool param_follows(const struct param *p)
{
	return p->kind == PARAM_DIM && !p->at_metric && !p->pinned;
}

int param_find(const struct param *params, const char *name)
{
	for (int i = 0; i < param_count(params); i++)
		if (!strcmp(params[i].name, name))
			return i;
	return -1;
}

bool param_is_path(const struct param *p)
{
	return p->kind == PARAM_FILE || p->kind == PARAM_FOLDER;
}

bool param_is_text(const struct param *p)
{
	return p->kind != PARAM_INT && p->kind != PARAM_REAL && p->kind != PARAM_CHOICE && p->kind != PARAM_DIM &&
	       p->kind != PARAM_WORDS;
}

static bool is_places(const struct param *p)
{
	return p->kind == PARAM_POSITIONS || p->kind == PARAM_UNIT || p->kind == PARAM_PLACES;
}

enum dim param_dim(const struct param *p)
{
	return is_places(p) && p->dim == DIM_NONE ? DIM_POSITION : p->dim;
}

bool param_next_place(const char **list, const char **place)
{
	const char *s = *list;
	size_t n;
	struct str one;

	if (!s)
		return false;
	s += strspn(s, "; ");
	if (!*s)
		return false;
	n = strcspn(s, ";");
	*list = s + n;
	while (s[n - 1] == ' ')
		n--;
	str_init(&one);
	str_add_n(&one, s, n);
	*place = intern(one.s);
	str_done(&one);
	return true;
}

/* All rows of a list of words: what is meant where none is given. */
static double all_words(const struct param *p)
{
	return ldexp(1, param_choices(p)) - 1;
}

struct value param_default(const struct param *p)
{
	double number = p->kind == PARAM_CHOICE			  ? p->choices->value
			: p->kind == PARAM_WORDS && p->start == 0 ? all_words(p)
								  : p->start;

	return (struct value){ number, intern(p->start_text) };
}

int param_choices(const struct param *p)
{
	int n = 0;

	while (p->choices && p->choices[n].word)
		n++;
	return n;
}

const struct choice *param_choice(const struct param *p, double value)
{
	for (const struct choice *c = p->choices; c && c->word; c++)
		if ((double)c->value == value)
			return c;
	return NULL;
}

const char *param_word(const struct param *p, double value)
{
	const struct choice *c = param_choice(p, value);

	return c ? c->word : "";
}

/* Whether `words` ("auto|all") has the text. */
static bool has_word(const char *words, const char *text)
{
	for (const char *w = words; w; w = strchr(w, '|') ? strchr(w, '|') + 1 : NULL)
		if (strlen(text) == strcspn(w, "|") && !strncmp(w, text, strcspn(w, "|")))
			return true;
	return false;
}

static void range_of_words(const char *words, struct str *out)
{
	for (const char *w = words; w; w = strchr(w, '|') ? strchr(w, '|') + 1 : NULL)
		str_addf(out, ", or %.*s", (int)strcspn(w, "|"), w);
}

void param_range_text(const struct param *p, int n, struct str *out)
{
	switch (p->kind) {
	case PARAM_CHOICE:
	case PARAM_WORDS:
		if (p->kind == PARAM_WORDS)
			str_add(out, "all, or some of ");
		for (int i = 0; i < param_choices(p); i++)
			str_addf(out, "%s%s", i ? ", " : "", p->choices[i].word);
		break;
	case PARAM_INT:
	case PARAM_REAL:
		str_addf(out, "%.10g … %.10g", p->lo, p->hi);
		break;
	case PARAM_DIM:
		if (n > 0)
			str_addf(out, "0 … %d", n - 1);
		else
			str_addf(out, "a %s, negative from the end", dim_step(p->dim));
		break;
	case PARAM_POSITIONS:
		str_addf(out, "%ss such as 0..4, 7, -1", dim_step(param_dim(p)));
		if (n > 0 && p->dim != DIM_NONE)
			str_addf(out, " of 0 … %d", n - 1);
		break;
	case PARAM_UNIT:
		str_add(out, "a place such as head 5.1");
		break;
	case PARAM_PLACES:
		str_add(out, "places such as head 5.1; mlp_out 3");
		break;
	default:
		str_addf(out, "a %s", param_kind_words[p->kind]);
		if (p->file)
			str_addf(out, " of %s", p->file->name);
		if (p->file && p->file->endings)
			str_addf(out, ": %s", p->file->endings);
	}
	range_of_words(p->words, out);
}

/* "rank is 99; expected 1 … 50" */
static bool refuse(const struct param *p, const char *text, int n, enum err_kind kind, struct err *err)
{
	struct str range;

	str_init(&range);
	param_range_text(p, n, &range);
	err_set(err, kind, "%s is %s; expected %s", p->name, *text ? text : "empty", range.s);
	str_done(&range);
	return false;
}

static bool parse_choice(const struct param *p, const char *text, struct value *value, struct err *err)
{
	for (const struct choice *c = p->choices; c->word; c++)
		if (!strcmp(c->word, text)) {
			*value = value_number(c->value);
			return true;
		}
	return refuse(p, text, 0, ERR_USAGE, err);
}

static bool read_number(const struct param *p, const char *text, double *number)
{
	char *end;

	errno = 0;
	*number = strtod(text, &end);
	if (end == text || *end || errno || !isfinite(*number) || strspn(text, "+-0123456789.eE") != strlen(text))
		return false;
	return p->kind == PARAM_REAL || (fabs(*number) <= INT_MAX && *number == rint(*number) && !strpbrk(text, ".eE"));
}

static bool parse_number(const struct param *p, const char *text, int n, struct value *value, struct err *err)
{
	double number;
	struct value unused;

	if (!read_number(p, text, &number) || (p->kind != PARAM_DIM && !(number >= p->lo && number <= p->hi)))
		return refuse(p, text, n, ERR_USAGE, err);
	if (p->kind == PARAM_DIM && n > 0 && !param_resolve(p, value_number(number), n, &unused, err))
		return false;
	*value = value_number(number);
	return true;
}

/* The bit of a row whose word is the n letters at `word`; 0: no row has it. */
static double word_bit(const struct param *p, const char *word, size_t n)
{
	for (int i = 0; i < param_choices(p); i++)
		if (strlen(p->choices[i].word) == n && !strncmp(p->choices[i].word, word, n))
			return ldexp(1, i);
	return 0;
}

static bool has_bit(double bits, int i)
{
	return fmod(floor(ldexp(bits, -i)), 2) == 1;
}

static bool parse_words(const struct param *p, const char *text, struct value *value, struct err *err)
{
	double bits = 0;

	for (const char *s = text; strcmp(text, "all"); s++) {
		size_t n = strcspn(s, ",");
		double bit = word_bit(p, s, n);

		if (bit == 0)
			return refuse(p, text, 0, ERR_USAGE, err);
		if (!has_bit(bits, (int)log2(bit)))
			bits += bit;
		s += n;
		if (!*s)
			break;
	}
	*value = value_number(bits > 0 ? bits : all_words(p));
	return true;
}

/* Places in a prompt of n tokens (0: not known yet). */
static bool check_places(const struct param *p, const char *text, int n, struct err *err)
{
	struct place unused;
	const char *list = text, *place;
	bool fine = true;

	if (p->kind == PARAM_POSITIONS) {
		bool *at = xmalloc((size_t)n + 1);

		memset(at, 0, (size_t)n + 1);
		fine = positions_parse(text, n, at, p->name, err);
		if (!fine && p->dim != DIM_NONE) /* the sentence is about a prompt's */
			refuse(p, text, n, err->kind, err);
		free(at);
	} else if (p->kind == PARAM_UNIT) {
		fine = place_parse(text, n, &unused, p->name, err);
	}
	while (fine && p->kind == PARAM_PLACES && param_next_place(&list, &place))
		fine = place_parse(place, n, &unused, p->name, err);
	return fine;
}

bool param_parse(const struct param *p, const char *text, int n, struct value *value, struct err *err)
{
	if (p->kind == PARAM_WORDS)
		return parse_words(p, text, value, err);
	if (is_places(p) && *text && !has_word(p->words, text) && !check_places(p, text, n, err))
		return false;
	if (p->kind == PARAM_CHOICE)
		return parse_choice(p, text, value, err);
	if (!param_is_text(p) && !has_word(p->words, text))
		return parse_number(p, text, n, value, err);
	*value = (struct value){ p->start, *text ? intern(text) : NULL };
	return true;
}

/* A stored number that no longer fits: a preset's, or one made by a program. */
static bool refuse_number(const struct param *p, double number, int n, struct err *err)
{
	char text[32];

	snprintf(text, sizeof text, "%.10g", number);
	return refuse(p, text, n, ERR_ARGUMENT, err);
}

bool param_resolve(const struct param *p, struct value value, int n, struct value *resolved, struct err *err)
{
	*resolved = value;
	if (is_places(p) && value.text && !has_word(p->words, value.text))
		return check_places(p, value.text, n, err);
	if (value.text || param_is_text(p))
		return true;
	if (p->kind == PARAM_WORDS)
		return (value.number > 0 && value.number <= all_words(p)) || refuse_number(p, value.number, n, err);
	if (p->kind == PARAM_DIM) {
		if (value.number < -n || value.number >= n)
			return err_set(err, ERR_ARGUMENT, "there is no %s %.0f: this has %d, 0 … %d", dim_step(p->dim),
				       value.number, n, n - 1);
		resolved->number += value.number < 0 ? n : 0;
		return true;
	}
	if (p->kind == PARAM_CHOICE ? !param_choice(p, value.number) : !(value.number >= p->lo && value.number <= p->hi))
		return refuse_number(p, value.number, n, err);
	return true;
}

static void print_words(const struct param *p, double bits, struct str *out)
{
	const char *comma = "";

	if (bits == all_words(p)) {
		str_add(out, "all");
		return;
	}
	for (int i = 0; i < param_choices(p); i++)
		if (has_bit(bits, i)) {
			str_addf(out, "%s%s", comma, p->choices[i].word);
			comma = ",";
		}
}

void param_print(const struct param *p, struct value value, struct str *out)
{
	if (p->kind == PARAM_CHOICE)
		str_add(out, param_word(p, value.number));
	else if (p->kind == PARAM_WORDS)
		print_words(p, value.number, out);
	else if (value.text)
		str_add(out, value.text);
	else if (!param_is_text(p))
		str_addf(out, "%.10g", value.number);
}

unsigned param_on(const struct param *p, struct value value)
{
	unsigned on = 0;

	for (int i = 0; i < param_choices(p); i++)
		if (p->kind == PARAM_WORDS ? has_bit(value.number, i) : (double)p->choices[i].value == value.number)
			on |= p->choices[i].on;
	return on;
}

/* The index of a choice's row. */
static int row_of(const struct param *p, double value)
{
	const struct choice *c = param_choice(p, value);

	return c ? (int)(c - p->choices) : 0;
}

bool param_step(const struct param *p, int n, int by, struct value *value)
{
	double lo = p->kind == PARAM_DIM ? 0 : p->lo, hi = p->kind == PARAM_DIM ? n - 1 : p->hi, number = value->number;
	int rows = param_choices(p);

	if (p->kind == PARAM_CHOICE) {
		*value = value_number(p->choices[((row_of(p, number) + by) % rows + rows) % rows].value);
		return rows > 1;
	}
	if (param_is_text(p) || p->kind == PARAM_WORDS || hi < lo)
		return false;
	if (p->kind == PARAM_REAL) /* a twentieth of the range, or of the number itself where the range is wide */
		number += by * fmin((hi - lo) / 20, fabs(number) > 0 ? fabs(number) / 10 : (hi - lo) / 20);
	else
		number += by + (p->kind == PARAM_DIM && number < 0 ? n : 0);
	*value = value_number(fmin(fmax(number, lo), hi));
	return true;
}
