/*
 * tokenizer_parts.h - what a tokenizer is made of: for tokenizer.c, and for the readers that put one together.
 *
 *   text ─ literals ─► stretches ─ normalise ─► ─ normal_literals ─► ─ cut ─► words ─ bpe ─► ids ─ before/after ─► ids
 */
#ifndef LMSCOPE_ENGINE_MODEL_TOKENIZER_TOKENIZER_PARTS_H
#define LMSCOPE_ENGINE_MODEL_TOKENIZER_TOKENIZER_PARTS_H

#include "engine/base/arena.h"
#include "engine/base/json.h"
#include "engine/model/tokenizer/added_tokens.h"
#include "engine/model/tokenizer/bpe.h"
#include "engine/model/tokenizer/normalize.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/model/tokenizer/vocabulary.h"

struct ids {
	int32_t *id; /* [n] heap */
	size_t n;
};

struct tokenizer {
	struct arena *arena;
	struct vocabulary vocabulary;
	struct bpe bpe;
	struct literals literals;	 /* looked for in the text as it is */
	struct literals normal_literals; /* looked for in the normalised text ("normalized": true) */
	struct steps normalise, cut;
	struct ids before, after; /* what the template puts around a prompt: BOS, sometimes EOS */
	int32_t bos, eos;	  /* -1: none */
	enum spelling spelling;
	bool has_template;	       /* the file says itself what goes around a prompt */
	bool drops_space;	       /* decoding takes away one leading space, the dummy prefix */
	const char *kind, *bos_reason; /* constants, or in the arena */
};

struct tokenizer *tokenizer_new(void);
void ids_add(struct ids *ids, int32_t id);

/* The last step of every reader: byte tokens, the index by bytes, the sorted literals. */
bool tokenizer_ready(struct tokenizer *t, struct err *err);

/* Says whether BOS is put first, and why. */
void tokenizer_add_bos(struct tokenizer *t, bool add, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Whether a text's first word gets a space: as tokenizer.json says, or as the class in transformers that builds these steps
 * itself.
 */
enum prefix { PREFIX_OF_FILE, PREFIX_NEVER, PREFIX_ALWAYS };

/* The readers of a folder's files. `config` is tokenizer_config.json, `folder` is for names in errors. */
bool tokenizer_read_json(struct tokenizer *t, const char *path, const struct json_value *config, enum prefix prefix,
			 struct err *err);
bool tokenizer_read_pair(struct tokenizer *t, const char *folder, const struct json_value *config, struct err *err);
bool tokenizer_read_model(struct tokenizer *t, const char *path, enum prefix prefix, struct err *err);

/* A vocabulary as {"TEXT": ID, …} and added tokens as [{"id", "content", …}], and those that `config` adds. */
bool tokenizer_take_vocabulary(struct tokenizer *t, const struct json_value *vocab, bool byte_fallback,
			       const struct json_value *added, const struct json_value *config, struct err *err);

/* Normalizers, pre-tokenizers and post-processors of a tokenizer.json (tokenizer_components.c). */
bool tokenizer_read_normalizer(struct steps *steps, const struct json_value *v, enum prefix prefix, struct err *err);
bool tokenizer_read_pre_tokenizer(struct tokenizer *t, const struct json_value *v, enum prefix prefix, struct err *err);
bool tokenizer_read_post_processor(struct tokenizer *t, const struct json_value *v, struct err *err);

/* What SentencePiece does to a text: a space first, spaces as U+2581; `collapse` leaves single ones inside and none around. */
bool tokenizer_sentencepiece_steps(struct steps *steps, bool prefix, bool collapse, struct err *err);

/* The pre-tokenizer that llama.cpp knows by this name (pretokenizers.def). false when there is none of that name. */
struct pretokenizer {
	const char *name;
	const char *const *patterns; /* applied one after another; NULL at the end */
	bool whole_words, adds_bos;
};
const struct pretokenizer *pretokenizer_find(const char *name, size_t n);
/* Adds its splits and the step to the alphabet. */
bool pretokenizer_apply(const struct pretokenizer *p, struct steps *steps, struct err *err);

#endif
