"""A tokenizer made from the texts at hand: byte-level BPE in which each digit is a token.

Merges of the most frequent pair (Sennrich et al. 2016, arXiv 1508.07909) over bytes, so that any
text is spelled, letter for letter and without normalisation. Digits never merge: a number is copied
digit by digit, and two numbers of like size look alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cauce.errors import DataRefused, UserError
from cauce.knowledge.sections.store import body_of
from cauce.records import Document
from cauce.runs import read_records
from cauce.sources.paths import UNPACKING_FAULTS, matching_files, open_bytes

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BEGIN, END, PADDING, SEPARATOR = "<|bos|>", "<|end|>", "<|pad|>", "<|sep|>"
TURNS = ("<|user|>", "<|assistant|>", "<|system|>")
SPECIAL = (PADDING, BEGIN, END, SEPARATOR, *TURNS)

SMALLEST = 256 + len(SPECIAL)
"""Tokens of a vocabulary without merges: every byte, and the special tokens."""

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n"
    "{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
"""A chat starts as a document does; each turn is its role, a line end, its text and the end."""

ENDINGS = (".txt", ".txt.gz", ".txt.xz", ".md", ".markdown", ".jsonl", ".jsonl.gz")
PIECE_CHARACTERS = 20_000
"""Texts are read in pieces of about so many characters, which end where a line does."""

HELD_BACK = 10
"""Of so many pieces one is not learned from: what the tokenizer makes of it is what it is worth."""


def make_tokenizer(
    texts: Iterable[str], *, vocabulary: int, sentinels: int = 0
) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `vocabulary` tokens for texts like these; the same for the same texts.

    `sentinels` are the tokens `<extra_id_0>` and on, which an encoder-decoder is pretrained with.
    Raises UserError for a vocabulary without room for them and all bytes.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = [*SPECIAL, *(f"<extra_id_{number}>" for number in range(sentinels))]
    if vocabulary < 256 + len(special):
        raise UserError(
            f"a vocabulary of {vocabulary} has no room for 256 bytes and {len(special)} special "
            f"tokens.\nTake {256 + len(special)} or more; 4096 suits a small model."
        )
    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, in_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    made: PreTrainedTokenizerFast = cast(Any, PreTrainedTokenizerFast)(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PADDING,
        sep_token=SEPARATOR,
        clean_up_tokenization_spaces=False,
    )
    made.chat_template = TEMPLATE
    return made


class TokenizerFigures(NamedTuple):
    """What a tokenizer was made from, and what it makes of text that it was not made from."""

    vocabulary: int
    learned_bytes: int
    held_back_bytes: int
    bytes_per_token: float | None
    """Over what was held back; None where there was too little text to hold any back."""


def train_tokenizer(paths: Sequence[Path], folder: Path, *, vocabulary: int) -> TokenizerFigures:
    """Writes into `folder` a tokenizer made from the texts of `paths`, all but each tenth piece.

    Paths are files, folders or globs of text (packed too), or documents.jsonl of `cauce fetch`.
    Raises NotFound or DataRefused for a file that is not there, is damaged or holds no text, and
    UserError for a vocabulary that is too small.
    """
    if folder.is_file():
        raise UserError(f"{folder} is a file.\nName a folder for the tokenizer: --out FOLDER")
    files = [file for path in paths for file in matching_files(path, ENDINGS)]
    read = _Counted(files)
    made = make_tokenizer(read.pieces(is_held_back=False), vocabulary=vocabulary)
    learned = read.bytes
    if not learned:
        raise DataRefused(
            f"there is no text in {', '.join(map(str, paths))}.\nName files that hold some."
        )
    tokens = sum(
        len(made.encode(piece, add_special_tokens=False))
        for piece in read.pieces(is_held_back=True)
    )
    made.save_pretrained(folder)
    rate = round(read.bytes / tokens, 3) if tokens else None
    return TokenizerFigures(len(made), learned, read.bytes, rate)


class _Counted:
    """The pieces of files and how many bytes of them were read last."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self.bytes = 0

    def pieces(self, *, is_held_back: bool) -> Iterator[str]:
        self.bytes = 0
        for number, piece in enumerate(read_pieces(self._files), 1):
            if (number % HELD_BACK == 0) == is_held_back:
                self.bytes += len(piece.encode())
                yield piece


def read_pieces(files: Iterable[Path]) -> Iterator[str]:
    """The texts of the files, a piece at a time, none of them held as a whole.

    Raises DataRefused for a file that is damaged, not UTF-8, or JSON lines that are no documents.
    """
    for file in files:
        read: Callable[[Path], Iterator[str]] = (
            _document_texts if ".jsonl" in file.name.lower() else _lines
        )
        try:
            yield from joined_pieces(read(file))
        except UnicodeDecodeError as error:
            raise DataRefused(
                f"{file} is not UTF-8: {error.reason} ({error.object[error.start]:#04x}).\n"
                "Convert it first, for instance with: iconv -f latin1 -t utf-8"
            ) from error
        except UNPACKING_FAULTS as error:
            raise DataRefused(f"{file} cannot be unpacked: {error}.\nFetch it again.") from error


def joined_pieces(lines: Iterable[str], size: int = PIECE_CHARACTERS) -> Iterator[str]:
    """Lines joined until a piece has `size` characters; all of them, in order."""
    held: list[str] = []
    length = 0
    for line in lines:
        held.append(line)
        length += len(line)
        if length >= size:
            yield "".join(held)
            held, length = [], 0
    if held:
        yield "".join(held)


def text_of(document: Document) -> str:
    """All that the document says: its sections with their titles, a blank line between them."""
    sections = [
        "\n".join(filter(None, (section.title, body_of(section)))) for section in document.sections
    ]
    return "\n\n".join(filter(None, sections))


def _lines(file: Path) -> Iterator[str]:
    import io

    with open_bytes(file) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as lines:
        yield from lines


def _document_texts(file: Path) -> Iterator[str]:
    for document in read_records(file, Document):
        yield from text_of(document).splitlines(keepends=True)
