/*
 * fuzzy.h - finding by a few letters, as fzf does: "lgl" finds logit-lens.
 *
 * A query is words separated by spaces, and each of them must match. In a name its letters are in their order, with others between
 * them; the best way to place them counts: at the beginnings of words, in a row, with small gaps. In a sentence almost any letters
 * be somewhere, so there a word has to be as it was typed. ASCII capitals and small letters are the same.
 */
#ifndef LMSCOPE_TUI_APP_FUZZY_H
#define LMSCOPE_TUI_APP_FUZZY_H

#include <stdbool.h>
#include <stddef.h>

enum { FUZZY_LETTERS = 32, FUZZY_TEXT = 256 }; /* of a word; of a name, from its beginning */

struct fuzzy {
	int score; /* greater is better */
	int hits;
	size_t hit[FUZZY_LETTERS]; /* where the letters begin in the text, in bytes */
};

/* The next word of a query; NULL at its end. Moves *query after it. */
const char *fuzzy_word(const char **query, size_t *n);
/* Its letters in a name, at their best places. False: they are not there in this order. */
bool fuzzy_name(const char *word, size_t n, const char *name, struct fuzzy *out);
/* The word in a sentence, best where a word begins. */
bool fuzzy_sentence(const char *word, size_t n, const char *sentence, struct fuzzy *out);
/*
 * Every word of the query is in the name or else in the sentence (NULL: there is none). Best is what is in a row in the name, or
 * its words' first letters; then a whole word of the sentence; then letters here and there in the name; then part of a word.
 */
bool fuzzy_line(const char *query, const char *name, const char *sentence, long *rank);

#endif
