/*
 * sweep.c - see sweep.h. Variants with the same first row climb the layers together: those that start higher join where they start,
 * so that a layer's weights are read once for all of them. When the metric looks at one position, positions after it are not
 * carried, and of the last layer only that row is.
 */
#include "engine/run/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/bounds.h"
#include "engine/run/change.h"
#include "engine/run/forward.h"
#include "engine/run/metric_inner.h"
#include "engine/run/readout.h"
#include "engine/run/vocab.h"

/* Rows of a pass: enough to be bound by arithmetic, small enough to cancel soon; and what they may take, in runs of the prompt. */
enum { MOST_ROWS = 512, RUNS = 2 };

/* A variant with its edits resolved, and where its work starts. */
struct item {
	struct variant variant;
	int index, l0, t0; /* layer and position of the first change */
	bool z_known;	   /* nothing before a head's result changes in layer l0 */
	bool same;	   /* nothing changes at all */
};

struct sweep {
	const struct run *run, *unedited;
	const struct metric *metric; /* or, when NULL, a place that is read */
	const struct place *place;
	size_t from, width; /* of the place, in a row of its site */
	struct arena *arena;
	double *value;			/* of the metric */
	float *rows;			/* of the place */
	const struct logits_seen *seen; /* or NULL */
	struct task *task;
	struct readout readout; /* of the logits */
	bool loss;		/* the metric looks at every position; otherwise at metric->position */
	bool inner;		/* it is of the top layer, or what is read is: all of that layer is computed */
	struct run_set reads;	/* what the variants' edits read */
	int T;			/* positions that are carried */
	int top;		/* the last layer that is computed */
	int most_rows;		/* of a pass */
	float *y;		/* [D]; for loss [T, D] */
};

/* Whether an edit comes after all that is looked at: of layers above. The final norm is not above what a lens reads with it. */
static bool comes_after(const struct sweep *s, const struct edit *e, struct item *item)
{
	if (!s->inner || e->place.layer <= s->top)
		return false;
	if (e->place.site == SITE_LN_FINAL && s->metric && s->metric->kind == METRIC_LENS)
		item->same = false;
	return true;
}

static bool prepare(struct sweep *s, const struct run *foil, const struct sweep_variant *v, int index, struct item *item,
		    struct err *err)
{
	const struct run *run = s->run;
	struct edit_context context = {
		run->model, run->prompt_T, s->unedited, foil, run->tokens, run->assets, &s->reads, s->task
	};
	int count = run->edits + v->edits + v->more_count;
	const struct edit **list = arena_alloc(s->arena, (size_t)count * sizeof *list);

	*item = (struct item){ .index = index,
			       .l0 = s->top,
			       .t0 = s->metric && !s->loss ? s->metric->position : s->T - 1,
			       .z_known = true,
			       .same = true };
	for (int e = 0; e < count; e++) {
		struct edit *edit;

		if (e < run->edits) {
			list[e] = &run->edit[e];
			continue;
		}
		list[e] = edit = arena_alloc(s->arena, sizeof *edit);
		*edit = e < run->edits + v->edits ? *v->edit[e - run->edits] : *v->more[e - run->edits - v->edits];
		if (!edit_resolve(edit, &context, s->arena, err))
			return false;
	}
	for (int e = run->edits; e < count; e++) {
		int first = change_first(list[e], run);

		/* holds what is there, or comes after all that is looked at */
		if (first >= s->T || comes_after(s, list[e], item))
			continue;
		if (list[e]->place.layer < item->l0 || item->same)
			item->z_known = true;
		if (list[e]->place.layer <= item->l0 && list[e]->place.site < SITE_RESULT)
			item->z_known = false;
		if (list[e]->place.layer < item->l0)
			item->l0 = list[e]->place.layer;
		if (first < item->t0)
			item->t0 = first;
		item->same = false;
	}
	if (s->inner && item->l0 == s->top) /* what is read there may come before z */
		item->z_known = false;
	if (item->l0 == s->top && item->z_known && s->metric && !s->loss && !s->inner)
		item->t0 = s->metric->position;
	item->variant = (struct variant){ list, count };
	return true;
}

/* The last positions and the top layers first: they are cheapest, so a map fills in at once. */
static int order(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->same != y->same)
		return y->same - x->same;
	if (x->t0 != y->t0)
		return y->t0 - x->t0;
	if (x->l0 != y->l0)
		return y->l0 - x->l0;
	if (x->z_known != y->z_known)
		return y->z_known - x->z_known;
	return x->index - y->index;
}

