/*
 * backward.c - gradients of every metric at every site of the tiny random models of all families: against central differences of
 * whole runs, through edits too, and what must hold between them. PyTorch's are in autograd.c.
 */
#include <dirent.h>
#include <math.h>

#include "engine/numbers/kernels.h"
#include "engine/numbers/pool.h"
#include "tests/numbers/gradient_fixture.h"

static const double tolerance = 5e-3; /* of differences in single precision; PyTorch's own gradients are compared more closely */

enum { NORMS = 5, MORE_NORMS = 7 }; /* the sets that keep scales, where the model has such norms */

/* Each leaves some way from the site that is moved to the metric; the last has what an edit can do at every kind of site. */
static const char *const edit_sets[][EDITS] = {
	{ NULL },
	{ "attn_out 0 @3 scale 2", "mlp_out 0 @1,4 mean", "resid_pre 1 @2 scale 0.5", NULL },
	{ "pattern 0.1 @4 scale 0.5", "pattern 1.0 @6 zero", "head 1.0 @5 scale -1", "z 0.0 @4 scale 1.5", "q 1.1 scale 0.8",
	  "k 1.0 @2 zero", "v 0.0 @3 scale 2", "conv_in 0.1 @2.. scale 0.6", "conv_gate 1 @4 scale -1", "expert 0.0 @3.. scale 2",
	  "mlp_pre 1 @5 scale 0.7", "neuron 0.3 scale -2", "resid_post 0 @3 patch", NULL },
	{ "embed 0 @3 noise 0.5 1", "scores 0.0 @4 scale 0.7", "conv_in 1 @3 noise 0.3", "conv_gate 0.0 @2..5 scale 1.4",
	  "scores 1.1 @6<3 mask", "scores 1.1 @4 scale 0.5", "pattern 1.1 @4,6 scale 0.5", "resid_pre 1 @1..5 " VECTOR,
	  "mlp_out 1 @4 noise 0.1", NULL },
	{ "head 0.0 @2.. " VECTOR, "head 0.0..1 @3.. scale 0.5", "head 1.1 " BASIS, "head 1.0 @4 " BASIS, "head 1.0 @4.. scale 2",
	  "resid_post 0 @3 " BASIS, "scores 1.0 @5.. add 0.5", "scores 1.1 @6<2..3 patch", "pattern 0.1 @5 add 0.1",
	  "mlp_out 0 @2.. " BASIS, "attn_out 1 @3 scale 2", NULL },
	{ "expert 0.0 @2.. forbid", "router_logits 0 @3.. scale 0.8", "mlp_out 0 @2..4 scale 2", "head 0.0 scale -1",
	  "ln1 1 freeze", "embed 0 @1 noise 1", "ln_final @3.. freeze", "ln1 0 @2..5 freeze", NULL },
	{ "head 0.0 @5.. " VECTOR, "head 1.1 @2..5 " VECTOR, "head 1.1 scale 0.7", "head 1.0 @4 scale 2", "head 1.0 @6.. " VECTOR,
	  "head 0.1 @5 noise 0.2", "scores 0.1 @3 patch", "attn_out 1 @4 " VECTOR, "head 0.0..1 @6 scale 0.5", NULL },
	{ "embed 0 @1 noise 1", "head 0.0 scale -1", "mlp_out 0 @2..4 scale 2", "neuron 1.3 scale -2", "head 1.0 @4.. " VECTOR,
	  "ln1_post 0 @3.. freeze", "ln1_post 1 freeze", "ln2_post 1 @2..5 freeze", "q_norm 1 freeze", "k_norm 1 @1..4 freeze",
	  NULL },
};

static const char *const metrics[] = { "logit #5", "logprob #7", "logit_diff #3 #9", "entropy", "loss", "kl", "logit #4 @-3" };

/* ---- central differences ---- */

