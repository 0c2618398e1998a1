/*
 * subspace_interchange.c - whether a subspace carries the difference between two prompts: what lies in it is taken from the one,
 * and the rest is left as it is in the other.
 *
 *   x + UᵀU (source − x)  in the place of x,  U[k, width] orthonormal
 *
 * Interchange interventions: Geiger et al. 2021; in a direction that was looked for, Geiger et al. 2023 ("distributed alignment
 * search"). With all directions it is activation patching; with none, nothing. A subspace that works may still be one that the
 * model does not use: Makelov et al. 2023. Directions and measures are those of patching.h, the places those of grid.h.
 */
#include "engine/analysis/patching.h"

#include <string.h>

enum { ARG_BASIS = PATCHING_PARAM_COUNT };
static const struct choice exchanged[] = {
	GRID_RESID_PRE, GRID_RESID_MID, GRID_RESID_POST, GRID_ATTN_OUT, GRID_MLP_OUT,	    GRID_HEAD,
	GRID_Z,		GRID_Q,		GRID_K,		 GRID_V,	GRID_HEAD_POSITION, { 0 },
};
static const struct param params[] = {
	PATCHING_PARAMS(exchanged),
	[ARG_BASIS] = { "basis", PARAM_FILE, .file = &asset_basis,
			.help = "orthonormal vectors: rows or columns of a .npy, .npz, .safetensors or .pt, "
				"or a control vector's .gguf" },
	{ 0 },
};

/* The edit at all positions, with the basis of that layer read and checked; NULL on error. */
static struct edit *read_basis(const struct cause *c, struct place at, struct err *err)
{
	const struct ask *ask = c->ask;
	struct edit_context context = { .model = ask->model,
					.T = c->base->prompt_T,
					.unedited = c->base,
					.foil = c->source,
					.tokens = c->base->tokens,
					.assets = c->base->assets,
					.task = ask->task };
	struct edit *e = arena_alloc(ask->scratch, sizeof *e);

	place_set(&at, DIM_POSITION, -1, -1);
	*e = edit_at(&at, EDIT_INTERCHANGE, ask->scratch);
	e->file = arena_strdup(ask->scratch, ask->text[ARG_BASIS]);
	return edit_resolve(e, &context, ask->scratch, err) ? e : NULL;
}

/* A file is read once a layer: the other cells of a row have the same basis, at another position or in another unit. */
static bool edit(struct cause *c, const struct grid *grid, int cell, struct err *err)
{
	const struct place at = grid_place(grid, cell);
	struct sweep_variant *v = &c->variant[cell];
	struct edit *e = arena_alloc(c->ask->scratch, sizeof *e), **list = arena_alloc(c->ask->scratch, sizeof *list);
	const struct edit *before = cell ? c->variant[cell - 1].more[0] : NULL;

	if (!before || before->place.layer != at.layer) {
		if (!(before = read_basis(c, at, err)))
			return false;
	}
	*e = *before;
	e->place.unit = at.unit;
	e->place.unit_to = at.unit_to;
	if (at.position >= 0) {
		e->at_count = c->base->T;
		e->at = arena_alloc(c->ask->scratch, (size_t)e->at_count);
		e->at[at.position] = true;
	}
	*list = e;
	v->more = (const struct edit *const *)list;
	v->more_count = 1;
	return true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const char *basis = ask->text[ARG_BASIS], *file = basis ? strrchr(basis, '/') : NULL;

	if (!basis) {
		err_set(err, ERR_ARGUMENT,
			"subspace-interchange takes over what lies in a subspace, and no basis is given: "
			"basis=FILE");
		return NULL;
	}
	return patching_map(&(struct patching){ "subspace-interchange", "subspace interchange", file ? file + 1 : basis,
						EDIT_INTERCHANGE, basis, edit },
			    ask, params, err);
}

static int runs(const struct ask *ask)
{
	return patching_runs(ask);
}

const struct analysis analysis_subspace_interchange = {
	.name = "subspace-interchange",
	.title = "Subspace interchange",
	.topic = TOPIC_CAUSAL,
	.paper = "Geiger et al. 2021, Geiger et al. 2023",
	.blurb = "How the metric moves when only what lies in a given subspace is taken from the other prompt.",
	.help = "basis names a file of orthonormal vectors: a .npy, .npz, .safetensors or .pt of them as rows (or columns), or a "
		"control-vector file with one for each layer. Cells that patch like the whole activation say that the subspace "
		"holds what differs there. That does not say that the model has it as one thing: a direction can work by waking a "
		"path that sleeps otherwise. Heads' q, k, v and z take vectors of a head's channels, all else those of the stream.",
	.picture = "     whole activation           its subspace alone\n"
		   " 3    ·    ·    ·   ██          ·    ·    ·   ▓▓\n"
		   " 2    ·    ·    ·   ██          ·    ·    ·   ▓▓\n"
		   " 1    ·   ██    ·    ·          ·   ▓▓    ·    ·\n"
		   " 0    ·   ██    ·    ·          ·   ░░    ·    ·\n"
		   " the same cells, nearly as strong: what differs is in the\n"
		   " subspace; faint cells: it is elsewhere too\n",
	.shape = "layer × position, layer × head, layer × kv_head, head × position",
	.unit = "normalised, the metric's, or nats",
	.on = ON_RUN | ON_FOIL | ON_METRIC | ON_ASSET,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = NEEDS_FOIL,
	.metrics = METRICS_ANY_PROMPT,
	.params = params,
	.compute = compute,
};
