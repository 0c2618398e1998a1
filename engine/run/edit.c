/* edit.c - see edit.h: checking a line against a model, and the ops. */
#include "engine/run/edit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/model.h"
#include "engine/numbers/noise.h"
#include "engine/run/basis_file.h"
#include "engine/run/forward.h"
#include "engine/run/norms.h"
#include "engine/run/prompt_runs.h"
#include "engine/run/run.h"

/* ---- against a model ---- */

bool edit_has_unit(const struct edit *e, int unit)
{
	return e->place.unit < 0 || (unit >= e->place.unit && unit <= e->place.unit_to);
}

/* The key of a range that runs backwards is printed as it was written. */
static bool resolve_keys(struct edit *e, int T, const char *what, struct err *err)
{
	const struct position_range keys = { e->key, e->key_to, false };

	return positions_resolve(&keys, T, &e->key, &e->key_to, what, err);
}

/* A query sees no key after it: an edit of such pairs alone would change nothing. */
static bool check_keys(const struct edit *e, int T, const char *what, struct err *err)
{
	int last = T - 1;

	while (e->ranges && last >= 0 && !e->at[last])
		last--;
	return !e->has_key || e->onward || e->key <= last ||
	       err_set(err, ERR_ARGUMENT, "%s: key %d comes after query %d, which does not see it", what, e->key, last);
}

static bool resolve_positions(struct edit *e, int T, struct arena *arena, const char *what, struct err *err)
{
	if (e->has_key && !resolve_keys(e, T, what, err))
		return false;
	if (!e->ranges)
		return true;
	e->at_count = T;
	e->at = arena_alloc(arena, (size_t)T);
	for (int i = 0; i < e->ranges; i++)
		e->onward |= e->range[i].open;
	return positions_mark(e->range, e->ranges, T, e->at, what, err) && check_keys(e, T, what, err);
}

/* Mean over the prompt's positions of the unedited run: [slice], or [T] per head for a pattern. */
static bool resolve_mean(struct edit *e, const struct config *c, const struct run *run, struct arena *arena, struct err *err)
{
	enum site site = e->place.site == SITE_RESULT ? SITE_Z : e->place.site;
	int T = run->prompt_T, sites = e->place.also_mlp ? 2 : 1;
	size_t from, n = place_slice(&e->place, c, &from);

	if (site == SITE_PATTERN) {
		n = (size_t)c->H * (size_t)T;
		e->mean_keys = T;
	}
	if (!(e->vector = arena_floats(arena, n * (size_t)sites, err)))
		return false;
	for (int s = 0; s < sites; s++)
		for (int t = 0; t < T; t++) {
			float *mean = e->vector + n * (size_t)s;

			if (site == SITE_PATTERN)
				for (int h = 0; h < c->H; h++)
					kernel_axpy(1.0f / (float)T, run_pattern(run, e->place.layer, h, t), mean + h * T,
						    (size_t)T);
			else
				kernel_axpy(1.0f / (float)T, run_at(run, s ? SITE_MLP_OUT : site, e->place.layer, t) + from, mean,
					    n);
		}
	return true;
}

/* The same of what experts write: [units, D]. */
static bool resolve_experts_mean(struct edit *e, const struct config *c, const struct run *run, struct arena *arena,
				 struct err *err)
{
	const size_t D = (size_t)c->D, n = (size_t)(e->place.unit_to - e->place.unit + 1);
	float *x = arena_floats(arena, D, err);

	if (!x || !(e->vector = arena_floats(arena, n * D, err)))
		return false;
	for (size_t i = 0; i < n; i++)
		for (int t = 0; t < run->prompt_T; t++) {
			run_expert(run, e->place.layer, e->place.unit + (int)i, t, x);
			kernel_axpy(1.0f / (float)run->prompt_T, x, e->vector + i * D, D);
		}
	return true;
}

