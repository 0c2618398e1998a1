/* grid.c - see grid.h. */
#include "engine/analysis/grid.h"

enum { AT_ALL, AT_LAST, AT_POSITION };
const struct choice grid_when_words[] = {
	{ "all", "at all positions", AT_ALL },
	{ "last", "at the last position", AT_LAST },
	{ "position", "at the position of position=", AT_POSITION },
	{ 0 },
};

static const struct {
	enum site site;
	enum grid_shape shape;
} kinds[] = {
	[GRID_OF_RESID_PRE] = { SITE_RESID_PRE, GRID_BY_POSITION },
	[GRID_OF_RESID_MID] = { SITE_RESID_MID, GRID_BY_POSITION },
	[GRID_OF_RESID_POST] = { SITE_RESID_POST, GRID_BY_POSITION },
	[GRID_OF_ATTN_OUT] = { SITE_ATTN_OUT, GRID_BY_POSITION },
	[GRID_OF_MLP_OUT] = { SITE_MLP_OUT, GRID_BY_POSITION },
	[GRID_OF_HEAD] = { SITE_RESULT, GRID_BY_UNIT },
	[GRID_OF_Z] = { SITE_Z, GRID_BY_UNIT },
	[GRID_OF_Q] = { SITE_Q, GRID_BY_UNIT },
	[GRID_OF_K] = { SITE_K, GRID_BY_UNIT },
	[GRID_OF_V] = { SITE_V, GRID_BY_UNIT },
	[GRID_OF_PATTERN] = { SITE_PATTERN, GRID_BY_UNIT },
	[GRID_OF_KV] = { SITE_V, GRID_BY_UNIT },
	[GRID_OF_NEURON] = { SITE_MLP_POST, GRID_BY_UNIT },
	[GRID_OF_EXPERT] = { SITE_EXPERT, GRID_BY_UNIT },
	[GRID_OF_HEAD_POSITION] = { SITE_RESULT, GRID_HEAD_BY_POSITION },
	[GRID_OF_PARTS] = { SITE_ATTN_OUT, GRID_BY_PART },
};

static int units(const struct grid *g)
{
	const struct config *c = &g->ask->model->config;
	enum dim unit = site_table[g->site].unit;

	return unit == DIM_NEURON ? c->dense : unit == DIM_EXPERT ? c->experts.X : unit == DIM_KV_HEAD ? c->G : c->H;
}

/* Layers have experts, or neurons that can be named. */
static bool has_units(const struct config *c, enum site site, int layer)
{
	const enum dim unit = site_table[site].unit;

	return unit == DIM_EXPERT ? config_mixes(c, layer) : unit != DIM_NEURON || !config_mixes(c, layer);
}

/* The layers of the rows, where some have none of what the cells are. */
static bool pick_layers(struct grid *g, struct err *err)
{
	const struct config *c = &g->ask->model->config;
	const struct place first = place_at(g->site, 0, -1, -1);

	g->layers = arena_alloc(g->ask->scratch, (size_t)c->L * sizeof *g->layers);
	g->rows = 0;
	for (int l = 0; l < c->L; l++)
		if (has_units(c, g->site, l))
			g->layers[g->rows++] = l;
	return g->rows || place_check(&first, c, "site", err);
}

bool grid_open(const struct ask *ask, struct grid *out, struct err *err)
{
	struct grid g = { .ask = ask,
			  .site = kinds[ask->arg[GRID_SITE]].site,
			  .shape = kinds[ask->arg[GRID_SITE]].shape,
			  .layer = ask->arg[GRID_LAYER],
			  .at = -1,
			  .rows = ask->model->config.L,
			  .block = 1 };

	if (ask->arg[GRID_AT] != AT_ALL)
		g.at = ask->arg[GRID_AT] == AT_LAST ? ask->run->T - 1 : ask->arg[GRID_POSITION];
	switch (g.shape) {
	case GRID_HEAD_BY_POSITION:
		g.rows = ask->model->config.H;
		g.cols = ask->run->T;
		break;
	case GRID_BY_POSITION:
		g.cols = ask->run->T;
		break;
	case GRID_BY_PART:
		g.cols = 2;
		break;
	case GRID_BY_UNIT:
		if (!pick_layers(&g, err))
			return false;
		if (site_table[g.site].unit == DIM_NEURON)
			g.block = ask->arg[GRID_BLOCK] < units(&g) ? ask->arg[GRID_BLOCK] : units(&g);
		g.cols = (units(&g) + g.block - 1) / g.block;
		break;
	}
	*out = g;
	return true;
}

