/* gguf.c - GGUF files: metadata of every kind, tensors, split models; and files that lie, each with one sentence. */
#include "engine/model/files/gguf.h"
#include "tests/bytes.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#include <stdlib.h>

enum { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 };

/* What a file says. Zero in a field: the honest value. */
struct recipe {
	const char *magic;
	uint32_t version, alignment, dims, type;
	uint64_t tensors, keys; /* counts as the file gives them, not what is there */
	uint64_t dim[4], offset, name_length;
	const char *name, *second;    /* of the tensors; second: "" for none */
	void (*key)(struct str *out); /* writes one more key */
	size_t cut, more;	      /* bytes that are missing at the end, or too many */
};

static void describe(struct str *out, const struct recipe *r, const char *name, uint64_t offset)
{
	put_u64(out, r->name_length ? r->name_length : strlen(name));
	put(out, name, strlen(name));
	put_u32(out, r->dims ? r->dims : 2);
	for (uint32_t i = 0; i < 4 && i < (r->dims ? r->dims : 2); i++)
		put_u64(out, r->dim[i] ? r->dim[i] : 4 - i);
	put_u32(out, r->type);
	put_u64(out, offset);
}

/* Two tensors of type F32 and dims [4, 3]: shape [3, 4], values 0 … 11 and 100 … 111. */
static void cook(struct str *out, const struct recipe *r)
{
	size_t alignment = r->alignment ? r->alignment : 32;
	bool two = !r->second || *r->second;

	str_clear(out);
	str_add(out, r->magic ? r->magic : "GGUF");
	put_u32(out, r->version ? r->version : 3);
	put_u64(out, r->tensors ? r->tensors : two ? 2u : 1u);
	put_u64(out, r->keys ? r->keys : 1u + (r->alignment != 0) + (r->key != NULL));
	put_text(out, "general.architecture");
	put_u32(out, STRING);
	put_text(out, "llama");
	if (r->alignment) {
		put_text(out, "general.alignment");
		put_u32(out, U32);
		put_u32(out, r->alignment);
	}
	if (r->key)
		r->key(out);
	describe(out, r, r->name ? r->name : "a.weight", r->offset);
	if (two)
		describe(out, r, r->second ? r->second : "b.weight", (48 + alignment - 1) / alignment * alignment);
	while (out->n % alignment)
		str_add_char(out, '\0');
	for (int i = 0; i < 12; i++)
		put_f32(out, (float)i);
	while (two && out->n % alignment)
		str_add_char(out, '\0');
	for (int i = 0; i < 12 && two; i++)
		put_f32(out, (float)(100 + i));
	put_zeros(out, r->more);
	out->n -= r->cut;
}

static struct gguf *open_bytes(const struct str *bytes, struct err *err)
{
	char *path = scratch_file("model.gguf", bytes->s, bytes->n);
	struct gguf *g = gguf_open(path, err);

	free(path);
	return g;
}

static void test_tensors(void)
{
	static const uint32_t alignments[] = { 0, 1, 8, 64, 4096 };
	struct err err = { 0 };
	struct str file;
	float row[4];

	str_init(&file);
	for (size_t i = 0; i < 10; i++) {
		struct recipe r = { .version = i % 2 ? 2 : 3, .alignment = alignments[i / 2] };
		const struct tensor *t;
		struct gguf *g;

		cook(&file, &r);
		g = open_bytes(&file, &err);
		if (!CHECK_THAT(g && gguf_tensors(g) == 2, "version %u, alignment %u %s", r.version, r.alignment, err.text))
			continue;
		t = gguf_find(g, "b.weight");
		CHECK(t && t->dims == 2 && t->shape[0] == 3 && t->shape[1] == 4 && t->bytes == 48 && !gguf_find(g, "c"));
		tensor_row(t, 2, row);
		CHECK(row[0] == 108 && row[3] == 111);
		CHECK(gguf_file_bytes(g) == file.n);
		gguf_free(g);
	}
	gguf_free(NULL);
	str_done(&file);
}

