from __future__ import annotations

import pytest

from cauce.sources.tables import parse_markup, tables_of, text_of


def rows(markup: str) -> list[tuple[str, ...]]:
    return [row for table in tables_of(parse_markup(markup)) for row in table.rows]


def test_spanning_cells_are_written_once_where_they_start() -> None:
    markup = (
        "<table><thead><tr><th rowspan='2'>Dose</th><th colspan='2'>Effect</th></tr>"
        "<tr><th>Mild</th><th>Severe</th></tr></thead>"
        "<tbody><tr><td>5 mg</td><td>1 %</td><td/></tr></tbody></table>"
    )
    assert rows(markup) == [("Dose", "Effect", ""), ("", "Mild", "Severe"), ("5 mg", "1 %", "")]


def test_spl_markup_keeps_captions_footnotes_lists_and_thresholds() -> None:
    markup = (
        "<table><caption>Table 1</caption><tfoot><tr><td>a: see 5.1</td></tr></tfoot><tbody><tr>"
        "<td><paragraph>CLcr &lt;30</paragraph><paragraph>mL/min</paragraph></td>"
        "<td>C<sub>max</sub> <footnote>steady state</footnote>"
        "<list><item>one</item><item>two</item></list></td></tr></tbody></table>"
    )
    (table,) = tables_of(parse_markup(markup))
    assert table.caption == "Table 1"
    assert table.rows == (("a: see 5.1",), ("CLcr <30 mL/min", "Cmax steady state one two"))


def test_a_table_inside_a_cell_is_a_table_of_its_own() -> None:
    markup = (
        "<table><tr><td>outer<table><tr><td>in</td><td>ner</td></tr></table>rest</td></tr></table>"
    )
    assert rows(markup) == [("outerrest",), ("in", "ner")]
    assert text_of(parse_markup(markup)) == "outer in | ner rest"


def test_text_holds_the_rows_in_their_place() -> None:
    markup = "<div><p>Before</p><table><tr><td>a</td><td>b</td></tr></table><p>After</p></div>"
    assert text_of(parse_markup(markup)) == "Before\na | b\nAfter"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("5<sup>1</sup> mg", "5 1 mg"),
        ("0.10<sup>2</sup>", "0.10 2"),
        ("&lt;1.5 x 10<sup>9</sup>/L", "<1.5 x 10^9/L"),
        ("<b>10</b><sup><i>-6</i></sup>", "10^-6"),
        ("mg/m<sup>2</sup>, AUC<sub>0-24</sub>, 7<sup>a</sup>", "mg/m2, AUC0-24, 7a"),
        ("<sup>1</sup>One<br/>10<br/><sup>2</sup>Two", "1One 10 2Two"),
    ],
)
def test_raised_digits_never_run_into_the_number_before_them(cell: str, text: str) -> None:
    assert rows(f"<table><tr><td>{cell}</td></tr></table>") == [(text,)]


def test_markup_that_is_not_xml_is_read_as_html() -> None:
    assert rows("<table><tr><td>a&nbsp;b<br>c<td>d</table>") == [("a b c", "d")]


def test_an_absurd_span_does_not_exhaust_memory() -> None:
    assert len(rows("<table><tr><td colspan='99999999'>a</td></tr></table>")[0]) == 1000
    assert rows("<table><tr><td colspan='0' rowspan='x'>a</td></tr></table>") == [("a",)]


def test_entities_are_not_expanded_into_files() -> None:
    markup = "<!DOCTYPE t [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><table><tr><td>&x;</td></tr></table>"
    assert rows(markup) == []


def test_what_a_reader_would_not_see_is_marked_where_it_stands() -> None:
    markup = (
        "<div><!-- unread --><p>Seen</p><div style='display:none'><div>a &lt;b</div>c</div>after"
        "<style>p {}</style><p style='font-size:0.9em'>small</p><p aria-hidden='true'>too</p></div>"
    )
    assert text_of(parse_markup(markup)).splitlines() == [
        "Seen",
        "<span hidden>a &lt;b</span>",
        "<span hidden>c</span>",
        "after<span hidden>p {}</span>",
        "small",
        "too",
    ]


def test_white_cells_are_marked_on_white_and_not_on_blue() -> None:
    cells = "<td>a</td><td><b style='color:#fff'>b</b></td>"
    markup = f"<table><tr>{cells}</tr><tr bgcolor='#003366'>{cells}</tr></table>"
    assert rows(markup) == [("a", "<span hidden>b</span>"), ("a", "b")]


def test_an_element_without_an_end_hides_nothing_else() -> None:
    assert text_of(parse_markup("<p>a<br hidden>b<input hidden>c</p>")) == "a\nbc"
