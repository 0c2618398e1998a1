/* split.c - see split.h. */
#include "engine/model/tokenizer/split.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/utf8.h"
#include "engine/model/tokenizer/regex_translate.h"

enum {
	STEPS = 10 * 1000 * 1000, /* per match: a pattern for tokens needs a handful */
	HEAP_KILOBYTES = 64 * 1024,
	JIT_STACK_BYTES = 1024 * 1024,
};

struct split {
	pcre2_code *code;
	enum split_keep keep;
	bool invert;
};

void spans_add(struct spans *spans, size_t start, size_t n)
{
	if (spans->n == spans->capacity) {
		spans->capacity = spans->capacity ? 2 * spans->capacity : 16;
		spans->at = xrealloc(spans->at, spans->capacity * sizeof *spans->at);
	}
	spans->at[spans->n++] = (struct text_span){ start, n };
}

void spans_done(struct spans *spans)
{
	free(spans->at);
	*spans = (struct spans){ 0 };
}

static pcre2_code *compile(const char *pattern, size_t n, bool literal, struct err *err)
{
	/* Ruby's ^ and $ match at every line. */
	uint32_t options = PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_MULTILINE);
	struct str translated;
	pcre2_code *code = NULL;
	PCRE2_SIZE where;
	int problem;

	str_init(&translated);
	if (literal)
		str_add_n(&translated, pattern, n);
	if (literal || dialect_translate(pattern, n, &translated, err)) {
		code = pcre2_compile((PCRE2_SPTR)translated.s, translated.n, options, &problem, &where, NULL);
		if (!code) {
			PCRE2_UCHAR message[200];

			pcre2_get_error_message(problem, message, sizeof message);
			err_set(err, ERR_FILE, "%s", (const char *)message);
		}
	}
	str_done(&translated);
	return code;
}

struct split *split_new(const char *pattern, size_t n, bool literal, enum split_keep keep, bool invert, struct err *err)
{
	pcre2_code *code = NULL;
	struct split *s;

	if (n == 0)
		err_set(err, ERR_FILE, "it is empty");
	else
		code = compile(pattern, n, literal, err);
	if (!code) {
		err_in(err, "the pattern \"%.200s\" cannot be used", pattern);
		return NULL;
	}
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where there is no JIT, the interpreter does it */
	s = xcalloc(1, sizeof *s);
	*s = (struct split){ code, keep, invert };
	return s;
}

void split_free(struct split *s)
{
	if (!s)
		return;
	pcre2_code_free(s->code);
	free(s);
}

/* ---- matching ---- */

/* What one caller needs to match: patterns are shared between threads, this is not. */
struct matcher {
	const struct split *split;
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

static void matcher_start(struct matcher *m, const struct split *s)
{
	m->split = s;
	m->data = pcre2_match_data_create_from_pattern(s->code, NULL);
	m->context = pcre2_match_context_create(NULL);
	m->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_BYTES, NULL);
	if (!m->data || !m->context || !m->stack)
		no_memory_left(JIT_STACK_BYTES);
	pcre2_set_match_limit(m->context, STEPS);
	pcre2_set_heap_limit(m->context, HEAP_KILOBYTES);
	pcre2_jit_stack_assign(m->context, NULL, m->stack);
}

static void matcher_done(struct matcher *m)
{
	pcre2_match_data_free(m->data);
	pcre2_match_context_free(m->context);
	pcre2_jit_stack_free(m->stack);
}

/* Appends the matches in text[0, n), which is UTF-8, with `base` added to their starts. */
static bool match_valid(struct matcher *m, const char *text, size_t n, size_t base, struct spans *out, struct err *err)
{
	const PCRE2_SIZE *found = pcre2_get_ovector_pointer(m->data);
	size_t last = SIZE_MAX; /* where the last match ended */

	for (size_t at = 0; at < n;) {
		PCRE2_SPTR subject = (PCRE2_SPTR)text;
		int status = pcre2_match(m->split->code, subject, n, at, PCRE2_NO_UTF_CHECK, m->data, m->context);
		int32_t c;

		if (status == PCRE2_ERROR_JIT_STACKLIMIT)
			status =
				pcre2_match(m->split->code, subject, n, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, m->data, m->context);
		if (status == PCRE2_ERROR_NOMATCH)
			return true;
		if (status < 0) {
			PCRE2_UCHAR message[200];

			pcre2_get_error_message(status, message, sizeof message);
			return err_set(err, ERR_FILE, "the tokenizer's pattern gave up at byte %zu of the text: %s", base + at,
				       (const char *)message);
		}
		if (found[1] < found[0] || found[0] < at) /* what \K in a lookahead can do */
			return err_set(err, ERR_FILE, "the tokenizer's pattern matches backwards at byte %zu of the text",
				       base + at);
		/* An empty match is a cut, unless a match has just ended there. */
		if (found[1] > found[0] || found[0] != last) {
			spans_add(out, base + found[0], found[1] - found[0]);
			last = found[1];
		}
		at = found[1];
		if (found[1] == found[0])
			at += at < n ? utf8_decode(text + at, n - at, &c) : 1;
	}
	return true;
}

