/* gradient.c - see gradient.h: from the metric to the last stream, and from there back through the layers. */
#include "engine/run/gradient.h"

#include <stdlib.h>
#include <string.h>

#include "engine/run/forward.h"
#include "engine/run/metric_inner.h"
#include "engine/run/output_back.h"

struct gradient *gradient_ref(const struct gradient *g)
{
	struct gradient *own = (struct gradient *)(uintptr_t)g; /* the count is not part of what a gradient says */

	atomic_fetch_add(&own->refs, 1);
	return own;
}

void gradient_unref(struct gradient *g)
{
	if (!g || atomic_fetch_sub(&g->refs, 1) != 1)
		return;
	for (int l = 0; l < g->run->model->config.L; l++)
		layer_sites_unref(g->layer[l]);
	run_unref((struct run *)(uintptr_t)g->run);
	run_unref((struct run *)(uintptr_t)g->unedited);
	metric_done(&g->metric);
	arena_free(g->arena);
	free(g);
}

bool gradient_answers(const struct gradient *g, const struct run *run, const struct metric *metric, const struct run *unedited,
		      unsigned frozen)
{
	return g->run == run && g->unedited == unedited && g->frozen == frozen && metric_equal(&g->metric, metric);
}

static struct lost *lost_by_metric(const struct gradient *g)
{
	return g->lost ? &g->lost[g->run->model->config.L + 1] : NULL;
}

static bool seed_output(const struct gradient *g, struct task *task, struct err *err)
{
	const struct output_back output = { &g->metric, &g->run, 1, g->unedited, g->frozen, lost_by_metric(g) };
	double value;

	return output_back(&output, g->embed, &value, task, err);
}

/* Where the metric's gradient starts within a layer; memory from `arena`. */
struct gradient_seeds {
	struct backward_seed seed[METRIC_SEEDS];
	int n;
};

static struct gradient_seeds seeds_of(const struct gradient *g, struct arena *arena)
{
	const struct metric_info *info = metric_table[g->metric.kind];
	const struct metric_rules rules = { g->run, g->frozen, lost_by_metric(g) };
	struct gradient_seeds s = { .n = 0 };

	if (info->seeds)
		s.n = info->seeds(&g->metric, &rules, arena, s.seed);
	return s;
}

/* Those at the stream between layers. */
static void plant(const struct gradient *g, const struct gradient_seeds *s, enum site site)
{
	for (int i = 0; i < s->n; i++)
		if (s->seed[i].place.site == site)
			backward_plant(&s->seed[i], &g->run->model->config, g->embed);
}

static bool start(struct gradient *g, const struct gradient_seeds *s, struct task *task, struct err *err)
{
	if (metric_of_output(&g->metric))
		return seed_output(g, task, err);
	if (!run_has(g->run, metric_site(&g->metric)))
		return err_set(err, ERR_MEMORY, "the stream alone is kept of a run of %d tokens: %s has no gradient", g->run->T,
			       g->metric.spec);
	plant(g, s, SITE_RESID_POST);
	return true;
}

/* The way down. g->embed carries the gradient down the stream, and is the embedding's in the end. */
struct descent {
	int from, past; /* the first layer; the one that is left out (-1: none) */
	const struct gradient_seeds *seeds;
	gradient_visit *visit; /* NULL: the layers are kept */
	void *context;
};

static bool go_down(struct gradient *g, const struct descent *d, struct backward *b, int l, struct task *task, struct err *err)
{
	bool going = d->past < 0 ? task_step(task, d->from - l, d->from + 1, err) : task_going(task, err);

	if (going && l > metric_layer(&g->metric, &g->run->model->config)) /* the metric does not see it */
		return true;
	if (!going || !(g->layer[l] = layer_sites_new(g->run->model, g->run->T, true, err)))
		return false;
	b->lost = g->lost ? &g->lost[l + 1] : NULL;
	(l == d->past ? backward_past : backward_layer)(b, l, g->layer[l], g->embed);
	return true;
}

