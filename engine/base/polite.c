/* polite.c - see polite.h. On Linux a priority belongs to a thread, and is set through its id; failing to is no harm. */
#include "engine/base/polite.h"

#include <sys/resource.h>
#include <unistd.h>

void polite_thread(int by)
{
	enum { LOWEST = 19 };
	int level = getpriority(PRIO_PROCESS, (id_t)getpid()) + by;

	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), level < LOWEST ? level : LOWEST);
}
