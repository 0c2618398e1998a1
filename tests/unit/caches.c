/* caches.c - a home with the caches of other programs in it: what is found there, under which names, and what a name means. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/model/files/caches.h"
#include "engine/model/files/find.h"
#include "engine/model/models.h"
#include "tests/scratch.h"
#include "tests/tap.h"

#define HUB ".cache/huggingface/hub/"
#define OLLAMA ".ollama/models/"
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* An Ollama manifest whose model is this blob. */
#define MANIFEST(digest) "{\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"sha256:" digest "\"}]}"

static void put(const char *const (*files)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(scratch_file(files[i][0], files[i][1], strlen(files[i][1])));
}

static void make_home(void)
{
	static const char *const homes[] = { "HF_HOME",	      "HF_HUB_CACHE",	"HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE",
					     "OLLAMA_MODELS", "XDG_CACHE_HOME", "XDG_DATA_HOME" };
	static const char *const files[][2] = {
		{ HUB "models--gpt2/refs/main", "abc\n" },
		{ HUB "models--gpt2/snapshots/abc/config.json", "{}" },
		{ HUB "models--gpt2/snapshots/zzz/config.json", "{}" },
		{ HUB "models--org--gpt2/snapshots/one/config.json", "{}" },
		{ HUB "models--org--two/refs/main", "../../../.." }, /* a revision is no way out */
		{ HUB "models--org--two/snapshots/aaaaaaaaaa1/config.json", "{}" },
		{ HUB "models--org--two/snapshots/aaaaaaaaaa2/config.json", "{}" },
		{ HUB "models--org--steps/refs/step1", "abcdef12" },
		{ HUB "models--org--steps/refs/a-step", "abcdef12" },
		{ HUB "models--org--steps/refs/refs/pr/7", "abcdef34\n" },
		{ HUB "models--org--steps/snapshots/abcdef12/config.json", "{}" },
		{ HUB "models--org--steps/snapshots/abcdef34/config.json", "{}" },
		{ HUB "models--org--steps/snapshots/abcdef56/tokenizer.json", "{}" }, /* no model */
		{ HUB "models--org--pinned/refs/v1", "0123abcd" },
		{ HUB "models--org--pinned/snapshots/0123abcd/config.json", "{}" },
		{ HUB "models--org--moved/refs/main", "fedcba98" }, /* which is not here */
		{ HUB "models--org--moved/snapshots/0a1b2c3d4e/config.json", "{}" },
		{ HUB "models--org--adapter/snapshots/a/adapter_config.json", "{}" },
		{ HUB "models--org--some-GGUF/snapshots/a/some.Q4_0.gguf", "GGUF" },
		{ HUB "models--org--old-GGUF/refs/v1", "a" },
		{ HUB "models--org--old-GGUF/snapshots/a/old.gguf", "GGUF" },
		{ HUB "models--org--nothing/refs/main", "abc" },
		{ HUB "datasets--org--text/snapshots/a/config.json", "{}" },
		{ ".cache/llama.cpp/plain.gguf", "GGUF" },
		{ ".cache/llama.cpp/split-00001-of-00002.gguf", "GGUF" },
		{ ".cache/llama.cpp/split-00002-of-00002.gguf", "GGUF" },
		{ ".cache/llama.cpp/later.gguf.downloadInProgress", "GGUF" },
		{ ".lmstudio/models/me/one/model.gguf", "GGUF" },
		{ ".lmstudio/models/me/two/model.gguf", "GGUF" },
		{ ".local/share/lmscope/mine/config.json", "{}" },
		{ OLLAMA "blobs/sha256-" DIGEST, "GGUF" },
		{ OLLAMA "manifests/registry.ollama.ai/library/tiny/latest", MANIFEST(DIGEST) },
		{ OLLAMA "manifests/registry.ollama.ai/library/tiny/1b", MANIFEST(DIGEST) },
		{ OLLAMA "manifests/registry.ollama.ai/me/tiny/latest", MANIFEST(DIGEST) },
		{ OLLAMA "manifests/hf.co/me/tiny-GGUF/Q4_K_M", MANIFEST(DIGEST) },
		{ OLLAMA "manifests/registry.ollama.ai/library/evil/latest", MANIFEST("../../../../../etc/passwd") },
		{ OLLAMA "manifests/registry.ollama.ai/library/broken/latest", "[[[" },
	};

	for (size_t i = 0; i < sizeof homes / sizeof *homes; i++)
		unsetenv(homes[i]);
	setenv("HOME", scratch_folder(), 1);
	put(files, sizeof files / sizeof *files);
}

