"""The twin against its bars: `python -m benchmarks.twin [--only fhir,scales]`.

Figures go to stdout as JSON lines, progress to stderr. `fhir` and `risk` need the real inputs of
`CAUCE_SHARED_DATA`.
"""

from __future__ import annotations

from benchmarks import measure_sections

SECTIONS = ("fhir", "scales", "risk", "conversation", "prefix", "images")

if __name__ == "__main__":
    measure_sections("benchmarks.twin", SECTIONS, __doc__)
