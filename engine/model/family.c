/*
 * family.c - see family.h. A new family is a row here; what its settings say beyond the common words is a small function in
 * family_settings.c.
 */
#include "engine/model/family.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/model/family_settings.h"

/* clang-format off */
/* Names of GPT-2's weights. */
#define GPT2_NAMES \
	[WEIGHT_EMBED] = "transformer.wte", \
	[WEIGHT_POSITION] = "transformer.wpe", \
	[WEIGHT_LN_FINAL] = "transformer.ln_f", \
	[WEIGHT_UNEMBED] = "lm_head", \
	[WEIGHT_LN1] = "transformer.h.%d.ln_1", \
	[WEIGHT_LN2] = "transformer.h.%d.ln_2", \
	[WEIGHT_QKV] = "transformer.h.%d.attn.c_attn", \
	[WEIGHT_O] = "transformer.h.%d.attn.c_proj", \
	[WEIGHT_IN] = "transformer.h.%d.mlp.c_fc", \
	[WEIGHT_OUT] = "transformer.h.%d.mlp.c_proj"
/* Names that Llama brought up and that most families after it share. */
#define LLAMA_ENDS \
	[WEIGHT_EMBED] = "model.embed_tokens", \
	[WEIGHT_LN_FINAL] = "model.norm", \
	[WEIGHT_UNEMBED] = "lm_head"
#define LLAMA_NORMS \
	[WEIGHT_LN1] = "model.layers.%d.input_layernorm", \
	[WEIGHT_LN2] = "model.layers.%d.post_attention_layernorm"
#define LLAMA_QKV \
	[WEIGHT_Q] = "model.layers.%d.self_attn.q_proj", \
	[WEIGHT_K] = "model.layers.%d.self_attn.k_proj", \
	[WEIGHT_V] = "model.layers.%d.self_attn.v_proj"
#define LLAMA_O [WEIGHT_O] = "model.layers.%d.self_attn.o_proj"
#define LLAMA_MLP \
	[WEIGHT_GATE] = "model.layers.%d.mlp.gate_proj", \
	[WEIGHT_IN] = "model.layers.%d.mlp.up_proj", \
	[WEIGHT_OUT] = "model.layers.%d.mlp.down_proj"
#define QK_NORMS \
	[WEIGHT_Q_NORM] = "model.layers.%d.self_attn.q_norm", \
	[WEIGHT_K_NORM] = "model.layers.%d.self_attn.k_norm"
#define MLP_EXPERTS \
	[WEIGHT_ROUTER] = "model.layers.%d.mlp.gate", \
	[WEIGHT_EXPERT_GATE] = "model.layers.%d.mlp.experts.%e.gate_proj", \
	[WEIGHT_EXPERT_IN] = "model.layers.%d.mlp.experts.%e.up_proj", \
	[WEIGHT_EXPERT_OUT] = "model.layers.%d.mlp.experts.%e.down_proj"
#define SHARED_EXPERTS \
	[WEIGHT_SHARED_GATE] = "model.layers.%d.mlp.shared_experts.gate_proj", \
	[WEIGHT_SHARED_IN] = "model.layers.%d.mlp.shared_experts.up_proj", \
	[WEIGHT_SHARED_OUT] = "model.layers.%d.mlp.shared_experts.down_proj"
#define SPARSE_EXPERTS \
	[WEIGHT_ROUTER] = "model.layers.%d.block_sparse_moe.gate", \
	[WEIGHT_EXPERT_GATE] = "model.layers.%d.block_sparse_moe.experts.%e.w1", \
	[WEIGHT_EXPERT_IN] = "model.layers.%d.block_sparse_moe.experts.%e.w3", \
	[WEIGHT_EXPERT_OUT] = "model.layers.%d.block_sparse_moe.experts.%e.w2"
#define LFM2_NAMES \
	[WEIGHT_EMBED] = "model.embed_tokens", \
	[WEIGHT_LN_FINAL] = "model.embedding_norm", \
	[WEIGHT_UNEMBED] = "lm_head", \
	[WEIGHT_LN1] = "model.layers.%d.operator_norm", \
	[WEIGHT_LN2] = "model.layers.%d.ffn_norm", \
	[WEIGHT_Q_NORM] = "model.layers.%d.self_attn.q_layernorm", \
	[WEIGHT_K_NORM] = "model.layers.%d.self_attn.k_layernorm", \
	LLAMA_QKV, \
	[WEIGHT_O] = "model.layers.%d.self_attn.out_proj", \
	[WEIGHT_CONV_IN] = "model.layers.%d.conv.in_proj", \
	[WEIGHT_CONV] = "model.layers.%d.conv.conv", \
	[WEIGHT_CONV_OUT] = "model.layers.%d.conv.out_proj", \
	[WEIGHT_GATE] = "model.layers.%d.feed_forward.w1", \
	[WEIGHT_IN] = "model.layers.%d.feed_forward.w3", \
	[WEIGHT_OUT] = "model.layers.%d.feed_forward.w2"
#define POST_NORMS \
	[WEIGHT_LN1_POST] = "model.layers.%d.post_attention_layernorm", \
	[WEIGHT_LN2_POST] = "model.layers.%d.post_feedforward_layernorm"
/* clang-format on */

/* Keys of config.json that many families have. */
#define KEYS_GPT2 \
	"n_embd hidden_size n_layer num_hidden_layers n_head num_attention_heads n_inner n_positions max_position_embeddings " \
	"n_ctx activation_function layer_norm_epsilon "
#define KEYS_SHAPE \
	"hidden_size num_hidden_layers num_attention_heads num_key_value_heads head_dim intermediate_size max_position_embeddings "
#define KEYS_ROPE "rope_theta rope_scaling rope_parameters original_max_position_embeddings "

