/*
 * tour.c - the tour on the demo model itself: each step is done rightly, and is done then; and wrongly, and is not. What its
 * sentences promise about heads and layers is looked up in the model.
 */
#include <math.h>
#include <poll.h>
#include <stdlib.h>

#include "tui/app/binding.h"
#include "engine/base/paths.h"
#include "tests/scratch.h"
#include "tests/tap.h"
#include "tui/app/effects.h"
#include "tui/panes/lists.h"

enum { STEPS = 10 };

struct tour_walk {
	struct theme *theme;
	struct preset doc;
	struct app app;
	struct worker *worker;
	struct canvas canvas;
};

/* What the app asks for, until the model has answered all of it. */
static void serve(struct tour_walk *w)
{
	struct request r;

	for (;;) {
		while (app_take(&w->app, &r)) {
			if (r.kind == REQUEST_ASK)
				app_asked(&w->app, worker_ask(w->worker, &w->app.asked));
			else if (r.kind == REQUEST_TOUR)
				outside_tour(&w->app, r.text);
			else if (r.kind == REQUEST_SAVE)
				outside_save(&w->app, r.text);
			free(r.text);
		}
		if (w->app.shot && !app_busy(&w->app) && !w->app.requests)
			break;
		poll(&(struct pollfd){ worker_fd(w->worker), POLLIN, 0 }, 1, 1000);
		app_snapshot(&w->app, worker_look(w->worker));
	}
	app_draw(&w->app, &w->canvas);
}

/* Names of keys, separated by spaces; 'text types it, with ~ for a space. */
static void press(struct tour_walk *w, const char *keys)
{
	while (*keys) {
		size_t n = strcspn(keys, " ");
		struct key key = { 0 };
		char name[200];

		snprintf(name, sizeof name, "%.*s", (int)n, keys);
		for (const char *s = name + 1; *name == '\'' && *s; s++) {
			key = (struct key){ .kind = K_CHAR, .c = *s == '~' ? ' ' : *s };
			app_event(&w->app, &key);
		}
		if (*name != '\'' && CHECK_THAT(key_parse(name, &key), "%s is a key", name))
			app_event(&w->app, &key);
		serve(w);
		keys += n + (keys[n] == ' ');
	}
}

static void begin(struct tour_walk *w)
{
	struct err err = { 0 };

	memset(w, 0, sizeof *w);
	w->theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	preset_init(&w->doc);
	job_set(&w->doc.job.model, "demo");
	job_set(&w->doc.job.prompt, "What was here before");
	job_pane_init(&w->doc.job.pane[w->doc.job.panes++], analysis_find("next-token"));
	canvas_init(&w->canvas, 80, 24);
	w->worker = worker_new(&err);
	app_init(&w->app, &w->doc, w->theme);
	serve(w);
}

static void end(struct tour_walk *w)
{
	worker_free(w->worker);
	app_done(&w->app);
	canvas_done(&w->canvas);
	preset_done(&w->doc);
	theme_free(w->theme);
}

static bool on_screen(const struct tour_walk *w, const char *text)
{
	struct str all;
	bool has;

	str_init(&all);
	canvas_dump(&w->canvas, &all);
	has = strstr(all.s, text) != NULL;
	str_done(&all);
	return has;
}

static void go_to(struct tour_walk *w, int step)
{
	char keys[40];

	snprintf(keys, sizeof keys, ": 'tour~%d Enter", step);
	press(w, keys);
	CHECK_THAT(w->app.card == CARD_TOUR && w->app.tour.step == step && w->app.tour.of == STEPS && !w->app.tour.done,
		   "step %d is open, and not done", step);
}

#define FOIL_BUT(name) "f C-u 'When~Tom~and~Lily~went~to~the~park,~" name "~gave~a~ball~to Enter"

