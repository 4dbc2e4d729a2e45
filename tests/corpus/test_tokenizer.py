from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from cauce.corpus.tokenizer import (
    HELD_BACK,
    PIECE_CHARACTERS,
    SMALLEST,
    SPECIAL,
    joined_pieces,
    make_tokenizer,
    read_pieces,
    train_tokenizer,
)
from cauce.corpus.tokens import tokenize
from cauce.errors import DataRefused, NotFound, UserError
from cauce.models.loading import load_tokenizer
from cauce.records import Message
from cauce.runs import write_records
from documents import medicine

TEXT = (
    "La cigüeña del niño comió 1234 piñas; ¿cuántas quedan?\n"
    "El señor <|end|> dijo: «ya <|user|> no», y <|end|> se fue a las 12:34.\n"
) * 40


@pytest.fixture(scope="module")
def made() -> PreTrainedTokenizerFast:
    return make_tokenizer([TEXT], vocabulary=400)


def ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False)


@given(st.text())
@settings(max_examples=100)
def test_any_text_comes_back_letter_for_letter(made, text):
    assert made.decode(ids(made, text)) == text


@pytest.mark.parametrize(
    "text", ["ñ n\u0303 Ñandú", "🤷🏽‍♀️ 𝄞", "  dos  espacios \n\n\t", "\ufeff\u00ad", ""]
)
def test_letters_are_not_normalised(made, text):
    assert made.decode(ids(made, text)) == text


def test_each_digit_is_a_token_of_its_own(made):
    found = [made.decode([token]) for token in ids(made, "1234 y 12,5mg")]
    assert found[:4] == ["1", "2", "3", "4"]
    with_digits = {token for token in made.get_vocab() if set(token) & set("0123456789")}
    assert with_digits == set("0123456789")


def test_special_tokens_spelled_in_texts_are_not_learned_as_letters(made):
    assert [made.convert_ids_to_tokens(place) for place in range(len(SPECIAL))] == list(SPECIAL)
    assert made.convert_ids_to_tokens(ids(made, "<|bos|>a")) == ["<|bos|>", "a"]
    named = (made.bos_token, made.eos_token, made.pad_token, made.sep_token)
    assert named == ("<|bos|>", "<|end|>", "<|pad|>", "<|sep|>")
    made.split_special_tokens = True
    try:
        spelled = ids(made, "<|end|>")
    finally:
        made.split_special_tokens = False
    assert len(spelled) > 1
    assert not set(spelled) & set(range(len(SPECIAL)))


def test_the_same_texts_make_the_same_tokenizer(made):
    again = make_tokenizer([TEXT[: len(TEXT) // 2], TEXT[len(TEXT) // 2 :]], vocabulary=400)
    assert make_tokenizer([TEXT], vocabulary=400).get_vocab() == made.get_vocab()
    assert len(again) == len(made) <= 400


def test_a_chat_starts_as_a_text_does_and_ends_its_turns(made):
    chat = [Message(role="user", content="¿Qué <|end|> tal?")]
    found = tokenize(made, chat, "Bien.", is_encoder_decoder=False, max_tokens=200)
    assert found.prompt[:2] == made.convert_tokens_to_ids(["<|bos|>", "<|user|>"])
    assert found.prompt.count(made.eos_token_id) == 1
    assert found.completion[-1] == made.eos_token_id
    assert made.decode(found.completion) == "Bien.<|end|>"


def test_sentinels_are_tokens_after_the_others():
    made = make_tokenizer([TEXT], vocabulary=400, sentinels=3)
    assert made.convert_tokens_to_ids("<extra_id_2>") == len(SPECIAL) + 2
    assert len(make_tokenizer([], vocabulary=SMALLEST)) == SMALLEST


def test_a_vocabulary_without_room_is_refused():
    with pytest.raises(UserError, match=r"262 has no room for 256 bytes and 7 .*\nTake 263"):
        make_tokenizer([TEXT], vocabulary=262)


def test_files_of_every_kind_are_read_alike(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "b.txt.xz").write_bytes(lzma.compress(TEXT.encode()))
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    for name in ("a.txt", "b.txt.xz", "c.txt.gz"):
        assert "".join(read_pieces([tmp_path / name])) == TEXT
    write_records(tmp_path / "documents.jsonl", [medicine("ibuprofeno", language="es")])
    assert "ibuprofeno alivia" in "".join(read_pieces([tmp_path / "documents.jsonl"])).lower()


def test_pieces_end_where_a_line_does():
    lines = TEXT.splitlines(keepends=True) * 20
    pieces = list(joined_pieces(lines))
    assert "".join(pieces) == "".join(lines)
    assert all(piece.endswith("\n") for piece in pieces)
    assert all(len(piece) >= PIECE_CHARACTERS for piece in pieces[:-1])


def test_it_is_measured_on_what_it_was_not_made_from(tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"linea {n}\n" * 2000 for n in range(22)))
    figures = train_tokenizer([tmp_path], tmp_path / "out", vocabulary=300)
    assert figures.held_back_bytes * (HELD_BACK - 2) < figures.learned_bytes
    assert figures.bytes_per_token is not None
    assert figures.bytes_per_token > 1.5
    loaded = load_tokenizer(tmp_path / "out")
    assert len(loaded) == figures.vocabulary
    assert loaded.chat_template
    assert loaded.decode(loaded.encode("línea 7", add_special_tokens=False)) == "línea 7"


def test_too_little_text_is_measured_on_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("hola")
    assert train_tokenizer([tmp_path / "a.txt"], tmp_path / "out", vocabulary=300)[2:] == (0, None)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"a\xf1o", "is not UTF-8"),
        ("a.txt.xz", b"no", "cannot be unpacked"),
        ("a.txt.gz", gzip.compress(b"hola" * 99, mtime=0)[:-9], "cannot be unpacked"),
        ("a.jsonl", b'{"a": 1}\n', "line 1: not a Document"),
        ("a.txt", b"", "there is no text in"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataRefused, match=said):
        train_tokenizer([tmp_path / name], tmp_path / "out", vocabulary=300)
    assert not (tmp_path / "out").exists()


def test_places_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(NotFound):
        train_tokenizer([tmp_path / "none.txt"], tmp_path / "out", vocabulary=300)
    (tmp_path / "a.txt").write_text("hola")
    with pytest.raises(UserError, match=r"a\.txt is a file\.\n.*--out"):
        train_tokenizer([tmp_path / "a.txt"], Path(tmp_path / "a.txt"), vocabulary=300)
