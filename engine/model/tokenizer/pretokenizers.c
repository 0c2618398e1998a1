/* pretokenizers.c - the patterns that pretokenizers.def names. */
#include <string.h>

#include "engine/model/tokenizer/tokenizer_parts.h"

/* Contractions, words with a space before them, numbers, the rest; trailing white space apart. */
#define GPT2_PATTERN "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/* The family that GPT-4 began: any one character before a word, numbers in groups of `digits`. */
#define GPT4_CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define GPT4_REST "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
/* clang-format off */
#define GPT4_PATTERN(digits) \
	GPT4_CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" GPT4_REST
/* clang-format on */

/* The same with words cut where capitals begin. */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED_PATTERN(contraction, digits) \
	"[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" contraction "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" contraction \
	"|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" GPT4_REST

#define BLOOM_PATTERN " ?[^(\\s|.,!?…。，、।۔،)]+"
#define PUNCTUATION "[\\p{P}$+<=>^~|`]+"
#define CJK "[一-龥ࠀ-一가-퟿]+"
/* Every cased letter, as DeepSeek lists them. */
#define CASED_LETTERS \
	"A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝ" \
	"Ὗ-\\x{1F7D}ᾀ-ᾴᾶ-ᾼ\\x{1FBE}ῂ-ῄῆ-ῌῐ-\\x{1FD3}ῖ-\\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\\x{2126}ℨ\\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄ" \
	"Ⰰ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"

static const char *const GPT2[] = { GPT2_PATTERN, NULL };
static const char *const DIGIT_GPT2[] = { "\\p{N}", GPT2_PATTERN, NULL };
static const char *const FALCON[] = { PUNCTUATION, GPT2_PATTERN, "[0-9][0-9][0-9]", NULL };
static const char *const DEFAULT[] = { "[\\p{P}$+<=>^~|]+", GPT2_PATTERN, "\\p{N}+", "[0-9][0-9][0-9]", NULL };
static const char *const LLAMA3[] = { GPT4_PATTERN("\\p{N}{1,3}"), NULL };
static const char *const QWEN2[] = { GPT4_PATTERN("\\p{N}"), NULL };
static const char *const TEKKEN[] = { CASED_PATTERN("", "\\p{N}"), NULL };
static const char *const GPT4O[] = { CASED_PATTERN(GPT4_CONTRACTION "?", "\\p{N}{1,3}"), NULL };
static const char *const BLOOM[] = { BLOOM_PATTERN, NULL };
static const char *const VIKING[] = { BLOOM_PATTERN, "\\p{N}", NULL };
/* Digits in groups of three from the right: an empty match cuts. */
static const char *const SUPERBPE[] = { "\\p{N}+", "(?=(\\d{3})+(?!\\d))", NULL };
static const char *const DEEPSEEK_CODER[] = { "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK, "\\p{N}", NULL };
static const char *const DEEPSEEK_LLM[] = {
	"[\\r\\n]", "\\s?[" CASED_LETTERS "]+", "\\s?[!-/:-~！-／：-～‘-‟　-。]+", "\\s+$", CJK, "\\p{N}+", NULL,
};
static const char *const DEEPSEEK_V3[] = {
	"\\p{N}{1,3}",
	"[一-龥぀-ゟ゠-ヿ]+",
	"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
	"?[\\p{P}\\p{S}]+[\\r\\n]*" GPT4_REST,
	NULL,
};
/* clang-format off */
static const char *const CHAMELEON[] = {
	"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\\t\\n]|    |  )", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]",
	GPT2_PATTERN, NULL,
};
/* clang-format on */

#define PRE(name, patterns, whole_words, adds_bos) { name, patterns, whole_words, adds_bos },
static const struct pretokenizer pretokenizers[] = {
#include "engine/model/tokenizer/pretokenizers.def"
};
#undef PRE

const struct pretokenizer *pretokenizer_find(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof pretokenizers / sizeof *pretokenizers; i++)
		if (strlen(pretokenizers[i].name) == n && !memcmp(pretokenizers[i].name, name, n))
			return &pretokenizers[i];
	return NULL;
}

bool pretokenizer_apply(const struct pretokenizer *p, struct steps *steps, struct err *err)
{
	for (const char *const *pattern = p->patterns; *pattern; pattern++)
		if (!steps_add_split(steps, *pattern, false, SPLIT_ISOLATED, false, err))
			return false;
	steps_add(steps, (struct step){ .kind = STEP_ALPHABET });
	return true;
}
