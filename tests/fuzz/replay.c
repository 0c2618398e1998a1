/* replay.c - runs a fuzz target over a folder of inputs, as an ordinary test: each file whole, and cut at several places. */
#include <dirent.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/tap.h"

/* A copy of its own for each call, so that a sanitizer sees a read past the end. */
static void run(const char *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	struct dirent **entries = NULL;
	int count = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;

	CHECK_THAT(count > 2, "there are inputs in %s", argc == 2 ? argv[1] : "FOLDER");
	for (int i = 0; i < count; i++) {
		char *path = file_join(argv[1], entries[i]->d_name), *bytes;
		size_t n = 0;

		if (*entries[i]->d_name != '.') {
			bytes = file_read(path, 1 << 20, &n, &err);
			if (CHECK_THAT(bytes != NULL, "%s %s", entries[i]->d_name, err.text)) {
				run(bytes, n);
				for (size_t part = 0; part < 64; part++)
					run(bytes, n * part / 64);
			}
			free(bytes);
		}
		free(path);
		free(entries[i]);
	}
	free(entries);
	return tap_done();
}
