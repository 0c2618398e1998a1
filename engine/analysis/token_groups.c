/*
 * token_groups.c - see token_groups.h. What a token begins and ends with decides; a character over several tokens keeps them
 * together.
 */
#include "engine/analysis/token_groups.h"

#include <stdlib.h>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/model/tokenizer/tokenizer.h"

enum { STARTS_BLANK = 1, ENDS_LINE = 2, ENDS_WORD = 4, ENDS_SENTENCE = 8, CLOSES = 16, INSIDE = 32 };

static bool is_blank(int32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x3000;
}

/* Quotes and brackets that belong to the sentence before them. */
static bool is_closing(int32_t c)
{
	return c == '"' || c == '\'' || c == ')' || c == ']' || c == '}' || c == 0x201D || c == 0x2019 || c == 0xBB || c == 0x300D;
}

static bool is_wide_stop(int32_t c)
{
	return c == 0x3002 || c == 0xFF01 || c == 0xFF1F;
}

/* The text of some tokens, one after the other: a character may be in two of them. */
struct texts {
	struct str all;
	size_t *from; /* [T + 1] */
};

static struct texts texts_of(const struct model *m, const int32_t *tokens, int T)
{
	struct texts t = { .from = xmalloc((size_t)(T + 1) * sizeof *t.from) };

	str_init(&t.all);
	for (int i = 0; i < T; i++) {
		const bool bos = i == 0 && tokens[0] == tokenizer_bos(m->tokenizer);
		size_t n;
		const char *bytes = tokenizer_bytes(m->tokenizer, tokens[i], &n);

		t.from[i] = t.all.n;
		str_add_n(&t.all, bytes, bos ? 0 : n);
	}
	t.from[T] = t.all.n;
	return t;
}

static bool is_inside(const struct texts *t, size_t at)
{
	return at < t->all.n && ((unsigned char)t->all.s[at] & 0xC0) == 0x80;
}

static unsigned end_of(int32_t c, int32_t last)
{
	if (c == '\n')
		return ENDS_LINE | ENDS_WORD | ENDS_SENTENCE;
	return (c > 0 && !is_blank(c) && !utf8_is_word(c) ? ENDS_WORD : 0u) |
	       (last == '.' || last == '!' || last == '?' ? ENDS_SENTENCE : 0u) |
	       (is_wide_stop(last) ? ENDS_SENTENCE | ENDS_LINE : 0u);
}

/* What a token begins and ends with, of the characters that end in it. */
static unsigned look_at(const struct texts *t, int token)
{
	size_t at = t->from[token], to = t->from[token + 1];
	const bool inside = is_inside(t, at);
	unsigned found = CLOSES;
	int32_t c = 0, last = 0;

	while (at > 0 && is_inside(t, at))
		at--;
	for (bool first = true; at < to; first = false) {
		size_t step = utf8_decode(t->all.s + at, to - at, &c);

		if (first && !inside && is_blank(c))
			found |= STARTS_BLANK;
		if (!is_blank(c) && !is_closing(c))
			found &= ~(unsigned)CLOSES;
		if (!is_closing(c))
			last = c;
		at += step;
	}
	if ((found & STARTS_BLANK) && c != '\n') /* a quote after a blank opens */
		found &= ~(unsigned)CLOSES;
	return found | (inside ? INSIDE : 0u) | end_of(c, last);
}

/* `before` ends something, and `now` is not the rest of it: "3.14" is one sentence, and a quote closes the one before it. */
static bool begins(enum token_group group, unsigned before, unsigned now)
{
	if (group == GROUP_TOKEN)
		return true;
	if (now & INSIDE)
		return false;
	if (group == GROUP_WORD)
		return (now & STARTS_BLANK) || (before & ENDS_WORD);
	return (before & ENDS_SENTENCE) && ((before & ENDS_LINE) || (now & STARTS_BLANK)) && !(now & CLOSES);
}

int token_groups_split(const struct model *m, const int32_t *tokens, int T, enum token_group group, struct token_span *span)
{
	const int body = tokens[0] == tokenizer_bos(m->tokenizer); /* the mark before the prompt is alone */
	struct texts texts = texts_of(m, tokens, T);
	unsigned before = 0;
	int n = 0;

	for (int i = 0; i < T; i++) {
		const unsigned now = look_at(&texts, i);

		if (i <= body || begins(group, before, now))
			span[n++] = (struct token_span){ i, i };
		else
			span[n - 1].to = i;
		/* what closes a sentence leaves it ended */
		before = now | (now & CLOSES ? before & (ENDS_SENTENCE | ENDS_LINE) : 0u);
	}
	str_done(&texts.all);
	free(texts.from);
	return n;
}
