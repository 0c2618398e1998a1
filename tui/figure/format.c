/* format.c - see format.h. */
#include "tui/figure/format.h"

#include <string.h>

#include "tui/figure/cells.h"
#include "tui/figure/figure.h"
#include "tui/figure/sheet.h"

/* The engine's writers know no colours. */
#define PLAIN(name) \
	static void plain_##name(const struct answer *a, const struct theme *theme, struct str *out) \
	{ \
		(void)theme; \
		export_##name(a, out); \
	}
PLAIN(text)
PLAIN(json)
PLAIN(csv)

const struct format formats[] = {
	{ "text", "txt", "aligned columns for people; what cannot be is blank", NULL, DEPTH_MONO, plain_text, canvas_dump },
	{ "json", "json", "one line of JSON per table; numbers read back to the same float", NULL, DEPTH_MONO, plain_json, NULL },
	{ "csv", "csv", "RFC 4180 with a header row; numbers read back to the same float", NULL, DEPTH_MONO, plain_csv, NULL },
	{ "svg", "svg", "a figure: vector graphics with title, axes, legend and caption", figure_theme, DEPTH_TRUE, figure_svg,
	  cells_svg },
	{ "ans", "ans", "coloured text that `cat` shows", NULL, DEPTH_256, sheet_ans, cells_ans },
	{ 0 },
};

const struct format *format_find(const char *word)
{
	for (const struct format *f = formats; f->word; f++)
		if (!strcmp(f->word, word))
			return f;
	return NULL;
}

static const char *extension_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

	return dot ? dot + 1 : "";
}

const struct format *format_of_file(const char *path, bool screen, struct err *err)
{
	const char *extension = extension_of(path);
	struct str known;

	for (const struct format *f = formats; f->word; f++)
		if (!strcmp(f->extension, extension) && (f->screen || !screen))
			return f;
	str_init(&known);
	for (const struct format *f = formats; f->word; f++)
		if (f->screen || !screen)
			str_addf(&known, "%s.%s", known.n ? ", " : "", f->extension);
	err_set(err, ERR_USAGE, "\"%s\": the name's end says how %s is written; expected %s", path,
		screen ? "the screen" : "a pane", known.s);
	str_done(&known);
	return NULL;
}

struct theme *format_theme(const struct format *f, const char *name, struct notes *notes, struct err *err)
{
	struct theme_for what = { f->depth, false };
	struct err missing;
	struct theme *t;

	if (name)
		return theme_open(name, what, notes, err);
	t = f->theme ? theme_open(f->theme, what, notes, &missing) : NULL;
	return t ? t : theme_builtin(what);
}
