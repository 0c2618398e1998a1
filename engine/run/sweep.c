/* sweep.c - see sweep.h. */
#include "engine/run/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "engine/run/forward.h"
#include "engine/run/vocab.h"

enum { MOST_ROWS = 512 };	/* of a pass: enough to be bound by arithmetic, small enough to cancel soon and to stay in memory */

/* A variant with its edits resolved, and where its work starts. */
struct item {
	struct variant variant;
	int index, l0, t0;
	bool z_known;		/* nothing before a head's result changes in layer l0 */
};

struct sweep {
	const struct run *run, *unedited;
	const struct metric *metric;
	struct arena *arena;
	double *value;
	struct task *task;
	const float *unedited_logits;	/* [V] at the metric's position, for kl */
};

static bool prepare(const struct sweep *s, const struct run *foil, const struct sweep_variant *v, int index, struct item *item,
		    struct err *err)
{
	const struct run *run = s->run;
	struct edit_context context = { run->model, run->prompt_T, s->unedited, foil, run->tokens };
	const struct edit **list = arena_alloc(s->arena, (size_t)(run->edits + v->edit_count) * sizeof *list);

	*item = (struct item){ .index = index, .l0 = run->model->config.L - 1, .t0 = run->T - 1, .z_known = true };
	for (int e = 0; e < run->edits; e++)
		list[e] = &run->edit[e];
	for (int e = 0; e < v->edit_count; e++) {
		struct edit *edit = arena_alloc(s->arena, sizeof *edit);
		int first;

		if (!edit_parse(v->edits[e], edit, s->arena, err) || !edit_resolve(edit, &context, s->arena, err))
			return false;
		list[run->edits + e] = edit;
		first = edit_first_position(edit);
		if (edit->layer < item->l0)
			item->l0 = edit->layer;
		if (first < item->t0)
			item->t0 = first;
	}
	for (int e = 0; e < v->edit_count; e++) {
		const struct edit *edit = list[run->edits + e];

		if (edit->layer == item->l0 && edit->target->site < SITE_RESULT)
			item->z_known = false;
	}
	item->variant = (struct variant){ list, run->edits + v->edit_count };
	return true;
}

/* Top layers first: they are cheapest, so a map fills in at once. Then by position, so that equals stand together. */
static int order(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->l0 != y->l0)
		return y->l0 - x->l0;
	if (x->t0 != y->t0)
		return x->t0 - y->t0;
	if (x->z_known != y->z_known)
		return x->z_known - y->z_known;
	return x->index - y->index;
}

/* The rows t0 … T-1 of a stored site, once for each variant. */
static void repeat(float *to, const float *from, int variants, int t0, int T, size_t width)
{
	size_t n = (size_t)(T - t0) * width;

	for (int v = 0; v < variants; v++)
		memcpy(to + (size_t)v * n, from + (size_t)t0 * width, n * sizeof *to);
}

static bool read_metric(const struct sweep *s, const struct item *item, const float *resid, int t0, struct err *err)
{
	const struct model *m = s->run->model;
	size_t D = (size_t)m->config.D, V = (size_t)m->config.V;
	struct arena_mark mark = arena_mark(s->arena);
	int at = s->metric->position - t0;
	float *y = arena_floats(s->arena, (size_t)s->run->T * D, err), *logits = arena_floats(s->arena, V, err);
	bool ok = y && logits;

	if (ok && s->metric->kind == METRIC_LOSS) {
		int n = s->run->T - 1;

		for (int t = 0; t < n; t++)
			model_final_norm(m, t < t0 ? run_at(s->run, SITE_RESID_POST, m->config.L - 1, t) : resid + (size_t)(t - t0) * D, 1,
					 y + (size_t)t * D, NULL);
		ok = vocab_loss(m, y, n, s->run->tokens + 1, &s->value[item->index], s->task, err);
		s->value[item->index] /= n;
	} else if (ok) {
		const float *row = at < 0 ? run_at(s->run, SITE_RESID_POST, m->config.L - 1, s->metric->position) : resid + (size_t)at * D;
		const int32_t *target = s->metric->target;

		model_final_norm(m, row, 1, y, NULL);
		if (s->metric->kind == METRIC_LOGIT || s->metric->kind == METRIC_LOGIT_DIFF)	/* one or two rows of W_U suffice */
			for (int i = 0; i < 2 && target[i] >= 0; i++)
				model_unembed_some(m, y, 1, target[i], 1, logits + target[i], 1);
		else
			model_unembed(m, y, 1, logits);
		s->value[item->index] = metric_of_logits(s->metric, logits, s->unedited_logits, m->config.V);
	}
	arena_rewind(s->arena, mark);
	return ok;
}

