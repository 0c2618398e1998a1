/*
 * tokenizer_folder.c - the tokenizer of a Hugging Face folder: which files it is in, which token begins and ends a text,
 * and whether the first one is added.
 *
 * Whether BOS is added: the post_processor of tokenizer.json says it; without one, add_bos_token of tokenizer_config.json;
 * without that, what the file's kind does in transformers (GPT-2's pair: no, SentencePiece's: yes).
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/model/tokenizer/tokenizer_parts.h"

/* The small files beside the tokenizer; any may be missing. */
enum { TOKENIZER_CONFIG, SPECIAL_TOKENS_MAP, CONFIG, SIDES };

struct sides {
	struct json *doc[SIDES];
	const struct json_value *root[SIDES];
};

static bool open_sides(struct sides *sides, const char *folder, struct err *err)
{
	static const char *const name[SIDES] = { "tokenizer_config.json", "special_tokens_map.json", "config.json" };
	bool ok = true;

	*sides = (struct sides){ 0 };
	for (int i = 0; ok && i < SIDES; i++) {
		char *path = file_join(folder, name[i]);

		if (file_exists(path)) {
			sides->doc[i] = json_open(path, 0, err);
			sides->root[i] = json_root(sides->doc[i]);
			ok = sides->doc[i] != NULL;
		}
		free(path);
	}
	return ok;
}

static void close_sides(struct sides *sides)
{
	for (int i = 0; i < SIDES; i++)
		json_free(sides->doc[i]);
}

/* ---- which files ---- */

/* One way a tokenizer may be written: the files it needs and who reads them. */
struct tokenizer_files {
	const char *file, *beside;
	bool adds_bos; /* when no file says anything */
};

static const struct tokenizer_files forms[] = {
	{ "tokenizer.json", NULL, false },
	{ "vocab.json", "merges.txt", false },
	{ "tokenizer.model", NULL, true },
};

static bool has_file(const char *folder, const char *name)
{
	char *path = name ? file_join(folder, name) : NULL;
	bool there = !name || file_exists(path);

	free(path);
	return there;
}

static const struct tokenizer_files *find_form(const char *folder)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (has_file(folder, forms[i].file) && has_file(folder, forms[i].beside))
			return &forms[i];
	return NULL;
}

/* ---- the class in transformers ---- */

/*
 * Is the class one that transformers has for this type of model? Where it has none but the general one, it uses that; and of two
 * types it knows that files name the wrong one.
 */
static const char *class_of(const struct sides *sides)
{
	static const struct {
		const char *type, *class; /* NULL: the general one */
	} types[] = {
		{ "cohere", "CohereTokenizer" },
		{ "gpt2", "GPT2Tokenizer" },
		{ "gpt_neo", "GPT2Tokenizer" },
		{ "gpt_neox", "GPTNeoXTokenizer" },
		{ "gptj", "GPT2Tokenizer" },
		{ "granite", NULL },
		{ "mistral", NULL },
		{ "olmo", "GPTNeoXTokenizer" },
		{ "olmo2", NULL },
		{ "opt", "GPT2Tokenizer" },
		{ "phi", "GPT2Tokenizer" },
		{ "phi3", NULL },
		{ "qwen2", "Qwen2Tokenizer" },
		{ "qwen3", "Qwen2Tokenizer" },
		{ "stablelm", NULL },
		{ "starcoder2", "GPT2Tokenizer" },
	};
	const char *type = json_text(json_get(sides->root[CONFIG], "model_type"));
	const char *class = json_text(json_get(sides->root[TOKENIZER_CONFIG], "tokenizer_class"));

	if (!class)
		class = json_text(json_get(sides->root[CONFIG], "tokenizer_class"));
	for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
		if (!strcmp(types[i].type, type))
			return !types[i].class || !class || !strcmp(type, "qwen2") ? types[i].class : class;
	return class;
}

