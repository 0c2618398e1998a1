/*
 * tuned_lens.c - lenses as the tuned-lens project saves them, against its formula in double precision
 * (tests/reference/make_tuned_lens.py); translators of zero against the logit lens, bit for bit; and lenses that do not fit.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/numbers/pool.h"
#include "engine/session/session.h"
#include "tests/scratch.h"
#include "tests/tap.h"
#include "tests/zero_lens.h"

#define FOLDER "tests/fixtures/tuned_lens/"
#define TINY "tests/fixtures/tiny/"
enum { WORDS = 4 };

/* The table of one technique with arguments; NULL on error. */
static struct table *ask(struct session *s, struct job *job, const char *technique, const char *const words[WORDS], struct err *err)
{
	job->panes = 1;
	job_pane_init(&job->pane[0], analysis_find(technique));
	for (int i = 0; i < WORDS && words[i]; i++)
		if (!job_pane_set(&job->pane[0], words[i], err))
			return NULL;
	return session_prepare(s, job, NULL, NULL, err) ? session_answer(s, 0, NULL, NULL, err) : NULL;
}

/* The last `rows` rows of two tables. */
static bool same_rows(const struct table *a, const struct table *b, int rows)
{
	const size_t cells = a && b ? (size_t)rows * (size_t)a->cols.n : 0;
	const size_t from_a = a ? (size_t)(a->rows.n - rows) * (size_t)a->cols.n : 0,
		     from_b = b ? (size_t)(b->rows.n - rows) * (size_t)b->cols.n : 0;

	return cells && a->cols.n == b->cols.n && !memcmp(a->value + from_a, b->value + from_b, cells * sizeof *a->value) &&
	       !memcmp(a->id + from_a, b->id + from_b, cells * sizeof *a->id);
}

static int wrong_cells(const struct table *t, const struct json_value *rows, const char *member, bool tokens)
{
	int wrong = 0;

	for (int r = 0; r < t->rows.n; r++)
		for (int c = 0; c < t->cols.n; c++) {
			const struct json_value *row = json_at(rows, (size_t)r);
			double x = NAN;
			int64_t id = -1;

			json_double(json_at(json_get(row, member), (size_t)c), &x);
			json_int(json_at(json_get(row, "token"), (size_t)c), &id);
			wrong += !(fabs(x - (double)t->value[table_cell(t, r, c)]) < 2e-5) ||
				 (tokens && id != t->id[table_cell(t, r, c)]);
		}
	return wrong;
}

static void test_reference(const char *name)
{
	struct err err = { 0 };
	char path[200], lens[200], file[200], where[200];
	struct session *s = session_new();
	struct job job;
	struct json *doc;
	const struct json_value *rows;
	struct table *t, *u;

	snprintf(path, sizeof path, FOLDER "%s.json", name);
	snprintf(lens, sizeof lens, "lens=" FOLDER "%s", name);
	snprintf(file, sizeof file, "lens=" FOLDER "%s/params.pt", name);
	snprintf(where, sizeof where, TINY "%s", name);
	doc = json_open(path, 0, &err);
	rows = json_get(json_root(doc), "rows");
	job_init(&job);
	job_set(&job.model, where);
	job_set(&job.prompt, json_text(json_get(json_root(doc), "text")));
	t = ask(s, &job, "tuned-lens", (const char *[WORDS]){ lens }, &err);
	if (CHECK_THAT(t && (int)json_count(rows) == t->rows.n && t->rows.n > 3, "%s: %s", name, err.text)) {
		CHECK_THAT(!wrong_cells(t, rows, "probability", true), "%s: %d of %d probabilities", name,
			   wrong_cells(t, rows, "probability", true), t->rows.n * t->cols.n);
		CHECK_THAT(check_holds(&t->check) && !strcmp(t->check.name, "last layer = output"),
			   "%s: the last row is the output", name);
		CHECK_TEXT(t->rows.label[t->rows.n - 1], "out");
	}
	u = ask(s, &job, "tuned-lens", (const char *[WORDS]){ file }, &err);
	CHECK_THAT(same_rows(t, u, t->rows.n), "%s: params.pt by itself %s", name, err.text);
	table_unref(u);
	u = ask(s, &job, "tuned-lens", (const char *[WORDS]){ lens, "site=resid_post" }, &err);
	CHECK_THAT(u && u->rows.n == t->rows.n - 1 && same_rows(t, u, u->rows.n) && check_holds(&u->check),
		   "%s: after a layer, the next one's translator %s", name, err.text);
	table_unref(u);
	u = ask(s, &job, "tuned-lens", (const char *[WORDS]){ lens, "show=entropy" }, &err);
	CHECK_THAT(u && !wrong_cells(u, rows, "entropy", false), "%s: entropies %s", name, err.text);
	table_unref(u);
	table_unref(t);
	job_done(&job);
	session_free(s);
	json_free(doc);
}

