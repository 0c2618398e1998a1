/*
 * fuzz.h - what a fuzz target has: LLVMFuzzerTestOneInput, called with arbitrary bytes, which must return whatever they are.
 *
 * A target NAME is tests/fuzz/NAME.c, a row of tests/fuzz/meson.build, some small files in corpus/NAME and, if it helps,
 * NAME.dict. It is linked twice: with replay.c, which is an ordinary test, and with libFuzzer.
 */
#ifndef LMSCOPE_TESTS_FUZZ_FUZZ_H
#define LMSCOPE_TESTS_FUZZ_FUZZ_H

#include <dirent.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The bytes as a file in memory, for readers that take a path. The same path each time; borrowed. */
__attribute__((unused)) static const char *fuzz_file(const uint8_t *bytes, size_t n)
{
	static char path[40];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, (off_t)n) || pwrite(fd, bytes, n, 0) != (ssize_t)n)
		abort();
	return path;
}

enum { FUZZ_FOLDERS = 4 };

static const char *fuzz_folders[FUZZ_FOLDERS];

static void fuzz_remove_folders(void)
{
	char path[PATH_MAX];
	struct dirent *entry;

	for (int i = 0; i < FUZZ_FOLDERS && fuzz_folders[i]; i++) {
		DIR *dir = opendir(fuzz_folders[i]);

		while (dir && (entry = readdir(dir))) {
			snprintf(path, sizeof path, "%s/%s", fuzz_folders[i], entry->d_name);
			unlink(path);
		}
		if (dir)
			closedir(dir);
		rmdir(fuzz_folders[i]);
	}
}

/* Makes a folder with links to all files of `beside` (which may be NULL) except NAME. */
static void fuzz_make_folder(char path[64], const char *beside, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	struct dirent *entry;
	DIR *dir = beside ? opendir(beside) : NULL;

	snprintf(path, 64, "%s/lmscope-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(path) || (beside && !dir))
		abort();
	for (int i = 0; i < FUZZ_FOLDERS; i++) {
		if (fuzz_folders[i])
			continue;
		if (!i)
			atexit(fuzz_remove_folders);
		fuzz_folders[i] = path;
		break;
	}
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.' || !strcmp(entry->d_name, name))
			continue;
		if (!realpath(beside, from) || strlen(from) + strlen(entry->d_name) + 2 > sizeof from)
			abort();
		strcat(strcat(from, "/"), entry->d_name);
		snprintf(to, sizeof to, "%s/%s", path, entry->d_name);
		if (symlink(from, to))
			abort();
	}
	if (dir)
		closedir(dir);
}

/* A folder in memory that has the bytes as NAME, and beside it the other files of the folder `beside`, which may be NULL.
 * `path` is static, empty at first, and keeps the folder's name. */
__attribute__((unused)) static const char *fuzz_folder(char path[64], const char *beside, const char *name, const uint8_t *bytes,
						       size_t n)
{
	char to[PATH_MAX];
	FILE *file;

	if (!*path)
		fuzz_make_folder(path, beside, name);
	snprintf(to, sizeof to, "%s/%s", path, name);
	file = fopen(to, "wb");
	if (!file || fwrite(bytes, 1, n, file) != n || fclose(file))
		abort();
	return path;
}

/* A refusal without a sentence is a defect like any other. */
#define FUZZ_EXPECT(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

#endif
