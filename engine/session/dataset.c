/* dataset.c - see dataset.h. */
#include "engine/session/dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/inject.h"
#include "engine/base/json.h"

enum { LIMIT = 1 << 30 }; /* bytes of a file of prompts, and of what is kept */

/* The result for one prompt: its table's numbers and the metric. */
struct part {
	bool done;
	float *value; /* [cells] */
	double metric, unedited;
	double expected, actual; /* of its check */
};

struct work {
	struct session *session;
	struct job job; /* asked of each prompt in turn */
	int pane;
	const char *path, *keep;
	struct prompt *prompt;
	int n;
	struct part *part;     /* [n] */
	struct table *shape;   /* of the first prompt; its axes are the mean's, and its neurons those that are listed */
	int rows, cols;	       /* 0: not known yet */
	char *question;	       /* heap: what a file of parts must have been made for */
	int file;	       /* that parts are appended to; -1: none */
	int notes, more_notes; /* notes on single prompts, only counted */
	struct arena *arena;
};

static void quote(struct str *out, const char *text)
{
	str_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			str_add_char(out, '\\');
		str_add_char(out, *text);
	}
	str_add_char(out, '"');
}

/* The job becomes the question about prompt i. */
static bool pose(struct work *w, const char *metric, int i, struct err *err)
{
	const struct prompt *p = &w->prompt[i];
	struct str spec;
	bool ok;

	job_set(&w->job.prompt, p->text);
	if (p->foil)
		job_set(&w->job.foil, p->foil);
	if (metric || !p->answer)
		return true;
	str_init(&spec);
	str_add(&spec, p->wrong ? "logit_diff " : "logit ");
	quote(&spec, p->answer);
	if (p->wrong) {
		str_add_char(&spec, ' ');
		quote(&spec, p->wrong);
	}
	ok = metric_check(spec.s, NULL, 0, err);
	if (ok)
		job_set(&w->job.metric, spec.s);
	str_done(&spec);
	return ok;
}

/* FNV-1a: tells files apart that were changed, not ones that somebody forged. */
static uint64_t hash(const char *bytes, size_t n)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)bytes[i]) * 1099511628211u;
	return h;
}

static bool make_question(struct work *w, struct err *err)
{
	const struct job_pane *pane = &w->job.pane[w->pane];
	struct str s;
	size_t n;
	char *bytes = file_read(w->path, LIMIT, &n, err);

	if (!bytes)
		return false;
	str_init(&s);
	str_addf(&s, "%s · %s", w->job.model ? w->job.model : "demo", pane->analysis->name);
	for (int i = 0; i < param_count(pane->analysis->params); i++) {
		str_addf(&s, " %s=", pane->analysis->params[i].name);
		param_print(&pane->analysis->params[i], pane->args[i], &s);
	}
	str_addf(&s, " · %s · diff %d · bos %d · foil %s", w->job.metric ? w->job.metric : "", (int)pane->shown, (int)w->job.bos,
		 w->job.foil ? w->job.foil : "");
	for (int e = 0; e < w->job.edits; e++)
		if (w->job.edit[e].on)
			str_addf(&s, " · %s", w->job.edit[e].line);
	str_addf(&s, " · %" PRIx64, hash(bytes, n));
	w->question = str_take(&s);
	free(bytes);
	return true;
}

/* ---- what is kept ---- */

static void write_part(const struct work *w, int i, struct str *out)
{
	const struct part *p = &w->part[i];

	str_addf(out, "{\"prompt\":%d,\"rows\":%d,\"cols\":%d,\"metric\":", i, w->rows, w->cols);
	json_write_double(out, p->metric);
	str_add(out, ",\"unedited\":");
	json_write_double(out, p->unedited);
	str_add(out, ",\"expected\":");
	json_write_double(out, p->expected);
	str_add(out, ",\"actual\":");
	json_write_double(out, p->actual);
	str_add(out, ",\"values\":[");
	for (int k = 0; k < w->rows * w->cols; k++) {
		if (k)
			str_add_char(out, ',');
		json_write_float(out, p->value[k]);
	}
	str_add(out, "]}\n");
}

