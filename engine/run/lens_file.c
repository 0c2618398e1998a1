/* lens_file.c - see lens_file.h. */
#include "engine/run/lens_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/numbers/kernels.h"

enum { LAYERS_MOST = 4096, CONFIG_LIMIT = 1 << 20 };

static void lens_free(void *content)
{
	struct lens *lens = content;

	weights_free(lens->file);
	arena_free(lens->arena); /* the lens is in it */
}

/* Our name of it, or the tuned-lens project's. */
static const struct tensor *find(const struct lens *lens, const char *what, int layer)
{
	const struct tensor *t;
	char name[48];

	snprintf(name, sizeof name, "%s.%d", what, layer);
	if ((t = weights_find(lens->file, name)))
		return t;
	snprintf(name, sizeof name, "%d.%s", layer, what);
	return weights_find(lens->file, name);
}

static bool has_shape(const struct tensor *t, int dims, int64_t rows, int64_t columns)
{
	return t && t->dims == dims && t->shape[0] == rows && (dims < 2 || t->shape[1] == columns);
}

static bool take_layer(struct lens *lens, const char *path, int l, struct err *err)
{
	const struct tensor *w = find(lens, "weight", l), *b = find(lens, "bias", l);
	const size_t D = (size_t)lens->D;

	if (!has_shape(w, 2, lens->D, lens->D) || (b && !has_shape(b, 1, lens->D, 0)))
		return err_set(err, ERR_FILE,
			       "%s: the translator of layer %d is not a matrix of %d × %d with a bias of %d, as "
			       "that of layer 0",
			       path, l, lens->D, lens->D, lens->D);
	lens->weight[l] = *w;
	if (!(lens->W[l] = matrix_new(lens->arena, &(struct matrix_source){ .tensor = w, .in = lens->D, .out = lens->D }, err)))
		return false;
	if (!(lens->b[l] = arena_floats(lens->arena, D, err)))
		return false;
	if (b) {
		lens->bias[l] = *b;
		tensor_expand(b, lens->b[l]);
	}
	return true;
}

static bool take_layers(struct lens *lens, const char *path, struct err *err)
{
	const struct tensor *first = find(lens, "weight", 0);
	const char *kind = lens_says(lens, "lmscope"), *residual = lens_says(lens, "residual");

	if (kind && strcmp(kind, asset_lens.name)) {
		err_set(err, ERR_FILE, "%s: this is no lens (its metadata lmscope is \"%.40s\")", path, kind);
		return false;
	}
	if (!first || first->dims != 2 || first->shape[0] != first->shape[1] || first->shape[0] < 1 || first->shape[0] > 1 << 20)
		return err_set(err, ERR_FILE, "%s: this is no lens: it has no square matrix weight.0 (or 0.weight)", path);
	lens->D = (int)first->shape[0];
	while (lens->L < LAYERS_MOST && find(lens, "weight", lens->L))
		lens->L++;
	lens->residual = !residual || strcmp(residual, "no");
	lens->weight = arena_alloc(lens->arena, (size_t)lens->L * sizeof *lens->weight);
	lens->bias = find(lens, "bias", 0) ? arena_alloc(lens->arena, (size_t)lens->L * sizeof *lens->bias) : NULL;
	lens->W = arena_alloc(lens->arena, (size_t)lens->L * sizeof(struct matrix *));
	lens->b = arena_alloc(lens->arena, (size_t)lens->L * sizeof(float *));
	for (int l = 0; l < lens->L; l++)
		if (!find(lens, "bias", l) != !lens->bias)
			return err_set(err, ERR_FILE, "%s: some layers have a bias and layer %d %s", path, l,
				       lens->bias ? "has none" : "has one");
		else if (!take_layer(lens, path, l, err))
			return false;
	return true;
}

/* A number of config.json that must be as the tensors have it, where it is there. */
static bool agrees(const struct json_value *config, const char *key, int n, const char *path, struct err *err)
{
	int64_t says = n;

	json_int(json_get(config, key), &says);
	return says == n ||
	       err_set(err, ERR_FILE, "%s: config.json says %s %lld, and params.pt has %d", path, key, (long long)says, n);
}

