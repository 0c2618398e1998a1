/*
 * tuned_lens.c - the next token each layer would predict, read through a translator of its own that was trained for that.
 *
 *   h ← resid_pre[l] (1 + Wᵀ) + b  of layer l's translator --> final norm --> W_U --> logits;  one more row: what the model reads
 *
 * Belrose et al. 2023, "Eliciting latent predictions from transformers with the tuned lens". With translators of zero it is the
 * logit lens, bit for bit. lens_file.h says which files there are; train_tuned_lens.c makes them.
 */
#include "engine/analysis/lens_map.h"

#include <string.h>

#include "engine/run/lens_file.h"

enum { ARG_SITE, ARG_SHOW, ARG_RANK, ARG_LENS };
static const struct choice sites[] = {
	{ "resid_pre", "the stream before a layer, through that layer's translator; one more row is the output", SITE_RESID_PRE },
	{ "resid_post", "the stream after a layer, through the next one's; the last is the output", SITE_RESID_POST },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SITE] = { "site", PARAM_CHOICE, .choices = sites, .help = "what is read" },
	[ARG_SHOW] = LENS_SHOW,
	[ARG_RANK] = LENS_RANK,
	[ARG_LENS] = { "lens", PARAM_FILE,
		       .help = "the translators: a .safetensors of train-tuned-lens, or a folder of the "
			       "tuned-lens project" },
	{ 0 },
};

/* The stream enters layer 0 … L-1, each with a translator; what leaves the last one has none. */
static void take(const struct ask *ask, const void *context, int row, int from, int n, float *x)
{
	const struct lens *lens = context;
	const int L = lens->L, layer = ask->arg[ARG_SITE] == SITE_RESID_PRE ? row : row + 1;
	const size_t D = (size_t)lens->D;
	const float *h = layer < L ? run_at(ask->run, SITE_RESID_PRE, layer, from) : run_at(ask->run, SITE_RESID_POST, L - 1, from);

	if (layer < L)
		lens_apply(lens, layer, h, n, x);
	else
		memcpy(x, h, (size_t)n * D * sizeof *x);
}

static void set_axis(struct table *t, const struct ask *ask)
{
	const int L = ask->model->config.L;

	t->place.site = (enum site)ask->arg[ARG_SITE];
	if (t->place.site == SITE_RESID_POST) {
		axis_numbers(t, &t->rows, DIM_LAYER);
		return;
	}
	t->rows.dim = DIM_LAYER;
	t->rows.name = "layer";
	for (int l = 0; l <= L; l++) {
		axis_label(t, &t->rows, l, l < L ? arena_printf(t->arena, "%d", l) : "out");
		axis_place(t, &t->rows, l, l < L ? place_at(SITE_RESID_PRE, l, -1, -1) : place_at(SITE_RESID_POST, L - 1, -1, -1));
	}
}

/* How good it is, where the file says: numbers of a bad lens must look suspicious. */
static void set_footnote(struct table *t, const struct lens *lens)
{
	const char *says = lens_says(lens, "result");

	if (says)
		t->footnote = arena_printf(t->arena, "the lens: %s", says);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	const struct asset *file;
	struct table *t;

	if (!ask->text[ARG_LENS]) {
		err_set(err, ERR_ARGUMENT,
			"tuned-lens reads through trained translators, and no file of them is given: lens=FILE "
			"(train-tuned-lens makes one)");
		return NULL;
	}
	if (!(file = ask_asset(ask, &asset_lens, ARG_LENS, err)))
		return NULL;
	t = lens_map(ask,
		     &(struct lens_map){ "tuned lens", ask->arg[ARG_SITE] == SITE_RESID_PRE ? NULL : "resid_post",
					 ask->model->config.L + (ask->arg[ARG_SITE] == SITE_RESID_PRE), true, ask->arg[ARG_SHOW],
					 ask->arg[ARG_RANK], take, file->content },
		     set_axis, err);
	if (t)
		set_footnote(t, file->content);
	return t;
}

const struct analysis analysis_tuned_lens = {
	.name = "tuned-lens",
	.title = "Tuned lens",
	.topic = TOPIC_LENS,
	.paper = "Belrose et al. 2023",
	.blurb = "The next token each layer would predict, through a translator that was trained for that layer.",
	.help = "As the logit lens, but each layer's stream first goes through an affine map that was trained to make its "
		"prediction as near to the model's own as it can be. So early layers speak the vocabulary's language, and what "
		"changes from layer to layer is what the model adds, not a drift of its basis. The map knows the training text: a "
		"word that it shows is what could be predicted from there, not what the model has decided.",
	.picture = " layer   The  ·capital  ·of  ·France  ·is\n"
		   "  out     .      ·of    ·the   ·is    ·Paris\n"
		   "   3      .      ·of    ·the   ·is    ·Paris   here one to\n"
		   "   2      .      ·of    ·the   ·is    ·Paris   two layers\n"
		   "   1     ·first  ·of    ·the   ·and   ·the     before the\n"
		   "   0     ·first  ·of    ·the   ·and   ·the     logit lens\n",
	.shape = "layer × position",
	.unit = "probability, logit, rank, nats",
	.on = ON_RUN | ON_ASSET,
	.cost = COST_VOCABULARY,
	.needs = READS_STREAM,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