static double number_of(const struct json_value *root, const char *key)
{
	double x = NAN;

	json_double(json_get(root, key), &x);
	return x;
}

static bool read_part(struct work *w, const struct json_value *root)
{
	const struct json_value *values = json_get(root, "values");
	int64_t i = -1, rows = 0, cols = 0;
	struct part *p;

	json_int(json_get(root, "prompt"), &i);
	json_int(json_get(root, "rows"), &rows);
	json_int(json_get(root, "cols"), &cols);
	if (i < 0 || i >= w->n || rows < 1 || cols < 1 || rows > 1 << 24 || cols > 1 << 24 ||
	    (size_t)(rows * cols) != json_count(values) || (w->rows && (rows != w->rows || cols != w->cols)))
		return false;
	w->rows = (int)rows;
	w->cols = (int)cols;
	p = &w->part[i];
	*p = (struct part){ true,
			    arena_alloc(w->arena, (size_t)(rows * cols) * sizeof *p->value),
			    number_of(root, "metric"),
			    number_of(root, "unedited"),
			    number_of(root, "expected"),
			    number_of(root, "actual") };
	for (size_t k = 0; k < json_count(values); k++) {
		double x = NAN;

		json_double(json_at(values, k), &x);
		p->value[k] = (float)x;
	}
	return true;
}

static const char other_question[] = "%s: this was kept for another question, model or file of prompts; name another file";

/* The parts that are there. A last line without its end was being written when the work stopped: it is dropped. */
static bool read_kept(struct work *w, const char *text, size_t n, size_t *whole, struct err *err)
{
	struct err unread = { 0 };
	int line = 1;

	*whole = 0;
	for (const char *at = text, *end; (end = memchr(at, '\n', (size_t)(text + n - at))); at = end + 1, line++) {
		struct json *doc = json_parse(at, (size_t)(end - at), w->keep, &unread);
		const struct json_value *root = doc ? json_root(doc) : NULL;
		const char *question = json_text(json_get(root, "question"));
		bool fine = line == 1 ? question && !strcmp(question, w->question) : root && read_part(w, root);

		json_free(doc);
		if (!fine)
			return err_set(err, ERR_ARGUMENT,
				       line == 1 ? other_question
						 : "%s: line %d is not a part of this question's answer; remove the file "
						   "to start over",
				       w->keep, line);
		*whole = (size_t)(end + 1 - text);
	}
	/* somebody else's file is not written over */
	return !n || *whole || err_set(err, ERR_ARGUMENT, other_question, w->keep);
}

/* Reads what is kept and opens the file for more. */
static bool open_kept(struct work *w, struct err *err)
{
	struct str text;
	size_t n = 0, whole = 0;
	char *bytes = NULL;
	bool ok = true;

	str_init(&text);
	if (file_exists(w->keep))
		ok = (bytes = file_read(w->keep, LIMIT, &n, err)) && read_kept(w, bytes, n, &whole, err);
	if (ok && whole)
		str_add_n(&text, bytes, whole);
	if (ok && !whole) {
		str_add(&text, "{\"question\":");
		json_write_string(&text, w->question, strlen(w->question));
		str_add(&text, "}\n");
	}
	ok = ok && (whole == n && whole ? true : file_write(w->keep, text.s, text.n, err));
	if (ok && (w->file = open(w->keep, O_WRONLY | O_APPEND | O_CLOEXEC)) < 0)
		ok = err_set(err, ERR_FILE, "%s: %s", w->keep, strerror(errno));
	str_done(&text);
	free(bytes);
	return ok;
}

static bool keep_part(const struct work *w, int i, struct err *err)
{
	struct str line;
	bool ok;

	if (w->file < 0)
		return true;
	str_init(&line);
	write_part(w, i, &line);
	ok = file_append(w->file, line.s, line.n) && !inject_file_fault() && !fsync(w->file);
	if (!ok)
		err_set(err, ERR_FILE, "%s: %s", w->keep, strerror(errno));
	str_done(&line);
	return ok;
}

