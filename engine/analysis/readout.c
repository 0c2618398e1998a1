/* readout.c - see readout.h. */
#include "engine/analysis/readout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/analysis/writers.h"
#include "engine/numbers/kernels.h"
#include "engine/numbers/tensor.h"

double readout_share(const struct readout *out, const float *x, int D)
{
	double sum = 0;

	for (int i = 0; i < D; i++)
		sum += (double)x[i] * (double)out->direction[i];
	return sum;
}

/* u[D] = what the metric reads of the normalised stream: the token's column of W_U, minus the other's; returns b_U's part. */
static double unembedding(const struct ask *ask, float *u, float *other)
{
	const struct model *m = ask->model;
	const int32_t *target = ask->metric->target;
	double bias = m->b_U ? (double)m->b_U[target[0]] : 0;

	matrix_output(m->W_U, target[0], u);
	if (ask->metric->kind == METRIC_LOGIT_DIFF) {
		matrix_output(m->W_U, target[1], other);
		for (int i = 0; i < m->config.D; i++)
			u[i] -= other[i];
		bias -= m->b_U ? (double)m->b_U[target[1]] : 0;
	}
	return bias;
}

/* The metric itself, from the run's own logits: the cap c tanh(x/c) is undone. */
static bool own_value(const struct ask *ask, int position, double *value, struct err *err)
{
	const struct config *c = &ask->model->config;
	float *logits = arena_floats(ask->scratch, (size_t)c->V, err);	/* [V] */
	double of[2] = { 0, 0 };

	if (!logits || !run_logits(ask->run, position, 1, logits, ask->task, err))
		return false;
	for (int i = 0; i <= (ask->metric->kind == METRIC_LOGIT_DIFF); i++) {
		double x = (double)logits[ask->metric->target[i]], cap = (double)c->logit_cap;

		of[i] = c->logit_cap > 0 ? cap * atanh(x / cap) : x;
	}
	*value = of[0] - of[1];
	return true;
}

static struct piece *add(struct readout *out, enum site site, int layer, double share, const char *name)
{
	struct piece *p = &out->piece[out->pieces++];

	if (layer >= 0)
		snprintf(p->name, sizeof p->name, "%d.%s", layer, name);
	else
		snprintf(p->name, sizeof p->name, "%s", name);
	p->site = site;
	p->layer = layer;
	p->share = share;
	p->replaced = false;
	return p;
}

/* What the edits on the stream itself put there, along the direction. */
static bool layer_edits(const struct readout *out, const struct run *r, int l, struct arena *scratch, double *sum, struct err *err)
{
	size_t D = (size_t)r->model->config.D;
	int at = out->position;
	float *x = arena_floats(scratch, D, err);	/* [D] what they were given */
	const float *below = l ? run_at(r, SITE_RESID_POST, l - 1, at) : run_at(r, SITE_EMBED, 0, at);

	if (!x)
		return false;
	*sum += stream_edits(r, SITE_RESID_PRE, l, at, below, out->direction, scratch);
	kernel_add(run_at(r, SITE_RESID_PRE, l, at), run_at(r, SITE_ATTN_OUT, l, at), x, D);
	*sum += stream_edits(r, SITE_RESID_MID, l, at, x, out->direction, scratch);
	kernel_add(run_at(r, SITE_RESID_MID, l, at), run_at(r, SITE_MLP_OUT, l, at), x, D);
	*sum += stream_edits(r, SITE_RESID_POST, l, at, x, out->direction, scratch);
	return true;
}

static void add_embedding(struct readout *out, const struct run *r, float *row)
{
	const struct model *m = r->model;
	int D = m->config.D;
	double whole = readout_share(out, run_at(r, SITE_EMBED, 0, out->position), D), learned = 0;

	if (m->W_pos && !stream_edited(r, SITE_EMBED, 0, out->position)) {	/* what an edit put there holds no position */
		tensor_row(m->W_pos, (size_t)(out->position + m->config.position_offset), row);
		learned = readout_share(out, row, D);
	}
	add(out, SITE_NONE, -1, whole - learned, "embed");
	if (m->W_pos)
		add(out, SITE_NONE, -1, learned, "pos_embed");
}

/* The share of a block's biases, which the model adds whatever the prompt. What an edit put in the place of a write no longer holds them. */
static bool bias_share(const struct readout *out, const struct run *r, enum block block, int l, struct arena *scratch, double *share, struct err *err)
{
	struct writers w;

	*share = 0;
	if (!writers_biased(r, block, l))
		return true;
	if (!writers_read(&w, r, block, l, out->position, out->direction, scratch, err))
		return false;
	*share = writers_edited(&w) ? 0 : w.bias;
	return true;
}

