"""The records that every stage shares: frozen, typed, and written as one JSON object a line."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["en", "es"]
"""ISO 639-1 code of a text."""
Spoken = Literal["es", "en", "ca"]
"""ISO 639-1 code of what a person writes and is answered in."""

Split = Literal["train", "validation", "test"]
"""Learned from, judged by while training, or kept for the evaluation."""


class Record(BaseModel):
    """Immutable; unknown keys are refused; equal when all fields are equal."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(NamedTuple):
    """Where a piece of a text stands: its first character, and the one behind its last."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The piece itself."""
        return text[self.start : self.end]


class Table(Record):
    """Every cell of a table, row by row; a cell that spans is written once, where it starts."""

    caption: str = ""
    rows: tuple[tuple[str, ...], ...]


class Section(Record):
    """One section of a document, its text without the text of its child sections."""

    id: str
    """Unique within the document and stable between versions: a field name, a LOINC code, '4.2'."""
    kind: str
    """What a reader looks for in it: `use`, `dose`, `driving`... or `other`."""
    title: str
    text: str
    tables: tuple[Table, ...] = ()
    parent: str | None = None
    """`id` of the section that holds this one."""


class Names(Record):
    """What a medicine (or any subject of a document) is called."""

    substances: tuple[str, ...] = ()
    """Active substances, as the source spells them."""
    generics: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    codes: dict[str, tuple[str, ...]] = {}
    """Identifiers by scheme: `ndc`, `atc`, `unii`, `rxcui`, `nregistro`..."""


class DoiMatch(Record):
    """How sure the DOI of a reference is, and where it was found."""

    score: float
    """Probability that it is the right one, 0..1."""
    margin: float
    """By how much it exceeds that of the next work that is no version of the same."""
    source: str
    """`tagged` as such in the article, `printed` in its text, or found by the other fields in the
    `catalogue` or at `crossref`."""
    retracted: bool = False
    """Whether the catalogue or a registry says that the work was."""


class Reference(Record):
    """A work as it is cited: what a list of references says of it, field by field."""

    id: str
    """Within the document that cites it: `B12`, `ref-7`, `b3`."""
    raw: str = ""
    """As it is printed, in one line."""
    title: str = ""
    authors: tuple[str, ...] = ()
    """Each as `Family, Given`, in the order printed; an organisation by its name."""
    year: str = ""
    """Four digits; empty where none is printed."""
    container: str = ""
    """Journal, book or proceedings that the work stands in."""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    """`12-19`, or the number of the article."""
    doi: str | None = None
    """In lower case, without `https://doi.org/`."""
    match: DoiMatch | None = None
    """How the DOI was found; the prepare stage of articles tells it."""


class CitationMark(Record):
    """Where a sentence cites: `[3]-[5]`, `(Díaz et al., 2019)`, a raised number."""

    start: int
    """In the section's text, in characters."""
    end: int
    references: tuple[str, ...]
    """`id` of each reference that it stands for, ranges expanded."""


class CitingSentence(Record):
    """A sentence of a section that cites references of the document."""

    section: str
    start: int
    """In the section's text, in characters."""
    end: int
    text: str
    """As it is printed, marks included."""
    marks: tuple[CitationMark, ...]

    @property
    def references(self) -> tuple[str, ...]:
        """`id` of every reference that it cites, each once, in the order of the marks."""
        return tuple(dict.fromkeys(id for mark in self.marks for id in mark.references))


class Document(Record):
    """What a source gave, and where it came from."""

    source: str
    id: str
    version: str
    effective: str = ""
    """ISO 8601 date from which this version holds, where the source tells."""
    title: str
    language: Language
    sections: tuple[Section, ...]
    images: tuple[str, ...] = ()
    """What it shows, each a `data:` URI (`cauce.sources.images`)."""
    names: Names = Names()
    work: Reference | None = None
    """The document itself, as others cite it; None where it is no publication."""
    references: tuple[Reference, ...] = ()
    citing: tuple[CitingSentence, ...] = ()
    """The sentences that cite `references`, as printed."""
    group: str = ""
    """What a split keeps together: the substance, spelled the same for all makers and languages."""
    split: Split | None = None
    """The split that its source keeps it for; None leaves that to the prepare stage."""
    url: str = ""
    licence: str = ""
    retrieved: str = ""
    """ISO 8601 date on which the source was read."""

    @property
    def key(self) -> str:
        """`source/id/language`: the same for every version of one document."""
        return f"{self.source}/{self.id}/{self.language}"

    def section(self, section_id: str) -> Section:
        """The section with that id; KeyError when there is none."""
        for section in self.sections:
            if section.id == section_id:
                return section
        raise KeyError(section_id)


class Refusal(Record):
    """A record that was set aside, with its place and the reason."""

    file: str
    position: str
    """Where in the file: `line 12`, `results[3]`, `section 34070-3`."""
    reason: str


