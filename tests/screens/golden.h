/*
 * golden.h - a screen compared with the text file that it must look like: tests/screens/golden/NAME.txt. After a wanted change:
 * UPDATE_GOLDEN=1, then read the difference as a person would. How long the lists of everything are is left out. After tap.h.
 */
#ifndef LMSCOPE_TESTS_SCREENS_GOLDEN_H
#define LMSCOPE_TESTS_SCREENS_GOLDEN_H

#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/str.h"

static const char *past_number(const char *s)
{
	return s + strspn(s, "0123456789");
}

/* "── 2 of 47 ┐", at "2": how many the list of techniques or keys has. NULL: it is none; otherwise what comes after it. */
static const char *count_of_list(const char *s)
{
	const char *end = past_number(s);

	if (end == s || strncmp(end, " of ", 4))
		return NULL;
	s = end + 4;
	end = past_number(s);
	return end > s && (!strncmp(end, " ┐", 4) || !strncmp(end, " │", 4)) ? end : NULL;
}

/*
 * The screen without the counts of lists, and what fills the line before them: a technique, a key or a command more changes no
 * picture.
 */
static void without_counts(const char *screen, struct str *out)
{
	for (const char *s = screen, *end; *s; s++) {
		bool filled = s - screen > 4 && s[-1] == ' ' && (s[-2] == ' ' || !memcmp(s - 4, "─", 3));

		if (filled && (end = count_of_list(s))) {
			while (out->n && (out->s[out->n - 1] == ' ' || (out->n >= 3 && !memcmp(out->s + out->n - 3, "─", 3))))
				out->s[out->n -= out->s[out->n - 1] == ' ' ? 1 : 3] = '\0';
			str_add(out, " # of #");
			s = end;
		}
		str_add_char(out, *s);
	}
}

/* FILE is its whole name: a picture has another ending. */
static void check_golden_as(const char *file, const struct str *drawn)
{
	char path[200];
	char *golden;
	struct err err = { 0 };
	struct str masked, *screen = &masked;
	size_t n;

	str_init(screen);
	without_counts(drawn->s, screen);

	snprintf(path, sizeof path, "tests/screens/golden/%s", file);
	if (getenv("UPDATE_GOLDEN"))
		file_write(path, screen->s, screen->n, &err);
	golden = file_read(path, 1 << 20, &n, &err);
	if (!CHECK_THAT(golden && n == screen->n && !memcmp(golden, screen->s, n), "%s looks as it did", file)) {
		printf("# %s\n", golden ? "the screen is now:" : err.text);
		for (const char *line = screen->s; *line; line += strcspn(line, "\n") + 1)
			printf("# %.*s\n", (int)strcspn(line, "\n"), line);
	}
	free(golden);
	str_done(screen);
}

__attribute__((unused)) static void check_golden(const char *name, const struct str *screen)
{
	char file[160];

	snprintf(file, sizeof file, "%s.txt", name);
	check_golden_as(file, screen);
}

#endif
