"""What a tokenizer makes of Spanish, against what can be counted by hand."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

from cauce import road
from cauce.corpus import audit
from cauce.corpus.audit import SPANISH, audit_tokenizer, survives, texts_to_audit
from cauce.corpus.tokenizer import make_tokenizer
from cauce.errors import NotFound
from cauce.recipe import parse_recipe

LLAMA = {
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
}


def english() -> PreTrainedTokenizerFast:
    """A token for each printable character of ASCII and é; others are unknown, and º is an o."""
    vocabulary = {"<unk>": 0, "</s>": 1}
    for character in string.printable + "é":
        vocabulary.setdefault(character, len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="</s>"
    )


def test_pieces_unknowns_and_lost_letters_are_counted() -> None:
    found = audit_tokenizer(english(), ["el año y", " el café\nñ 3º"])
    assert (found.words, found.tokens, found.unknown) == (7, 21, 2)
    assert found.tokens_per_word == 3
    assert found.unknown_share == pytest.approx(2 / 21)
    assert found.lost == {"ñ": 2, "º": 1}
    assert [character for character, is_kept in found.kept.items() if is_kept] == ["é"]
    assert list(found.kept) == list(SPANISH)


def test_bytes_lose_nothing() -> None:
    tokenizer = make_tokenizer(["uno dos"], vocabulary=270)
    found = audit_tokenizer(tokenizer, ["¿Ñandú? º 漢 😀"])
    assert (found.unknown, found.lost, found.warning()) == (0, {}, "")
    assert all(found.kept.values())
    assert "lost of Spanish         none" in found.table()


def test_a_lost_letter_is_told_with_its_count_and_the_way_out() -> None:
    found = audit_tokenizer(english(), ["ñññ á"])
    told, way_out = found.warning().splitlines()
    assert told == "warning: the tokenizer loses characters of the training texts: ñ (3), á (1)."
    assert "take a base made for this language" in way_out
    assert "lost of these texts     ñ (3), á (1)" in found.table()
    assert "kept of Spanish         é" in found.table()
    many = audit_tokenizer(english(), ["αβγδεζηθικλμνξο"])
    assert many.warning().splitlines()[0].endswith("μ (1), 3 more.")


def test_no_text_is_no_division_by_zero() -> None:
    found = audit_tokenizer(english(), [])
    assert (found.tokens_per_word, found.unknown_share) == (0, 0)


def test_a_letter_that_only_comes_back_as_another_is_lost() -> None:
    assert survives(english(), "o")
    assert not survives(english(), "º")


def test_of_long_texts_the_beginning_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_CHARACTERS", 10)
    assert audit_tokenizer(english(), ["aaaa\nbbbb\n", "cccc"]).words == 2


def test_without_files_the_embedded_news_are_audited(tmp_path: Path) -> None:
    text = "".join(texts_to_audit([]))
    assert "ñ" in text
    assert len(text.split()) > 5000
    (tmp_path / "a.txt").write_text("Una cigüeña.")
    assert list(texts_to_audit([tmp_path / "a.txt"])) == ["Una cigüeña."]
    with pytest.raises(NotFound):
        list(texts_to_audit([tmp_path / "b.txt"]))


@pytest.mark.parametrize("corpus", [{"kind": "pairs", "max_documents": 12}, {"kind": "text"}])
def test_the_prepare_stage_records_it_and_warns(corpus: dict[str, Any], tmp_path: Path) -> None:
    english().save_pretrained(tmp_path / "tokenizer")
    new = {"architecture": "llama", "tokenizer": str(tmp_path / "tokenizer"), "config": LLAMA}
    recipe: dict[str, Any] = {
        "run": "audited",
        "sources": [{"kind": "news"}],
        "corpus": corpus,
        "model": {"new": new, "max_tokens": 4000},
        "training": {"objective": {"kind": "pretrain" if corpus["kind"] == "text" else "sft"}},
    }
    lines: list[str] = []
    journey = road.start(parse_recipe(recipe, "x"), lines.append, tmp_path / "runs")
    road.walk(journey, "prepare")
    found = journey.run.manifest["stages"]["prepare"]["summary"]["tokenizer"]
    assert found["words"] > 900
    assert found["tokens_per_word"] > 5
    assert found["lost"]["ñ"] > 5
    assert found["kept"]["ñ"] is False
    assert any(line.startswith("warning: the tokenizer loses") for line in lines)