struct place grid_place(const struct grid *g, int cell)
{
	int row = cell / g->cols, col = cell % g->cols, last = (col + 1) * g->block - 1;
	struct place place;

	switch (g->shape) {
	case GRID_HEAD_BY_POSITION:
		return place_at(g->site, g->layer, row, col);
	case GRID_BY_POSITION:
		return place_at(g->site, row, -1, col);
	case GRID_BY_PART:
		return place_at(col ? SITE_MLP_OUT : SITE_ATTN_OUT, row, -1, g->at);
	default:
		place = place_at(g->site, g->layers[row], col * g->block, g->at);
		place.unit_to = last < units(g) ? last : units(g) - 1;
		return place;
	}
}

struct edit *grid_edit(const struct grid *g, struct cause *c, int cell, int variant, enum edit_op op)
{
	struct place place = grid_place(g, cell);

	return cause_edit(c, variant, &place, op);
}

void grid_tell(const struct grid *g, struct table *t, enum edit_op op, const char *file)
{
	for (int i = 0; i < g->rows * g->cols; i++) {
		struct place place = grid_place(g, i);
		struct edit edit = edit_at(&place, op, g->ask->scratch);

		edit.file = file ? arena_strdup(g->ask->scratch, file) : NULL;
		table_add_edit(t, (size_t)i, &edit);
	}
}

const char *grid_when(const struct grid *g)
{
	if (g->shape == GRID_HEAD_BY_POSITION)
		return arena_printf(g->ask->scratch, " in layer %d", g->layer);
	if (g->at < 0 || g->shape == GRID_BY_POSITION)
		return "";
	return g->at == g->ask->run->T - 1 ? " at the last position" : arena_printf(g->ask->scratch, " at position %d", g->at);
}

static void label_blocks(const struct grid *g, struct table *t)
{
	t->cols.each = g->block;
	for (int i = 0; i < g->cols; i++) {
		struct place at = grid_place(g, i);

		axis_label(t, &t->cols, i,
			   arena_printf(g->ask->scratch, at.unit_to > at.unit ? "%d–%d" : "%d", at.unit, at.unit_to));
		t->cols.show[i] = arena_printf(t->arena, "%d", at.unit); /* columns are narrow */
	}
}

static void label_layers(const struct grid *g, struct table *t)
{
	for (int i = 0; i < g->rows; i++) {
		axis_label(t, &t->rows, i, arena_printf(g->ask->scratch, "%d", g->layers[i]));
		axis_place(t, &t->rows, i, place_at(g->site, g->layers[i], -1, -1));
	}
}

void grid_describe(const struct grid *g, struct table *t)
{
	enum dim unit = site_table[g->site].unit;

	axis_numbers(t, &t->rows, g->shape == GRID_HEAD_BY_POSITION ? DIM_HEAD : DIM_LAYER);
	if (g->shape == GRID_BY_UNIT && g->rows < g->ask->model->config.L)
		label_layers(g, t);
	if (g->shape == GRID_BY_POSITION || g->shape == GRID_HEAD_BY_POSITION) {
		axis_tokens(t, &t->cols, g->ask->run, DIM_POSITION, "position");
	} else if (g->shape == GRID_BY_PART) {
		axis_numbers(t, &t->cols, DIM_COMPONENT);
		axis_label(t, &t->cols, 0, "attn");
		axis_label(t, &t->cols, 1, "mlp");
		axis_place(t, &t->cols, 0, place_at(SITE_ATTN_OUT, -1, -1, -1));
		axis_place(t, &t->cols, 1, place_at(SITE_MLP_OUT, -1, -1, -1));
	} else {
		axis_numbers(t, &t->cols, unit);
		if (unit == DIM_NEURON)
			label_blocks(g, t);
	}
	t->look = LOOK_HEAT;
	t->place.site = g->shape == GRID_BY_PART ? SITE_NONE : g->site;
	if (g->shape == GRID_HEAD_BY_POSITION)
		t->place.layer = g->layer;
	if (g->shape == GRID_BY_PART || g->shape == GRID_BY_UNIT)
		place_set(&t->place, DIM_POSITION, g->at, g->at);
	t->explain = METRIC_PART;
	t->explain_other = cause_no_number;
}
