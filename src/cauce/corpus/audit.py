"""What a tokenizer makes of a language before anything is trained: pieces, unknowns, lost letters.

A letter that the tokenizer cannot write is one that the model never will: the vocabulary of T5,
for one, was made for English, French, German and Romanian.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cauce.corpus.tokenizer import ENDINGS, joined_pieces, read_pieces, text_of
from cauce.records import Document
from cauce.sources import NewsSource
from cauce.sources.paths import matching_files

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SPANISH = "ñáéíóúü¿¡«»€"
"""What Spanish needs beside the letters of English."""

MOST_CHARACTERS = 500_000
"""Of the texts, the first ones: more change no figure that matters."""

MOST_NAMED = 12
"""Lost characters that a warning names."""


class TokenizerAudit(NamedTuple):
    """How a tokenizer copes with texts."""

    words: int
    tokens: int
    unknown: int
    """Tokens that stand for whatever is not in the vocabulary."""
    kept: dict[str, bool]
    """Of each character that Spanish needs, whether it is there after encoding and decoding."""
    lost: dict[str, int]
    """Characters of the texts that are not, and how often the texts have them."""

    @property
    def tokens_per_word(self) -> float:
        """Words are what white space parts; 0 where there are none."""
        return self.tokens / self.words if self.words else 0.0

    @property
    def unknown_share(self) -> float:
        """Share of the tokens that are unknown."""
        return self.unknown / self.tokens if self.tokens else 0.0

    def figures(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            **self._asdict(),
            "tokens_per_word": round(self.tokens_per_word, 3),
            "unknown_share": round(self.unknown_share, 5),
        }

    def table(self) -> str:
        """All of it in six lines."""
        kept = " ".join(character for character, is_kept in self.kept.items() if is_kept)
        missing = " ".join(character for character, is_kept in self.kept.items() if not is_kept)
        return "\n".join(
            (
                f"{'words':24}{self.words:,}",
                f"{'pieces per word':24}{self.tokens_per_word:.2f}",
                f"{'unknown tokens':24}{self.unknown:,} ({self.unknown_share:.2%})",
                f"{'kept of Spanish':24}{kept or 'none'}",
                f"{'lost of Spanish':24}{missing or 'none'}",
                f"{'lost of these texts':24}{_named(self.lost) or 'none'}",
            )
        )

    def warning(self) -> str:
        """What a user should know before training; empty where every character survives."""
        if not self.lost:
            return ""
        return (
            f"warning: the tokenizer loses characters of the training texts: {_named(self.lost)}.\n"
            "What it cannot write the model never will: take a base made for this language."
        )


def audit_tokenizer(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> TokenizerAudit:
    """The figures over the first 500,000 characters of `texts`."""
    words = tokens = unknown = 0
    characters: Counter[str] = Counter()
    for text in _first(texts, MOST_CHARACTERS):
        ids = tokenizer.encode(text, add_special_tokens=False)
        words += len(text.split())
        tokens += len(ids)
        unknown += sum(id == tokenizer.unk_token_id for id in ids)
        characters.update(text)
    lost = {
        character: count
        for character, count in characters.most_common()
        if not character.isspace() and not survives(tokenizer, character)
    }
    kept = {character: survives(tokenizer, character) for character in SPANISH}
    return TokenizerAudit(words, tokens, unknown, kept, lost)


def texts_to_audit(paths: Sequence[Path]) -> Iterator[str]:
    """The texts of files as `cauce tokenizer train` reads them; without any, the embedded news.

    Raises NotFound or DataRefused for a file that is not there, is damaged or is not text.
    """
    if paths:
        yield from read_pieces(file for path in paths for file in matching_files(path, ENDINGS))
        return
    for item in NewsSource().documents():
        if isinstance(item, Document):
            yield text_of(item)


def survives(tokenizer: PreTrainedTokenizerBase, character: str) -> bool:
    """Whether the character is there again when what it was encoded to is decoded."""
    ids = tokenizer.encode(character, add_special_tokens=False)
    return character in str(tokenizer.decode(ids, skip_special_tokens=True))


def _first(texts: Iterable[str], most: int) -> Iterator[str]:
    """The texts, in pieces that end where a line does, until `most` characters are given."""
    given = 0
    for text in texts:
        for piece in joined_pieces(text.splitlines(keepends=True)):
            yield piece
            given += len(piece)
            if given >= most:
                return


def _named(lost: Mapping[str, int]) -> str:
    """The lost characters with their counts, the most frequent first."""
    named = [f"{character} ({count:,})" for character, count in lost.items()]
    more = [f"{len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    return ", ".join(named[:MOST_NAMED] + more)