/* A vector of noise as large as x, and a file of it. */
static char *direction(const float *x, float *v, size_t n, unsigned *state)
{
	double size = 0;

	for (size_t i = 0; i < n; i++)
		size += (double)x[i] * (double)x[i];
	for (size_t i = 0; i < n; i++)
		v[i] = noise(state) * (float)sqrt(size / (double)n + 1e-6);
	return npy_file("direction.npy", v, 1, n);
}

struct backward_question {
	const struct gradient_fixture *f;
	const char *const *edits; /* NULL at the end */
	struct metric metric;
	const struct run *run;
	struct gradient *g;
	int compared, kinks;
	double worst;
	char worst_at[100];
};

/* The metric with one more edit: "… add FILE amount", "… scale amount". */
static double with(const struct backward_question *q, const char *line, double amount)
{
	struct err err = { 0 };
	const char *edits[EDITS + 2];
	char last[300];
	double value = NAN;
	struct run *r;
	int n = 0;

	while (q->edits[n]) {
		edits[n] = q->edits[n];
		n++;
	}
	snprintf(last, sizeof last, "%s %.9g", line, amount);
	edits[n++] = last;
	edits[n] = NULL;
	r = make_run(q->f, q->f->ids, edits);
	if (r && !metric_value(&q->metric, r, q->f->unedited, &value, NULL, &err))
		CHECK_THAT(false, "%s", err.text);
	run_unref(r);
	return value;
}

/* The slope along an edit's amount at `at` by differences of that step, its error of fourth order; how far its halves disagree. */
static double difference(const struct backward_question *q, const char *line, double at, double h, double *disagree)
{
	double near = (with(q, line, at + h) - with(q, line, at - h)) / (2 * h);
	double far = (with(q, line, at + 2 * h) - with(q, line, at - 2 * h)) / (4 * h);

	*disagree = fabs(near - far);
	return (4 * near - far) / 3;
}

/* Of some steps the one whose halves agree best: a long one crosses kinks and bends, a short one drowns in rounding. */
static double slope(const struct backward_question *q, const char *line, double at)
{
	static const double steps[] = { 0.04, 0.01, 0.0025 };
	double best = NAN, least = INFINITY;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		double disagree, x = difference(q, line, at, steps[i], &disagree);

		if (disagree < least) {
			least = disagree;
			best = x;
		}
	}
	return best;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Halves can agree by chance: in doubt, the middle one of more steps. */
static double slope_in_doubt(const struct backward_question *q, const char *line, double at)
{
	enum { STEPS = 7 };
	static const double steps[STEPS] = { 0.06, 0.04, 0.03, 0.02, 0.015, 0.01, 0.007 };
	double found[STEPS], disagree;

	for (int i = 0; i < STEPS; i++)
		found[i] = difference(q, line, at, steps[i], &disagree);
	qsort(found, STEPS, sizeof *found, by_size);
	return found[STEPS / 2];
}

/* A difference across a kink, or across the choice of other experts, is not the slope on either side. */
static bool has_kinks(const struct config *c)
{
	return c->activation == ACTIVATION_RELU || c->qkv_clip > 0 || c->experts.X;
}

static void compare(struct backward_question *q, const char *line, double at, double predicted, double scale)
{
	const double against = fmax(fabs(predicted), fmax(scale, 0.1));
	double measured = slope(q, line, at), gap = fabs(measured - predicted) / against;

	q->compared++;
	if (gap > tolerance && !has_kinks(&q->f->model->config)) {
		measured = slope_in_doubt(q, line, at);
		gap = fabs(measured - predicted) / against;
	}
	if (has_kinks(&q->f->model->config) && gap > tolerance) {
		q->kinks++;
		return;
	}
	if (!(gap <= q->worst)) {
		q->worst = gap;
		snprintf(q->worst_at, sizeof q->worst_at, "%.40s: %.6g, predicted %.6g", line, measured, predicted);
	}
}

