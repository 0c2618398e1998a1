/* print.c - `lmscope print`: tables without a screen. The same session that answers the screen, asked directly. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/intern.h"
#include "engine/base/task.h"
#include "engine/session/parts.h"
#include "engine/session/session.h"
#include "engine/session/snapshot.h"
#include "tui/cli/check.h"
#include "tui/cli/command.h"
#include "tui/cli/say.h"
#include "tui/draw/text.h"
#include "tui/figure/figure.h"
#include "tui/figure/sheet.h"
#include "tui/views/view.h"

/* The technique's name and the model from the words of the command line. */
static bool take_words(struct options *o, struct err *err)
{
	struct job *job = &o->preset.job;
	int used = 0;

	if (!o->from_preset) {
		const struct analysis *a;

		if (!o->words)
			return err_set(err, ERR_USAGE, "print: which technique? `lmscope analyses` lists them");
		if (!(a = analysis_find(o->word[used++]))) {
			struct str near;

			str_init(&near);
			analysis_suggest(o->word[0], &near);
			err_set(err, ERR_USAGE, "print: there is no technique \"%s\"%s%s; `lmscope analyses` lists them",
				o->word[0], near.n ? "; did you mean " : "", near.s);
			str_done(&near);
			return false;
		}
		job_pane_init(&job->pane[0], a);
		job->panes = 1;
	}
	if (used < o->words)
		job_set(&job->model, o->word[used++]);
	if (used < o->words)
		return err_set(err, ERR_USAGE, "print: unexpected argument \"%s\"", o->word[used]);
	for (int p = 0; p < job->panes; p++) {
		for (int i = 0; i < o->sets; i++)
			if (!job_pane_set(&job->pane[p], o->set[i], err))
				return false;
		if (o->shown != SHOWN_RUN)
			job->pane[p].shown = o->shown;
		if (o->over)
			job->pane[p].over = intern(o->over);
		if (o->view)
			job->pane[p].view = (struct job_view){ .name = o->view };
	}
	return true;
}

/* The argument of a technique that is typed with a dimension; -1 when it has none. */
static int argument_of(const struct analysis *a, enum dim dim)
{
	for (int i = 0; i < param_count(a->params); i++)
		if (a->params[i].dim == dim)
			return i;
	return -1;
}

struct printing {
	struct session *session;
	struct options *o;
	struct notes notes;
	struct theme *theme; /* of the format; owned */
	double metric, unedited;
	struct dataset_files files; /* of a mean over prompts */
	bool alone;		    /* no pane reads the prompt: each is such a mean, or a training */
};

static bool is_text(const struct options *o)
{
	return !strcmp(o->format->word, "text");
}

/* A view that was asked for by name is one that this table has. */
static bool has_view(const struct options *o, const struct table *t, struct err *err)
{
	const enum view_id wanted = o->view ? view_find(o->view) : VIEW_OWN;
	struct str fit;

	if (wanted == VIEW_OWN || view_for(t, wanted) == wanted)
		return true;
	str_init(&fit);
	for (int i = VIEW_OWN + 1; i < VIEW_COUNT; i++)
		if (view_for(t, (enum view_id)i) == (enum view_id)i)
			str_addf(&fit, "%s%s", fit.n ? ", " : "", view_words[i]);
	err_set(err, ERR_USAGE, "--view: this table of %s cannot be drawn as %s; it can as %s", t->analysis, o->view, fit.s);
	str_done(&fit);
	return false;
}

static void say_table(const struct options *o, const struct str *out)
{
	static const struct {
		const char *format;
		void (*say)(const struct str *out);
	} ways[] = { { "text", say_text }, { "json", say_json }, { "ans", say_painted } };
	void (*say)(const struct str *out) = say_data;

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (!strcmp(o->format->word, ways[i].format))
			say = ways[i].say;
	say(out);
}

/* How far the work is, where somebody watches: told at each of its steps, on the thread that works. */
static struct task watched;
static const char *watched_what, *watched_of;

