/* cache.c - see cache.h. */
#include "engine/session/cache.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

enum { RUNS = 16, TABLES = 256 };
static const size_t tables_room = (size_t)128 << 20; /* bytes of tables; the newest stays in any case */
static const size_t least_room = (size_t)1 << 30;    /* bytes of runs that may stay however little memory is free */

struct kept_run {
	struct run *run; /* NULL: a free place */
	struct str key;
	unsigned id, used; /* used: when it was last wanted */
};

struct kept_table {
	struct table *table;
	char *key;
	size_t bytes;
	unsigned used;
};

struct cache {
	struct kept_run run[RUNS];
	struct kept_table table[TABLES];
	size_t table_bytes;
	unsigned clock, ids;
};

struct cache *cache_new(void)
{
	return xcalloc(1, sizeof(struct cache));
}

static void drop_run(struct kept_run *r)
{
	run_unref(r->run);
	str_done(&r->key);
	*r = (struct kept_run){ 0 };
}

static void drop_table(struct cache *k, struct kept_table *t)
{
	k->table_bytes -= t->bytes;
	table_unref(t->table);
	free(t->key);
	*t = (struct kept_table){ 0 };
}

void cache_clear(struct cache *k)
{
	for (int i = 0; i < RUNS; i++)
		drop_run(&k->run[i]);
	for (int i = 0; i < TABLES; i++)
		drop_table(k, &k->table[i]);
}

void cache_free(struct cache *k)
{
	if (!k)
		return;
	cache_clear(k);
	free(k);
}

struct run *cache_find_run(struct cache *k, const struct str *key, unsigned *id)
{
	for (int i = 0; i < RUNS; i++) {
		struct kept_run *r = &k->run[i];

		if (r->run && r->key.n == key->n && !memcmp(r->key.s, key->s, key->n)) {
			r->used = ++k->clock;
			*id = r->id;
			return run_ref(r->run);
		}
	}
	return NULL;
}

/* As if no run shared layers with another. */
static size_t bytes_of(const struct run *r)
{
	return run_bytes(&r->model->config, r->T, r->keeps);
}

static size_t kept_bytes(const struct cache *k)
{
	size_t all = 0;

	for (int i = 0; i < RUNS; i++)
		all += k->run[i].run ? bytes_of(k->run[i].run) : 0;
	return all;
}

/* NULL: none is kept. */
static struct kept_run *oldest_run(struct cache *k)
{
	struct kept_run *oldest = NULL;

	for (int i = 0; i < RUNS; i++)
		if (k->run[i].run && (!oldest || k->run[i].used < oldest->used))
			oldest = &k->run[i];
	return oldest;
}

static struct kept_run *free_place(struct cache *k)
{
	for (int i = 0; i < RUNS; i++)
		if (!k->run[i].run)
			return &k->run[i];
	return NULL;
}

/* A place for a run of so many bytes. */
static struct kept_run *make_room(struct cache *k, size_t bytes)
{
	struct kept_run *oldest;

	while ((oldest = oldest_run(k))) {
		size_t all = kept_bytes(k) + bytes;

		if (free_place(k) && (all <= least_room || all <= memory_available() / 2))
			break;
		drop_run(oldest);
	}
	return free_place(k);
}

static bool is_among(const struct run *r, const struct run *const *runs, int n)
{
	while (n && runs[n - 1] != r)
		n--;
	return n > 0;
}

void cache_evict(struct cache *k, const struct run *const *in_use, int n)
{
	while (kept_bytes(k) > least_room) {
		struct kept_run *oldest = NULL;

		for (int i = 0; i < RUNS; i++) {
			struct kept_run *r = &k->run[i];

			if (r->run && !is_among(r->run, in_use, n) && (!oldest || r->used < oldest->used))
				oldest = r;
		}
		if (!oldest)
			return;
		drop_run(oldest);
	}
}

unsigned cache_add_run(struct cache *k, const struct str *key, struct run *run)
{
	struct kept_run *r = make_room(k, bytes_of(run));

	*r = (struct kept_run){ .run = run_ref(run), .id = ++k->ids, .used = ++k->clock };
	str_init(&r->key);
	str_add_n(&r->key, key->s, key->n);
	return r->id;
}

const struct run *cache_longest_prefix(const struct cache *k, const int32_t *tokens, size_t n)
{
	const struct run *best = NULL;
	size_t length = 0;

	for (int i = 0; i < RUNS; i++) {
		const struct run *r = k->run[i].run;
		size_t same = 0;

		while (r && !r->edits && same < n && same < (size_t)r->T && r->tokens[same] == tokens[same])
			same++;
		if (same > length) {
			length = same;
			best = r;
		}
	}
	return best;
}

struct table *cache_find_table(struct cache *k, const char *key)
{
	for (int i = 0; i < TABLES; i++)
		if (k->table[i].table && !strcmp(k->table[i].key, key)) {
			k->table[i].used = ++k->clock;
			return table_ref(k->table[i].table);
		}
	return NULL;
}

/* NULL: none is kept. */
static struct kept_table *oldest_table(struct cache *k)
{
	struct kept_table *oldest = NULL;

	for (int i = 0; i < TABLES; i++)
		if (k->table[i].table && (!oldest || k->table[i].used < oldest->used))
			oldest = &k->table[i];
	return oldest;
}

static struct kept_table *free_table(struct cache *k)
{
	for (int i = 0; i < TABLES; i++)
		if (!k->table[i].table)
			return &k->table[i];
	return NULL;
}

void cache_add_table(struct cache *k, const char *key, struct table *t)
{
	const size_t bytes = arena_bytes(t->arena);

	while (oldest_table(k) && (!free_table(k) || k->table_bytes + bytes > tables_room))
		drop_table(k, oldest_table(k));
	k->table_bytes += bytes;
	*free_table(k) = (struct kept_table){ table_ref(t), xstrdup(key), bytes, ++k->clock };
}
