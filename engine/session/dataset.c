/* dataset.c - see dataset.h. */
#include "engine/session/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/session/parts.h"

enum { SHOW_EVERY_MS = 30, LOOK_EVERY = 1000 /* prompts read between two looks at the task */ };

struct dataset_work {
	const struct dataset *d;
	const struct dataset_files *files;
	struct task *task;
	int n;			  /* prompts of the file */
	struct parts_file **part; /* [part_files] to read from, and (one of them) to add to; NULL: nothing is kept */
	int part_files;		  /* 0, 1, or one for each shard */
	struct table *first;	  /* of the first prompt: its axes are the mean's, and its neurons those that are listed */
	struct mean *mean;
	const char *metric;    /* for people */
	double shown_at;       /* when the mean so far was shown last */
	int notes, more_notes; /* notes on single prompts, only counted */
};

static bool is_shared_out(const struct dataset_work *w)
{
	return w->files->shards > 1;
}

static bool is_own(const struct dataset_work *w, int i)
{
	return !is_shared_out(w) || i % w->files->shards == w->files->shard;
}

static int own_prompts(const struct dataset_work *w)
{
	return is_shared_out(w) ? (w->n - w->files->shard + w->files->shards - 1) / w->files->shards : w->n;
}

/* ---- the prompts ---- */

/* Reads all prompts, so that a broken line is known before work begins. */
static bool count_prompts(struct dataset_work *w, struct err *err)
{
	struct prompts *prompts = prompts_open(w->d->path, err);
	struct prompt prompt;
	bool ok = prompts != NULL, more = ok;

	while (more) {
		struct arena *arena = arena_new();

		ok = prompts_next(prompts, arena, &prompt, err) && (w->n % LOOK_EVERY || task_going(w->task, err));
		more = ok && prompt.text;
		w->n += more;
		if (more && w->n == 1)
			w->metric = w->d->metric     ? w->d->metric
				    : !prompt.answer ? "logit of each prompt's own prediction"
				    : prompt.wrong   ? "logit_diff of answer and wrong"
						     : "logit of answer";
		arena_free(arena);
	}
	prompts_close(prompts);
	return ok && (w->n || err_set(err, ERR_FILE, "%s: there is no prompt in it", w->d->path));
}

/* ---- files of parts ---- */

/* Whether a file of parts goes with the others; one sentence where it does not. */
static bool belongs(const struct dataset_work *w, const char *path, const struct parts_of *is, const struct parts_of *of,
		    struct err *err)
{
	const char *why = strcmp(is->question, of->question) ? "for another question than the first file"
			  : strcmp(is->model, of->model)     ? "with a model of other weights, or of another shape"
			  : is->prompts != of->prompts	     ? "from another file of prompts, or the file was changed since"
							     : NULL;

	if (why)
		return err_set(err, ERR_ARGUMENT, "%s: this was made %s", path, why);
	if (is->shards != w->part_files)
		return err_set(err, ERR_ARGUMENT, "%s: this is one of %d shards; to merge are %d files", path, is->shards,
			       w->part_files);
	return !w->part[is->shard] || err_set(err, ERR_ARGUMENT, "%s: this is shard %d/%d, and %s is that too", path, is->shard + 1,
					      is->shards, parts_path(w->part[is->shard]));
}

/* The shards' files, in their order. */
static bool open_merged(struct dataset_work *w, const struct parts_of *of, struct err *err)
{
	bool fine = true;

	w->part = xcalloc((size_t)w->files->merges, sizeof *w->part);
	w->part_files = w->files->merges;
	for (int i = 0; fine && i < w->files->merges; i++) {
		struct parts_of is;
		struct parts_file *p = parts_read(w->files->merge[i], &is, err);

		fine = p && belongs(w, w->files->merge[i], &is, of, err);
		if (fine)
			w->part[is.shard] = p;
		else
			parts_close(p);
		parts_of_done(&is);
	}
	return fine;
}

