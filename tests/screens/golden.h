/*
 * golden.h - a screen compared with the text file that it must look like: tests/screens/golden/NAME.txt. After a wanted change:
 * UPDATE_GOLDEN=1, then read the difference as a person would. After tap.h.
 */
#ifndef LMSCOPE_TESTS_SCREENS_GOLDEN_H
#define LMSCOPE_TESTS_SCREENS_GOLDEN_H

#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/str.h"

/* FILE is its whole name: a picture has another ending. */
static void check_golden_as(const char *file, const struct str *screen)
{
	char path[200];
	char *golden;
	struct err err = { 0 };
	size_t n;

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
}

__attribute__((unused))
static void check_golden(const char *name, const struct str *screen)
{
	char file[160];

	snprintf(file, sizeof file, "%s.txt", name);
	check_golden_as(file, screen);
}

#endif
