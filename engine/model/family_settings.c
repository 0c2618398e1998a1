/* family_settings.c - see family_settings.h. Facts are from the families' own modelling code in transformers. */
#include "engine/model/family_settings.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A switch that only Hugging Face folders have. */
static bool flag(const struct settings *s, const char *key, bool otherwise)
{
	bool value = otherwise;

	json_bool(setting_json(s, key), &value);
	return value;
}

static bool number(const struct settings *s, const char *key, double *out)
{
	return json_double(setting_json(s, key), out);
}

/* Weights that need more than their tensors' own numbers: codes, scales, zero points. */
static bool check_quantisation(const struct settings *s, struct err *err)
{
	const struct json_value *q = json_get(json_root(s->from->config), "quantization_config");
	const char *method = json_text(json_get(q, "quant_method"));

	return !json_is(q, JSON_OBJECT) || err_set(err, ERR_FILE,
						   "%s/config.json: quantization_config: the method \"%.40s\" is not supported; "
						   "lmscope reads plain floats from folders, and quantised weights from GGUF files",
						   s->from->path, method ? method : "");
}

bool settle_check(const struct settings *s, struct err *err)
{
	static const struct {
		const char *key;
		enum { FLAG, NUMBER, POSITIVE, LIST, PATTERN } kind;
	} rows[] = {
		{ "_remove_final_layer_norm", FLAG },
		{ "alibi", FLAG },
		{ "apply_residual_connection_post_layernorm", FLAG },
		{ "attention_bias", FLAG },
		{ "bias", FLAG },
		{ "do_layer_norm_before", FLAG },
		{ "enable_bias", FLAG },
		{ "layer_norm_elementwise_affine", FLAG },
		{ "multi_query", FLAG },
		{ "new_decoder_architecture", FLAG },
		{ "qk_layernorm", FLAG },
		{ "scale_attn_by_inverse_layer_idx", FLAG },
		{ "scale_attn_weights", FLAG },
		{ "use_qk_norm", FLAG },
		{ "use_sliding_window", FLAG },
		{ "mlp_bias", FLAG },
		{ "use_bias", FLAG },
		{ "use_qkv_bias", FLAG },
		{ "use_bidirectional_attention", FLAG },
		{ "norm_topk_prob", FLAG },
		{ "lm_head_bias", FLAG },
		{ "conv_bias", FLAG },
		{ "block_auto_adjust_ff_dim", FLAG },
		{ "use_expert_bias", FLAG },
		{ "num_dense_layers", NUMBER },
		{ "n_group", NUMBER },
		{ "topk_group", NUMBER },
		{ "n_shared_experts", NUMBER },
		{ "first_k_dense_replace", NUMBER },
		{ "moe_num_shared_experts", NUMBER },
		{ "moe_layer_start_index", NUMBER },
		{ "moe_layer_end_index", NUMBER },
		{ "moe_layer_interval", NUMBER },
		{ "moe_norm_min", NUMBER },
		{ "routed_scaling_factor", NUMBER },
		{ "block_multiple_of", POSITIVE },
		{ "block_ffn_dim_multiplier", POSITIVE },
		{ "full_attn_idxs", LIST },
		{ "decoder_sparse_step", NUMBER },
		{ "router_jitter_noise", NUMBER },
		{ "max_window_layers", NUMBER },
		{ "no_rope_layer_interval", NUMBER },
		{ "num_ln_in_parallel_attn", NUMBER },
		{ "sliding_window_pattern", PATTERN },
		{ "original_max_position_embeddings", POSITIVE },
		{ "query_pre_attn_scalar", POSITIVE },
		{ "rope_local_base_freq", POSITIVE },
		{ "word_embed_proj_dim", POSITIVE },
		{ "attention_layers", LIST },
		{ "attention_types", LIST },
		{ "layer_types", LIST },
		{ "mlp_only_layers", LIST },
		{ "no_rope_layers", LIST },
	};
	static const char *const words[] = { "true or false", "a number", "a number above 0", "a list", "a number or letters" };

	for (size_t i = 0; s->json && i < sizeof rows / sizeof *rows; i++) {
		const struct json_value *v = setting_json(s, rows[i].key);
		bool yes, ok = !v || json_kind(v) == JSON_NULL;
		double x;

		switch (ok ? NUMBER : rows[i].kind) {
		case FLAG:
			ok = json_bool(v, &yes);
			break;
		case NUMBER:
			ok = ok || json_double(v, &x);
			break;
		case POSITIVE:
			ok = json_double(v, &x) && x > 0;
			break;
		case LIST:
			ok = json_is(v, JSON_ARRAY);
			break;
		case PATTERN:
			ok = json_double(v, &x) || json_text(v);
			break;
		}
		if (!ok)
			return err_set(err, ERR_FILE, "%s/config.json: %s is not %s", s->from->path, rows[i].key,
				       words[rows[i].kind]);
	}
	return !s->json || check_quantisation(s, err);
}

