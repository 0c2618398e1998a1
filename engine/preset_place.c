/*
 * preset_place.c - see preset.h: where in its file stands what the model turned down.
 *
 * Only a model can tell that it has no layer 99, and by then the file has long been read. It is read once more, for the line.
 */
#include "engine/preset.h"

#include <string.h>

#include "engine/base/conf.h"

/* The edit that the sentence is about: edit "head 99.0 zero": … */
static const struct conf *find_edit(const struct conf *root, const char *sentence)
{
	static const char start[] = "edit \"";
	const char *text = sentence + strlen(start);

	if (strncmp(sentence, start, strlen(start)))
		return NULL;
	for (int i = 0; conf_at(conf_get(root, "edits"), i); i++) {
		const struct conf *v = conf_at(conf_get(root, "edits"), i);
		const struct conf *line = v->kind == CONF_MAP ? conf_get(v, "edit") : v;

		if (line && line->kind == CONF_SCALAR && !strncmp(text, line->text, strlen(line->text)))
			return line;
	}
	return NULL;
}

static bool is_pane(const struct conf *v)
{
	const struct conf *name = v->kind == CONF_MAP ? conf_get(v, "analysis") : v;

	return name && name->kind == CONF_SCALAR && analysis_find(name->text);
}

/* The pane that was read as number `wanted`: those that could not be read do not count. */
static const struct conf *find_pane(const struct conf *root, int wanted)
{
	const struct conf *rows = conf_get(root, "panes");
	int n = 0;

	for (int r = 0; conf_at(rows, r); r++) {
		const struct conf *row = conf_at(rows, r), *first = row->kind == CONF_LIST ? row->child : row;

		for (const struct conf *v = first; v; v = row->kind == CONF_LIST ? v->next : NULL)
			if (is_pane(v) && n++ == wanted)
				return v;
	}
	return NULL;
}

bool preset_place(const struct preset *p, int pane, struct err *err)
{
	struct arena *arena = arena_new();
	struct err unread = { 0 };
	const struct conf *root = p->file ? conf_open(p->file, arena, &unread) : NULL;
	const struct conf *v = pane < 0 ? find_edit(root, err->text) : find_pane(root, pane);

	if (v)
		err_in(err, "%s:%d", p->file, v->line);
	arena_free(arena);
	return false;
}
