/*
 * app.c - scripts of keys, and the screens that must come of them.
 *
 * A row is a name, a size and keys; the screen is in golden/NAME.txt. After a wanted change: UPDATE_GOLDEN=1, then read the
 * difference as a person would.
 */
#include <stdlib.h>

#include "tests/screens/fake.h"
#include "tests/tap.h"
#include "tests/screens/golden.h"

static const struct {
	const char *name;
	int w, h;
	const char *keys;
	enum card card;
} screens[] = {
	{ "start-80x24", 80, 24, "" },
	{ "start-120x40", 120, 40, "" },
	{ "first-80x24", 80, 24, "", CARD_START },
	{ "first-120x40", 120, 40, "", CARD_START },
	{ "start-200x60", 200, 60, "" },
	{ "start-40x12", 40, 12, "" },
	{ "ablated-120x40", 120, 40, "Tab Tab Space" },
	{ "prompt-80x24", 80, 24, "e '_and_more" },
	{ "techniques-80x24", 80, 24, "Tab Tab t" },
	{ "filter-80x24", 80, 24, "t 'patch_at" },
	{ "filter-help-120x40", 120, 40, "? 'layer" },
	{ "filter-none-24x8", 24, 8, "t 'zzzz" },
	{ "palette-80x24", 80, 24, "C-p 'la" },
	{ "palette-edits-120x40", 120, 40, "3 C-p 'edit_sc" },
	{ "strongest-120x40", 120, 40, "3 S Down" },
	{ "strongest-80x24", 80, 24, "Tab S" },
	{ "arguments-80x24", 80, 24, "s Down Right Right" },
	{ "edits-80x24", 80, 24, "Tab Tab Space Down Space E Space" },
	{ "help-80x24", 80, 24, "?" },
	{ "help-moving-80x24", 80, 24, "? Tab" },
	{ "command-80x24", 80, 24, ": 'th" },
	{ "complete-edit-80x24", 80, 24, ": 'edit_he Tab" },
	{ "inspect-80x24", 80, 24, "Up Left i" },
	{ "foil-120x40", 120, 40, "f '_not Enter" },
	{ "generate-120x40", 120, 40, "g" },
	{ "zoomed-80x24", 80, 24, "Tab z" },
	{ "search-80x24", 80, 24, "/ 'rome Enter" },
	{ "metric-error-80x24", 80, 24, "m C-u 'nonsense Enter" },
	{ "five-panes-120x40", 120, 40, "a Enter : 'below_direct-attribution Enter" },
	{ "click-120x40", 120, 40, "Click@20,6" },
	{ "wheel-120x40", 120, 40, "3 WheelDown@90,8 WheelDown@10,30" },
	{ "click-list-80x24", 80, 24, "t Click@30,9" },
	{ "stale-120x40", 120, 40, "Slow Space" },
	{ "stale-metric-80x24", 80, 24, "Slow e '_more Enter" },
	{ "foil-equal-80x24", 80, 24, "f Backspace Backspace 'was Enter Left Left" },
	{ "foil-shorter-80x24", 80, 24, "f C-u 'The_town_is Enter" },
	{ "foil-typing-80x24", 80, 24, "f '_not Enter e 'n" },
	{ "foil-low-80x14", 80, 14, "f '_not Enter" },
	{ "foil-long-80x24", 80, 24, "e '_a_very_long_prompt_that_goes_on_and_on_until_nobody_remembers Enter f '_it Enter H" },
	{ "foil-difference-120x40", 120, 40, "f '_not Enter D" },
	{ "foil-own-120x40", 120, 40, "f '_not Enter D D" },
	{ "generated-edited-120x40", 120, 40, "Tab Tab Space g" },
};

static void draw(struct app *app, struct canvas *c, int w, int h, struct str *out)
{
	canvas_init(c, w, h);
	app_draw(app, c);
	str_clear(out);
	canvas_dump(c, out);
	canvas_done(c);
}

static void check_screen(int i)
{
	struct theme *theme = theme_builtin((struct theme_for){ DEPTH_TRUE, false });
	struct preset doc;
	struct app app;
	struct fake fake = { 0 };
	struct canvas canvas;
	struct str screen;

	str_init(&screen);
	fake_document(&doc);
	app_init(&app, &doc, theme);
	if (screens[i].card) {
		app.card = screens[i].card;
		job_set(&app.doc.about, "What the preset has to say about itself.");
	}
	fake_serve(&fake, &app);
	draw(&app, &canvas, screens[i].w, screens[i].h, &screen); /* keys and the mouse work on what was drawn */
	CHECK_THAT(fake_keys(&fake, &app, screens[i].keys), "%s: every key has a name", screens[i].name);
	app_tick(&app, 1000);
	draw(&app, &canvas, screens[i].w, screens[i].h, &screen);
	check_golden(screens[i].name, &screen);
	app_done(&app);
	fake_done(&fake);
	preset_done(&doc);
	theme_free(theme);
	str_done(&screen);
}

int main(void)
{
	for (size_t i = 0; i < sizeof screens / sizeof *screens; i++)
		check_screen((int)i);
	return tap_done();
}
