/* settings.c - see settings.h. */
#include "engine/model/settings.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"

/* Spellings in config.json, the likeliest first; "a.b" looks inside a. And the key in a GGUF, after "ARCH.". */
static const struct {
	const char *json[6], *gguf;
} spelling[SETTING_COUNT] = {
	[SETTING_LAYERS] = { { "num_hidden_layers", "n_layer", "num_layers", "n_layers" }, "block_count" },
	[SETTING_WIDTH] = { { "hidden_size", "n_embd", "n_embed", "d_model" }, "embedding_length" },
	[SETTING_HEADS] = { { "num_attention_heads", "n_head", "num_heads", "n_heads" }, "attention.head_count" },
	[SETTING_KV_HEADS] = { { "num_key_value_heads", "num_kv_heads", "n_head_kv" }, "attention.head_count_kv" },
	[SETTING_HEAD_WIDTH] = { { "head_dim" }, "attention.key_length" },
	[SETTING_NEURONS] = { { "block_ff_dim", "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size" },
			      "feed_forward_length" },
	[SETTING_VOCABULARY] = { { "vocab_size" }, "vocab_size" },
	[SETTING_CONTEXT] = { { "max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len" },
			      "context_length" },
	[SETTING_NORM_EPS] = { { "rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps", "norm_epsilon", "norm_eps" },
			       "attention.layer_norm_rms_epsilon" },
	[SETTING_ROPE_BASE] = { { "rope_scaling.rope_theta", "rope_parameters.rope_theta",
				  "rope_parameters.full_attention.rope_theta", "rope_theta", "rotary_emb_base" },
				"rope.freq_base" },
	[SETTING_ROTARY_WIDTH] = { { "rotary_dim" }, "rope.dimension_count" },
	[SETTING_ROTARY_SHARE] = { { "rope_scaling.partial_rotary_factor", "rope_parameters.partial_rotary_factor",
				     "partial_rotary_factor", "rotary_pct" },
				   "-" },
	[SETTING_WINDOW] = { { "sliding_window", "window_size" }, "attention.sliding_window" },
	[SETTING_ACTIVATION] = { { "hidden_activation", "hidden_act", "activation_function", "activation" }, "-" },
	[SETTING_TIED] = { { "tie_embedding", "tie_word_embeddings" }, "-" },
	[SETTING_ATTENTION_CAP] = { { "attn_logit_softcapping" }, "attn_logit_softcapping" },
	[SETTING_LOGIT_CAP] = { { "final_logit_softcapping" }, "final_logit_softcapping" },
	[SETTING_LOGIT_SCALE] = { { "logit_scale", "logits_scaling" }, "logit_scale" },
	[SETTING_EMBED_SCALE] = { { "embedding_multiplier" }, "embedding_scale" },
	[SETTING_RESIDUAL_SCALE] = { { "residual_multiplier" }, "residual_scale" },
	[SETTING_ATTENTION_SCALE] = { { "attention_multiplier", "attn_config.softmax_scale" }, "attention.scale" },
	[SETTING_QKV_CLIP] = { { "clip_qkv", "attn_config.clip_qkv" }, "attention.clamp_kqv" },
	[SETTING_PARALLEL] = { { "use_parallel_residual", "parallel_attn" }, "use_parallel_residual" },
	[SETTING_EXPERTS] = { { "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts" }, "expert_count" },
	[SETTING_EXPERTS_USED] = { { "num_experts_per_tok", "moe_k" }, "expert_used_count" },
	[SETTING_EXPERT_NEURONS] = { { "moe_intermediate_size" }, "expert_feed_forward_length" },
	[SETTING_SHARED_NEURONS] = { { "shared_expert_intermediate_size" }, "expert_shared_feed_forward_length" },
};

/* Second spellings in a GGUF, tried when the first is absent. */
static const char *gguf_second(enum setting word)
{
	return word == SETTING_NORM_EPS ? "attention.layer_norm_epsilon" : NULL;
}

