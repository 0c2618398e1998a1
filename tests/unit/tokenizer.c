/* tokenizer.c - tokenizers put together here: what they say of themselves, targets, showing, and files that cannot be. */
#include "engine/base/arena.h"
#include "engine/model/files/gguf.h"
#include "engine/model/tokenizer/split.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "tests/bytes.h"
#include "tests/scratch.h"
#include "tests/tap.h"

/* ---- folders ---- */

/* A byte-level tokenizer.json of a few tokens; `rest` goes before the model. */
#define VOCAB "\"a\":0,\"b\":1,\"\\u0120\":2,\"ab\":3,\"\\u0120ab\":4,\"\\u010a\":5,\"\\u00e2\":6,\"\\u0122\":7"
#define MERGES "[\"a b\",[\"\\u0120\",\"ab\"]]"
#define WITH(vocab, merges, rest) \
	"{\"added_tokens\":[{\"id\":9,\"content\":\"<s>\",\"special\":true}]," rest \
	"\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"model\":{\"type\":\"BPE\",\"vocab\":{" vocab \
	"},\"merges\":" merges "}}"
#define TEMPLATE \
	"\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}}," \
	"{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"<s>\":{\"ids\":[9]}}},"

static struct tokenizer *open_folder(const char *json, const char *config, struct err *err)
{
	free(scratch_file("t/tokenizer.json", json, strlen(json)));
	free(scratch_file("t/tokenizer_config.json", config, strlen(config)));
	char *folder = scratch_path("t");
	struct tokenizer *t = tokenizer_open(folder, err);

	free(folder);
	return t;
}

static char *ids_of(const struct tokenizer *t, const char *text, size_t bytes, enum tokenizer_bos bos)
{
	struct err err = { 0 };
	struct str s;
	int32_t *ids;
	size_t n;

	str_init(&s);
	if (!tokenizer_encode(t, text, bytes, bos, &ids, &n, &err)) {
		str_add(&s, err.text);
		return s.s;
	}
	for (size_t i = 0; i < n; i++)
		str_addf(&s, i ? " %d" : "%d", (int)ids[i]);
	free(ids);
	return s.s;
}

#define CHECK_IDS(t, text, bos, expected) \
	do { \
		char *got = ids_of(t, text, sizeof text - 1, bos); \
		CHECK_TEXT(got, expected); \
		free(got); \
	} while (0)

static void test_texts(void)
{
	struct err err = { 0 };
	struct tokenizer *t = open_folder(WITH(VOCAB, MERGES, TEMPLATE), "{\"bos_token\":\"<s>\"}", &err);
	int32_t *ids;
	size_t n;

	if (!CHECK_THAT(t != NULL, "it opens (%s)", err.text))
		return;
	CHECK_IDS(t, "", BOS_DEFAULT, "9");
	CHECK_IDS(t, "ab ab", BOS_DEFAULT, "9 3 4");
	CHECK_IDS(t, "ab ab", BOS_NEVER, "3 4");
	CHECK_IDS(t, "ab", BOS_ALWAYS, "9 3");
	CHECK_IDS(t, "a<s>b", BOS_NEVER, "0 9 1");
	CHECK_IDS(t, "ab\xE2 ab", BOS_NEVER, "3 6 4"); /* a torn character is a byte among the others */
	CHECK_IDS(t, "aXb", BOS_NEVER, "3");	       /* no token and no unknown token: left out, as Hugging Face does */
	CHECK(tokenizer_encode_raw(t, " ab", 3, &ids, &n, &err) && n == 1 && ids[0] == 4);
	free(ids);
	CHECK(tokenizer_size(t) == 10 && tokenizer_bos(t) == 9 && tokenizer_eos(t) == -1 && tokenizer_adds_bos(t));
	CHECK_TEXT(tokenizer_kind(t), "byte-level BPE (tokenizer.json)");
	CHECK_TEXT(tokenizer_bos_reason(t), "the post_processor of tokenizer.json puts <s> first");
	tokenizer_free(t);
}

/*
 * tokenizer_config.json has the last word about how an added token is found, and its class about the space before the first
 * word.
 */
