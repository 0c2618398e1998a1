/*
 * edits.c - the ops of edits against tests/fixtures/edits (tests/reference/make_edits.py: the last logits under each line), what
 * each must leave as it is, and what is refused in which words.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/numbers/pool.h"
#include "engine/run/asset.h"
#include "engine/run/sweep.h"
#include "tests/numbers/pair.h"
#include "tests/numbers/variant.h"
#include "tests/scratch.h"
#include "tests/unit_file.h"

#define FOLDER "tests/fixtures/edits"

static struct run *edited(const struct pair *f, const char *const *lines, int n, struct err *err)
{
	return pair_edited(f, f->foil, lines, n, err);
}

/* Without anything that is known already. */
static struct run *fresh(const struct pair *f, const char *const *lines, int n, struct err *err)
{
	struct run_order order = { .model = f->model, .tokens = f->run->tokens, .T = f->run->T };
	struct run *unedited = run_new(&order, NULL, err), *r;

	order.edits = lines;
	order.edit_count = n;
	order.unedited = unedited;
	order.foil = f->foil;
	order.assets = f->run->assets;
	unedited->tokens[0] ^= 1; /* not of these tokens: nothing is borrowed, while edits still read it */
	r = run_new(&order, NULL, err);
	unedited->tokens[0] ^= 1;
	run_unref(unedited);
	return r;
}

static bool same_logits(const struct run *a, const struct run *b)
{
	return a && b && !memcmp(a->last_logits, b->last_logits, (size_t)a->model->config.V * sizeof(float));
}

static bool same_rows(const struct run *a, const struct run *b, int layer, int rows)
{
	return !memcmp(run_at(a, SITE_RESID_POST, layer, 0), run_at(b, SITE_RESID_POST, layer, 0),
		       (size_t)(rows * a->model->config.D) * sizeof(float));
}

/* Lines that put there what is there already. */
static void check_own(const struct pair *f)
{
	static const char *const lines[] = {
#define OWN FOLDER "/own.txt"
#define TWICE FOLDER "/twice.txt"
		"head 0.0 mean " TWICE " same",
		"head 0.0..1 resample " OWN " line 2",
		"pattern 1 resample " OWN " line 2",
		"q 1.0..1 mean " TWICE " same",
		"pattern 0.1 mean " TWICE " same",
		"embed 0 resample " OWN " line 2",
		"neuron 1.2..9 @3.. resample " OWN " line 2",
		"layer 1 @-2.. mean " TWICE " same",
		"resid_post 0 resample " OWN " line 2",
		"scores 0 freeze",
		"scores 1.0..1 @2..<1..3 freeze",
		"scores 0.1 resample " OWN " line 2",
		"pattern 0 freeze",
		"head 0.1 freeze",
		"scores 1 scale 1",
		"scores 0 add 0",
		"pattern 0 add 0",
		"ln1 1 freeze",
		"ln2 0 freeze",
		"ln_final freeze",
		"ln1 0 @2.. freeze",
		"ln_final @-1 freeze",
	};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct err err = { 0 };
		struct run *r = edited(f, &lines[i], 1, &err), *g = fresh(f, &lines[i], 1, &err);

		CHECK_THAT(r && same_logits(r, f->run) && same_logits(g, f->run), "%s: %s changes nothing %s", f->name, lines[i],
			   err.text);
		run_unref(r);
		run_unref(g);
	}
}

/* A line with a file in it. */
static struct run *with_file(const struct pair *f, const struct run *foil, const char *before, const char *path, struct err *err)
{
	char line[400];
	const char *lines[] = { line };

	snprintf(line, sizeof line, "%s %s", before, path);
	return pair_edited(f, foil, lines, 1, err);
}

