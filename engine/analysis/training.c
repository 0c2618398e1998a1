/* training.c - see training.h. */
#include "engine/analysis/training.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "engine/model/files/weights.h"

enum { MEASURES = 10, SAVE_STEPS = 20, SAVE_MS = 60000, ROWS_MOST = 500 };

static const char kind_of_part[] = "training";

/* ---- where ---- */

/* FNV-1a: another question, another name. */
static uint64_t hash(const char *text)
{
	uint64_t h = 14695981039346656037u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211u;
	return h;
}

static char *own_path(const struct training *t)
{
	struct str name;
	char *path;

	str_init(&name);
	str_addf(&name, "%s/%s-%08" PRIx32 ".safetensors", t->technique, t->ask->model->name, (uint32_t)hash(t->question));
	path = paths_share(name.s);
	str_done(&name);
	return path;
}

static bool find_place(struct training *t, struct err *err)
{
	struct arena *scratch = t->ask->scratch;
	char *path = t->out ? file_at_home(t->out) : own_path(t);

	if (!path)
		return err_set(err, ERR_ARGUMENT, "%s: no folder of the user is known to write to; name the file: out=FILE",
			       t->technique);
	t->path = arena_strdup(scratch, path);
	t->part = arena_printf(scratch, "%s.part", path);
	free(path);
	return true;
}

/* ---- the two files ---- */

struct tensor training_curve(const struct training *t)
{
	const size_t floats = (size_t)(t->steps + 1) * (size_t)t->columns;

	return (struct tensor){
		"curve", DTYPE_F32, 2, { t->steps + 1, t->columns }, (const unsigned char *)t->curve, floats * sizeof(float)
	};
}

static bool save_part(struct training *t, struct err *err)
{
	const struct corpus_place p = *t->place;
	struct tensor *all = xcalloc((size_t)t->states + 1, sizeof *all);
	char step[24], place[80];
	const struct safetensors_note note[] = {
		{ "lmscope", kind_of_part }, { "version", "1" }, { "question", t->question }, { "step", step }, { "place", place },
	};
	bool ok;

	snprintf(step, sizeof step, "%d", t->done);
	snprintf(place, sizeof place, "%" PRIu64 " %d %d", p.at, p.line, p.window);
	memcpy(all, t->state, (size_t)t->states * sizeof *all);
	all[t->states] = training_curve(t);
	ok = safetensors_write(t->part, note, sizeof note / sizeof *note, all, t->states + 1, err);
	free(all);
	return ok;
}

/* "step 40 of 250: held out 1.31, baseline 4.2" */
static void add_result(const struct training *t, struct str *out)
{
	if (t->result) {
		str_add(out, t->result);
		return;
	}
	str_addf(out, "%d of %d steps", t->done, t->steps);
	for (int s = t->done; s >= 0; s--) {
		const float *row = t->curve + (size_t)s * (size_t)t->columns;

		if (isnan(row[1]))
			continue;
		for (int i = 1; i < t->columns; i++)
			str_addf(out, ", %s %.4g", t->column[i], (double)row[i]);
		if (t->remark)
			t->remark(t, out);
		return;
	}
}

static bool save_asset(struct training *t, struct err *err)
{
	struct str result;
	char step[24];
	bool ok;

	str_init(&result);
	add_result(t, &result);
	snprintf(step, sizeof step, "%d", t->done);
	ok = t->save(t, t->path,
		     (const struct safetensors_note[]){ { "lmscope", analysis_find(t->technique)->makes->name },
							{ "version", "1" },
							{ "question", t->question },
							{ "step", step },
							{ "result", result.s } },
		     5, err);
	str_done(&result);
	return ok;
}

/* First what the next step needs: if the asset is not written then, it is made from that. */
static bool save_both(struct training *t, struct err *err)
{
	if (!save_part(t, err) || !save_asset(t, err))
		return false;
	t->saved = t->done;
	return true;
}

/* ---- resuming ---- */

static bool copy_array(const struct weights *w, const char *path, const struct tensor *to, struct err *err)
{
	const struct tensor *from = weights_find(w, to->name);

	if (!from || from->type != to->type || from->bytes != to->bytes)
		return err_set(err, ERR_FILE, "%s: %s is not there as this question needs it; remove the file to start over", path,
			       to->name);
	memcpy((void *)(uintptr_t)to->data, from->data, to->bytes);
	return true;
}

