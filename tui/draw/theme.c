/*
 * theme.c - see theme.h. A theme file is resolved once for the terminal: afterwards every ink is a look-up.
 */
#include "tui/draw/theme.h"

#include <assert.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "engine/base/str.h"
#include "tui/draw/color.h"
#include "tui/draw/theme_file.h"
#include "tui/theme_builtin.h"

enum { STEPS = 101, FILE_LIMIT = 1 << 20, TEXT_DARK = 0x000000, TEXT_LIGHT = 0xFFFFFF };

struct theme {
	char name[64];
	struct theme_for what;
	struct ink ink[STYLE_COUNT];
	struct ink ramp[RAMP_COUNT][STEPS]; /* text over data */
	int low[RAMP_COUNT][2];
};

static const char style_mark[STYLE_COUNT] = {
#define STYLE(id, name, mark, about) [STYLE_##id] = mark,
#include "tui/draw/styles.def"
#undef STYLE
};

/* ---- resolving for a depth ---- */

static int32_t resolve_rgb(int32_t rgb, enum depth depth)
{
	if (rgb == INK_DEFAULT || depth == DEPTH_TRUE)
		return rgb;
	return INK_INDEX(depth == DEPTH_256 ? color_nearest_256(rgb) : color_nearest_16(rgb));
}

/* The colour of a role in 16 colours; in 8 the bright ones are the plain ones, in bold. */
static int32_t resolve_low(int wanted, int32_t rgb, enum depth depth, uint8_t *attr)
{
	int index = wanted;

	if (wanted == COLOR_UNSET)
		index = rgb == INK_DEFAULT ? INK_DEFAULT : color_nearest_16(rgb);
	if (index == INK_DEFAULT)
		return INK_DEFAULT;
	if (depth == DEPTH_8 && index >= 8) {
		*attr |= index == 8 ? INK_DIM : INK_BOLD;
		if (index == 8) /* there is no gray; white would be lost on white */
			return INK_DEFAULT;
		index -= 8;
	}
	return INK_INDEX(index);
}

static struct ink resolve_role(const struct role *r, enum depth depth)
{
	struct ink ink = { INK_DEFAULT, INK_DEFAULT, r->attr, 0 };
	uint8_t ignored = 0;

	switch (depth) {
	case DEPTH_MONO:
		ink.attr = r->mono;
		break;
	case DEPTH_8:
	case DEPTH_16:
		ink.fg = resolve_low(r->fg16, r->fg, depth, &ink.attr);
		ink.bg = resolve_low(r->bg16, r->bg, depth, &ignored);
		break;
	case DEPTH_256:
	case DEPTH_TRUE:
		ink.fg = resolve_rgb(r->fg, depth);
		ink.bg = resolve_rgb(r->bg, depth);
	}
	return ink;
}

static int32_t ramp_color(const struct ramp_stops *r, double x)
{
	double at = x * (r->stops - 1);
	int i = (int)at;

	if (i >= r->stops - 1)
		return r->stop[r->stops - 1];
	return color_mix(r->stop[i], r->stop[i + 1], at - i);
}

enum { CONTRAST_TENTHS = 45 }; /* what WCAG asks of small text: 4.5 : 1 */

/*
 * Text over a coloured cell: as elsewhere while that can be read, so that only strong cells are bright; else black or white, since
 * only these can be read over any colour. In 256 colours against the colour that is really shown.
 */
static struct ink resolve_step(const struct ramp_stops *r, double x, int32_t text, enum depth depth)
{
	int32_t rgb = ramp_color(r, x), bg = resolve_rgb(rgb, depth), shown;
	bool light;

	if (depth == DEPTH_256 && r->levels)
		bg = INK_INDEX(r->xterm[(int)lround(x * (r->levels - 1))]);
	shown = depth == DEPTH_256 ? color_of_index(bg & 255) : rgb;
	if (text != INK_DEFAULT &&
	    color_contrast(depth == DEPTH_256 ? color_of_index(color_nearest_256(text)) : text, shown) * 10 >= CONTRAST_TENTHS)
		return (struct ink){ resolve_rgb(text, depth), bg, 0, 0 };
	light = color_contrast(TEXT_LIGHT, shown) > color_contrast(TEXT_DARK, shown);
	return (struct ink){ resolve_rgb(light ? TEXT_LIGHT : TEXT_DARK, depth), bg, 0, 0 };
}

/* How far from nothing: 0 … 1, for shades. */
static double strength(enum ramp ramp, double x)
{
	return ramp == RAMP_DIVERGING ? fabs(2 * x - 1) : x;
}

