/*
 * torch_zip.c - files of torch.save: every number equals torch's own bit for bit, and what is no tensor is refused by name.
 *
 * tests/reference/make_torch.py made the files.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/archive.h"
#include "engine/base/arena.h"
#include "engine/base/str.h"
#include "engine/model/files/pickle.h"
#include "engine/model/files/torch_zip.h"
#include "engine/run/vector_file.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#define FOLDER "tests/fixtures/torch/"

static void add_numbers(struct str *line, const int64_t *x, int n)
{
	str_add(line, n ? " " : " -");
	for (int i = 0; i < n; i++)
		str_addf(line, "%s%lld", i ? "," : "", (long long)x[i]);
}

/* As make_torch.py writes it: name, type, shape, strides, the bits of each number. */
static void describe(const struct torch_tensor *t, struct str *line)
{
	float *x = xmalloc((t->count + 1) * sizeof *x);

	str_clear(line);
	str_addf(line, "%s %s", t->name, torch_tensor_type(t));
	add_numbers(line, t->shape, t->dims);
	add_numbers(line, t->stride, t->dims);
	torch_tensor_expand(t, x);
	for (size_t i = 0; i < t->count; i++) {
		uint32_t bits;

		memcpy(&bits, &x[i], sizeof bits);
		str_addf(line, " %08x", bits);
	}
	free(x);
}

static void test_equal(void)
{
	static const char *const names[] = { "types",  "views", "shared",  "state",	"parameter",
					     "single", "jlens", "ordered", "directions" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct err err = { 0 };
		char path[100], expected[20000];
		struct torch_zip *z;
		struct str line;
		size_t n = 0;
		FILE *file;

		snprintf(path, sizeof path, FOLDER "%s.pt", names[i]);
		z = torch_zip_open(path, &err);
		snprintf(path, sizeof path, FOLDER "%s.txt", names[i]);
		file = fopen(path, "r");
		str_init(&line);
		if (CHECK_THAT(z && file, "%s opens %s", names[i], err.text))
			for (; n < torch_zip_tensors(z) && fgets(expected, sizeof expected, file); n++) {
				const struct torch_tensor *t = torch_zip_tensor(z, n);

				expected[strcspn(expected, "\n")] = '\0';
				describe(t, &line);
				CHECK_TEXT(line.s, expected);
				CHECK(torch_zip_find(z, t->name) == t);
			}
		CHECK_THAT(z && n == torch_zip_tensors(z) && file && !fgets(expected, sizeof expected, file), "%s: all %zu tensors",
			   names[i], n);
		str_done(&line);
		torch_zip_free(z);
		if (file)
			fclose(file);
	}
}

/* Tensors that shared a storage still do: nothing is copied. */
static void test_mapped(void)
{
	struct err err = { 0 };
	struct torch_zip *z = torch_zip_open(FOLDER "views.pt", &err);

	if (!CHECK_THAT(z, "views.pt opens %s", err.text))
		return;
	CHECK(torch_zip_find(z, "base")->data == torch_zip_find(z, "same")->data);
	CHECK(torch_zip_find(z, "base")->data + 7 * sizeof(float) == torch_zip_find(z, "flat")->data);
	CHECK(torch_tensor_is_contiguous(torch_zip_find(z, "flat")) &&
	      !torch_tensor_is_contiguous(torch_zip_find(z, "transposed")));
	CHECK((uintptr_t)torch_zip_find(z, "base")->data % 64 == 0);
	CHECK(!torch_zip_find(z, "none"));
	torch_zip_free(z);
	torch_zip_free(NULL);
}

/* says.txt: FILE, a tab, what the sentence has to have. */
static void test_hostile(void)
{
	FILE *file = fopen(FOLDER "hostile/says.txt", "r");
	char line[300], path[400];
	int count = 0;

	while (file && fgets(line, sizeof line, file)) {
		struct err err = { 0 };
		char *says = strchr(line, '\t');
		struct torch_zip *z;

		line[strcspn(line, "\n")] = '\0';
		*says++ = '\0';
		snprintf(path, sizeof path, FOLDER "hostile/%s", line);
		z = torch_zip_open(path, &err);
		CHECK_THAT(!z && strstr(err.text, says) && strstr(err.text, line) && !strchr(err.text, '\x1b'), "refused: %s",
			   err.text);
		torch_zip_free(z);
		count++;
	}
	CHECK_THAT(count > 70, "%d hostile files", count);
	CHECK_THAT(!file_exists("/tmp/lmscope-was-run"), "nothing was run");
	if (file)
		fclose(file);
}