/* What a switch of biases says when it is not there. */
static bool otherwise_true(const struct settings *s, const char *key)
{
	return (!strcmp(key, "use_bias") || !strcmp(key, "qkv_bias")) && setting_known(s, key);
}

/* Of a folder the settings say which biases there are; those of a GGUF do not, and what it has is used. */
void settle_biases(const struct settings *s, struct config *c)
{
	static const struct {
		const char *key;
		unsigned where;
	} rows[] = {
		{ "attention_bias", BIAS_QKV | BIAS_O },
		{ "bias", BIAS_QKV | BIAS_O | BIAS_MLP },
		{ "mlp_bias", BIAS_MLP },
		{ "use_bias", BIAS_QKV | BIAS_O | BIAS_MLP },
		{ "qkv_bias", BIAS_QKV },
		{ "lm_head_bias", BIAS_UNEMBED },
		{ "use_qkv_bias", BIAS_QKV },
		{ "conv_bias", BIAS_CONV },
	};

	c->may_biases = s->json ? c->biases : BIAS_ALL | BIAS_UNEMBED | BIAS_CONV;
	for (size_t i = 0; s->json && i < sizeof rows / sizeof *rows; i++)
		if (flag(s, rows[i].key, otherwise_true(s, rows[i].key)))
			c->may_biases |= rows[i].where;
}

static bool refuse(const struct settings *s, const char *what, struct err *err)
{
	return err_set(err, ERR_FILE, "%s: %s is not supported", s->from->path, what);
}

static void set_attention_scale(struct config *c, float scale)
{
	for (int l = 0; l < c->L; l++)
		c->attention_scale[l] = scale;
}

/*
 * Press et al. 2022: powers of 2^(-most/n) for the n heads below a power of two, every other one of the next power for the rest.
 * most is 8 in the paper.
 */
static bool alibi_slopes(struct config *c, float most, struct arena *arena, struct err *err)
{
	int n = 1;

	if (!(c->alibi = arena_floats(arena, (size_t)c->H, err)))
		return false;
	while (2 * n <= c->H)
		n *= 2;
	for (int h = 0; h < c->H; h++)
		c->alibi[h] = h < n ? powf(2, -most * (float)(h + 1) / (float)n)
				    : powf(2, -most / 2 * (float)(2 * (h - n) + 1) / (float)n);
	c->position = POSITION_ALIBI;
	return true;
}

/* A number of each layer in a GGUF's array, or one for all. */
static bool gguf_of_layer(const struct settings *s, const char *key, int l, float *out)
{
	double x;

	if (!gguf_array_double(s->from->gguf, key, (size_t)l, &x) && !gguf_double(s->from->gguf, key, &x))
		return false;
	*out = (float)x;
	return true;
}

/* A folder has the numbers of the activation as tensors (bind.c), a GGUF as settings. */
bool settle_apertus(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	if (c->activation != ACTIVATION_XIELU)
		return true;
	c->curve = arena_alloc(arena, (size_t)c->L * sizeof *c->curve);
	for (int l = 0; l < c->L; l++) {
		struct curve *y = &c->curve[l];

		*y = (struct curve){ .kind = ACTIVATION_XIELU, .beta = 0.5f, .eps = -1e-6f };
		if (s->json)
			continue;
		if (!gguf_of_layer(s, "xielu.alpha_p", l, &y->alpha_p) || !gguf_of_layer(s, "xielu.alpha_n", l, &y->alpha_n))
			return err_set(err, ERR_FILE, "%s: xielu.alpha_p or xielu.alpha_n has no number of layer %d", s->from->path,
				       l);
		gguf_of_layer(s, "xielu.beta", l, &y->beta);
		gguf_of_layer(s, "xielu.eps", l, &y->eps);
	}
	return true;
}