static void show_steps(void *context)
{
	static time_t last;
	int done = atomic_load(&watched.done), total = atomic_load(&watched.total);
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (total && now.tv_sec * 5 + now.tv_nsec / 200000000 != last) { /* five times a second */
		last = now.tv_sec * 5 + now.tv_nsec / 200000000;
		say_progress("%s: %d of %d%s", watched_what, done, total, watched_of);
	}
	atomic_store(&watched.call, true);
}

static struct task *watch(const char *what)
{
	watched_what = what;
	watched_of = "";
	watched.called = show_steps;
	atomic_store(&watched.done, 0);
	atomic_store(&watched.total, 0);
	atomic_store(&watched.call, true);
	say_progress("%s …", what);
	return &watched;
}

/* Writes an answer with its question, as it was prepared last. */
static void write_answer(struct printing *p, struct answer *answer)
{
	struct snapshot *of = xcalloc(1, sizeof *of);
	struct str out;

	str_init(&out);
	snapshot_describe(of, p->session);
	of->metric = p->metric;
	of->metric_unedited = p->unedited;
	answer->job = &p->o->preset.job;
	answer->of = of;
	(p->o->view && is_text(p->o) ? sheet_text : p->o->format->table)(answer, p->theme, &out);
	say_table(p->o, &out);
	str_done(&out);
	snapshot_free(of);
}

/* What takes long says so beforehand. */
static void say_forecast(const struct printing *p, int i)
{
	enum { LONG_SECONDS = 5 };
	const struct job_pane *pane = &p->o->preset.job.pane[i];
	const struct forecast f = session_forecast(p->session, pane);
	struct str text;

	if (f.seconds < LONG_SECONDS)
		return;
	str_init(&text);
	str_addf(&text, "%s: ", pane->analysis->name);
	text_forecast(&f, &text);
	say_sentence(text.s);
	str_done(&text);
}

/* An interrupted mean: what of it is kept. */
static void explain_interrupt(const struct printing *p, struct err *err)
{
	if (p->files.resume)
		err_set(err, ERR_CANCELLED, "interrupted; %s has what is done; the same command resumes from there",
			p->files.resume);
	else
		err_set(err, ERR_CANCELLED, "interrupted after %d prompts; with --resume FILE they would have been kept",
			atomic_load(&watched.done));
}

static struct table *answer_pane(struct printing *p, int i, struct err *err)
{
	const struct job_pane *pane = &p->o->preset.job.pane[i];
	struct task *task = watch(pane->analysis->name);
	struct table *t;

	watched_of = pane->over ? " prompts" : "";
	t = session_answer(p->session, i, task, &p->notes, err);
	say_progress_end();
	if (!t && err->kind == ERR_CANCELLED && pane->over)
		explain_interrupt(p, err);
	return t;
}

static bool print_pane(struct printing *p, int i, struct err *err)
{
	struct answer answer = { .pane = &p->o->preset.job.pane[i] };
	struct table *t, *before;
	struct err none = { 0 };

	say_forecast(p, i);
	answer.table = t = answer_pane(p, i, err);
	if (!t)
		return preset_place_pane(&p->o->preset, i, err);
	if (!has_view(p->o, t, err)) {
		table_unref(t);
		return false;
	}
	if (answer.pane->analysis->makes && t->footnote && strcmp(p->o->format->word, "text"))
		say_sentence(t->footnote); /* where it is */
	/* A picture shows how bars were before the edits; without that it is still right. */
	before = p->theme && figure_shows_before(&answer) ? session_before(p->session, i, &watched, &p->notes, &none) : NULL;
	answer.before = before;
	write_answer(p, &answer);
	table_unref(before);
	table_unref(t);
	return true;
}

/* The model, and the prompt's runs where a pane asks for them. */
static bool get_ready(struct printing *p, struct err *err)
{
	const struct job *job = &p->o->preset.job;
	bool ok;

	if (p->alone)
		ok = session_open(p->session, job, watch("the model"), &p->notes, err);
	else
		ok = session_prepare(p->session, job, watch("the prompt's run"), &p->notes, err);
	say_progress_end();
	return ok;
}

