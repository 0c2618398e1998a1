/* config.c - a model's sizes and options, read from its settings and checked before anything is computed with them. */
#include "engine/model/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/model/family.h"
#include "engine/model/family_settings.h"

enum { MOST_EXPERTS = 1 << 12 };
enum { MOST = 1 << 24 }; /* of any size: far above every model, far below where products overflow */

static bool read_sizes(const struct settings *s, const struct family *f, struct config *c, struct err *err)
{
	c->H = s->json ? f->heads : 0;
	if (!setting_int(s, SETTING_LAYERS, 1, 1000, &c->L, err) || !setting_int(s, SETTING_WIDTH, 1, MOST, &c->D, err) ||
	    !setting_int(s, SETTING_HEADS, 1, 100000, &c->H, err))
		return false;
	if (!c->L || !c->D || !c->H)
		return setting_refuse(s, !c->L ? SETTING_LAYERS : !c->D ? SETTING_WIDTH : SETTING_HEADS, err, " is missing");
	c->G = s->json && f->kv_heads && !setting_json(s, "num_key_value_heads") ? f->kv_heads : c->H;
	if (!setting_int(s, SETTING_KV_HEADS, 1, c->H, &c->G, err))
		return false;
	if (c->H % c->G)
		return setting_refuse(s, SETTING_KV_HEADS, err, ": %d heads cannot share %d evenly", c->H, c->G);
	c->K = s->json && f->head_width ? f->head_width : c->D / c->H;
	if (!setting_int(s, SETTING_HEAD_WIDTH, 1, MOST / c->H, &c->K, err))
		return false;
	if (!c->K)
		return setting_refuse(s, SETTING_HEADS, err, " is %d, but there are only %d channels for them", c->H, c->D);
	c->F = f->gated ? 0 : 4 * c->D;
	if (!setting_int(s, SETTING_NEURONS, 1, MOST, &c->F, err))
		return false;
	if (!c->F && f->mixes && !setting_int(s, SETTING_EXPERT_NEURONS, 1, MOST, &c->F, err))
		return false;
	if (!c->F)
		return setting_refuse(s, SETTING_NEURONS, err, " is missing");
	return setting_int(s, SETTING_CONTEXT, 1, MOST, &c->context, err);
}

static bool read_experts(const struct settings *s, const struct family *f, struct config *c, struct arena *arena, struct err *err)
{
	struct experts *e = &c->experts;

	if (!f->mixes)
		return true;
	*e = (struct experts){ .F = c->F, .groups = 1, .open = 1, .group_best = 1, .scale = 1 };
	if (!setting_int(s, SETTING_EXPERTS, 1, MOST_EXPERTS, &e->X, err) ||
	    !setting_int(s, SETTING_EXPERTS_USED, 1, MOST_EXPERTS, &e->chosen, err) ||
	    !setting_int(s, SETTING_EXPERT_NEURONS, 1, MOST, &e->F, err) ||
	    !setting_int(s, SETTING_SHARED_NEURONS, 0, MOST, &e->shared, err))
		return false;
	if (!e->X || !e->chosen)
		return setting_refuse(s, e->X ? SETTING_EXPERTS_USED : SETTING_EXPERTS, err, " is missing");
	if (f->name_of[WEIGHT_SHARED_GATE] && setting_known(s, "shared_expert_intermediate_size") && !e->shared)
		return setting_refuse(s, SETTING_SHARED_NEURONS, err, " is missing");
	if (e->chosen > e->X)
		return setting_refuse(s, SETTING_EXPERTS_USED, err, " is %d, but there are only %d experts", e->chosen, e->X);
	c->biases &= ~(unsigned)BIAS_MLP;
	c->may_biases &= ~(unsigned)BIAS_MLP;
	e->here = arena_alloc(arena, (size_t)c->L * sizeof *e->here);
	for (int l = 0; l < c->L; l++)
		e->here[l] = true;
	return true;
}

/* Which layers are mixtures is known: so is how much a run keeps of their neurons. */
static bool settle_neurons(const struct settings *s, struct config *c, struct err *err)
{
	const struct experts *e = &c->experts;
	int dense = 0;

	c->dense = c->F;
	for (int l = 0; l < c->L; l++)
		dense += !config_mixes(c, l);
	if (e->X && e->F > (MOST - e->shared) / e->chosen)
		return setting_refuse(s, SETTING_EXPERT_NEURONS, err,
				      " is %d, which is more than fits with %d experts for each token", e->F, e->chosen);
	if (e->X && (!dense || c->F < e->chosen * e->F + e->shared))
		c->F = e->chosen * e->F + e->shared;
	return true;
}