bool settle_bloom(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	c->stream_normed = flag(s, "apply_residual_connection_post_layernorm", false);
	return alibi_slopes(c, 8, arena, err);
}

bool settle_codegen(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena;
	return c->H * c->K % 4 == 0 ||
	       setting_refuse(s, SETTING_HEADS, err, ": %d channels of all heads are not four equal blocks", c->H * c->K);
}

bool settle_cohere(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	bool normed = s->json ? flag(s, "use_qk_norm", false) : gguf_find(s->from->gguf, "blk.0.attn_q_norm.weight") != NULL;

	(void)arena, (void)err;
	c->qk_span = normed ? QK_OWN : QK_NONE;
	if (s->json && !setting_there(s, SETTING_LOGIT_SCALE))
		c->logit_scale = 0.0625f;
	return true;
}

/* Which layers turn: those with a window alone. */
static void turn_windowed(struct config *c, struct arena *arena)
{
	c->no_rotary = arena_alloc(arena, (size_t)c->L * sizeof *c->no_rotary);
	for (int l = 0; l < c->L; l++)
		c->no_rotary[l] = !c->window || !c->window[l];
}

bool settle_cohere2(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)err;
	if (s->json && !setting_there(s, SETTING_LOGIT_SCALE))
		c->logit_scale = 0.0625f;
	turn_windowed(c, arena);
	return true;
}

/* Without a window all layers turn. */
bool settle_exaone4(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)s, (void)err;
	if (c->window)
		turn_windowed(c, arena);
	return true;
}

bool settle_falcon(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	bool grouped = flag(s, "new_decoder_architecture", false);
	double norms = 2;

	if (!s->json) { /* a GGUF says it by its tensors: two norms are the new architecture */
		c->parallel_shared_norm = !gguf_find(s->from->gguf, "blk.0.attn_norm_2.weight");
		return true;
	}
	if (!grouped)
		c->G = flag(s, "multi_query", true) ? 1 : c->H;
	number(s, "num_ln_in_parallel_attn", &norms);
	c->parallel = grouped || flag(s, "parallel_attn", true);
	c->parallel_shared_norm = c->parallel && !(grouped && norms == 2);
	if (!flag(s, "alibi", false))
		return true;
	c->alibi_rounded = true;
	return alibi_slopes(c, 8, arena, err);
}

bool settle_gemma(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	const char *older = json_text(setting_json(s, "hidden_act"));

	(void)arena;
	if (flag(s, "use_bidirectional_attention", false))
		return refuse(s, "use_bidirectional_attention (attention to later tokens)", err);
	c->embed_scale = sqrtf((float)c->D);
	if (older && !strcmp(older, "gelu"))
		c->activation = ACTIVATION_GELU_TANH; /* the older hidden_act says "gelu" and means this one */
	return true;
}

/* Scores are divided by the root of a number of their own. A GGUF seldom carries it: of the models that there are, only those of 27
 * billion parameters have another than K. */
static void scale_by_scalar(const struct settings *s, struct config *c)
{
	double scalar = s->json ? 256 : c->K;

	if (!s->json && setting_there(s, SETTING_ATTENTION_SCALE))
		return;
	if (!s->json && c->L == 46 && c->D == 4608)
		scalar = (double)c->D / c->H;
	if (!s->json && c->L == 62 && c->D == 5376)
		scalar = (double)c->D / c->H;
	number(s, "query_pre_attn_scalar", &scalar);
	set_attention_scale(c, (float)(1 / sqrt(scalar)));
}

bool settle_gemma2(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	scale_by_scalar(s, c); /* caps are there unless the settings say null */
	if (s->json ? !setting_json(s, "attn_logit_softcapping") : !setting_there(s, SETTING_ATTENTION_CAP))
		c->attention_cap = 50;
	if (s->json ? !setting_json(s, "final_logit_softcapping") : !setting_there(s, SETTING_LOGIT_CAP))
		c->logit_cap = 30;
	return settle_gemma(s, c, arena, err);
}

bool settle_gemma3(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	scale_by_scalar(s, c);
	if (s->json) /* the family's code reads a cap of the scores, and does not use it */
		c->attention_cap = 0;
	return settle_gemma(s, c, arena, err);
}

