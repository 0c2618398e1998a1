/*
 * tokenizer_gguf.c - the tokenizer in a GGUF's metadata: "llama" (SentencePiece, merging by score) and "gpt2" (byte-level,
 * merging by list). Keys that are absent mean what llama.cpp takes them to mean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/files/gguf.h"
#include "engine/model/tokenizer/byte_alphabet.h"
#include "engine/model/tokenizer/tokenizer_parts.h"

#define KEY(name) "tokenizer.ggml." name

/* What differs between the models that we read, when no key says so. */
struct model_kind {
	const char *name;
	bool by_score;
	int bos, eos, unknown;
	bool adds_bos;
};

static const struct model_kind kinds[] = {
	{ "llama", true, 1, 2, 0, true },
	{ "gpt2", false, 11, 11, -1, false },
};

static const struct model_kind *find_kind(const struct gguf *g, struct err *err)
{
	const char *name;
	size_t n;

	if (!gguf_string(g, KEY("model"), &name, &n)) {
		err_set(err, ERR_FILE, "the file has no tokenizer (no tokenizer.ggml.model)");
		return NULL;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strlen(kinds[i].name) == n && !memcmp(kinds[i].name, name, n))
			return &kinds[i];
	if ((n == 4 && !memcmp(name, "none", 4)) || (n == 8 && !memcmp(name, "no_vocab", 8)))
		err_set(err, ERR_FILE, "the file has no vocabulary (tokenizer.ggml.model is \"%.*s\")", (int)n, name);
	else
		err_set(err, ERR_FILE, "the tokenizer model \"%.*s\" is not supported; lmscope reads llama and gpt2",
			n > 60 ? 60 : (int)n, name);
	return NULL;
}

/* ---- tokens ---- */

/* llama.cpp's types: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte. */
static enum token_kind kind_of(int64_t type, const char *text, size_t n)
{
	switch (type) {
	case 2:
	case 3:
		return TOKEN_SPECIAL;
	case 4:
		return TOKEN_ADDED;
	case 6:
		return alphabet_hex_byte(text, n) >= 0 ? TOKEN_BYTE : TOKEN_NORMAL;
	default:
		return TOKEN_NORMAL;
	}
}

