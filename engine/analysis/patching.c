/* patching.c - see patching.h. */
#include "engine/analysis/patching.h"

#include "engine/analysis/effect_scale.h"

enum { SHOW_NORMALISED, SHOW_RAW, SHOW_KL };
const struct choice patching_directions[] = {
	{ "noising", "the foil's value into the prompt's run: what is needed", NOISING },
	{ "denoising", "the prompt's value into the foil's run: what suffices", DENOISING },
	{ 0 },
};
const struct choice patching_shows[] = {
	{ "normalised", "1 = as on the prompt, 0 = as on the foil", SHOW_NORMALISED },
	{ "raw", "the metric itself", SHOW_RAW },
	{ "kl", "KL of the prompt's distribution ‖ the patched one", SHOW_KL },
	{ 0 },
};

static void cells(struct table *t, const struct cause *c, const void *with)
{
	for (int i = 0; i < c->n; i++)
		t->value[i] = (float)effect_scaled(with, c->value[i]);
}

static bool fill(struct table *t, const struct patching *how, const struct ask *ask, const struct grid *grid, struct err *err)
{
	bool denoising = ask->arg[PATCHING_DIRECTION] == DENOISING, ok = true;
	struct cause c =
		cause_new(ask, denoising ? ask->foil : ask->run, denoising ? ask->run : ask->foil, grid->rows * grid->cols);
	struct effect_scale scale;

	for (int i = 0; ok && i < c.n; i++)
		ok = how->edit(&c, grid, i, err);
	if (!ok || !effect_scale_of_prompts(&scale, ask, ask->arg[PATCHING_SHOW] == SHOW_NORMALISED, err))
		return false;
	/* as with nothing patched */
	t->neutral = (float)(scale.normalised ? !denoising : denoising ? scale.corrupt : scale.clean);
	if (!cause_fill(&c, t, cells, &scale, err))
		return false;
	t->footnote = effect_scale_footnote(&scale, ask, t);
	return cause_check_strongest(&c, t, "strongest cell, run alone", err);
}

static void describe(struct table *t, const struct patching *how, const struct ask *ask, const struct param *params,
		     const struct grid *grid)
{
	bool denoising = ask->arg[PATCHING_DIRECTION] == DENOISING;
	const char *site = param_word(&params[GRID_SITE], ask->arg[GRID_SITE]);

	table_set_title(t, how->title, arena_printf(t->arena, "%s%s", site, grid_when(grid)),
			arena_printf(t->arena, "%s%s%s%s", cause_direction(denoising),
				     ask->arg[PATCHING_SHOW] == SHOW_KL ? ", KL to the prompt's run" : "",
				     how->within ? ", within " : "", how->within ? how->within : ""));
	table_set_unit(t, ask->arg[PATCHING_SHOW] == SHOW_NORMALISED ? "normalised" : metric_unit(ask->metric));
	grid_describe(grid, t);
	t->scale = !denoising && ask->arg[PATCHING_SHOW] == SHOW_KL ? SCALE_SEQUENTIAL : SCALE_DIVERGING;
	t->meaning = ask->arg[PATCHING_SHOW] == SHOW_NORMALISED ? "1 = prompt, 0 = foil"
		     : ask->arg[PATCHING_SHOW] == SHOW_KL	? "0 = as the prompt"
								: NULL;
	if (denoising)
		t->no_edit = cause_denoised;
	else
		grid_tell(grid, t, how->op, how->file);
}

int patching_runs(const struct ask *ask)
{
	struct err none = { 0 };
	struct grid grid;

	return grid_open(ask, &grid, &none) ? grid.rows * grid.cols + 1 : 0;
}

struct table *patching_map(const struct patching *how, const struct ask *ask, const struct param *params, struct err *err)
{
	/* KL is a metric like the others, that compares with the prompt's run. */
	struct metric kl = { .kind = METRIC_KL, .target = { -1, -1 }, .position = ask->metric->position };
	struct ask own = *ask;
	struct grid grid;
	struct table *t;

	if (ask->foil->T != ask->run->T) {
		err_set(err, ERR_ARGUMENT, "%s needs prompt and foil of equally many tokens; they have %d and %d", how->name,
			ask->run->T, ask->foil->T);
		return NULL;
	}
	if (ask->arg[PATCHING_SHOW] == SHOW_KL) {
		own.metric = &kl;
		own.unedited = ask->run;
	}
	if (!grid_open(&own, &grid, err) || !(t = table_new(grid.rows, grid.cols, err)))
		return NULL;
	describe(t, how, &own, params, &grid);
	return table_if(fill(t, how, &own, &grid, err), t);
}
