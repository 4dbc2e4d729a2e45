"""The app against its bars: `python -m benchmarks.serving [--only kill,streams]`.

Figures go to stdout as JSON lines, progress to stderr. `pages` needs Chromium and playwright.
"""

from __future__ import annotations

from benchmarks import measure_sections

SECTIONS = (
    *("pages", "kill", "streams", "hostile", "openapi"),
    *("preferences", "improve", "isolation", "policy"),
)

if __name__ == "__main__":
    measure_sections("benchmarks.serving", SECTIONS, __doc__)
