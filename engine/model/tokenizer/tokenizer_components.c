/*
 * tokenizer_components.c - the components of a tokenizer.json: normalizers, pre-tokenizers and post-processors.
 *
 * Each is an object with a "type"; a Sequence holds others. Rows of a table say which types there are; what is not among
 * them is refused by name, since leaving it out would give other tokens than the model was trained on.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/model/tokenizer/tokenizer_parts.h"

/* Where a component puts what it means. Normalizers only have steps. */
struct target {
	struct steps *steps;
	struct tokenizer *tokenizer;
	enum prefix prefix;
};

enum { MOST_STEPS = 64 }; /* a handful is usual */

typedef bool reader(const struct target *to, const struct json_value *v, struct err *err);

struct component {
	const char *type;
	reader *read;
	const char *list; /* a Sequence: the member with its parts */
};

struct component_family {
	const char *what;		   /* "normalizer", for errors */
	const struct component *component; /* [n] */
	size_t n;
};

static bool read_component(const struct component_family *family, const struct target *to, const struct json_value *v,
			   struct err *err);

static bool flag(const struct json_value *v, const char *key, bool otherwise)
{
	json_bool(json_get(v, key), &otherwise);
	return otherwise;
}

/* {"String": "…"} or {"Regex": "…"} */
static bool read_pattern(const struct json_value *v, const char **pattern, bool *literal, struct err *err)
{
	*pattern = json_text(json_get(v, "String"));
	*literal = *pattern != NULL;
	if (!*pattern)
		*pattern = json_text(json_get(v, "Regex"));
	return *pattern || err_set(err, ERR_FILE, "its pattern is neither a String nor a Regex");
}

/* ---- normalizers ---- */

/* The normalizers that are their name alone. */
static bool read_form(const struct target *to, const struct json_value *v, struct err *err)
{
	static const struct {
		const char *type;
		enum step_kind kind;
	} forms[] = {
		{ "Lowercase", STEP_LOWER }, { "NFC", STEP_NFC }, { "NFD", STEP_NFD }, { "NFKC", STEP_NFKC }, { "NFKD", STEP_NFKD },
	};

	(void)err;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (!strcmp(forms[i].type, json_text(json_get(v, "type"))))
			steps_add(to->steps, (struct step){ .kind = forms[i].kind });
	return true;
}

static bool read_strip_accents(const struct target *to, const struct json_value *v, struct err *err)
{
	(void)v;
	return steps_add_replace(to->steps, "\\p{M}+", false, "", err);
}

static bool read_prepend(const struct target *to, const struct json_value *v, struct err *err)
{
	const char *text = json_text(json_get(v, "prepend"));

	if (!text)
		return err_set(err, ERR_FILE, "\"prepend\" is not a string");
	if (to->prefix != PREFIX_NEVER)
		steps_add_prepend(to->steps, text, false, false);
	return true;
}

static bool read_replace(const struct target *to, const struct json_value *v, struct err *err)
{
	const char *content = json_text(json_get(v, "content")), *pattern;
	bool literal;

	if (!content)
		return err_set(err, ERR_FILE, "\"content\" is not a string");
	return read_pattern(json_get(v, "pattern"), &pattern, &literal, err) &&
	       (!*pattern || steps_add_replace(to->steps, pattern, literal, content, err));
}

static bool read_strip(const struct target *to, const struct json_value *v, struct err *err)
{
	return (!flag(v, "strip_left", true) || steps_add_replace(to->steps, "\\A\\s+", false, "", err)) &&
	       (!flag(v, "strip_right", true) || steps_add_replace(to->steps, "\\s+\\z", false, "", err));
}

/* clang-format off */
static const struct component normalizer_types[] = {
	{ "Lowercase", read_form, NULL },
	{ "NFC", read_form, NULL },
	{ "NFD", read_form, NULL },
	{ "NFKC", read_form, NULL },
	{ "NFKD", read_form, NULL },
	{ "Prepend", read_prepend, NULL },
	{ "Replace", read_replace, NULL },
	{ "Sequence", NULL, "normalizers" },
	{ "Strip", read_strip, NULL },
	{ "StripAccents", read_strip_accents, NULL },
};
/* clang-format on */

