from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cauce.models.threads import configure_threads, usable_cpus

LIGHT = [
    "cauce.models.settings",
    "cauce.models.threads",
    "cauce.models.loading",
    "cauce.training.settings",
    "cauce.corpus.tokens",
]


def test_unset_variables_are_filled_in(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.delenv("OMP_NUM_THREADS")
    expected = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(usable_cpus())}
    assert configure_threads() == expected
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_what_the_user_set_stays(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert configure_threads() == {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "7"}


@pytest.mark.parametrize("module", LIGHT)
def test_importing_loads_no_torch(module):
    code = f"import sys, {module}; print('torch' in sys.modules, 'transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
