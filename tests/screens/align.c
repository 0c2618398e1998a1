/* align.c - a prompt and its foil, token by token. */
#include "engine/base/str.h"
#include "tests/tap.h"
#include "tui/app/align.h"

/* "a b c" as tokens with an id for each letter. */
static int letters(const char *text, struct snapshot_token *out)
{
	int n = 0;

	for (; *text; text++)
		out[n++].id = *text;
	return n;
}

static void check_aligned(const char *prompt, const char *foil, const char *want)
{
	struct snapshot_token a[16] = { { 0 } }, b[16] = { { 0 } };
	struct aligned at[32];
	struct str got;
	int n = letters(prompt, a), m = letters(foil, b), pairs = align_tokens(a, n, b, m, at);

	str_init(&got);
	for (int i = 0; i < pairs; i++)
		str_addf(&got, "%s%c%c%s", i ? " " : "", at[i].prompt < 0 ? '.' : prompt[at[i].prompt],
			 at[i].foil < 0 ? '.' : foil[at[i].foil], at[i].differ ? "*" : "");
	CHECK_THAT(!strcmp(got.s ? got.s : "", want), "%s over %s: %s", prompt, foil, got.s ? got.s : "");
	str_done(&got);
}

static void test_aligned(void)
{
	check_aligned("abcd", "abxd", "aa bb cx* dd");
	check_aligned("abcd", "bcda", "ab* bc* cd* da*"); /* equally many: one for one, whatever they are */
	check_aligned("abcd", "abcde", "aa bb cc dd .e*");
	check_aligned("abcz", "abcdez", "aa bb cc .d* .e* zz");
	check_aligned("abcdez", "axz", "aa bx* c.* d.* e.* zz");
	check_aligned("aaa", "aa", "aa aa a.*");
	check_aligned("ab", "", "a.* b.*");
	check_aligned("", "", "");
}

int main(void)
{
	test_aligned();
	return tap_done();
}
