/* theme_file.c - see theme_file.h. */
#include "tui/draw/theme_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/conf.h"
#include "tui/draw/color.h"

static const struct {
	const char *name;
} roles[STYLE_COUNT] = {
#define STYLE(id, name, mark, about) [STYLE_##id] = { name },
#include "tui/draw/styles.def"
#undef STYLE
};

static const char *const ramps[RAMP_COUNT] = {
	[RAMP_SEQUENTIAL] = "sequential",
	[RAMP_DIVERGING] = "diverging",
	[RAMP_PROBABILITY] = "probability",
};

static const struct {
	const char *word;
	uint8_t attr;
} attributes[] = {
	{ "plain", 0 },		  { "bold", INK_BOLD },		  { "dim", INK_DIM },
	{ "italic", INK_ITALIC }, { "underline", INK_UNDERLINE }, { "reverse", INK_REVERSE },
};

/* A wrong value is a note; the theme does without it. */
static void complain(struct notes *notes, const struct err *err)
{
	notes_add(notes, "%s", err->text);
}

static bool read_color(const struct conf *v, int32_t *out, struct err *err)
{
	const char *text;

	if (!conf_text(v, &text, err))
		return false;
	if (!strcmp(text, "default")) {
		*out = INK_DEFAULT;
		return true;
	}
	if (color_parse(text, out))
		return true;
	return conf_err(v, err, "'%s' is not a colour: \"#rrggbb\" or default is expected", text);
}

static bool read_color16(const struct conf *v, int *out, struct err *err)
{
	const char *text;

	if (!conf_text(v, &text, err))
		return false;
	if (!strcmp(text, "default")) {
		*out = INK_DEFAULT;
		return true;
	}
	if (color_parse_name(text, out))
		return true;
	return conf_err(v, err, "'%s' is not one of the sixteen colours: red, bright-red, gray, … or default is expected", text);
}

static bool read_attr(const struct conf *v, uint8_t *out, struct err *err)
{
	enum { WORDS = sizeof attributes / sizeof *attributes };
	const char *text;
	uint8_t attr = 0;

	if (!conf_text(v, &text, err))
		return false;
	while (*text) {
		size_t n = strcspn(text, " "), i = 0;

		while (i < WORDS && (strlen(attributes[i].word) != n || strncmp(attributes[i].word, text, n)))
			i++;
		if (i == WORDS)
			return conf_err(v, err,
					"'%.*s' is not an attribute: plain, bold, dim, italic, underline, reverse are "
					"expected",
					(int)n, text);
		attr |= attributes[i].attr;
		text += n + (text[n] == ' ');
	}
	*out = attr;
	return true;
}

static bool read_role_key(struct role *r, const struct conf *v, struct err *err)
{
	if (!strcmp(v->key, "fg"))
		return read_color(v, &r->fg, err);
	if (!strcmp(v->key, "bg"))
		return read_color(v, &r->bg, err);
	if (!strcmp(v->key, "attr"))
		return read_attr(v, &r->attr, err);
	if (!strcmp(v->key, "fg16"))
		return read_color16(v, &r->fg16, err);
	if (!strcmp(v->key, "bg16"))
		return read_color16(v, &r->bg16, err);
	if (!strcmp(v->key, "mono"))
		return read_attr(v, &r->mono, err);
	return conf_err(v, err, "a role has no '%s': fg, bg, attr, fg16, bg16, mono are expected", v->key);
}

static bool read_role(struct theme_file *f, const struct conf *v, struct notes *notes, struct err *err)
{
	int i = 0;

	while (i < STYLE_COUNT && strcmp(roles[i].name, v->key))
		i++;
	if (i == STYLE_COUNT)
		return conf_err(v, err, "there is no role '%s'", v->key);
	if (v->kind != CONF_MAP)
		return conf_err(v, err, "a role is a map such as {fg: \"#8899aa\", attr: bold}");
	f->role[i] = (struct role){ INK_DEFAULT, INK_DEFAULT, 0, COLOR_UNSET, COLOR_UNSET, 0 };
	for (const struct conf *key = v->child; key; key = key->next)
		if (!read_role_key(&f->role[i], key, err))
			complain(notes, err);
	return true;
}

