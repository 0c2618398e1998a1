/* asset.c - files that are read: where they are found, what tells one from the next, and what is open. */
#include "engine/run/asset.h"

#include <math.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/intern.h"
#include "engine/run/vector_file.h"
#include "engine/session/session.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#define MODEL "tests/fixtures/tiny/llama3"

static const struct asset_kind *const kinds[] = {
#define ASSET(stem) &asset_##stem,
#include "engine/run/assets.def"
#undef ASSET
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Found where it is seen from, whole or before a colon; another file under its name is told from it. */
static void test_find(void)
{
	char *path = scratch_file("with:colon.npz", "one", 3), *again;
	struct asset_file file, then;
	struct str s;

	str_init(&s);
	CHECK(asset_find(path, NULL, &file) && file.path == intern(path) && !file.part && file.version);
	CHECK(asset_path(path, NULL, NULL) == intern(path));
	str_addf(&s, "%s:blocks.3:weight", path);
	CHECK(asset_find(s.s, NULL, &then) && then.path == file.path && then.version == file.version);
	CHECK_TEXT(then.part, "blocks.3:weight");
	CHECK(asset_path(s.s, NULL, NULL) == intern(s.s));
	CHECK(!asset_find("nowhere.npz:x", NULL, &then) && then.path == intern("nowhere.npz:x") && !then.part && !then.version);
	CHECK(!asset_path("nowhere.npz:x", NULL, NULL));
	unlink(path);
	again = scratch_file("with:colon.npz", "three", 5);
	CHECK(asset_find(again, NULL, &then) && then.version != file.version);
	str_done(&s);
	free(again);
	free(path);
}

/* Beside the file that names it, and among the program's own; a part is found there, too. */
static void test_beside(void)
{
	char *path = scratch_file("beside.npz", "x", 1), *preset = scratch_file("a.yaml", "x", 1);
	struct asset_file file;

	CHECK(!asset_find("beside.npz", NULL, &file));
	CHECK(asset_find("beside.npz:w", preset, &file) && !strcmp(file.path, path) && !strcmp(file.part, "w"));
	CHECK(asset_find("presets/subspace.npy", "nowhere/a.yaml", &file));
	free(preset);
	free(path);
}

/* Each row says what it is, and refuses a file that it is not with a sentence that names it. */
static void test_kinds(void)
{
	char *path = scratch_file("wrong.safetensors", "\xff\xfe no file of any kind", 20);
	struct asset_file file;

	asset_find(path, NULL, &file);
	for (int i = 0; i < KINDS; i++) {
		struct err err = { 0 };
		struct asset *a = assets_open(NULL, kinds[i], &file, NULL, NULL, &err);

		CHECK_THAT(*kinds[i]->help && !a && strstr(err.text, "wrong.safetensors"), "%s: %s", kinds[i]->name, err.text);
		asset_unref(a);
	}
	free(path);
}

/* One that is open is given again for as long as it stays as it was; those that somebody counts outlive the rest. */
static void test_open(void)
{
	struct assets *s = assets_new();
	char *path = scratch_file("prompts.txt", "a b\n", 4);
	struct asset *first, *same, *other, *many;
	struct asset_file file;
	struct err err = { 0 };

	asset_find(path, NULL, &file);
	first = assets_open(s, &asset_prompts, &file, NULL, NULL, &err);
	same = assets_open(s, &asset_prompts, &file, NULL, NULL, &err);
	CHECK_THAT(first && same == first, "%s", err.text);
	other = assets_open(s, &asset_corpus, &file, NULL, NULL, &err);
	CHECK(other && other != first && other->kind == &asset_corpus);
	unlink(path);
	free(scratch_file("prompts.txt", "c d e\n", 6));
	asset_find(path, NULL, &file);
	many = assets_open(s, &asset_prompts, &file, NULL, NULL, &err);
	CHECK_THAT(many && many != first && many->version != first->version, "%s", err.text);
	assets_unref(s);
	CHECK(first->refs == 2 && !strcmp(first->path, path) && many->refs == 1);
	asset_unref(first);
	asset_unref(same);
	asset_unref(other);
	asset_unref(many);
	free(path);
}

static char *write_vector(float first)
{
	char *path = scratch_path("v.safetensors");
	struct err err = { 0 };
	struct model *m = model_open(MODEL, NULL, NULL, &err);
	const size_t n = m ? (size_t)(m->config.L * m->config.D) : 0;
	float *x = xcalloc(n, sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = i % (size_t)m->config.D ? 1 : first;
	unlink(path);
	CHECK_THAT(m && vector_write(path, m, x, 0, m->config.L - 1, &err), "%s", err.text);
	free(x);
	model_free(m);
	return path;
}

/* The metric with that edit. */
static double answer(struct session *s, const char *edit, const char *metric)
{
	struct job job;
	struct err err = { 0 };
	double x = NAN, unedited;

	job_init(&job);
	job_set(&job.model, MODEL);
	job_set(&job.prompt, "a b a");
	job_set(&job.metric, metric);
	if (edit)
		job_add_edit(&job, edit);
	CHECK_THAT(session_prepare(s, &job, NULL, NULL, &err) && session_metric_values(s, &x, &unedited, NULL, &err), "%s: %s",
		   metric, err.text);
	job_done(&job);
	return x;
}

/* A file that was written again under its name is another one, for edits and metrics too, and with a part named in it. */
static void test_rewritten(void)
{
	struct session *s = session_new();
	char *path = write_vector(2), *again;
	struct str edit, metric;
	double edited, along;

	str_init(&edit);
	str_init(&metric);
	str_addf(&edit, "resid_post 0 add %s:direction.0 3", path);
	str_addf(&metric, "along %s:direction.0 resid_post 1", path);
	edited = answer(s, edit.s, "entropy");
	along = answer(s, NULL, metric.s);
	again = write_vector(-20);
	CHECK_THAT(answer(s, edit.s, "entropy") != edited, "%g", edited);
	CHECK_THAT(answer(s, NULL, metric.s) != along, "%g", along);
	str_done(&edit);
	str_done(&metric);
	free(again);
	free(path);
	session_free(s);
}

int main(void)
{
	test_find();
	test_beside();
	test_kinds();
	test_open();
	test_rewritten();
	scratch_done();
	return tap_done();
}
