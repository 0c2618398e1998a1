/* scheduler_pieces.c - see scheduler_parts.h: one piece after the other is made and put into the draft, also while it grows. */
#include "engine/session/scheduler_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/model/tokenizer/tokenizer.h"

/* The whole table of a pane makes room for parts of the next one, and stays beside them. */
static void put_aside(struct snapshot_pane *p)
{
	if (p->table && p->table->unfinished) {
		table_unref(p->table);
	} else if (p->table) {
		table_unref(p->older);
		p->older = p->table;
	}
	p->table = NULL;
}

/* The run of a job that is prepared begins: of a long prompt it takes minutes. */
void piece_show_running(void *context, const char *which)
{
	struct scheduler *d = context;
	char what[64];

	d->draft->unprepared = true;
	snprintf(what, sizeof what, "running the %s: layer", which);
	scheduler_publish(d, WORK_RUNNING, what);
}

/* What a slow table has so far. */
void piece_show_partial(void *context, struct table *so_far)
{
	struct scheduler *d = context;
	struct snapshot_pane *p = &d->draft->pane[d->top->piece.pane];

	if (d->top->unwanted) {
		table_unref(so_far);
		return;
	}
	put_aside(p);
	free(p->error);
	p->table = so_far;
	p->error = NULL;
	p->stale = false;
	scheduler_publish_piece(d, d->top);
}

struct window piece_visible(void *context)
{
	const struct scheduler *d = context;

	return mailbox_visible(d->mailbox, d->top->piece.pane);
}

static void set_table(struct scheduler *d, int pane, struct table *t, const struct err *err)
{
	struct snapshot_pane *p = &d->draft->pane[pane];

	table_unref(p->table);
	table_unref(p->older);
	free(p->error);
	p->older = NULL;
	p->table = t;
	p->error = t ? NULL : xstrdup(err->text);
	p->stale = false;
}

static void set_before(struct scheduler *d, int pane, struct table *t)
{
	struct snapshot_pane *p = &d->draft->pane[pane];

	table_unref(p->before);
	p->before = t;
	d->has_before[pane] = true;
}

static bool add_token(void *context, int32_t id, double probability)
{
	struct level *level = context;
	struct scheduler *d = level->scheduler;
	bool plain = level->piece.kind == PIECE_PLAIN_TEXT;
	struct snapshot_token **list = plain ? &d->draft->plain : &d->draft->generated;
	int *n = plain ? &d->draft->plain_tokens : &d->draft->generated_tokens;

	if (level->unwanted || atomic_load(&level->work.task.stop))
		return false;
	*list = xrealloc(*list, (size_t)(*n + 1) * sizeof **list);
	(*list)[*n] = snapshot_make_token(session_model(d->session)->tokenizer, id);
	(*list)[(*n)++].probability = probability;
	scheduler_publish_piece(d, level);
	return true;
}

static void make_text(struct scheduler *d, struct level *level, struct err *err)
{
	bool plain = level->piece.kind == PIECE_PLAIN_TEXT;

	d->draft->generating = true;
	session_generate(d->session, !plain, d->job.generate, add_token, level, &level->work.task, err);
	d->draft->generating = false;
	if (level->unwanted || atomic_load(&level->work.task.stop))
		return;
	*(plain ? &d->has_plain_text : &d->has_text) = true;
	scheduler_set_error(d, err, (struct job_fault){ JOB_GENERATE, 0 });
}

static void make_table(struct scheduler *d, struct level *level, struct err *err)
{
	bool before = level->piece.kind == PIECE_BEFORE;
	struct table *t = before ? session_before(d->session, level->piece.pane, &level->work.task, &d->notes, err)
				 : session_answer(d->session, level->piece.pane, &level->work.task, &d->notes, err);

	if (level->unwanted || err->kind == ERR_CANCELLED)
		table_unref(t);
	else if (before)
		set_before(d, level->piece.pane, t);
	else
		set_table(d, level->piece.pane, t, err);
}

void piece_give_up(struct scheduler *d, struct piece piece)
{
	switch (piece.kind) {
	case PIECE_TABLE:
		d->draft->pane[piece.pane].stopped = true;
		break;
	case PIECE_BEFORE:
		d->has_before[piece.pane] = true;
		break;
	case PIECE_TEXT:
		d->has_text = true;
		break;
	default:
		d->has_plain_text = true;
	}
}

void piece_make(struct scheduler *d, struct level *level)
{
	struct err err = { 0 };

	if (level->piece.kind >= PIECE_TEXT)
		make_text(d, level, &err);
	else
		make_table(d, level, &err);
}
