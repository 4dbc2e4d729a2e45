"""Citing sentences become questions: drawn, accepted and, where a model helps, rewritten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from cauce.corpus.research.acceptance import Acceptance, Accepted
from cauce.corpus.research.citing import Cited
from cauce.corpus.research.openings import candidates
from cauce.corpus.research.ranking import Ranker
from cauce.corpus.research.rewriting import PromptWriter, filled, lines_written, question_in
from cauce.corpus.research.settings import Opening, ResearchSettings
from cauce.corpus.research.vocabulary import Vocabulary
from cauce.records import Citation, Example, Language, Message, Record, Reference


class ResearchQuestion(Record):
    """A question, the sentence that it was made of, and the works that the sentence cites."""

    id: str
    """Source, article, section, place of the sentence and kind of opening."""
    question: str
    opening: Opening
    article: str
    """Group of the citing article: its DOI, where the source knows it."""
    evidence: Citation
    """The citing sentence as it is printed."""
    sentence: str
    """The same without its marks."""
    references: tuple[Reference, ...]
    """The cited works that have a DOI."""
    rank: int
    """At which the question finds its sentence among all, from 1."""
    overlap: float
    """Share of the question's words that stand in the sentence."""
    template: str = ""
    """The question as it was before a model rewrote it; empty where none did."""
    language: Language

    @property
    def sentence_id(self) -> str:
        """`Cited.id` of the sentence."""
        return self.id.removesuffix(f"/{self.opening}")

    @property
    def dois(self) -> tuple[str, ...]:
        """The answer, each once."""
        return tuple(dict.fromkeys(work.doi for work in self.references if work.doi))

    @property
    def works(self) -> str:
        """Title and year of each cited work, a line each."""
        named = (f"{work.title or work.raw} ({work.year})" for work in self.references)
        return "\n".join(line.removesuffix(" ()") for line in named)

    @property
    def example(self) -> Example:
        """What a model learns of it: one line `doi:...` for each cited work."""
        return Example(
            id=self.id,
            messages=(Message(role="user", content=self.question),),
            completion="\n".join(f"doi:{doi}" for doi in self.dois),
            question=self.question,
            evidence=self.evidence,
            group=self.article,
            kind="citing",
            language=self.language,
        )


class Made(NamedTuple):
    """The questions of a corpus, and why other sentences gave none."""

    questions: list[ResearchQuestion]
    refused: dict[str, int]
    """Sentences that gave no question, by the reason of the last one tried."""
    rewritten: dict[str, int]
    """What became of each rewritten question: `accepted`, or why the template's was kept."""


def make_questions(
    usable: Sequence[Cited],
    vocabulary: Vocabulary,
    ranker: Ranker,
    settings: ResearchSettings,
    *,
    seed: int,
    writer: PromptWriter | None = None,
) -> Made:
    """The accepted questions of usable sentences, which the ranker knows by their places."""
    acceptance = Acceptance(ranker)
    asked: list[ResearchQuestion] = []
    places: list[int] = []
    refused: Counter[str] = Counter()
    taken: Counter[Opening] = Counter()
    for place, cited in enumerate(usable):
        made, reason = 0, ""
        for opening in sorted(settings.openings, key=lambda opening: taken[opening]):
            outcome = _ask(cited, place, opening, vocabulary, acceptance, seed=seed)
            if isinstance(outcome, str):
                reason = outcome
                continue
            asked.append(outcome)
            places.append(place)
            taken[opening] += 1
            made += 1
            if made == settings.questions_per_sentence:
                break
        if not made:
            refused[reason] += 1
    if writer is None:
        return Made(asked, dict(refused), {})
    said, became = _rewrite(asked, places, acceptance, settings.rewrite, writer)
    return Made(said, dict(refused), became)


def _ask(
    cited: Cited,
    place: int,
    opening: Opening,
    vocabulary: Vocabulary,
    acceptance: Acceptance,
    *,
    seed: int,
) -> ResearchQuestion | str:
    """The first question of that kind that is accepted, or why the last was not."""
    reason = f"no {opening} to ask about"
    for candidate in candidates(cited, opening, vocabulary, seed=seed):
        language = cited.document.language
        judged = acceptance.judge(candidate, cited.clean, place, language)
        if isinstance(judged, str):
            reason = judged
        elif acceptance.take(candidate):
            return _question(cited, candidate, opening, judged)
        else:
            reason = "nearly the same as another question"
    return reason


def _question(
    cited: Cited, question: str, opening: Opening, accepted: Accepted
) -> ResearchQuestion:
    return ResearchQuestion(
        id=f"{cited.id}/{opening}",
        question=question,
        opening=opening,
        article=cited.article,
        evidence=cited.citation,
        sentence=cited.clean,
        references=cited.works,
        rank=accepted.rank,
        overlap=round(accepted.overlap, 3),
        language=cited.document.language,
    )


def _rewrite(
    questions: Sequence[ResearchQuestion],
    places: Sequence[int],
    acceptance: Acceptance,
    prompt: str,
    writer: PromptWriter,
) -> tuple[list[ResearchQuestion], dict[str, int]]:
    """The questions, each in the model's words where these are accepted, and the counts."""
    became: Counter[str] = Counter()
    said: list[ResearchQuestion] = []
    prompts = [
        filled(prompt, question=it.question, sentence=it.sentence, works=it.works)
        for it in questions
    ]
    written = lines_written(writer, prompts)
    for item, place, lines in zip(questions, places, written, strict=True):
        text = question_in(lines)
        judged = acceptance.judge(text, item.sentence, place, item.language)
        if isinstance(judged, Accepted) and not acceptance.take(text):
            judged = "nearly the same as another question"
        became["accepted" if isinstance(judged, Accepted) else judged] += 1
        said.append(item)
        if isinstance(judged, Accepted):
            said[-1] = item.model_copy(
                update={
                    "question": text,
                    "template": item.question,
                    "rank": judged.rank,
                    "overlap": round(judged.overlap, 3),
                }
            )
    return said, dict(became)
