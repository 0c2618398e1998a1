/* fuzzy.c - see fuzzy.h. */
#include "tui/app/fuzzy.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/utf8.h"

/*
 * What a letter is worth: at all, at the beginning of a word, right after the letter before; and what a gap costs, and each
 * letter more in it.
 */
enum { LETTER = 16, BEGINS = 8, IN_A_ROW = 8, WHOLE = 16, GAP = 3, GAP_MORE = 1, NOT = INT_MIN / 2 };

static int32_t folded(int32_t c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

struct letters {
	int n;
	int32_t c[FUZZY_TEXT];
	size_t at[FUZZY_TEXT];
	bool begins[FUZZY_TEXT]; /* a word */
};

static void letters_of(const char *text, size_t bytes, struct letters *out)
{
	bool within = false;

	out->n = 0;
	for (size_t at = 0, step; at < bytes && out->n < FUZZY_TEXT; at += step) {
		int32_t c;
		bool word;

		step = utf8_decode(text + at, bytes - at, &c);
		word = c != '_' && c >= 0 && utf8_is_word(c);
		out->c[out->n] = folded(c);
		out->at[out->n] = at;
		out->begins[out->n++] = word && !within;
		within = word;
	}
}

const char *fuzzy_word(const char **query, size_t *n)
{
	const char *word = *query + strspn(*query, " ");

	*n = strcspn(word, " ");
	*query = word + *n;
	return *n ? word : NULL;
}

/*
 * score[j]: of the letters up to this one with it at j, from the scores of those up to the one before; from[j]: where that one
 * is then.
 */
static void place_letter(const struct letters *name, int32_t c, const int *before, int *score, int16_t *from)
{
	int apart = NOT, apart_at = -1;

	for (int j = 0; j < name->n; j++) {
		const int bonus = name->begins[j] ? BEGINS : 0;

		if (j >= 2 && before[j - 2] - GAP > apart - GAP_MORE) {
			apart = before[j - 2] - GAP;
			apart_at = j - 2;
		} else if (apart > NOT) {
			apart -= GAP_MORE;
		}
		score[j] = NOT;
		if (name->c[j] != c)
			continue;
		if (j >= 1 && before[j - 1] > NOT) {
			score[j] = before[j - 1] + LETTER + (bonus > IN_A_ROW ? bonus : IN_A_ROW);
			from[j] = (int16_t)(j - 1);
		}
		if (apart_at >= 0 && apart + LETTER + bonus > score[j]) {
			score[j] = apart + LETTER + bonus;
			from[j] = (int16_t)apart_at;
		}
	}
}

/* The first letter is worth most where a word begins; nothing before it costs. */
static void place_first(const struct letters *name, int32_t c, int *score)
{
	for (int j = 0; j < name->n; j++)
		score[j] = name->c[j] == c ? LETTER + (name->begins[j] ? 2 * BEGINS : 0) : NOT;
}

static int best_of(const int *score, int n)
{
	int best = 0;

	for (int j = 1; j < n; j++)
		if (score[j] > score[best])
			best = j;
	return best;
}

bool fuzzy_name(const char *word, size_t n, const char *name, struct fuzzy *out)
{
	int score[2][FUZZY_TEXT] = { { 0 } };
	int16_t from[FUZZY_LETTERS][FUZZY_TEXT];
	struct letters typed, text;
	int end;

	letters_of(word, n, &typed);
	letters_of(name, strlen(name), &text);
	if (!typed.n || typed.n > FUZZY_LETTERS || typed.n > text.n)
		return false;
	place_first(&text, typed.c[0], score[0]);
	for (int i = 1; i < typed.n; i++)
		place_letter(&text, typed.c[i], score[(i + 1) % 2], score[i % 2], from[i]);
	end = best_of(score[(typed.n - 1) % 2], text.n);
	out->score = score[(typed.n - 1) % 2][end];
	out->hits = typed.n;
	if (out->score <= NOT)
		return false;
	out->score = out->score > 1 ? out->score : 1;
	for (int i = typed.n - 1; i >= 0; i--) {
		out->hit[i] = text.at[end];
		end = i ? from[i][end] : end;
	}
	if (typed.n == text.n)
		out->score += WHOLE;
	return true;
}

static bool stands_at(const char *text, const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!text[i] || folded((unsigned char)text[i]) != folded((unsigned char)word[i]))
			return false;
	return true;
}

bool fuzzy_sentence(const char *word, size_t n, const char *sentence, struct fuzzy *out)
{
	struct letters typed;

	letters_of(word, n, &typed);
	out->score = 0;
	out->hits = typed.n;
	if (!typed.n || typed.n > FUZZY_LETTERS)
		return false;
	for (const char *s = sentence; *s && out->score < 2; s++) {
		bool begins = s == sentence || strchr(" -_(/·\"", s[-1]);

		if (!stands_at(s, word, n) || (out->score && !begins))
			continue;
		out->score = begins ? 2 : 1;
		for (int i = 0; i < typed.n; i++)
			out->hit[i] = (size_t)(s - sentence) + typed.at[i];
	}
	return out->score > 0;
}

/* In a row, or each at the beginning of a word: no accident. */
static bool is_meant(const char *name, const struct fuzzy *found)
{
	struct letters text;
	bool row = true, begins = true;

	letters_of(name, strlen(name), &text);
	for (int i = 0, j = 0; i < found->hits; i++, j++) {
		const int last = j - 1;

		while (j < text.n && text.at[j] != found->hit[i])
			j++;
		row = row && (!i || j == last + 1);
		begins = begins && j < text.n && text.begins[j];
	}
	return row || begins;
}

static bool is_word_of(const char *sentence, const char *word, size_t n)
{
	static const char edges[] = " -_(/·\",.:;)";

	for (const char *s = sentence; *s; s++)
		if (stands_at(s, word, n) && (s == sentence || strchr(edges, s[-1])) && (!s[n] || strchr(edges, s[n])))
			return true;
	return false;
}

/* How a word of the query is in a line, worst first; the score is among those that have it alike. False: it is not there. */
static bool find_in_line(const char *word, size_t n, const char *name, const char *sentence, long *kind, int *score)
{
	enum { IN_SENTENCE, SCATTERED, A_WORD, IN_NAME };
	struct fuzzy found;
	const bool in_name = fuzzy_name(word, n, name, &found);

	if (in_name && is_meant(name, &found))
		*kind = IN_NAME;
	else if (sentence && is_word_of(sentence, word, n))
		*kind = A_WORD;
	else if (in_name)
		*kind = SCATTERED;
	else
		*kind = IN_SENTENCE;
	if (*kind == IN_NAME || *kind == SCATTERED) {
		*score = found.score;
		return true;
	}
	if (!sentence || !fuzzy_sentence(word, n, sentence, &found))
		return false;
	*score = found.score;
	return true;
}

bool fuzzy_line(const char *query, const char *name, const char *sentence, long *rank)
{
	enum { KIND = 1 << 20 };
	const char *word;
	size_t n;

	*rank = 0;
	while ((word = fuzzy_word(&query, &n))) {
		long kind;
		int score;

		if (!find_in_line(word, n, name, sentence, &kind, &score))
			return false;
		*rank += kind * KIND + score * 256L;
	}
	n = strlen(name);
	*rank -= n < 255 ? (long)n : 255; /* of two that match alike, the shorter name */
	return true;
}