static const struct component_family normalizers = { "normalizer", normalizer_types,
						     sizeof normalizer_types / sizeof *normalizer_types };

/* ---- pre-tokenizers ---- */

static bool read_byte_level(const struct target *to, const struct json_value *v, struct err *err)
{
	if (to->prefix ? to->prefix == PREFIX_ALWAYS : flag(v, "add_prefix_space", true))
		steps_add_prepend(to->steps, " ", true, false);
	if (flag(v, "use_regex", true) && !steps_add_split(to->steps, steps_gpt2, false, SPLIT_ISOLATED, false, err))
		return false;
	steps_add(to->steps, (struct step){ .kind = STEP_ALPHABET });
	return true;
}

static bool read_behavior(const struct json_value *v, enum split_keep *keep, struct err *err)
{
	static const char *const names[] = {
		[SPLIT_ISOLATED] = "Isolated",
		[SPLIT_REMOVED] = "Removed",
		[SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
		[SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
		[SPLIT_CONTIGUOUS] = "Contiguous",
	};
	const char *name = json_text(v);

	for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i])) {
			*keep = (enum split_keep)i;
			return true;
		}
	return err_set(err, ERR_FILE, "\"behavior\" is %s, not one that lmscope knows", name ? name : "no string");
}

static bool read_split(const struct target *to, const struct json_value *v, struct err *err)
{
	enum split_keep keep = SPLIT_ISOLATED;
	const char *pattern;
	bool literal;

	return read_behavior(json_get(v, "behavior"), &keep, err) &&
	       read_pattern(json_get(v, "pattern"), &pattern, &literal, err) &&
	       (!*pattern || steps_add_split(to->steps, pattern, literal, keep, flag(v, "invert", false), err));
}

static bool read_digits(const struct target *to, const struct json_value *v, struct err *err)
{
	return steps_add_split(to->steps, flag(v, "individual_digits", false) ? "\\p{N}" : "\\p{N}+", false, SPLIT_ISOLATED, false,
			       err);
}

/* Hugging Face's punctuation: ASCII's, and what Unicode 8 knew as such, without what came later. */
#define LATER_PUNCTUATION \
	"\\x{61D}\\x{9FD}\\x{A76}\\x{C77}\\x{C84}\\x{1B4E}\\x{1B4F}\\x{1B7D}-\\x{1B7F}\\x{2E43}-\\x{2E4F}\\x{2E52}-\\x{2E5D}" \
	"\\x{10D6E}\\x{10EAD}\\x{10F55}-\\x{10F59}\\x{10F86}-\\x{10F89}\\x{113D4}-\\x{113D8}\\x{1144B}-\\x{1144F}\\x{1145A}" \
	"\\x{1145B}\\x{1145D}\\x{11660}-\\x{1166C}\\x{116B9}\\x{1183B}\\x{11944}-\\x{11946}\\x{119E2}\\x{11A3F}-\\x{11A46}" \
	"\\x{11A9A}-\\x{11A9C}\\x{11A9E}-\\x{11AA2}\\x{11B00}-\\x{11B09}\\x{11BE1}\\x{11C41}-\\x{11C45}\\x{11C70}\\x{11C71}" \
	"\\x{11EF7}\\x{11EF8}\\x{11F43}-\\x{11F4F}\\x{11FFF}\\x{12FF1}\\x{12FF2}\\x{16D6D}-\\x{16D6F}\\x{16E97}-\\x{16E9A}" \
	"\\x{16FE2}\\x{1E5FF}\\x{1E95E}\\x{1E95F}"

