/* direct_logit.c - see direct_logit.h. */
#include "engine/analysis/direct_logit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/analysis/writers.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/tensor.h"

double direct_logit_share(const struct direct_logit *out, int position, const float *x)
{
	return reading_share(&out->reading, position, x, out->D);
}

/* The share of what a run keeps of a site, at all positions that are read. */
static double share_of(const struct direct_logit *out, const struct run *r, enum site site, int layer)
{
	const struct reading *g = &out->reading;
	double sum = 0;

	for (int t = g->from; t < g->from + g->n; t++)
		sum += direct_logit_share(out, t, run_at(r, site, layer, t));
	return sum;
}

/* [D] what the metric reads at a position. */
static const float *direction_at(const struct direct_logit *out, int position)
{
	return out->reading.direction + (size_t)(position - out->reading.from) * (size_t)out->D;
}

static struct logit_share *add(struct direct_logit *out, enum site site, int layer, double share, const char *name)
{
	struct logit_share *p = &out->piece[out->pieces++];

	if (layer >= 0 && site != SITE_EMBED)
		snprintf(p->name, sizeof p->name, "%d.%s", layer, name);
	else
		snprintf(p->name, sizeof p->name, "%s", name);
	p->site = site;
	p->layer = layer;
	p->share = share;
	p->replaced = false;
	return p;
}

/* What the edits at one site of the stream there change of the row x[D] that they were given. */
static double edits_at(const struct direct_logit *out, const struct run *r, enum site site, int l, int at, const float *x,
		       struct arena *scratch)
{
	return reading_counts(&out->reading, site, l) ? stream_edits(r, site, l, at, x, direction_at(out, at), scratch) : 0;
}

/* What the edits on the stream itself put there, along the direction. */
static bool layer_edits(const struct direct_logit *out, const struct run *r, int l, int at, struct arena *scratch, double *sum,
			struct err *err)
{
	size_t D = (size_t)out->D;
	float *x = arena_floats(scratch, D, err); /* [D] what they were given */
	const float *below = l ? run_at(r, SITE_RESID_POST, l - 1, at) : run_at(r, SITE_EMBED, 0, at);

	if (!x)
		return false;
	*sum += edits_at(out, r, SITE_RESID_PRE, l, at, below, scratch);
	kernel_add(run_at(r, SITE_RESID_PRE, l, at), run_at(r, SITE_ATTN_OUT, l, at), x, D);
	*sum += edits_at(out, r, SITE_RESID_MID, l, at, x, scratch);
	kernel_add(run_at(r, SITE_RESID_MID, l, at), run_at(r, SITE_MLP_OUT, l, at), x, D);
	*sum += edits_at(out, r, SITE_RESID_POST, l, at, x, scratch);
	return true;
}

static void add_embedding(struct direct_logit *out, const struct run *r, float *row)
{
	const struct model *m = r->model;
	const struct reading *g = &out->reading;
	double whole = share_of(out, r, SITE_EMBED, 0), learned = 0;

	for (int t = g->from; m->W_pos && t < g->from + g->n; t++) {
		if (stream_edited(r, SITE_EMBED, 0, t)) /* what an edit put there holds no position */
			continue;
		tensor_row(m->W_pos, (size_t)(t + m->config.position_offset), row);
		learned += direct_logit_share(out, t, row);
	}
	add(out, SITE_EMBED, 0, whole - learned, "embed");
	if (m->W_pos)
		add(out, SITE_NONE, -1, learned, "pos_embed");
}

static bool any_edited(const struct direct_logit *out, const struct run *r, enum site site, int layer)
{
	const struct reading *g = &out->reading;

	for (int t = g->from; t < g->from + g->n; t++)
		if (stream_edited(r, site, layer, t))
			return true;
	return false;
}

/*
 * The share of a block's biases, which the model adds whatever the prompt. What an edit put in the place of a write no longer
 * holds them.
 */
static bool bias_share(const struct direct_logit *out, const struct run *r, enum block block, int l, struct arena *scratch,
		       double *share, struct err *err)
{
	const struct reading *g = &out->reading;

	*share = 0;
	for (int t = g->from; writers_biased(r, block, l) && t < g->from + g->n; t++) {
		struct writers w;

		if (!writers_read(&w, r, block, l, t, direction_at(out, t), scratch, err))
			return false;
		*share += writers_edited(&w) ? 0 : w.bias;
	}
	return true;
}

