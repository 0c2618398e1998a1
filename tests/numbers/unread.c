/*
 * unread.c - of the experts that no token chose nothing is computed and nothing read: their pages of the file's mapping are taken
 * away, and forward, backward and a sweep work on; with those of chosen ones taken away they do not.
 *
 * Each question is asked in a process of its own, which a forbidden read ends.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/run/gradient.h"
#include "engine/run/sweep.h"
#include "tests/numbers/variant.h"
#include "tests/scratch.h"
#include "tests/tap.h"

enum { V = 61, D = 64, F = 256, X = 16, T = 4, SETUP = 3 };

static const char *folder;

/* ---- a mixture whose experts are many pages each ---- */

struct tensor_list {
	struct str header;
	size_t bytes;
};

static size_t expert_at[X][3]; /* bytes into the file, once the header is known */

static size_t add(struct tensor_list *w, const char *name, int rows, int columns)
{
	const size_t at = w->bytes, n = (size_t)rows * (size_t)columns * sizeof(float);

	str_addf(&w->header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", w->bytes ? "," : "{", name);
	if (columns > 1)
		str_addf(&w->header, "%d,%d", rows, columns);
	else
		str_addf(&w->header, "%d", rows);
	str_addf(&w->header, "],\"data_offsets\":[%zu,%zu]}", at, at + n);
	w->bytes += n;
	return at;
}

static void list_tensors(struct tensor_list *w)
{
	static const char *const squares[] = { "q_proj", "k_proj", "v_proj", "o_proj" };
	char name[100];

	add(w, "model.embed_tokens.weight", V, D);
	add(w, "lm_head.weight", V, D);
	add(w, "model.norm.weight", D, 1);
	add(w, "model.layers.0.input_layernorm.weight", D, 1);
	add(w, "model.layers.0.post_attention_layernorm.weight", D, 1);
	add(w, "model.layers.0.block_sparse_moe.gate.weight", X, D);
	for (size_t i = 0; i < sizeof squares / sizeof *squares; i++) {
		snprintf(name, sizeof name, "model.layers.0.self_attn.%s.weight", squares[i]);
		add(w, name, D, D);
	}
	for (int e = 0; e < X; e++)
		for (int i = 0; i < 3; i++) {
			snprintf(name, sizeof name, "model.layers.0.block_sparse_moe.experts.%d.w%d.weight", e, i + 1);
			expert_at[e][i] = i == 1 ? add(w, name, D, F) : add(w, name, F, D);
		}
	str_add(&w->header, "}");
	while (w->header.n % 8)
		str_add_char(&w->header, ' ');
}

static void write_model(void)
{
	static const char config[] =
		"{\"model_type\":\"mixtral\",\"vocab_size\":61,"
		"\"hidden_size\":64,\"intermediate_size\":256,\"num_hidden_layers\":1,"
		"\"num_attention_heads\":4,\"num_key_value_heads\":4,\"max_position_embeddings\":64,\"num_local_experts\":16,"
		"\"num_experts_per_tok\":2,\"tie_word_embeddings\":false,\"sliding_window\":null}";
	struct tensor_list w = { .bytes = 0 };
	uint32_t seed = 1;
	unsigned char *file;
	uint64_t length;
	float x;

	str_init(&w.header);
	list_tensors(&w);
	length = w.header.n;
	file = malloc(sizeof length + w.header.n + w.bytes);
	memcpy(file, &length, sizeof length);
	memcpy(file + sizeof length, w.header.s, w.header.n);
	for (size_t i = 0; i < w.bytes; i += sizeof x) {
		seed = seed * 1664525u + 1013904223u;
		x = (float)(seed >> 8) / (float)(1 << 24) - 0.5f;
		memcpy(file + sizeof length + w.header.n + i, &x, sizeof x);
	}
	for (int e = 0; e < X; e++)
		for (int i = 0; i < 3; i++)
			expert_at[e][i] += sizeof length + w.header.n;
	free(scratch_file("model.safetensors", file, sizeof length + w.header.n + w.bytes));
	free(scratch_file("config.json", config, sizeof config - 1));
	free(file);
	str_done(&w.header);
}

static void copy(const char *name)
{
	char *from = file_join("tests/fixtures/families/mixtral", name), bytes[1 << 16];
	FILE *f = fopen(from, "rb");
	const size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;

	CHECK_THAT(n > 0 && n < sizeof bytes, "%s is read", from);
	if (f)
		fclose(f);
	free(scratch_file(name, bytes, n));
	free(from);
}

/* ---- taking pages away ---- */

/* Where the file is mapped, whole. */
static unsigned char *mapping(void)
{
	char line[600];
	unsigned long from = 0, offset = 1;
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && offset && fgets(line, sizeof line, maps))
		if (strstr(line, folder) && strstr(line, "model.safetensors") &&
		    sscanf(line, "%lx-%*x %*s %lx", &from, &offset) != 2)
			offset = 1;
	if (maps)
		fclose(maps);
	return offset ? NULL : (unsigned char *)(uintptr_t)from; // NOLINT(performance-no-int-to-ptr)
}

/* The pages that are an expert's alone. */
static bool take_away(int expert)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)D * F * sizeof(float);
	unsigned char *map = mapping();

	for (int i = 0; map && i < 3; i++) {
		const size_t from = (expert_at[expert][i] + page - 1) / page * page,
			     to = (expert_at[expert][i] + bytes) / page * page;

		if (to <= from || mprotect(map + from, to - from, PROT_NONE))
			return false;
	}
	return map != NULL;
}

