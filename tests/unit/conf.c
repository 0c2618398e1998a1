/* conf.c - YAML: what is read, what is refused and in which words, and that what is written reads back. */
#include "engine/base/conf.h"
#include "tests/tap.h"

#include <stdlib.h>

static struct arena *arena;

static struct conf *parse(const char *yaml, struct err *err)
{
	return conf_parse(yaml, strlen(yaml), "t.yaml", arena, err);
}

static void refused(const char *yaml, const char *expected)
{
	struct err err = { 0 };

	if (CHECK_THAT(!parse(yaml, &err) && err.kind == ERR_FILE, "refused, for: %s", expected))
		CHECK_THAT(!!strstr(err.text, expected), "%s (in: %s)", expected, err.text);
}

static void test_reading(void)
{
	struct err err = { 0 };
	struct conf *c = parse("title: Induction\nsteps: 12\nratio: 0.5\non: false\nnone: null\n"
			       "edits:\n  - head 1.3 zero\n  - {edit: \"x\", on: true}\nquoted: \"12\"\n",
			       &err);
	const struct conf *edits = conf_get(c, "edits");
	const char *text;
	double ratio;
	bool on = true;
	int steps;

	CHECK(conf_text(conf_get(c, "title"), &text, &err) && !strcmp(text, "Induction"));
	CHECK(conf_int(conf_get(c, "steps"), 0, 20, &steps, &err) && steps == 12);
	CHECK(conf_float(conf_get(c, "ratio"), &ratio, &err) && ratio == 0.5);
	CHECK(conf_bool(conf_get(c, "on"), &on, &err) && !on);
	CHECK(conf_is_null(conf_get(c, "none")) && conf_is_null(conf_get(c, "absent")) && !conf_is_null(edits));
	CHECK(edits->kind == CONF_LIST && edits->count == 2 && conf_at(edits, 1)->line == 8 && !conf_at(edits, 2));
	CHECK_TEXT(conf_get(conf_at(edits, 1), "edit")->text, "x");
	CHECK(!conf_int(conf_get(c, "quoted"), 0, 20, &steps, &err));
	CHECK_TEXT(err.text, "t.yaml:9: quoted is \"12\"; expected a whole number, 0 … 20");
	CHECK(!conf_int(conf_get(c, "steps"), 0, 11, &steps, &err));
	CHECK(!conf_bool(conf_get(c, "title"), &on, &err) && !conf_float(conf_get(c, "title"), &ratio, &err));
	CHECK(!conf_text(edits, &text, &err));
	CHECK_TEXT(err.text, "t.yaml:7: edits is a list; expected a text");
	CHECK(!conf_text(conf_get(c, "none"), &text, &err));
	c = parse("", &err);
	CHECK(c && c->kind == CONF_MAP && c->count == 0);
	c = parse("# only a comment\n", &err);
	CHECK(c && c->kind == CONF_MAP);
}

static void test_refusing(void)
{
	char deep[2000] = "";

	refused("a: [1, 2", "t.yaml:2: not YAML");
	refused("a: 1\nb: 2\na: 3\n", "t.yaml:3: a is there twice (first in line 1)");
	refused("a: &x 1\nb: *x\n", "t.yaml:2: *x is an alias");
	refused("a: \"\\0\"\n", "NUL");
	refused("? [a]\n: 1\n", "expected a word");
	refused("a: 1\n---\nb: 2\n", "t.yaml:3: a second document");
	refused("a: \xff\xfe\n", "expected UTF-8");
	refused("\ta: 1\n", "t.yaml:1: not YAML");
	memset(deep, '[', 300);
	refused(deep, "nested more than 256 deep");
}

static void test_bounds(void)
{
	struct err err = { 0 };
	size_t n = 60000;
	char *many = malloc(n + 1);

	for (size_t i = 0; i < n; i += 4)
		memcpy(many + i, "- a\n", 4);
	many[n] = '\0';
	CHECK(!parse(many, &err) && strstr(err.text, "more than 10000 entries"));
	free(many);
	CHECK(!conf_open("/dev/null", arena, &err) && err.kind == ERR_FILE);
	CHECK(!conf_open("/nowhere/x.yaml", arena, &err));
}

/* Texts that must come back as they are, and as texts. */
static void test_round_trip(void)
{
	static const char *const texts[] = {
		"plain",  " the cat",	  "trailing ", "",	"null", "true",		"12",	     "-3.5e2",	    "~",
		"a: b",	  "# no comment", "- x",       "\"q\"", "it's", "two\nlines\n", "tab\there", "\x1b[31mred", "naïve 😀",
		"[a, b]", "{x}",	  "%y",	       "@z",	"*a",	"&b",		"0x1F",	     "a,b",	    "\xe2\x80\xae",
	};
	struct err err = { 0 };
	struct conf *map = conf_new_map(arena), *list = conf_new_list(arena), *back;
	struct str out;
	const char *text;
	bool on;
	int x;

	list->flow = true;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		conf_add_text(arena, list, NULL, texts[i]);
	conf_add(arena, map, "texts", list);
	conf_add_text(arena, map, "nothing", NULL);
	conf_add_int(arena, map, "null", -7);
	conf_add_bool(arena, map, "on", true);
	conf_add_text(arena, map, "bytes",
		      "a\xff"
		      "b");
	str_init(&out);
	conf_print(map, &out);
	back = conf_parse(out.s, out.n, "t.yaml", arena, &err);
	if (!CHECK_THAT(!!back, "what is written can be read: %s", back ? "yes" : err.text))
		return;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const struct conf *v = conf_at(conf_get(back, "texts"), (int)i);

		CHECK_THAT(v && conf_text(v, &text, &err) && !strcmp(text, texts[i]), "text %zu comes back", i);
	}
	CHECK(conf_is_null(conf_get(back, "nothing")));
	CHECK(conf_int(conf_get(back, "null"), -10, 10, &x, &err) && x == -7);
	CHECK(conf_bool(conf_get(back, "on"), &on, &err) && on);
	CHECK_TEXT(conf_get(back, "bytes")->text, "a\xef\xbf\xbd"
						  "b");
	CHECK(!strchr(out.s, 0x1b));
	str_done(&out);
}

int main(void)
{
	arena = arena_new();
	test_reading();
	test_refusing();
	test_bounds();
	test_round_trip();
	arena_free(arena);
	return tap_done();
}
