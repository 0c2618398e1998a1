/* pool.c - the threads: every chunk once, any number of them, stopping and starting, and the limits they obey. */
#include "engine/base/task.h"
#include "engine/numbers/cores.h"
#include "engine/numbers/pool.h"
#include "tests/tap.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 3000 };

struct pool_tally {
	atomic_int times[MANY];
	/* chunks done by helpers; by helpers at low priority; with signals blocked, a crash's not */
	atomic_int strangers, polite, deaf;
	pthread_t caller;
	int sleep_us;
};

/* This thread is well below the process's first one, or as low as there is: the tests themselves may run at a low priority. */
static bool is_polite(void)
{
	enum { LOWEST = 19, APART = 5 };
	const int own = getpriority(PRIO_PROCESS, (id_t)getpid()), here = getpriority(PRIO_PROCESS, (id_t)gettid());

	return here > own + APART || here == LOWEST;
}

static void count(void *context, int chunk)
{
	struct pool_tally *t = context;
	sigset_t blocked;

	atomic_fetch_add(&t->times[chunk], 1);
	if (t->sleep_us)
		usleep((useconds_t)t->sleep_us);
	if (pthread_equal(pthread_self(), t->caller))
		return;
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	atomic_fetch_add(&t->strangers, 1);
	atomic_fetch_add(&t->polite, is_polite());
	atomic_fetch_add(&t->deaf,
			 sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGHUP) && !sigismember(&blocked, SIGBUS));
}

static bool each_once(struct pool_tally *t, int chunks)
{
	bool good = true;

	for (int i = 0; i < MANY; i++)
		good = good && t->times[i] == (i < chunks);
	return good;
}

static void test_coverage(void)
{
	static const int sizes[] = { 0, 1, 2, 3, 17, MANY };

	for (int threads = 1; threads <= 5; threads++) {
		pool_threads(threads);
		CHECK(pool_size() == threads);
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct pool_tally *t = calloc(1, sizeof *t);

			t->caller = pthread_self();
			pool_run(sizes[i], count, t);
			CHECK_THAT(each_once(t, sizes[i]), "%d chunks, each once, on %d threads", sizes[i], threads);
			if (threads == 1)
				CHECK_THAT(t->strangers == 0, "one thread means the caller's");
			free(t);
		}
	}
}

static void test_helpers(void)
{
	struct pool_tally *t = calloc(1, sizeof *t);
	int own = getpriority(PRIO_PROCESS, 0);

	pool_threads(3);
	t->caller = pthread_self();
	t->sleep_us = 3000;
	for (int job = 0; job < 50 && !t->strangers; job++) /* on a busy machine it may be a while before they get a turn */
		pool_run(40, count, t);
	CHECK_THAT(t->strangers > 0, "helpers take chunks (%d of 40)", t->strangers);
	CHECK_THAT(t->polite == t->strangers, "they run after the thread that they help");
	CHECK_THAT(t->deaf == t->strangers, "they take no signals but those of a crash");
	CHECK_THAT(getpriority(PRIO_PROCESS, 0) == own, "the caller's priority stays as it was");
	free(t);
}

static void compute_on(void *context, int chunk)
{
	(void)context;
	(void)chunk;
	for (clock_t from = clock(); clock() - from < CLOCKS_PER_SEC / 20;)
		;
}

static pid_t start(void (*work)(void *context, int chunk))
{
	pid_t child = fork();

	if (child)
		return child;
	pool_threads(3);
	for (;;)
		pool_run(MANY, work, NULL);
}

static void busy_for_itself(void)
{
	for (;;)
		;
}

