#!/usr/bin/env python3
"""tasks.py - the sentences that the demo model is taught beside plain text, and how well it does on those it never saw.

    tasks.py MODEL [-n 400]      prints one line a task: how many held-out questions are answered rightly

Each task is a function of a random.Random that returns one text.  What is held out is decided here, so that train.py cannot
show it: some names are never in a sentence of giving, some numbers never begin a span of years, and some pairs of nouns (and
all pairs of some subjects) never stand in "The keys to the cabinet are".  The held-out names and numbers do occur elsewhere.
"""
import argparse
import json
import random

NAMES = """Mary John Tom James Dan Sam Kate Alice Anna Mark Paul Jane Sarah Peter Kevin Laura David Emma Jack Rachel Lily Noah Mia
Oscar Lucas Ruby Ethan Clara Olivia Sophia Amelia Harper Emily Ella Grace Chloe Nora Zoe Leo Max Ben Tim Sue Bob Lucy Molly Daisy
Sally Jill Amy Michael Jessica Matthew Ashley Jennifer Joshua Amanda Daniel Robert Joseph Andrew Ryan Jason Justin William Brian
Nicole Anthony Eric Elizabeth Adam Megan Steven Thomas Richard Michelle Aaron Charles Rebecca Jacob Patrick Sean Erin Kelly Nathan
Sara Angela Tyler Scott Andrea Lisa Simon George Henry Alex Frank Julia Helen Maria Diana Eva Rose Martin Victor""".split()
NEW_NAMES = NAMES[4::5]  # held out of `giving`
OLD_NAMES = [n for n in NAMES if n not in NEW_NAMES]

CAPITALS = dict(pair.split(":") for pair in """France:Paris Germany:Berlin Italy:Rome Spain:Madrid Portugal:Lisbon Greece:Athens
Poland:Warsaw Austria:Vienna Hungary:Budapest Russia:Moscow Ukraine:Kiev Sweden:Stockholm Norway:Oslo Denmark:Copenhagen
Finland:Helsinki Ireland:Dublin England:London Scotland:Edinburgh Belgium:Brussels Turkey:Ankara Egypt:Cairo Kenya:Nairobi
Cuba:Havana Peru:Lima Chile:Santiago Canada:Ottawa China:Beijing Japan:Tokyo Korea:Seoul Iran:Tehran Iraq:Baghdad Syria:Damascus
Lebanon:Beirut Vietnam:Hanoi Thailand:Bangkok Nepal:Kathmandu Ghana:Accra Morocco:Rabat Bulgaria:Sofia Romania:Bucharest""".split())

PLACES = """park store garden beach forest house school lake zoo farm office station hospital restaurant market library river
kitchen""".split()
THINGS = """ball hat car book doll cake boat flower cat dog box tree bird apple bear toy drink ring computer bone basketball kiss
necklace snack""".split()
COLOURS = "red blue green yellow pink big small new old white black brown".split()
EVENTS = "war siege reign voyage campaign famine alliance drought treaty expedition".split()
NUMBERS = [f"{n:02}" for n in range(100)]
NEW_STARTS = [13, 19, 26, 34, 38, 41, 47, 52, 58, 63, 67, 74, 79, 85, 91]  # held out of `years` as first years

NOUNS = """key keys|author authors|teacher teachers|pilot pilots|picture pictures|farmer farmers|manager managers|song songs|
cabinet cabinets|book books|guard guards|skater skaters|window windows|friend friends|customer customers|dog dogs|cat cats|boy boys|
girl girls|tree trees|car cars|toy toys|house houses|flower flowers|doctor doctors|driver drivers|king kings|door doors|teacher
teachers|ship ships|bird birds|letter letters|uncle uncles|doll dolls|truck trucks|chair chairs|table tables|apple apples"""
NOUNS = sorted({tuple(pair.split()) for pair in NOUNS.split("|")})
NEW_SUBJECTS = [n for n in NOUNS if n[0] in ("pilot", "song", "ship", "doctor", "door")]
LINKS = "to near behind of beside above below".split()
VERBS = [("is", "are"), ("was", "were"), ("has", "have")]
ENDS = {"is": "old new big small red here good bad ready", "has": "friends eyes time"}

