/* regex_translate.c - see regex_translate.h. */
#include "engine/model/tokenizer/regex_translate.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"

/* Members of classes: Unicode's White_Space, and what Oniguruma counts as part of a word. */
#define WHITE_SPACE "\\x{9}-\\x{D}\\x{20}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
#define HEX_DIGIT "0-9A-Fa-f"

/* Below U+0100 a lone \w follows Latin 1, where raised digits and fractions are part of words. */
#define LATIN1_WORD "\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}"

struct escape {
	char letter, opposite;
	const char *members, *alone; /* inside a class, and outside of one */
};

static const struct escape escapes[] = {
	{ 's', 'S', WHITE_SPACE, WHITE_SPACE },
	{ 'w', 'W', WORD, WORD LATIN1_WORD },
	{ 'h', 'H', HEX_DIGIT, HEX_DIGIT },
};

/* [:NAME:] and, where PCRE2 has no such property, \p{NAME}. */
struct class
{
	const char *name, *members, *property;
};

static const struct class classes[] = {
	{ "alnum", "\\p{Alphabetic}\\p{Nd}", "\\p{Alphabetic}\\p{Nd}" },
	{ "alpha", "\\p{Alphabetic}", NULL },
	{ "blank", "\\p{Zs}\\t", "\\p{Zs}\\t" },
	{ "digit", "\\p{Nd}", "\\p{Nd}" },
	{ "graph", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}", NULL },
	{ "lower", "\\p{Lowercase}", NULL },
	{ "print", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\p{Zs}", NULL },
	{ "punct", "\\p{P}\\p{S}", "\\p{P}" },
	{ "space", WHITE_SPACE, WHITE_SPACE },
	{ "upper", "\\p{Uppercase}", NULL },
	{ "word", WORD, WORD },
};

/* Scripts, which PCRE2 takes to be what is written in them too ("、" for Han) unless it is told otherwise. */
static const char *const scripts[] = {
	"Arabic",   "Armenian", "Bengali", "Cyrillic", "Devanagari", "Georgian", "Greek", "Han",    "Hangul", "Hebrew",	 "Hiragana",
	"Katakana", "Khmer",	"Lao",	   "Latin",    "Mongolian",  "Myanmar",	 "Tamil", "Telugu", "Thai",   "Tibetan",
};

struct scan {
	const char *p;
	size_t n, i;
	struct str *out;
	int depth;	  /* of classes */
	size_t group[64]; /* where each open group began in the output */
	int groups;
	size_t atom;  /* where the last atom began in the output */
	bool counted; /* a {n,m} has just closed */
};

static const struct class *class_of(const char *name, size_t n)
{
	for (size_t k = 0; k < sizeof classes / sizeof *classes; k++)
		if (strlen(classes[k].name) == n && !strncasecmp(classes[k].name, name, n))
			return &classes[k];
	return NULL;
}

/* \p{NAME}: s->i is at the brace. */
static bool property(struct scan *s, char p, struct err *err)
{
	const char *name = s->p + s->i + 1, *end = memchr(name, '}', s->n - s->i - 1);
	size_t length = end ? (size_t)(end - name) : 0;
	bool hat = length > 0 && *name == '^', opposite = hat != (p == 'P'), script = false;
	const struct class *class = class_of(name + hat, length - hat);

	if (class && class->property) {
		if (opposite && s->depth)
			return err_set(err, ERR_FILE, "\\%c{%.*s} inside [] is not supported", p, (int)length, name);
		str_addf(s->out, s->depth ? "%s" : opposite ? "[^%s]" : "[%s]", class->property);
		s->i += 1 + length + 1;
		return true;
	}
	for (size_t k = 0; end && k < sizeof scripts / sizeof *scripts; k++)
		script |= strlen(scripts[k]) == length && !memcmp(scripts[k], name, length);
	if (!end)
		length = s->n - s->i - 1;
	str_addf(s->out, script ? "\\%c{sc:" : "\\%c{", p);
	str_add_n(s->out, name, length);
	str_add(s->out, end ? "}" : "");
	s->i += 1 + length + (end != NULL);
	return true;
}

/* \s, \w, \h and their opposites become a class, inside a class their members. */
static bool members(struct scan *s, const struct escape *e, char c, struct err *err)
{
	bool opposite = c == e->opposite;

	/* "[\s\S]" is any character; the other opposites have no short form in a class. */
	if (opposite && s->depth && c == 'S')
		str_add(s->out, "\\S\\x{180E}");
	else if (opposite && s->depth)
		return err_set(err, ERR_FILE, "\\%c inside [] is not supported", c);
	else
		str_addf(s->out, s->depth ? "%s" : opposite ? "[^%s]" : "[%s]", s->depth ? e->members : e->alone);
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
		return property(s, c, err);
	} else if (c == 'u' && s->n - s->i >= 4) { /* \u0061 */
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
		if (s->i < s->n && s->p[s->i] == ']') { /* the first one is a member */
			str_add(s->out, "\\]");
			s->i++;
		}
	} else if (s->i + 1 < s->n && s->p[s->i + 1] == ':') {
		const char *name = s->p + s->i + 2, *end = memmem(name, s->n - s->i - 2, ":]", 2);
		size_t length = end ? (size_t)(end - name) : 0;
		const struct class *class = class_of(name, length);

		if (length && *name == '^' && class_of(name + 1, length - 1))
			return err_set(err, ERR_FILE, "[:%.*s:] is not supported", (int)length, name);
		if (class)
			str_add(s->out, class->members);
		else
			str_add_n(s->out, s->p + s->i, end ? length + 4 : 1);
		s->i += end ? length + 4 : 1;
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
	char *atom = xmalloc(length + 1);

	memcpy(atom, s->out->s + s->atom, length);
	atom[length] = 0;
	s->out->n = s->atom;
	str_addf(s->out, "(?:%s)", atom);
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
	if (c == '{' && s->i < s->n && s->p[s->i] == ',') /* {,3} */
		str_add_char(s->out, '0');
	return true;
}

bool dialect_translate(const char *pattern, size_t n, struct str *out, struct err *err)
{
	struct scan s = { .p = pattern, .n = n, .out = out };

	while (s.i < n)
		if (!(pattern[s.i] == '\\' && s.i + 1 < n ? escape(&s, err) : s.depth ? in_class(&s, err) : outside_class(&s, err)))
			return false;
	return true;
}
