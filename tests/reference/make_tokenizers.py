#!/usr/bin/env python3
"""make_tokenizers.py - small tokenizers in the manner of each family, and what Hugging Face's package makes of texts.

    pip install tokenizers sentencepiece
    python tests/reference/make_tokenizers.py [NAME ...]

Writes tests/fixtures/tokenizers/NAME/tokenizer.json and NAME/expected.json: [{"text", "ids", "decoded"}, …], where decoded
leaves special tokens out; for the last two, of SentencePiece itself, tokenizer.model instead. The vocabularies are trained on a paragraph and are far too small for use; what matters is that
every component that these families have is there, set as they set it.
"""
import io
import json
import pathlib
import random
import sys

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "Once upon a time there was a small red fox who lived near the river. The fox was not like the others: it could count.",
    "One, two, three, it said; 1, 2, 3 and then 10, 100, 1000. I'm sure you'll see, don't you? We've been there, they're here.",
    "def fox(n):\n    for i in range(n):\n        print(i == 3)\n    return {'a': [1, 2], \"b\": 2024}\n\n",
    "Der Fuchs überquerte die Brücke; le renard a été très étonné. Лиса видела лису. 狐は川を渡った。狐狸过河。",
    "The end of the time, the river, the others. There, here, where, other, another, count, counted, counting.",
] * 4

TEXTS = [
    "", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", " \n ", "a", " a", "  a", "a ", "a  ", "the", " the", "The fox", " The fox was here.",
    "Once upon a time\n\n\nthere  was   a    fox", "I'm they're WE'VE don'T you'LL it'ſ", "1 12 123 1234 12345 123456789 3.14 ¼ ² Ⅷ ٣٤٥",
    "def fox(n):\n\treturn n == 3  # yes!\n", "überquerte ÜBER u\u0308ber", "e\u0301 \u1112\u1161\u11ab \ufb01 \u212b", "狐は川を渡った。 狐狸过河", "Лиса видела",
    "👨‍👩‍👧 🏳️‍🌈 🦙", "\u00a0no\u2003break\u3000space\u180e\u200b\ufeff", "\x00\x01\x1b[0m\x7f", "«quoted» “curly” — dash… $5+<=>^`|~",
    "...!!!???", "a.b,c;d", "____", "-=-=-", "x" * 40, " " * 17 + "end", "<s>", "</s>", "<s>the</s> fox", "the <mask> fox", "the<mask>fox",
    "<|begin|>user\nhello<|end|> next", "<|begin|>  two", "  <|end|>  ", "wordLITwords LIT ,LIT.", "▁the ▁ fox", "Ġthe Ċ", "<0x0A><0xE2>",
    "AbcDefGHI camelCaseWord HTTPServer", "\u2028line\u2029para\x85next\x0b\x0c", "\U0010ffff\ue000\u0378", "क्षि ไทย",
]


# For some styles only.
MORE_TEXTS = {"spm_words": ["the fox\u2581", "the \u2581 \u2581 ", "\u2581 ", "\u2581the \u2581fox"], "lowered": [
    "fox <|end|> \n\n  river", "fox<|end|>\n\n\n\nriver", "a     b", "    ", "x\n\n    y", "lit LIT-Lit aLit Lit\u200cb ⓐLit", "İstanbul ẞ Σίσυφος ΑΣ ǅ",
    "a\u200db ⓐ² x²½", "\u061d a\u2e43b \u166d\u166d -\u2e43\u2e43 \u2e3d\u061d\u061d",
]}


def train(size, specials, alphabet=None, pre=None, norm=None):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre or pre_tokenizers.ByteLevel(add_prefix_space=False)
    if norm:
        t.normalizer = norm
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, special_tokens=specials, show_progress=False,
                          initial_alphabet=alphabet if alphabet is not None else pre_tokenizers.ByteLevel.alphabet()))
    return json.loads(t.to_str())


def added(data, content, **flags):
    """Adds a token after the last id, or marks one that is there."""
    ids = dict(data["model"]["vocab"])
    ids.update({a["content"]: a["id"] for a in data["added_tokens"]})
    row = dict(id=ids.get(content, max(ids.values()) + 1), content=content, single_word=False, lstrip=False, rstrip=False,
               normalized=False, special=False)
    row.update(flags)
    data["added_tokens"] = [a for a in data["added_tokens"] if a["content"] != content] + [row]


