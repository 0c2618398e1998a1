/* corpus_split.c - see corpus_split.h. */
#include "engine/analysis/corpus_split.h"

#include <string.h>

enum { HELD_EACH = 10 };

int corpus_split_enough(double learned)
{
	enum { MOST = 4096, LEAST = 1024, SHARE = 32 };

	return learned / SHARE > MOST ? MOST : learned / SHARE < LEAST ? LEAST : (int)(learned / SHARE);
}

int corpus_split_rows(const struct corpus_split *s, int n)
{
	return n > s->ahead ? n - s->ahead : 0;
}

static bool is_held_out(const struct corpus_split *s, const struct corpus_window *w)
{
	if (w->split)
		return !strcmp(w->split, "test");
	return (w->line + HELD_EACH - 1 - s->seed % HELD_EACH) % HELD_EACH == 0;
}

/* false: there are enough. */
static bool hold_out(struct corpus_split *s, const struct corpus_window *w, int enough, struct arena *arena)
{
	struct held_window *h;

	if (s->held_tokens >= enough || s->helds == HELD_MOST)
		return false;
	h = &s->held[s->helds++];
	*h = (struct held_window){ arena_alloc(arena, (size_t)w->n * sizeof *h->tokens), w->n };
	memcpy(h->tokens, w->tokens, (size_t)w->n * sizeof *h->tokens);
	s->held_tokens += corpus_split_rows(s, w->n);
	return true;
}

bool corpus_split_hold_out(struct corpus_split *s, const char *path, int enough, struct arena *arena, struct task *task,
			   struct err *err)
{
	bool some = false;
	struct corpus_window w;

	do {
		if (!task_going(task, err) || !corpus_next(s->corpus, &w, err))
			return false;
		if (w.n && !corpus_split_rows(s, w.n))
			continue;
		some |= w.n && !is_held_out(s, &w);
		if (w.n && is_held_out(s, &w) && !hold_out(s, &w, enough, arena))
			break;
	} while (w.n);
	if (!s->helds || !some)
		return err_set(err, ERR_ARGUMENT,
			       "%s: there is no document to %s; every tenth is held out, or those whose "
			       "\"split\" is \"test\"",
			       path, s->helds ? "learn from" : "measure on");
	return corpus_go(s->corpus, (struct corpus_place){ 0 }, err);
}

bool corpus_split_next(struct corpus_split *s, struct corpus_window *w, struct err *err)
{
	do {
		if (!corpus_next(s->corpus, w, err) || (!w->n && !corpus_go(s->corpus, (struct corpus_place){ 0 }, err)))
			return false;
	} while (!corpus_split_rows(s, w->n) || is_held_out(s, w));
	return true;
}
