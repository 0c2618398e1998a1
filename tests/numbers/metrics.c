/*
 * metrics.c - metrics of a layer inside: values and gradients against PyTorch's (tests/fixtures/metrics, made by
 * tests/reference/make_metrics.py), gradients against central differences through sweeps, sweeps against whole runs, and what is
 * read of the stream against the metric.
 */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>

#include "engine/analysis/analysis.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/model.h"
#include "engine/numbers/pool.h"
#include "engine/run/gradient.h"
#include "engine/run/reading.h"
#include "engine/run/sweep.h"
#include "engine/run/vector_file.h"
#include "tests/numbers/ids.h"
#include "tests/numbers/variant.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#define FOLDER "tests/fixtures/metrics"

static char vector_path[400]; /* of `along VECTOR` */

struct metric_fixture {
	const char *name;
	struct json *about;
	struct model *model;
	int32_t ids[MOST_IDS];
	int T;
	struct run *unedited;
};

/* ---- PyTorch's ---- */

static void with_path(const char *spec, char *room, size_t n)
{
	const char *at = strstr(spec, "VECTOR");

	if (at)
		snprintf(room, n, "%.*s%s%s", (int)(at - spec), spec, vector_path, at + strlen("VECTOR"));
	else
		snprintf(room, n, "%s", spec);
}

static struct run *edited(const struct metric_fixture *f, const struct json_value *edits)
{
	const char *line[16];
	struct err err = { 0 };
	struct run_order order = { .model = f->model, .tokens = f->ids, .T = f->T, .edits = line, .unedited = f->unedited };
	struct run *r;

	for (size_t i = 0; i < json_count(edits); i++)
		line[order.edit_count++] = json_text(json_at(edits, i));
	r = run_new(&order, NULL, &err);
	CHECK_THAT(!!r, "%s runs %s", f->name, err.text);
	return r;
}

static void check_gradient(const struct metric_fixture *f, const struct gradient *g, const struct json_value *want,
			   const char *what)
{
	const size_t D = (size_t)f->model->config.D;
	double worst = 0, scale = 1e-9, number = NAN;

	for (int t = 0; t < f->T; t++)
		for (size_t i = 0; i < D; i++) {
			json_double(json_at(json_at(want, (size_t)t), i), &number);
			scale = fmax(scale, fabs(number));
			worst = fmax(worst, fabs(number - (double)gradient_at(g, SITE_RESID_PRE, 0, t)[i]));
		}
	CHECK_THAT(scale > 1e-6 && worst < 2e-4 * scale, "%s %s: the gradient is PyTorch's, within %.2g of %.2g", f->name, what,
		   worst, scale);
}

static void check_question(const struct metric_fixture *f, const struct json_value *question)
{
	char spec[500], what[600];
	struct metric metric = { .kind = METRIC_NONE };
	struct err err = { 0 };
	double want = NAN, value = NAN;
	struct run *r = edited(f, json_get(question, "edits"));
	struct gradient *g = NULL;

	with_path(json_text(json_get(question, "metric")), spec, sizeof spec);
	json_double(json_get(question, "value"), &want);
	snprintf(what, sizeof what, "%s, %zu edits", json_text(json_get(question, "metric")),
		 json_count(json_get(question, "edits")));
	if (r && CHECK_THAT(metric_resolve(spec, f->unedited, &metric, NULL, &err) &&
				    metric_value(&metric, r, f->unedited, &value, NULL, &err),
			    "%s %s: %s", f->name, what, err.text)) {
		CHECK_THAT(fabs(value - want) < 1e-4 * fmax(1, fabs(want)), "%s %s: %.7g, PyTorch has %.7g", f->name, what, value,
			   want);
		g = gradient_new(r, &metric, f->unedited, 0, NULL, &err);
		if (CHECK_THAT(!!g, "%s %s: %s", f->name, what, err.text))
			check_gradient(f, g, json_get(question, "gradient"), what);
	}
	gradient_unref(g);
	metric_done(&metric);
	run_unref(r);
}

static void write_vector(const struct metric_fixture *f)
{
	const struct json_value *x = json_get(json_root(f->about), "vector");
	const size_t D = (size_t)f->model->config.D;
	float *v = xmalloc(D * (size_t)f->model->config.L * sizeof *v);
	struct err err = { 0 };
	double number = NAN;

	for (size_t i = 0; i < D; i++) {
		json_double(json_at(x, i), &number);
		v[i] = (float)number;
	}
	CHECK_THAT(json_count(x) == D && vector_npy_write(vector_path, v, D, &err), "%s: a vector of %zu %s", f->name, D, err.text);
	free(v);
}

