/*
 * preset.c - saved views: what is read, what is left out and in which words, what is written and never overwritten; all that
 * ship.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "engine/preset/preset.h"
#include "tests/scratch.h"
#include "tests/tap.h"

static bool parse(const char *yaml, struct preset *p, struct notes *notes, struct err *err)
{
	return preset_parse(yaml, strlen(yaml), "t.yaml", p, notes, err);
}

static const char whole[] =
	"title: Induction\n"
	"about: The head 2.5 looks at what followed the last time, and copies it.\n"
	"model: demo\n"
	"prompt: \"the cat sat on the mat . the cat sat on the\"\n"
	"foil: null\n"
	"metric: logit_diff \" mat\" \" dog\"\n"
	"edits:\n"
	"  - head 1.3 zero\n"
	"  - {edit: head 2.5 zero, on: false}\n"
	"panes:\n"
	"  - [{analysis: logit-lens, args: {show: probability}}, {analysis: attention, args: {layer: 2, head: 5}, diff: edits, "
	"view: lines, zoom: number, threshold: 0.07}]\n"
	"  - {analysis: head-attribution, over: prompts/ioi.jsonl}\n"
	"  - [{analysis: next-token, on: foil}]\n"
	"cursor: {layer: 2, head: 5, position: -1}\n"
	"bookmarks:\n"
	"  - {letter: a, pane: {analysis: attention, args: {layer: 2, head: 5}, zoom: half}, cursor: {layer: 2}, zoom: true}\n"
	"notes:\n"
	"  - {text: 'copies: the #1 head', place: layer 2 · head 5, pane: {analysis: head-attribution}, cursor: {layer: 2, head: "
	"5}}\n"
	"theme: dusk\n";

static void test_reading(void)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct preset p;

	if (!CHECK_THAT(parse(whole, &p, &notes, &err), "the whole example: %s", err.text))
		return;
	CHECK(notes.n == 0);
	CHECK_TEXT(p.title, "Induction");
	CHECK_TEXT(p.theme, "dusk");
	CHECK_TEXT(p.job.metric, "logit_diff \" mat\" \" dog\"");
	CHECK(!p.job.foil && p.job.edits == 2 && p.job.edit[0].on && !p.job.edit[1].on);
	CHECK_TEXT(p.job.edit[1].line, "head 2.5 zero");
	CHECK(p.job.panes == 4 && p.row[0] == 0 && p.row[1] == 0 && p.row[2] == 1 && p.row[3] == 2);
	CHECK(p.job.pane[1].args[0].number == 2 && p.job.pane[1].given[1] && !p.job.pane[1].given[2] &&
	      p.job.pane[1].shown == SHOWN_MINUS_UNEDITED);
	CHECK(!strcmp(p.job.pane[2].analysis->name, "head-attribution") && !p.job.pane[2].given[0]);
	CHECK(p.job.pane[3].shown == SHOWN_FOIL);
	CHECK_TEXT(p.job.pane[2].over, "prompts/ioi.jsonl");
	CHECK(!p.job.pane[1].over);
	CHECK_TEXT(p.job.pane[1].view.name, "lines");
	CHECK_TEXT(p.job.pane[1].view.zoom, "number");
	CHECK(p.job.pane[1].view.threshold == 0.07 && !p.job.pane[0].view.name && !p.job.pane[0].view.zoom &&
	      p.job.pane[0].view.threshold == 0);
	CHECK_THAT(p.job.pane[3].args[1].number == -1, "what is left out is where the cursor is");
	if (CHECK(p.places == 2)) {
		CHECK(p.place[0].letter == 'a' && p.place[0].zoomed && !p.place[0].text && p.place[0].pane.args[1].number == 5);
		CHECK_TEXT(p.place[0].pane.view.zoom, "half");
		CHECK_TEXT(p.place[1].text, "copies: the #1 head");
		CHECK_TEXT(p.place[1].where, "layer 2 · head 5");
		CHECK(p.place[1].cursor[DIM_HEAD] == 5 && p.place[1].cursor[DIM_POSITION] == CURSOR_UNSET);
	}
	CHECK(p.cursor[DIM_LAYER] == 2 && p.cursor[DIM_POSITION] == -1 && p.cursor[DIM_NEURON] == CURSOR_UNSET);
	preset_done(&p);
}

static void test_round_trip(void)
{
	static const char *const lines[] = {
		"head 5.0..3 @1,4.. mean \"a set: 1 #2.txt\" same",
		"head 5.1 resample set.txt line 7",
		"pattern 5.1 @4..<2..3 add -0.5",
		"resid_post 6 interchange 'my \"basis\".npy'",
		"ln_final @-1 freeze",
		"scores 0 @7<4 mask",
	};
	struct err err = { 0 };
	struct preset p, copy, back;
	struct str out;

	parse(whole, &p, NULL, &err);
	job_set(&p.job.prompt, "two\nlines \"quoted\" : # é \x1b[31m");
	job_set(&p.job.foil, "null");
	p.job.bos = BOS_NEVER;
	job_way_push(&p.job, &(struct way_step){ (char *)"logit \" a\\\\b\"", -6.125, -1, { 0 } });
	job_way_push(&p.job, &(struct way_step){ (char *)"part head 3.0 of logit #4", 2.86, -1, { 0 } });
	p.job.generate = 5;
	p.size[0] = (struct pane_size){ 3, -8 };
	p.size[p.job.panes - 1].wider = SIZE_MOST;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		job_add_edit(&p.job, lines[i]);
	preset_copy(&copy, &p);
	str_init(&out);
	preset_print(&copy, &out);
	if (CHECK_THAT(preset_parse(out.s, out.n, "back", &back, NULL, &err), "what is printed can be read %s", err.text)) {
		CHECK(job_equal(&p.job, &back.job) && !memcmp(p.row, back.row, sizeof p.row) &&
		      !memcmp(p.cursor, back.cursor, sizeof p.cursor));
		if (CHECK_THAT(back.job.ways == 2, "the way to the metric: %d steps", back.job.ways)) {
			CHECK_TEXT(back.job.way[0].spec, p.job.way[0].spec);
			CHECK(back.job.way[0].value == -6.125 && back.job.way[1].value == 2.86);
		}
		CHECK_THAT(!memcmp(p.size, back.size, sizeof p.size), "sizes of panes, too");
		for (int i = 0; i < 4; i++)
			CHECK(job_view_equal(&p.job.pane[i].view, &back.job.pane[i].view));
		CHECK(back.places == 2 && kept_place_equal(&back.place[0], &p.place[0]) &&
		      kept_place_equal(&back.place[1], &p.place[1]));
		CHECK_TEXT(back.job.foil, "null");
		CHECK_TEXT(back.about, p.about);
		preset_done(&back);
	}
	str_done(&out);
	preset_done(&p);
	preset_done(&copy);
}

/* Each is left out with its sentence; what is beside it is read. */
static void test_leaving_out(void)
{
	static const struct {
		const char *yaml, *note;
	} cases[] = {
		{ "titel: x\n", "t.yaml:1: unknown key \"titel\"; expected title, about, model" },
		{ "metric: logi \" a\"\n", "t.yaml:1: metric" },
		{ "way: logit #1\n", "t.yaml:1: way is no list" },
		{ "way:\n  - 'logit #1'\n", "t.yaml:2: way: 'logit #1' is no step" },
		{ "way:\n  - 3 logi\n", "t.yaml:2: way: metric 'logi'" },
		{ "edits:\n  - hed 1.0 zero\n", "t.yaml:2: " },
		{ "edits:\n  - {edti: head 1.0 zero}\n", "t.yaml:2: unknown key \"edti\" of an edit" },
		{ "edits:\n  - {edit: head 1.0 zero, on: maybe}\n", "t.yaml:2: on is \"maybe\"; expected true or false" },
		{ "edits: head 1.0 zero\n", "t.yaml:1: edits is no list" },
		{ "cursor: {layr: 1}\n", "t.yaml:1: unknown key \"layr\" of the cursor" },
		{ "cursor: {layer: first}\n", "t.yaml:1: layer is \"first\"; expected a whole number" },
		{ "bookmarks: a\n", "t.yaml:1: bookmarks is no list" },
		{ "bookmarks:\n  - {letter: ab, pane: attention}\n", "t.yaml:2: letter is \"ab\"; expected a letter or a digit" },
		{ "notes:\n  - {text: x}\n", "t.yaml:2: a note without its pane" },
		{ "notes:\n  - 3\n", "t.yaml:2: a note without its text" },
		{ "notes:\n  - {text: x, pane: attention, colour: red}\n", "t.yaml:2: unknown key \"colour\" of a note" },
		{ "bos: maybe\n", "expected default, always or never" },
		{ "generate: -1\n", "expected a whole number, 0 … 1000" },
		{ "title: [a]\n", "t.yaml:1: title is a list; expected a text" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct notes notes = { 0 };
		struct err err = { 0 };
		struct preset p;
		struct str yaml;

		str_init(&yaml);
		str_addf(&yaml, "%spanes: [next-token]\nprompt: hello\n", cases[i].yaml);
		if (CHECK_THAT(parse(yaml.s, &p, &notes, &err), "continues with the rest")) {
			CHECK_THAT(notes.n > 0 && strstr(notes.line[0], cases[i].note), "%s",
				   notes.n ? notes.line[0] : cases[i].note);
			CHECK(p.job.panes == 1 && !strcmp(p.job.prompt, "hello"));
			preset_done(&p);
		}
		notes_done(&notes);
		str_done(&yaml);
	}
}

static void test_panes_left_out(void)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct preset p;

	CHECK(parse("panes:\n- logit-lense\n- {analysis: attention, args: {lyer: 1, head: 1}}\n- {args: {}}\n- {analysis: "
		    "next-token, k: 3}\n"
		    "- {analysis: logit-lens, args: {show: rnk}, diff: both}\n"
		    "- {analysis: attention, on: both}\n- {analysis: attention, diff: edits, on: foil}\n"
		    "- {analysis: attention, view: [heat], zoom: no-zoom-has-as-long-a-name-as-this, threshold: -1}\n"
		    "- {analysis: attention, threshold: much}\n",
		    &p, &notes, &err));
	CHECK(p.job.panes == 7 && p.row[0] == 0 && p.row[2] == 2 && p.job.pane[0].args[1].number == 1);
	CHECK(notes.n == 12);
	CHECK_TEXT(notes.line[0], "t.yaml:2: there is no analysis \"logit-lense\"; did you mean logit-lens?");
	CHECK_TEXT(notes.line[1], "t.yaml:3: attention has no argument \"lyer\"; it has layer, head, show");
	CHECK(!strncmp(notes.line[2], "t.yaml:4: a pane without its analysis", 37));
	CHECK(!strncmp(notes.line[3], "t.yaml:5: unknown key \"k\" of a pane", 35));
	CHECK(!strncmp(notes.line[4], "t.yaml:6: logit-lens: show is rnk; expected probability", 55));
	CHECK_TEXT(notes.line[6], "t.yaml:7: on: invalid value; expected prompt or foil");
	CHECK_TEXT(notes.line[7], "t.yaml:8: on: foil beside a diff; a pane is one of the two");
	CHECK_TEXT(notes.line[8], "t.yaml:9: view is a list; expected a text");
	CHECK_TEXT(notes.line[9], "t.yaml:9: zoom is no word; expected one of at most 30 bytes");
	CHECK_TEXT(notes.line[10], "t.yaml:9: threshold is negative; expected a weight from 0 up");
	CHECK_TEXT(notes.line[11], "t.yaml:10: threshold is \"much\"; expected a number");
	CHECK(!p.job.pane[5].view.name && !p.job.pane[5].view.zoom && p.job.pane[5].view.threshold == 0);
	preset_done(&p);
	notes_done(&notes);
	CHECK(!parse("panes: [nothing]\n", &p, NULL, &err) && strstr(err.text, "t.yaml:1: nothing to show"));
	CHECK(!parse("", &p, NULL, &err) && strstr(err.text, "nothing to show"));
	CHECK(!parse("- a\n", &p, NULL, &err) && strstr(err.text, "not a preset"));
	CHECK(!parse("a: [", &p, NULL, &err) && strstr(err.text, "not YAML"));
}

