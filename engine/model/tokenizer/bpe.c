/* bpe.c - see bpe.h. */
#include "engine/model/tokenizer/bpe.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/base/utf8.h"
#include "engine/model/tokenizer/byte_alphabet.h"

/* A stretch of the word that is (or will be spelt as) one token; n is 0 once its left neighbour has swallowed it. */
struct symbol {
	uint32_t start, n;
	int32_t id;	    /* -1: no token yet (SentencePiece only: two of them may still make one) */
	int32_t prev, next; /* -1 at the ends */
};

/* Symbol `at` and the one after it could become token `id`. Outdated ones stay in the heap and are passed over. */
struct candidate {
	int32_t rank, at, id;
};

void bpe_start(struct bpe *b, const struct vocabulary *v)
{
	b->vocabulary = v;
	for (int i = 0; i < 256; i++)
		b->byte[i] = -1;
	for (int32_t id = 0; id < v->n; id++) {
		int byte = v->kind[id] == TOKEN_BYTE ? alphabet_hex_byte(v->text[id].s, v->text[id].n) : -1;

		if (byte >= 0)
			b->byte[byte] = id;
	}
}

void bpe_done(struct bpe_work *work)
{
	free(work->id);
	free(work->symbol);
	free(work->heap);
	*work = (struct bpe_work){ 0 };
}

static void *grown(void *p, size_t *capacity, size_t size)
{
	*capacity = *capacity ? 2 * *capacity : 64;
	return xrealloc(p, *capacity * size);
}

void bpe_push(struct bpe_work *work, int32_t id)
{
	if (work->n == work->capacity)
		work->id = grown(work->id, &work->capacity, sizeof *work->id);
	work->id[work->n++] = id;
}

/* ---- the heap: lowest rank first, then leftmost ---- */

static bool before(const struct candidate *a, const struct candidate *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(struct bpe_work *work, struct candidate c)
{
	size_t i = work->candidates++;

	if (i == work->heap_capacity)
		work->heap = grown(work->heap, &work->heap_capacity, sizeof *work->heap);
	for (; i > 0 && before(&c, &work->heap[(i - 1) / 2]); i = (i - 1) / 2)
		work->heap[i] = work->heap[(i - 1) / 2];
	work->heap[i] = c;
}

static struct candidate heap_pop(struct bpe_work *work)
{
	struct candidate *heap = work->heap, top = heap[0], last = heap[--work->candidates];
	size_t n = work->candidates, i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && before(&heap[child + 1], &heap[child]))
			child++;
		if (!before(&heap[child], &last))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return top;
}

/* ---- symbols ---- */

static void symbol_push(struct bpe_work *work, size_t start, size_t n, int32_t id)
{
	int32_t i = (int32_t)work->symbols++;

	if ((size_t)i == work->symbol_capacity)
		work->symbol = grown(work->symbol, &work->symbol_capacity, sizeof *work->symbol);
	work->symbol[i] = (struct symbol){ (uint32_t)start, (uint32_t)n, id, i - 1, -1 };
	if (i > 0)
		work->symbol[i - 1].next = i;
}

/* The ids of a character that is no token: its byte tokens when all are there, else the unknown token, else nothing. */
static size_t spell(const struct bpe *b, const char *s, size_t n, int32_t ids[4])
{
	assert(n <= 4);
	for (size_t i = 0; b->byte_fallback && (ids[i] = b->byte[(unsigned char)s[i]]) >= 0;)
		if (++i == n)
			return n;
	ids[0] = b->unknown;
	return b->unknown >= 0;
}

/* With merges, what is no token must be spelt before merging, since byte tokens may merge too. */
static void symbols_of(const struct bpe *b, const char *word, size_t n, struct bpe_work *work)
{
	bool after_unknown = false;
	int32_t ids[4], c;
	size_t length;

	work->symbols = 0;
	for (size_t at = 0; at < n; at += length) {
		int32_t id;
		size_t count;

		length = utf8_decode(word + at, n - at, &c);
		id = vocabulary_find(b->vocabulary, word + at, length);
		if (id >= 0 || b->vocabulary->rank) {
			symbol_push(work, at, length, id);
			after_unknown = false;
			continue;
		}
		count = spell(b, word + at, length, ids);
		if (count && ids[0] == b->unknown && after_unknown && b->fuse_unknown)
			continue;
		for (size_t i = 0; i < count; i++)
			symbol_push(work, at + i, count == length ? 1 : length, ids[i]);
		after_unknown = count && ids[0] == b->unknown;
	}
}

/* What symbol `at` and the one after it would become; false when they do not merge. */
static bool pair_at(const struct bpe *b, const char *word, const struct bpe_work *work, int32_t at, struct candidate *c)
{
	const struct symbol *left = &work->symbol[at], *right;

	if (left->n == 0 || left->next < 0)
		return false;
	right = &work->symbol[left->next];
	if (b->vocabulary->rank) {
		int32_t id = vocabulary_find(b->vocabulary, word + left->start, (size_t)left->n + right->n);

		if (id < 0)
			return false;
		*c = (struct candidate){ b->vocabulary->rank[id], at, id };
	} else {
		const struct merge *m = vocabulary_merged(b->vocabulary, left->id, right->id);

		if (!m)
			return false;
		*c = (struct candidate){ m->rank, at, m->id };
	}
	return true;
}

static void consider(const struct bpe *b, const char *word, struct bpe_work *work, int32_t at)
{
	struct candidate c;

	if (at >= 0 && pair_at(b, word, work, at, &c))
		heap_push(work, c);
}

static void merge_all(const struct bpe *b, const char *word, struct bpe_work *work)
{
	struct candidate now;

	work->candidates = 0;
	for (size_t i = 0; i < work->symbols; i++)
		consider(b, word, work, (int32_t)i);
	while (work->candidates) {
		struct candidate c = heap_pop(work);
		struct symbol *left = &work->symbol[c.at], *right;

		if (!pair_at(b, word, work, c.at, &now) || now.id != c.id)
			continue;
		right = &work->symbol[left->next];
		left->n += right->n;
		left->id = c.id;
		left->next = right->next;
		right->n = 0;
		if (left->next >= 0)
			work->symbol[left->next].prev = c.at;
		consider(b, word, work, left->prev);
		consider(b, word, work, c.at);
	}
}

void bpe_word(const struct bpe *b, const char *word, size_t n, struct bpe_work *work)
{
	int32_t whole = b->whole_words ? vocabulary_find(b->vocabulary, word, n) : -1, ids[4];
	bool after_unknown = false;

	assert(n <= INT32_MAX);
	if (n == 0)
		return;
	if (whole >= 0) {
		bpe_push(work, whole);
		return;
	}
	symbols_of(b, word, n, work);
	merge_all(b, word, work);
	for (int32_t i = work->symbols ? 0 : -1; i >= 0; i = work->symbol[i].next) {
		const struct symbol *s = &work->symbol[i];
		size_t count = 1;

		ids[0] = s->id;
		if (s->id < 0)
			count = spell(b, word + s->start, s->n, ids);
		if (s->id < 0 && count && ids[0] == b->unknown && after_unknown && b->fuse_unknown)
			continue;
		for (size_t k = 0; k < count; k++)
			bpe_push(work, ids[k]);
		after_unknown = s->id < 0 && count && ids[0] == b->unknown;
	}
}
