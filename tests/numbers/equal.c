/*
 * equal.c - however a run comes about, its bits are the same: with any number of threads, resumed below an edit, grown from a
 * shorter prompt, from a prompt that shares a beginning, or as a variant of a sweep. For every set of kernels, on models large
 * enough for all shapes of tiles.
 */
#include <stdlib.h>

#include "engine/model/model.h"
#include "engine/numbers/cpu.h"
#include "engine/numbers/pool.h"
#include "engine/run/run.h"
#include "engine/run/sweep.h"
#include "tests/bytes.h"
#include "tests/numbers/variant.h"
#include "tests/scratch.h"
#include "tests/tap.h"

enum { T = 70, SHARED = 41 };

/* ---- a model of middling size ---- */

struct tensors {
	struct str header, data;
	uint64_t seed;
};

static float draw(struct tensors *f)
{
	f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
	return (float)(int32_t)(f->seed >> 32) / 2147483648.0f;
}

/* A matrix, or a vector when columns is 0. */
static void add(struct tensors *f, const char *name, int rows, int columns, float middle, float spread)
{
	size_t begin = f->data.n, n = (size_t)rows * (size_t)(columns ? columns : 1);

	for (size_t i = 0; i < n; i++)
		put_f32(&f->data, middle + spread * draw(f));
	str_addf(&f->header, "%c\"%s\":{\"dtype\":\"F32\",\"shape\":[%d", f->header.n ? ',' : '{', name, rows);
	if (columns)
		str_addf(&f->header, ",%d", columns);
	str_addf(&f->header, "],\"data_offsets\":[%zu,%zu]}", begin, f->data.n);
}

/* Six heads of sixteen channels on two KV heads; sizes that no tile divides. */
static void write_model(void)
{
	enum { L = 3, D = 96, HK = 96, GK = 32, F = 167, V = 331 };
	static const struct {
		const char *name;
		int rows, columns;
	} parts[] = {
		{ "input_layernorm", D, 0 },   { "post_attention_layernorm", D, 0 },
		{ "self_attn.q_proj", HK, D }, { "self_attn.k_proj", GK, D },
		{ "self_attn.v_proj", GK, D }, { "self_attn.o_proj", D, HK },
		{ "mlp.gate_proj", F, D },     { "mlp.up_proj", F, D },
		{ "mlp.down_proj", D, F },
	};
	static const char config[] =
		"{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"],\"vocab_size\":331,\"hidden_size\":96,"
		"\"intermediate_size\":167,"
		"\"num_hidden_layers\":3,\"num_attention_heads\":6,\"num_key_value_heads\":2,"
		"\"max_position_embeddings\":128,\"rms_norm_eps\":1e-5,"
		"\"rope_theta\":1000.0,\"hidden_act\":\"silu\",\"tie_word_embeddings\":false,\"torch_dtype\":\"float32\"}";
	struct tensors f = { .seed = 7 };
	struct str all;
	struct err err = { 0 };
	size_t n;
	char *text = file_read("tests/fixtures/tiny/llama-tied/tokenizer.json", 1 << 20, &n, &err), name[80];

	str_init(&f.header);
	str_init(&f.data);
	add(&f, "model.embed_tokens.weight", V, D, 0, 1);
	for (int l = 0; l < L; l++)
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
			snprintf(name, sizeof name, "model.layers.%d.%s.weight", l, parts[i].name);
			add(&f, name, parts[i].rows, parts[i].columns, parts[i].columns ? 0 : 1, parts[i].columns ? 0.2f : 0.1f);
		}
	add(&f, "model.norm.weight", D, 0, 1, 0.1f);
	add(&f, "lm_head.weight", V, D, 0, 0.3f);
	str_add(&f.header, "}");
	str_init(&all);
	put_u64(&all, f.header.n);
	put(&all, f.header.s, f.header.n);
	put(&all, f.data.s, f.data.n);
	free(scratch_file("model.safetensors", all.s, all.n));
	free(scratch_file("config.json", config, sizeof config - 1));
	free(scratch_file("tokenizer.json", text, n));
	str_done(&all);
	str_done(&f.header);
	str_done(&f.data);
	free(text);
}

