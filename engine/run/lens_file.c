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

enum { LAYERS_MOST = 4096, HEADS_MOST = 512, AHEAD_MOST = 1000, CONFIG_LIMIT = 1 << 20 };

static void lens_free(void *content)
{
	struct lens *lens = content;

	weights_free(lens->file);
	arena_free(lens->arena); /* the lens is in it */
}

int lens_maps(const struct lens *lens)
{
	return lens->L * (lens->heads ? lens->heads : 1);
}

int lens_map_of(const struct lens *lens, int layer, int head)
{
	return lens->heads ? layer * lens->heads + head : layer;
}

bool lens_has(const struct lens *lens, int map)
{
	return lens->W[map] != NULL;
}

/* "3", or "3.1" of a head. */
static const char *map_name(const struct lens *lens, int map, char name[24])
{
	if (lens->heads)
		snprintf(name, 24, "%d.%d", map / lens->heads, map % lens->heads);
	else
		snprintf(name, 24, "%d", map);
	return name;
}

/* Our name of it, or the tuned-lens project's. */
static const struct tensor *find(const struct lens *lens, const char *what, int map)
{
	const struct tensor *t;
	char name[48], number[24];

	if (lens->jacobian && strcmp(what, "weight"))
		return NULL;
	snprintf(name, sizeof name, "%s.%s", lens->jacobian ? "J" : what, map_name(lens, map, number));
	if ((t = weights_find(lens->file, name)))
		return t;
	snprintf(name, sizeof name, "%s.%s", number, what);
	return weights_find(lens->file, name);
}

static bool has_shape(const struct tensor *t, int dims, int64_t rows, int64_t columns)
{
	return t && t->dims == dims && t->shape[0] == rows && (dims < 2 || t->shape[1] == columns);
}

static bool take_map(struct lens *lens, const char *path, int map, struct err *err)
{
	const struct tensor *w = find(lens, "weight", map), *b = find(lens, "bias", map);
	char name[24];

	if (!has_shape(w, 2, lens->D, lens->D) || (b && !has_shape(b, 1, lens->D, 0)))
		return err_set(err, ERR_FILE, "%s: the %s of layer %s is not a matrix of %d × %d%s", path,
			       lens->jacobian ? "Jacobian" : "translator", map_name(lens, map, name), lens->D, lens->D,
			       lens->jacobian ? "" : arena_printf(lens->arena, " with a bias of %d", lens->D));
	lens->weight[map] = *w;
	if (!(lens->W[map] = matrix_new(lens->arena, &(struct matrix_source){ .tensor = w, .in = lens->D, .out = lens->D }, err)) ||
	    !(lens->b[map] = arena_floats(lens->arena, (size_t)lens->D, err)))
		return false;
	if (b) {
		lens->bias[map] = *b;
		tensor_expand(b, lens->b[map]);
	}
	return true;
}

/* A whole number of the metadata; false: it is none that can be. Where there is none, *n stays. */
static bool read_number(const struct lens *lens, const char *key, int most, int *n)
{
	const char *says = lens_says(lens, key);
	char *end;
	long x = says ? strtol(says, &end, 10) : *n;

	*n = (int)x;
	return !says || (end != says && !*end && x >= 0 && x <= most);
}

/* The layers of the model that a file of ours is about; 0: it does not say. */
static int layers_of_model(const struct lens *lens)
{
	const char *says = lens_says(lens, "model");
	struct err err = { 0 };
	struct json *doc = says ? json_parse(says, strlen(says), "model", &err) : NULL;
	int64_t n = 0;

	if (doc)
		json_int(json_get(json_root(doc), "layers"), &n);
	json_free(doc);
	return n > 0 && n <= LAYERS_MOST ? (int)n : 0;
}

static const struct asset_kind *kind_of(const struct lens *lens)
{
	return lens->jacobian ? &asset_jacobian : &asset_lens;
}

/* A published Jacobian lens may be of some layers, and does not say of how many there are: as many as the last that it has. */
static int count_layers(const struct lens *lens)
{
	const int heads = lens->heads ? lens->heads : 1;
	int L = 0;

	if (!lens->jacobian)
		while (L < LAYERS_MOST && find(lens, "weight", L * heads))
			L++;
	for (int l = 0; lens->jacobian && l < LAYERS_MOST; l++)
		L = find(lens, "weight", l) ? l + 1 : L;
	return L;
}