/* q, k and v have biases unless the settings deny them; a GGUF says it by its tensors. */
bool settle_glm4(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena, (void)err;
	if (s->json ? !flag(s, "attention_bias", true) : !gguf_find(s->from->gguf, "blk.0.attn_q.bias"))
		c->biases &= ~(unsigned)BIAS_QKV;
	if (s->json)
		c->may_biases = c->biases;
	return true;
}

bool settle_gpt2(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena, (void)err;
	if (!flag(s, "scale_attn_weights", true))
		set_attention_scale(c, 1);
	for (int l = 0; l < c->L && flag(s, "scale_attn_by_inverse_layer_idx", false); l++)
		c->attention_scale[l] /= (float)(l + 1);
	return true;
}

bool settle_gpt_bigcode(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena, (void)err;
	if (s->json)
		c->G = flag(s, "multi_query", true) ? 1 : c->H;
	if (!flag(s, "scale_attn_weights", true))
		set_attention_scale(c, 1);
	return true;
}

bool settle_gpt_neo(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)s, (void)arena, (void)err;
	set_attention_scale(c, 1);
	return true;
}

bool settle_gpt_neox(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena, (void)err;
	c->parallel = true;
	if (!setting_bool(s, SETTING_PARALLEL, &c->parallel, err))
		return false;
	if (s->json ? !flag(s, "attention_bias", true)
		    : !gguf_find(s->from->gguf, "blk.0.attn_qkv.bias") && !gguf_find(s->from->gguf, "blk.0.attn_output.bias"))
		c->biases &= ~(unsigned)(BIAS_QKV | BIAS_O);
	if (s->json)
		c->may_biases = c->biases;
	return true;
}

/* Here the setting divides, and scores are not scaled unless the settings say by what. */
bool settle_granite(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena;
	if (s->json && !setting_there(s, SETTING_ATTENTION_SCALE))
		set_attention_scale(c, 1);
	if (c->logit_scale == 0)
		return refuse(s, "a logit scale of 0", err);
	c->logit_scale = 1 / c->logit_scale;
	return true;
}

bool settle_granitemoe(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	c->experts.normalised = true;
	return settle_granite(s, c, arena, err);
}

bool settle_internlm2(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena, (void)err;
	if (s->json)
		c->may_biases &= ~(unsigned)BIAS_MLP;
	return true;
}

/* Does layer l attend? LFM2's others are short convolutions; a GGUF says it by heads that a layer does not have. */
static bool lfm2_attends(const struct settings *s, int l, bool *attends, struct err *err)
{
	const struct json_value *types = setting_json(s, "layer_types"), *list = setting_json(s, "full_attn_idxs");
	const char *type = json_text(json_at(types, (size_t)l));
	int64_t x = 1;

	if (!s->json) {
		char key[100];

		snprintf(key, sizeof key, "%s.attention.head_count_kv", s->arch);
		gguf_array_int(s->from->gguf, key, (size_t)l, &x);
		*attends = x != 0;
		return true;
	}
	if (json_is(types, JSON_ARRAY) && !type)
		return err_set(err, ERR_FILE, "%s/config.json: layer_types has no type of layer %d", s->from->path, l);
	if (type && strcmp(type, "conv") && strcmp(type, "full_attention"))
		return err_set(err, ERR_FILE, "%s/config.json: layer_types: \"%.40s\" is not supported", s->from->path, type);
	*attends = type ? *type == 'f' : !json_is(list, JSON_ARRAY);
	for (size_t i = 0; !type && i < json_count(list); i++)
		*attends = *attends || (json_int(json_at(list, i), &x) && x == l);
	return true;
}

static bool settle_convs(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	char key[100];
	int64_t taps = 3;
	bool attends = true;

	snprintf(key, sizeof key, "%s.shortconv.l_cache", s->arch);
	if (s->json)
		json_int(setting_json(s, "conv_L_cache"), &taps);
	else
		gguf_int(s->from->gguf, key, &taps);
	if (taps < 1 || taps > 64)
		return refuse(s, "a short convolution over less than 1 or more than 64 positions", err);
	c->mixer = arena_alloc(arena, (size_t)c->L * sizeof *c->mixer);
	for (int l = 0; l < c->L; l++) {
		if (!lfm2_attends(s, l, &attends, err))
			return false;
		c->mixer[l] = attends ? MIXER_ATTENTION : MIXER_CONV;
		if (!attends)
			c->conv_taps = (int)taps;
	}
	return !c->conv_taps || c->H * c->K == c->D ||
	       setting_refuse(s, SETTING_HEAD_WIDTH, err, ": %d heads of %d channels are not the %d channels of a convolution",
			      c->H, c->K, c->D);
}