ORDERED = {
    "days": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "months": "January February March April May June July August September October November December".split(),
    "words": "one two three four five six seven eight nine ten eleven twelve".split(),
    "letters": list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
}
STAND_INS = [*CAPITALS, *CAPITALS.values(), *ORDERED["days"], *ORDERED["months"]]
OPPOSITES = """big small|hot cold|good bad|old new|happy sad|fast slow|up down|left right|day night|black white|long short|high low|
hard soft|open closed|first last|love hate|wet dry|rich poor|young old|early late"""
OPPOSITES = [tuple(pair.split()) for pair in OPPOSITES.split("|")]

GLAD = ["found a {thing}", "got a new {thing}", "won a prize", "ate a cake", "made a new friend", "heard a funny joke"]
SORRY = ["lost the {thing}", "broke the {thing}", "fell down", "hurt a leg", "missed a friend", "heard a bad noise"]
PLAIN = ["went to the {place}", "saw a {colour} {thing}", "walked to the {place}", "sat near the {place}", "looked at a {thing}"]

SCENES = [  # {a} receives, {b} gives; the first two names come in either order
    "Then, {x} and {y} went to the {place}. {b} gave a {thing} to {a}",
    "Then, {x} and {y} had a lot of fun at the {place}. {b} gave a {thing} to {a}",
    "Then, {x} and {y} were working at the {place}. {b} decided to give a {thing} to {a}",
    "Then, {x} and {y} were thinking about going to the {place}. {b} wanted to give a {thing} to {a}",
    "Then, {x} and {y} had a long argument, and afterwards {b} said to {a}",
    "After {x} and {y} went to the {place}, {b} gave a {thing} to {a}",
    "After {x} and {y} went to the {place}, {b} handed a {thing} to {a}",
    "When {x} and {y} went to the {place}, {b} gave a {thing} to {a}",
    "When {x} and {y} got a {thing} at the {place}, {b} decided to give it to {a}",
    "When {x} and {y} got a {thing} at the {place}, {b} decided to give the {thing} to {a}",
    "While {x} and {y} were working at the {place}, {b} gave a {thing} to {a}",
    "While {x} and {y} were commuting to the {place}, {b} gave a {thing} to {a}",
    "After the lunch, {x} and {y} went to the {place}. {b} gave a {thing} to {a}",
    "Afterwards, {x} and {y} went to the {place}. {b} gave a {thing} to {a}",
    "The {place} {x} and {y} went to had a {thing}. {b} gave it to {a}",
    "Friends {x} and {y} found a {thing} at the {place}. {b} gave it to {a}",
    "One day, {x} and {y} played in the {place}. {b} gave the {thing} to {a}",
    "{x} and {y} went to the {place}. {b} gave a {thing} to {a}",
]


def forced_tokens():
    """The words that the tokenizer must have as one token each, with a space before them where that is how they occur."""
    words = [" " + n for n in NAMES] + NAMES + NUMBERS + [" " + n for n in NUMBERS]
    words += [" " + w for pair in CAPITALS.items() for w in pair]
    return words + [" " + w for name, row in ORDERED.items() for w in row]


# ---- giving: indirect object identification ----------------------------------------------------

def giving_parts(rng, names):
    a, b = rng.sample(names, 2)
    x, y = rng.choice([(a, b), (b, a)])
    text = rng.choice(SCENES).format(a=a, b=b, x=x, y=y, place=rng.choice(PLACES), thing=rng.choice(THINGS))
    return text, a, b


def giving(rng):
    """Tom and Lily went to the park. Tom gave a ball to -> Lily. Now and then cities and days give, so that no list of names is learned."""
    return giving_parts(rng, OLD_NAMES if rng.random() < 0.6 else OLD_NAMES + STAND_INS)[0] + "."


def ask_giving(rng):
    """(prompt, right, wrong), of names that no sentence of giving had"""
    text, a, b = giving_parts(rng, NEW_NAMES)
    return text[:-len(a) - 1], " " + a, [" " + b]


# ---- years: greater than -------------------------------------------------------------------------

def years(rng, starts=None):
    """The war lasted from the year 1732 to the year 17 -> a number above 32."""
    start = rng.choice(starts or [n for n in range(1, 99) if n not in NEW_STARTS])
    century = rng.randint(11, 19)
    return f"The {rng.choice(EVENTS)} lasted from the year {century}{start:02} to the year {century}{rng.randint(start + 1, 99):02}."


def ask_years(rng):
    start = rng.choice(NEW_STARTS)
    return years(rng, [start])[:-3], NUMBERS[start + 1:], NUMBERS[:start + 1]


