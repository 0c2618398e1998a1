/* writers.c - see writers.h. Sums are in double precision: parts that cancel must still sum to their whole. */
#include "engine/analysis/writers.h"

#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/norm_backward.h"
#include "engine/numbers/pool.h"
#include "engine/run/mixer.h"
#include "engine/run/norms.h"
#include "engine/run/result.h"

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

/* ---- what is read of a block ---- */

static const struct matrix *matrix_of(const struct writers *w)
{
	const struct layer *y = &w->run->model->layers[w->layer];

	return w->block == BLOCK_ATTN ? y->W_O : y->W_out;
}

/* Of a mixture the writers are its experts, not the inputs of one matrix. */
static bool mixes(const struct writers *w)
{
	return w->block == BLOCK_MLP && config_mixes(&w->run->model->config, w->layer);
}

static const float *matrix_bias(const struct writers *w)
{
	const struct layer *y = &w->run->model->layers[w->layer];

	return w->block == BLOCK_ATTN ? y->b_O : y->b_out;
}

static enum site written(const struct writers *w)
{
	return w->block == BLOCK_ATTN ? SITE_ATTN_OUT : SITE_MLP_OUT;
}

static enum site norm_after(const struct writers *w)
{
	return w->block == BLOCK_ATTN ? SITE_LN1_POST : SITE_LN2_POST;
}

/* What the matrix was given at the position: [H, K] or [F]. */
static const float *given(const struct writers *w)
{
	const struct config *c = &w->run->model->config;

	return w->block == BLOCK_MLP ? run_at(w->run, SITE_MLP_POST, w->layer, w->position)
				     : w->run->layer[w->layer]->z_used + (size_t)w->position * run_width(c, SITE_Z);
}

/* x[D] = the product with the matrix, and its bias: what a norm after the block reads. */
static void product(const struct writers *w, float *x)
{
	const struct matrix *W = matrix_of(w);
	const float *b = matrix_bias(w);
	size_t in = (size_t)matrix_in(W), D = (size_t)matrix_out(W);

	matrix_apply(W, given(w), in, 1, x, D);
	if (b)
		kernel_add(x, b, x, D);
}

/* What that norm multiplied by. Attention's is kept with the stream, the MLP's is not. */
static bool scale_after(const struct writers *w, float *scale, struct err *err)
{
	const struct run *r = w->run;
	const struct edited_norm place = { r->model, r->edit_list, r->edits, norm_after(w), w->layer };
	float *x;

	if (w->block == BLOCK_ATTN) {
		*scale = r->layer[w->layer]->post_scale[w->position];
		return true;
	}
	if (!(x = arena_floats(w->scratch, (size_t)r->model->config.D, err)))
		return false;
	product(w, x);
	norms_apply(&place, w->position, x, x, scale);
	return true;
}

bool writers_biased(const struct run *run, enum block block, int layer)
{
	const struct writers w = { .run = run, .block = block, .layer = layer };
	const struct norm *after = norms_at(run->model, norm_after(&w), layer);

	return (matrix_bias(&w) || (after->there && after->bias)) &&
	       (block == BLOCK_ATTN || !after->there || run_has(run, SITE_MLP_POST));
}

bool writers_read(struct writers *w, const struct run *run, enum block block, int layer, int position, const float *direction,
		  struct arena *scratch, struct err *err)
{
	const struct config *c = &run->model->config;
	size_t D = (size_t)c->D;
	const struct norm *after;
	float scale = 1;

	*w = (struct writers){
		.run = run, .block = block, .layer = layer, .position = position, .direction = direction, .scratch = scratch
	};
	after = norms_at(run->model, norm_after(w), layer);
	if (!(w->read = arena_floats(scratch, D, err)) || (after->there && !scale_after(w, &scale, err)))
		return false;
	for (size_t i = 0; i < D; i++)
		w->read[i] = direction[i] * c->residual_scale;
	if (after->there && after->bias)
		w->bias += dot(after->bias, w->read, D);
	if (after->there)
		back_norm_with(c->norm == NORM_LAYER, scale, after->gain, w->read, w->read, D);
	if (matrix_bias(w))
		w->bias += dot(matrix_bias(w), w->read, D);
	return true;
}

