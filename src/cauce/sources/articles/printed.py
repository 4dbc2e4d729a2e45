"""A reference as one printed line: put together from its fields, or read for them."""

from __future__ import annotations

from cauce.records import Reference
from cauce.sources.articles.strings import parse_reference


def printed_form(reference: Reference) -> Reference:
    """The reference with `raw` put together from its fields, in the order of most styles."""
    volume = f"{reference.volume}({reference.issue})" if reference.issue else reference.volume
    place = ":".join(filter(None, (volume, reference.pages)))
    parts = (
        "; ".join(reference.authors),
        f"({reference.year})" if reference.year else "",
        reference.title,
        ", ".join(filter(None, (reference.container, place))),
        f"https://doi.org/{reference.doi}" if reference.doi else "",
    )
    return reference.model_copy(
        update={"raw": ". ".join(part.rstrip(".") for part in parts if part)}
    )


def with_fields(reference: Reference, printed: str) -> Reference:
    """The reference with `raw` as printed; where no field is told, the printed line is read.

    MissingExtra where it has to be read and the parser is not installed.
    """
    told = (reference.title, reference.container, reference.year, *reference.authors)
    if any(told) or not printed:
        return reference.model_copy(update={"raw": printed})
    read = parse_reference(reference.id, printed)
    return read.model_copy(update={"doi": reference.doi or read.doi})
