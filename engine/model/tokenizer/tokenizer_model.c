/*
 * tokenizer_model.c - SentencePiece's own file, tokenizer.model: a protobuf with pieces, scores and a few settings.
 *
 * Only what decides the tokens is read: ModelProto {1 pieces {1 piece, 2 score, 3 type}, 2 trainer_spec {3 model_type, 35
 * byte_fallback, 24 treat_whitespace_as_suffix, 40-42 the ids of unk, bos, eos}, 3 normalizer_spec {1 name, 2 precompiled_charsmap,
 * 3 add_dummy_prefix, 4 remove_extra_whitespaces}}.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/model/tokenizer/byte_alphabet.h"
#include "engine/model/tokenizer/tokenizer_parts.h"

#define LONGEST_MODEL ((size_t)256 << 20)

bool tokenizer_sentencepiece_steps(struct steps *steps, bool prefix, bool collapse, struct err *err)
{
	static const char mark[] = "\xE2\x96\x81";

	/* At the end a mark that the text has itself goes too. */
	if (collapse && !(steps_add_replace(steps, "\\A +|[ \\x{2581}]+\\z", false, "", err) &&
			  steps_add_replace(steps, " {2,}", false, " ", err)))
		return false;
	if (prefix)
		steps_add_prepend(steps, " ", false, false);
	return steps_add_replace(steps, " ", true, mark, err);
}

/* ---- protobuf ---- */

struct message {
	const unsigned char *p, *end;
};

/* A field: a number (varint, fixed) or a stretch of bytes (a string, a message). */
struct field {
	unsigned number;
	bool is_bytes;
	uint64_t value;
	struct message bytes;
};

