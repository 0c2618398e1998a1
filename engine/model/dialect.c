/* dialect.c - see dialect.h. */
#include "engine/model/dialect.h"

#include <stdlib.h>
#include <string.h>

/* Members of classes: Unicode's White_Space, and what Oniguruma counts as part of a word. */
#define WHITE_SPACE "\\x{9}-\\x{D}\\x{20}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
#define HEX_DIGIT "0-9A-Fa-f"

struct escape {
	char letter, opposite;
	const char *members;
};

static const struct escape escapes[] = {
	{ 's', 'S', WHITE_SPACE },
	{ 'w', 'W', WORD },
	{ 'h', 'H', HEX_DIGIT },
};

/* An escape outside a class becomes a class; inside one, its members. Others are copied with their backslash. */
static bool translate_escape(char c, int depth, struct str *out, struct err *err)
{
	for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
		const struct escape *e = &escapes[i];

		if (c == e->letter || (c == e->opposite && depth == 0)) {
			str_addf(out, depth ? "%s" : c == e->letter ? "[%s]" : "[^%s]", e->members);
			return true;
		}
		/* "[\s\S]", any character, is the one use: the opposite of the members has no short form in a class. */
		if (c == e->opposite && c != 'S')
			return err_set(err, ERR_FILE, "\\%c inside [] is not supported", c);
	}
	str_add_char(out, '\\');
	str_add_char(out, c);
	return true;
}

struct scan {
	const char *p;
	size_t n, i;
	struct str *out;
	int depth;		/* of classes */
	size_t group[64];	/* where each open group began in the output */
	int groups;
	size_t atom;		/* where the last atom began in the output */
	bool counted;		/* a {n,m} has just closed */
};

/* At "[": opens a class, or flattens one inside a class. */
static bool open_class(struct scan *s, struct err *err)
{
	bool negated = s->i + 1 < s->n && s->p[s->i + 1] == '^';

	if (s->depth == 0) {
		s->atom = s->out->n;
		str_add(s->out, negated ? "[^" : "[");
		s->i += negated ? 2 : 1;
		if (s->i < s->n && s->p[s->i] == ']') {	/* the first one is a member */
			str_add(s->out, "\\]");
			s->i++;
		}
	} else if (s->i + 1 < s->n && s->p[s->i + 1] == ':') {
		const char *end = memmem(s->p + s->i, s->n - s->i, ":]", 2);
		size_t length = end ? (size_t)(end + 2 - (s->p + s->i)) : 1;

		str_add_n(s->out, s->p + s->i, length);
		s->i += length;
		return true;
	} else if (negated) {
		return err_set(err, ERR_FILE, "a negated class inside a class is not supported");
	} else {
		s->i++;
	}
	s->depth++;
	return true;
}

static bool in_class(struct scan *s, struct err *err)
{
	char c = s->p[s->i];

	if (c == '[')
		return open_class(s, err);
	if (c == '&' && s->i + 1 < s->n && s->p[s->i + 1] == '&')
		return err_set(err, ERR_FILE, "an intersection of classes (&&) is not supported");
	if (c != ']' || s->depth == 1)
		str_add_char(s->out, c);
	if (c == ']')
		s->depth--;
	s->i++;
	return true;
}

/* "{1,3}" followed by "+": what it repeats is put in a group, which is then repeated. */
static void close_count(struct scan *s)
{
	size_t length = s->out->n - s->atom;
	char *atom = strndup(s->out->s + s->atom, length);

	s->out->n = s->atom;
	str_addf(s->out, "(?:%s)", atom ? atom : "");
	free(atom);
}

static bool outside_class(struct scan *s, struct err *err)
{
	char c = s->p[s->i];

	if (c == '[')
		return open_class(s, err);
	if (c == '+' && s->counted)
		close_count(s);
	s->counted = false;
	if (c == '(') {
		if (s->groups == (int)(sizeof s->group / sizeof *s->group))
			return err_set(err, ERR_FILE, "groups are nested more than %d deep", s->groups);
		s->group[s->groups++] = s->out->n;
	} else if (c == ')' && s->groups > 0) {
		s->atom = s->group[--s->groups];
	} else if (c == '}') {
		s->counted = true;
	} else if (!strchr("*+?{,0123456789", c) && ((unsigned char)c & 0xC0) != 0x80) {
		s->atom = s->out->n;
	}
	str_add_char(s->out, c);
	s->i++;
	return true;
}

bool dialect_translate(const char *pattern, size_t n, struct str *out, struct err *err)
{
	struct scan s = { .p = pattern, .n = n, .out = out };

	while (s.i < n) {
		if (pattern[s.i] == '\\' && s.i + 1 < n) {
			char c = pattern[s.i + 1];
			size_t start = out->n;

			if (!translate_escape(c, s.depth, out, err))
				return false;
			s.i += 2;
			/* \p{…} and \x{…}: the braces belong to the escape. */
			if (s.i < n && pattern[s.i] == '{' && strchr("pPx", c))
				do {
					str_add_char(out, pattern[s.i]);
				} while (pattern[s.i++] != '}' && s.i < n);
			if (s.depth == 0)
				s.atom = start;
			s.counted = false;
		} else if (!(s.depth ? in_class(&s, err) : outside_class(&s, err))) {
			return false;
		}
	}
	return true;
}
