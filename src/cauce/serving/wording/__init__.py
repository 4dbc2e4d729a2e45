"""The words of the app's pages in each of their languages, a module for each page."""

from __future__ import annotations

from cauce.records import Spoken

Wording = dict[Spoken, dict[str, str]]
"""By language, the words of a page by what they are for."""
