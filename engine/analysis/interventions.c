/* interventions.c - see interventions.h. */
#include "engine/analysis/interventions.h"

#include <assert.h>
#include <math.h>

#include "engine/analysis/filling.h"

struct cause cause_new(const struct ask *ask, const struct run *base, const struct run *source, int n)
{
	return (struct cause){ .ask = ask,
			       .base = base,
			       .source = source,
			       .n = n,
			       .variant = arena_alloc(ask->scratch, (size_t)n * sizeof(struct sweep_variant)),
			       .value = arena_alloc(ask->scratch, (size_t)n * sizeof(double)) };
}

struct edit *cause_edit(struct cause *c, int i, const struct place *place, enum edit_op op)
{
	struct sweep_variant *v = &c->variant[i];
	struct edit *edit = arena_alloc(c->ask->scratch, sizeof *edit);

	assert(i < c->n && v->edits < SWEEP_EDITS);
	*edit = edit_at(place, op, c->ask->scratch);
	v->edit[v->edits++] = edit;
	return edit;
}

bool cause_sweep(struct cause *c, struct err *err)
{
	const struct ask *ask = c->ask;

	return metric_value(ask->metric, c->base, ask->unedited, &c->now, ask->task, err) &&
	       sweep_metric(c->base, ask->unedited, c->source, ask->metric, c->variant, c->n, c->value, ask->task, err);
}

struct cause_filling {
	struct cause *cause;
	struct table *table;
	cause_cells *cells;
	const void *with;
};

static void fill_cells(void *with)
{
	const struct cause_filling *a = with;

	a->cells(a->table, a->cause, a->with);
}

/* What edits in memory do besides is nothing that a person could type. */
static void tell_edits(const struct cause *c, struct table *t)
{
	size_t cells = (size_t)t->rows.n * (size_t)t->cols.n;

	if (t->edits || t->no_edit)
		return;
	for (int i = 0; i < c->n; i++) {
		size_t cell = c->cell ? c->cell[i] : (size_t)i;
		const struct sweep_variant *v = &c->variant[i];

		for (int e = 0; cell < cells && !v->more_count && e < v->edits; e++)
			table_add_edit(t, cell, v->edit[e]);
	}
}

bool cause_fill(struct cause *c, struct table *t, cause_cells *cells, const void *with, struct err *err)
{
	struct cause_filling answer = { c, t, cells, with };
	struct filling filling = { c->ask, t, fill_cells, &answer };

	tell_edits(c, t);
	filling_begin(&filling);
	return filling_end(&filling, cause_sweep(c, err));
}

struct run *ask_run_with(const struct ask *ask, const struct run *base, const struct run *source, const struct edit *const *edit,
			 int n, struct err *err)
{
	const struct run_order order = { .model = ask->model,
					 .tokens = base->tokens,
					 .T = base->T,
					 .prompt_T = base->prompt_T,
					 .base = base,
					 .more = edit,
					 .more_count = n,
					 .unedited = base->edits ? ask->unedited : base,
					 .foil = source,
					 .keeps = base->keeps };

	return run_new(&order, ask->task, err);
}

bool ask_value_with(const struct ask *ask, const struct metric *metric, const struct edit *const *edit, int n, double *value,
		    struct err *err)
{
	struct run *r = ask_run_with(ask, ask->run, ask->foil, edit, n, err);
	const bool ok = r && metric_value(metric, r, ask->unedited, value, ask->task, err);

	run_unref(r);
	return ok;
}

struct run *cause_run(const struct cause *c, int i, struct err *err)
{
	const struct sweep_variant *v = &c->variant[i];
	const int n = v->edits + v->more_count;
	const struct edit **edit = arena_alloc(c->ask->scratch, (size_t)(n + 1) * sizeof *edit);

	for (int e = 0; e < n; e++)
		edit[e] = e < v->edits ? v->edit[e] : v->more[e - v->edits];
	return ask_run_with(c->ask, c->base, c->source, edit, n, err);
}

/* "layer 17, ·John": as the table's axes call it. */
static const char *cell_name(const struct table *t, const struct cause *c, int i)
{
	int row = i / t->cols.n, col = i % t->cols.n;

	if (c->n != t->rows.n * t->cols.n || !t->rows.show || !t->cols.show)
		return arena_printf(t->arena, "number %d of %d", i, c->n);
	return arena_printf(t->arena, "%s %s, %s %s", t->rows.name ? t->rows.name : "row", t->rows.show[row],
			    t->cols.name ? t->cols.name : "column", t->cols.show[col]);
}

bool cause_check_strongest(const struct cause *c, struct table *t, const char *name, struct err *err)
{
	const struct ask *ask = c->ask;
	struct run *alone;
	double value;
	int best = 0;
	bool ok;

	for (int i = 1; i < c->n; i++)
		if (fabs(c->value[i] - c->now) > fabs(c->value[best] - c->now))
			best = i;
	alone = cause_run(c, best, err);
	ok = alone && metric_value(ask->metric, alone, ask->unedited, &value, ask->task, err);
	run_unref(alone);
	if (!ok)
		return false;
	t->check = (struct check){ name, value - c->now, c->value[best] - c->now, 1e-4, cell_name(t, c, best) };
	return true;
}

struct cause_window cause_window(int layer, int width, int L)
{
	int from = layer - width / 2, to = from + width;

	return (struct cause_window){ from > 0 ? from : 0, to < L ? to : L };
}

const char cause_no_number[] = "what an edit changes is no number of the run";
const char cause_denoised[] = "this cell puts the prompt's value into the foil's run, and edits are made in the prompt's run; "
			      "cells of direction=noising can be applied";

const char *cause_direction(bool denoising)
{
	return denoising ? "denoising: prompt into foil" : "noising: foil into prompt";
}
