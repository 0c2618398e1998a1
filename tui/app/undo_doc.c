/* undo_doc.c - see undo_doc.h. A piece is bytes, written by a put_…() and read by the get_…() of the same name. */
#include "tui/app/undo_doc.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/str.h"

struct doc_piece {
	int refs;
	size_t n;
	char bytes[];
};

struct packed_reader {
	const char *at;
};

static void put(struct str *s, const void *bytes, size_t n)
{
	str_add_n(s, bytes, n);
}

static void get(struct packed_reader *r, void *bytes, size_t n)
{
	memcpy(bytes, r->at, n);
	r->at += n;
}

/* A text of its own length, or NULL. */
static void put_text(struct str *s, const char *text)
{
	str_add_char(s, text ? '+' : '-');
	if (text)
		put(s, text, strlen(text) + 1);
}

static void get_text(struct packed_reader *r, char **field)
{
	bool there = *r->at++ == '+';

	job_set(field, there ? r->at : NULL);
	r->at += there ? strlen(r->at) + 1 : 0;
}

/* ------------------------------------------------------------------------------------------------ the pieces */

static void put_prompt(const struct preset *doc, struct str *s)
{
	put_text(s, doc->job.prompt);
}

static void get_prompt(struct packed_reader *r, struct preset *doc)
{
	get_text(r, &doc->job.prompt);
}

static void put_foil(const struct preset *doc, struct str *s)
{
	put_text(s, doc->job.foil);
}

static void get_foil(struct packed_reader *r, struct preset *doc)
{
	get_text(r, &doc->job.foil);
}

static void put_asked(const struct preset *doc, struct str *s)
{
	put_text(s, doc->job.model);
	put_text(s, doc->job.metric);
	put(s, &doc->job.bos, sizeof doc->job.bos);
}

static void get_asked(struct packed_reader *r, struct preset *doc)
{
	get_text(r, &doc->job.model);
	get_text(r, &doc->job.metric);
	get(r, &doc->job.bos, sizeof doc->job.bos);
}

static void put_way(const struct preset *doc, struct str *s)
{
	put(s, &doc->job.ways, sizeof doc->job.ways);
	for (int i = 0; i < doc->job.ways; i++) {
		put_text(s, doc->job.way[i].spec);
		put(s, &doc->job.way[i].value, sizeof doc->job.way[i].value);
		put(s, &doc->job.way[i].pane, sizeof doc->job.way[i].pane);
		put(s, doc->job.way[i].cursor, sizeof doc->job.way[i].cursor);
	}
}

static void get_way(struct packed_reader *r, struct preset *doc)
{
	get(r, &doc->job.ways, sizeof doc->job.ways);
	for (int i = 0; i < doc->job.ways; i++) {
		get_text(r, &doc->job.way[i].spec);
		get(r, &doc->job.way[i].value, sizeof doc->job.way[i].value);
		get(r, &doc->job.way[i].pane, sizeof doc->job.way[i].pane);
		get(r, doc->job.way[i].cursor, sizeof doc->job.way[i].cursor);
	}
}

static void put_edits(const struct preset *doc, struct str *s)
{
	put(s, &doc->job.edits, sizeof doc->job.edits);
	for (int i = 0; i < doc->job.edits; i++) {
		put_text(s, doc->job.edit[i].line);
		put(s, &doc->job.edit[i].on, sizeof doc->job.edit[i].on);
	}
}

static void get_edits(struct packed_reader *r, struct preset *doc)
{
	struct job *job = &doc->job;

	get(r, &job->edits, sizeof job->edits);
	job->edit = job->edits ? xcalloc((size_t)job->edits, sizeof *job->edit) : NULL;
	for (int i = 0; i < job->edits; i++) {
		get_text(r, &job->edit[i].line);
		get(r, &job->edit[i].on, sizeof job->edit[i].on);
	}
}

static void put_layout(const struct preset *doc, struct str *s)
{
	put(s, &doc->job.panes, sizeof doc->job.panes);
	put(s, &doc->job.focus, sizeof doc->job.focus);
	put(s, &doc->job.generate, sizeof doc->job.generate);
	put(s, doc->row, sizeof doc->row);
	put(s, doc->size, sizeof doc->size);
	put_text(s, doc->theme);
}

static void get_layout(struct packed_reader *r, struct preset *doc)
{
	get(r, &doc->job.panes, sizeof doc->job.panes);
	get(r, &doc->job.focus, sizeof doc->job.focus);
	get(r, &doc->job.generate, sizeof doc->job.generate);
	get(r, doc->row, sizeof doc->row);
	get(r, doc->size, sizeof doc->size);
	get_text(r, &doc->theme);
}

static void put_cursor(const struct preset *doc, struct str *s)
{
	put(s, doc->cursor, sizeof doc->cursor);
}

static void get_cursor(struct packed_reader *r, struct preset *doc)
{
	get(r, doc->cursor, sizeof doc->cursor);
}

static void put_texts(const struct preset *doc, struct str *s)
{
	put_text(s, doc->title);
	put_text(s, doc->about);
	put_text(s, doc->file);
	put_text(s, doc->task);
	put(s, &doc->goals, sizeof doc->goals);
	for (int i = 0; i < doc->goals; i++)
		put_text(s, doc->goal[i]);
}

