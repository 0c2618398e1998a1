/*
 * family.h - the families of models: rows of one table, each a way to fill in struct config and to name the tensors.
 *
 * The forward pass never asks for a family. Adding one is a row in family.c (and, where its settings are unusual, one small function
 * beside it).
 */
#ifndef LMSCOPE_ENGINE_MODEL_FAMILY_H
#define LMSCOPE_ENGINE_MODEL_FAMILY_H

#include <stdbool.h>

#include "engine/model/config.h"
#include "engine/model/settings.h"

/* The weights of a model. Of each layer from WEIGHT_LN1 on: their names hold %d. */
enum weight {
	WEIGHT_EMBED, WEIGHT_POSITION, WEIGHT_EMBED_NORM, WEIGHT_LN_FINAL, WEIGHT_UNEMBED,
	WEIGHT_LN1, WEIGHT_LN2, WEIGHT_LN1_POST, WEIGHT_LN2_POST, WEIGHT_Q_NORM, WEIGHT_K_NORM,
	WEIGHT_Q, WEIGHT_K, WEIGHT_V, WEIGHT_QKV, WEIGHT_O,
	WEIGHT_GATE, WEIGHT_IN, WEIGHT_GATE_IN, WEIGHT_OUT,
	WEIGHT_COUNT,
};

/* How q, k and v lie in a fused tensor's outputs. */
enum fused {
	FUSED_NOT,
	FUSED_THIRDS,		/* all q, all k, all v */
	FUSED_PER_GROUP,	/* for each KV head: its queries, k, v (one query each: [head][q, k, v]) */
};

struct family {
	const char *name;		/* "llama" */
	const char *types;		/* model_type in config.json: "llama|mistral" */
	const char *arch;		/* general.architecture in GGUF: "llama"; NULL: llama.cpp does not know it */

	enum norm_kind norm;
	float eps;			/* when the settings do not say */
	enum position_kind position;
	bool interleaved;		/* rotary pairs as GPT-J has them, in the order in which lmscope holds q and k */
	bool gguf_permuted;		/* the converter reordered rows of q and k for interleaved pairs: undone when read */
	enum activation activation;	/* when the settings do not say */
	bool gated;
	bool tied;			/* when the settings do not say */
	bool in_out;			/* linear layers stored [in, out] (GPT-2's Conv1D) in Hugging Face files */
	bool plus_one;			/* norm gains are 1 + w in Hugging Face files (GGUF has the 1 added already) */
	bool biases;			/* every linear layer must have one; otherwise it is taken where it is there */
	enum fused fused, fused_gguf;
	/* What else the settings say, after everything common was read. NULL: nothing. */
	bool (*settle)(const struct settings *s, struct config *c, struct err *err);
	const char *name_of[WEIGHT_COUNT];	/* in Hugging Face files, without ".weight"; NULL: the family has none */
};

extern const struct family family_table[];	/* ends with a NULL name */

/* By model_type or architecture. NULL with a sentence that lists what there is. */
const struct family *family_of(const struct settings *s, struct err *err);
/* The tensor's name in a GGUF, without ".weight". */
extern const char *const family_gguf_names[WEIGHT_COUNT];

#endif
