/* normalize.c - see normalize.h. */
#include "engine/model/tokenizer/normalize.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/utf8.h"
#include "engine/model/tokenizer/byte_alphabet.h"

const char steps_gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

void steps_add(struct steps *steps, struct step step)
{
	steps->at = xrealloc(steps->at, (steps->n + 1) * sizeof *steps->at);
	if (step.text)
		step.text = xstrdup(step.text);
	steps->at[steps->n++] = step;
}

bool steps_add_split(struct steps *steps, const char *pattern, bool literal, enum split_keep keep, bool invert, struct err *err)
{
	struct split *split = split_new(pattern, strlen(pattern), literal, keep, invert, err);

	if (split)
		steps_add(steps, (struct step){ .kind = STEP_SPLIT, .split = split });
	return split != NULL;
}

bool steps_add_replace(struct steps *steps, const char *pattern, bool literal, const char *with, struct err *err)
{
	struct split *split = split_new(pattern, strlen(pattern), literal, SPLIT_ISOLATED, false, err);

	if (split)
		steps_add(steps, (struct step){ .kind = STEP_REPLACE, .split = split, .text = (char *)(uintptr_t)with });
	return split != NULL;
}

void steps_add_prepend(struct steps *steps, const char *text, bool unless_there, bool at_start)
{
	steps_add(steps, (struct step){ .kind = STEP_PREPEND,
					.text = (char *)(uintptr_t)text,
					.unless_there = unless_there,
					.at_start = at_start });
}

void steps_done(struct steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		split_free(steps->at[i].split);
		free(steps->at[i].text);
	}
	free(steps->at);
	*steps = (struct steps){ 0 };
}

void pieces_start(struct pieces *p)
{
	*p = (struct pieces){ 0 };
	str_init(&p->text);
}

void pieces_done(struct pieces *p)
{
	str_done(&p->text);
	spans_done(&p->span);
}

void pieces_set(struct pieces *p, const char *text, size_t n)
{
	str_clear(&p->text);
	str_add_n(&p->text, text, n);
	p->span.n = 0;
	if (n)
		spans_add(&p->span, 0, n);
}

/* ---- steps that change the text ---- */

/* The first stretch of s[n] to normalise at once: UTF-8, and not more marks in a row than any writing has, since putting
 * them in order takes the square of their number. */
static size_t stretch(const char *s, size_t n, bool *ascii)
{
	enum { MARKS = 512 };
	int marks = 0;
	size_t at = 0;

	*ascii = true;
	while (at < n && marks < MARKS) {
		int32_t c;
		size_t length = utf8_decode(s + at, n - at, &c);

		if (c < 0)
			break;
		*ascii &= c < 128;
		marks = c >= 128 && utf8_width(c) == 0 ? marks + 1 : 0;
		at += length;
	}
	return at;
}

/* Bytes that are not UTF-8 stay as they are. */
static void normalise(struct str *out, const char *s, size_t n, enum step_kind kind)
{
	static char *(*const forms[])(const char *, size_t, size_t *) = {
		[STEP_NFC] = utf8_nfc,	 [STEP_NFKC] = utf8_nfkc,   [STEP_NFD] = utf8_nfd,
		[STEP_NFKD] = utf8_nfkd, [STEP_LOWER] = utf8_lower,
	};

	for (size_t at = 0; at < n;) {
		bool ascii;
		size_t length = stretch(s + at, n - at, &ascii), normal_n;
		char *normal = NULL;

		if (length == 0)
			length = 1;
		else if (!ascii || kind == STEP_LOWER)
			normal = forms[kind](s + at, length, &normal_n);
		if (normal)
			str_add_n(out, normal, normal_n);
		else
			str_add_n(out, s + at, length);
		free(normal);
		at += length;
	}
}

static void prepend(const struct step *step, struct str *out, const char *s, size_t n, bool first)
{
	size_t length = strlen(step->text);
	bool there = n >= length && !memcmp(s, step->text, length);

	if (!(there && step->unless_there) && (first || !step->at_start))
		str_add_n(out, step->text, length);
	str_add_n(out, s, n);
}

static bool change_one(const struct step *step, struct str *out, const char *s, size_t n, bool first, size_t limit, struct err *err)
{
	switch (step->kind) {
	case STEP_NFC:
	case STEP_NFKC:
	case STEP_NFD:
	case STEP_NFKD:
	case STEP_LOWER:
		normalise(out, s, n, step->kind);
		return true;
	case STEP_PREPEND:
		prepend(step, out, s, n, first);
		return true;
	case STEP_ALPHABET:
		alphabet_encode(out, s, n);
		return true;
	case STEP_REPLACE:
		return split_replace(step->split, s, n, step->text, out, limit, err);
	case STEP_SPLIT:
		break;
	}
	return true;
}

static bool change(const struct step *step, struct pieces *p, bool first, size_t limit, struct err *err)
{
	struct spans span = { 0 };
	struct str text;
	bool ok = true;

	str_init(&text);
	for (size_t i = 0; ok && i < p->span.n; i++) {
		size_t start = text.n;

		ok = change_one(step, &text, p->text.s + p->span.at[i].start, p->span.at[i].n, first && i == 0, limit, err);
		if (ok && text.n > limit)
			ok = err_set(err, ERR_FILE, "the tokenizer makes more than %zu bytes of this text", limit);
		if (text.n > start)
			spans_add(&span, start, text.n - start);
	}
	pieces_done(p);
	*p = (struct pieces){ text, span };
	return ok;
}

/* *first: the first piece is still the beginning of the prompt, which may have been cut off. */
static bool cut(const struct step *step, struct pieces *p, bool *first, struct err *err)
{
	struct spans span = { 0 };
	bool ok = split_pieces(step->split, p->text.s, &p->span, &span, err);

	*first &= span.n > 0 && span.at[0].start == p->span.at[0].start;
	spans_done(&p->span);
	p->span = span;
	return ok;
}

bool steps_apply(const struct steps *steps, struct pieces *p, bool first, bool bare, struct err *err)
{
	/* A file can ask for any growth; none that is used comes near this. */
	size_t limit = 65536 + 64 * p->text.n;

	for (size_t i = 0; i < steps->n; i++) {
		const struct step *step = &steps->at[i];

		if (bare && step->kind == STEP_PREPEND)
			continue;
		if (!(step->kind == STEP_SPLIT ? cut(step, p, &first, err) : change(step, p, first, limit, err)))
			return false;
	}
	return true;
}