#define KEYS_LFM2 "norm_eps conv_bias conv_L_cache layer_types tie_embedding "

#define KEYS_QWEN_MOE \
	"hidden_act rms_norm_eps sliding_window use_sliding_window num_experts num_local_experts num_experts_per_tok " \
	"norm_topk_prob moe_intermediate_size decoder_sparse_step mlp_only_layers "

#define KEYS_GROUPED \
	"hidden_act rms_norm_eps attention_bias moe_intermediate_size num_experts_per_tok n_shared_experts n_routed_experts " \
	"num_local_experts routed_scaling_factor n_group topk_group first_k_dense_replace norm_topk_prob "

static const struct family families[] = {	/* ends with a NULL name */
	{
		.name = "gpt2", .types = "gpt2", .arch = "gpt2", .context = 1024,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_LEARNED,
		.activation = ACTIVATION_GELU_TANH, .tied = true, .in_out = true, .biases = BIAS_ALL,
		.fused = FUSED_THIRDS, .fused_gguf = FUSED_THIRDS, .settle = settle_gpt2,
		.keys = KEYS_GPT2 "scale_attn_weights scale_attn_by_inverse_layer_idx",
		.name_of = {
			GPT2_NAMES,
		},
	},
	{
		.name = "gpt_neo", .types = "gpt_neo", .arch = NULL, .context = 2048,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_LEARNED,
		.activation = ACTIVATION_GELU_TANH, .tied = true, .biases = BIAS_NORM | BIAS_O | BIAS_MLP,
		.window = WINDOW_LOCAL, .window_width = 256, .settle = settle_gpt_neo,
		.keys = "hidden_size num_layers num_hidden_layers num_heads num_attention_heads intermediate_size "
			"max_position_embeddings activation_function layer_norm_epsilon window_size attention_types "
			"attention_layers",
		.name_of = {
			[WEIGHT_EMBED] = "transformer.wte", [WEIGHT_POSITION] = "transformer.wpe",
			[WEIGHT_LN_FINAL] = "transformer.ln_f", [WEIGHT_UNEMBED] = "lm_head",
			[WEIGHT_LN1] = "transformer.h.%d.ln_1", [WEIGHT_LN2] = "transformer.h.%d.ln_2",
			[WEIGHT_Q] = "transformer.h.%d.attn.attention.q_proj",
			[WEIGHT_K] = "transformer.h.%d.attn.attention.k_proj",
			[WEIGHT_V] = "transformer.h.%d.attn.attention.v_proj",
			[WEIGHT_O] = "transformer.h.%d.attn.attention.out_proj", [WEIGHT_IN] = "transformer.h.%d.mlp.c_fc",
			[WEIGHT_OUT] = "transformer.h.%d.mlp.c_proj",
		},
	},
	{
		.name = "gpt_neox", .types = "gpt_neox", .arch = "gptneox", .context = 2048,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY, .rotary_share = 0.25f,
		.activation = ACTIVATION_GELU, .llama_tanh = true, .biases = BIAS_ALL,
		.fused = FUSED_PER_GROUP, .fused_gguf = FUSED_THIRDS, .settle = settle_gpt_neox,
		.keys = "hidden_size num_hidden_layers num_attention_heads head_dim intermediate_size max_position_embeddings "
			"hidden_act layer_norm_eps use_parallel_residual attention_bias rotary_pct rotary_emb_base rope_scaling "
			"rope_parameters rope_parameters.partial_rotary_factor original_max_position_embeddings",
		.name_of = {
			[WEIGHT_EMBED] = "gpt_neox.embed_in", [WEIGHT_LN_FINAL] = "gpt_neox.final_layer_norm",
			[WEIGHT_UNEMBED] = "embed_out|lm_head", [WEIGHT_LN1] = "gpt_neox.layers.%d.input_layernorm",
			[WEIGHT_LN2] = "gpt_neox.layers.%d.post_attention_layernorm",
			[WEIGHT_QKV] = "gpt_neox.layers.%d.attention.query_key_value",
			[WEIGHT_O] = "gpt_neox.layers.%d.attention.dense", [WEIGHT_IN] = "gpt_neox.layers.%d.mlp.dense_h_to_4h",
			[WEIGHT_OUT] = "gpt_neox.layers.%d.mlp.dense_4h_to_h",
		},
	},
	{
		.name = "gptj", .types = "gptj", .arch = NULL, .context = 2048,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY, .interleaved = true,
		.activation = ACTIVATION_GELU_TANH, .parallel = true, .shared_norm = true,
		.biases = BIAS_NORM | BIAS_MLP | BIAS_UNEMBED,
		.keys = KEYS_GPT2 "rotary_dim",
		.name_of = {
			[WEIGHT_EMBED] = "transformer.wte", [WEIGHT_LN_FINAL] = "transformer.ln_f", [WEIGHT_UNEMBED] = "lm_head",
			[WEIGHT_LN1] = "transformer.h.%d.ln_1", [WEIGHT_Q] = "transformer.h.%d.attn.q_proj",
			[WEIGHT_K] = "transformer.h.%d.attn.k_proj", [WEIGHT_V] = "transformer.h.%d.attn.v_proj",
			[WEIGHT_O] = "transformer.h.%d.attn.out_proj", [WEIGHT_IN] = "transformer.h.%d.mlp.fc_in",
			[WEIGHT_OUT] = "transformer.h.%d.mlp.fc_out",
		},
	},
	{
		.name = "opt", .types = "opt", .arch = NULL, .context = 2048,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_LEARNED, .position_offset = 2,
		.activation = ACTIVATION_RELU, .tied = true, .biases = BIAS_ALL, .settle = settle_opt,
		.keys = "hidden_size num_hidden_layers num_attention_heads ffn_dim max_position_embeddings activation_function "
			"do_layer_norm_before word_embed_proj_dim _remove_final_layer_norm enable_bias "
			"layer_norm_elementwise_affine",
		.name_of = {
			[WEIGHT_EMBED] = "model.decoder.embed_tokens", [WEIGHT_POSITION] = "model.decoder.embed_positions",
			[WEIGHT_PROJECT_IN] = "model.decoder.project_in", [WEIGHT_PROJECT_OUT] = "model.decoder.project_out",
			[WEIGHT_LN_FINAL] = "model.decoder.final_layer_norm", [WEIGHT_UNEMBED] = "lm_head",
			[WEIGHT_LN1] = "model.decoder.layers.%d.self_attn_layer_norm",
			[WEIGHT_LN2] = "model.decoder.layers.%d.final_layer_norm",
			[WEIGHT_Q] = "model.decoder.layers.%d.self_attn.q_proj",
			[WEIGHT_K] = "model.decoder.layers.%d.self_attn.k_proj",
			[WEIGHT_V] = "model.decoder.layers.%d.self_attn.v_proj",
			[WEIGHT_O] = "model.decoder.layers.%d.self_attn.out_proj", [WEIGHT_IN] = "model.decoder.layers.%d.fc1",
			[WEIGHT_OUT] = "model.decoder.layers.%d.fc2",
		},
	},
	{
		.name = "bloom", .types = "bloom", .arch = "bloom",
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ALIBI, .context = 2048,
		.activation = ACTIVATION_GELU_TANH, .tied = true, .biases = BIAS_ALL,
		.fused = FUSED_PER_GROUP, .fused_gguf = FUSED_THIRDS, .settle = settle_bloom,
		.keys = "hidden_size n_embed n_layer num_hidden_layers n_head num_attention_heads layer_norm_epsilon "
			"apply_residual_connection_post_layernorm seq_length max_position_embeddings",
		.name_of = {
			[WEIGHT_EMBED] = "transformer.word_embeddings",
			[WEIGHT_EMBED_NORM] = "transformer.word_embeddings_layernorm", [WEIGHT_LN_FINAL] = "transformer.ln_f",
			[WEIGHT_UNEMBED] = "lm_head", [WEIGHT_LN1] = "transformer.h.%d.input_layernorm",
			[WEIGHT_LN2] = "transformer.h.%d.post_attention_layernorm",
			[WEIGHT_QKV] = "transformer.h.%d.self_attention.query_key_value",
			[WEIGHT_O] = "transformer.h.%d.self_attention.dense", [WEIGHT_IN] = "transformer.h.%d.mlp.dense_h_to_4h",
			[WEIGHT_OUT] = "transformer.h.%d.mlp.dense_4h_to_h",
		},
	},
	{
		.name = "falcon", .types = "falcon|RefinedWeb|RefinedWebModel", .arch = "falcon",
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY, .context = 2048,
		.activation = ACTIVATION_GELU, .llama_tanh = true, .parallel = true, .shared_norm = true, .tied = true,
			.biases = BIAS_NORM,
		.fused = FUSED_PER_GROUP, .fused_gguf = FUSED_THIRDS, .settle = settle_falcon,
		.keys = KEYS_ROPE "hidden_size n_embed num_hidden_layers RefinedWeb:n_layer RefinedWebModel:n_layer "
				  "num_attention_heads RefinedWeb:n_head RefinedWebModel:n_head num_kv_heads RefinedWeb:n_head_kv "
				  "RefinedWebModel:n_head_kv ffn_hidden_size activation layer_norm_epsilon max_position_embeddings "
				  "alibi bias multi_query new_decoder_architecture parallel_attn num_ln_in_parallel_attn",
		.name_of = {
			[WEIGHT_EMBED] = "transformer.word_embeddings", [WEIGHT_LN_FINAL] = "transformer.ln_f",
			[WEIGHT_UNEMBED] = "lm_head", [WEIGHT_LN1] = "transformer.h.%d.ln_attn|transformer.h.%d.input_layernorm",
			[WEIGHT_LN2] = "transformer.h.%d.ln_mlp|transformer.h.%d.post_attention_layernorm",
			[WEIGHT_QKV] = "transformer.h.%d.self_attention.query_key_value",
			[WEIGHT_O] = "transformer.h.%d.self_attention.dense", [WEIGHT_IN] = "transformer.h.%d.mlp.dense_h_to_4h",
			[WEIGHT_OUT] = "transformer.h.%d.mlp.dense_4h_to_h",
		},
		.gguf_name_of = {
			[WEIGHT_LN1] = "blk.%d.attn_norm_2|blk.%d.attn_norm", [WEIGHT_LN2] = "blk.%d.attn_norm",
		},
	},
	{
		.name = "phi", .types = "phi", .arch = "phi2", .context = 2048,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY, .rotary_share = 0.5f,
		.activation = ACTIVATION_GELU_TANH, .parallel = true, .shared_norm = true, .biases = BIAS_ALL | BIAS_UNEMBED,
		.fused_gguf = FUSED_THIRDS, .settle = settle_phi,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act layer_norm_eps qk_layernorm partial_rotary_factor "
					     "rope_parameters.partial_rotary_factor",
		.name_of = {
			LLAMA_QKV,
			[WEIGHT_EMBED] = "model.embed_tokens", [WEIGHT_LN_FINAL] = "model.final_layernorm",
			[WEIGHT_UNEMBED] = "lm_head", [WEIGHT_LN1] = "model.layers.%d.input_layernorm",
			[WEIGHT_Q_NORM] = "model.layers.%d.self_attn.q_layernorm",
			[WEIGHT_K_NORM] = "model.layers.%d.self_attn.k_layernorm", [WEIGHT_O] = "model.layers.%d.self_attn.dense",
			[WEIGHT_IN] = "model.layers.%d.mlp.fc1", [WEIGHT_OUT] = "model.layers.%d.mlp.fc2",
		},
	},
	{
		.name = "phi3", .types = "phi3", .arch = "phi3", .context = 4096, .first_context = 4096,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .fused = FUSED_THIRDS, .fused_gguf = FUSED_THIRDS,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps sliding_window partial_rotary_factor "
					     "rope_parameters.partial_rotary_factor",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_O,
			[WEIGHT_QKV] = "model.layers.%d.self_attn.qkv_proj", [WEIGHT_GATE_IN] = "model.layers.%d.mlp.gate_up_proj",
			[WEIGHT_OUT] = "model.layers.%d.mlp.down_proj",
		},
	},
	{
		/* llama.cpp calls it llama, with a number of experts */
		.name = "mixtral", .types = "mixtral", .arch = "llama", .context = 131072, .kv_heads = 8, .mixes = true,
			.rope_base = 1e6f,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY, .gguf_permuted = true,
		.activation = ACTIVATION_SILU, .gated = true, .settle = settle_mixtral,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps sliding_window num_local_experts num_experts_per_tok",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, SPARSE_EXPERTS,
		},
		.gguf_name_of = { /* files of the first months have a tensor for each expert */
			[WEIGHT_EXPERT_GATE] = "blk.%d.ffn_gate_exps|blk.%d.ffn_gate.%e",
			[WEIGHT_EXPERT_IN] = "blk.%d.ffn_up_exps|blk.%d.ffn_up.%e",
			[WEIGHT_EXPERT_OUT] = "blk.%d.ffn_down_exps|blk.%d.ffn_down.%e",
		},
	},
	{
		.name = "llama", .types = "llama", .arch = "llama", .context = 2048,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY, .gguf_permuted = true,
		.activation = ACTIVATION_SILU, .gated = true,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias mlp_bias",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP,
		},
	},
	{
		.name = "mistral", .types = "mistral", .arch = "llama", .context = 131072, .kv_heads = 8,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .window_width = 4096,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps sliding_window",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP,
		},
	},
	{
		.name = "qwen2", .types = "qwen2", .arch = "qwen2", .context = 32768, .kv_heads = 32,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .biases = BIAS_QKV, .window = WINDOW_IF_USED, .window_width = 4096,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps sliding_window use_sliding_window max_window_layers "
					     "layer_types",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP,
		},
	},
	{
		.name = "qwen3", .types = "qwen3", .arch = "qwen3", .context = 32768, .kv_heads = 32, .head_width = 128,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .window = WINDOW_IF_USED, .window_width = 4096,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps sliding_window use_sliding_window max_window_layers "
					     "layer_types attention_bias",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, QK_NORMS,
		},
	},
	{
		.name = "qwen2_moe", .types = "qwen2_moe", .arch = "qwen2moe", .context = 32768, .kv_heads = 16, .mixes = true,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .window = WINDOW_EVEN_IF_USED, .window_width = 4096,
		.settle = settle_qwen_moe,
		.keys = KEYS_SHAPE KEYS_ROPE KEYS_QWEN_MOE "shared_expert_intermediate_size qkv_bias max_window_layers layer_types",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, MLP_EXPERTS,
			[WEIGHT_SHARED_GATE] = "model.layers.%d.mlp.shared_expert.gate_proj",
			[WEIGHT_SHARED_IN] = "model.layers.%d.mlp.shared_expert.up_proj",
			[WEIGHT_SHARED_OUT] = "model.layers.%d.mlp.shared_expert.down_proj",
			[WEIGHT_SHARED_SHARE] = "model.layers.%d.mlp.shared_expert_gate",
		},
	},
	{
		.name = "qwen3_moe", .types = "qwen3_moe", .arch = "qwen3moe", .context = 32768, .kv_heads = 4, .mixes = true,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .window = WINDOW_IF_USED, .window_width = 4096,
		.settle = settle_qwen_moe,
		.keys = KEYS_SHAPE KEYS_ROPE KEYS_QWEN_MOE "attention_bias",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, QK_NORMS, MLP_EXPERTS,
		},
	},
	{
		.name = "glm4_moe", .types = "glm4_moe", .arch = "glm4moe", .context = 131072, .kv_heads = 8, .mixes = true,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY, .rotary_share = 0.5f,
		.activation = ACTIVATION_SILU, .gated = true, .settle = settle_glm4_moe,
		.keys = KEYS_SHAPE KEYS_ROPE KEYS_GROUPED "use_qk_norm partial_rotary_factor "
							  "rope_parameters.partial_rotary_factor",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, QK_NORMS, MLP_EXPERTS, SHARED_EXPERTS,
			[WEIGHT_ROUTER_CHOICE] = "model.layers.%d.mlp.gate.e_score_correction_bias",
		},
		.gguf_name_of = { [WEIGHT_LN2] = "blk.%d.post_attention_norm" },
	},
	{
		.name = "dots1", .types = "dots1", .arch = "dots1", .context = 2048, .kv_heads = 32, .mixes = true,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .window = WINDOW_LAST, .window_width = 4096, .settle = settle_dots1,
		.keys = KEYS_SHAPE KEYS_ROPE KEYS_GROUPED "sliding_window max_window_layers layer_types",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, QK_NORMS, MLP_EXPERTS, SHARED_EXPERTS,
			[WEIGHT_ROUTER_CHOICE] = "model.layers.%d.mlp.gate.e_score_correction_bias",
		},
	},
	{
		.name = "ernie4_5_moe", .types = "ernie4_5_moe", .arch = "ernie4_5-moe", .context = 131072, .kv_heads = 4,
			.mixes = true,
		.rope_base = 5e5f,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY, .interleaved = true,
		.activation = ACTIVATION_SILU, .gated = true, .tied = true, .settle = settle_ernie_moe,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps use_bias moe_intermediate_size moe_k moe_num_experts "
					     "num_experts num_experts_per_tok moe_num_shared_experts moe_layer_start_index "
					     "moe_layer_end_index moe_layer_interval moe_norm_min",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, MLP_EXPERTS, SHARED_EXPERTS,
			[WEIGHT_ROUTER_CHOICE] = "model.layers.%d.mlp.moe_statics.e_score_correction_bias",
		},
	},
	{
		.name = "olmoe", .types = "olmoe", .arch = "olmoe", .context = 4096, .mixes = true,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .settle = settle_olmoe,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias clip_qkv num_experts num_experts_per_tok "
					     "norm_topk_prob",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, QK_NORMS, MLP_EXPERTS,
		},
	},
	{
		.name = "phimoe", .types = "phimoe", .arch = "phimoe", .context = 131072, .kv_heads = 8,
			.mixes = true, .rope_base = 1e6f,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .biases = BIAS_NORM, .settle = settle_phimoe,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps sliding_window num_local_experts num_experts_per_tok "
					     "router_jitter_noise attention_bias lm_head_bias",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, SPARSE_EXPERTS,
		},
	},
	{
		.name = "granitemoe", .types = "granitemoe", .arch = "granitemoe", .context = 2048, .mixes = true,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY, .gguf_permuted = true,
		.activation = ACTIVATION_SILU, .gated = true, .settle = settle_granitemoe,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias embedding_multiplier logits_scaling "
					     "residual_multiplier attention_multiplier num_local_experts num_experts_per_tok",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O,
			[WEIGHT_ROUTER] = "model.layers.%d.block_sparse_moe.router.layer",
			[WEIGHT_EXPERT_GATE_IN] = "model.layers.%d.block_sparse_moe.input_linear",
			[WEIGHT_EXPERT_OUT] = "model.layers.%d.block_sparse_moe.output_linear",
		},
	},
	{
		.name = "gemma", .types = "gemma", .arch = "gemma", .context = 8192, .kv_heads = 16, .head_width = 256,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_GELU_TANH, .gated = true, .tied = true, .plus_one = true, .settle = settle_gemma,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias use_bidirectional_attention",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP,
		},
	},
	{
		.name = "gemma2", .types = "gemma2", .arch = "gemma2", .context = 8192, .kv_heads = 4, .head_width = 256,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_GELU_TANH, .gated = true, .tied = true, .plus_one = true,
		.window = WINDOW_EVEN, .window_width = 4096, .settle = settle_gemma2,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_activation rms_norm_eps attention_bias use_bidirectional_attention "
					     "query_pre_attn_scalar sliding_window layer_types final_logit_softcapping "
					     "attn_logit_softcapping",
		.name_of = {
			LLAMA_ENDS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, POST_NORMS,
			[WEIGHT_LN1] = "model.layers.%d.input_layernorm",
			[WEIGHT_LN2] = "model.layers.%d.pre_feedforward_layernorm",
		},
	},
	{
		.name = "gemma3", .types = "gemma3_text|gemma3", .arch = "gemma3", .heads = 8, .kv_heads = 4, .head_width = 256,
			.context = 131072,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY, .rope_base = 1e6f, .rotary_local = true,
		.activation = ACTIVATION_GELU_TANH, .gated = true, .tied = true, .plus_one = true,
		.window = WINDOW_PATTERN, .window_width = 4096, .settle = settle_gemma3,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_activation rms_norm_eps attention_bias use_bidirectional_attention "
					     "query_pre_attn_scalar sliding_window layer_types final_logit_softcapping "
					     "attn_logit_softcapping sliding_window_pattern rope_local_base_freq "
					     "rope_parameters.full_attention",
		.name_of = {
			LLAMA_ENDS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, QK_NORMS, POST_NORMS,
			[WEIGHT_LN1] = "model.layers.%d.input_layernorm",
			[WEIGHT_LN2] = "model.layers.%d.pre_feedforward_layernorm",
		},
	},
	{
		.name = "olmo", .types = "olmo", .arch = "olmo", .context = 2048,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY, .gguf_permuted = true,
		.activation = ACTIVATION_SILU, .gated = true,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act attention_bias clip_qkv",
		.name_of = {
			LLAMA_QKV, LLAMA_O, LLAMA_MLP,
			[WEIGHT_EMBED] = "model.embed_tokens", [WEIGHT_LN_FINAL] = "", [WEIGHT_UNEMBED] = "lm_head",
			[WEIGHT_LN1] = "", [WEIGHT_LN2] = "",
		},
	},
	{
		.name = "olmo2", .types = "olmo2", .arch = "olmo2", .context = 2048,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_SILU, .gated = true, .window = WINDOW_FOURTH, .settle = settle_olmo2,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias",
		.name_of = {
			LLAMA_ENDS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, QK_NORMS, POST_NORMS,
		},
	},
	{
		.name = "olmo3", .types = "olmo3", .arch = "olmo2", .context = 2048,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY, .rope_base = 5e5f, .rotary_local = true,
			.rope_base_local = 5e5f,
		.activation = ACTIVATION_SILU, .gated = true, .window = WINDOW_FOURTH, .window_width = 4096, .settle = settle_olmo2,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias sliding_window layer_types "
					     "rope_parameters.full_attention",
		.name_of = {
			LLAMA_ENDS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, QK_NORMS, POST_NORMS,
		},
	},
	{
		.name = "exaone4", .types = "exaone4", .arch = "exaone4", .kv_heads = 32,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY, .context = 2048,
		.activation = ACTIVATION_SILU, .gated = true, .window = WINDOW_FOURTH, .window_width = 4096,
		.settle = settle_exaone4,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps sliding_window sliding_window_pattern layer_types",
		.name_of = {
			LLAMA_ENDS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, QK_NORMS, POST_NORMS,
		},
	},
	{
		.name = "glm4", .types = "glm4", .arch = "glm4", .context = 131072, .kv_heads = 2, .head_width = 128,
		.norm = NORM_RMS, .eps = 1.5625e-7f, .position = POSITION_ROTARY, .rotary_share = 0.5f, .interleaved = true,
		.activation = ACTIVATION_SILU, .gated = true, .biases = BIAS_QKV, .settle = settle_glm4,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias partial_rotary_factor "
					     "rope_parameters.partial_rotary_factor",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O,
			[WEIGHT_LN1_POST] = "model.layers.%d.post_self_attn_layernorm",
			[WEIGHT_LN2_POST] = "model.layers.%d.post_mlp_layernorm",
			[WEIGHT_GATE_IN] = "model.layers.%d.mlp.gate_up_proj", [WEIGHT_OUT] = "model.layers.%d.mlp.down_proj",
		},
	},
	{
		.name = "stablelm", .types = "stablelm|stablelm_epoch", .arch = "stablelm", .context = 4096, .kv_heads = 32,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY, .rotary_share = 0.25f,
		.activation = ACTIVATION_SILU, .gated = true, .biases = BIAS_NORM, .settle = settle_stablelm,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act layer_norm_eps use_qkv_bias qk_layernorm use_parallel_residual "
					     "partial_rotary_factor rope_parameters.partial_rotary_factor stablelm_epoch:rope_pct "
					     "stablelm_epoch:norm_eps",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP,
			[WEIGHT_Q_NORM] = "model.layers.%d.self_attn.q_layernorm.norms.%h",
			[WEIGHT_K_NORM] = "model.layers.%d.self_attn.k_layernorm.norms.%h",
		},
	},
	{
		.name = "starcoder2", .types = "starcoder2", .arch = "starcoder2", .context = 4096, .kv_heads = 2,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY,
		.activation = ACTIVATION_GELU_TANH, .tied = true, .biases = BIAS_NORM,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act norm_epsilon sliding_window use_bias",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O,
			[WEIGHT_IN] = "model.layers.%d.mlp.c_fc", [WEIGHT_OUT] = "model.layers.%d.mlp.c_proj",
		},
	},
	{
		.name = "smollm3", .types = "smollm3", .arch = "smollm3", .context = 32768, .kv_heads = 4,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY, .rope_base = 2e6f, .gguf_permuted = true,
		.activation = ACTIVATION_SILU, .gated = true, .tied = true, .window = WINDOW_IF_USED, .settle = settle_smollm3,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias mlp_bias sliding_window use_sliding_window "
					     "layer_types no_rope_layers no_rope_layer_interval",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP,
		},
	},
	{
		.name = "lfm2", .types = "lfm2", .arch = "lfm2", .context = 128000, .heads = 32, .kv_heads = 8,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY, .rope_base = 1e6f,
		.activation = ACTIVATION_SILU, .gated = true, .tied = true, .settle = settle_lfm2,
		.keys = KEYS_SHAPE KEYS_ROPE KEYS_LFM2 "block_ff_dim block_multiple_of block_ffn_dim_multiplier "
						       "block_auto_adjust_ff_dim full_attn_idxs",
		.name_of = {
			LFM2_NAMES,
		},
		.gguf_name_of = { [WEIGHT_LN_FINAL] = "token_embd_norm|output_norm" },
	},
	{
		.name = "lfm2_moe", .types = "lfm2_moe", .arch = "lfm2moe", .context = 128000, .heads = 32, .kv_heads = 8,
			.mixes = true,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY, .rope_base = 1e6f,
		.activation = ACTIVATION_SILU, .gated = true, .tied = true, .settle = settle_lfm2_moe,
		.keys = KEYS_SHAPE KEYS_ROPE KEYS_LFM2 "moe_intermediate_size num_dense_layers num_experts num_experts_per_tok "
						       "use_expert_bias routed_scaling_factor norm_topk_prob",
		.name_of = {
			LFM2_NAMES,
			[WEIGHT_ROUTER] = "model.layers.%d.feed_forward.gate",
			[WEIGHT_ROUTER_CHOICE] = "model.layers.%d.feed_forward.expert_bias",
			[WEIGHT_EXPERT_GATE] = "model.layers.%d.feed_forward.experts.%e.w1",
			[WEIGHT_EXPERT_IN] = "model.layers.%d.feed_forward.experts.%e.w3",
			[WEIGHT_EXPERT_OUT] = "model.layers.%d.feed_forward.experts.%e.w2",
		},
		.gguf_name_of = { [WEIGHT_LN_FINAL] = "token_embd_norm|output_norm" },
	},
	{
		.name = "granite", .types = "granite", .arch = "granite", .context = 2048,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY, .gguf_permuted = true,
		.activation = ACTIVATION_SILU, .gated = true, .settle = settle_granite,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias mlp_bias embedding_multiplier logits_scaling "
					     "residual_multiplier attention_multiplier",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP,
		},
	},
	{
		.name = "cohere", .types = "cohere", .arch = "command-r", .context = 8192,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY, .rope_base = 5e5f, .interleaved = true,
		.activation = ACTIVATION_SILU, .gated = true, .parallel = true, .shared_norm = true, .tied = true,
			.settle = settle_cohere,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act layer_norm_eps logit_scale attention_bias use_qk_norm",
		.name_of = {
			LLAMA_ENDS, LLAMA_QKV, LLAMA_O, LLAMA_MLP, QK_NORMS,
			[WEIGHT_LN1] = "model.layers.%d.input_layernorm",
		},
	},
	{
		.name = "cohere2", .types = "cohere2", .arch = "cohere2", .context = 8192,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY, .interleaved = true,
		.activation = ACTIVATION_SILU, .gated = true, .parallel = true, .shared_norm = true, .tied = true,
			.window = WINDOW_FOURTH, .window_width = 4096, .settle = settle_cohere2,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act layer_norm_eps logit_scale attention_bias sliding_window "
					     "sliding_window_pattern layer_types",
		.name_of = {
			LLAMA_ENDS, LLAMA_QKV, LLAMA_O, LLAMA_MLP,
			[WEIGHT_LN1] = "model.layers.%d.input_layernorm",
		},
	},
	{
		.name = "ministral3", .types = "ministral3", .arch = "mistral3", .context = 262144,
			.kv_heads = 8, .head_width = 128,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY, .gguf_permuted = true,
		.activation = ACTIVATION_SILU, .gated = true, .settle = settle_ministral3,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps sliding_window",
		.name_of = {
			LLAMA_ENDS, LLAMA_NORMS, LLAMA_QKV, LLAMA_O, LLAMA_MLP,
		},
	},
	{
		.name = "apertus", .types = "apertus", .arch = "apertus", .context = 65536,
		.norm = NORM_RMS, .eps = 1e-5f, .position = POSITION_ROTARY, .rope_base = 1.2e7f,
		.activation = ACTIVATION_XIELU, .settle = settle_apertus,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps attention_bias",
		.name_of = {
			LLAMA_ENDS, LLAMA_QKV, LLAMA_O, QK_NORMS,
			[WEIGHT_LN1] = "model.layers.%d.attention_layernorm",
			[WEIGHT_LN2] = "model.layers.%d.feedforward_layernorm",
			[WEIGHT_IN] = "model.layers.%d.mlp.up_proj", [WEIGHT_OUT] = "model.layers.%d.mlp.down_proj",
			[WEIGHT_ALPHA_P] = "model.layers.%d.mlp.act_fn.alpha_p",
			[WEIGHT_ALPHA_N] = "model.layers.%d.mlp.act_fn.alpha_n",
			[WEIGHT_BETA] = "model.layers.%d.mlp.act_fn.beta", [WEIGHT_EPS] = "model.layers.%d.mlp.act_fn.eps",
		},
	},
	{
		.name = "gpt_bigcode", .types = "gpt_bigcode", .arch = "starcoder", .context = 1024,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_LEARNED,
		.activation = ACTIVATION_GELU_TANH, .tied = true, .biases = BIAS_ALL,
		.fused = FUSED_PER_GROUP, .fused_gguf = FUSED_THIRDS, .settle = settle_gpt_bigcode,
		.keys = KEYS_GPT2 "scale_attn_weights multi_query",
		.name_of = {
			GPT2_NAMES,
		},
	},
	{
		.name = "mpt", .types = "mpt", .arch = "mpt",
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ALIBI, .context = 2048,
		.activation = ACTIVATION_GELU, .llama_tanh = true, .tied = true,
		.fused = FUSED_THIRDS, .fused_gguf = FUSED_THIRDS, .settle = settle_mpt,
		.keys = "hidden_size d_model num_hidden_layers n_layers num_attention_heads n_heads max_seq_len layer_norm_epsilon "
			"expansion_ratio attn_config attn_config.clip_qkv attn_config.softmax_scale",
		.name_of = {
			[WEIGHT_EMBED] = "transformer.wte", [WEIGHT_LN_FINAL] = "transformer.norm_f", [WEIGHT_UNEMBED] = "lm_head",
			[WEIGHT_LN1] = "transformer.blocks.%d.norm_1", [WEIGHT_LN2] = "transformer.blocks.%d.norm_2",
			[WEIGHT_QKV] = "transformer.blocks.%d.attn.Wqkv", [WEIGHT_O] = "transformer.blocks.%d.attn.out_proj",
			[WEIGHT_IN] = "transformer.blocks.%d.ffn.up_proj", [WEIGHT_OUT] = "transformer.blocks.%d.ffn.down_proj",
		},
	},
	{
		.name = "codegen", .types = "codegen", .arch = NULL, .context = 2048,
		.norm = NORM_LAYER, .eps = 1e-5f, .position = POSITION_ROTARY, .interleaved = true,
		.activation = ACTIVATION_GELU_TANH, .parallel = true, .shared_norm = true,
		.biases = BIAS_NORM | BIAS_MLP | BIAS_UNEMBED, .fused = FUSED_QUARTERS, .settle = settle_codegen,
		.keys = KEYS_GPT2 "rotary_dim",
		.name_of = {
			[WEIGHT_EMBED] = "transformer.wte", [WEIGHT_LN_FINAL] = "transformer.ln_f", [WEIGHT_UNEMBED] = "lm_head",
			[WEIGHT_LN1] = "transformer.h.%d.ln_1", [WEIGHT_QKV] = "transformer.h.%d.attn.qkv_proj",
			[WEIGHT_O] = "transformer.h.%d.attn.out_proj", [WEIGHT_IN] = "transformer.h.%d.mlp.fc_in",
			[WEIGHT_OUT] = "transformer.h.%d.mlp.fc_out",
		},
	},
	{
		.name = "internlm2", .types = "internlm2", .arch = "internlm2", .context = 2048,
		.norm = NORM_RMS, .eps = 1e-6f, .position = POSITION_ROTARY, .gguf_permuted = true,
		.activation = ACTIVATION_SILU, .gated = true, .fused = FUSED_PER_GROUP, .settle = settle_internlm2,
		.keys = KEYS_SHAPE KEYS_ROPE "hidden_act rms_norm_eps bias",
		.name_of = {
			[WEIGHT_EMBED] = "model.tok_embeddings", [WEIGHT_LN_FINAL] = "model.norm", [WEIGHT_UNEMBED] = "output",
			[WEIGHT_LN1] = "model.layers.%d.attention_norm", [WEIGHT_LN2] = "model.layers.%d.ffn_norm",
			[WEIGHT_QKV] = "model.layers.%d.attention.wqkv", [WEIGHT_O] = "model.layers.%d.attention.wo",
			[WEIGHT_GATE] = "model.layers.%d.feed_forward.w1", [WEIGHT_IN] = "model.layers.%d.feed_forward.w3",
			[WEIGHT_OUT] = "model.layers.%d.feed_forward.w2",
		},
	},
	{ 0 },
};

