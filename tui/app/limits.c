/*
 * limits.c - see limits.h. The stack is the one thing that cannot be asked for: whoever has too little of it crashes in the
 * middle.
 */
#include "tui/app/limits.h"

#include <stdio.h>
#include <sys/resource.h>

#include "tui/cli/say.h"

enum { LEAST_STACK = 512 * 1024, USUAL_STACK = 8 * 1024 * 1024 };

/* Of the main thread: the others are given theirs when they start. The kernel looks at the limit as the stack grows. */
static rlim_t allowed_stack(void)
{
	struct rlimit stack;

	if (getrlimit(RLIMIT_STACK, &stack))
		return RLIM_INFINITY;
	if (stack.rlim_cur >= LEAST_STACK)
		return stack.rlim_cur;
	stack.rlim_cur = stack.rlim_max < USUAL_STACK ? stack.rlim_max : USUAL_STACK;
	return setrlimit(RLIMIT_STACK, &stack) ? 0 : stack.rlim_cur;
}

bool limits_suffice(void)
{
	const rlim_t stack = allowed_stack();
	char sentence[120];

	if (stack >= LEAST_STACK)
		return true;
	snprintf(sentence, sizeof sentence, "a stack of %llu KB is too small (ulimit -s); it takes %d KB",
		 (unsigned long long)stack / 1024, LEAST_STACK / 1024);
	say_sentence(sentence);
	return false;
}
