/* json.c - reading and writing JSON; what is refused, where, and in which words. */
#include "engine/base/json.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#include <float.h>
#include <stdint.h>
#include <stdlib.h>

static struct json *parse(const char *text, struct err *err)
{
	return json_parse(text, strlen(text), "test.json", err);
}

static bool collect(void *context, size_t index, const char *key, const struct json_value *v)
{
	(void)v;
	str_addf(context, "%zu%s ", index, key ? key : "");
	return index < 2;
}

static void test_values(void)
{
	struct err err = { 0 };
	struct str seen;
	const struct json_value *root;
	double x = 0;
	int64_t i = 7;
	bool b = false;
	size_t n;
	struct json *doc = parse("{\"z\": [1, 2.5, -3, null, true], \"a\": {\"s\": \"h\\u00e9\\u0000!\"}, \"m\": 1e3,\n"
				 " \"big\": 1000000000000000019884624838656, \"c\": 9007199254740992}",
				 &err);

	root = json_root(doc);
	CHECK(doc && json_is(root, JSON_OBJECT) && json_count(root) == 5);
	str_init(&seen);
	CHECK(!json_each(root, collect, &seen));
	CHECK_TEXT(seen.s, "0z 1a 2m "); /* in the order of the file; stopped when told */
	str_clear(&seen);
	CHECK(!json_each(json_get(root, "z"), collect, &seen));
	CHECK_TEXT(seen.s, "0 1 2 ");
	CHECK(json_each(NULL, collect, &seen));
	str_done(&seen);
	CHECK(json_int(json_at(json_get(root, "z"), 2), &i) && i == -3);
	CHECK(!json_int(json_at(json_get(root, "z"), 1), &i) && i == -3);
	CHECK(json_double(json_at(json_get(root, "z"), 1), &x) && x == 2.5);
	CHECK(json_bool(json_at(json_get(root, "z"), 4), &b) && b);
	CHECK(!json_bool(json_get(root, "m"), &b) && !json_double(json_get(root, "a"), &x));
	CHECK(json_int(json_get(root, "m"), &i) && i == 1000);
	CHECK(json_double(json_get(root, "big"), &x) && x > 9e29 && !json_int(json_get(root, "big"), &i));
	CHECK(json_int(json_get(root, "c"), &i) && i == 9007199254740992);
	CHECK_TEXT(json_text(json_get(json_get(root, "a"), "s")), "h\xC3\xA9");
	CHECK(json_text_n(json_get(json_get(root, "a"), "s"), &n) && n == 5);
	CHECK(!json_get(json_get(root, "none"), "deeper") && !json_at(root, 0) && !json_text(root) && !json_count(NULL));
	CHECK(json_kind(NULL) == JSON_NULL && !json_is(NULL, JSON_NULL) && !json_is(json_at(json_get(root, "z"), 3), JSON_NULL));
	json_free(doc);
	json_free(NULL);
}

static void test_refused(void)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", "test.json: line 3, column" },
		{ "{\"a\": 1, \"a\": 2}", "the same key twice" },
		{ "[1, 2", "ends in the middle" },
		{ "[1 2]", "not JSON" },
		{ "", "empty" },
		{ "   ", "test.json: line 1, column 4" },
		{ "{\"a\"", "ends in the middle" },
		{ "\"\xFF\"", "not UTF-8" },
		{ "[1] x", "more follows" },
		{ "[1e999]", "a number" },
		{ "[Nan]", "Nan" },
		{ "[Infinit]", "Infinit" },
		{ "\xFF\xFE[\0]\0", "UTF-16" },
		{ "{\"a\\u0000b\": 1}", "zero character" },
		{ "[\"\x1B[31m\"]", "control character 0x1b" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct json *doc = parse(rows[i].text, &err);

		CHECK_THAT(!doc && strstr(err.text, rows[i].says), "refused: %s", err.text);
		CHECK(!strchr(err.text, '\x1B'));
		json_free(doc);
	}
}

/* As Python's json module and Windows' editors write it. */
static void test_python_and_marks(void)
{
	struct err err = { 0 };
	struct json *doc =
		parse("\xEF\xBB\xBF{\"a\": NaN, \"b\": [Infinity, -Infinity], \"NaN\": \"a \\\" NaN\", \"c\": 1}\r\n", &err);
	const struct json_value *root = json_root(doc), *b = json_get(root, "b");
	double x = 7;
	int64_t i = 7;

	CHECK_THAT(doc && json_count(root) == 4, "NaN and Infinity are read %s", err.text);
	CHECK(json_is(json_get(root, "a"), JSON_NUMBER) && !json_double(json_get(root, "a"), &x) &&
	      !json_int(json_get(root, "a"), &i) && x == 7);
	CHECK(json_count(b) == 2 && !json_double(json_at(b, 0), &x) && !json_double(json_at(b, 1), &x) && x == 7 && i == 7);
	CHECK_TEXT(json_text(json_get(root, "NaN")), "a \" NaN");
	CHECK(json_double(json_get(root, "c"), &x) && x == 1);
	json_free(doc);
}

