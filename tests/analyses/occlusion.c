/*
 * occlusion.c - tokens taken away, against PyTorch's runs and Captum's windows (make_perturbation.py); words and sentences of
 * texts; coalitions against a run of each, bit for bit.
 */
#include "tests/analyses/perturbation.h"

#include "engine/model/tokenizer/tokenizer.h"

static void check_ways(const struct pair *f)
{
	static const char *const ways[] = { "mask", "replace", "remove", "mean" };
	const struct json_value *own = json_get(f->root, "occlusion");
	char words[100];

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		snprintf(words, sizeof words, "how=%s token=%s", ways[i], json_text(json_get(f->root, "token")));
		check_column(f, "occlusion", words, 0, json_get(own, ways[i]));
	}
	snprintf(words, sizeof words, "how=replace window=3 token=%s", json_text(json_get(f->root, "token")));
	check_column(f, "occlusion", words, 0, json_get(own, "window"));
}

static double value_with(const struct pair *f, const char *const *lines, int n, struct run **run)
{
	struct run_order order = {
		.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .unedited = f->run, .edits = lines, .edit_count = n
	};
	struct err err = { 0 };
	double value = NAN;

	*run = run_new(&order, NULL, &err);
	CHECK_THAT(*run && metric_value(&f->metric, *run, f->run, &value, NULL, &err), "%s: %s %s", f->name, *lines, err.text);
	return value;
}

/* A line for every layer is the same line in each, bit for bit; a span of keys as PyTorch has it. */
static void check_lines(const struct pair *f)
{
	const struct json_value *spans = json_get(f->root, "spans");
	const int L = f->model->config.L;

	for (size_t i = 0; i < json_count(spans); i++) {
		int64_t from = 0, to = 0;
		double expected = 0, all, each;
		char line[9][60];
		const char *lines[9];
		struct run *whole, *one;

		json_int(json_at(json_at(spans, i), 0), &from);
		json_int(json_at(json_at(spans, i), 1), &to);
		json_double(json_at(json_at(spans, i), 2), &expected);
		for (int l = 0; l <= L; l++) {
			char layer[12] = "*";

			if (l)
				snprintf(layer, sizeof layer, "%d", l - 1);
			snprintf(line[l], sizeof line[l], "scores %s @%d..<%d..%d mask", layer, (int)to + 1, (int)from, (int)to);
			lines[l] = line[l];
		}
		all = value_with(f, lines, 1, &whole);
		each = value_with(f, lines + 1, L, &one);
		CHECK_THAT(fabs(all - expected) < tolerance, "%s: %s: %.6f, expected %.6f", f->name, line[0], all, expected);
		CHECK_THAT(all == each && whole && one &&
				   !memcmp(whole->last_logits, one->last_logits, (size_t)f->model->config.V * sizeof(float)),
			   "%s: %s is that line in every layer", f->name, line[0]);
		run_unref(whole);
		run_unref(one);
	}
}

/* Every coalition of a few, for metrics of the output and of layers inside, under edits: what a run of its own gives. */
static void check_coalitions(const struct pair *f)
{
	static const char *const metrics[] = { "logit #3", "kl", "loss", "scores 1.0 @-1<3", "resid_mid 0 @-2 norm" };
	static const char *const edits[] = { "attn_out 0 @2 scale 0.5", "head 1.0 zero" };
	static const enum player_how hows[] = { HOW_MASK, HOW_REPLACE };
	struct run_order order = {
		.model = f->model, .tokens = f->run->tokens, .T = f->run->T, .unedited = f->run, .edits = edits, .edit_count = 2
	};
	struct err err = { 0 };
	struct run *run = run_new(&order, NULL, &err);

	for (size_t i = 0; run && i < 2 * sizeof metrics / sizeof *metrics; i++) {
		struct arena *arena = arena_new();
		struct metric metric;
		struct ask ask = { .model = f->model, .run = run, .unedited = f->run, .metric = &metric, .scratch = arena };
		struct players p;
		bool in[256 * 8];
		double value[256], alone;
		int wrong = 0, count;

		if (!metric_resolve(metrics[i / 2], run, &metric, NULL, &err)) { /* a parallel family has no such site */
			arena_free(arena);
			err = (struct err){ 0 };
			continue;
		}
		if (CHECK_THAT(players_of(&p, &ask, GROUP_TOKEN, hows[i % 2], "#17", &err) && p.n >= 6 && p.n <= 8, "%s: %s %s",
			       f->name, metrics[i / 2], err.text)) {
			count = 1 << p.n;
			for (int c = 0; c < count; c++)
				for (int k = 0; k < p.n; k++)
					in[c * p.n + k] = !(c >> k & 1);
			CHECK_THAT(players_values(&p, in, count, value, &err), "%s: %s %s", f->name, metrics[i / 2], err.text);
			for (int c = 0; c < count; c += 3)
				wrong += !players_value_alone(&p, in + c * p.n, &alone, &err) || alone != value[c];
			CHECK_THAT(!wrong, "%s: %s: %d of %d coalitions are not exactly a run of their own", f->name,
				   metrics[i / 2], wrong, count / 3);
		}
		metric_done(&metric);
		arena_free(arena);
	}
	CHECK_THAT(run, "%s: %s", f->name, err.text);
	run_unref(run);
}