/* Files of arguments, edits, means and metrics that lie beside a preset are found from anywhere, also with the name of a part. */
static void test_files_beside(void)
{
	static const char yaml[] = "edits: [resid_post 0 add w.npz:b 2]\n"
				   "metric: part head 1.1 of along w.npz:b resid_post 1 @-1\n"
				   "way: [0.5 along \"w.npz\" attn_out 0]\n"
				   "panes: [{analysis: subspace-interchange, args: {basis: w.npz:b}, over: w.npz}, next-token]\n";
	char *file = scratch_file("w.npz", "", 0), *preset = scratch_file("p.yaml", yaml, sizeof yaml - 1);
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct preset p;
	struct str want;

	str_init(&want);
	if (CHECK_THAT(preset_open(preset, &p, &notes, &err), "%s", err.text)) {
		const struct job_pane *pane = &p.job.pane[0];

		CHECK_TEXT(pane->over, file);
		str_addf(&want, "%s:b", file);
		CHECK_TEXT(pane->args[param_find(pane->analysis->params, "basis")].text, want.s);
		str_clear(&want);
		str_addf(&want, "resid_post 0 add %s:b 2", file);
		CHECK_TEXT(p.job.edit[0].line, want.s);
		str_clear(&want);
		str_addf(&want, "part head 1.1 of along %s:b resid_post 1 @-1", file);
		CHECK_TEXT(p.job.metric, want.s);
		str_clear(&want);
		str_addf(&want, "along %s attn_out 0", file);
		CHECK_TEXT(p.job.ways ? p.job.way[0].spec : "", want.s);
		preset_done(&p);
	}
	CHECK_THAT(notes.n == 0, "%s", notes.n ? notes.line[0] : "");
	str_done(&want);
	notes_done(&notes);
	free(file);
	free(preset);
}

