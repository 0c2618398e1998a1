/* monkey_waits.h - how long a busy machine let the program wait: time that is none of the program's own. */
#ifndef LMSCOPE_TESTS_PTY_MONKEY_WAITS_H
#define LMSCOPE_TESTS_PTY_MONKEY_WAITS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * How long the program (its screen, and its worker, which may hold the lock) and this process have waited for a core that others
 * had, other machines included; in milliseconds since they began.
 */
double waits_ms(pid_t program);
/* Whether the program's first thread waits for the disk, or for memory that comes from there. */
bool waits_for_disk(pid_t program);

#endif
