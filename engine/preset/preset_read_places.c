/* preset_read_places.c - see preset_reader.h. */
#include "engine/preset/preset_reader.h"

#include <ctype.h>
#include <string.h>

static void read_cursor_into(struct preset_reader *r, const struct conf *v, int *cursor)
{
	if (conf_is_null(v))
		return;
	if (v->kind != CONF_MAP)
		LEAVE_OUT(r, v, "cursor is no map; expected {layer: 2, head: 5, position: -1}");
	for (const struct conf *c = v->kind == CONF_MAP ? v->child : NULL; c; c = c->next) {
		enum dim dim = dim_find(c->key);
		struct err err = { 0 };

		if (dim == DIM_COUNT || dim == DIM_NONE)
			LEAVE_OUT(r, c, "unknown key \"%s\" of the cursor; expected layer, head, position …", c->key);
		else if (!conf_int(c, -1000000 + 1, 1000000, &cursor[dim], &err))
			preset_leave_out(r, &err);
	}
}

void preset_read_cursor(struct preset_reader *r, const struct conf *v)
{
	read_cursor_into(r, v, r->p->cursor);
}

/* {letter: a, place: "layer 3", pane: {…}, cursor: {…}, zoom: true}; a note has its text in place of the letter. */
static void read_place(struct preset_reader *r, const struct conf *v, bool note)
{
	const char *first = note ? "text" : "letter", *what = note ? "a note" : "a bookmark", *text, *where = NULL;
	const struct conf *named = conf_get(v, first), *pane = conf_get(v, "pane"), *labels = conf_get(v, "place"),
			  *zoom = conf_get(v, "zoom");
	struct kept_place place = { 0 };
	struct err err = { 0 };

	for (int d = 0; d < DIM_COUNT; d++)
		place.cursor[d] = CURSOR_UNSET;
	for (const struct conf *c = v->kind == CONF_MAP ? v->child : NULL; c; c = c->next)
		if (c != named && c != pane && c != labels && c != zoom && strcmp(c->key, "cursor"))
			LEAVE_OUT(r, c, "unknown key \"%s\" of %s; expected %s, place, pane, cursor, zoom", c->key, what, first);
	if (!named || !pane) {
		LEAVE_OUT(r, v, "%s without its %s; expected {%s: …, pane: {analysis: NAME}, cursor: {…}}", what,
			  named ? "pane" : first, first);
	} else if (!conf_text(named, &text, &err) || (labels && !conf_text(labels, &where, &err)) ||
		   (zoom && !conf_bool(zoom, &place.zoomed, &err))) {
		preset_leave_out(r, &err);
	} else if (!note && (strlen(text) != 1 || !isalnum((unsigned char)*text))) {
		LEAVE_OUT(r, named, "letter is \"%s\"; expected a letter or a digit", text);
	} else if (note && !*text) {
		LEAVE_OUT(r, named, "a note without words");
	} else if (preset_read_technique(r, pane, &place.pane)) {
		if (conf_get(v, "cursor"))
			read_cursor_into(r, conf_get(v, "cursor"), place.cursor);
		place.letter = note ? 0 : *text;
		if (note)
			job_set(&place.text, text);
		job_set(&place.where, where);
		preset_add_place(r->p, &place);
		kept_place_done(&place);
	}
}

static void read_places(struct preset_reader *r, const struct conf *v, bool notes)
{
	if (conf_is_null(v))
		return;
	if (v->kind != CONF_LIST)
		LEAVE_OUT(r, v, "%s is no list; expected lines that begin with \"- \"", v->key);
	for (const struct conf *c = v->kind == CONF_LIST ? v->child : NULL; c; c = c->next)
		read_place(r, c, notes);
}

void preset_read_bookmarks(struct preset_reader *r, const struct conf *v)
{
	read_places(r, v, false);
}

void preset_read_notes(struct preset_reader *r, const struct conf *v)
{
	read_places(r, v, true);
}
