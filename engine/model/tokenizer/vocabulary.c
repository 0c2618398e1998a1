/* vocabulary.c - see vocabulary.h. */
#include "engine/model/tokenizer/vocabulary.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/model/tokenizer/byte_alphabet.h"

#define NO_PAIR UINT64_MAX

/* ---- maps ---- */

static size_t hash_bytes(const char *s, size_t n)
{
	uint64_t h = 0xCBF29CE484222325u ^ n;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001B3u;
	return (size_t)(h ^ h >> 29);
}

static size_t hash_pair(uint64_t pair)
{
	uint64_t h = (pair ^ pair >> 32) * 0x9E3779B97F4A7C15u;

	return (size_t)(h ^ h >> 31);
}

/* A power of two with at least half of the slots free. */
static size_t slots_for(size_t n)
{
	size_t slots = 16;

	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

static bool wordmap_start(struct wordmap *map, struct arena *arena, const struct word *word, size_t n, struct err *err)
{
	size_t slots = slots_for(n);

	if (!(map->slot = arena_array(arena, slots, sizeof *map->slot, err)))
		return false;
	memset(map->slot, 0xFF, slots * sizeof *map->slot);
	map->word = word;
	map->mask = slots - 1;
	return true;
}

/* The slot that holds the word, or the free one where it would go. */
static int32_t *wordmap_slot(const struct wordmap *map, const char *s, size_t n)
{
	for (size_t i = hash_bytes(s, n) & map->mask;; i = (i + 1) & map->mask) {
		int32_t id = map->slot[i];

		if (id < 0 || (map->word[id].n == n && !memcmp(map->word[id].s, s, n)))
			return &map->slot[i];
	}
}

/* ---- tokens ---- */

bool vocabulary_start(struct vocabulary *v, struct arena *arena, size_t n, struct err *err)
{
	if (n == 0 || n > INT32_MAX / 4)
		return err_set(err, ERR_FILE, n ? "the vocabulary has %zu tokens, which cannot be" : "the vocabulary is empty", n);
	*v = (struct vocabulary){ .arena = arena, .n = (int32_t)n };
	return (v->text = arena_array(arena, n, sizeof *v->text, err)) &&
	       (v->bytes = arena_array(arena, n, sizeof *v->bytes, err)) && (v->kind = arena_array(arena, n, 1, err)) &&
	       wordmap_start(&v->by_text, arena, v->text, n, err);
}

struct word vocabulary_keep(struct vocabulary *v, const char *s, size_t n)
{
	char *copy;

	if (n >= v->left) {
		v->left = n + 1 > 65536 ? n + 1 : 65536;
		v->room = arena_alloc(v->arena, v->left);
	}
	copy = v->room;
	if (n)
		memcpy(copy, s, n);
	copy[n] = '\0';
	v->room += n + 1;
	v->left -= n + 1;
	return (struct word){ copy, (uint32_t)n };
}

bool vocabulary_put(struct vocabulary *v, int64_t id, const char *s, size_t n, enum token_kind kind, bool findable, struct err *err)
{
	assert(kind != TOKEN_NONE);
	if (id < 0 || id >= v->n)
		return err_set(err, ERR_FILE, "token \"%.60s\" has the id %lld, outside 0 to %d", s, (long long)id, v->n - 1);
	if (v->kind[id] != TOKEN_NONE)
		return err_set(err, ERR_FILE, "the id %lld is given to two tokens, \"%.60s\" and \"%.60s\"", (long long)id,
			       v->text[id].s, s);
	if (n > UINT32_MAX / 2)
		return err_set(err, ERR_FILE, "the token with the id %lld is %zu bytes long", (long long)id, n);
	v->text[id] = vocabulary_keep(v, s, n);
	v->kind[id] = (unsigned char)kind;
	if (n > v->longest)
		v->longest = n;
	/* Of equal texts the last one counts, as for llama.cpp; only GGUF can have such. */
	if (findable && n)
		*wordmap_slot(&v->by_text, s, n) = (int32_t)id;
	return true;
}

int32_t vocabulary_find(const struct vocabulary *v, const char *s, size_t n)
{
	return n > v->longest ? -1 : *wordmap_slot(&v->by_text, s, n);
}

/* ---- merges ---- */

static struct merge *merge_slot(const struct vocabulary *v, uint64_t pair)
{
	for (size_t i = hash_pair(pair) & v->merge_mask;; i = (i + 1) & v->merge_mask)
		if (v->merge[i].pair == pair || v->merge[i].pair == NO_PAIR)
			return &v->merge[i];
}

static uint64_t pair_of(int32_t left, int32_t right)
{
	return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

bool vocabulary_start_merges(struct vocabulary *v, size_t n, struct err *err)
{
	size_t slots;

	if (n > INT32_MAX / 4)
		return err_set(err, ERR_FILE, "there are %zu merges, which cannot be", n);
	slots = slots_for(n);
	if (!(v->merge = arena_array(v->arena, slots, sizeof *v->merge, err)))
		return false;
	v->merge_mask = slots - 1;
	for (size_t i = 0; i < slots; i++)
		v->merge[i].pair = NO_PAIR;
	return true;
}

static bool no_token(size_t rank, struct word part, const char *what, struct err *err)
{
	return err_set(err, ERR_FILE, "merge %zu %s \"%.*s\", which is no token of the vocabulary", rank + 1, what,
		       part.n > 60 ? 60 : (int)part.n, part.s);
}

bool vocabulary_merge(struct vocabulary *v, size_t rank, struct word left, struct word right, struct err *err)
{
	int32_t l = vocabulary_find(v, left.s, left.n), r = vocabulary_find(v, right.s, right.n), whole = -1;
	char joined[512], *s = joined;
	size_t n = (size_t)left.n + right.n;
	struct merge *slot;

	if (l < 0 || r < 0)
		return no_token(rank, l < 0 ? left : right, "joins", err);
	if (n <= v->longest) {
		if (n > sizeof joined)
			s = xmalloc(n);
		memcpy(s, left.s, left.n);
		memcpy(s + left.n, right.s, right.n);
		whole = vocabulary_find(v, s, n);
		if (s != joined)
			free(s);
	}
	if (whole < 0)
		return err_set(err, ERR_FILE, "merge %zu makes \"%.*s%.*s\", which is no token of the vocabulary", rank + 1,
			       left.n > 60 ? 60 : (int)left.n, left.s, right.n > 60 ? 60 : (int)right.n, right.s);
	slot = merge_slot(v, pair_of(l, r));
	*slot = (struct merge){ pair_of(l, r), (int32_t)rank, whole };
	return true;
}

bool vocabulary_merge_line(struct vocabulary *v, size_t rank, const char *s, size_t n, struct err *err)
{
	const char *space = n > 1 ? memchr(s + 1, ' ', n - 1) : NULL;

	if (!space || space + 1 == s + n)
		return err_set(err, ERR_FILE, "merge %zu is \"%.*s\", not two tokens with a space between", rank + 1,
			       n > 60 ? 60 : (int)n, s);
	return vocabulary_merge(v, rank, (struct word){ s, (uint32_t)(space - s) },
				(struct word){ space + 1, (uint32_t)(n - (size_t)(space + 1 - s)) }, err);
}

const struct merge *vocabulary_merged(const struct vocabulary *v, int32_t left, int32_t right)
{
	const struct merge *slot = v->merge ? merge_slot(v, pair_of(left, right)) : NULL;

	return slot && slot->pair != NO_PAIR ? slot : NULL;
}

/* ---- SentencePiece's order ---- */

struct scored {
	float score;
	int32_t id;
};

static int by_score(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	return x->score != y->score ? (x->score > y->score ? -1 : 1) : (x->id > y->id) - (x->id < y->id);
}

bool vocabulary_rank(struct vocabulary *v, const float *score, struct err *err)
{
	struct scored *order = arena_array(v->arena, (size_t)v->n, sizeof *order, err);
	int32_t rank = 0;

	if (!order || !(v->rank = arena_array(v->arena, (size_t)v->n, sizeof *v->rank, err)))
		return false;
	for (int32_t id = 0; id < v->n; id++)
		order[id] = (struct scored){ isnan(score[id]) ? -INFINITY : score[id], id };
	qsort(order, (size_t)v->n, sizeof *order, by_score);
	for (int32_t i = 0; i < v->n; i++) {
		if (i > 0 && order[i].score < order[i - 1].score)
			rank = i;
		v->rank[order[i].id] = rank;
	}
	return true;
}

/* ---- the bytes that a token stands for ---- */

/* U+2581 becomes a space. */
static void spell_sentencepiece(struct str *out, struct word w)
{
	static const char space[] = "\xE2\x96\x81";

	for (uint32_t i = 0; i < w.n;) {
		bool is_space = w.n - i >= 3 && !memcmp(w.s + i, space, 3);

		str_add_char(out, is_space ? ' ' : w.s[i]);
		i += is_space ? 3 : 1;
	}
}

static void spell(struct str *out, struct word text, enum token_kind kind, enum spelling spelling)
{
	int byte = kind == TOKEN_BYTE ? alphabet_hex_byte(text.s, text.n) : -1;

	str_clear(out);
	if (byte >= 0)
		str_add_char(out, (char)(unsigned char)byte);
	else if (spelling == SPELLING_SENTENCEPIECE && kind != TOKEN_SPECIAL)
		spell_sentencepiece(out, text);
	else if (spelling != SPELLING_ALPHABET || kind != TOKEN_NORMAL || !alphabet_decode(out, text.s, text.n))
		str_add_n(out, text.s, text.n);
}

bool vocabulary_spell(struct vocabulary *v, enum spelling spelling, struct err *err)
{
	static const enum token_kind first_wins[] = { TOKEN_NORMAL, TOKEN_ADDED, TOKEN_BYTE, TOKEN_SPECIAL };
	struct str bytes;

	str_init(&bytes);
	for (int32_t id = 0; id < v->n; id++) {
		spell(&bytes, v->text[id], v->kind[id], spelling);
		/* Most special tokens, and all of some vocabularies, stand for what is written: one copy is enough. */
		v->bytes[id] = v->text[id];
		if (bytes.n != v->text[id].n || (bytes.n && memcmp(bytes.s, v->text[id].s, bytes.n)) || !v->text[id].s)
			v->bytes[id] = vocabulary_keep(v, bytes.s, bytes.n);
	}
	str_done(&bytes);
	if (!wordmap_start(&v->by_bytes, v->arena, v->bytes, (size_t)v->n, err))
		return false;
	for (size_t k = 0; k < sizeof first_wins / sizeof *first_wins; k++)
		for (int32_t id = 0; id < v->n; id++) {
			int32_t *slot;

			if (v->kind[id] != first_wins[k] || !v->bytes[id].n)
				continue;
			slot = wordmap_slot(&v->by_bytes, v->bytes[id].s, v->bytes[id].n);
			if (*slot < 0)
				*slot = id;
		}
	return true;
}

int32_t vocabulary_find_bytes(const struct vocabulary *v, const char *s, size_t n)
{
	return n ? *wordmap_slot(&v->by_bytes, s, n) : -1;
}