/* Each layer's two writes without their biases, which are summed over the layers. */
static bool add_layers(struct readout *out, const struct run *r, struct arena *scratch, double *attn_bias, double *mlp_bias,
		       double *edits, struct err *err)
{
	const int D = r->model->config.D, at = out->position;

	for (int l = 0; l < r->model->config.L; l++) {
		struct arena_mark mark = arena_mark(scratch);
		double b_attn, b_mlp;

		if (!bias_share(out, r, BLOCK_ATTN, l, scratch, &b_attn, err) || !bias_share(out, r, BLOCK_MLP, l, scratch, &b_mlp, err) ||
		    !layer_edits(out, r, l, scratch, edits, err))
			return false;
		add(out, SITE_ATTN_OUT, l, readout_share(out, run_at(r, SITE_ATTN_OUT, l, at), D) - b_attn, "attn")->replaced =
			stream_edited(r, SITE_ATTN_OUT, l, at);
		add(out, SITE_MLP_OUT, l, readout_share(out, run_at(r, SITE_MLP_OUT, l, at), D) - b_mlp, "mlp")->replaced =
			stream_edited(r, SITE_MLP_OUT, l, at);
		*attn_bias += b_attn;
		*mlp_bias += b_mlp;
		arena_rewind(scratch, mark);
	}
	return true;
}

static bool edits_stream(const struct run *r, int position)
{
	for (int l = 0; l < r->model->config.L; l++)
		if (stream_edited(r, SITE_RESID_PRE, l, position) || stream_edited(r, SITE_RESID_MID, l, position) ||
		    stream_edited(r, SITE_RESID_POST, l, position))
			return true;
	return false;
}

/*
 * direction[D] = W_U[:, target] · gain · frozen scale (· logit scale), centred for a layer norm: x minus its own mean, dotted with
 * w, is x dotted with w minus its mean. Returns the share of the norm's bias, which no write made.
 */
static double make_direction(struct readout *out, const struct model *m, const float *u, const float *normed_scale)
{
	double norm_bias = 0, mean = 0, logit_scale = (double)m->config.logit_scale;
	const struct norm *norm = &m->ln_final;
	int D = m->config.D;

	for (int i = 0; i < D; i++) {
		double w = (double)u[i] * (norm->gain ? (double)norm->gain[i] : 1) * (double)*normed_scale * logit_scale;

		out->direction[i] = (float)w;
		mean += w / D;
		norm_bias += norm->bias ? (double)u[i] * (double)norm->bias[i] * logit_scale : 0;
	}
	if (m->config.norm == NORM_LAYER)
		for (int i = 0; i < D; i++)
			out->direction[i] -= (float)mean;
	return norm_bias;
}

bool readout_init(struct readout *out, const struct ask *ask, int position, struct err *err)
{
	const struct model *m = ask->model;
	size_t D = (size_t)m->config.D;
	float *u = arena_floats(ask->scratch, D, err), *row = arena_floats(ask->scratch, D, err), scale;
	double norm_bias, unembed_bias, attn_bias = 0, mlp_bias = 0, edits = 0;

	*out = (struct readout){ .position = position };
	out->direction = arena_floats(ask->scratch, D, err);
	out->piece = arena_alloc(ask->scratch, (2 * (size_t)m->config.L + 8) * sizeof *out->piece);
	if (!u || !row || !out->direction || !own_value(ask, position, &out->metric, err))
		return false;
	unembed_bias = (double)m->config.logit_scale * unembedding(ask, u, row);
	run_final_norm(ask->run, position, run_at(ask->run, SITE_RESID_POST, m->config.L - 1, position), row, &scale);
	out->scale = (double)scale;
	norm_bias = make_direction(out, m, u, &scale);
	add_embedding(out, ask->run, row);
	if (!add_layers(out, ask->run, ask->scratch, &attn_bias, &mlp_bias, &edits, err))
		return false;
	if (edits_stream(ask->run, position))
		add(out, SITE_NONE, -1, edits, "edits");
	add(out, SITE_NONE, -1, attn_bias, "attn_bias");
	add(out, SITE_NONE, -1, mlp_bias, "mlp_bias");
	out->writes = out->pieces;
	add(out, SITE_NONE, -1, norm_bias, "norm_bias");
	add(out, SITE_NONE, -1, unembed_bias, "unembed_bias");
	return true;
}

void readout_title(const struct readout *out, const struct ask *ask, struct table *t, const char *what)
{
	bool own = out->position == ask->metric->position;

	table_set_title(t, "direct attribution", what, own ? NULL : arena_printf(t->arena, "read at position %d", out->position));
}