/* What is expected goes with its pane; a line that is wrong is left out, and remembered as misspelt. */
static void test_expecting(void)
{
	static const char yaml[] = "prompt: hello\nexpect: [metric > 3]\npanes:\n"
				   "- [next-token, {analysis: logit-lens, expect: ['cell -1 \" a\" word \" b\"', metric < 9]}]\n"
				   "- {analysis: head-attribution, expect: [top 1 is 2.2]}\n";
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct preset p, copy, back;
	struct str out;

	str_init(&out);
	if (!CHECK_THAT(parse(yaml, &p, &notes, &err), "reads %s", err.text))
		return;
	CHECK_THAT(notes.n == 0 && p.expects == 4 && !p.misspelt, "%s", notes.n ? notes.line[0] : "nothing to remark");
	CHECK(p.expect[0].pane == -1 && p.expect[1].pane == 1 && p.expect[2].pane == 1 && p.expect[3].pane == 2 &&
	      p.expect[3].at == 5);
	CHECK_TEXT(p.expect[1].line, "cell -1 \" a\" word \" b\"");
	preset_copy(&copy, &p);
	preset_print(&copy, &out);
	if (CHECK_THAT(preset_parse(out.s, out.n, "back", &back, &notes, &err), "is printed and read again %s", err.text)) {
		CHECK(notes.n == 0 && back.expects == 4);
		for (int i = 0; i < 4; i++)
			CHECK(back.expect[i].pane == p.expect[i].pane && !strcmp(back.expect[i].line, p.expect[i].line));
		preset_done(&back);
	}
	preset_shift_expects(&copy, 1, 1);
	CHECK(copy.expect[0].pane == -1 && copy.expect[1].pane == 2 && copy.expect[3].pane == 3);
	CHECK_THAT(!preset_expects_now(&copy, &copy.expect[3]), "of a pane that is not there");
	preset_shift_expects(&copy, 2, -1);
	CHECK_THAT(copy.expects == 2 && copy.expect[1].pane == 2, "what was expected of a closed pane goes with it");
	job_pane_init(&copy.job.pane[2], analysis_find("next-token"));
	str_clear(&out);
	preset_print(&copy, &out);
	CHECK_THAT(strstr(out.s, "metric > 3") && !strstr(out.s, "top 1"), "of another technique nothing is expected");
	str_done(&out);
	preset_done(&copy);
	preset_done(&p);
}

