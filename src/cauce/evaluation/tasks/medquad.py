"""Questions on health with answers of the US National Institutes of Health, from MedQuAD.

An XML file is a topic; its questions resemble each other and make a group. Owners withheld many
answers, which leaves those questions out. Ben Abacha and Demner-Fushman 2019, BMC Bioinformatics.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cauce.errors import NotFound
from cauce.evaluation.tasks.questions import Question
from cauce.records import Record, Refusal

if TYPE_CHECKING:
    from lxml import etree


class Medquad(Record):
    """The pairs of the archive that have an answer."""

    kind: Literal["medquad"] = "medquad"
    path: Path
    """`medquad.tar.xz` or another tar archive of its XML files."""
    longest_answer_chars: int = Field(1500, ge=1)
    """Longer answers are whole web pages: they are set aside."""

    def questions(self) -> Iterator[Question | Refusal]:
        """One Question a pair; a pair without answer and a file that is no XML are Refusals."""
        if not self.path.is_file():
            raise NotFound(
                f"no file {self.path}.\nName an archive of abachaa/MedQuAD: dataset.path=FILE"
            )
        with tarfile.open(self.path) as archive:
            for member in archive:
                if member.name.endswith(".xml") and (stream := archive.extractfile(member)):
                    yield from self._of_file(stream.read(), member.name)

    def _of_file(self, content: bytes, name: str) -> Iterator[Question | Refusal]:
        from lxml import etree

        file = f"{self.path}/{name}"
        try:
            root = etree.fromstring(content, etree.XMLParser(resolve_entities=False))
        except etree.XMLSyntaxError as error:
            yield Refusal(file=file, position=f"line {error.lineno}", reason=f"not XML: {error}")
            return
        # Their own numbers are not different everywhere.
        for number, pair in enumerate(root.iterfind(".//QAPair"), 1):
            position = f"pair {number}"
            question, answer = (_text(pair.find(tag)) for tag in ("Question", "Answer"))
            if not question or not answer or len(answer) > self.longest_answer_chars:
                yield Refusal(file=file, position=position, reason=self._fault(question, answer))
                continue
            asked = pair.find("Question")
            yield Question(
                id=f"{'/'.join(name.split('/')[-2:])} {position}",
                question=question,
                answer=answer,
                group=_text(root.find("Focus")).lower(),
                kind="question" if asked is None else asked.get("qtype", "question"),
                language="en",
            )

    def _fault(self, question: str, answer: str) -> str:
        if not question:
            return "no question"
        if not answer:
            return "its owner withholds the answer"
        return f"the answer has {len(answer)} characters, over {self.longest_answer_chars}"


def _text(element: etree._Element | None) -> str:
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())