bool settings_open(const struct checkpoint *c, struct settings *s, struct err *err)
{
	const char *type;
	size_t length;

	*s = (struct settings){ .from = c };
	if (c->gguf) {
		const char *arch;
		size_t n;

		if (!gguf_string(c->gguf, "general.architecture", &arch, &n) || n >= sizeof s->arch)
			return err_set(err, ERR_FILE, "%s: the key general.architecture is missing or is not a short text",
				       c->path);
		memcpy(s->arch, arch, n);
		return true;
	}
	s->json = json_root(c->config);
	type = json_text_n(json_get(s->json, "model_type"), &length);
	if (!json_is(s->json, JSON_OBJECT) || !type || strlen(type) != length)
		return err_set(err, ERR_FILE, "%s/config.json: \"model_type\" is missing; it names the family", c->path);
	if (json_is(json_get(s->json, "text_config"), JSON_OBJECT))
		s->json = json_get(s->json, "text_config"); /* a model of text and images: its text half */
	return true;
}

const char *settings_type(const struct settings *s)
{
	const char *type = s->json ? json_text(json_get(s->json, "model_type")) : s->arch;

	return type ? type : json_text(json_get(json_root(s->from->config), "model_type"));
}

bool settings_wrapped(const struct settings *s)
{
	return s->json && s->json != json_root(s->from->config);
}

/*
 * Models of text and images whose code ties by the outer object alone, and what it does when that says nothing. Where the text half
 * is a model of its own with a head inside (Voxtral, Qwen2-Audio), its own settings count, as for a type that is not listed.
 */
static const struct {
	const char *type;
	bool tied;
} outer_types[] = {
	{ "deepseek_vl", true },
	{ "deepseek_vl_hybrid", true },
	{ "fast_vlm", false },
	{ "fun_asr_nano", true },
	{ "gemma3", true },
	{ "glmasr", true },
	{ "got_ocr2", true },
	{ "granite_speech", true },
	{ "granite_speech_plus", true },
	{ "idefics2", false },
	{ "idefics3", false },
	{ "internvl", true },
	{ "janus", true },
	{ "lighton_ocr", true },
	{ "llava", false },
	{ "llava_next", false },
	{ "llava_next_video", false },
	{ "llava_onevision", false },
	{ "mistral3", true },
	{ "moss_transcribe_diarize", true },
	{ "ovis2", true },
	{ "paligemma", true },
	{ "perception_lm", false },
	{ "pp_chart2table", true },
	{ "qianfan_ocr", false },
	{ "qwen3_asr", true },
	{ "shieldgemma2", true },
	{ "smolvlm", false },
	{ "vibevoice", false },
	{ "video_llama_3", false },
	{ "video_llava", false },
	{ "vipllava", false },
};

bool settings_tied(const struct settings *s, bool *tied, struct err *err)
{
	const struct json_value *root = s->json ? json_root(s->from->config) : NULL;
	const char *type = json_text(json_get(root, "model_type"));

	for (size_t i = 0; s->json != root && type && i < sizeof outer_types / sizeof *outer_types; i++)
		if (!strcmp(outer_types[i].type, type)) {
			struct settings outer = { .from = s->from, .json = root };

			*tied = outer_types[i].tied;
			return setting_bool(&outer, SETTING_TIED, tied, err);
		}
	return setting_bool(s, SETTING_TIED, tied, err);
}

/* Is a word of `keys` the key? A word may begin with the one model type that it is for: "mistral:sliding_window". */
static bool has_word(const struct settings *s, const char *key)
{
	const char *type = settings_type(s);
	size_t n = strlen(key), length = type ? strlen(type) : 0;

	for (const char *word = s->keys; *word; word += strspn(word, " ")) {
		const char *end = word + strcspn(word, " "), *colon = memchr(word, ':', (size_t)(end - word));
		bool ours = !colon || ((size_t)(colon - word) == length && !memcmp(word, type, length));

		word = colon ? colon + 1 : word;
		if (ours && (size_t)(end - word) == n && !memcmp(word, key, n))
			return true;
		word = end;
	}
	return false;
}

/*
 * What is inside rope_parameters, and its older name rope_scaling, a family has with that object, but for the share of channels
 * that turn. Families whose layers turn differently have an object for each type of layer in it, and nothing beside; the others
 * have no such objects, and where they have rope_scaling too, that is all that counts.
 */
static bool is_rope_key(const struct settings *s, const char *key)
{
	static const char share[] = "rope_parameters.partial_rotary_factor", typed[] = "rope_parameters.full_attention";
	const char *dot = strchr(key, '.');
	bool by_type = has_word(s, typed), scaling = !strncmp(key, "rope_scaling.", 13);

	if (!strcmp(dot, strchr(share, '.')) && !has_word(s, share))
		return false;
	if (scaling)
		return has_word(s, "rope_scaling");
	if (json_is(json_get(s->json, "rope_scaling"), JSON_OBJECT) && !by_type)
		return false;
	return has_word(s, "rope_parameters") && by_type == !strncmp(key, typed, strlen(typed));
}