static void test_expecting_wrongly(void)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct preset p;

	CHECK(parse("expect: [top 1 is 2.2, metric >, metric > 1]\npanes:\n- {analysis: next-token, expect: [cell 1 2]}\n"
		    "- {analysis: next-token, expect: metric > 3}\n- {analysis: next-token, expect: [[metric > 3]]}\n",
		    &p, &notes, &err));
	CHECK(notes.n == 5 && p.misspelt && p.expects == 1 && p.job.panes == 3);
	CHECK_TEXT(notes.line[0], "t.yaml:1: expect 'top 1 is 2.2': only metric can be expected of the whole; cell and top belong "
				  "to a pane");
	CHECK_TEXT(notes.line[1], "t.yaml:1: expect 'metric >': a number is missing at its end");
	CHECK_TEXT(notes.line[2], "t.yaml:3: expect 'cell 1 2': expected >, <, = or word after the row and the column");
	CHECK_TEXT(notes.line[3], "t.yaml:4: expect is no list; expected lines such as - metric > 3");
	preset_done(&p);
	notes_done(&notes);
}

/* A name with a slash is a path. */
static void test_saving_elsewhere(const struct preset *p)
{
	struct err err = { 0 };
	struct preset back;
	struct str path, file;

	str_init(&path);
	str_init(&file);
	str_addf(&file, "%s/elsewhere", scratch_folder());
	CHECK_THAT(preset_save(p, file.s, &path, &err), "saves to %s %s", file.s, err.text);
	str_add(&file, ".yaml");
	CHECK_TEXT(path.s, file.s);
	CHECK(preset_save(p, file.s, NULL, &err) && preset_open(file.s, &back, NULL, &err) && job_equal(&p->job, &back.job));
	preset_done(&back);
	str_add(&file, "/x");
	CHECK_THAT(!preset_save(p, file.s, NULL, &err) && strstr(err.text, "no such folder"), "%s", err.text);
	str_done(&path);
	str_done(&file);
}