/* ---- what must hold for every kind ---- */

/* Of each kind, and parts of parts; layer 1 is the last of most fixtures. */
/* clang-format off */
static const char *const specs[] = {
	"neuron 1.3", "neuron_pre 1.3 @5", "neuron_up 1.3", "scores 1.1 @6<3", "pattern 1.1 @6<3", "norm resid_mid 1 @5",
		"norm attn_out 1",
	"norm resid_post 0", "along VECTOR resid_post 0 @4", "along VECTOR attn_out 1", "lens #5 resid_post 0",
		"lens #5 mlp_out 1 @5",
	"part head 1.1 of logit #5", "part attn_out 1 of logit_diff #3 #9", "part mlp_out 0 of logit #5",
		"part neuron 1.3 of logit #5",
	"part pattern 1.0 @7<3 of logit #5 @7", "part embed 0 of scores 1.0 @6<3", "part head 0.1 of part head 1.0 of logit #5",
	"part head 0.0 @3 of scores 1.1 @6<3", "part resid_mid 0 of neuron_pre 1.2", "part head 0.1 of norm resid_post 0",
		"part attn_out 0 of neuron_up 1.2",
};
/* clang-format on */

struct metric_question {
	const struct metric_fixture *f;
	struct run *run;
	struct metric metric;
	const char *spec;
};

static double swept(const struct metric_question *q, const char *line, struct arena *arena)
{
	const struct sweep_variant v = variant_of(&line, 1, arena);
	struct err err = { 0 };
	double value = NAN;

	if (!sweep_metric(q->run, q->f->unedited, NULL, &q->metric, &v, 1, &value, NULL, &err))
		CHECK_THAT(false, "%s %s %s: %s", q->f->name, q->spec, line, err.text);
	return value;
}

/* The slope as a site's row grows, from differences near and far. */
static double slope(const struct metric_question *q, const char *place, struct arena *arena)
{
	const double h = 0.01;
	double d[2];
	char line[120];

	for (int k = 0; k < 2; k++) {
		double by = (k + 1) * h, more;

		snprintf(line, sizeof line, "%s scale %.9g", place, 1 + by);
		more = swept(q, line, arena);
		snprintf(line, sizeof line, "%s scale %.9g", place, 1 - by);
		d[k] = (more - swept(q, line, arena)) / (2 * by);
	}
	return (4 * d[0] - d[1]) / 3;
}

static void check_slopes(const struct metric_question *q, const struct gradient *g, struct arena *arena)
{
	static const enum site sites[] = { SITE_RESID_PRE, SITE_Q,	  SITE_K,	 SITE_V,
					   SITE_Z,	   SITE_ATTN_OUT, SITE_MLP_POST, SITE_MLP_OUT };
	const struct config *c = &q->f->model->config;
	double worst = 0;
	char worst_at[120] = "";

	for (int l = 0; l <= metric_layer(&q->metric, c); l++)
		for (size_t s = 0; s < sizeof sites / sizeof *sites; s++)
			for (int t = 3; t <= q->metric.position; t += q->metric.position > 3 ? q->metric.position - 3 : 1) {
				const float *x = run_at(q->run, sites[s], l, t), *d = gradient_at(g, sites[s], l, t);
				double predicted = 0, size = 0.05, gap;
				char place[80];

				for (size_t i = 0; i < run_width(c, sites[s]); i++) {
					predicted += (double)x[i] * (double)d[i];
					size = fmax(size, fabs((double)x[i] * (double)d[i]));
				}
				snprintf(place, sizeof place, "%s %d @%d", site_table[sites[s]].name, l, t);
				gap = fabs(slope(q, place, arena) - predicted) / fmax(size, fabs(predicted));
				if (!(gap <= worst)) {
					worst = gap;
					snprintf(worst_at, sizeof worst_at, "%s, %.5g predicted", place, predicted);
				}
			}
	CHECK_THAT(worst < 2e-2 || (c->activation == ACTIVATION_RELU && worst < 0.5), "%s %s: slopes within %.2g (%s)", q->f->name,
		   q->spec, worst, worst_at);
}

