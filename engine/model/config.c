/* config.c - a model's sizes and options, read from its settings and checked before anything is computed with them. */
#include "engine/model/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/model/family.h"

enum { MOST = 1 << 24 };	/* of any size: far above every model, far below where products overflow */

static bool refuse(const struct settings *s, struct err *err, const char *what)
{
	return err_set(err, ERR_FILE, "%s: %s", s->from->path, what);
}

static bool read_sizes(const struct settings *s, const struct family *f, struct config *c, struct err *err)
{
	if (!setting_int(s, SETTING_LAYERS, 1, 1000, &c->L, err) || !setting_int(s, SETTING_WIDTH, 1, MOST, &c->D, err) ||
	    !setting_int(s, SETTING_HEADS, 1, 100000, &c->H, err))
		return false;
	if (!c->L || !c->D || !c->H)
		return refuse(s, err, "the number of layers, the width or the number of heads is missing from the settings");
	c->G = c->H;
	if (!setting_int(s, SETTING_KV_HEADS, 1, c->H, &c->G, err))
		return false;
	if (c->H % c->G)
		return err_set(err, ERR_FILE, "%s: %d heads cannot share %d key/value heads evenly", s->from->path, c->H, c->G);
	c->K = c->D / c->H;
	if (!setting_int(s, SETTING_HEAD_WIDTH, 1, MOST / c->H, &c->K, err))
		return false;
	if (!c->K)
		return refuse(s, err, "a head would have no channels: there are more heads than channels");
	c->F = f->gated ? 0 : 4 * c->D;
	if (!setting_int(s, SETTING_NEURONS, 1, MOST, &c->F, err))
		return false;
	if (!c->F)
		return refuse(s, err, "the width of the MLP is missing from the settings");
	if (!setting_int(s, SETTING_CONTEXT, 1, MOST, &c->context, err))
		return false;
	if (!c->context)
		return refuse(s, err, "the length of the context is missing from the settings");
	return true;
}

/* f[i] = base^(-2i / (2 pairs)): Su et al. 2021. */
static void plain_frequencies(float *f, int pairs, float base)
{
	for (int i = 0; i < pairs; i++)
		f[i] = 1.0f / powf(base, (float)(2 * i) / (float)(2 * pairs));
}

/* Llama 3.1: long wavelengths are slowed by `factor`, short ones kept, those between blended. */
static bool scale_llama3(const struct json_value *v, float *f, int pairs)
{
	double factor, low, high, old;

	if (!json_double(json_get(v, "factor"), &factor) || !json_double(json_get(v, "low_freq_factor"), &low) ||
	    !json_double(json_get(v, "high_freq_factor"), &high) ||
	    !json_double(json_get(v, "original_max_position_embeddings"), &old) || factor <= 0 || high <= low)
		return false;
	for (int i = 0; i < pairs; i++) {
		double wavelength = 2 * M_PI / (double)f[i];

		if (wavelength > old / low) {
			f[i] = (float)((double)f[i] / factor);
		} else if (wavelength >= old / high) {
			double smooth = (old / wavelength - low) / (high - low);

			f[i] = (float)((1 - smooth) * (double)f[i] / factor + smooth * (double)f[i]);
		}
	}
	return true;
}

static bool scale_from_json(const struct settings *s, struct rotary *r, struct err *err)
{
	const struct json_value *v = json_get(s->json, "rope_scaling");
	const char *type;
	double factor;

	if (!json_is(v, JSON_OBJECT))
		v = json_get(s->json, "rope_parameters");
	if (!json_is(v, JSON_OBJECT))
		return true;
	type = json_text(json_get(v, "rope_type"));
	if (!type)
		type = json_text(json_get(v, "type"));
	if (!type || !strcmp(type, "default"))
		return true;
	if (!strcmp(type, "linear") && json_double(json_get(v, "factor"), &factor) && factor > 0) {
		for (int i = 0; i < r->pairs; i++)
			r->frequency[i] /= (float)factor;
		return true;
	}
	if (!strcmp(type, "llama3") && scale_llama3(v, r->frequency, r->pairs))
		return true;
	return err_set(err, ERR_FILE, "%s/config.json: the rotary scaling \"%.40s\" is not supported, or lacks a number; lmscope knows "
		       "linear and llama3", s->from->path, type);
}