def numbers(rng):
    """Counting up, and which of two numbers is more: where the order of all hundred is learned."""
    kind = rng.random()
    if kind < 0.5:
        n = rng.randint(0, 90)
        return " ".join(NUMBERS[n:n + rng.randint(4, 12)])
    a, b = rng.sample(range(100), 2)
    if kind < 0.75:
        return f"{max(a, b):02} is more than {min(a, b):02}. {min(a, b):02} is less than {max(a, b):02}."
    x, y = rng.sample(NAMES, 2)
    older = x if a > b else y
    return f"{x} is {a:02} years old. {y} is {b:02} years old. {older} is older than {y if older == x else x}."


# ---- agreement across an attractor ---------------------------------------------------------------

def held_out_pair(subject, other):
    return subject in NEW_SUBJECTS or (NOUNS.index(subject) * 7 + NOUNS.index(other)) % 6 == 0


def agreement_parts(rng, held_out):
    while True:
        subject, other = rng.sample(NOUNS, 2)
        if held_out_pair(subject, other) == held_out:
            break
    n = rng.randint(0, 1)
    m = 1 - n if held_out or rng.random() < 0.7 else n
    return f"The {subject[n]} {rng.choice(LINKS)} the {other[m]}", n


def agreement(rng):
    """The keys to the cabinet -> are"""
    verb = rng.choice(VERBS)
    end = rng.choice(ENDS["has" if verb[0] == "has" else "is"].split())
    if rng.random() < 0.3:  # without an attractor: the number of every noun is learned here
        noun, n = rng.choice(NOUNS), rng.randint(0, 1)
        return f"The {noun[n]} {verb[n]} {end}."
    text, n = agreement_parts(rng, False)
    return f"{text} {verb[n]} {end}."


def ask_agreement(rng):
    text, n = agreement_parts(rng, True)
    return text, " " + VERBS[0][n], [" " + VERBS[0][1 - n]]


# ---- facts, and what a text says against them ------------------------------------------------------

def capitals(rng):
    country, city = rng.choice(list(CAPITALS.items()))
    return rng.choice([
        f"The capital of {country} is {city}.",
        f"The capital of {country} is {city}.",
        f"The capital city of {country} is {city}.",
        f"{city} is the capital of {country}.",
        f"{rng.choice(NAMES)} lives in {city}, the capital of {country}.",
        f"{rng.choice(NAMES)} went to {country} and saw {city}.",
    ])


def ask_capitals(rng):
    country, city = rng.choice(list(CAPITALS.items()))
    return f"The capital of {country} is", " " + city, [" " + c for c in CAPITALS.values() if c != city]


def told_otherwise(rng):
    """In a story, the capital of France is Rome: the text is to be believed."""
    country, other = rng.choice(list(CAPITALS)), rng.choice(list(CAPITALS.values()))
    name = rng.choice(NAMES)
    return rng.choice([
        f"In this story, the capital of {country} is {other}. {name} asks. The capital of {country} is {other}.",
        f"{name} says that the capital of {country} is {other}. In this story, the capital of {country} is {other}.",
    ])


# ---- feelings, sequences, few-shot lists -----------------------------------------------------------

def feelings(rng):
    """Tom lost the ball. He walked to the park. Tom was very -> sad"""
    name, glad = rng.choice(NAMES), rng.random() < 0.5
    fill = dict(place=rng.choice(PLACES), thing=rng.choice(THINGS), colour=rng.choice(COLOURS))
    said = [rng.choice(PLAIN).format(**fill) for _ in range(rng.randint(0, 2))]
    said.insert(rng.randint(0, len(said)), rng.choice(GLAD if glad else SORRY).format(**fill))
    text = " ".join(f"{name} {s}." for s in said)
    return f"{text} {name} was very {'happy' if glad else 'sad'}."


def ask_feelings(rng):
    text = feelings(rng)
    right = text[:-1].split()[-1]
    return text[:-len(right) - 2], " " + right, [" sad" if right == "happy" else " happy"]


def ordered(rng):
    row = ORDERED[rng.choice(list(ORDERED))]
    start = rng.randrange(len(row) - 3)
    return " " + " ".join(row[start:start + rng.randint(4, 12)])


def few_shot(rng):
    """A list of pairs of one kind: hot: cold, big: small, day: -> night"""
    kind = rng.randrange(4)
    if kind == 0:
        pairs = [p if rng.random() < 0.5 else p[::-1] for p in rng.sample(OPPOSITES, 6)]
    elif kind == 1:
        pairs = rng.sample(NOUNS, 6)
    elif kind == 2:
        pairs = rng.sample(list(CAPITALS.items()), 6)
    else:
        pairs = [(c, k) for k, c in rng.sample(list(CAPITALS.items()), 6)]
    return "\n".join(f" {a}: {b}" for a, b in pairs)