/* How many layers, heads and channels; the first map that it has, -1 on error. */
static int read_sizes(struct lens *lens, const char *path, struct err *err)
{
	const char *kind = lens_says(lens, "lmscope"), *residual = lens_says(lens, "residual");
	const struct tensor *first = NULL;
	int at = 0;

	if (kind && strcmp(kind, kind_of(lens)->name)) {
		err_set(err, ERR_FILE, "%s: this is no %s (its metadata lmscope is \"%.40s\")", path,
			lens->jacobian ? "Jacobian lens" : "lens", kind);
		return -1;
	}
	if (!lens->jacobian &&
	    (!read_number(lens, "heads", HEADS_MOST, &lens->heads) || !read_number(lens, "ahead", AHEAD_MOST, &lens->ahead))) {
		err_set(err, ERR_FILE, "%s: its metadata heads and ahead are not numbers of heads and of tokens", path);
		return -1;
	}
	if (!(lens->L = layers_of_model(lens)))
		lens->L = count_layers(lens);
	while (at < lens_maps(lens) && !find(lens, "weight", at))
		at++;
	first = at < lens_maps(lens) ? find(lens, "weight", at) : NULL;
	if (!first || first->dims != 2 || first->shape[0] != first->shape[1] || first->shape[0] < 1 || first->shape[0] > 1 << 20) {
		err_set(err, ERR_FILE, "%s: this is no %s", path,
			lens->jacobian ? "Jacobian lens: it has no square matrix J.0, or of another layer"
				       : "lens: it has no square matrix weight.0 (or 0.weight)");
		return -1;
	}
	lens->D = (int)first->shape[0];
	lens->residual = !lens->jacobian && (!residual || strcmp(residual, "no"));
	return at;
}

static bool take_maps(struct lens *lens, const char *path, struct err *err)
{
	const int first = read_sizes(lens, path, err);
	const size_t maps = (size_t)lens_maps(lens);
	char name[24];

	if (first < 0)
		return false;
	lens->weight = arena_alloc(lens->arena, maps * sizeof *lens->weight);
	lens->bias = find(lens, "bias", first) ? arena_alloc(lens->arena, maps * sizeof *lens->bias) : NULL;
	lens->W = arena_alloc(lens->arena, maps * sizeof(struct matrix *));
	lens->b = arena_alloc(lens->arena, maps * sizeof(float *));
	for (int m = first; m < (int)maps; m++) {
		if (!find(lens, "weight", m))
			continue;
		if (!find(lens, "bias", m) != !lens->bias)
			return err_set(err, ERR_FILE, "%s: some layers have a bias and layer %s %s", path, map_name(lens, m, name),
				       lens->bias ? "has none" : "has one");
		if (!take_map(lens, path, m, err))
			return false;
	}
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

static void *open_as(bool jacobian, const char *path, struct err *err)
{
	struct arena *arena = arena_new();
	struct lens *lens = arena_alloc(arena, sizeof *lens);
	const bool folder = !jacobian && file_is_folder(path);
	char *file = folder ? file_join(path, "params.pt") : xstrdup(path);
	bool ok;

	lens->arena = arena;
	lens->jacobian = jacobian;
	ok = (lens->file = weights_open(file, err)) && take_maps(lens, file, err) && (!folder || check_config(lens, path, err));
	free(file);
	if (ok)
		return lens;
	lens_free(lens);
	return NULL;
}

static void *lens_open(const char *path, struct err *err)
{
	return open_as(false, path, err);
}

static void *jacobian_open(const char *path, struct err *err)
{
	return open_as(true, path, err);
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

	if (lens->D != m->config.D || (lens->jacobian ? lens->L > m->config.L : lens->L != m->config.L))
		return err_set(err, ERR_ARGUMENT, "%s: this lens is for %d layers of %d channels; %s has %d of %d", path, lens->L,
			       lens->D, m->name, m->config.L, m->config.D);
	if (lens->heads && lens->heads != m->config.H)
		return err_set(err, ERR_ARGUMENT, "%s: this lens is for %d heads a layer; %s has %d", path, lens->heads, m->name,
			       m->config.H);
	if (!same_model(lens_says(lens, "model"), m))
		notes_add(notes, "%s: this lens was trained on a model with another unembedding", path);
	return true;
}

void lens_apply(const struct lens *lens, int map, const float *h, int n, float *y)
{
	const size_t D = (size_t)lens->D;

	matrix_apply(lens->W[map], h, D, n, y, D);
	for (size_t i = 0; i < (size_t)n; i++) {
		if (lens->residual)
			kernel_add(h + i * D, y + i * D, y + i * D, D);
		kernel_add(y + i * D, lens->b[map], y + i * D, D);
	}
}

static bool lens_save(const void *content, const char *path, struct err *err)
{
	const struct lens *lens = content;
	const int maps = lens_maps(lens);
	struct tensor *all = xcalloc((size_t)(2 * maps + lens->mores), sizeof *all);
	struct arena *arena = arena_new();
	char name[24];
	int n = 0;
	bool ok;

	for (int m = 0; m < maps; m++) {
		if (!lens->weight[m].data)
			continue;
		all[n] = lens->weight[m];
		all[n++].name = arena_printf(arena, "%s.%s", lens->jacobian ? "J" : "weight", map_name(lens, m, name));
		if (lens->bias) {
			all[n] = lens->bias[m];
			all[n++].name = arena_printf(arena, "bias.%s", name);
		}
	}
	for (int i = 0; i < lens->mores; i++)
		all[n++] = lens->more[i];
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

const struct asset_kind asset_jacobian = {
	.name = "jacobian",
	.help = "what a change of each layer's stream does to the last one: fit-jacobian-lens makes it, jacobian-lens reads "
		"through it",
	.open = jacobian_open,
	.free = lens_free,
	.fits = lens_fits,
	.save = lens_save,
};