static void add_number(struct str *out, const char *key, uint32_t kind, const void *value, size_t n)
{
	put_text(out, key);
	put_u32(out, kind);
	put(out, value, n);
}

#define NUMBER(key, kind, type, value) add_number(out, key, kind, &(type){ value }, sizeof(type))

static void all_kinds(struct str *out)
{
	static const char *const words[] = { "one", "", "three" };

	NUMBER("u8", U8, uint8_t, 200);
	NUMBER("i8", I8, int8_t, -100);
	NUMBER("u16", U16, uint16_t, 60000);
	NUMBER("i16", I16, int16_t, -30000);
	NUMBER("u32", U32, uint32_t, 4000000000);
	NUMBER("i32", I32, int32_t, -2000000000);
	NUMBER("u64", U64, uint64_t, UINT64_MAX);
	NUMBER("i64", I64, int64_t, INT64_MIN);
	NUMBER("f32", F32, float, 0.5f);
	NUMBER("f64", F64, double, 1e-5);
	NUMBER("bool", BOOL, uint8_t, 1);
	put_text(out, "words");
	put_u32(out, ARRAY);
	put_u32(out, STRING);
	put_u64(out, 3);
	for (int i = 0; i < 3; i++)
		put_text(out, words[i]);
	put_text(out, "numbers");
	put_u32(out, ARRAY);
	put_u32(out, I16);
	put_u64(out, 3);
	put(out, (const int16_t[]){ 1, -2, 3 }, 6);
	put_text(out, "nested");
	put_u32(out, ARRAY);
	put_u32(out, ARRAY);
	put_u64(out, 2);
	for (int i = 0; i < 2; i++) {
		put_u32(out, STRING);
		put_u64(out, 1);
		put_text(out, "deep");
	}
}

static void test_metadata(void)
{
	static const struct {
		const char *key;
		int64_t value;
	} integers[] = {
		{ "u8", 200 },	       { "i8", -100 },	       { "u16", 60000 },     { "i16", -30000 },
		{ "u32", 4000000000 }, { "i32", -2000000000 }, { "i64", INT64_MIN }, { "bool", 1 },
	};
	struct recipe r = { .key = all_kinds, .keys = 15 };
	struct err err = { 0 };
	struct str file;
	struct gguf *g;
	const char *s = NULL;
	size_t n = 0;
	int64_t i = 0;
	double x = 0;
	bool b = false;

	str_init(&file);
	cook(&file, &r);
	g = open_bytes(&file, &err);
	if (!CHECK_THAT(g != NULL, "metadata of all kinds %s", err.text))
		return;
	for (size_t k = 0; k < sizeof integers / sizeof *integers; k++)
		CHECK_THAT(gguf_int(g, integers[k].key, &i) && i == integers[k].value, "%s", integers[k].key);
	CHECK(!gguf_int(g, "u64", &i) && gguf_double(g, "u64", &x) && x > 1.8e19);
	CHECK(!gguf_int(g, "f32", &i) && gguf_double(g, "f32", &x) && x == 0.5);
	CHECK(gguf_double(g, "f64", &x) && x == 1e-5 && gguf_double(g, "i8", &x) && x == -100);
	CHECK(gguf_bool(g, "bool", &b) && b && !gguf_bool(g, "u8", &b));
	CHECK(gguf_string(g, "general.architecture", &s, &n) && n == 5 && !memcmp(s, "llama", 5));
	CHECK(!gguf_int(g, "general.architecture", &i) && !gguf_double(g, "words", &x) && !gguf_string(g, "u8", &s, &n));
	CHECK(gguf_has(g, "words") && !gguf_has(g, "word") && !gguf_has(g, ""));
	CHECK(gguf_array(g, "words") == 3 && gguf_array(g, "u8") == 0 && gguf_array(g, "none") == 0);
	CHECK(gguf_array_string(g, "words", 2, &s, &n) && n == 5 && !memcmp(s, "three", 5));
	CHECK(gguf_array_string(g, "words", 1, &s, &n) && n == 0 && !gguf_array_string(g, "words", 3, &s, &n));
	CHECK(gguf_array_int(g, "numbers", 1, &i) && i == -2 && !gguf_array_int(g, "numbers", 3, &i));
	CHECK(gguf_array_double(g, "numbers", 2, &x) && x == 3 && !gguf_array_int(g, "words", 0, &i));
	CHECK(gguf_array(g, "nested") == 2 && !gguf_array_string(g, "nested", 0, &s, &n));
	gguf_free(g);
	str_done(&file);
}

