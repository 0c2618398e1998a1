/*
 * creep.c - [ACTIONS [worker]]: memory does not creep. A day's mixed actions, 100,000 of them: the heap in use at their end is
 * about what it was after the first tenth, and so is what the process has of the system. The fake worker answers; with "worker" the
 * real one does, on the demo model, which takes minutes and is not in the suite.
 */
#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include "tests/screens/stage.h"

/* Names of keys; %d: a number, so that texts, edits, arguments and searches are others each time. */
/* clang-format off */
static const char *const moves[] = {
	"Down", "Up", "Left", "Right", "Down", "Up", "Left", "Right", "PgDn", "Home", "End", "Tab", "S-Tab", "[", "]", "{", "}",
		"(", ")", "1", "2", "3", "<", ">", "n", "N",
	"Space", ".", "u", "U", "C-r", "z", "v", "0", "+", "-", "M-Right", "Click@30,12", "WheelDown@50,20", "Click@90,30",
};
static const char *const deeds[] = {
	"Space", ".", "T", "u", "u", "U", "C-r", "d", "D", "g", "g", "i Esc", "Enter Esc", "a Enter", "X", "X",
		"s Right Down Right Esc", "E Space Esc", "E Delete Esc",
	"E Right Right Esc", "E C-o Esc", "S Esc", "y", "Y", "C-y", "e '%d Enter",
		"e Backspace Backspace Backspace Backspace Enter", "e C-u '%d_two_three_four Enter",
	"e 'x%d Esc", "e C-w C-w C-y Enter", "f '_%d Enter", "f C-u Enter", "m C-u 'logit_\"_w%d\" Enter", "m C-u Enter",
		"/ '%d Enter", "/ 'Pa Enter", "b a", "' a", "b b",
	"' '", "c C-u '%d Enter", "c C-u Enter", "w Esc", "o Esc", "Esc Esc", "F2", "C-l",
};
static const char *const rare[] = {
	": 'edit_head_2.1_scale_%d Enter", ": 'edit_head_%d.1_zero Enter", ": 'clear Enter", ": 'nonsense%d Enter",
		": 'metric_bogus%d Enter", ": 'set_layer=%d Enter",
	": 'below_next-token Enter", ": 'generate_3 Enter", ": 'messages Enter Esc", ": Tab Tab Esc", "? Down Esc", "C-p Down Esc",
		"t Down Enter", "M Esc",
};
/* clang-format on */
#define ONE_OF(list, dice) list[(dice) % (sizeof(list) / sizeof *(list))]

static struct worker *worker; /* NULL: the fake one answers */
static unsigned dice = 1;

static unsigned roll(void)
{
	dice = dice * 1664525u + 1013904223u;
	return dice >> 8;
}

static void serve(struct stage *s)
{
	struct request r;

	if (!worker) {
		fake_serve(&s->fake, &s->app);
		return;
	}
	while (app_take(&s->app, &r)) {
		if (r.kind == REQUEST_ASK)
			app_asked(&s->app, worker_ask(worker, &s->app.asked));
		free(r.text);
	}
	app_snapshot(&s->app, worker_look(worker));
}

/* Most answers of the real worker are awaited for a moment, some until all is there, and some are not. */
static void await_answers(struct stage *s, unsigned number)
{
	struct pollfd news = { .fd = worker ? worker_fd(worker) : -1, .events = POLLIN };

	for (int i = number % 100 ? (int)(number % 4) : 1000; worker && i > 0 && app_busy(&s->app); i--) {
		(void)poll(&news, 1, 20);
		serve(s);
	}
}

/* The fake worker answers each letter; the real one what has been typed. */
static bool press_key(struct stage *s, const char *name)
{
	struct key key;

	if (!worker)
		return fake_key(&s->fake, &s->app, name);
	if (*name != '\'') {
		if (!fake_parse(name, &key))
			return false;
		app_event(&s->app, &key);
		return true;
	}
	while (*++name)
		app_event(&s->app, &(struct key){ .kind = K_CHAR, .c = *name == '_' ? ' ' : *name });
	return true;
}