/* The width that is given may be one of a plain MLP: a gated one has two thirds of it, in whole multiples. */
bool settle_lfm2(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	double by = 1, multiple = 256;

	if (s->json && flag(s, "block_auto_adjust_ff_dim", true)) {
		number(s, "block_ffn_dim_multiplier", &by);
		number(s, "block_multiple_of", &multiple);
		c->F = (int)(ceil(floor(by * floor(2.0 * c->F / 3)) / multiple) * multiple);
		if (!(c->F >= 1 && c->F <= 1 << 24))
			return setting_refuse(s, SETTING_NEURONS, err, " is adjusted to %d, which is no number of neurons", c->F);
	}
	return settle_convs(s, c, arena, err);
}

bool settle_lfm2_moe(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	struct experts *e = &c->experts;
	double dense = 2, scale = 1;
	int64_t lead = 0;

	number(s, "num_dense_layers", &dense);
	number(s, "routed_scaling_factor", &scale);
	if (!s->json && gguf_int(s->from->gguf, "lfm2moe.leading_dense_block_count", &lead))
		dense = (double)lead;
	if (!s->json)
		gguf_double(s->from->gguf, "lfm2moe.expert_weights_scale", &scale);
	e->score = ROUTER_SIGMOID;
	e->normalised = s->json ? flag(s, "norm_topk_prob", true) : true;
	e->sum_eps = 1e-6f;
	e->scale = (float)scale;
	e->biased = s->json ? flag(s, "use_expert_bias", true) : true;
	for (int l = 0; l < c->L; l++)
		e->here[l] = l >= dense;
	return settle_convs(s, c, arena, err);
}

/* Mistral's YaRN, and queries that grow beyond the length of the first training. */
bool settle_ministral3(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	const struct json_value *rope = setting_json(s, "rope_parameters");
	double growth = 0, period = c->context;

	(void)arena;
	if (s->json) {
		if (!json_double(json_get(rope, "llama_4_scaling_beta"), &growth) ||
		    !json_double(json_get(rope, "original_max_position_embeddings"), &period))
			return err_set(
				err, ERR_FILE,
				"%s/config.json: rope_parameters lacks llama_4_scaling_beta or original_max_position_embeddings",
				s->from->path);
	} else {
		gguf_double(s->from->gguf, "mistral3.attention.temperature_scale", &growth);
		gguf_double(s->from->gguf, "mistral3.rope.scaling.original_context_length", &period);
		gguf_double(s->from->gguf, "mistral3.attention.temperature_length", &period);
	}
	if (!isfinite(growth) || !(period >= 1))
		return refuse(s, "a scale of queries that is no number, or one that grows every 0 tokens,", err);
	c->query_growth = (float)growth;
	c->query_period = (float)period;
	return true;
}

/* What transformers computes is one kind of MPT: every published one. */
bool settle_mpt(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	static const struct {
		const char *key;
		bool usual;
	} switches[] = { { "alibi", true }, { "qk_ln", false }, { "prefix_lm", false } };
	const struct json_value *attention = setting_json(s, "attn_config");
	const char *kind = json_text(json_get(attention, "attn_type"));
	double most = s->json ? 8 : 0, ratio = 4;
	bool value;

	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
		if (json_bool(json_get(attention, switches[i].key), &value) && value != switches[i].usual)
			return err_set(err, ERR_FILE, "%s/config.json: attn_config: %s other than %s is not supported",
				       s->from->path, switches[i].key, switches[i].usual ? "true" : "false");
	if (kind && strcmp(kind, "multihead_attention"))
		return err_set(err, ERR_FILE, "%s/config.json: attn_config: the attn_type \"%.40s\" is not supported",
			       s->from->path, kind);
	if (number(s, "expansion_ratio", &ratio) && ratio != 4)
		return refuse(s, "expansion_ratio other than 4", err);
	if (!s->json)
		gguf_double(s->from->gguf, "mpt.attention.max_alibi_bias", &most);
	if (!(most > 0 && most < 1000) || (!s->json && gguf_find(s->from->gguf, "blk.0.attn_q_norm.weight")))
		return refuse(s, "an MPT model without ALiBi, or with norms on queries and keys,", err);
	return alibi_slopes(c, (float)most, arena, err);
}

