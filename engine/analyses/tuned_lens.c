/*
 * tuned_lens.c - the next token each layer would predict, read through a translator of its own that was trained for that.
 *
 *   h ← resid_pre[l] (1 + Wᵀ) + b  of layer l's translator --> final norm --> W_U --> logits;  one more row: what the model reads
 *
 *   h ← what a head writes, through that head's own (an attention lens, Sakarvadia et al. 2023)
 *
 * Belrose et al. 2023, "Eliciting latent predictions from transformers with the tuned lens". With translators of zero it is the
 * logit lens, bit for bit. lens_file.h says which files there are; train_tuned_lens.c makes them. A row for which the file has no
 * translator is not there.
 */
#include "engine/analysis/lens_map.h"

#include <stdlib.h>
#include <string.h>

#include "engine/run/lens_file.h"

enum { ARG_SITE, ARG_LAYER, ARG_SHOW, ARG_RANK, ARG_LENS };
static const struct choice sites[] = {
	{ "resid_pre", "the stream before a layer, through that layer's translator; one more row is the output", SITE_RESID_PRE },
	{ "resid_post", "the stream after a layer, through the next one's; the last is the output", SITE_RESID_POST },
	{ "head", "what each head of one layer writes, through an attention lens", SITE_RESULT },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SITE] = { "site", PARAM_CHOICE, .choices = sites, .help = "what is read" },
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .start = -1, .help = "of the heads, with site=head" },
	[ARG_SHOW] = LENS_SHOW,
	[ARG_RANK] = LENS_RANK,
	[ARG_LENS] = { "lens", PARAM_FILE, .file = &asset_lens,
		       .help = "the translators: a .safetensors of train-tuned-lens, or a folder of the "
			       "tuned-lens project" },
	{ 0 },
};

/* The rows: the layer that is entered (L: what leaves the last one, which has no translator), or the head. */
struct lens_rows {
	const struct lens *lens;
	int *row;
	int rows;
};

static void take(const struct ask *ask, const void *context, int row, int from, int n, float *x)
{
	const struct lens_rows *s = context;
	const struct lens *lens = s->lens;
	const size_t D = (size_t)lens->D;
	const int at = s->row[row];

	if (lens->heads) {
		float *h = xmalloc((size_t)n * D * sizeof *h);

		for (int i = 0; i < n; i++)
			run_result(ask->run, ask->arg[ARG_LAYER], at, from + i, h + (size_t)i * D);
		lens_apply(lens, lens_map_of(lens, ask->arg[ARG_LAYER], at), h, n, x);
		free(h);
	} else if (at < lens->L) {
		lens_apply(lens, at, run_at(ask->run, SITE_RESID_PRE, at, from), n, x);
	} else {
		memcpy(x, run_at(ask->run, SITE_RESID_POST, lens->L - 1, from), (size_t)n * D * sizeof *x);
	}
}

/* The output is the next token's: beside a lens that foresees later ones it is not there. */
static void list_rows(struct lens_rows *s, const struct ask *ask)
{
	const struct lens *lens = s->lens;
	const int first = ask->arg[ARG_SITE] == SITE_RESID_POST, n = lens->heads ? lens->heads : lens->L;

	s->row = arena_alloc(ask->scratch, (size_t)(n + 1) * sizeof *s->row);
	for (int i = first; i < n; i++)
		if (lens_has(lens, lens->heads ? lens_map_of(lens, ask->arg[ARG_LAYER], i) : i))
			s->row[s->rows++] = i;
	if (!lens->heads && !lens->ahead)
		s->row[s->rows++] = lens->L;
}

static void set_heads(struct table *t, const struct lens_rows *s, int layer)
{
	t->place = place_at(SITE_RESULT, layer, -1, -1);
	t->rows.dim = DIM_HEAD;
	t->rows.name = "head";
	for (int i = 0; i < s->rows; i++) {
		axis_label(t, &t->rows, i, arena_printf(t->arena, "%d", s->row[i]));
		axis_place(t, &t->rows, i, place_at(SITE_RESULT, layer, s->row[i], -1));
	}
}