/* What a row takes away is what Space does there; what cannot be asked is a sentence. */
static void check_edits_and_refusals(const struct pair *f)
{
	static const char *const refused[][2] = { { "how=replace", "how=replace needs token=TEXT" },
						  { "how=replace token=#99999", "token: the vocabulary has the tokens" } };
	struct table *t = pair_table(f, "occlusion", "");
	int64_t player = 0;
	char line[60];

	json_int(json_at(json_get(f->root, "players"), 2), &player);
	snprintf(line, sizeof line, "scores * @%d..<%d mask", (int)player + 1, (int)player);
	if (t)
		CHECK_TEXT(t->edits[player], line);
	table_unref(t);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct err err = { 0 };

		t = pair_ask(f, NULL, "occlusion", refused[i][0], &err);
		CHECK_THAT(!t && err.kind == ERR_ARGUMENT && strstr(err.text, refused[i][1]), "%s: %s", refused[i][0], err.text);
		table_unref(t);
	}
}

/* In a prompt without one of its tokens, edits are of the tokens of which they were. */
static void check_removed_under_edits(const struct pair *f)
{
	static const char *const lines[] = { "attn_out 0 @4 scale 2", "scores 0 @5..<3 mask" }, *const shifted[] = {
		"attn_out 0 @3 scale 2", "scores 0 @4..<2 mask"
	};
	const int T = f->run->T;
	struct pair whole = *f, rest = *f;
	struct run_order order = { .model = f->model, .tokens = f->run->tokens, .T = T, .edits = lines, .edit_count = 2 };
	int32_t tokens[64];
	struct metric metric = metric_at(&f->metric, T - 2);
	double with = NAN, without = NAN;
	struct err err = { 0 };
	struct table *t;

	whole.run = run_new(&order, NULL, &err);
	tokens[0] = f->run->tokens[0];
	memcpy(tokens + 1, f->run->tokens + 2, (size_t)(T - 2) * sizeof *tokens);
	order = (struct run_order){ .model = f->model, .tokens = tokens, .T = T - 1, .edits = shifted, .edit_count = 2 };
	rest.run = run_new(&order, NULL, &err);
	t = whole.run ? pair_ask(&whole, NULL, "occlusion", "how=remove", &err) : NULL;
	if (CHECK_THAT(t && rest.run && metric_value(&f->metric, whole.run, whole.run, &with, NULL, &err) &&
			       metric_value(&metric, rest.run, rest.run, &without, NULL, &err),
		       "%s: %s", f->name, err.text))
		CHECK_THAT(fabs((double)t->value[1] - (with - without)) < 1e-5, "%s: without token 1: %.6f, expected %.6f", f->name,
			   (double)t->value[1], with - without);
	table_unref(t);
	run_unref(whole.run);
	run_unref(rest.run);
}

/* ---- groups ---- */

/* The groups of a text, with | between them. */
static const char *groups_of(const struct model *m, const char *text, enum token_group group)
{
	static struct str out;
	struct token_span span[200];
	struct err err = { 0 };
	int32_t *ids = NULL;
	size_t T = 0;
	int n;

	str_done(&out);
	str_init(&out);
	if (!CHECK_THAT(tokenizer_encode(m->tokenizer, text, strlen(text), BOS_DEFAULT, &ids, &T, &err) && T < 200, "%s", err.text))
		return "";
	n = token_groups_split(m, ids, (int)T, group, span);
	for (int i = 0; i < n; i++) {
		str_add(&out, i ? "|" : "");
		for (int t = span[i].from; t <= span[i].to; t++) {
			size_t bytes;
			const char *s = tokenizer_bytes(m->tokenizer, ids[t], &bytes);

			if (ids[t] != tokenizer_bos(m->tokenizer))
				str_add_n(&out, s, bytes);
		}
	}
	free(ids);
	return out.s;
}

/* "3.14" is one sentence, a quote belongs to the sentence that it closes; characters of several tokens stay whole. */
static void check_groups(void)
{
	static const struct {
		enum token_group group;
		const char *text, *groups;
	} cases[] = {
		{ GROUP_WORD, "Tom has, a red ball.", "|Tom| has,| a| red| ball." },
		{ GROUP_SENTENCE, "Tom ran. It is 3.14 now! Why? Yes", "|Tom ran.| It is 3.14 now!| Why?| Yes" },
		{ GROUP_SENTENCE, "She said \"Go.\" He went.", "|She said \"Go.\"| He went." },
		{ GROUP_SENTENCE, "He left. \"Go!\" She ran.", "|He left.| \"Go!\"| She ran." },
		{ GROUP_SENTENCE, "One line\nTwo lines\nThree", "|One line\n|Two lines\n|Three" },
		{ GROUP_SENTENCE, "\xe7\x8c\xab\xe3\x80\x82\xe7\x8a\xac\xe3\x80\x82",
		  "|\xe7\x8c\xab\xe3\x80\x82|\xe7\x8a\xac\xe3\x80\x82" },
	};
	struct err err = { 0 };
	struct model *m = model_open("demo", NULL, NULL, &err);

	for (size_t i = 0; CHECK_THAT(m, "demo %s", err.text) && i < sizeof cases / sizeof *cases; i++)
		CHECK_TEXT(groups_of(m, cases[i].text, cases[i].group), cases[i].groups);
	model_free(m);
}

int main(void)
{
	static pair_check *const checks[] = {
		check_ways, check_lines, check_coalitions, check_edits_and_refusals, check_removed_under_edits, NULL
	};

	pair_each("tests/fixtures/perturbation", 8, checks);
	check_groups();
	pool_stop();
	return tap_done();
}
