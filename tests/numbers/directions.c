/*
 * directions.c - directions between two sets of prompts against tests/fixtures/directions (tests/reference/make_directions.py), the
 * files that vectors come from and go to, and files of prompts.
 */
#include "engine/run/direction.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/paths.h"
#include "engine/numbers/pool.h"
#include "engine/run/run.h"
#include "engine/run/vector_file.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#define FOLDER "tests/fixtures/directions"

static struct arena *arena;

static struct prompt_set set_of(const struct json_value *lists)
{
	struct prompt_set s = { .n = (int)json_count(lists), .path = "set" };

	s.tokens = arena_alloc(arena, (size_t)s.n * sizeof *s.tokens);
	s.T = arena_alloc(arena, (size_t)s.n * sizeof *s.T);
	for (int i = 0; i < s.n; i++) {
		const struct json_value *list = json_at(lists, (size_t)i);
		int32_t *ids = arena_alloc(arena, json_count(list) * sizeof *ids);

		s.T[i] = (int)json_count(list);
		for (int t = 0; t < s.T[i]; t++) {
			int64_t id = -1;

			json_int(json_at(list, (size_t)t), &id);
			ids[t] = (int32_t)id;
		}
		s.tokens[i] = ids;
	}
	return s;
}

static void check_kind(const struct model *m, const struct json_value *v, const char *kind)
{
	struct prompt_set with = set_of(json_get(v, "with")), without = set_of(json_get(v, "without"));
	const struct json_value *expected = json_get(v, kind);
	struct directions d;
	struct err err = { 0 };

	if (!CHECK_THAT(directions_of_prompts(m, &with, &without, !strcmp(kind, "pca"), &d, arena, NULL, &err), "%s %s", kind,
			err.text))
		return;
	for (int l = 0; l < d.L; l++) {
		const struct json_value *row = json_at(json_get(expected, "vector"), (size_t)l);
		float *want = arena_alloc(arena, (size_t)d.D * sizeof *want);
		double auc = 0, x = 0;

		for (int i = 0; i < d.D; i++) {
			json_double(json_at(row, (size_t)i), &x);
			want[i] = (float)x;
		}
		json_double(json_at(json_get(expected, "auc"), (size_t)l), &auc);
		CHECK_NEAR(d.vector + l * d.D, want, d.D, 1e-4, "%s %s, layer %d", json_text(json_get(v, "model")), kind, l);
		CHECK_THAT(fabs(auc - d.auc[l]) < 1e-9, "%s %s, layer %d: AUC %g, expected %g", json_text(json_get(v, "model")),
			   kind, l, d.auc[l], auc);
	}
	with.n--;
	CHECK_THAT(!directions_of_prompts(m, &with, &without, true, &d, arena, NULL, &err) && strstr(err.text, "pairs are needed"),
		   "%s", err.text);
}

static struct model *open_model(const struct json_value *v)
{
	struct err err = { 0 };
	char folder[200];
	struct model *m;

	snprintf(folder, sizeof folder, "tests/fixtures/%s", json_text(json_get(v, "model")));
	m = model_open(folder, NULL, NULL, &err);
	CHECK_THAT(!!m, "%s %s", folder, err.text);
	return m;
}

/* What is written is read back, bit for bit, layer by layer. */
static void check_files(const struct model *m)
{
	static const char *const names[] = { "d.safetensors", "d.gguf", "d.npy" };
	int L = m->config.L, D = m->config.D;
	float *vector = arena_alloc(arena, (size_t)(L * D) * sizeof *vector);
	struct err err = { 0 };

	for (int i = 0; i < L * D; i++)
		vector[i] = (float)(i * 37 % 101) / 7 - 5;
	for (int f = 0; f < 3; f++) {
		char *path = scratch_path(names[f]);
		int from = f == 2 ? 1 : 0, to = f == 2 ? 1 : L - 1;

		CHECK_THAT(vector_write(path, m, vector, from, to, &err), "%s %s", names[f], err.text);
		for (int l = f == 0 ? 0 : 1; l <= to; l++) {
			size_t n = 0;
			float *back = vector_read(NULL, path, l, arena, &n, &err);

			CHECK_THAT(back && n == (size_t)D && !memcmp(back, vector + l * D, n * sizeof *back), "%s, layer %d %s",
				   names[f], l, err.text);
		}
		free(path);
	}
	CHECK_THAT(!vector_write("x.npy", m, vector, 0, 1, &err) && strstr(err.text, "room for one layer"), "%s", err.text);
	CHECK_THAT(!vector_write("x.txt", m, vector, 0, 1, &err) && strstr(err.text, "ends in .npy"), "%s", err.text);
	CHECK_THAT(!vector_write("x.gguf", m, vector, 0, 0, &err) && strstr(err.text, "nothing for layer 0"), "%s", err.text);
}

