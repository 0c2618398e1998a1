/*
 * tokenizer_pair.c - GPT-2's own form: vocab.json {"TEXT": ID, …} and merges.txt, a merge a line.
 *
 * What tokenizer.json would say about the rest is in the code of transformers; tokenizer_config.json names the class.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/plain_text.h"
#include "engine/model/tokenizer/tokenizer_parts.h"

#define LONGEST_MERGES ((size_t)256 << 20)

/* Takes the lines of a merges.txt; a first line "#version: 0.2" and empty lines are none. */
static bool take_lines(struct tokenizer *t, const char *text, size_t n, struct err *err)
{
	size_t lines = 0, rank = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	if (!vocabulary_start_merges(&t->vocabulary, lines + 1, err))
		return false;
	for (size_t at = plain_text_mark(text, n); at < n;) {
		const char *line = text + at, *end = memchr(line, '\n', n - at);
		size_t length = end ? (size_t)(end - line) : n - at;

		at += length + 1;
		if (length && line[length - 1] == '\r')
			length--;
		if (length == 0 || (length >= 8 && !memcmp(line, "#version", 8)))
			continue;
		if (!vocabulary_merge_line(&t->vocabulary, rank++, line, length, err))
			return false;
	}
	return true;
}

static bool read_merges(struct tokenizer *t, const char *folder, struct err *err)
{
	char *path = file_join(folder, "merges.txt"), *text;
	size_t n;
	bool ok = false;

	text = file_read(path, LONGEST_MERGES, &n, err);
	if (text)
		ok = take_lines(t, text, n, err) || err_in(err, "%s", path);
	free(text);
	free(path);
	return ok;
}

/* The steps that the class in transformers has: a row of the table of pre-tokenizers, sometimes a normalizer. */
static bool class_steps(struct tokenizer *t, const struct json_value *config, struct err *err)
{
	const char *class = json_text(json_get(config, "tokenizer_class"));
	bool qwen = class && !strncmp(class, "Qwen2Tokenizer", 14), prefix = false;
	const char *name = qwen ? "qwen2" : "gpt-2";

	json_bool(json_get(config, "add_prefix_space"), &prefix);
	if (qwen)
		steps_add(&t->normalise, (struct step){ .kind = STEP_NFC });
	if (prefix)
		steps_add_prepend(&t->cut, " ", true, false);
	t->drops_space = prefix;
	return pretokenizer_apply(pretokenizer_find(name, strlen(name)), &t->cut, err);
}

/* The one special token that GPT-2's vocabulary has, which no file need name: it begins and ends a text. */
static void end_of_text(struct tokenizer *t)
{
	static const char text[] = "<|endoftext|>";
	int32_t id = vocabulary_find(&t->vocabulary, text, strlen(text));

	t->bos = t->eos = id;
	if (id < 0 || t->vocabulary.kind[id] == TOKEN_SPECIAL)
		return;
	t->vocabulary.kind[id] = TOKEN_SPECIAL;
	literals_add(&t->literals, (struct literal){ .text = t->vocabulary.text[id], .id = id });
}

bool tokenizer_read_pair(struct tokenizer *t, const char *folder, const struct json_value *config, struct err *err)
{
	char *path = file_join(folder, "vocab.json");
	struct json *vocab = json_open(path, 0, err);
	bool ok = vocab != NULL;

	if (ok && !tokenizer_take_vocabulary(t, json_root(vocab), false, NULL, config, err))
		ok = err_in(err, "%s", path);
	ok = ok && read_merges(t, folder, err) && class_steps(t, config, err);
	if (ok) {
		end_of_text(t);
		t->spelling = SPELLING_ALPHABET;
		t->kind = "byte-level BPE (vocab.json, merges.txt)";
	}
	json_free(vocab);
	free(path);
	return ok;
}