/* Appends all matches in text[start, start + n): each stretch of UTF-8 by itself. */
static bool match_all(struct matcher *m, const char *text, size_t start, size_t n, struct spans *out, struct err *err)
{
	size_t end = start + n, at = start;

	while (at < end) {
		size_t from = at;
		int32_t c = 0;

		while (at < end) {
			size_t length = utf8_decode(text + at, end - at, &c);

			if (c < 0)
				break;
			at += length;
		}
		if (!match_valid(m, text + from, at - from, from, out, err))
			return false;
		if (c < 0) {
			/* A byte that is no text is never lost: where matches are what is kept, it counts as one. */
			if (m->split->invert)
				spans_add(out, at, 1);
			at++;
		}
	}
	return true;
}

/* ---- pieces ---- */

/* Pieces are put together from stretches of the text: matches, and what lies between them. */
struct piecer {
	const struct split *split;
	struct spans *out;
	size_t first;	/* pieces from here on belong to this text */
	bool was_match; /* the last stretch */
};

static void stretch(struct piecer *p, size_t start, size_t n, bool match)
{
	struct text_span *last = p->out->n > p->first ? &p->out->at[p->out->n - 1] : NULL;
	bool extend = false;

	match ^= p->split->invert;
	if (p->split->keep == SPLIT_MERGED_WITH_PREVIOUS)
		extend = match && !p->was_match;
	else if (p->split->keep == SPLIT_MERGED_WITH_NEXT)
		extend = p->was_match && !match;
	else if (p->split->keep == SPLIT_CONTIGUOUS)
		extend = match == p->was_match;
	if (last && extend)
		last->n += n;
	else if (!match || p->split->keep != SPLIT_REMOVED)
		spans_add(p->out, start, n);
	p->was_match = match;
}

static void drop_empty(struct spans *spans, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < spans->n; i++)
		if (spans->at[i].n)
			spans->at[kept++] = spans->at[i];
	spans->n = kept;
}

static void put_together(const struct split *s, struct text_span piece, const struct spans *matches, struct spans *out)
{
	struct piecer p = { .split = s, .out = out, .first = out->n };
	size_t at = piece.start, end = piece.start + piece.n;

	for (size_t i = 0; i < matches->n; i++) {
		const struct text_span *m = &matches->at[i];

		if (m->start > at)
			stretch(&p, at, m->start - at, false);
		stretch(&p, m->start, m->n, true);
		at = m->start + m->n;
	}
	if (at < end)
		stretch(&p, at, end - at, false);
	drop_empty(out, p.first);
}

bool split_pieces(const struct split *s, const char *text, const struct spans *pieces, struct spans *out, struct err *err)
{
	struct spans matches = { 0 };
	struct matcher m;
	bool ok = true;

	matcher_start(&m, s);
	for (size_t i = 0; ok && i < pieces->n; i++) {
		matches.n = 0;
		ok = match_all(&m, text, pieces->at[i].start, pieces->at[i].n, &matches, err);
		put_together(s, pieces->at[i], &matches, out);
	}
	matcher_done(&m);
	spans_done(&matches);
	return ok;
}

bool split_replace(const struct split *s, const char *text, size_t n, const char *with, struct str *out, size_t limit,
		   struct err *err)
{
	struct spans matches = { 0 };
	struct matcher m;
	size_t at = 0, with_n = strlen(with);
	bool ok;

	matcher_start(&m, s);
	ok = match_all(&m, text, 0, n, &matches, err);
	matcher_done(&m);
	for (size_t i = 0; ok && i < matches.n; i++) {
		str_add_n(out, text + at, matches.at[i].start - at);
		str_add_n(out, with, with_n);
		at = matches.at[i].start + matches.at[i].n;
		if (out->n > limit)
			ok = err_set(err, ERR_FILE, "the tokenizer makes more than %zu bytes of this text", limit);
	}
	if (ok)
		str_add_n(out, text + at, n - at);
	spans_done(&matches);
	return ok;
}
