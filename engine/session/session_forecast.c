/* session_forecast.c - how long answers will take; see forecast.h. */
#include <math.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/session/over.h"
#include "engine/session/session_parts.h"

enum { ROWS = 64, OUTPUTS = 4096, TRIES = 3 };

double session_share(const struct session *s, const struct analysis *a)
{
	for (int i = 0; analysis_list[i]; i++)
		if (analysis_list[i] == a)
			return s->share[i];
	return 0;
}

/* Milliseconds of a multiplication, within a product of rows with the unembedding: the fastest of a few. */
static double multiplication_ms(struct session *s)
{
	const struct config *c = &s->model->config;
	const int outputs = c->V < OUTPUTS ? c->V : OUTPUTS;
	float *x, *y;

	if (s->multiplication_ms > 0)
		return s->multiplication_ms;
	x = xcalloc(ROWS * (size_t)c->D, sizeof *x);
	y = xcalloc(ROWS * (size_t)outputs, sizeof *y);
	s->multiplication_ms = INFINITY;
	for (int i = 0; i < TRIES; i++) {
		const double start = clock_now();

		model_unembed_some(s->model, x, ROWS, 0, outputs, y, (size_t)outputs);
		s->multiplication_ms = fmin(s->multiplication_ms, (clock_now() - start) / ((double)ROWS * outputs * c->D));
	}
	free(x);
	free(y);
	return s->multiplication_ms;
}

static struct forecast training_forecast(struct session *s, const struct session_view *v, const struct job_pane *pane)
{
	struct forecast f = { .known = true, .measured = true };
	const double work = session_view_work(s, v, pane, &f.steps);

	f.seconds = work > 0 ? work * multiplication_ms(s) / 1000 : 0;
	return f;
}

struct forecast session_forecast(struct session *s, const struct job_pane *pane)
{
	const struct prepared *p = &s->now;
	const bool other = pane->shown == SHOWN_MINUS_FOIL || pane->shown == SHOWN_FOIL;
	struct session_view here = prepared_view_edited(p),
			    there = other && p->foil ? prepared_view_foil(p) : prepared_view_unedited(p);
	struct forecast f = { 0 };
	struct passes n = { 0 }, more = { 0 };
	double share = session_share(s, pane->analysis);

	if (!s->ready)
		return f;
	if (pane->over)
		return over_forecast(s, pane);
	if (pane->analysis->cost < COST_RUNS)
		return f;
	if (pane->analysis->work)
		return training_forecast(s, &here, pane);
	if (!p->run) /* session_open() */
		return f;
	if (other && !p->foil)
		return (struct forecast){ .known = true, .runs = -1 };
	if (pane->shown != SHOWN_FOIL)
		n = session_view_runs(s, &here, pane);
	if (pane->shown != SHOWN_RUN && (pane->shown != SHOWN_MINUS_UNEDITED || p->run != p->unedited))
		more = session_view_runs(s, &there, pane);
	if (n.most < 0 || more.most < 0)
		return (struct forecast){ .known = true, .runs = -1 };
	f.known = true;
	f.runs = n.most + more.most;
	f.usual = n.usual + more.usual;
	f.measured = share > 0;
	f.seconds = f.usual * s->token_ms * p->run->T * (share > 0 ? share : 1) / 1000;
	return f;
}