/* A control vector of the gguf package, and by name in a safetensors file; what is not there is named. */
static void check_reading(const struct json_value *v)
{
	const struct json_value *row = json_at(json_get(json_get(v, "means"), "vector"), 1);
	char *path = scratch_path("d.safetensors"), *named = arena_printf(arena, "%s:direction.2", path);
	struct err err = { 0 };
	size_t n = 0;
	float *x = vector_read(NULL, FOLDER "/control.gguf", 1, arena, &n, &err), *y, *z;
	double first = 0;

	json_double(json_at(row, 0), &first);
	CHECK_THAT(x && n == json_count(row) && x[0] == (float)first, "the gguf package's control vector %s", err.text);
	CHECK_THAT(!vector_read(NULL, FOLDER "/control.gguf", 0, arena, &n, &err) && strstr(err.text, "no direction.0"), "%s",
		   err.text);
	CHECK_THAT(!vector_read(NULL, "tests/fixtures/gguf/llama.gguf", 1, arena, &n, &err), "%s", err.text);
	y = vector_read(NULL, named, 0, arena, &n, &err);
	z = vector_read(NULL, path, 2, arena, &n, &err);
	CHECK_THAT(y && z && !memcmp(y, z, n * sizeof *y), "a tensor by its name %s", err.text);
	named = arena_printf(arena, "%s:other", path);
	CHECK_THAT(!vector_read(NULL, named, 0, arena, &n, &err) &&
			   strstr(err.text, "no tensor other; it has direction.0, direction.1"),
		   "%s", err.text);
	free(path);
}

/* Headers that lie, and types that are not read; a true one for comparison. */
static void check_hostile(void)
{
	static const struct {
		const char *says, *head;
		size_t bytes; /* after the header */
	} rows[] = {
		{ NULL, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4), }", 16 },
		{ "one or two dimensions", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 2), }", 16 },
		{ "one or two dimensions", "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615,), }", 16 },
		{ "4 numbers are announced, but 15 bytes follow", "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", 15 },
		{ "4 numbers are announced", "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }", 16 },
		{ NULL, "{'descr': '>f4', 'fortran_order': False, 'shape': (4,), }", 16 },
		{ "NumPy's type '<c8'", "{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }", 16 },
		{ "a list of fields", "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (4,), }", 16 },
		{ "one or two dimensions", "{'descr'", 16 },
		{ "one or two dimensions", "{'descr': '<f4', 'fortran_order': False}", 16 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		size_t n = 0;
		char bytes[128 + 16] = "\x93NUMPY\x01", *path;

		bytes[8] = 118;
		snprintf(bytes + 10, 118, "%-117s", rows[i].head);
		path = scratch_file("hostile.npy", bytes, 128 + rows[i].bytes);
		if (vector_read(NULL, path, 0, arena, &n, &err))
			CHECK_THAT(!rows[i].says && n == 4, "read: %s", rows[i].head);
		else
			CHECK_THAT(rows[i].says && strstr(err.text, rows[i].says) && strstr(err.text, "hostile.npy"), "%s",
				   err.text);
		free(path);
	}
}

