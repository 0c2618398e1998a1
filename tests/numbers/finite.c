/* finite.c - weights that are NaN or infinite are named by the first run that meets them. */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/model/files/gguf.h"
#include "engine/numbers/pool.h"
#include "engine/run/run.h"
#include "tests/scratch.h"
#include "tests/tap.h"

static const int32_t tokens[] = { 0, 30, 41, 54, 33 };

static const char *run_error(const char *path, const char *edit, struct err *err)
{
	const char *edits[1] = { edit };
	struct model *m = model_open(path, NULL, NULL, err);
	struct run_order order = { .model = m, .tokens = tokens, .T = 5, .edits = edits, .edit_count = edit != NULL };
	struct run *r = m ? run_new(&order, NULL, err) : NULL;

	if (r)
		err_set(err, ERR_ARGUMENT, "it runs");
	run_unref(r);
	model_free(m);
	return err->text;
}

/* The same file with one number of a tensor changed. */
static char *plant(const char *path, const char *tensor, size_t element, float value)
{
	struct err err = { 0 };
	struct gguf *g = gguf_open(path, &err);
	const struct tensor *t = gguf_find(g, tensor);
	unsigned char *bytes;
	size_t n;
	FILE *f = fopen(path, "rb");
	char *copy = NULL;

	bytes = malloc(1 << 20);
	n = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	if (t) {
		unsigned char *at = memmem(bytes, n, t->data, t->bytes); /* random numbers: there is one place */

		memcpy(at + element * sizeof value, &value, sizeof value);
		copy = scratch_file("planted.gguf", bytes, n);
	}
	gguf_free(g);
	free(bytes);
	return copy;
}

static void test_planted(void)
{
	static const struct {
		const char *file, *tensor;
		size_t element;
		float value;
		const char *site, *place;
	} rows[] = {
		{ "llama3", "blk.1.ffn_down.weight", 31, NAN, "mlp_out of layer 1 is the first",
		  "blk.1.ffn_down.weight holds nan at [1, 0]" },
		{ "llama3", "blk.0.attn_q.weight", 3, INFINITY, "q of layer 0 is the first",
		  "blk.0.attn_q.weight holds inf at [0, 3]" },
		{ "llama3", "blk.1.attn_norm.weight", 5, -INFINITY, "q of layer 1 is the first",
		  "blk.1.attn_norm.weight holds -inf at [5]" },
		{ "llama3", "token_embd.weight", 41 * 28, NAN, "embed is the first site that is not, at position 2",
		  "token_embd.weight holds nan at [41, 0]" },
		{ "gpt2-tied", "token_embd.weight", 50 * 20 + 7, NAN, "logits is the first",
		  "token_embd.weight holds nan at [50, 7]" },
		{ "gpt2-tied", "position_embd.weight", 20, INFINITY, "embed is the first site that is not, at position 1",
		  "position_embd.weight holds inf at [1, 0]" },
		{ "gpt2-tied", "blk.2.attn_output.bias", 1, NAN, "attn_out of layer 2 is the first",
		  "blk.2.attn_output.bias holds nan at [1]" },
		{ "gpt2-tied", "output_norm.bias", 0, NAN, "logits is the first", "output_norm.bias holds nan at [0]" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		char path[100], *copy;
		const char *says;

		snprintf(path, sizeof path, "tests/fixtures/gguf/%s.gguf", rows[i].file);
		copy = plant(path, rows[i].tensor, rows[i].element, rows[i].value);
		if (!CHECK_THAT(copy, "%s has %s", path, rows[i].tensor))
			continue;
		says = run_error(copy, NULL, &err);
		CHECK_THAT(strstr(says, rows[i].site) && strstr(says, rows[i].place), "%s", says);
		free(copy);
	}
}

static void test_others(void)
{
	struct err err = { 0 };

	CHECK_TEXT(run_error("tests/fixtures/gguf/llama3.gguf", NULL, &err), "it runs");
	CHECK_THAT(strstr(run_error("tests/fixtures/gguf/llama3.gguf", "mlp_out 1 scale 1e38", &err),
			  "the weights there are finite: numbers grew too large, which an edit may have done"),
		   "%s", err.text);
}

int main(void)
{
	test_planted();
	test_others();
	pool_stop();
	scratch_done();
	return tap_done();
}
