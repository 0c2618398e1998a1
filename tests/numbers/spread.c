/* spread.c - threads of one job keep apart: driven onto one CPU they part again, and masks are obeyed. */
#include "engine/numbers/pool.h"
#include "tests/tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

enum { THREADS = 2, ROUNDS = 40, MOST_SECONDS = 10 };

/* A job with a chunk for each thread: nobody leaves before all are there, so each does one. */
struct meeting {
	int threads;
	atomic_int there;
	atomic_int cpu[8];    /* by chunk */
	cpu_set_t mask[8];    /* by chunk */
	int caller, drive_to; /* the caller's chunk; the CPU where others are put; -1: none */
	pthread_t thread;     /* the caller */
};

static void wait_for_all(struct meeting *m)
{
	const time_t begin = time(NULL);

	atomic_fetch_add(&m->there, 1);
	while (atomic_load(&m->there) < m->threads && time(NULL) - begin < MOST_SECONDS)
		sched_yield();
}

static void meet(void *context, int chunk)
{
	struct meeting *m = context;
	cpu_set_t one;

	wait_for_all(m);
	m->cpu[chunk] = sched_getcpu();
	sched_getaffinity(0, sizeof m->mask[chunk], &m->mask[chunk]);
	if (pthread_equal(pthread_self(), m->thread)) {
		m->caller = chunk;
	} else if (m->drive_to >= 0) {
		CPU_ZERO(&one);
		CPU_SET((size_t)m->drive_to, &one);
		sched_setaffinity(0, sizeof one, &one);
	}
}

static struct meeting hold(int threads, int drive_to)
{
	struct meeting m = { .threads = threads, .drive_to = drive_to, .thread = pthread_self() };

	pool_run(threads, meet, &m);
	return m;
}

/* With the helper put on the caller's CPU again and again. */
static int rounds_apart(void)
{
	int apart = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct meeting m;

		hold(THREADS, sched_getcpu());
		m = hold(THREADS, -1);
		apart += m.cpu[0] != m.cpu[1];
		if (i % 4 == 3) /* the helper falls asleep, and is woken elsewhere */
			nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	return apart;
}

static bool same_masks(const struct meeting *m, const cpu_set_t *mask)
{
	bool same = true;

	for (int i = 0; i < m->threads; i++)
		same = same && CPU_EQUAL(&m->mask[i], mask);
	return same;
}

/* n CPUs of those that there are. */
static cpu_set_t some_of(const cpu_set_t *all, int n)
{
	cpu_set_t some;

	CPU_ZERO(&some);
	for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&some) < n; i++)
		if (CPU_ISSET(i, all))
			CPU_SET(i, &some);
	return some;
}

static void test_two(const cpu_set_t *two)
{
	struct meeting m;
	cpu_set_t both, after;
	int apart;

	sched_setaffinity(0, sizeof *two, two);
	pool_threads(THREADS);
	apart = rounds_apart();
	CHECK_THAT(apart > ROUNDS / 2, "a helper that was put on the caller's CPU is on another one after: %d rounds of %d", apart,
		   ROUNDS);
	m = hold(THREADS, -1);
	CHECK_THAT(m.there == THREADS, "each thread has a chunk");
	CHECK_THAT(CPU_EQUAL(&m.mask[m.caller], two), "the caller may be where it might before");
	CPU_AND(&both, &m.mask[1 - m.caller], two);
	CHECK_THAT(CPU_EQUAL(&both, &m.mask[1 - m.caller]), "the helper is nowhere else");
	pool_threads(3);
	m = hold(3, -1);
	m = hold(3, -1);
	CHECK_THAT(m.there == 3 && same_masks(&m, two), "three threads on two CPUs: nobody is moved");
	sched_getaffinity(0, sizeof after, &after);
	CHECK_THAT(CPU_EQUAL(&after, two), "the caller's mask does not change");
}

static void test_one(const cpu_set_t *one)
{
	struct meeting m;

	pool_stop();
	sched_setaffinity(0, sizeof *one, one);
	pool_threads(THREADS);
	for (int i = 0; i < 3; i++)
		m = hold(THREADS, -1);
	CHECK_THAT(m.there == THREADS && same_masks(&m, one), "with one CPU in the mask both threads share it");
}

int main(void)
{
	cpu_set_t all, two, one;

	CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
	two = some_of(&all, 2);
	one = some_of(&all, 1);
	if (CPU_COUNT(&two) < 2)
		tap_skip("there is one CPU here");
	else
		test_two(&two);
	test_one(&one);
	pool_stop();
	return tap_done();
}
