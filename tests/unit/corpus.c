/*
 * corpus.c - files of prompts one after the other: lines of any length and end, JSON lines, windows; going back to a place; and
 * that a large file takes no more memory than a small one.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/base/lines.h"
#include "engine/base/prompts.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/corpus.h"
#include "tests/scratch.h"
#include "tests/tap.h"

static void test_lines(void)
{
	static const char bytes[] = "\xEF\xBB\xBF"
				    "one\r\n\r\ntwo\rtwo\nlast";
	static const struct {
		const char *text;
		int number, at;
	} expected[] = { { "one", 1, 3 }, { "", 2, 8 }, { "two\rtwo", 3, 10 }, { "last", 4, 18 } };
	char *path = scratch_file("lines.txt", bytes, sizeof bytes - 1);
	struct err err = { 0 };
	struct lines *l = lines_open(path, &err);
	struct line line;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++) {
			bool fine = lines_next(l, &line, &err) && line.text && !strcmp(line.text, expected[i].text);

			CHECK_THAT(fine && line.number == expected[i].number && (int)line.at == expected[i].at,
				   "line %d is \"%s\" at %d", line.number, fine ? line.text : "another", (int)line.at);
		}
		CHECK(lines_next(l, &line, &err) && !line.text && lines_next(l, &line, &err) && !line.text);
		CHECK(lines_go(l, 0, 1, &err));
	}
	CHECK(lines_go(l, 10, 3, &err) && lines_next(l, &line, &err) && !strcmp(line.text, "two\rtwo") && line.number == 3);
	lines_close(l);
	lines_close(NULL);
	free(path);
}

/* Longer than what is read at once, up to the limit. */
static void test_long_lines(void)
{
	const size_t size = (size_t)17 << 20;
	char *bytes = xmalloc(size), *path;
	struct err err = { 0 };
	struct lines *l;
	struct line line;

	memset(bytes, 'a', size);
	bytes[3 << 20] = '\n';
	path = scratch_file("long.txt", bytes, 5 << 20);
	l = lines_open(path, &err);
	CHECK(lines_next(l, &line, &err) && line.n == 3 << 20 && line.text[line.n - 1] == 'a');
	CHECK(lines_next(l, &line, &err) && line.n == (2 << 20) - 1 && line.number == 2);
	lines_close(l);
	free(path);
	bytes[3 << 20] = 'a';
	path = scratch_file("too_long.txt", bytes, size);
	l = lines_open(path, &err);
	CHECK_THAT(!lines_next(l, &line, &err) && strstr(err.text, "line 1 is longer than 16 MB"), "%s", err.text);
	lines_close(l);
	free(path);
	free(bytes);
}

/* All of a corpus, again and again from each place in it. */
static void test_windows(void)
{
	static const char text[] = "the cat saw a dog and the dog saw the cat\n\na hen\nthe pig sat on the mat and the man saw the "
				   "pig\n";
	char *path = scratch_file("windows.txt", text, sizeof text - 1);
	struct err err = { 0 };
	struct model *m = model_open("tests/fixtures/tiny/llama-tied", NULL, NULL, &err);
	struct corpus *c = corpus_open(path, m, 6, &err);
	struct corpus_place place[64] = { { 0 } };
	struct corpus_window w;
	int32_t tokens[64][6];
	int n[64], line[64], windows = 0, wrong = 0, bos = 0;

	while (windows < 64 && corpus_next(c, &w, &err) && w.n) {
		memcpy(tokens[windows], w.tokens, (size_t)w.n * sizeof *w.tokens);
		n[windows] = w.n;
		line[windows] = w.line;
		bos += w.tokens[0] == tokenizer_bos(m->tokenizer);
		wrong += w.n > 6 || w.n < 2;
		place[++windows] = corpus_at(c);
	}
	CHECK_THAT(windows > 5 && !wrong && bos == windows, "%d windows, each with BOS", windows);
	CHECK_THAT(line[0] == 1 && line[windows - 1] == 4, "documents are lines %d … %d", line[0], line[windows - 1]);
	for (int i = 0; i < windows; i++) {
		bool same = corpus_go(c, place[i], &err) && corpus_next(c, &w, &err) && w.n == n[i] && w.line == line[i] &&
			    !memcmp(w.tokens, tokens[i], (size_t)w.n * sizeof *w.tokens);

		wrong += !same;
	}
	CHECK_THAT(!wrong, "%d windows are others when one goes back to them", wrong);
	corpus_close(c);
	model_free(m);
	free(path);
}

/* Kilobytes that this process had at most so far. */
static long memory_so_far(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* LMSCOPE_LONG=1: a gigabyte. */
static void test_large(void)
{
	enum { LIMIT_KB = 8 << 10 };
	const size_t megabytes = getenv("LMSCOPE_LONG") ? 1024 : 32;
	static const char line[] = "{\"text\":\"the cat saw a dog and the dog saw the cat\",\"own\":[1,2,3]}\n";
	char *path = scratch_path("large.jsonl"), *part = xmalloc(1 << 20);
	FILE *f = fopen(path, "w");
	struct err err = { 0 };
	struct prompt prompt;
	struct prompts *p;
	size_t lines = 0, read = 0, length = sizeof line - 1, in_part = ((1 << 20) - 1) / length;
	long before;

	for (size_t i = 0; i < in_part; i++)
		memcpy(part + i * length, line, length);
	for (size_t i = 0; i < megabytes; i++)
		lines += fwrite(part, length, in_part, f);
	fclose(f);
	free(part);
	before = memory_so_far();
	for (p = prompts_open(path, &err); p; read++) {
		struct arena *arena = arena_new();
		bool more = prompts_next(p, arena, &prompt, &err) && prompt.text;

		arena_free(arena);
		if (!more)
			break;
	}
	prompts_close(p);
	CHECK_THAT(read == lines && !*err.text, "%zu of %zu lines %s", read, lines, err.text);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	tap_skip("memory is not measured under a sanitizer: it keeps what is freed; %d kB are the limit, before were %ld", LIMIT_KB,
		 before);
#else
	CHECK_THAT(memory_so_far() - before < LIMIT_KB, "%zu MB took %ld kB", megabytes, memory_so_far() - before);
#endif
	CHECK(!unlink(path));
	free(path);
}

/* Lines of JSON that end in CR alone are one line with more after its document: what is wrong is the ends. */
static void test_line_ends(void)
{
	static const char old[] = "{\"text\":\"a\"}\r{\"text\":\"b\"}\r", good[] = "{\"text\":\"a\"}\r\n{\"text\":\"b\"}\r\n";
	char *path = scratch_file("old.jsonl", old, strlen(old)), *other = scratch_file("good.jsonl", good, strlen(good));
	struct arena *arena = arena_new();
	struct err err = { 0 };
	int n;

	CHECK_THAT(!prompts_read(path, arena, &n, &err) && strstr(err.text, "old.jsonl: line 1: lines end in CR alone"), "%s",
		   err.text);
	CHECK(prompts_read(other, arena, &n, &err) && n == 2);
	arena_free(arena);
	free(path);
	free(other);
}

int main(void)
{
	test_large();
	test_line_ends();
	test_lines();
	test_long_lines();
	test_windows();
	scratch_done();
	return tap_done();
}
