"""Questions of the Spanish exam for resident doctors (MIR), from the archive of CasiMedicos-Arg.

Its files hold a word and its label a line (IOB2), an empty line after each sentence. A case has
its type, the clinical case, the numbered choices, the right one, and doctors' explanations of it,
which are not shown. Sviridova et al. 2024, EMNLP, main.1026.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from cauce.errors import DataRefused, NotFound
from cauce.evaluation.tasks.questions import Question
from cauce.records import Language, Record, Refusal

_NUMBERED = re.compile(r"(\d+)\s*[-.)]\s*(.*)")
_NO_CHOICE = "nan"
"""What stands in the archive for a fifth choice where the exam has four."""
_TYPE, _CASE, _CORRECT = "QUESTION TYPE:", "CLINICAL CASE:", "CORRECT ANSWER:"


class Casimedicos(Record):
    """The exam questions of one split in one language."""

    kind: Literal["casimedicos"] = "casimedicos"
    path: Path
    """`casimedicos-arg.tar.gz`."""
    split: Literal["train", "dev", "test"] = "test"
    language: Language = "es"

    def questions(self) -> Iterator[Question | Refusal]:
        """One Question a case; a case without choices or right answer is a Refusal."""
        name = f"{self.language.upper()}/{self.split}.tsv"
        for number, case in enumerate(_cases(_member(self.path, name))):
            yield _question(case, f"{self.path}/{name}", f"case {number + 1}", self.language)


def _member(path: Path, name: str) -> str:
    if not path.is_file():
        raise NotFound(
            f"no file {path}.\nName casimedicos-arg.tar.gz (of ixa-ehu/antidote-casimedicos): "
            "dataset.path=FILE"
        )
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.endswith(f"/{name}") and (stream := archive.extractfile(member)):
                return stream.read().decode()
    raise DataRefused(f"{path} holds no {name}.\nName casimedicos-arg.tar.gz in dataset.path.")


def _cases(content: str) -> Iterator[list[str]]:
    """The sentences of each case."""
    case: list[str] = []
    for block in re.split(r"\n\s*\n", content):
        sentence = " ".join(line.split(" ")[0] for line in block.splitlines() if line.strip())
        if sentence.startswith(_TYPE):
            if case:
                yield case
            case = []
        if sentence:
            case.append(sentence)
    if case:
        yield case


def _question(case: list[str], file: str, position: str, language: Language) -> Question | Refusal:
    end = next((at for at, line in enumerate(case) if line.startswith(_CORRECT)), None)
    if end is None:
        return Refusal(file=file, position=position, reason=f"no {_CORRECT!r}")
    told, choices = _parts([line for line in case[:end] if not line.startswith((_TYPE, _CASE))])
    correct = case[end].removeprefix(_CORRECT).strip()
    try:
        if correct not in choices:
            raise ValueError(f"the right answer is {correct!r}, of the choices {[*choices]}")
        return Question(
            id=f"{language} {position}",
            question=" ".join(told),
            choices=tuple(choices.values()),
            correct=[*choices].index(correct),
            kind=case[0].removeprefix(_TYPE).strip().lower(),
            language=language,
        )
    except (ValidationError, ValueError) as error:
        reason = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)
        return Refusal(file=file, position=position, reason=reason)


def _parts(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """The sentences of the case, and the choices that end it, by number; empty ones left out."""
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    starts = [place for place, found in enumerate(numbered) if found and found[1] == "1"]
    start = starts[-1] if starts else len(lines)
    choices: dict[str, str] = {}
    for line, found in zip(lines[start:], numbered[start:], strict=True):
        if found and found[1] == str(len(choices) + 1):
            choices[found[1]] = found[2]
        else:
            # A choice of two sentences.
            choices[str(len(choices))] += f" {line}"
    return lines[:start], {n: text for n, text in choices.items() if text != _NO_CHOICE}