static bool varint(struct message *m, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; m->p < m->end && shift < 64; shift += 7) {
		unsigned char byte = *m->p++;

		*value |= (uint64_t)(byte & 0x7F) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static bool fixed(struct message *m, unsigned bytes, uint64_t *value)
{
	*value = 0;
	if ((size_t)(m->end - m->p) < bytes)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		*value |= (uint64_t)*m->p++ << 8 * i;
	return true;
}

/* The next field; false at the end and, with *broken set, where the bytes make no sense. */
static bool next_field(struct message *m, struct field *f, bool *broken)
{
	uint64_t tag;

	if (m->p == m->end)
		return false;
	*broken = true;
	if (!varint(m, &tag) || tag >> 3 == 0 || tag >> 3 > 1u << 29)
		return false;
	*f = (struct field){ .number = (unsigned)(tag >> 3), .is_bytes = (tag & 7) == 2 };
	switch (tag & 7) {
	case 0:
		if (!varint(m, &f->value))
			return false;
		break;
	case 1:
	case 5:
		if (!fixed(m, (tag & 7) == 1 ? 8 : 4, &f->value))
			return false;
		break;
	case 2:
		if (!varint(m, &f->value) || f->value > (uint64_t)(m->end - m->p))
			return false;
		f->bytes = (struct message){ m->p, m->p + f->value };
		m->p += f->value;
		break;
	default:
		return false;
	}
	*broken = false;
	return true;
}

/* ---- the model ---- */

enum { MODEL_UNIGRAM = 1, MODEL_BPE = 2 };
enum { PIECE_NORMAL = 1, PIECE_UNKNOWN, PIECE_CONTROL, PIECE_USER_DEFINED, PIECE_UNUSED, PIECE_BYTE };

struct model_settings {
	int64_t model, unknown, bos, eos;
	bool byte_fallback, suffix, prefix, collapse, charsmap;
	size_t pieces;
};

static bool read_trainer(struct message m, struct model_settings *s)
{
	struct field f;
	bool broken = false;

	while (next_field(&m, &f, &broken)) {
		/* An int32 is sign-extended to ten bytes: -1 means none. */
		int64_t value = (int32_t)(uint32_t)f.value;

		if (f.number == 3)
			s->model = value;
		else if (f.number == 24)
			s->suffix = f.value != 0;
		else if (f.number == 35)
			s->byte_fallback = f.value != 0;
		else if (f.number >= 40 && f.number <= 42)
			*(f.number == 40 ? &s->unknown : f.number == 41 ? &s->bos : &s->eos) = value;
	}
	return !broken;
}

static bool read_normalizer(struct message m, struct model_settings *s)
{
	struct field f;
	bool broken = false;

	while (next_field(&m, &f, &broken)) {
		if (f.number == 2)
			s->charsmap = f.is_bytes && f.value > 0;
		else if (f.number == 3)
			s->prefix = f.value != 0;
		else if (f.number == 4)
			s->collapse = f.value != 0;
	}
	return !broken;
}

static bool read_settings(struct message m, struct model_settings *s)
{
	struct field f;
	bool broken = false, ok = true;

	/* What SentencePiece takes when a field is absent. */
	*s = (struct model_settings){ .model = MODEL_UNIGRAM, .unknown = 0, .bos = 1, .eos = 2, .prefix = true, .collapse = true };
	while (ok && next_field(&m, &f, &broken)) {
		s->pieces += f.number == 1 && f.is_bytes;
		if (f.number == 2 && f.is_bytes)
			ok = read_trainer(f.bytes, s);
		else if (f.number == 3 && f.is_bytes)
			ok = read_normalizer(f.bytes, s);
	}
	return ok && !broken;
}

static bool take_piece(struct tokenizer *t, struct message m, int32_t id, float *score, struct err *err)
{
	static const enum token_kind kinds[] = {
		[PIECE_UNKNOWN] = TOKEN_SPECIAL, [PIECE_CONTROL] = TOKEN_SPECIAL, [PIECE_USER_DEFINED] = TOKEN_ADDED,
		[PIECE_BYTE] = TOKEN_BYTE,	 [PIECE_NORMAL] = TOKEN_NORMAL,	  [PIECE_UNUSED] = TOKEN_NORMAL,
	};
	struct field f, text = { 0 };
	uint64_t type = PIECE_NORMAL;
	bool broken = false;
	enum token_kind kind;

	while (next_field(&m, &f, &broken)) {
		uint32_t bits = (uint32_t)f.value;

		if (f.number == 1 && f.is_bytes)
			text = f;
		else if (f.number == 2)
			memcpy(score, &bits, sizeof *score);
		else if (f.number == 3)
			type = f.value;
	}
	if (broken || type < PIECE_NORMAL || type > PIECE_BYTE)
		return err_set(err, ERR_FILE, "piece %d is broken", (int)id);
	if (!text.value)
		return err_set(err, ERR_FILE, "piece %d is empty", (int)id);
	kind = kinds[type];
	if (kind == TOKEN_BYTE && alphabet_hex_byte((const char *)text.bytes.p, (size_t)text.value) < 0)
		return err_set(err, ERR_FILE, "piece %d is of type byte but is not written <0xNN>", (int)id);
	if (!vocabulary_put(&t->vocabulary, id, (const char *)text.bytes.p, (size_t)text.value, kind,
			    kind == TOKEN_NORMAL || kind == TOKEN_ADDED, err))
		return false;
	/* Pieces of the user's are part of the text: a space is put before the whole of it, not after them. */
	if (kind == TOKEN_SPECIAL || kind == TOKEN_ADDED)
		literals_add(kind == TOKEN_SPECIAL ? &t->literals : &t->normal_literals,
			     (struct literal){ .text = t->vocabulary.text[id], .id = id });
	return true;
}

static bool read_pieces(struct tokenizer *t, struct message m, size_t n, struct err *err)
{
	float *score;
	struct field f;
	bool broken = false, ok = true;
	int32_t id = 0;

	if (!vocabulary_start(&t->vocabulary, t->arena, n, err))
		return false;
	score = xcalloc(n, sizeof *score);
	while (ok && next_field(&m, &f, &broken))
		if (f.number == 1 && f.is_bytes) {
			ok = take_piece(t, f.bytes, id, &score[id], err);
			id++;
		}
	ok = ok && vocabulary_rank(&t->vocabulary, score, err);
	free(score);
	return ok;
}

static int32_t role(const struct tokenizer *t, int64_t id)
{
	return id >= 0 && id < t->vocabulary.n ? (int32_t)id : -1;
}

static bool read_proto(struct tokenizer *t, struct message m, enum prefix prefix, struct err *err)
{
	struct model_settings s;

	if (!read_settings(m, &s))
		return err_set(err, ERR_FILE, "this is no SentencePiece model: its fields do not fit together");
	if (s.model != MODEL_BPE)
		return err_set(err, ERR_FILE, "the SentencePiece model is %s; lmscope reads BPE",
			       s.model == MODEL_UNIGRAM ? "a unigram one" : "of words or characters");
	if (s.suffix)
		return err_set(err, ERR_FILE,
			       "the SentencePiece model puts spaces after words (treat_whitespace_as_suffix), which "
			       "is not supported");
	if (s.charsmap)
		return err_set(err, ERR_FILE, "the SentencePiece model normalises by a table of its own, which is not supported");
	if (prefix)
		s.prefix = prefix == PREFIX_ALWAYS;
	if (!read_pieces(t, m, s.pieces, err) || !tokenizer_sentencepiece_steps(&t->normalise, s.prefix, s.collapse, err))
		return false;
	t->bos = role(t, s.bos);
	t->eos = role(t, s.eos);
	t->bpe.unknown = role(t, s.unknown);
	t->bpe.byte_fallback = s.byte_fallback;
	t->bpe.fuse_unknown = true;
	t->spelling = SPELLING_SENTENCEPIECE;
	t->drops_space = s.prefix;
	t->kind = "SentencePiece BPE (tokenizer.model)";
	return true;
}

bool tokenizer_read_model(struct tokenizer *t, const char *path, enum prefix prefix, struct err *err)
{
	size_t n;
	char *bytes = file_read(path, LONGEST_MODEL, &n, err);
	const unsigned char *p = (const unsigned char *)bytes;
	bool ok;

	if (!bytes)
		return false;
	ok = read_proto(t, (struct message){ p, p + n }, prefix, err) || err_in(err, "%s", path);
	free(bytes);
	return ok;
}
