/*
 * export_registry.c - see export.h: what techniques there are, as JSON: one line a technique, its members always in this order.
 *
 *   name title section blurb help paper shape unit on cost metrics needs makes
 *   args: [{name kind choices words min max default file help}]
 */
#include "engine/export/export.h"

#include <string.h>

#include "engine/base/json.h"

static void member(struct str *out, const char *name)
{
	if (out->s[out->n - 1] != '{')
		str_add_char(out, ',');
	json_write_string(out, name, strlen(name));
	str_add_char(out, ':');
}

static void text(struct str *out, const char *name, const char *value)
{
	member(out, name);
	if (value)
		json_write_string(out, value, strlen(value));
	else
		str_add(out, "null");
}

static void item(struct str *out, const char *word)
{
	if (out->s[out->n - 1] != '[')
		str_add_char(out, ',');
	json_write_string(out, word, strlen(word));
}

static void bits(struct str *out, const char *name, unsigned set, int n, const char *(*word)(int))
{
	member(out, name);
	str_add_char(out, '[');
	for (int i = 0; i < n; i++)
		if (set & 1u << i)
			item(out, word(i));
	str_add_char(out, ']');
}

static const char *on_word(int i)
{
	return on_words[i];
}

static void metrics(struct str *out, const struct analysis *a)
{
	member(out, "metrics");
	str_add_char(out, '[');
	for (int k = 0; k < METRIC_KINDS; k++)
		if (analysis_explains(a, (enum metric_kind)k))
			item(out, metric_table[k]->word);
	str_add_char(out, ']');
}

/* What a question must have for the technique to answer it. */
static void needs(struct str *out, const struct analysis *a)
{
	static const struct {
		unsigned need;
		const char *word;
	} rows[] = {
		{ NEEDS_FOIL, "foil" },
		{ NEEDS_SUM, "additive stream" },
		{ NEEDS_ATTENTION, "attention in every layer" },
		{ READS_ATTENTION, "attention in that layer" },
		{ NEEDS_EXPERTS, "experts" },
	};

	member(out, "needs");
	str_add_char(out, '[');
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (a->needs & rows[i].need)
			item(out, rows[i].word);
	str_add_char(out, ']');
}

/* A choice's words with their meaning; or the words that may be given in place of a number. */
static void words(struct str *out, const struct param *p)
{
	if (p->choices) {
		member(out, "choices");
		str_add_char(out, '[');
		for (const struct choice *c = p->choices; c->word; c++) {
			str_addf(out, "%s{", c == p->choices ? "" : ",");
			text(out, "word", c->word);
			text(out, "help", c->help);
			str_add_char(out, '}');
		}
		str_add_char(out, ']');
	}
	if (p->words)
		text(out, "words", p->words);
}

static void argument(struct str *out, const struct param *p)
{
	struct str value;

	str_add(out, out->s[out->n - 1] == '[' ? "{" : ",{");
	text(out, "name", p->name);
	text(out, "kind", p->kind == PARAM_DIM ? dim_word(p->dim) : param_kind_words[p->kind]);
	words(out, p);
	if (p->kind == PARAM_INT || p->kind == PARAM_REAL) {
		member(out, "min");
		json_write_double(out, p->lo);
		member(out, "max");
		json_write_double(out, p->hi);
	}
	str_init(&value);
	param_print(p, param_default(p), &value);
	if (p->kind == PARAM_CHOICE || p->kind == PARAM_WORDS || param_is_text(p) || p->start_text) {
		text(out, "default", value.n ? value.s : NULL);
	} else {
		member(out, "default");
		json_write_double(out, p->start);
	}
	str_done(&value);
	if (p->file)
		text(out, "file", p->file->name);
	text(out, "help", p->help);
	str_add_char(out, '}');
}

void export_registry(const struct analysis *a, struct str *out)
{
	str_add_char(out, '{');
	text(out, "name", a->name);
	text(out, "title", a->title);
	text(out, "section", topic_words[a->topic]);
	text(out, "blurb", a->blurb);
	text(out, "help", a->help);
	text(out, "paper", a->paper);
	text(out, "shape", a->shape);
	text(out, "unit", a->unit);
	bits(out, "on", a->on, ON_COUNT, on_word);
	text(out, "cost", cost_words[a->cost]);
	metrics(out, a);
	needs(out, a);
	text(out, "makes", a->makes ? a->makes->name : NULL);
	member(out, "args");
	str_add_char(out, '[');
	for (const struct param *p = a->params; p && p->name; p++)
		argument(out, p);
	str_add(out, "]}\n");
}
