from __future__ import annotations

import gzip
import json
import random
import time
from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.knowledge.labels.differences import Difference, differences, marked, sentences_of
from cauce.knowledge.sentences import sentences
from cauce.records import Document
from cauce.sources.openfda_record import document_of
from shared import shared_data

OPENINGS = ("Adults take", "Children take", "Do not take", "Store below", "Avoid")
WORDS = st.sampled_from(["warfarin", "400", "mg", "twice", "daily", "with", "food", "25", "tea"])
SENTENCE = st.builds(
    lambda opening, words: f"{opening} {' '.join(words)}.",
    st.sampled_from(OPENINGS),
    st.lists(WORDS, min_size=1, max_size=6),
)
TEXT = st.lists(SENTENCE, max_size=12).map(" ".join)


def keys(text: str) -> Counter[str]:
    return Counter(sentence.key for sentence in sentences_of(text))


def applied(before: str, after: str) -> Counter[str]:
    """The sentences of `before` once the differences are applied to them."""
    key_of = {said.text: said.key for text in (before, after) for said in sentences_of(text)}
    result = keys(before)
    for difference in differences(before, after):
        result.subtract([key_of[difference.before]] if difference.before else [])
        result.update([key_of[difference.after]] if difference.after else [])
    assert not -result
    return +result


def kinds(before: str, after: str) -> list[str]:
    return [difference.kind for difference in differences(before, after)]


@given(TEXT, TEXT)
def test_applying_the_differences_to_before_gives_the_sentences_of_after(before, after):
    assert applied(before, after) == keys(after)


@given(TEXT)
def test_a_text_does_not_differ_from_itself(text):
    assert differences(text, text) == []


@given(TEXT, TEXT)
@settings(max_examples=200)
def test_the_way_back_is_the_way_there_mirrored(before, after):
    there = Counter((item.kind, item.before, item.after) for item in differences(before, after))
    names = {"added": "removed", "removed": "added"}
    back = Counter(
        (names.get(item.kind, item.kind), item.after, item.before)
        for item in differences(after, before)
    )
    assert there == back


@given(TEXT, st.randoms())
def test_reordering_alone_only_moves(text, generator):
    said = [span.of(text) for span in sentences(text)]
    generator.shuffle(said)
    assert set(kinds(text, " ".join(said))) <= {"moved"}


def test_a_sentence_is_added_removed_changed_or_moved():
    before = "Take 400 mg every 8 hours. Drink water. Eat well. Do not drive. Keep it cold."
    after = "Keep it cold. Take 200 mg every 8 hours. Drink water. Eat well. Avoid tea at night."
    found = differences(before, after)
    assert {(item.kind, item.before, item.after) for item in found} == {
        ("moved", "Keep it cold.", "Keep it cold."),
        ("changed", "Take 400 mg every 8 hours.", "Take 200 mg every 8 hours."),
        ("removed", "Do not drive.", ""),
        ("added", "", "Avoid tea at night."),
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Bleeding may occur ( 5.1 ).", "Bleeding may occur (5.2)."),
        ("Stop it [see Warnings and Precautions (5.3)].", "Stop it [see Warnings (5.11)]."),
        ("5.1 Hepatotoxicity Liver failure occurs.", "5.4 Hepatotoxicity Liver failure occurs."),
        ("Rates are in Table 8.", "Rates are in Table 9."),
        ("Consulte la sección 4.4.", "Consulte la sección 4.5."),
        ("Take  it\u00a0with food .", "Take it with food."),
        ("• Nausea may occur.", "Nausea may occur."),
    ],
)
def test_renumbered_references_and_spacing_are_no_difference(before, after):
    assert differences(before, after) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Take 2.5 mg daily.", "Take 1.5 mg daily."),
        ("2.5 Tablets are taken daily.", "1.5 Tablets are taken daily."),
        ("The mean was 3.2 (2.4) in adults.", "The mean was 3.2 (2.5) in adults."),
        ("Avoid it (see dosage, at most 400 mg).", "Avoid it (see dosage, at most 800 mg)."),
        ("Do not take it with food.", "Do take it with food."),
        ("Rates in Table 8 were 400 mg.", "Rates in Table 8 were 200 mg."),
    ],
)  # fmt: skip
def test_an_amount_or_a_negation_is_never_taken_for_a_reference(before, after):
    assert kinds(before, after) == ["changed"]


def test_marks_show_what_went_and_what_came():
    changed = Difference("changed", "Adults take 400 mg.", "Adults and children take 200 mg.")
    assert marked(changed) == "Adults {+and children+} take [-400-]{+200+} mg."
    long = " ".join(f"word{number}" for number in range(40))
    assert marked(Difference("changed", f"{long} 1.", f"{long} 2.")).startswith("… word34")


def test_long_sections_take_less_than_half_a_second():
    old = [f"Sentence {n} says that adults take {n % 7} mg of it for {n} days." for n in range(900)]
    new = [said.replace("adults", "children") if n % 3 else said for n, said in enumerate(old)]
    random.Random(0).shuffle(new)
    before, after = " ".join(old), " ".join(new)
    assert min(len(before), len(after)) > 50_000
    start = time.process_time()
    differences(before, after)
    assert time.process_time() - start < 0.5


@pytest.fixture(scope="module")
def versions() -> dict[str, list[Document]]:
    path = shared_data("openfda/versions-of-12.jsonl.gz")
    found: dict[str, list[Document]] = defaultdict(list)
    with gzip.open(path) as lines:
        for number, line in enumerate(lines, 1):
            document = document_of(
                json.loads(line), file=path.name, position=str(number), retrieved=""
            )
            assert isinstance(document, Document)
            found[document.id].append(document)
    return found


def text_of(document: Document, kind: str) -> str:
    return "\n".join(section.text for section in document.sections if section.kind == kind)


@pytest.mark.parametrize("kind", ["dose", "contraindications", "interactions", "warnings"])
def test_every_sentence_of_the_real_versions_is_accounted_for(versions, kind):
    pairs = [pair for documents in versions.values() for pair in pairwise(documents)]
    assert len(pairs) == 55
    for old, new in pairs:
        before, after = text_of(old, kind), text_of(new, kind)
        assert applied(before, after) == keys(after), (old.title, old.version, new.version)


def test_what_is_known_to_have_changed_in_a_real_label_is_told(versions):
    mekinist = next(found for found in versions.values() if found[0].title == "Mekinist")
    old, new = (
        next(text_of(document, "warnings") for document in mekinist if document.version == version)
        for version in ("14", "16")
    )
    found = differences(old, new)
    assert any("104ºF" in item.before for item in found if item.kind == "removed")
    assert any("≥ 100.4°F" in item.after for item in found if item.kind == "added")