static bool read_stops(struct ramp_stops *ramp, const struct conf *v, struct err *err)
{
	struct ramp_stops read = *ramp;

	if (v->kind != CONF_LIST || v->count < 2 || v->count > RAMP_STOPS)
		return conf_err(v, err, "a ramp is a list of 2 … %d colours", RAMP_STOPS);
	read.stops = 0;
	for (const struct conf *stop = v->child; stop; stop = stop->next) {
		int32_t *color = &read.stop[read.stops++];

		if (!read_color(stop, color, err))
			return false;
		if (*color == INK_DEFAULT)
			return conf_err(stop, err, "a ramp's colour cannot be default");
	}
	*ramp = read;
	return true;
}

static bool read_levels(struct ramp_stops *ramp, const struct conf *v, struct err *err)
{
	struct ramp_stops read = *ramp;

	if (v->kind != CONF_LIST || v->count < 2 || v->count > RAMP_STOPS)
		return conf_err(v, err, "xterm is a list of 2 … %d of the 256 colours", RAMP_STOPS);
	read.levels = 0;
	for (const struct conf *level = v->child; level; level = level->next)
		if (!conf_int(level, 16, 255, &read.xterm[read.levels++], err))
			return false;
	*ramp = read;
	return true;
}

static bool read_low(struct ramp_stops *ramp, const struct conf *v, struct err *err)
{
	if (v->kind != CONF_LIST) {
		if (!read_color16(v, &ramp->low[0], err))
			return false;
		ramp->low[1] = ramp->low[0];
		return true;
	}
	if (v->count != 2)
		return conf_err(v, err, "one colour, or [of positive values, of negative values] is expected");
	return read_color16(conf_at(v, 0), &ramp->low[0], err) && read_color16(conf_at(v, 1), &ramp->low[1], err);
}

static bool read_ramp(struct theme_file *f, const struct conf *v, struct notes *notes, struct err *err)
{
	int i = 0;

	while (i < RAMP_COUNT && strcmp(ramps[i], v->key))
		i++;
	if (i == RAMP_COUNT)
		return conf_err(v, err, "there is no ramp '%s': sequential, diverging, probability are expected", v->key);
	if (v->kind != CONF_MAP)
		return conf_err(v, err, "a ramp is a map with colors, xterm and low");
	f->ramp[i].levels = 0; /* another theme's levels do not go with this one's colours */
	for (const struct conf *key = v->child; key; key = key->next) {
		bool ok = !strcmp(key->key, "colors")  ? read_stops(&f->ramp[i], key, err)
			  : !strcmp(key->key, "xterm") ? read_levels(&f->ramp[i], key, err)
			  : !strcmp(key->key, "low")
				  ? read_low(&f->ramp[i], key, err)
				  : conf_err(key, err, "a ramp has no '%s': colors, xterm and low are expected", key->key);

		if (!ok)
			complain(notes, err);
	}
	return true;
}

static bool read_each(struct theme_file *f, const struct conf *map, struct notes *notes, struct err *err,
		      bool (*read)(struct theme_file *, const struct conf *, struct notes *, struct err *))
{
	if (map->kind != CONF_MAP)
		return conf_err(map, err, "'%s' is a map", map->key);
	for (const struct conf *v = map->child; v; v = v->next)
		if (!read(f, v, notes, err))
			complain(notes, err);
	return true;
}

static bool read_key(struct theme_file *f, const struct conf *v, struct notes *notes, struct err *err)
{
	const char *text;

	if (!strcmp(v->key, "roles"))
		return read_each(f, v, notes, err, read_role);
	if (!strcmp(v->key, "ramps"))
		return read_each(f, v, notes, err, read_ramp);
	if (!conf_text(v, &text, err))
		return false;
	if (!strcmp(v->key, "name")) {
		snprintf(f->name, sizeof f->name, "%s", text);
		return true;
	}
	if (!strcmp(v->key, "about"))
		return true;
	return conf_err(v, err, "a theme has no '%s': name, about, roles, ramps are expected", v->key);
}

bool theme_file_parse(struct theme_file *f, const char *yaml, size_t n, const char *file, struct notes *notes, struct err *err)
{
	struct arena *arena = arena_new();
	const struct conf *root = conf_parse(yaml, n, file, arena, err);
	bool ok = root != NULL;

	if (root && root->kind != CONF_MAP)
		ok = conf_err(root, err, "a theme is a map with name, roles and ramps");
	for (const struct conf *v = ok ? root->child : NULL; v; v = v->next) {
		struct err wrong;

		if (!read_key(f, v, notes, &wrong))
			complain(notes, &wrong);
	}
	arena_free(arena);
	return ok;
}