static void key_kind(struct str *out)
{
	put_text(out, "strange");
	put_u32(out, 13);
}

static void key_long_string(struct str *out)
{
	put_text(out, "long");
	put_u32(out, STRING);
	put_u64(out, 1ull << 63);
}

static void key_long_name(struct str *out)
{
	put_u64(out, UINT64_MAX);
}

static void array_of(struct str *out, uint32_t element, uint64_t count)
{
	put_text(out, "array");
	put_u32(out, ARRAY);
	put_u32(out, element);
	put_u64(out, count);
}

static void key_huge_array(struct str *out)
{
	array_of(out, F64, 1ull << 61); /* times 8 is 0 in 64 bits */
}

static void key_huge_strings(struct str *out)
{
	array_of(out, STRING, UINT64_MAX);
}

static void key_deep(struct str *out)
{
	array_of(out, ARRAY, 1);
	for (int i = 0; i < 100; i++) {
		put_u32(out, ARRAY);
		put_u64(out, 1);
	}
}

static void key_bad_bool(struct str *out)
{
	NUMBER("truth", BOOL, uint8_t, 2);
}

static void key_twice(struct str *out)
{
	NUMBER("general.architecture", U8, uint8_t, 1);
}

static void key_alignment_text(struct str *out)
{
	put_text(out, "general.alignment");
	put_u32(out, STRING);
	put_text(out, "32");
}

static void key_alignment_zero(struct str *out)
{
	NUMBER("general.alignment", U32, uint32_t, 0);
}

static void key_split(struct str *out)
{
	NUMBER("split.count", U16, uint16_t, 2);
}

static void key_split_absurd(struct str *out)
{
	NUMBER("split.count", I64, int64_t, INT64_MAX);
}

static void key_escape(struct str *out)
{
	put_text(out, "red\x1B[31m");
	put_u32(out, 99);
}

