"""Never another medicine: names, codes, typos, look-alikes and unknowns, asked of the assistant."""

from __future__ import annotations

import itertools
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from benchmarks import report
from benchmarks.medicines.asked import Asked as Asked
from benchmarks.medicines.asked import Store as Store
from benchmarks.medicines.attacks import NEVER_ANSWERED, attacks
from benchmarks.medicines.misspelling import between, invented, misspelled
from benchmarks.medicines.options import Options
from cauce.assistant.assistant import Assistant
from cauce.assistant.settings import AssistantSettings
from cauce.corpus.questions import QUESTIONS
from cauce.knowledge.names.said import pieces
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.knowledge.words import fold
from cauce.records import Document, Language, Message, Reply
from cauce.sources import EpiSource, OpenFdaSource, SplSource, VademecumSource
from cauce.sources.substances import known_medicines, substance_group

SEED = 4
CODE_SCHEMES = ("ndc", "atc", "nregistro", "eu", "unii")
TYPOS_OF_A_NAME = 2
QUICK_QUESTIONS = 1_000
SHORTEST_MISSPELLED = 6


def run(options: Options) -> None:
    """Reports how the assistant fares over questions that name medicines in every way."""
    store = store_of(options.data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        build_index(path, store.documents)
        ask = asker(Index(path))
        asked = list(questions(store))
        if options.quick:
            asked = random.Random(SEED).sample(asked, QUICK_QUESTIONS)
        start = time.process_time()
        replies = [(item, ask(item)) for item in asked]
        seconds = time.process_time() - start
    report_on(replies, store)
    report("names: cpu_s_per_question", seconds / len(asked), None)
    group_of = groups_of_documents(store)
    rows = [
        {**item._asdict(), "groups": sorted(item.groups), "reply": reply.model_dump()}
        for item, reply in replies
        if is_wrong(item, reply, group_of) or not is_as_promised(item, reply, store)
    ]
    options.write_failures("names", rows)


def asker(index: Index) -> Callable[[Asked], Reply]:
    """The whole assistant, without a model: what it shows is the sections' own words."""
    assistant = Assistant(None, index, AssistantSettings())

    def ask(item: Asked) -> Reply:
        history = [Message(role="user", content=turn) for turn in item.history]
        return assistant.reply(item.question, history)

    return ask


def store_of(data: Path) -> Store:
    """The embedded vademecum, 150 labels, 8 Spanish bundles and the SPL files as one store."""
    sources = (
        VademecumSource(),
        OpenFdaSource(path=data / "openfda/labels-150.jsonl.gz"),
        EpiSource(path=data / "epi-aemps"),
        SplSource(path=data / "spl"),
    )
    read = itertools.chain.from_iterable(source.documents() for source in sources)
    documents = [document for document in read if isinstance(document, Document)]
    by_group: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        by_group[document.group].append(document)
    names = {
        fold(name): group
        for names in known_medicines()
        for group in [group_of_line(names, by_group.keys())]
        for name in names
        if name.isalpha()
    }
    names |= {
        fold(name): document.group
        for document in documents
        for name in names_of(document)
        if name.isalpha()
    }
    return Store(documents, dict(by_group), names)


def group_of_line(names: Sequence[str], groups: Iterable[str]) -> str:
    """The medicine of the store that bears one of the names; else `?` and the first of them."""
    own = {substance_group([name]) for name in names} & {*groups}
    return min(own) if own else f"?{fold(names[0])}"


def names_of(document: Document) -> list[str]:
    """What the document's medicine is called; a part of a combination is no name of it."""
    names = document.names
    substances = names.substances if len(names.substances) == 1 else ()
    return [*dict.fromkeys((*names.generics, *substances, *names.brands))]


def questions(store: Store) -> Iterator[Asked]:
    """Every category, each in the wordings of both languages in turn."""
    draw = random.Random(SEED)
    turn = itertools.count()
    for category, name, groups, must_ask in subjects(store, draw):
        yield Asked(category, worded(name, groups, store, next(turn)), name, groups, must_ask)
    yield from attacks(store, random.Random(SEED))


def worded(name: str, groups: frozenset[str], store: Store, number: int) -> str:
    """A question about `name`, of a kind that the documents of its medicine hold."""
    held = {
        section.kind
        for group in groups
        for document in store.by_group.get(group, ())
        for section in document.sections
        if section.text
    }
    kinds = [kind for kind in QUESTIONS if kind in held] or list(QUESTIONS)
    languages: tuple[Language, ...] = ("en", "es")
    wordings = QUESTIONS[kinds[number % len(kinds)]][languages[number % 2]]
    return wordings[number % len(wordings)].format(name=name)


Subject = tuple[str, str, frozenset[str], tuple[str, ...]]


def subjects(store: Store, draw: random.Random) -> Iterator[Subject]:
    """Category, name, the medicines it may stand for, and those it must be asked between."""
    exact = dict.fromkeys(named(store))
    yield from exact
    yield from typos(exact, store, draw)
    yield from look_alikes(store, draw)
    yield from unknowns(store, draw)


def named(store: Store) -> Iterator[Subject]:
    """Names as printed, the Spanish and English international ones, and codes."""
    bearers: dict[str, set[str]] = defaultdict(set)
    for document in store.documents:
        for name in names_of(document):
            bearers[fold(name)].add(document.group)
    for document in store.documents:
        own = frozenset((document.group,))
        generics = {*document.names.generics, *document.names.substances}
        for name in names_of(document):
            if len(bearers[fold(name)]) == 1:
                category = "brand" if name not in generics else "generic" if plain(name) else "salt"
                spoken = name.title() if category == "brand" else name.lower()
                yield category, spoken if name.isupper() else name, own, ()
    for names in known_medicines():
        group = group_of_line(names, store.by_group)
        for name in names if group in store.by_group else ():
            yield "international name", name, frozenset((group,)), ()
    yield from codes(store)


def plain(name: str) -> bool:
    return " " not in name


def codes(store: Store) -> Iterator[Subject]:
    """The first code of each scheme of each document, where one medicine alone bears it."""
    bearers: dict[str, set[str]] = defaultdict(set)
    for document in store.documents:
        for scheme in CODE_SCHEMES:
            for code in document.names.codes.get(scheme, ()):
                bearers[code].add(document.group)
    for document in store.documents:
        own = frozenset((document.group,))
        if document.source == "openfda":
            yield "code", document.id, own, ()
        for scheme in CODE_SCHEMES:
            for code in document.names.codes.get(scheme, ())[:1]:
                is_part = scheme == "unii" and len(document.names.codes[scheme]) > 1
                if len(bearers[code]) == 1 and not is_part:
                    yield "code", code, own, ()


def typos(exact: Iterable[Subject], store: Store, draw: random.Random) -> Iterator[Subject]:
    """Misspellings of single-word names; those as near to another medicine must not be answered."""
    words = sorted({(name, groups) for category, name, groups, _ in exact if category != "code"})
    names = list(store.names)
    for name, groups in words:
        word = fold(name)
        if not word.isalpha() or len(word) < SHORTEST_MISSPELLED:
            continue
        for typos_drawn in (1, 2):
            for _ in range(TYPOS_OF_A_NAME):
                text = misspelled(word, typos_drawn, draw)
                if text in store.names or OSA.distance(text, word) != typos_drawn:
                    continue
                near = process.extract(
                    text, names, scorer=OSA.distance, score_cutoff=typos_drawn, limit=None
                )
                rivals = {store.names[other] for other, _, _ in near} - groups
                category = f"{typos_drawn} typos" + (", near another" if rivals else "")
                yield category, text, groups, ()


def look_alikes(store: Store, draw: random.Random) -> Iterator[Subject]:
    """A text between each two names within two letters of each other, one at least of the store."""
    names = sorted(name for name in store.names if len(name) >= SHORTEST_MISSPELLED)
    for number, name in enumerate(names):
        near = process.extract(
            name, names[number + 1 :], scorer=OSA.distance, score_cutoff=2, limit=None
        )
        for other, _, _ in near:
            owners = (store.names[name], store.names[other])
            stored = frozenset(owner for owner in owners if not owner.startswith("?"))
            if owners[0] == owners[1] or not stored:
                continue
            text = between(name, other, store.names, draw)
            if text:
                yield "look-alike", text, frozenset(), owners


def unknowns(store: Store, draw: random.Random) -> Iterator[Subject]:
    """Real medicines that the store lacks, in any combination, and invented names."""
    parts = {part for group in store.by_group for part in group.replace("+", " ").split()}
    for names in known_medicines():
        groups = {substance_group([name]) for name in names}
        if any({*group.replace("+", " ").split()} & parts for group in groups):
            continue
        yield "unknown", draw.choice(names), frozenset(), ()
    known = [*store.names, *parts]
    for name in invented(len(known_medicines()) // 4, known, draw):
        yield "invented", name, frozenset(), ()


def groups_of_documents(store: Store) -> dict[tuple[str, str], str]:
    return {(document.source, document.id): document.group for document in store.documents}


def is_wrong(item: Asked, reply: Reply, group_of: dict[tuple[str, str], str]) -> bool:
    """True when the reply cites a document of a medicine that was not asked about."""
    cited = {group_of[citation.source, citation.id] for citation in reply.citations}
    return bool(cited - item.groups)


def is_right(item: Asked, reply: Reply) -> bool:
    return reply.group in item.groups


def is_asked(item: Asked, reply: Reply, store: Store) -> bool:
    """True when the reply asks, and every medicine that the text may stand for is a choice."""
    offered = {owner_of(choice, store) for choice in reply.choices}
    return reply.abstained and bool(reply.choices) and {*item.must_ask} <= offered


def owner_of(choice: str, store: Store) -> str:
    return store.names.get(fold(choice)) or substance_group([choice])


def is_refused(item: Asked, reply: Reply) -> bool:
    """True when nothing is answered and the refusal says what was looked for."""
    said = {*pieces(reply.reason)}
    return reply.abstained and "unknown" in said and {*pieces(item.name)} <= said


def is_as_promised(item: Asked, reply: Reply, store: Store) -> bool:
    if item.category in NEVER_ANSWERED:
        return reply.abstained
    if item.must_ask:
        return is_asked(item, reply, store)
    if not item.groups:
        return is_refused(item, reply)
    return is_right(item, reply) or (", near" in item.category and reply.abstained)


def report_on(replies: Sequence[tuple[Asked, Reply]], store: Store) -> None:
    """The promises and, without a bar, what each category came to."""
    group_of = groups_of_documents(store)
    report("names: questions", len(replies), 1_000, better="higher")
    wrong = sum(is_wrong(item, reply, group_of) for item, reply in replies)
    report("wrong_drug_answers", wrong, 0)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for item, reply in replies:
        counts[item.category][outcome(item, reply, store)] += 1
    for category, outcomes in counts.items():
        total = outcomes.total()
        report(f"names: {category}: questions", total, None)
        if category == "look-alike":
            report("look_alike_asked_rate", outcomes["asked"] / total, 1.0, better="higher")
        elif category in ("unknown", "invented"):
            report(f"{category}_refused_rate", outcomes["refused"] / total, 1.0, better="higher")
        elif category in NEVER_ANSWERED:
            shown = 1 - outcomes["other"] / total
            report(f"names: {category}: never another", shown, 1.0, better="higher")
        elif ", near" in category:
            shown = (outcomes["right"] + outcomes["asked"] + outcomes["abstained"]) / total
            report(f"names: {category}: never another", shown, 1.0, better="higher")
        else:
            bar = 0.98 if "typos" not in category and category != "several" else None
            report(f"right_drug_rate: {category}", outcomes["right"] / total, bar, better="higher")
            report(f"names: {category}: asked", outcomes["asked"] / total, None)


def outcome(item: Asked, reply: Reply, store: Store) -> str:
    """`right`, `asked`, `refused`, `abstained` otherwise, or `other` than was asked about."""
    if is_right(item, reply):
        return "right"
    if not reply.abstained:
        return "other"
    if reply.choices and is_asked(item, reply, store):
        return "asked"
    return "refused" if not item.groups and is_refused(item, reply) else "abstained"
