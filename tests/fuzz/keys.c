/* keys.c - any keys and any mouse, at any size of the screen: the app must not break, and undo must find the first document. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/screens/fake.h"

enum { MOST = 400 };

static struct key key_of(uint8_t what, uint8_t more)
{
	if (what < 0x80) /* most of what people press are characters */
		return (struct key){ .kind = K_CHAR, .c = what < ' ' ? 'a' + what % 26 : what, .mods = what < ' ' ? MOD_CTRL : 0 };
	if (what < 0xc0)
		return (struct key){ .kind = K_ENTER + (what - 0x80) % (K_F12 - K_ENTER + 1), .mods = more % 8 };
	if (what < 0xe0)
		return (struct key){ .kind = K_CLICK + what % 5, .x = more % 120, .y = more % 37, .button = 1, .again = more & 1 };
	if (what < 0xf0)
		return (struct key){ .kind = K_CHAR, .c = 0x300 + more * 17 };
	return (struct key){ .kind = K_PASTE, .paste = "pasted\nt\xffxt", .paste_n = 11 };
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct theme *theme;
	struct fake fake = { 0 };
	struct canvas canvas;
	struct preset doc;
	struct app app;

	if (!theme)
		theme = theme_builtin((struct theme_for){ DEPTH_256, false });
	fake_document(&doc);
	app_init(&app, &doc, theme);
	fake_serve(&fake, &app);
	canvas_init(&canvas, 80, 24);
	app_draw(&app, &canvas);
	for (size_t i = 0; i + 1 < n && i < 2 * MOST; i += 2) {
		struct key key = key_of(bytes[i], bytes[i + 1]);

		app_event(&app, &key);
		fake_serve(&fake, &app);
		if (i % 16 == 14) /* another window now and then */
			canvas_reset(&canvas, 1 + bytes[i + 1] % 130, 1 + bytes[i] % 50, theme_ink(theme, STYLE_TEXT));
		app_draw(&app, &canvas);
		app_tick(&app, (long)i * 40);
	}
	while (app_undo(&app, NULL) || app_undo_looks(&app, NULL))
		;
	FUZZ_EXPECT(!strcmp(app.doc.job.prompt, doc.job.prompt) && app.doc.job.panes == doc.job.panes && !app.doc.job.edits);
	canvas_done(&canvas);
	app_done(&app);
	fake_done(&fake);
	preset_done(&doc);
	return 0;
}