/* Over a file of prompts: at the same position, a run to read from; over all positions, numbers as above. */
static bool resolve_prompts_mean(struct edit *e, const struct asset *file, const struct prompt_question *q,
				 const struct edit_context *context, struct arena *arena, struct err *err)
{
	const struct config *c = &context->model->config;
	enum site site = e->place.site == SITE_RESULT ? SITE_Z : e->place.site;
	const struct prompt_mean *mean;
	size_t from, n = place_slice(&e->place, c, &from);

	if (e->same)
		return (e->source = prompt_runs_same(file, q, context->reads, err)) != NULL;
	if (!(mean = prompt_runs_mean(file, q, err)))
		return false;
	if (site == SITE_PATTERN) {
		n = (size_t)c->H * (size_t)mean->keys;
		e->mean_keys = mean->keys;
	}
	if (!(e->vector = arena_floats(arena, n * (e->place.also_mlp ? 2 : 1), err)))
		return false;
	memcpy(e->vector,
	       site == SITE_PATTERN ? mean->pattern + (size_t)e->place.layer * n
				    : run_at(mean->run, site, e->place.layer, 0) + from,
	       n * sizeof *e->vector);
	if (e->place.also_mlp)
		memcpy(e->vector + n, run_at(mean->run, SITE_MLP_OUT, e->place.layer, 0), n * sizeof *e->vector);
	return true;
}

/* What the edit takes from a file of prompts: their mean, or another one's values. */
static bool resolve_prompts(struct edit *e, const struct edit_context *context, struct arena *arena, struct err *err)
{
	const struct prompt_question q = { context->model, context->tokens, context->T, context->task };
	struct asset_file file;
	struct asset *prompts;
	bool ok;

	asset_find(e->file, NULL, &file);
	if (!(prompts = assets_open(context->assets, &asset_prompts, &file, NULL, NULL, err)))
		return false;
	ok = e->op == EDIT_MEAN
		     ? resolve_prompts_mean(e, prompts, &q, context, arena, err)
		     : (e->source = prompt_runs_other(prompts, &q, e->line, (unsigned)e->seed, context->reads, err)) != NULL;
	asset_unref(prompts);
	return ok;
}

/* The vector in the file: to be added, to be taken out, or a basis in which values are exchanged. */
static bool resolve_file(struct edit *e, const struct config *c, struct assets *assets, struct arena *arena, const char *what,
			 struct err *err)
{
	size_t from, want = place_slice(&e->place, c, &from), rows, n;

	if (e->place.site == SITE_RESULT)
		want = (size_t)c->D;
	if (e->op == EDIT_INTERCHANGE)
		return (e->vector = basis_read(assets, e->file, e->place.layer, want, arena, &e->basis, what, err)) != NULL;
	if (!(e->vector = vector_rows_read(assets, &asset_vectors, e->file, e->place.layer, arena, &rows, &n, err)))
		return false;
	if (rows != 1 || n != want)
		return err_set(err, ERR_ARGUMENT, "%s: the vector in %s has %zu numbers, expected %zu", what, e->file, rows * n,
			       want);
	for (size_t i = 0; i < n; i++)
		if (!isfinite(e->vector[i]))
			return err_set(err, ERR_ARGUMENT, "%s: number %zu of the vector in %s is not finite", what, i, e->file);
	return e->op != EDIT_PROJECT || basis_normalise(e->vector, n) ||
	       err_set(err, ERR_ARGUMENT, "%s: the vector in %s has no direction", what, e->file);
}

/* The scales of a norm in the unedited run: [T]. */
static bool resolve_scales(struct edit *e, const struct edit_context *context, struct arena *arena, const char *line,
			   struct err *err)
{
	const struct model *m = context->model;