def pieces(size):
    """A vocabulary with <unk> <s> </s>, the 256 byte tokens, then pieces with U+2581 for spaces."""
    hexes = [f"<0x{i:02X}>" for i in range(256)]
    data = train(size, ["<unk>", "<s>", "</s>"] + hexes, [], pre_tokenizers.Metaspace())
    data["added_tokens"] = [a for a in data["added_tokens"] if a["content"] not in hexes]
    data["model"].update(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    data["pre_tokenizer"] = None
    return data


def parts(component):
    """A component as the JSON that tokenizer.json has."""
    return json.loads(component.__getstate__())


def template(first, last=""):
    return lambda ids: parts(processors.TemplateProcessing(single=f"{first} $A {last}".strip(), special_tokens=[
        (name, ids[name]) for name in (first, last) if name]))


def byte_level_parts(data, pre, norm=None, post=None):
    data["pre_tokenizer"] = parts(pre)
    data["normalizer"] = parts(norm) if norm else None
    data["post_processor"] = post
    data["decoder"] = parts(decoders.ByteLevel())
    return data


LLAMA_DECODER = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])


def llama2():
    data = pieces(520)
    data["normalizer"] = parts(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]))
    data["post_processor"] = template("<s>")({"<s>": 1})
    data["decoder"] = parts(LLAMA_DECODER)
    return data


def mistral():
    data = pieces(520)
    data["pre_tokenizer"] = parts(pre_tokenizers.Metaspace(prepend_scheme="first", split=False))
    data["post_processor"] = template("<s>", "</s>")({"<s>": 1, "</s>": 2})
    data["decoder"] = parts(LLAMA_DECODER)
    added(data, "<|end|>", special=True, rstrip=True)
    added(data, "<|begin|>", special=True)
    added(data, "<mask>", lstrip=True)
    added(data, "<0x0A>")
    return data


def metaspace():
    data = pieces(500)
    data["model"].update(byte_fallback=False, fuse_unk=False)
    data["pre_tokenizer"] = parts(pre_tokenizers.Metaspace(prepend_scheme="always", split=True))
    data["decoder"] = parts(decoders.Metaspace(prepend_scheme="always"))
    added(data, "LIT", single_word=True, normalized=True)
    return data


def gemma():
    data = pieces(520)
    data["normalizer"] = parts(normalizers.Replace(" ", "▁"))
    data["pre_tokenizer"] = parts(pre_tokenizers.Split(" ", "merged_with_previous"))
    data["post_processor"] = template("<s>")({"<s>": 1})
    data["decoder"] = parts(decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]))
    # Runs of spaces are made by merges, and are added tokens as well: found only where a text has U+2581 itself.
    for text in ("▁▁", "▁▁▁", "▁▁▁▁"):
        data["model"]["vocab"][text] = len(data["model"]["vocab"])
        data["model"]["merges"].append(["▁", text[1:]])
    for text in ("\n", "\n\n", "\n\n\n", "▁▁", "▁▁▁", "▁▁▁▁"):
        added(data, text)
    added(data, "<mask>")
    return data


def llama3():
    pattern = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
               r"\s+(?!\S)|\s+")
    pre = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    data = train(460, [], pre=pre)
    data["model"]["ignore_merges"] = True
    # Tokens that merging alone does not make: only a word that is the whole token becomes one.
    for word in ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "ĠAbcDef", "Ġquoted"):
        data["model"]["vocab"][word] = len(data["model"]["vocab"])
    for text in ("<|begin|>", "<|end|>"):
        added(data, text, special=True)
    ids = {a["content"]: a["id"] for a in data["added_tokens"]}
    post = {"type": "Sequence", "processors": [parts(processors.ByteLevel(trim_offsets=False)), template("<|begin|>")(ids)]}
    return byte_level_parts(data, pre, post=post)


def neox():
    pre = pre_tokenizers.ByteLevel(add_prefix_space=False)
    data = train(420, ["<|endoftext|>"], pre=pre, norm=normalizers.NFC())
    for n in range(8, 1, -1):
        added(data, " " * n, normalized=True)
    added(data, "über", normalized=True)
    return byte_level_parts(data, pre, normalizers.NFC(), parts(processors.ByteLevel(trim_offsets=True)))


def falcon():
    pre = pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False),
                                   pre_tokenizers.Digits(individual_digits=False),
                                   pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    return byte_level_parts(train(420, ["<|end|>"], pre=pre), pre)


def starcoder():
    pre = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                   pre_tokenizers.ByteLevel(add_prefix_space=True)])
    return byte_level_parts(train(420, ["<|end|>"], pre=pre), pre)