/* Interchange within all directions is patch, and with the prompt's own run nothing bit for bit. */
static void check_interchange(const struct pair *f)
{
	static const char *const sites[] = { "resid_post 0",   "resid_pre 1 @2..", "attn_out 0", "mlp_out 0 @2",
					     "head 0.1",       "head 1.0..1 @2..", "z 0.1",	 "q 1.0",
					     "mlp_post 0 @1.." };
	const struct config *c = &f->model->config;

	for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
		struct err err = { 0 };
		int n = *sites[i] == 'z' || *sites[i] == 'q' ? c->K : !strncmp(sites[i], "mlp_post", 8) ? c->F : c->D;
		char *whole = unit_file("whole.npy", n, n, 1, false), *some = unit_file("some.npy", 3, n, 1, i % 2);
		char *across = unit_file("across.npy", n, 3, 1, i % 2), line[100];
		const char *patch[] = { line };
		struct run *all, *own, *rows, *columns, *patched;

		snprintf(line, sizeof line, "%s interchange", sites[i]);
		all = with_file(f, f->foil, line, whole, &err);
		own = with_file(f, f->run, line, some, &err);
		rows = with_file(f, f->foil, line, some, &err);
		columns = with_file(f, f->foil, line, across, &err);
		snprintf(line, sizeof line, "%s patch", sites[i]);
		patched = edited(f, patch, 1, &err);
		/* a norm after attention sees a patched head in z, and an exchanged one not */
		if (CHECK_THAT(all && patched, "%s: %s %s", f->name, sites[i], err.text) &&
		    (strncmp(sites[i], "head", 4) || !f->model->layers[0].ln1_post.there))
			CHECK_NEAR(all->last_logits, patched->last_logits, c->V, 1e-5, "%s: %s: within all directions it is patch",
				   f->name, sites[i]);
		CHECK_THAT(same_logits(own, f->run), "%s: %s: with its own run nothing changes %s", f->name, sites[i], err.text);
		CHECK_THAT(same_logits(rows, columns) && !same_logits(rows, f->run), "%s: %s: directions as rows or columns %s",
			   f->name, sites[i], err.text);
		run_unref(all);
		run_unref(own);
		run_unref(rows);
		run_unref(columns);
		run_unref(patched);
		free(whole);
		free(some);
		free(across);
	}
}

static void check_bad_basis(const struct pair *f)
{
	int D = f->model->config.D;
	char *paths[] = { unit_file("long.npy", 3, D, 2, false), unit_file("short.npy", 3, D - 1, 1, false),
			  unit_file("wide.npy", 3, D, 1, false) };
	static const char *const lines[] = { "resid_pre 1 interchange", "resid_pre 1 interchange", "resid_pre 1 add" };
	static const char *const words[] = { "is not orthonormal: vector 0 times vector 0 is 4", "expected at most",
					     "numbers, expected" };

	for (int i = 0; i < 3; i++) {
		struct err err = { 0 };
		struct run *r = with_file(f, f->foil, lines[i], paths[i], &err);

		CHECK_THAT(!r && strstr(err.text, words[i]), "%s %s: %s", lines[i], paths[i], err.text);
		run_unref(r);
		free(paths[i]);
	}
}

/* Every line of the fixture: its logits, what is before its first position, a run from nothing, and a sweep's cell. */
static void check_lines(const struct pair *f)
{
	const struct json_value *edits = json_get(f->root, "edits");
	enum { MOST = 100 };
	struct sweep_variant v[MOST] = { 0 };
	double value[MOST], single[MOST];
	struct err err = { 0 };
	struct arena *arena = arena_new();
	int n = 0, wrong = 0;

	CHECK_THAT(json_count(edits) > 2 && json_count(edits) < MOST, "%s: %zu edits", f->name, json_count(edits));
	for (size_t i = 0; i < json_count(edits) && i < MOST; i++) {
		const struct json_value *lines = json_get(json_at(edits, i), "lines");
		const char *line[SWEEP_EDITS];
		float expected[4096];
		struct run *r, *g;
		char words[600] = "";
		int count = (int)json_count(lines), first = f->run->T, low = f->model->config.L;

		for (int k = 0; k < count; k++) {
			line[k] = json_text(json_at(lines, (size_t)k));
			snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", k ? " · " : "", line[k]);
		}
		v[n] = variant_of(line, count, arena);
		pair_numbers(json_get(json_at(edits, i), "logits_last"), expected, 0);
		r = edited(f, line, count, &err);
		g = fresh(f, line, count, &err);
		if (!CHECK_THAT(r && g, "%s: %s %s", f->name, words, err.text))
			continue;
		CHECK_NEAR(r->last_logits, expected, f->model->config.V, 1e-4, "%s: %s", f->name, words);
		CHECK_THAT(same_logits(r, g), "%s: %s: from nothing the same", f->name, words);
		for (int k = 0; k < count; k++) {
			int t = edit_first_position(&r->edit[k]);

			first = t < first ? t : first;
			low = r->edit[k].place.layer < low ? r->edit[k].place.layer : low;
		}
		CHECK_THAT((!low || same_rows(r, f->run, low - 1, r->T)) && same_rows(r, f->run, f->model->config.L - 1, first),
			   "%s: %s: nothing changes below or before", f->name, words);
		if (!metric_value(&f->metric, r, f->run, &single[n++], NULL, &err))
			CHECK_THAT(false, "%s", err.text);
		run_unref(r);
		run_unref(g);
	}
	if (CHECK_THAT(sweep_metric(f->run, f->run, f->foil, &f->metric, v, n, value, NULL, &err), "%s: sweep %s", f->name,
		       err.text))
		for (int i = 0; i < n; i++)
			wrong += single[i] != value[i];
	CHECK_THAT(!wrong, "%s: of %d cells of a sweep %d are not exactly the single run", f->name, n, wrong);
	arena_free(arena);
}

