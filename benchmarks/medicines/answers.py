"""Answers that a clinician can use: real labels asked about doses and conditions, without a model.

What counts is told by plain patterns that share nothing with those that choose the quote:

* an answer about a dose is useful when its short text holds an amount to give (20 mg, 2 tablets);
* one about a condition, when a sentence of its quote, or the table under it, names the condition
  and says what to do (an amount, reduce, avoid, not recommended, no adjustment, not established);
* a quote that is only a heading, a caption or a pointer to another place is of no use;
* a quote starts where a sentence does and never ends within a word.
"""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from benchmarks.medicines.options import Options
from cauce.assistant.assistant import Assistant
from cauce.assistant.settings import AssistantSettings
from cauce.corpus.examples import spoken_names
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Document, Reply
from cauce.sources import OpenFdaSource

QUICK_DOCUMENTS = 30

DOSE_QUESTIONS = (
    "What is the usual dose of {name}?",
    "What is the recommended starting dose of {name} for adults?",
    "How much {name} should be given?",
    "dosis habitual de {name}",
)
CONDITION_QUESTIONS = {
    "renal": ("dose of {name} in renal impairment", "Is {name} safe with kidney disease?"),
    "hepatic": ("dose of {name} in hepatic impairment", "Can I take {name} with cirrhosis?"),
    "children": ("Can children take {name}?", "{name} pediatric dose"),
    "elderly": ("{name} in geriatric patients", "Is {name} safe for a 75 year old?"),
    "missed": ("I missed a dose of {name}", "What if I forget to take {name}?"),
    "alcohol": ("Can I drink alcohol with {name}?",),
    "driving": ("Can I drive while taking {name}?",),
    "crushing": ("Can {name} be crushed?",),
    "food": ("Should {name} be taken with food?",),
    "pregnancy": ("Can {name} be used in pregnancy?",),
    "breast-feeding": ("Can I breastfeed on {name}?",),
    "stopping": ("Can I stop {name} suddenly?",),
}

