/* room.c - how the screen hands out its lines: what is always seen, what wraps, what is left out. */
#include <stdlib.h>

#include "tests/screens/stage.h"
#include "tui/draw/frame.h"
#include "tui/draw/wrap.h"

/* ------------------------------------------------------------------------------------------------ a line that wraps */

static void check_wrap(const char *text, int columns)
{
	struct wrapped end;
	struct input in;
	struct str all, row;

	input_init(&in);
	str_init(&all);
	str_init(&row);
	input_start(&in, text, NULL);
	end = wrap_cursor(&in, columns);
	for (int i = 0; i < end.rows; i++) {
		str_clear(&row);
		wrap_row(&in, columns, i, &row);
		CHECK_THAT(canvas_columns(row.s, row.n) <= columns, "row %d of \"%s\" has %d columns", i, text, columns);
		str_add_n(&all, row.s, row.n);
	}
	CHECK_TEXT(all.s, text);
	CHECK_THAT(end.row == end.rows - 1 && end.col < columns, "the cursor at the end is in the last of %d rows of %d", end.rows,
		   columns);
	do {
		struct wrapped at = wrap_cursor(&in, columns);

		if (wrap_hit(&in, columns, at.row, at.col) != in.at)
			CHECK_THAT(false, "a click on the cursor of \"%s\" leaves it at byte %zu in %d columns", text, in.at,
				   columns);
	} while (input_left(&in));
	str_done(&row);
	str_done(&all);
	input_done(&in);
}

static void wrapping(void)
{
	static const char *const texts[] = { "", "a", "The capital of France is", "見るabc見る見る",
					     "e\xcc\x81tude e\xcc\x81tude e\xcc\x81tude" };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (int columns = 2; columns <= 26; columns += 3)
			check_wrap(texts[i], columns);
}

/* ------------------------------------------------------------------------------------------------ prompt and foil */

static void prompt_line(void)
{
	static const char longer[] = ": 'prompt_When_Sam_said_that_the_old_lighthouse_on_the_cliff_was_empty_"
				     "all_winter_and_that_nobody_but_he_had_the_key Enter";
	struct stage s;

	raise_curtain(&s);
	press(&s, "e C-u 'When_Mary_and_John_went_to_the_store,_John_gave_a_drink_to Enter");
	resize(&s, 80, 24);
	CHECK_THAT(line_has(&s, 1, "prompt") && line_has(&s, 1, "Mary and John went to the store, John gave a drink to"),
		   "58 columns of prompt are read at 80 columns");
	press(&s, longer);
	press(&s, "f Home M-f M-Right Delete Delete Delete Delete 'Ann_ Enter");
	CHECK_THAT(screen_has(&s, "the key"), "the cursor's token is seen");
	CHECK_THAT(line_has(&s, 1, "Sam") || line_has(&s, 1, "When"), "and so is the first difference");
	drop_curtain(&s);
}

static void typed_prompt(void)
{
	struct stage s;

	raise_curtain(&s);
	resize(&s, 80, 24);
	press(&s, "e C-u 'aaaaaaaaaa_bbbbbbbbbb_cccccccccc_dddddddddd_eeeeeeeeee_ffffffffff_gggggggggg_hhhhhhhhhh");
	CHECK_THAT(line_has(&s, 1, "aaaaaaaaaa bbb") && line_has(&s, 2, "hhhhhhhhhh"), "what is typed wraps");
	CHECK_THAT(s.canvas.cursor_y == 2, "with the cursor in its row: %d", s.canvas.cursor_y);
	press(&s, "Click@12,1 'X");
	CHECK_TEXT(s.app.doc.job.prompt,
		   "aaaXaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee ffffffffff gggggggggg hhhhhhhhhh");
	press(&s, "Enter");
	CHECK_THAT(line_has(&s, 2, "┌"), "afterwards the panes are where they were");
	drop_curtain(&s);
}

static void wait_until_stale(struct stage *s)
{
	app_tick(&s->app, s->app.now + 1000);
	app_draw(&s->app, &s->canvas);
}

/* The metric of another run is not shown as this one's change, however long the run takes. */
static void metric_of_another_run(void)
{
	struct stage s;

	raise_curtain(&s);
	resize(&s, 120, 40);
	press(&s, "Space");
	wait_until_stale(&s);
	CHECK_THAT(line_has(&s, 37, "metric") && !line_has(&s, 37, " stale"), "an answered metric has its change");
	s.fake.shot.unprepared = true;
	wait_until_stale(&s);
	CHECK_THAT(line_has(&s, 37, " stale"), "one that is not computed yet is stale");
	drop_curtain(&s);
}

