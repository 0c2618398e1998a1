/* monkey_told.c - see monkey.h: what the program tells, and whether it holds. */
#include "tests/pty/monkey.h"

#include "tests/pty/monkey_waits.h"

#include <glob.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* A change is saved after so long at the latest (tui/app/remember.c). */
enum { SAVED_MS = 1500 };

/* ---- what the program tells ---- */

void monkey_take_doc(const char *yaml)
{
	struct told *t = &monkey.told;

	free(t->doc[DOCS - 1].yaml);
	memmove(&t->doc[1], &t->doc[0], sizeof t->doc - sizeof *t->doc);
	t->doc[0].yaml = yaml ? strdup(yaml) : NULL;
	t->doc[0].from = pty_now();
}

double monkey_waited_since(double before)
{
	double ms = waits_ms(pty_program(monkey.pty)) - before;

	return ms > 0 ? ms : 0;
}

static void take_line(char *line)
{
	struct told *t = &monkey.told;
	int idle, whole;
	unsigned frames, probes;
	long age;

	if (sscanf(line, "frame %u probes=%u age=%ld idle=%d whole=%d", &frames, &probes, &age, &idle, &whole) == 5) {
		t->unanswered_frames = t->unanswered_now ? t->unanswered_frames : 0;
		t->unanswered_now = false;
		t->frames = frames;
		t->probes = probes;
		t->idle = idle;
		t->age = age;
		if (whole) {
			t->at = pty_now();
			t->age_then = age;
			t->waited = waits_ms(pty_program(monkey.pty));
			t->wrong = false;
		}
	} else if (sscanf(line, "key %u", &probes) == 1) {
		t->keys = probes;
	} else if (!strncmp(line, "unanswered ", 11)) {
		t->unanswered_frames++;
		t->unanswered_now = true;
		snprintf(t->what, sizeof t->what, "%.8000s", line + 11);
	} else if (!strncmp(line, "doc ", 4)) {
		monkey_take_doc(line + 4);
	} else if ((!strncmp(line, "pane ", 5) || !strncmp(line, "before ", 7)) && !t->wrong) {
		t->wrong = true;
		snprintf(t->what, sizeof t->what, "%.8000s", line);
	}
}

void monkey_listen(void)
{
	struct told *t = &monkey.told;
	ssize_t n;
	char *end;

	while ((n = read(t->fd, t->line + t->n, sizeof t->line - 1 - t->n)) > 0) {
		t->n += (size_t)n;
		t->line[t->n] = '\0';
		while ((end = memchr(t->line, '\n', t->n))) {
			*end = '\0';
			take_line(t->line);
			t->n -= (size_t)(end + 1 - t->line);
			memmove(t->line, end + 1, t->n);
		}
		if (t->n == sizeof t->line - 1) { /* a line too long to be of interest */
			t->n = 0;
			monkey_take_doc(NULL);
		}
	}
}

/* ---- the session ---- */

/* The session's file of the program, line breaks as in the witness's lines: heap; NULL: there is none. */
static char *read_session(void)
{
	char pattern[200], *bytes = NULL;
	size_t n = 0;
	glob_t files;
	FILE *in, *out;

	snprintf(pattern, sizeof pattern, "%s/.local/state/lmscope/sessions/*-%d*.yaml", monkey.home, (int)pty_program(monkey.pty));
	if (!glob(pattern, 0, NULL, &files) && (in = fopen(files.gl_pathv[0], "r"))) {
		out = open_memstream(&bytes, &n);
		for (int c; (c = getc(in)) != EOF;)
			if (c == '\n')
				fputs("%0a", out);
			else
				putc(c, out);
		fclose(in);
		fclose(out);
	}
	globfree(&files);
	return bytes;
}

bool monkey_session_is_kept(void)
{
	char *saved = read_session();
	bool kept = saved != NULL;

	free(saved);
	return kept;
}

