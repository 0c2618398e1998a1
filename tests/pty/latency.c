/* latency.c - see latency.h. */
#include "tests/pty/latency.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An answer is whole when nothing has come for GAP; keys come as fast as a held one repeats. */
enum { GAP_MS = 3, PATIENCE_MS = 1000, REPEAT_MS = 30, STILL_MS = 400, ECHOED = 6 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Milliseconds from the key to the last byte of its answer; negative: none came, or there is no such key. */
static double press(struct pty *p, const char *key)
{
	double start, last;

	while (pty_read(p, pty_now() + GAP_MS)) /* what the worker had to say */
		;
	pty_bytes(p);
	start = last = now();
	if (!pty_key(p, key) || !pty_read(p, pty_now() + PATIENCE_MS))
		return -1;
	do
		last = now();
	while (pty_read(p, pty_now() + GAP_MS));
	return last - start;
}

bool latency_measure(struct pty *p, char *const *key, int keys, int n, struct latency *out)
{
	double *took = calloc((size_t)n, sizeof *took), *bytes = calloc((size_t)n, sizeof *bytes);

	*out = (struct latency){ 0 };
	for (int i = 0; i < n; i++) {
		double ms = press(p, key[i % keys]);
		int64_t next = pty_now() + REPEAT_MS;

		if (ms >= 0) {
			bytes[out->answered] = (double)pty_bytes(p);
			took[out->answered++] = ms;
		}
		while (pty_now() < next)
			pty_read(p, next);
	}
	qsort(took, (size_t)out->answered, sizeof *took, by_size);
	qsort(bytes, (size_t)out->answered, sizeof *bytes, by_size);
	if (out->answered) {
		out->median = took[out->answered / 2];
		out->p99 = took[out->answered * 99 / 100];
		out->worst = took[out->answered - 1];
		out->bytes = (size_t)bytes[out->answered / 2];
	}
	free(took);
	free(bytes);
	return out->answered == n;
}

/* Whether the end of what was typed, as much as must fit, is in a row. */
static bool stands(struct pty *p, const char *text, int typed)
{
	char end[ECHOED + 1];
	int n = typed < ECHOED ? typed : ECHOED;

	memcpy(end, text + typed - n, (size_t)n);
	end[n] = '\0';
	for (int y = 0; y < pty_height(p); y++)
		if (strstr(pty_row(p, y), end))
			return true;
	return false;
}

double latency_typed(struct pty *p, const char *text, int every)
{
	int n = (int)strlen(text), seen = 0;
	double *at = calloc((size_t)n + 1, sizeof *at), late;

	for (int i = 0; i < n; i++) {
		int64_t next = pty_now() + (i < n - 1 ? every : PATIENCE_MS);

		at[i] = now();
		pty_send(p, text + i, 1);
		while (pty_now() < next && (i < n - 1 || seen < n)) {
			pty_read(p, next);
			/* blanks at the end of a row are not told */
			for (; seen <= i && (text[seen] == ' ' || stands(p, text, seen + 1)); seen++)
				at[seen] = now() - at[seen];
		}
	}
	qsort(at, (size_t)seen, sizeof *at, by_size);
	late = seen == n && n ? at[n * 9 / 10] : -1;
	free(at);
	return late;
}

double latency_held(struct pty *p, char *const *key, int keys, int n, int every)
{
	double end, last;
	int64_t next = pty_now();

	for (int i = 0; i < n; i++, next += every) {
		while (pty_now() < next)
			pty_read(p, next);
		if (!pty_key(p, key[i % keys]))
			return -1;
	}
	end = last = now();
	while (pty_read(p, pty_now() + STILL_MS))
		last = now();
	return last - end;
}