def bloom():
    pre = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r" ?[^(\s|[.,!?…。，、।۔،])]+"), "isolated"),
                                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return byte_level_parts(train(420, ["<unk>", "<s>", "</s>"], pre=pre), pre)


def deepseek():
    pre = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r), "isolated") for r in (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"[一-龥ࠀ-一가-퟿]+", r"\s+$")] +
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return byte_level_parts(train(420, ["<s>", "</s>"], pre=pre), pre)


def cased():
    pattern = (r"[^\r\n\p{L}\p{N}]?+[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
               r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
               r"\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    pre = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "removed", invert=True),
                                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return byte_level_parts(train(420, ["<|end|>"], pre=pre), pre)


def grouped():
    pre = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r), "isolated") for r in (r"\p{N}{1,}", r"(?=(\d{3})+(?!\d))", r"\p{Han}+", r"[\u0061-\u0065]{,2}")] +
        [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    return byte_level_parts(train(420, ["<|end|>"], pre=pre), pre)


def words():
    pre = pre_tokenizers.Whitespace()
    norm = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()])
    data = train(330, ["<unk>"], [], pre, norm)
    data["model"]["unk_token"] = "<unk>"
    data["decoder"] = None
    return data


def lowered():
    pre = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("isolated"),
                                   pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)])
    norm = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])
    data = train(400, ["<s>", "</s>"], pre=pre, norm=norm)
    # White space that a token swallows may hold another token. (Two tokens that become one by losing their case are not tried:
    # Hugging Face's package takes either, another one each time.)
    added(data, "<|end|>", special=True, lstrip=True, rstrip=True)
    added(data, "\n\n")
    added(data, "  ", lstrip=True, rstrip=True)
    added(data, "LIT", normalized=True, single_word=True)
    ids = data["model"]["vocab"]
    post = {"type": "RobertaProcessing", "sep": ["</s>", ids["</s>"]], "cls": ["<s>", ids["<s>"]], "trim_offsets": True,
            "add_prefix_space": True}
    return byte_level_parts(data, pre, norm, post)


def spaced():
    data = pieces(500)
    data["pre_tokenizer"] = parts(pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(),
                                                           pre_tokenizers.Metaspace(prepend_scheme="first", split=True)]))
    data["decoder"] = parts(LLAMA_DECODER)
    return data


STYLES = [llama2, mistral, metaspace, gemma, llama3, neox, falcon, starcoder, bloom, deepseek, cased, grouped, words, lowered, spaced]


def spm_bytes(**options):
    return dict(byte_fallback=True, remove_extra_whitespaces=False, user_defined_symbols=["LIT"], **options)


def spm_words(**options):
    return dict(byte_fallback=False, remove_extra_whitespaces=True, **options)


SENTENCEPIECES = [spm_bytes, spm_words]


def sentencepiece_model(style, folder, texts):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=model, **style(
        model_type="bpe", vocab_size=460 if style is spm_bytes else 220, character_coverage=0.98, minloglevel=2,
        normalization_rule_name="identity", num_threads=1))
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    tokenizer = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    # It finds no special tokens in texts, we do; and it ends a text at a NUL.
    return [{"text": text, "ids": tokenizer.encode(text, add_bos=True), "decoded": tokenizer.decode(tokenizer.encode(text))}
            for text in texts if "<" not in text and "\0" not in text]


def huggingface(style, folder, texts):
    data = style()
    data["added_tokens"].sort(key=lambda a: a["id"])
    (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return [{"text": text, "ids": tokenizer.encode(text).ids, "decoded": tokenizer.decode(tokenizer.encode(text).ids)}
            for text in texts]


def random_texts(count):
    """Bits of the fixed texts, joined at random."""
    rng = random.Random(7)
    bits = [t[i:j] for t in TEXTS if t for i, j in ((0, 3), (1, 6), (0, len(t)))]
    return ["".join(rng.choice(bits) for _ in range(rng.randrange(2, 5))) for _ in range(count)]


def main():
    root = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "tokenizers"
    for style in STYLES + SENTENCEPIECES:
        if sys.argv[1:] and style.__name__ not in sys.argv[1:]:
            continue
        folder = root / style.__name__
        folder.mkdir(parents=True, exist_ok=True)
        make = sentencepiece_model if style in SENTENCEPIECES else huggingface
        rows = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in make(
            style, folder, TEXTS + MORE_TEXTS.get(style.__name__, []) + random_texts(40))]
        (folder / "expected.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")


main()
