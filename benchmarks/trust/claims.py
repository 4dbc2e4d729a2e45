"""Are altered claims caught outside labels of medicines? On scientific articles and clinical cases.

    python -m benchmarks.trust.claims

A case is a sentence, altered or not, checked by `check_claims` against the passage it stands in,
without any title or list of medicines. `python -m benchmarks.medicines --only claims` measures the
same checks on labels, where routes, medicines and frequencies stand as well. The checks were not
changed after these texts were looked at.
"""

from __future__ import annotations

import itertools
import random
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.medicines import alterations, faithful
from benchmarks.medicines.label_sentences import Sentence, sentences_of
from benchmarks.scholar.answers import PATTERNS
from cauce.knowledge.claims.verdicts import Verdict, check_claims
from cauce.records import Document, Section
from cauce.sources.articles import ArticlesSource

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CASES = 1000
BARS = {"numbers": 0.99, "units": 0.99, "negation": 0.90, "populations": None}
MOST_FALSE_ALARMS = 0.02


def measure(data: Path = DATA) -> None:
    """False alarms on faithful sentences, and what is caught of altered ones."""
    texts = {"articles": _articles(data / "scholar"), "clinical cases": _cases(data / "spaccc")}
    for name, documents in texts.items():
        found = list(sentences_of(list(documents)))
        random.Random(4).shuffle(found)
        _report_faithful(name, found)
        for kind, bar in BARS.items():
            verdicts = Counter(_altered(kind, found))
            if count := verdicts.total():
                caught = 1 - verdicts["supported"] / count
                report(f"claims, {name}: {kind} caught (of {count})", caught, bar, "higher")
                told = verdicts["contradicted"] / count
                report(f"claims, {name}: {kind} told as contradicted", told, None, "higher")


def _report_faithful(name: str, found: Sequence[Sentence]) -> None:
    alarms: dict[str, int] = {}
    counts: dict[str, int] = {}
    for change, alter in faithful.CHANGES.items():
        said = ((one, text) for one in found for text in alter(one.text, one.language, ""))
        verdicts = [_verdict(text, one) for one, text in itertools.islice(said, CASES)]
        counts[change] = len(verdicts)
        alarms[change] = sum(verdict != "supported" for verdict in verdicts)
    total = sum(counts.values())
    label = f"claims, {name}: false alarms (of {total})"
    report(label, sum(alarms.values()) / total, MOST_FALSE_ALARMS)
    for change, count in counts.items():
        if count:
            report(f"claims, {name}: {change} (of {count}), failed", alarms[change] / count, None)


def _verdict(answer: str, sentence: Sentence) -> Verdict:
    """The worst verdict on the sentences that the answer was taken for."""
    verdicts = {one.verdict for one in check_claims(answer, [sentence.passage], sentence.language)}
    order: tuple[Verdict, ...] = ("contradicted", "not shown")
    return next((verdict for verdict in order if verdict in verdicts), "supported")


def _altered(kind: str, found: Sequence[Sentence]) -> Iterator[Verdict]:
    """Verdicts on altered sentences; what the passage states letter for letter is not false."""
    luck, count = random.Random(7), 0
    for sentence in found:
        for _, answer in alterations.KINDS[kind](sentence.text, sentence, {}, luck):
            if " ".join(answer.lower().split()) not in " ".join(sentence.passage.lower().split()):
                yield _verdict(answer, sentence)
                count += 1
        if count >= CASES:
            return


def _articles(folder: Path) -> Iterator[Document]:
    for pattern in PATTERNS:
        for document in ArticlesSource(path=folder / pattern).documents():
            if isinstance(document, Document):
                yield document


def _cases(folder: Path) -> Iterator[Document]:
    """The clinical cases in Spanish, a document each."""
    for path in folder.glob("*.tar.xz"):
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.name.endswith(".txt") else None
                if stream:
                    text = stream.read().decode("utf-8")
                    section = Section(id="case", kind="other", title="", text=text)
                    yield Document(
                        source="spaccc",
                        id=member.name,
                        version="1",
                        title="",
                        language="es",
                        sections=(section,),
                        group=member.name,
                    )


if __name__ == "__main__":
    measure()
