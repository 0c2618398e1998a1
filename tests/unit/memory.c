/* memory.c - what is free under limits, and what `info` says of a model's memory against what it then takes. */
#include "engine/base/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/big.h"
#include "engine/base/str.h"
#include "engine/model/model.h"
#include "engine/numbers/pool.h"
#include "engine/run/run.h"
#include "tests/bytes.h"
#include "tests/scratch.h"
#include "tests/tap.h"

/* Tokens. Where memory is not judged, a few will do. */
enum { LONG_RUN = INSTRUMENTED ? 40 : 400 };

static void test_cgroups(void)
{
	static const struct {
		const char *file, *text;
	} files[] = {
		{ "two/a/memory.max", "1000000\n" },
		{ "two/a/memory.current", "700000\n" },
		{ "two/a/memory.stat", "anon 300000\ninactive_file 150000\nactive_file 50000\n" },
		{ "two/a/b/memory.max", "max\n" },
		{ "two/a/b/memory.current", "10\n" },
		{ "one/memory/c/memory.limit_in_bytes", "5000\n" },
		{ "one/memory/c/memory.usage_in_bytes", "6000\n" },
		{ "one/memory/memory.limit_in_bytes", "9000\n" },
		{ "one/memory/memory.usage_in_bytes", "6000\n" },
	};
	char *one = scratch_path("one"), *two = scratch_path("two");

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		free(scratch_file(files[i].file, files[i].text, strlen(files[i].text)));
	CHECK(memory_cgroup_left(two, "0::/a\n") == 500000);
	CHECK(memory_cgroup_left(two, "0::/a/b\n") == 500000);
	CHECK(memory_cgroup_left(two, "0::/other\n") == SIZE_MAX);
	CHECK(memory_cgroup_left(one, "5:cpu:/c\n9:memory:/\n0::/\n") == 3000);
	CHECK(memory_cgroup_left(one, "9:memory:/c\n") == 0);
	CHECK(memory_cgroup_left(one, "9:memory\n") == SIZE_MAX && memory_cgroup_left(one, "") == SIZE_MAX);
	CHECK(memory_available() > 1 << 20);
	free(one);
	free(two);
}

/*
 * Bytes of this process that are no file's, as a number that can be subtracted: the kernel counts pages for each thread and adds
 * them up now and then, so what is read may be some hundred kilobytes less than what was read before.
 */
static double private_now(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kilobytes = 0;
	char line[160];

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "RssAnon: %llu", &kilobytes) == 1)
			break;
	if (f)
		fclose(f);
	return (double)kilobytes * 1024;
}

/* The widths of SmolLM2-135M with fewer layers and a smaller vocabulary; the weights are a hole in the file: zeros. */
enum { LAYERS = 6, WIDTH = 576, HEADS = 9, KV = 3, NEURONS = 1536, VOCABULARY = 8000 };

static void add_tensor(struct str *header, const char *dtype, size_t bytes_each, size_t *at, int layer, const char *name, int rows,
		       int columns)
{
	size_t bytes = (size_t)rows * (size_t)(columns ? columns : 1) * bytes_each;

	str_addf(header, "%s\"model.", header->n > 1 ? "," : "");
	if (layer >= 0)
		str_addf(header, "layers.%d.", layer);
	str_add(header, name);
	str_addf(header, ".weight\":{\"dtype\":\"%s\",\"shape\":[%d", dtype, rows);
	if (columns)
		str_addf(header, ",%d", columns);
	str_addf(header, "],\"data_offsets\":[%zu,%zu]}", *at, *at + bytes);
	*at += bytes;
}

static char *make_model(const char *dtype, size_t each)
{
	static const char config[] =
		"{\"model_type\":\"llama\",\"hidden_size\":576,\"intermediate_size\":1536,\"num_hidden_layers\":6,"
		"\"num_attention_heads\":9,\"num_key_value_heads\":3,\"vocab_size\":8000,\"max_position_embeddings\":2048,"
		"\"tie_word_embeddings\":true}";
	static const char tokenizer[] = "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}";
	struct str header, file;
	char *folder, *path;
	size_t bytes = 0;

	str_init(&header);
	str_init(&file);
	str_add(&header, "{");
	add_tensor(&header, dtype, each, &bytes, -1, "embed_tokens", VOCABULARY, WIDTH);
	add_tensor(&header, dtype, each, &bytes, -1, "norm", WIDTH, 0);
	for (int l = 0; l < LAYERS; l++) {
		add_tensor(&header, dtype, each, &bytes, l, "input_layernorm", WIDTH, 0);
		add_tensor(&header, dtype, each, &bytes, l, "post_attention_layernorm", WIDTH, 0);
		add_tensor(&header, dtype, each, &bytes, l, "self_attn.q_proj", WIDTH, WIDTH);
		add_tensor(&header, dtype, each, &bytes, l, "self_attn.k_proj", WIDTH / HEADS * KV, WIDTH);
		add_tensor(&header, dtype, each, &bytes, l, "self_attn.v_proj", WIDTH / HEADS * KV, WIDTH);
		add_tensor(&header, dtype, each, &bytes, l, "self_attn.o_proj", WIDTH, WIDTH);
		add_tensor(&header, dtype, each, &bytes, l, "mlp.gate_proj", NEURONS, WIDTH);
		add_tensor(&header, dtype, each, &bytes, l, "mlp.up_proj", NEURONS, WIDTH);
		add_tensor(&header, dtype, each, &bytes, l, "mlp.down_proj", WIDTH, NEURONS);
	}
	str_add(&header, "}");
	put_u64(&file, header.n);
	str_add_n(&file, header.s, header.n);
	free(scratch_file("big/config.json", config, strlen(config)));
	free(scratch_file("big/tokenizer.json", tokenizer, strlen(tokenizer)));
	path = scratch_file("big/model.safetensors", file.s, file.n);
	if (truncate(path, (off_t)(file.n + bytes)))
		printf("# %s could not be lengthened\n", path);
	free(path);
	str_done(&header);
	str_done(&file);
	folder = scratch_path("big");
	return folder;
}

