"""Bring documents in: the only package that may open an outgoing connection.

A source is a Record told apart by its `kind`; its options are the recipe's, and its `documents()`
yields one Document (or one Refusal, with file and place) at a time.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cauce.sources.articles import ArticlesSource
from cauce.sources.arxiv import ArxivSource
from cauce.sources.cima import CimaSource
from cauce.sources.epi import EpiSource
from cauce.sources.fetching import ReadableSource, fetch
from cauce.sources.files import FilesSource
from cauce.sources.hub import HubSource
from cauce.sources.news import NewsSource
from cauce.sources.openfda import OpenFdaSource
from cauce.sources.preferences import PreferencesSource
from cauce.sources.series_questions import SeriesQuestionsSource
from cauce.sources.spl import SplSource
from cauce.sources.vademecum import VademecumSource

Source = Annotated[
    OpenFdaSource
    | SplSource
    | EpiSource
    | CimaSource
    | ArticlesSource
    | ArxivSource
    | FilesSource
    | HubSource
    | NewsSource
    | VademecumSource
    | SeriesQuestionsSource
    | PreferencesSource,
    Field(discriminator="kind"),
]
"""Any source that a recipe may name."""

__all__ = [
    "ArticlesSource",
    "ArxivSource",
    "CimaSource",
    "EpiSource",
    "FilesSource",
    "HubSource",
    "NewsSource",
    "OpenFdaSource",
    "PreferencesSource",
    "ReadableSource",
    "SeriesQuestionsSource",
    "Source",
    "SplSource",
    "VademecumSource",
    "fetch",
]
