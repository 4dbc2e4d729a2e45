"""docs/papers.md names every paper that the code names, with files that exist."""

from __future__ import annotations

import re

from shared import CHECKOUT

ARXIV = re.compile(r"(?<![\d.])(?:1[4-9]|2\d)(?:0[1-9]|1[0-2])\.\d{4,5}(?![\d.])")
ROW = re.compile(r"\[(\d{4}\.\d{4,5})\]\(https://arxiv\.org/abs/\1\) \| `([\w/.]+)` \| `([\w/.]+)`")


def test_every_paper_of_the_code_is_listed_with_its_module_and_its_test():
    listed = ROW.findall((CHECKOUT / "docs" / "papers.md").read_text("utf-8"))
    for _, module, test in listed:
        assert (CHECKOUT / "src" / "cauce" / module).is_file(), module
        assert (CHECKOUT / "tests" / test).is_file(), test
    named = {
        number
        for path in (CHECKOUT / "src" / "cauce").rglob("*.py")
        for number in ARXIV.findall(path.read_text("utf-8"))
    }
    assert named - {number for number, *_ in listed} == set()