/* The number of steps that a file says; refused when its question is another one. */
static bool read_step(const struct training *t, const struct weights *w, const char *path, int *step, struct err *err)
{
	const char *question = weights_metadata(w, "question"), *says = weights_metadata(w, "step");

	if (!question || strcmp(question, t->question))
		return err_set(err, ERR_ARGUMENT,
			       "%s: this file is the answer to another question; name another one, or take it "
			       "away",
			       path);
	*step = says ? (int)strtol(says, NULL, 10) : -1;
	return (*step >= 0 && *step <= t->steps) || err_set(err, ERR_FILE, "%s: it does not say how many steps are done", path);
}

static bool read_part(struct training *t, struct err *err)
{
	struct weights *w = weights_open(t->part, err);
	const struct tensor curve = training_curve(t);
	const char *place = w ? weights_metadata(w, "place") : NULL;
	struct corpus_place p = { 0 };
	bool ok = w && read_step(t, w, t->part, &t->done, err) && copy_array(w, t->part, &curve, err);

	for (int i = 0; ok && i < t->states; i++)
		ok = copy_array(w, t->part, &t->state[i], err);
	if (ok && (!place || sscanf(place, "%" SCNu64 " %d %d", &p.at, &p.line, &p.window) != 3))
		ok = err_set(err, ERR_FILE, "%s: it does not say where it is in the text", t->part);
	*t->place = p;
	t->saved = t->done;
	t->resumed = ok;
	weights_free(w);
	return ok;
}

/* A file that is done is the answer; one that is not has lost its state, and is made once more. */
static bool read_asset(struct training *t, struct err *err)
{
	struct weights *w = weights_open(t->path, err);
	const struct tensor curve = training_curve(t);
	int step = 0;
	bool ok = w && read_step(t, w, t->path, &step, err);

	if (ok && step == t->steps) {
		t->done = t->saved = step;
		t->result = arena_strdup(t->ask->scratch, weights_metadata(w, "result"));
		ok = copy_array(w, t->path, &curve, err);
	} else if (ok) {
		notes_add(t->ask->notes, "%s is not there any more: the training starts over", t->part);
	}
	weights_free(w);
	return ok;
}

static bool resume(struct training *t, struct err *err)
{
	if (file_exists(t->part))
		return read_part(t, err);
	return !file_exists(t->path) || read_asset(t, err);
}

/* ---- the table ---- */

/* Of long trainings not every step is a row: a row's loss is the mean of its steps. */
static int steps_of_row(const struct training *t)
{
	return (t->steps + ROWS_MOST - 1) / ROWS_MOST;
}

static void fill_row(const struct training *t, struct table *table, int row, int each)
{
	const int last = row * each < t->steps ? row * each : t->steps, first = row ? (row - 1) * each + 1 : 0;
	double sum = 0;

	for (int s = first; s <= last; s++)
		sum += (double)t->curve[(size_t)s * (size_t)t->columns];
	table->value[table_cell(table, row, 0)] = (float)(sum / (last - first + 1));
	for (int s = first; s <= last; s++)
		for (int i = 1; i < t->columns; i++)
			if (!isnan(t->curve[(size_t)s * (size_t)t->columns + (size_t)i]))
				table->value[table_cell(table, row, i)] = t->curve[(size_t)s * (size_t)t->columns + (size_t)i];
	axis_label(table, &table->rows, row, arena_printf(table->arena, "%d", last));
}

/* ", about 20 min left" */
static void add_left(const struct training *t, struct str *out)
{
	const int measures = (t->steps - t->done) * MEASURES / t->steps;
	const double ms = t->step_ms * (t->steps - t->done + measures * t->measure_steps);

	if (t->done == t->steps || ms <= 0)
		return;
	if (ms < 90e3)
		str_addf(out, "; about %.0f s left", ceil(ms / 1e3));
	else
		str_addf(out, "; about %.0f min left", ceil(ms / 60e3));
}

static struct table *curve_table(const struct training *t, struct err *err)
{
	const int each = steps_of_row(t), rows = (t->steps + each - 1) / each + 1;
	struct table *table = table_new(rows, t->columns, err);

	if (!table)
		return NULL;
	table->rows.dim = DIM_STEP;
	table->rows.name = "step";
	table->cols.dim = DIM_QUANTITY;
	table->cols.name = "quantity";
	for (int i = 0; i < rows; i++)
		fill_row(t, table, i, each);
	for (int i = 0; i < t->columns; i++)
		axis_label(table, &table->cols, i, t->column[i]);
	table_set_title(table, t->title, t->object, NULL);
	table_set_unit(table, t->unit);
	table->look = LOOK_LINES;
	table->scale = SCALE_SEQUENTIAL;
	table->neutral = 0;
	return table;
}

