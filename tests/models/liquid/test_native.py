from __future__ import annotations

import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import processes
from cauce.errors import UserError
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.backends import choose_backend, use_backend

needs_compiler = pytest.mark.skipif(not native.is_available(), reason="no C++ compiler here")


@pytest.fixture
def kernels(monkeypatch, tmp_path):
    """Where a tiny library is kept, which no test before has asked for."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "tiny.cpp").write_text('#include "two.h"\nextern "C" int two() { return TWO; }\n')
    (sources / "two.h").write_text("#define TWO 2\n")
    monkeypatch.setattr(native, "_SOURCES", sources)
    monkeypatch.setenv("CAUCE_KERNELS", str(tmp_path / "kernels"))
    forget()
    yield tmp_path / "kernels"
    forget()


def forget():
    native._outcome.cache_clear()
    native.is_available.cache_clear()


def compiler(directory, script):
    path = directory / "compiler"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_without_a_compiler_torch_computes_and_one_notice_says_why(tmp_path):
    code = (
        "import torch; from cauce.models.liquid import CfC\n"
        "for _ in range(2): print(CfC(3, 4)(torch.zeros(1, 2, 3))[0].shape)"
    )
    (tmp_path / "twice.py").write_text(code)
    paths = os.pathsep.join(sys.path)
    without = {"PYTHONPATH": paths, "CXX": "/nonexistent/c++", "CAUCE_KERNELS": str(tmp_path)}
    done = processes.run(
        str(tmp_path / "twice.py"),
        folder=tmp_path,
        environment={**os.environ, **without},
        timeout_s=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("torch.Size([1, 2, 4])") == 2
    assert done.stderr.count("cannot be compiled") == 1
    assert "'/nonexistent/c++'" in done.stderr
    assert "apt install g++" in done.stderr
    assert "PyTorch alone" in done.stderr


def test_asking_for_cpp_without_a_compiler_is_refused(kernels, monkeypatch):
    monkeypatch.setenv("CXX", "/nonexistent/c++")
    with (
        pytest.raises(UserError, match=r"No such file.*'/nonexistent/c\+\+'.\nInstall a C\+\+17"),
        use_backend("cpp"),
    ):
        pass
    assert choose_backend(torch.device("cpu"), torch.float32) == "torch"


def test_what_the_compiler_says_is_told(kernels, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", compiler(tmp_path, "echo no room for C++ >&2; exit 3"))
    with pytest.raises(UserError, match="ended with 3:\nno room for C\\+\\+\n"):
        native.library()


@needs_compiler
def test_sources_that_do_not_compile_are_told(kernels):
    (native._SOURCES / "tiny.cpp").write_text("int two() { return three; }")
    with pytest.raises(UserError, match="three"):
        native.library()
    assert list(kernels.iterdir()) == []


@needs_compiler
def test_the_library_is_compiled_once_for_all_processes(kernels, monkeypatch, caplog):
    with caplog.at_level(logging.INFO, "cauce"):
        assert native.library().two() == 2
    assert caplog.text.count("compiling the C++ kernels") == 1
    (kept,) = kernels.iterdir()
    forget()
    monkeypatch.setattr(native, "_kept", lambda command, place: place)
    assert native.library()._name == str(kept)


@needs_compiler
def test_a_changed_header_is_compiled_anew(kernels):
    native.library()
    (native._SOURCES / "two.h").write_text("#define TWO 22\n")
    forget()
    assert native.library().two() == 22
    assert len(list(kernels.iterdir())) == 2


@needs_compiler
def test_another_processor_gets_a_library_of_its_own(kernels):
    command, target = native._command_and_target()
    assert "__VERSION__" in target
    assert native._digest(command, target) == native._digest(command, target)
    assert native._digest(command, target) != native._digest(command, target + "#define __AMX__ 1")


@needs_compiler
def test_a_compiler_that_does_not_know_the_processor_serves(kernels, monkeypatch, tmp_path):
    script = 'for each; do [ "$each" = -march=native ] && exit 1; done; exec c++ "$@"'
    monkeypatch.setenv("CXX", compiler(tmp_path, script))
    assert native.library().two() == 2


@needs_compiler
def test_where_nothing_can_be_kept_the_library_serves_this_process(
    kernels, monkeypatch, tmp_path, caplog
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CAUCE_KERNELS", str(tmp_path / "file" / "kernels"))
    assert native.library().two() == 2
    assert "cannot be kept" in caplog.text
    assert "CAUCE_KERNELS" in caplog.text


@needs_compiler
def test_a_library_that_cannot_be_loaded_is_named(kernels):
    native.library()
    (kept,) = kernels.iterdir()
    broken = kernels / "broken.so"
    broken.write_text("no library")
    with pytest.raises(UserError, match=r"broken.so cannot be loaded: .*\nDelete the file"):
        native._open(broken)
    assert native._open(kept).two() == 2


@needs_compiler
def test_two_may_compile_at_the_same_time(kernels, monkeypatch):
    both, run_one = threading.Barrier(2, timeout=60), native._run

    def run_when_both_found_nothing(command):
        if "-shared" in command:
            both.wait()
        return run_one(command)

    monkeypatch.setattr(native, "_run", run_when_both_found_nothing)
    with ThreadPoolExecutor(2) as racers:
        loads = [racers.submit(native._load) for _ in range(2)]
    assert [load.result().two() for load in loads] == [2, 2]
    assert [path.suffix for path in kernels.iterdir()] == [".so"]


@needs_compiler
def test_cpp_refuses_what_it_does_not_compute():
    with use_backend("cpp"):
        assert choose_backend(torch.device("cpu"), torch.float32) == "cpp"
        with pytest.raises(ValueError, match=r"torch.float64 on cpu; C\+\+ computes torch.float32"):
            choose_backend(torch.device("cpu"), torch.float64)
