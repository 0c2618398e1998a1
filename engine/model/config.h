/*
 * config.h - the sizes and options of a model: everything that the forward pass asks. A family (families.c) is a way to fill
 * this in; the forward pass knows options, never families.
 */
#ifndef LMSCOPE_ENGINE_MODEL_CONFIG_H
#define LMSCOPE_ENGINE_MODEL_CONFIG_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/model/rotary.h"
#include "engine/numbers/curve.h"

enum norm_kind { NORM_LAYER, NORM_RMS };
enum position_kind { POSITION_NONE, POSITION_LEARNED, POSITION_ROTARY, POSITION_ALIBI };

/* What a norm on queries and keys spans. */
enum qk_norm_span {
	QK_HEAD,  /* each head, all with the same gains[K] (Qwen 3, Gemma 3) */
	QK_OWN,	  /* each head, with gains[heads, K] (Cohere, StableLM) */
	QK_WHOLE, /* all heads at once, gains[heads * K] (OLMo 2) */
	QK_NONE,  /* the family can have one, this model does not */
};

/* How a router's logits become weights. */
enum router_score {
	ROUTER_SOFTMAX,	    /* over all experts; normalised, it is the softmax over those that are chosen */
	ROUTER_SIGMOID,	    /* of each logit by itself (DeepSeek V3) */
	ROUTER_SPARSEMIXER, /* of each choice, over the logits near it (PhiMoE) */
};

/* Layers whose MLP is a mixture of experts: a token is sent to a few of many small MLPs. */
struct experts {
	int X;		   /* experts of such a layer; 0: there is no such layer */
	int chosen;	   /* of them by each token */
	int F;		   /* neurons of an expert */
	int shared;	   /* neurons of the MLP beside them, which every token passes through; 0: there is none */
	bool shared_gated; /* its write is times a sigmoid */
	bool *here;	   /* [L] which layers are mixtures; the others have one MLP */
	enum router_score score;
	bool normalised;  /* the chosen weights are divided by their sum … */
	float sum_eps;	  /* … plus so much */
	bool biased;	  /* experts are chosen by their scores plus learned numbers, which are not in the weights */
	float scale;	  /* then multiplied by this: 1 */
	int groups, open; /* experts are in groups, and only those of the `open` best can be chosen; groups 1: all */
	float near;	  /* sparsemixer: logits further below the greatest than twice this share of it do not count */
	int group_best;	  /* a group is as good as its best one, or its best two together */
};

/* How the positions of a layer reach each other: run/mixer.h. */
enum mixer_kind {
	MIXER_ATTENTION, /* softmax(q kᵀ) v */
	MIXER_CONV,	 /* a short convolution between two gates (LFM2): C ⊙ conv(B ⊙ x) */
};

/* Which parts of a layer must have biases. */
enum { BIAS_NORM = 1, BIAS_QKV = 2, BIAS_O = 4, BIAS_MLP = 8, BIAS_UNEMBED = 16, BIAS_CONV = 32, BIAS_ALL = 15 };

struct config {
	char family[32]; /* "llama" */
	int L, D, H, G, K, F,
		V; /* F: floats that a run keeps for neurons; in a mixture those of the chosen and the shared experts */
	int dense; /* neurons of an MLP that is no mixture */
	struct experts experts;
	int context;	      /* longest prompt: learned rows, or what the rotary was trained for */
	bool context_is_hard; /* learned positions: beyond it there is nothing */

