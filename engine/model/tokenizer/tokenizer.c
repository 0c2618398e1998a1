/* tokenizer.c - see tokenizer.h: encoding, decoding and showing. The readers are in tokenizer_*.c. */
#include "engine/model/tokenizer/tokenizer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "engine/model/tokenizer/tokenizer_parts.h"

#define LONGEST_TEXT ((size_t)16 << 20) /* normalised, a word must stay below 2^31 bytes */

/* ---- putting one together ---- */

struct tokenizer *tokenizer_new(void)
{
	struct tokenizer *t = xcalloc(1, sizeof *t);

	t->arena = arena_new();
	t->bos = t->eos = -1;
	t->bpe.unknown = -1;
	return t;
}

void tokenizer_free(struct tokenizer *t)
{
	if (!t)
		return;
	literals_done(&t->literals);
	literals_done(&t->normal_literals);
	steps_done(&t->normalise);
	steps_done(&t->cut);
	free(t->before.id);
	free(t->after.id);
	arena_free(t->arena);
	free(t);
}

void ids_add(struct ids *ids, int32_t id)
{
	ids->id = xrealloc(ids->id, (ids->n + 1) * sizeof *ids->id);
	ids->id[ids->n++] = id;
}

bool tokenizer_ready(struct tokenizer *t, struct err *err)
{
	if (!vocabulary_spell(&t->vocabulary, t->spelling, err))
		return false;
	bpe_start(&t->bpe, &t->vocabulary);
	literals_ready(&t->literals);
	literals_ready(&t->normal_literals);
	return true;
}

void tokenizer_add_bos(struct tokenizer *t, bool add, const char *format, ...)
{
	char reason[300];
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, sizeof reason, format, ap);
	va_end(ap);
	t->bos_reason = arena_strdup(t->arena, reason);
	if (add && !tokenizer_adds_bos(t)) {
		ids_add(&t->before, t->bos);
		memmove(t->before.id + 1, t->before.id, (t->before.n - 1) * sizeof *t->before.id);
		t->before.id[0] = t->bos;
	}
}

/* ---- encoding ---- */

struct encoder {
	const struct tokenizer *t;
	bool bare; /* nothing is prepended */
	struct pieces normal, words;
	struct bpe_work work;
};

/* Normalised text without literals: words, then tokens. */
static bool encode_words(struct encoder *e, const char *text, size_t n, bool first, struct err *err)
{
	pieces_set(&e->words, text, n);
	if (!steps_apply(&e->t->cut, &e->words, first, e->bare, err))
		return false;
	for (size_t i = 0; i < e->words.span.n; i++)
		bpe_word(&e->t->bpe, e->words.text.s + e->words.span.at[i].start, e->words.span.at[i].n, &e->work);
	return true;
}

/* Text between literals. */
static bool encode_stretch(struct encoder *e, const char *text, size_t n, bool first, struct err *err)
{
	const struct literal *literal;
	struct literal_walk place = { 0 };

	pieces_set(&e->normal, text, n);
	if (!steps_apply(&e->t->normalise, &e->normal, first, e->bare, err))
		return false;
	do {
		size_t from = place.end;

		literal = literals_next(&e->t->normal_literals, e->normal.text.s, e->normal.text.n, &place);
		if (place.start > from && !encode_words(e, e->normal.text.s + from, place.start - from, first && from == 0, err))
			return false;
		if (literal)
			bpe_push(&e->work, literal->id);
	} while (literal);
	return true;
}

static bool encode_text(struct encoder *e, const char *text, size_t n, struct err *err)
{
	const struct literal *literal;
	struct literal_walk place = { 0 };

	if (n > LONGEST_TEXT)
		return err_set(err, ERR_ARGUMENT, "the text is %zu bytes long; lmscope tokenises up to %zu", n, LONGEST_TEXT);
	do {
		size_t from = place.end;

		literal = literals_next(&e->t->literals, text, n, &place);
		if (place.start > from && !encode_stretch(e, text + from, place.start - from, from == 0, err))
			return false;
		if (literal)
			bpe_push(&e->work, literal->id);
	} while (literal);
	return true;
}

static void push_all(struct encoder *e, const struct ids *ids, bool without_bos)
{
	for (size_t i = 0; i < ids->n; i++)
		if (!(without_bos && ids->id[i] == e->t->bos))
			bpe_push(&e->work, ids->id[i]);
}

/* Hands the ids over, or frees everything. */
static bool finish(struct encoder *e, bool ok, int32_t **ids, size_t *n)
{
	if (ok) {
		*ids = e->work.id ? e->work.id : xmalloc(sizeof **ids);
		*n = e->work.n;
		e->work.id = NULL;
	}
	pieces_done(&e->normal);
	pieces_done(&e->words);
	bpe_done(&e->work);
	return ok;
}