/* ---- in a process of its own ---- */

enum question { FORWARD, BACKWARD, SWEEP, QUESTIONS };

static struct run *run(const struct model *m)
{
	static const int32_t tokens[T] = { 3, 17, 42, 8 };
	struct run_order order = { .model = m, .tokens = tokens, .T = T };

	return run_new(&order, NULL, &(struct err){ 0 });
}

static bool ask(const struct model *m, const struct run *base, enum question q)
{
	struct err err = { 0 };
	struct metric metric = { .kind = METRIC_LOGIT, .target = { 5, -1 }, .position = T - 1 };
	struct run *r = q == FORWARD ? run(m) : NULL;
	struct gradient *g = q == BACKWARD ? gradient_new(base, &metric, base, 0, NULL, &err) : NULL;
	struct arena *arena = arena_new();
	const char *line = "head 0.1 scale 1.01";
	struct sweep_variant v = variant_of(&line, 1, arena);
	double value;
	const bool ok = r || g || (q == SWEEP && sweep_metric(base, base, NULL, &metric, &v, 1, &value, NULL, &err));

	gradient_unref(g);
	run_unref(r);
	arena_free(arena);
	return ok;
}

/* Is any of the tokens from there on sent to the expert? */
static bool sent(const struct run *r, int expert, int from)
{
	while (from < T && run_choice(r, 0, expert, from) < 0)
		from++;
	return from < T;
}

/* Without those that nobody chose, or (chosen) without the last token's. SETUP: it did not get so far. */
static int child(enum question q, bool chosen)
{
	const struct rlimit no_core = { 0, 0 };
	struct model *m = model_open(folder, NULL, NULL, &(struct err){ 0 });
	struct run *r = m ? run(m) : NULL;
	int taken = 0;

	setrlimit(RLIMIT_CORE, &no_core);
	if (!r)
		return SETUP;
	for (int e = 0; e < X; e++)
		if (chosen ? sent(r, e, T - 1) : !sent(r, e, 0)) {
			if (!take_away(e))
				return SETUP;
			taken++;
		}
	return taken >= (chosen ? 1 : X - 2 * T) && ask(m, r, q) ? 0 : SETUP;
}

/* How the process ended; a read of a page that is not there ends it otherwise than with 0 or SETUP. */
static int status_of(enum question q, bool chosen)
{
	int status = SETUP << 8;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "w", stderr)) /* a sanitizer's report is what is wanted */
			_exit(SETUP);
		_exit(child(q, chosen));
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

int main(void)
{
	static const char *const words[QUESTIONS] = { "forward", "backward", "a sweep" };

	folder = scratch_folder();
	write_model();
	copy("tokenizer.json");
	copy("tokenizer_config.json");
	for (int q = 0; q < QUESTIONS; q++) {
		const int without = status_of((enum question)q, false), with = status_of((enum question)q, true);

		CHECK_THAT(WIFEXITED(without) && !WEXITSTATUS(without), "%s: experts that nobody chose are not read (status %d)",
			   words[q], without);
		CHECK_THAT(WIFSIGNALED(with) || (WEXITSTATUS(with) && WEXITSTATUS(with) != SETUP),
			   "%s: one that is chosen is (status %d)", words[q], with);
	}
	scratch_done();
	return tap_done();
}
