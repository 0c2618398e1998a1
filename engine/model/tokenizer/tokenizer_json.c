/*
 * tokenizer_json.c - Hugging Face's tokenizer.json: the vocabulary and merges of a BPE model, its added tokens, and the
 * components around it (tokenizer_components.c).
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/names.h"
#include "engine/model/tokenizer/byte_alphabet.h"
#include "engine/model/tokenizer/tokenizer_parts.h"

/* What a walk over a JSON object or list is filling. */
struct added_search {
	struct tokenizer *t;
	struct err *err;
	int64_t last; /* the highest id so far */
	size_t count;
	bool byte_fallback;
	bool by_key;			 /* added tokens as {"ID": {…}} (tokenizer_config.json), not as [{"id": ID, …}] */
	struct names later;		 /* the texts of those of tokenizer_config.json … */
	const struct json_value **flags; /* … and what it says about each, [later.n] */
	struct names taken;		 /* the texts of added tokens that were taken */
};

/* ---- how many ids there are ---- */

static bool seen_id(struct added_search *w, const char *token, int64_t id)
{
	if (id < 0)
		return err_set(w->err, ERR_FILE, "token \"%.60s\" has the id %lld", token, (long long)id);
	w->last = id > w->last ? id : w->last;
	w->count++;
	return true;
}

static bool count_token(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct added_search *w = context;
	int64_t id;

	(void)index;
	if (!json_int(v, &id))
		return err_set(w->err, ERR_FILE, "token \"%.60s\" has no whole number as its id", key);
	return seen_id(w, key, id);
}

/* The id and text of an added token, in either form. */
static bool added_of(const struct added_search *w, const char *key, const struct json_value *v, int64_t *id, const char **text,
		     size_t *n)
{
	*text = json_text_n(json_get(v, "content"), n);
	if (w->by_key) {
		char *end;

		*id = key ? strtoll(key, &end, 10) : -1;
		if (!key || end == key || *end)
			return false;
	} else if (!json_int(json_get(v, "id"), id)) {
		return false;
	}
	return *text != NULL;
}

static bool count_added(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct added_search *w = context;
	const char *text;
	int64_t id;
	size_t n;

	if (!added_of(w, key, v, &id, &text, &n))
		return err_set(w->err, ERR_FILE, "added token %zu has no id or no content", index);
	return seen_id(w, text, id);
}

/* ---- taking them ---- */

static bool take_token(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct added_search *w = context;
	size_t n = strlen(key);
	int64_t id = -1;

	(void)index;
	json_int(v, &id);
	return vocabulary_put(&w->t->vocabulary, id, key, n,
			      w->byte_fallback && alphabet_hex_byte(key, n) >= 0 ? TOKEN_BYTE : TOKEN_NORMAL, true, w->err);
}

static bool take_merge(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct added_search *w = context;
	struct vocabulary *vocabulary = &w->t->vocabulary;
	size_t n, m;
	const char *s = json_text_n(v, &n), *right;

	(void)key;
	if (s)
		return vocabulary_merge_line(vocabulary, index, s, n, w->err);
	s = json_text_n(json_at(v, 0), &n);
	right = json_text_n(json_at(v, 1), &m);
	if (!s || !right || json_count(v) != 2)
		return err_set(w->err, ERR_FILE, "merge %zu is neither a string nor two strings", index + 1);
	return vocabulary_merge(vocabulary, index, (struct word){ s, (uint32_t)n }, (struct word){ right, (uint32_t)m }, w->err);
}

static bool flag(const struct json_value *v, const char *key, bool otherwise)
{
	json_bool(json_get(v, key), &otherwise);
	return otherwise;
}

/* Texts that are looked for after normalising are normalised themselves. */
static bool add_literal(struct tokenizer *t, struct literal literal, bool normalised, struct err *err)
{
	struct pieces p;
	bool ok = true;

	if (!normalised) {
		literals_add(&t->literals, literal);
		return true;
	}
	pieces_start(&p);
	pieces_set(&p, literal.text.s, literal.text.n);
	if ((ok = steps_apply(&t->normalise, &p, true, false, err))) {
		literal.text = vocabulary_keep(&t->vocabulary, p.text.s, p.text.n);
		literals_add(&t->normal_literals, literal);
	}
	pieces_done(&p);
	return ok;
}