static void check_run(const struct model *m, const struct model_facts *f, int T, enum run_stores keeps, const char *what)
{
	int32_t *tokens = calloc((size_t)T, sizeof *tokens);
	struct run_order order = { .model = m, .tokens = tokens, .T = T, .keeps = keeps };
	struct err err = { 0 };
	double before = private_now();
	size_t pairs = (size_t)T * (size_t)T * f->run_bytes_per_pair;
	size_t stated = keeps == RUN_STREAM ? (size_t)T * f->stream_bytes_per_token : (size_t)T * f->run_bytes_per_token + pairs;
	struct run *r = run_new(&order, NULL, &err);
	double taken = private_now() - before;

	CHECK_THAT(INSTRUMENTED || (r && fabs(taken / (double)stated - 1) < 0.1),
		   "%s: %s over %d tokens takes %.2f MB, stated were %.2f MB %s", what,
		   keeps == RUN_STREAM ? "the stream" : "a run", T, taken / 1e6, (double)stated / 1e6, err.text);
	run_unref(r);
	free(tokens);
}

static void nothing(void *context, int chunk)
{
	(void)context, (void)chunk;
}

static void test_model(const char *dtype, size_t each, bool low_memory)
{
	char *folder = make_model(dtype, each), what[64];
	struct model_facts before, f;
	struct err err = { 0 };
	double start, taken;
	struct model *m;

	snprintf(what, sizeof what, "%s%s", dtype, low_memory ? " from the mapping" : "");
	matrix_low_memory(low_memory);
	if (!CHECK_THAT(model_glance(folder, &before, &err), "%s: looked at %s", what, err.text))
		return;
	start = private_now();
	m = model_open(folder, NULL, NULL, &err);
	taken = private_now() - start;
	if (!CHECK_THAT(m, "%s opens %s", what, err.text))
		return;
	model_facts_of(m, &f);
	CHECK_THAT(f.private_bytes == before.private_bytes && !f.in_place_of, "%s: the same is stated before and after loading",
		   what);
	/* a megabyte is forgiven: names, tokenizer and the heap's own bookkeeping */
	CHECK_THAT(INSTRUMENTED || fabs(taken - (double)f.private_bytes) < 0.1 * (double)f.private_bytes + 1e6,
		   "%s: the weights take %.2f MB, stated were %.2f MB", what, taken / 1e6, (double)f.private_bytes / 1e6);
	CHECK_THAT(low_memory ? f.private_bytes < 1000000 : f.private_bytes > f.file_bytes / 2, "%s: %.2f MB mapped", what,
		   (double)f.file_bytes / 1e6);
	check_run(m, &f, LONG_RUN, RUN_ALL, what);
	check_run(m, &f, LONG_RUN, RUN_STREAM, what);
	check_run(m, &f, LONG_RUN / 4, RUN_ALL, what);
	model_free(m);
	matrix_low_memory(false);
	free(folder);
}

/* Where memory is short, weights stay in the file without being asked. */
static void test_short(void)
{
	char *folder = make_model("F32", 4);
	struct model_facts f;
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct model *m;
	char words[80];

	snprintf(words, sizeof words, "%zu", (size_t)70 << 20);
	setenv("LMSCOPE_MEMORY", words, 1);
	m = model_open(folder, NULL, &notes, &err);
	unsetenv("LMSCOPE_MEMORY");
	if (!CHECK_THAT(m, "opens with little memory %s", err.text))
		return;
	model_facts_of(m, &f);
	CHECK_THAT(f.in_place_of > 100000000 && f.private_bytes < 1000000, "%.1f MB instead of %.1f MB",
		   (double)f.private_bytes / 1e6, (double)f.in_place_of / 1e6);
	CHECK_THAT(notes.n == 1 && strstr(notes.line[0], "more than half of the memory"), "%s",
		   notes.n ? notes.line[0] : "no note");
	check_run(m, &f, LONG_RUN / 2, RUN_ALL, "short");
	notes_done(&notes);
	model_free(m);
	free(folder);
}

int main(void)
{
	/* what is freed is given back at once, so that all that is taken again shows */
	big_keep(0);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_PERTURB, 0);	     /* the harness may ask for it; it would touch pages that nobody uses */
	pool_run(64, nothing, NULL); /* threads take their stacks now */
	test_cgroups();
	test_model("F32", 4, false);
	test_model("F32", 4, true);
	test_model("BF16", 2, false);
	test_short();
	pool_stop();
	scratch_done();
	return tap_done();
}