static bool read_activation(const struct settings *s, const struct family *f, struct config *c, struct err *err)
{
	static const struct {
		const char *word;
		enum activation f;
	} words[] = {
		{ "relu", ACTIVATION_RELU },
		{ "gelu", ACTIVATION_GELU },
		{ "gelu_python", ACTIVATION_GELU },
		{ "gelu_new", ACTIVATION_GELU_TANH },
		{ "gelu_fast", ACTIVATION_GELU_TANH },
		{ "gelu_accurate", ACTIVATION_GELU_TANH },
		{ "gelu_pytorch_tanh", ACTIVATION_GELU_TANH },
		{ "gelu_python_tanh", ACTIVATION_GELU_TANH },
		{ "silu", ACTIVATION_SILU },
		{ "swish", ACTIVATION_SILU },
		{ "quick_gelu", ACTIVATION_GELU_QUICK },
		{ "relu2", ACTIVATION_RELU2 },
		{ "xielu", ACTIVATION_XIELU },
	};
	char word[64] = "";

	c->activation = f->activation;
	c->llama_tanh = !s->json && f->llama_tanh;
	if (!setting_text(s, SETTING_ACTIVATION, word, sizeof word, err))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i].word, word) && (words[i].f != ACTIVATION_XIELU || f->activation == ACTIVATION_XIELU)) {
			c->activation = words[i].f;
			return true;
		}
	return !*word || setting_refuse(s, SETTING_ACTIVATION, err, ": the activation \"%s\" is not supported", word);
}

/* A GGUF may say for which layers the window holds: one truth value each, or n for all but every n-th. false: it does not say. */
static bool windowed_by_gguf(const struct settings *s, int l, bool *out)
{
	char key[160];
	int64_t x;

	if (s->json)
		return false;
	snprintf(key, sizeof key, "%s.attention.sliding_window_pattern", s->arch);
	if (gguf_array_int(s->from->gguf, key, (size_t)l, &x))
		*out = x != 0;
	else if (gguf_int(s->from->gguf, key, &x) && x >= 0)
		*out = !x || (l + 1) % x != 0;
	else
		return false;
	return true;
}

/* Does the window hold for layer l? Only asked where the settings do not list the types of layers. */
static bool windowed(const struct settings *s, enum window_rule rule, int l)
{
	const char *letters = json_text(setting_json(s, "sliding_window_pattern")); /* "LLLG": local and global ones in turn */
	bool used = false;
	int64_t pattern = rule == WINDOW_FOURTH ? 4 : 6, from = rule == WINDOW_LAST			? 62
								: setting_known(s, "max_window_layers") ? 28
													: 0; /* unless they say */

	if (windowed_by_gguf(s, l, &used))
		return used;
	switch (rule) {
	case WINDOW_EVEN:
		return l % 2 == 0;
	case WINDOW_PATTERN:
	case WINDOW_FOURTH:
		if (letters && *letters)
			return letters[(size_t)l % strlen(letters)] == 'L';
		json_int(setting_json(s, "sliding_window_pattern"), &pattern);
		return pattern < 1 || (l + 1) % pattern != 0;
	case WINDOW_LAST:
		json_int(setting_json(s, "max_window_layers"), &from);
		return s->json && l >= from;
	case WINDOW_IF_USED:
	case WINDOW_EVEN_IF_USED:
		json_bool(setting_json(s, "use_sliding_window"), &used);
		json_int(setting_json(s, "max_window_layers"), &from);
		return used && (rule == WINDOW_IF_USED ? l >= from : l % 2 == 0 && l < from);
	default:
		return true;
	}
}

/* GPT-Neo's [[["global", "local"], 6]]: kinds in turn, so many times; or the same written out as attention_layers. */
static bool is_local(const struct settings *s, int l)
{
	const struct json_value *types = setting_json(s, "attention_types");
	const char *kind = json_text(json_at(setting_json(s, "attention_layers"), (size_t)l));

	for (size_t i = 0; !kind && i < json_count(types); i++) {
		const struct json_value *kinds = json_at(json_at(types, i), 0);
		int64_t times = 0, n = (int64_t)json_count(kinds);

		json_int(json_at(json_at(types, i), 1), &times);
		if (n && l < n * times)
			kind = json_text(json_at(kinds, (size_t)(l % n)));
		l -= (int)(n * times);
	}
	return kind ? !strcmp(kind, "local") : l % 2 == 1;
}

