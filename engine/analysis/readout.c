/* readout.c - see readout.h. */
#include "engine/analysis/readout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

static bool edited(const struct run *r, enum site site, int layer, int position)
{
	for (int i = 0; i < r->edits; i++) {
		const struct edit *e = &r->edit[i];
		bool here = e->place.site == site || (e->place.also_mlp && site == SITE_MLP_OUT);

		if (here && e->place.layer == layer && (!e->at || (position < e->at_count && e->at[position])))
			return true;
	}
	return false;
}

/* What the edits on the stream itself put there: at each such place, the stream after minus the sum of what was written. */
static double jumps(const struct readout *out, const struct run *r, int l)
{
	int D = r->model->config.D, at = out->position;
	const float *pre = run_at(r, SITE_RESID_PRE, l, at), *mid = run_at(r, SITE_RESID_MID, l, at);
	const float *below = l ? run_at(r, SITE_RESID_POST, l - 1, at) : run_at(r, SITE_EMBED, 0, at);
	double share_pre = readout_share(out, pre, D), share_mid = readout_share(out, mid, D), sum = 0;
	double attn = readout_share(out, run_at(r, SITE_ATTN_OUT, l, at), D);

	if (edited(r, SITE_RESID_PRE, l, at))
		sum += share_pre - readout_share(out, below, D);
	if (edited(r, SITE_RESID_MID, l, at))
		sum += share_mid - (share_pre + attn);
	if (edited(r, SITE_RESID_POST, l, at))
		sum += readout_share(out, run_at(r, SITE_RESID_POST, l, at), D) -
		       ((r->model->config.parallel ? share_pre + attn : share_mid) +
			readout_share(out, run_at(r, SITE_MLP_OUT, l, at), D));
	return sum;
}

static void add_embedding(struct readout *out, const struct run *r, float *row)
{
	const struct model *m = r->model;
	int D = m->config.D;
	double whole = readout_share(out, run_at(r, SITE_EMBED, 0, out->position), D), learned = 0;

	if (m->W_pos) {
		tensor_row(m->W_pos, (size_t)(out->position + m->config.position_offset), row);
		learned = readout_share(out, row, D);
	}
	add(out, SITE_NONE, -1, whole - learned, "embed");
	if (m->W_pos)
		add(out, SITE_NONE, -1, learned, "pos_embed");
}

/* Each layer's two writes without their biases, which are summed over the layers: the model adds those whatever the prompt. */
static void add_layers(struct readout *out, const struct run *r, double *attn_bias, double *mlp_bias, double *stream_edits)
{
	const struct model *m = r->model;
	int D = m->config.D, at = out->position;
	double scale = (double)m->config.residual_scale;

	for (int l = 0; l < m->config.L; l++) {
		const struct layer *layer = &m->layers[l];
		double attn = readout_share(out, run_at(r, SITE_ATTN_OUT, l, at), D), b_attn = 0, b_mlp = 0;
		double mlp = readout_share(out, run_at(r, SITE_MLP_OUT, l, at), D);
		bool new_attn = edited(r, SITE_ATTN_OUT, l, at), new_mlp = edited(r, SITE_MLP_OUT, l, at);

		/* What an edit put in the place of a write no longer holds the bias. */
		if (layer->b_O && !new_attn)
			b_attn = scale * readout_share(out, layer->b_O, D);
		if (layer->b_out && !new_mlp)
			b_mlp = scale * readout_share(out, layer->b_out, D);
		add(out, SITE_ATTN_OUT, l, attn - b_attn, "attn")->replaced = new_attn;
		add(out, SITE_MLP_OUT, l, mlp - b_mlp, "mlp")->replaced = new_mlp;
		*attn_bias += b_attn;
		*mlp_bias += b_mlp;
		*stream_edits += jumps(out, r, l);
	}
}

static bool edits_stream(const struct run *r, int position)
{
	for (int l = 0; l < r->model->config.L; l++)
		if (edited(r, SITE_RESID_PRE, l, position) || edited(r, SITE_RESID_MID, l, position) ||
		    edited(r, SITE_RESID_POST, l, position))
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
	double norm_bias, unembed_bias, attn_bias = 0, mlp_bias = 0, stream_edits = 0;

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
	add_layers(out, ask->run, &attn_bias, &mlp_bias, &stream_edits);
	if (edits_stream(ask->run, position))
		add(out, SITE_NONE, -1, stream_edits, "edits");
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