/* ---- runs ---- */

struct comparing {
	struct model *model;
	char about[80];		     /* "demo, avx2, 3 threads" */
	int32_t tokens[T], other[T]; /* other: alike up to SHARED */
	struct run *run, *foil;	     /* of either */
};

static struct run *make(const struct comparing *s, const int32_t *tokens, int n, const char *const *edits, int edit_count,
			const struct run *unedited, const struct run *prefix)
{
	struct err err = { 0 };
	struct run_order order = { .model = s->model,
				   .tokens = tokens,
				   .T = n,
				   .edits = edits,
				   .edit_count = edit_count,
				   .unedited = unedited,
				   .prefix = prefix,
				   .foil = s->foil };
	struct run *r = run_new(&order, NULL, &err);

	if (!r) {
		printf("Bail out! %s: %s\n", s->about, err.text);
		exit(1);
	}
	return r;
}

/* The name of the first site that differs; NULL: none does. */
static const char *difference(const struct run *a, const struct run *b)
{
	const struct config *c = &a->model->config;
	size_t n = (size_t)a->T;

	for (int l = 0; l < c->L; l++)
		for (int site = 0; site < SITE_COUNT; site++) {
			if (!site_table[site].stored || !run_has(a, (enum site)site))
				continue;
			if (site != SITE_PATTERN && memcmp(run_at(a, (enum site)site, l, 0), run_at(b, (enum site)site, l, 0),
							   n * run_width(c, (enum site)site) * sizeof(float)))
				return site_table[site].name;
			for (int i = 0; site == SITE_PATTERN && i < c->H * a->T; i++)
				if (memcmp(run_pattern(a, l, i / a->T, i % a->T), run_pattern(b, l, i / a->T, i % a->T),
					   n * sizeof(float)))
					return "pattern";
		}
	return memcmp(a->last_logits, b->last_logits, (size_t)c->V * sizeof(float)) ? "logits" : NULL;
}

static void same(const struct comparing *s, struct run *a, struct run *expected, const char *what)
{
	const char *site = difference(a, expected);

	CHECK_THAT(!site, "%s: %s%s%s", s->about, what, site ? ": differs first in " : "", site ? site : "");
	run_unref(a);
}

static void check_runs(const struct comparing *s)
{
	static const char *const edits[] = { "head 1.2 zero", "resid_pre 2 @30 scale 0.5", "mlp_out 1 @-1 zero",
					     "pattern 0.1 @7<4 zero", "neuron 2.5 @50..60 scale 2", "attn_out 0 @66..69 zero",
					     "v 1 @3 scale 3",
					     /* The prompts begin alike: nothing changes there. */
					     "resid_pre 1 patch", "head 2.3 patch", "v 1 patch", "pattern 1.2 patch",
					     "layer 0 patch" };
	struct run *shorter = make(s, s->tokens, SHARED, NULL, 0, NULL, NULL), *other = make(s, s->other, T, NULL, 0, NULL, NULL),
		   *plain;
	struct run *grown = run_ref(shorter);

	same(s, make(s, s->tokens, T, NULL, 0, NULL, NULL), s->run, "a run again");
	same(s, make(s, s->tokens, T, NULL, 0, NULL, shorter), s->run, "a run grown from its beginning");
	same(s, make(s, s->other, T, NULL, 0, NULL, s->run), other, "a run from one that begins alike");
	for (int n = SHARED + 1; n <= T; n++) {
		struct run *longer = make(s, s->tokens, n, NULL, 0, NULL, grown);

		run_unref(grown);
		grown = longer;
	}
	same(s, grown, s->run, "a run grown token by token");
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		plain = make(s, s->tokens, T, &edits[i], 1, NULL, NULL);
		CHECK_THAT(difference(plain, s->run), "%s: %s changes something", s->about, edits[i]);
		same(s, make(s, s->tokens, T, &edits[i], 1, s->run, NULL), plain, edits[i]);
		run_unref(plain);
	}
	run_unref(shorter);
	run_unref(other);
}