static bool read_punctuation(const struct target *to, const struct json_value *v, struct err *err)
{
	enum split_keep keep = SPLIT_ISOLATED;

	if (json_get(v, "behavior") && !read_behavior(json_get(v, "behavior"), &keep, err))
		return false;
	return steps_add_split(to->steps, "[^\\P{P}" LATER_PUNCTUATION "]|[$+<=>^`|~\\x{166D}\\x{111C9}]", false, keep, false, err);
}

static bool read_metaspace(const struct target *to, const struct json_value *v, struct err *err)
{
	const char *mark = json_text(json_get(v, "replacement")), *scheme = json_text(json_get(v, "prepend_scheme"));
	bool never;

	if (!mark || !*mark)
		return err_set(err, ERR_FILE, "\"replacement\" is not a character");
	never = to->prefix ? to->prefix == PREFIX_NEVER : scheme ? !strcmp(scheme, "never") : !flag(v, "add_prefix_space", true);
	if (!steps_add_replace(to->steps, " ", true, mark, err))
		return false;
	if (!never)
		steps_add_prepend(to->steps, mark, true, scheme && !strcmp(scheme, "first"));
	return !flag(v, "split", true) || steps_add_split(to->steps, mark, true, SPLIT_MERGED_WITH_NEXT, false, err);
}

static bool read_whitespace(const struct target *to, const struct json_value *v, struct err *err)
{
	(void)v;
	/* Rust's \w has the joiners, Oniguruma's has not. */
	return steps_add_split(to->steps, "[\\w\\x{200C}\\x{200D}]+|[^\\w\\s\\x{200C}\\x{200D}]+", false, SPLIT_REMOVED, true, err);
}

static bool read_whitespace_split(const struct target *to, const struct json_value *v, struct err *err)
{
	(void)v;
	return steps_add_split(to->steps, "\\s", false, SPLIT_REMOVED, false, err);
}

/* clang-format off */
static const struct component pre_tokenizer_types[] = {
	{ "ByteLevel", read_byte_level, NULL },
	{ "Digits", read_digits, NULL },
	{ "Metaspace", read_metaspace, NULL },
	{ "Punctuation", read_punctuation, NULL },
	{ "Sequence", NULL, "pretokenizers" },
	{ "Split", read_split, NULL },
	{ "Whitespace", read_whitespace, NULL },
	{ "WhitespaceSplit", read_whitespace_split, NULL },
};
/* clang-format on */

static const struct component_family pre_tokenizers = { "pre-tokenizer", pre_tokenizer_types,
							sizeof pre_tokenizer_types / sizeof *pre_tokenizer_types };

/* ---- post-processors ---- */

static bool read_nothing(const struct target *to, const struct json_value *v, struct err *err)
{
	(void)to, (void)v, (void)err;
	return true;
}

/* One entry of a template: {"SpecialToken": {"id": "<s>"}}, whose ids are in special_tokens. */
static bool read_special(const struct tokenizer *t, const struct json_value *template, const char *name, struct ids *ids,
			 struct err *err)
{
	const struct json_value *list = json_get(json_get(json_get(template, "special_tokens"), name), "ids");
	int64_t id;

	if (json_count(list) == 0 || !json_is(list, JSON_ARRAY))
		return err_set(err, ERR_FILE, "its special token \"%.60s\" has no ids", name);
	for (size_t i = 0; i < json_count(list); i++) {
		if (!json_int(json_at(list, i), &id) || id < 0 || id >= t->vocabulary.n)
			return err_set(err, ERR_FILE, "its special token \"%.60s\" has an id outside the vocabulary", name);
		ids_add(ids, (int32_t)id);
	}
	return true;
}