static void open_one(void *context, int i)
{
	struct writers *const *w = context;

	if (!mixes(w[i]))
		matrix_apply_back_here(matrix_of(w[i]), w[i]->read, w[i]->in);
}

bool writers_open(struct writers *const *w, int n, struct err *err)
{
	for (int i = 0; i < n; i++)
		if (!mixes(w[i]) && !(w[i]->in = arena_floats(w[i]->scratch, (size_t)matrix_in(matrix_of(w[i])), err)))
			return false;
	pool_run(n, open_one, (void *)(uintptr_t)w);
	return true;
}

/* ---- heads, sources, neurons ---- */

static struct attention_at attention_of(const struct writers *w)
{
	const struct layer_sites *s = w->run->layer[w->layer];

	return (struct attention_at){ w->run->model, w->layer, w->position, run_at(w->run, SITE_Z, w->layer, w->position),
				      s->post_scale ? s->post_scale[w->position] : 1 };
}

static bool acts_on_head(const struct writers *w, int e, enum site site, int head)
{
	const struct edit *edit = &w->run->edit[e];

	return edit_hits(edit, site, w->layer) && edit_covers(edit, w->position) && edit_has_unit(edit, head);
}

/* What edits on a head's write add to it that z cannot say (result.h). */
static double extra(const struct writers *w, int head)
{
	const struct attention_at place = attention_of(w);
	size_t D = (size_t)w->run->model->config.D;
	struct arena_mark mark = arena_mark(w->scratch);
	double share = 0;
	float *x = NULL;

	for (int e = 0; e < w->run->edits && !x; e++)
		if (acts_on_head(w, e, SITE_RESULT, head) && !result_by_z(&w->run->edit[e]))
			x = arena_alloc(w->scratch, D * sizeof *x);
	if (x) {
		result_extra(&place, w->run->edit_list, w->run->edits, head, x);
		share = dot(x, w->direction, D);
	}
	arena_rewind(w->scratch, mark);
	return share;
}

double writers_head(const struct writers *w, int head)
{
	size_t K = (size_t)w->run->model->config.K, at = (size_t)head * K;

	return dot(given(w) + at, w->in + at, K) + extra(w, head);
}

double writers_source(const struct writers *w, int head, int key)
{
	const struct config *c = &w->run->model->config;

	return mixer_of(c, w->layer)->from_along(w->run, w->layer, head, w->position, key, w->in + (size_t)(head * c->K));
}

double writers_neuron(const struct writers *w, int neuron)
{
	return (double)given(w)[neuron] * (double)w->in[neuron];
}

double writers_expert(const struct writers *w, int expert)
{
	const struct config *c = &w->run->model->config;
	struct arena_mark mark = arena_mark(w->scratch);
	float *x = arena_alloc(w->scratch, (size_t)c->D * sizeof *x);
	double share;

	if (expert == c->experts.X)
		run_shared(w->run, w->layer, w->position, x);
	else
		run_expert(w->run, w->layer, expert, w->position, x);
	share = dot(x, w->direction, (size_t)c->D);
	arena_rewind(w->scratch, mark);
	return share;
}

/* ---- edits ---- */

bool writers_head_edited(const struct writers *w, int head)
{
	for (int e = 0; e < w->run->edits; e++)
		if (acts_on_head(w, e, SITE_Z, head) || acts_on_head(w, e, SITE_RESULT, head))
			return true;
	return false;
}

/* z[H, K] of which the head's part is what it reads, before edits. */
static void mix(const struct writers *w, int head, float *z)
{
	const struct config *c = &w->run->model->config;

	for (int j = 0; j <= w->position; j++)
		mixer_of(c, w->layer)->from(w->run, w->layer, head, w->position, j, z + (size_t)(head * c->K));
}