static void check_prompts(void)
{
	static const struct {
		const char *text, *expected;
		int n;
	} cases[] = {
		{ "one\n\n two \r\nthree", NULL, 3 },
		{ "{\"prompt\": \"a b\", \"foil\": \"c\", \"answer\": \" x\", \"wrong\": \" y\"}\n\n{\"prompt\":\"d\"}\n", NULL,
		  2 },
		{ "[\"a\", {\"prompt\": \"b\", \"foil\": \"c\"}]", NULL, 2 },
		{ "\xEF\xBB\xBF[\r\n\"a\"\r\n]\r\n", NULL, 1 },
		{ "\xEF\xBB\xBF{\"prompt\": \"a\"}\r\n{\"prompt\": \"b\"}\r\n", NULL, 2 },
		{ "[INST] a [/INST]\n[1] b\n", NULL, 2 },
		{ "[\"a\", 5]", "entry 2: expected a text or an object", 0 },
		{ "[{\"prompt\": 5}]", "entry 1: \"prompt\" should be a text", 0 },
		{ "[\"a\", \"b\"", "ends in the middle", 0 },
		{ "[]", "no prompt in it", 0 },
		{ "\xFF\xFE"
		  "a",
		  "UTF-16", 0 },
		{ "", "no prompt in it", 0 },
		{ " \n\n", "no prompt in it", 0 },
		{ "fine\n\xff\xfe\n", "line 2: this is not UTF-8", 0 },
		{ "{\"prompt\": \"a\"}\nplain\n", "line 2", 0 },
		{ "{\"foil\": \"a\"}\n", "line 1: expected an object with a \"prompt\"", 0 },
		{ "{\"prompt\": 5}\n", "line 1: \"prompt\" should be a text", 0 },
		{ "{\"prompt\": \"a\", \"wrong\": \"b\"}\n", "without an \"answer\"", 0 },
	};
	char *path = scratch_path("prompts");

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = { 0 };
		struct prompt *p;
		int n = -1;

		file_write(path, cases[i].text, strlen(cases[i].text), &err);
		p = prompts_read(path, arena, &n, &err);
		CHECK_THAT(cases[i].expected ? !p && strstr(err.text, cases[i].expected) : p && n == cases[i].n, "%d prompts %s", n,
			   err.text);
		if (p && i == 0)
			CHECK_THAT(!strcmp(p[1].text, " two ") && p[2].line == 4, "lines are unchanged, and know their number");
		if (p && i == 1)
			CHECK_THAT(!strcmp(p[0].foil, "c") && !strcmp(p[0].answer, " x") && !strcmp(p[0].wrong, " y") && !p[1].foil,
				   "JSON lines");
	}
	free(path);
}

/* The vector of presets/steering.yaml is what the two files beside it make on the demo model, and is found from any folder. */
static void check_preset(void)
{
	struct err err = { 0 };
	char *folder = paths_data("models/demo/model.safetensors");
	struct model *m = folder ? model_open("demo", NULL, NULL, &err) : NULL;
	struct prompt_set with, without;
	struct directions d;
	size_t n = 0;
	float *v;

	free(folder);
	if (!m) {
		tap_skip("the demo model is not there");
		return;
	}
	CHECK(!chdir("tests"));
	v = vector_read(NULL, "presets/steering.npy", 2, arena, &n, &err);
	CHECK(!chdir(".."));
	if (CHECK_THAT(v && (int)n == m->config.D &&
			       prompt_set_read("presets/steering_with.txt", m, BOS_DEFAULT, &with, arena, &err) &&
			       prompt_set_read("presets/steering_without.txt", m, BOS_DEFAULT, &without, arena, &err) &&
			       directions_of_prompts(m, &with, &without, false, &d, arena, NULL, &err),
		       "steering.npy %s", err.text))
		CHECK_NEAR(v, d.vector + 2 * d.D, n, 1e-3, "presets/steering.npy is the direction between its two files");
	model_free(m);
}

int main(void)
{
	struct err err = { 0 };
	struct json *doc = json_open(FOLDER "/expected.json", 0, &err);
	const struct json_value *models = json_get(doc ? json_root(doc) : NULL, "models");

	arena = arena_new();
	CHECK_THAT(json_count(models) == 2, "the fixture %s", err.text);
	for (size_t i = 0; i < json_count(models); i++) {
		const struct json_value *v = json_at(models, i);
		struct model *m = open_model(v);

		if (!m)
			continue;
		check_kind(m, v, "means");
		check_kind(m, v, "pca");
		check_files(m);
		if (i == 0)
			check_reading(v);
		model_free(m);
	}
	check_hostile();
	check_prompts();
	check_preset();
	json_free(doc);
	arena_free(arena);
	pool_stop();
	scratch_done();
	return tap_done();
}