/* Each row lies in one way; the sentence has to say so, with the file's name in it. */
static void test_hostile(void)
{
	static const struct {
		const char *says;
		struct recipe recipe;
	} rows[] = {
		{ "does not begin with", { .magic = "GGML" } },
		{ "version 1", { .version = 1 } },
		{ "version 4", { .version = 4 } },
		{ "big-endian", { .version = 3u << 24 } },
		{ "tensors; ", { .tensors = 1ull << 60 } },
		{ "tensors; ", { .tensors = UINT64_MAX } },
		{ "metadata keys; ", { .keys = 1ull << 60 } },
		{ "general.alignment", { .alignment = 48 } },
		{ "general.alignment", { .key = key_alignment_text } },
		{ "general.alignment", { .key = key_alignment_zero } },
		{ "not one that GGUF has", { .key = key_kind } },
		{ "key long: the string is longer", { .key = key_long_string } },
		{ "has no name that fits", { .key = key_long_name } },
		{ "ends inside this array", { .key = key_huge_array } },
		{ "longer than the file", { .key = key_huge_strings } },
		{ "nested more than 8 deep", { .key = key_deep } },
		{ "key truth: a bool is neither", { .key = key_bad_bool } },
		{ "general.architecture: is there twice", { .key = key_twice } },
		{ "should end in -00001-of-00002.gguf", { .key = key_split } },
		{ "of 9223372036854775807", { .key = key_split_absurd } },
		{ "red␛[31m", { .key = key_escape } },
		{ "more than 4 dimensions", { .dims = 5 } },
		{ "more than 4 dimensions", { .dims = UINT32_MAX } },
		{ "tensor a.weight has more elements", { .dim = { 1ull << 40, 1ull << 40 } } },
		{ "zero or negative", { .dim = { UINT64_MAX, 1 } } },
		{ "is larger than the file", { .dim = { 1ull << 40, 1 } } },
		{ "is larger than the file", { .dim = { 1ull << 61, 4 } } },
		{ "whole number of its type's blocks", { .type = 2 } },
		{ "a.weight is IQ2_XS; lmscope reads F32, F16", { .type = 17 } },
		{ "of type 4, which ggml does not have", { .type = 4 } },
		{ "of type 4294967295", { .type = UINT32_MAX } },
		{ "multiple of the file's alignment", { .offset = 4 } },
		{ "beyond the end of the file", { .offset = 1 << 20 } },
		{ "beyond the end of the file", { .offset = UINT64_MAX - 31 } },
		{ "a.weight is there twice", { .second = "a.weight" } },
		{ "a.weight and b.weight overlap", { .dim = { 4, 7 }, .more = 100 } },
		{ "is not 1 to 255 bytes", { .name_length = 1ull << 63 } },
		{ "beyond the end of the file, which may be cut short", { .cut = 1 } },
	};
	struct str file;

	str_init(&file);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct gguf *g;

		cook(&file, &rows[i].recipe);
		g = open_bytes(&file, &err);
		CHECK_THAT(!g && strstr(err.text, rows[i].says) && strstr(err.text, "model.gguf"), "refused: %s", err.text);
		gguf_free(g);
	}
	str_done(&file);
}

/* Cut anywhere it is refused; with any byte changed it is refused or read, never worse. */
static void test_torn(void)
{
	struct recipe r = { .key = all_kinds, .keys = 15 };
	struct str whole, torn;
	uint32_t random = 1;
	int opened = 0, speechless = 0;

	str_init(&whole);
	str_init(&torn);
	cook(&whole, &r);
	for (size_t n = 0; n < whole.n; n++) {
		struct err err = { 0 };
		struct gguf *g;

		str_clear(&torn);
		str_add_n(&torn, whole.s, n);
		g = open_bytes(&torn, &err);
		opened += g != NULL;
		speechless += !g && !*err.text;
		gguf_free(g);
	}
	CHECK_THAT(!opened && !speechless, "cut at any of %zu bytes it is refused with a sentence", whole.n);
	for (int i = 0; i < 2000; i++) {
		struct err err = { 0 };
		struct gguf *g;
		float row[12];

		str_clear(&torn);
		str_add_n(&torn, whole.s, whole.n);
		for (int k = 0; k < 1 + i % 3; k++) {
			random = random * 1664525 + 1013904223;
			torn.s[(random >> 8) % torn.n] = (char)(random >> 3);
		}
		g = open_bytes(&torn, &err);
		speechless += !g && !*err.text;
		for (size_t k = 0; g && k < gguf_tensors(g); k++)
			if (tensor_count(gguf_tensor(g, k)) <= 12)
				tensor_expand(gguf_tensor(g, k), row);
		gguf_free(g);
	}
	CHECK_THAT(!speechless, "2000 damaged files: read, or refused with a sentence");
	str_done(&whole);
	str_done(&torn);
}

static int split_no, split_count = 3, split_tensors = 3;

static void key_part(struct str *out)
{
	NUMBER("split.no", U16, uint16_t, (uint16_t)split_no);
	NUMBER("split.count", U16, uint16_t, (uint16_t)split_count);
	NUMBER("split.tensors.count", I32, int32_t, split_tensors);
}

