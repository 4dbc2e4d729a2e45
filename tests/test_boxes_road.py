"""The whole round: images beside a file of rows, a model from nothing, and an answer to a photo."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from cauce import road
from cauce.assistant.guarded import GuardedAssistant
from cauce.assistant.loading import load_assistant
from cauce.assistant.seeing import ASKED
from cauce.recipe import parse_recipe
from cauce.runs import Run
from seeing import SIGHT, TEXT, file_of, picture
from serving.live import running

NAMES = {"red": "ibuprofeno", "green": "omeprazol", "blue": "metformina"}
"""What stands on a box of that colour, told by the colour: it is learned in seconds."""
CHAT = "/v1/chat/completions"


def draw(folder: Path, count: int = 36) -> Path:
    """Boxes of three colours and the file that says what they are; one line is wrong."""
    rows = []
    for number in range(count):
        colour = list(NAMES)[number % 3]
        (folder / f"{number}.png").write_bytes(file_of(picture(colour, shade=number)))
        rows.append({"image": f"{number}.png", "question": ASKED, "answer": NAMES[colour]})
    rows.append({"image": "../elsewhere.png", "question": ASKED, "answer": "nothing"})
    path = folder / "boxes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def walked(folder: Path, last: str, **sections: Any) -> Run:
    recipe = parse_recipe(sections, "recipe.yaml")
    journey = road.start(recipe, lambda line: None, folder)
    road.walk(journey, last)
    return journey.run


@pytest.fixture(scope="module")
def eyes(tmp_path_factory) -> Run:
    """The run of a model that reads boxes."""
    folder = tmp_path_factory.mktemp("eyes")
    columns = {"sections": {"question": "question", "answer": "answer"}, "image": "image"}
    source = {"kind": "files", "path": str(draw(folder)), "language": "es", "columns": columns}
    config = {
        "vision_feature_layer": -1,
        "vision_config": {"model_type": "clip_vision_model", **SIGHT, "projection_dim": 32},
        "text_config": {"model_type": "llama", **TEXT},
    }
    return walked(
        folder,
        "compare",
        run="eyes",
        sources=[source],
        corpus={"kind": "pairs", "validation_share": 0.1, "test_share": 0.1},
        model={"new": {"architecture": "llava", "tokenizer": "cauce-mini", "config": config}},
        training={
            "steps": 160,
            "lr": 1e-2,
            "batch_size": 8,
            "precision": "fp32",
            "evaluate_every": 160,
        },
        evaluation={"max_new_tokens": 12, "batch_size": 4},
    )


@pytest.fixture(scope="module")
def assistant(eyes: Run, tmp_path_factory) -> GuardedAssistant:
    """An assistant over the vademecum whose eyes that model is."""
    return load_assistant(
        walked(
            tmp_path_factory.mktemp("served"),
            "prepare",
            run="served",
            sources=[{"kind": "vademecum", "languages": ["es"]}],
            corpus={"max_documents": 3},
            assistant={"reader": str(eyes.path / "train" / "model")},
        )
    )


def request(colour: str, **fields: Any) -> dict[str, Any]:
    data = base64.b64encode(file_of(picture(colour, shade=99), "JPEG", quality=95)).decode()
    parts = [
        {"type": "text", "text": "¿Cómo se toma esto?"},
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}},
    ]
    return {"model": "demo", "messages": [{"role": "user", "content": parts}], **fields}


def test_rows_of_images_are_split_by_image_learned_and_compared(eyes):
    stages = eyes.manifest["stages"]
    refused = (eyes.path / "fetch" / "refused.jsonl").read_text().splitlines()
    assert len(refused) == 1
    assert "line 37" in refused[0]
    assert stages["prepare"]["summary"]["examples"] == {"train": 28, "validation": 4, "test": 4}
    losses = stages["train"]["summary"]
    assert losses["best_validation_loss"] < 0.1 * losses["first_validation_loss"]
    assert stages["compare"]["summary"]["items"] == 4


def test_a_photo_is_answered_and_streamed(assistant):
    with running(assistant) as url, httpx.Client(base_url=url, timeout=30) as client:
        for colour, name in NAMES.items():
            message = client.post(CHAT, json=request(colour)).json()["choices"][0]["message"]
            assert f"un modelo ha leído «{name}»" in message["content"], message["cauce"]["reason"]
            assert {it["id"] for it in message["cauce"]["citations"]} == {
                {"ibuprofeno": "ibuprofen", "omeprazol": "omeprazole", "metformina": "metformin"}[
                    name
                ]
            }
        with client.stream("POST", CHAT, json=request("red", stream=True)) as answer:
            lines = [it.removeprefix("data: ") for it in answer.iter_lines() if it]
        assert lines[-1] == "[DONE]"
        pieces = [json.loads(line)["choices"][0]["delta"] for line in lines[:-1]]
        text = "".join(piece.get("content", "") for piece in pieces)
        assert (
            text
            == client.post(CHAT, json=request("red")).json()["choices"][0]["message"]["content"]
        )
