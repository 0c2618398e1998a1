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

/* Scripts, which PCRE2 takes to be what is written in them too ("、" for Han) unless it is told otherwise. */
static const char *const scripts[] = {
	"Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Georgian", "Greek", "Han", "Hangul", "Hebrew", "Hiragana",
	"Katakana", "Khmer", "Lao", "Latin", "Mongolian", "Myanmar", "Tamil", "Telugu", "Thai", "Tibetan",
};

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

/* \p{NAME}: s->i is at the brace. */
static void property(struct scan *s, char p)
{
	const char *name = s->p + s->i + 1, *end = memchr(name, '}', s->n - s->i - 1);
	size_t length = end ? (size_t)(end - name) : 0;
	bool script = false;

	for (size_t k = 0; end && k < sizeof scripts / sizeof *scripts; k++)
		script |= strlen(scripts[k]) == length && !memcmp(scripts[k], name, length);
	if (!end)
		length = s->n - s->i - 1;
	str_addf(s->out, script ? "\\%c{sc:" : "\\%c{", p);
	str_add_n(s->out, name, length);
	str_add(s->out, end ? "}" : "");
	s->i += 1 + length + (end != NULL);
}

/* \s, \w, \h and their opposites become a class, inside a class their members. */
static bool members(struct scan *s, const struct escape *e, char c, struct err *err)
{
	bool opposite = c == e->opposite;

	/* "[\s\S]" is any character; the other opposites have no short form in a class. */
	if (opposite && s->depth && c == 'S')
		str_add(s->out, "\\S");
	else if (opposite && s->depth)
		return err_set(err, ERR_FILE, "\\%c inside [] is not supported", c);
	else
		str_addf(s->out, s->depth ? "%s" : opposite ? "[^%s]" : "[%s]", e->members);
	return true;
}

/* At a backslash that something follows. */
static bool escape(struct scan *s, struct err *err)
{
	char c = s->p[s->i + 1];
	bool brace = s->i + 2 < s->n && s->p[s->i + 2] == '{';

	if (!s->depth)
		s->atom = s->out->n;
	s->counted = false;
	s->i += 2;
	for (size_t k = 0; k < sizeof escapes / sizeof *escapes; k++)
		if (c == escapes[k].letter || c == escapes[k].opposite)
			return members(s, &escapes[k], c, err);
	if (brace && strchr("pPx", c)) {
		property(s, c);
	} else if (c == 'u' && s->n - s->i >= 4) {	/* \u0061 */
		str_addf(s->out, "\\x{%.4s}", s->p + s->i);
		s->i += 4;
	} else {
		str_add_char(s->out, '\\');
		str_add_char(s->out, c);
	}
	return true;
}

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
		static const char letters[] = "[:alpha:]";
		const char *end = memmem(s->p + s->i, s->n - s->i, ":]", 2);
		size_t length = end ? (size_t)(end + 2 - (s->p + s->i)) : 1;
		bool alpha = length == strlen(letters) && !memcmp(s->p + s->i, letters, length);

		str_add_n(s->out, alpha ? "\\p{Alphabetic}" : s->p + s->i, alpha ? strlen("\\p{Alphabetic}") : length);
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
	if (c == '{' && s->i < s->n && s->p[s->i] == ',')	/* {,3} */
		str_add_char(s->out, '0');
	return true;
}

bool dialect_translate(const char *pattern, size_t n, struct str *out, struct err *err)
{
	struct scan s = { .p = pattern, .n = n, .out = out };

	while (s.i < n)
		if (!(pattern[s.i] == '\\' && s.i + 1 < n ? escape(&s, err)
		      : s.depth			       ? in_class(&s, err)
						       : outside_class(&s, err)))
			return false;
	return true;
}