/* The rows that a long prompt takes of the panes are taken below their titles, which may have to say that a table is old. */
static void titles_of_typed_prompt(void)
{
	static const char *const keys[] = { "e C-u", "f C-u" };
	struct stage s;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		for (int h = 18; h <= 40; h += 22) {
			int top;

			raise_curtain(&s);
			resize(&s, 80, h);
			press(&s, keys[i]);
			top = s.app.layout.pane[0].y;
			press(&s, "Slow 'aaaaaaaaaa_bbbbbbbbbb_cccccccccc_dddddddddd_eeeeeeeeee_ffffffffff_gggggggggg");
			wait_until_stale(&s);
			CHECK_THAT(line_has(&s, top + 1, "┌") && line_has(&s, top + 1, "stale"),
				   "%s on %d lines: two rows of text, then the panes' edge", keys[i], h);
			press(&s, "'_aaaaaaaaaa_bbbbbbbbbb_cccccccccc_dddddddddd_eeeeeeeeee_ffffffffff_gggggggggg");
			wait_until_stale(&s);
			CHECK_THAT(line_has(&s, top + 2, "┌") && line_has(&s, top + 2, "stale"),
				   "%s on %d lines: three rows of text, then the panes' edge", keys[i], h);
			CHECK_THAT(!line_has(&s, top + 1, "┌"), "which is there once");
			drop_curtain(&s);
		}
}

/* What is not known of the prompt that is asked for is not shown in its place. */
static void prompt_of_the_document(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "Slow e '_however Enter");
	CHECK_THAT(line_has(&s, 1, "is however"), "the prompt as it is, before its tokens are known");
	drop_curtain(&s);
}

/* ------------------------------------------------------------------------------------------------ titles */

static char *title_in(int w, const struct title *title, const char *unit)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	struct frame frame = { .rect = { 0, 0, w, 3 }, .title = *title, .unit = unit };
	struct canvas c;
	struct str dump;
	char *line;

	canvas_init(&c, w, 3);
	str_init(&dump);
	frame_draw(&c, theme, &frame);
	canvas_dump(&c, &dump);
	line = strndup(dump.s, strcspn(dump.s, "\n"));
	str_done(&dump);
	canvas_done(&c);
	theme_free(theme);
	return line;
}

static void check_title(int w, const struct title *title, const char *unit, const char *want)
{
	char *line = title_in(w, title, unit);

	CHECK_THAT(strstr(line, want) != NULL, "%d columns: %s", w, line);
	free(line);
}

static void titles(void)
{
	const struct title patching = { "activation patching", "resid_pre", "noising: foil into prompt", NULL },
			   attention = { "attention", "layer 2 head 2", NULL, NULL };

	check_title(80, &patching, "logit", " activation patching · resid_pre · noising: foil into prompt ─");
	check_title(50, &patching, "logit", " activation patching · resid_pre · noising: f… ");
	check_title(40, &patching, "logit", " activation patching · resid_pre ─");
	check_title(60, &attention, "weight", " attention · layer 2 head 2 · weight ─");
	check_title(34, &attention, "weight", " attention · layer 2 head 2 ─");
}

/* ------------------------------------------------------------------------------------------------ keys, notes, messages */

static void hints_stay(void)
{
	struct preset doc;
	struct stage s;

	raise_curtain(&s);
	resize(&s, 80, 24);
	CHECK(line_has(&s, -1, "prompt") && line_has(&s, -1, "help"));
	job_set(&s.app.doc.about,
		"Twice the same list. A head looks at what followed the first time, and so finds what comes now.");
	app_say(&s.app, STYLE_WARNING, "the last session was lost: :recover");
	app_draw(&s.app, &s.canvas);
	CHECK_THAT(line_has(&s, -1, "prompt") && line_has(&s, -1, "help"), "a message leaves the keys where they are");
	CHECK_THAT(line_has(&s, -2, ":recover") && line_has(&s, -5, "Twice the same list"), "and a note leaves the message");
	press(&s, "Down");
	CHECK_THAT(screen_has(&s, "Twice the same list"), "the note outlives a key");
	press(&s, "Esc");
	CHECK_THAT(!screen_has(&s, "Twice the same list"), "Esc puts it away");
	press(&s, "m C-u 'nonsense");
	CHECK_THAT(line_has(&s, -1, "metric nonsense") && line_has(&s, -2, "Esc"), "a line that is typed has its keys over it");
	resize(&s, 120, 40);
	preset_copy(&doc, &s.app.doc);
	app_opened(&s.app, &doc);
	preset_done(&doc);
	app_draw(&s.app, &s.canvas);
	CHECK_THAT(screen_has(&s, "Esc closes"), "a tall screen gives the note a box");
	drop_curtain(&s);
}

