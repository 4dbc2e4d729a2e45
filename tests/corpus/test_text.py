"""A text corpus: every document in one split, every token in one row, every byte counted once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.corpus.rows import RowShape, RowWriter, TextRows, documents_path, keep_rows
from cauce.corpus.settings import TextSettings
from cauce.corpus.text import TextCorpus
from cauce.corpus.tokenizer import make_tokenizer, text_of
from cauce.errors import DataRefused, LeakageFound, UserError
from cauce.records import Document, Section, Split
from cauce.runs import write_records
from models.tiny import tiny_decoder

WORDS = "el niño cogió 12 piñas y la cigüeña 🤷🏽 <|end|> voló".split()  # noqa: SIM905


def document(name: str, text: str, split: Split | None = None, group: str = "") -> Document:
    return Document(
        source="test",
        id=name,
        version="1",
        title=name,
        language="es",
        sections=(Section(id="text", kind="other", title="", text=text),),
        group=group or name,
        split=split,
    )


def text(number: int, words: int = 60) -> str:
    chance = np.random.default_rng(number)
    return " ".join(chance.choice(WORDS, words)) + f" {number}"


def written(folder: Path, documents: list[Document]) -> Path:
    path = folder / "documents.jsonl"
    write_records(path, documents)
    return path


def corpus_of(folder: Path, documents: list[Document], **shares: float) -> TextCorpus:
    return TextCorpus.of(written(folder, documents), TextSettings(**shares), seed=0)


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer([text(number) for number in range(20)], vocabulary=320)


def joined(rows: TextRows) -> list[int]:
    return [token for row in rows for token in row.completion]


def test_every_token_stands_in_one_row_after_the_token_before_it(tmp_path, tokenizer):
    documents = [document(f"d{n}", text(n, 10 + 30 * n)) for n in range(6)]
    corpus = corpus_of(tmp_path, documents)
    summary = corpus.write(
        tmp_path,
        tokenizer,
        TextSettings(row_tokens=16),
        is_encoder_decoder=False,
        progress=lambda line: None,
    )
    tokenizer.split_special_tokens = True
    for split in ("train", "validation", "test"):
        mine = [item for item in documents if corpus.split_of[item.group] == split]
        expected = [
            [*tokenizer.encode(text_of(item), add_special_tokens=False), tokenizer.eos_token_id]
            for item in mine
        ]
        rows = TextRows.open(tmp_path, split)
        assert joined(rows) == [token for ids in expected for token in ids]
        assert all(row.length <= 16 for row in rows)
        for number, row in enumerate(rows):
            is_first = number == 0 or rows.documents[number] != rows.documents[number - 1]
            before = tokenizer.bos_token_id if is_first else rows[number - 1].completion[-1]
            assert row.prompt == [before]
        sizes = [len(text_of(item).encode()) for item in mine]
        assert np.bincount(rows.documents, rows.byte_counts).tolist() == sizes
        assert rows.lengths.tolist() == [row.length for row in rows]
        assert summary["tokens"][split] == rows.learned_tokens - len(mine)
        assert summary["bytes"][split] == sum(sizes)
        assert rows.language_of(0) == "es"
        assert rows[1:] == list(rows)[1:]
    tokenizer.split_special_tokens = False
    assert "【" in summary["preview"][0]


def test_an_encoder_decoders_rows_are_closed_texts(tmp_path, tokenizer):
    corpus = corpus_of(tmp_path, [document(f"d{n}", text(n)) for n in range(3)])
    corpus.write(
        tmp_path,
        tokenizer,
        TextSettings(row_tokens=16),
        is_encoder_decoder=True,
        progress=lambda line: None,
    )
    rows = TextRows.open(tmp_path, "train")
    assert all(row.prompt == [] and row.completion[-1] == tokenizer.eos_token_id for row in rows)
    assert all(2 <= row.length <= 16 for row in rows)
    assert sum(tokenizer.eos_token_id in row.completion[:-1] for row in rows) == 0


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5), st.integers(8, 20))
@settings(max_examples=15)
def test_bytes_of_any_text_add_up(tmp_path_factory, tokenizer, texts, row_tokens):
    folder = tmp_path_factory.mktemp("any")
    names = ("train", "validation", "test")
    documents = [document(f"d{n}", item, "train") for n, item in enumerate(texts)]
    documents += [document(name, name, name) for name in names[1:]]  # type: ignore[arg-type]
    corpus_of(folder, documents).write(
        folder,
        tokenizer,
        TextSettings(row_tokens=row_tokens),
        is_encoder_decoder=False,
        progress=lambda line: None,
    )
    rows = TextRows.open(folder, "train")
    sizes = [len(text_of(item).encode()) for item in documents[: len(texts)]]
    assert np.bincount(rows.documents, rows.byte_counts).tolist() == sizes
    assert (rows.byte_counts >= 0).all()


def test_a_model_without_begin_reads_the_end_before_a_text(tmp_path):
    loaded = tiny_decoder("gpt2")
    corpus_of(tmp_path, [document(f"d{n}", text(n)) for n in range(3)]).write(
        tmp_path,
        loaded.tokenizer,
        TextSettings(row_tokens=16),
        is_encoder_decoder=False,
        progress=lambda line: None,
    )
    assert TextRows.open(tmp_path, "train")[0].prompt == [loaded.tokenizer.eos_token_id]


def test_a_large_vocabulary_takes_more_bytes(tmp_path):
    for vocabulary, size in ((65_536, 2), (65_537, 4)):
        writer = RowWriter(tmp_path, "train", RowShape(8, 1, 2), vocabulary=vocabulary)
        writer.add(np.arange(3, 13), np.arange(10), 10)
        writer.close()
        tokens = np.load(tmp_path / "train.tokens.npy")
        assert (tokens.itemsize, len(tokens)) == (size, 13)


def test_rows_can_be_left_out(tmp_path):
    writer = RowWriter(tmp_path, "train", RowShape(8, 1, 2), vocabulary=100)
    writer.add(np.arange(3, 33), np.arange(30), 30)
    writer.close()
    write_records(documents_path(tmp_path, "train"), [])
    before = list(TextRows.open(tmp_path, "train"))
    keep_rows(tmp_path, "train", np.array([True, False, True, False, True]))
    assert list(TextRows.open(tmp_path, "train")) == before[::2]


def test_splits_that_sources_name_are_kept_and_the_others_drawn(tmp_path):
    documents = [document(f"d{n}", text(n)) for n in range(10)]
    documents += [document(f"t{n}", text(20 + n), "test") for n in range(3)]
    split_of = corpus_of(tmp_path, documents, validation_share=0.2).split_of
    assert {name for name, split in split_of.items() if split == "test"} == {"t0", "t1", "t2"}
    assert sorted(split_of.values()).count("validation") == 2
    assert split_of == corpus_of(tmp_path, documents[::-1], validation_share=0.2).split_of


def test_a_group_stays_together(tmp_path):
    documents = [document(f"d{n}", text(n), group=f"g{n // 3}") for n in range(9)]
    documents.append(document("d9", text(9), "test", group="g1"))
    split_of = corpus_of(tmp_path, documents).split_of
    assert split_of["g1"] == "test"
    assert set(split_of.values()) == {"train", "validation", "test"}


def test_a_group_in_two_splits_is_refused(tmp_path):
    documents = [document("a", "uno", "train", group="g"), document("b", "dos", "test", group="g")]
    with pytest.raises(LeakageFound, match=r"test/b/es is for test, .* 'g' are for train\.\n"):
        corpus_of(tmp_path, documents)


def test_too_few_documents_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(DataRefused, match=r"1 document\(s\) .* 3 splits .*none.*\n.*separator"):
        corpus_of(tmp_path, [document("a", "uno")])
    two = [document("a", "uno"), document("b", "dos", "test")]
    with pytest.raises(DataRefused, match=r"1 document\(s\) .* 2 splits .*by name there are: test"):
        corpus_of(tmp_path, two)


def test_a_tokenizer_that_tells_no_letters_is_refused(tmp_path):
    class Slow:
        name_or_path = "slow"
        bos_token_id = eos_token_id = 0

    corpus = corpus_of(tmp_path, [document(f"d{n}", text(n)) for n in range(3)])
    with pytest.raises(UserError, match=r"is a Slow, which does not tell .*\n.*tokenizer\.json"):
        corpus.write(
            tmp_path,
            Slow(),  # type: ignore[arg-type]
            TextSettings(),
            is_encoder_decoder=False,
            progress=lambda line: None,
        )