/* What reads a norm reads it as the run has it: the books of these balance. */
static void check_books_of(const struct pair *f, const char *const *lines, int n)
{
	static const char *const techniques[] = { "logit-lens", "next-token", "direct-attribution", "head-attribution" };
	struct pair own = *f;
	struct err err = { 0 };

	own.run = edited(f, lines, n, &err);
	if (!CHECK_THAT(!!own.run, "%s %s", f->name, err.text))
		return;
	for (size_t i = 0; i < sizeof techniques / sizeof *techniques; i++) {
		struct table *t = pair_ask(&own, NULL, techniques[i], "", &err);

		if (own.metric.kind == METRIC_LOGIT_DIFF && f->model->config.logit_cap > 0 && i >= 2) { /* before the cap */
			table_unref(t);
			continue;
		}
		CHECK_THAT(t && t->check.name && check_holds(&t->check), "%s: %s under a norm that is kept: %g is %g %s", f->name,
			   techniques[i], t ? t->check.actual : NAN, t ? t->check.expected : NAN, err.text);
		table_unref(t);
	}
	run_unref(own.run);
}

static void check_books(const struct pair *f)
{
	static const char *const lines[] = { "mlp_out 0 scale 3", "head 1.0 scale -4", "ln1 1 freeze", "ln_final freeze" };

	check_books_of(f, lines, 4);
}

/* Norms after blocks and on queries and keys: kept as they are nothing changes, and who has none says so. */
static void check_more_norms(const struct pair *f)
{
	static const char *const lines[] = { "ln1_post 0 freeze", "ln2_post 1 @2.. freeze", "q_norm 1 freeze",
					     "k_norm 0 @-1 freeze", "q_norm 1.1 freeze" };
	static const char *const lively[] = { "mlp_out 0 scale 3", "head 1.0 scale -4", "ln1_post 1 freeze", "ln2_post 1 freeze" };
	const struct layer *y = &f->model->layers[0];
	const bool there[] = { y->ln1_post.there, y->ln2_post.there, y->q_norm.there, y->k_norm.there, y->q_norm.there };

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct err err = { 0 };
		struct run *r = edited(f, &lines[i], 1, &err), *g = fresh(f, &lines[i], 1, &err);

		const bool one_of_whole = f->model->config.qk_span == QK_WHOLE && !strcmp(lines[i], "q_norm 1.1 freeze");

		if (there[i] && !one_of_whole)
			CHECK_THAT(same_logits(r, f->run) && same_logits(g, f->run), "%s: %s changes nothing %s", f->name, lines[i],
				   err.text);
		else
			CHECK_THAT(!r && strstr(err.text, there[i] ? "one norm spans all heads; write q_norm 1"
								   : "this model has no norm there"),
				   "%s: %s: %s", f->name, lines[i], err.text);
		run_unref(r);
		run_unref(g);
	}
	if (y->ln1_post.there)
		check_books_of(f, lively, 4);
}

