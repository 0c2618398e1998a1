/*
 * fuzz.h - what a fuzz target has: LLVMFuzzerTestOneInput, called with arbitrary bytes, which must return whatever they are.
 *
 * A target NAME is tests/fuzz/NAME.c, a row of tests/fuzz/meson.build, some small files in corpus/NAME and, if it helps,
 * NAME.dict. It is linked twice: with replay.c, which is an ordinary test, and with libFuzzer.
 */
#ifndef LMSCOPE_TESTS_FUZZ_FUZZ_H
#define LMSCOPE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The bytes as a file in memory, for readers that take a path. The same path each time; borrowed. */
__attribute__((unused))
static const char *fuzz_file(const uint8_t *bytes, size_t n)
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

/* A refusal without a sentence is a defect like any other. */
#define FUZZ_EXPECT(condition)  \
	do {                    \
		if (!(condition)) \
			abort(); \
	} while (0)

#endif
