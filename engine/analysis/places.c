/* places.c - see places.h. */
#include "engine/analysis/places.h"

#include <stdio.h>
#include <string.h>

enum { AT_ALL, AT_LAST, AT_POSITION };
const struct choice places_when_words[] = {
	{ "all", "at all positions", AT_ALL },
	{ "last", "at the last position", AT_LAST },
	{ "position", "at the position of position=", AT_POSITION },
	{ 0 },
};

static bool is(const char *word, const char *name)
{
	return !strcmp(word, name);
}

/* The word of an edit, and its site. */
static void read_site(struct places *p, const struct param *params)
{
	const char *word = param_word(&params[PLACE_SITE], p->ask->arg[PLACE_SITE]);
	const struct edit_target *target = edit_targets;

	p->shape = PLACE_BY_UNIT;
	if (is(word, "head_position"))
		p->shape = PLACE_HEAD_BY_POSITION;
	if (is(word, "parts"))
		p->shape = PLACE_BY_PART;
	p->word = p->shape == PLACE_HEAD_BY_POSITION ? "head" : p->shape == PLACE_BY_PART ? "attn_out" : word;
	while (!is(target->word, p->word))
		target++;
	p->site = target->site;
	if (p->shape == PLACE_BY_UNIT && site_table[p->site].unit == DIM_NONE)
		p->shape = PLACE_BY_POSITION;
}

static int units(const struct places *p)
{
	const struct config *c = &p->ask->model->config;
	enum dim unit = site_table[p->site].unit;

	return unit == DIM_NEURON ? c->F : unit == DIM_KV_HEAD ? c->G : c->H;
}

struct places places_of(const struct ask *ask, const struct param *params)
{
	struct places p = { .ask = ask, .layer = ask->arg[PLACE_LAYER], .at = -1, .rows = ask->model->config.L, .block = 1 };

	read_site(&p, params);
	if (ask->arg[PLACE_AT] != AT_ALL)
		p.at = ask->arg[PLACE_AT] == AT_LAST ? ask->run->T - 1 : ask->arg[PLACE_POSITION];
	switch (p.shape) {
	case PLACE_HEAD_BY_POSITION:
		p.rows = ask->model->config.H;
		p.cols = ask->run->T;
		break;
	case PLACE_BY_POSITION:
		p.cols = ask->run->T;
		break;
	case PLACE_BY_PART:
		p.cols = 2;
		break;
	case PLACE_BY_UNIT:
		if (site_table[p.site].unit == DIM_NEURON)
			p.block = ask->arg[PLACE_BLOCK] < units(&p) ? ask->arg[PLACE_BLOCK] : units(&p);
		p.cols = (units(&p) + p.block - 1) / p.block;
		break;
	}
	return p;
}

struct place places_at(const struct places *p, int cell)
{
	int row = cell / p->cols, col = cell % p->cols, last;

	switch (p->shape) {
	case PLACE_HEAD_BY_POSITION:
		return (struct place){ p->site, p->layer, row, row, col };
	case PLACE_BY_POSITION:
		return (struct place){ p->site, row, -1, -1, col };
	case PLACE_BY_PART:
		return (struct place){ col ? SITE_MLP_OUT : SITE_ATTN_OUT, row, -1, -1, p->at };
	default:
		last = (col + 1) * p->block - 1;
		return (struct place){ p->site, row, col * p->block, last < units(p) ? last : units(p) - 1, p->at };
	}
}

static const char *edit_line(const struct places *p, int cell, const char *op)
{
	struct place at = places_at(p, cell);
	const char *word = p->shape == PLACE_BY_PART ? site_table[at.site].name : p->word;
	char which[40] = "", when[20] = "";

	if (at.from >= 0)
		snprintf(which, sizeof which, at.to > at.from ? ".%d..%d" : ".%d", at.from, at.to);
	if (at.position >= 0)
		snprintf(when, sizeof when, "@%d ", at.position);
	return arena_printf(p->ask->scratch, "%s %d%s %s%s", word, at.layer, which, when, op);
}

void places_edit(const struct places *p, struct cause *c, int cell, int variant, const char *op)
{
	cause_edit(c, variant, "%s", edit_line(p, cell, op));
}

void places_tell(const struct places *p, struct table *t, const char *op)
{
	for (int i = 0; i < p->rows * p->cols; i++)
		table_add_edit(t, (size_t)i, edit_line(p, i, op));
}

const char *places_when(const struct places *p)
{
	if (p->shape == PLACE_HEAD_BY_POSITION)
		return arena_printf(p->ask->scratch, " in layer %d", p->layer);
	if (p->at < 0 || p->shape == PLACE_BY_POSITION)
		return "";
	return p->at == p->ask->run->T - 1 ? " at the last position" : arena_printf(p->ask->scratch, " at position %d", p->at);
}

static void label_blocks(const struct places *p, struct table *t)
{
	t->cols.each = p->block;
	for (int i = 0; i < p->cols; i++) {
		struct place at = places_at(p, i);

		axis_label(t, &t->cols, i, arena_printf(p->ask->scratch, at.to > at.from ? "%d–%d" : "%d", at.from, at.to));
		t->cols.show[i] = arena_printf(t->arena, "%d", at.from);	/* columns are narrow */
	}
}

void places_describe(const struct places *p, struct table *t)
{
	enum dim unit = site_table[p->site].unit;

	axis_numbers(t, &t->rows, p->shape == PLACE_HEAD_BY_POSITION ? DIM_HEAD : DIM_LAYER);
	if (p->shape == PLACE_BY_POSITION || p->shape == PLACE_HEAD_BY_POSITION) {
		axis_tokens(t, &t->cols, p->ask->run, DIM_POSITION, "position");
	} else if (p->shape == PLACE_BY_PART) {
		axis_numbers(t, &t->cols, DIM_COMPONENT);
		axis_label(t, &t->cols, 0, "attn");
		axis_label(t, &t->cols, 1, "mlp");
		axis_part(t, &t->cols, 0, SITE_ATTN_OUT, -1, -1);
		axis_part(t, &t->cols, 1, SITE_MLP_OUT, -1, -1);
	} else {
		axis_numbers(t, &t->cols, unit);
		if (unit == DIM_NEURON)
			label_blocks(p, t);
	}
	t->look = LOOK_HEAT;
	t->site = p->shape == PLACE_BY_PART ? SITE_NONE : p->site;
	if (p->shape == PLACE_HEAD_BY_POSITION)
		t->layer = p->layer;
}
