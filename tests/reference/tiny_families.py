"""tiny_families.py - the rows of tiny_models.py for all families but gpt2 and llama.

Each option that a family has stands on in one row and off in another, as far as it changes numbers.
"""
import torch


def row(about, model_type, architecture, **config):
    """A model of that config; keys that begin with _ are keys of the row."""
    options = {k[1:]: config.pop(k) for k in list(config) if k.startswith("_")}
    base = dict(model_type=model_type, architectures=[architecture], vocab_size=61)
    return dict(about=about, tokens=61, brief=True, config=dict(base, **config), **options)


def llama_like(about, model_type, architecture, **config):
    sizes = dict(hidden_size=20, intermediate_size=27, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=False)
    return row(about, model_type, architecture, **dict(sizes, **config))


def xielu_numbers(model):
    """Those that its module does not learn, which a file has all the same."""
    return {n: b.clone() for n, b in model.named_buffers() if "act_fn" in n}


def expert_biases(model):
    """Learned beside the weights: buffers, which begin as zeros."""
    rng = torch.Generator().manual_seed(3)
    return {n: torch.randn(b.shape, generator=rng) * 0.2 for n, b in model.named_buffers()
            if n.endswith(("expert_bias", "e_score_correction_bias"))}


def internlm2(about, bias, **config):
    """Its code is not in transformers: it is a Llama whose q, k and v are in one matrix, group by group."""
    sizes = dict(hidden_size=24, intermediate_size=27, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=False, vocab_size=61,
                 hidden_act="silu", rope_theta=70.0)
    sizes.update(config)
    names = {"self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3",
             "mlp.down_proj": "feed_forward.w2", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm",
             "embed_tokens": "tok_embeddings", "lm_head": "output"}
    heads, groups = sizes["num_attention_heads"], sizes["num_key_value_heads"]

    def rename(weights):
        out = {}
        for name, w in weights.items():
            part = next((p for p in ("q_proj", "k_proj", "v_proj") if p in name), None)
            if part == "q_proj":
                q, k, v = (weights[name.replace("q_proj", p)].reshape(groups, n, -1, *w.shape[1:])
                           for p, n in (("q_proj", heads // groups), ("k_proj", 1), ("v_proj", 1)))
                fused = name.replace("self_attn.q_proj", "attention.wqkv")
                out[fused] = torch.cat([q, k, v], 1).reshape(-1, *w.shape[1:]).contiguous()
            elif not part:
                for old, new in names.items():
                    name = name.replace(old, new)
                out[name] = w
        return out
    oracle = dict(sizes, model_type="llama", attention_bias=bias)
    return row(about, "internlm2", "InternLM2ForCausalLM", bias=bias, _oracle=oracle, _rename=rename, **sizes)


def wrapper(about, model_type, architecture, text, **config):
    """A model of text and images, whose text part is the one of that row."""
    sizes = dict(hidden_size=8, intermediate_size=10, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)
    vision = dict(sizes, **config.pop("vision"))
    inner = {k: v for k, v in text["config"].items() if k != "architectures"}
    outer = row(about, model_type, architecture, text_config=inner, vision_config=vision, **config)
    del outer["config"]["vocab_size"]
    return outer


FAMILIES = {
    "gpt_neo": row(
        "local and global layers, scores not scaled", "gpt_neo", "GPTNeoForCausalLM",
        hidden_size=16, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]],
        window_size=3, intermediate_size=None, max_position_embeddings=24,
        activation_function="gelu_new", layer_norm_epsilon=1e-5, _gain=0.3),
    "gpt_neo-untied": row(
        "local layer first, own lm_head, odd MLP", "gpt_neo", "GPTNeoForCausalLM",
        hidden_size=18, num_layers=2, num_heads=3, attention_types=[[["local", "global"], 1]],
        window_size=4, intermediate_size=31, max_position_embeddings=24, _gain=0.3,
        activation_function="relu", layer_norm_epsilon=0.01, tie_word_embeddings=False),
    "gpt_neox": row(
        "parallel, 40% rotary, exact gelu", "gpt_neox", "GPTNeoXForCausalLM",
        hidden_size=20, intermediate_size=33, num_hidden_layers=2, num_attention_heads=2,
        rotary_pct=0.4, rotary_emb_base=70, use_parallel_residual=True, hidden_act="gelu",
        layer_norm_eps=1e-5, max_position_embeddings=64, tie_word_embeddings=False),
    "gpt_neox-sequential": row(
        "one after the other, all rotary, no attention biases, tied, tanh gelu", "gpt_neox",
        "GPTNeoXForCausalLM", hidden_size=18, intermediate_size=29, num_hidden_layers=2,
        num_attention_heads=3, rotary_pct=1.0, rotary_emb_base=10000, use_parallel_residual=False,
        hidden_act="gelu_new", layer_norm_eps=0.02, max_position_embeddings=64,
        tie_word_embeddings=True, attention_bias=False),
    "gptj": row(
        "interleaved rotary on 4 of 8 channels, lm_head with a bias", "gptj", "GPTJForCausalLM",
        n_embd=16, n_layer=2, n_head=2, n_positions=64, rotary_dim=4, n_inner=None,
        activation_function="gelu_new", layer_norm_epsilon=1e-5, tie_word_embeddings=False),
    "gptj-whole": row(
        "interleaved rotary on all channels, odd MLP, tied and with a bias all the same", "gptj", "GPTJForCausalLM",
        n_embd=18, n_layer=2, n_head=3, n_positions=64, rotary_dim=6, n_inner=31,
        activation_function="gelu", layer_norm_epsilon=0.02, tie_word_embeddings=True),
    "opt": row(
        "positions begin at row 2, relu, tied", "opt", "OPTForCausalLM",
        hidden_size=20, ffn_dim=37, num_hidden_layers=2, num_attention_heads=4,
        word_embed_proj_dim=20, max_position_embeddings=24, do_layer_norm_before=True,
        activation_function="relu"),
    "opt-plain": row(
        "no biases, norms without weights, gelu, own lm_head", "opt", "OPTForCausalLM",
        hidden_size=18, ffn_dim=31, num_hidden_layers=2, num_attention_heads=3,
        word_embed_proj_dim=18, max_position_embeddings=24, do_layer_norm_before=True,
        activation_function="gelu", enable_bias=False, layer_norm_elementwise_affine=False,
        tie_word_embeddings=False),
    "bloom": row(
        "ALiBi with 4 heads, a norm behind the embedding, fused qkv head by head", "bloom",
        "BloomForCausalLM", hidden_size=16, n_layer=2, n_head=4, layer_norm_epsilon=1e-5),
    "bloom-heads": row(
        "ALiBi with 6 heads, which is no power of two", "bloom", "BloomForCausalLM",
        hidden_size=18, n_layer=2, n_head=6, layer_norm_epsilon=0.02),
    "falcon-7b": row(
        "one KV head, parallel with one norm, no biases, rotary", "falcon", "FalconForCausalLM",
        hidden_size=20, num_hidden_layers=2, num_attention_heads=2, multi_query=True,
        parallel_attn=True, bias=False, alibi=False, new_decoder_architecture=False,
        layer_norm_epsilon=1e-5, rope_theta=70.0),
    "falcon-40b": row(
        "groups of q q k v, parallel with two norms, rotary", "falcon", "FalconForCausalLM",
        hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_kv_heads=2,
        multi_query=True, parallel_attn=True, bias=False, alibi=False,
        new_decoder_architecture=True, layer_norm_epsilon=0.01, tie_word_embeddings=False),
    "falcon-rw": row(
        "ALiBi, biases, as many KV heads as heads, one after the other", "falcon",
        "FalconForCausalLM", hidden_size=18, num_hidden_layers=2, num_attention_heads=3,
        multi_query=False, parallel_attn=False, bias=True, alibi=True,
        new_decoder_architecture=False, layer_norm_epsilon=1e-5),
    "phi": row(
        "parallel with one norm, half rotary, lm_head with a bias", "phi", "PhiForCausalLM",
        hidden_size=24, intermediate_size=31, num_hidden_layers=2, num_attention_heads=2,
        partial_rotary_factor=0.5, hidden_act="gelu_new", layer_norm_eps=1e-5,
        max_position_embeddings=64, rope_theta=70.0),
    "phi-qk": row(
        "norms on q and k, one KV head", "phi", "PhiForCausalLM",
        hidden_size=24, intermediate_size=29, num_hidden_layers=2, num_attention_heads=3,
        num_key_value_heads=1, partial_rotary_factor=0.5, hidden_act="gelu", layer_norm_eps=0.02,
        qk_layernorm=True, max_position_embeddings=64),
    "phi3": llama_like(
        "fused qkv, fused gate and up, window", "phi3", "Phi3ForCausalLM",
        hidden_size=24, sliding_window=5, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-5,
        pad_token_id=0),
    "phi3-long": llama_like(
        "longrope beyond its first length, half rotary", "phi3", "Phi3ForCausalLM",
        hidden_size=16, num_attention_heads=2, num_key_value_heads=1, sliding_window=None,
        rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02,
        partial_rotary_factor=0.5, pad_token_id=0, original_max_position_embeddings=8,
        rope_scaling=dict(type="longrope", short_factor=[1.0, 1.3],
                          long_factor=[1.5, 4.0])),
    "phi3-short": llama_like(
        "longrope within its first length", "phi3", "Phi3ForCausalLM",
        hidden_size=16, num_attention_heads=2, num_key_value_heads=1, sliding_window=None,
        rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02,
        pad_token_id=0, original_max_position_embeddings=32,
        rope_scaling=dict(type="longrope", short_factor=[1.0, 1.3, 1.7, 2.0],
                          long_factor=[1.5, 4.0, 5.0, 6.0])),
    "qwen2": llama_like(
        "biases of q, k, v that no key tells, tied", "qwen2", "Qwen2ForCausalLM",
        hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-6,
        tie_word_embeddings=True, use_sliding_window=False, sliding_window=4),
    "qwen2-window": llama_like(
        "the window from layer 1 on", "qwen2", "Qwen2ForCausalLM",
        hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02,
        use_sliding_window=True, sliding_window=4, max_window_layers=1),
    "qwen3": llama_like(
        "norms on q and k per head, head_dim its own", "qwen3", "Qwen3ForCausalLM",
        head_dim=8, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-6, attention_bias=False,
        tie_word_embeddings=True),
    "qwen3-bias": llama_like(
        "with biases, untied", "qwen3", "Qwen3ForCausalLM",
        head_dim=6, rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02, attention_bias=True,
        num_key_value_heads=4),
    "mixtral": llama_like(
        "two of four experts, weights normalised, a window", "mixtral", "MixtralForCausalLM",
        hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-5, num_local_experts=4, num_experts_per_tok=2,
        sliding_window=5),
    "mixtral-one": llama_like(
        "one expert of three, whose weight is 1", "mixtral", "MixtralForCausalLM",
        hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02, num_local_experts=3, num_experts_per_tok=1,
        sliding_window=None),
    "qwen2_moe": llama_like(
        "a shared expert with a share, three of five experts, weights as they are", "qwen2_moe", "Qwen2MoeForCausalLM",
        hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-6, num_experts=5, num_experts_per_tok=3,
        moe_intermediate_size=9, shared_expert_intermediate_size=13, norm_topk_prob=False, use_sliding_window=False,
        sliding_window=4),
    "qwen2_moe-dense": llama_like(
        "the first layer has one MLP, weights normalised, no biases, tied", "qwen2_moe", "Qwen2MoeForCausalLM",
        hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02, num_experts=4, num_experts_per_tok=2,
        moe_intermediate_size=11, shared_expert_intermediate_size=7, norm_topk_prob=True, decoder_sparse_step=2,
        qkv_bias=False, tie_word_embeddings=True, use_sliding_window=True, sliding_window=4, max_window_layers=1),
    "qwen3_moe": llama_like(
        "norms on q and k, three of six experts, weights normalised", "qwen3_moe", "Qwen3MoeForCausalLM",
        head_dim=8, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-6, num_experts=6, num_experts_per_tok=3,
        moe_intermediate_size=9, norm_topk_prob=True, use_sliding_window=False),
    "qwen3_moe-dense": llama_like(
        "the last layer has one wide MLP, weights as they are, a window", "qwen3_moe", "Qwen3MoeForCausalLM",
        head_dim=6, rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02, num_experts=4, num_experts_per_tok=2,
        moe_intermediate_size=11, norm_topk_prob=False, mlp_only_layers=[1], intermediate_size=31,
        use_sliding_window=True, sliding_window=4),
    "olmoe": llama_like(
        "norms on whole q and k, then a clip, weights as they are", "olmoe", "OlmoeForCausalLM",
        hidden_size=24, intermediate_size=9, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-5, num_experts=5,
        num_experts_per_tok=2, norm_topk_prob=False, clip_qkv=1.1),
    "olmoe-unclipped": llama_like(
        "no clip, weights normalised", "olmoe", "OlmoeForCausalLM",
        hidden_size=16, intermediate_size=11, rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02, num_experts=4,
        num_experts_per_tok=3, norm_topk_prob=True, clip_qkv=None, num_key_value_heads=4),
    "glm4_moe": llama_like(
        "three of eight experts in four groups of which two are open, by sigmoid and bias, scaled; a shared expert; one MLP first",
        "glm4_moe", "Glm4MoeForCausalLM", hidden_size=24, rms_norm_eps=1e-5, hidden_act="silu", moe_intermediate_size=9,
        num_experts_per_tok=3, n_shared_experts=1, n_routed_experts=8, n_group=4, topk_group=2, first_k_dense_replace=1,
        norm_topk_prob=True, routed_scaling_factor=1.7, use_qk_norm=True, attention_bias=True, head_dim=8, num_mtp_layers=0,
        rope_parameters=dict(rope_type="default", rope_theta=70.0, partial_rotary_factor=0.5), _buffers=expert_biases),
    "glm4_moe-plain": llama_like(
        "no groups, no norms on q and k, no biases, weights as they are, two shared experts, all layers mixtures", "glm4_moe",
        "Glm4MoeForCausalLM", hidden_size=16, num_key_value_heads=4, rms_norm_eps=0.02, hidden_act="silu",
        moe_intermediate_size=11, num_experts_per_tok=2, n_shared_experts=2, n_routed_experts=4, first_k_dense_replace=0,
        norm_topk_prob=False, num_mtp_layers=0, rope_parameters=dict(rope_type="default", rope_theta=70.0, partial_rotary_factor=1.0),
        _buffers=expert_biases),
    "dots1": llama_like(
        "two of six experts in two groups of which one is open, a window in the last layer, one MLP first", "dots1",
        "Dots1ForCausalLM", hidden_size=24, rms_norm_eps=1e-6, hidden_act="silu", moe_intermediate_size=9,
        num_experts_per_tok=2, n_shared_experts=2, n_routed_experts=6, n_group=2, topk_group=1, first_k_dense_replace=1,
        norm_topk_prob=True, routed_scaling_factor=0.8, sliding_window=4, max_window_layers=1, rope_theta=70.0,
        num_hidden_layers=2, attention_bias=True, _buffers=expert_biases),
    "dots1-plain": llama_like(
        "no window, no groups, all layers mixtures, weights as they are", "dots1", "Dots1ForCausalLM", hidden_size=16,
        num_key_value_heads=4, rms_norm_eps=0.02, hidden_act="silu", moe_intermediate_size=11, num_experts_per_tok=2,
        n_shared_experts=1, n_routed_experts=5, norm_topk_prob=False, sliding_window=None, rope_theta=70.0,
        _buffers=expert_biases),
    "ernie4_5_moe": llama_like(
        "three of five experts by softmax and bias, two shared ones, the first layer has one MLP, tied", "ernie4_5_moe",
        "Ernie4_5_MoeForCausalLM", hidden_size=24, rms_norm_eps=1e-5, hidden_act="silu", moe_intermediate_size=9, moe_k=3,
        moe_num_experts=5, moe_num_shared_experts=2, moe_layer_start_index=1, rope_theta=70.0, tie_word_embeddings=True),
    "lfm2": llama_like(
        "a short convolution under attention, a width that is adjusted, tied", "lfm2", "Lfm2ForCausalLM",
        hidden_size=24, intermediate_size=30, block_multiple_of=4, block_ffn_dim_multiplier=1.1, rope_theta=70.0,
        norm_eps=1e-5, conv_L_cache=3, conv_bias=False, layer_types=["conv", "full_attention"], tie_embedding=True),
    "lfm2-bias": llama_like(
        "convolutions over four positions with biases, after attention, which the list of indices says", "lfm2",
        "Lfm2ForCausalLM", hidden_size=16, intermediate_size=22, block_auto_adjust_ff_dim=False, num_hidden_layers=3,
        num_key_value_heads=4, rope_theta=70.0, norm_eps=0.02, conv_L_cache=4, conv_bias=True, full_attn_idxs=[0]),
    "lfm2_moe": llama_like(
        "two of five experts by sigmoid and bias, scaled; the first layer has one MLP", "lfm2_moe", "Lfm2MoeForCausalLM",
        hidden_size=24, rope_theta=70.0, norm_eps=1e-5, conv_L_cache=3, layer_types=["full_attention", "conv"], num_experts=5,
        num_experts_per_tok=2, moe_intermediate_size=9, num_dense_layers=1, routed_scaling_factor=1.3, use_expert_bias=True,
        norm_topk_prob=True, tie_word_embeddings=True, _buffers=expert_biases),
    "phimoe": llama_like(
        "layer norms, biases everywhere, two of four experts by sparsemixer", "phimoe", "PhimoeForCausalLM",
        hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-5, num_local_experts=4, num_experts_per_tok=2,
        attention_bias=True, lm_head_bias=True, sliding_window=5),
    "phimoe-plain": llama_like(
        "no biases but of norms, nearly all experts near, longrope with its own scale", "phimoe", "PhimoeForCausalLM",
        hidden_size=16, num_key_value_heads=4, rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02, num_local_experts=5,
        num_experts_per_tok=2, router_jitter_noise=0.6, attention_bias=False, lm_head_bias=False, sliding_window=None,
        rope_scaling=dict(type="longrope", short_mscale=1.3, long_mscale=1.3, original_max_position_embeddings=32,
                          short_factor=[1.0, 1.7], long_factor=[1.5, 4.0])),
    "granitemoe": llama_like(
        "multipliers of embedding, stream, scores and logits, two of four experts", "granitemoe", "GraniteMoeForCausalLM",
        hidden_size=24, embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.21, logits_scaling=1.7,
        rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-5, tie_word_embeddings=True, num_local_experts=4,
        num_experts_per_tok=2),
    "granitemoe-bias": llama_like(
        "three of five experts, biases in attention, untied, scores not scaled since no key says so", "granitemoe",
        "GraniteMoeForCausalLM", hidden_size=16, num_key_value_heads=4, residual_multiplier=1.3, rope_theta=70.0,
        hidden_act="silu", rms_norm_eps=0.02, attention_bias=True, num_local_experts=5, num_experts_per_tok=3),
    "gemma": llama_like(
        "gains plus one, embedding times sqrt(d), head_dim its own, gelu that means tanh gelu", "gemma",
        "GemmaForCausalLM", head_dim=8, num_key_value_heads=1, rope_theta=70.0, hidden_act="gelu",
        rms_norm_eps=1e-6, tie_word_embeddings=True),
    "gemma2": llama_like(
        "four norms, soft caps, a window on even layers, scale by its own scalar", "gemma2",
        "Gemma2ForCausalLM", head_dim=8, rope_theta=70.0,
        hidden_activation="gelu_pytorch_tanh", rms_norm_eps=1e-6, tie_word_embeddings=True,
        query_pre_attn_scalar=19, attn_logit_softcapping=3.0, final_logit_softcapping=8.0,
        sliding_window=4, _gain=0.35),
    "gemma2-uncapped": llama_like(
        "no soft caps", "gemma2", "Gemma2ForCausalLM", head_dim=6, rope_theta=70.0,
        hidden_activation="gelu_pytorch_tanh", rms_norm_eps=0.02, tie_word_embeddings=True,
        query_pre_attn_scalar=6, attn_logit_softcapping=None, final_logit_softcapping=None,
        sliding_window=64, num_key_value_heads=4),
    "gemma3": llama_like(
        "two rotary bases, a window on the first layer, norms on q and k, linear scaling",
        "gemma3_text", "Gemma3ForCausalLM", head_dim=8,
        rope_theta=500.0, rope_local_base_freq=30.0,
        rope_scaling=dict(rope_type="linear", factor=2.0),
        hidden_activation="gelu_pytorch_tanh", rms_norm_eps=1e-6, tie_word_embeddings=True,
        query_pre_attn_scalar=11, sliding_window=4, sliding_window_pattern=2),
    "gemma3-types": llama_like(
        "layer_types and rope_parameters as transformers 5 writes them", "gemma3_text",
        "Gemma3ForCausalLM", num_hidden_layers=2, head_dim=6, num_key_value_heads=1,
        rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=900.0),
                             sliding_attention=dict(rope_type="default", rope_theta=20.0)),
        layer_types=["full_attention", "sliding_attention"],
        hidden_activation="gelu_pytorch_tanh", rms_norm_eps=0.02, tie_word_embeddings=True,
        query_pre_attn_scalar=6, sliding_window=5),
    "gemma3-scaled": llama_like(
        "a scaling of the local layers' own, a cap of the scores that is not applied", "gemma3_text",
        "Gemma3ForCausalLM", num_hidden_layers=2, head_dim=6, num_key_value_heads=1,
        rope_parameters=dict(
            full_attention=dict(rope_type="yarn", rope_theta=900.0, factor=4.0, beta_fast=4.0,
                                original_max_position_embeddings=16),
            sliding_attention=dict(rope_type="linear", rope_theta=20.0, factor=2.0)),
        layer_types=["full_attention", "sliding_attention"], attn_logit_softcapping=2.0,
        hidden_activation="gelu_pytorch_tanh", rms_norm_eps=0.02, tie_word_embeddings=True,
        query_pre_attn_scalar=6, sliding_window=5),
    "qwen2-yarn": llama_like(
        "yarn with pairs on the ramp and on either side", "qwen2", "Qwen2ForCausalLM",
        hidden_size=32, num_attention_heads=2, num_key_value_heads=1, rope_theta=70.0,
        hidden_act="silu", rms_norm_eps=1e-6, use_sliding_window=False,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=512)),
    "llama-yarn": llama_like(
        "yarn with all its numbers, the ramp not at whole pairs", "llama", "LlamaForCausalLM",
        hidden_size=24, num_attention_heads=2, num_key_value_heads=2, rope_theta=70.0,
        hidden_act="gelu_python", rms_norm_eps=1e-6,
        rope_parameters=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64,
                             beta_fast=8.0, beta_slow=2.0, mscale=0.7, mscale_all_dim=0.5,
                             truncate=False, rope_theta=70.0)),
    "llama-dynamic": llama_like(
        "a prompt longer than max_position_embeddings, for which the base grows", "llama",
        "LlamaForCausalLM", hidden_size=24, max_position_embeddings=7, rope_theta=70.0, hidden_act="silu",
        rms_norm_eps=1e-6, rope_scaling=dict(type="dynamic", factor=4.0)),
    "granite-long": llama_like(
        "longrope with its own factor, scores not scaled since no key says so", "granite",
        "GraniteForCausalLM", hidden_size=16, num_attention_heads=2, num_key_value_heads=1,
        rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-6,
        rope_scaling=dict(type="longrope", factor=3.0, original_max_position_embeddings=8,
                          short_factor=[1.0, 1.3, 1.7, 2.0], long_factor=[1.5, 4.0, 5.0, 6.0])),
    "olmo": llama_like(
        "norms without weights, q, k, v clipped", "olmo", "OlmoForCausalLM",
        hidden_size=24, clip_qkv=1.1, rope_theta=70.0, hidden_act="silu"),
    "olmo-unclipped": llama_like(
        "not clipped, tied", "olmo", "OlmoForCausalLM",
        hidden_size=16, clip_qkv=None, rope_theta=70.0, hidden_act="silu", num_key_value_heads=4,
        tie_word_embeddings=True),
    "olmo2": llama_like(
        "norms behind attention and MLP, norms on q and k over all heads", "olmo2",
        "Olmo2ForCausalLM", hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-6),
    "stablelm": llama_like(
        "layer norm with a gated MLP, half rotary, biases of q, k, v", "stablelm",
        "StableLmForCausalLM", hidden_size=16, num_attention_heads=2, num_key_value_heads=1,
        partial_rotary_factor=0.5, use_qkv_bias=True,
        qk_layernorm=False, use_parallel_residual=False, layer_norm_eps=1e-5, rope_theta=70.0,
        hidden_act="silu"),
    "stablelm-parallel": llama_like(
        "parallel, norms on q and k per head", "stablelm", "StableLmForCausalLM",
        hidden_size=20, num_attention_heads=2, partial_rotary_factor=0.4, use_qkv_bias=False,
        qk_layernorm=True, use_parallel_residual=True, layer_norm_eps=0.02, rope_theta=70.0, hidden_act="silu"),
    "starcoder2": llama_like(
        "layer norm, biases, plain MLP, window, tied", "starcoder2", "Starcoder2ForCausalLM",
        hidden_size=24, use_bias=True, sliding_window=4, norm_epsilon=1e-5, rope_theta=70.0,
        hidden_act="gelu_pytorch_tanh", tie_word_embeddings=True),
    "starcoder2-plain": llama_like(
        "no biases, no window, untied", "starcoder2", "Starcoder2ForCausalLM",
        hidden_size=24, use_bias=False, sliding_window=None, norm_epsilon=0.02, rope_theta=70.0,
        hidden_act="gelu_pytorch_tanh", tie_word_embeddings=False),
    "smollm3": llama_like(
        "no rotary on one layer of two", "smollm3", "SmolLM3ForCausalLM",
        hidden_size=24, no_rope_layers=[1, 0], rope_theta=70.0,
        hidden_act="silu", rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False,
        pad_token_id=0),
    "smollm3-four": llama_like(
        "no rotary on every fourth layer, which no key tells", "smollm3", "SmolLM3ForCausalLM",
        hidden_size=16, num_hidden_layers=4, rope_theta=70.0, hidden_act="silu",
        rms_norm_eps=1e-6, tie_word_embeddings=False, use_sliding_window=False, pad_token_id=0),
    "granite": llama_like(
        "multipliers of embedding, stream, scores and logits", "granite", "GraniteForCausalLM",
        hidden_size=24, embedding_multiplier=3.0, residual_multiplier=0.4,
        attention_multiplier=0.21, logits_scaling=1.7, rope_theta=70.0, hidden_act="silu",
        rms_norm_eps=1e-5, tie_word_embeddings=True),
    "granite-bias": llama_like(
        "biases everywhere, untied", "granite", "GraniteForCausalLM",
        hidden_size=24, embedding_multiplier=0.5, residual_multiplier=1.3,
        attention_multiplier=0.5, logits_scaling=0.6, rope_theta=70.0, hidden_act="silu",
        rms_norm_eps=0.02, attention_bias=True, mlp_bias=True, num_key_value_heads=4),
    "cohere": llama_like(
        "parallel with one norm that has no bias, interleaved rotary, logit scale, tied", "cohere",
        "CohereForCausalLM", hidden_size=24, logit_scale=0.37, use_qk_norm=False,
        attention_bias=False, layer_norm_eps=1e-5, rope_theta=70.0, hidden_act="silu",
        tie_word_embeddings=True, pad_token_id=0),
    "cohere-qk": llama_like(
        "norms on q and k per head, biases", "cohere", "CohereForCausalLM",
        hidden_size=24, logit_scale=1.5, use_qk_norm=True, attention_bias=True, layer_norm_eps=0.02,
        rope_theta=70.0, hidden_act="silu", tie_word_embeddings=True, pad_token_id=0),
    "olmo3": llama_like(
        "a window on the first layer, which turns by a base of its own, yarn on the second", "olmo3",
        "Olmo3ForCausalLM", hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-6,
        layer_types=["sliding_attention", "full_attention"], sliding_window=4,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=4.0,
                          attention_factor=1.3)),
    "olmo3-four": llama_like(
        "a window on three of four layers, which no key tells, rope_parameters as transformers 5 writes them",
        "olmo3", "Olmo3ForCausalLM", hidden_size=16, num_hidden_layers=4, hidden_act="silu", rms_norm_eps=0.02,
        sliding_window=5, attention_bias=True, tie_word_embeddings=True,
        rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=900.0),
                             sliding_attention=dict(rope_type="default", rope_theta=20.0))),
    "exaone4": llama_like(
        "norms behind both blocks, norms on q and k per head, no rotary on layers without a window", "exaone4",
        "Exaone4ForCausalLM", hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-6,
        layer_types=["full_attention", "sliding_attention"], sliding_window=4, sliding_window_pattern="LLLG"),
    "exaone4-plain": llama_like(
        "no window: rotary on all layers, llama3 scaling, head_dim its own, tied", "exaone4",
        "Exaone4ForCausalLM", hidden_size=16, head_dim=6, hidden_act="silu", rms_norm_eps=0.02,
        layer_types=["full_attention"] * 2, sliding_window=None, sliding_window_pattern=None, tie_word_embeddings=True,
        rope_theta=500.0, rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                            original_max_position_embeddings=60)),
    "glm4": llama_like(
        "norms before and behind both blocks, interleaved rotary on half of a head, biases of q, k, v that no key tells",
        "glm4", "Glm4ForCausalLM", hidden_size=24, head_dim=8, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-6,
        pad_token_id=0),
    "glm4-plain": llama_like(
        "no biases, three quarters of a head rotary, tied", "glm4", "Glm4ForCausalLM", hidden_size=16, head_dim=8,
        partial_rotary_factor=0.75, rope_theta=70.0, hidden_act="silu", rms_norm_eps=0.02, attention_bias=False,
        tie_word_embeddings=True, pad_token_id=0),
    "cohere2": llama_like(
        "a window on the first layer, no rotary on the second, logit scale, tied", "cohere2", "Cohere2ForCausalLM",
        hidden_size=24, logit_scale=0.37, attention_bias=False, layer_norm_eps=1e-5, rope_theta=70.0,
        hidden_act="silu", tie_word_embeddings=True, pad_token_id=0, sliding_window=4,
        layer_types=["sliding_attention", "full_attention"]),
    "cohere2-pattern": llama_like(
        "the window by a pattern, biases, the usual logit scale", "cohere2", "Cohere2ForCausalLM",
        hidden_size=16, num_hidden_layers=3, attention_bias=True, layer_norm_eps=0.02, rope_theta=70.0,
        hidden_act="silu", tie_word_embeddings=True, pad_token_id=0, sliding_window=5, sliding_window_pattern=2),
    "bloom-post": row(
        "the stream continues from what norms give", "bloom", "BloomForCausalLM",
        hidden_size=20, n_layer=3, n_head=4, layer_norm_epsilon=1e-5, apply_residual_connection_post_layernorm=True, _gain=0.3),
    "opt-post": row(
        "norms after the blocks, no final one", "opt", "OPTForCausalLM",
        hidden_size=20, ffn_dim=37, num_hidden_layers=3, num_attention_heads=4, word_embed_proj_dim=20,
        max_position_embeddings=24, do_layer_norm_before=False, activation_function="relu", _gain=0.3),
    "opt-project": row(
        "embeddings narrower than the stream, and norms after the blocks, as in OPT-350m", "opt", "OPTForCausalLM",
        hidden_size=20, ffn_dim=37, num_hidden_layers=2, num_attention_heads=4, word_embed_proj_dim=8,
        max_position_embeddings=24, do_layer_norm_before=False, activation_function="relu", _gain=0.3),
    "opt-project-untied": row(
        "embeddings wider than the stream, own lm_head", "opt", "OPTForCausalLM",
        hidden_size=16, ffn_dim=31, num_hidden_layers=2, num_attention_heads=2, word_embed_proj_dim=24,
        max_position_embeddings=24, do_layer_norm_before=True, activation_function="gelu", tie_word_embeddings=False,
        _gain=0.3),
    "opt-no-final": row(
        "no final norm, although the others come first", "opt", "OPTForCausalLM",
        hidden_size=18, ffn_dim=31, num_hidden_layers=2, num_attention_heads=3, word_embed_proj_dim=18,
        max_position_embeddings=24, do_layer_norm_before=True, _remove_final_layer_norm=True, activation_function="gelu",
        tie_word_embeddings=False),
    "ministral3": llama_like(
        "yarn, queries that grow at the fifth and the ninth token, head_dim its own", "ministral3",
        "Ministral3ForCausalLM", hidden_size=24, head_dim=8, hidden_act="silu", rms_norm_eps=1e-6, pad_token_id=0,
        sliding_window=None,
        rope_parameters=dict(rope_type="yarn", rope_theta=70.0, factor=16.0, original_max_position_embeddings=4,
                             beta_fast=4.0, beta_slow=1.0, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.7)),
    "ministral3-tied": llama_like(
        "a window, a factor of cosine and sine that is not 1, queries that shrink, tied", "ministral3",
        "Ministral3ForCausalLM", hidden_size=16, head_dim=4, hidden_act="silu", rms_norm_eps=0.02, pad_token_id=0,
        sliding_window=5, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="yarn", rope_theta=70.0, factor=4.0, original_max_position_embeddings=3,
                             beta_fast=4.0, beta_slow=1.0, mscale=1.0, mscale_all_dim=0.5, llama_4_scaling_beta=-0.3)),
    "apertus": llama_like(
        "xIELU with numbers of each layer, norms on q and k per head", "apertus", "ApertusForCausalLM",
        hidden_size=24, hidden_act="xielu", rms_norm_eps=1e-6, rope_theta=70.0, pad_token_id=0, _buffers=xielu_numbers,
        rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=60)),
    "apertus-bias": llama_like(
        "biases, another activation, tied", "apertus", "ApertusForCausalLM", hidden_size=16,
        hidden_act="gelu", rms_norm_eps=0.02, rope_parameters=dict(rope_type="default", rope_theta=70.0), pad_token_id=0,
        attention_bias=True, tie_word_embeddings=True),
    "gpt_bigcode": row(
        "one key/value head for all queries, tied", "gpt_bigcode", "GPTBigCodeForCausalLM",
        n_embd=20, n_layer=2, n_head=4, n_positions=24, n_inner=37, activation_function="gelu_pytorch_tanh",
        layer_norm_epsilon=1e-5, multi_query=True, _gain=0.3),
    "gpt_bigcode-heads": row(
        "as many key/value heads as queries, scores not scaled, own lm_head, relu", "gpt_bigcode",
        "GPTBigCodeForCausalLM", n_embd=18, n_layer=2, n_head=3, n_positions=24, activation_function="relu",
        layer_norm_epsilon=0.02, multi_query=False, scale_attn_weights=False, tie_word_embeddings=False, _gain=0.2),
    "mpt": row(
        "alibi with a power of two heads, no biases, exact gelu, tied", "mpt", "MPTForCausalLM",
        d_model=20, n_layers=2, n_heads=4, max_seq_len=64, layer_norm_epsilon=1e-5, no_bias=True,
        attn_config=dict(alibi=True), _gain=0.3),
    "mpt-clip": row(
        "alibi with another number of heads, q, k, v clipped, a scale of the scores", "mpt", "MPTForCausalLM",
        d_model=18, n_layers=2, n_heads=3, max_seq_len=64, layer_norm_epsilon=0.02, no_bias=True,
        attn_config=dict(alibi=True, clip_qkv=1.1, softmax_scale=0.7), _gain=0.3),
    "codegen": row(
        "parallel, q, v, k in four blocks, interleaved rotary on 4 of 6 channels, lm_head with a bias", "codegen",
        "CodeGenForCausalLM", n_embd=24, n_layer=2, n_head=4, n_positions=64, rotary_dim=4, n_inner=None,
        activation_function="gelu_new", layer_norm_epsilon=1e-5, tie_word_embeddings=False),
    "codegen-eight": row(
        "two heads a block, odd MLP", "codegen",
        "CodeGenForCausalLM", n_embd=16, n_layer=2, n_head=8, n_positions=64, rotary_dim=2, n_inner=31,
        activation_function="gelu", layer_norm_epsilon=0.02, tie_word_embeddings=False),
    "internlm2": internlm2(
        "q, k, v group by group in one matrix", False, rms_norm_eps=1e-6),
    "internlm2-bias": internlm2(
        "biases of attention, a prompt longer than max_position_embeddings", True, rms_norm_eps=0.02,
        num_key_value_heads=1, max_position_embeddings=7, rope_scaling=dict(type="dynamic", factor=4.0)),
}
FAMILIES["mistral3"] = wrapper(
    "the text part of a model of text and images, which the outer settings tie", "mistral3", "Mistral3ForConditionalGeneration",
    FAMILIES["ministral3"], vision=dict(model_type="pixtral", head_dim=4), image_token_index=60, tie_word_embeddings=True,
    _prefix="model.")
FAMILIES["smolvlm"] = wrapper(
    "the text part as text_model", "smolvlm", "SmolVLMForConditionalGeneration",
    llama_like("", "llama", "LlamaForCausalLM", hidden_size=24, rope_theta=70.0, hidden_act="silu", rms_norm_eps=1e-5, pad_token_id=0),
    vision=dict(model_type="smolvlm_vision"), image_token_id=60, pad_token_id=0, tie_word_embeddings=False)
