"""Puts the model of a run of `recipes/mini.yaml` into the package, its weights in bf16.

python scripts/embed_mini.py runs/mini src/cauce/data/cauce-mini
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

KEPT = (
    "chat_template.jinja",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)


def main(run: Path, folder: Path) -> None:
    """Copies tokenizer and config, and rounds the weights."""
    trained = run / "train" / "model"
    folder.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copy(trained / name, folder / name)
    config = json.loads((trained / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}, indent=2))
    weights = load_file(trained / "model.safetensors")
    rounded = {name: weight.to(torch.bfloat16) for name, weight in weights.items()}
    save_file(rounded, folder / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