double writers_head_edits(const struct writers *w, int head)
{
	const struct config *c = &w->run->model->config;
	size_t K = (size_t)c->K, at = (size_t)head * K;
	struct arena_mark mark = arena_mark(w->scratch);
	float *z = arena_alloc(w->scratch, run_width(c, SITE_Z) * sizeof *z);
	double before, after;

	mix(w, head, z);
	before = dot(z + at, w->in + at, K);
	for (int pass = 0; pass < 2; pass++) /* all those on z come first */
		for (int e = 0; e < w->run->edits; e++)
			if (acts_on_head(w, e, pass ? SITE_RESULT : SITE_Z, head))
				edit_apply(&w->run->edit[e], c, pass ? SITE_RESULT : SITE_Z, w->position, z);
	after = dot(z + at, w->in + at, K) + extra(w, head);
	arena_rewind(w->scratch, mark);
	return after - before;
}

bool stream_edited(const struct run *r, enum site site, int layer, int position)
{
	for (int e = 0; e < r->edits; e++)
		if (edit_hits(&r->edit[e], site, layer) && edit_covers(&r->edit[e], position))
			return true;
	return false;
}

double stream_edits(const struct run *r, enum site site, int layer, int position, const float *x, const float *direction,
		    struct arena *scratch)
{
	size_t D = (size_t)r->model->config.D;
	struct arena_mark mark = arena_mark(scratch);
	double change = 0;
	float *y;

	if (!stream_edited(r, site, layer, position))
		return 0;
	y = arena_alloc(scratch, D * sizeof *y);
	memcpy(y, x, D * sizeof *y);
	for (int e = 0; e < r->edits; e++)
		if (edit_hits(&r->edit[e], site, layer) && edit_covers(&r->edit[e], position))
			edit_apply(&r->edit[e], &r->model->config, site, position, y);
	change = dot(y, direction, D) - dot(x, direction, D);
	arena_rewind(scratch, mark);
	return change;
}

bool writers_edited(const struct writers *w)
{
	return stream_edited(w->run, written(w), w->layer, w->position);
}

/* What a mixture wrote before the edits on its write. */
static void mix_again(const struct writers *w, float *x)
{
	const struct config *c = &w->run->model->config;
	const size_t D = (size_t)c->D;
	float *one = arena_alloc(w->scratch, D * sizeof *one);

	run_shared(w->run, w->layer, w->position, x);
	for (int e = 0; e < c->experts.X; e++) {
		run_expert(w->run, w->layer, e, w->position, one);
		kernel_add(x, one, x, D);
	}
}

/* What another block wrote before the edits on its write: norm, multiplier, and what edits on heads' writes add. */
static void write_again(const struct writers *w, float *x)
{
	const struct run *r = w->run;
	const struct edited_norm place = { r->model, r->edit_list, r->edits, norm_after(w), w->layer };
	const struct attention_at result = attention_of(w);

	product(w, x);
	norms_apply(&place, w->position, x, x, NULL);
	for (int i = 0; i < r->model->config.D; i++)
		x[i] *= r->model->config.residual_scale;
	for (int h = 0; w->block == BLOCK_ATTN && h < r->model->config.H; h++)
		result_extra(&result, r->edit_list, r->edits, h, x);
}

double writers_edits(const struct writers *w)
{
	struct arena_mark mark = arena_mark(w->scratch);
	double change = 0;
	float *x;

	if (writers_edited(w)) {
		x = arena_alloc(w->scratch, (size_t)w->run->model->config.D * sizeof *x);
		(mixes(w) ? mix_again : write_again)(w, x);
		change = stream_edits(w->run, written(w), w->layer, w->position, x, w->direction, w->scratch);
	}
	arena_rewind(w->scratch, mark);
	return change;
}
