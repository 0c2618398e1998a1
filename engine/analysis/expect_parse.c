/* expect_parse.c - see expect.h: a line becomes an expectation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/expect.h"
#include "engine/base/json.h"

/* The words of a line, and the next one to be read. */
struct expect_words {
	struct expect_word *word;
	int n, next;
};

static bool wrong(struct err *err, const char *what)
{
	return err_set(err, ERR_USAGE, "%s", what);
}

/* A text in quotes, as in JSON. `s` is at its first quote; the length with both quotes, 0 when it is not closed. */
static size_t quoted_length(const char *s)
{
	size_t n = 1;

	while (s[n] && s[n] != '"')
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return s[n] ? n + 1 : 0;
}

static bool read_quoted(const char **s, struct expect_word *word, struct arena *arena, struct err *err)
{
	size_t length = quoted_length(*s);
	struct json *doc;
	const char *text;

	if (!length)
		return wrong(err, "a quote is not closed");
	doc = json_parse(*s, length, "text in quotes", err);
	text = json_text_n(json_root(doc), &word->n);
	if (text)
		word->text = arena_strndup(arena, text, word->n);
	json_free(doc);
	if (!text) {
		err->kind = ERR_USAGE;
		return false;
	}
	*s += length;
	return (!**s || **s == ' ' || **s == '\t') || wrong(err, "a blank is expected after a text in quotes");
}

static bool split(const char *line, struct expect_words *w, struct arena *arena, struct err *err)
{
	w->word = arena_alloc(arena, (strlen(line) / 2 + 1) * sizeof *w->word);
	for (const char *s = line; *(s += strspn(s, " \t"));) {
		struct expect_word *word = &w->word[w->n++];

		word->quoted = *s == '"';
		if (word->quoted) {
			if (!read_quoted(&s, word, arena, err))
				return false;
			continue;
		}
		word->n = strcspn(s, " \t");
		word->text = arena_strndup(arena, s, word->n);
		s += word->n;
	}
	return true;
}

static bool next(struct expect_words *w, struct expect_word *word)
{
	if (w->next == w->n)
		return false;
	*word = w->word[w->next++];
	return true;
}

static bool take(struct expect_words *w, const char *text)
{
	bool there = w->next < w->n && !w->word[w->next].quoted && !strcmp(w->word[w->next].text, text);

	w->next += there;
	return there;
}

static bool read_number(struct expect_words *w, double *x, struct err *err)
{
	struct expect_word word;
	char *end;

	if (!next(w, &word))
		return wrong(err, "a number is missing at its end");
	*x = strtod(word.text, &end);
	if (word.quoted || end == word.text || *end || !isfinite(*x))
		return err_set(err, ERR_USAGE, "\"%s\" is not a number", word.text);
	return true;
}

static bool read_near(struct expect_words *w, struct expect *e, struct err *err)
{
	if (!read_number(w, &e->value, err))
		return false;
	if (!take(w, "±") && !take(w, "+-"))
		return wrong(err, "= needs a margin, such as = 0.61 ± 0.02");
	return read_number(w, &e->margin, err) && (e->margin >= 0 || wrong(err, "a margin is not negative"));
}

/* > 0.4 · < 2 · = 0.61 ± 0.02 · word " Mary" */
static bool read_test(struct expect_words *w, struct expect *e, struct err *err)
{
	if (take(w, ">") || take(w, "<")) {
		e->test = *w->word[w->next - 1].text == '>' ? EXPECT_MORE : EXPECT_LESS;
		return read_number(w, &e->value, err);
	}
	if (take(w, "=")) {
		e->test = EXPECT_NEAR;
		return read_near(w, e, err);
	}
	if (e->of == EXPECT_CELL && take(w, "word")) {
		e->test = EXPECT_WORD;
		e->label = &w->word[w->next];
		e->labels = 1;
		return w->next++ < w->n || wrong(err, "word needs a text, such as word \" Mary\"");
	}
	return wrong(err, e->of == EXPECT_CELL ? "expected >, <, = or word after the row and the column"
					       : "expected >, < or = after metric");
}

static bool read_cell(struct expect_words *w, struct expect *e, struct err *err)
{
	if (!next(w, &e->row) || !next(w, &e->col))
		return wrong(err, "cell needs a row and a column");
	return read_test(w, e, err);
}

static bool read_top(struct expect_words *w, struct expect *e, struct err *err)
{
	double top = 0;

	if (!read_number(w, &top, err))
		return false;
	if (top != floor(top) || top < 1 || top > 1e6)
		return wrong(err, "top needs a whole number from 1");
	e->top = (int)top;
	if (!take(w, "is") && !take(w, "has"))
		return wrong(err, "expected is or has after top and its number");
	e->test = *w->word[w->next - 1].text == 'i' ? EXPECT_IS : EXPECT_HAS;
	e->label = w->word + w->next;
	e->labels = w->n - w->next;
	w->next = w->n;
	if (e->test == EXPECT_IS && e->labels != e->top)
		return err_set(err, ERR_USAGE, "top %d is needs %d labels, in their order; has takes fewer", e->top, e->top);
	if (!e->labels || e->labels > e->top)
		return err_set(err, ERR_USAGE, "top %d has needs 1 to %d labels", e->top, e->top);
	return true;
}

static bool read(struct expect_words *w, struct expect *e, struct err *err)
{
	static const struct {
		const char *word;
		bool (*read)(struct expect_words *w, struct expect *e, struct err *err);
	} forms[] = {
		[EXPECT_CELL] = { "cell", read_cell }, [EXPECT_TOP] = { "top", read_top }, [EXPECT_METRIC] = { "metric", read_test }
	};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (!take(w, forms[i].word))
			continue;
		e->of = (enum expect_of)i;
		if (!forms[i].read(w, e, err))
			return false;
		return w->next == w->n || err_set(err, ERR_USAGE, "unexpected \"%s\" at its end", w->word[w->next].text);
	}
	return wrong(err, "expected cell ROW COLUMN > NUMBER, top N is LABEL or metric > NUMBER");
}

bool expect_parse(const char *line, struct expect *e, struct arena *arena, struct err *err)
{
	struct expect_words w = { 0 };

	*e = (struct expect){ 0 };
	return (split(line, &w, arena, err) && read(&w, e, err)) || err_in(err, "expect '%s'", line);
}