const char *const tokenizer_bos_words[BOS_COUNT] = { [BOS_DEFAULT] = "default", [BOS_ALWAYS] = "always", [BOS_NEVER] = "never" };

static void start(struct encoder *e, const struct tokenizer *t, bool bare)
{
	*e = (struct encoder){ .t = t, .bare = bare };
	pieces_start(&e->normal);
	pieces_start(&e->words);
}

bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t bytes, enum tokenizer_bos bos, int32_t **ids, size_t *n,
		      struct err *err)
{
	struct encoder e;
	bool ok;

	if (bos == BOS_ALWAYS && t->bos < 0)
		return err_set(err, ERR_ARGUMENT, "this model has no beginning-of-sequence token to put first");
	start(&e, t, false);
	if (bos == BOS_ALWAYS && !tokenizer_adds_bos(t))
		bpe_push(&e.work, t->bos);
	push_all(&e, &t->before, bos == BOS_NEVER);
	ok = encode_text(&e, text, bytes, err);
	push_all(&e, &t->after, false);
	return finish(&e, ok, ids, n);
}

bool tokenizer_encode_raw(const struct tokenizer *t, const char *text, size_t bytes, int32_t **ids, size_t *n, struct err *err)
{
	struct encoder e;
	bool ok;

	start(&e, t, true);
	ok = encode_text(&e, text, bytes, err);
	return finish(&e, ok, ids, n);
}

/* ---- tokens ---- */

int tokenizer_size(const struct tokenizer *t)
{
	return t->vocabulary.n;
}

static bool is_token(const struct tokenizer *t, int32_t id)
{
	return id >= 0 && id < t->vocabulary.n && t->vocabulary.kind[id] != TOKEN_NONE;
}

const char *tokenizer_bytes(const struct tokenizer *t, int32_t id, size_t *n)
{
	if (!is_token(t, id)) {
		*n = 0;
		return "";
	}
	*n = t->vocabulary.bytes[id].n;
	return t->vocabulary.bytes[id].s;
}

int32_t tokenizer_find(const struct tokenizer *t, const char *bytes, size_t n)
{
	return vocabulary_find_bytes(&t->vocabulary, bytes, n);
}

bool tokenizer_is_special(const struct tokenizer *t, int32_t id)
{
	return is_token(t, id) && t->vocabulary.kind[id] == TOKEN_SPECIAL;
}

void tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, bool special, struct str *out)
{
	bool begun = false;

	for (size_t i = 0; i < n; i++) {
		bool is_special = tokenizer_is_special(t, ids[i]);
		size_t length;
		const char *bytes = tokenizer_bytes(t, ids[i], &length);

		if ((is_special && !special) || length == 0)
			continue;
		if (!begun && t->drops_space && !is_special && bytes[0] == ' ') {
			bytes++;
			length--;
		}
		begun = true;
		str_add_n(out, bytes, length);
	}
}

/* The bytes of one token for people: spaces as "·", the usual escapes, everything else safe for a terminal. */
static void show_bytes(const char *s, size_t n, struct str *out)
{
	static const char plain[] = " \n\t\r";
	static const char *const shown[] = { "·", "\\n", "\\t", "\\r" };

	for (size_t at = 0; at < n;) {
		const char *escape = s[at] ? strchr(plain, s[at]) : NULL;
		size_t end = at + 1;

		if (escape) {
			str_add(out, shown[escape - plain]);
		} else {
			while (end < n && (!s[end] || !strchr(plain, s[end])))
				end++;
			utf8_safe(out, s + at, end - at, false);
		}
		at = end;
	}
}

void tokenizer_show(const struct tokenizer *t, int32_t id, struct str *out)
{
	size_t n;
	const char *bytes = tokenizer_bytes(t, id, &n);

	if (!is_token(t, id))
		str_addf(out, "‹#%d›", (int)id);
	else if (id == t->bos)
		str_add(out, "‹bos›");
	else if (id == t->eos)
		str_add(out, "‹eos›");
	else if (n == 0)
		str_add(out, "‹empty›");
	else
		show_bytes(bytes, n, out);
}

/* ---- what is known about it ---- */

int32_t tokenizer_bos(const struct tokenizer *t)
{
	return t->bos;
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
	return t->eos;
}

bool tokenizer_adds_bos(const struct tokenizer *t)
{
	for (size_t i = 0; i < t->before.n; i++)
		if (t->before.id[i] == t->bos)
			return true;
	return false;
}

size_t tokenizer_memory(const struct tokenizer *t)
{
	return arena_bytes(t->arena);
}

const char *tokenizer_kind(const struct tokenizer *t)
{
	return t->kind;
}

const char *tokenizer_bos_reason(const struct tokenizer *t)
{
	return t->bos_reason;
}
