"""Makes `src/cauce/data/safety/judge.bin` and `request.bin`: what answers are and what is asked.

    python scripts/make_judge.py            # writes the tables
    python scripts/make_judge.py --check    # each style of answer by what the others teach

Needs numpy and scipy. Answers are learnt from `safety/judge_answers` and from what the assistant
says in an emergency or to an attack, requests from their prompts, `safety/judge_requests.tsv` and
the texts of guard and triage. All were written for this; those of `benchmarks/trust` are never
read here.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from make_triage import emergencies_among_guard_texts
from train_classifier import Labelled, lines_of, train

from cauce.assistant.guarded import ATTACKED, HARMFUL
from cauce.corpus.questions import training_wordings
from cauce.knowledge.words import fold
from cauce.records import Document, Spoken
from cauce.safety.classifier import Classifier
from cauce.safety.judge.cues import cues, learnt_text
from cauce.safety.judge.requests import read_part, risks
from cauce.safety.triage.answers import Kind, emergency_answer
from cauce.sources.vademecum import VademecumSource

Requests = Mapping[str, Mapping[str, float]]
"""What is told of each prompt."""

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = ROOT / "scripts" / "safety" / "judge_answers"
"""A file for each author."""
PROMPTS = ROOT / "scripts" / "safety" / "judge_prompts.tsv"
"""What the prompts of these ask for, where it is not plainly ordinary."""
REQUESTS = ROOT / "scripts" / "safety" / "judge_requests.tsv"
GUARD_TEXTS = ROOT / "scripts" / "safety" / "guard_texts"
TRIAGE_TEXTS = ROOT / "scripts" / "safety" / "triage_texts"
DATA = ROOT / "src" / "cauce" / "data" / "safety"
FOLDS = 5
"""Parts of the prompts; what is asked is told of each by what the others teach, so that the judge
learns from requests as uncertain as those that it will meet."""

PENALTY = 0.01
"""Of `train_classifier.train`: by leaving each style out, 2026-11."""
ROWS = 1 << 17
"""With 4 labels 524 kB; half of it costs .015 of kappa on authors who were left out."""
BROKEN = 100
"""Incoherent answers made from the coherent ones, beside those that were written."""
TAKEN_BACK = 80
"""Harmful answers behind a refusal, made of those that were written."""
TURNS = {
    "es": ["Dicho esto,", "Sin embargo:", "Pero bueno, ya que insistes:", "Aun así,", "En fin."],
    "ca": ["Dit això,", "Tanmateix:", "Però, ja que insisteixes:", "Així i tot,", "En fi."],
    "en": ["That said,", "However,", "But since you insist:", "Anyway,", "Still,"],
}
SEED = 10
LANGUAGES: tuple[Spoken, ...] = ("es", "en", "ca")
KINDS: tuple[Kind, ...] = get_args(Kind)
OWN = 4
"""Prompts to each of the assistant's own answers."""
QUOTED = 4
"""Sections of a document that is quoted."""


class Answer(NamedTuple):
    """An answer to learn from, with its style and what it is."""

    style: str
    language: str
    label: str
    prompt: str
    text: str


def answers() -> list[Answer]:
    """Every written answer."""
    known = []
    for line in lines_of(ANSWERS):
        style, language, label, prompt, text = line.split("\t")
        known.append(Answer(style, language, label, prompt, text.replace("\\n", "\n")))
    return [*known, *own_answers(), *quoted_answers()]


def own_answers() -> Iterator[Answer]:
    """What the assistant says itself: in an emergency, to an attack, and instead of harm."""
    drawn = random.Random(SEED)
    emergencies = [line.split("\t") for line in lines_of(TRIAGE_TEXTS)]
    attacks = [line.split("\t") for line in lines_of(GUARD_TEXTS)]
    for language in LANGUAGES:
        for kind in KINDS:
            told = [one[3] for one in emergencies if (one[0], one[2]) == (kind, language)]
            said = emergency_answer(kind, language).text
            for prompt in drawn.sample(told, OWN):
                yield Answer("own", language, "safe_completion", prompt, said)
        tried = [it[3] for it in attacks if (it[0], it[2]) == ("attack", language)]
        for words in (ATTACKED, HARMFUL):
            for prompt in drawn.sample(tried, OWN):
                yield Answer("own", language, "refuses", prompt, words[language])


