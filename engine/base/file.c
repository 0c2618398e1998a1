/* file.c - see file.h. */
#include "engine/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/inject.h"
#include "engine/base/str.h"

/*
 * What is mapped, for the signal handler. A slot is taken by setting `used`, and is readable while `path` is set, which is
 * written last and cleared first. More mappings than slots still work; only nobody can be blamed for those.
 */
enum { SLOTS = 1024, NO_SLOT = -1 };

static struct {
	atomic_bool used;
	_Atomic uintptr_t start, end;
	_Atomic(char *) path;
} slots[SLOTS];

static int slot_take(const void *start, size_t size, const char *path)
{
	for (int i = 0; i < SLOTS; i++) {
		bool used = false;

		if (!atomic_compare_exchange_strong(&slots[i].used, &used, true))
			continue;
		atomic_store(&slots[i].start, (uintptr_t)start);
		atomic_store(&slots[i].end, (uintptr_t)start + size);
		atomic_store(&slots[i].path, xstrdup(path));
		return i;
	}
	return NO_SLOT;
}

static void slot_leave(int i)
{
	if (i == NO_SLOT)
		return;
	free(atomic_exchange(&slots[i].path, NULL));
	atomic_store(&slots[i].used, false);
}

const char *file_blamed(const void *address)
{
	uintptr_t a = (uintptr_t)address;

	for (int i = 0; i < SLOTS; i++) {
		const char *path = atomic_load(&slots[i].path);

		if (path && a >= atomic_load(&slots[i].start) && a < atomic_load(&slots[i].end))
			return path;
	}
	return NULL;
}

static bool refuse_kind(const char *path, mode_t mode, struct err *err)
{
	const char *kind = S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";

	return err_set(err, ERR_FILE, "%s: is %s; a regular file is needed", path, kind);
}

char *file_at_home(const char *path)
{
	const char *home = getenv("HOME");

	return !strncmp(path, "~/", 2) && home && *home ? file_join(home, path + 2) : xstrdup(path);
}

static int look(const char *path, struct stat *st)
{
	char *at = file_at_home(path);
	int failed = stat(at, st);

	free(at);
	return failed;
}

static int open_to_read(const char *path)
{
	char *at = file_at_home(path);
	int fd = open(at, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	free(at);
	return fd;
}

/*
 * The kind is looked at before opening, because opening some devices already does something, and again afterwards,
 * because the name may mean another thing by then. O_NONBLOCK: a FIFO that slipped in between must not hang.
 */
static int open_regular(const char *path, size_t *size, struct err *err)
{
	struct stat st;
	int fd;

	if (look(path, &st) < 0) {
		err_set(err, ERR_FILE, "%s: %s", path, errno == ENOENT ? "there is no such file" : strerror(errno));
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		refuse_kind(path, st.st_mode, err);
		return -1;
	}
	fd = open_to_read(path);
	if (fd < 0) {
		err_set(err, ERR_FILE, "%s: cannot be opened (%s)", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		refuse_kind(path, st.st_mode, err);
		close(fd);
		return -1;
	}
	*size = (size_t)st.st_size;
	return fd;
}

int file_open(const char *path, struct err *err)
{
	size_t size;

	return open_regular(path, &size, err);
}

bool file_map(const char *path, struct mapping *map, struct err *err)
{
	struct mapping m = { .slot = NO_SLOT };
	void *bytes = NULL;
	int fd = open_regular(path, &m.size, err);

	if (fd < 0)
		return false;
	if (m.size) {
		bytes = mmap(NULL, m.size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED) {
			err_set(err, ERR_MEMORY, "%s: %.1f MB cannot be mapped (%s)", path, (double)m.size / 1e6, strerror(errno));
			close(fd);
			return false;
		}
		m.slot = slot_take(bytes, m.size, path);
	}
	close(fd);
	m.bytes = bytes;
	*map = m;
	return true;
}

void file_unmap(struct mapping *map)
{
	if (map->bytes) {
		slot_leave(map->slot);
		munmap((void *)(uintptr_t)map->bytes, map->size);
	}
	*map = (struct mapping){ .slot = NO_SLOT };
}

bool file_is_pointer(const struct mapping *map)
{
	static const char start[] = "version https://git-lfs";

	return map->size >= sizeof start - 1 && !memcmp(map->bytes, start, sizeof start - 1);
}

/* Reads until the end, whatever the size was a moment ago (files under /proc say 0). One byte past the limit is asked for. */
static bool read_all(int fd, struct str *text, size_t limit, const char *path, struct err *err)
{
	char chunk[16384];

	for (;;) {
		ssize_t got = read(fd, chunk, sizeof chunk);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, ERR_FILE, "%s: cannot be read (%s)", path, strerror(errno));
		if (!got)
			return true;
		if ((size_t)got > limit - text->n)
			return err_set(err, ERR_FILE, "%s: is larger than the %.1f MB that are read of such a file", path,
				       (double)limit / 1e6);
		str_add_n(text, chunk, (size_t)got);
	}
}

char *file_read(const char *path, size_t limit, size_t *n, struct err *err)
{
	struct str text;
	size_t size;
	bool ok;
	int fd = open_regular(path, &size, err);

	if (fd < 0)
		return NULL;
	if (size > limit) {
		err_set(err, ERR_FILE, "%s: has %.1f MB; at most %.1f MB are read of such a file", path, (double)size / 1e6,
			(double)limit / 1e6);
		close(fd);
		return NULL;
	}
	str_init(&text);
	ok = read_all(fd, &text, limit, path, err);
	close(fd);
	if (!ok) {
		str_done(&text);
		return NULL;
	}
	*n = text.n;
	return text.s;
}

/* Makes the folders above `path`; those that are there are fine. */
static bool make_folders(const char *path, struct err *err)
{
	char *folder = xstrdup(path);
	bool ok = true;

	for (char *p = strchr(folder + (*folder == '/'), '/'); p && ok; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(folder, 0777) < 0 && errno != EEXIST)
			ok = err_set(err, ERR_FILE, "%s: the folder cannot be made (%s)", folder, strerror(errno));
		*p = '/';
	}
	free(folder);
	return ok;
}

