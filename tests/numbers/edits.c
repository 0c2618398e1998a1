/*
 * edits.c - the ops of edits against tests/fixtures/edits (tests/reference/make_edits.py: the last logits under each line), what each must
 * leave as it is, and what is refused in which words.
 */
#include <dirent.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/numbers/pool.h"
#include "engine/run/prompt_runs.h"
#include "engine/run/sweep.h"
#include "tests/numbers/pair.h"
#include "tests/scratch.h"

#define FOLDER "tests/fixtures/edits"

static struct run *edited(const struct pair *f, const char *const *lines, int n, struct err *err)
{
	struct run_order order = { .model = f->model, .tokens = f->run->tokens, .T = f->run->T, .edits = lines, .edit_count = n,
				   .unedited = f->run, .foil = f->foil };

	return run_new(&order, NULL, err);
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
	order.prompts = f->run->prompts;
	unedited->tokens[0] ^= 1;	/* not of these tokens: nothing is borrowed, while edits still read it */
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
		"head 0.0 mean " TWICE " same", "head 0.0..1 resample " OWN " line 2", "pattern 1 resample " OWN " line 2", "q 1.0..1 mean " TWICE " same",
		"pattern 0.1 mean " TWICE " same", "embed 0 resample " OWN " line 2", "neuron 1.2..9 @3.. resample " OWN " line 2",
		"layer 1 @-2.. mean " TWICE " same", "resid_post 0 resample " OWN " line 2",
	};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct err err = { 0 };
		struct run *r = edited(f, &lines[i], 1, &err), *g = fresh(f, &lines[i], 1, &err);

		CHECK_THAT(r && same_logits(r, f->run) && same_logits(g, f->run), "%s: %s changes nothing %s", f->name, lines[i], err.text);
		run_unref(r);
		run_unref(g);
	}
}

/* Every line of the fixture: its logits, what stands before its first position, a run from nothing, and a sweep's cell. */
static void check_lines(const struct pair *f)
{
	const struct json_value *edits = json_get(f->root, "edits");
	enum { MOST = 100 };
	struct sweep_variant v[MOST] = { 0 };
	double value[MOST], single[MOST];
	struct err err = { 0 };
	int n = 0, wrong = 0;

	CHECK_THAT(json_count(edits) > 20 && json_count(edits) < MOST, "%s: %zu edits", f->name, json_count(edits));
	for (size_t i = 0; i < json_count(edits) && i < MOST; i++) {
		const struct json_value *lines = json_get(json_at(edits, i), "lines");
		const char *line[SWEEP_EDITS];
		float expected[4096];
		struct run *r, *g;
		char words[600] = "";
		int count = (int)json_count(lines), first = f->run->T, low = f->model->config.L;

		for (int k = 0; k < count; k++) {
			line[k] = v[n].edits[k] = json_text(json_at(lines, (size_t)k));
			snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", k ? " · " : "", line[k]);
		}
		v[n].edit_count = count;
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
			low = r->edit[k].layer < low ? r->edit[k].layer : low;
		}
		CHECK_THAT((!low || same_rows(r, f->run, low - 1, r->T)) && same_rows(r, f->run, f->model->config.L - 1, first),
			   "%s: %s: nothing changes below or before", f->name, words);
		if (!metric_value(&f->metric, r, f->run, &single[n++], NULL, &err))
			CHECK_THAT(false, "%s", err.text);
		run_unref(r);
		run_unref(g);
	}
	if (CHECK_THAT(sweep_metric(f->run, f->run, f->foil, &f->metric, v, n, value, NULL, &err), "%s: sweep %s", f->name, err.text))
		for (int i = 0; i < n; i++)
			wrong += single[i] != value[i];
	CHECK_THAT(!wrong, "%s: of %d cells of a sweep %d are not exactly the single run", f->name, n, wrong);
}

