/* sessions.c - the files of sessions: one for each program, offered when its program has ended and not before. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "tests/screens/fake.h"
#include "tests/remove_tree.h"
#include "tests/tap.h"
#include "tui/app/sessions.h"

static bool keep(struct own_session *own, const char *prompt)
{
	struct preset doc;
	struct err err = { 0 };
	bool ok;

	fake_document(&doc);
	job_set(&doc.job.prompt, prompt);
	ok = session_keep(own, &doc, &err);
	if (!ok)
		printf("# %s\n", err.text);
	preset_done(&doc);
	return ok;
}

static int count(void)
{
	struct session_entry *list;
	int n = sessions_ended(&list);

	sessions_free(list, n);
	return n;
}

/* A program that keeps something and then lives until it is killed; NULL prompt: it ends by itself, as its user wanted. */
static pid_t other_program(const char *prompt, bool stays)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) || (pid = fork()) < 0)
		abort();
	if (!pid) {
		struct own_session own = { 0 };

		if (!keep(&own, prompt))
			_exit(1);
		if (!stays) {
			session_end(&own, false);
			_exit(0);
		}
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	return pid;
}

static void end_program(pid_t pid, int signal)
{
	if (signal)
		kill(pid, signal);
	waitpid(pid, NULL, 0);
}

static void several_programs(void)
{
	struct own_session own = { 0 };
	struct session_entry *list;
	pid_t one, two;
	int n;

	CHECK(keep(&own, "mine"));
	one = other_program("first", true);
	two = other_program("second", true);
	CHECK_THAT(count() == 0, "nothing is offered while its program lives");
	end_program(one, SIGKILL);
	CHECK_THAT(count() == 1, "what a killed program had is");
	n = sessions_ended(&list);
	session_describe(&list[0]);
	CHECK_THAT(n == 1 && !list[0].left && strstr(list[0].what, "first"), "%s", list[0].what);
	sessions_free(list, n);
	CHECK(keep(&own, "mine again"));
	end_program(two, SIGKILL);
	CHECK_THAT(count() == 2, "each has its own file");
	end_program(other_program("third", false), 0);
	n = sessions_ended(&list);
	CHECK_THAT(n == 3, "what was left on purpose can be had again, too");
	for (int i = 0; i < n; i++) {
		session_describe(&list[i]);
		CHECK_THAT(list[i].left == (strstr(list[i].what, "third") != NULL), "%s", list[i].what);
	}
	session_forget(&list[0]);
	sessions_free(list, n);
	CHECK_THAT(count() == 2, "one that was brought back is offered no more");
	session_end(&own, true);
	CHECK_THAT(count() == 2, "and one without a change leaves nothing");
}

static void age(const char *name, long seconds)
{
	char *path = paths_state(name);
	struct utimbuf then = { time(NULL) - seconds, time(NULL) - seconds };
	struct err err;

	CHECK(file_write(path, "title: x\npanes: [next-token]\n", 28, &err) && !utime(path, &then));
	free(path);
}

static void tidying(void)
{
	char name[80], *half = paths_state("sessions/a.yaml.1-0.tmp"), *lock = paths_state("sessions/b.lock"),
		       *oldest = paths_state("sessions/old-000.yaml");

	for (int i = 0; i < SESSIONS_MOST; i++) {
		snprintf(name, sizeof name, "sessions/old-%03d.yaml", i);
		age(name, 100000 - i);
	}
	age("sessions/a.yaml.1-0.tmp", 3600);
	age("sessions/b.lock", 3600);
	CHECK_THAT(count() == SESSIONS_MOST && !file_exists(oldest), "the oldest go");
	CHECK_THAT(!file_exists(half) && !file_exists(lock), "and what was only begun");
	free(half);
	free(lock);
	free(oldest);
}

/* A session's log: added to, written whole when it has grown, gone with its session. */
static void logs(void)
{
	char *folder = paths_state("sessions");
	struct question_log log = { 0 };
	struct own_session own = { 0 };
	struct session_entry *list;
	struct log_entry *entry;
	struct stat info;
	struct err err;
	char *path, *longer;
	int n, before = count();

	CHECK(keep(&own, "logged"));
	for (int i = 0; i < 3000; i++) {
		struct log_entry e = { .what = strdup("edit"), .number = strdup("1 → 2"), .bytes = 2000 };

		fake_document(&e.doc);
		job_set(&e.doc.job.prompt, "logged");
		snprintf(e.number, 6, "%d", i);
		log_push(&log, &e);
		log.unwritten++;
		if (!session_log(&own, &log, &err))
			CHECK_THAT(false, "%s", err.text);
	}
	path = malloc(strlen(own.name) + 20);
	sprintf(path, "%s.log", own.name);
	CHECK_THAT(!stat(path, &info) && info.st_size < 2 * LOG_BYTES && (info.st_mode & 077) == 0,
		   "%lld bytes after 3000 questions", (long long)info.st_size);
	log_done(&log);
	session_end(&own, false);
	n = sessions_ended(&list);
	CHECK_THAT(n == before + 1 && file_exists(path), "it stays with a session that was left");
	for (int i = 0; i < n; i++) {
		session_describe(&list[i]);
		if (!strstr(list[i].what, "logged"))
			continue;
		n = session_questions(&list[i], &entry);
		CHECK_THAT(n >= LOG_MOST && list[i].questions == n && !strcmp(entry[n - 1].number, "2999"),
			   "%d of them are read back", n);
		for (int k = 0; k < n; k++)
			log_entry_done(&entry[k]);
		free(entry);
		session_forget(&list[i]);
		break;
	}
	CHECK_THAT(!file_exists(path), "and is forgotten with it");
	sessions_free(list, before + 1);
	age("sessions/nobody.log", 3600);
	longer = paths_state("sessions/nobody.log");
	CHECK_THAT(count() == before && !file_exists(longer), "one without a session goes");
	free(longer);
	free(path);
	free(folder);
}

int main(void)
{
	char home[] = "/tmp/lmscope-sessions-XXXXXX";

	if (!mkdtemp(home) || setenv("XDG_STATE_HOME", home, 1))
		abort();
	several_programs();
	logs();
	tidying();
	remove_tree(home);
	return tap_done();
}