static bool read_loss(const struct sweep *s, const struct item *item, const float *resid, struct err *err)
{
	const struct model *m = s->run->model;
	size_t D = (size_t)m->config.D;
	int n = s->T - 1, t0 = item->t0;

	for (int t = 0; t < n; t++)
		readout_norm(m, &item->variant, t,
			     t < t0 ? run_at(s->run, SITE_RESID_POST, m->config.L - 1, t) : resid + (size_t)(t - t0) * D,
			     s->y + (size_t)t * D);
	if (!vocab_loss(m, s->y, n, s->run->tokens + 1, &s->value[item->index], s->task, err))
		return false;
	s->value[item->index] /= n;
	return true;
}

/* The metric of n <= READOUT_ROWS variants, from their rows at its position, ld floats apart. */
static void read_rows(const struct sweep *s, const struct item *const *item, const float *resid, size_t ld, int n)
{
	const struct variant *variant[READOUT_ROWS];
	double value[READOUT_ROWS];

	for (int i = 0; i < n; i++)
		variant[i] = &item[i]->variant;
	readout_rows(&s->readout, variant, resid, ld, n, value);
	for (int i = 0; i < n; i++) {
		s->value[item[i]->index] = value[i];
		if (s->seen)
			s->seen->see(s->seen->context, item[i]->index,
				     s->readout.logits + (size_t)i * (size_t)s->run->model->config.V);
	}
}

/* resid: each variant's rows t0 … T-1, or its last alone. */
static bool read_metric(const struct sweep *s, const struct item *const *item, int n, const float *resid, bool last_alone,
			struct err *err)
{
	size_t D = (size_t)s->run->model->config.D, ld = last_alone ? D : (size_t)(s->T - item[0]->t0) * D;
	const float *row = last_alone || s->loss ? resid : resid + (size_t)(s->metric->position - item[0]->t0) * D;

	for (int i = 0; i < n; i += s->loss ? 1 : READOUT_ROWS) {
		if (!task_going(s->task, err) || (s->loss && !read_loss(s, item[i], row + (size_t)i * ld, err)))
			return false;
		if (!s->loss)
			read_rows(s, item + i, row + (size_t)i * ld, ld, n - i < READOUT_ROWS ? n - i : READOUT_ROWS);
	}
	return true;
}

/* rows[T, width] of each variant: those below t0 are the run's own. `sites` has the pass's rows of the top layer. */
static void keep_place(const struct sweep *s, const struct item *const *item, int n, const struct layer_sites *sites)
{
	const struct place *place = s->place;
	size_t width = run_width(&s->run->model->config, place->site);
	const float *from = layer_site(sites, place->site);
	int t0 = item[0]->t0;

	for (int v = 0; v < n; v++)
		for (int t = 0; t < s->T; t++) {
			const float *row = t < t0 ? run_at(s->run, place->site, place->layer, t)
						  : from + (size_t)(v * (s->T - t0) + t - t0) * width;

			memcpy(s->rows + ((size_t)item[v]->index * (size_t)s->T + (size_t)t) * s->width, row + s->from,
			       s->width * sizeof *row);
		}
}

/* A variant of a pass that has reached the top layer. */
struct variant_rows {
	const struct sweep *sweep;
	const struct item *item;
	const struct layer_sites *sites;
	int number;   /* of the pass */
	float *embed; /* [D] */
};

static const float *row_of_variant(const struct metric_rows *rows, enum site site, int position)
{
	const struct variant_rows *v = rows->more;
	const struct sweep *s = v->sweep;
	const int t0 = v->item->t0;

	if (site == SITE_EMBED) {
		struct pass p = {
			.model = s->run->model, .t0 = position, .T = position + 1, .variants = 1, .variant = &v->item->variant
		};

		p.input = s->run->input ? s->run->input + (size_t)position * (size_t)p.model->config.D : NULL;
		forward_embed(&p, s->run->tokens, v->embed);
		return v->embed;
	}
	if (position < t0)
		return run_at(s->run, site, rows->layer, position);
	return layer_site(v->sites, site) +
	       (size_t)(v->number * (s->T - t0) + position - t0) * run_width(&s->run->model->config, site);
}

