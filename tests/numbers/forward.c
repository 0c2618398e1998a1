/*
 * forward.c - the forward pass against transformers: logits, every site and every kind of edit of the tiny random models in
 * tests/fixtures/tiny (made by tests/reference/make_tiny.py), and the identities that hold between runs.
 */
#include <dirent.h>

#include "engine/base/file.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/pool.h"
#include "engine/run/sweep.h"
#include "tests/numbers/fixture.h"
#include "tests/numbers/variant.h"

static struct run *make_run(const struct fixture *f, const char *const *edits, int edit_count, const struct run *foil,
			    struct err *err)
{
	struct run_order order = { .model = f->model,
				   .tokens = f->ids,
				   .T = f->n,
				   .edits = edits,
				   .edit_count = edit_count,
				   .unedited = f->run,
				   .foil = foil };

	return run_new(&order, NULL, err);
}

static bool open_fixture(struct fixture *f, const char *folder)
{
	struct err err = { 0 };
	char path[500];
	struct run_order order = { 0 };

	f->model = model_open(folder, NULL, NULL, &err);
	if (!CHECK_THAT(f->model, "%s opens%s%s", f->name, err.kind ? ": " : "", err.text))
		return false;
	snprintf(path, sizeof path, "%s/expected.safetensors", folder);
	f->expected = weights_open(path, &err);
	snprintf(path, sizeof path, "%s/expected.json", folder);
	f->about = json_open(path, 0, &err);
	if (!CHECK_THAT(f->expected && f->about, "%s: its reference opens %s", f->name, err.text))
		return false;
	f->n = read_ids(json_get(json_root(f->about), "ids"), f->ids, MOST_IDS);
	f->foil_n = read_ids(json_get(json_root(f->about), "foil_ids"), f->foil_ids, MOST_IDS);
	f->run = make_run(f, NULL, 0, NULL, &err);
	order = (struct run_order){ .model = f->model, .tokens = f->foil_ids, .T = f->foil_n };
	f->foil = run_new(&order, NULL, &err);
	return CHECK_THAT(f->run && f->foil, "%s runs %s", f->name, err.text);
}

static void close_fixture(struct fixture *f)
{
	run_unref(f->run);
	run_unref(f->foil);
	json_free(f->about);
	weights_free(f->expected);
	model_free(f->model);
}

/* Relative file names of the reference's edits are meant from its own folder. */
static void place_vector(const char *line, const char *folder, char *out, size_t n)
{
	const char *at = strstr(line, "vector.npy");

	if (at)
		snprintf(out, n, "%.*s%s/%s", (int)(at - line), line, folder, at);
	else
		snprintf(out, n, "%s", line);
}

static void check_edits(const struct fixture *f, const char *folder)
{
	char path[500], line[600];
	struct err err = { 0 };
	struct json *doc;
	int V = f->model->config.V;
	float *want = malloc((size_t)V * sizeof *want);

	snprintf(path, sizeof path, "%s/interventions.json", folder);
	doc = json_open(path, 0, &err);
	CHECK_THAT(doc && json_count(json_root(doc)) > 5, "%s has edits to compare %s", f->name, err.text);
	for (size_t i = 0; i < json_count(json_root(doc)); i++) {
		const struct json_value *e = json_at(json_root(doc), i);
		const char *edits[1] = { line };
		struct run *r;

		place_vector(json_text(json_get(e, "edit")), folder, line, sizeof line);
		r = make_run(f, edits, 1, f->foil, &err);
		if (!CHECK_THAT(r, "%s %s %s", f->name, line, err.text))
			continue;
		for (int j = 0; j < V; j++) {
			double x = NAN;

			json_double(json_at(json_get(e, "logits_last"), (size_t)j), &x);
			want[j] = (float)x;
		}
		CHECK_NEAR(r->last_logits, want, V, tolerance, "%s %s", f->name, line);
		run_unref(r);
	}
	json_free(doc);
	free(want);
}

static bool same_layer(const struct run *a, const struct run *b, int l, int rows)
{
	const struct config *c = &a->model->config;

	for (int t = 0; t < rows; t++)
		if (memcmp(run_at(a, SITE_RESID_POST, l, t), run_at(b, SITE_RESID_POST, l, t), (size_t)c->D * sizeof(float)) ||
		    memcmp(run_at(a, SITE_Z, l, t), run_at(b, SITE_Z, l, t), (size_t)(c->H * c->K) * sizeof(float)) ||
		    memcmp(run_at(a, SITE_MLP_POST, l, t), run_at(b, SITE_MLP_POST, l, t), (size_t)c->F * sizeof(float)))
			return false;
	return true;
}

static bool same_run(const struct run *a, const struct run *b)
{
	for (int l = 0; l < a->model->config.L; l++)
		if (!same_layer(a, b, l, a->T))
			return false;
	return !memcmp(a->last_logits, b->last_logits, (size_t)a->model->config.V * sizeof(float));
}

