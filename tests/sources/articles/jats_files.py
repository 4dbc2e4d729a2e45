"""Articles in JATS written for the tests."""

from __future__ import annotations

from pathlib import Path

from cauce.records import Document
from cauce.sources.articles import ArticlesSource

NUMBERED = "".join(
    f'<ref id="B{number}"><label>{number}</label><element-citation publication-type="journal">'
    f"<person-group><name><surname>Roe</surname><given-names>J</given-names></name></person-group>"
    f"<article-title>Work {number}</article-title><source>Rivers</source>"
    f"<year>{2000 + number}</year></element-citation></ref>"
    for number in range(1, 10)
)
ARTICLE = """<article xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:mml="http://www.w3.org/1998/Math/MathML" {attributes}><front><journal-meta>
<journal-title-group><journal-title>Rivers</journal-title></journal-title-group></journal-meta>
<article-meta><article-id pub-id-type="doi">10.1000/River.1</article-id>
<title-group><article-title>How <italic>rivers</italic> move</article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Díaz</surname>
<given-names>Ana M</given-names><suffix>Jr</suffix></name></contrib>
<contrib contrib-type="author"><collab>The River Group</collab></contrib>
<contrib contrib-type="editor"><name><surname>Poe</surname></name></contrib></contrib-group>
<pub-date pub-type="epub"><day>3</day><month>2</month><year>2020</year></pub-date>
<pub-date pub-type="collection"><year>2021</year></pub-date>
<volume>7</volume><issue>2</issue><fpage>10</fpage><lpage>19</lpage>
<permissions><license xlink:href="https://example.org/by"><license-p>Free.</license-p></license>
</permissions>{abstract}</article-meta></front>
<body>{body}</body><back>{back}<ref-list>{references}</ref-list></back>{after}</article>"""


def article_file(
    folder: Path,
    body: str = "<p>Text.</p>",
    *,
    references: str = NUMBERED,
    name: str = "river.xml",
    **parts: str,
) -> Path:
    """A file of JATS; `parts` are its `abstract`, `back`, `after` and the root's `attributes`."""
    empty = dict.fromkeys(("attributes", "abstract", "back", "after"), "")
    path = folder / name
    text = ARTICLE.format(body=body, references=references, **(empty | parts))
    path.write_text(text, encoding="utf-8")
    return path


def read_one(path: Path) -> Document:
    """The one document of a file, its citing sentences checked to stand where they say."""
    [document] = ArticlesSource(path=path).documents()
    assert isinstance(document, Document)
    known = {reference.id for reference in document.references}
    for sentence in document.citing:
        text = document.section(sentence.section).text
        assert text[sentence.start : sentence.end] == sentence.text
        for mark in sentence.marks:
            assert sentence.start <= mark.start <= mark.end <= sentence.end
            assert set(mark.references) <= known
    return document


def cited(document: Document) -> list[tuple[str, str]]:
    """Each citing sentence and the ids that it cites in one line."""
    return [(sentence.text, " ".join(sentence.references)) for sentence in document.citing]


def marks_in(document: Document) -> list[str]:
    """The marks as they are printed."""
    return [
        document.section(sentence.section).text[mark.start : mark.end]
        for sentence in document.citing
        for mark in sentence.marks
    ]
