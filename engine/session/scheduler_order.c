/* scheduler_order.c - see scheduler_parts.h: which piece comes when. */
#include "engine/session/scheduler_parts.h"

bool piece_is_slow(const struct job_pane *pane)
{
	return pane->over || pane->analysis->cost >= COST_RUNS;
}

static int rank_of_table(const struct job_pane *pane)
{
	const enum cost cost = pane->analysis->cost;

	return pane->over		 ? RANK_CORPUS
	       : cost == COST_TRAINING	 ? RANK_TRAINING
	       : piece_is_slow(pane)	 ? RANK_SWEEP
	       : cost == COST_VOCABULARY ? RANK_LENS
					 : RANK_QUICK;
}

int piece_rank(const struct job *job, struct piece piece)
{
	const struct job_pane *pane = &job->pane[piece.pane];

	switch (piece.kind) {
	case PIECE_TABLE:
		return rank_of_table(pane) + (piece.pane != job->focus);
	case PIECE_BEFORE:
		return piece_is_slow(pane) ? RANK_SWEEP_BEFORE : RANK_BEFORE;
	default:
		return RANK_TEXT + (piece.kind == PIECE_PLAIN_TEXT);
	}
}

bool piece_under_way(const struct scheduler *d, struct piece piece)
{
	for (const struct level *l = d->top; l; l = l->below)
		if (!l->unwanted && l->piece.kind == piece.kind && l->piece.pane == piece.pane)
			return true;
	return false;
}

static bool is_edited(const struct scheduler *d)
{
	return session_run(d->session) != session_unedited(d->session);
}

static bool is_there(const struct scheduler *d, struct piece piece)
{
	const struct snapshot_pane *p = &d->draft->pane[piece.pane];

	switch (piece.kind) {
	case PIECE_TABLE:
		return p->stopped || (!p->stale && !(p->table && p->table->unfinished));
	case PIECE_BEFORE: /* mostly known from the question before */
		return d->has_before[piece.pane] || !is_edited(d) || p->question.shown != SHOWN_RUN || p->question.over;
	case PIECE_TEXT:
		return d->has_text || !d->job.generate;
	default:
		return d->has_plain_text || !d->job.generate || !is_edited(d);
	}
}

bool piece_choose(const struct scheduler *d, int below, struct piece *best)
{
	bool any = false;

	for (int kind = PIECE_TABLE; kind <= PIECE_PLAIN_TEXT; kind++)
		for (int i = 0; i < (kind <= PIECE_BEFORE ? d->draft->panes : 1); i++) {
			struct piece piece = { (enum piece_kind)kind, i };

			if (piece_rank(&d->job, piece) >= below || is_there(d, piece) || piece_under_way(d, piece))
				continue;
			below = piece_rank(&d->job, piece);
			*best = piece;
			any = true;
		}
	return any;
}

int pieces_waiting(const struct scheduler *d)
{
	int n = 0;

	for (int kind = PIECE_TABLE; kind <= PIECE_PLAIN_TEXT; kind++)
		for (int i = 0; i < (kind <= PIECE_BEFORE ? d->draft->panes : 1); i++) {
			struct piece piece = { (enum piece_kind)kind, i };

			n += kind != PIECE_BEFORE && !is_there(d, piece) && !piece_under_way(d, piece);
		}
	return n;
}