bool settle_mixtral(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)s, (void)arena, (void)err;
	c->experts.normalised = true;
	return true;
}

/* Is the router's choice normalised? A GGUF does not say: each architecture has one answer in llama.cpp. */
static bool normalises(const struct settings *s, const char *arch)
{
	return s->json ? flag(s, "norm_topk_prob", false) : !strcmp(s->arch, arch);
}

bool settle_olmoe(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena, (void)err;
	c->experts.normalised = normalises(s, "");
	c->qk_span = QK_WHOLE;
	c->clip_normed = true;
	return true;
}

/* Every decoder_sparse_step-th layer is a mixture, but for those of mlp_only_layers. */
bool settle_qwen_moe(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	const struct json_value *dense = setting_json(s, "mlp_only_layers");
	double step = 1;

	(void)arena;
	c->experts.normalised = normalises(s, "qwen3moe");
	c->experts.shared_gated = true;
	if (!s->json && !setting_there(s, SETTING_EXPERT_NEURONS)) { /* the first files of Qwen1.5-MoE */
		c->experts.shared = c->F;
		c->experts.F = c->F / c->experts.chosen;
	}
	number(s, "decoder_sparse_step", &step);
	if (!(step >= 1 && step <= INT_MAX))
		return refuse(s, "a decoder_sparse_step below 1", err);
	for (int l = 0; l < c->L; l++)
		c->experts.here[l] = (l + 1) % (int)step == 0;
	for (size_t i = 0; i < json_count(dense); i++) {
		int64_t l = -1;

		if (json_int(json_at(dense, i), &l) && l >= 0 && l < c->L)
			c->experts.here[l] = false;
	}
	return true;
}

bool settle_olmo2(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	double whole;

	c->qk_span = QK_WHOLE;
	/* the converter of OLMo 3 writes what cosine and sine are multiplied by in all, not what comes on top of YaRN's own */
	if (!s->json && c->rotary.factor != 1 && gguf_double(s->from->gguf, "olmo2.rope.scaling.attn_factor", &whole))
		c->rotary.factor = (float)whole;
	/* OLMo 3 in a GGUF: layers with a window turn as in the first training, without a scaling */
	return s->json || !c->window || rotary_read_local(s, c->rotary.base, c, arena, err);
}

bool settle_opt(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	double width = c->D;

	(void)arena;
	number(s, "word_embed_proj_dim", &width);
	if (width != floor(width) || width > 1 << 24)
		return refuse(s, "word_embed_proj_dim that is not a whole number", err);
	c->table_width = width != c->D ? (int)width : 0;
	c->norms_after = c->stream_normed = !flag(s, "do_layer_norm_before", true);
	c->no_final_norm = flag(s, "_remove_final_layer_norm", false);
	if (!flag(s, "enable_bias", true))
		c->biases = c->may_biases = BIAS_NORM;
	c->bare_norms = !flag(s, "layer_norm_elementwise_affine", true);
	return true;
}

bool settle_phi(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena, (void)err;
	c->qk_span = flag(s, "qk_layernorm", false) ? QK_HEAD : QK_NONE;
	return true;
}

/* The code in transformers takes two experts for each token, whatever num_experts_per_tok says. */
static bool settle_sparsemixer(const struct settings *s, struct config *c, struct err *err)
{
	double near = 0.01;

	number(s, "router_jitter_noise", &near);
	if (!(near >= 0 && near <= 1e6))
		return refuse(s, "a router_jitter_noise below 0", err);
	c->experts.score = ROUTER_SPARSEMIXER;
	c->experts.near = (float)near;
	c->experts.chosen = s->json ? 2 : c->experts.chosen;
	return c->experts.X >= c->experts.chosen || refuse(s, "a PhiMoE model with a single expert", err);
}

