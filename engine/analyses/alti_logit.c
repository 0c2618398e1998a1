/*
 * alti_logit.c - which input tokens made the metric: what each layer's attention writes along it, by the position that it is read
 * from, led back to the input tokens by ALTI's rollout.
 *
 *   attention[s] = Σ_l Σ_j Δ_lj M_{l-1}[j, s]      Δ_lj = Σ_h A_ij (v_j · u_h), u = W_O p   (writers.h; p what the metric reads)
 *   direct[i]    = x_i · p                          what enters layer 0 at the position i itself
 *   ffn[i]       = Σ_l mlp_out_l · p                MLPs at i: whose they are ALTI-Logit does not ask
 *
 * Ferrando et al. 2023. M_{l-1} is the rollout of the layers below l (mixing.h, alti); M of layer 0 is the identity. All cells and
 * what no token is the source of (biases, constants, edits) sum to the metric, before a logit cap.
 */
#include <math.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/analysis/direct_logit.h"
#include "engine/analysis/rollout.h"
#include "engine/analysis/writers.h"

enum { ARG_POSITION };
static const struct param params[] = {
	[ARG_POSITION] = { "position", PARAM_DIM, DIM_POSITION, .start = -1, .at_metric = true,
			   .help = "whose next token: the metric's own unless it is given" },
	{ 0 },
};

enum { ATTENTION, DIRECT, FFN, COLUMNS };

struct routes {
	const struct ask *ask;
	struct direct_logit readout;
	struct rollout below;
	int T;	      /* positions up to the last one that is read */
	double *cell; /* [T, COLUMNS] */
	double rest;  /* what no token is the source of */
};

static double *cell(const struct routes *r, int position, int column)
{
	return r->cell + position * COLUMNS + column;
}

/* One position's attention in one layer, led back. */
static bool lead_back(struct routes *r, int layer, int position, struct err *err)
{
	const struct reading *g = &r->readout.reading;
	const struct config *c = &r->ask->model->config;
	const float *direction = g->direction + (size_t)(position - g->from) * (size_t)c->D;
	struct arena_mark mark = arena_mark(r->ask->scratch);
	struct writers w, *one = &w;

	if (!writers_read(&w, r->ask->run, BLOCK_ATTN, layer, position, direction, r->ask->scratch, err) ||
	    !writers_open(&one, 1, err))
		return false;
	for (int j = 0; j <= position; j++) {
		double share = 0;

		for (int h = 0; h < c->H; h++)
			share += writers_source(&w, h, j);
		for (int s = 0; s <= j; s++)
			*cell(r, s, ATTENTION) += share * (double)r->below.share[(size_t)j * (size_t)r->T + (size_t)s];
	}
	for (int h = 0; h < c->H; h++)
		r->rest += writers_head_edited(&w, h) ? writers_head_edits(&w, h) : 0;
	r->rest += writers_edits(&w) + w.bias;
	arena_rewind(r->ask->scratch, mark);
	return true;
}

/* What the MLP wrote there along the metric; its bias has no token. */
static bool add_mlp(struct routes *r, int layer, int position, struct err *err)
{
	const struct reading *g = &r->readout.reading;
	const struct run *run = r->ask->run;
	const float *direction = g->direction + (size_t)(position - g->from) * (size_t)r->readout.D;
	struct arena_mark mark = arena_mark(r->ask->scratch);
	double own = 0;
	struct writers w;

	if (writers_biased(run, BLOCK_MLP, layer)) {
		if (!writers_read(&w, run, BLOCK_MLP, layer, position, direction, r->ask->scratch, err))
			return false;
		own = writers_edited(&w) ? 0 : w.bias;
	}
	*cell(r, position, FFN) += direct_logit_share(&r->readout, position, run_at(run, SITE_MLP_OUT, layer, position)) - own;
	r->rest += own;
	arena_rewind(r->ask->scratch, mark);
	return true;
}

static bool add_layer(struct routes *r, int layer, struct err *err)
{
	const struct reading *g = &r->readout.reading;

	for (int i = g->from; i < g->from + g->n; i++) {
		if (reading_counts(g, SITE_ATTN_OUT, layer) && !lead_back(r, layer, i, err))
			return false;
		if (reading_counts(g, SITE_MLP_OUT, layer) && !add_mlp(r, layer, i, err))
			return false;
	}
	return true;
}