static char *repeat(const char *unit, size_t times)
{
	size_t n = strlen(unit);
	char *text = malloc(n * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(text + i * n, unit, n);
	text[n * times] = '\0';
	return text;
}

static void test_depth_and_size(void)
{
	struct err err = { 0 };
	char *open = repeat("[", 256), *close = repeat("]", 256), *deep, *flat;
	char both[600];
	struct json *doc;
	struct str many;

	snprintf(both, sizeof both, "%s%s", open, close);
	doc = parse(both, &err);
	CHECK(doc);
	json_free(doc);
	snprintf(both, sizeof both, "[%s%s]", open, close);
	CHECK(!parse(both, &err) && strstr(err.text, "column 257") && strstr(err.text, "256 brackets"));
	snprintf(both, sizeof both, "[\"\\\"[%s\"]", open); /* brackets inside a string are text, also after an escaped quote */
	doc = parse(both, &err);
	CHECK(doc);
	json_free(doc);
	deep = repeat("[", 20000000);
	CHECK(!parse(deep, &err) && strstr(err.text, "256 brackets"));
	/* 2 million empty objects would take 480 MB for 6 MB of file. */
	flat = repeat("{},", 2000000);
	flat[0] = '[';
	CHECK(!parse(flat, &err) && err.kind == ERR_FILE);
	str_init(&many);
	str_addf(&many, "[%s{}]", flat + 3);
	CHECK(!parse(many.s, &err) && strstr(err.text, "memory"));
	str_done(&many);
	free(open);
	free(close);
	free(deep);
	free(flat);
}

static void test_open(void)
{
	struct err err = { 0 };
	char *path = scratch_file("a.json", "{\"a\": [true]}", 13), *missing = scratch_path("none.json");
	struct json *doc = json_open(path, 0, &err);

	CHECK(doc && json_count(json_get(json_root(doc), "a")) == 1);
	json_free(doc);
	CHECK(!json_open(path, 12, &err) && strstr(err.text, "at most"));
	CHECK(!json_open(missing, 0, &err) && strstr(err.text, "no such file"));
	free(path);
	free(missing);
}

static void test_write(void)
{
	static const float floats[] = { 0, 1, -1, 0.1f, 1.0f / 3, 16777216, FLT_MAX, FLT_MIN, 1e-45f, 3.14159274f, -2.5e-7f };
	struct str out;
	struct err err = { 0 };
	int wrong = 0;
	uint32_t bits = 1;

	str_init(&out);
	json_write_string(&out, "a\"\\\n\t\x01\x7F\xC2\x9B\xC3\xA9\xFF\0", 13);
	CHECK_TEXT(out.s, "\"a\\\"\\\\\\n\\t\\u0001\\u007f\\u009b\xC3\xA9\xEF\xBF\xBD\\u0000\"");
	str_clear(&out);
	json_write_float(&out, 0.1f);
	str_add(&out, " ");
	json_write_double(&out, 0.1);
	str_add(&out, " ");
	json_write_float(&out, NAN);
	str_add(&out, " ");
	json_write_float(&out, -INFINITY);
	CHECK_TEXT(out.s, "0.1 0.1 null null");
	for (size_t i = 0; i < 20000; i++) {
		struct json *doc;
		double back = 0;
		float x;

		bits = bits * 1664525 + 1013904223;
		memcpy(&x, &bits, sizeof x);
		if (i < sizeof floats / sizeof *floats)
			x = floats[i];
		if (!isfinite(x))
			continue;
		str_clear(&out);
		json_write_float(&out, x);
		doc = parse(out.s, &err);
		wrong += !json_double(json_root(doc), &back) || (float)back != x;
		json_free(doc);
	}
	CHECK_THAT(wrong == 0, "floats read back to themselves (%d do not)", wrong);
	str_done(&out);
}

int main(void)
{
	test_values();
	test_refused();
	test_python_and_marks();
	test_depth_and_size();
	test_open();
	test_write();
	scratch_done();
	return tap_done();
}
