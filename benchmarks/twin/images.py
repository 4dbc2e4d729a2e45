"""A tiny vision-language model from rows of images to a streamed answer, on one thread.

The seconds are those of the whole round: the images read, a model made from nothing and trained,
saved, loaded by an assistant over the embedded vademecum, served, asked with `image_url`, streamed.
What is on the boxes is told by their colour; how well names are read is `recipes/boxes.yaml`'s.
"""

from __future__ import annotations

import base64
import io
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from PIL import Image, ImageDraw

from benchmarks import report
from cauce import road
from cauce.assistant.loading import load_assistant
from cauce.assistant.seeing import ASKED
from cauce.recipe import parse_recipe
from cauce.runs import Run
from cauce.serving.app import create_app, listen

BAR_S = 20.0
COLOURS = {"ibuprofeno": "#dc1e1e", "omeprazol": "#1ec83c", "metformina": "#283cdc"}
SIDE = 32
CHAT = "/v1/chat/completions"
ADDRESSES = (
    "http://127.0.0.1:9/box.png",
    "https://example.org/box.png",
    "file:///etc/hostname",
    "/etc/hostname",
    "../box.png",
)


def measure() -> None:
    """Prints the seconds of the round, the boxes read right, and the addresses refused."""
    start, cpu_start = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        served = _assistant(Path(folder))
        app = create_app(load_assistant(served), model_name="boxes")
        listener = listen("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
        arguments = {"sockets": [listener]}
        thread = threading.Thread(target=server.run, kwargs=arguments, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=30) as client:
            while not server.started:
                time.sleep(0.01)
            right = sum(name in _streamed(client, name) for name in COLOURS)
            seconds = time.monotonic() - start
            refused = sum(_status(client, address) == 400 for address in ADDRESSES)
        server.should_exit = True
        thread.join(10)
        listener.close()
    report("vision-language round: train, save, serve, image_url, stream, s", seconds, BAR_S)
    report("the same in CPU seconds of the process", time.process_time() - cpu_start, None)
    report("boxes told by their colour, right of 3", right, 3, "higher")
    report(f"image addresses refused, of {len(ADDRESSES)}", refused, len(ADDRESSES), "higher")


def _assistant(folder: Path) -> Run:
    """The run of an assistant whose eyes were trained on boxes drawn into the folder."""
    columns = {"sections": {"question": "question", "answer": "answer"}, "image": "image"}
    source = {"kind": "files", "path": str(_draw(folder)), "language": "es", "columns": columns}
    small = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    sight = {"model_type": "clip_vision_model", "image_size": SIDE, "patch_size": 8, **small}
    config = {
        "vision_feature_layer": -1,
        "vision_config": sight,
        "text_config": {"model_type": "llama", **small},
    }
    eyes = _walked(
        folder,
        "train",
        run="eyes",
        sources=[source],
        corpus={"kind": "pairs", "validation_share": 0.1, "test_share": 0.1},
        model={"new": {"architecture": "llava", "tokenizer": "cauce-mini", "config": config}},
        training={"steps": 160, "lr": 1e-2, "precision": "fp32", "evaluate_every": 80},
    )
    return _walked(
        folder,
        "prepare",
        run="served",
        sources=[{"kind": "vademecum", "languages": ["es"]}],
        corpus={"max_documents": 3},
        assistant={"reader": str(eyes.path / "train" / "model")},
    )


def _walked(folder: Path, last: str, **sections: Any) -> Run:
    journey = road.start(parse_recipe(sections, "recipe"), lambda line: None, folder)
    road.walk(journey, last)
    return journey.run


def _box(name: str, number: int) -> bytes:
    image = Image.new("RGB", (SIDE, SIDE), COLOURS[name])
    ImageDraw.Draw(image).point((number % SIDE, number // SIDE), fill="white")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _draw(folder: Path) -> Path:
    rows = []
    for number in range(36):
        name = list(COLOURS)[number % 3]
        (folder / f"{number}.png").write_bytes(_box(name, number))
        rows.append({"image": f"{number}.png", "question": ASKED, "answer": name})
    path = folder / "boxes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def _asked(address: str, *, stream: bool = False) -> dict[str, Any]:
    parts = [
        {"type": "text", "text": "¿Cómo se toma esto?"},
        {"type": "image_url", "image_url": {"url": address}},
    ]
    return {
        "model": "boxes",
        "messages": [{"role": "user", "content": parts}],
        "stream": stream,
    }


def _streamed(client: httpx.Client, name: str) -> str:
    address = f"data:image/png;base64,{base64.b64encode(_box(name, 500)).decode()}"
    with client.stream("POST", CHAT, json=_asked(address, stream=True)) as answer:
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    deltas = [json.loads(line)["choices"][0]["delta"] for line in lines if line != "[DONE]"]
    return "".join(delta.get("content", "") for delta in deltas)


def _status(client: httpx.Client, address: str) -> int:
    return client.post(CHAT, json=_asked(address)).status_code