static void test_saving(void)
{
	struct err err = { 0 };
	struct preset p, back;
	struct preset_entry *list;
	struct str path;
	int n, mine = 0;

	setenv("XDG_CONFIG_HOME", scratch_folder(), 1);
	parse(whole, &p, NULL, &err);
	str_init(&path);
	CHECK_THAT(preset_save(&p, "my view", &path, &err), "saves %s", err.text);
	CHECK(file_exists(path.s) && strstr(path.s, "lmscope/presets/my view.yaml"));
	CHECK(preset_save(&p, "my view", NULL, &err));
	CHECK(preset_open("my view", &back, NULL, &err) && job_equal(&p.job, &back.job));
	preset_done(&back);
	CHECK(preset_open(path.s, &back, NULL, &err));
	preset_done(&back);
	n = preset_list(&list);
	for (int i = 0; i < n; i++)
		mine += !strcmp(list[i].name, "my view") && !strcmp(list[i].title, "Induction") && !list[i].shipped;
	CHECK(mine == 1);
	preset_list_free(list, n);
	CHECK(file_write(path.s, "not: [a preset", 14, &err));
	CHECK_THAT(!preset_save(&p, "my view", NULL, &err) && strstr(err.text, "left as it is"), "not overwritten: %s", err.text);
	test_saving_elsewhere(&p);
	CHECK(!preset_save(&p, "", NULL, &err) && !preset_save(&p, ".x", NULL, &err) && !preset_save(&p, "a\nb", NULL, &err));
	CHECK(!preset_open("no such preset", &back, NULL, &err) && err.kind == ERR_ARGUMENT && strstr(err.text, "my view"));
	str_done(&path);
	preset_done(&p);
}

static void check_place(const struct preset *p, struct job_fault fault, int line)
{
	char expected[300];
	struct err err = { 0 };

	err_set(&err, ERR_ARGUMENT, "a sentence in any words");
	CHECK(!preset_place_fault(p, fault, &err));
	snprintf(expected, sizeof expected, line ? "%s:%d: a sentence in any words" : "a sentence in any words", p->file, line);
	CHECK_TEXT(err.text, expected);
}

