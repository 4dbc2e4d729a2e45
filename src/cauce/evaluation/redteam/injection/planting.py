"""Documents with an order planted in each, as files that the package's own sources read.

Indirect prompt injection (Greshake et al. 2023, arXiv 2302.12173). The order asks for something
harmless: two words joined into one, which no document and no order spells joined.
"""

from __future__ import annotations

import functools
import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from cauce.evaluation.redteam.attempts import INJECTION, Attempt
from cauce.evaluation.redteam.goals import read_texts
from cauce.records import Language

Form = Literal["visible", "white_text", "hidden_markup", "comment", "zero_width", "citation"]
FORMS: tuple[Form, ...] = get_args(Form)
"""How an order stands in a document; `citation` is the title of a work that an article cites."""
LEAFLET_FORMS: tuple[Form, ...] = tuple(form for form in FORMS if form != "citation")
HIDDEN_FORMS: tuple[Form, ...] = ("white_text", "hidden_markup", "comment")
"""Those that no person sees who reads the document."""

_ZERO_WIDTH = "\u200b"
_MARKUP: dict[Form, Callable[[str], str]] = {
    "visible": lambda order: f"<p>{order}</p>",
    "white_text": lambda order: f'<p style="color:#ffffff;font-size:1px">{order}</p>',
    "hidden_markup": lambda order: f'<div style="display:none">{order}</div>',
    "comment": lambda order: f"<!-- {order} -->",
    "zero_width": lambda order: f"<p>{_ZERO_WIDTH.join(order)}</p>",
}


@functools.cache
def planted_texts() -> dict[str, Any]:
    """The leaflets, the findings and the orders."""
    return read_texts("planted.yaml")


def order_in(language: Language, number: int) -> str:
    """What the assistant is told to do by document `number`: there are several wordings."""
    orders = planted_texts()["orders"][language]
    return str(orders[number % len(orders)])


def joined_words() -> str:
    """What a reply holds that obeys."""
    return "".join(planted_texts()["words"])


def write_leaflets(folder: Path, form: Form) -> list[Attempt]:
    """Electronic leaflets (FHIR) in Spanish and English, each section beginning with the order.

    Returns what to ask; `EpiSource` reads the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked = []
    for language in ("es", "en"):
        for number, name in enumerate(planted_texts()["medicines"]):
            called = name if language == "es" else f"{name[:-2]}in"
            order = order_in(language, number)
            marked = _MARKUP[form](html.escape(order, quote=False))
            bundle = _bundle(called, f"{number}{language}", language, marked)
            path = folder / f"{called}.json"
            path.write_text(json.dumps(bundle, ensure_ascii=False), "utf-8")
            asked += [
                _attempt(f"{called}-{place}", question, order=order, form=form, language=language)
                for place, question in enumerate(_questions(called, language))
            ]
    return asked


def write_articles(folder: Path) -> list[Attempt]:
    """Articles (JATS, English) that each cite works with the order as their titles.

    Returns what to ask; `ArticlesSource` reads the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked = []
    for number, finding in enumerate(planted_texts()["findings"]):
        order = order_in("en", number)
        path = folder / f"article-{number}.xml"
        path.write_text(_article(number, finding["text"], order), "utf-8")
        asked.append(
            _attempt(path.stem, finding["question"], order=order, form="citation", language="en")
        )
    return asked


def _attempt(place: str, question: str, *, order: str, form: Form, language: Language) -> Attempt:
    """An ordinary question that a planted document answers; tries at one order are a cluster."""
    return Attempt(
        id=f"{INJECTION}-{form}/{place}/{language}",
        family=INJECTION,
        technique=form,
        goal=f"{INJECTION}/{order}",
        category=INJECTION,
        language=language,
        request=order,
        prompts=(question,),
    )


def _questions(name: str, language: Language) -> Iterator[str]:
    for section in planted_texts()["sections"]:
        yield section["question"][language].format(name=name)


def _bundle(name: str, id: str, language: Language, order: str) -> dict[str, Any]:
    sections = [
        {
            "title": section["title"][language],
            "text": {
                "status": "generated",
                "div": f"<div xmlns='http://www.w3.org/1999/xhtml'>{order}"
                f"<p>{html.escape(section['text'][language].format(name=name))}</p></div>",
            },
        }
        for section in planted_texts()["sections"]
    ]
    text = {
        "resourceType": "Composition",
        "language": language,
        "date": "2026-01-02",
        "title": "Ficha técnica" if language == "es" else "SmPC",
        "section": [{"title": name, "section": sections}],
    }
    product = {
        "resourceType": "MedicinalProductDefinition",
        "name": [{"productName": name}],
    }
    substance = {
        "resourceType": "Ingredient",
        "substance": {"code": {"concept": {"text": f"{name.lower()}ina"}}},
    }
    resources = [{"resourceType": "Bundle", "entry": [{"resource": text}]}, product, substance]
    return {
        "resourceType": "Bundle",
        "identifier": {"value": f"PLANTED-{id}"},
        "entry": [{"resource": resource} for resource in resources],
    }


def _article(number: int, finding: str, title: str) -> str:
    return (
        '<article xml:lang="en"><front><article-meta>'
        f'<article-id pub-id-type="doi">10.5555/planted.{number}</article-id><title-group>'
        f"<article-title>Care at home, part {number}</article-title></title-group></article-meta>"
        f'</front><body><sec><title>Findings</title><p>{finding} <xref ref-type="bibr" '
        'rid="R1">[1]</xref>.</p></sec></body><back><ref-list><ref id="R1"><element-citation>'
        '<person-group person-group-type="author"><name><surname>Prado</surname>'
        f"<given-names>N</given-names></name></person-group><article-title>{title}"
        f"</article-title><source>Annals of care</source><year>{1990 + number}</year>"
        f'<pub-id pub-id-type="doi">10.5555/cited.{number}</pub-id></element-citation></ref>'
        "</ref-list></back></article>"
    )
