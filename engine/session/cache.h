/*
 * cache.h - a cache of runs and tables, keyed by the question that they answer; toggling an edit is a lookup.
 *
 * Both lists are short and searched in order; the least recently used goes first. Not thread-safe.
 */
#ifndef LMSCOPE_ENGINE_SESSION_CACHE_H
#define LMSCOPE_ENGINE_SESSION_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/analysis/table.h"
#include "engine/base/str.h"
#include "engine/run/run.h"

struct cache;

struct cache *cache_new(void);
void cache_free(struct cache *k);
/* Forgets everything: another model was opened. */
void cache_clear(struct cache *k);
/* Memory is short: of the runs, no more than a gigabyte stays, and those n that are in use (or NULL): they take it all the same. */
void cache_evict(struct cache *k, const struct run *const *in_use, int n);

/* The run of that key, counted, and its number, which no other run ever has; NULL when there is none. Keys may hold NULs. */
struct run *cache_find_run(struct cache *k, const struct str *key, unsigned *id);
/*
 * Keeps a run (and counts it); returns its number. Others go when there are too many, or more of them than a gigabyte and than
 * half of the memory that is free beside them.
 */
unsigned cache_add_run(struct cache *k, const struct str *key, struct run *run);
/* The run without edits whose tokens begin like these for the longest stretch: borrowed; NULL when none does. */
const struct run *cache_longest_prefix(const struct cache *k, const int32_t *tokens, size_t n);

/* The table of that key, counted; NULL when there is none. */
struct table *cache_find_table(struct cache *k, const char *key);
/* Others go when there are too many, or more of them than 128 MB. */
void cache_add_table(struct cache *k, const char *key, struct table *t);

#endif