static bool is_key(const struct settings *s, const char *key)
{
	if (!s->keys || !strcmp(key, "vocab_size") || !strcmp(key, "tie_word_embeddings"))
		return true;
	return !strncmp(key, "rope_", 5) && strchr(key, '.') ? is_rope_key(s, key) : has_word(s, key);
}

bool setting_known(const struct settings *s, const char *key)
{
	return s->json && is_key(s, key);
}

const struct json_value *setting_json(const struct settings *s, const char *key)
{
	return s->json && is_key(s, key) ? json_get(s->json, key) : NULL;
}

/* The value and the spelling it was found under. */
static const struct json_value *find_json(const struct settings *s, enum setting word, const char **key)
{
	for (int i = 0; i < 6 && spelling[word].json[i]; i++) {
		const struct json_value *v = s->json;
		char path[80], *part = path, *dot;

		*key = spelling[word].json[i];
		if (!is_key(s, *key))
			continue;
		snprintf(path, sizeof path, "%s", *key);
		for (; part; part = dot) {
			dot = strchr(part, '.');
			if (dot)
				*dot++ = '\0';
			v = json_get(v, part);
		}
		if (v && json_kind(v) != JSON_NULL)
			return v;
	}
	return NULL;
}

/* The first spelling that the family has. */
static const char *usual_key(const struct settings *s, enum setting word)
{
	for (int i = 0; i < 6 && spelling[word].json[i]; i++)
		if (is_key(s, spelling[word].json[i]))
			return spelling[word].json[i];
	return spelling[word].json[0];
}

static bool find_gguf(const struct settings *s, enum setting word, char key[160])
{
	snprintf(key, 160, "%s.%s", s->arch, spelling[word].gguf);
	if (gguf_has(s->from->gguf, key))
		return true;
	if (!gguf_second(word))
		return false;
	snprintf(key, 160, "%s.%s", s->arch, gguf_second(word));
	return gguf_has(s->from->gguf, key);
}

bool setting_there(const struct settings *s, enum setting word)
{
	char key[160];
	const char *name;

	return s->json ? find_json(s, word, &name) != NULL : find_gguf(s, word, key);
}

bool setting_refuse(const struct settings *s, enum setting word, struct err *err, const char *format, ...)
{
	char gguf_key[160], what[200];
	const char *key = gguf_key;
	va_list ap;

	if (s->json ? !find_json(s, word, &key) : !find_gguf(s, word, gguf_key)) { /* absent: the first spelling */
		snprintf(gguf_key, sizeof gguf_key, "%s.%s", s->arch, spelling[word].gguf);
		key = s->json ? usual_key(s, word) : gguf_key;
	}
	va_start(ap, format);
	vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	return err_set(err, ERR_FILE, "%s%s: %s%s", s->from->path, s->json ? "/config.json" : "", key, what);
}

static bool wrong(const struct settings *s, const char *key, const char *expected, struct err *err)
{
	return err_set(err, ERR_FILE, "%s%s: %s is not %s", s->from->path, s->json ? "/config.json" : "", key, expected);
}

bool setting_int(const struct settings *s, enum setting word, int lo, int hi, int *out, struct err *err)
{
	char gguf_key[160], range[64];
	const char *key = gguf_key;
	int64_t x;

	snprintf(range, sizeof range, "a whole number from %d to %d", lo, hi);
	if (s->json) {
		const struct json_value *v = find_json(s, word, &key);

		if (!v)
			return true;
		if (!json_int(v, &x) || x < lo || x > hi)
			return wrong(s, key, range, err);
	} else {
		if (!find_gguf(s, word, gguf_key))
			return true;
		/* Some converters write one number per layer: they must agree, since one shape serves all layers. */
		size_t n = gguf_array(s->from->gguf, gguf_key);
		bool found = false;

		for (size_t i = 0; i < (n ? n : 1); i++) {
			int64_t y = 0;
			const bool whole =
				n ? gguf_array_int(s->from->gguf, gguf_key, i, &y) : gguf_int(s->from->gguf, gguf_key, &y);

			if (whole && n && !y && word == SETTING_KV_HEADS) /* a layer without attention */
				continue;
			if (!whole || y < lo || y > hi)
				return wrong(s, gguf_key, range, err);
			if (found && y != x)
				return err_set(err, ERR_FILE,
					       "%s: %s differs between layers; lmscope reads models whose layers are alike",
					       s->from->path, gguf_key);
			found = true;
			x = y;
		}
		if (!found)
			return true;
	}
	*out = (int)x;
	return true;
}

