/* crash.c - see crash.h. In the handler only what is async-signal-safe: write(), tcsetattr(), _exit(). */
#include "tui/terminal/crash.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "tui/terminal/term.h"

enum { STACK = 64 * 1024 };

static const struct {
	int signal;
	const char *what;
} crashes[] = {
	{ SIGSEGV, "read memory that is not its own" },
	{ SIGBUS, "read memory that is not there" },
	{ SIGABRT, "found itself in a state that cannot be" },
	{ SIGFPE, "divided by zero" },
	{ SIGILL, "met an unknown instruction" },
	{ SIGTRAP, "met a breakpoint" },
	{ SIGSYS, "made a call that the system does not allow" },
};

/* Not where nobody takes it: a frozen terminal would hold the end up. */
static void say(const char *text)
{
	enum { PATIENCE_MS = 300 };
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&ready, 1, PATIENCE_MS) > 0)
		(void)!write(STDERR_FILENO, text, strlen(text));
}

/* Nothing else may be called here to make it safe for a terminal: what is not plain ASCII becomes a question mark. */
static void say_name(const char *name)
{
	char safe[300];
	size_t n = 0;

	for (; name[n] && n < sizeof safe - 1; n++)
		safe[n] = name[n];
	for (size_t i = 0; i < n; i++)
		if (safe[i] < ' ' || safe[i] > '~')
			safe[i] = '?';
	safe[n] = '\0';
	say(safe);
}

static void die(int signal)
{
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	raise(signal);
}

/* The first thread that crashes speaks for all; those that share its work often meet the same hole a moment later. */
static void be_the_first(int signal)
{
	static atomic_int first;
	const struct timespec pause = { 1, 0 };
	int none = 0, me = gettid();

	if (atomic_compare_exchange_strong(&first, &none, me))
		return;
	while (none != me)
		nanosleep(&pause, NULL);
	die(signal); /* a crash in what follows */
}

static void crashed(int signal, siginfo_t *info, void *context)
{
	const char *file = signal == SIGBUS ? file_blamed(info->si_addr) : NULL;

	(void)context;
	be_the_first(signal);
	term_restore_raw();
	if (file) {
		say("lmscope: ");
		say_name(file);
		say(" was cut short while it was open.\n");
		_exit(1);
	}
	say("lmscope: the program ");
	for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
		if (crashes[i].signal == signal)
			say(crashes[i].what);
	say(" and had to stop; please report how it came to that.\n");
	die(signal);
}

/* On whatever thread; nothing that takes memory. */
static void without_memory(size_t bytes)
{
	char digits[24], *at = digits + sizeof digits;

	be_the_first(SIGABRT);
	*--at = 0;
	do
		*--at = (char)('0' + bytes % 10);
	while (bytes /= 10);
	term_restore_raw();
	say("lmscope: out of memory: ");
	say(at);
	say(" bytes more could not be had.\n");
	_exit(1);
}

void crash_catch(void)
{
	static char stack[STACK];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	on_no_memory(without_memory);
	sigaltstack(&other, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
		sigaction(crashes[i].signal, &action, NULL);
}