/* Once for every value of the dimensions of --each, the last one running fastest. */
static bool print_each(struct printing *p, int pane, int depth, struct err *err)
{
	struct job_pane *q = &p->o->preset.job.pane[pane];
	int arg, n;

	if (depth >= p->o->eaches || depth == EACH_MOST)
		return get_ready(p, err) && print_pane(p, pane, err);
	arg = argument_of(q->analysis, p->o->each[depth]);
	if (arg < 0)
		return err_set(err, ERR_USAGE, "--each: %s has no argument that is a %s", q->analysis->name,
			       dim_word(p->o->each[depth]));
	n = dim_extent(&session_model(p->session)->config, p->alone ? 0 : session_run(p->session)->T, p->o->each[depth]);
	if (!n)
		return err_set(err, ERR_USAGE, "--each: the prompts of a file have no %s in common", dim_word(p->o->each[depth]));
	for (int i = 0; i < n; i++) {
		q->args[arg] = value_number(i);
		q->given[arg] = true;
		if (!print_each(p, pane, depth + 1, err))
			return false;
	}
	return true;
}

/* Ctrl-C ends the work at the next layer, so that a sentence can say what is kept; a second one ends the program. */
static void interrupt(int number)
{
	(void)number;
	atomic_store(&watched.stop, true);
}

static void listen_to_interrupts(void)
{
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND }, NULL);
}

/* Work whose file holds what is done when it is interrupted, or could. */
static bool keeps_what_is_done(const struct job *job)
{
	bool keeps = false;

	for (int i = 0; i < job->panes; i++)
		keeps |= job->pane[i].analysis->makes || job->pane[i].over;
	return keeps;
}

static bool print_panes(struct printing *p, struct err *err)
{
	struct options *o = p->o;
	bool ok;

	if (keeps_what_is_done(&o->preset.job))
		listen_to_interrupts();
	ok = get_ready(p, err) || preset_place_fault(&o->preset, session_fault(p->session), err);
	ok = ok && (p->alone || session_metric_values(p->session, &p->metric, &p->unedited, &watched, err));
	if (ok && o->check)
		return check_print(p->session, o, p->metric, &p->notes, err);
	for (int i = 0; ok && i < o->preset.job.panes; i++)
		ok = print_each(p, i, 0, err);
	return ok;
}

/* Of the formats that have colours. */
static bool open_theme(struct printing *p, struct err *err)
{
	const struct format *f = p->o->format;

	if (f->depth == DEPTH_MONO && !p->o->view)
		return true;
	p->theme = format_theme(f, p->o->theme, &p->notes, err);
	return p->theme || (err->kind = ERR_USAGE, false);
}

/* Options that say nothing beside each other. */
static bool go_together(const struct options *o, struct err *err)
{
	if (o->view && (o->json || !strcmp(o->format->word, "csv")))
		return err_set(err, ERR_USAGE, "--view: %s is the numbers alone; -f text, svg and ans are drawn", o->format->word);
	if (o->theme && !o->view && o->format->depth == DEPTH_MONO)
		return err_set(err, ERR_USAGE, "--theme: %s has no colours; -f svg and ans have",
			       o->json ? "json" : o->format->word);
	if (o->check && (o->over || o->eaches))
		return err_set(err, ERR_USAGE, "--check: of one prompt, without --over and --each");
	if (o->check && strcmp(o->format->word, "text") && !o->json)
		return err_set(err, ERR_USAGE, "-f: --check writes text or json, not %s", o->format->word);
	if (o->shards && !o->resume)
		return err_set(err, ERR_USAGE, "--shard: into which file? name it with --resume");
	return true;
}

/* Panes that read no run of the prompt need none: it may be empty where the model puts no mark before it. */
static bool reads_prompt(const struct job *job)
{
	for (int i = 0; i < job->panes; i++)
		if (!job->pane[i].over && (job_pane_reads_run(&job->pane[i]) || job->pane[i].shown != SHOWN_RUN))
			return true;
	return false;
}