/* The metric of each variant, from the rows of its layer. */
static bool read_inner(const struct sweep *s, const struct item *const *item, int n, const struct layer_sites *sites,
		       struct err *err)
{
	for (int i = 0; i < n; i++) {
		const struct variant_rows v = { s, item[i], sites, i, s->y };
		const struct metric_rows rows = {
			s->run, item[i]->variant.edit, item[i]->variant.edits, s->top, row_of_variant, &v
		};

		if (!task_going(s->task, err))
			return false;
		s->value[item[i]->index] = metric_of_rows(s->metric, &rows);
	}
	return true;
}

/* The first n variants change nothing: they have what the run has. */
static bool answer_same(const struct sweep *s, const struct item *item, int n, struct err *err)
{
	double value = 0;

	if (n && s->metric && !metric_value(s->metric, s->run, s->unedited, &value, s->task, err))
		return false;
	if (n && s->seen && !run_logits(s->run, s->metric->position, 1, s->readout.logits, s->task, err))
		return false;
	for (int i = 0; i < n; i++) {
		if (s->metric)
			s->value[item[i].index] = value;
		if (s->seen)
			s->seen->see(s->seen->context, item[i].index, s->readout.logits);
		for (int t = 0; s->place && t < s->T; t++)
			memcpy(s->rows + ((size_t)item[i].index * (size_t)s->T + (size_t)t) * s->width,
			       run_at(s->run, s->place->site, s->place->layer, t) + s->from, s->width * sizeof *s->rows);
	}
	return true;
}

/* The rows t0 … T-1 of a stored site. */
static void copy(float *to, const float *from, const struct pass *p, size_t width)
{
	memcpy(to, from + (size_t)p->t0 * width, (size_t)(p->T - p->t0) * width * sizeof *to);
}

/* Variant number v joins at layer l. */
static void join(const struct sweep *s, const struct pass *p, const struct item *item, int v, int l, struct layer_sites *sites)
{
	const struct config *c = &p->model->config;
	const struct run *run = s->run;
	size_t D = (size_t)c->D, HK = (size_t)(c->H * c->K), row = (size_t)(v * (p->T - p->t0));

	if (item->z_known) {
		copy(sites->resid_pre + row * D, run->layer[l]->resid_pre, p, D);
		copy(sites->z + row * HK, run->layer[l]->z, p, HK);
	} else if (l) { /* edits on resid_pre are still to come: from the stream below them */
		copy(sites->resid_pre + row * D, run->layer[l - 1]->resid_post, p, D);
	} else {
		struct pass alone = *p;

		alone.variants = 1;
		alone.variant += v;
		alone.input = run->input ? run->input + (size_t)p->t0 * D : NULL;
		forward_embed(&alone, run->tokens, sites->resid_pre + row * D);
	}
}

/* Variants with the same first row, lowest layers first, up through the layers. */
static bool climb(const struct sweep *s, const struct item *const *item, int n, struct err *err)
{
	const struct model *m = s->run->model;
	const int t0 = item[0]->t0, nt = s->T - t0, top = s->top;
	struct variant *variant = arena_alloc(s->arena, (size_t)n * sizeof *variant);
	struct layer_sites *sites = layer_sites_new(m, n * nt, false, err);
	struct pass p = { .model = m,
			  .t0 = t0,
			  .T = s->T,
			  .variants = n,
			  .variant = variant,
			  .task = s->task,
			  .arena = s->arena,
			  .past = (const struct layer_sites *const *)s->run->layer };
	/* Of the last layer, the last row alone: unless z is known there, and then there is but one row. */
	const bool last_alone = !s->inner && !s->loss && s->metric->position == s->T - 1 && nt > 1;
	bool ok = sites && layer_sites_split_z(sites, m, n * nt, err) && pass_begin(&p, err);

	p.variants = 0;
	for (int l = item[0]->l0; ok && l <= top; l++) {
		int known = 0;

		for (; p.variants < n && item[p.variants]->l0 == l; p.variants++) {
			variant[p.variants] = item[p.variants]->variant;
			known += item[p.variants]->z_known;
			join(s, &p, item[p.variants], p.variants, l, sites);
		}
		ok = last_alone && l == top ? forward_last(&p, l, sites, err) : forward_layer(&p, l, sites, 0, known, err);
		if (l < top) {
			float *below = sites->resid_post;

			sites->resid_post = sites->resid_pre;
			sites->resid_pre = below;
		}
	}
	if (ok && s->place)
		keep_place(s, item, n, sites);
	else if (ok && s->inner)
		ok = read_inner(s, item, n, sites, err);
	else
		ok = ok && read_metric(s, item, n, sites->resid_post, last_alone, err);
	layer_sites_unref(sites);
	return ok;
}

