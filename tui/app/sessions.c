/* sessions.c - see sessions.h. */
#include "tui/app/sessions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "engine/base/text.h"
#include "tui/app/input.h"

static const char running[] = ".yaml", left[] = ".left.yaml", locked[] = ".lock", logged[] = ".log";
enum { MINUTE = 60 };

static char *with(const char *name, const char *ending)
{
	struct str s;

	str_init(&s);
	str_addf(&s, "%s%s", name, ending);
	return str_take(&s);
}

/* ------------------------------------------------------------------------------------------------ its own */

static char *new_name(void)
{
	char file[80], when[40];
	time_t now = time(NULL);
	struct tm tm;

	strftime(when, sizeof when, "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	snprintf(file, sizeof file, "sessions/%s-%ld", when, (long)getpid());
	return paths_state(file);
}

/* Not for the programs that it starts: the lock goes with this one. */
static bool take_lock(struct own_session *s, struct err *err)
{
	char *path = with(s->name, locked);
	bool ok = file_write_soon(path, "", 0, err); /* with the folders above it */

	s->lock = ok ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (ok && s->lock < 0)
		ok = err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
	if (ok)
		/* where a file system has no locks, the file is offered too early */
		(void)flock(s->lock, LOCK_EX | LOCK_NB);
	free(path);
	return ok;
}

static bool begin(struct own_session *s, struct err *err)
{
	if (s->name)
		return true;
	if (!(s->name = new_name()))
		return err_set(err, ERR_FILE, "there is no home folder to keep the session in: set HOME or XDG_STATE_HOME");
	if (take_lock(s, err))
		return true;
	free(s->name);
	s->name = NULL;
	return false;
}

bool session_keep(struct own_session *s, const struct preset *doc, struct err *err)
{
	struct str yaml;
	char *path;
	bool ok;

	if (!begin(s, err))
		return false;
	str_init(&yaml);
	preset_print(doc, &yaml);
	path = with(s->name, running);
	ok = file_write_soon(path, yaml.s, yaml.n, err);
	free(path);
	str_done(&yaml);
	return ok;
}

/* In one write, so that a program that is killed leaves whole lines, or at worst half of the last. */
static bool append(const char *path, const struct str *text, struct err *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && file_append(fd, text->s, text->n);

	if (!ok)
		err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

bool session_log(struct own_session *s, struct question_log *log, struct err *err)
{
	bool whole = log->merged || s->logged > 2 * (log->bytes + LOG_BYTES / 8);
	struct str text;
	char *path;
	bool ok;

	if (!begin(s, err))
		return false;
	str_init(&text);
	for (int i = whole ? 0 : log->n - log->unwritten; i < log->n; i++) {
		if (!log->entry[i].at)
			log->entry[i].at = (long long)time(NULL);
		log_print(&log->entry[i], &text);
	}
	path = with(s->name, logged);
	ok = whole ? file_write_soon(path, text.s, text.n, err) : append(path, &text, err);
	if (ok)
		s->logged = whole ? text.n : s->logged + text.n;
	log->merged = false;
	log->unwritten = 0; /* also when it failed: the next try may be no better */
	free(path);
	str_done(&text);
	return ok;
}

void session_end(struct own_session *s, bool worthless)
{
	char *file, *after, *lock, *log;

	if (!s->name)
		return;
	file = with(s->name, running);
	after = with(s->name, left);
	lock = with(s->name, locked);
	log = with(s->name, logged);
	(void)(worthless ? unlink(file) : rename(file, after));
	if (worthless)
		unlink(log);
	unlink(lock);
	close(s->lock);
	free(file);
	free(after);
	free(lock);
	free(log);
	free(s->name);
	s->name = NULL;
}

/* ------------------------------------------------------------------------------------------------ others' */

/* The path of a file of the same session. */
static char *beside(const struct session_entry *s, const char *ending)
{
	char *name = xstrdup(s->path), *path;

	name[strlen(name) - strlen(s->left ? left : running)] = '\0';
	path = with(name, ending);
	free(name);
	return path;
}

static bool is_alive(const char *name)
{
	char *path = with(name, locked);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool alive = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	free(path);
	return alive;
}

void session_forget(const struct session_entry *s)
{
	char *lock = beside(s, locked), *log = beside(s, logged);

	unlink(s->path);
	unlink(lock);
	unlink(log);
	free(lock);
	free(log);
}

/* The whole log; heap, NULL when there is none. */
static char *read_log(const struct session_entry *s, size_t *n)
{
	enum { MOST = 8 * LOG_BYTES };
	char *path = beside(s, logged), *bytes = NULL;
	struct err err;

	if (file_exists(path))
		bytes = file_read(path, MOST, n, &err);
	free(path);
	return bytes;
}

int session_questions(const struct session_entry *s, struct log_entry **entries)
{
	size_t size = 0;
	char *bytes = read_log(s, &size);
	int n = log_read(bytes, size, entries);

	free(bytes);
	return n;
}

static int count_questions(const struct session_entry *s)
{
	size_t size = 0;
	char *bytes = read_log(s, &size);
	int n = 0;

	for (size_t i = 0; i < size; i++)
		n += bytes[i] == '\n';
	free(bytes);
	return n;
}

/*
 * What a program left that was ended while it wrote: a lock or a log without a session, half a file. One that begins just now is
 * not touched.
 */
static void sweep(const char *path, const struct stat *info)
{
	const char *ending = text_ends(path, locked) ? locked : text_ends(path, logged) ? logged : NULL;
	char *name, *session, *ended;

	if (time(NULL) - info->st_mtime < MINUTE)
		return;
	if (text_ends(path, ".tmp"))
		unlink(path);
	if (!ending)
		return;
	name = xstrdup(path);
	name[strlen(name) - strlen(ending)] = '\0';
	session = with(name, running);
	ended = with(name, left);
	if (!file_exists(session) && (ending == locked || !file_exists(ended)) && !is_alive(name))
		unlink(path);
	free(ended);
	free(session);
	free(name);
}

/* Whether the file is a session's that has ended. */
static bool has_ended(const char *path, bool *was_left)
{
	char *name;
	bool alive;

	*was_left = text_ends(path, left);
	if (*was_left || !text_ends(path, running))
		return *was_left;
	name = xstrdup(path);
	name[strlen(name) - strlen(running)] = '\0';
	alive = is_alive(name);
	free(name);
	return !alive;
}

static int newest_first(const void *a, const void *b)
{
	const struct session_entry *x = a, *y = b;

	return x->changed != y->changed ? (x->changed < y->changed) - (x->changed > y->changed) : strcmp(y->path, x->path);
}

int sessions_ended(struct session_entry **list)
{
	char *folder = paths_state("sessions");
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;
	int n = 0;

	*list = NULL;
	while (dir && (entry = readdir(dir))) {
		char *path = file_join(folder, entry->d_name);
		struct stat info;
		bool was_left;

		if (*entry->d_name == '.' || stat(path, &info) || !S_ISREG(info.st_mode)) {
			free(path);
		} else if (has_ended(path, &was_left)) {
			*list = xrealloc(*list, (size_t)(n + 1) * sizeof **list);
			(*list)[n++] = (struct session_entry){ .path = path, .changed = info.st_mtime, .left = was_left };
		} else {
			sweep(path, &info);
			free(path);
		}
	}
	if (dir)
		closedir(dir);
	free(folder);
	if (n)
		qsort(*list, (size_t)n, sizeof **list, newest_first);
	for (; n > SESSIONS_MOST; n--) {
		session_forget(&(*list)[n - 1]);
		free((*list)[n - 1].path);
	}
	return n;
}

void sessions_free(struct session_entry *list, int n)
{
	for (int i = 0; i < n; i++) {
		free(list[i].path);
		free(list[i].what);
	}
	free(list);
}

static void describe_document(const struct preset *doc, struct str *out)
{
	enum { PROMPT = 48 };
	const char *model = doc->job.model ? doc->job.model : "demo", *slash = strrchr(model, '/');

	str_add(out, " · ");
	text_window(doc->job.prompt, strlen(doc->job.prompt), PROMPT, out);
	if (doc->job.edits)
		str_addf(out, " · %d edit%s", doc->job.edits, doc->job.edits == 1 ? "" : "s");
	if (strcmp(model, "demo"))
		str_addf(out, " · %s", slash && slash[1] ? slash + 1 : model);
}

void session_describe(struct session_entry *s)
{
	time_t changed = (time_t)s->changed;
	struct preset doc;
	struct err err;
	struct str out;
	char when[40];
	struct tm tm;

	if (s->what)
		return;
	str_init(&out);
	strftime(when, sizeof when, "%e %b %H:%M", localtime_r(&changed, &tm));
	str_add(&out, when + (*when == ' '));
	if (preset_open(s->path, &doc, NULL, &err)) {
		describe_document(&doc, &out);
		preset_done(&doc);
	} else {
		str_addf(&out, " · %s", err.text);
	}
	s->questions = count_questions(s);
	s->what = str_take(&out);
}