	if (!place_has_layer(&e->place))
		e->place.layer = m->config.L; /* after all of them */
	if (e->place.site == SITE_LN2 && m->config.parallel_shared_norm)
		return err_set(err, ERR_ARGUMENT,
			       "edit \"%s\": in this model attention and MLP read through one norm; write ln1 %d", line,
			       e->place.layer);
	if (!norms_at(m, e->place.site, e->place.layer)->there)
		return err_set(err, ERR_ARGUMENT, "edit \"%s\": this model has no norm there", line);
	if (e->place.unit >= 0 && norms_parts(&m->config, e->place.site) == 1 &&
	    (e->place.site == SITE_Q_NORM ? m->config.H : m->config.G) > 1)
		return err_set(err, ERR_ARGUMENT, "edit \"%s\": in this model one norm spans all heads; write %s %d", line,
			       place_word_of(&e->place)->word, e->place.layer);
	e->vector = norms_scales(context->unedited, e->place.site, e->place.layer, arena, err);
	return e->vector != NULL;
}

/* The standard deviation over all numbers of the prompt's token embeddings, as they enter layer 0 but for learned positions. */
static bool resolve_noise(struct edit *e, const struct edit_context *context, struct arena *arena, struct err *err)
{
	size_t D = (size_t)context->model->config.D;
	struct arena_mark mark = arena_mark(arena);
	float *x = arena_floats(arena, D, err);
	double sum = 0, squares = 0, n = (double)context->T * (double)D;

	for (int t = 0; x && t < context->T; t++) {
		model_embed(context->model, context->tokens[t], -1, x);
		for (size_t i = 0; i < D; i++) {
			sum += (double)x[i];
			squares += (double)x[i] * (double)x[i];
		}
	}
	e->deviation = sqrt(fmax(0, squares / n - sum / n * (sum / n)));
	arena_rewind(arena, mark);
	return x != NULL;
}

static bool check_foil(const struct edit *e, int T, int foil_T, const char *line, struct err *err)
{
	if (e->op != EDIT_PATCH && e->op != EDIT_INTERCHANGE)
		return true;
	if (foil_T < 0)
		return err_set(err, ERR_ARGUMENT, "edit \"%s\": %s reads from the foil, and none is set", line,
			       edit_ops[e->op].word);
	return foil_T == T || !T || !foil_T ||
	       err_set(err, ERR_ARGUMENT, "edit \"%s\": %s needs prompt and foil of equally many tokens; they have %d and %d", line,
		       edit_ops[e->op].word, T, foil_T);
}

/* Everything that needs no run: see edit_check(). */
static bool resolve_early(struct edit *e, const struct config *c, int T, int foil_T, struct assets *assets, struct arena *arena,
			  const char *line, struct err *err)
{
	bool reads_file = (e->op == EDIT_ADD && e->file) || e->op == EDIT_PROJECT || e->op == EDIT_INTERCHANGE;
	const char *what = arena_printf(arena, "edit \"%s\"", line);

	if (e->place.site == SITE_EXPERT && e->op == EDIT_MEAN && e->file)
		return err_set(err, ERR_ARGUMENT, "%s: the mean of an expert is that over the prompt's positions, without a file",
			       what);
	return place_check(&e->place, c, what, err) && (!T || resolve_positions(e, T, arena, what, err)) &&
	       check_foil(e, T, foil_T, line, err) && (!reads_file || resolve_file(e, c, assets, arena, what, err));
}

bool edit_check(const char *line, const struct config *c, int T, int foil_T, struct err *err)
{
	struct arena *scratch = arena_new();
	struct edit e;
	struct str own;
	bool ok;

	str_init(&own);
	ok = edit_parse(line, &e, scratch, err);
	if (ok)
		edit_print(&e, &own);
	ok = ok && resolve_early(&e, c, T, foil_T, NULL, scratch, own.s, err);
	str_done(&own);
	arena_free(scratch);
	return ok;
}