static struct table *make_table(const struct training *t, struct err *err)
{
	struct table *table = t->table ? t->table(t, err) : curve_table(t, err);
	struct str foot;

	if (!table)
		return NULL;
	str_init(&foot);
	str_addf(&foot, "%s: ", t->path);
	add_result(t, &foot);
	add_left(t, &foot);
	table->footnote = arena_strdup(table->arena, foot.s);
	str_done(&foot);
	return table;
}

static void show(const struct training *t)
{
	struct err err = { 0 };
	struct table *so_far = ask_watched(t->ask) ? make_table(t, &err) : NULL;

	if (so_far)
		ask_show(t->ask, so_far);
	table_unref(so_far);
}

/* ---- training ---- */

static int steps_between(int steps)
{
	return steps / MEASURES ? steps / MEASURES : 1;
}

static bool is_measured(const struct training *t, int step)
{
	return step % steps_between(t->steps) == 0 || step == t->steps;
}

int training_measures(int steps)
{
	const int every = steps_between(steps);

	return 1 + (steps + every - 1) / every;
}

/* Held-out numbers of a step that ends here: also where it was stopped before they were known. */
static bool measure(struct training *t, struct err *err)
{
	float *row = t->curve + (size_t)t->done * (size_t)t->columns;

	task_part(t->ask->task, t->done, 0, t->steps); /* runs that are made here would tell their layers */
	return !is_measured(t, t->done) || !isnan(row[1]) || t->measure(t, t->done, row, err);
}

/* Step 0, unless there is more already. */
static bool begin(struct training *t, struct err *err)
{
	const double begun = clock_now();

	if (t->resumed)
		return measure(t, err);
	task_part(t->ask->task, 0, 0, t->steps);
	if ((t->begin && !t->begin(t, err)) || !measure(t, err))
		return false;
	if (t->begin_steps > 0)
		t->step_ms = (clock_now() - begun) / t->begin_steps;
	return save_both(t, err);
}

static bool train(struct training *t, struct err *err)
{
	double saved = clock_now(), begun;

	if (!begin(t, err))
		return false;
	while (t->done < t->steps) {
		float loss;

		show(t);
		begun = clock_now();
		task_part(t->ask->task, t->done, 0, t->steps);
		if (!task_step(t->ask->task, t->done, t->steps, err) || !t->step(t, t->done, &loss, err))
			return false;
		t->curve[(size_t)++t->done * (size_t)t->columns] = loss;
		t->step_ms = clock_now() - begun;
		if (!measure(t, err))
			return false;
		if (t->done < t->steps && (t->done - t->saved == SAVE_STEPS || clock_now() - saved > SAVE_MS)) {
			if (!save_both(t, err))
				return false;
			saved = clock_now();
		}
	}
	return save_asset(t, err) && file_remove(t->part, err);
}

/* What is done is kept, whatever stopped it; the sentence that counts is the first. */
static void stopped(struct training *t, struct err *err)
{
	struct err second = { 0 };

	if (!t->done && !file_exists(t->part)) {
		if (err->kind == ERR_CANCELLED)
			err_set(err, ERR_CANCELLED, "stopped before anything was learned; the same question starts over");
		return;
	}
	if (t->done == t->saved || save_both(t, &second)) {
		if (err->kind == ERR_CANCELLED)
			err_set(err, ERR_CANCELLED,
				"stopped after %d of %d steps; %s has what is done; the same question resumes from there", t->done,
				t->steps, t->path);
	} else if (err->kind == ERR_CANCELLED) {
		*err = second;
	}
}

struct table *training_run(struct training *t, struct err *err)
{
	const size_t cells = (size_t)(t->steps + 1) * (size_t)t->columns;

	if (!find_place(t, err) || !(t->curve = arena_floats(t->ask->scratch, cells, err)))
		return NULL;
	for (size_t i = 0; i < cells; i++)
		t->curve[i] = NAN;
	if (!resume(t, err))
		return NULL;
	if (!(t->done == t->steps && !file_exists(t->part)) && !train(t, err)) {
		stopped(t, err);
		return NULL;
	}
	return make_table(t, err);
}
