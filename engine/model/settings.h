/*
 * settings.h - a model's settings by our own words, whether they are in config.json or in a GGUF's metadata.
 *
 * Each word is a row with its spellings: num_hidden_layers, n_layer, num_layers… are all "layers".
 */
#ifndef LMSCOPE_ENGINE_MODEL_SETTINGS_H
#define LMSCOPE_ENGINE_MODEL_SETTINGS_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/model/files/checkpoint.h"

struct settings {
	const struct checkpoint *from;
	const struct json_value *json; /* of a folder: the object with the text model's settings */
	const char *keys;	       /* of a folder: those that the family has in transformers (family.h); NULL: any */
	char arch[64];		       /* of a GGUF: the prefix of its keys */
};

enum setting {
	SETTING_LAYERS,
	SETTING_WIDTH,
	SETTING_HEADS,
	SETTING_KV_HEADS,
	SETTING_HEAD_WIDTH,
	SETTING_NEURONS,
	SETTING_VOCABULARY,
	SETTING_CONTEXT,
	SETTING_NORM_EPS,
	SETTING_ROPE_BASE,
	SETTING_ROTARY_WIDTH,
	SETTING_ROTARY_SHARE,
	SETTING_WINDOW,
	SETTING_ACTIVATION,
	SETTING_TIED,
	SETTING_ATTENTION_CAP,
	SETTING_LOGIT_CAP,
	SETTING_LOGIT_SCALE,
	SETTING_EMBED_SCALE,
	SETTING_RESIDUAL_SCALE,
	SETTING_ATTENTION_SCALE,
	SETTING_QKV_CLIP,
	SETTING_PARALLEL,
	SETTING_EXPERTS,
	SETTING_EXPERTS_USED,
	SETTING_EXPERT_NEURONS,
	SETTING_SHARED_NEURONS,
	SETTING_COUNT,
};

bool settings_open(const struct checkpoint *c, struct settings *s, struct err *err);

/* true: *out is set, or left alone when the setting is absent or null. false: it is there with a value of another kind, or outside
 * lo … hi; the sentence names file, key and value. */
bool setting_int(const struct settings *s, enum setting word, int lo, int hi, int *out, struct err *err);
bool setting_float(const struct settings *s, enum setting word, float *out, struct err *err);
bool setting_bool(const struct settings *s, enum setting word, bool *out, struct err *err);
bool setting_text(const struct settings *s, enum setting word, char *out, size_t capacity, struct err *err);
/* Is the unembedding the embedding? In a model of text and images the outer object says so, where the family's code looks there. */
bool settings_tied(const struct settings *s, bool *tied, struct err *err);
/* Sets the error "FILE: KEY …" with the key as it is in the file, or as it would. Always false. */
bool setting_refuse(const struct settings *s, enum setting word, struct err *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Are they those of the text part of a model that has others? */
bool settings_wrapped(const struct settings *s);
/* A key of config.json by itself. NULL: it is not there, or the family has no such key. */
const struct json_value *setting_json(const struct settings *s, const char *key);
/* Has the family the key, whether or not it is there? */
bool setting_known(const struct settings *s, const char *key);
/*
 * "a, b": the keys of config.json that other families have and this one has not, where they would say something. NULL: none.
 * Heap.
 */
char *settings_ignored(const struct settings *s);
bool setting_there(const struct settings *s, enum setting word);
/* The model_type or architecture. */
const char *settings_type(const struct settings *s);

#endif