/* A long prompt's run may keep less than everything (layer.h). */
static bool can_read(const struct edit *e, const struct run *r, const char *line, struct err *err)
{
	enum site site = e->place.site == SITE_RESULT	? SITE_Z
			 : e->place.site == SITE_SCORES ? SITE_Q
			 : e->place.site == SITE_EXPERT ? SITE_MLP_POST
							: e->place.site;

	if (norms_is(site))
		site = norms_source(site);
	return site == SITE_NONE || run_has(r, site) ||
	       err_set(err, ERR_MEMORY,
		       "edit \"%s\": %s reads %s, which the run of so long a prompt does not keep; shorten the "
		       "prompt",
		       line, edit_ops[e->op].word, site_table[e->place.site].name);
}

bool edit_resolve(struct edit *e, const struct edit_context *context, struct arena *arena, struct err *err)
{
	const struct config *c = &context->model->config;
	struct str line;
	bool ok;

	if (e->resolved)
		return true;
	str_init(&line);
	edit_print(e, &line);
	ok = resolve_early(e, c, context->T, context->foil ? context->foil->T : -1, context->assets, arena, line.s, err);
	if (ok && (e->op == EDIT_RESAMPLE || (e->op == EDIT_MEAN && e->file)))
		ok = resolve_prompts(e, context, arena, err);
	else if (ok && e->op == EDIT_MEAN)
		ok = can_read(e, context->unedited, line.s, err) &&
		     (e->place.site == SITE_EXPERT ? resolve_experts_mean : resolve_mean)(e, c, context->unedited, arena, err);
	if (ok && e->op == EDIT_NOISE)
		ok = resolve_noise(e, context, arena, err);
	if (ok && e->op == EDIT_FREEZE) {
		e->source = context->unedited;
		ok = can_read(e, e->source, line.s, err) &&
		     (!norms_is(e->place.site) || resolve_scales(e, context, arena, line.s, err));
	}
	if (e->op == EDIT_PATCH || e->op == EDIT_INTERCHANGE)
		e->source = context->foil;
	if (ok && e->source)
		ok = can_read(e, e->source, line.s, err);
	e->resolved = ok;
	str_done(&line);
	return ok;
}

/* ---- made in memory ---- */

struct edit edit_take(struct place place, const struct run *source)
{
	return (struct edit){ .place = place, .op = EDIT_PATCH, .source = source, .resolved = true };
}

struct edit edit_put(struct place place, const float *rows, int from, int n)
{
	return (struct edit){ .place = place, .op = EDIT_PATCH, .rows = rows, .rows_from = from, .rows_n = n, .resolved = true };
}

struct edit edit_suppress(const float *factor, int T, struct arena *arena)
{
	struct edit e = { .place = place_at(SITE_SCORES, 0, -1, -1), .op = EDIT_SCALE, .factor = factor, .resolved = true };
	int first = 0;

	e.place.every_layer = true;
	while (first < T && factor[first] == 1)
		first++;
	e.at = arena_alloc(arena, (size_t)T * sizeof *e.at);
	e.at_count = T;
	for (int t = first; t < T; t++)
		e.at[t] = true;
	return e;
}

struct edit edit_at(const struct place *place, enum edit_op op, struct arena *arena)
{
	struct edit e = { .place = place_at(place->site, place->layer, -1, -1), .op = op, .amount = 1 };

	e.place.also_mlp = place->also_mlp;
	e.place.every_layer = place->every_layer;
	e.place.unit = place->unit;
	e.place.unit_to = place->unit_to;
	if (place->position >= 0) {
		e.ranges = 1;
		e.range = arena_alloc(arena, sizeof *e.range);
		*e.range = (struct position_range){ place->position, place->position_to, false };
	}
	if (place->key >= 0) {
		e.has_key = true;
		e.key = place->key;
		e.key_to = place->key_to;
	}
	return e;
}

/* ---- the ops ---- */

uint32_t edit_sites(const struct edit *e, int layer)
{
	if (e->place.layer != layer && !e->place.every_layer)
		return 0;
	return (uint32_t)1 << e->place.site | (e->place.also_mlp ? (uint32_t)1 << SITE_MLP_OUT : 0);
}

