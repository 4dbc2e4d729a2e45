"""Import, memory, disk and time to answer, up to the whole of openFDA.

An export of invented labels (see `labels`) is fetched and indexed by a process of its own; then
questions are answered from that index without a model: names, section, passage, checks, citations.
Times are seconds of one core. What 270,000 labels would take is drawn from the largest set.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from benchmarks.medicines.invented_labels import Substance, write_export
from benchmarks.medicines.options import Options
from cauce.corpus.questions import QUESTIONS
from cauce.knowledge.sections.index import Index
from cauce.sources.medicines import KINDS

FEW, MANY, QUICK = 450, 50_000, 2_000
WHOLE = 270_000
"""Labels of the whole of openFDA late in 2026."""
FULL_SIZE = 10**9
QUESTIONS_ASKED = 400
SEED = 11
LABELS = "openfda/labels-150.jsonl.gz"

_IMPORT = """
import json, os, sys
from pathlib import Path
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Document
from cauce.runs import read_records
from cauce.sources import OpenFdaSource, fetch
out = Path(sys.argv[2])
quiet = lambda line: print(line, file=sys.stderr)
before = sum(os.times()[:2])
counts = fetch([OpenFdaSource(path=Path(sys.argv[1]))], out, quiet)
fetched = sum(os.times()[:2])
build_index(out / "index.sqlite", read_records(out / "documents.jsonl", Document))
indexed = sum(os.times()[:2])
# What getrusage tells of a new process begins at the memory of the one that started it.
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
peak_mb = int(peak.split()[1]) // 1024
print(json.dumps([counts["documents"], fetched - before, indexed - fetched, peak_mb]))
"""


class Import(NamedTuple):
    """What it took to bring an export into an index."""

    labels: int
    fetch_s: float
    index_s: float
    peak_mb: int
    index: Path
    documents_mb: float

    @property
    def labels_per_s(self) -> float:
        """Labels fetched and indexed in a second of one core."""
        return self.labels / (self.fetch_s + self.index_s)

    @property
    def index_mb(self) -> float:
        """Size of the index."""
        return self.index.stat().st_size / 1e6


class Asked(NamedTuple):
    """A question, the invented medicine it is about (None: none there is), and the wording."""

    text: str
    substance: int | None
    how: str


def run(options: Options) -> None:
    many = QUICK if options.quick else MANY
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        labels = options.data / LABELS
        real = import_labels(labels, folder / "real")
        report("import of real labels: labels a second and core", real.labels_per_s, 100, "higher")
        few, made = import_invented(folder / "few", labels, FEW, FULL_SIZE)
        answer_questions(few, made, f"{FEW} labels", 0.1, options)
        large, made = import_invented(folder / "many", labels, many, None)
        report(
            f"import, {many} labels: labels a second and core", large.labels_per_s, 100, "higher"
        )
        report(f"import, {many} labels: peak MB", large.peak_mb, 1024)
        report(f"index of {many} labels: MB", large.index_mb, None)
        answer_questions(large, made, f"{many} labels", 0.3, options)
        if not options.quick:
            project(few, large)


def import_invented(
    folder: Path, labels: Path, count: int, size: int | None
) -> tuple[Import, list[Substance]]:
    """An export of that many invented labels, imported."""
    export = folder / "export"
    export.mkdir(parents=True)
    print(f"writing {count} labels", file=sys.stderr, flush=True)
    made = write_export(export, labels, count, seed=SEED, size=size)
    return import_labels(export, folder / "out"), made


def import_labels(export: Path, out: Path) -> Import:
    """What a new process needs to fetch and index the export."""
    command = [sys.executable, "-c", _IMPORT, str(export), str(out)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    labels, fetch_s, index_s, peak_mb = json.loads(done.stdout.splitlines()[-1])
    size_mb = (out / "documents.jsonl").stat().st_size / 1e6
    return Import(labels, fetch_s, index_s, peak_mb, out / "index.sqlite", size_mb)


def answer_questions(
    imported: Import, made: Sequence[Substance], where: str, bar_s: float, options: Options
) -> None:
    """Reports how long answers take and how many speak of another medicine."""
    index = Index(imported.index)
    began = time.process_time()
    reply = replier(index)
    report(f"assistant over {where}: seconds to start", time.process_time() - began, None)
    times: list[float] = []
    wrong: list[dict[str, object]] = []
    right = asked_back = 0
    asked = list(questions(index, made))
    for question in asked:
        began = time.process_time()
        given = reply(question.text)
        times.append(time.process_time() - began)
        spoken = _spoken_of(index, given)
        right += spoken == {question.substance}
        asked_back += bool(given.choices)
        if spoken - {question.substance}:
            wrong.append({**question._asdict(), "reply": given.model_dump(mode="json")})
    index.close()
    options.write_failures(f"scale-{imported.labels}", wrong)
    times.sort()
    report(f"answer, {where}: p95 seconds", times[int(0.95 * len(times))], bar_s)
    report(f"answer, {where}: median seconds", times[len(times) // 2], None)
    report(f"answer, {where}: worst seconds", times[-1], None)
    report(f"answer, {where}: wrong medicines of {len(asked)}", len(wrong), 0)
    named = sum(question.substance is not None for question in asked)
    metric = f"answer, {where}: right medicine or a choice, of those named"
    report(metric, (right + asked_back) / named, None, "higher")


def _spoken_of(index: Index, reply: Reply) -> set[int]:
    """The invented medicines that a reply cites or says something of; a choice is of none."""
    cited = {citation.id for citation in reply.citations}
    if not cited and reply.group and not reply.choices:
        cited = {document.id for document in index.documents(reply.group)}
    return {int(set_id[:8], 16) for set_id in cited}


def replier(index: Index) -> Callable[[str], Reply]:
    """The assistant without a model, as a function from question to reply."""
    from cauce.assistant.assistant import Assistant
    from cauce.assistant.settings import AssistantSettings

    return Assistant(None, index, AssistantSettings()).reply


def questions(index: Index, made: Sequence[Substance]) -> Iterator[Asked]:
    """Questions in two languages by generic name, brand, code, with a typo, and about no medicine.

    The medicine with most labels is asked about in every kind of section.
    """
    draw = random.Random(SEED)
    hows = ("generic", "brand", "typo", "code", "stranger")
    for number in range(QUESTIONS_ASKED):
        kind, language = KINDS[number % len(KINDS)], ("en", "es")[number // len(KINDS) % 2]
        substance, how = draw.choice(made), hows[number % len(hows)]
        if number < 2 * len(KINDS):
            substance, how = made[0], "generic"
        name = _name(index, substance, how, draw)
        if not name:
            continue
        text = draw.choice(QUESTIONS[kind][language]).format(name=name)
        yield Asked(text, None if how == "stranger" else substance.number, how)


def _name(index: Index, substance: Substance, how: str, draw: random.Random) -> str:
    if how == "brand":
        return substance.brand
    if how == "typo":
        place = draw.randrange(2, len(substance.generic) - 1)
        return substance.generic[:place] + substance.generic[place + 1 :]
    if how == "stranger":
        return "wug" + "".join(draw.choice("aeiou") + draw.choice("klmnprst") for _ in range(4))
    if how == "code":
        group = next(iter(index.coded(str(9_000_000 + substance.number))), None)
        documents = index.documents(group.group) if group else []
        found = [code for d in documents for code in index.codes(d).get("ndc", ())]
        return found[0] if found else ""
    return substance.generic


def project(few: Import, large: Import) -> None:
    """Reports what the whole of openFDA would take, each figure growing as it grew from few."""
    times = WHOLE / large.labels
    hours = (large.fetch_s + large.index_s) * times / 3600
    report(f"projected, {WHOLE} labels: hours of one core to import", hours, None)
    # What grows with the labels is the peak less that of a set too small to show in it.
    growth = max(0, large.peak_mb - few.peak_mb) / (large.labels - few.labels)
    report(f"projected, {WHOLE} labels: peak MB", few.peak_mb + growth * WHOLE, 1024)
    report(f"projected, {WHOLE} labels: GB of documents", large.documents_mb * times / 1e3, None)
    report(f"projected, {WHOLE} labels: GB of index", large.index_mb * times / 1e3, None)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    shared = Path(__file__).resolve().parents[3] / "shared" / "data"
    run(Options(shared, quick="--quick" in sys.argv))