/* What only a model can tell gets its place afterwards, from the part that is at fault and not from the sentence. */
static void test_placing(void)
{
	static const char yaml[] = "edits:\n  - head 1.0 zero\n  - {edit: head 99.0 zero}\npanes:\n  - nonsense\n  - [next-token,\n"
				   "     {analysis: attention, args: {layer: 99}}]\nmodel: none\nprompt: some\nmetric: logit \" "
				   "x\"\n";
	char *path = scratch_file("placed.yaml", yaml, strlen(yaml)), expected[300];
	struct err err = { 0 };
	struct preset p;

	CHECK(preset_open(path, &p, NULL, &err));
	check_place(&p, (struct job_fault){ JOB_EDIT, 1 }, 3);
	check_place(&p, (struct job_fault){ JOB_MODEL, 0 }, 8);
	check_place(&p, (struct job_fault){ JOB_PROMPT, 0 }, 9);
	check_place(&p, (struct job_fault){ JOB_METRIC, 0 }, 10);
	check_place(&p, (struct job_fault){ JOB_FOIL, 0 }, 0);
	check_place(&p, (struct job_fault){ JOB_WHOLE, 0 }, 0);
	job_set(&p.job.prompt, "another, from the command line");
	job_add_edit(&p.job, "head 3.0 zero");
	check_place(&p, (struct job_fault){ JOB_PROMPT, 0 }, 0);
	check_place(&p, (struct job_fault){ JOB_EDIT, 2 }, 0);
	err_set(&err, ERR_ARGUMENT, "there is no layer 99");
	preset_place_pane(&p, 1, &err);
	snprintf(expected, sizeof expected, "%s:7: there is no layer 99", path);
	CHECK_TEXT(err.text, expected);
	preset_done(&p);
	free(path);
}

static void test_shipped(void)
{
	struct preset_entry *list;
	int n, shipped = 0;

	setenv("LMSCOPE_SHARE", ".", 1);
	n = preset_list(&list);
	for (int i = 0; i < n; i++) {
		struct notes notes = { 0 };
		struct err err = { 0 };
		struct preset p;

		if (!list[i].shipped)
			continue;
		shipped++;
		if (CHECK_THAT(preset_open(list[i].path, &p, &notes, &err), "%s %s", list[i].name, err.text)) {
			CHECK_THAT(notes.n == 0 && p.title && p.about && *p.job.prompt, "%s: %s", list[i].name,
				   notes.n ? notes.line[0] : p.title);
			preset_done(&p);
		}
		notes_done(&notes);
	}
	CHECK_THAT(shipped >= 8, "%d presets ship", shipped);
	for (int a = 0; analysis_list[a]; a++) {
		char stem[64];
		bool there = false;

		snprintf(stem, sizeof stem, "%s", analysis_list[a]->name);
		for (char *s = stem; *s; s++)
			*s = *s == '-' ? '_' : *s;
		for (int i = 0; i < n; i++)
			there = there || (list[i].shipped && !strcmp(list[i].name, stem));
		CHECK_THAT(there, "presets/%s.yaml shows %s", stem, analysis_list[a]->name);
	}
	preset_list_free(list, n);
}

/* Those for models that do not come with the program are read without remarks, too. */
static void test_examples(void)
{
	static const char *const names[] = { "gpt2_fact", "gpt2_indirect_object", "gpt2_indirect_object_paths", "gpt2_induction" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct notes notes = { 0 };
		struct err err = { 0 };
		struct preset p;
		char path[80];

		snprintf(path, sizeof path, "docs/examples/%s.yaml", names[i]);
		if (CHECK_THAT(preset_open(path, &p, &notes, &err), "%s", err.text)) {
			CHECK_THAT(notes.n == 0 && p.job.panes >= 2, "%s: %s", path, notes.n ? notes.line[0] : p.title);
			preset_done(&p);
		}
		notes_done(&notes);
	}
}

int main(void)
{
	test_reading();
	test_round_trip();
	test_leaving_out();
	test_panes_left_out();
	test_files_beside();
	test_expecting();
	test_expecting_wrongly();
	test_saving();
	test_placing();
	test_shipped();
	test_examples();
	scratch_done();
	return tap_done();
}
