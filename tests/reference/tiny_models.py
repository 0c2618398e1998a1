"""tiny_models.py - the tiny models of make_tiny.py, a row each: config.json as published files have it.

Keys of a row: about, config; tokens (of the tokenizer; config's vocab_size may be larger, as padded
files have it); tokenizer "json" (tokenizer.json, adds a BOS) or "merges" (vocab.json and merges.txt,
adds none); dtype of the file; shards; prefix that is left out of the tensor names; gain of the
matrices; text and foil; brief (fewer interventions); buffers(model), tensors that are no weights.
Some configs are written as transformers 4 did (rope_theta, torch_dtype), some as 5 does.
"""
import torch

LONG = "the cat saw a dog. the cat met a pig."
LONG_FOIL = "the hen saw a pig. the hen met a dog."


def masks(model):
    """The causal masks that old GPT-2 files carry: to be skipped."""
    n = model.config.n_positions
    return {f"transformer.h.{l}.attn.bias": torch.tril(torch.ones(n, n)).view(1, 1, n, n)
            for l in range(model.config.n_layer)}


TINY = {
    "gpt2-tied": dict(
        about="gelu_new, tied, no n_inner; names without a prefix, masks in the file, vocab.json",
        tokens=61, tokenizer="merges", prefix="transformer.", buffers=masks,
        config=dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], vocab_size=61,
                    n_positions=24, n_ctx=24, n_embd=20, n_layer=3, n_head=4, n_inner=None,
                    activation_function="gelu_new", layer_norm_epsilon=1e-5, torch_dtype="float32")),
    "gpt2-odd": dict(
        about="relu, odd sizes, scores divided by layer + 1, own lm_head, two shards, large epsilon",
        tokens=67, shards=2,
        config=dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], vocab_size=67,
                    n_positions=21, n_embd=21, n_layer=3, n_head=3, n_inner=37,
                    activation_function="relu", layer_norm_epsilon=0.02,
                    scale_attn_by_inverse_layer_idx=True, tie_word_embeddings=False,
                    dtype="float32")),
    "gpt2-unscaled": dict(
        about="scale_attn_weights false, exact gelu, F16",
        tokens=61, dtype="float16", gain=0.25,
        config=dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], vocab_size=61,
                    n_positions=32, n_embd=18, n_layer=2, n_head=2, activation_function="gelu",
                    layer_norm_epsilon=1e-5, scale_attn_weights=False, dtype="float16")),
    "llama-grouped": dict(
        about="6 heads on 2 KV heads, head_dim not d / H, biases everywhere, untied, two shards",
        tokens=71, shards=2,
        config=dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=71,
                    hidden_size=18, intermediate_size=33, num_hidden_layers=3,
                    num_attention_heads=6, num_key_value_heads=2, head_dim=8,
                    max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=37.0,
                    hidden_act="silu", attention_bias=True, mlp_bias=True,
                    tie_word_embeddings=False, torch_dtype="float32")),
    "llama-tied": dict(
        about="tied, no head_dim, all KV heads, linear rope scaling, large epsilon, gelu gate, BF16",
        tokens=61, dtype="bfloat16",
        config=dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=61,
                    hidden_size=24, intermediate_size=29, num_hidden_layers=3,
                    num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=64,
                    rms_norm_eps=0.03, hidden_act="gelu", attention_bias=False, mlp_bias=False,
                    tie_word_embeddings=True, dtype="bfloat16",
                    rope_parameters=dict(rope_type="linear", factor=2.5, rope_theta=150.0))),
    "llama3": dict(
        about="llama3 rope scaling with a frequency in each band, one KV head, vocabulary padded",
        tokens=61,
        config=dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=64,
                    hidden_size=28, intermediate_size=31, num_hidden_layers=2,
                    num_attention_heads=4, num_key_value_heads=1, head_dim=10,
                    max_position_embeddings=256, rms_norm_eps=1e-5, rope_theta=500.0,
                    hidden_act="silu", tie_word_embeddings=False, torch_dtype="float32",
                    rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0,
                                      high_freq_factor=4.0, original_max_position_embeddings=60))),
    "mistral-window": dict(
        about="a query sees 4 keys, itself among them, of a longer prompt",
        tokens=61, text=LONG, foil=LONG_FOIL,
        config=dict(model_type="mistral", architectures=["MistralForCausalLM"], vocab_size=61,
                    hidden_size=20, intermediate_size=35, num_hidden_layers=3,
                    num_attention_heads=4, num_key_value_heads=2, head_dim=6,
                    max_position_embeddings=64, rms_norm_eps=1e-6, rope_theta=90.0,
                    hidden_act="silu", sliding_window=4, tie_word_embeddings=False,
                    torch_dtype="float32")),
}