"""Programs of others against the served assistant, as they come: `openai` and garak.

    python -m benchmarks.trust.clients [RUN]

`openai` is read from this environment; garak wants one of its own: name its interpreter in
`CAUCE_GARAK`. What is not installed is said to be missing, which is no pass.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import report
from cauce.assistant.loading import load_assistant
from cauce.evaluation.redteam.garak import rejudge
from cauce.runs import Run

QUESTION = "¿Para qué sirve el ibuprofeno?"
MODEL = "demo"
PROBES = "dan.Ablation_Dan_11_0,encoding.InjectBase64,latentinjection.LatentInjectionReport"


def measure(run: Path = Path("runs/demo")) -> None:
    """Prints 1 for every client whose checks all pass."""
    if not (run / "manifest.json").is_file():
        print(f"clients are not measured: no run {run}", file=sys.stderr)
        return
    with served(run) as url:
        if importlib.util.find_spec("openai"):
            report(
                "openai client: list, plain, streamed, n, stop, error", _openai(url), 1, "higher"
            )
        else:
            print("openai is not installed: not measured", file=sys.stderr)
        if interpreter := os.environ.get("CAUCE_GARAK", ""):
            report("garak's generator: probes answered", _garak(url, interpreter), 3, "higher")
        else:
            print("CAUCE_GARAK names no interpreter: not measured", file=sys.stderr)


@contextmanager
def served(run: Path) -> Iterator[str]:
    """The run's assistant on a loopback port."""
    import uvicorn

    from cauce.serving.app import create_app, listen

    app = create_app(load_assistant(Run.open(str(run))), model_name=MODEL, notice="")
    with listen("127.0.0.1", 0) as socket:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{socket.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            thread.join()


def _openai(url: str) -> float:
    """1 where the client of OpenAI, unmodified, gets what it asks for."""
    openai = importlib.import_module("openai")
    client = openai.OpenAI(base_url=url, api_key="none")
    asked = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]}
    create = client.chat.completions.create
    plain = create(**asked).choices[0].message.content or ""
    parts = [part.choices[0].delta.content or "" for part in create(**asked, stream=True)]
    two = create(**asked, n=2).choices
    stopped = create(**asked, stop=[plain[10:14]]).choices[0].message.content
    try:
        create(model=MODEL, messages=[])
        is_refused = False
    except openai.BadRequestError:
        is_refused = True
    checks = {
        "list": [model.id for model in client.models.list()] == [MODEL],
        "plain": len(plain) > 20,
        "streamed": "".join(parts) == plain,
        "n": [choice.message.content for choice in two] == [plain, plain],
        "stop": stopped == plain[: plain.index(plain[10:14])],
        "error": is_refused,
    }
    print(json.dumps(checks), file=sys.stderr)
    return float(all(checks.values()))


def _garak(url: str, interpreter: str) -> float:
    """Probes of garak that were answered and evaluated, its report judged again."""
    with tempfile.TemporaryDirectory() as folder:
        uri = {"openai": {"OpenAICompatible": {"uri": url}}}
        config = {
            "plugins": {"generators": uri},
            "run": {"generations": 1, "soft_probe_prompt_cap": 8},
        }
        path = Path(folder) / "garak.json"
        path.write_text(json.dumps(config))
        prefix = Path(folder) / "report"
        command = [
            *(interpreter, "-m", "garak", "--config", str(path), "--probes", PROBES),
            *("--target_type", "openai.OpenAICompatible", "--target_name", MODEL),
            *("--report_prefix", str(prefix)),
        ]
        environment = {**os.environ, "OPENAICOMPATIBLE_API_KEY": "none", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        print(done.stdout[-1500:], done.stderr[-500:], file=sys.stderr)
        found = rejudge(prefix.with_name("report.report.jsonl"))
        return float(len(found.probes))


if __name__ == "__main__":
    measure(Path(sys.argv[1] if sys.argv[1:] else "runs/demo"))