	enum norm_kind norm;
	float norm_eps;
	bool bare_norms; /* no norm has weights (OPT without affine norms) */
	/*
	 * A block's write is added to what the block read, norm and all, and not to the stream as it was (BLOOM with
	 * apply_residual_connection_post_layernorm, OPT-350m): resid_mid = ln1(resid_pre) + attn_out.
	 */
	bool stream_normed;
	bool norms_after; /* a file names its norms by the sum that they come after (OPT-350m), and has no final one */
	bool no_final_norm;
	/* of the tables of embeddings, where a matrix leads from there to the stream and another one back (OPT-350m); 0: D */
	int table_width;
	enum position_kind position;
	int position_offset;	    /* OPT: row of position 0 */
	struct rotary rotary;	    /* of layers whose window is 0, and of all when there is one kind */
	struct rotary rotary_local; /* of layers with a window (Gemma 3); pairs 0: the same as rotary */
	bool *no_rotary;	    /* [L] or NULL: layers without positions (SmolLM3) */
	float *alibi;		    /* [H] slopes times the key's position are added to scores, or NULL */
	bool alibi_rounded;	    /* Falcon: that product is rounded to bfloat16 and scaled like the scores */

	enum activation activation;
	struct curve *curve; /* [L] or NULL: what each layer's neurons do, where the activation has numbers of its own */
	bool llama_tanh;     /* of a GGUF: see family.h */
	bool gated;
	bool parallel;		   /* attention and MLP both read resid_pre */
	bool parallel_shared_norm; /* … through the same norm */
	enum norm_kind qk_norm;	   /* where q and k are normalised */
	enum qk_norm_span qk_span;

	enum mixer_kind *mixer; /* [L] or NULL: every layer attends */
	int conv_taps;		/* positions that a short convolution sums, its own the last; 0: there is none */

	float *attention_scale; /* [L]: 1/sqrt(K) unless the family says otherwise */
	/* queries are multiplied by 1 + growth ln(1 + floor(position / period)) (Ministral 3); growth 0: they are not */
	float query_growth, query_period;
	float attention_cap; /* c tanh(s/c) on scores; 0: none */
	int *window;	     /* [L]: query i sees key j iff i - j < window; 0: all earlier ones. NULL: all layers 0 */
	float qkv_clip;	     /* 0: none */
	bool clip_normed;    /* queries and keys are clipped after their norm (OLMoE), not before it */

	float embed_scale, residual_scale, logit_scale; /* 1 */
	float logit_cap;				/* c tanh(x/c); 0: none */
	bool tied;		     /* the embedding unembeds too: the settings say so, and the file has no other unembedding */
	unsigned biases, may_biases; /* BIAS_ bits: where one must be, and where one is used when it is there */
};

struct settings;
struct family;

/* Reads and checks everything but V, which is the number of rows of the embedding. Memory from `arena`. */
bool config_read(const struct settings *s, const struct family *f, struct arena *arena, struct config *c, struct err *err);

/* Is the MLP of layer l a mixture of experts? */
static inline bool config_mixes(const struct config *c, int l)
{
	return c->experts.X && c->experts.here[l];
}

static inline enum mixer_kind config_mixer(const struct config *c, int l)
{
	return c->mixer ? c->mixer[l] : MIXER_ATTENTION;
}

/* Floats that a run keeps of a short convolution's row, twice: its input, and the gate after it. */
static inline int config_conv_width(const struct config *c)
{
	return c->conv_taps ? c->H * c->K : 0;
}

/* Of layer l. */
static inline const struct rotary *config_rotary(const struct config *c, int l)
{
	return c->rotary_local.pairs && c->window && c->window[l] ? &c->rotary_local : &c->rotary;
}

/* Do prompts of these two lengths have the same keys where they have the same tokens? */
static inline bool config_alike(const struct config *c, int T, int other)
{
	return rotary_alike(&c->rotary, T, other) && rotary_alike(&c->rotary_local, T, other);
}

/* What the neurons of layer l do. */
static inline struct curve config_curve(const struct config *c, int l)
{
	return c->curve ? c->curve[l] : (struct curve){ .kind = c->activation };
}

/* What queries at a position are multiplied by. */
float config_query_scale(const struct config *c, int position);

/* Key/value head of a query head. */
static inline int config_kv_head(const struct config *c, int head)
{
	return head / (c->H / c->G);
}

#endif