bool file_append(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = inject_write(fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (!done)
			errno = ENOSPC;
		if (done <= 0)
			return false;
		bytes += done;
		n -= (size_t)done;
	}
	return true;
}

/* The new name must be on the disk too, not only in memory. Some file systems cannot: then it is as good as it gets. */
static void sync_folder(const char *path)
{
	char *folder = xstrdup(path), *slash = strrchr(folder, '/');
	int fd;

	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

/* Is `name` what write_beside calls a temporary file of `base`, "BASE.PID-N.tmp", of a process that is no more? */
static bool is_left_over(const char *name, const char *base)
{
	size_t n = strlen(base);
	char *end;
	long pid;

	if (strncmp(name, base, n) || name[n] != '.' || name[n + 1] < '1' || name[n + 1] > '9')
		return false;
	pid = strtol(name + n + 1, &end, 10);
	if (*end != '-' || end[1] < '0' || end[1] > '9')
		return false;
	strtol(end + 1, &end, 10);
	return !strcmp(end, ".tmp") && pid <= INT_MAX && kill((pid_t)pid, 0) && errno == ESRCH;
}

/* Takes away what a save of this file left that was killed in the middle. */
static void clear_left_over(const char *path)
{
	char *folder = xstrdup(path), *slash = strrchr(folder, '/');
	const char *base = slash ? slash + 1 : path;
	struct dirent *e;
	struct stat st;
	DIR *d;

	base = path + (slash ? base - folder : 0);
	if (slash)
		slash[slash == folder] = '\0';
	d = opendir(slash ? folder : ".");
	while (d && (e = readdir(d)))
		if (is_left_over(e->d_name, base) && !fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode) && st.st_uid == geteuid())
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	free(folder);
}

static bool append_parts(int fd, const struct file_part *part, int parts)
{
	bool ok = true;

	for (int i = 0; ok && i < parts; i++)
		ok = file_append(fd, part[i].bytes, part[i].n);
	return ok;
}

/* What is to be written: pieces, and whether to wait until the disk has them. */
struct writing {
	const struct file_part *part;
	int parts;
	bool wait;
};