/* clang-format off */
static const char *const gguf_names[WEIGHT_COUNT] = {
	[WEIGHT_EMBED] = "token_embd", [WEIGHT_POSITION] = "position_embd", [WEIGHT_EMBED_NORM] = "token_embd_norm",
	[WEIGHT_LN_FINAL] = "output_norm", [WEIGHT_UNEMBED] = "output",
	[WEIGHT_LN1] = "blk.%d.attn_norm", [WEIGHT_LN2] = "blk.%d.ffn_norm",
	[WEIGHT_LN1_POST] = "blk.%d.post_attention_norm", [WEIGHT_LN2_POST] = "blk.%d.post_ffw_norm",
	[WEIGHT_Q_NORM] = "blk.%d.attn_q_norm", [WEIGHT_K_NORM] = "blk.%d.attn_k_norm",
	[WEIGHT_Q] = "blk.%d.attn_q", [WEIGHT_K] = "blk.%d.attn_k", [WEIGHT_V] = "blk.%d.attn_v",
	[WEIGHT_QKV] = "blk.%d.attn_qkv", [WEIGHT_O] = "blk.%d.attn_output",
	[WEIGHT_GATE] = "blk.%d.ffn_gate", [WEIGHT_IN] = "blk.%d.ffn_up", [WEIGHT_GATE_IN] = "blk.%d.ffn_up",
	[WEIGHT_OUT] = "blk.%d.ffn_down",
	[WEIGHT_CONV_IN] = "blk.%d.shortconv.in_proj", [WEIGHT_CONV] = "blk.%d.shortconv.conv",
	[WEIGHT_CONV_OUT] = "blk.%d.shortconv.out_proj",
	[WEIGHT_ROUTER] = "blk.%d.ffn_gate_inp", [WEIGHT_ROUTER_CHOICE] = "blk.%d.exp_probs_b",
	[WEIGHT_EXPERT_GATE] = "blk.%d.ffn_gate_exps", [WEIGHT_EXPERT_IN] = "blk.%d.ffn_up_exps",
	[WEIGHT_EXPERT_OUT] = "blk.%d.ffn_down_exps",
	[WEIGHT_SHARED_GATE] = "blk.%d.ffn_gate_shexp", [WEIGHT_SHARED_IN] = "blk.%d.ffn_up_shexp",
	[WEIGHT_SHARED_OUT] = "blk.%d.ffn_down_shexp", [WEIGHT_SHARED_SHARE] = "blk.%d.ffn_gate_inp_shexp",
};
/* clang-format on */