static bool follow(struct routes *r, struct err *err)
{
	const struct reading *g = &r->readout.reading;

	for (int l = 0; l <= g->layer; l++)
		if (!task_step(r->ask->task, l, g->layer + 1, err) || !add_layer(r, l, err) ||
		    (l < g->layer && !rollout_step(&r->below, l, err)))
			return false;
	return true;
}

static bool begin(struct routes *r, const struct ask *ask, struct err *err)
{
	*r = (struct routes){ .ask = ask };
	if (!direct_logit_init(&r->readout, ask, ask->arg[ARG_POSITION], err))
		return false;
	r->T = r->readout.position + 1;
	r->cell = arena_alloc(ask->scratch, (size_t)r->T * COLUMNS * sizeof *r->cell);
	return rollout_open(&r->below, ask->run, MIXING_ALTI, r->T, ask->scratch, ask->task, err);
}

/* The embedding, and what readout has that no token of a layer wrote. */
static void add_others(struct routes *r)
{
	const struct reading *g = &r->readout.reading;

	for (int i = g->from; i < g->from + g->n; i++)
		*cell(r, i, DIRECT) = direct_logit_share(&r->readout, i, run_at(r->ask->run, SITE_EMBED, 0, i));
	for (int p = 0; p < r->readout.pieces; p++)
		if (p >= r->readout.writes || !strcmp(r->readout.piece[p].name, "edits"))
			r->rest += r->readout.piece[p].share;
}

static void fill(const struct routes *r, struct table *t)
{
	const struct reading *g = &r->readout.reading;
	double sum = r->rest;

	for (int i = 0; i < r->T; i++)
		for (int k = 0; k < COLUMNS; k++) {
			sum += *cell(r, i, k);
			if (k == ATTENTION || i >= g->from)
				t->value[table_cell(t, i, k)] = (float)*cell(r, i, k);
		}
	t->check = (struct check){ "all cells and the rest sum to the metric", g->value, sum, 1e-4 };
	t->footnote = arena_printf(t->arena, "rest, of no token: %+.3g (biases, constants)", r->rest);
}

static void describe(struct table *t, const struct ask *ask, const struct direct_logit *readout)
{
	axis_tokens(t, &t->rows, ask->run, DIM_POSITION, "position");
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, ATTENTION, "attention");
	axis_label(t, &t->cols, DIRECT, "direct");
	axis_label(t, &t->cols, FFN, "ffn");
	table_set_title(t, "ALTI-logit", "tokens",
			readout->moved ? arena_printf(t->arena, "read at position %d", readout->position) : NULL);
	table_set_unit(t, metric_unit(ask->metric));
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->skip_first = true;
	t->place.site = SITE_EMBED;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct routes r;
	struct table *t;

	if (!begin(&r, ask, err) || !follow(&r, err) || !(t = table_new(ask->run->T, COLUMNS, err)))
		return NULL;
	add_others(&r);
	describe(t, ask, &r.readout);
	fill(&r, t);
	return t;
}

const struct analysis analysis_alti_logit = {
	.name = "alti-logit",
	.title = "ALTI-logit",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Ferrando et al. 2023",
	.blurb = "Which input tokens made the metric: what attention writes along it, led back through the layers below.",
	.help = "attention: each layer's direct share by the position that it reads, spread over the input tokens that are mixed "
		"there (context-rollout, method=alti). direct and ffn are the last position's own: its embedding, and all its "
		"MLPs, whose sources this method does not ask for. All cells and the rest in the line below sum to the metric. "
		"Positive speaks for it. What a layer prepares for a later one counts where the later one writes.",
	.picture = "           attention  direct    ffn\n"
		   " ·Tom        -0.4                     the repeated name\n"
		   " ·Lily        6.1                     is suppressed, the\n"
		   " ·gave        0.2                     other one copied\n"
		   " ·to          0.1       0.3     1.2\n"
		   " a large ffn: the MLPs of the last position decide\n",
	.shape = "position × quantity",
	.unit = "the metric's",
	.on = ON_RUN | ON_METRIC,
	.needs = NEEDS_SUM | NEEDS_ATTENTION,
	.cost = COST_VOCABULARY,
	.metrics = METRICS_LINEAR,
	.params = params,
	.compute = compute,
};