/* The sweep's number is a whole run's; edits above the metric change nothing. */
static void check_sweep(const struct metric_question *q, struct arena *arena)
{
	static const char *const lines[] = { "head 0.1 @2.. zero", "mlp_out 0 @4 scale 2",    "embed 0 @3 scale 0.5",
					     "q 1 @5.. scale 2",   "scores 1.1 @6 scale 0.5", "attn_out 1 scale 0.5",
					     "head 1.1 scale 0.5", "resid_pre 1 @6 zero" };
	double worst = 0;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct err err = { 0 };
		struct run_order order = { .model = q->f->model,
					   .tokens = q->f->ids,
					   .T = q->f->T,
					   .base = q->run,
					   .edits = &lines[i],
					   .edit_count = 1,
					   .unedited = q->f->unedited };
		struct run *whole = run_new(&order, NULL, &err);
		double want = NAN, got = swept(q, lines[i], arena);

		if (CHECK_THAT(whole && metric_value(&q->metric, whole, q->f->unedited, &want, NULL, &err), "%s %s: %s", q->f->name,
			       lines[i], err.text))
			worst = fmax(worst, fabs(want - got) / fmax(1, fabs(want)));
		worst = isnan(got) ? INFINITY : worst;
		run_unref(whole);
	}
	CHECK_THAT(worst < 2e-5, "%s %s: sweeps are whole runs, within %.2g", q->f->name, q->spec, worst);
}

/* What it reads of the stream, and the constants, are the metric. */
static void check_reading(const struct metric_question *q, const struct run *run, struct arena *arena, const char *which)
{
	const struct config *c = &q->f->model->config;
	const bool linear = metric_table[q->metric.kind]->read != NULL;
	struct err err = { 0 };
	struct reading r;
	double sum = 0, all = 0;

	if (!reading_init(&r, &q->metric, run, arena, &err)) {
		CHECK_THAT(err.kind == ERR_ARGUMENT &&
				   (!linear || q->metric.place.site == SITE_MLP_OUT || q->metric.place.site == SITE_MLP_POST ||
				    q->metric.place.site == SITE_EMBED),
			   "%s %s: %s", q->f->name, q->spec, err.text);
		return;
	}
	for (int t = r.from; t < r.from + r.n; t++) {
		double share = reading_share(&r, t, run_at(run, r.site, r.layer, t), c->D);

		sum += share;
		all += fabs(share);
	}
	for (int i = 0; i < r.constants; i++) {
		sum += r.constant[i].share;
		all += fabs(r.constant[i].share);
	}
	CHECK_THAT(linear && fabs(sum - r.value) < 2e-5 * fmax(0.1, all), "%s %s%s: read %.7g, the metric is %.7g", q->f->name,
		   q->spec, which, sum, r.value);
}

static void check_kind(const struct metric_fixture *f, const char *spec, bool slopes)
{
	static const char *const lines[] = { "head 0.1 @2.. scale 0.5", "mlp_out 0 @3 scale 2", "scores 1.1 @5.. scale 0.5",
					     "v 1 @3 scale 2" };
	struct err err = { 0 };
	struct run_order order = {
		.model = f->model, .tokens = f->ids, .T = f->T, .edits = lines, .edit_count = 4, .unedited = f->unedited
	};
	struct metric_question q = { .f = f, .spec = spec, .metric = { .kind = METRIC_NONE } };
	struct arena *arena = arena_new();
	struct gradient *g = NULL;
	char whole[500];

	with_path(spec, whole, sizeof whole);
	q.run = run_new(&order, NULL, &err);
	if (!metric_check(whole, &f->model->config, f->T, &err)) {
		CHECK_THAT(strstr(spec, "neuron_up") || f->model->config.parallel, "%s %s: %s", f->name, spec, err.text);
	} else if (CHECK_THAT(q.run && metric_resolve(whole, f->unedited, &q.metric, NULL, &err), "%s %s: %s", f->name, spec,
			      err.text)) {
		check_reading(&q, f->unedited, arena, "");
		check_reading(&q, q.run, arena, ", edited");
		check_sweep(&q, arena);
		g = slopes ? gradient_new(q.run, &q.metric, f->unedited, 0, NULL, &err) : NULL;
		if (slopes && CHECK_THAT(!!g, "%s %s: %s", f->name, spec, err.text))
			check_slopes(&q, g, arena);
	}
	gradient_unref(g);
	metric_done(&q.metric);
	run_unref(q.run);
	arena_free(arena);
}