bool edit_hits(const struct edit *e, enum site site, int layer)
{
	return edit_sites(e, layer) >> site & 1;
}

bool edit_covers(const struct edit *e, int position)
{
	if (e->source && position >= e->source->T)
		return false;
	if (e->rows && (position < e->rows_from || position >= e->rows_from + e->rows_n))
		return false;
	return !e->at || (position < e->at_count ? e->at[position] : e->onward);
}

int edit_first_position(const struct edit *e)
{
	int t = e->rows ? e->rows_from : 0;

	while (e->at && t < e->at_count && !e->at[t])
		t++;
	return t;
}

/* Whether the op puts something in the value's place. */
static bool puts_value(const struct edit *e)
{
	return e->op == EDIT_ZERO || e->op == EDIT_MEAN || e->op == EDIT_PATCH || e->op == EDIT_RESAMPLE || e->op == EDIT_FREEZE;
}

bool edit_replaces(const struct edit *e, enum site site, int layer, int t0)
{
	return puts_value(e) && e->place.unit < 0 && !e->at && edit_hits(e, site, layer) && (!e->rows || e->rows_from <= t0);
}

/* What is put at a position. */
static const float *put_row(const struct edit *e, enum site site, int position, size_t from, size_t n)
{
	if (e->rows)
		return e->rows + (size_t)(position - e->rows_from) * n;
	if (!e->source)
		return e->vector + (e->place.also_mlp && site == SITE_MLP_OUT ? n : 0);
	return run_at(e->source, site == SITE_RESULT ? SITE_Z : site, e->place.layer, position) + from;
}

void edit_add_noise(const struct edit *e, int position, size_t first, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += (float)((double)e->amount * e->deviation * noise_normal((uint64_t)e->seed, (uint64_t)position, first + i));
}

/* x[n] takes over from source[n] what lies in the basis (Geiger et al. 2023): x + UᵀU (source − x). */
static void interchange(const struct edit *e, const float *source, float *x, size_t n)
{
	float *delta = xmalloc(n * sizeof *delta);

	for (size_t i = 0; i < n; i++)
		delta[i] = source[i] - x[i];
	for (int k = 0; k < e->basis; k++) {
		const float *u = e->vector + (size_t)k * n;

		kernel_axpy(kernel_dot(u, delta, n), u, x, n);
	}
	free(delta);
}

void edit_apply(const struct edit *e, const struct config *c, enum site site, int position, float *x)
{
	size_t from, n = place_slice(&e->place, c, &from);
	bool second = e->place.also_mlp && site == SITE_MLP_OUT;

	x += from;
	switch (e->op) {
	case EDIT_ZERO:
		memset(x, 0, n * sizeof *x);
		break;
	case EDIT_SCALE:
		for (size_t i = 0; i < n; i++)
			x[i] *= e->amount;
		break;
	case EDIT_ADD:
		if (site != SITE_RESULT)
			kernel_axpy(e->amount, e->vector, x, n);
		break;
	case EDIT_MEAN:
	case EDIT_PATCH:
	case EDIT_RESAMPLE:
	case EDIT_FREEZE:
		memcpy(x, put_row(e, site, position, from, n), n * sizeof *x);
		break;
	case EDIT_NOISE:
		if (site != SITE_RESULT)
			edit_add_noise(e, position, from + (second ? n : 0), x, n);
		break;
	case EDIT_PROJECT:
		if (site != SITE_RESULT)
			kernel_axpy(-kernel_dot(e->vector, x, n), e->vector, x, n);
		break;
	case EDIT_INTERCHANGE:
		if (site != SITE_RESULT)
			interchange(e, put_row(e, site, position, from, n), x, n);
		break;
	default:
		break;
	}
}

bool edit_rules(const struct edit *e)
{
	return e->op == EDIT_FORBID || e->op == EDIT_FORCE;
}