/* GGUF: a divisor for each frequency as a tensor (Llama 3.1), or linear scaling by one factor. */
static bool scale_from_gguf(const struct settings *s, struct rotary *r, struct arena *arena, struct err *err)
{
	const struct tensor *divisors = gguf_find(s->from->gguf, "rope_freqs.weight");
	char key[160];
	const char *type;
	size_t n;
	double factor = 0;

	snprintf(key, sizeof key, "%s.rope.scaling.type", s->arch);
	if (gguf_string(s->from->gguf, key, &type, &n) && !(n == 4 && !memcmp(type, "none", 4))) {
		if (!(n == 6 && !memcmp(type, "linear", 6)))
			return err_set(err, ERR_FILE, "%s: the rotary scaling \"%.*s\" is not supported; lmscope knows linear", s->from->path,
				       (int)(n < 40 ? n : 40), type);
		snprintf(key, sizeof key, "%s.rope.scaling.factor", s->arch);
		if (!gguf_double(s->from->gguf, key, &factor) || factor <= 0)
			return err_set(err, ERR_FILE, "%s: %s is not a positive number", s->from->path, key);
	} else {
		snprintf(key, sizeof key, "%s.rope.scale_linear", s->arch);
		gguf_double(s->from->gguf, key, &factor);
	}
	for (int i = 0; factor > 0 && i < r->pairs; i++)
		r->frequency[i] /= (float)factor;
	if (divisors) {
		float *by = arena_floats(arena, (size_t)r->pairs, err);

		if (!by)
			return false;
		if (tensor_count(divisors) != (size_t)r->pairs)
			return err_set(err, ERR_FILE, "%s: rope_freqs.weight has %zu numbers, expected %d", s->from->path,
				       tensor_count(divisors), r->pairs);
		tensor_expand(divisors, by);
		for (int i = 0; i < r->pairs; i++)
			r->frequency[i] /= by[i];
	}
	return true;
}

static bool read_rotary(const struct settings *s, const struct family *f, struct config *c, struct arena *arena, struct err *err)
{
	float base = 10000, share = 1;
	int width;

	if (!setting_float(s, SETTING_ROPE_BASE, &base, err) || !setting_float(s, SETTING_ROTARY_SHARE, &share, err))
		return false;
	width = (int)((float)c->K * share);
	if (!setting_int(s, SETTING_ROTARY_WIDTH, 2, c->K, &width, err))
		return false;
	if (base <= 0 || width < 2 || width > c->K || width % 2)
		return err_set(err, ERR_FILE, "%s: rotary positions over %d of %d channels with base %g make no sense", s->from->path, width,
			       c->K, (double)base);
	c->rotary = (struct rotary){ .pairs = width / 2, .interleaved = f->interleaved, .factor = 1 };
	c->rotary.frequency = arena_floats(arena, (size_t)c->rotary.pairs, err);
	if (!c->rotary.frequency)
		return false;
	plain_frequencies(c->rotary.frequency, c->rotary.pairs, base);
	return s->json ? scale_from_json(s, &c->rotary, err) : scale_from_gguf(s, &c->rotary, arena, err);
}

static bool read_activation(const struct settings *s, const struct family *f, struct config *c, struct err *err)
{
	static const struct {
		const char *word;
		enum activation f;
	} words[] = {
		{ "relu", ACTIVATION_RELU }, { "gelu", ACTIVATION_GELU }, { "gelu_new", ACTIVATION_GELU_TANH },
		{ "gelu_fast", ACTIVATION_GELU_TANH }, { "gelu_pytorch_tanh", ACTIVATION_GELU_TANH }, { "silu", ACTIVATION_SILU },
		{ "swish", ACTIVATION_SILU }, { "quick_gelu", ACTIVATION_GELU_QUICK }, { "relu2", ACTIVATION_RELU2 },
	};
	char word[64] = "";

	c->activation = f->activation;
	if (!setting_text(s, SETTING_ACTIVATION, word, sizeof word, err))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i].word, word)) {
			c->activation = words[i].f;
			return true;
		}
	return !*word || err_set(err, ERR_FILE, "%s: the activation \"%s\" is not supported", s->from->path, word);
}

static bool read_window(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	int window = 0;

	if (!setting_int(s, SETTING_WINDOW, 1, MOST, &window, err))
		return false;
	if (window) {
		c->window = arena_alloc(arena, (size_t)c->L * sizeof *c->window);
		for (int l = 0; l < c->L; l++)
			c->window[l] = window;
	}
	return true;
}

bool config_read(const struct settings *s, const struct family *f, struct arena *arena, struct config *c, struct err *err)
{
	*c = (struct config){ .norm = f->norm, .norm_eps = f->eps, .position = f->position, .gated = f->gated, .tied = f->tied,
			      .embed_scale = 1, .residual_scale = 1, .logit_scale = 1 };
	snprintf(c->family, sizeof c->family, "%s", f->name);
	c->context_is_hard = f->position == POSITION_LEARNED;
	if (!read_sizes(s, f, c, err) || !read_activation(s, f, c, err) || !read_window(s, c, arena, err) ||
	    !setting_float(s, SETTING_NORM_EPS, &c->norm_eps, err) || !setting_bool(s, SETTING_TIED, &c->tied, err))
		return false;
	if (!(c->norm_eps >= 0 && c->norm_eps < 1))
		return refuse(s, err, "the epsilon of the norms is not between 0 and 1");
	c->attention_scale = arena_floats(arena, (size_t)c->L, err);
	if (!c->attention_scale)
		return false;
	for (int l = 0; l < c->L; l++)
		c->attention_scale[l] = 1.0f / sqrtf((float)c->K);
	if (f->position == POSITION_ROTARY && !read_rotary(s, f, c, arena, err))
		return false;
	return !f->settle || f->settle(s, c, err);
}
