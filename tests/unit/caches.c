/* caches.c - a home with the caches of other programs in it: what is found there, under which names, and what a name means. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/model/caches.h"
#include "engine/model/find.h"
#include "engine/models.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#define HUB ".cache/huggingface/hub/"
#define OLLAMA ".ollama/models/"
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void put(const char *name, const char *text)
{
	free(scratch_file(name, text, strlen(text)));
}

static void make_home(void)
{
	static const char *const homes[] = { "HF_HOME", "HF_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_DATA_HOME" };

	for (size_t i = 0; i < sizeof homes / sizeof *homes; i++)
		unsetenv(homes[i]);
	setenv("HOME", scratch_folder(), 1);
	put(HUB "models--gpt2/refs/main", "abc\n");
	put(HUB "models--gpt2/snapshots/abc/config.json", "{}");
	put(HUB "models--gpt2/snapshots/zzz/config.json", "{}");
	put(HUB "models--org--gpt2/snapshots/one/config.json", "{}");
	put(HUB "models--org--two/refs/main", "../../../..");	/* a revision is no way out: the last snapshot counts */
	put(HUB "models--org--two/snapshots/a/config.json", "{}");
	put(HUB "models--org--two/snapshots/b/config.json", "{}");
	put(HUB "models--org--adapter/snapshots/a/adapter_config.json", "{}");
	put(HUB "models--org--some-GGUF/snapshots/a/some.Q4_0.gguf", "GGUF");
	put(HUB "models--org--nothing/refs/main", "abc");
	put(HUB "datasets--org--text/snapshots/a/config.json", "{}");
	put(".cache/llama.cpp/plain.gguf", "GGUF");
	put(".cache/llama.cpp/split-00001-of-00002.gguf", "GGUF");
	put(".cache/llama.cpp/split-00002-of-00002.gguf", "GGUF");
	put(".cache/llama.cpp/later.gguf.downloadInProgress", "GGUF");
	put(".lmstudio/models/me/one/model.gguf", "GGUF");
	put(".lmstudio/models/me/two/model.gguf", "GGUF");
	put(".local/share/lmscope/mine/config.json", "{}");
	put(OLLAMA "blobs/sha256-" DIGEST, "GGUF");
	put(OLLAMA "manifests/host/library/tiny/latest",
	    "{\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"sha256:" DIGEST "\"}]}");
	put(OLLAMA "manifests/host/library/tiny/1b",
	    "{\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"sha256:" DIGEST "\"}]}");
	put(OLLAMA "manifests/host/library/evil/latest",
	    "{\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"sha256:../../../../../etc/passwd\"}]}");
	put(OLLAMA "manifests/host/library/broken/latest", "[[[");
}

static void test_list(void)
{
	static const char *const expected[] = {
		"gpt2", "me/one/model", "me/two/model", "mine", "org/adapter", "org/gpt2", "org/some-GGUF/some.Q4_0", "org/two", "plain",
		"split-00001-of-00002", "tiny:1b", "tiny:latest",
	};
	enum { EXPECTED = sizeof expected / sizeof *expected };
	struct cached *list;
	int n = caches_list(&list);

	CHECK_THAT(n == EXPECTED, "%d models", n);
	for (int i = 0; i < n && i < EXPECTED; i++) {
		CHECK_TEXT(list[i].name, expected[i]);
		CHECK_THAT(!strncmp(list[i].path, scratch_folder(), strlen(scratch_folder())) && file_exists(list[i].path), "%s", list[i].path);
	}
	caches_free(list, n);
}

static void test_names(void)
{
	static const struct {
		const char *typed, *expected;	/* the end of the path, or what is said */
	} rows[] = {
		{ "gpt2", "models--gpt2/snapshots/abc" }, { "org/gpt2", "models--org--gpt2/snapshots/one" }, { "two", ": 2 models are called that: me/two/model, org/two" },
		{ "org/two", "models--org--two/snapshots/b" }, { "tiny", "sha256-" DIGEST }, { "tiny:1b", "sha256-" DIGEST },
		{ "some.Q4_0", "some.Q4_0.gguf" }, { "org/some-GGUF", "some.Q4_0.gguf" }, { "one", "me/one/model.gguf" },
		{ "model", ": 2 models are called that: me/one/model, me/two/model" }, { "mine", "lmscope/mine" },
		{ "tin", "no model of that name" }, { "evil", "no model of that name" }, { "/no/such", "/no/such: there is no such folder or file" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		char *path = find_model(rows[i].typed, &err);
		const char *said = path ? path : err.text;

		CHECK_THAT(strstr(said, rows[i].expected), "%s: %s", rows[i].typed, said);
		free(path);
	}
}

/* What cannot be opened says why, without the path that its name stands for. */
static void test_looks(void)
{
	struct model_entry *list;
	int n = models_list(&list);

	for (int i = 0; i < n; i++) {
		models_look(&list[i]);
		if (!strcmp(list[i].name, "org/adapter"))
			CHECK_TEXT(list[i].about, "no: this is an adapter, not a model; merge it into its model first");
		else if (!strcmp(list[i].name, "gpt2"))
			CHECK_TEXT(list[i].about, "no: there is neither model.safetensors nor model.safetensors.index.json: the weights are missing, or "
				   "their download did not end");
		else if (!strcmp(list[i].name, "plain"))
			CHECK_TEXT(list[i].about, "no: ends after 4 bytes, within its first fields");
	}
	models_free(list, n);
}

int main(void)
{
	make_home();
	test_list();
	test_names();
	test_looks();
	scratch_done();
	return tap_done();
}
