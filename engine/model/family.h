/*
 * family.h - the families of models: rows of one table, each a way to fill in struct config and to name the tensors.
 *
 * The forward pass never asks for a family. Adding one is a row in family.c (and, where its settings are unusual, one small
 * function in family_settings.c).
 */
#ifndef LMSCOPE_ENGINE_MODEL_FAMILY_H
#define LMSCOPE_ENGINE_MODEL_FAMILY_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/model/config.h"
#include "engine/model/settings.h"

/* The weights of a model. Of each layer from WEIGHT_LN1 on: their names hold %d. */
enum weight {
	WEIGHT_EMBED,
	WEIGHT_POSITION,
	WEIGHT_EMBED_NORM,
	WEIGHT_LN_FINAL,
	WEIGHT_UNEMBED,
	WEIGHT_LN1,
	WEIGHT_LN2,
	WEIGHT_LN1_POST,
	WEIGHT_LN2_POST,
	WEIGHT_Q_NORM,
	WEIGHT_K_NORM,
	WEIGHT_Q,
	WEIGHT_K,
	WEIGHT_V,
	WEIGHT_QKV,
	WEIGHT_O,
	WEIGHT_GATE,
	WEIGHT_IN,
	WEIGHT_GATE_IN,
	WEIGHT_OUT,
	/* numbers of an activation, one tensor each: curve.h */
	WEIGHT_ALPHA_P,
	WEIGHT_ALPHA_N,
	WEIGHT_BETA,
	WEIGHT_EPS,
	/* between the tables of embeddings and the stream: config.h, table_width */
	WEIGHT_PROJECT_IN,
	WEIGHT_PROJECT_OUT,
	/* of a short convolution: both gates and its input in one, its taps, what it writes */
	WEIGHT_CONV_IN,
	WEIGHT_CONV,
	WEIGHT_CONV_OUT,
	WEIGHT_ROUTER,
	WEIGHT_ROUTER_CHOICE, /* what is added to the scores when experts are chosen; its name is whole in folders */
	WEIGHT_EXPERT_GATE,   /* of one expert, whose number is at %e; without it: [X, out, in] of all */
	WEIGHT_EXPERT_IN,
	WEIGHT_EXPERT_OUT,
	WEIGHT_EXPERT_GATE_IN,
	WEIGHT_SHARED_GATE, /* of the MLP beside the experts */
	WEIGHT_SHARED_IN,
	WEIGHT_SHARED_OUT,
	WEIGHT_SHARED_SHARE, /* how much of it: a sigmoid */
	WEIGHT_COUNT,
};

/* How q, k and v lie in a fused tensor's outputs. */
enum fused {
	FUSED_NOT,
	FUSED_THIRDS,	 /* all q, all k, all v */
	FUSED_PER_GROUP, /* for each KV head: its queries, k, v (one query each: [head][q, k, v]) */
	FUSED_QUARTERS,	 /* four blocks of a quarter of the queries, of the values, of the keys (CodeGen) */
};

/* Which layers a sliding window holds for, where the settings have one but do not list layer types. */
enum window_rule {
	WINDOW_ALL,
	WINDOW_IF_USED,	     /* all, if use_sliding_window says so; Qwen: from max_window_layers on */
	WINDOW_LAST,	     /* from max_window_layers on (dots1) */
	WINDOW_EVEN_IF_USED, /* layers 0, 2, 4 … below max_window_layers, if use_sliding_window says so (Qwen2-MoE) */
	WINDOW_EVEN,	     /* layers 0, 2, 4 … (Gemma 2) */
	WINDOW_PATTERN,	     /* all but every sixth (Gemma 3; sliding_window_pattern) */
	WINDOW_FOURTH,	     /* all but every fourth (OLMo 3, Cohere 2, EXAONE 4; sliding_window_pattern) */
	WINDOW_LOCAL,	     /* those that attention_types calls local (GPT-Neo) */
};

struct family {
	const char *name;  /* "llama" */
	const char *types; /* model_type in config.json: "llama|mistral" */
	/* general.architecture in GGUF: "llama"; where several families have it, the first is taken. NULL: llama.cpp has none */
	const char *arch;

	enum norm_kind norm;
	float eps; /* when the settings do not say */
	enum position_kind position;
	int position_offset;
	int context; /* when the settings do not say */
	/* of the first training, when config.json names it in the rotary scaling alone; 0: what is there */
	int first_context;
	int heads, head_width;	    /* when config.json does not say; 0: it must, and the stream's share */
	int kv_heads;		    /* the same; 0: as many as heads */
	bool interleaved;	    /* rotary pairs as GPT-J has them, in the order in which lmscope holds q and k */
	bool gguf_permuted;	    /* the converter reordered rows of q and k for interleaved pairs: undone when read */
	float rotary_share;	    /* of a head's channels, when the settings do not say; 0: all */
	float rope_base;	    /* when the settings do not say; 0: 10000 */
	bool rotary_local;	    /* layers with a window have a base and a scaling of their own */
	float rope_base_local;	    /* of those, when the settings do not say; 0: 10000 */
	enum activation activation; /* when the settings do not say */
	/* llama.cpp computes GELU's tanh form for this family, Hugging Face (and lmscope) the exact one */
	bool llama_tanh;
	bool gated;
	bool mixes; /* it has mixtures of experts; a GGUF's architecture may be that of a family without, and its keys tell */
	bool parallel, shared_norm; /* attention and MLP side by side, after one norm */
	bool tied;		    /* when the settings do not say */
	bool in_out;		    /* linear layers stored [in, out] (GPT-2's Conv1D) in Hugging Face files */
	bool plus_one;		    /* norm gains are 1 + w in Hugging Face files (GGUF has the 1 added already) */
	unsigned biases;	    /* BIAS_ bits: where one must be; elsewhere it is taken where it is there */
	enum fused fused, fused_gguf;
	enum window_rule window;
	int window_width; /* when the settings do not say; 0: there is none */
	/*
	 * The keys of config.json that its code in transformers looks at, beside those that all have. "TYPE:KEY": only where
	 * that is the type.
	 */
	const char *keys;
	/* What else the settings say, after everything common was read. NULL: nothing. */
	bool (*settle)(const struct settings *s, struct config *c, struct arena *arena, struct err *err);
	/* In Hugging Face files, without ".weight"; NULL: the family has none; "": a norm without weights; "a|b": either. */
	const char *name_of[WEIGHT_COUNT];
	/* Where a GGUF's names are other than family_gguf_names. */
	const char *gguf_name_of[WEIGHT_COUNT];
};

/* By model_type or architecture. NULL with a sentence that lists what there is. */
const struct family *family_of(const struct settings *s, struct err *err);
/* A weight's name where it was asked for: in the family's Hugging Face spelling, or in GGUF's. NULL: the family has none. */
const char *family_name(const struct family *f, enum weight w, bool gguf);

#endif
