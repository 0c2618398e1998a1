/* lines.c - see typing.h. */
#include "engine/base/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/plain_text.h"

enum { AHEAD = 256 << 10, LINE_LIMIT = 16 << 20 };

struct lines {
	char *path;
	int fd;
	char *bytes;	      /* [room + 1] what was read of the file, from `base` on */
	size_t room, n, from; /* of which the next line begins at `from` */
	uint64_t base;
	int number; /* of the line that was given last */
	bool ended;
};

struct lines *lines_open(const char *path, struct err *err)
{
	int fd = file_open(path, err);
	struct lines *l;

	if (fd < 0)
		return NULL;
	l = xcalloc(1, sizeof *l);
	*l = (struct lines){ .path = xstrdup(path), .fd = fd, .bytes = xmalloc(AHEAD + 1), .room = AHEAD };
	return l;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	close(l->fd);
	free(l->bytes);
	free(l->path);
	free(l);
}

/* Reads on; what was given already makes room. */
static bool read_on(struct lines *l, struct err *err)
{
	ssize_t got;

	memmove(l->bytes, l->bytes + l->from, l->n - l->from);
	l->base += l->from;
	l->n -= l->from;
	l->from = 0;
	if (l->n == l->room && l->room >= LINE_LIMIT)
		return err_set(err, ERR_FILE, "%s: line %d is longer than 16 MB", l->path, l->number + 1);
	if (l->n == l->room)
		l->bytes = xrealloc(l->bytes, (l->room *= 2) + 1);
	do
		got = read(l->fd, l->bytes + l->n, l->room - l->n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(err, ERR_FILE, "%s: cannot be read (%s)", l->path, strerror(errno));
	l->ended = !got;
	l->n += (size_t)got;
	return true;
}

/* Past the mark at the beginning of a file. */
static bool begin(struct lines *l, struct err *err)
{
	while (l->n < 3 && !l->ended)
		if (!read_on(l, err))
			return false;
	if (!plain_text_check(l->bytes, l->n, l->path, err))
		return false;
	l->from = plain_text_mark(l->bytes, l->n);
	return true;
}

bool lines_next(struct lines *l, struct line *line, struct err *err)
{
	size_t seen = 0;
	char *end;

	*line = (struct line){ 0 };
	if (!l->base && !l->from && !begin(l, err))
		return false;
	while (!(end = memchr(l->bytes + l->from + seen, '\n', l->n - l->from - seen)) && !l->ended) {
		seen = l->n - l->from;
		if (!read_on(l, err))
			return false;
	}
	if (!end && l->from == l->n)
		return true;
	*line = (struct line){ l->bytes + l->from, (size_t)((end ? end : l->bytes + l->n) - (l->bytes + l->from)), ++l->number,
			       l->base + l->from };
	l->from += line->n + (end != NULL);
	if (end && line->n && end[-1] == '\r')
		line->n--;
	l->bytes[line->text - l->bytes + (ptrdiff_t)line->n] = '\0';
	return true;
}

bool lines_go(struct lines *l, uint64_t at, int number, struct err *err)
{
	if (lseek(l->fd, (off_t)at, SEEK_SET) < 0)
		return err_set(err, ERR_FILE, "%s: cannot be read from byte %llu on (%s)", l->path, (unsigned long long)at,
			       strerror(errno));
	l->base = at;
	l->n = l->from = 0;
	l->number = number - 1;
	l->ended = false;
	return true;
}