/* With every number that a lens can show, and with the final norm's scale kept by an edit. */
static void test_zero(const char *name, int L, int D)
{
	static const char *const shows[] = {
		"show=probability", "show=logit", "show=rank", "show=target", "show=entropy", "show=kl"
	};
	char *path = zero_lens(name, L, D, 0), lens[200], where[200];
	struct session *s = session_new();
	struct job job;

	snprintf(lens, sizeof lens, "lens=%s", path);
	snprintf(where, sizeof where, TINY "%s", name);
	job_init(&job);
	job_set(&job.model, where);
	job_set(&job.prompt, "one two three two one");
	job_add_edit(&job, "resid_post 0 scale 2");
	job_add_edit(&job, "ln_final freeze");
	for (int edited = 0; edited < 2; edited++)
		for (size_t i = 0; i < sizeof shows / sizeof *shows; i++) {
			struct err err = { 0 };
			struct table *before, *after, *a, *b;

			job.edit[0].on = job.edit[1].on = edited;
			before = ask(s, &job, "tuned-lens", (const char *[WORDS]){ lens, shows[i], "rank=2" }, &err);
			after = ask(s, &job, "tuned-lens", (const char *[WORDS]){ lens, shows[i], "rank=2", "site=resid_post" },
				    &err);
			a = ask(s, &job, "logit-lens", (const char *[WORDS]){ "site=resid_pre", shows[i], "rank=2" }, &err);
			b = ask(s, &job, "logit-lens", (const char *[WORDS]){ "site=resid_post", shows[i], "rank=2" }, &err);
			CHECK_THAT(same_rows(after, b, L), "%s: %s%s as the logit lens, bit for bit %s", name, shows[i],
				   edited ? ", edited," : "", err.text);
			CHECK_THAT(same_rows(before, b, L) && a &&
					   !memcmp(a->value, before->value, (size_t)(a->cols.n) * sizeof *a->value),
				   "%s: %s%s before a layer, too", name, shows[i], edited ? ", edited," : "");
			table_unref(before);
			table_unref(after);
			table_unref(a);
			table_unref(b);
		}
	job_done(&job);
	session_free(s);
	free(path);
}

/* What is saved reads back to the same bits; another file under the same name is another answer. */
static void test_files(void)
{
	struct err err = { 0 };
	char *path = scratch_path("copy.safetensors"), lens[200];
	struct lens *l = asset_lens.open(FOLDER "llama-tied", &err);
	const struct safetensors_note note = { "lmscope", "lens" };
	struct session *s = session_new();
	struct table *a, *b, *c;
	struct job job;
	int L = 0, D = 0;

	if (CHECK_THAT(l, "opens %s", err.text)) {
		L = l->L;
		D = l->D;
		l->note = &note;
		l->notes = 1;
		CHECK_THAT(asset_lens.save(l, path, &err), "saves %s", err.text);
		asset_lens.free(l);
	}
	snprintf(lens, sizeof lens, "lens=%s", path);
	job_init(&job);
	job_set(&job.model, TINY "llama-tied");
	job_set(&job.prompt, "one two three");
	a = ask(s, &job, "tuned-lens", (const char *[WORDS]){ "lens=" FOLDER "llama-tied" }, &err);
	b = ask(s, &job, "tuned-lens", (const char *[WORDS]){ lens }, &err);
	CHECK_THAT(same_rows(a, b, a->rows.n), "a lens that was saved reads back %s", err.text);
	CHECK(!unlink(path));
	free(zero_lens("copy.safetensors", L, D, 0));
	c = ask(s, &job, "tuned-lens", (const char *[WORDS]){ lens }, &err);
	CHECK_THAT(c && !same_rows(b, c, b->rows.n), "a file that was replaced is read again %s", err.text);
	table_unref(a);
	table_unref(b);
	table_unref(c);
	job_done(&job);
	session_free(s);
	free(path);
}

static void test_refused(void)
{
	static const struct {
		const char *says, *header; /* NULL: the file that is named below */
	} files[] = {
		{ "this is no lens (its metadata lmscope is \"probe\")",
		  "{\"__metadata__\":{\"lmscope\":\"probe\"},"
		  "\"weight.0\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}" },
		{ "it has no square matrix", "{\"weight.0\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[0,16]}}" },
		{ "it has no square matrix", "{\"weight.1\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}" },
		{ "layer 0 is not a matrix of 2 × 2 with a bias of 2",
		  "{\"weight.0\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
		  "\"bias.0\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[16,28]}}" },
		{ "some layers have a bias and layer 1 has none",
		  "{\"weight.0\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
		  "\"bias.0\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
		  "\"weight.1\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[8,12]}}" },
		{ "this lens is for 1 layers of 2 channels; llama-tied has",
		  "{\"weight.0\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}" },
		{ "lens=FILE", NULL },
	};
	struct session *s = session_new();
	struct job job;

	job_init(&job);
	job_set(&job.model, TINY "llama-tied");
	job_set(&job.prompt, "one two three");
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char bytes[1024] = { 0 }, name[40], lens[200], *path = NULL;
		size_t n = files[i].header ? strlen(files[i].header) : 0, data = i == 3 ? 28 : i == 4 ? 12 : 16;
		struct err err = { 0 };
		struct table *t;

		if (n) {
			bytes[0] = (char)(n & 255);
			bytes[1] = (char)(n >> 8);
			memcpy(bytes + 8, files[i].header, n);
			snprintf(name, sizeof name, "refused%zu.safetensors", i);
			path = scratch_file(name, bytes, 8 + n + data);
			snprintf(lens, sizeof lens, "lens=%s", path);
		}
		t = ask(s, &job, "tuned-lens", (const char *[WORDS]){ n ? lens : NULL }, &err);
		CHECK_THAT(!t && strstr(err.text, files[i].says), "%s: %s", files[i].says, err.text);
		table_unref(t);
		free(path);
	}
	job_done(&job);
	session_free(s);
}

int main(void)
{
	struct err err = { 0 };

	test_reference("llama-tied");
	test_reference("gpt2-odd");
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "gpt2-odd" : "llama-tied";
		struct lens *l = asset_lens.open(i ? FOLDER "gpt2-odd" : FOLDER "llama-tied", &err);

		test_zero(name, l->L, l->D);
		asset_lens.free(l);
	}
	test_files();
	test_refused();
	pool_stop();
	scratch_done();
	return tap_done();
}
