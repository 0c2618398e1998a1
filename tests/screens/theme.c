/* theme.c - the shipped themes are whole and readable at every depth of colour; a wrong one says where it is wrong. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "tests/tap.h"
#include "tui/draw/color.h"
#include "tui/draw/theme.h"

static const char *const role_names[] = {
#define STYLE(id, name, mark, about) name,
#include "tui/draw/styles.def"
#undef STYLE
};

static int32_t rgb_of(int32_t color)
{
	return color & INK_PALETTE ? color_of_index(color & 255) : color;
}

/* Text over data: at least 4.5 : 1, as WCAG asks of small text. */
static double least_contrast(const struct theme *t)
{
	double least = 21;

	for (int ramp = 0; ramp < RAMP_COUNT; ramp++)
		for (int i = 0; i <= 100; i++) {
			struct ink ink = theme_ramp(t, (enum ramp)ramp, (float)i / 100);

			if (ink.fg != INK_DEFAULT && ink.bg != INK_DEFAULT)
				least = fmin(least, color_contrast(rgb_of(ink.fg), rgb_of(ink.bg)));
		}
	return least;
}

/* The neutral value looks like the background, and what is next to it nearly so. */
static bool neutral_is_quiet(const struct theme *t)
{
	int32_t ground = theme_ink(t, STYLE_TEXT).bg;

	for (int ramp = 0; ramp < RAMP_COUNT; ramp++) {
		float neutral = ramp == RAMP_DIVERGING ? 0.5f : 0;
		struct ink next = theme_ramp(t, (enum ramp)ramp, neutral + 0.02f);

		if (theme_ramp(t, (enum ramp)ramp, neutral).bg != ground)
			return false;
		if (ground != INK_DEFAULT && next.bg != INK_DEFAULT && color_contrast(rgb_of(next.bg), rgb_of(ground)) > 1.15)
			return false;
	}
	return true;
}

static void check_theme(const char *name)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	char path[100];
	size_t n;
	char *yaml;

	snprintf(path, sizeof path, "themes/%s.yaml", name);
	yaml = file_read(path, 1 << 20, &n, &err);
	if (!CHECK_THAT(yaml != NULL, "%s is there", path))
		return;
	for (size_t i = 0; i < sizeof role_names / sizeof *role_names; i++) {
		char key[60];

		snprintf(key, sizeof key, "\n  %s: ", role_names[i]);
		CHECK_THAT(strstr(yaml, key) != NULL, "%s has an ink for %s", name, role_names[i]);
	}
	free(yaml);
	for (int depth = DEPTH_MONO; depth <= DEPTH_TRUE; depth++) {
		struct theme *t = theme_open(path, (struct theme_for){ (enum depth)depth, false }, &notes, &err);

		if (!CHECK_THAT(t && notes.n == 0, "%s opens at depth %d without a note%s", name, depth,
				notes.n ? notes.line[0] : ""))
			continue;
		CHECK_TEXT(theme_name(t), name);
		CHECK_THAT(theme_shades(t) == (depth < DEPTH_256), "%s: shades where there are few colours", name);
		CHECK_THAT(neutral_is_quiet(t), "%s, depth %d: the neutral value looks like the background", name, depth);
		if (depth >= DEPTH_256)
			CHECK_THAT(least_contrast(t) >= 4.5, "%s, depth %d: text over data has contrast %.2f", name, depth,
				   least_contrast(t));
		for (int style = 0; style < STYLE_COUNT; style++) {
			struct ink ink = theme_ink(t, (enum style)style);
			bool colored = ink.fg != INK_DEFAULT || ink.bg != INK_DEFAULT;

			if (depth == DEPTH_MONO && colored)
				CHECK_THAT(false, "%s: %s has a colour where there are none", name, role_names[style]);
			if (depth >= DEPTH_256 && ink.fg != INK_DEFAULT && ink.bg != INK_DEFAULT && style != STYLE_BORDER) {
				double contrast = color_contrast(rgb_of(ink.fg), rgb_of(ink.bg));

				CHECK_THAT(contrast >= 2, "%s, depth %d: %s can be seen, contrast %.2f", name, depth,
					   role_names[style], contrast);
			}
		}
		theme_free(t);
	}
	notes_done(&notes);
}

/*
 * As a terminal of few colours shows it, whose own background may be black or white (xterm, as it comes, is
 * white and has eight); bold is what is left of it there.
 */
static double contrast_shown(struct ink ink, bool light)
{
	int fg = ink.fg == INK_DEFAULT ? (light ? 0 : 7) : ink.fg & 255,
	    bg = ink.bg == INK_DEFAULT ? (light ? 15 : 0) : ink.bg & 255;
	bool bold = (ink.attr & INK_BOLD) && fg < 8 && ink.fg != INK_DEFAULT && (ink.bg == INK_DEFAULT || color_bold_reads(fg, bg));

	return color_contrast(color_of_index(bold ? fg + 8 : fg), color_of_index(bg));
}

