/*
 * shell_word.c - what Y copies, read by a real shell: the same bytes come out, and nothing raw that a terminal or a shell would
 * act on is in it.
 */
#include "tests/tap.h"
#include "tui/app/shell_word.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"

/* What the shell prints for `printf %s WORD`. */
static void read_back(const char *shell, const char *word, struct str *out)
{
	char path[] = "/tmp/lmscope-word-XXXXXX", command[200], bytes[4096];
	int fd = mkstemp(path);
	FILE *script = fdopen(fd, "w"), *pipe;

	fprintf(script, "printf %%s %s\n", word);
	fclose(script);
	snprintf(command, sizeof command, "%s %s", shell, path);
	pipe = popen(command, "r");
	for (size_t n; (n = fread(bytes, 1, sizeof bytes, pipe)) > 0;)
		str_add_n(out, bytes, n);
	pclose(pipe);
	remove(path);
}

static void check(const char *shell, const char *text, const char *what)
{
	struct str word, safe, back;

	str_init(&word);
	str_init(&safe);
	str_init(&back);
	shell_word(&word, text);
	utf8_safe(&safe, word.s, word.n, false);
	CHECK_THAT(!strcmp(word.s, safe.s), "%s: nothing raw in it", what);
	read_back(shell, word.s, &back);
	CHECK_THAT(!strcmp(back.s, text), "%s: %s reads it as it was", what, shell);
	str_done(&word);
	str_done(&safe);
	str_done(&back);
}

int main(void)
{
	char all[256];

	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	check("bash", "The capital of France is", "plain words");
	check("sh", "it's $HOME `id` \"x\" \\n !!", "what shells act on");
	check("bash", "it's $HOME `id` \"x\" \\n !!\n", "the same with a line break");
	check("bash", "a\x03\x15\necho PWNED\n\033[201~ b", "a paste that would end early");
	check("bash", "two\nlines\tand\r1", "layout, and a digit after it");
	check("bash", all, "all bytes");
	check("bash", "é 女 e\u0301 \u202Eright\u200B \xC2\x85", "what no terminal shows");
	check("bash", "", "nothing");
	return tap_done();
}
