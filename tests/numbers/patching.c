/*
 * patching.c - maps of interventions against tests/fixtures/patching, where every cell is a run of PyTorch of its own
 * (tests/reference/make_patching.py), and the identities of METHODS.
 */
#include <dirent.h>
#include <stdlib.h>

#include "engine/analysis/analysis.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/model.h"
#include "engine/numbers/pool.h"
#include "tests/tap.h"

#define FOLDER "tests/fixtures/patching"
static const double tolerance = 1e-4;

struct fixture {
	const char *name;
	struct json *doc;
	const struct json_value *root;
	struct model *model;
	struct run *run, *foil;
	struct metric metric;
	double m_run, m_foil;
};

static struct run *run_of(const struct fixture *f, const char *member, struct err *err)
{
	const struct json_value *v = json_get(f->root, member);
	int32_t ids[64];
	struct run_order order = { .model = f->model, .tokens = ids, .T = (int)json_count(v) };

	for (int i = 0; i < order.T && i < 64; i++) {
		int64_t id = -1;

		json_int(json_at(v, (size_t)i), &id);
		ids[i] = (int32_t)id;
	}
	return run_new(&order, NULL, err);
}

static bool open_fixture(struct fixture *f, const char *path)
{
	struct err err = { 0 };
	char folder[300];

	if (!CHECK_THAT(!!(f->doc = json_open(path, 0, &err)), "%s %s", path, err.text))
		return false;
	f->root = json_root(f->doc);
	snprintf(folder, sizeof folder, "tests/fixtures/%s", json_text(json_get(f->root, "model")));
	f->model = model_open(folder, NULL, NULL, &err);
	if (!CHECK_THAT(!!f->model, "%s opens %s", f->name, err.text))
		return false;
	f->run = run_of(f, "ids", &err);
	f->foil = run_of(f, "foil_ids", &err);
	json_double(json_get(f->root, "prompt"), &f->m_run);
	json_double(json_get(f->root, "foil"), &f->m_foil);
	return CHECK_THAT(f->run && f->foil && metric_resolve(json_text(json_get(f->root, "metric")), f->run, &f->metric, NULL, &err),
			  "%s runs %s", f->name, err.text);
}

static void close_fixture(struct fixture *f)
{
	run_unref(f->run);
	run_unref(f->foil);
	model_free(f->model);
	json_free(f->doc);
}

/* The table of a technique with "key=value" words; NULL with *err. */
static struct table *ask_for(const struct fixture *f, const struct run *foil, const char *analysis, const char *words, struct err *err)
{
	const struct analysis *a = analysis_find(analysis);
	struct ask ask = { .model = f->model, .run = f->run, .unedited = f->run, .foil = foil, .metric = &f->metric };
	int args[PARAM_MAX];
	char copy[200], *rest = copy, *word;

	analysis_defaults(a, args);
	snprintf(copy, sizeof copy, "%s", words);
	while (*words && (word = strsep(&rest, " "))) {
		char *equals = strchr(word, '=');
		int at;

		*equals = '\0';
		at = param_find(a->params, word);
		if (!CHECK_THAT(at >= 0 && param_parse(&a->params[at], equals + 1, 0, &args[at], err), "%s has %s %s", analysis, word, err->text))
			return NULL;
	}
	return analysis_compute(a, &ask, args, err);
}

static struct table *compute(const struct fixture *f, const char *analysis, const char *words)
{
	struct err err = { 0 };
	struct table *t = ask_for(f, f->foil, analysis, words, &err);

	CHECK_THAT(t && check_holds(&t->check), "%s: %s %s %s", f->name, analysis, words, err.text);
	return t;
}

/* Numbers of nested arrays one after the other, null as NaN; returns how many there are. */
static size_t flatten(const struct json_value *v, float *out, size_t n)
{
	double x = NAN;

	if (json_kind(v) != JSON_ARRAY) {
		json_double(v, &x);
		out[n] = (float)x;
		return n + 1;
	}
	for (size_t i = 0; i < json_count(v); i++)
		n = flatten(json_at(v, i), out, n);
	return n;
}

/* A map of the fixture, raw and normalised. */
static void check_map(const struct fixture *f, const char *direction, const char *site)
{
	const struct json_value *map = json_get(json_get(f->root, direction), site);
	float expected[4096];
	char words[100];
	size_t n = flatten(map, expected, 0);

	for (int raw = 1; raw >= 0; raw--) {
		struct table *t;

		snprintf(words, sizeof words, "site=%s direction=%s show=%s", site, direction, raw ? "raw" : "normalised");
		t = compute(f, "activation-patching", words);
		for (size_t i = 0; !raw && i < n; i++)
			expected[i] = (float)(((double)expected[i] - f->m_foil) / (f->m_run - f->m_foil));
		if (t && CHECK_THAT((size_t)t->rows.n * (size_t)t->cols.n == n && n > 0, "%s: %s has %zu cells", f->name, words, n)) {
			CHECK_NEAR(t->value, expected, n, tolerance, "%s: %s", f->name, words);
			CHECK_THAT(strstr(t->title, direction) && t->footnote, "%s: %s", f->name, t->title);
		}
		table_unref(t);
	}
}

/* The reference's maps; unequal prompts are refused; a prompt patched with itself stays as it is. */
static void check_patching(const struct fixture *f)
{
	static const char *const directions[] = { "noising", "denoising" }, *const sites[] = { "resid_pre", "attn_out", "mlp_out", "head" };
	struct run_order shorter = { .model = f->model, .tokens = f->foil->tokens, .T = f->foil->T - 1 };
	struct err err = { 0 };
	struct run *run = run_new(&shorter, NULL, &err);
	struct table *t = ask_for(f, run, "activation-patching", "", &err);
	char sentence[100];

	snprintf(sentence, sizeof sentence, "equally many tokens; they have %d and %d", f->run->T, f->foil->T - 1);
	CHECK_THAT(!t && err.kind == ERR_ARGUMENT && strstr(err.text, sentence), "%s: %s", f->name, err.text);
	run_unref(run);
	for (int d = 0; d < 2; d++)
		for (int s = 0; s < 4; s++)
			check_map(f, directions[d], sites[s]);

	t = ask_for(f, f->run, "activation-patching", "show=raw", &err);	/* the run's own values */
	for (int i = 0; t && i < t->rows.n * t->cols.n; i++)
		if (t->value[i] != t->value[0])
			table_unref(t), t = NULL;
	CHECK_THAT(!!t, "%s: patching a run with itself changes nothing, exactly", f->name);
	table_unref(t);
}

int main(void)
{
	DIR *dir = opendir(FOLDER);
	int models = 0;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		struct fixture f = { .name = e->d_name };
		char *path = file_join(FOLDER, e->d_name);

		if (e->d_name[0] != '.') {
			models++;
			if (open_fixture(&f, path))
				check_patching(&f);
			close_fixture(&f);
		}
		free(path);
	}
	if (dir)
		closedir(dir);
	CHECK_THAT(models >= 2, "%d models were compared", models);
	pool_stop();
	return tap_done();
}
