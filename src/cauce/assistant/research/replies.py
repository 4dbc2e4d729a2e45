"""What a person reads: sentences that cite, each with its works as the catalogue prints them.

DOIs, titles and years come from the catalogue by the references of the sentence shown. Any other
DOI that stands in the words of a reply is taken out, and the reply says how many were.
"""

from __future__ import annotations

from collections.abc import Sequence

from cauce.knowledge.library.library import Evidence
from cauce.records import Check, Language, Reference, Reply, Statement
from cauce.sources.dois import doi_spans

REMOVED = {"en": "[DOI removed]", "es": "[DOI retirado]"}
NOTHING: dict[Language, str] = {
    "en": "I found nothing in these articles that answers this.",
    "es": "No encuentro en estos artículos nada que responda a esto.",
}
_WORK = "→ "
_RETRACTED: dict[Language, str] = {"en": "RETRACTED: ", "es": "RETRACTADO: "}


def shown(evidence: Sequence[Evidence], language: Language) -> Reply:
    """The reply that shows these sentences, in order, and the works that each cites."""
    statements, removed = list[Statement](), 0
    for number, one in enumerate(evidence):
        said, foreign = without_dois(one.text, language)
        removed += foreign
        works = [printed(work, language) for work in one.works]
        statements.append(Statement(text="\n".join([said, *works]), citation=number))
    works_named = {work.doi: work for one in evidence for work in one.works}
    return Reply(
        text="\n\n".join(statement.text for statement in statements),
        statements=tuple(statements),
        citations=tuple(one.citation for one in evidence),
        works=tuple(works_named.values()),
        checks=(_check(removed),),
        group=evidence[0].article,
        kind="citing",
        language=language,
    )


def nothing(language: Language, reason: str) -> Reply:
    """The reply that abstains."""
    text = NOTHING[language]
    return Reply(
        text=text,
        statements=(Statement(text=text),),
        abstained=True,
        reason=reason,
        kind="citing",
        language=language,
    )


def printed(work: Reference, language: Language) -> str:
    """A work as the catalogue has it: whether it was retracted, authors, title, year, DOI."""
    flag = _RETRACTED[language] if work.match and work.match.retracted else ""
    authors = work.authors[0] + (" et al." if len(work.authors) > 1 else "") if work.authors else ""
    parts = [part.rstrip(".") for part in (authors, work.title, work.container, work.year) if part]
    told, _ = without_dois(". ".join(parts), language)
    return f"{_WORK}{flag}{told}. https://doi.org/{work.doi}"


def without_works(text: str) -> str:
    """What a reply says itself: its text without the lines that print works."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(_WORK))


def without_dois(text: str, language: Language) -> tuple[str, int]:
    """The text with every DOI that it spells taken out, and how many those were."""
    spans = doi_spans(text)
    for span in reversed(spans):
        text = f"{text[: span.start]}{REMOVED[language]}{text[span.end :]}"
    return text, len(spans)


def _check(removed: int) -> Check:
    """Passed where the words held no DOI; those of the works are the catalogue's."""
    detail = f"{removed} DOI(s) that no evidence has were taken out" if removed else ""
    return Check(name="dois_of_evidence", passed=not removed, detail=detail)