/* ------------------------------------------------------------------------------------------------ work in progress */

static void progress(void)
{
	struct request r;
	struct stage s;

	raise_curtain(&s);
	press(&s, "Slow e '_more Esc");
	app_tick(&s.app, 5000);
	snprintf(s.fake.shot.what, sizeof s.fake.shot.what, "activation-patching");
	s.fake.shot.state = WORK_ANSWERING;
	s.fake.shot.done = 244;
	s.fake.shot.total = 390;
	s.fake.shot.left = 3.2;
	s.fake.shot.queued = 2;
	app_draw(&s.app, &s.canvas);
	CHECK(line_has(&s, 0, "… activation-patching 244/390 · 3 s left · 2 queued · Esc stops it"));
	s.fake.shot.left = 0;
	app_draw(&s.app, &s.canvas);
	CHECK(line_has(&s, 0, "… activation-patching 244/390 · 2 queued · Esc stops it"));
	s.fake.shot.left = 3.2;
	resize(&s, 80, 24);
	CHECK(line_has(&s, 0, "… activation-patching 244/390 · 3 s left"));
	resize(&s, 50, 24);
	CHECK(line_has(&s, 0, "activation-patching 244/390"));
	s.fake.shot.pane[0].done = 12;
	s.fake.shot.pane[0].total = 30;
	s.fake.shot.pane[0].left = 75;
	resize(&s, 120, 40);
	CHECK(line_has(&s, 2, "12/30 · 1 min 15 s"));
	app_event(&s.app, &(struct key){ .kind = K_ESC });
	CHECK_THAT(app_take(&s.app, &r) && r.kind == REQUEST_SKIP, "Esc stops the one that is shown");
	CHECK_TEXT(s.app.message.s, "stopped: activation-patching");
	/* what was before the edits is one thing too; a run is all that there is */
	snprintf(s.fake.shot.what, sizeof s.fake.shot.what, "without the edits");
	s.fake.shot.answering = -1;
	app_event(&s.app, &(struct key){ .kind = K_ESC });
	CHECK_THAT(app_take(&s.app, &r) && r.kind == REQUEST_SKIP,
		   "Esc stops what is computed without the edits, and nothing else");
	s.fake.shot.state = WORK_RUNNING;
	app_event(&s.app, &(struct key){ .kind = K_ESC });
	CHECK_THAT(app_take(&s.app, &r) && r.kind == REQUEST_CANCEL, "and a run with all that waits for it");
	drop_curtain(&s);
}

/* ------------------------------------------------------------------------------------------------ what is read */

static void reading(void)
{
	struct preset_entry *entry = xcalloc(2, sizeof *entry);
	struct stage s;
	int back;

	raise_curtain(&s);
	resize(&s, 80, 24);
	press(&s, ": 'generate_200 Enter");
	CHECK_THAT(screen_has(&s, " continuation "), "it has a name");
	back = s.app.layout.text.y;
	press(&s, "WheelUp@20,20 WheelUp@20,20");
	CHECK_THAT(s.app.text_back == (back <= 20 ? 2 : 0), "the wheel scrolls it back: %d", s.app.text_back);
	press(&s, "G");
	CHECK_THAT(screen_has(&s, "then and and") && !screen_has(&s, "and…"), "G shows all of it");
	press(&s, "End");
	CHECK_THAT(screen_has(&s, "0.500"), "with the probability of each token");
	press(&s, "Esc");
	entry[0] = (struct preset_entry){ .name = xstrdup("gpt2_ioi"),
					  .title = xstrdup("Names"),
					  .path = xstrdup("x"),
					  .model = xstrdup("gpt2"),
					  .shipped = true,
					  .absent = true };
	entry[1] = (struct preset_entry){
		.name = xstrdup("induction"), .title = xstrdup("Induction"), .path = xstrdup("y"), .shipped = true
	};
	app_lists(&s.app, entry, 2, NULL, 0);
	press(&s, "o");
	CHECK_THAT(screen_has(&s, "needs gpt2, which is not here"), "a preset whose model is not here says so");
	press(&s, "Esc i");
	CHECK_THAT(!line_has(&s, -1, "choose") && line_has(&s, -1, "close"), "what only is read has nothing to choose");
	drop_curtain(&s);
}

int main(void)
{
	reading();
	progress();
	metric_of_another_run();
	wrapping();
	prompt_line();
	typed_prompt();
	titles_of_typed_prompt();
	prompt_of_the_document();
	titles();
	hints_stay();
	return tap_done();
}
