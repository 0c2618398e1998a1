/* positions.c - see positions.h. */
#include "engine/run/positions.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"

bool positions_number(const char **s, int *number)
{
	char *end;
	long x = strtol(*s, &end, 10);

	if (end == *s || isspace((unsigned char)**s) || x > 100000000 || x < -100000000)
		return false;
	*s = end;
	*number = (int)x;
	return true;
}

int positions_room(const char *text)
{
	int n = 1;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

static bool read_range(const char **s, struct position_range *r)
{
	*r = (struct position_range){ 0 };
	if (!positions_number(s, &r->from))
		return false;
	r->to = r->from;
	if ((*s)[0] != '.' || (*s)[1] != '.')
		return true;
	*s += 2;
	r->open = !**s || **s == ',' || **s == '<';
	return r->open || positions_number(s, &r->to);
}

bool positions_read(const char **s, struct position_range *range, int *n)
{
	*n = 0;
	do {
		if (!read_range(s, &range[(*n)++]))
			return false;
	} while (**s == ',' && (*s)++);
	return true;
}

static bool inside(int written, int T, int *position, const char *what, struct err *err)
{
	*position = written < 0 ? written + T : written;
	return (*position >= 0 && *position < T) ||
	       err_set(err, ERR_ARGUMENT, "%s: position %d is outside the prompt, which has %d tokens (0 … %d)", what, written, T,
		       T - 1);
}

bool positions_resolve(const struct position_range *range, int T, int *from, int *to, const char *what, struct err *err)
{
	if (!inside(range->from, T, from, what, err) || (!range->open && !inside(range->to, T, to, what, err)))
		return false;
	if (range->open)
		*to = T - 1;
	return *from <= *to || err_set(err, ERR_ARGUMENT, "%s: the range %d..%d runs backwards", what, range->from, range->to);
}

bool positions_mark(const struct position_range *range, int n, int T, bool *at, const char *what, struct err *err)
{
	int from, to;

	for (int i = 0; i < n; i++) {
		if (!positions_resolve(&range[i], T, &from, &to, what, err))
			return false;
		memset(at + from, true, (size_t)(to - from + 1) * sizeof *at);
	}
	return true;
}

bool positions_parse(const char *text, int T, bool *at, const char *what, struct err *err)
{
	struct position_range *range = xmalloc((size_t)positions_room(text) * sizeof *range);
	const char *s = text;
	int n;
	bool fine = positions_read(&s, range, &n) && !*s;

	if (!fine)
		err_set(err, ERR_USAGE, "%s: expected positions such as 4, -1, 4..7, 4.. or 1,3 instead of %s", what,
			*text ? text : "nothing");
	else if (T)
		fine = positions_mark(range, n, T, at, what, err);
	free(range);
	return fine;
}