/* One block's write without its bias, which is summed over the layers. */
static bool add_block(struct direct_logit *out, const struct run *r, enum block block, int l, struct arena *scratch, double *biases,
		      struct err *err)
{
	enum site site = block == BLOCK_ATTN ? SITE_ATTN_OUT : SITE_MLP_OUT;
	double own;

	if (!reading_counts(&out->reading, site, l))
		return true;
	if (!bias_share(out, r, block, l, scratch, &own, err))
		return false;
	add(out, site, l, share_of(out, r, site, l) - own, block == BLOCK_ATTN ? "attn" : "mlp")->replaced =
		any_edited(out, r, site, l);
	*biases += own;
	return true;
}

static bool add_layers(struct direct_logit *out, const struct run *r, struct arena *scratch, double *attn_bias, double *mlp_bias,
		       double *edits, struct err *err)
{
	const struct reading *g = &out->reading;

	for (int l = 0; l <= g->layer; l++) {
		struct arena_mark mark = arena_mark(scratch);

		if (!add_block(out, r, BLOCK_ATTN, l, scratch, attn_bias, err) ||
		    !add_block(out, r, BLOCK_MLP, l, scratch, mlp_bias, err))
			return false;
		for (int t = g->from; t < g->from + g->n; t++)
			if (!layer_edits(out, r, l, t, scratch, edits, err))
				return false;
		arena_rewind(scratch, mark);
	}
	return true;
}

/* Whether an edit of the stream there counts. */
static bool edits_count(const struct direct_logit *out, const struct run *r, enum site site, int layer, int position)
{
	return reading_counts(&out->reading, site, layer) && stream_edited(r, site, layer, position);
}

static bool edits_stream(const struct direct_logit *out, const struct run *r)
{
	const struct reading *g = &out->reading;

	for (int l = 0; l <= g->layer; l++)
		for (int t = g->from; t < g->from + g->n; t++)
			if (edits_count(out, r, SITE_RESID_PRE, l, t) || edits_count(out, r, SITE_RESID_MID, l, t) ||
			    edits_count(out, r, SITE_RESID_POST, l, t))
				return true;
	return false;
}

bool direct_logit_of(struct direct_logit *out, const struct run *run, const struct reading *reading, struct arena *arena,
		     struct err *err)
{
	const struct config *c = &run->model->config;
	float *row = arena_floats(arena, (size_t)c->D, err);
	double attn_bias = 0, mlp_bias = 0, edits = 0;

	*out = (struct direct_logit){ .reading = *reading, .D = c->D, .position = reading->from + reading->n - 1 };
	out->piece = arena_alloc(arena, (2 * (size_t)c->L + 8 + READING_CONSTANTS) * sizeof *out->piece);
	if (!row)
		return false;
	add_embedding(out, run, row);
	if (!add_layers(out, run, arena, &attn_bias, &mlp_bias, &edits, err))
		return false;
	if (edits_stream(out, run))
		add(out, SITE_NONE, -1, edits, "edits");
	add(out, SITE_NONE, -1, attn_bias, "attn_bias");
	add(out, SITE_NONE, -1, mlp_bias, "mlp_bias");
	out->writes = out->pieces;
	for (int i = 0; i < out->reading.constants; i++)
		add(out, SITE_NONE, -1, out->reading.constant[i].share, out->reading.constant[i].name);
	return true;
}

bool direct_logit_init(struct direct_logit *out, const struct ask *ask, int position, struct err *err)
{
	const struct metric metric = metric_at(ask->metric, position);
	struct reading reading;

	if (!reading_init(&reading, &metric, ask->run, ask->scratch, err) ||
	    !direct_logit_of(out, ask->run, &reading, ask->scratch, err))
		return false;
	out->moved = metric.position != ask->metric->position;
	return true;
}

void direct_logit_title(const struct direct_logit *out, const struct ask *ask, struct table *t, const char *what)
{
	(void)ask;
	t->explain = out->moved ? METRIC_NONE : METRIC_PART;
	table_set_title(t, "direct attribution", what,
			out->moved ? arena_printf(t->arena, "read at position %d", out->position) : NULL);
}
