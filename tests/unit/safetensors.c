/* safetensors.c - one file, shards, and files that lie, each with one sentence. */
#include "engine/model/files/weights.h"
#include "tests/bytes.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Header and 64 bytes of data: floats 0 … 15. Length 0: the true one. */
static char *write_file(const char *name, const char *header, uint64_t length)
{
	struct str file;
	char *path;

	str_init(&file);
	put_u64(&file, length ? length : strlen(header));
	str_add(&file, header);
	for (int i = 0; i < 16; i++)
		put_f32(&file, (float)i);
	path = scratch_file(name, file.s, file.n);
	str_done(&file);
	return path;
}

static void test_good(void)
{
	char *path = write_file(
		"good.safetensors",
		"{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
		"\"mask\":{\"dtype\":\"BOOL\",\"shape\":[4],\"data_offsets\":[24,28]},"
		"\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[30,32]},"
		"\"c\":{\"dtype\":\"F64\",\"shape\":[2,1,1,2],\"data_offsets\":[32,64]}}   ",
		0);
	struct err err = { 0 };
	struct weights *s = weights_open(path, &err);
	const struct tensor *t;
	float row[3];

	if (!CHECK_THAT(s && weights_tensors(s) == 3, "opens %s", err.text))
		return;
	t = weights_find(s, "a");
	CHECK(t && t->dims == 2 && t->shape[0] == 2 && t->shape[1] == 3 && t->type == DTYPE_F32);
	tensor_row(t, 1, row);
	CHECK(row[0] == 3 && row[2] == 5);
	t = weights_find(s, "b");
	CHECK(t && t->dims == 0 && t->bytes == 2);
	CHECK(weights_find(s, "c") == weights_tensor(s, 2) && !weights_find(s, "mask"));
	CHECK(!weights_find(s, "__metadata__"));
	weights_free(s);
	weights_free(NULL);
	free(path);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
/* What is left of the 64 bytes: the format wants every byte to belong to a tensor. */
#define REST ",\"rest\":{\"dtype\":\"U8\",\"shape\":[48],\"data_offsets\":[16,64]}"

static void test_hostile(void)
{
	static const struct {
		const char *says, *header;
		uint64_t length;
	} rows[] = {
		{ "says that its header has 9223372036854775808 bytes", "{" A "}", 1ull << 63 },
		{ "says that its header has 200 bytes", "{" A "}", 200 },
		{ "ends in the middle", "{" A "}", 7 },
		{ "not JSON", "nonsense", 0 },
		{ "is not a JSON object", "[1]", 0 },
		{ "has 64 bytes after its last tensor", "{}", 0 },
		{ "has 56 bytes after its last tensor", "{" A "}", 0 },
		{ "no tensors of a float type", "{\"a\":{\"dtype\":\"U8\",\"shape\":[64],\"data_offsets\":[0,64]}}", 0 },
		{ "256 brackets",
		  "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
		  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
		  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		  0 },
		{ "the same key twice", "{" A "," A "}", 0 },
		{ "tensor a has no dtype", "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 0 },
		{ "tensor a has no dtype", "{\"a\":[]}", 0 },
		{ "tensor a is F8_E8M0; lmscope reads F64, F32",
		  "{\"a\":{\"dtype\":\"F8_E8M0\",\"shape\":[8],\"data_offsets\":[0,8]}}", 0 },
		{ "tensor q.weight is F8_E4M3 with a scale (q.weight_scale_inv), which is not supported",
		  "{\"q.weight\":{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]},"
		  "\"q.weight_scale_inv\":{\"dtype\":\"F32\",\"shape\":[14],\"data_offsets\":[8,64]}}",
		  0 },
		{ "has no shape", "{\"a\":{\"dtype\":\"F32\",\"shape\":\"2\",\"data_offsets\":[0,8]}}", 0 },
		{ "more than 4 dimensions", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]}}", 0 },
		{ "whole numbers", "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 0 },
		{ "whole numbers", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,8]}}", 0 },
		{ "whole numbers", "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}}", 0 },
		{ "more elements than can be counted",
		  "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,2],\"data_offsets\":[0,8]}}", 0 },
		{ "do not fit its shape", "{\"a\":{\"dtype\":\"F32\",\"shape\":[4503599627370496,1024],\"data_offsets\":[0,8]}}",
		  0 },
		{ "do not fit its shape", "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,8]}}", 0 },
		{ "no data_offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 0 },
		{ "no data_offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 0 },
		{ "no data_offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 0 },
		{ "no data_offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,16]}}", 0 },
		{ "beyond the end of the file", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[60,68]}}", 0 },
		{ "beyond the end of the file",
		  "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[9007199254740984,9007199254740992]}}", 0 },
		{ "overlap", "{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}" REST "}", 0 },
		{ "red␛[31m has no dtype", "{\"red\\u001b[31m\":{}}", 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		char *path = write_file("bad.safetensors", rows[i].header, rows[i].length);
		struct weights *s = weights_open(path, &err);

		CHECK_THAT(!s && strstr(err.text, rows[i].says) && strstr(err.text, "bad.safetensors"), "refused: %s", err.text);
		weights_free(s);
		free(path);
	}
}

static void test_torn(void)
{
	static const char header[] = "{" A "}";
	struct str file;
	int opened = 0, speechless = 0;

	str_init(&file);
	put_u64(&file, strlen(header));
	str_add(&file, header);
	put_f32(&file, 1);
	put_f32(&file, 2);
	for (size_t n = 0; n < file.n; n++) {
		struct err err = { 0 };
		char *path = scratch_file("torn.safetensors", file.s, n);
		struct weights *s = weights_open(path, &err);

		opened += s != NULL;
		speechless += !*err.text;
		weights_free(s);
		free(path);
	}
	CHECK_THAT(!opened && !speechless, "cut at any of %zu bytes it is refused with a sentence", file.n);
	str_done(&file);
}

/* Writes FOLDER/model.safetensors.index.json and opens the folder. */
static struct weights *open_index(const char *folder, const char *index, struct err *err)
{
	char name[100], *path;
	struct weights *s;

	snprintf(name, sizeof name, "%s/model.safetensors.index.json", folder);
	free(scratch_file(name, index, strlen(index)));
	path = scratch_path(folder);
	s = weights_open(path, err);
	free(path);
	return s;
}

static void test_shards(void)
{
	static const struct {
		const char *says, *index;
	} rows[] = {
		{ "missing.safetensors: there is no such file", "{\"weight_map\":{\"a\":\"missing.safetensors\"}}" },
		{ "leads out of the folder", "{\"weight_map\":{\"a\":\"../one.safetensors\"}}" },
		{ "leads out of the folder", "{\"weight_map\":{\"a\":\"/etc/passwd\"}}" },
		{ "not the name of a file", "{\"weight_map\":{\"a\":7}}" },
		{ "not the name of a file", "{\"weight_map\":{\"a\":\"one.safetensors\\u0000x\"}}" },
		{ "no weight_map", "{\"weight_map\":[]}" },
		{ "no weight_map", "[]" },
		{ "a is there twice", "{\"weight_map\":{\"c\":\"one.safetensors\",\"d\":\"same.safetensors\"}}" },
		{ "not JSON", "{\"weight_map\"}" },
	};
	struct err err = { 0 };
	struct weights *s;

	free(write_file("sharded/one.safetensors", "{" A REST "}", 0));
	free(write_file("sharded/same.safetensors", "{" A REST "}", 0));
	free(write_file("sharded/two.safetensors", "{\"b\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[8,16]}" REST "}", 0));
	s = open_index("sharded",
		       "{\"metadata\":{},\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\","
		       "\"c\":\"one.safetensors\"}}",
		       &err);
	CHECK_THAT(s && weights_tensors(s) == 2 && weights_find(s, "a") && weights_find(s, "b"), "two shards %s", err.text);
	weights_free(s);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err wrong = { 0 };

		s = open_index("sharded", rows[i].index, &wrong);
		CHECK_THAT(!s && strstr(wrong.text, rows[i].says), "refused: %s", wrong.text);
		weights_free(s);
	}
}

/* A tensor that lies in two shards is read from the one that the index names, whichever comes first. */
static void test_overlay(void)
{
	static const char *const indexes[] = {
		"{\"weight_map\":{\"a\":\"new.safetensors\",\"c\":\"old.safetensors\"}}",
		"{\"weight_map\":{\"c\":\"old.safetensors\",\"a\":\"new.safetensors\"}}",
	};

	free(write_file("overlay/old.safetensors", "{" A REST "}", 0));
	free(write_file("overlay/new.safetensors", "{\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[8,16]}" REST "}", 0));
	for (size_t i = 0; i < 2; i++) {
		struct err err = { 0 };
		struct weights *s = open_index("overlay", indexes[i], &err);
		const struct tensor *a = s ? weights_find(s, "a") : NULL;

		CHECK_THAT(a && a->type == DTYPE_F16 && weights_tensors(s) == 1, "the copy that the index names %s", err.text);
		weights_free(s);
	}
}

static void test_folders(void)
{
	static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
	struct err err = { 0 };
	char *empty = scratch_path("empty"), *pickle;

	CHECK(!mkdir(empty, 0777) && !weights_open(empty, &err) &&
	      strstr(err.text, "neither model.safetensors nor pytorch_model.bin"));
	char *link = scratch_path("empty/model.safetensors");

	CHECK(!symlink("../blobs/none", link) && !weights_open(empty, &err) &&
	      strstr(err.text, "a link to a file that is not there"));
	CHECK(!unlink(link));
	free(link);
	free(scratch_file("empty/pytorch_model.bin", "x", 1));
	err = (struct err){ 0 };
	CHECK_THAT(!weights_open(empty, &err) && strstr(err.text, "too short"), "%s", err.text);
	free(scratch_file("empty/model.safetensors", pointer, sizeof pointer - 1));
	CHECK(!weights_open(empty, &err) && strstr(err.text, "git lfs pull"));
	pickle = write_file("empty/model.safetensors", "{" A REST "}", 0);
	struct weights *s = weights_open(empty, &err);
	CHECK(s && weights_file_bytes(s) == 8 + strlen("{" A REST "}") + 64);
	weights_free(s);
	free(pickle);
	free(empty);
}

static void test_real(void)
{
	static const struct {
		const char *folder;
		enum dtype type;
	} rows[] = { { "hf", DTYPE_F32 }, { "hf-f16", DTYPE_F16 }, { "hf-bf16", DTYPE_BF16 } };
	const char *data = getenv("LMSCOPE_DATA");

	if (!data || !file_is_folder(data)) {
		tap_skip("LMSCOPE_DATA is not set: no real safetensors");
		return;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		char path[4096];
		struct weights *s;
		const struct tensor *t;

		snprintf(path, sizeof path, "%s/stories260K/%s", data, rows[i].folder);
		s = weights_open(path, &err);
		t = s ? weights_find(s, "model.embed_tokens.weight") : NULL;
		CHECK_THAT(t && t->type == rows[i].type && t->shape[0] == 512 && t->shape[1] == 64, "%s %s", path, err.text);
		weights_free(s);
	}
}

int main(void)
{
	test_good();
	test_hostile();
	test_torn();
	test_shards();
	test_overlay();
	test_folders();
	test_real();
	scratch_done();
	return tap_done();
}
