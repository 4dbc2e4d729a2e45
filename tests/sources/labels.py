"""Small label records for the tests of the openFDA source."""

from __future__ import annotations

from typing import Any


def label(set_id: str = "a1", version: str = "1", **fields: Any) -> dict[str, Any]:
    """A record in openFDA's shape; `fields` replace or add."""
    record: dict[str, Any] = {
        "set_id": set_id,
        "id": f"{set_id}-{version}",
        "version": version,
        "effective_time": f"202001{int(version):02d}",
        "indications_and_usage": ["1 INDICATIONS AND USAGE Ibuprofen relieves pain."],
        "openfda": {
            "spl_set_id": [set_id],
            "brand_name": ["Advil"],
            "generic_name": ["IBUPROFEN"],
            "substance_name": ["IBUPROFEN"],
        },
    }
    return {**record, **fields}