/* A file of prompts: what is drawn, what is known again, which sentence comes when nothing fits. */
static void check_files(const struct pair *f)
{
	static const char *const draws[] = { "head 0.0 resample " OWN,	    "head 0.0 resample " OWN " 1",
					     "head 0.0 resample " OWN " 2", "head 0.0 resample " OWN " 3",
					     "head 0.0 resample " OWN " 4", "head 0.0 resample " OWN " 5" };
	enum { DRAWS = sizeof draws / sizeof *draws };
	struct run *r[DRAWS];
	struct err err = { 0 };
	int same = 0, own = 0, kinds = 1;
	char *path, line[300];
	const char *one[] = { line };

	for (int i = 0; i < DRAWS; i++) {
		r[i] = edited(f, &draws[i], 1, &err);
		if (!CHECK_THAT(!!r[i], "%s: %s %s", f->name, draws[i], err.text))
			return;
	}
	for (int i = 0; i < DRAWS; i++) {
		struct run *again = fresh(f, &draws[i], 1, &err);

		same += same_logits(again, r[i]);
		own += same_logits(r[i], f->run);
		kinds += i && !same_logits(r[i], r[0]);
		run_unref(again);
	}
	CHECK_THAT(same == DRAWS && own == 0 && kinds > 1,
		   "%s: of %d seeds %d draw the same again, %d draw the prompt itself, %d another than the first", f->name, DRAWS,
		   same, own, kinds - 1);
	for (int i = 0; i < DRAWS; i++)
		run_unref(r[i]);

	/* a file that changes is read again */
	path = scratch_file("set.txt", "the hen", 7);
	snprintf(line, sizeof line, "mlp_out 0 mean %s", path);
	r[0] = edited(f, one, 1, &err);
	r[1] = edited(f, one, 1, &err);
	free(scratch_file("set.txt", "a pig saw\n", 10));
	r[2] = edited(f, one, 1, &err);
	CHECK_THAT(same_logits(r[0], r[1]) && r[2] && !same_logits(r[0], r[2]),
		   "%s: a file's mean is known again until the file changes", f->name);
	for (int i = 0; i < 3; i++)
		run_unref(r[i]);
	free(path);
}

/* Stops the work at its third step. */
static void stop_soon(void *context)
{
	struct task *task = context;
	static int steps;

	atomic_store(&task->call, true);
	if (++steps % 3 == 0)
		atomic_store(&task->stop, true);
}

/* A mean that was stopped on its way resumes there, to the same bits. */
static void check_stopped(const struct pair *f)
{
	static const char *const line[] = { "mlp_out 0 mean " OWN };
	struct assets *assets = assets_new();
	struct run_order order = { .model = f->model,
				   .tokens = f->run->tokens,
				   .T = f->run->T,
				   .edits = line,
				   .edit_count = 1,
				   .unedited = f->run,
				   .assets = assets };
	struct task task = { .called = stop_soon, .called_context = &task };
	struct err err = { 0 };
	struct run *stopped, *then, *whole = edited(f, line, 1, &err);

	atomic_store(&task.call, true);
	stopped = run_new(&order, &task, &err);
	CHECK_THAT(!stopped && err.kind == ERR_CANCELLED && atomic_load(&task.done) == 2, "%s: stopped at prompt %d: %s", f->name,
		   atomic_load(&task.done), err.text);
	then = run_new(&order, NULL, &err);
	CHECK_THAT(same_logits(then, whole), "%s: and then made to its end %s", f->name, err.text);
	run_unref(stopped);
	run_unref(then);
	run_unref(whole);
	assets_unref(assets);
}