static bool read_tokens(struct tokenizer *t, const struct gguf *g, struct err *err)
{
	size_t n = gguf_array(g, KEY("tokens")), types = gguf_array(g, KEY("token_type"));

	if (types && types != n)
		return err_set(err, ERR_FILE, "there are %zu tokens but %zu token types", n, types);
	if (!vocabulary_start(&t->vocabulary, t->arena, n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *text;
		size_t length;
		int64_t type = 1;
		enum token_kind kind;

		if (!gguf_array_string(g, KEY("tokens"), i, &text, &length))
			return err_set(err, ERR_FILE, "token %zu is no string", i);
		if (types && !gguf_array_int(g, KEY("token_type"), i, &type))
			return err_set(err, ERR_FILE, "the type of token %zu is no whole number", i);
		kind = kind_of(type, text, length);
		/* Words never become special or byte tokens, even if they are spelt like one. */
		if (!vocabulary_put(&t->vocabulary, (int64_t)i, text, length, kind, kind == TOKEN_NORMAL || kind == TOKEN_ADDED,
				    err))
			return false;
		if (kind == TOKEN_SPECIAL || kind == TOKEN_ADDED)
			literals_add(&t->literals, (struct literal){ .text = t->vocabulary.text[i], .id = (int32_t)i });
	}
	return true;
}

static bool read_scores(struct tokenizer *t, const struct gguf *g, struct err *err)
{
	size_t n = gguf_array(g, KEY("scores"));
	float *score;
	bool ok = true;

	if (n != (size_t)t->vocabulary.n)
		return err_set(err, ERR_FILE, "there are %d tokens but %zu scores", t->vocabulary.n, n);
	score = xmalloc(n * sizeof *score);
	for (size_t i = 0; ok && i < n; i++) {
		double x = 0;

		ok = gguf_array_double(g, KEY("scores"), i, &x) || err_set(err, ERR_FILE, "the score of token %zu is no number", i);
		score[i] = (float)x;
	}
	ok = ok && vocabulary_rank(&t->vocabulary, score, err);
	free(score);
	return ok;
}

static bool read_merges(struct tokenizer *t, const struct gguf *g, struct err *err)
{
	size_t n = gguf_array(g, KEY("merges"));

	if (n == 0)
		return err_set(err, ERR_FILE, "the tokenizer model is gpt2, but there are no merges");
	if (!vocabulary_start_merges(&t->vocabulary, n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *line;
		size_t length;

		if (!gguf_array_string(g, KEY("merges"), i, &line, &length))
			return err_set(err, ERR_FILE, "merge %zu is no string", i + 1);
		if (!vocabulary_merge_line(&t->vocabulary, i, line, length, err))
			return false;
	}
	return true;
}

/* ---- what is done to the text ---- */

static bool sentencepiece(struct tokenizer *t, const struct gguf *g, struct err *err)
{
	bool prefix = true, collapse = false;

	gguf_bool(g, KEY("add_space_prefix"), &prefix);
	gguf_bool(g, KEY("remove_extra_whitespaces"), &collapse);
	t->spelling = SPELLING_SENTENCEPIECE;
	t->kind = "SentencePiece BPE (GGUF)";
	t->drops_space = prefix;
	t->bpe.byte_fallback = true;
	return read_scores(t, g, err) && tokenizer_sentencepiece_steps(&t->normalise, prefix, collapse, err);
}

static bool byte_level(struct tokenizer *t, const struct gguf *g, const struct pretokenizer **pre, struct err *err)
{
	const char *name = "default";
	size_t n = strlen(name);
	bool prefix = false, given = gguf_string(g, KEY("pre"), &name, &n);

	*pre = pretokenizer_find(name, n);
	t->spelling = SPELLING_ALPHABET;
	t->kind = given ? "byte-level BPE (GGUF)" : "byte-level BPE (GGUF; it names no pre-tokenizer, the default one is used)";
	if (!*pre) {
		t->kind = arena_printf(t->arena,
				       "byte-level BPE (GGUF; its pre-tokenizer \"%.*s\" is not known, the default one "
				       "is used)",
				       n > 60 ? 60 : (int)n, name);
		*pre = pretokenizer_find("default", strlen("default"));
	}
	t->bpe.whole_words = (*pre)->whole_words;
	gguf_bool(g, KEY("add_space_prefix"), &prefix);
	if (prefix)
		steps_add_prepend(&t->cut, " ", false, false);
	t->drops_space = prefix;
	return read_merges(t, g, err) && pretokenizer_apply(*pre, &t->cut, err);
}

/* Phi-3's special tokens swallow the white space after them; no key says so, but llama.cpp knows the model by its name. */
static void phi3_literals(struct tokenizer *t, const struct gguf *g)
{
	static const char *const exceptions[] = { "<unk>", "<s>", "<|endoftext|>" };
	const char *name;
	size_t n;
	char text[64] = "";

	if (gguf_string(g, "general.name", &name, &n))
		snprintf(text, sizeof text, "%.*s", n > 60 ? 60 : (int)n, name);
	if (!strcasestr(text, "phi-3") && !strcasestr(text, "phi3"))
		return;
	for (size_t i = 0; i < t->literals.n; i++) {
		struct literal *literal = &t->literals.at[i];

		literal->takes_right = true;
		for (size_t k = 0; k < sizeof exceptions / sizeof *exceptions; k++)
			literal->takes_right &= strcmp(literal->text.s, exceptions[k]) != 0;
	}
}

/* ---- special tokens by role ---- */

/* Ids outside the vocabulary (0xFFFFFFFF) mean that there is none. */
static int32_t role(const struct tokenizer *t, const struct gguf *g, const char *key, int otherwise)
{
	int64_t id = otherwise;

	gguf_int(g, key, &id);
	return id >= 0 && id < t->vocabulary.n ? (int32_t)id : -1;
}

static void find_roles(struct tokenizer *t, const struct gguf *g, const struct model_kind *kind, const struct pretokenizer *pre)
{
	bool add = kind->adds_bos || (pre && pre->adds_bos), add_eos = false;
	bool given = gguf_bool(g, KEY("add_bos_token"), &add);

	t->bos = role(t, g, KEY("bos_token_id"), kind->bos);
	t->eos = role(t, g, KEY("eos_token_id"), kind->eos);
	t->bpe.unknown = role(t, g, KEY("unknown_token_id"), kind->unknown);
	if (t->bos < 0)
		tokenizer_add_bos(t, false, "the file names no BOS token");
	else if (given)
		tokenizer_add_bos(t, add, "tokenizer.ggml.add_bos_token is %s", add ? "true" : "false");
	else if (pre && pre->adds_bos)
		tokenizer_add_bos(t, add, "tokenizer.ggml.add_bos_token is absent; for the pre-tokenizer %s it is true", pre->name);
	else
		tokenizer_add_bos(t, add, "tokenizer.ggml.add_bos_token is absent; for the tokenizer model %s it is %s", kind->name,
				  add ? "true" : "false");
	if (gguf_bool(g, KEY("add_eos_token"), &add_eos) && add_eos && t->eos >= 0)
		ids_add(&t->after, t->eos);
}

struct tokenizer *tokenizer_from_gguf(const struct gguf *g, struct err *err)
{
	const struct pretokenizer *pre = NULL;
	const struct model_kind *kind = find_kind(g, err);
	struct tokenizer *t = NULL;

	if (kind) {
		t = tokenizer_new();
		if (read_tokens(t, g, err) && (kind->by_score ? sentencepiece(t, g, err) : byte_level(t, g, &pre, err))) {
			phi3_literals(t, g);
			find_roles(t, g, kind, pre);
			if (tokenizer_ready(t, err))
				return t;
		}
	}
	err_in(err, "%s", gguf_path(g));
	tokenizer_free(t);
	return NULL;
}
