/*
 * scratch.h - a folder for one test's files, removed at its end. Included once per test executable.
 */
#ifndef LMSCOPE_TESTS_SCRATCH_H
#define LMSCOPE_TESTS_SCRATCH_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "tests/remove_tree.h"

static char scratch_name[64];

/* Made when it is first asked for. */
static const char *scratch_folder(void)
{
	if (!*scratch_name) {
		snprintf(scratch_name, sizeof scratch_name, "/tmp/lmscope-test-XXXXXX");
		if (!mkdtemp(scratch_name)) {
			printf("Bail out! no folder could be made under /tmp\n");
			exit(1);
		}
	}
	return scratch_name;
}

/* FOLDER/NAME, heap. */
static char *scratch_path(const char *name)
{
	return file_join(scratch_folder(), name);
}

/* A file of these bytes; its path, heap. Not synced, since tests write thousands; file_write makes missing folders. */
__attribute__((unused)) static char *scratch_file(const char *name, const void *bytes, size_t n)
{
	struct err err = { 0 };
	char *path = scratch_path(name);
	FILE *file;
	bool ok;

	if (!file_exists(path) && !file_write(path, "", 0, &err)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	file = fopen(path, "wb");
	ok = file && fwrite(bytes, 1, n, file) == n;
	if (!file || fclose(file) || !ok) {
		printf("Bail out! %s cannot be written\n", path);
		exit(1);
	}
	return path;
}

static void scratch_done(void)
{
	if (*scratch_name)
		remove_tree(scratch_name);
	*scratch_name = '\0';
}

#endif