_NAMED = {
    "renal": r"kidney|renal|creatinine|\bcrcl|egfr|dialysis",
    "hepatic": r"liver|hepatic|cirrho|child.pugh|hepatot",
    "children": r"child|pa?ediatric|adolescen|infant|neonat|years",
    "elderly": r"elder|geriatr|older|65",
    "missed": r"miss|forg[eo]t|skip",
    "alcohol": r"alcohol|ethanol|drink",
    "driving": r"driv|machine|hazardous|automobile",
    "crushing": r"crush|chew|split|whole|divid|break|dissol|open|cut",
    "food": r"food|meal|fasting|empty stomach|eat",
    "pregnancy": r"pregnan|fet(?:al|us)|embryo|birth defect",
    "breast-feeding": r"breast|lactat|nursing|human milk|breastfe",
    "stopping": r"stop|discontinu|abrupt|withdraw|taper",
}
_AMOUNT = re.compile(
    r"(?<![\w.])\d[\d.,]*(?:\s*(?:to|-|–)\s*\d[\d.,]*)?[\s-]*"
    r"(?:mg|mcg|milligrams?|micrograms?|μg|µg|g|grams?|ml|l|units?|iu|meq|mmol|tablets?|capsules?|patch(?:es)?"
    r"|drops?|sprays?|inhalations?|packets?|vials?|doses?|mci|mbq|%)(?![a-z])"
    r"|\b(?:one|two|three|half an?) (?:\w+[ -]){0,3}"
    r"(?:tablets?|capsules?|patch(?:es)?|injections?|drops?|packets?|sprays?|inhalations?)",
    re.IGNORECASE,
)
_INSTRUCTION = re.compile(
    r"recommend|reduc|avoid|contraindicat|should|must|do not|don.t|not (?:be )?(?:used|need|requir"
    r"|necessary|include|been (?:studied|established|evaluated|determined))|experience|sufficient"
    r"|no (?:dos|adjust|initial|overall|differences|data|clinically|meaningful|specific|relevant"
    r"|studies|available|human)|adjust"
    r"|caution|monitor|lower|half|maximum|exceed|discontinu|take|may (?:be|cause|increase|impair)"
    r"|can (?:be|cause|harm|increase)|advise|instruct|inform|swallow|with(?:out)? (?:regard )?food"
    r"|insufficient|limited|established|indicated for|effective|evaluated|similar|risk"
    r"|administ|careful|start|tell|talk",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?<=[.!?;])\s+(?=[A-Z•\d(\[])|\n|(?=•)")
_POINTER = re.compile(
    r"\[\s*see [^\]]*\]|\((?:\s*see [^)]*|[\s\d.,]*)\)|\btables? \d+\b[:.]?|^[\d.\s]+"
    r"|\bsee \w+ \d[\d.]*",
    re.IGNORECASE,
)
_ANNOUNCEMENT = re.compile(r"(?:\b(?:table|figure) \d+\s*[.:]?|:)$", re.IGNORECASE)
FEWEST_WORDS = 6
"""A quote that says less than this besides pointers is taken to be a heading."""


class Asked(NamedTuple):
    """A question about a document, and what was replied."""

    question: str
    about: str
    """`dose`, or the condition."""
    holds_amount: bool
    """Whether the document's sections on the dose hold any amount."""
    reply: Reply

    @property
    def quote(self) -> str:
        """The first quote of the reply."""
        return self.reply.citations[0].quote

    @property
    def is_answered(self) -> bool:
        """True unless the reply abstains, or says that the text is silent on the condition."""
        is_silent = re.search(r"\bnot mention\b|\bsays nothing about\b", self.reply.text)
        return not self.reply.abstained and not is_silent


def run(options: Options) -> None:
    """Reports every figure."""
    source = OpenFdaSource(path=options.data / "openfda" / "labels-150.jsonl.gz")
    found = (item for item in source.documents() if isinstance(item, Document))
    documents = list(itertools.islice(found, QUICK_DOCUMENTS if options.quick else None))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        build_index(path, documents)
        index = Index(path)
        asked = list(ask(Assistant(None, index, AssistantSettings()), documents))
        bodies = Bodies(index)
        report_answers(asked, bodies, options)
        index.close()


def ask(assistant: Assistant, documents: Sequence[Document]) -> Iterator[Asked]:
    """Every wording for every document."""
    wordings = [("dose", wording) for wording in DOSE_QUESTIONS]
    wordings += [(key, text) for key, texts in CONDITION_QUESTIONS.items() for text in texts]
    for document in documents:
        dose = "\n".join(part.text for part in document.sections if part.kind == "dose")
        name = spoken_names(document)[0]
        questions = [wording.format(name=name) for _, wording in wordings]
        replies = assistant.replies(questions)
        for (about, _), question, reply in zip(wordings, questions, replies, strict=True):
            yield Asked(question, about, bool(_AMOUNT.search(dose)), reply)


class Bodies:
    """The sections' whole texts, by what cites them."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def around(self, asked: Asked) -> tuple[str, str]:
        """The characters just before and after the quote where it stands."""
        cited = asked.reply.citations[0]
        section = self._index.section(cited.source, cited.id, cited.section)
        body = section.body if section else ""
        start = body.find(cited.quote)
        end = start + len(cited.quote)
        return body[max(0, start - 1) : start], body[end : end + 1]


def report_answers(asked: Sequence[Asked], bodies: Bodies, options: Options) -> None:
    """Prints the shares, and keeps what failed."""
    answered = [one for one in asked if one.is_answered and one.reply.citations]
    doses = [one for one in answered if one.about == "dose" and one.holds_amount]
    conditions = [one for one in answered if one.about != "dose"]
    rows: list[dict[str, str]] = []

    def share(name: str, of: Sequence[Asked], is_met: Callable[[Asked], bool], better: str) -> None:
        met = [one for one in of if is_met(one)]
        report(name, round(len(met) / len(of), 4) if of else 0.0, None, better=better)
        shown = [one for one in of if is_met(one) == (better == "lower")]
        rows.extend(
            {"metric": name, "question": one.question, "text": one.reply.text, "quote": one.quote}
            for one in shown
        )

    report("answered_rate", round(len(answered) / len(asked), 4), None, better="higher")
    share("dose_answer_holds_amount", doses, holds_amount, "higher")
    share("dose_quote_holds_amount", doses, lambda one: bool(_AMOUNT.search(one.quote)), "higher")
    share("condition_answer_says_what_to_do", conditions, answer_instructs, "higher")
    share("condition_quote_says_what_to_do", conditions, quote_instructs, "higher")
    for key in CONDITION_QUESTIONS:
        own = [one for one in conditions if one.about == key]
        share(f"condition_quote_says_what_to_do_{key}", own, quote_instructs, "higher")
    share("quote_is_only_a_heading", answered, lambda one: is_heading(one.quote), "lower")
    share("answer_is_only_a_heading", answered, lambda one: is_heading(one.reply.text), "lower")
    share(
        "quote_ends_by_announcing",
        answered,
        lambda one: bool(_ANNOUNCEMENT.search(one.quote)),
        "lower",
    )
    share("quote_starts_within_a_sentence", answered, starts_within, "lower")
    share(
        "quote_ends_within_a_word",
        answered,
        lambda one: one.quote[-1:].isalnum() and bodies.around(one)[1].isalnum(),
        "lower",
    )
    options.write_failures("answers", rows)


def holds_amount(one: Asked) -> bool:
    """True when the short answer holds an amount to give."""
    return bool(_AMOUNT.search(one.reply.text))


def quote_instructs(one: Asked) -> bool:
    """True when a sentence of the quote names the condition and says what to do about it."""
    return instructs(one.quote, one.about)


def answer_instructs(one: Asked) -> bool:
    """True when a sentence of the short answer does."""
    return instructs(one.reply.text, one.about)


def instructs(text: str, about: str) -> bool:
    """True when a sentence, or it with the next, names the condition and says what to do.

    >>> instructs("Hepatic impairment: reduce the dose by half.", "hepatic")
    True
    >>> instructs("Table 4: Renal Impairment.", "renal")
    False
    """
    parts = _ENDS.split(text)
    named = re.compile(_NAMED[about], re.IGNORECASE)
    windows = (" ".join(pair) for pair in itertools.pairwise([*parts, ""]) if named.search(pair[0]))
    return any(_INSTRUCTION.search(window) or _AMOUNT.search(window) for window in windows)


def is_heading(text: str) -> bool:
    """True of a heading, a caption or a pointer: with less than a sentence besides.

    >>> is_heading("Table 4: Dose Adjustments [see Dosage (2.3)]"), is_heading("Take 20 mg daily.")
    (True, False)
    """
    rest = _POINTER.sub(" ", text).strip()
    words = re.findall(r"\w+", rest)
    is_list_opening = rest.endswith(":") and len(words) < 3 * FEWEST_WORDS
    if re.match(r"\W*tables? \d", text, re.IGNORECASE) and not _AMOUNT.search(text):
        return len(words) < 4 * FEWEST_WORDS
    says_something = _INSTRUCTION.search(rest) or _AMOUNT.search(rest)
    return is_list_opening or (len(words) < FEWEST_WORDS and not says_something)


def starts_within(one: Asked) -> bool:
    """True when the quote opens with what can only go on from something before."""
    return bool(re.match(r"[a-z]{2,}(?![A-Z])|[,;:)\]%]|\(\s*[\d.]+\s*[,)]", one.quote))
