/* mean.c - see mean.h. Welford's sums: one pass, and no cancellation where the spread is small beside the mean. */
#include "engine/session/mean.h"

#include <math.h>
#include <stdlib.h>

struct cell_sums {
	int n;
	double mean, squares; /* of the distances from the mean */
};

struct mean {
	int prompts, cells;
	struct cell_sums *cell; /* [cells] */
	double metric, unedited;
	double worst; /* gap of a check; -1: there was none */
	double expected, actual;
};

struct mean *mean_new(void)
{
	struct mean *m = xcalloc(1, sizeof *m);

	m->worst = -1;
	return m;
}

void mean_free(struct mean *m)
{
	if (m)
		free(m->cell);
	free(m);
}

static void add_number(struct cell_sums *s, double x)
{
	const double from = x - s->mean;

	s->mean += from / ++s->n;
	s->squares += from * (x - s->mean);
}

static void add_check(struct mean *m, const struct part *p)
{
	double gap = fabs(p->actual - p->expected) / fmax(1, fabs(p->expected));

	if (!(gap <= m->worst)) { /* NaN is the worst of all */
		m->worst = gap;
		m->expected = p->expected;
		m->actual = p->actual;
	}
}

void mean_add(struct mean *m, const struct part *p)
{
	if (!m->cell) {
		m->cells = p->rows * p->cols;
		m->cell = xcalloc((size_t)m->cells, sizeof *m->cell);
	}
	for (int i = 0; i < m->cells; i++)
		if (isfinite(p->value[i]))
			add_number(&m->cell[i], (double)p->value[i]);
	m->metric += p->metric;
	m->unedited += p->unedited;
	m->prompts++;
	add_check(m, p);
}

int mean_count(const struct mean *m)
{
	return m->prompts;
}

void mean_metric(const struct mean *m, double *value, double *unedited)
{
	*value = m->metric / m->prompts;
	*unedited = m->unedited / m->prompts;
}

/* Token labels stay where all prompts have the same token there; elsewhere the position's number is there. */
static void number_positions(struct table *t, struct axis *axis, const struct axis *from, int n)
{
	bool tokens = from->id && n > 1;

	axis->dim = from->dim;
	axis->name = arena_strdup(t->arena, from->name);
	for (int i = 0; i < from->n; i++) {
		int key = from->place && n > 1 ? from->place[i].key : -1;

		if (tokens || key >= 0)
			axis_label(t, axis, i, arena_printf(t->arena, "%d", tokens ? i : key));
		else if (from->id)
			axis_token(t, axis, i, from->id[i], from->label[i], from->label_bytes[i], from->show[i]);
		else
			axis_text(t, axis, i, from->label[i], from->label_bytes[i], from->show[i]);
		if (from->place)
			axis_place(t, axis, i, from->place[i]);
	}
}

struct table *mean_table(const struct mean *m, const struct table *first, struct err *err)
{
	struct table *t = table_new(first->rows.n, first->cols.n, err);

	if (!t)
		return NULL;
	table_set_errors(t, arena_printf(t->arena, m->prompts == 1 ? "%d prompt" : "%d prompts", m->prompts));
	for (int i = 0; i < m->cells; i++) {
		const struct cell_sums *s = &m->cell[i];

		t->value[i] = s->n ? (float)s->mean : NAN;
		t->error[i] = s->n > 1 ? (float)sqrt(s->squares / (s->n - 1) / s->n) : NAN;
	}
	number_positions(t, &t->rows, &first->rows, m->prompts);
	number_positions(t, &t->cols, &first->cols, m->prompts);
	table_set_relations(t, first);
	table_set_like(t, first);
	table_set_title(t, first->parts.technique, first->parts.object, first->parts.quantity);
	if (first->check.name)
		t->check = (struct check){ arena_printf(t->arena, "%s, worst of %d prompts", first->check.name, m->prompts),
					   m->expected, m->actual, first->check.tolerance };
	return t;
}
