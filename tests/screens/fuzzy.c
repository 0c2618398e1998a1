/* fuzzy.c - finding by a few letters: what matches, where, and what comes first. */
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"
#include "tui/app/fuzzy.h"

/* The name with the letters that matched in capitals; "-" where they do not. */
static const char *shown(const char *word, const char *name)
{
	static char text[100];
	struct fuzzy found;

	if (!fuzzy_name(word, strlen(word), name, &found))
		return "-";
	strcpy(text, name);
	for (int i = 0; i < found.hits; i++)
		if (text[found.hit[i]] >= 'a' && text[found.hit[i]] <= 'z')
			text[found.hit[i]] = (char)(text[found.hit[i]] - 'a' + 'A');
	return text;
}

static void names(void)
{
	CHECK_TEXT(shown("lgl", "logit-lens"), "LoGit-Lens");
	CHECK_TEXT(shown("ll", "logit-lens"), "Logit-Lens");
	CHECK_TEXT(shown("lens", "logit-lens"), "logit-LENS");
	CHECK_TEXT(shown("LENS", "logit-lens"), "logit-LENS");
	CHECK_TEXT(shown("ap", "activation-patching"), "Activation-Patching");
	CHECK_TEXT(shown("kn", "attention-knockout"), "attention-KNockout");
	CHECK_TEXT(shown("tio", "attention"), "attenTIO"
					      "n");
	CHECK_TEXT(shown("snel", "logit-lens"), "-");
	CHECK_TEXT(shown("lensx", "logit-lens"), "-");
	CHECK_TEXT(shown("", "logit-lens"), "-");
	CHECK_TEXT(shown("x", ""), "-");
	CHECK_TEXT(shown("sl", "SmolLM2-135M"), "SmoLLM2-135M");
	CHECK_TEXT(shown("né", "a naïve né"), "a naïve Né");
}

/* However far apart, letters in order are a match; a name is looked at as far as it has room. */
static void long_names(void)
{
	char name[FUZZY_TEXT + 40], word[FUZZY_LETTERS + 2];
	struct fuzzy found;

	memset(name, '.', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	name[0] = 'a';
	name[FUZZY_TEXT - 1] = 'b';
	name[FUZZY_TEXT] = 'c';
	CHECK(fuzzy_name("ab", 2, name, &found) && found.score > 0 && found.hit[1] == FUZZY_TEXT - 1);
	CHECK(!fuzzy_name("ac", 2, name, &found));
	memset(word, '.', sizeof word);
	CHECK(fuzzy_name(word, FUZZY_LETTERS, name + 1, &found) && found.hits == FUZZY_LETTERS);
	CHECK(!fuzzy_name(word, FUZZY_LETTERS + 1, name + 1, &found));
	CHECK_THAT(fuzzy_name("\xff", 1,
			      "a\xff"
			      "b",
			      &found) &&
			   found.hit[0] == 1,
		   "bytes that are no text are letters too");
}

static void sentences(void)
{
	struct fuzzy found;

	CHECK(fuzzy_sentence("token", 5, "The top token of each layer", &found) && found.hit[0] == 8 && found.hits == 5);
	CHECK_THAT(fuzzy_sentence("lay", 3, "A replay of a layer", &found) && found.hit[0] == 14,
		   "where a word begins comes first");
	CHECK(fuzzy_sentence("play", 4, "A replay of a layer", &found) && found.hit[0] == 4);
	CHECK_THAT(!fuzzy_sentence("ttk", 3, "The top token of each layer", &found), "a sentence has most letters somewhere");
}

/* Of two lines that match, which comes first: > 0 the one, < 0 the other. */
static int compare(const char *query, const char *one, const char *other)
{
	long a, b;

	return fuzzy_line(query, one, "x", &a) && fuzzy_line(query, other, "x", &b) ? a > b ? 1 : a < b ? -1 : 0 : -2;
}

static void lines(void)
{
	long name, sentence;

	CHECK(compare("patch", "path-patching", "activation-patching") == 1);
	CHECK(compare("lens", "logit-lens", "linear-neurons") == 1);
	CHECK(compare("edit", "edit", "edits") == 1);
	CHECK(compare("spl", "split", "special-place") == 1);
	CHECK(fuzzy_line("at kn", "attention-knockout", NULL, &name) && fuzzy_line("kn at", "attention-knockout", NULL, &name));
	CHECK_THAT(!fuzzy_line("at zz", "attention-knockout", NULL, &name), "every word must match");
	CHECK(fuzzy_line("  ", "anything", NULL, &name));
	CHECK(fuzzy_line("lens token", "logit-lens", "the top token", &sentence) &&
	      !fuzzy_line("lens token", "logit-lens", NULL, &name));
	CHECK_THAT(fuzzy_line("hd", "has-depth", "x", &name) && fuzzy_line("hd", "x", "an hd picture", &sentence) &&
			   name > sentence,
		   "names come before descriptions");
	CHECK_THAT(fuzzy_line("ab", "a...................................................b", "x", &name) &&
			   fuzzy_line("ab", "x", "an abc", &sentence) && name > sentence,
		   "also when their letters are far apart");
	CHECK_THAT(fuzzy_line("ioi", "information_flow", "The routes of an answer", &name) &&
			   fuzzy_line("ioi", "indirect_object", "IOI: which name is carried on", &sentence) && sentence > name,
		   "but a whole word is no accident, and letters here and there are");
	CHECK(fuzzy_line("io", "indirect_object", "x", &name) && fuzzy_line("io", "x", "of io", &sentence) && name > sentence);
}

int main(void)
{
	names();
	long_names();
	sentences();
	lines();
	return tap_done();
}
