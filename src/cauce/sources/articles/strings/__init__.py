"""A printed reference, in any of the usual styles, to its fields.

A linear-chain conditional random field (Lafferty, McCallum and Pereira, 2001), trained by
`scripts/make_reference_parser.py` on references that people labelled, says which words are what;
rules put the fields together. English and Spanish; the model is `cauce/data/reference-parser`.
"""

from cauce.sources.articles.strings.fields import parse_reference, parse_references
from cauce.sources.articles.strings.people import people_of
from cauce.sources.articles.strings.tagger import FieldSpan, spans_of

__all__ = ["FieldSpan", "parse_reference", "parse_references", "people_of", "spans_of"]
