/* split.c - cutting text by patterns: what Hugging Face's package makes of the same rows, and text that is not UTF-8. */
#include "engine/model/tokenizer/split.h"
#include "tests/tap.h"

static const struct {
	const char *pattern;
	enum split_keep keep;
	bool invert;
	const char *text, *pieces; /* with | between */
} rows[] = {
	{ "-", SPLIT_ISOLATED, false, "a--b-c-", "a|-|-|b|-|c|-" },
	{ "-", SPLIT_REMOVED, false, "a--b-c-", "a|b|c" },
	{ "-", SPLIT_MERGED_WITH_PREVIOUS, false, "-a--b-c-", "-|a-|-|b-|c-" },
	{ "-", SPLIT_MERGED_WITH_NEXT, false, "-a--b-c-", "-a|-|-b|-c|-" },
	{ "-", SPLIT_CONTIGUOUS, false, "-a--b-c-", "-|a|--|b|-|c|-" },
	{ "[a-z]+", SPLIT_REMOVED, true, "ab12cd!", "ab|cd" },
	{ "[a-z]+", SPLIT_MERGED_WITH_PREVIOUS, true, "ab12cd!", "ab12|cd!" },
	{ "\\s+", SPLIT_ISOLATED, false, "a\u180eb\u00a0\u3000c\302\205d", "a\u180eb|\u00a0\u3000|c|\302\205|d" },
	{ "\\w+", SPLIT_ISOLATED, false, "été_1 ʼa-b", "été_1| |ʼa|-|b" },
	{ "[^(\\s|[.,!])]+", SPLIT_ISOLATED, false, "ab,(cd|e). f", "ab|,(|cd|||e|). |f" },
	{ "\\p{N}{1,3}+", SPLIT_ISOLATED, false, "a12345b", "a|12345|b" },
	{ "(?:a|b){2}+", SPLIT_ISOLATED, false, "ababab", "ababab" },
	{ "\\p{Han}+", SPLIT_ISOLATED, false, "a狐、狸", "a|狐|、|狸" },
	{ "(?=(\\d{3})+(?!\\d))", SPLIT_ISOLATED, false, "n 1234567", "n 1|234|567" },
	{ "\\u0062{,2}", SPLIT_ISOLATED, false, "abbbc", "a|bb|b|c" },
	{ "[[:alpha:]]+", SPLIT_ISOLATED, false, "aㅎⅧ1", "aㅎⅧ|1" },
	{ "\\w+", SPLIT_ISOLATED, false, "x²-½\u200d", "x²|-|½|\u200d" },
	{ "[\\w]+", SPLIT_ISOLATED, false, "x²-½", "x|²-½" },
	{ "[[:punct:]]+", SPLIT_ISOLATED, false, "a€+、b", "a|€+、|b" },
	{ "\\p{Punct}+", SPLIT_ISOLATED, false, "a€+、b", "a€+|、|b" },
	{ "\\P{Alnum}+|[[:upper:]]", SPLIT_ISOLATED, false, "a1-Ⓐb", "a1|-|Ⓐ|b" },
	{ "[^\\S]", SPLIT_ISOLATED, false, "a\u180e b", "a\u180e| |b" },
	{ "[]x]", SPLIT_ISOLATED, false, "a]x[", "a|]|x|[" },
	{ "b$", SPLIT_ISOLATED, false, "ab\nb", "a|b|\n|b" },
	{ "a++b|\\{", SPLIT_ISOLATED, false, "aab{", "aab|{" },
	{ "(?i:'s|'ll)", SPLIT_ISOLATED, false, "it'S'ſ we'LL", "it|'S|'ſ| we|'LL" },
	/* A byte that is not UTF-8 is never lost, and ends what could match. */
	{ "[a-z]+", SPLIT_ISOLATED, false, "ab\377cd", "ab|\377|cd" },
	{ "[a-z]+", SPLIT_REMOVED, true, "ab\3771cd", "ab|\377|cd" },
	{ "\\s+(?!\\S)", SPLIT_ISOLATED, false, " \342 ", " |\342| " },
};

int main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct split *s = split_new(rows[i].pattern, strlen(rows[i].pattern), false, rows[i].keep, rows[i].invert, &err);
		struct text_span whole = { 0, strlen(rows[i].text) };
		struct spans pieces = { &whole, 1, 1 }, out = { 0 };
		struct str joined;

		str_init(&joined);
		if (!s || !split_pieces(s, rows[i].text, &pieces, &out, &err))
			str_add(&joined, err.text);
		for (size_t k = 0; k < out.n; k++) {
			str_add(&joined, k ? "|" : "");
			str_add_n(&joined, rows[i].text + out.at[k].start, out.at[k].n);
		}
		CHECK_TEXT(joined.s, rows[i].pieces);
		str_done(&joined);
		spans_done(&out);
		split_free(s);
	}
	return tap_done();
}