/* The site at (layer, t) moved along a random direction. */
static void move_site(struct backward_question *q, enum site site, int layer, int t, unsigned *state)
{
	const struct place place = place_at(site, layer, -1, -1);
	size_t from, n = place_slice(&place, &q->f->model->config, &from);
	const float *x = run_at(q->run, site, layer, t), *g = gradient_at(q->g, site, layer, t);
	float *v = malloc(n * sizeof *v);
	char *path = direction(x, v, n, state), line[200];
	double predicted = 0, scale = 0;

	for (size_t i = 0; i < n; i++) {
		predicted += (double)g[i] * (double)v[i];
		scale += pow((double)g[i] * (double)v[i], 2);
	}
	snprintf(line, sizeof line, "%s %d @%d add %s", site_table[site].name, layer, t, path);
	compare(q, line, 0, predicted, sqrt(scale));
	free(path);
	free(v);
}

static void move_weight(struct backward_question *q, int layer, int head, int query, int key)
{
	double w = (double)run_pattern(q->run, layer, head, query)[key],
	       g = (double)gradient_pattern(q->g, layer, head, query)[key];
	char line[100];

	snprintf(line, sizeof line, "pattern %d.%d @%d<%d scale", layer, head, query, key);
	compare(q, line, 1, w * g, 0);
}

static bool has_site(const struct config *c, enum site site, int layer)
{
	const enum dim unit = site_table[site].unit;

	const bool conv = config_mixer(c, layer) == MIXER_CONV;

	if (site == SITE_CONV_IN || site == SITE_CONV_GATE)
		return conv;
	if (conv && (site == SITE_Q || site == SITE_K || site == SITE_V))
		return false;
	return unit == DIM_NEURON   ? !config_mixes(c, layer)
	       : unit == DIM_EXPERT ? config_mixes(c, layer)
				    : site != SITE_RESID_MID || !c->parallel;
}

static void check_differences(struct backward_question *q, const char *spec, int set)
{
	static const enum site sites[] = {
		SITE_RESID_PRE,	     SITE_Q,	   SITE_K,	   SITE_V,	 SITE_Z,	  SITE_ATTN_OUT,
		SITE_RESID_MID,	     SITE_MLP_PRE, SITE_MLP_POST,  SITE_MLP_OUT, SITE_RESID_POST, SITE_ROUTER_LOGITS,
		SITE_EXPERT_WEIGHTS, SITE_CONV_IN, SITE_CONV_GATE,
	};
	const struct config *c = &q->f->model->config;
	unsigned state = 7;

	for (int l = 0; l < 2; l++) {
		for (size_t s = 0; s < sizeof sites / sizeof *sites; s++)
			if (has_site(c, sites[s], l)) {
				move_site(q, sites[s], l, 3, &state);
				move_site(q, sites[s], l, q->metric.position, &state);
			}
		if (config_mixer(c, l) != MIXER_ATTENTION)
			continue;
		move_weight(q, l, c->H - 1, q->metric.position, q->metric.position - 1);
		move_weight(q, l, 0, 4, 3);
	}
	CHECK_THAT(q->worst <= tolerance && q->kinks * 2 < q->compared,
		   "%s, %s, edits %d: %d central differences, gap at most %.2g (%s)", q->f->name, spec, set, q->compared, q->worst,
		   q->worst_at);
}

/* ---- what must hold ---- */

static bool all_zero(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (x[i] != 0)
			return false;
	return true;
}

/* Positions after the metric's cannot matter. */
static void check_causality(const struct backward_question *q)
{
	const struct config *c = &q->f->model->config;
	int wrong = 0, last = q->metric.kind == METRIC_LOSS ? q->f->T - 2 : q->metric.position;

	for (int l = 0; l < c->L; l++)
		for (int t = last + 1; t < q->f->T; t++)
			for (int s = 0; s < SITE_COUNT; s++)
				if (site_table[s].stored && s != SITE_PATTERN && run_has(q->run, (enum site)s))
					wrong += !all_zero(gradient_at(q->g, (enum site)s, l, t), run_width(c, (enum site)s));
	CHECK_THAT(!wrong, "%s: no gradient after the metric's position", q->f->name);
}

