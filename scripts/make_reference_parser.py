"""Makes `src/cauce/data/reference-parser/fields.crfsuite`: reads printed references.

    python -m scripts.make_reference_parser --data ../shared/data            # writes the model
    python -m scripts.make_reference_parser --data ../shared/data --check    # figures for choices

It learns from references that people labelled (GROBID's training data, CC BY 4.0, three quarters
of the files) and from the works that those and a few open-access articles cite, printed in eight
styles. `--check` keeps another quarter of the files apart and prints its figures; the test quarter
is read by `benchmarks.scholar.parser` alone. Two runs write the same bytes.
Some five minutes of one core.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.scholar.labelled import (
    FOLDER,
    Field,
    Labelled,
    field_f1,
    from_pieces,
    is_for_tuning,
    is_held_out,
    labelled,
)
from pycrfsuite import Tagger, Trainer
from scripts.reference_styles import STYLES, Work, printed, works_of

from cauce.sources.articles.strings.features import features_of
from cauce.sources.articles.strings.people import people_of
from cauce.sources.articles.strings.tagger import labelled_spans, labels_of
from cauce.sources.articles.strings.words import words_of

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "src" / "cauce" / "data" / "reference-parser" / "fields.crfsuite"
ARTICLES = "scholar/jats"

SETTINGS = {"c1": 0.1, "c2": 0.1, "max_iterations": 100, "feature.minfreq": 2}
"""Penalties of the weights and of their squares: chosen on the tuning files, 2026-11."""

ARTICLES_PRINTED = 0.4
"""Share of the labelled references to articles that are printed in another style too."""

LONE_TITLES = "citations.xml"
"""Its monographs are marked as articles, those of the other files as monographs."""


def known(data: Path, *, without_tuning: bool) -> Iterator[Labelled]:
    """Everything to learn from."""
    chance = random.Random(7)
    styles = list(STYLES.values())
    for reference in labelled(data / FOLDER):
        if is_held_out(reference.file) or (without_tuning and is_for_tuning(reference.file)):
            continue
        if reference.file == LONE_TITLES:
            reference = _as_monograph(reference)
        yield reference
        work = _as_work(reference)
        if work and ("book" in work.fields or chance.random() < ARTICLES_PRINTED):
            yield from_pieces("printed", printed(work, chance.choice(styles), chance))
    for path in sorted((data / ARTICLES).glob("*/*.xml")):
        for work in works_of(path):
            for style in chance.sample(styles, 2):
                yield from_pieces("printed", printed(work, style, chance))


def _as_monograph(reference: Labelled) -> Labelled:
    """A title that stands in no journal, book or series names a book."""
    if {field.name for field in reference.fields} & {"journal", "book", "series"}:
        return reference
    labels = tuple("book" if label == "title" else label for label in reference.labels)
    fields = tuple(
        field._replace(name="book") if field.name == "title" else field
        for field in reference.fields
    )
    return reference._replace(labels=labels, fields=fields)


def _as_work(reference: Labelled) -> Work | None:
    """The fields of a labelled reference that names one; None where a field stands twice."""
    fields = {field.name: field.text.strip(" .,;:") for field in reference.fields}
    if len(fields) < len(reference.fields) or not {"title", "book"} & {*fields}:
        return None
    people = people_of(fields.pop("author", ""))
    authors = (person.partition(", ") for person in people)
    return Work(tuple((family, given) for family, _, given in authors), fields)


def learn(references: Iterable[Labelled], model: Path) -> None:
    """Trains the random field by limited-memory BFGS and writes it."""
    trainer = Trainer("lbfgs", verbose=False)
    trainer.set_params(SETTINGS)
    for reference in references:
        words = words_of(reference.raw)
        if words:
            trainer.append(features_of(words), labels_of(reference.labels))
    trainer.train(str(model))


def check(data: Path) -> None:
    """Prints the F1 of each field on the tuning files by what the others teach."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        learn(known(data, without_tuning=True), model)
        tagger = Tagger()
        tagger.open(str(model))
        tuning = [one for one in labelled(data / FOLDER) if is_for_tuning(one.file)]
        found = [_fields(tagger, reference.raw) for reference in tuning]
        print(f"{model.stat().st_size / 1e6:.2f} MB")
    for name, score in field_f1(found, [one.fields for one in tuning]).items():
        print(f"{name:>12} {score:.3f}")


def _fields(tagger: Tagger, raw: str) -> list[Field]:
    words = words_of(raw)
    labels = tagger.tag(features_of(words)) if words else []
    spans = labelled_spans(words, labels)
    return [Field(span.field, raw[span.start : span.end]) for span in spans]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the shared inputs")
    parser.add_argument("--check", action="store_true", help="figures on the tuning files only")
    options = parser.parse_args()
    if options.check:
        check(options.data)
        return
    MODEL.parent.mkdir(exist_ok=True)
    learn(known(options.data, without_tuning=False), MODEL)
    print(f"{MODEL.relative_to(ROOT)}: {MODEL.stat().st_size} bytes")


if __name__ == "__main__":
    main()