/* A run made from another one's parts is the run that is made from nothing. */
static void check_reuse(const struct fixture *f)
{
	const struct config *c = &f->model->config;
	struct err err = { 0 };
	struct run_order whole = { .model = f->model, .tokens = f->ids, .T = f->n }, part = whole, longer;
	struct run *shorter, *grown, *again;

	part.T = f->n / 2;
	shorter = run_new(&part, NULL, &err);
	longer = whole;
	longer.prefix = shorter;
	grown = run_new(&longer, NULL, &err);
	again = run_new(&whole, NULL, &err);
	CHECK_THAT(same_run(grown, f->run), "%s: grown from a shorter prompt, equal bit for bit", f->name);
	CHECK_THAT(same_run(again, f->run), "%s: run again, equal bit for bit", f->name);
	run_unref(again);
	longer.prefix = f->foil;
	again = run_new(&longer, NULL, &err);
	CHECK_THAT(same_run(again, f->run), "%s: grown from the foil's run, equal bit for bit", f->name);
	run_unref(again);
	run_unref(grown);
	run_unref(shorter);

	/* causality: an edit at a position leaves all before it alone; in a layer, all below it */
	char line[64];
	const char *edits[1] = { line };
	int last = c->L - 1;

	snprintf(line, sizeof line, "head %d.0 @%d zero", last, f->n - 2);
	again = make_run(f, edits, 1, NULL, &err);
	CHECK_THAT(again && same_layer(again, f->run, last, f->n - 2) && (last == 0 || same_layer(again, f->run, 0, f->n)),
		   "%s: an edit changes nothing before its position and below its layer", f->name);
	CHECK_THAT(again && memcmp(run_at(again, SITE_RESID_POST, last, f->n - 2), run_at(f->run, SITE_RESID_POST, last, f->n - 2),
				   4 * (size_t)c->D),
		   "%s: and it does change something there", f->name);
	run_unref(again);
}

/* Identities of edits. */
static void check_identities(const struct fixture *f)
{
	const struct config *c = &f->model->config;
	struct err err = { 0 };
	char pattern[40];
	int attends = 0;
	const char *own[] = { "resid_pre 1 patch", "head 0.1 patch",  "attn_out 0 patch",
			      "mlp_out 1 patch",   "layer 1 scale 1", pattern };
	const char *all[] = { "resid_pre 1 patch" };
	struct run *r;

	while (config_mixer(c, attends) != MIXER_ATTENTION)
		attends++;
	snprintf(pattern, sizeof pattern, "pattern %d.0 patch", attends);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		r = make_run(f, own + i, 1, f->run, &err); /* the run's own values */
		CHECK_THAT(r && same_run(r, f->run), "%s: %s with its own value changes nothing %s", f->name, own[i], err.text);
		run_unref(r);
	}
	if (f->foil_n == f->n) {
		r = make_run(f, all, 1, f->foil, &err);
		CHECK_THAT(r && !memcmp(r->last_logits, f->foil->last_logits, (size_t)c->V * sizeof(float)),
			   "%s: the whole stream patched is the foil's run", f->name);
		run_unref(r);
	}
	/* parts sum to the whole */
	float *sum = calloc((size_t)c->D, sizeof *sum), *part = calloc((size_t)c->D, sizeof *part);

	run_attention_bias(f->run, 1, 2, sum);
	for (int h = 0; h < c->H; h++) {
		run_result(f->run, 1, h, 2, part);
		for (int i = 0; i < c->D; i++)
			sum[i] += part[i];
	}
	CHECK_NEAR(sum, run_at(f->run, SITE_ATTN_OUT, 1, 2), c->D, 1e-5, "%s: heads and b_O sum to attn_out", f->name);
	free(sum);
	free(part);
}

/* A sweep's cell is the single edit that it stands for. */
static void check_sweep(const struct fixture *f)
{
	const struct config *c = &f->model->config;
	struct err err = { 0 };
	struct metric metric;
	int n = c->L * c->H * 2;
	char(*line)[64] = calloc((size_t)n, sizeof *line);
	const char **words = calloc((size_t)n, sizeof *words);
	struct sweep_variant *v = calloc((size_t)n, sizeof *v);
	struct arena *arena = arena_new();
	double *value = calloc((size_t)n, sizeof *value);
	static const char *const specs[] = { "", "entropy", "kl", "loss", "logit_diff #3 #7 @2" };

	for (int i = 0; i < n; i++) {
		int head = i / 2;

		snprintf(line[i], sizeof *line, "head %d.%d %s", head / c->H, head % c->H, i % 2 ? "@-1 zero" : "mean");
		words[i] = line[i];
		v[i] = variant_of(words + i, 1, arena);
	}
	for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
		int wrong = 0;

		if (!CHECK_THAT(metric_resolve(specs[s], f->run, &metric, NULL, &err), "%s: metric \"%s\" %s", f->name, specs[s],
				err.text) ||
		    !CHECK_THAT(sweep_metric(f->run, f->run, NULL, &metric, v, n, value, NULL, &err), "%s: sweep %s", f->name,
				err.text))
			continue;
		for (int i = 0; i < n; i++) {
			struct run *r = make_run(f, words + i, 1, NULL, &err);
			double single = NAN;

			if (!r || !metric_value(&metric, r, f->run, &single, NULL, &err) || single != value[i])
				wrong++;
			run_unref(r);
		}
		CHECK_THAT(wrong == 0, "%s: %d cells of a sweep of \"%s\" are exactly the single runs", f->name, n - wrong,
			   metric.spec);
	}
	free(line);
	free(words);
	free(v);
	arena_free(arena);
	free(value);
}

/* Every folder of models; returns how many there were. */
static int check_folder(const char *parent)
{
	DIR *d = opendir(parent);
	int models = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		struct fixture f = { .name = e->d_name };
		char folder[400];

		snprintf(folder, sizeof folder, "%s/%s", parent, e->d_name);
		if (e->d_name[0] == '.' || !file_is_folder(folder))
			continue;
		models++;
		if (open_fixture(&f, folder)) {
			check_sites(&f);
			check_edits(&f, folder);
			check_reuse(&f);
			check_identities(&f);
			check_sweep(&f);
		}
		close_fixture(&f);
	}
	if (d)
		closedir(d);
	return models;
}

int main(void)
{
	int tiny = check_folder("tests/fixtures/tiny"), families = check_folder("tests/fixtures/families");

	CHECK_THAT(tiny >= 7 && families >= 53, "%d and %d models were compared", tiny, families);
	pool_stop();
	return tap_done();
}
