/*
 * file.h - files, carefully: mapped for reading, read whole, written atomically. Only regular files are opened.
 *
 * Every mapping is listed in a small table that a signal handler can search: a file that shrinks while it is mapped gives
 * SIGBUS at the next touch, and the handler then knows which file to blame (file_blamed).
 */
#ifndef LMSCOPE_ENGINE_BASE_FILE_H
#define LMSCOPE_ENGINE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

struct mapping {
	const unsigned char *bytes; /* [size]; NULL when the file is empty */
	size_t size;
	int slot; /* in the table that the signal handler reads */
};

/* Maps a regular file read-only. Directories, FIFOs and devices are refused without opening them for reading. */
bool file_map(const char *path, struct mapping *map, struct err *err);
void file_unmap(struct mapping *map); /* a zeroed mapping is fine */
/* What a repository that was cloned without Git LFS has in place of a large file. */
bool file_is_pointer(const struct mapping *map);

/* Async-signal-safe: the path of the mapped file that holds this address; NULL when none does. */
const char *file_blamed(const void *address);

/* Reads at most `limit` bytes (more: an error); NUL-terminated heap memory, *n without the NUL. NULL on error. */
char *file_read(const char *path, size_t limit, size_t *n, struct err *err);
/* Opens a regular file for reading, the descriptor; -1 on error. */
int file_open(const char *path, struct err *err);
/* Writes to a temporary file beside it, syncs, renames over it; makes missing folders above it. */
bool file_write(const char *path, const char *bytes, size_t n, struct err *err);

/* The same without waiting for the disk: whole whatever ends the program, though perhaps not when the machine loses its power. */
bool file_write_soon(const char *path, const char *bytes, size_t n, struct err *err);
/* As file_write(), of several pieces one after the other. */
struct file_part {
	const void *bytes;
	size_t n;
};
bool file_write_parts(const char *path, const struct file_part *part, int parts, struct err *err);
/* Takes a file away; one that is not there is fine. */
bool file_remove(const char *path, struct err *err);

/* What its bytes give (FNV-1a): the same for a copy. */
bool file_hash(const char *path, uint64_t *hash, struct err *err);
/* A number that is another one once the file has been written again, or a file of the folder has; 0: it cannot be found. */
uint64_t file_version(const char *path);

/*
 * Whoever names a file may write "~/x" for one in the user's home, as in a shell; any other path is as it is. Heap. All that
 * reads here does it.
 */
char *file_at_home(const char *path);
uint64_t file_size(const char *path); /* in bytes; 0: it cannot be found */
bool file_exists(const char *path);   /* anything that stat() finds */
bool file_is_folder(const char *path);
bool file_is_broken_link(const char *path); /* to something that is not there */
/* DIR/NAME where NAME came out of a file: false with a sentence when it is absolute or leads out of DIR (.., /). Heap. */
char *file_inside(const char *folder, const char *name, struct err *err);
/* DIR/NAME, heap. */
char *file_join(const char *folder, const char *name);

/* All of it to an open file, however the system cuts it; false: errno says why. */
bool file_append(int fd, const char *bytes, size_t n);

#endif