/* A file of prompts: what is drawn, what is known again, what is said when nothing fits. */
static void check_files(const struct pair *f)
{
	static const char *const draws[] = { "head 0.0 resample " OWN, "head 0.0 resample " OWN " 1", "head 0.0 resample " OWN " 2",
					     "head 0.0 resample " OWN " 3", "head 0.0 resample " OWN " 4", "head 0.0 resample " OWN " 5" };
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
	CHECK_THAT(same == DRAWS && own == 0 && kinds > 1, "%s: of %d seeds %d draw the same again, %d draw the prompt itself, %d another than the first",
		   f->name, DRAWS, same, own, kinds - 1);
	for (int i = 0; i < DRAWS; i++)
		run_unref(r[i]);

	/* a file that changes is read again */
	path = scratch_file("set.txt", "the hen", 7);
	snprintf(line, sizeof line, "mlp_out 0 mean %s", path);
	r[0] = edited(f, one, 1, &err);
	r[1] = edited(f, one, 1, &err);
	free(scratch_file("set.txt", "a pig saw\n", 10));
	r[2] = edited(f, one, 1, &err);
	CHECK_THAT(same_logits(r[0], r[1]) && r[2] && !same_logits(r[0], r[2]), "%s: a file's mean is known again until the file changes", f->name);
	for (int i = 0; i < 3; i++)
		run_unref(r[i]);
	free(path);
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
		{ "head 0.0 resample " FOLDER "/short.txt 1.5", "the seed behind resample" },
		{ "head 0.0 mean " FOLDER "/short.txt same", "none of its prompts has" },
		{ "head 0.0 mean " FOLDER "/short.txt other", "stands nothing, or same, not other" },
		{ "head 0.1..0 zero", "the range 1..0 runs backwards" },
		{ "head 0.0..99 zero", "a layer has heads 0 …" },
		{ "head 0.0.. zero", "expected a layer (5), or layer and head (5.1)" },
		{ "pattern 0 @3..<2..1 zero", "the range 2..1 runs backwards" },
		{ "head 0.0 @3..x zero", "expected positions such as @4" },
		{ "head 0.0 @99.. zero", "position 99 is outside the prompt" },
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
		"head 5.0..3 zero", "neuron 3.10..63 scale 2", "head 5.1 @5.. zero", "head 5.1 @-1.. mean", "q 1.0 @1,3.. zero", "pattern 5.1 @4..<2 zero",
		"pattern 5.1 @4..6<0..2 zero", "head 5.1 mean set.txt", "head 5.1 mean \"a set.txt\" same", "head 5.1 resample set.txt",
		"head 5.1 resample set.txt 3", "layer 5 resample set.jsonl line 7",
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

/* "From here on" goes on to what is generated; a range that ends in the prompt does not. */
static void check_onward(void)
{
	bool at[] = { false, false, true, true };
	struct edit edit = { .at = at, .at_count = 4, .onward = true };

	CHECK_THAT(edit_first_position(&edit) == 2 && !edit_covers(&edit, 1) && edit_covers(&edit, 3) && edit_covers(&edit, 4) && edit_covers(&edit, 99),
		   "@2.. covers generated tokens");
	edit.onward = false;
	CHECK_THAT(!edit_covers(&edit, 4), "@2..3 does not");
}

int main(void)
{
	DIR *dir = opendir(FOLDER);
	int models = 0;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		struct pair f = { .name = e->d_name };
		char *path = file_join(FOLDER, e->d_name);

		if (strlen(e->d_name) > 5 && !strcmp(e->d_name + strlen(e->d_name) - 5, ".json") && e->d_name[0] != '.') {
			models++;
			if (pair_open(&f, path)) {
				check_lines(&f);
				check_own(&f);
				check_files(&f);
				check_refusals(&f);
			}
			pair_close(&f);
		}
		free(path);
	}
	if (dir)
		closedir(dir);
	check_printing();
	check_onward();
	scratch_done();
	CHECK_THAT(models >= 4, "%d models were compared", models);
	pool_stop();
	return tap_done();
}