const char *family_name(const struct family *f, enum weight w, bool gguf)
{
	if (!gguf)
		return f->name_of[w];
	/* which weights a family has does not depend on the file, except for q, k, v, which either may hold fused or apart */
	if (f->name_of[w] && !*f->name_of[w])
		return "";
	return f->gguf_name_of[w] ? f->gguf_name_of[w] : gguf_names[w];
}

/* Is `word` one of "a|b|c"? */
static bool among(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
		if (!strncmp(p, word, n) && (p[n] == '|' || !p[n]))
			return true;
	return false;
}

/* Mixtures may share the name of their architecture with a family that has none. */
static bool says_experts(const struct settings *s)
{
	char key[100];
	int64_t n = 0;

	snprintf(key, sizeof key, "%s.expert_count", s->arch);
	return gguf_int(s->from->gguf, key, &n) && n > 0;
}

/* Adds ", NAME, NAME" of "NAME|NAME", unless a row before this one had them. */
static void add_names(struct str *known, const struct family *f, const char *names, bool gguf)
{
	for (const struct family *g = families; g < f; g++)
		if (names && gguf && g->arch && !strcmp(g->arch, names))
			return;
	for (const char *p = names; p && *p; p++)
		str_addf(known, *p == '|' ? ", " : p == names && known->n ? ", %c" : "%c", *p);
}

const struct family *family_of(const struct settings *s, struct err *err)
{
	const char *type = settings_type(s);
	struct str known;

	str_init(&known);
	for (const struct family *f = families; f->name; f++) {
		const char *names = s->json ? f->types : f->arch;

		if (names && type && among(names, type) && (s->json || !f->mixes || says_experts(s))) {
			str_done(&known);
			return f;
		}
		add_names(&known, f, names, !s->json);
	}
	err_set(err, ERR_FILE, "%s%s: the %s \"%.60s\" is not supported; lmscope knows %s", s->from->path,
		s->json ? "/config.json" : "", s->json ? "model_type" : "architecture", type ? type : "", known.s);
	str_done(&known);
	return NULL;
}
