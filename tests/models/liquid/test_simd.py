from __future__ import annotations

import ctypes
import subprocess

import numpy as np
import pytest
from scipy import special

from cauce.models.liquid.kernels import native

LANES = (4, 8, 16)
UNIT = 2.0**-23
SOURCE = """
#include "activations.h"
#define EACH(NAME, RESULT) \\
    extern "C" void NAME(const float* in, float* out, long n) { \\
        for (long i = 0; i < n; i += LANES) { vec x = load(in + i); store(out + i, RESULT); } \\
    }
EACH(exponential_of, exp_of(x))
EACH(sigmoid_of, sigmoid(x))
EACH(tanh, tanh_of(x))
EACH(normal, normal_share(x))
EACH(sums, fill(sum(x)))
extern "C" void some(const float* in, float* out, long n) { store_some(out, load_some(in, n), n); }
"""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    if not native.is_available():
        pytest.skip("no C++ compiler here")
    directory = tmp_path_factory.mktemp("simd")
    (directory / "simd.cpp").write_text(SOURCE)
    command, _ = native._command_and_target()
    made = {}
    for lanes in LANES:
        place = directory / f"{lanes}.so"
        options = [f"-DLANES={lanes}", f"-I{native._SOURCES}", "-shared", "-o", str(place)]
        subprocess.run([*command, *options, str(directory / "simd.cpp")], check=True)
        made[lanes] = ctypes.CDLL(str(place))
    return made


def call(library, name, values, count=None):
    results = np.full_like(values, 7)
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (values, results)]
    getattr(library, name)(*pointers, ctypes.c_long(len(values) if count is None else count))
    return results


def wide():
    small = np.geomspace(1e-30, 1, 5000)
    values = np.concatenate([np.linspace(-86, 86, 50_000), small, -small, [0, -0.0]])
    return values[: len(values) // 16 * 16].astype(np.float32)


@pytest.mark.parametrize(
    ("name", "truth"),
    [("exponential_of", np.exp), ("sigmoid_of", special.expit), ("tanh", np.tanh)],
)
def test_functions_have_two_units_of_relative_error_everywhere(libraries, name, truth):
    values = wide()
    expected = truth(values.astype(np.float64))
    for library in libraries.values():
        error = np.abs(call(library, name, values) - expected)
        assert np.all(error <= 2 * UNIT * np.abs(expected))


def test_the_normal_distribution_is_right_to_its_tail(libraries):
    values = wide()[np.abs(wide()) < 12]
    values = values[: len(values) // 16 * 16]
    expected = special.ndtr(values.astype(np.float64))
    for library in libraries.values():
        error = np.abs(call(library, "normal", values) - expected)
        assert np.all(error <= 3 * UNIT * expected * (1 + values**2))


def test_no_number_is_too_large_and_nan_stays(libraries):
    values = np.array([1e4, -1e4, 3e38, -3e38, np.inf, -np.inf, np.nan, 1e-40] * 2, np.float32)
    ends = {"sigmoid_of": (1, 0), "tanh": (1, -1), "normal": (1, 0)}
    for library in libraries.values():
        for name, (high, low) in ends.items():
            results = call(library, name, values)
            np.testing.assert_allclose(results[:6], [high, low] * 3, atol=1e-37)
            assert np.isnan(results[6])
            assert np.isfinite(results[7])
        assert np.all(np.isfinite(call(library, "exponential_of", values)[:6]))


def test_results_do_not_depend_on_the_lanes(libraries):
    for name in ("exponential_of", "sigmoid_of", "tanh", "normal"):
        first, *others = (call(library, name, wide()) for library in libraries.values())
        for other in others:
            np.testing.assert_array_equal(first, other)


def test_some_lanes_are_moved_and_no_more(libraries):
    values = np.arange(1, 17, dtype=np.float32)
    for lanes, library in libraries.items():
        for count in range(lanes):
            results = call(library, "some", values, count)
            np.testing.assert_array_equal(results[:count], values[:count])
            assert np.all(results[count:] == 7)


def test_a_sum_takes_every_lane(libraries):
    values = np.arange(16, dtype=np.float32)
    for lanes, library in libraries.items():
        expected = values.reshape(-1, lanes).sum(1).repeat(lanes)
        np.testing.assert_array_equal(call(library, "sums", values), expected)