static bool together(const struct sweep *s, const struct item *item, int n, struct err *err)
{
	const struct item **low_first = arena_alloc(s->arena, (size_t)n * sizeof *low_first);

	for (int i = 0; i < n; i++)
		low_first[i] = &item[n - 1 - i];
	return climb(s, low_first, n, err);
}

/* What the metric needs beside the layers. */
static bool begin(struct sweep *s, struct err *err)
{
	const struct config *c = &s->run->model->config;
	const struct metric *metric = s->metric;
	size_t D = (size_t)c->D;

	s->top = metric_layer(metric, c);
	s->inner = !metric_of_output(metric);
	s->loss = metric->kind == METRIC_LOSS;
	/*
	 * Nothing looks back from positions after the metric's; but where rotary tables would change with that length, all are
	 * carried.
	 */
	s->T = s->loss || !config_alike(c, s->run->T, metric->position + 1) ? s->run->T : metric->position + 1;
	s->y = arena_floats(s->arena, (size_t)(s->loss ? s->T : 1) * D, err);
	return s->y && (s->loss || s->inner || readout_begin(&s->readout, metric, s->unedited, s->arena, s->task, err));
}

/* A row is in all sites of one layer, once more in z and normalised. */
static int rows_together(const struct run *run)
{
	const struct config *c = &run->model->config;
	const size_t floats = model_stream_floats(c) + model_passing_floats(c) + (size_t)(c->H * c->K + c->D),
		     rows = RUNS * run_bytes(c, run->T, RUN_ALL) / (floats * sizeof(float));

	return rows < MOST_ROWS ? most(1, (int)rows) : MOST_ROWS;
}

static bool sweep(struct sweep *s, const struct run *foil, const struct sweep_variant *variants, int n, struct err *err)
{
	struct item *item = arena_alloc(s->arena, (size_t)n * sizeof *item);
	int same = 0;
	bool ok = true;

	s->most_rows = rows_together(s->run);
	task_count_runs(s->task, n);
	for (int i = 0; s->metric && i < n; i++)
		s->value[i] = NAN;
	for (int i = 0; ok && i < n; i++) {
		ok = prepare(s, foil, &variants[i], i, &item[i], err);
		same += item[i].same;
	}
	if (ok)
		qsort(item, (size_t)n, sizeof *item, order);
	ok = ok && answer_same(s, item, same, err);
	for (int i = same, count; ok && i < n; i += count) {
		int nt = s->T - item[i].t0;
		struct arena_mark mark = arena_mark(s->arena);

		for (count = 1; i + count < n && item[i + count].t0 == item[i].t0 && (count + 1) * nt <= s->most_rows;)
			count++;
		ok = task_step(s->task, i, n, err) && together(s, &item[i], count, err);
		arena_rewind(s->arena, mark);
		if (ok && s->metric)
			task_piece(s->task);
	}
	return ok;
}

bool sweep_logits(const struct run *run, const struct run *unedited, const struct run *foil, const struct metric *metric,
		  const struct sweep_variant *variants, int n, double *value, const struct logits_seen *seen, struct task *task,
		  struct err *err)
{
	struct arena *arena = arena_new();
	struct sweep s = {
		.run = run, .unedited = unedited, .metric = metric, .arena = arena, .value = value, .seen = seen, .task = task
	};
	bool ok = begin(&s, err) && sweep(&s, foil, variants, n, err);

	run_set_done(&s.reads);
	arena_free(arena);
	return ok;
}

bool sweep_metric(const struct run *run, const struct run *unedited, const struct run *foil, const struct metric *metric,
		  const struct sweep_variant *variants, int n, double *value, struct task *task, struct err *err)
{
	return sweep_logits(run, unedited, foil, metric, variants, n, value, NULL, task, err);
}

bool sweep_read(const struct run *run, const struct run *unedited, const struct run *foil, const struct place *place, int T,
		const struct sweep_variant *variants, int n, float *rows, struct task *task, struct err *err)
{
	struct arena *arena = arena_new();
	struct sweep s = { .run = run,
			   .unedited = unedited,
			   .place = place,
			   .arena = arena,
			   .rows = rows,
			   .T = T,
			   .top = place->layer,
			   .inner = true,
			   .task = task };
	bool ok;

	s.width = place_slice(place, &run->model->config, &s.from);
	ok = sweep(&s, foil, variants, n, err);

	run_set_done(&s.reads);
	arena_free(arena);
	return ok;
}
