"""Time and memory of the demonstration, from an empty folder: `python -m benchmarks.demo`.

Runs `cauce run recipes/demo.yaml` in a process of its own, and `cauce --help`, best of five.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report

RECIPE = Path(__file__).resolve().parent.parent / "recipes" / "demo.yaml"


def main() -> None:
    report("cauce --help: CPU s", min(help_cpu_s() for _ in range(5)), 0.15)
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "cauce", "run", str(RECIPE)],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        report("demo: wall s", time.monotonic() - start, 360)
        peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        report("demo: peak MB", peak_mb, 4096)
        run = Path(folder) / "runs" / "demo"
        systems = json.loads((run / "evaluate" / "scores.json").read_bytes())["systems"]
        stages = json.loads((run / "manifest.json").read_bytes())["stages"]
    report("demo: CPU s of all stages", sum(stage["cpu_s"] for stage in stages.values()), 720)
    base, tuned, assistant = (systems[name]["metrics"] for name in ("base", "tuned", "assistant"))
    gain = tuned["rougeL"]["value"] - base["rougeL"]["value"]
    report("demo: ROUGE-L gained by tuning", gain, 0.0, better="higher")
    report("demo: right medicine, assistant", assistant["right_drug"]["value"], 1.0, "higher")
    invented = assistant["unsupported_numbers"]["value"]
    report("demo: answers with an unsupported number, assistant", invented, 0.0)


def help_cpu_s() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "cauce", "--help"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