/* With few colours, text says how much by its own: faint, plain, coloured, bold. */
static struct ink resolve_shaded(const int low[2], enum ramp ramp, double x, enum depth depth, struct ink text)
{
	double s = strength(ramp, x);
	uint8_t attr = s < 0.15 ? INK_DIM : s > 0.6 ? INK_BOLD : 0;
	int color = ramp == RAMP_DIVERGING && x < 0.5 ? low[1] : low[0];
	int32_t fg = s > 0.3 && depth != DEPTH_MONO ? resolve_low(color, INK_DEFAULT, depth, &attr) : INK_DEFAULT;

	return (struct ink){ fg == INK_DEFAULT ? text.fg : fg, text.bg, attr, 0 };
}

static void resolve(struct theme *t, const struct theme_file *f)
{
	for (int i = 0; i < STYLE_COUNT; i++) {
		struct ink ink = resolve_role(&f->role[i], t->what.depth), text = resolve_role(&f->role[STYLE_TEXT], t->what.depth);

		t->ink[i] = ink; /* what a role leaves open is as in text */
		t->ink[i].fg = ink.fg == INK_DEFAULT ? text.fg : ink.fg;
		t->ink[i].bg = ink.bg == INK_DEFAULT ? text.bg : ink.bg;
		t->ink[i].mark = style_mark[i];
	}
	for (int r = 0; r < RAMP_COUNT; r++) {
		memcpy(t->low[r], f->ramp[r].low, sizeof t->low[r]);
		for (int i = 0; i < STEPS; i++) {
			double x = i / (double)(STEPS - 1);

			t->ramp[r][i] = t->what.depth >= DEPTH_256
						? resolve_step(&f->ramp[r], x, f->role[STYLE_TEXT].fg, t->what.depth)
						: resolve_shaded(t->low[r], (enum ramp)r, x, t->what.depth, t->ink[STYLE_TEXT]);
			if (strength((enum ramp)r, x) <= 0) /* nothing, on the background itself */
				t->ramp[r][i] = t->ink[STYLE_TEXT];
			t->ramp[r][i].mark = (char)('0' + (i >= STEPS - 1 ? 9 : i / 10));
		}
	}
}

/* ---- opening ---- */

struct theme *theme_parse(const char *yaml, size_t n, const char *file, struct theme_for what, struct notes *notes, struct err *err)
{
	struct theme_file f = { 0 };
	struct theme *t;
	struct err broken = { 0 };
	bool ok = theme_file_parse(&f, theme_builtin_yaml, strlen(theme_builtin_yaml), "themes/dusk.yaml", NULL, &broken);

	assert(ok); /* a test reads it, and wants no notes */
	if (!ok || !theme_file_parse(&f, yaml, n, file, notes, err))
		return NULL;
	t = xcalloc(1, sizeof *t);
	memcpy(t->name, f.name, sizeof t->name);
	t->what = what;
	resolve(t, &f);
	return t;
}

struct theme *theme_builtin(struct theme_for what)
{
	struct err err = { 0 };

	return theme_parse(theme_builtin_yaml, strlen(theme_builtin_yaml), "themes/dusk.yaml", what, NULL, &err);
}

/* Where a theme of that name lies: heap, or NULL. */
static char *find(const char *name)
{
	struct str below;
	char *path;

	if (strchr(name, '/') || (strlen(name) > 5 && !strcmp(name + strlen(name) - 5, ".yaml")))
		return xstrdup(name);
	str_init(&below);
	str_addf(&below, "themes/%s.yaml", name);
	path = paths_config(below.s);
	if (!path || !file_exists(path)) {
		free(path);
		path = paths_data(below.s);
	}
	str_done(&below);
	return path;
}

struct theme *theme_open(const char *name, struct theme_for what, struct notes *notes, struct err *err)
{
	char *path = find(name), *yaml;
	struct theme *t = NULL;
	size_t n;

	if (!path) {
		char **names;
		int count = theme_list(&names);
		struct str list;

		str_init(&list);
		for (int i = 0; i < count; i++) {
			str_addf(&list, "%s%s", i ? ", " : "", names[i]);
			free(names[i]);
		}
		free(names);
		err_set(err, ERR_ARGUMENT, "there is no theme '%s'; there are: %s", name, list.s);
		str_done(&list);
		return NULL;
	}
	yaml = file_read(path, FILE_LIMIT, &n, err);
	if (yaml)
		t = theme_parse(yaml, n, path, what, notes, err);
	free(yaml);
	free(path);
	return t;
}

void theme_free(struct theme *t)
{
	free(t);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The themes of one folder that are not in the list yet. */
static void list_folder(char *folder, char ***names, int *n)
{
	DIR *dir = folder ? opendir(folder) : NULL;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		size_t length = strlen(entry->d_name);
		bool known = length <= 5 || entry->d_name[0] == '.' || strcmp(entry->d_name + length - 5, ".yaml") != 0;

		for (int i = 0; i < *n && !known; i++)
			known = strlen((*names)[i]) == length - 5 && !strncmp((*names)[i], entry->d_name, length - 5);
		if (known)
			continue;
		*names = xrealloc(*names, (size_t)(*n + 1) * sizeof **names);
		(*names)[*n] = xstrdup(entry->d_name);
		(*names)[(*n)++][length - 5] = '\0';
	}
	if (dir)
		closedir(dir);
	free(folder);
}