/* The file of part `place`, which says that it is part `no`. */
static char *write_part(int place, int no, const char *tensor)
{
	struct recipe r = { .key = key_part, .keys = 4, .name = tensor, .second = "" };
	char name[40], *path;
	struct str file;

	str_init(&file);
	split_no = no;
	cook(&file, &r);
	snprintf(name, sizeof name, "m-%05d-of-00003.gguf", place + 1);
	path = scratch_file(name, file.s, file.n);
	str_done(&file);
	return path;
}

static void test_split(void)
{
	char *a = write_part(0, 0, "a"), *b = write_part(1, 1, "b"), *c = write_part(2, 2, "c");
	const char *const any[] = { a, b, c };
	struct err err = { 0 };
	struct gguf *g;

	for (int i = 0; i < 3; i++) {
		g = gguf_open(any[i], &err);
		CHECK_THAT(g && gguf_tensors(g) == 3 && gguf_find(g, "c") && !strcmp(gguf_path(g), a), "opened by part %d %s", i,
			   err.text);
		gguf_free(g);
	}
	free(write_part(2, 2, "a"));
	CHECK(!gguf_open(a, &err) && strstr(err.text, "a is there twice"));
	split_tensors = 4;
	free(write_part(0, 0, "a"));
	free(write_part(2, 2, "c"));
	CHECK(!gguf_open(a, &err) && strstr(err.text, "3 tensors in all, where the first says 4"));
	CHECK(!unlink(c) && !gguf_open(a, &err) && strstr(err.text, "part 3 of 3") && strstr(err.text, c));
	free(write_part(2, 1, "c"));
	CHECK(!gguf_open(a, &err) && strstr(err.text, c) && strstr(err.text, "says that it is part 1, counted from 0"));
	/* The first says that it is the second: it must not be looked for again and again. */
	free(write_part(0, 1, "a"));
	CHECK(!gguf_open(b, &err) && strstr(err.text, "is not the first part"));
	free(a);
	free(b);
	free(c);
}

static void test_other_files(void)
{
	static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
	struct err err = { 0 };
	char *path = scratch_file("pointer.gguf", pointer, sizeof pointer - 1), *empty = scratch_file("empty.gguf", "", 0);

	CHECK(!gguf_open(path, &err) && strstr(err.text, "git lfs pull"));
	CHECK(!gguf_open(empty, &err) && strstr(err.text, "empty.gguf"));
	CHECK(!gguf_open(scratch_folder(), &err) && strstr(err.text, "folder"));
	free(path);
	free(empty);
}

static void test_real(void)
{
	static const char *const types[] = { "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "IQ4_NL" };
	const char *data = getenv("LMSCOPE_DATA");
	struct err err = { 0 };
	char path[4096];
	struct gguf *g;
	const char *s;
	size_t n;

	if (!data || !file_is_folder(data)) {
		tap_skip("LMSCOPE_DATA is not set: no real GGUF files");
		return;
	}
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		snprintf(path, sizeof path, "%s/stories260K/gguf/stories260K-%s.gguf", data, types[i]);
		g = gguf_open(path, &err);
		CHECK_THAT(g && gguf_find(g, "token_embd.weight") && gguf_tensors(g) == 47, "%s %s", types[i], err.text);
		gguf_free(g);
	}
	snprintf(path, sizeof path, "%s/tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf", data);
	g = gguf_open(path, &err); /* no tensors; ends without padding */
	CHECK_THAT(g && gguf_tensors(g) == 0 && gguf_array(g, "tokenizer.ggml.tokens") == 50257, "a vocabulary alone");
	CHECK(g && gguf_array_string(g, "tokenizer.ggml.tokens", 50256, &s, &n) && n == 13 && !memcmp(s, "<|endoftext|>", 13));
	gguf_free(g);
}

int main(void)
{
	test_tensors();
	test_metadata();
	test_hostile();
	test_torn();
	test_split();
	test_other_files();
	test_real();
	scratch_done();
	return tap_done();
}
