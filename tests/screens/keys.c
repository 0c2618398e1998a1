/* keys.c - what any key does, at any size. */
#include "tests/screens/stage.h"

/* A key of an action that has no name would be one that nothing reaches. */
static void every_key_has_a_name(void)
{
	for (int i = 0; i < ACTION_COUNT; i++)
		for (const char *at = actions[i].keys; *at; at += strspn(at, " ")) {
			char name[40];
			struct key key;
			size_t n = strcspn(at, " ");

			snprintf(name, sizeof name, "%.*s", (int)n, at);
			CHECK_THAT(key_parse(name, &key) && action_for_key(&key, actions[i].where), "%s is a key, of %s", name,
				   actions[i].id);
			at += n;
		}
}

static void still(void)
{
	struct stage s;
	int before;

	raise_curtain(&s);
	before = s.fake.asked;
	press(&s, "? Down Esc i Esc Tab Tab S-Tab z z v v + - C-l : Esc / Esc");
	CHECK_THAT(s.fake.asked == before, "looking around asks nothing");
	CHECK_THAT(fake_keys(&s.fake, &s.app, "Esc") && !fake_serve(&s.fake, &s.app), "Esc does not leave");
	app_event(&s.app, &(struct key){ .kind = K_CHAR, .c = 'c', .mods = MOD_CTRL });
	CHECK_THAT(!fake_serve(&s.fake, &s.app) && strstr(s.app.message.s, "C-c again to quit"),
		   "C-c asks first when there is nothing to stop");
	press(&s, "Down");
	app_event(&s.app, &(struct key){ .kind = K_CHAR, .c = 'c', .mods = MOD_CTRL });
	CHECK_THAT(!fake_serve(&s.fake, &s.app), "and again after another key");
	app_event(&s.app, &(struct key){ .kind = K_CHAR, .c = 'c', .mods = MOD_CTRL });
	CHECK_THAT(fake_serve(&s.fake, &s.app), "twice, it leaves");
	app_event(&s.app, &(struct key){ .kind = K_CHAR, .c = 'q' });
	CHECK_THAT(fake_serve(&s.fake, &s.app), "q leaves");
	drop_curtain(&s);
}

static void any_size(void)
{
	struct stage s;
	int sizes = 0;

	raise_curtain(&s);
	for (int h = 1; h <= 100; h += h < 30 ? 1 : 7)
		for (int w = 1; w <= 300; w += w < 40 ? 3 : 29) {
			canvas_reset(&s.canvas, w, h, theme_ink(s.theme, STYLE_TEXT));
			s.app.zoomed = (w + h) % 3 == 0;
			app_draw(&s.app, &s.canvas);
			sizes++;
			if (sizes % 50 == 0)
				press(&s, "? Esc t Esc : Tab Esc E Esc i Esc Down PgDn");
		}
	CHECK_THAT(sizes > 500, "drawn at %d sizes", sizes);
	drop_curtain(&s);
}

/* The first screen names keys that exist, and is out of the way once it was understood. */
static void start_here(void)
{
	struct stage s;
	const char *keys;
	struct key key;
	bool ambiguous;

	raise_curtain(&s);
	CHECK_THAT(!screen_has(&s, "start here"), "who asks something at once is not told how");
	s.app.card = CARD_START;
	press(&s, "Tab Up [");
	CHECK_THAT(screen_has(&s, "start here") && screen_has(&s, "type another prompt"), "moving leaves the card where it is");
	CHECK_THAT(line_has(&s, -1, "help"), "the hints are below it");
	press(&s, "Esc");
	CHECK_THAT(!screen_has(&s, "start here"), "Esc closes it");
	s.app.card = CARD_START;
	press(&s, "3 Space");
	CHECK_THAT(s.app.doc.job.edits == 1 && !screen_has(&s, "start here"), "so does the first key that asks something");
	s.app.card = CARD_START;
	resize(&s, 80, 24);
	app_say(&s.app, STYLE_WARNING, ":recover brings it back");
	app_draw(&s.app, &s.canvas);
	CHECK_THAT(screen_has(&s, "type another prompt") && line_has(&s, -2, ":recover") && line_has(&s, -1, "help"),
		   "it hides neither messages nor the hints");
	for (int i = 0; card_key(i, &keys); i++)
		for (; *keys; keys += strcspn(keys, " "), keys += *keys == ' ') {
			char name[16];

			snprintf(name, sizeof name, "%.*s", (int)strcspn(keys, " "), keys);
			CHECK_THAT(name[0] == ':' ? action_for_word(name + 1, strlen(name + 1), &ambiguous) != NULL
						  : key_parse(name, &key) && action_for_key(&key, W_MAIN),
				   "%s does something", name);
		}
	drop_curtain(&s);
}

int main(void)
{
	every_key_has_a_name();
	still();
	any_size();
	start_here();
	return tap_done();
}
