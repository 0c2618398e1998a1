/* filling.c - see filling.h. */
#include "engine/analysis/filling.h"

static void fill(struct filling *f)
{
	struct arena_mark mark = arena_mark(f->ask->scratch);

	f->cells(f->with);
	arena_rewind(f->ask->scratch, mark);
}

void filling_show(struct filling *f)
{
	if (!ask_watched(f->ask))
		return;
	fill(f);
	ask_show(f->ask, f->table);
}

static void on_piece(void *context)
{
	filling_show(context);
}

void filling_begin(struct filling *f)
{
	if (!f->ask->watch)
		return;
	f->ask->task->piece = on_piece;
	f->ask->task->piece_context = f;
}

bool filling_end(struct filling *f, bool ok)
{
	if (f->ask->watch)
		f->ask->task->piece = NULL;
	if (ok)
		fill(f);
	return ok;
}