static bool check_config(const struct lens *lens, const char *folder, struct err *err)
{
	char *path = file_join(folder, "config.json");
	struct json *doc = json_open(path, CONFIG_LIMIT, err);
	const struct json_value *config = json_root(doc);
	const char *type = doc ? json_text(json_get(config, "lens_type")) : NULL;
	bool ok = doc != NULL;

	if (ok && type && strcmp(type, "linear_tuned_lens"))
		ok = err_set(err, ERR_FILE, "%s: lens_type is \"%.40s\"; lmscope reads linear_tuned_lens", path, type);
	ok = ok && agrees(config, "d_model", lens->D, folder, err) && agrees(config, "num_hidden_layers", lens->L, folder, err);
	json_free(doc);
	free(path);
	return ok;
}

static void *lens_open(const char *path, struct err *err)
{
	struct arena *arena = arena_new();
	struct lens *lens = arena_alloc(arena, sizeof *lens);
	const bool folder = file_is_folder(path);
	char *file = folder ? file_join(path, "params.pt") : xstrdup(path);
	bool ok;

	lens->arena = arena;
	ok = (lens->file = weights_open(file, err)) && take_layers(lens, file, err) && (!folder || check_config(lens, path, err));
	free(file);
	if (ok)
		return lens;
	lens_free(lens);
	return NULL;
}

const char *lens_says(const struct lens *lens, const char *key)
{
	for (int i = 0; i < lens->notes; i++)
		if (!strcmp(lens->note[i].key, key))
			return lens->note[i].value;
	return lens->file ? weights_metadata(lens->file, key) : NULL;
}

const char *lens_model(const struct model *m, struct arena *arena)
{
	struct str s;
	const char *kept;

	str_init(&s);
	str_add(&s, "{\"name\":");
	json_write_string(&s, m->name, strlen(m->name));
	str_addf(&s, ",\"d_model\":%d,\"layers\":%d,\"unembedding\":\"%016" PRIx64 "\"}", m->config.D, m->config.L,
		 model_unembedding_hash(m));
	kept = arena_strdup(arena, s.s);
	str_done(&s);
	return kept;
}

/* What is after `key` in two of these texts is the same, or one of them does not say. */
static bool same_model(const char *says, const struct model *m)
{
	struct err err = { 0 };
	struct json *doc = says ? json_parse(says, strlen(says), "model", &err) : NULL;
	const char *hash = doc ? json_text(json_get(json_root(doc), "unembedding")) : NULL;
	char own[24];
	bool same;

	snprintf(own, sizeof own, "%016" PRIx64, hash ? model_unembedding_hash(m) : 0);
	same = !hash || !strcmp(hash, own);
	json_free(doc);
	return same;
}

static bool lens_fits(const void *content, const struct model *m, const char *path, struct notes *notes, struct err *err)
{
	const struct lens *lens = content;

	if (lens->D != m->config.D || lens->L != m->config.L)
		return err_set(err, ERR_ARGUMENT, "%s: this lens is for %d layers of %d channels; %s has %d of %d", path, lens->L,
			       lens->D, m->name, m->config.L, m->config.D);
	if (!same_model(lens_says(lens, "model"), m))
		notes_add(notes, "%s: this lens was trained on a model with another unembedding", path);
	return true;
}

void lens_apply(const struct lens *lens, int layer, const float *h, int n, float *y)
{
	const size_t D = (size_t)lens->D;

	matrix_apply(lens->W[layer], h, D, n, y, D);
	for (size_t i = 0; i < (size_t)n; i++) {
		if (lens->residual)
			kernel_add(h + i * D, y + i * D, y + i * D, D);
		kernel_add(y + i * D, lens->b[layer], y + i * D, D);
	}
}

static bool lens_save(const void *content, const char *path, struct err *err)
{
	const struct lens *lens = content;
	const int each = lens->bias ? 2 : 1, n = each * lens->L + lens->mores;
	struct tensor *all = xcalloc((size_t)n, sizeof *all);
	struct arena *arena = arena_new();
	bool ok;

	for (int l = 0; l < lens->L; l++) {
		all[each * l] = lens->weight[l];
		all[each * l].name = arena_printf(arena, "weight.%d", l);
		if (lens->bias) {
			all[each * l + 1] = lens->bias[l];
			all[each * l + 1].name = arena_printf(arena, "bias.%d", l);
		}
	}
	for (int i = 0; i < lens->mores; i++)
		all[each * lens->L + i] = lens->more[i];
	ok = safetensors_write(path, lens->note, lens->notes, all, n, err);
	arena_free(arena);
	free(all);
	return ok;
}

const struct asset_kind asset_lens = {
	.name = "lens",
	.help = "a map of the stream for each layer: train-tuned-lens makes it, tuned-lens reads through it",
	.open = lens_open,
	.free = lens_free,
	.fits = lens_fits,
	.save = lens_save,
};