static bool note_flags(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct added_search *w = context;
	size_t n;
	const char *text = json_text_n(json_get(v, "content"), &n);

	(void)index, (void)key;
	if (text && names_add(&w->later, text, n))
		w->flags[w->later.n - 1] = v;
	return true;
}

/* What decides how a text is found: tokenizer_config.json where it names it, since transformers adds that token again. */
static const struct json_value *flags_of(const struct added_search *w, const struct json_value *v, const char *text, size_t n)
{
	int64_t i = names_find(&w->later, text, n);

	return i < 0 ? v : w->flags[i];
}

static bool take_added(void *context, size_t index, const char *key, const struct json_value *v)
{
	struct added_search *w = context;
	struct vocabulary *vocabulary = &w->t->vocabulary;
	const struct json_value *flags;
	bool special, known;
	const char *text;
	int64_t id;
	int32_t same;
	size_t n;

	(void)index;
	added_of(w, key, v, &id, &text, &n);
	flags = flags_of(w, v, text, n);
	special = flag(v, "special", false) || flag(flags, "special", false);
	/* A text that the model's own vocabulary has keeps its id there, whatever is given here: so does Hugging Face. */
	same = vocabulary_find(vocabulary, text, n);
	known = same >= 0 ||
		(vocabulary->kind[id] != TOKEN_NONE && vocabulary->text[id].n == n && !memcmp(vocabulary->text[id].s, text, n));
	if (same >= 0)
		id = same;
	if (!names_add(&w->taken, text, n) && w->by_key)
		return true; /* tokenizer.json has it too, with an id that counts: it was taken with these flags */
	if (!known && !vocabulary_put(vocabulary, id, text, n, TOKEN_ADDED, false, w->err))
		return false;
	if (vocabulary->kind[id] != TOKEN_BYTE) /* that is what it stays for the fallback and the decoder */
		vocabulary->kind[id] = special ? TOKEN_SPECIAL : TOKEN_ADDED;
	return add_literal(w->t,
			   (struct literal){ vocabulary->text[id], (int32_t)id, flag(flags, "single_word", false),
					     flag(flags, "lstrip", false), flag(flags, "rstrip", false) },
			   flag(flags, "normalized", !flag(flags, "special", false)), w->err);
}

/* Makes room for every id of a vocabulary and of added tokens. */
static bool make_room(struct added_search *w, const struct json_value *vocab, const struct json_value *added,
		      const struct json_value *added_by_key)
{
	w->last = -1;
	if (!json_each(vocab, count_token, w) || !json_each(added, count_added, w))
		return false;
	w->by_key = true;
	if (!json_each(added_by_key, count_added, w))
		return false;
	w->by_key = false;
	if (w->last >= (int64_t)(4 * w->count + 65536))
		return err_set(w->err, ERR_FILE, "the highest id is %lld, but there are only %zu tokens", (long long)w->last,
			       w->count);
	return vocabulary_start(&w->t->vocabulary, w->t->arena, (size_t)(w->last + 1), w->err);
}

bool tokenizer_take_vocabulary(struct tokenizer *t, const struct json_value *vocab, bool byte_fallback,
			       const struct json_value *added, const struct json_value *config, struct err *err)
{
	struct added_search w = { .t = t, .err = err, .byte_fallback = byte_fallback };
	const struct json_value *by_key = json_get(config, "added_tokens_decoder");

	bool ok;

	if (json_count(vocab) == 0 || !json_is(vocab, JSON_OBJECT))
		return err_set(err, ERR_FILE, "the vocabulary is empty");
	w.flags = xcalloc(json_count(by_key) + 1, sizeof *w.flags);
	ok = json_each(by_key, note_flags, &w) && make_room(&w, vocab, added, by_key) && json_each(vocab, take_token, &w) &&
	     json_each(added, take_added, &w);
	w.by_key = true;
	ok = ok && json_each(by_key, take_added, &w);
	names_done(&w.later);
	names_done(&w.taken);
	free(w.flags);
	return ok;
}

/* ---- the model ---- */