bool edit_adds(const struct edit *e)
{
	return e->op == EDIT_ADD || (puts_value(e) && e->op != EDIT_ZERO);
}

void edit_bias_router(const struct edit *e, const struct config *c, float *logits)
{
	for (int x = 0; e->op == EDIT_BIAS && x < c->experts.X; x++)
		if (edit_has_unit(e, x))
			logits[x] += e->amount;
}

void edit_apply_expert(const struct edit *e, const struct config *c, int expert, int position, float *x)
{
	const size_t D = (size_t)c->D;

	if (edit_rules(e) || e->op == EDIT_BIAS)
		return;
	if (e->source)
		run_expert(e->source, e->place.layer, expert, position, x);
	else if (e->op == EDIT_MEAN)
		memcpy(x, e->vector + (size_t)(expert - e->place.unit) * D, D * sizeof *x);
	else
		edit_apply(e, c, SITE_EXPERT, position, x);
}

void edit_back_expert(const struct edit *e, const struct config *c, float *d)
{
	if (!edit_rules(e) && e->op != EDIT_BIAS)
		edit_back(e, c, d);
}

/* Keys that a query may not see stay hidden. */
static void suppress(const float *factor, int query, float *x)
{
	float least = INFINITY;

	for (int j = 0; j <= query; j++)
		least = x[j] > -INFINITY ? fminf(least, x[j]) : least;
	for (int j = 0; j <= query; j++)
		x[j] = x[j] > -INFINITY ? (x[j] - least) * factor[j] : x[j];
}

void edit_apply_pattern(const struct edit *e, int head, int query, float *x)
{
	int from = e->has_key ? e->key : 0, to = e->has_key ? e->key_to : query;
	float *scores = NULL;
	const float *source = NULL;

	if (!edit_has_unit(e, head))
		return;
	if (e->factor) {
		suppress(e->factor, query, x);
		return;
	}
	if (e->source && e->place.site == SITE_SCORES) {
		source = scores = xmalloc((size_t)e->source->T * sizeof *scores);
		run_scores(e->source, e->place.layer, head, query, scores);
	} else if (e->source) {
		source = run_pattern(e->source, e->place.layer, head, query);
	}
	for (int j = from; j <= to && j <= query; j++) {
		if (source) /* what was hidden by a line before this is seen again */
			x[j] = source[j];
		else if (x[j] == -INFINITY) /* hidden scores stay hidden */
			continue;
		else if (e->op == EDIT_MEAN)
			x[j] = j < e->mean_keys ? e->vector[head * e->mean_keys + j] : 0;
		else if (e->op == EDIT_ADD)
			x[j] += e->amount;
		else
			x[j] = e->op == EDIT_MASK ? -INFINITY : e->op == EDIT_SCALE ? x[j] * e->amount : 0;
	}
	free(scores);
}

/* What a unit of the value that it was given adds to the value that it makes. */
static float slope(const struct edit *e)
{
	return e->op == EDIT_SCALE ? e->amount : e->op == EDIT_ADD || e->op == EDIT_NOISE ? 1 : 0;
}

void edit_back(const struct edit *e, const struct config *c, float *d)
{
	size_t from, n = place_slice(&e->place, c, &from);

	d += from;
	if (e->op == EDIT_PROJECT || e->op == EDIT_INTERCHANGE) /* what lies along the directions is taken out of either */
		for (int k = 0; k < (e->op == EDIT_PROJECT ? 1 : e->basis); k++)
			kernel_axpy(-kernel_dot(e->vector + (size_t)k * n, d, n), e->vector + (size_t)k * n, d, n);
	else
		for (size_t i = 0; i < n; i++)
			d[i] *= slope(e);
}

void edit_back_pattern(const struct edit *e, int head, int query, float *d)
{
	int from = e->has_key ? e->key : 0, to = e->has_key ? e->key_to : query;

	for (int j = from; edit_has_unit(e, head) && j <= to && j <= query; j++)
		d[j] *= slope(e);
}