def quoted_answers() -> Iterator[Answer]:
    """Sections of every second medicine of the vademecum, as the assistant quotes them."""
    drawn = random.Random(SEED)
    documents = [one for one in VademecumSource().documents() if isinstance(one, Document)]
    medicines = sorted({document.id for document in documents})[::2]
    for document in (one for one in documents if one.id in medicines):
        for section in drawn.sample(document.sections, QUOTED):
            wording = drawn.choice(training_wordings(section.kind, document.language))
            prompt = wording.format(name=document.title)
            yield Answer("quoted", document.language, "safe_completion", prompt, section.text)


def learn(known: Sequence[Answer], requests: Requests) -> Classifier:
    """The judge that these answers teach."""
    return train(
        [_labelled(answer, requests) for answer in enlarged(known)], penalty=PENALTY, rows=ROWS
    )


def _labelled(answer: Answer, requests: Requests) -> Labelled:
    found = cues(answer.prompt, answer.text, requests[answer.prompt])
    return Labelled(learnt_text(answer.text), answer.label, found)


def request_texts(known: Sequence[Answer]) -> dict[str, str]:
    """What each prompt asks for: something `harmful`, help in an `urgent` case, or neither.

    A harmful answer tells nothing of it: ordinary questions get bad advice too. So each prompt that
    has one stands in `PROMPTS`; KeyError for one that does not.
    """
    lines = PROMPTS.read_text("utf-8").splitlines()[1:]
    told = {text: label for label, text in (line.split("\t") for line in lines)}
    return {
        answer.prompt: told[answer.prompt]
        if answer.label == "harmful"
        else told.get(answer.prompt, "ordinary")
        for answer in known
    }


def other_requests() -> Iterator[Labelled]:
    """Requests written for this, and those of the guard's and of triage's texts."""
    for line in REQUESTS.read_text("utf-8").splitlines()[1:]:
        label, _, text = line.split("\t")
        yield _request(text, label, 2.0)
    emergencies = emergencies_among_guard_texts()
    for line in lines_of(GUARD_TEXTS):
        label, family, _, text = line.split("\t")
        asked = "harmful" if label == "attack" else "urgent" if text in emergencies else "ordinary"
        if family != "encoded" and emergencies.get(text) != "doubt":
            yield _request(text, asked)
    for line in lines_of(TRIAGE_TEXTS):
        kind, _, _, text = line.split("\t")
        yield _request(text, "ordinary" if kind == "none" else "urgent")


def _request(text: str, label: str, weight: float = 1.0) -> Labelled:
    read = read_part(text)
    return Labelled(read, label, risks(fold(read)), weight)


def learn_requests(asked: Mapping[str, str]) -> Classifier:
    """What these prompts and the other texts teach about requests."""
    own = [_request(text, label, 2.0) for text, label in asked.items()]
    return train([*own, *other_requests()], penalty=PENALTY)


def requests_of(asked: Mapping[str, str]) -> Requests:
    """What is told of each prompt by a table that never saw it."""
    prompts = sorted(asked)
    random.Random(SEED).shuffle(prompts)
    told = {}
    for fold_number in range(FOLDS):
        part = set(prompts[fold_number::FOLDS])
        table = learn_requests({text: asked[text] for text in prompts if text not in part})
        for text in part:
            read = read_part(text)
            told[text] = table.probabilities(read, risks(fold(read)))
    return told


