/*
 * tokenizer.c - any bytes as a tokenizer: a GGUF, a tokenizer.json or a tokenizer.model, by how they begin. What opens
 * encodes a few texts, the bytes themselves among them; every id must be one that the tokenizer has.
 */
#include <string.h>

#include "engine/model/files/gguf.h"
#include "engine/model/tokenizer/tokenizer_parts.h"
#include "tests/fuzz/fuzz.h"

enum { SMALL = 512 };

static struct tokenizer *open_parts(const uint8_t *bytes, size_t n, struct err *err)
{
	struct tokenizer *t = tokenizer_new();
	const char *path = fuzz_file(bytes, n);
	bool json = n && memchr(" \t\r\n{[\"", bytes[0], 7);

	enum prefix prefix = (enum prefix)(n % 3);
	struct err ignored;
	/* it may have what tokenizer_config.json has, too */
	struct json *config = json ? json_open(path, 0, &ignored) : NULL;
	bool ok = (json ? tokenizer_read_json(t, path, json_root(config), prefix, err)
			: tokenizer_read_model(t, path, prefix, err)) &&
		  tokenizer_ready(t, err);

	json_free(config);
	if (ok)
		return t;
	tokenizer_free(t);
	return NULL;
}

static struct tokenizer *open_gguf(const uint8_t *bytes, size_t n, struct err *err)
{
	struct gguf *g = gguf_open(fuzz_file(bytes, n), err);
	struct tokenizer *t = g ? tokenizer_from_gguf(g, err) : NULL;

	gguf_free(g);
	return t;
}

static void try_text(const struct tokenizer *t, const char *text, size_t bytes, enum tokenizer_bos bos)
{
	struct err err = { 0 };
	struct str out;
	int32_t *ids;
	size_t n, length;

	if (!tokenizer_encode(t, text, bytes, bos, &ids, &n, &err)) {
		FUZZ_EXPECT(*err.text);
		return;
	}
	str_init(&out);
	for (size_t i = 0; i < n; i++) {
		const char *s = tokenizer_bytes(t, ids[i], &length);

		FUZZ_EXPECT(ids[i] >= 0 && ids[i] < tokenizer_size(t));
		tokenizer_find(t, s, length);
		tokenizer_show(t, ids[i], &out);
	}
	FUZZ_EXPECT(!memchr(out.s, 0x1B, out.n));
	tokenizer_decode(t, ids, n, true, &out);
	str_done(&out);
	free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const char *const texts[] = { "", "the fox\n\n 123", " a\xCC\x81 <s>\xE2\x96\x81", "\x1B[\xFF 'll" };
	struct err err = { 0 };
	struct tokenizer *t = n >= 4 && !memcmp(bytes, "GGUF", 4) ? open_gguf(bytes, n, &err) : open_parts(bytes, n, &err);

	FUZZ_EXPECT(t || *err.text);
	for (size_t i = 0; t && i < sizeof texts / sizeof *texts; i++)
		try_text(t, texts[i], strlen(texts[i]), (enum tokenizer_bos)(i % 3));
	if (t)
		try_text(t, (const char *)bytes, n < SMALL ? n : SMALL, BOS_DEFAULT);
	tokenizer_free(t);
	return 0;
}