/*
 * z = Σ w v, and scores q·k enter by softmax alone: the pattern's gradient along the weights is z's along z; and the sums over a
 * group of queries' and of keys' products are the same, since both see only q·k.
 */
static void check_sums(const struct backward_question *q)
{
	const struct config *c = &q->f->model->config;
	double along_w = 0, along_z = 0, along_q = 0, along_k = 0, size = 1e-9;

	if (config_mixer(c, 0) != MIXER_ATTENTION)
		return;
	for (int t = 0; t < q->f->T; t++) {
		const float *z = run_at(q->run, SITE_Z, 0, t), *gz = gradient_at(q->g, SITE_Z, 0, t);
		const float *x = run_at(q->run, SITE_Q, 0, t), *gx = gradient_at(q->g, SITE_Q, 0, t);
		const float *k = run_at(q->run, SITE_K, 0, t), *gk = gradient_at(q->g, SITE_K, 0, t);

		for (int h = 0; h < c->H; h++)
			for (int j = 0; j <= t; j++)
				along_w += (double)run_pattern(q->run, 0, h, t)[j] * (double)gradient_pattern(q->g, 0, h, t)[j];
		for (int i = 0; i < c->H * c->K; i++) {
			along_z += (double)z[i] * (double)gz[i];
			along_q += (double)x[i] * (double)gx[i];
			size += fabs((double)z[i] * (double)gz[i]) + fabs((double)x[i] * (double)gx[i]);
		}
		for (int i = 0; i < c->G * c->K; i++)
			along_k += (double)k[i] * (double)gk[i];
	}
	CHECK_THAT(fabs(along_w - along_z) < 1e-5 * size, "%s: along the weights %.6g, along z %.6g", q->f->name, along_w, along_z);
	CHECK_THAT(fabs(along_q - along_k) < 1e-5 * size, "%s: along queries %.6g, along keys %.6g", q->f->name, along_q, along_k);
}

/* With the scales of norms frozen and without biases to shift it, the last stream's share of a logit is the logit. */
static void check_frozen(const struct backward_question *q)
{
	struct err err = { 0 };
	const struct model *m = q->f->model;
	const struct config *c = &m->config;
	struct metric metric = { .kind = METRIC_LOGIT, .target = { 5, -1 }, .position = q->f->T - 1 };
	struct gradient *g;
	double along = 0, value;

	if (c->logit_cap > 0 || m->ln_final.bias || m->b_U || !metric_value(&metric, q->run, q->run, &value, NULL, &err))
		return;
	g = gradient_new(q->run, &metric, q->run, FROZEN_NORMS | FROZEN_PATTERNS, NULL, &err);
	for (int i = 0; i < c->D; i++)
		along += (double)gradient_at(g, SITE_RESID_POST, c->L - 1, metric.position)[i] *
			 (double)run_at(q->run, SITE_RESID_POST, c->L - 1, metric.position)[i];
	CHECK_THAT(fabs(along - value) < 1e-4 * fmax(1, fabs(value)), "%s: frozen gradient along the stream %.6g is the logit %.6g",
		   q->f->name, along, value);
	CHECK_THAT(all_zero(gradient_at(g, SITE_Q, 0, 3), (size_t)(c->H * c->K)), "%s: frozen patterns ask no queries", q->f->name);
	gradient_unref(g);
}

