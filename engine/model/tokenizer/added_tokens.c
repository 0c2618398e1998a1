/* added_tokens.c - see added_tokens.h. */
#include "engine/model/tokenizer/added_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"

void literals_add(struct literals *set, struct literal literal)
{
	if (!literal.text.n)
		return;
	if (set->n == set->capacity) {
		set->capacity = set->capacity ? 2 * set->capacity : 16;
		set->at = xrealloc(set->at, set->capacity * sizeof *set->at);
	}
	set->at[set->n++] = literal;
}

static int by_text(const void *a, const void *b)
{
	const struct literal *x = a, *y = b;
	uint32_t shared = x->text.n < y->text.n ? x->text.n : y->text.n;
	int order = memcmp(x->text.s, y->text.s, shared);

	if (order)
		return order;
	if (x->text.n != y->text.n)
		return x->text.n < y->text.n ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

void literals_drop(struct literals *set, const struct vocabulary *v, enum token_kind kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++)
		if (v->kind[set->at[i].id] != kind)
			set->at[kept++] = set->at[i];
	set->n = kept;
}

void literals_ready(struct literals *set)
{
	size_t i = 0;

	if (set->n)
		qsort(set->at, set->n, sizeof *set->at, by_text);
	for (int byte = 0; byte < 256; byte++) {
		set->first[byte] = i;
		while (i < set->n && (unsigned char)set->at[i].text.s[0] == byte)
			i++;
	}
	set->first[256] = set->n;
}

void literals_done(struct literals *set)
{
	free(set->at);
	*set = (struct literals){ 0 };
}

/* The first index in [low, high), whose texts all share `depth` bytes, where the byte at `depth` is at least `byte`. */
static size_t first_with(const struct literals *set, size_t low, size_t high, size_t depth, int byte)
{
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct word *w = &set->at[middle].text;
		int there = depth < w->n ? (unsigned char)w->s[depth] : -1;

		if (there < byte)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The longest literal that text[at, n) begins with. */
static const struct literal *longest_at(const struct literals *set, const char *text, size_t n, size_t at)
{
	size_t low = set->first[(unsigned char)text[at]], high = set->first[(unsigned char)text[at] + 1];
	const struct literal *found = NULL;

	for (size_t depth = 1; low < high; depth++) {
		int byte;

		if (set->at[low].text.n == depth) /* the shortest of a range comes first */
			found = &set->at[low];
		if (at + depth >= n)
			break;
		byte = (unsigned char)text[at + depth];
		low = first_with(set, low, high, depth, byte);
		high = first_with(set, low, high, depth, byte + 1);
	}
	return found;
}

static bool is_space(int32_t c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* The character before `at` (at >= 1): where it begins. */
static size_t before(const char *text, size_t at, int32_t *c)
{
	size_t start = at - 1;

	while (start > 0 && at - start < 4 && ((unsigned char)text[start] & 0xC0) == 0x80)
		start--;
	if (utf8_decode(text + start, at - start, c) != at - start) {
		start = at - 1;
		*c = -1;
	}
	return start;
}

static bool stands_alone(const char *text, size_t n, size_t start, size_t end)
{
	int32_t c;

	if (start > 0) {
		before(text, start, &c);
		if (utf8_is_word(c))
			return false;
	}
	if (end < n) {
		utf8_decode(text + end, n - end, &c);
		if (utf8_is_word(c))
			return false;
	}
	return true;
}

/* The leftmost one from place->look on, as it is. As Hugging Face: what was looked at is not looked at again. */
static const struct literal *leftmost(const struct literals *set, const char *text, size_t n, struct literal_walk *place)
{
	for (; place->look < n; place->look++) {
		const struct literal *found = longest_at(set, text, n, place->look);
		size_t start = place->look;

		if (!found)
			continue;
		place->look += found->text.n;
		if (!found->whole_word || stands_alone(text, n, start, place->look)) {
			place->start = start;
			place->end = place->look;
			return found;
		}
		place->look--;
	}
	place->start = place->end = n;
	return NULL;
}

/* Widens the place by the white space that the literal swallows; that before `from` is not its. */
static void swallow(const struct literal *found, const char *text, size_t n, size_t from, struct literal_walk *place)
{
	int32_t c;

	if (found->takes_left && place->start < from)
		place->start = from;
	while (found->takes_left && place->start > from) {
		size_t previous = before(text, place->start, &c);

		if (!is_space(c) || previous < from)
			break;
		place->start = previous;
	}
	while (found->takes_right && place->end < n) {
		size_t length = utf8_decode(text + place->end, n - place->end, &c);

		if (!is_space(c))
			break;
		place->end += length;
	}
}

const struct literal *literals_next(const struct literals *set, const char *text, size_t n, struct literal_walk *place)
{
	const struct literal *found;

	/* One that the one before has swallowed whole, and that would begin after it, is none. */
	do {
		size_t from = place->end;

		if ((found = leftmost(set, text, n, place)))
			swallow(found, text, n, from, place);
	} while (found && place->start >= place->end);
	return found;
}
