/* monkey_waits.c - see monkey_waits.h. */
#include "tests/pty/monkey_waits.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * How long this thread of a process has waited for a core that others had, in milliseconds; 0 for the pool's, which run last
 * anyway.
 */
static double waited_by(int process, int thread)
{
	char path[80];
	unsigned long long ran, queued;
	double ms = 0;
	FILE *file;

	if (getpriority(PRIO_PROCESS, (id_t)thread) > getpriority(PRIO_PROCESS, (id_t)process) + 5) /* see pool.c */
		return 0;
	snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", process, thread);
	if ((file = fopen(path, "r"))) {
		if (fscanf(file, "%llu %llu", &ran, &queued) == 2)
			ms = (double)queued * 1e-6;
		fclose(file);
	}
	return ms;
}

/* How long all cores together were lent out to other machines, in milliseconds. */
static double stolen(void)
{
	unsigned long long ticks = 0;
	FILE *file = fopen("/proc/stat", "r");

	if (file && fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1)
		ticks = 0;
	if (file)
		fclose(file);
	return (double)ticks * 1000 / (double)sysconf(_SC_CLK_TCK);
}

bool waits_for_disk(pid_t program)
{
	char path[80], state = ' ';
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)program);
	if ((file = fopen(path, "r"))) {
		if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = ' ';
		fclose(file);
	}
	return state == 'D';
}

double waits_ms(pid_t program)
{
	char path[80];
	double sum = waited_by(getpid(), getpid()) + stolen();
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/task", (int)program);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			sum += waited_by(program, atoi(entry->d_name));
	if (dir)
		closedir(dir);
	return sum;
}