static bool all_over(const struct job *job)
{
	int over = 0;

	for (int i = 0; i < job->panes; i++)
		over += job->pane[i].over != NULL;
	return over == job->panes;
}

/* A file of parts is of one mean. */
static bool one_mean(const struct options *o, struct err *err)
{
	if (!o->resume)
		return true;
	if (!all_over(&o->preset.job))
		return err_set(err, ERR_USAGE, "--resume: there is nothing to resume without --over");
	return (o->preset.job.panes == 1 && !o->eaches) ||
	       err_set(err, ERR_USAGE, "--resume: one technique at a time, without --each");
}

/* All that is asked, as a preset: files of parts are for this question alone, and merge asks it again. */
static void write_question(const struct options *o, struct str *out)
{
	struct preset question;

	preset_init(&question);
	job_done(&question.job);
	job_copy(&question.job, &o->preset.job);
	preset_print(&question, out);
	preset_done(&question);
}

/* The question is in o->preset. */
static bool print_all(struct options *o, struct dataset_files *files, struct err *err)
{
	struct printing p = { .o = o, .files = *files, .alone = !o->check && !reads_prompt(&o->preset.job) };
	bool ok;

	if (!open_theme(&p, err))
		return false;
	p.session = session_new();
	session_files(p.session, files);
	ok = print_panes(&p, err);
	if (ok) /* else the one sentence that counts is the error's */
		command_say_notes(&p.notes);
	notes_done(&p.notes);
	session_free(p.session);
	theme_free(p.theme);
	return ok;
}

/* Of a preset's panes the one that was asked for. A figure is of one: two documents in one file are none. */
static bool choose_pane(struct options *o, struct err *err)
{
	struct job *job = &o->preset.job;
	const bool figure = !strcmp(o->format->word, "svg");

	if (o->pane > job->panes)
		return err_set(err, ERR_USAGE, "--pane: the preset has %d, not %d", job->panes, o->pane);
	if (o->pane) {
		job->pane[0] = job->pane[o->pane - 1];
		job->panes = 1;
	}
	if (figure && o->eaches)
		return err_set(err, ERR_USAGE, "-f %s: a figure is of one table, and --each makes several", o->format->word);
	return !figure || job->panes == 1 ||
	       err_set(err, ERR_USAGE, "-f %s: a figure is of one pane, and the preset has %d; --pane 1 … %d chooses",
		       o->format->word, job->panes, job->panes);
}

bool command_print(struct options *o, struct err *err)
{
	struct dataset_files files = { .resume = o->resume, .shard = o->shard, .shards = o->shards };
	struct str question;
	bool ok;

	if (!go_together(o, err) || !take_words(o, err) || !choose_pane(o, err) || !one_mean(o, err))
		return false;
	str_init(&question);
	write_question(o, &question);
	files.question = question.s;
	ok = print_all(o, &files, err);
	str_done(&question);
	return ok;
}

/* What the first file was made for; the others must be of the same. */
static bool take_question(struct options *o, const char *path, struct parts_of *of, struct err *err)
{
	struct parts_file *p = parts_read(path, of, err);

	if (!p)
		return false;
	parts_close(p);
	preset_done(&o->preset);
	if (!preset_parse(of->question, strlen(of->question), path, &o->preset, &o->notes, err)) {
		preset_init(&o->preset);
		return false;
	}
	return (o->preset.job.panes == 1 && o->preset.job.pane[0].over) ||
	       err_set(err, ERR_FILE, "%s: its question is not about a file of prompts", path);
}

bool command_merge(struct options *o, struct err *err)
{
	struct dataset_files files = { .merge = o->word, .merges = o->words };
	struct parts_of of = { 0 };
	bool ok;

	if (!o->words)
		return err_set(err, ERR_USAGE, "merge: which files? one of each --shard");
	ok = take_question(o, o->word[0], &of, err);
	files.question = of.question;
	ok = ok && (!o->notes.n || err_set(err, ERR_FILE, "%s", o->notes.line[0])) && print_all(o, &files, err);
	parts_of_done(&of);
	return ok;
}
