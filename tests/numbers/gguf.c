/*
 * gguf.c - GGUF files against transformers: each of tests/fixtures/gguf (made by tests/reference/make_gguf.py) has the logits and
 * sites of the Hugging Face model that it was made from, whatever the converter changed on the way.
 */
#include "engine/base/str.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/fixture.h"

static const char folder[] = "tests/fixtures/gguf";

/* Where the expected values are: beside the model that the file was made from, or beside the file itself. */
static void expected_path(const struct json_value *row, struct str *out)
{
	const char *file = json_text(json_get(row, "file")), *like = json_text(json_get(row, "like"));

	if (like)
		str_addf(out, "tests/fixtures/%s/expected.safetensors", like);
	else
		str_addf(out, "%s/%.*s.safetensors", folder, (int)(strlen(file) - strlen(".gguf")), file);
}

static void check_file(const struct json_value *row)
{
	struct fixture f = { .name = json_text(json_get(row, "file")) };
	struct run_order order = { 0 };
	struct err err = { 0 };
	struct str path;

	str_init(&path);
	str_addf(&path, "%s/%s", folder, f.name);
	f.model = model_open(path.s, NULL, NULL, &err);
	str_clear(&path);
	expected_path(row, &path);
	f.expected = weights_open(path.s, &err);
	f.n = read_ids(json_get(row, "ids"), f.ids, MOST_IDS);
	order = (struct run_order){ .model = f.model, .tokens = f.ids, .T = f.n };
	if (CHECK_THAT(f.model && f.expected, "%s opens %s", f.name, err.text)) {
		f.run = run_new(&order, NULL, &err);
		if (CHECK_THAT(f.run, "%s runs %s", f.name, err.text))
			check_sites(&f);
	}
	run_unref(f.run);
	weights_free(f.expected);
	model_free(f.model);
	str_done(&path);
}

int main(void)
{
	struct err err = { 0 };
	struct str path;
	struct json *index;

	str_init(&path);
	str_addf(&path, "%s/index.json", folder);
	index = json_open(path.s, 0, &err);
	CHECK_THAT(json_count(json_root(index)) >= 30, "%zu files are listed %s", json_count(json_root(index)), err.text);
	for (size_t i = 0; i < json_count(json_root(index)); i++)
		check_file(json_at(json_root(index), i));
	json_free(index);
	str_done(&path);
	pool_stop();
	return tap_done();
}
