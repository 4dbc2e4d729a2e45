from __future__ import annotations

from collections.abc import Iterator

import pytest

from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.backends import use_backend


@pytest.fixture(params=["torch", "cpp"])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs with torch alone, and with C++ where there is a compiler."""
    if request.param == "cpp" and not native.is_available():
        pytest.skip("no C++ compiler here")
    with use_backend(request.param):
        yield request.param