int theme_list(char ***names)
{
	int n = 0;

	*names = NULL;
	list_folder(paths_config("themes"), names, &n);
	list_folder(paths_data("themes"), names, &n);
	if (n)
		qsort(*names, (size_t)n, sizeof **names, by_name);
	return n;
}

/* ---- asking ---- */

const char *theme_name(const struct theme *t)
{
	return t->name;
}

bool theme_ascii(const struct theme *t)
{
	return t->what.ascii;
}

const char *theme_dot(const struct theme *t)
{
	return t->what.ascii ? "." : "·";
}

enum depth theme_depth(const struct theme *t)
{
	return t->what.depth;
}

struct ink theme_ink(const struct theme *t, enum style style)
{
	return t->ink[style];
}

static float clamp(float x)
{
	return x < 0 ? 0 : x > 1 ? 1 : x;
}

struct ink theme_ramp(const struct theme *t, enum ramp ramp, float x)
{
	if (isnan(x))
		return t->ink[STYLE_TEXT];
	return t->ramp[ramp][(int)lroundf(clamp(x) * (STEPS - 1))];
}

bool theme_shades(const struct theme *t)
{
	return t->what.depth < DEPTH_256;
}

const char *theme_shade(const struct theme *t, enum ramp ramp, float x)
{
	static const char *const blocks[] = { "·", "░", "▒", "▓", "█" };
	static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "#", "%", "@" };
	static const char *const less[] = { "·", "-", "~", "=", "≡" }; /* below zero, where no colour says so */
	static const char *const less_ascii[] = { " ", ",", "-", "~", "=" };
	static const char *const more_ascii[] = { " ", ".", "+", "#", "@" };
	bool plain = t->what.depth == DEPTH_MONO, below = ramp == RAMP_DIVERGING && x < 0.5f;
	float s;

	if (!theme_shades(t) || isnan(x))
		return " ";
	s = (float)strength(ramp, clamp(x));
	if (t->what.ascii && ramp != RAMP_DIVERGING)
		return ascii[(int)(s * 9.99f)];
	return (below && plain ? (t->what.ascii ? less_ascii : less) : t->what.ascii ? more_ascii : blocks)[(int)(s * 4.99f)];
}

struct ink theme_bar_ink(const struct theme *t, enum ramp ramp, float x)
{
	struct ink ink = theme_shade_ink(t, ramp, x);

	if (!theme_shades(t))
		ink = (struct ink){ ink.bg, t->ink[STYLE_TEXT].bg, 0, ink.mark };
	return ink;
}

struct ink theme_shade_ink(const struct theme *t, enum ramp ramp, float x)
{
	struct ink ink = theme_ramp(t, ramp, x);

	if (theme_shades(t) && t->what.depth != DEPTH_MONO && !isnan(x))
		ink.fg = resolve_low(t->low[ramp][ramp == RAMP_DIVERGING && x < 0.5f], INK_DEFAULT, t->what.depth, &ink.attr);
	if (theme_shades(t))
		ink.attr = 0;
	return ink;
}

const char *theme_halves(const struct theme *t, enum ramp ramp, float upper, float lower, struct ink *ink)
{
	struct ink up = theme_ramp(t, ramp, upper), low = theme_ramp(t, ramp, lower);

	if (isnan(upper)) {
		*ink = (struct ink){ low.bg, t->ink[STYLE_TEXT].bg, 0, low.mark };
		return isnan(lower) ? " " : "▄";
	}
	*ink = (struct ink){ up.bg, isnan(lower) ? t->ink[STYLE_TEXT].bg : low.bg, 0, up.mark };
	return "▀";
}

static bool can_be_read(int32_t fg, int32_t bg)
{
	if (fg == INK_DEFAULT || bg == INK_DEFAULT)
		return true;
	fg = fg & INK_PALETTE ? color_of_index(fg & 255) : fg;
	bg = bg & INK_PALETTE ? color_of_index(bg & 255) : bg;
	return color_contrast(fg, bg) >= 3;
}

struct ink theme_ink_on(const struct theme *t, enum style style, struct ink under)
{
	struct ink ink = t->ink[style];

	return (struct ink){ can_be_read(ink.fg, under.bg) ? ink.fg : under.fg, under.bg, ink.attr & (uint8_t)~INK_UNDERLINE,
			     ink.mark };
}

struct ink ink_over(struct ink over, struct ink under)
{
	bool own = over.fg != INK_DEFAULT && can_be_read(over.fg, under.bg);

	return (struct ink){ own ? over.fg : under.fg, under.bg, over.attr | under.attr, over.mark };
}