/* Each beginning of a good file, and each with one byte changed: read or refused with a sentence. */
static void test_damaged(void)
{
	struct err err = { 0 };
	size_t n = 0, refused = 0;
	char *bytes = file_read(FOLDER "ordered.pt", 1 << 20, &n, &err);

	for (size_t i = 0; bytes && i < 2 * n; i += 5) {
		size_t at = i / 2;
		char *path, was = bytes[at];
		struct torch_zip *z;

		bytes[at] = (char)(i % 2 ? ~was : was);
		path = scratch_file("damaged.pt", bytes, i % 2 ? n : at);
		bytes[at] = was;
		err = (struct err){ 0 };
		z = torch_zip_open(path, &err);
		if (!z && !strstr(err.text, "damaged.pt"))
			CHECK_THAT(false, "a refusal that names the file: %s", err.text);
		refused += !z;
		torch_zip_free(z);
		free(path);
	}
	CHECK_THAT(refused >= n / 5, "%zu of %zu damaged files are refused", refused, 2 * n / 5);
	free(bytes);
}

static void check_pickle(const struct str *pickle, const char *says)
{
	struct arena *arena = arena_new();
	struct pickle_rules rules = { 0 };
	struct err err = { 0 };
	struct pickle_value *v = pickle_read("p", (const unsigned char *)pickle->s, pickle->n, &rules, arena, &err);

	CHECK_THAT(says ? !v && strstr(err.text, says) : v != NULL, "%s", says ? err.text : "a pickle is read");
	arena_free(arena);
}

/* As large as the limits, and one more. */
static void test_limits(void)
{
	enum { MILLION = 1 << 20, TEXT = 64 << 10, ALL = 16 << 20 };
	struct str pickle;

	str_init(&pickle);
	for (int more = 0; more < 2; more++) {
		str_clear(&pickle);
		str_add_n(&pickle, "\x80\x02(", 3);
		for (int i = 0; i < MILLION - 1 + more; i++)
			str_add(&pickle, "]");
		str_add(&pickle, "t.");
		check_pickle(&pickle, more ? "more than a million values" : NULL);

		str_clear(&pickle);
		str_add_n(&pickle, (char[]){ 'X', 0, 0, 1, 0 }, 5);
		pickle.s[1] = (char)more;
		for (int i = 0; i < TEXT + more; i++)
			str_add(&pickle, "x");
		str_add(&pickle, ".");
		check_pickle(&pickle, more ? "longer than 65536 bytes" : NULL);

		str_clear(&pickle);
		str_add(&pickle, "(");
		while (pickle.n < ALL - 2 + (size_t)more)
			str_add(&pickle, "N");
		str_add(&pickle, "t.");
		check_pickle(&pickle, more ? "more than 16 MiB" : NULL);
	}
	str_done(&pickle);
}

/* Through the door that edits and techniques use. */
static void test_vectors(void)
{
	static const struct {
		const char *spec, *says;
		size_t rows, cols;
		float last;
	} rows[] = {
		{ FOLDER "directions.pt", NULL, 1, 4, 4 },
		{ FOLDER "directions.pt:direction.2", NULL, 1, 4, 5 },
		{ FOLDER "single.pt", NULL, 2, 3, 5 },
		{ FOLDER "parameter.pt", NULL, 1, 5, 4 },
		{ FOLDER "views.pt:transposed", NULL, 20, 3, 59 },
		{ FOLDER "views.pt:scalar", NULL, 1, 1, 59 },
		{ FOLDER "arrays.npz:W_dec", NULL, 2, 3, 5 },
		{ FOLDER "arrays.npz:b_dec", NULL, 1, 3, 2 },
		{ FOLDER "arrays.npz:columns", NULL, 2, 3, 5 },
		{ FOLDER "arrays.npz", "there is no tensor direction.1; it has W_dec, b_dec, columns", 0, 0, 0 },
		{ FOLDER "views.pt:none", "there is no tensor none; it has base, transposed", 0, 0, 0 },
		{ FOLDER "views.pt:empty", "tensor empty is empty", 0, 0, 0 },
		{ FOLDER "hostile/os_system.pt", "os_system.pt: its pickle uses os.system", 0, 0, 0 },
		{ FOLDER "single.npz", "there is no such file", 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *arena = arena_new();
		struct err err = { 0 };
		size_t n = 0, m = 0;
		float *v = vector_rows_read(NULL, &asset_vectors, rows[i].spec, 1, arena, &n, &m, &err);

		if (rows[i].says)
			CHECK_THAT(!v && strstr(err.text, rows[i].says), "refused: %s", err.text);
		else
			CHECK_THAT(v && n == rows[i].rows && m == rows[i].cols && v[n * m - 1] == rows[i].last, "%s %s",
				   rows[i].spec, err.text);
		arena_free(arena);
	}
}

int main(void)
{
	test_equal();
	test_mapped();
	test_hostile();
	test_damaged();
	test_limits();
	test_vectors();
	scratch_done();
	return tap_done();
}