static bool read_merges(struct tokenizer *t, const struct json_value *merges, struct err *err)
{
	struct added_search w = { .t = t, .err = err };

	if (!json_is(merges, JSON_ARRAY))
		return err_set(err, ERR_FILE, "the model has no list of merges");
	return vocabulary_start_merges(&t->vocabulary, json_count(merges), err) && json_each(merges, take_merge, &w);
}

/* Options that would change the tokens and that no family of ours has. */
static bool refuse_options(const struct json_value *model, struct err *err)
{
	static const char *const texts[] = { "continuing_subword_prefix", "end_of_word_suffix" };
	const char *type = json_text(json_get(model, "type"));
	double dropout = 0;

	if (type ? strcmp(type, "BPE") != 0 : !json_get(model, "merges"))
		return err_set(err, ERR_FILE, "the model is %.60s; lmscope reads BPE", type ? type : "of no type");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *text = json_text(json_get(model, texts[i]));

		if (text && *text)
			return err_set(err, ERR_FILE, "the model's %s is not supported", texts[i]);
	}
	json_double(json_get(model, "dropout"), &dropout);
	if (dropout > 0)
		return err_set(err, ERR_FILE, "the model's dropout is not supported: its tokens would be random");
	return true;
}

static bool read_model(struct tokenizer *t, const struct json_value *root, const struct json_value *config, struct err *err)
{
	const struct json_value *model = json_get(root, "model");
	const char *unknown = json_text(json_get(model, "unk_token"));

	if (!json_is(model, JSON_OBJECT))
		return err_set(err, ERR_FILE, "it has no model");
	if (!refuse_options(model, err))
		return false;
	t->bpe.byte_fallback = flag(model, "byte_fallback", false);
	t->bpe.fuse_unknown = flag(model, "fuse_unk", false);
	t->bpe.whole_words = flag(model, "ignore_merges", false);
	if (!tokenizer_take_vocabulary(t, json_get(model, "vocab"), t->bpe.byte_fallback, json_get(root, "added_tokens"), config,
				       err) ||
	    !read_merges(t, json_get(model, "merges"), err))
		return false;
	if (unknown && (t->bpe.unknown = vocabulary_find(&t->vocabulary, unknown, strlen(unknown))) < 0)
		return err_set(err, ERR_FILE, "the unknown token \"%.60s\" is not in the vocabulary", unknown);
	return true;
}

/* How the vocabulary writes bytes shows in what is done to the text. */
static void find_spelling(struct tokenizer *t)
{
	static const char mark[] = "\xE2\x96\x81";
	const struct steps *both[] = { &t->normalise, &t->cut };

	t->spelling = t->bpe.byte_fallback ? SPELLING_SENTENCEPIECE : SPELLING_PLAIN;
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->n; i++) {
			const struct step *step = &both[k]->at[i];

			if (step->kind == STEP_ALPHABET)
				t->spelling = SPELLING_ALPHABET;
			else if (step->text && !strcmp(step->text, mark))
				t->spelling = SPELLING_SENTENCEPIECE;
			if (step->kind == STEP_PREPEND)
				t->drops_space = true;
		}
}

bool tokenizer_read_json(struct tokenizer *t, const char *path, const struct json_value *config, enum prefix prefix,
			 struct err *err)
{
	struct json *doc = json_open(path, 0, err);
	const struct json_value *root = json_root(doc);
	bool ok;

	if (!doc)
		return false;
	ok = tokenizer_read_normalizer(&t->normalise, json_get(root, "normalizer"), prefix, err) &&
	     read_model(t, root, config, err) && tokenizer_read_pre_tokenizer(t, json_get(root, "pre_tokenizer"), prefix, err) &&
	     tokenizer_read_post_processor(t, json_get(root, "post_processor"), err);
	if (ok) {
		find_spelling(t);
		t->has_template = json_is(json_get(root, "post_processor"), JSON_OBJECT);
		t->kind = t->spelling == SPELLING_ALPHABET	  ? "byte-level BPE (tokenizer.json)"
			  : t->spelling == SPELLING_SENTENCEPIECE ? "SentencePiece BPE (tokenizer.json)"
								  : "character BPE (tokenizer.json)";
	}
	json_free(doc);
	return ok || err_in(err, "%s", path);
}