bool setting_float(const struct settings *s, enum setting word, float *out, struct err *err)
{
	char gguf_key[160];
	const char *key = gguf_key;
	double x;

	if (s->json) {
		const struct json_value *v = find_json(s, word, &key);

		if (!v)
			return true;
		if (!json_double(v, &x) || !isfinite(x))
			return wrong(s, key, "a number", err);
	} else {
		if (!find_gguf(s, word, gguf_key))
			return true;
		if (!gguf_double(s->from->gguf, gguf_key, &x) || !isfinite(x))
			return wrong(s, key, "a number", err);
	}
	*out = (float)x;
	return true;
}

bool setting_bool(const struct settings *s, enum setting word, bool *out, struct err *err)
{
	char gguf_key[160];
	const char *key = gguf_key;

	if (s->json) {
		const struct json_value *v = find_json(s, word, &key);

		return !v || json_bool(v, out) || wrong(s, key, "true or false", err);
	}
	return !find_gguf(s, word, gguf_key) || gguf_bool(s->from->gguf, gguf_key, out) || wrong(s, key, "true or false", err);
}

bool setting_text(const struct settings *s, enum setting word, char *out, size_t capacity, struct err *err)
{
	const struct json_value *v;
	const char *key, *text;

	if (!s->json || !(v = find_json(s, word, &key)))
		return true;
	if (!(text = json_text(v)) || strlen(text) >= capacity)
		return wrong(s, key, "a short text", err);
	memcpy(out, text, strlen(text) + 1);
	return true;
}

/* ---- keys of other families ---- */

/* Keys that mean themselves, and the truth value that says nothing. */
static const struct {
	const char *key;
	bool nothing;
} switches[] = {
	{ "_remove_final_layer_norm", false },
	{ "alibi", false },
	{ "apply_residual_connection_post_layernorm", false },
	{ "attention_bias", false },
	{ "bias", false },
	{ "do_layer_norm_before", true },
	{ "enable_bias", true },
	{ "layer_norm_elementwise_affine", true },
	{ "mlp_bias", false },
	{ "new_decoder_architecture", false },
	{ "qk_layernorm", false },
	{ "scale_attn_by_inverse_layer_idx", false },
	{ "scale_attn_weights", true },
	{ "use_bias", false },
	{ "use_bidirectional_attention", false },
	{ "use_qk_norm", false },
	{ "use_qkv_bias", false },
	{ "qkv_bias", false },
	{ "lm_head_bias", false },
	{ "conv_bias", false },
	{ "norm_topk_prob", false },
	{ "attention_layers", false },
	{ "attention_types", false },
	{ "layer_types", false },
	{ "no_rope_layers", false },
	{ "query_pre_attn_scalar", false },
	{ "rope_scaling", false },
};

static void add_ignored(struct str *out, const char *key)
{
	str_addf(out, "%s%s", out->n ? ", " : "", key);
}

/* A value that is there and is not the one that says nothing: null, false, 0, or for some switches true. */
static bool says_something(const struct json_value *v, bool nothing)
{
	bool truth;
	double x;

	if (!v || json_kind(v) == JSON_NULL || (json_bool(v, &truth) && truth == nothing))
		return false;
	return !json_double(v, &x) || x != 0;
}

char *settings_ignored(const struct settings *s)
{
	struct str out;
	const char *key;

	if (!s->json)
		return NULL;
	str_init(&out);
	/* where the family's own spelling is there too, that is what counts */
	for (int word = 0; word < SETTING_COUNT; word++)
		for (int i = 0; i < 6 && spelling[word].json[i] && !find_json(s, (enum setting)word, &key); i++)
			if (!is_key(s, spelling[word].json[i]) && says_something(json_get(s->json, spelling[word].json[i]), false))
				add_ignored(&out, spelling[word].json[i]);
	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
		if (!is_key(s, switches[i].key) && says_something(json_get(s->json, switches[i].key), switches[i].nothing))
			add_ignored(&out, switches[i].key);
	if (out.n)
		return str_take(&out);
	str_done(&out);
	return NULL;
}
