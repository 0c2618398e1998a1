/*
 * weights.c - a folder whose weights are pytorch_model.bin, whole or in shards: the same tensors, and the same model, as the
 * safetensors that they were made from (tests/reference/make_torch.py).
 */
#include "engine/model/files/weights.h"
#include "engine/model/model.h"
#include "engine/numbers/pool.h"
#include "engine/run/run.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TORCH "tests/fixtures/torch/models/"
#define TINY "tests/fixtures/tiny/"

static void test_tensors(const char *name, const char *only)
{
	struct err err = { 0 };
	char *path = file_join(TORCH, name), *tiny = file_join(TINY, name);
	struct weights *a = weights_open(path, &err), *b = weights_open(tiny, &err);
	int alike = 0;

	if (!CHECK_THAT(a && b, "%s opens %s", name, err.text))
		return;
	for (size_t i = 0; i < weights_tensors(b); i++) {
		const struct tensor *t = weights_tensor(b, i), *s = weights_find(a, t->name);

		alike += s && s->type == t->type && s->dims == t->dims && !memcmp(s->shape, t->shape, sizeof t->shape) &&
			 s->bytes == t->bytes && !memcmp(s->data, t->data, t->bytes);
	}
	CHECK_THAT(alike == (int)weights_tensors(b) && alike > 10, "%s: %d of %zu tensors are the same bytes", name, alike,
		   weights_tensors(b));
	CHECK_THAT(weights_tensors(a) == weights_tensors(b) + (only != NULL), "%s: masks are left out", name);
	CHECK_THAT(!only || weights_find(a, only)->data == weights_find(a, "model.embed_tokens.weight")->data,
		   "%s: what is tied is there once", name);
	CHECK_THAT(weights_file_bytes(a) > weights_file_bytes(b) / 2 && !weights_metadata(a, "format"),
		   "%s: it is a file of torch.save", name);
	weights_free(a);
	weights_free(b);
	free(path);
	free(tiny);
}

/* The folder without its weights, by links. */
static char *make_folder(const char *name, const char *const *files)
{
	char *folder = scratch_path(name), from[512], to[512], here[256];

	CHECK_THAT(!mkdir(folder, 0777) && getcwd(here, sizeof here), "a folder for %s", name);
	for (; *files; files++) {
		snprintf(from, sizeof from, "%s/%s", here, *files);
		snprintf(to, sizeof to, "%s%s", folder, strrchr(*files, '/'));
		CHECK_THAT(!symlink(from, to), "%s", to);
	}
	return folder;
}

static struct run *run_of(const char *where, struct model **m)
{
	const int32_t tokens[] = { 0, 5, 9, 2, 7 };
	struct err err = { 0 };

	*m = model_open(where, NULL, NULL, &err);
	CHECK_THAT(*m, "%s opens %s", where, err.text);
	return *m ? run_new(&(struct run_order){ .model = *m, .tokens = tokens, .T = 5 }, NULL, &err) : NULL;
}

static void test_model(const char *name, const char *const *files)
{
	char *folder = make_folder(name, files), *tiny = file_join(TINY, name);
	struct model *a, *b;
	struct run *ra = run_of(folder, &a), *rb = run_of(tiny, &b);

	CHECK_THAT(ra && rb && a->config.V == b->config.V &&
			   !memcmp(ra->last_logits, rb->last_logits, (size_t)a->config.V * sizeof(float)),
		   "%s: the same logits, bit for bit", name);
	run_unref(ra);
	run_unref(rb);
	model_free(a);
	model_free(b);
	free(folder);
	free(tiny);
}

static void test_refused(void)
{
	static const char index[] = "{\"weight_map\":{\"a\":\"../outside.bin\"}}";
	struct err err = { 0 };
	char *folder = scratch_path("refused"), *hostile = scratch_path("refused/pytorch_model.bin"), here[256], from[512];

	free(scratch_file("refused/pytorch_model.bin.index.json", index, sizeof index - 1));
	CHECK_THAT(!weights_open(folder, &err) && strstr(err.text, "leads out of the folder"), "%s", err.text);
	CHECK(getcwd(here, sizeof here));
	snprintf(from, sizeof from, "%s/tests/fixtures/torch/hostile/module.pt", here);
	CHECK(!symlink(from, hostile));
	err = (struct err){ 0 };
	CHECK_THAT(!weights_open(folder, &err) && strstr(err.text, "torch.nn.modules.linear.Linear"), "%s", err.text);
	free(folder);
	free(hostile);
}

int main(void)
{
	static const char *const whole[] = { TINY "llama-tied/config.json", TINY "llama-tied/tokenizer.json",
					     TINY "llama-tied/tokenizer_config.json", TORCH "llama-tied/pytorch_model.bin", NULL };
	static const char *const shards[] = { TINY "gpt2-odd/config.json",
					      TINY "gpt2-odd/tokenizer.json",
					      TINY "gpt2-odd/tokenizer_config.json",
					      TORCH "gpt2-odd/pytorch_model.bin.index.json",
					      TORCH "gpt2-odd/pytorch_model-00001-of-00002.bin",
					      TORCH "gpt2-odd/pytorch_model-00002-of-00002.bin",
					      NULL };

	test_tensors("llama-tied", "lm_head.weight");
	test_tensors("gpt2-odd", NULL);
	test_model("llama-tied", whole);
	test_model("gpt2-odd", shards);
	test_refused();
	pool_stop();
	scratch_done();
	return tap_done();
}