/* Two runs that continue the same one: only the first of them can have its memory. */
static void check_going_on(const struct comparing *s)
{
	struct run *base = make(s, s->tokens, T - 3, NULL, 0, NULL, NULL), *again = make(s, s->tokens, T - 3, NULL, 0, NULL, NULL);
	struct run *one = make(s, s->tokens, T, NULL, 0, NULL, base), *two, *expected;
	int32_t tokens[T];

	memcpy(tokens, s->tokens, sizeof tokens);
	tokens[T - 1] = tokens[T - 3] = 3;
	expected = make(s, tokens, T, NULL, 0, NULL, NULL);
	two = make(s, tokens, T, NULL, 0, NULL, base);
	CHECK_THAT(run_at(one, SITE_K, 1, 0) == run_at(base, SITE_K, 1, 0), "%s: a run that continues another copies nothing",
		   s->about);
	CHECK_THAT(run_at(two, SITE_K, 1, 0) != run_at(base, SITE_K, 1, 0), "%s: a second one does", s->about);
	same(s, one, s->run, "a run that continues where another ends");
	same(s, two, expected, "a second that does");
	same(s, make(s, tokens, T, NULL, 0, NULL, base), expected, "a third when those are gone");
	same(s, base, again, "the run that they went on from");
	run_unref(again);
	run_unref(expected);
}

/* Token by token, twice over from the same beginning: nothing is left of the first tokens. */
static void check_going_on_anew(const struct comparing *s)
{
	struct run *base = make(s, s->tokens, T - 3, NULL, 0, NULL, NULL);
	int32_t tokens[T];

	for (int time = 0; time < 2; time++) {
		struct run *run[4] = { base }, *expected;

		memcpy(tokens, s->tokens, sizeof tokens);
		for (int i = 1; i < 4; i++) {
			tokens[T - 4 + i] = (s->tokens[T - 4 + i] + time) % s->model->config.V;
			run[i] = make(s, tokens, T - 3 + i, NULL, 0, NULL, run[i - 1]);
		}
		expected = make(s, tokens, T, NULL, 0, NULL, NULL);
		CHECK_THAT(run_at(run[3], SITE_K, 1, 0) == run_at(base, SITE_K, 1, 0), "%s: it continues in place", s->about);
		same(s, run[3], expected,
		     time ? "a run that continues differently where another did" : "a run that continues token by token");
		run_unref(run[2]);
		run_unref(run[1]);
		run_unref(expected);
	}
	run_unref(base);
}

/* ---- sweeps ---- */

static const struct model_lines {
	const char *line[SWEEP_EDITS];
	int n;
} variants[] = {
/* clang-format off */
#define ONE(line) { { line }, 1 }
	/* clang-format on */
	ONE("head 0.0 zero"),
	ONE("head 0.1 zero"),
	ONE("head 1.4 zero"),
	ONE("head 2.3 zero"),
	ONE("head 0.2 @-1 zero"),
	ONE("head 1.0 @-1 zero"),
	ONE("head 2.0 @-1 zero"),
	ONE("resid_pre 0 @3 scale 2"),
	ONE("resid_pre 2 @3 scale 2"),
	ONE("v 2 @3 zero"),
	ONE("mlp_out 1 @30 zero"),
	ONE("pattern 1.1 @40<2 zero"),
	ONE("embed 0 @5 scale 2"),
	ONE("neuron 2.9 @60..69 zero"),
	ONE("attn_out 1 zero"), /* what it replaces is not computed */
	/* Nothing, or nothing at first. */
	ONE("resid_pre 2 @3 patch"),
	ONE("head 1.1 scale 1"),
	ONE("head 0.1 patch"),
	ONE("resid_pre 2 patch"),
	ONE("pattern 1.1 patch"),
	ONE("q 2.0 patch"),
	ONE("layer 1 patch"),
	{ { "head 1.0 scale 1", "mlp_out 0 @5 zero" }, 2 },
	{ { "mlp_out 2 zero", "v 2 patch", "resid_pre 2 @1 scale 1" }, 3 },
	{ { "head 2.1 zero", "mlp_out 0 @-1 zero" }, 2 },
	{ { "resid_pre 1 scale 2", "attn_out 1 zero", "mlp_out 1 zero" }, 3 },
	/* These read the unedited run. */
	ONE("layer 2 mean"),
	ONE("layer 0 freeze"),
	{ { "head 0.1 zero", "attn_out 1 freeze", "mlp_out 1 freeze", "attn_out 2 freeze" }, 4 },
};

