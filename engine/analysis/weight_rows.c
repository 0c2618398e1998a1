/* weight_rows.c - see weight_rows.h. */
#include "engine/analysis/weight_rows.h"

static void centre(float *w, int D)
{
	double mean = 0;

	for (int i = 0; i < D; i++)
		mean += (double)w[i] / D;
	for (int i = 0; i < D; i++)
		w[i] -= (float)mean;
}

static void scale(const struct norm *norm, float *w, int D)
{
	for (int i = 0; norm->there && norm->gain && i < D; i++)
		w[i] *= norm->gain[i];
}

void weight_fold(const struct model *m, const struct norm *norm, bool writes, float *w)
{
	scale(norm, w, m->config.D);
	if (m->config.norm == NORM_LAYER && (writes || norm->there))
		centre(w, m->config.D);
}

void weight_unfold(const struct model *m, const struct norm *norm, bool writes, float *w)
{
	if (m->config.norm == NORM_LAYER && (writes || norm->there))
		centre(w, m->config.D);
	scale(norm, w, m->config.D);
}

void weight_rows_of_head(const struct model *m, int l, enum head_weights which, int head, bool fold, float *rows)
{
	const struct config *c = &m->config;
	const struct layer *layer = &m->layers[l];
	const struct matrix *const of[] = { layer->W_Q, layer->W_K, layer->W_V, layer->W_O };
	const bool shared = which == HEAD_K || which == HEAD_V;
	const int unit = shared ? head * c->G / c->H : head;

	for (int k = 0; k < c->K; k++) {
		float *row = rows + (size_t)k * (size_t)c->D;

		if (which == HEAD_O)
			matrix_input(of[which], unit * c->K + k, row);
		else
			matrix_output(of[which], unit * c->K + k, row);
		if (fold)
			weight_fold(m, which == HEAD_O ? &layer->ln1_post : &layer->ln1, which == HEAD_O, row);
	}
}