/* The spec that is printed is the same metric again. */
static void check_spelling(const struct metric_fixture *f)
{
	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		struct metric a = { .kind = METRIC_NONE }, b = { .kind = METRIC_NONE };
		struct err err = { 0 };
		char whole[500];

		with_path(specs[i], whole, sizeof whole);
		if (!metric_check(whole, &f->model->config, f->T, &err))
			continue;
		CHECK_THAT(metric_resolve(whole, f->unedited, &a, NULL, &err) &&
				   metric_resolve(a.spec, f->unedited, &b, NULL, &err) && metric_equal(&a, &b) &&
				   (strchr(whole, '#') || !strcmp(a.spec, whole)),
			   "%s: %s is %s %s", f->name, whole, a.spec, err.text);
		metric_done(&a);
		metric_done(&b);
	}
}

/* The techniques that take a metric apart are asked of the kinds that can be. */
/* What no direct attribution can take apart names what to ask instead, so that it can be typed as it is. */
static void check_instead(const struct metric_fixture *f)
{
	static const char *const cases[][2] = {
		{ "part neuron 0.1 @2 of logit #3 @2", "ask neuron_pre 0.1 @2" },
		{ "part neuron 0.1 of logit #3", "ask neuron_pre 0.1" },
		{ "part mlp_out 0 @2 of logit #3 @2", "ask neuron_pre of one of its neurons" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_new();
		struct metric m = { 0 };
		struct reading r;
		struct err err = { 0 };
		bool resolved = metric_resolve(cases[i][0], f->unedited, &m, NULL, &err),
		     read = resolved && reading_init(&r, &m, f->unedited, arena, &err);
		size_t said = strlen(err.text), end = strlen(cases[i][1]);

		CHECK_THAT(resolved && !read && said >= end && !strcmp(err.text + said - end, cases[i][1]), "%s %s: %s", f->name,
			   cases[i][0], err.text);
		metric_done(&m);
		arena_free(arena);
	}
}

static void check_kinds(void)
{
	for (int k = 0; k < METRIC_KINDS; k++) {
		const struct metric_info *info = metric_table[k];

		CHECK_THAT(!info->read == (info->instead != NULL), "%s is linear, or says what to ask instead", info->word);
		CHECK_THAT(!info->of_rows == !info->seeds && (!info->of_rows != !info->of_logits || k == METRIC_LOSS),
			   "%s has a value and a gradient", info->word);
	}
}

static void check_fixture(const char *file, int number)
{
	struct metric_fixture f = { .name = file };
	char path[300];
	struct err err = { 0 };
	const struct json_value *questions;

	snprintf(path, sizeof path, FOLDER "/%s", file);
	f.about = json_open(path, 0, &err);
	if (!CHECK_THAT(!!f.about, "%s %s", path, err.text))
		return;
	snprintf(path, sizeof path, "tests/fixtures/%s", json_text(json_get(json_root(f.about), "model")));
	f.model = model_open_for_ids(path, NULL, NULL, &err);
	f.T = read_ids(json_get(json_root(f.about), "ids"), f.ids, MOST_IDS);
	if (f.model)
		f.unedited = run_new(&(struct run_order){ .model = f.model, .tokens = f.ids, .T = f.T }, NULL, &err);
	if (CHECK_THAT(!!f.unedited, "%s %s", file, err.text)) {
		write_vector(&f);
		questions = json_get(json_root(f.about), "questions");
		CHECK_THAT(json_count(questions) >= 18, "%s: %zu questions", file, json_count(questions));
		for (size_t i = 0; i < json_count(questions); i++)
			check_question(&f, json_at(questions, i));
		check_spelling(&f);
		check_instead(&f);
		for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
			check_kind(&f, specs[i], (i + (size_t)number) % 3 == 0);
	}
	run_unref(f.unedited);
	model_free(f.model);
	json_free(f.about);
}

int main(void)
{
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	int n = 0;

	check_kinds();
	snprintf(vector_path, sizeof vector_path, "%s/along.npy", scratch_folder());
	while (dir && (entry = readdir(dir)))
		if (strstr(entry->d_name, ".json"))
			check_fixture(entry->d_name, n++);
	if (dir)
		closedir(dir);
	CHECK_THAT(n >= 4, "%d families", n);
	pool_stop();
	scratch_done();
	return tap_done();
}
