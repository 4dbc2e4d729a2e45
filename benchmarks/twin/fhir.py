"""How fast FHIR is read, and whether a resource is ever lost without a word.

    python -m benchmarks.twin.fhir

The ten Synthea patients (R4, 2,090 resources in bundles, 8.2 MB) are read again and again for ten
seconds, on one core, by the clock of the process. `decoded` is what reading costs beyond the
decoding of JSON. A resource is lost when it is in no event, no person and no refusal; the eight
documents of medicines (R5, XML) hold nobody's record, and every resource in them has to be told.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import report
from cauce.sources.fhir import first, read_resource, resources
from cauce.twin.fhir import ReadFhir, read_fhir
from cauce.twin.physionet import read_challenge

SECONDS = 10.0
DATA = Path(os.environ.get("CAUCE_SHARED_DATA", "../shared/data"))


def measure() -> None:
    """Resources a second on one core, resources lost, and the cost of a set of the challenge."""
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(DATA / "synthea" / "bundles-10.tar.xz") as archive:
            archive.extractall(scratch, filter="data")
        files = sorted(Path(scratch).rglob("*.json"))
        _speed(Path(scratch), files)
        report("synthea_resources_lost", _lost(read_fhir(Path(scratch)), files), 0)
        validated = time.process_time()
        refused = [one for one in read_fhir(Path(scratch), validate=True).refusals if _is_one(one)]
        seconds = time.process_time() - validated
        report("fhir_resources_per_s_validated", _count(files) / seconds, None, "higher")
    report("synthea_resources_not_valid", len(refused), 0)
    _epi(DATA / "epi-aemps")
    begun = time.process_time()
    series = read_challenge(DATA / "icu-series" / "set-a.tar.xz").series
    report("challenge_series_read", len(series), 4000, "higher")
    report("challenge_read_cpu_s", time.process_time() - begun, None)


def _speed(folder: Path, files: list[Path]) -> None:
    """With and without the decoding of JSON, after a first reading that is not counted."""
    read_fhir(folder)
    count = _count(files)
    whole, decoding, times = 0.0, 0.0, 0
    while whole + decoding < SECONDS:
        begun = time.process_time()
        for file in files:
            json.loads(file.read_bytes())
        decoded = time.process_time()
        read_fhir(folder)
        whole += time.process_time() - decoded
        decoding += decoded - begun
        times += 1
    report("fhir_resources_per_s", count * times / whole, 5000, "higher")
    report("fhir_resources_per_s_decoded", count * times / (whole - decoding), None, "higher")


def _resources(file: Path) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in json.loads(file.read_bytes())["entry"]]


def _count(files: list[Path]) -> int:
    return sum(len(_resources(file)) for file in files)


def _is_one(refusal: Any) -> bool:
    """True of a refusal of one resource, and not of all of a kind in a file (`Claim: 22`)."""
    return ": " not in refusal.position


def _lost(read: ReadFhir, files: list[Path]) -> int:
    """Resources, those inside others too, that nothing tells of."""
    told = {(event.file, event.origin) for line in read.timelines for event in line.events}
    told |= {(one.file, one.position) for one in read.refusals}
    people = {f"Patient/{line.person.id}" for line in read.timelines}
    counted = Counter[tuple[str, str]]()
    for one in read.refusals:
        kind, _, number = one.position.partition(": ")
        counted[one.file, kind] += int(number or 0)
    for file in files:
        for resource in _resources(file):
            name = f"{resource['resourceType']}/{resource['id']}"
            if (str(file), name) not in told and name not in people:
                counted[str(file), resource["resourceType"]] -= 1
            for inner in resource.get("contained", ()):
                counted[str(file), inner["resourceType"]] -= 1
    return sum(abs(left) for left in counted.values())


def _epi(folder: Path) -> None:
    told = Counter[str]()
    for one in read_fhir(folder).refusals:
        kind, _, number = one.position.partition(": ")
        told[kind] += int(number)
    for file in sorted(folder.glob("*.xml")):
        for node in resources(read_resource(file)):
            told[first(node, "resourceType")] -= 1
    del told["Bundle"]
    report("epi_resources_lost", sum(abs(left) for left in told.values()), 0)


if __name__ == "__main__":
    measure()
