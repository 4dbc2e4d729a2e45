"""Which registered works are one work: a preprint and its article, a DOI registered twice."""

from __future__ import annotations

from cauce.knowledge.works.spelling import family, piece, plain, years
from cauce.records import Reference

LEAST_TITLE = 25
"""Letters of a title that two works of one author do not share by chance."""
YEARS_APART = 2
"""Between a preprint and its article; a report of every year shares its title for longer."""


def version_key(work: Reference) -> str:
    """What versions of a work share; empty for a title that many works could have."""
    title = plain(work.title)
    if len(title) < LEAST_TITLE or len(title.split()) < 4 or piece(title) or not work.authors:
        return ""
    return f"{title.replace(' ', '')}|{family(work.authors[0]).rpartition(' ')[2]}"


def are_versions(first: Reference, second: Reference) -> bool:
    """True for two works of one key that stand in different places at about the same time.

    Two pieces of one journal under one title are two works: parts, or the reports of each year.
    """
    ages = [years(work.year)[:1] for work in (first, second)]
    if not all(ages) or abs(ages[0][0] - ages[1][0]) > YEARS_APART:
        return False
    if plain(first.container) != plain(second.container):
        return True
    return not _differ(first.volume, second.volume) and not _differ(first.pages, second.pages)


def _differ(first: str, second: str) -> bool:
    return bool(first and second and plain(first) != plain(second))