static void test_list(void)
{
	static const char *const expected[] = {
		"gpt2",
		"gpt2@zzz",
		"hf.co/me/tiny-GGUF:Q4_K_M",
		"me/one/model",
		"me/tiny:latest",
		"me/two/model",
		"mine",
		"org/adapter",
		"org/gpt2",
		"org/moved@0a1b2c3d",
		"org/old-GGUF@v1/old",
		"org/pinned@v1",
		"org/some-GGUF/some.Q4_0",
		"org/steps@a-step",
		"org/steps@refs/pr/7",
		"org/two@aaaaaaaaaa1",
		"org/two@aaaaaaaaaa2",
		"plain",
		"split-00001-of-00002",
		"tiny:1b",
		"tiny:latest",
	};
	enum { EXPECTED = sizeof expected / sizeof *expected };
	struct cached *list;
	int n = caches_list(&list), ours = 0;

	for (int i = 0; i < n; i++) {
		if (strncmp(list[i].path, scratch_folder(), strlen(scratch_folder())))
			continue; /* of a service's store on this machine */
		CHECK_TEXT(list[i].name, ours < EXPECTED ? expected[ours] : "");
		CHECK_THAT(file_exists(list[i].path), "%s", list[i].path);
		ours++;
	}
	CHECK_THAT(ours == EXPECTED, "%d models", ours);
	caches_free(list, n);
}