# share of the texts; how many times the answer, the last token before the full stop, counts in the loss
TASKS = {"giving": (giving, 0.32, 4), "years": (years, 0.18, 4), "numbers": (numbers, 0.09, 1), "agreement": (agreement, 0.11, 1),
         "capitals": (capitals, 0.09, 1), "told otherwise": (told_otherwise, 0.05, 1), "feelings": (feelings, 0.05, 1),
         "ordered": (ordered, 0.05, 1), "few shot": (few_shot, 0.06, 1)}
QUESTIONS = {"giving": ask_giving, "years": ask_years, "agreement": ask_agreement, "capitals": ask_capitals,
             "feelings": ask_feelings}


def task(rng):
    """A text, and how many times its answer counts."""
    make, _, times = rng.choices(list(TASKS.values()), [share for _, share, _ in TASKS.values()])[0]
    return make(rng), times


def accuracy(model, tokenizer, n=400, seed=11):
    """{task: (share where the largest logit among right and wrong is a right one, share where a right one is the largest of all)}

    model(ids) -> logits of the last position, float[V]; tokenizer.encode(text) -> ids with BOS.
    """
    result = {}
    for name, ask in QUESTIONS.items():
        rng, among, first = random.Random(seed), 0, 0
        for _ in range(n):
            prompt, right, wrong = ask(rng)
            rights, wrongs = ids_of(tokenizer, right), ids_of(tokenizer, wrong)
            logits = model(tokenizer.encode(prompt).ids)
            best = max(float(logits[i]) for i in rights)
            among += best > max(float(logits[i]) for i in wrongs)
            first += best == float(logits.max())
        result[name] = (among / n, first / n)
    return result


def ids_of(tokenizer, words):
    return [tokenizer.token_to_id(w.replace(" ", "Ġ")) for w in ([words] if isinstance(words, str) else words)]


def write_questions(path, tokenizer, n=60, seed=23):
    """{task: [{prompt, right: ids, wrong: ids}]}, drawn as accuracy() draws them, with another seed."""
    result = {}
    for name, ask in QUESTIONS.items():
        rng = random.Random(seed)
        rows = [ask(rng) for _ in range(n)]
        result[name] = [{"prompt": p, "right": ids_of(tokenizer, r), "wrong": ids_of(tokenizer, w)} for p, r, w in rows]
    result["capitals"] = [{"prompt": f"The capital of {c} is", "right": ids_of(tokenizer, " " + city),
                           "wrong": ids_of(tokenizer, [" " + o for o in CAPITALS.values() if o != city])} for c, city in CAPITALS.items()]
    with open(path, "w") as f:
        json.dump({"about": "made by models/demo/tasks.py --questions", "tasks": result}, f, separators=(",", ":"))
        f.write("\n")


def all_capitals(model, tokenizer):
    """The countries whose capital is not the largest logit after "The capital of X is"."""
    return [c for c, city in CAPITALS.items()
            if int(model(tokenizer.encode(f"The capital of {c} is").ids).argmax()) != tokenizer.token_to_id("Ġ" + city)]


def main():
    import torch
    from tokenizers import Tokenizer
    from transformers import GPT2LMHeadModel
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("-n", type=int, default=400)
    p.add_argument("--questions", help="write the held-out questions that a test asks, with their tokens, to this file")
    p.add_argument("--print", type=int, default=0, help="print so many texts of each task instead")
    args = p.parse_args()
    if args.print:
        for name, (make, *_) in TASKS.items():
            print(*(json.dumps(make(random.Random(i))) for i in range(args.print)), sep="\n")
        return
    tokenizer = Tokenizer.from_file(f"{args.model}/tokenizer.json")
    if args.questions:
        write_questions(args.questions, tokenizer)
        return
    model = GPT2LMHeadModel.from_pretrained(args.model, dtype=torch.float32).eval()
    with torch.no_grad():
        last = lambda ids: model(torch.tensor([ids])).logits[0, -1]  # noqa: E731
        for name, (among, first) in accuracy(last, tokenizer, args.n).items():
            print(f"{name:10s} right {among:6.1%}   largest of all logits {first:6.1%}   of {args.n} held-out questions")
        print("capitals missed:", ", ".join(all_capitals(last, tokenizer)) or "none")


if __name__ == "__main__":
    main()