static bool is_class(const char *class, const char *name)
{
	size_t n = strlen(name);

	return class && !strncmp(class, name, n) && (!class[n] || !strcmp(class + n, "Fast"));
}

/* Classes that build the pre-tokenizer themselves take the space before the first word from tokenizer_config.json, or have none. */
static enum prefix prefix_of(const struct sides *sides)
{
	static const char *const byte_level[] = { "CodeGenTokenizer", "CohereTokenizer", "GPT2Tokenizer",
						  "GPTNeoXTokenizer", "Qwen2Tokenizer",	 "RobertaTokenizer" };
	const char *class = class_of(sides);
	bool prefix = false, given = json_bool(json_get(sides->root[TOKENIZER_CONFIG], "add_prefix_space"), &prefix);

	for (size_t i = 0; i < sizeof byte_level / sizeof *byte_level; i++)
		if (is_class(class, byte_level[i]))
			return prefix ? PREFIX_ALWAYS : PREFIX_NEVER;
	if (is_class(class, "LlamaTokenizer") && given)
		return prefix ? PREFIX_ALWAYS : PREFIX_NEVER;
	return PREFIX_OF_FILE;
}

static bool read_form(struct tokenizer *t, const struct tokenizer_files *form, const char *folder, const struct sides *sides,
		      struct err *err)
{
	const struct json_value *config = sides->root[TOKENIZER_CONFIG];
	char *path;
	bool ok;

	if (form->beside)
		return tokenizer_read_pair(t, folder, config, err);
	path = file_join(folder, form->file);
	ok = form == forms ? tokenizer_read_json(t, path, config, prefix_of(sides), err)
			   : tokenizer_read_model(t, path, prefix_of(sides), err);
	free(path);
	return ok;
}

/* ---- special tokens by role ---- */

/* The id of a text, also of added tokens, which words do not become. */
static int32_t id_of(const struct tokenizer *t, const char *text)
{
	size_t n = strlen(text);
	int32_t id = vocabulary_find(&t->vocabulary, text, n);

	for (int32_t i = 0; id < 0 && i < t->vocabulary.n; i++)
		if (t->vocabulary.kind[i] >= TOKEN_ADDED && t->vocabulary.text[i].n == n &&
		    !memcmp(t->vocabulary.text[i].s, text, n))
			id = i;
	return id;
}

/* A token that a side file names by its role is special, and is found in texts. */
static void make_special(struct tokenizer *t, int32_t id)
{
	if (t->vocabulary.kind[id] < TOKEN_ADDED)
		literals_add(&t->literals, (struct literal){ .text = t->vocabulary.text[id], .id = id });
	t->vocabulary.kind[id] = TOKEN_SPECIAL;
}

/* The token of a role, "bos_token": its text or {"content": its text}. *given: a file has the key, be it null. */
static int32_t role_by_text(struct tokenizer *t, const struct sides *sides, const char *role, bool *given)
{
	for (int i = TOKENIZER_CONFIG; i <= SPECIAL_TOKENS_MAP; i++) {
		const struct json_value *v = json_get(sides->root[i], role);
		const char *text = json_text(json_is(v, JSON_OBJECT) ? json_get(v, "content") : v);
		int32_t id = text ? id_of(t, text) : -1;

		*given |= v != NULL;
		if (id >= 0) {
			make_special(t, id);
			return id;
		}
	}
	return -1;
}

/* The same from config.json: "bos_token_id": 1, or the first of a list. */
static int32_t role_by_id(const struct tokenizer *t, const struct sides *sides, const char *role_id)
{
	const struct json_value *v = json_get(sides->root[CONFIG], role_id);
	int64_t id = -1;

	json_int(json_is(v, JSON_ARRAY) ? json_at(v, 0) : v, &id);
	return id >= 0 && id < t->vocabulary.n && t->vocabulary.kind[id] != TOKEN_NONE ? (int32_t)id : -1;
}