static void test_names(void)
{
	static const struct {
		const char *typed, *expected; /* the end of the path, or the message */
	} rows[] = {
		{ "gpt2", "models--gpt2/snapshots/abc" },
		{ "org/gpt2", "models--org--gpt2/snapshots/one" },
		{ "gpt2@zzz", "models--gpt2/snapshots/zzz" },
		{ "gpt2@main", "models--gpt2/snapshots/abc" },
		{ "two", ": 3 models are called that: me/two/model, org/two@aaaaaaaaaa1, org/two@aaaaaaaaaa2" },
		{ "org/two", "org/two: there are 2 revisions of it, and none is its main one: org/two@aaaaaaaaaa1, "
			     "org/two@aaaaaaaaaa2" },
		{ "org/two@aaaaaaaaaa2", "models--org--two/snapshots/aaaaaaaaaa2" },
		{ "two@aaaaaaaaaa1", "models--org--two/snapshots/aaaaaaaaaa1" },
		{ "org/two@aaaa", "there are 2 revisions" },
		{ "org/two@b", "that revision is not on this machine; there is org/two@aaaaaaaaaa1, org" },
		{ "org/steps@step1", "snapshots/abcdef12" },
		{ "org/steps@a-step", "snapshots/abcdef12" },
		{ "steps@refs/pr/7", "snapshots/abcdef34" },
		{ "org/steps@abcdef3", "snapshots/abcdef34" },
		{ "org/steps@abcdef56", "that revision is not on this machine" },
		{ "org/pinned", "snapshots/0123abcd" },
		{ "org/moved@main", "that revision is not on this machine; there is org/moved@0a1b2c3d" },
		{ "org/moved", "snapshots/0a1b2c3d4e" },
		{ "org/pinned@v1", "snapshots/0123abcd" },
		{ "org/pinned@0123", "snapshots/0123abcd" },
		{ "org/old-GGUF", "snapshots/a/old.gguf" },
		{ "org/old-GGUF@v1", "snapshots/a/old.gguf" },
		{ "old-GGUF@v1/old", "snapshots/a/old.gguf" },
		{ "hf.co/me/tiny-GGUF:Q4_K_M", "sha256-" DIGEST },
		{ "hf.co/me/tiny-gguf:q4_k_m", "sha256-" DIGEST },
		{ "huggingface.co/me/tiny-GGUF:Q4_K_M", "sha256-" DIGEST },
		{ "library/tiny", "sha256-" DIGEST },
		{ "registry.ollama.ai/library/tiny:latest", "sha256-" DIGEST },
		{ "me/tiny", "sha256-" DIGEST },
		{ "tiny", "sha256-" DIGEST },
		{ "tiny:1b", "sha256-" DIGEST },
		{ "some.Q4_0", "some.Q4_0.gguf" },
		{ "org/some-GGUF", "some.Q4_0.gguf" },
		{ "one", "me/one/model.gguf" },
		{ "model", ": 2 models are called that: me/one/model, me/two/model" },
		{ "mine", "lmscope/mine" },
		{ "tin", "no model of that name" },
		{ "evil", "no model of that name" },
		{ "/no/such", "/no/such: there is no such folder or file" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		char *path = find_model(rows[i].typed, &err);
		const char *said = path ? path : err.text;

		CHECK_THAT(strstr(said, rows[i].expected), "%s: %s", rows[i].typed, said);
		free(path);
	}
}

/*
 * Where the caches are, by what the programs that fill them take for it. Each row: two variables and the model that is found
 * then.
 */
static void test_places(void)
{
	static const struct {
		const char *variable, *value, *second, *second_value, *found;
	} rows[] = {
		{ "XDG_CACHE_HOME", "$PLACE/xdg", NULL, NULL, "org/x" },
		{ "HF_HOME", "~/xdg/huggingface", NULL, NULL, "org/x" },
		{ "HUGGINGFACE_HUB_CACHE", "${PLACE}/xdg/huggingface/hub", NULL, NULL, "org/x" },
		{ "HF_HUB_CACHE", "~/xdg/huggingface/hub", "HUGGINGFACE_HUB_CACHE", "/nowhere", "org/x" },
		{ "HF_HOME", "", "XDG_CACHE_HOME", "~/xdg", "org/x" },
		{ "XDG_CACHE_HOME", "~/xdg", NULL, NULL, "xdg-llama" },
		{ "LLAMA_CACHE", "~/xdg/llama.cpp", NULL, NULL, "xdg-llama" },
	};
	static const char *const files[][2] = {
		{ "xdg/huggingface/hub/models--org--x/refs/main", "a" },
		{ "xdg/huggingface/hub/models--org--x/snapshots/a/config.json", "{}" },
		{ "xdg/llama.cpp/xdg-llama.gguf", "GGUF" },
	};

	put(files, sizeof files / sizeof *files);
	setenv("PLACE", scratch_folder(), 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		char *path;

		setenv(rows[i].variable, rows[i].value, 1);
		if (rows[i].second)
			setenv(rows[i].second, rows[i].second_value, 1);
		path = find_model(rows[i].found, &err);
		CHECK_THAT(path && strstr(path, "/xdg/"), "%s=%s: %s", rows[i].variable, rows[i].value, path ? path : err.text);
		unsetenv(rows[i].variable);
		if (rows[i].second)
			unsetenv(rows[i].second);
		free(path);
	}
}

/* As people call them on the screen. */
static void test_titles(void)
{
	static const char *const rows[][2] = {
		{ "org/steps@a-step", "steps@a-step" },
		{ "org/steps@refs/pr/7", "steps@refs/pr/7" },
		{ "hf.co/me/tiny-GGUF:Q4_K_M", "tiny-GGUF:Q4_K_M" },
		{ "demo", "demo" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *name = find_name(rows[i][0], "/x/snapshots/abcdef12");

		CHECK_TEXT(name, rows[i][1]);
		free(name);
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
			CHECK_TEXT(list[i].about, "this is an adapter, not a model; merge it into its model first");
		else if (!strcmp(list[i].name, "gpt2"))
			CHECK_TEXT(list[i].about, "there is neither model.safetensors nor pytorch_model.bin, whole or in shards: "
						  "the weights are missing, or their download did not end");
		else if (!strcmp(list[i].name, "plain"))
			CHECK_TEXT(list[i].about, "ends after 4 bytes, within its first fields");
	}
	models_free(list, n);
}

int main(void)
{
	make_home();
	test_list();
	test_names();
	test_titles();
	test_looks();
	test_places();
	scratch_done();
	return tap_done();
}