static const struct {
	const char *right, *wrong[3];
} replay[STEPS] = {
	{ "Up Up Up Left Left", { "Up Up Up Left", "Up Up Left Left Right Left" } },
	{ "Space", { "Right Space", "Tab Tab", ": 'edit~head~0.0~zero Enter" } },
	{ "d", { "E Space Esc d", "u Space" } },
	{ "[ [ [ Space", { "[ [ Space", "Space", "[ [ [ } Space" } },
	{ "e C-u 'The~capital~of~France~is Enter", { "e C-u 'The~capital~of~Spain~is Enter", "e '~Paris Enter" } },
	{ "Up Up End", { "Up Up Up End", "Up End" } },
	{ "m C-u 'logit_diff~\"~Lily\"~\"~Tom\" Enter",
	  { "m C-u 'logit_diff~\"~Tom\"~\"~Lily\" Enter", "m C-u 'logit~\"~Lily\" Enter" } },
	{ FOIL_BUT("Lily"), { FOIL_BUT("Anna"), FOIL_BUT("Tom") } },
	{ ": 'technique~activation-patching Enter", { ": 'technique~attribution-patching Enter", "t Esc" } },
	{ "w C-u 'kept Enter", { "w C-u 'a/b Enter", "w Esc" } },
};

static void test_replays(struct tour_walk *w)
{
	for (int i = 0; i < STEPS; i++) {
		for (int k = 0; k < 3 && replay[i].wrong[k]; k++) {
			go_to(w, i + 1);
			press(w, replay[i].wrong[k]);
			CHECK_THAT(!w->app.tour.done && !on_screen(w, "next step"), "step %d is not done by %s", i + 1,
				   replay[i].wrong[k]);
			press(w, "Esc Esc");
		}
		go_to(w, i + 1);
		press(w, replay[i].right);
		CHECK_THAT(w->app.tour.done, "step %d is done by %s: %s", i + 1, replay[i].right, w->app.message.s);
		CHECK_THAT(on_screen(w, "✓") && on_screen(w, "next step"), "it is ticked off, and says how to continue");
		press(w, "Enter");
		if (i + 1 < STEPS)
			CHECK_THAT(w->app.tour.step == i + 2 && !w->app.tour.done, "Enter opens step %d", i + 2);
	}
	CHECK_THAT(w->app.card != CARD_TOUR && !strcmp(w->app.doc.job.prompt, w->doc.job.prompt),
		   "after the last what was there before is back");
}

/* The way in and out. */
static void test_leaving(struct tour_walk *w)
{
	press(w, ": 'tour Enter");
	CHECK_THAT(w->app.tour.step == 1 && on_screen(w, "tour 1 of 10"), ":tour begins it");
	press(w, ": 'tour~4 Enter Esc");
	CHECK_THAT(w->app.card == CARD_NONE && !strcmp(w->app.doc.job.prompt, w->doc.job.prompt),
		   "Esc leaves, and what was there before is back");
	press(w, ": 'tour Enter");
	CHECK_THAT(w->app.tour.step == 4, ":tour continues where it was left");
	press(w, ": 'tour~11 Enter");
	CHECK_THAT(w->app.message_style == STYLE_ERROR && strstr(w->app.message.s, "10 steps"), "%s", w->app.message.s);
	press(w, "Esc : 'tour~x Enter");
	CHECK_THAT(w->app.message_style == STYLE_ERROR && w->app.tour.step == 4, "%s", w->app.message.s);
	press(w, "Esc Esc");
}

/* ---- what the steps say about the model ---- */

/* The cell of the first pane whose number is farthest from `neutral`, among the rows of a layer (-1: of all). */
static struct place strongest(const struct tour_walk *w, double neutral, int layer)
{
	const struct table *t = w->app.shot->pane[0].table;
	struct place best = PLACE_NONE, place;
	double most = -1;

	for (int r = 0; t && r < t->rows.n; r++)
		for (int c = 0; c < t->cols.n; c++) {
			double x = fabs((double)t->value[table_cell(t, r, c)] - neutral);

			table_place(t, r, c, &place);
			if (x > most && (layer < 0 || place.layer == layer)) {
				most = x;
				best = place;
			}
		}
	return best;
}

static void goal_head(const struct tour_walk *w, const char *format, int *layer, int *head)
{
	*layer = *head = -1;
	CHECK_THAT(w->app.tour.task.goals && sscanf(w->app.tour.task.goal[0], format, layer, head) == 2, "the goal names a head");
}