/* The first special token of an id list, or -1. */
static int32_t first_of(const struct ids *ids)
{
	return ids->n ? ids->id[0] : -1;
}

static int32_t first_there(int32_t a, int32_t b)
{
	return a >= 0 ? a : b;
}

static void find_roles(struct tokenizer *t, const struct sides *sides)
{
	static const char *const others[] = { "unk_token", "pad_token" };
	bool bos_said = false, eos_said = false, ignored = false;
	int32_t bos = role_by_text(t, sides, "bos_token", &bos_said), eos = role_by_text(t, sides, "eos_token", &eos_said);

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		role_by_text(t, sides, others[i], &ignored);
	if (!bos_said)
		bos = first_there(first_there(bos, first_of(&t->before)), role_by_id(t, sides, "bos_token_id"));
	if (!eos_said)
		eos = first_there(first_there(eos, first_of(&t->after)), role_by_id(t, sides, "eos_token_id"));
	/* What the file itself says (tokenizer.model) holds unless a side file says otherwise. */
	t->bos = first_there(bos, bos_said ? -1 : t->bos);
	t->eos = first_there(eos, eos_said ? -1 : t->eos);
}

/* ---- BOS ---- */

static const char *name_of(const struct tokenizer *t, int32_t id)
{
	return id >= 0 ? t->vocabulary.text[id].s : "a BOS token";
}

static void decide_bos(struct tokenizer *t, const struct tokenizer_files *form, const struct json_value *config)
{
	bool add = form->adds_bos, add_eos = false;
	bool given = json_bool(json_get(config, "add_bos_token"), &add);

	if (t->has_template) {
		bool adds = tokenizer_adds_bos(t);

		tokenizer_add_bos(t, adds,
				  adds ? "the post_processor of %s puts %.60s first"
				       : "the post_processor of %s does not put %.60s first",
				  form->file, name_of(t, t->bos));
		return;
	}
	json_bool(json_get(config, "add_eos_token"), &add_eos);
	if (add_eos && t->eos >= 0)
		ids_add(&t->after, t->eos);
	if (t->bos < 0)
		tokenizer_add_bos(t, false, "the model has no BOS token");
	else if (given)
		tokenizer_add_bos(t, add, "add_bos_token in tokenizer_config.json is %s", add ? "true" : "false");
	else
		tokenizer_add_bos(t, add, "no file says whether %.60s is added; for %s it is%s", name_of(t, t->bos), form->file,
				  add ? "" : " not");
}

/* Where a model's own settings say so, "<s>" in a text is four letters. Marks around it are put there all the same. */
static void split_special(struct tokenizer *t, const struct json_value *config)
{
	bool split = false;

	json_bool(json_get(config, "split_special_tokens"), &split);
	if (split) {
		literals_drop(&t->literals, &t->vocabulary, TOKEN_SPECIAL);
		literals_drop(&t->normal_literals, &t->vocabulary, TOKEN_SPECIAL);
	}
}

struct tokenizer *tokenizer_open(const char *folder, struct err *err)
{
	const struct tokenizer_files *form = find_form(folder);
	struct tokenizer *t;
	struct sides sides;
	bool ok;

	if (!form) {
		err_set(err, ERR_FILE, "%s: there is no tokenizer (tokenizer.json, vocab.json with merges.txt, or tokenizer.model)",
			folder);
		return NULL;
	}
	t = tokenizer_new();
	ok = open_sides(&sides, folder, err) && read_form(t, form, folder, &sides, err);
	if (ok) {
		find_roles(t, &sides);
		decide_bos(t, form, sides.root[TOKENIZER_CONFIG]);
		split_special(t, sides.root[TOKENIZER_CONFIG]);
		ok = tokenizer_ready(t, err) || err_in(err, "%s/%s", folder, form->file);
	}
	close_sides(&sides);
	if (ok)
		return t;
	tokenizer_free(t);
	return NULL;
}