static void test_config_counts(void)
{
	static const struct {
		const char *config, *ids;
	} rows[] = {
		{ "{}", "3 9 2 9 3" },
		{ "{\"added_tokens_decoder\":{\"9\":{\"content\":\"<s>\",\"special\":true,\"lstrip\":true}}}", "3 9 9 3" },
		{ "{\"added_tokens_decoder\":{\"5\":{\"content\":\"<s>\",\"lstrip\":true}}}", "3 9 9 3" },
		{ "{\"added_tokens_decoder\":{\"9\":{\"content\":\"<s>\",\"single_word\":true}}}", "3 2 3" },
		{ "{\"add_prefix_space\":true}", "3 9 2 9 3" },
		{ "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"add_prefix_space\":true}", "3 9 2 9 3" },
		{ "{\"tokenizer_class\":\"GPT2Tokenizer\",\"add_prefix_space\":true}", "4 9 2 9 4" },
		{ "{\"tokenizer_class\":\"GPT2TokenizerFast\",\"add_prefix_space\":true}", "4 9 2 9 4" },
		{ "{\"tokenizer_class\":\"GPT2Tokenizer\"}", "3 9 2 9 3" },
		{ "{\"split_special_tokens\":true}", "3 2 3" },
		{ "{\"split_special_tokens\":false}", "3 9 2 9 3" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct tokenizer *t = open_folder(WITH(VOCAB, MERGES, ""), rows[i].config, &err);
		char *ids = t ? ids_of(t, "ab<s> <s>ab", 11, BOS_NEVER) : NULL;

		CHECK_THAT(ids && !strcmp(ids, rows[i].ids), "%s: %s %s", rows[i].config, ids ? ids : "", err.text);
		free(ids);
		tokenizer_free(t);
	}
}

static void test_tokens(void)
{
	static const struct {
		int32_t id;
		const char *shown;
	} rows[] = {
		{ 4, "·ab" }, { 5, "\\n" }, { 6, "\\xE2" }, { 9, "‹bos›" }, { 8, "‹#8›" }, { 700, "‹#700›" }, { -1, "‹#-1›" }
	};
	struct err err = { 0 };
	struct tokenizer *t = open_folder(WITH(VOCAB, MERGES, TEMPLATE), "{}", &err);
	struct str s;
	size_t n;

	str_init(&s);
	for (size_t i = 0; t && i < sizeof rows / sizeof *rows; i++) {
		str_clear(&s);
		tokenizer_show(t, rows[i].id, &s);
		CHECK_TEXT(s.s, rows[i].shown);
	}
	CHECK(t && !strcmp(tokenizer_bytes(t, 4, &n), " ab") && n == 3);
	CHECK(t && tokenizer_bytes(t, 8, &n) && n == 0);
	CHECK(t && tokenizer_find(t, " ab", 3) == 4 && tokenizer_find(t, "<s>", 3) == 9 && tokenizer_find(t, "?", 1) == -1);
	CHECK(t && tokenizer_is_special(t, 9) && !tokenizer_is_special(t, 4) && !tokenizer_is_special(t, 8));
	str_clear(&s);
	tokenizer_decode(t, (int32_t[]){ 9, 3, 4, 5, 77 }, 5, false, &s);
	CHECK_TEXT(s.s, "ab ab\n");
	str_clear(&s);
	tokenizer_decode(t, (int32_t[]){ 9, 3 }, 2, true, &s);
	CHECK_TEXT(s.s, "<s>ab");
	str_done(&s);
	tokenizer_free(t);
}

static void test_bos(void)
{
	struct err err = { 0 };
	struct tokenizer *t =
		open_folder(WITH(VOCAB, MERGES, ""), "{\"bos_token\":{\"content\":\"<s>\"},\"add_bos_token\":true}", &err);

	CHECK(t && tokenizer_adds_bos(t));
	CHECK_TEXT(t ? tokenizer_bos_reason(t) : NULL, "add_bos_token in tokenizer_config.json is true");
	tokenizer_free(t);
	t = open_folder(WITH(VOCAB, MERGES, ""), "{\"bos_token\":null}", &err);
	CHECK_IDS(t, "a", BOS_DEFAULT, "0");
	CHECK_IDS(t, "a", BOS_ALWAYS, "this model has no beginning-of-sequence token to put first");
	tokenizer_free(t);
}

/* ---- vocab.json and merges.txt ---- */

static struct tokenizer *open_pair(const char *merges, const char *config, struct err *err)
{
	static const char vocab[] = "{" VOCAB ",\"<|endoftext|>\":8}";
	char *folder = scratch_path("pair");
	struct tokenizer *t;

	free(scratch_file("pair/vocab.json", vocab, strlen(vocab)));
	free(scratch_file("pair/merges.txt", merges, strlen(merges)));
	free(scratch_file("pair/tokenizer_config.json", config, strlen(config)));
	t = tokenizer_open(folder, err);
	free(folder);
	return t;
}

static void test_pair(void)
{
	static const char merges[] = "#version: 0.2\na b\r\n\n\xC4\xA0 ab";
	struct err err = { 0 };
	struct tokenizer *t = open_pair(merges, "{}", &err);

	if (!CHECK_THAT(t != NULL, "it opens (%s)", err.text))
		return;
	CHECK_IDS(t, "ab ab<|endoftext|>", BOS_DEFAULT, "3 4 8");
	CHECK_TEXT(tokenizer_bos_reason(t), "no file says whether <|endoftext|> is added; for vocab.json it is not");
	CHECK(tokenizer_bos(t) == 8 && tokenizer_eos(t) == 8 && tokenizer_is_special(t, 8));
	tokenizer_free(t);
	t = open_pair(merges, "{\"add_bos_token\":true,\"add_prefix_space\":true,\"bos_token\":\"<|endoftext|>\"}", &err);
	CHECK_IDS(t, "ab", BOS_DEFAULT, "8 4");
	tokenizer_free(t);
	t = open_pair("a b c\n", "{}", &err);
	CHECK_THAT(!t && strstr(err.text, "merges.txt: merge 1 joins \"b c\""), "%s", err.text);
	t = tokenizer_open(scratch_folder(), &err);
	CHECK_THAT(!t && strstr(err.text, "there is no tokenizer"), "%s", err.text);
}

/* ---- files that cannot be ---- */

static void test_refusals(void)
{
	static const struct {
		const char *json, *says;
	} rows[] = {
		{ "", "" },
		{ "{}", "it has no model" },
		{ "[]", "it has no model" },
		{ WITH("", "[]", ""), "the vocabulary is empty" },
		{ WITH("\"a\":-1", "[]", ""), "has the id -1" },
		{ WITH("\"a\":2000000000", "[]", ""), "there are only 2 tokens" },
		{ WITH("\"a\":1000000000000000", "[]", ""), "there are only 2 tokens" },
		{ WITH("\"a\":1,\"b\":1", "[]", ""), "is given to two tokens" },
		{ WITH("\"a\":1.5", "[]", ""), "no whole number" },
		{ WITH("\"a\":9", "[]", ""), "is given to two tokens" },
		{ WITH(VOCAB, "[\"a z\"]", ""), "joins \"z\", which is no token" },
		{ WITH(VOCAB, "[\"b a\"]", ""), "makes \"ba\", which is no token" },
		{ WITH(VOCAB, "[\"ab\"]", ""), "not two tokens" },
		{ WITH(VOCAB, "[[\"a\"]]", ""), "neither a string nor two strings" },
		{ WITH(VOCAB, "{}", ""), "no list of merges" },
		{ WITH(VOCAB, MERGES, "\"normalizer\":{\"type\":\"Nmt\"},"), "the normalizer Nmt is not supported" },
		{ WITH(VOCAB, MERGES, "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(\"},\"content\":\"\"},"),
		  "cannot be used" },
		{ WITH(VOCAB, MERGES,
		       "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[a[^b]]\"},\"content\":\"\"},"),
		  "a negated class inside a class" },
		{ WITH(VOCAB, MERGES, "\"post_processor\":{\"type\":\"BertProcessing\"},"), "\"cls\" has no id of the vocabulary" },
		{ WITH(VOCAB, MERGES, "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[]},"),
		  "no place for the text" },
		{ "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0]]}}", "the model is Unigram; lmscope reads BPE" },
		{ "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\",\"vocab\":{\"a\":0},\"merges\":[]}}", "\"?\" is not in" },
		{ "{\"model\":{\"type\":\"BPE\",\"dropout\":0.1,\"vocab\":{\"a\":0},\"merges\":[]}}", "dropout is not supported" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct tokenizer *t = open_folder(rows[i].json, "{}", &err);

		CHECK_THAT(!t && strstr(err.text, "tokenizer.json") && strstr(err.text, rows[i].says), "%s", err.text);
		tokenizer_free(t);
	}
}

/* SentencePiece models whose tokens would be others: one piece "a", and a field of the trainer's or normalizer's. */
static void test_model_refusals(void)
{
	static const struct {
		const char *spec, *says;
		size_t n;
	} rows[] = {
		{ "\x12\x05\x18\x02\xC0\x01\x01", "treat_whitespace_as_suffix", 7 },
		{ "\x12\x02\x18\x01", "a unigram one", 4 },
		{ "\x12\x02\x18\x03", "of words or characters", 4 },
		{ "\x12\x02\x18\x02\x1A\x03\x12\x01x", "a table of its own", 9 },
		{ "\x12\x05\x18\x02\xC0\x01\x00", NULL, 7 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str file;
		struct err err = { 0 };
		struct tokenizer *t;
		char *folder;

		str_init(&file);
		put(&file,
		    "\x0A\x03\x0A\x01"
		    "a",
		    5);
		put(&file, rows[i].spec, rows[i].n);
		free(scratch_file("m/tokenizer.model", file.s, file.n));
		folder = scratch_path("m");
		t = tokenizer_open(folder, &err);
		CHECK_THAT(rows[i].says ? !t && strstr(err.text, rows[i].says) != NULL : t != NULL, "%s", err.text);
		tokenizer_free(t);
		free(folder);
		str_done(&file);
	}
}

/* A file can ask for normalising that multiplies the text without end. */
static void test_growth(void)
{
	struct str json;
	struct err err = { 0 };
	struct tokenizer *t;

	str_init(&json);
	str_add(&json, "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[");
	for (int i = 0; i < 40; i++)
		str_addf(&json, "%s{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaa\"}", i ? "," : "");
	str_add(&json, "]},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}");
	t = open_folder(json.s, "{}", &err);
	CHECK(t != NULL);
	if (t)
		CHECK_IDS(t, "a", BOS_DEFAULT, "the tokenizer makes more than 65600 bytes of this text");
	tokenizer_free(t);
	str_done(&json);
}

/* ---- GGUF ---- */

/* A file of keys alone. */
struct keys {
	struct str body;
	uint64_t n;
};

static void key(struct keys *k, const char *name, uint32_t type)
{
	put_text(&k->body, name);
	put_u32(&k->body, type);
	k->n++;
}

static void key_text(struct keys *k, const char *name, const char *value)
{
	key(k, name, 8);
	put_text(&k->body, value);
}

static void key_list(struct keys *k, const char *name, uint32_t type, size_t n)
{
	key(k, name, 9);
	put_u32(&k->body, type);
	put_u64(&k->body, n);
}

static struct tokenizer *open_gguf(struct keys *k, struct err *err)
{
	struct str file;
	struct gguf *g;
	struct tokenizer *t = NULL;
	char *path;

	str_init(&file);
	put(&file, "GGUF\3\0\0", 8);
	put_u64(&file, 0);
	put_u64(&file, k->n);
	put(&file, k->body.s, k->body.n);
	path = scratch_file("t.gguf", file.s, file.n);
	if ((g = gguf_open(path, err)))
		t = tokenizer_from_gguf(g, err);
	gguf_free(g);
	free(path);
	str_done(&file);
	str_done(&k->body);
	return t;
}

/* A SentencePiece vocabulary of ten tokens, under a name. */
static struct tokenizer *open_small(const char *name, struct err *err)
{
	static const char *const tokens[] = { "<unk>", "<s>", "</s>", "<0x0A>", "<0x61>", "▁", "a", "b", "ab", "▁ab" };
	static const float scores[] = { 0, 0, 0, 0, 0, -5, -6, -7, -2, -1 };
	static const uint32_t types[] = { 2, 3, 3, 6, 6, 1, 1, 1, 1, 1 };
	struct keys k = { 0 };

	str_init(&k.body);
	key_text(&k, "general.name", name);
	key_text(&k, "tokenizer.ggml.model", "llama");
	key_list(&k, "tokenizer.ggml.tokens", 8, 10);
	for (int i = 0; i < 10; i++)
		put_text(&k.body, tokens[i]);
	key_list(&k, "tokenizer.ggml.scores", 6, 10);
	put(&k.body, scores, sizeof scores);
	key_list(&k, "tokenizer.ggml.token_type", 5, 10);
	put(&k.body, types, sizeof types);
	return open_gguf(&k, err);
}

static void test_gguf(void)
{
	struct err err = { 0 };
	struct tokenizer *t = open_small("small", &err);
	struct str s;

	if (!CHECK_THAT(t != NULL, "it opens (%s)", err.text))
		return;
	CHECK_IDS(t, "ab ab\n", BOS_DEFAULT, "1 9 9 3");
	CHECK_IDS(t, "?", BOS_NEVER, "5 0");
	CHECK(tokenizer_find(t, "\n", 1) == 3 && tokenizer_find(t, " ab", 3) == 9);
	CHECK_THAT(tokenizer_find(t, "a", 1) == 6, "a piece is found before the byte token of the same letter");
	CHECK_TEXT(tokenizer_bos_reason(t), "tokenizer.ggml.add_bos_token is absent; for the tokenizer model llama it is true");
	str_init(&s);
	tokenizer_decode(t, (int32_t[]){ 1, 9, 9, 3 }, 4, false, &s);
	CHECK_TEXT(s.s, "ab ab\n");
	str_done(&s);
	CHECK_IDS(t, "a</s>  b", BOS_NEVER, "5 6 2 5 5 5 7");
	tokenizer_free(t);
	/* Phi-3's special tokens swallow white space. */
	t = open_small("Phi-3 mini", &err);
	CHECK_IDS(t, "a</s>  b<s>  b", BOS_NEVER, "5 6 2 5 7 1 5 5 5 7");
	tokenizer_free(t);
}

static void refuse_gguf(struct keys *k, const char *says)
{
	struct err err = { 0 };
	struct tokenizer *t = open_gguf(k, &err);

	CHECK_THAT(!t && strstr(err.text, says), "%s", err.text);
	tokenizer_free(t);
}

static void test_gguf_refusals(void)
{
	static const char *const models[][2] = {
		{ "none", "the file has no vocabulary" },
		{ "bert", "\"bert\" is not supported" },
		{ "llama", "the vocabulary is empty" },
	};
	struct keys k = { 0 };

	str_init(&k.body);
	key_text(&k, "general.name", "nothing");
	refuse_gguf(&k, "the file has no tokenizer");
	for (size_t i = 0; i < 3; i++) {
		k = (struct keys){ 0 };
		str_init(&k.body);
		key_text(&k, "tokenizer.ggml.model", models[i][0]);
		refuse_gguf(&k, models[i][1]);
	}
	for (int types = 0; types < 2; types++) {
		k = (struct keys){ 0 };
		str_init(&k.body);
		key_text(&k, "tokenizer.ggml.model", types ? "gpt2" : "llama");
		key_list(&k, "tokenizer.ggml.tokens", 8, 2);
		put_text(&k.body, "a");
		put_text(&k.body, "b");
		if (types) {
			key_list(&k, "tokenizer.ggml.token_type", 5, 1);
			put_u32(&k.body, 1);
		}
		refuse_gguf(&k, types ? "2 tokens but 1 token types" : "2 tokens but 0 scores");
	}
	k = (struct keys){ 0 };
	str_init(&k.body);
	key_text(&k, "tokenizer.ggml.model", "gpt2");
	key_list(&k, "tokenizer.ggml.tokens", 8, 1);
	put_text(&k.body, "a");
	key_list(&k, "tokenizer.ggml.merges", 8, 1);
	put_text(&k.body, "a b");
	refuse_gguf(&k, "joins \"b\", which is no token");
}

/* ---- long texts and patterns that give up ---- */

static void test_long(void)
{
	enum { N = 1000000 };
	struct err err = { 0 };
	struct tokenizer *t = open_folder(WITH(VOCAB, MERGES, ""), "{}", &err);
	char *text = xmalloc(N);
	int32_t *ids = NULL;
	size_t n;

	for (int i = 0; i < N; i++)
		text[i] = i % 2 ? 'b' : 'a';
	CHECK(t && tokenizer_encode(t, text, N, BOS_DEFAULT, &ids, &n, &err) && n == N / 2 && ids[n - 1] == 3);
	free(ids);
	ids = NULL;
	memset(text, ' ', N);
	CHECK(t && tokenizer_encode(t, text, N, BOS_DEFAULT, &ids, &n, &err) && n == N);
	free(ids);
	free(text);
	tokenizer_free(t);
}

static void test_pattern_gives_up(void)
{
	static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
	struct err err = { 0 };
	struct split *s = split_new("(a|aa)+$", 8, false, SPLIT_ISOLATED, false, &err);
	struct text_span whole = { 0, sizeof text - 1 };
	struct spans pieces = { &whole, 1, 1 }, out = { 0 };

	CHECK(s && !split_pieces(s, text, &pieces, &out, &err));
	CHECK_THAT(strstr(err.text, "gave up") != NULL, "%s", err.text);
	spans_done(&out);
	split_free(s);
}

int main(void)
{
	test_texts();
	test_config_counts();
	test_tokens();
	test_bos();
	test_pair();
	test_refusals();
	test_model_refusals();
	test_growth();
	test_gguf();
	test_gguf_refusals();
	test_long();
	test_pattern_gives_up();
	scratch_done();
	return tap_done();
}
