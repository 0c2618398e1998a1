/* family.c - see family.h. A new family is a row here; what its settings say beyond the common words is a small function. */
#include "engine/model/family.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"

/* GPT-2's two switches of the attention scale. */
static bool settle_gpt2(const struct settings *s, struct config *c, struct err *err)
{
	bool scaled = true, by_layer = false;

	(void)err;
	if (s->json) {
		json_bool(json_get(s->json, "scale_attn_weights"), &scaled);
		json_bool(json_get(s->json, "scale_attn_by_inverse_layer_idx"), &by_layer);
	}
	for (int l = 0; l < c->L; l++) {
		if (!scaled)
			c->attention_scale[l] = 1;
		if (by_layer)
			c->attention_scale[l] /= (float)(l + 1);
	}
	return true;
}

const struct family family_table[] = {
	{
		.name = "gpt2", .types = "gpt2", .arch = "gpt2",
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_LEARNED,
		.activation = ACTIVATION_GELU_TANH, .tied = true, .in_out = true, .biases = true,
		.fused = FUSED_THIRDS, .fused_gguf = FUSED_THIRDS, .settle = settle_gpt2,
		.name_of = {
			[WEIGHT_EMBED] = "transformer.wte", [WEIGHT_POSITION] = "transformer.wpe",
			[WEIGHT_LN_FINAL] = "transformer.ln_f", [WEIGHT_UNEMBED] = "lm_head",
			[WEIGHT_LN1] = "transformer.h.%d.ln_1", [WEIGHT_LN2] = "transformer.h.%d.ln_2",
			[WEIGHT_QKV] = "transformer.h.%d.attn.c_attn", [WEIGHT_O] = "transformer.h.%d.attn.c_proj",
			[WEIGHT_IN] = "transformer.h.%d.mlp.c_fc", [WEIGHT_OUT] = "transformer.h.%d.mlp.c_proj",
		},
	},
	{
		.name = "llama", .types = "llama|mistral", .arch = "llama",
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY, .gguf_permuted = true,
		.activation = ACTIVATION_SILU, .gated = true,
		.name_of = {
			[WEIGHT_EMBED] = "model.embed_tokens", [WEIGHT_LN_FINAL] = "model.norm", [WEIGHT_UNEMBED] = "lm_head",
			[WEIGHT_LN1] = "model.layers.%d.input_layernorm", [WEIGHT_LN2] = "model.layers.%d.post_attention_layernorm",
			[WEIGHT_Q] = "model.layers.%d.self_attn.q_proj", [WEIGHT_K] = "model.layers.%d.self_attn.k_proj",
			[WEIGHT_V] = "model.layers.%d.self_attn.v_proj", [WEIGHT_O] = "model.layers.%d.self_attn.o_proj",
			[WEIGHT_GATE] = "model.layers.%d.mlp.gate_proj", [WEIGHT_IN] = "model.layers.%d.mlp.up_proj",
			[WEIGHT_OUT] = "model.layers.%d.mlp.down_proj",
		},
	},
	{ 0 },
};

const char *const family_gguf_names[WEIGHT_COUNT] = {
	[WEIGHT_EMBED] = "token_embd", [WEIGHT_POSITION] = "position_embd", [WEIGHT_EMBED_NORM] = "token_embd_norm",
	[WEIGHT_LN_FINAL] = "output_norm", [WEIGHT_UNEMBED] = "output",
	[WEIGHT_LN1] = "blk.%d.attn_norm", [WEIGHT_LN2] = "blk.%d.ffn_norm",
	[WEIGHT_LN1_POST] = "blk.%d.post_attention_norm", [WEIGHT_LN2_POST] = "blk.%d.post_ffw_norm",
	[WEIGHT_Q_NORM] = "blk.%d.attn_q_norm", [WEIGHT_K_NORM] = "blk.%d.attn_k_norm",
	[WEIGHT_Q] = "blk.%d.attn_q", [WEIGHT_K] = "blk.%d.attn_k", [WEIGHT_V] = "blk.%d.attn_v",
	[WEIGHT_QKV] = "blk.%d.attn_qkv", [WEIGHT_O] = "blk.%d.attn_output",
	[WEIGHT_GATE] = "blk.%d.ffn_gate", [WEIGHT_IN] = "blk.%d.ffn_up", [WEIGHT_GATE_IN] = "blk.%d.ffn_up",
	[WEIGHT_OUT] = "blk.%d.ffn_down",
};

/* Is `word` one of "a|b|c"? */
static bool among(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
		if (!strncmp(p, word, n) && (p[n] == '|' || !p[n]))
			return true;
	return false;
}

const struct family *family_of(const struct settings *s, struct err *err)
{
	const char *type = settings_type(s);
	struct str known;

	str_init(&known);
	for (const struct family *f = family_table; f->name; f++) {
		const char *names = s->json ? f->types : f->arch;

		if (names && type && among(names, type)) {
			str_done(&known);
			return f;
		}
		if (names)
			for (const char *p = names; *p; p++)
				str_addf(&known, "%s%c", p == names && known.n ? ", " : "", *p == '|' ? ',' : *p);
	}
	err_set(err, ERR_FILE, "%s: the %s \"%.60s\" is not supported; lmscope knows %s", s->from->path,
		s->json ? "model_type" : "architecture", type ? type : "", known.s);
	str_done(&known);
	return NULL;
}
