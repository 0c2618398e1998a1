/* base.c - the ground floor: errors, arenas, strings, notes, tasks. */
#include "engine/base/arena.h"
#include "engine/base/big.h"
#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/base/str.h"
#include "engine/base/task.h"
#include "engine/base/utf8.h"
#include "tests/tap.h"

#include <stdint.h>

static void test_err(void)
{
	struct err err = { 0 };
	char big[2000];

	CHECK(!err_set(&err, ERR_FILE, "line %d is wrong", 7));
	CHECK(!err_in(&err, "config.json"));
	CHECK_TEXT(err.text, "config.json: line 7 is wrong");
	CHECK(err.kind == ERR_FILE);
	for (size_t i = 0; i + 3 < sizeof big; i += 3)
		memcpy(big + i, "\xE2\x82\xAC", 3); /* a name of 666 characters: cuts fall inside of some */
	big[1998] = '\0';
	err_set(&err, ERR_FILE, "%s: tensor %s is wrong", big, big + 3);
	CHECK_THAT(utf8_valid(err.text, strlen(err.text)) && strlen(err.text) < 650 && strstr(err.text, "…") &&
			   strstr(err.text, ": tensor €") && !strcmp(err.text + strlen(err.text) - 9, " is wrong"),
		   "long names leave room for what is wrong: %s", err.text);
	for (size_t i = 0; i < 1998; i++)
		big[i] = i % 5 ? 'x' : ' ';
	err_set(&err, ERR_FILE, "%s is wrong", big);
	err_in(&err, "%s", big);
	CHECK_THAT(strlen(err.text) == 999 && !strcmp(err.text + 990, " is wrong"), "a long sentence keeps its end (%zu bytes)",
		   strlen(err.text));
}

/* What is kept by the hundred takes about what it holds: see the tables of engine/session/cache.h. */
static void test_small_arenas(void)
{
	enum { N = 256 };
	struct arena *a[N];
	size_t before = big_used(), took;

	for (int i = 0; i < N; i++) {
		a[i] = arena_new();
		for (int k = 0; k < 20; k++)
			arena_strdup(a[i], "a label");
	}
	took = big_used() - before;
	CHECK_THAT(took < N * 8 * 1024, "%d small arenas take %zu bytes", N, took);
	for (int k = 0; k < 100000; k++)
		arena_strdup(a[0], "a label");
	took = big_used() - before - took;
	CHECK_THAT(took < 100000 * 64 * 11 / 10, "a large one takes %zu bytes", took);
	for (int i = 0; i < N; i++)
		arena_free(a[i]);
	CHECK(big_used() == before);
}

static void test_names(void)
{
	struct str s;
	char name[200] = "";

	memset(name, 'n', sizeof name - 1);
	str_init(&s);
	str_add(&s, "a, ");
	str_add_name(&s, "short");
	CHECK_TEXT(s.s, "a, short");
	str_add_name(&s, name);
	CHECK_THAT(s.n == 8 + 80 && strlen(s.s) == s.n && strstr(s.s, "n…n"), "%s", s.s);
	str_done(&s);
}

static void test_arena(void)
{
	struct arena *a = arena_new();
	struct err err = { 0 };
	struct arena_mark mark;
	char *s = arena_strdup(a, "kept");
	size_t before;

	CHECK((uintptr_t)arena_alloc(a, 3) % 64 == 0);
	before = arena_bytes(a);
	mark = arena_mark(a);
	for (int i = 0; i < 50; i++)
		memset(arena_floats(a, 30000, &err), 0xFF, 30000 * sizeof(float));
	arena_rewind(a, mark);
	CHECK(arena_bytes(a) == before);
	CHECK(*(char *)arena_alloc(a, 100) == 0);
	CHECK_TEXT(s, "kept");
	CHECK(!arena_floats(a, SIZE_MAX / 2, &err) && err.kind == ERR_MEMORY);
	arena_free(a);
	arena_free(NULL);
}

static void test_big(void)
{
	char *a, *b;
	size_t before;

	big_keep((size_t)512 << 20);
	before = big_kept();
	a = big_take(3000000);
	CHECK((uintptr_t)a % 64 == 0);
	memset(a, 1, 3000000);
	big_free(a);
	CHECK(big_kept() >= before + 3000000);
	size_t used = big_used();

	b = big_take(2900000);
	CHECK_THAT(b == a, "a block that was given back is taken again");
	CHECK_THAT(big_used() - used < 2900000 + 4096, "and counts for what was asked for: %zu bytes", big_used() - used);
	CHECK(big_kept() == before);
	a = big_take(1000);
	CHECK_THAT(a != b && big_kept() <= before, "a block in use is nobody else's");
	big_free(a);
	big_free(b);
	big_keep(0);
	big_keep(8 << 20);
	for (int i = 0; i < 20; i++) {
		void *held[10];

		for (int j = 0; j < 10; j++)
			held[j] = big_take((size_t)(900 + i) << 10);
		for (int j = 0; j < 10; j++)
			big_free(held[j]);
	}
	CHECK_THAT(big_kept() <= 8 << 20 && big_kept() > 4 << 20, "the oldest make room for the newest: %zu bytes are kept",
		   big_kept());
	before = big_kept();
	big_free(big_take(5 << 20));
	CHECK_THAT(big_kept() == before, "a block of most of the room is not kept");
	big_keep((size_t)512 << 20);
	for (int i = 0; i < 300; i++)
		big_free(big_take(((size_t)1 << 20) + (size_t)i * 4096 * 3));
	CHECK_THAT(big_kept() <= big_used() + (64 << 20), "where little is in use little is kept: %zu bytes", big_kept());
	big_keep(0);
	CHECK_THAT(big_kept() == 0, "nothing is kept when nothing may be");
	big_free(big_take(500));
	CHECK(big_kept() == 0);
	big_keep((size_t)512 << 20);
	big_free(NULL);
	CHECK(!big_take(SIZE_MAX - 5));
}

static void test_str_and_notes(void)
{
	struct str s;
	struct notes notes = { 0 };

	str_init(&s);
	for (int i = 0; i < 100; i++)
		str_addf(&s, "%d,", i);
	CHECK(s.n == 290 && !strcmp(s.s + 287, "99,"));
	str_done(&s);
	notes_add(&notes, "head %d", 1);
	notes_add(&notes, "head %d", 1);
	notes_add(&notes, "head %d", 2);
	CHECK(notes.n == 2);
	notes_done(&notes);
	notes_add(NULL, "nobody listens");
}

static void test_task(void)
{
	struct task task = { 0 };
	struct err err = { 0 };

	CHECK(task_step(&task, 2, 5, &err) && task.done == 2 && task.total == 5);
	task.stop = true;
	CHECK(!task_going(&task, &err) && err.kind == ERR_CANCELLED);
	CHECK(task_stopped(&task) && !task_stopped(NULL));
	CHECK(task_step(NULL, 0, 1, &err));
	task.stop = false;
	task_part(&task, 20, 10, 50); /* the third of five goes */
	CHECK(task_step(&task, 0, 4, &err) && task.done == 20 && task.total == 50);
	CHECK(task_step(&task, 3, 4, &err) && task.done == 27 && task.total == 50);
	task_part(&task, 0, 0, 0);
	CHECK(task_step(&task, 3, 4, &err) && task.done == 3 && task.total == 4);
	task_part(NULL, 0, 1, 2);
}

int main(void)
{
	test_err();
	test_names();
	test_small_arenas();
	test_arena();
	test_big();
	test_str_and_notes();
	test_task();
	return tap_done();
}