bool monkey_session_is_state(int ms)
{
	const struct told *t = &monkey.told;
	char *saved = read_session();
	bool same = false;

	for (int i = 0; i < DOCS && !same; i++) {
		if (i && t->doc[i - 1].from < pty_now() - ms) /* replaced before that */
			break;
		same = !t->doc[i].yaml || (saved ? !strcmp(saved, t->doc[i].yaml) : ms && pty_now() - t->doc[i].from < ms);
		if (!ms)
			break;
	}
	if (!same && !saved)
		monkey_found("the session was not saved");
	if (!same && saved) {
		size_t at = 0;

		while (saved[at] && saved[at] == t->doc[0].yaml[at])
			at++;
		at -= at < 40 ? at : 40;
		monkey_found("the saved session is not the state: …%.200s… for …%.200s…", saved + at, t->doc[0].yaml + at);
	}
	free(saved);
	return same;
}

bool monkey_session_was_state(void)
{
	return monkey_session_is_state((int)(monkey_allowed(SAVED_MS + 500) + monkey.limit));
}

/* ---- waiting ---- */

bool monkey_runs(void)
{
	int code;

	return pty_state(monkey.pty, &code) == PTY_RUNNING;
}

void monkey_hear(int64_t deadline)
{
	struct pollfd fds[] = { { pty_fd(monkey.pty), POLLIN, 0 }, { monkey.told.fd, POLLIN, 0 } };
	int64_t left = deadline - pty_now();

	if (poll(fds, 2, left > 20 ? 20 : left > 0 ? (int)left : 0) > 0 && (fds[1].revents & POLLIN))
		monkey_listen();
	while (pty_read(monkey.pty, pty_now()))
		;
}

static bool panes_are_true(void)
{
	const struct told *t = &monkey.told;
	long age = t->age_then + (long)(pty_now() - t->at), limit = monkey_allowed(STALE_MS + VIEWS_MS) + monkey.limit;

	/* told only when the newest question's answer is there: what it refuses is put back before a frame is drawn */
	if (t->unanswered_frames > 2)
		return monkey_found("in %d frames the question is the document's, and cannot be answered: %s", t->unanswered_frames,
				    t->what);
	if (!t->wrong || age <= limit || pty_now() < t->blind_until)
		return true;
	age -= (long)monkey_waited_since(t->waited);
	return age <= limit ||
	       monkey_found("%ld ms after the question a pane shows numbers of another one, and does not say so: %s", age, t->what);
}

bool monkey_live(int ms)
{
	int64_t deadline = pty_now() + ms;

	do
		monkey_hear(deadline);
	while (pty_now() < deadline && monkey_runs() && panes_are_true());
	return panes_are_true();
}

bool monkey_rest(void)
{
	int64_t deadline = pty_now() + REST_MS;

	while (pty_now() < deadline && monkey_runs())
		if (!monkey_live(300) || (monkey.told.idle && pty_now() - monkey.told.at > 250))
			break;
	return !*monkey.why && (!monkey_runs() || monkey_session_was_state());
}

double monkey_probe(void)
{
	double before = waits_ms(pty_program(monkey.pty)), took;
	int64_t start = pty_now();

	pty_key(monkey.pty, "F9");
	monkey.probes++;
	while (monkey_runs() && monkey.told.probes < monkey.probes && pty_now() < start + monkey_allowed(PATIENCE_MS)) {
		int64_t from = pty_now();

		monkey_hear(start + monkey_allowed(PATIENCE_MS));
		before -= waits_for_disk(pty_program(monkey.pty)) ? (double)(pty_now() - from) : 0;
	}
	took = (double)(pty_now() - start) - monkey_waited_since(before);
	return !monkey_runs() || monkey.told.probes < monkey.probes ? -1 : took > 0 ? took : 0;
}

bool monkey_key_is_answered(void)
{
	double took = monkey_probe();

	if (!monkey_runs())
		return true;
	monkey.answered++;
	if (took < 0)
		return monkey_found("a key was not answered within %ld s", monkey_allowed(PATIENCE_MS) / 1000);
	monkey.worst = took > monkey.worst ? took : monkey.worst;
	return took <= (double)monkey.limit ||
	       monkey_found("a key was answered after %.0f ms; at most %ld are allowed here", took, monkey.limit);
}