/* ---- asking ---- */

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

static bool take_table(struct work *w, int i, struct table *t, struct err *err)
{
	struct part *p = &w->part[i];
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;

	if (t->word && t->rows.dim == DIM_RANK)
		return err_set(err, ERR_ARGUMENT, "%s ranks other tokens for each prompt; there is no mean of that", t->analysis);
	if (w->rows && (t->rows.n != w->rows || t->cols.n != w->cols))
		return err_set(err, ERR_ARGUMENT,
			       "this table has %d × %d cells, and those before it have %d × %d; by position, "
			       "prompts need equally many tokens",
			       t->rows.n, t->cols.n, w->rows, w->cols);
	if (w->shape && t->parent && !same_rows(w->shape, t))
		return err_set(err, ERR_ARGUMENT, "its rows are not those of the first prompt; open fewer of them");
	w->rows = t->rows.n;
	w->cols = t->cols.n;
	p->value = arena_alloc(w->arena, cells * sizeof *p->value);
	memcpy(p->value, t->value, cells * sizeof *p->value);
	p->expected = t->check.name ? t->check.expected : NAN;
	p->actual = t->check.name ? t->check.actual : NAN;
	p->done = true;
	if (!w->shape)
		w->shape = table_ref(t);
	return true;
}

/* Hundreds of prompts may each have something to say: the first few do. */
static void pass_on(struct work *w, struct notes *own, struct notes *notes)
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

static bool ask_one(struct work *w, const char *metric, int i, struct task *task, struct notes *notes, struct err *err)
{
	struct part *p = &w->part[i];
	struct table *t = NULL;
	struct notes own = { 0 };
	bool kept = p->done;
	bool ok = pose(w, metric, i, err) && session_prepare(w->session, &w->job, task, &own, err) &&
		  session_metric_values(w->session, &p->metric, &p->unedited, task, err) &&
		  (t = session_answer_like(w->session, w->pane, w->shape && w->shape->parent ? w->shape : NULL, task, &own, err)) &&
		  take_table(w, i, t, err);

	pass_on(w, &own, notes);
	table_unref(t);
	if (!ok && err->kind != ERR_CANCELLED) {
		struct err why = *err;

		return err_set(err, why.kind, "%s: %s %d: %s", w->path, w->prompt[i].counted, w->prompt[i].line, why.text);
	}
	return ok && (kept || keep_part(w, i, err));
}

/* ---- the mean ---- */

/* Token labels stay where all prompts have the same token there; elsewhere the position's number is there. */
static void number_positions(struct table *t, struct axis *axis, const struct axis *from, int n)
{
	bool tokens = from->id && n > 1;

	axis->dim = from->dim;
	axis->name = arena_strdup(t->arena, from->name);
	for (int i = 0; i < from->n; i++) {
		int key = from->place && n > 1 ? from->place[i].key : -1;

		if (tokens || key >= 0)
			axis_label(t, axis, i, arena_printf(t->arena, "%d", tokens ? i : key));
		else if (from->id)
			axis_token(t, axis, i, from->id[i], from->label[i], from->label_bytes[i], from->show[i]);
		else
			axis_text(t, axis, i, from->label[i], from->label_bytes[i], from->show[i]);
		if (from->place)
			axis_place(t, axis, i, from->place[i]);
	}
}

/* The mean over the prompts whose cell is a number, and its standard error: sd / √n, with n - 1 in the variance. */
static void average(const struct work *w, struct table *t, size_t cell)
{
	double sum = 0, squares = 0, mean;
	int n = 0;

	for (int i = 0; i < w->n; i++)
		if (isfinite(w->part[i].value[cell])) {
			sum += (double)w->part[i].value[cell];
			n++;
		}
	if (!n)
		return;
	mean = sum / n;
	for (int i = 0; i < w->n; i++)
		if (isfinite(w->part[i].value[cell]))
			squares += ((double)w->part[i].value[cell] - mean) * ((double)w->part[i].value[cell] - mean);
	t->value[cell] = (float)mean;
	t->error[cell] = n > 1 ? (float)sqrt(squares / (n - 1) / n) : NAN;
}

