/*
 * tokenizer_vectors.c - real vocabularies against ids that others computed: llama.cpp's .inp/.out pairs, the texts of
 * transformers.js and swift-transformers, and two forms of one model against each other.
 *
 * Needs the data folder ($LMSCOPE_DATA), which is not part of the repository.
 */
#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/files/gguf.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "tests/tap.h"

#include <stdlib.h>

static const char *data; /* $LMSCOPE_DATA */

static struct tokenizer *open_any(const char *name)
{
	char *path = file_join(data, name);
	struct err err = { 0 };
	struct gguf *g = NULL;
	struct tokenizer *t = NULL;

	if (file_is_folder(path))
		t = tokenizer_open(path, &err);
	else if ((g = gguf_open(path, &err)))
		t = tokenizer_from_gguf(g, &err);
	if (!t)
		printf("# %s\n", err.text);
	gguf_free(g);
	free(path);
	return t;
}

/* Whether the text gives these ids; says what it gave when not. */
static bool gives(const struct tokenizer *t, const char *text, size_t n, enum tokenizer_bos bos, const int32_t *ids, size_t count)
{
	struct err err = { 0 };
	int32_t *got;
	size_t got_n;
	bool same;

	if (!tokenizer_encode(t, text, n, bos, &got, &got_n, &err)) {
		printf("# %s\n", err.text);
		return false;
	}
	same = got_n == count && !memcmp(got, ids, count * sizeof *ids);
	if (!same) {
		struct str line;

		str_init(&line);
		json_write_string(&line, text, n < 200 ? n : 200);
		str_add(&line, "\n#  expected");
		for (size_t i = 0; i < count && i < 60; i++)
			str_addf(&line, " %d", (int)ids[i]);
		str_add(&line, "\n#  actual  ");
		for (size_t i = 0; i < got_n && i < 60; i++)
			str_addf(&line, " %d", (int)got[i]);
		printf("# %s\n", line.s);
		str_done(&line);
	}
	free(got);
	return same;
}

/* ---- llama.cpp's pairs ---- */

/* A line of ids. Returns how many. */
static size_t parse_ids(const char *line, int32_t *ids, size_t capacity)
{
	size_t n = 0;
	char *end;

	for (long id; n < capacity && (id = strtol(line, &end, 10), end != line); line = end)
		ids[n++] = (int32_t)id;
	return n;
}

static void check_pair(const struct tokenizer *t, const char *out_name, const char *texts)
{
	static const char separator[] = "\n__ggml_vocab_test__\n";
	char *name = file_join("tokenizers/ggml-vocab", out_name), *path = file_join(data, name);
	struct err err = { 0 };
	size_t n, compared = 0, right = 0;
	char *out = file_read(path, 1 << 20, &n, &err);
	int32_t ids[2000];

	for (char *line = out, *end; line && (end = strchr(line, '\n')); line = end + 1) {
		const char *stop = strstr(texts, separator);
		size_t length = stop ? (size_t)(stop - texts) : strlen(texts);

		*end = '\0';
		compared++;
		right += gives(t, texts, length, BOS_NEVER, ids, parse_ids(line, ids, 2000));
		texts += length + (stop ? strlen(separator) : 0);
	}
	CHECK_THAT(out && compared == 46 && right == compared, "%s: %zu of %zu texts", out_name, right, compared);
	free(out);
	free(path);
	free(name);
}

static void test_pairs(void)
{
	static const char *const pairs[][2] = {
		{ "tokenizers/ggml-vocab/ggml-vocab-deepseek-coder.gguf", "ggml-vocab-deepseek-coder.gguf.out" },
		{ "tokenizers/ggml-vocab/ggml-vocab-deepseek-llm.gguf", "ggml-vocab-deepseek-llm.gguf.out" },
		{ "tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf", "ggml-vocab-gpt-2.gguf.out" },
		{ "tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf", "ggml-vocab-llama-spm.gguf.out" },
		{ "tokenizers/ggml-vocab/ggml-vocab-mpt.gguf", "ggml-vocab-mpt.gguf.out" },
		{ "tokenizers/ggml-vocab/ggml-vocab-refact.gguf", "ggml-vocab-refact.gguf.out" },
		{ "tokenizers/ggml-vocab/ggml-vocab-starcoder.gguf", "ggml-vocab-starcoder.gguf.out" },
		{ "tokenizers/gpt2", "ggml-vocab-gpt-2.gguf.out" },
		{ "tokenizers/qwen3", "ggml-vocab-qwen2.gguf.out" },
		{ "tokenizers/qwen3", "ggml-vocab-deepseek-r1-qwen.gguf.out" },
	};
	char *path = file_join(data, "tokenizers/ggml-vocab/ggml-vocab.inp");
	struct err err = { 0 };
	size_t n;
	char *texts = file_read(path, 1 << 20, &n, &err);

	for (size_t i = 0; texts && i < sizeof pairs / sizeof *pairs; i++) {
		struct tokenizer *t = open_any(pairs[i][0]);

		if (CHECK_THAT(t != NULL, "%s opens", pairs[i][0]))
			check_pair(t, pairs[i][1], texts);
		tokenizer_free(t);
	}
	CHECK(texts != NULL);
	free(texts);
	free(path);
}