/* Its long form names what cosine and sine are multiplied by: one number up to the length of the first training, one beyond it. */
bool settle_phimoe(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	const struct json_value *rope = setting_json(s, "rope_scaling");
	double first, beyond;

	(void)arena;
	if (!json_is(rope, JSON_OBJECT))
		rope = setting_json(s, "rope_parameters");
	if (c->rotary.beyond && s->json) {
		if (!json_double(json_get(rope, "short_mscale"), &first) || !json_double(json_get(rope, "long_mscale"), &beyond) ||
		    first != beyond)
			return refuse(s, "a long form of rotary positions whose short_mscale and long_mscale are missing or differ",
				      err);
		c->rotary.factor = (float)first;
	}
	return settle_sparsemixer(s, c, err);
}

/* ---- routers that score each expert by itself, in groups (DeepSeek-V3) ---- */

/* A whole number of config.json, or of a GGUF under its own key; `out` has what holds where neither is there. */
static bool whole(const struct settings *s, const char *key, const char *gguf, int lo, int hi, int *out, struct err *err)
{
	const struct json_value *v = setting_json(s, key);
	char name[100];
	double x = *out;
	int64_t n = *out;

	snprintf(name, sizeof name, "%s.%s", s->arch, gguf);
	if (json_double(v, &x) && x != floor(x))
		return err_set(err, ERR_FILE, "%s/config.json: %s is %g, which is no whole number", s->from->path, key, x);
	if (!s->json && gguf_int(s->from->gguf, name, &n))
		x = (double)n;
	if (!(x >= lo && x <= hi))
		return err_set(err, ERR_FILE, "%s: %s is %.0f, which is not between %d and %d", s->from->path, s->json ? key : name,
			       x, lo, hi);
	*out = (int)x;
	return true;
}

/* Which numbers are added where experts are chosen: those of a GGUF are there or not. */
static bool has_choice(const struct settings *s, const struct config *c)
{
	char name[64];
	int l = 0;

	while (l + 1 < c->L && !c->experts.here[l])
		l++;
	snprintf(name, sizeof name, "blk.%d.exp_probs_b.bias", l);
	return s->json || gguf_find(s->from->gguf, name);
}

/* Experts beside the others that every token passes through are one wider MLP. */
static bool settle_shared(const struct settings *s, const char *key, int otherwise, struct config *c, struct err *err)
{
	int n = s->json ? otherwise : 0;

	if (!whole(s, key, "expert_shared_count", 0, (1 << 24) / c->experts.F, &n, err))
		return false;
	if (n || s->json)
		c->experts.shared = n * c->experts.F;
	return true;
}

/* The best experts of the best groups: a group is as good as its best two together. */
static bool settle_groups(const struct settings *s, struct config *c, struct err *err)
{
	struct experts *e = &c->experts;
	int n;

	if (!whole(s, "n_group", "expert_group_count", 1, e->X, &e->groups, err) ||
	    !whole(s, "topk_group", "expert_group_used_count", 1, e->groups, &e->open, err))
		return false;
	n = e->X / e->groups;
	e->group_best = 2;
	if (e->X % e->groups || (e->groups > 1 && n < 2))
		return err_set(err, ERR_FILE, "%s: n_group is %d, and %d experts are not so many groups of two or more",
			       s->from->path, e->groups, e->X);
	return e->chosen <= e->open * n ||
	       setting_refuse(s, SETTING_EXPERTS_USED, err, " is %d, but only %d groups of %d experts are open to a token",
			      e->chosen, e->open, n);
}

static bool settle_scores(const struct settings *s, struct config *c, bool normalised, struct err *err)
{
	struct experts *e = &c->experts;
	char key[100];
	double scale = 1;
	int score = 2; /* of a GGUF: 1 is softmax, 2 sigmoid */

	number(s, "routed_scaling_factor", &scale);
	snprintf(key, sizeof key, "%s.expert_weights_scale", s->arch);
	if (!s->json)
		gguf_double(s->from->gguf, key, &scale);
	if (!isfinite(scale) || fabs(scale) > 1e6)
		return refuse(s, "a routed_scaling_factor that is not a moderate number", err);
	if (!whole(s, "", "expert_gating_func", 1, 2, &score, err))
		return false;
	e->score = score == 1 ? ROUTER_SOFTMAX : ROUTER_SIGMOID;
	e->scale = (float)scale;
	e->sum_eps = 1e-20f;
	e->normalised = s->json ? flag(s, "norm_topk_prob", normalised) : normalised;
	snprintf(key, sizeof key, "%s.expert_weights_norm", s->arch);
	if (!s->json)
		gguf_bool(s->from->gguf, key, &e->normalised);
	return true;
}

