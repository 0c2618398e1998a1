/*
 * neuron_vocabulary.c - a neuron's weights in words: which tokens it makes likelier, and which ones it answers to.
 *
 *   side=out     ⟨w_out, W_U[v]⟩     what it adds to the logit of v when its activation is 1       (Geva et al. 2022)
 *   side=in      ⟨w_in, W_E[v]⟩      how much v's embedding alone drives it                        (Dar et al. 2023)
 *   side=gate    the same of its gate's weights; without a gate, of what it reads
 *
 * Of the whole vocabulary the k greatest and the k least. Weights are as they are in the file; fold=yes takes the norm that lies
 * between into them as TransformerLens does: its gain, where it centres the mean of the channels, and of logits their mean.
 */
#include "engine/analysis/analysis.h"

#include "engine/analysis/ends.h"
#include "engine/analysis/weight_rows.h"
#include "engine/numbers/kernels.h"
#include "engine/run/norms.h"

enum { ARG_LAYER, ARG_NEURON, ARG_SIDE, ARG_FOLD, ARG_K };
enum { SIDE_OUT, SIDE_IN, SIDE_GATE };
enum { PROMOTED, SUPPRESSED, COLUMNS };
static const struct choice sides[] = {
	{ "out", "what it writes, in the unembedding", SIDE_OUT },
	{ "in", "what it reads, in the embeddings: of a gated one its linear half", SIDE_IN },
	{ "gate", "what its gate reads, where it has one", SIDE_GATE },
	{ 0 },
};
static const struct choice folds[] = {
	{ "no", "weights as they are", 0 },
	{ "yes", "with the norm between taken into them", 1 },
	{ 0 },
};
static const struct param params[] = {
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .help = "in which layer" },
	[ARG_NEURON] = { "neuron", PARAM_DIM, DIM_NEURON, .help = "which neuron" },
	[ARG_SIDE] = { "side", PARAM_CHOICE, .choices = sides, .help = "which of its weights" },
	[ARG_FOLD] = { "fold", PARAM_CHOICE, .choices = folds, .help = "whether the norm counts" },
	[ARG_K] = { "k", PARAM_INT, .lo = 1, .hi = 100, .start = 20, .help = "how many words" },
	{ 0 },
};

/* ---- the weights ---- */

/* w[D]; false: it has none such. */
static bool read_weights(const struct ask *ask, float *w, struct err *err)
{
	const int l = ask->arg[ARG_LAYER], n = ask->arg[ARG_NEURON];
	const struct layer *layer = &ask->model->layers[l];

	if (config_mixes(&ask->model->config, l))
		return err_set(err, ERR_ARGUMENT, "neuron-vocabulary: layer %d is a mixture, and experts' neurons have no places",
			       l);
	if (ask->arg[ARG_SIDE] == SIDE_OUT)
		matrix_input(layer->W_out, n, w);
	else
		matrix_output(ask->arg[ARG_SIDE] == SIDE_GATE && layer->W_gate ? layer->W_gate : layer->W_in, n, w);
	return true;
}

/* What is written meets the unembedding through the final norm, as that is folded into its rows. */
static void fold_norm(const struct ask *ask, float *w)
{
	if (ask->arg[ARG_SIDE] == SIDE_OUT)
		weight_unfold(ask->model, &ask->model->ln_final, false, w);
	else
		weight_fold(ask->model, norms_at(ask->model, SITE_LN2, ask->arg[ARG_LAYER]), false, w);
}

/* ---- the vocabulary ---- */

/* value[V]; with out the products are a matrix's. */
static bool read_products(const struct ask *ask, const float *w, float *value, struct err *err)
{
	const struct model *m = ask->model;
	const size_t D = (size_t)m->config.D, V = (size_t)m->config.V;
	float *x = arena_floats(ask->scratch, D, err);

	if (!x)
		return false;
	if (ask->arg[ARG_SIDE] == SIDE_OUT) {
		matrix_apply(m->W_U, w, D, 1, value, V);
		return true;
	}
	for (size_t v = 0; v < V; v++) {
		if (v % 4096 == 0 && !task_going(ask->task, err))
			return false;
		model_input(m, (int32_t)v, x);
		value[v] = kernel_dot(w, x, D);
	}
	return true;
}

