"""A question in several words, written by a model: what to search for besides the question."""

from __future__ import annotations

from collections.abc import Sequence

from cauce.corpus.research.rewriting import PromptWriter, filled, lines_written

MOST_SEARCHES = 4
LONGEST_SEARCH = 300
"""In characters: what is longer is no search."""


class Expander:
    """Searches that a writer makes of a question by a prompt of the recipe."""

    def __init__(self, writer: PromptWriter, prompt: str) -> None:
        self._writer, self._prompt = writer, prompt

    def __call__(self, questions: Sequence[str]) -> list[list[str]]:
        """The searches for each question, none where the writer gave nothing of use.

        A line that ends with a colon announces searches and is none.
        """
        prompts = [filled(self._prompt, question=question) for question in questions]
        return [
            [line for line in lines if len(line) <= LONGEST_SEARCH and not line.endswith(":")][
                :MOST_SEARCHES
            ]
            for lines in lines_written(self._writer, prompts)
        ]