static void set_layers(struct table *t, const struct lens_rows *s)
{
	const bool pre = t->place.site == SITE_RESID_PRE;
	const int L = s->lens->L;

	t->rows.dim = DIM_LAYER;
	t->rows.name = "layer";
	for (int i = 0; i < s->rows; i++) {
		const int at = s->row[i], layer = pre ? at : at - 1;

		axis_label(t, &t->rows, i, pre && at == L ? "out" : arena_printf(t->arena, "%d", layer));
		axis_place(t, &t->rows, i,
			   pre && at < L ? place_at(SITE_RESID_PRE, at, -1, -1) : place_at(SITE_RESID_POST, at - 1, -1, -1));
	}
}

static void set_axis(struct table *t, const struct ask *ask, const void *context)
{
	const struct lens_rows *s = context;

	t->place.site = (enum site)ask->arg[ARG_SITE];
	if (s->lens->heads)
		set_heads(t, s, ask->arg[ARG_LAYER]);
	else if (t->place.site == SITE_RESID_POST && s->rows == s->lens->L)
		axis_numbers(t, &t->rows, DIM_LAYER);
	else
		set_layers(t, s);
}

/* How good it is, where the file says: numbers of a bad lens must look suspicious. */
static void set_footnote(struct table *t, const struct lens *lens)
{
	const char *says = lens_says(lens, "result");

	if (says)
		t->footnote = arena_printf(t->arena, "the lens: %s", says);
}

/* What a file of this kind can be asked. */
static bool makes_sense(const struct ask *ask, const struct lens *lens, const char *path, struct err *err)
{
	const bool heads = ask->arg[ARG_SITE] == SITE_RESULT;

	if (lens->heads && !heads)
		return err_set(err, ERR_ARGUMENT,
			       "%s: this is an attention lens, which reads what heads write: site=head, and a layer", path);
	if (heads && !lens->heads)
		return err_set(err, ERR_ARGUMENT,
			       "%s: this lens reads the stream, not what heads write; site=head takes one of kind=head", path);
	if (lens->ahead && lens_shows_kl(ask->arg[ARG_SHOW]))
		return err_set(err, ERR_ARGUMENT,
			       "%s: this lens foresees the token %d after the next one; show=kl compares with the next one's", path,
			       lens->ahead);
	return !heads || run_has(ask->run, SITE_Z) || analysis_refuse_stream(analysis_find("tuned-lens"), ask->run, err);
}

static const char *object(const struct ask *ask, const struct lens *lens)
{
	const char *of = lens->heads ? arena_printf(ask->scratch, "heads of layer %d", ask->arg[ARG_LAYER])
			 : ask->arg[ARG_SITE] == SITE_RESID_POST ? "resid_post"
								 : NULL;

	if (!lens->ahead)
		return of;
	return arena_printf(ask->scratch, "%s%s%d ahead", of ? of : "", of ? ", " : "", lens->ahead);
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct lens_rows s = { 0 };
	const struct asset *file;
	struct table *t;

	if (!ask->text[ARG_LENS]) {
		err_set(err, ERR_ARGUMENT,
			"tuned-lens reads through trained translators, and no file of them is given: lens=FILE "
			"(train-tuned-lens makes one)");
		return NULL;
	}
	if (!(file = ask_asset(ask, ARG_LENS, err)) || !makes_sense(ask, file->content, file->path, err))
		return NULL;
	s.lens = file->content;
	list_rows(&s, ask);
	if (!s.rows) {
		err_set(err, ERR_ARGUMENT, "%s: this lens has no translators for %s", file->path,
			s.lens->heads ? arena_printf(ask->scratch, "the heads of layer %d", ask->arg[ARG_LAYER])
				      : "what leaves a layer");
		return NULL;
	}
	t = lens_map(ask,
		     &(struct lens_map){ .technique = "tuned lens",
					 .object = object(ask, s.lens),
					 .rows = s.rows,
					 .layers = !s.lens->heads,
					 .ends_in_output = s.row[s.rows - 1] == s.lens->L && !s.lens->heads,
					 .show = ask->arg[ARG_SHOW],
					 .rank = ask->arg[ARG_RANK],
					 .take = take,
					 .context = &s },
		     set_axis, err);
	if (t)
		set_footnote(t, s.lens);
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
	.shape = "layer × position, head × position, position × quantity",
	.unit = "probability, logit, rank, nats",
	.on = ON_RUN | ON_ASSET,
	.cost = COST_VOCABULARY,
	.needs = READS_STREAM,
	.metrics = METRICS_ALL,
	.params = params,
	.compute = compute,
};
