"""Forms of speech that the judge knows, read from `data/safety`: one regular expression a line."""

from __future__ import annotations

import functools
import importlib.resources
import re


@functools.cache
def forms(name: str) -> dict[str, re.Pattern[str]]:
    """The patterns of `judge-NAME.txt` by group, to be searched in folded text.

    Each form starts at a word, a space in it is any run of them (` ?` none, too), and `%group%` is
    what stands in a group above.
    """
    path = importlib.resources.files("cauce") / f"data/safety/judge-{name}.txt"
    groups: dict[str, str] = {}
    for part in path.read_text("utf-8").split("\n## ")[1:]:
        group, *lines = part.strip().splitlines()
        joined = "|".join(lines)
        for earlier, told in groups.items():
            joined = joined.replace(f"%{earlier}%", told)
        groups[group] = joined
    return {group: re.compile(rf"\b(?:{_spaced(told)})") for group, told in groups.items()}


def _spaced(form: str) -> str:
    return form.replace("[ -]", r"[\s-]").replace(" ?", r"\s*").replace(" ", r"\s+")