static void check_question(const struct gradient_fixture *f, const char *spec, int set)
{
	struct err err = { 0 };
	struct backward_question q = { .f = f, .edits = edit_sets[set] };

	q.run = set ? make_run(f, f->ids, q.edits) : run_ref(f->unedited);
	if (CHECK_THAT(q.run && metric_resolve(spec, f->unedited, &q.metric, NULL, &err), "%s: %s %s", f->name, spec, err.text) &&
	    CHECK_THAT((q.g = gradient_new(q.run, &q.metric, f->unedited, 0, NULL, &err)) != NULL, "%s: has a gradient %s", f->name,
		       err.text)) {
		check_differences(&q, spec, set);
		check_causality(&q);
		if (set == 0)
			check_sums(&q);
		if (set == 0)
			check_frozen(&q);
	}
	gradient_unref(q.g);
	run_unref((struct run *)(uintptr_t)q.run);
}

/*
 * Attention goes back by blocks of queries, of which a short prompt has one: a key and a value sum up what all of them ask,
 * whichever block they are in.
 */
static void check_long(const struct gradient_fixture *short_one)
{
	enum { LONG = 33 };
	static const char *const no_edits[] = { NULL };
	const struct config *c = &short_one->model->config;
	struct gradient_fixture f = *short_one;
	struct err err = { 0 };
	struct backward_question q = { .f = &f, .edits = no_edits };
	unsigned state = 11;

	f.T = c->context_is_hard && c->context < LONG ? c->context : LONG;
	for (int t = 0; t < f.T; t++)
		f.ids[t] = short_one->ids[t % short_one->T];
	f.unedited = make_run(&f, f.ids, NULL);
	q.run = f.unedited;
	if (q.run && CHECK_THAT(metric_resolve("logit #5", q.run, &q.metric, NULL, &err), "%s: %s", f.name, err.text) &&
	    CHECK_THAT((q.g = gradient_new(q.run, &q.metric, q.run, 0, NULL, &err)) != NULL, "%s: %s", f.name, err.text)) {
		check_sums(&q);
		for (int t = 1; t < f.T; t += 9) {
			move_site(&q, SITE_K, 0, t, &state);
			move_site(&q, SITE_V, 0, t, &state);
		}
		CHECK_THAT(q.worst <= tolerance && q.kinks * 2 < q.compared, "%s, %d tokens: gap at most %.2g (%s)", f.name, f.T,
			   q.worst, q.worst_at);
	}
	gradient_unref(q.g);
	run_unref(f.unedited);
}

/* Which metric a model is asked with which edits: the same whatever other models there are. */
static size_t turn_of(const char *name, size_t set)
{
	size_t sum = set;

	while (*name)
		sum = 31 * sum + (unsigned char)*name++;
	return sum % (sizeof metrics / sizeof *metrics);
}

static int check_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir))) {
		struct gradient_fixture f = { .name = entry->d_name };
		char *path = file_join(folder, entry->d_name);

		if (entry->d_name[0] != '.' && open_fixture(&f, path)) {
			for (size_t set = 0; set < sizeof edit_sets / sizeof *edit_sets; set++) {
				const struct layer *y = &f.model->layers[0];

				if (!tap_takes_some(turn_of(f.name, 0), set, 8, 2) || (set == NORMS && !y->ln1.there) ||
				    (set == MORE_NORMS && !y->ln1_post.there && !y->q_norm.there))
					continue;
				size_t turn = turn_of(f.name, set);

				if (set == 0 && !strcmp(metrics[turn], "kl"))
					turn = 0; /* of a run with itself: flat */
				check_question(&f, metrics[turn], (int)set);
			}
			if (tap_takes((size_t)n, 0, 4))
				check_long(&f);
			n++;
		}
		close_fixture(&f);
		free(path);
	}
	if (dir)
		closedir(dir);
	return n;
}

int main(void)
{
	int tiny = check_folder("tests/fixtures/tiny"), families = check_folder("tests/fixtures/families");

	CHECK_THAT(tiny >= 7 && families >= 38, "%d and %d models were looked at", tiny, families);
	scratch_done();
	pool_stop();
	return tap_done();
}
