/*
 * stories.c - a real trained model in every format: stories260K as Hugging Face folders and as GGUF, against logits, streams,
 * attention and greedy tokens that were computed in float64 on the dequantised weights; and its story as its author prints it.
 *
 * The files are not part of the repository: the test is skipped where $LMSCOPE_DATA does not say where they are.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/pool.h"
#include "engine/run/run.h"
#include "engine/session/session.h"
#include "tests/numbers/ids.h"
#include "tests/tap.h"

enum { MOST = 600 };
static const double tolerance = 2e-5; /* of the largest logit */

static char *data(const char *name)
{
	char *folder = file_join(getenv("LMSCOPE_DATA"), "stories260K"), *path = file_join(folder, name);

	free(folder);
	return path;
}

static struct json *open_json(const char *name)
{
	struct err err = { 0 };
	char *path = data(name);
	struct json *doc = json_open(path, 0, &err);

	CHECK_THAT(doc, "%s opens %s", name, err.text);
	free(path);
	return doc;
}

static int read_floats(const struct json_value *v, float *out)
{
	int n = (int)json_count(v);

	for (int i = 0; i < n && i < MOST; i++) {
		double x = NAN;

		json_double(json_at(v, (size_t)i), &x);
		out[i] = (float)x;
	}
	return n;
}

static struct run *run_ids(const struct model *m, const int32_t *ids, int n, const struct run *prefix)
{
	struct run_order order = { .model = m, .tokens = ids, .T = n, .prefix = prefix };
	struct err err = { 0 };
	struct run *r = run_new(&order, NULL, &err);

	CHECK_THAT(r || n > 13, "a run over %d tokens %s", n, err.text);
	return r;
}

/* Appends the likeliest token again and again; the same tokens as the reference's. */
static void check_greedy(const struct model *m, const char *name, const int32_t *prompt, int n, const struct json_value *expected)
{
	int32_t ids[MOST], want[MOST];
	int count = read_ids(expected, want, MOST), right = 0;
	struct run *r;

	memcpy(ids, prompt, (size_t)n * sizeof *ids);
	r = run_ids(m, ids, n, NULL);
	for (int i = 0; r && i < count; i++) {
		int best = 0;
		struct run *longer;

		for (int v = 1; v < m->config.V; v++)
			if (r->last_logits[v] > r->last_logits[best])
				best = v;
		right += best == want[i];
		ids[n + i] = best;
		longer = run_ids(m, ids, n + i + 1, r);
		run_unref(r);
		r = longer;
	}
	run_unref(r);
	CHECK_THAT(count > 0 && right == count, "%s: %d of %d greedy tokens", name, right, count);
}

static struct model *open_model(const char *name)
{
	struct err err = { 0 };
	char *path = data(name);
	struct model *m = model_open(path, NULL, NULL, &err);

	CHECK_THAT(m, "%s opens %s", name, err.text);
	free(path);
	return m;
}

/* One format: the last logits, and the greedy tokens where the reference has them. */
static void check_model(const char *name, const struct json_value *ids_list, const struct json_value *expected)
{
	struct model *m = open_model(name);
	float want[MOST];
	int32_t ids[MOST];
	int n = read_ids(ids_list, ids, MOST);
	struct run *r = m ? run_ids(m, ids, n, NULL) : NULL;

	if (r &&
	    CHECK_THAT(read_floats(json_get(expected, "logits_last"), want) == m->config.V, "%s: a logit for each token", name))
		CHECK_NEAR(r->last_logits, want, m->config.V, tolerance, "%s: last logits", name);
	if (r && json_get(expected, "greedy24"))
		check_greedy(m, name, ids, n, json_get(expected, "greedy24"));
	run_unref(r);
	model_free(m);
}

static void check_ggufs(void)
{
	static const char *const types[] = { "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "IQ4_NL" };
	struct json *doc = open_json("gguf/expected.json");

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		char name[64];

		snprintf(name, sizeof name, "gguf/stories260K-%s.gguf", types[i]);
		check_model(name, json_get(json_root(doc), "ids"), json_get(json_root(doc), types[i]));
	}
	json_free(doc);
}

/* The folders' references also have the streams and the attention of the last position. */
static void check_folder(const char *folder)
{
	char name[64], key[32];
	struct json *doc;
	struct model *m = open_model(folder);
	float want[MOST];
	int32_t ids[MOST];
	int n;
	struct run *r;

	snprintf(name, sizeof name, "%s/expected.json", folder);
	doc = open_json(name);
	check_model(folder, json_get(json_root(doc), "ids"), json_root(doc));
	n = read_ids(json_get(json_root(doc), "ids"), ids, MOST);
	r = m ? run_ids(m, ids, n, NULL) : NULL;
	for (int l = 0; r && l < m->config.L; l++) {
		const struct json_value *heads;

		snprintf(key, sizeof key, "resid_post%d", l);
		if (CHECK_THAT(read_floats(json_get(json_get(json_root(doc), "resid_last"), key), want) == m->config.D, "%s %s",
			       folder, key))
			CHECK_NEAR(run_at(r, SITE_RESID_POST, l, n - 1), want, m->config.D, tolerance, "%s %s", folder, key);
		snprintf(key, sizeof key, "pattern%d", l);
		heads = json_get(json_get(json_root(doc), "pattern_last_query"), key);
		for (int h = 0; h < m->config.H; h++)
			if (CHECK_THAT(read_floats(json_at(heads, (size_t)h), want) == n, "%s %s head %d", folder, key, h))
				CHECK_NEAR(run_pattern(r, l, h, n - 1), want, n, tolerance, "%s %s head %d", folder, key, h);
	}
	run_unref(r);
	model_free(m);
	json_free(doc);
}

static bool add_text(void *context, int32_t id, double probability)
{
	(void)probability;
	struct str *ids = context;

	str_add_n(ids, (const char *)&id, sizeof id);
	return true;
}

/* The beginning of the story that its author prints for temperature 0. */
static void check_story(void)
{
	static const char story[] = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. "
				    "One day, she saw a big, red ball. She wanted to play with it, but it was too high.";
	char *path = data("stories260K.gguf");
	struct session *s = session_new();
	struct job job;
	struct str ids, text;
	struct err err = { 0 };

	str_init(&ids);
	str_init(&text);
	job_init(&job);
	job_set(&job.model, path);
	job_set(&job.prompt, "Once upon a time");
	if (CHECK_THAT(session_prepare(s, &job, NULL, NULL, &err), "stories260K.gguf runs %s", err.text)) {
		str_add(&text, "Once upon a time");
		CHECK(session_generate(s, true, 120, add_text, &ids, NULL, &err));
		for (size_t i = 0; i + sizeof(int32_t) <= ids.n; i += sizeof(int32_t)) {
			int32_t id;
			size_t n;
			const char *bytes;

			memcpy(&id, ids.s + i, sizeof id);
			bytes = tokenizer_bytes(session_model(s)->tokenizer, id, &n);
			str_add_n(&text, bytes, n);
		}
		if (text.n > sizeof story - 1)
			text.s[sizeof story - 1] = '\0';
		CHECK_TEXT(text.s, story);
	}
	str_done(&text);
	str_done(&ids);
	job_done(&job);
	session_free(s);
	free(path);
}

int main(void)
{
	if (!getenv("LMSCOPE_DATA")) {
		tap_skip("LMSCOPE_DATA does not name a folder with stories260K");
		return tap_done();
	}
	check_ggufs();
	check_folder("hf");
	check_folder("hf-f16");
	check_folder("hf-bf16");
	check_story();
	pool_stop();
	return tap_done();
}
