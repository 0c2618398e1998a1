/* param.c - see param.h. */
#include "engine/analysis/param.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/intern.h"
#include "engine/base/paths.h"

const char *const param_kind_words[PARAM_KINDS] = {
	[PARAM_INT] = "int",   [PARAM_REAL] = "real", [PARAM_CHOICE] = "choice", [PARAM_DIM] = "dim",
	[PARAM_TEXT] = "text", [PARAM_FILE] = "file", [PARAM_FOLDER] = "folder",
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

bool param_is_text(const struct param *p)
{
	return p->kind == PARAM_TEXT || p->kind == PARAM_FILE || p->kind == PARAM_FOLDER;
}

struct value param_default(const struct param *p)
{
	return (struct value){ p->kind == PARAM_CHOICE ? p->choices->value : p->start, intern(p->start_text) };
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
	default:
		str_addf(out, "a %s", param_kind_words[p->kind]);
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

bool param_parse(const struct param *p, const char *text, int n, struct value *value, struct err *err)
{
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
	if (value.text || param_is_text(p))
		return true;
	if (p->kind == PARAM_DIM) {
		if (value.number < -n || value.number >= n)
			return err_set(err, ERR_ARGUMENT, "there is no %s %.0f: this has %d, 0 … %d", dim_step(p->dim), value.number, n, n - 1);
		resolved->number += value.number < 0 ? n : 0;
		return true;
	}
	if (p->kind == PARAM_CHOICE ? !param_choice(p, value.number) : !(value.number >= p->lo && value.number <= p->hi))
		return refuse_number(p, value.number, n, err);
	return true;
}

void param_print(const struct param *p, struct value value, struct str *out)
{
	if (p->kind == PARAM_CHOICE)
		str_add(out, param_word(p, value.number));
	else if (value.text)
		str_add(out, value.text);
	else if (!param_is_text(p))
		str_addf(out, "%.10g", value.number);
}

const char *param_path(struct value value, uint64_t *version)
{
	const char *name = value.text ? strrchr(value.text, ':') : NULL, *found;
	char *path = value.text ? paths_find(value.text, NULL) : NULL, *file;
	struct str whole;

	if (path)
		name = NULL;	/* the colon is the file's own */
	if (!path && name) {
		file = strndup(value.text, (size_t)(name - value.text));
		path = paths_find(file, NULL);
		free(file);
	}
	if (!path)
		return NULL;
	if (version)
		*version = file_version(path);
	str_init(&whole);
	str_addf(&whole, "%s%s", path, name ? name : "");
	found = intern(whole.s);
	str_done(&whole);
	free(path);
	return found;
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
	if (param_is_text(p) || hi < lo)
		return false;
	if (p->kind == PARAM_REAL)	/* a twentieth of the range, or of the number itself where the range is wide */
		number += by * fmin((hi - lo) / 20, fabs(number) > 0 ? fabs(number) / 10 : (hi - lo) / 20);
	else
		number += by + (p->kind == PARAM_DIM && number < 0 ? n : 0);
	*value = value_number(fmin(fmax(number, lo), hi));
	return true;
}
