/* crash.c - see crash.h. In the handler only what is async-signal-safe: write(), tcsetattr(), _exit(). */
#include "tui/crash.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "tui/term.h"

enum { STACK = 64 * 1024 };

static const struct {
	int signal;
	const char *what;
} crashes[] = {
	{ SIGSEGV, "read memory that is not its own" }, { SIGBUS, "read memory that is not there" },
	{ SIGABRT, "found itself in a state that cannot be" }, { SIGFPE, "divided by zero" }, { SIGILL, "met an unknown instruction" },
};

static void say(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

static void crashed(int signal, siginfo_t *info, void *context)
{
	const char *file = signal == SIGBUS ? file_blamed(info->si_addr) : NULL;

	(void)context;
	term_restore_raw();
	if (file) {
		say("lmscope: ");
		say(file);
		say(" was cut short while it was open.\n");
		_exit(1);
	}
	say("lmscope: the program ");
	for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
		if (crashes[i].signal == signal)
			say(crashes[i].what);
	say(" and had to stop; please report how it came to that.\n");
	raise(signal);	/* SA_RESETHAND: nobody catches it now */
}

void crash_catch(void)
{
	static char stack[STACK];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_sigaction = crashed, .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_ONSTACK | SA_NODEFER) };

	sigaltstack(&other, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
		sigaction(crashes[i].signal, &action, NULL);
}