static void fill(struct table *t, const struct ask *ask, const float *value)
{
	int32_t *ids = arena_alloc(ask->scratch, (size_t)t->rows.n * sizeof *ids);

	for (int c = 0; c < COLUMNS; c++) {
		ends_choose(value, ask->model->config.V, c == PROMOTED ? 1 : -1, t->rows.n, ids);
		for (int i = 0; i < t->rows.n; i++) {
			t->value[table_cell(t, i, c)] = value[ids[i]];
			table_set_token(t, table_cell(t, i, c), ask->model, ids[i]);
		}
	}
}

static void describe(struct table *t, const struct ask *ask)
{
	const bool out = ask->arg[ARG_SIDE] == SIDE_OUT;

	axis_of(&t->rows, DIM_RANK);
	for (int i = 0; i < t->rows.n; i++)
		axis_label(t, &t->rows, i, arena_printf(t->arena, "%d", i + 1));
	axis_of(&t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, PROMOTED, "promoted");
	axis_label(t, &t->cols, SUPPRESSED, "suppressed");
	table_set_title(t, "neuron in words", arena_printf(t->arena, "neuron %d.%d", ask->arg[ARG_LAYER], ask->arg[ARG_NEURON]),
			arena_printf(t->arena, "%s%s", sides[ask->arg[ARG_SIDE]].word, ask->arg[ARG_FOLD] ? ", norm folded" : ""));
	table_set_unit(t, out ? "logit" : "product");
	table_set_words(t);
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->place = place_at(SITE_MLP_POST, ask->arg[ARG_LAYER], ask->arg[ARG_NEURON], -1);
	t->explain_other = "what weights say is no number of the run; the neuron's activation is one";
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	float *w = arena_floats(ask->scratch, (size_t)c->D, err), *value = arena_floats(ask->scratch, (size_t)c->V, err);
	struct table *t;

	if (!w || !value || !read_weights(ask, w, err))
		return NULL;
	if (ask->arg[ARG_FOLD])
		fold_norm(ask, w);
	if (!read_products(ask, w, value, err))
		return NULL;
	if (ask->arg[ARG_FOLD] && ask->arg[ARG_SIDE] == SIDE_OUT)
		ends_centre(value, c->V);
	if (!(t = table_new(ask->arg[ARG_K] < c->V ? ask->arg[ARG_K] : c->V, COLUMNS, err)))
		return NULL;
	describe(t, ask);
	fill(t, ask, value);
	return t;
}

const struct analysis analysis_neuron_vocabulary = {
	.name = "neuron-vocabulary",
	.title = "Neuron in words",
	.topic = TOPIC_GEOMETRY,
	.paper = "Geva et al. 2022, Dar et al. 2023",
	.blurb = "Which tokens a neuron makes likelier and less likely, and which ones it answers to, by its weights alone.",
	.help = "side=out: what an activation of 1 adds to each logit directly, before any norm; the other way round when the "
		"activation is below 0. side=in and gate: which embeddings drive it, as if they came to its layer unchanged, which "
		"holds best in the first layers. Weights say what a neuron could do, not that it does: look at its activation on a "
		"prompt, and at its effect when it is switched off. Words at both ends that have nothing in common: it may have no "
		"such reading.",
	.picture = " rank   promoted     suppressed\n"
		   "   1    ·red   .41   ·he   −.22    the upper words have\n"
		   "   2    ·blue  .40   ·was  −.21    something in common:\n"
		   "   3    ·green .38   ·it   −.20    colours\n"
		   "   4    ·pink  .33   ·She  −.20    the lower ones have not\n",
	.shape = "rank × quantity",
	.unit = "logit, product",
	.cost = COST_VOCABULARY,
	.params = params,
	.compute = compute,
};