static void check_refusals(const struct pair *f)
{
	static const char *const cases[][2] = {
		{ "head 0.0 resample", "resample needs a file of prompts" },
		{ "head 0.0 resample nowhere.txt", "nowhere.txt" },
		{ "head 0.0 resample " FOLDER "/short.txt", "of its 1 prompts none is another one with" },
		{ "head 0.0 resample " FOLDER "/short.txt line 1", "line 1 has" },
		{ "head 0.0 resample " FOLDER "/short.txt line 2", "there is no prompt on line 2" },
		{ "head 0.0 resample " FOLDER "/short.txt line", "line needs the number" },
		{ "head 0.0 resample " FOLDER "/short.txt 1.5", "the seed after resample" },
		{ "head 0.0 mean " FOLDER "/short.txt same", "none of its prompts has" },
		{ "head 0.0 mean " FOLDER "/short.txt other", "comes nothing, or same, not other" },
		{ "head 0.1..0 zero", "the range 1..0 runs backwards" },
		{ "head 0.0..99 zero", "a layer has heads 0 …" },
		{ "head 0.0.. zero", "expected a layer (5), or layer and head (5.1)" },
		{ "pattern 0 @3..<2..1 zero", "the range 2..1 runs backwards" },
		{ "pattern 0.0 @1<3 zero", "key 3 comes after query 1, which does not see it" },
		{ "scores 0.0 @0,1<2..3 add 1", "key 2 comes after query 1, which does not see it" },
		{ "head 0.0 @3..x zero", "expected positions such as @4" },
		{ "head 0.0 @99.. zero", "position 99 is outside the prompt" },
		{ "scores 0 add", "add needs a number after it there" },
		{ "pattern 0 add love.npy", "add needs a number after it there, not love.npy" },
		{ "scores 0 interchange u.npy", "interchange does not work on scores: a pattern has one number for each key" },
		{ "resid_pre 0 interchange", "interchange needs a FILE.npy" },
		{ "ln1 0 zero", "zero does not work on ln1: the scale of a norm can be kept, and nothing else; there: freeze" },
		{ "ln1 freeze", "expected a layer (5), or layer and nothing else" },
		{ "ln1 99 freeze", "the model has layers 0 …" },
		{ "ln_final 1 freeze", "instead of 1" },
		{ "ln1 0.1 freeze", "ln1 belongs to a whole layer; write ln1 0" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = { 0 };
		struct run *r = edited(f, cases[i], 1, &err);

		CHECK_THAT(!r && strstr(err.text, cases[i][1]), "%s: %s", cases[i][0], err.text);
		run_unref(r);
	}
}

/* Each line is written as it was read. */
static void check_printing(void)
{
	static const char *const lines[] = {
		"head 5.0..3 zero",
		"neuron 3.10..63 scale 2",
		"head 5.1 @5.. zero",
		"head 5.1 @-1.. mean",
		"q 1.0 @1,3.. zero",
		"pattern 5.1 @4..<2 zero",
		"pattern 5.1 @4..6<0..2 zero",
		"head 5.1 mean set.txt",
		"head 5.1 mean \"a set.txt\" same",
		"head 5.1 resample set.txt",
		"head 5.1 resample set.txt 3",
		"layer 5 resample set.jsonl line 7",
		"scores 1.0 @3<1 add 0.5",
		"pattern 1.0 add 1",
		"scores 1 patch",
		"resid_post 3 interchange \"my basis.npy\"",
		"head 5.1 project v.npy",
		"head 5.1 add v.npy 2",
		"neuron 3.1 scale 0.7",
		"neuron 3.1 scale 1.0000001",
		"neuron 3.1 scale -1e-30",
		"scores 1 add 0.3",
		"ln1 3 freeze",
		"ln2 3 @1..2 freeze",
		"ln_final freeze",
		"ln_final @-1 freeze",
		"ln1_post 3 freeze",
		"q_norm 3.0..1 @2.. freeze",
		"embed 0 @1..3 noise 3",
		"resid_pre 2 noise 0.5 7",
		"scores 1.0 @-1<2 mask",
		"scores 1 @3..5<0 mask",
		"z 1.0 project \"a b.npy\"",
		"attn_out 0 project v.npy",
		"scores 1.0 scale 2",
	};
	struct arena *arena = arena_new();
	struct str out;

	str_init(&out);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct err err = { 0 };
		struct edit edit;

		str_clear(&out);
		if (CHECK_THAT(edit_parse(lines[i], &edit, arena, &err), "%s %s", lines[i], err.text))
			edit_print(&edit, &out);
		CHECK_TEXT(out.s, lines[i]);
	}
	str_done(&out);
	arena_free(arena);
}

/* "From here on" includes what is generated; a range that ends in the prompt does not. */
static void check_onward(void)
{
	bool at[] = { false, false, true, true };
	struct edit edit = { .at = at, .at_count = 4, .onward = true };

	CHECK_THAT(edit_first_position(&edit) == 2 && !edit_covers(&edit, 1) && edit_covers(&edit, 3) && edit_covers(&edit, 4) &&
			   edit_covers(&edit, 99),
		   "@2.. covers generated tokens");
	edit.onward = false;
	CHECK_THAT(!edit_covers(&edit, 4), "@2..3 does not");
}

int main(void)
{
	static pair_check *const checks[] = { check_lines,     check_own,      check_interchange,
					      check_bad_basis, check_books,    check_files,
					      check_stopped,   check_refusals, NULL };
	static pair_check *const more_norms[] = { check_lines, check_more_norms, NULL };

	pair_each(FOLDER, 4, checks);
	pair_each("tests/fixtures/norms", 5, more_norms);
	check_printing();
	check_onward();
	scratch_done();
	pool_stop();
	return tap_done();
}