def enlarged(known: Sequence[Answer]) -> Iterator[Answer]:
    """The answers; refusals once more to another prompt, which changes nothing, and taken back;
    broken ones."""
    draw = random.Random(SEED)
    prompts = defaultdict(list)
    for answer in known:
        prompts[answer.language].append(answer.prompt)
    for answer in known:
        yield answer
        if answer.label == "refuses":
            yield answer._replace(prompt=draw.choice(prompts[answer.language]))
    yield from _taken_back(known, draw)
    coherent = [answer for answer in known if answer.label != "incoherent"]
    chains = {language: _chain(coherent, language) for language in prompts}
    for _ in range(BROKEN):
        answer = draw.choice(coherent)
        broken = _broken(answer, chains[answer.language], draw)
        yield answer._replace(label="incoherent", text=broken)


def _taken_back(known: Sequence[Answer], draw: random.Random) -> Iterator[Answer]:
    """What refuses first and harms then is harmful."""
    refusals = [one for one in known if one.label == "refuses" and len(one.text) < 160]
    for _ in range(TAKEN_BACK):
        refusal = draw.choice(refusals)
        turn = draw.choice(TURNS[refusal.language])
        given = draw.choice(
            [one for one in known if (one.label, one.language) == ("harmful", refusal.language)]
        )
        yield given._replace(text=f"{refusal.text} {turn} {given.text}")


def _broken(answer: Answer, chain: dict[str, list[str]], draw: random.Random) -> str:
    """What damage makes of an answer: loops, shuffled words, echoes, words led by the last one."""
    words = answer.text.split()
    kind = draw.choice(["loop", "shuffled", "echo", "chain", "chain", "letters"])
    if kind == "loop":
        size = draw.randint(1, 5)
        start = draw.randrange(max(1, len(words) - size))
        return " ".join(words[start : start + size] * draw.randint(5, 12))
    if kind == "shuffled":
        draw.shuffle(words)
        return " ".join(words * (1 if len(words) > 8 else 2))
    if kind == "echo":
        return " ".join([answer.prompt] * draw.randint(1, 3))
    if kind == "letters":
        letters = list(answer.text)
        for place in draw.sample(range(len(letters)), len(letters) // 3):
            letters[place] = draw.choice("abcdefghijklmnopqrstuvwxyz ")
        return "".join(letters)
    told = [draw.choice(sorted(chain))]
    while len(told) < draw.randint(12, 60):
        told.append(draw.choice(chain.get(told[-1]) or sorted(chain)))
    return " ".join(told)


def _chain(known: Sequence[Answer], language: str) -> dict[str, list[str]]:
    """Which words follow each word."""
    following = defaultdict(list)
    for answer in known:
        words = answer.text.split() if answer.language == language else []
        for word, following_word in itertools.pairwise(words):
            following[word].append(following_word)
    return dict(following)


def check(known: Sequence[Answer], requests: Requests) -> None:
    """Prints for each style the share that the others place right."""
    right = 0
    for style in dict.fromkeys(answer.style for answer in known):
        judge = learn([answer for answer in known if answer.style != style], requests)
        own = [_labelled(answer, requests) for answer in known if answer.style == style]
        hits = 0
        for answer in own:
            shares = judge.probabilities(answer.text, answer.cues)
            hits += max(shares, key=lambda name: shares[name]) == answer.label
        right += hits
        print(f"{style:>20} {hits / len(own):.3f} of {len(own)}", flush=True)
    print(f"{'all':>20} {right / len(known):.3f} of {len(known)}")


if __name__ == "__main__":
    everything = answers()
    asked = request_texts(everything)
    told = requests_of(asked)
    if "--check" in sys.argv[1:]:
        check(everything, told)
    else:
        DATA.mkdir(parents=True, exist_ok=True)
        learn_requests(asked).save(DATA / "request.bin")
        learn(everything, told).save(DATA / "judge.bin")
        for name in ("request", "judge"):
            print(f"{name}.bin: {(DATA / f'{name}.bin').stat().st_size} bytes")
