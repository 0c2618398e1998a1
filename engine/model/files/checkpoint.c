/* checkpoint.c - see checkpoint.h. */
#include "engine/model/files/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"

enum { CONFIG_LIMIT = 16 << 20 };

static bool open_folder(const char *path, struct checkpoint *c, struct err *err)
{
	char *config = file_join(path, "config.json"), *adapter = file_join(path, "adapter_config.json");
	bool ok = false;

	if (!file_exists(config) && file_exists(adapter))
		err_set(err, ERR_FILE, "%s: this is an adapter, not a model; merge it into its model first", path);
	else if (!file_exists(config))
		err_set(err, ERR_FILE, "%s: there is no config.json in this folder, so it is not a Hugging Face model", path);
	else if ((c->config = json_open(config, CONFIG_LIMIT, err)))
		ok = (c->weights = weights_open(path, err)) != NULL;
	free(config);
	free(adapter);
	return ok;
}

/* Adapters, projectors of images and the like are GGUF files too. */
static bool open_gguf(const char *path, struct checkpoint *c, struct err *err)
{
	const char *type = "model";
	size_t n = strlen(type);

	if (!(c->gguf = gguf_open(path, err)))
		return false;
	gguf_string(c->gguf, "general.type", &type, &n);
	return (n == strlen("model") && !memcmp(type, "model", n)) ||
	       err_set(err, ERR_FILE, "%s: this is no model (its general.type is \"%.*s\")", path, n > 60 ? 60 : (int)n, type);
}

bool checkpoint_open(const char *path, struct checkpoint *c, struct err *err)
{
	*c = (struct checkpoint){ .path = xstrdup(path) };
	if (file_is_folder(path) ? open_folder(path, c, err) : open_gguf(path, c, err))
		return true;
	checkpoint_close(c);
	return false;
}

void checkpoint_close(struct checkpoint *c)
{
	gguf_free(c->gguf);
	weights_free(c->weights);
	json_free(c->config);
	free(c->path);
	*c = (struct checkpoint){ 0 };
}

const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name)
{
	return c->gguf ? gguf_find(c->gguf, name) : weights_find(c->weights, name);
}

size_t checkpoint_tensors(const struct checkpoint *c)
{
	return c->gguf ? gguf_tensors(c->gguf) : weights_tensors(c->weights);
}

const struct tensor *checkpoint_tensor(const struct checkpoint *c, size_t i)
{
	return c->gguf ? gguf_tensor(c->gguf, i) : weights_tensor(c->weights, i);
}

size_t checkpoint_bytes(const struct checkpoint *c)
{
	return c->gguf ? gguf_file_bytes(c->gguf) : weights_file_bytes(c->weights);
}