static void get_texts(struct packed_reader *r, struct preset *doc)
{
	get_text(r, &doc->title);
	get_text(r, &doc->about);
	get_text(r, &doc->file);
	get_text(r, &doc->task);
	get(r, &doc->goals, sizeof doc->goals);
	doc->goal = doc->goals ? xcalloc((size_t)doc->goals, sizeof *doc->goal) : NULL;
	for (int i = 0; i < doc->goals; i++)
		get_text(r, &doc->goal[i]);
}

static void put_expects(const struct preset *doc, struct str *s)
{
	put(s, &doc->misspelt, sizeof doc->misspelt);
	put(s, &doc->expects, sizeof doc->expects);
	for (int i = 0; i < doc->expects; i++) {
		put(s, &doc->expect[i], sizeof doc->expect[i]);
		put_text(s, doc->expect[i].line);
	}
}

static void get_expects(struct packed_reader *r, struct preset *doc)
{
	get(r, &doc->misspelt, sizeof doc->misspelt);
	get(r, &doc->expects, sizeof doc->expects);
	doc->expect = doc->expects ? xcalloc((size_t)doc->expects, sizeof *doc->expect) : NULL;
	for (int i = 0; i < doc->expects; i++) {
		get(r, &doc->expect[i], sizeof doc->expect[i]);
		doc->expect[i].line = NULL; /* as it was then */
		get_text(r, &doc->expect[i].line);
	}
}

static void put_places(const struct preset *doc, struct str *s)
{
	put(s, &doc->places, sizeof doc->places);
	for (int i = 0; i < doc->places; i++) {
		put(s, &doc->place[i], sizeof doc->place[i]);
		put_text(s, doc->place[i].text);
		put_text(s, doc->place[i].where);
	}
}

static void get_places(struct packed_reader *r, struct preset *doc)
{
	get(r, &doc->places, sizeof doc->places);
	doc->place = doc->places ? xcalloc((size_t)doc->places, sizeof *doc->place) : NULL;
	for (int i = 0; i < doc->places; i++) {
		get(r, &doc->place[i], sizeof doc->place[i]);
		doc->place[i].text = doc->place[i].where = NULL;
		get_text(r, &doc->place[i].text);
		get_text(r, &doc->place[i].where);
	}
}

static const struct {
	enum undo_part part;
	void (*put)(const struct preset *doc, struct str *s);
	void (*get)(struct packed_reader *r, struct preset *doc);
} kinds[] = {
	{ UNDO_QUESTION, put_prompt, get_prompt }, { UNDO_QUESTION, put_foil, get_foil },   { UNDO_QUESTION, put_asked, get_asked },
	{ UNDO_QUESTION, put_way, get_way },	   { UNDO_QUESTION, put_edits, get_edits }, { UNDO_LOOKS, put_layout, get_layout },
	{ UNDO_LOOKS, put_cursor, get_cursor },	   { UNDO_REST, put_texts, get_texts },	    { UNDO_REST, put_expects, get_expects },
	{ UNDO_REST, put_places, get_places },
};
enum { KINDS = sizeof kinds / sizeof *kinds, PIECES = KINDS + JOB_PANES };

struct undo_doc {
	struct doc_piece *piece[PIECES]; /* NULL: not taken; the panes are the last */
};

/* ------------------------------------------------------------------------------------------------ apart and together */

static void give(struct doc_piece *p)
{
	if (p && !--p->refs)
		free(p);
}

/* A piece of these bytes, which may be the one at the same place before. */
static struct doc_piece *take(const struct str *s, struct doc_piece *like)
{
	struct doc_piece *p;

	if (like && like->n == s->n && !memcmp(like->bytes, s->s, s->n)) {
		like->refs++;
		return like;
	}
	p = xmalloc(sizeof *p + s->n);
	p->refs = 1;
	p->n = s->n;
	memcpy(p->bytes, s->s, s->n);
	return p;
}

struct undo_doc *undo_doc_new(const struct preset *doc, unsigned parts, const struct undo_doc *like)
{
	struct undo_doc *d = xcalloc(1, sizeof *d);
	struct str bytes;

	str_init(&bytes);
	for (int i = 0; i < PIECES; i++) {
		int pane = i - KINDS;

		if (!(parts & (pane < 0 ? kinds[i].part : UNDO_LOOKS)) || pane >= doc->job.panes)
			continue;
		str_clear(&bytes);
		if (pane < 0)
			kinds[i].put(doc, &bytes);
		else
			put(&bytes, &doc->job.pane[pane], sizeof doc->job.pane[pane]);
		d->piece[i] = take(&bytes, like ? like->piece[i] : NULL);
	}
	str_done(&bytes);
	return d;
}

void undo_doc_free(struct undo_doc *d)
{
	for (int i = 0; i < PIECES; i++)
		give(d->piece[i]);
	free(d);
}

void undo_doc_open(const struct undo_doc *d, struct preset *doc)
{
	preset_init(doc);
	for (int i = 0; i < PIECES; i++) {
		struct packed_reader r = { d->piece[i] ? d->piece[i]->bytes : NULL };

		if (r.at && i < KINDS)
			kinds[i].get(&r, doc);
		else if (r.at)
			get(&r, &doc->job.pane[i - KINDS], sizeof *doc->job.pane);
	}
}

size_t undo_doc_bytes(const struct undo_doc *d, const struct undo_doc *beside)
{
	size_t bytes = sizeof *d;

	for (int i = 0; i < PIECES; i++)
		if (d->piece[i] && !(beside && beside->piece[i] == d->piece[i]))
			bytes += sizeof *d->piece[i] + d->piece[i]->n;
	return bytes;
}
