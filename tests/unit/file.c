/* file.c - mapping, reading, writing; what is not a regular file; names that lead out of a folder. */
#include "engine/base/file.h"
#include "tests/tap.h"
#include "tests/scratch.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
	CHECK(!lstat(link, &st) && S_ISLNK(st.st_mode)); /* the target was replaced, with its mode */
	CHECK(!stat(path, &st) && st.st_size == 3 && (st.st_mode & 0777) == 0600);
	CHECK(!file_write("/dev/full", "x", 1, &err) && strstr(err.text, "device"));
	CHECK(!file_write(scratch_folder(), "x", 1, &err) && strstr(err.text, "folder"));
	free(link);
	link = scratch_path("deep/er/file.yaml/below");
	CHECK(!file_write(link, "x", 1, &err) && strstr(err.text, "file.yaml"));
	text = file_read("/proc/self/status", 1 << 20, &n, &err); /* stat says 0 bytes */
	CHECK(text && n > 100);
	free(text);
	free(link);
	free(path);
}

/* The entries of a folder. */
static int entries(const char *folder)
{
	DIR *d = opendir(folder);
	int n = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		n += *e->d_name != '.';
	if (d)
		closedir(d);
	return n;
}

/* What a killed save left is cleared at the next one, and nothing else is: not that of a living process, not another file's. */
static void test_left_over(void)
{
	char *folder = scratch_path("left"), *path = scratch_path("left/a.yaml"), name[100];
	struct err err = { 0 };
	pid_t dead = fork();

	if (!dead)
		_exit(0);
	waitpid(dead, NULL, 0);
	snprintf(name, sizeof name, "left/a.yaml.%ld-0.tmp", (long)dead);
	free(scratch_file(name, "torn", 4));
	snprintf(name, sizeof name, "left/a.yaml.%ld-7.tmp", (long)dead);
	free(scratch_file(name, "torn", 4));
	snprintf(name, sizeof name, "left/b.yaml.%ld-0.tmp", (long)dead);
	free(scratch_file(name, "another's", 9));
	snprintf(name, sizeof name, "left/a.yaml.%ld-0.tmp.old", (long)dead);
	free(scratch_file(name, "no name of ours", 15));
	snprintf(name, sizeof name, "left/a.yaml.%ld-3.tmp", (long)getppid());
	free(scratch_file(name, "being written", 13));
	CHECK(entries(folder) == 5 && file_write(path, "new", 3, &err) && entries(folder) == 4);
	snprintf(name, sizeof name, "left/a.yaml.%ld-0.tmp", (long)dead);
	char *gone = scratch_path(name);

	CHECK(!file_exists(gone) && file_exists(path));
	free(gone);
	free(path);
	free(folder);
}

/* A file that may not grow: a sentence with its name, the old one whole, nothing left. */
static void test_limit(void)
{
	char *folder = scratch_path("limit"), *path = scratch_path("limit/file.yaml"), *text;
	struct err err = { 0 };
	size_t n = 0;
	int status = 0;

	CHECK(file_write(path, "old", 3, &err));
	pid_t child = fork();

	if (!child) {
		char long_text[4096];

		memset(long_text, 'x', sizeof long_text);
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 100, 100 });
		_exit(!file_write(path, long_text, sizeof long_text, &err) && strstr(err.text, path) &&
				      strstr(err.text, "File too large")
			      ? 0
			      : 1);
	}
	waitpid(child, &status, 0);
	text = file_read(path, 100, &n, &err);
	CHECK_THAT(WIFEXITED(status) && !WEXITSTATUS(status), "a sentence that names the file");
	CHECK(n == 3 && !strcmp(text, "old") && entries(folder) == 1);
	free(text);
	free(path);
	free(folder);
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
	test_left_over();
	test_limit();
	test_inside();
	scratch_done();
	return tap_done();
}
