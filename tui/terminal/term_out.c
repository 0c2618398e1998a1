/* term_out.c - see term_out.h. */
#include "tui/terminal/term_out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

static struct {
	struct str bytes;
	size_t sent; /* of them */
	int fd;
	bool own; /* opened here: it may be set to not wait without changing what the shell has */
} out = { .fd = STDOUT_FILENO };

/* The descriptors that we were given are the shell's, too, and whether a write waits is a property that they share. */
void out_start(void)
{
	int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	str_init(&out.bytes);
	out.sent = 0;
	out.own = fd >= 0;
	out.fd = out.own ? fd : STDOUT_FILENO;
}

void out_stop(void)
{
	if (out.own)
		close(out.fd);
	out.fd = STDOUT_FILENO;
	out.own = false;
	str_done(&out.bytes);
}

struct str *out_buffer(void)
{
	return &out.bytes;
}

size_t out_pending(void)
{
	return out.bytes.n - out.sent;
}

int out_fd(void)
{
	return out.fd;
}

static ssize_t write_some(const char *text, size_t n)
{
	int flags;
	ssize_t sent;

	if (out.own)
		return write(out.fd, text, n);
	/* Another user's terminal (after su) cannot be opened again: no waiting for the moment of this call. */
	flags = fcntl(out.fd, F_GETFL);
	fcntl(out.fd, F_SETFL, flags | O_NONBLOCK);
	sent = write(out.fd, text, n);
	fcntl(out.fd, F_SETFL, flags);
	return sent;
}

bool out_flush(void)
{
	while (out_pending()) {
		ssize_t sent = write_some(out.bytes.s + out.sent, out_pending());

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return false;
		if (sent <= 0) /* nobody is there any more: the keys will tell */
			break;
		out.sent += (size_t)sent;
	}
	str_clear(&out.bytes);
	out.sent = 0;
	return true;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void send_until(const char *text, size_t n, long end)
{
	struct pollfd ready = { .fd = out.fd, .events = POLLOUT };

	while (n) {
		ssize_t sent = write_some(text, n);
		long left = end - now_ms();

		if (sent > 0) {
			text += sent;
			n -= (size_t)sent;
		} else if ((sent < 0 && errno != EAGAIN && errno != EINTR) || left <= 0) {
			return;
		} else {
			poll(&ready, 1, (int)left);
		}
	}
}

void out_last(const char *text, size_t n, int ms)
{
	static const char cancel[] = "\030"; /* CAN: ends a sequence that was begun */
	long end = now_ms() + ms;

	if (out_pending()) {
		out.sent = out.bytes.n;
		send_until(cancel, sizeof cancel - 1, end);
	}
	send_until(text, n, end);
}
