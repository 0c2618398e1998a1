/* param.c - see param.h. */
#include "engine/analysis/param.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int param_count(const struct param *params)
{
	int n = 0;

	while (params && params[n].name)
		n++;
	return n;
}

bool param_follows(const struct param *p)
{
	return p->dim != DIM_NONE && !p->at_metric && !p->held;
}

int param_find(const struct param *params, const char *name)
{
	for (int i = 0; i < param_count(params); i++)
		if (!strcmp(params[i].name, name))
			return i;
	return -1;
}

const char *param_choice(const struct param *p, int index, int *n)
{
	const char *word = p->choices;

	for (; index > 0 && word; index--) {
		word = strchr(word, '|');
		if (word)
			word++;
	}
	*n = word ? (int)strcspn(word, "|") : 0;
	return word;
}

int param_choices(const struct param *p)
{
	int n = p->choices != NULL;

	for (const char *s = p->choices; s && (s = strchr(s, '|')); s++)
		n++;
	return n;
}

void param_range_text(const struct param *p, int n, struct str *out)
{
	if (p->choices) {
		for (int i = 0; i < param_choices(p); i++) {
			int length;
			const char *word = param_choice(p, i, &length);

			str_addf(out, "%s%.*s", i ? ", " : "", length, word);
		}
	} else if (p->dim == DIM_NONE) {
		str_addf(out, "%d … %d", p->lo, p->hi);
	} else if (n > 0) {
		str_addf(out, "0 … %d", n - 1);
	} else {
		str_addf(out, "a %s, negative from the end", dim_step(p->dim));
	}
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

static bool parse_choice(const struct param *p, const char *text, int *value, struct err *err)
{
	for (int i = 0; i < param_choices(p); i++) {
		int n;
		const char *word = param_choice(p, i, &n);

		if (strlen(text) == (size_t)n && !strncmp(word, text, (size_t)n)) {
			*value = i;
			return true;
		}
	}
	return refuse(p, text, 0, ERR_USAGE, err);
}

bool param_parse(const struct param *p, const char *text, int n, int *value, struct err *err)
{
	char *end;
	long number;
	int unused;

	if (p->choices)
		return parse_choice(p, text, value, err);
	errno = 0;
	number = strtol(text, &end, 10);
	if (end == text || *end || errno || number < INT_MIN || number > INT_MAX)
		return refuse(p, text, n, ERR_USAGE, err);
	if (p->dim == DIM_NONE && (number < p->lo || number > p->hi))
		return refuse(p, text, n, ERR_USAGE, err);
	if (p->dim != DIM_NONE && n > 0 && !param_resolve(p, (int)number, n, &unused, err))
		return false;
	*value = (int)number;
	return true;
}

bool param_resolve(const struct param *p, int value, int n, int *resolved, struct err *err)
{
	int lo = p->choices ? 0 : p->lo, hi = p->choices ? param_choices(p) - 1 : p->hi;
	char text[16];

	if (p->dim != DIM_NONE) {
		if (value < -n || value >= n)
			return err_set(err, ERR_ARGUMENT, "there is no %s %d: this has %d, 0 … %d", dim_step(p->dim), value, n, n - 1);
		*resolved = value < 0 ? value + n : value;
		return true;
	}
	if (value < lo || value > hi) {
		snprintf(text, sizeof text, "%d", value);
		return refuse(p, text, n, ERR_ARGUMENT, err);
	}
	*resolved = value;
	return true;
}

void param_print(const struct param *p, int value, struct str *out)
{
	int n = 0;
	const char *word = p->choices ? param_choice(p, value, &n) : NULL;

	if (word)
		str_add_n(out, word, (size_t)n);
	else
		str_addf(out, "%d", value);
}