/* Each role, each in a list and in its chosen row, and the words over data: 3 : 1 at least. */
static void check_few_colors(const char *name, bool light)
{
	static const enum style grounds[] = { STYLE_POPUP, STYLE_SELECTED };
	char path[100];

	snprintf(path, sizeof path, "themes/%s.yaml", name);
	for (int depth = DEPTH_8; depth <= DEPTH_16; depth++) {
		struct theme *t = theme_open(path, (struct theme_for){ (enum depth)depth, false }, NULL, &(struct err){ 0 });
		int unreadable = 0;

		for (int i = 0; t && i < STYLE_COUNT; i++)
			for (size_t k = 0; k < sizeof grounds / sizeof *grounds; k++) {
				struct ink over = theme_ink(t, (enum style)i), under = theme_ink(t, grounds[k]);
				const struct ink pairs[] = { over, i == STYLE_SELECTED || i == STYLE_MATCH
									   ? over
									   : ink_over(over, under) };

				for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
					if (contrast_shown(pairs[p], light) < 3) {
						unreadable++;
						printf("# %s on %s: %d on %d, attributes %d\n", role_names[i],
						       role_names[grounds[k]], pairs[p].fg & 255, pairs[p].bg & 255, pairs[p].attr);
					}
			}
		for (int r = 0; t && r < RAMP_COUNT; r++)
			for (int i = 0; i <= 100; i++)
				unreadable += contrast_shown(theme_ramp(t, (enum ramp)r, (float)i / 100), light) < 3;
		CHECK_THAT(t && !unreadable, "%s, depth %d, %s: %d pairs cannot be read", name, depth, light ? "white" : "black",
			   unreadable);
		theme_free(t);
	}
	CHECK_THAT(!color_bold_reads(0, 3) && color_bold_reads(7, 4) && color_bold_reads(0, 15),
		   "bold black on yellow is gray on yellow");
}

static bool has_note(const struct notes *notes, const char *text)
{
	for (int i = 0; i < notes->n; i++)
		if (strstr(notes->line[i], text))
			return true;
	return false;
}

static void check_wrong(void)
{
	static const char yaml[] = "name: mine\n"
				   "colour: red\n"
				   "roles:\n"
				   "  text: {fg: \"#ffffff\", bg: mauve}\n"
				   "  titel: {fg: \"#ffffff\"}\n"
				   "  focus: {fg: \"#12345\", attr: loud}\n"
				   "ramps:\n"
				   "  sequential: {colors: [\"#000000\"]}\n"
				   "  diverging: {xterm: [300, 20]}\n";
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct theme *t = theme_parse(yaml, strlen(yaml), "mine.yaml", (struct theme_for){ DEPTH_TRUE, false }, &notes, &err);

	CHECK(t != NULL);
	CHECK(has_note(&notes, "mine.yaml:2: ") && has_note(&notes, "mine.yaml:4: ") && has_note(&notes, "'mauve'"));
	CHECK(has_note(&notes, "mine.yaml:5: ") && has_note(&notes, "'titel'"));
	CHECK(has_note(&notes, "mine.yaml:6: ") && has_note(&notes, "'loud'") && has_note(&notes, "'#12345'"));
	CHECK(has_note(&notes, "mine.yaml:8: ") && has_note(&notes, "mine.yaml:9: "));
	CHECK(t && theme_ink(t, STYLE_TEXT).fg == 0xFFFFFF);
	theme_free(t);
	notes_done(&notes);

	CHECK(!theme_parse("roles: [", 8, "broken.yaml", (struct theme_for){ DEPTH_TRUE, false }, NULL, &err) &&
	      strstr(err.text, "broken.yaml:"));
	CHECK(!theme_open("no-such-theme", (struct theme_for){ DEPTH_TRUE, false }, NULL, &err) && strstr(err.text, "dusk"));
}

static void check_colors(void)
{
	int32_t rgb;
	int index;

	CHECK(color_parse("#1a2B3c", &rgb) && rgb == 0x1A2B3C && color_parse("#fa0", &rgb) && rgb == 0xFFAA00);
	CHECK(!color_parse("1a2b3c", &rgb) && !color_parse("#1a2b3", &rgb) && !color_parse("#gggggg", &rgb) &&
	      !color_parse("", &rgb));
	CHECK(color_parse_name("bright-red", &index) && index == 9 && !color_parse_name("mauve", &index));
	CHECK(color_mix(0x102030, 0xA0B0C0, 0) == 0x102030 && color_mix(0x102030, 0xA0B0C0, 1) == 0xA0B0C0);
	CHECK(fabs(color_contrast(0, 0xFFFFFF) - 21) < 1e-9 && fabs(color_contrast(0x777777, 0x777777) - 1) < 1e-9);
	for (int i = 16; i < 256; i++)
		if (color_of_index(color_nearest_256(color_of_index(i))) != color_of_index(i))
			CHECK_THAT(false, "the nearest to colour %d is itself", i);
	CHECK(color_nearest_16(0xFA0505) == 9 && color_nearest_16(0) == 0);
}

/* Every file of themes/, by its name. */
static void check_shipped(void)
{
	DIR *dir = opendir("themes");
	struct dirent *entry;
	int themes = 0;

	while (dir && (entry = readdir(dir))) {
		char *end = strstr(entry->d_name, ".yaml");

		if (!end)
			continue;
		*end = '\0';
		check_theme(entry->d_name);
		check_few_colors(entry->d_name, false);
		check_few_colors(entry->d_name, true);
		themes++;
	}
	if (dir)
		closedir(dir);
	CHECK_THAT(themes >= 6, "%d themes", themes);
}

int main(void)
{
	check_colors();
	check_shipped();
	check_wrong();
	return tap_done();
}