static bool open_parts(struct dataset_work *w, struct err *err)
{
	struct parts_of of = { .question = xstrdup(w->files->question ? w->files->question : ""),
			       .model = xstrdup(w->d->model),
			       .shard = w->files->shard,
			       .shards = w->files->shards };
	bool ok = file_hash(w->d->path, &of.prompts, err);

	if (ok && w->files->merges) {
		ok = open_merged(w, &of, err);
	} else if (ok) {
		w->part = xcalloc(1, sizeof *w->part);
		w->part_files = 1;
		ok = (*w->part = parts_resume(w->files->resume, &of, err)) != NULL;
	}
	parts_of_done(&of);
	return ok;
}

/* The part that is kept of a prompt, if it is. */
static bool find_kept(struct dataset_work *w, int i, struct part *part, bool *there, struct err *err)
{
	struct parts_file *from = w->part_files ? w->part[i % w->part_files] : NULL;

	*there = false;
	if (from && !parts_next(from, i, part, there, err))
		return false;
	return !w->files->merges || *there ||
	       err_set(err, ERR_ARGUMENT, "%s: prompt %d is not in it yet: this shard is not finished", parts_path(from), i + 1);
}

/* ---- asking ---- */

/* The work on a single prompt: it stops and is interrupted as the whole does, but the whole counts prompts. */
struct inner {
	struct task task;
	struct task *whole;
};

static void look_at_whole(void *context)
{
	struct inner *in = context;
	struct err err;

	if (!task_going(in->whole, &err))
		atomic_store(&in->task.stop, true);
	atomic_store(&in->task.call, true);
}

/* A tree's rows are told apart by what they are, not by their number. */
static bool same_rows(const struct table *a, const struct table *b)
{
	int *match = xmalloc((size_t)a->rows.n * sizeof *match), i = 0;

	table_match(a, b, match);
	while (i < a->rows.n && match[i] == i)
		i++;
	free(match);
	return i == a->rows.n;
}

static bool same_shape(int rows, int cols, const struct table *first, struct err *err)
{
	return (rows == first->rows.n && cols == first->cols.n) ||
	       err_set(err, ERR_ARGUMENT,
		       "this table has %d × %d cells, and those before it have %d × %d; by position, prompts need equally many "
		       "tokens",
		       rows, cols, first->rows.n, first->cols.n);
}

static bool can_be_added(const struct dataset_work *w, const struct table *t, struct err *err)
{
	if (t->word && t->rows.dim == DIM_RANK)
		return err_set(err, ERR_ARGUMENT, "%s ranks other tokens for each prompt; there is no mean of that", t->analysis);
	if (!w->first)
		return true;
	return same_shape(t->rows.n, t->cols.n, w->first, err) &&
	       (!t->parent || same_rows(w->first, t) ||
		err_set(err, ERR_ARGUMENT, "its rows are not those of the first prompt; open fewer of them"));
}

/* Hundreds of prompts may each have something to say: the first few do. */
static void pass_on(struct dataset_work *w, struct notes *own, struct notes *notes)
{
	enum { MOST_NOTES = 4 };

	for (int i = 0; i < own->n; i++) {
		if (notes_have(notes, own->line[i]))
			continue;
		if (w->notes++ < MOST_NOTES)
			notes_add(notes, "%s", own->line[i]);
		else
			w->more_notes++;
	}
	notes_done(own);
}

/* The prompt's table, counted; its numbers in *part are borrowed from it. */
static struct table *ask(struct dataset_work *w, const struct prompt *prompt, struct part *part, struct notes *notes,
			 struct err *err)
{
	struct inner in = { .task = { .called = look_at_whole, .called_context = &in, .call = true }, .whole = w->task };
	const struct table *like = w->first && w->first->parent ? w->first : NULL;
	struct notes own = { 0 };
	struct table *t = w->d->ask(w->d->context, prompt, like, part, &in.task, &own, err);

	pass_on(w, &own, notes);
	task_count_runs(w->task, atomic_load(&in.task.runs));
	if (t && !can_be_added(w, t, err)) {
		table_unref(t);
		t = NULL;
	}
	if (t) {
		part->rows = t->rows.n;
		part->cols = t->cols.n;
		part->value = t->value;
		part->expected = t->check.name ? t->check.expected : (double)NAN;
		part->actual = t->check.name ? t->check.actual : (double)NAN;
	} else if (err->kind != ERR_CANCELLED) {
		struct err why = *err;

		err_set(err, why.kind, "%s: %s %d: %s", w->d->path, prompt->counted, prompt->line, why.text);
	}
	return t;
}