static bool descend(struct gradient *g, const struct descent *d, struct arena *scratch, struct task *task, struct err *err)
{
	struct backward b;
	bool ok = backward_begin(&b, &g->run, 1, g->frozen, scratch, err), more = true;

	b.seed = d->seeds->seed;
	b.seeds = d->seeds->n;
	for (int l = d->from; ok && more && l >= 0; l--) {
		ok = go_down(g, d, &b, l, task, err);
		if (!ok || !d->visit)
			continue;
		more = d->visit(d->context, g, l);
		layer_sites_unref(g->layer[l]);
		g->layer[l] = NULL;
	}
	plant(g, d->seeds, SITE_EMBED);
	for (int t = 0; ok && g->lost && t < g->run->T; t++)
		backward_enter_losses(g->run, t, gradient_at(g, SITE_EMBED, 0, t), &g->lost[0]);
	return ok;
}

static bool compute(struct gradient *g, struct task *task, struct err *err)
{
	struct arena *scratch = arena_new();
	const struct gradient_seeds seeds = seeds_of(g, scratch);
	const struct descent all = { .from = metric_layer(&g->metric, &g->run->model->config), .past = -1, .seeds = &seeds };
	bool ok = start(g, &seeds, task, err) && descend(g, &all, scratch, task, err);

	arena_free(scratch);
	return ok;
}

/* Without layers yet. */
static struct gradient *gradient_of(const struct run *run, const struct metric *metric, const struct run *unedited, unsigned frozen)
{
	struct gradient *g = xcalloc(1, sizeof *g);

	atomic_init(&g->refs, 1);
	g->run = run_ref(run);
	g->unedited = run_ref(unedited);
	g->metric = metric_share(metric);
	g->frozen = frozen;
	g->arena = arena_new();
	g->layer = arena_alloc(g->arena, (size_t)run->model->config.L * sizeof *g->layer);
	if (frozen & COUNTING_LOSSES)
		g->lost = arena_alloc(g->arena, (size_t)(run->model->config.L + 2) * sizeof *g->lost);
	return g;
}

static bool make_room(struct gradient *g, struct err *err)
{
	const struct config *c = &g->run->model->config;
	const size_t T = (size_t)g->run->T, HK = (size_t)(c->H * c->K), widest = (size_t)c->F > HK ? (size_t)c->F : HK;

	g->embed = arena_floats(g->arena, T * (size_t)c->D, err);
	if (g->embed && !metric_of_output(&g->metric))
		g->nothing = arena_floats(g->arena, T * (widest > (size_t)c->D ? widest : (size_t)c->D), err);
	return g->embed && (g->nothing || metric_of_output(&g->metric));
}

struct gradient *gradient_new(const struct run *run, const struct metric *metric, const struct run *unedited, unsigned frozen,
			      struct task *task, struct err *err)
{
	struct gradient *g = gradient_of(run, metric, unedited, frozen);

	task_count_runs(task, 1);
	if (make_room(g, err) && compute(g, task, err))
		return g;
	gradient_unref(g);
	return NULL;
}

bool gradient_drop(const struct gradient *from, int layer, gradient_visit *visit, void *context, struct task *task, struct err *err)
{
	size_t all = (size_t)from->run->T * (size_t)from->run->model->config.D;
	struct gradient *g = gradient_of(from->run, &from->metric, from->unedited, from->frozen);
	struct arena *scratch = arena_new();
	const struct gradient_seeds seeds = seeds_of(g, scratch);
	const struct descent below = { layer, layer, &seeds, visit, context };
	bool ok = make_room(g, err);

	task_count_runs(task, 1);
	if (ok && from->layer[layer])
		memcpy(g->embed, from->layer[layer]->resid_post, all * sizeof *g->embed);
	else
		ok = ok && start(g, &seeds, task, err);
	ok = ok && descend(g, &below, scratch, task, err);
	arena_free(scratch);
	gradient_unref(g);
	return ok;
}

const float *gradient_at(const struct gradient *g, enum site site, int layer, int position)
{
	if (site == SITE_EMBED)
		return g->embed + (size_t)position * (size_t)g->run->model->config.D;
	if (!g->layer[layer])
		return g->nothing;
	return layer_site(g->layer[layer], site) + (size_t)position * run_width(&g->run->model->config, site);
}

void gradient_input(const struct gradient *g, int position, float *out)
{
	memcpy(out, gradient_at(g, SITE_EMBED, 0, position), (size_t)g->run->model->config.D * sizeof *out);
	backward_enter(g->run, g->frozen, position, out);
}

const float *gradient_pattern(const struct gradient *g, int layer, int head, int query)
{
	return g->layer[layer] ? layer_weights(g->layer[layer], head, query) : g->nothing;
}
