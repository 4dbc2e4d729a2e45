from __future__ import annotations

import pytest

from cauce.records import Document
from cauce.sources import EpiSource
from cauce.sources.epi_spaces import part_words
from cauce.sources.tables import parse_markup, text_of
from shared import shared_data

VOCABULARY = (
    "<p>Si es alérgico a otros, no use una dosis doble. No es de hasta mañana. Mesalazina: sí. "
    "Los pacientes tomen agua a las ocho. Un estudio; el agua (ver sección) es de medicamento. "
    "Si a es a, si a es a, si a es a; no, no, no, no; use, use, use, use; una, una, una, una; "
    "de, de, de, de; es, es.</p>"
)


def parted(markup: str) -> str:
    """The first line of the markup, read beside the words of `VOCABULARY`."""
    div = parse_markup(f"<div><p>{markup}</p>{VOCABULARY}</div>")
    part_words([div])
    return text_of(div).splitlines()[0]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("si <span>es</span><b>alérgico</b><span>a otros</span>", "si es alérgico a otros"),
        ("<span>No</span><span>use</span><span>una dosis</span>", "No use una dosis"),
        ("hasta<span>4 g</span><span>de mesalazina</span>", "hasta 4 g de mesalazina"),
        ("<i>mañana.</i>Los pacientes", "mañana. Los pacientes"),
        ("<i>pacientes</i>(ver sección)", "pacientes (ver sección)"),
    ],
)
def test_a_lost_space_is_put_back(markup: str, text: str) -> None:
    assert parted(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<span>es</span><b>tudio</b>", "estudio"),
        ("<b>a</b><span>gua</span>", "agua"),
        ("pa<b>labra</b>", "palabra"),
        ("H<sub>2</sub>O", "H2O"),
        ("pacientes<sup>a</sup>", "pacientesa"),
        ("<span>pacientes</span><b>a</b>", "pacientesa"),
        ("<span>pacientes</span><span>2</span>", "pacientes2"),
        ("<span>4</span><span>00 mg</span>", "400 mg"),
        ("C<span>max</span>", "Cmax"),
        ("esalérgico", "esalérgico"),
    ],
)
def test_what_may_be_one_word_or_a_mark_is_left(markup: str, text: str) -> None:
    assert parted(markup) == text


def test_the_warning_of_a_leaflet_reads() -> None:
    found = EpiSource(path=shared_data("epi-aemps")).documents()
    texts = {item.id: item for item in found if isinstance(item, Document)}
    whole = "\n".join(section.text for section in texts["62670-p"].sections)
    assert "si es alérgico a otros" in whole
    assert "hasta 4 g de mesalazina" in whole
    assert "esalérgico" not in whole
