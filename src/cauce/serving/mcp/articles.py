"""The tool of a library of articles: which works support what is asked, by their DOIs."""

from __future__ import annotations

from cauce.assistant.research.assistant import ResearchAssistant
from cauce.knowledge.library.library import Evidence
from cauce.serving.mcp.answers import Question
from cauce.serving.mcp.outputs import CitingSentenceFound, Work, WorksFound


class Articles:
    """What a library tells."""

    def __init__(self, assistant: ResearchAssistant) -> None:
        self._assistant = assistant

    def find_dois(self, question: Question) -> WorksFound:
        """DOIs that answer a question: the nearest sentences of articles with the works they cite.

        Every DOI is one of the run's own catalogue. Never write one that is not in the result.
        En español: busca los DOI que responden a una pregunta, con las frases que los citan.
        """
        found = self._assistant.find(question)
        return WorksFound(
            sentences=tuple(_sentence(one.evidence) for one in found.found),
            confidence=round(found.confidence, 4),
            is_enough=found.is_enough,
        )


def _sentence(evidence: Evidence) -> CitingSentenceFound:
    return CitingSentenceFound(
        text=evidence.text,
        works=tuple(map(Work.of, evidence.works)),
        citation=evidence.citation,
    )