/* Of all prompts' checks the one that is furthest off. */
static void worst_check(const struct work *w, struct table *t)
{
	double worst = -1;

	if (!w->shape->check.name)
		return;
	for (int i = 0; i < w->n; i++) {
		const struct part *p = &w->part[i];
		double gap = fabs(p->actual - p->expected) / fmax(1, fabs(p->expected));

		if (!(gap <= worst)) {
			worst = gap;
			t->check = (struct check){ arena_printf(t->arena, "%s, worst of %d prompts", w->shape->check.name, w->n),
						   p->expected, p->actual, w->shape->check.tolerance };
		}
	}
}

static struct table *mean_of(const struct work *w, struct dataset *out, struct err *err)
{
	const struct table *from = w->shape;
	struct table *t = table_new(w->rows, w->cols, err);

	if (!t)
		return NULL;
	table_set_errors(t, arena_printf(t->arena, "%d prompts", w->n));
	for (size_t cell = 0; cell < (size_t)w->rows * (size_t)w->cols; cell++)
		average(w, t, cell);
	number_positions(t, &t->rows, &from->rows, w->n);
	number_positions(t, &t->cols, &from->cols, w->n);
	table_set_relations(t, from);
	table_set_like(t, from);
	table_set_title(t, from->parts.technique, from->parts.object, from->parts.quantity);
	table_set_whose(t, "mean over %d prompts", w->n);
	worst_check(w, t);
	for (int i = 0; i < w->n; i++) {
		out->value += w->part[i].metric / w->n;
		out->unedited += w->part[i].unedited / w->n;
	}
	return t;
}

/* The first prompt is asked even where its part was kept already: a table's numbers are kept, its rows and their names are not. */
static bool ask_all(struct work *w, const char *metric, dataset_progress *progress, void *context, struct task *task,
		    struct notes *notes, struct err *err)
{
	int done = 0;

	for (int i = 0; i < w->n; i++)
		done += w->part[i].done;
	for (int i = 0; i < w->n; i++) {
		if (w->part[i].done && i > 0)
			continue;
		done += !w->part[i].done;
		if (!ask_one(w, metric, i, task, notes, err))
			return false;
		if (progress)
			progress(context, done, w->n);
	}
	if (w->more_notes)
		notes_add(notes, "there are %d more notes like these, on single prompts", w->more_notes);
	return true;
}

struct table *dataset_answer(struct session *s, const struct job *job, int pane, const char *path, const char *keep,
			     struct dataset *out, struct arena *arena, dataset_progress *progress, void *context, struct task *task,
			     struct notes *notes, struct err *err)
{
	struct work w = { .session = s, .pane = pane, .path = path, .keep = keep, .file = -1, .arena = arena };
	struct table *t = NULL;

	job_copy(&w.job, job);
	w.prompt = prompts_read(path, arena, &w.n, err);
	w.part = w.prompt ? arena_alloc(arena, (size_t)w.n * sizeof *w.part) : NULL;
	*out = (struct dataset){ .path = path, .n = w.n };
	if (w.part && make_question(&w, err) && (!keep || open_kept(&w, err)) &&
	    ask_all(&w, job->metric, progress, context, task, notes, err)) {
		out->metric = job->metric	    ? arena_strdup(arena, job->metric)
			      : !w.prompt[0].answer ? "logit of each prompt's own prediction"
			      : w.prompt[0].wrong   ? "logit_diff of answer and wrong"
						    : "logit of answer";
		t = mean_of(&w, out, err);
	}
	if (w.file >= 0)
		close(w.file);
	table_unref(w.shape);
	free(w.question);
	job_done(&w.job);
	return t;
}
