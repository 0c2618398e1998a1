/* json.c - any bytes as JSON; every value is visited and asked for as everything that it might be. */
#include "engine/base/json.h"
#include "tests/fuzz/fuzz.h"

static bool visit(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct str *out = context;
	const char *text;
	int64_t i;
	double x;
	bool b;
	size_t n;

	(void)index;
	if (key)
		json_write_string(out, key, __builtin_strlen(key));
	text = json_text_n(v, &n);
	if (text)
		json_write_string(out, text, n);
	if (json_double(v, &x)) {
		json_write_double(out, x);
		json_write_float(out, (float)x);
	}
	FUZZ_EXPECT(!json_int(v, &i) || (double)i == x);
	json_bool(v, &b);
	json_get(v, "a");
	json_at(v, 0);
	return json_each(v, visit, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = { 0 };
	struct json *doc = json_parse((const char *)bytes, n, "fuzz", &err);
	struct str out;

	FUZZ_EXPECT(doc || *err.text);
	str_init(&out);
	if (doc)
		visit(&out, 0, NULL, json_root(doc));
	str_done(&out);
	json_free(doc);
	return 0;
}