static bool read_window(const struct settings *s, const struct family *f, struct config *c, struct arena *arena, struct err *err)
{
	const struct json_value *types = setting_json(s, "layer_types");
	size_t listed = json_count(types);
	const struct json_value *width = setting_json(s, "sliding_window");
	bool none = s->json ? width && json_kind(width) == JSON_NULL : f->window == WINDOW_FOURTH; /* unless the GGUF says */
	int window = none ? 0 : f->window_width;

	if (!setting_int(s, SETTING_WINDOW, 0, MOST, &window, err))
		return false;
	if (!window) /* converters write 0 for none */
		return true;
	if (json_is(types, JSON_ARRAY) && listed < (size_t)c->L) /* null is no list, and says nothing */
		return err_set(err, ERR_FILE, "%s/config.json: layer_types lists %zu layers of %d", s->from->path, listed, c->L);
	c->window = arena_alloc(arena, (size_t)c->L * sizeof *c->window);
	for (int l = 0; l < c->L; l++) {
		const char *type = json_text(json_at(types, (size_t)l));
		bool holds = type			 ? !strcmp(type, "sliding_attention")
			     : f->window == WINDOW_LOCAL ? is_local(s, l)
							 : windowed(s, f->window, l);

		if (type && !holds && strcmp(type, "full_attention"))
			return err_set(err, ERR_FILE, "%s/config.json: layer_types: \"%.40s\" is not supported", s->from->path,
				       type);
		c->window[l] = holds ? window : 0;
	}
	return true;
}

float config_query_scale(const struct config *c, int position)
{
	return c->query_growth == 0 ? 1 : 1 + c->query_growth * log1pf(floorf((float)position / c->query_period));
}

/* Multipliers and caps, whatever the family. */
static bool read_scales(const struct settings *s, struct config *c, struct err *err)
{
	float attention = 1.0f / sqrtf((float)c->K);

	if (!setting_float(s, SETTING_ATTENTION_CAP, &c->attention_cap, err) ||
	    !setting_float(s, SETTING_LOGIT_CAP, &c->logit_cap, err) ||
	    !setting_float(s, SETTING_LOGIT_SCALE, &c->logit_scale, err) ||
	    !setting_float(s, SETTING_EMBED_SCALE, &c->embed_scale, err) ||
	    !setting_float(s, SETTING_RESIDUAL_SCALE, &c->residual_scale, err) ||
	    !setting_float(s, SETTING_ATTENTION_SCALE, &attention, err) || !setting_float(s, SETTING_QKV_CLIP, &c->qkv_clip, err) ||
	    !setting_float(s, SETTING_NORM_EPS, &c->norm_eps, err))
		return false;
	if (!(c->norm_eps >= 0 && c->norm_eps < 1))
		return setting_refuse(s, SETTING_NORM_EPS, err, " is not between 0 and 1");
	for (int l = 0; l < c->L; l++)
		c->attention_scale[l] = attention;
	return true;
}

bool config_read(const struct settings *s, const struct family *f, struct arena *arena, struct config *c, struct err *err)
{
	*c = (struct config){ .norm = f->norm,
			      .norm_eps = f->eps,
			      .qk_norm = f->norm,
			      .position = f->position,
			      .position_offset = f->position_offset,
			      .gated = f->gated,
			      .tied = f->tied,
			      .biases = f->biases,
			      .parallel = f->parallel,
			      .parallel_shared_norm = f->shared_norm,
			      .embed_scale = 1,
			      .residual_scale = 1,
			      .logit_scale = 1 };
	snprintf(c->family, sizeof c->family, "%s", f->name);
	c->context_is_hard = f->position == POSITION_LEARNED;
	c->context = f->context;
	settle_biases(s, c);
	if (!settle_check(s, err) || !read_sizes(s, f, c, err) || !(c->attention_scale = arena_floats(arena, (size_t)c->L, err)))
		return false;
	return read_experts(s, f, c, arena, err) && read_activation(s, f, c, err) && read_window(s, f, c, arena, err) &&
	       read_scales(s, c, err) && settings_tied(s, &c->tied, err) &&
	       (f->position != POSITION_ROTARY || rotary_read(s, f, c, arena, err)) &&
	       (!f->settle || f->settle(s, c, arena, err)) && settle_neurons(s, c, err);
}