static void check_sweep(const struct comparing *s, const char *spec)
{
	enum { N = sizeof variants / sizeof *variants };
	struct metric metric;
	struct notes notes = { 0 };
	struct err err = { 0 };
	double value[N];
	struct sweep_variant v[N];
	struct arena *arena = arena_new();

	for (int i = 0; i < N; i++)
		v[i] = variant_of(variants[i].line, variants[i].n, arena);
	if (!CHECK_THAT(metric_resolve(spec, s->run, &metric, &notes, &err) &&
				sweep_metric(s->run, s->run, s->foil, &metric, v, N, value, NULL, &err),
			"%s: sweep of %s %s", s->about, spec, err.text))
		return;
	for (int i = 0; i < N; i++) {
		const struct run *unedited = i < N - 3 ? NULL : s->run;
		struct run *r = make(s, s->tokens, T, variants[i].line, variants[i].n, unedited, NULL);
		double alone = 0;

		CHECK_THAT(metric_value(&metric, r, s->run, &alone, NULL, &err) && alone == value[i],
			   "%s: %s under %s: %.9g alone, %.9g in the sweep", s->about, spec, variants[i].line[0], alone, value[i]);
		run_unref(r);
	}
	notes_done(&notes);
	arena_free(arena);
}

static void check_model(struct comparing *s, const char *name, struct model *m, enum cpu_set set)
{
	static const char *const metrics[] = { "logit #7", "logprob #9 @20", "loss", "kl", "entropy @3", "logit_diff #4 #5 @68" };

	s->model = m;
	for (int t = 0; t < T; t++) {
		s->tokens[t] = (13 + 7919 * t) % m->config.V;
		s->other[t] = t < SHARED ? s->tokens[t] : (5 + 31 * t) % m->config.V;
	}
	pool_threads(1);
	snprintf(s->about, sizeof s->about, "%s, %s", name, cpu_names[set]);
	s->run = make(s, s->tokens, T, NULL, 0, NULL, NULL);
	s->foil = make(s, s->other, T, NULL, 0, NULL, NULL);
	for (int threads = 1; threads <= 3; threads++) {
		if (!tap_takes(set, (size_t)threads, 3))
			continue;
		pool_threads(threads);
		snprintf(s->about, sizeof s->about, "%s, %s, %d threads", name, cpu_names[set], threads);
		check_runs(s);
		check_going_on(s);
		check_going_on_anew(s);
	}
	for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
		if (tap_takes(set, i, 3))
			check_sweep(s, metrics[i]);
	run_unref(s->run);
	run_unref(s->foil);
}

int main(void)
{
	const char *where[2] = { "demo", NULL };

	write_model();
	where[1] = scratch_folder();
	for (int set = 0; set < CPU_SETS; set++) {
		if (!cpu_use((enum cpu_set)set)) {
			tap_skip("this processor has no %s", cpu_names[set]);
			continue;
		}
		for (int i = 0; i < 2; i++) {
			struct err err = { 0 };
			struct notes notes = { 0 };
			struct comparing s = { 0 };
			struct model *m = model_open(where[i], NULL, &notes, &err);

			if (CHECK_THAT(m, "%s opens %s", i ? "a random model" : "demo", err.text))
				check_model(&s, i ? "random" : "demo", m, (enum cpu_set)set);
			model_free(m);
			notes_done(&notes);
		}
	}
	pool_stop();
	scratch_done();
	return tap_done();
}