/* A file that is replaced keeps its mode; a new one gets what the umask leaves. */
static bool write_beside(const char *path, const struct writing *w, const struct stat *old, struct err *err)
{
	struct str temporary;
	bool ok = false;
	int fd = -1;

	clear_left_over(path);
	str_init(&temporary);
	for (int i = 0; i < 100 && fd < 0; i++) {
		str_clear(&temporary);
		str_addf(&temporary, "%s.%ld-%d.tmp", path, (long)getpid(), i);
		fd = inject_file_fault() ? -1 : open(temporary.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0) {
		err_set(err, ERR_FILE, "%s: cannot be written (%s)", path, strerror(errno));
	} else {
		ok = (!old || !fchmod(fd, old->st_mode & 07777)) && append_parts(fd, w->part, w->parts) && !inject_file_fault() &&
		     (!w->wait || !fsync(fd));
		ok = !close(fd) && ok;
		ok = ok && !inject_file_fault() && !rename(temporary.s, path);
		if (!ok) {
			err_set(err, ERR_FILE, "%s: cannot be written (%s)", path, strerror(errno));
			unlink(temporary.s);
		} else if (w->wait) {
			sync_folder(path);
		}
	}
	str_done(&temporary);
	return ok;
}

static bool write_whole(const char *path, const struct writing *w, struct err *err)
{
	struct stat old;
	bool there = !stat(path, &old), ok;
	char *real = there ? realpath(path, NULL) : NULL; /* a link keeps pointing: its target is replaced */

	if (there && !S_ISREG(old.st_mode))
		ok = refuse_kind(path, old.st_mode, err);
	else
		ok = (there || make_folders(path, err)) && write_beside(real ? real : path, w, there ? &old : NULL, err);
	free(real);
	return ok;
}

bool file_write(const char *path, const char *bytes, size_t n, struct err *err)
{
	return write_whole(path, &(struct writing){ &(struct file_part){ bytes, n }, 1, true }, err);
}

bool file_write_soon(const char *path, const char *bytes, size_t n, struct err *err)
{
	return write_whole(path, &(struct writing){ &(struct file_part){ bytes, n }, 1, false }, err);
}

bool file_write_parts(const char *path, const struct file_part *part, int parts, struct err *err)
{
	return write_whole(path, &(struct writing){ part, parts, true }, err);
}

bool file_remove(const char *path, struct err *err)
{
	if (!inject_file_fault() && (!unlink(path) || errno == ENOENT))
		return true;
	return err_set(err, ERR_FILE, "%s: cannot be taken away (%s)", path, strerror(errno));
}

bool file_hash(const char *path, uint64_t *hash, struct err *err)
{
	enum { AT_ONCE = 1 << 16 };
	char *bytes;
	ssize_t got;
	int fd = file_open(path, err);

	if (fd < 0)
		return false;
	bytes = xmalloc(AT_ONCE);
	*hash = 14695981039346656037u;
	while ((got = read(fd, bytes, AT_ONCE)) > 0 || (got < 0 && errno == EINTR))
		for (ssize_t i = 0; i < got; i++)
			*hash = (*hash ^ (unsigned char)bytes[i]) * 1099511628211u;
	if (got < 0)
		err_set(err, ERR_FILE, "%s: cannot be read (%s)", path, strerror(errno));
	free(bytes);
	close(fd);
	return !got;
}

static uint64_t mix_version(uint64_t x, const struct stat *st)
{
	const uint64_t part[] = { (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_size,
				  (uint64_t)st->st_ino };

	for (int i = 0; i < 4; i++)
		x = (x ^ part[i]) * 1099511628211u;
	return x;
}

/* In whatever order a folder gives its files. */
static uint64_t mix_files(uint64_t x, const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	struct stat st;
	uint64_t sum = 0;

	while (d && (e = readdir(d)))
		if (!fstatat(dirfd(d), e->d_name, &st, 0) && S_ISREG(st.st_mode))
			sum += mix_version(1, &st);
	if (d)
		closedir(d);
	return (x ^ sum) * 1099511628211u;
}

uint64_t file_version(const char *path)
{
	struct stat st;
	uint64_t x;

	if (look(path, &st))
		return 0;
	x = mix_version(1, &st);
	if (S_ISDIR(st.st_mode))
		x = mix_files(x, path);
	return x ? x : 1;
}

uint64_t file_size(const char *path)
{
	struct stat st;

	return look(path, &st) ? 0 : (uint64_t)st.st_size;
}

bool file_exists(const char *path)
{
	struct stat st;

	return !look(path, &st);
}

bool file_is_folder(const char *path)
{
	struct stat st;

	return !look(path, &st) && S_ISDIR(st.st_mode);
}

bool file_is_broken_link(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISLNK(st.st_mode) && !file_exists(path);
}

/* A component of the path is "..": it may lead out even when others lead back in. */
static bool climbs(const char *name)
{
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '/'))
			return true;
	}
	return false;
}

char *file_inside(const char *folder, const char *name, struct err *err)
{
	if (!*name || *name == '/' || climbs(name)) {
		err_set(err, ERR_FILE, "%s: the file name \"%s\" leads out of the folder", folder, name);
		return NULL;
	}
	return file_join(folder, name);
}

char *file_join(const char *folder, const char *name)
{
	struct str path;
	size_t n = strlen(folder);

	str_init(&path);
	str_add(&path, folder);
	if (n && folder[n - 1] != '/')
		str_add_char(&path, '/');
	str_add(&path, name);
	return path.s;
}