/* ---- texts of transformers.js and swift-transformers ---- */

struct vector_check {
	const struct tokenizer *t;
	size_t compared, right;
};

static bool check_ids(struct vector_check *v, const struct json_value *text, const struct json_value *list)
{
	size_t n, count = json_count(list);
	const char *s = json_text_n(text, &n);
	int32_t *ids = xcalloc(count + 1, sizeof *ids);
	int64_t id;

	for (size_t i = 0; i < count; i++)
		ids[i] = json_int(json_at(list, i), &id) ? (int32_t)id : -1;
	v->compared++;
	v->right += s && gives(v->t, s, n, BOS_DEFAULT, ids, count);
	free(ids);
	return true;
}

/* Either form: {"text", "ids"} or {"input", "encoded": {"input_ids"}}. */
static bool check_vector(void *context, size_t index, const char *key, const struct json_value *v)
{
	(void)index, (void)key;
	if (json_get(v, "input"))
		return check_ids(context, json_get(v, "input"), json_get(json_get(v, "encoded"), "input_ids"));
	return check_ids(context, json_get(v, "text"), json_get(v, "ids"));
}

static void test_vectors(void)
{
	static const struct {
		const char *vocabulary, *file, *model;
	} rows[] = {
		{ "tokenizers/gpt2", "transformersjs_vectors.json", "Xenova/gpt2" },
		{ "tokenizers/gpt2", "transformersjs_vectors.json", "openai-community/gpt2" },
		{ "tokenizers/qwen3", "transformersjs_vectors.json", "Xenova/Qwen1.5-0.5B-Chat" },
		{ "tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf", "transformersjs_vectors.json", "Xenova/llama-tokenizer" },
		{ "tokenizers/ggml-vocab/ggml-vocab-deepseek-coder.gguf", "transformersjs_vectors.json",
		  "Xenova/deepseek-coder-1.3b-instruct" },
		{ "tokenizers/gpt2", "swift_tokenizer_tests.json", "distilgpt2" },
		{ "tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf", "swift_tokenizer_tests.json",
		  "coreml-projects/Llama-2-7b-chat-coreml" },
		{ "tokenizers/gpt2", "swift_gpt2_encoded.json", NULL },
		{ "tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf", "swift_llama_encoded.json", NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *name = file_join("tokenizers/vectors", rows[i].file), *path = file_join(data, name);
		struct err err = { 0 };
		struct json *doc = json_open(path, 0, &err);
		struct vector_check v = { .t = open_any(rows[i].vocabulary) };

		if (v.t && rows[i].model)
			json_each(json_get(json_root(doc), rows[i].model), check_vector, &v);
		else if (v.t)
			check_ids(&v, json_get(json_root(doc), "text"), json_get(json_root(doc), "token_ids"));
		CHECK_THAT(v.compared && v.right == v.compared, "%s of %s: %zu of %zu texts",
			   rows[i].model ? rows[i].model : "the text", rows[i].file, v.right, v.compared);
		tokenizer_free((struct tokenizer *)(uintptr_t)v.t);
		json_free(doc);
		free(path);
		free(name);
	}
}

/* ---- one model in two forms ---- */

static void test_two_forms(void)
{
	static const char *const texts[] = {
		"",
		" ",
		"Once upon a time",
		" two  spaces",
		"naïve 🦙 \t\n\n",
		"</s> and <s>",
		"Lily's big\r\nred ball!",
		"\x01\x7F",
	};
	struct tokenizer *a = open_any("stories260K/stories260K.gguf"), *b = open_any("stories260K/hf");
	struct err err = { 0 };

	CHECK(a && b && tokenizer_size(a) == 512 && tokenizer_size(b) == 512);
	for (size_t i = 0; a && b && i < sizeof texts / sizeof *texts; i++) {
		int32_t *ids;
		size_t n;
		struct str back;

		if (!CHECK(tokenizer_encode(a, texts[i], strlen(texts[i]), BOS_DEFAULT, &ids, &n, &err)))
			continue;
		CHECK_THAT(gives(b, texts[i], strlen(texts[i]), BOS_DEFAULT, ids, n), "text %zu: GGUF and tokenizer.json agree", i);
		str_init(&back);
		tokenizer_decode(a, ids, n, false, &back);
		if (!strstr(texts[i], "<s>"))
			CHECK_TEXT(back.s, texts[i]);
		str_done(&back);
		free(ids);
	}
	tokenizer_free(a);
	tokenizer_free(b);
}

int main(void)
{
	data = getenv("LMSCOPE_DATA");
	if (!data || !*data) {
		tap_skip("LMSCOPE_DATA is not set: it names the folder with real tokenizers");
		return tap_done();
	}
	test_pairs();
	test_vectors();
	test_two_forms();
	return tap_done();
}