static void test_heads(struct tour_walk *w)
{
	int layer, head, writer_layer, writer;
	struct place place;

	go_to(w, 1);
	goal_head(w, "cursor layer %d head %d", &writer_layer, &writer);
	place = strongest(w, 0, -1);
	CHECK_THAT(place.layer == writer_layer && place.unit == writer, "head %d.%d writes most of the answer", place.layer,
		   place.unit);
	for (int step = 2; step <= 3; step++) {
		go_to(w, step);
		goal_head(w, "edit head %d.%d", &layer, &head);
		CHECK_THAT(layer == writer_layer && head == writer, "step %d is about the same head", step);
	}
	go_to(w, 4);
	goal_head(w, "edit head %d.%d", &layer, &head);
	CHECK_THAT(!strcmp(w->app.shot->next.show, "·dog"), "the answer is there before the edit");
	press(w, ": 'technique~attention-overview Enter : 'set~show=previous Enter");
	place = strongest(w, 0, -1);
	CHECK_THAT(place.layer == layer && place.unit == head, "head %d.%d looks one token back", place.layer, place.unit);
}

static void test_lens(struct tour_walk *w)
{
	const struct table *t;
	int lowest = 1000, layer = -1;

	go_to(w, 6);
	t = w->app.shot->pane[0].table;
	for (int r = 0; r < t->rows.n; r++) {
		struct place place;

		table_place(t, r, t->cols.n - 1, &place);
		if (!strcmp(t->word_show[table_cell(t, r, t->cols.n - 1)], "·Paris") && place.layer < lowest)
			lowest = place.layer;
	}
	sscanf(w->app.tour.task.goal[0], "cursor layer %d", &layer);
	CHECK_THAT(layer == lowest, "the answer appears at layer %d", lowest);
}

static void test_patching(struct tour_walk *w)
{
	int tokens;

	go_to(w, 9);
	press(w, replay[8].right);
	tokens = w->app.shot->tokens;
	CHECK_THAT(!strcmp(w->app.shot->token[strongest(w, 1, 2).position].show, "·Tom"),
		   "before layer 2 the difference is at the name");
	CHECK_THAT(strongest(w, 1, 3).position == tokens - 1, "after it at the last token");
}

/* Each step is whole, and its sentences fit into the card at 80 × 24. */
static void test_steps(void)
{
	struct preset_entry *list;
	int n = preset_list_tour(&list);

	CHECK_THAT(n == STEPS, "%d steps", n);
	for (int i = 0; i < n; i++) {
		const struct rect r = { 0, 0, 78, 0 };
		struct canvas nowhere = { 0 };
		struct notes notes = { 0 };
		struct err err = { 0 };
		struct preset p;

		if (!CHECK_THAT(preset_open(list[i].path, &p, &notes, &err) && !notes.n, "%s: %s", list[i].name,
				notes.n ? notes.line[0] : err.text))
			continue;
		CHECK_THAT(p.title && p.task && p.about && p.goals && p.job.model && !strcmp(p.job.model, "demo"), "%s is whole",
			   list[i].name);
		CHECK_THAT(canvas_paragraph(&nowhere, r, 0, (struct ink){ 0 }, p.task) <= 2 &&
				   canvas_paragraph(&nowhere, r, 0, (struct ink){ 0 }, p.about) <= 2,
			   "%s: its sentences fit", list[i].name);
		for (int k = 0; k < p.goals; k++)
			CHECK_THAT(!tour_fault(p.goal[k]), "%s: %s: %s", list[i].name, p.goal[k],
				   tour_fault(p.goal[k]) ? tour_fault(p.goal[k]) : "good");
		preset_done(&p);
		notes_done(&notes);
	}
	preset_list_free(list, n);
	CHECK(tour_fault("presses 3") && tour_fault("technique lens") && tour_fault("cursor floor 3") && tour_fault("edit"));
}

int main(void)
{
	struct tour_walk w;
	char *demo;

	setenv("LMSCOPE_SHARE", ".", 1);
	setenv("XDG_CONFIG_HOME", scratch_folder(), 1);
	test_steps();
	demo = paths_data("models/demo/model.safetensors");
	if (!demo) {
		tap_skip("the demo model is not there");
		return tap_done();
	}
	begin(&w);
	test_leaving(&w);
	test_replays(&w);
	test_heads(&w);
	test_lens(&w);
	test_patching(&w);
	end(&w);
	free(demo);
	scratch_done();
	return tap_done();
}