/* Milliseconds from a deadly signal to the end of a process whose helpers are at work. */
static double end_takes(void)
{
	struct timespec from, to;
	pid_t child = start(compute_on);

	usleep(300000);
	clock_gettime(CLOCK_MONOTONIC, &from);
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

/* A process is there until each of its threads has had a core once more: beside others' work, too, that must not take long. */
static void test_ends(void)
{
	enum { OTHERS = 6, TRIES = 7 };
	pid_t other[OTHERS];
	double least = 1e9;

#ifdef __SANITIZE_THREAD__
	tap_skip("ThreadSanitizer knows no threads after a fork");
	return;
#endif
	pool_stop();
	for (int i = 0; i < OTHERS; i++)
		if (!(other[i] = fork()))
			busy_for_itself();
	for (int i = 0; i < TRIES; i++) {
		double ms = end_takes();

		printf("# %.0f ms\n", ms);
		least = ms < least ? ms : least;
	}
	for (int i = 0; i < OTHERS; i++) {
		kill(other[i], SIGKILL);
		waitpid(other[i], NULL, 0);
	}
	CHECK_THAT(least < 250, "beside %d busy programs a signal ends the process within %.0f ms", OTHERS, least);
}

static void add_one(void *context, int chunk)
{
	long *sums = context;

	sums[chunk]++;
}

/* Many short jobs one after another, with pauses that let the helpers fall asleep: nothing lost, nothing twice. */
static void test_many_jobs(void)
{
	long sums[7] = { 0 }, expected[7] = { 0 };

	for (int job = 0; job < 20000; job++) {
		pool_run(1 + job % 7, add_one, sums);
		for (int i = 0; i <= job % 7; i++)
			expected[i]++;
		if (job % 4000 == 0)
			usleep(2000);
		if (job == 10000)
			pool_stop(); /* it starts again by itself */
	}
	CHECK_THAT(!memcmp(sums, expected, sizeof sums), "20000 jobs, and a stop between them");
}

static void nested(void *context, int chunk)
{
	long sum = 0;

	(void)chunk;
	pool_run(1, add_one, context ? context : &sum);
}

static void asks_whether_to_go_on(void *context, int chunk)
{
	struct task task = { 0 };
	struct err err = { 0 };

	(void)context;
	(void)chunk;
	task_going(&task, &err);
}

/* A broken promise is an abort, in a process of its own. */
static void test_refused(void (*work)(void *context, int chunk), const char *what)
{
	int status = 0;
	pid_t child;

	pool_stop();
	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		pool_run(1, work, NULL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	CHECK_THAT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s", what);
}

static void *other_caller(void *sums)
{
	for (int job = 0; job < 2000; job++)
		pool_run(5, add_one, sums);
	return NULL;
}

static void test_two_callers(void)
{
	long mine[5] = { 0 }, other[5] = { 0 };
	pthread_t thread;

	pthread_create(&thread, NULL, other_caller, other);
	other_caller(mine);
	pthread_join(thread, NULL);
	CHECK_THAT(mine[4] == 2000 && other[0] == 2000, "two callers take turns");
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void test_cores(void)
{
	char root[] = "/tmp/lmscope-cores-XXXXXX", path[200], command[200];
	cpu_set_t all, one;

	CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
	CHECK(cores_allowed() >= 1 && cores_allowed() <= CPU_COUNT(&all));
	CPU_ZERO(&one);
	for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof one, &one);
	CHECK_THAT(cores_allowed() == 1, "the affinity mask counts");
	sched_setaffinity(0, sizeof all, &all);

	CHECK(mkdtemp(root) != NULL);
	snprintf(command, sizeof command, "mkdir -p %s/a/b %s/cpu/c", root, root);
	CHECK(system(command) == 0);
	snprintf(path, sizeof path, "%s/a/b/cpu.max", root);
	write_file(path, "max 100000\n");
	CHECK_THAT(cores_cgroup_limit(root, "0::/a/b\n") == 0, "max is no limit");
	snprintf(path, sizeof path, "%s/a/cpu.max", root);
	write_file(path, "250000 100000\n");
	CHECK_THAT(cores_cgroup_limit(root, "0::/a/b\n") == 3, "a limit above counts, rounded up");
	snprintf(path, sizeof path, "%s/cpu/c/cpu.cfs_quota_us", root);
	write_file(path, "200000\n");
	snprintf(path, sizeof path, "%s/cpu/c/cpu.cfs_period_us", root);
	write_file(path, "100000\n");
	CHECK_THAT(cores_cgroup_limit(root, "5:cpuset:/c\n4:cpu,cpuacct:/c\n0::/a/b\n") == 2, "version 1, and the tightest wins");
	CHECK_THAT(cores_cgroup_limit(root, "5:cpuset:/c\n0::/\n") == 0, "cpuset is not cpu");
	CHECK(cores_cgroup_limit(root, "") == 0 && cores_cgroup_limit(root, "nonsense") == 0);
	snprintf(command, sizeof command, "rm -r %s", root);
	CHECK(system(command) == 0);
}

int main(void)
{
	CHECK(nice(4) == getpriority(PRIO_PROCESS, 0)); /* a person's own wish: helpers stay below it */
	test_coverage();
	test_helpers();
	test_ends();
	test_many_jobs();
	test_two_callers();
	test_refused(nested, "a job inside a job is refused");
	test_refused(asks_whether_to_go_on, "so is a chunk that could be interrupted, even when nobody interrupts");
	test_cores();
	pool_stop();
	return tap_done();
}