static bool read_template(const struct target *to, const struct json_value *v, struct err *err)
{
	const struct json_value *single = json_get(v, "single");
	struct tokenizer *t = to->tokenizer;
	struct ids outer = { 0 }, *side = &outer;
	bool ok = true;

	for (size_t i = 0; ok && i < json_count(single); i++) {
		const char *name = json_text(json_get(json_get(json_at(single, i), "SpecialToken"), "id"));

		if (name)
			ok = read_special(t, v, name, side, err);
		else if (json_get(json_at(single, i), "Sequence") && side == &outer)
			side = &t->after;
		else
			ok = err_set(err, ERR_FILE, "an entry of \"single\" is neither a SpecialToken nor the one Sequence");
	}
	if (ok && side == &outer)
		ok = err_set(err, ERR_FILE, "\"single\" has no place for the text");
	/* A later template goes around an earlier one. */
	for (size_t i = 0; ok && i < t->before.n; i++)
		ids_add(&outer, t->before.id[i]);
	free(ok ? t->before.id : outer.id);
	if (ok)
		t->before = outer;
	return ok;
}

/* BERT's and RoBERTa's: "cls" before the text and "sep" after it, each [TEXT, ID]. */
static bool read_around(const struct target *to, const struct json_value *v, struct err *err)
{
	static const char *const names[] = { "cls", "sep" };
	struct tokenizer *t = to->tokenizer;
	struct ids *const sides[] = { &t->before, &t->after };

	for (size_t i = 0; i < 2; i++) {
		int64_t id;

		if (!json_int(json_at(json_get(v, names[i]), 1), &id) || id < 0 || id >= t->vocabulary.n)
			return err_set(err, ERR_FILE, "\"%s\" has no id of the vocabulary", names[i]);
		ids_add(sides[i], (int32_t)id);
	}
	return true;
}

static const struct component post_processor_types[] = {
	{ "BertProcessing", read_around, NULL },
	{ "ByteLevel", read_nothing, NULL }, /* trims offsets, which we do not have */
	{ "RobertaProcessing", read_around, NULL },
	{ "Sequence", NULL, "processors" },
	{ "TemplateProcessing", read_template, NULL },
};

static const struct component_family post_processors = { "post-processor", post_processor_types,
							 sizeof post_processor_types / sizeof *post_processor_types };

/* ---- any of them ---- */

static bool read_component(const struct component_family *family, const struct target *to, const struct json_value *v,
			   struct err *err)
{
	const char *type = json_text(json_get(v, "type"));

	if (!v || (json_kind(v) == JSON_NULL))
		return true;
	if (!type)
		return err_set(err, ERR_FILE, "a %s has no type", family->what);
	if (to->steps && to->steps->n > MOST_STEPS)
		return err_set(err, ERR_FILE, "there are more than %d steps of %ss", MOST_STEPS, family->what);
	for (size_t i = 0; i < family->n; i++) {
		const struct component *c = &family->component[i];

		if (strcmp(type, c->type))
			continue;
		if (c->read)
			return c->read(to, v, err) || err_in(err, "%s %s", family->what, type);
		if (!json_is(json_get(v, c->list), JSON_ARRAY))
			return err_set(err, ERR_FILE, "%s Sequence: \"%s\" is not a list", family->what, c->list);
		for (size_t k = 0; k < json_count(json_get(v, c->list)); k++)
			if (!read_component(family, to, json_at(json_get(v, c->list), k), err))
				return false;
		return true;
	}
	return err_set(err, ERR_FILE, "the %s %.60s is not supported", family->what, type);
}

bool tokenizer_read_normalizer(struct steps *steps, const struct json_value *v, enum prefix prefix, struct err *err)
{
	return read_component(&normalizers, &(struct target){ .steps = steps, .prefix = prefix }, v, err);
}

bool tokenizer_read_pre_tokenizer(struct tokenizer *t, const struct json_value *v, enum prefix prefix, struct err *err)
{
	return read_component(&pre_tokenizers, &(struct target){ &t->cut, t, prefix }, v, err);
}

bool tokenizer_read_post_processor(struct tokenizer *t, const struct json_value *v, struct err *err)
{
	return read_component(&post_processors, &(struct target){ .tokenizer = t }, v, err);
}
