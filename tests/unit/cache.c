/*
 * cache.c - which runs stay in the store: as many as a gigabyte holds, and beyond that as many as half of the memory that is
 * free.
 */
#include "engine/session/cache.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "tests/tap.h"

enum { LAYERS = 4, RUNS = 4 };
static const size_t one = 600u * 1000 * 1000, needed = 3000u * 1000 * 1000;

/* Runs that are large by their model's sizes, and have no memory: the store counts, and looks at nothing else. */
static void set_up(struct model *m, struct run *run)
{
	const struct config sizes = { .L = LAYERS, .D = 64, .H = 1, .G = 1, .K = 64, .F = 64, .dense = 64, .V = 64 };
	int T = 1;

	m->config = sizes;
	while (run_bytes(&m->config, T, RUN_ALL) < one)
		T += 64;
	for (int i = 0; i < RUNS; i++) {
		run[i] = (struct run){ .model = m, .keeps = RUN_ALL, .T = T };
		atomic_init(&run[i].refs, 1);
	}
}

static int stay(const struct run *run)
{
	int n = 0;

	for (int i = 0; i < RUNS; i++)
		n += atomic_load(&run[i].refs) > 1;
	return n;
}

static void keep(struct cache *k, struct run *run, int i)
{
	struct str key;

	str_init(&key);
	str_addf(&key, "run %d", i);
	cache_add_run(k, &key, &run[i]);
	str_done(&key);
}

static void limit(size_t bytes)
{
	char text[32];

	snprintf(text, sizeof text, "%zu", bytes);
	setenv("LMSCOPE_MEMORY", text, 1);
}

/* Tables of 16 MB: as many stay as 128 MB hold. */
static void tables(void)
{
	enum { SIDE = 2048, MADE = 20 };
	struct cache *k = cache_new();
	struct err err;
	int found = 0;
	char key[20];

	for (int i = 0; i < MADE; i++) {
		struct table *t = table_new(SIDE, SIDE, &err);

		snprintf(key, sizeof key, "table %d", i);
		cache_add_table(k, key, t);
		table_unref(t);
	}
	for (int i = 0; i < MADE; i++) {
		struct table *t;

		snprintf(key, sizeof key, "table %d", i);
		t = cache_find_table(k, key);
		found += t && i >= MADE - 8;
		found -= t && i < MADE - 8;
		table_unref(t);
	}
	CHECK_THAT(found >= 6 && found <= 8, "of %d large tables the newest %d stay", MADE, found);
	cache_free(k);
}

int main(void)
{
	struct cache *k = cache_new();
	static struct model m;
	static struct run run[RUNS];

	tables();
	set_up(&m, run);
	if (memory_available() < needed) {
		tap_skip("less than %zu bytes of memory are free", needed);
		cache_free(k);
		return tap_done();
	}
	limit(needed);
	keep(k, run, 0);
	keep(k, run, 1);
	CHECK_THAT(stay(run) == 2, "two that half of the free memory holds");
	keep(k, run, 2);
	CHECK_THAT(stay(run) == 2 && atomic_load(&run[0].refs) == 1, "not three: the oldest goes");
	cache_evict(k, (const struct run *const[]){ &run[1], NULL, &run[2] }, 3);
	CHECK_THAT(stay(run) == 2, "where memory is short, what is in use stays");
	cache_evict(k, NULL, 0);
	CHECK_THAT(stay(run) == 1 && atomic_load(&run[2].refs) == 2, "where memory is short, what a gigabyte holds");
	limit(one);
	keep(k, run, 3);
	CHECK_THAT(stay(run) == 1 && atomic_load(&run[3].refs) == 2, "the newest stays in any case");
	unsetenv("LMSCOPE_MEMORY");
	cache_free(k);
	CHECK(stay(run) == 0);
	return tap_done();
}