/* Variants that start alike, through the layers together. */
static bool together(const struct sweep *s, const struct item *item, int n, struct err *err)
{
	const struct run *run = s->run;
	const struct model *m = run->model;
	const struct config *c = &m->config;
	int t0 = item->t0, nt = run->T - t0, l0 = item->l0;
	struct variant *variant = arena_alloc(s->arena, (size_t)n * sizeof *variant);
	struct layer_sites *sites = layer_sites_new(m, n * nt, false, err);
	struct pass p = { .model = m, .t0 = t0, .T = run->T, .variants = n, .variant = variant, .task = s->task, .arena = s->arena,
			  .past = (const struct layer_sites *const *)run->layer };
	bool ok = sites && pass_begin(&p, err);

	for (int v = 0; v < n; v++)
		variant[v] = item[v].variant;
	if (ok && item->z_known) {
		repeat(sites->resid_pre, run->layer[l0]->resid_pre, n, t0, run->T, (size_t)c->D);
		repeat(sites->z, run->layer[l0]->z, n, t0, run->T, (size_t)(c->H * c->K));
	} else if (ok) {	/* edits on resid_pre are still to come: from the stream below them */
		if (l0)
			repeat(sites->resid_pre, run->layer[l0 - 1]->resid_post, n, t0, run->T, (size_t)c->D);
		else
			forward_embed(&p, run->tokens, sites->resid_pre);
	}
	for (int l = l0; ok && l < c->L; l++) {
		if (l > l0) {
			float *below = sites->resid_post;

			sites->resid_post = sites->resid_pre;
			sites->resid_pre = below;
		}
		ok = forward_layer(&p, l, sites, 0, l == l0 && item->z_known, err);
	}
	for (int v = 0; ok && v < n; v++)
		ok = read_metric(s, &item[v], sites->resid_post + (size_t)(v * nt) * (size_t)c->D, t0, err);
	layer_sites_unref(sites);
	return ok;
}

static bool alike(const struct item *a, const struct item *b)
{
	return a->l0 == b->l0 && a->t0 == b->t0 && a->z_known == b->z_known;
}

bool sweep_metric(const struct run *run, const struct run *unedited, const struct run *foil, const struct metric *metric,
		  const struct sweep_variant *variants, int n, double *value, struct task *task, struct err *err)
{
	struct arena *arena = arena_new();
	struct item *item = arena_alloc(arena, (size_t)n * sizeof *item);
	struct sweep s = { run, unedited, metric, arena, value, task, unedited->last_logits };
	bool ok = true;

	if (metric->kind == METRIC_KL && metric->position != run->T - 1) {
		float *logits = arena_floats(arena, (size_t)run->model->config.V, err);

		s.unedited_logits = logits;
		ok = logits && run_logits(unedited, metric->position, 1, logits, task, err);
	}
	for (int i = 0; ok && i < n; i++)
		ok = prepare(&s, foil, &variants[i], i, &item[i], err);
	if (ok)
		qsort(item, (size_t)n, sizeof *item, order);
	for (int i = 0, count; ok && i < n; i += count) {
		int nt = run->T - item[i].t0;
		struct arena_mark mark = arena_mark(arena);

		for (count = 1; i + count < n && alike(&item[i], &item[i + count]) && (count + 1) * nt <= MOST_ROWS;)
			count++;
		ok = task_step(task, i, n, err) && together(&s, &item[i], count, err);
		arena_rewind(arena, mark);
	}
	arena_free(arena);
	return ok;
}
