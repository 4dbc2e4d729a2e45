"""A person's record as FHIR has it, R4 and R5, read into a timeline.

The two releases are told apart by what stands in each resource. Resources are read as plain JSON,
fast, and checked where they are read; `validate=True` checks all of them against their release.
"""

from __future__ import annotations

from cauce.twin.fhir.reading import ReadFhir, read_fhir

__all__ = ["ReadFhir", "read_fhir"]