static void act(struct stage *s, unsigned number)
{
	const unsigned kind = roll() % 100;
	const char *pattern = kind < 94 ? ONE_OF(moves, roll()) : kind < 99 ? ONE_OF(deeds, roll()) : ONE_OF(rare, roll());
	char keys[200];

	snprintf(keys, sizeof keys, pattern, (int)(number % 100000));
	for (char *name = keys, *end; name && *name; name = end) {
		if ((end = strchr(name, ' ')))
			*end++ = '\0';
		if (!press_key(s, name))
			CHECK_THAT(false, "\"%s\" is a key", name);
	}
	app_tick(&s->app, 1000 + 50 * (long)number);
	serve(s);
	await_answers(s, number);
	if (number % 250 == 0)
		app_draw(&s->app, &s->canvas);
}

static size_t heap_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static size_t resident(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void a_days_work(unsigned all)
{
	const size_t heap_slack = (size_t)(worker ? 32 : 2) << 20, slack = (size_t)(worker ? 64 : 4) << 20;
	size_t heap = 0, rss = 0;
	struct stage s;

	raise_curtain(&s);
	for (unsigned i = 1; i <= all; i++) {
		act(&s, i);
		if (i == all / 10) {
			heap = heap_in_use();
			rss = resident();
		}
		if (i % (all / 10) == 0)
			printf("# %u actions: %zu kB in use, %zu kB resident; steps to undo %d and %d, %d panes, %d edits, %d "
			       "notes\n",
			       i, heap_in_use() >> 10, resident() >> 10, s.app.undo.past.n, s.app.looks_undo.past.n,
			       s.app.doc.job.panes, s.app.doc.job.edits, s.app.doc.places);
	}
	CHECK_THAT(heap_in_use() < heap + heap_slack, "after %u actions %zu kB are in use; after a tenth of them it was %zu kB",
		   all, heap_in_use() >> 10, heap >> 10);
	CHECK_THAT(resident() < rss + slack, "after %u actions %zu kB are resident; after a tenth of them it was %zu kB", all,
		   resident() >> 10, rss >> 10);
	drop_curtain(&s);
}

/*
 * Texts of arguments are kept for good (intern.h). Each that is another one costs a little more than itself, and the same
 * nothing.
 */
static void typed_arguments(void)
{
	enum { TEXTS = 100000, OVERHEAD = 40 };
	size_t before, after[2], typed = 0;
	struct job_pane pane;
	struct err err;
	char text[40];
	bool ok = true;

	job_pane_init(&pane, analysis_find("integrated-gradients"));
	before = heap_in_use();
	for (int again = 0; again < 2; again++) {
		for (int i = 0; i < TEXTS; i++) {
			int n = snprintf(text, sizeof text, "token= the word %d", i);

			typed += again ? 0 : (size_t)n - strlen("token=");
			ok &= job_pane_set(&pane, text, &err);
		}
		after[again] = heap_in_use();
	}
	printf("# %d texts of %zu bytes: %zu bytes in use\n", TEXTS, typed, after[0] - before);
	CHECK_THAT(ok && after[0] - before > typed && after[0] - before < typed + (size_t)TEXTS * OVERHEAD,
		   "%d texts that were typed, %zu bytes, take %zu", TEXTS, typed, after[0] - before);
	CHECK_THAT(after[1] < after[0] + 4096, "and typed again they take nothing more");
}

int main(int argc, char **argv)
{
	struct err err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (INSTRUMENTED) {
		tap_skip("sanitizers have a heap of their own, in which what is freed stays for a while");
		return tap_done();
	}
	if (argc > 2 && !(worker = worker_new(&err))) {
		CHECK_THAT(false, "%s", err.text);
		return tap_done();
	}
	typed_arguments();
	a_days_work(argc > 1 ? (unsigned)atoi(argv[1]) : 100000);
	if (worker)
		worker_free(worker);
	return tap_done();
}