/* The first layers have one MLP each. */
static bool settle_grouped(const struct settings *s, struct config *c, int dense, bool normalised, struct err *err)
{
	if (!whole(s, "first_k_dense_replace", "leading_dense_block_count", 0, c->L, &dense, err) || !settle_groups(s, c, err) ||
	    !settle_scores(s, c, normalised, err))
		return false;
	for (int l = 0; l < c->L; l++)
		c->experts.here[l] = l >= dense;
	c->experts.biased = has_choice(s, c);
	return true;
}

/* A GGUF counts layers that guess further tokens, which are no part of the stream. */
static bool leave_guessing(const struct settings *s, struct config *c, struct err *err)
{
	int more = 0;

	if (!s->json && !whole(s, "", "nextn_predict_layers", 0, c->L - 1, &more, err))
		return false;
	c->L -= more;
	return true;
}

bool settle_glm4_moe(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	bool normed = s->json ? flag(s, "use_qk_norm", false) : gguf_find(s->from->gguf, "blk.0.attn_q_norm.weight") != NULL;

	(void)arena;
	c->qk_span = normed ? QK_HEAD : QK_NONE;
	c->may_biases &= ~(unsigned)BIAS_O;
	return leave_guessing(s, c, err) && settle_shared(s, "n_shared_experts", 1, c, err) && settle_grouped(s, c, 1, true, err);
}

bool settle_dots1(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	(void)arena;
	return settle_shared(s, "n_shared_experts", 0, c, err) && settle_grouped(s, c, 0, false, err);
}

/* Chosen by the softmax plus learned numbers; first, last and step tell which layers are mixtures. */
bool settle_ernie_moe(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	struct experts *e = &c->experts;
	int first = 1, last = -1, step = 1;
	double least = 0;

	(void)arena;
	number(s, "moe_norm_min", &least);
	if (!(least <= 1e-6) || flag(s, "use_bias", false))
		return refuse(s, least <= 1e-6 ? "use_bias in a mixture of experts" : "a moe_norm_min above 1e-6", err);
	if (!whole(s, "moe_layer_start_index", "leading_dense_block_count", 0, c->L, &first, err) ||
	    !whole(s, "moe_layer_end_index", "-", -1, 1 << 20, &last, err) ||
	    !whole(s, "moe_layer_interval", "interleave_moe_layer_step", 1, 1 << 20, &step, err) ||
	    !settle_shared(s, "moe_num_shared_experts", 2, c, err))
		return false;
	for (int l = 0; l < c->L; l++)
		e->here[l] = l >= first && (last < 0 || l <= last) && (l + 1) % step == 0;
	e->normalised = true;
	e->biased = has_choice(s, c);
	return true;
}

bool settle_smollm3(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	const struct json_value *list = setting_json(s, "no_rope_layers");
	double interval = 4;
	/* windows are where no rotary positions are */
	bool by_rotary = s->json && !json_is(setting_json(s, "layer_types"), JSON_ARRAY);
	int window = 0;

	if (!setting_int(s, SETTING_WINDOW, 0, INT_MAX, &window, err))
		return false;
	number(s, "no_rope_layer_interval", &interval);
	c->no_rotary = arena_alloc(arena, (size_t)c->L * sizeof *c->no_rotary);
	for (int l = 0; l < c->L; l++) {
		int64_t rotates = interval < 1 || (l + 1) % (int)interval != 0;

		json_int(json_at(list, (size_t)l), &rotates); /* 1 means: it has rotary positions */
		c->no_rotary[l] = !rotates;
		if (c->window && by_rotary)
			c->window[l] = !rotates && flag(s, "use_sliding_window", false) ? window : 0;
	}
	return true;
}

bool settle_stablelm(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	bool normed;

	(void)arena;
	if (!setting_bool(s, SETTING_PARALLEL, &c->parallel, err))
		return false;
	c->parallel_shared_norm = c->parallel;
	normed = s->json ? flag(s, "qk_layernorm", false) : gguf_find(s->from->gguf, "blk.0.attn_q_norm.weight") != NULL;
	c->qk_span = normed ? QK_OWN : QK_NONE;
	return true;
}
