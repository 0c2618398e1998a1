/* file.c - mapping, reading, writing; what is not a regular file; names that lead out of a folder. */
#include "engine/base/file.h"
#include "tests/tap.h"
#include "tests/scratch.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_map(void)
{
	struct err err = { 0 };
	struct mapping map = { 0 }, empty = { 0 };
	char *path = scratch_file("mapped", "hello", 5), *none = scratch_file("empty", "", 0);

	CHECK(file_map(path, &map, &err) && map.size == 5 && !memcmp(map.bytes, "hello", 5));
	CHECK_TEXT(file_blamed(map.bytes + 4), path);
	CHECK(!file_blamed(map.bytes + 5) && !file_blamed(&err));
	const unsigned char *was = map.bytes;
	file_unmap(&map);
	CHECK(!map.bytes && !file_blamed(was));
	file_unmap(&map);
	CHECK(file_map(none, &empty, &err) && empty.size == 0 && !empty.bytes);
	file_unmap(&empty);
	free(path);
	free(none);
}

/* None of these may hang, and each gives a sentence that names the path. */
static void test_refused(void)
{
	char *fifo = scratch_path("fifo"), *missing = scratch_path("missing"), *link = scratch_path("link");
	const char *paths[] = { "/dev/zero", "/tmp", fifo, missing, link };
	struct mapping map;
	size_t n;

	CHECK(!mkfifo(fifo, 0600) && !symlink("/dev/zero", link));
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct err err = { 0 }, again = { 0 };

		CHECK_THAT(!file_map(paths[i], &map, &err) && strstr(err.text, paths[i]), "refused: %s", err.text);
		CHECK(!file_read(paths[i], 100, &n, &again) && !strcmp(err.text, again.text));
	}
	free(fifo);
	free(missing);
	free(link);
}

static void test_read_write(void)
{
	struct err err = { 0 };
	size_t n = 0;
	struct stat st;
	char *path = scratch_path("deep/er/file.yaml"), *link = scratch_path("deep/link"), *text;

	CHECK(file_write(path, "a\0b", 3, &err));
	text = file_read(path, 3, &n, &err);
	CHECK(text && n == 3 && !memcmp(text, "a\0b", 4));
	free(text);
	CHECK(!file_read(path, 2, &n, &err) && strstr(err.text, "at most"));
	CHECK(!chmod(path, 0600) && !symlink("er/file.yaml", link));
	CHECK(file_write(link, "new", 3, &err));
	CHECK(!lstat(link, &st) && S_ISLNK(st.st_mode));	/* the target was replaced, with its mode */
	CHECK(!stat(path, &st) && st.st_size == 3 && (st.st_mode & 0777) == 0600);
	CHECK(!file_write("/dev/full", "x", 1, &err) && strstr(err.text, "device"));
	CHECK(!file_write(scratch_folder(), "x", 1, &err) && strstr(err.text, "folder"));
	free(link);
	link = scratch_path("deep/er/file.yaml/below");
	CHECK(!file_write(link, "x", 1, &err) && strstr(err.text, "file.yaml"));
	text = file_read("/proc/self/status", 1 << 20, &n, &err);	/* stat says 0 bytes */
	CHECK(text && n > 100);
	free(text);
	free(link);
	free(path);
}

static void test_inside(void)
{
	static const char *const bad[] = { "", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "x/../y" };
	static const char *const good[] = { "a", "a/b", "..a", "a..", "a/...", ".hidden" };
	struct err err = { 0 };
	char *path;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_THAT(!file_inside("folder", bad[i], &err), "refused: %s", bad[i]);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		path = file_inside("folder", good[i], &err);
		CHECK_THAT(path && !strncmp(path, "folder/", 7) && !strcmp(path + 7, good[i]), "accepted: %s", good[i]);
		free(path);
	}
	path = file_join("/", "x");
	CHECK_TEXT(path, "/x");
	free(path);
	CHECK(file_exists("/tmp") && file_is_folder("/tmp") && !file_exists("/tmp/lmscope-no-such-thing"));
}

int main(void)
{
	test_map();
	test_refused();
	test_read_write();
	test_inside();
	scratch_done();
	return tap_done();
}