class Measurements(Record):
    """What was measured of one person: pairs of hour and value, by name.

    >>> Measurements.of_text("glucose 0:98 6.5:112").of
    {'glucose': ((0.0, 98.0), (6.5, 112.0))}
    """

    of: dict[str, tuple[tuple[float, float], ...]]
    """Hours rise; they count from any moment that is the same for all names."""

    @classmethod
    def of_text(cls, text: str) -> Measurements:
        """What `text` writes; ValueError names the line that is no name with hours and values."""
        found: dict[str, tuple[tuple[float, float], ...]] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            match = _MEASURED.fullmatch(line)
            if match is None:
                raise ValueError(f"{line[:60]!r} is not written as `glucose 0:98 6.5:112`")
            pairs = (pair.split(":") for pair in match["pairs"].split())
            found[match["name"]] = tuple((float(hour), float(value)) for hour, value in pairs)
        return cls(of=found)

    @property
    def text(self) -> str:
        """A line for each name, numbers as short as they are exact: `glucose 0:98 6.5:112`."""
        return "\n".join(
            " ".join([name, *(f"{_short(hour)}:{_short(value)}" for hour, value in pairs)])
            for name, pairs in self.of.items()
        )

    def hours(self) -> list[float]:
        """When anything was measured, rising."""
        return sorted({hour for pairs in self.of.values() for hour, _ in pairs})


_MEASURED = re.compile(r"(?P<name>\S.*?)(?P<pairs>( -?\d[\d.e+-]*:-?\d[\d.e+-]*)+)")


def _short(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(number)


class Message(Record):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str
    images: tuple[str, ...] = ()
    """What is shown before the content, each a `data:` URI (`cauce.sources.images`)."""


class Citation(Record):
    """The exact span that an answer rests on: `quote` stands letter for letter in the section."""

    source: str
    id: str
    version: str
    section: str
    quote: str
    start: int = 0
    """Where the quote starts in the section's body, in characters."""
    title: str = ""
    """What a person reads: the medicine and the section's title."""
    language: Language = "en"
    """Of the document: `source`, `id` and `language` together name one."""
    url: str = ""


class Example(Record):
    """What a model learns from or is asked."""

    id: str
    messages: tuple[Message, ...]
    """The prompt, ending with the user's turn (question and, where there is one, the evidence)."""
    completion: str
    choices: tuple[str, ...] = ()
    """What may be answered, `completion` among them; empty where any words may."""
    question: str
    evidence: Citation
    group: str
    kind: str
    """The kind of section that answers the question."""
    language: Spoken
    series: str = ""
    """The person's `Measurements` as they stand in the prompt; empty where it has none. A model
    with a prefix reads them as numbers instead, and its prompt is without this text."""
    rejected: str = ""
    """What was liked less than `completion`; empty where nothing was compared with it."""
    is_wanted: bool = True
    """False where the completion is an answer that somebody disliked."""

    @property
    def messages_without_series(self) -> tuple[Message, ...]:
        """The prompt of a model that reads the series as numbers."""
        if not self.series:
            return self.messages
        return tuple(
            it.model_copy(update={"content": it.content.replace(self.series, "").lstrip()})
            for it in self.messages
        )


class Check(Record):
    """One thing that was verified about an answer before it was given."""

    name: str
    passed: bool
    detail: str = ""


class Statement(Record):
    """One sentence of a reply and the citation that it rests on."""

    text: str
    citation: int | None = None
    """Place in the reply's `citations`; None where the assistant speaks of its record itself."""


class Decision(Record):
    """What a policy did with a turn, and all that it knew of the conversation: numbers alone."""

    action: str
    """One of `cauce.assistant.policy.actions.ACTIONS`."""
    probability: float
    """That it chose this among what is allowed, by which learning from feedback weighs it."""
    turns: tuple[tuple[float, ...], ...]
    """What is told of each turn of the person, this one last."""
    minutes: tuple[float, ...]
    """Between each turn and the one before it; 1 where that is not known."""
    reply: tuple[float, ...]
    """What is told of the reply that the assistant had."""
    allowed: tuple[bool, ...]
    """Which actions it chose among."""


class Reply(Record):
    """What the assistant says, what it rests on, and which checks it passed."""

    text: str
    """The statements one after another, as a person reads them."""
    asked: str = Field("", exclude=True)
    """The words that were answered, with what was taken from the turns before; not written down."""
    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    works: tuple[Reference, ...] = ()
    """The publications that it names, as the catalogue has them."""
    looked_at: tuple[tuple[str, ...], ...] = ()
    """DOIs of each sentence that was found, best first, whether or not it is shown."""
    confidence: float | None = None
    """Probability that the first sentence found answers, or that the kind of section was asked for;
    None where no such question was put."""
    checks: tuple[Check, ...] = ()
    abstained: bool = False
    """True when no answer is given: unknown medicine, look-alike names, no such section."""
    reason: str = ""
    """Why it abstained, or why the generated text was withheld and the section shown instead."""
    choices: tuple[str, ...] = ()
    """Names to choose from when the medicine is ambiguous."""
    group: str = ""
    """The substance that the question was resolved to."""
    kind: str = ""
    """The kind of section that the question was routed to."""
    emergency: str = ""
    """The kind of emergency that the person tells of; the text then says what to do first."""
    call: tuple[str, ...] = ()
    """Telephone numbers for it, the first one to dial first."""
    language: Spoken = "en"
    generated: bool = False
    """True when the model's own words are shown, False when the section is quoted."""
    is_finished: bool | None = None
    """Whether the model ended its words itself; None where none were asked of it alone."""
    plain: bool = False
    """True when the section is told in plain language, fact by fact."""
    decision: Decision | None = None
    """Of the policy that chose what to do with the turn; None where there is none."""
