/*
 * patching.h - maps of values that go from one prompt's run to the other's: what activation patching and interchange in a subspace
 * share.
 *
 *   noising:    for each place, the foil's value into the prompt's run:  what is needed
 *   denoising:  the prompt's value into the foil's run:                  what suffices
 *   normalised: (m − m_foil) / (m_prompt − m_foil):  1 as on the prompt, 0 as on the foil, in both directions
 *   kl:         KL of the prompt's distribution ‖ the patched run's, where the metric looks
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_PATCHING_H
#define LMSCOPE_ENGINE_ANALYSIS_PATCHING_H

#include "engine/analysis/grid.h"

enum { PATCHING_DIRECTION = GRID_PARAM_COUNT, PATCHING_SHOW, PATCHING_PARAM_COUNT };

enum { NOISING, DENOISING }; /* of patching_directions */
extern const struct choice patching_directions[], patching_shows[];
/* A technique's arguments; sites as for GRID_PARAMS. */
/* clang-format off */
#define PATCHING_PARAMS(sites) \
	GRID_PARAMS(sites, "what is patched"), \
	[PATCHING_DIRECTION] = { "direction", PARAM_CHOICE, .choices = patching_directions, .help = "which value is put where" }, \
	[PATCHING_SHOW] = { "show", PARAM_CHOICE, .choices = patching_shows, .help = "what a cell is" }
/* clang-format on */

struct patching {
	const char *name, *title; /* "activation-patching", "activation patching" */
	const char *within;	  /* what of the activations, for the table's title: "basis.npy"; NULL: all */
	enum edit_op op;	  /* what a person does with a place to have the same */
	const char *file;	  /* that it reads; NULL: none */
	/* Gives variant `cell` of the cause its edit. */
	bool (*edit)(struct cause *c, const struct grid *grid, int cell, struct err *err);
};

/* How many runs that takes: every place, and the strongest alone. */
int patching_runs(const struct ask *ask);
struct table *patching_map(const struct patching *how, const struct ask *ask, const struct param *params, struct err *err);

#endif
