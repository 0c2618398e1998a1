/*
 * archive.h - a zip file whose members are stored as they are: each is a stretch of the mapped file, never a copy.
 *
 * Compressed and encrypted members, names that lead out of a folder, and members that share a name or bytes are refused. The only
 * file that knows libzip is archive.c.
 */
#ifndef LMSCOPE_ENGINE_BASE_ARCHIVE_H
#define LMSCOPE_ENGINE_BASE_ARCHIVE_H

#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/file.h"

struct archive;

struct archive_member {
	const char *name;
	const unsigned char *bytes; /* [n], in the mapping */
	size_t n;
};

/* `path` is for sentences; the mapping is borrowed. NULL on error. */
struct archive *archive_open(const char *path, const struct mapping *map, struct err *err);
void archive_close(struct archive *a); /* NULL is fine */

size_t archive_members(const struct archive *a);
const struct archive_member *archive_member(const struct archive *a, size_t i);
const struct archive_member *archive_find(const struct archive *a, const char *name); /* NULL when there is none of that name */

#endif