/* ---- the mean ---- */

static struct table *mean_so_far(const struct dataset_work *w, struct err *err)
{
	struct table *t = mean_table(w->mean, w->first, err);
	struct over over = { w->d->path, mean_count(w->mean), w->metric, 0, 0 };
	const int all = own_prompts(w);

	if (!t)
		return NULL;
	mean_metric(w->mean, &over.value, &over.unedited);
	table_set_over(t, &over);
	t->unfinished = over.n < all;
	if (t->unfinished)
		table_set_whose(t, "mean of %d of %d prompts", over.n, all);
	else if (is_shared_out(w))
		table_set_whose(t, "mean of %d prompts, shard %d/%d", all, w->files->shard + 1, w->files->shards);
	else
		table_set_whose(t, all == 1 ? "mean of %d prompt" : "mean of %d prompts", all);
	return t;
}

static void show_so_far(struct dataset_work *w)
{
	struct err unsaid;
	struct table *t;

	if (!w->d->show || mean_count(w->mean) == own_prompts(w) || clock_now() < w->shown_at + SHOW_EVERY_MS)
		return;
	if ((t = mean_so_far(w, &unsaid)))
		w->d->show(w->d->context, t);
	w->shown_at = clock_now();
}

static bool add(struct dataset_work *w, const struct part *part, struct err *err)
{
	if (!same_shape(part->rows, part->cols, w->first, err))
		return false;
	mean_add(w->mean, part);
	return task_step(w->task, mean_count(w->mean), own_prompts(w), err);
}

/*
 * Prompt i of the file. The first is asked even where its part is kept, or another shard's: a table's numbers are kept, its rows
 * and their names are not.
 */
static bool take_prompt(struct dataset_work *w, int i, const struct prompt *prompt, struct notes *notes, struct err *err)
{
	const bool own = is_own(w, i);
	struct part asked = { 0 }, kept = { 0 };
	struct table *t = NULL;
	bool there = false, ok = !own || find_kept(w, i, &kept, &there, err);

	if (ok && (!i || (own && !there)))
		ok = (t = ask(w, prompt, &asked, notes, err)) != NULL;
	if (ok && !w->first)
		w->first = table_ref(t);
	if (ok && own && !there && w->part_files)
		ok = parts_add(w->part[0], i, &asked, err);
	if (ok && own)
		ok = add(w, there ? &kept : &asked, err);
	table_unref(t);
	if (ok && own && i + 1 < w->n)
		show_so_far(w);
	return ok;
}

static bool take_all(struct dataset_work *w, struct notes *notes, struct err *err)
{
	struct prompts *prompts = prompts_open(w->d->path, err);
	struct prompt prompt;
	bool ok = prompts && task_step(w->task, 0, own_prompts(w), err);

	for (int i = 0; ok && i < w->n; i++) {
		struct arena *arena = arena_new();

		ok = prompts_next(prompts, arena, &prompt, err) &&
		     (prompt.text || err_set(err, ERR_FILE, "%s: it was changed meanwhile", w->d->path)) &&
		     take_prompt(w, i, &prompt, notes, err);
		arena_free(arena);
	}
	prompts_close(prompts);
	if (ok && w->more_notes)
		notes_add(notes, "there are %d more notes like these, on single prompts", w->more_notes);
	return ok;
}

static bool begin(struct dataset_work *w, struct err *err)
{
	if (!count_prompts(w, err))
		return false;
	if (w->files->shards > w->n)
		return err_set(err, ERR_ARGUMENT, "%s: %d prompts are fewer than %d shards", w->d->path, w->n, w->files->shards);
	return (!w->files->resume && !w->files->merges) || open_parts(w, err);
}

struct table *dataset_mean(const struct dataset *d, struct task *task, struct notes *notes, struct err *err)
{
	static const struct dataset_files none;
	struct dataset_work w = { .d = d, .files = d->files ? d->files : &none, .task = task, .mean = mean_new() };
	struct table *t = begin(&w, err) && take_all(&w, notes, err) ? mean_so_far(&w, err) : NULL;

	for (int i = 0; i < w.part_files; i++)
		parts_close(w.part[i]);
	free(w.part);
	table_unref(w.first);
	mean_free(w.mean);
	return t;
}
