# amaranth: UnusedElaboratable=no
"""Names of signals: read from the source, the same under every Python."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from amaranth import tracer
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import stream
from amaranth.lib.memory import Memory

from tensorloom.hw.emit.tracing import variable_name


class Owner:
    """Something with attributes."""


def test_variables_and_attributes():
    first = Signal(range(3))
    second: Signal = Signal()
    chained = other = Signal()
    owner = Owner()
    owner.third = Signal.like(first)
    owner.fourth, [fifth, owner.sixth] = (
        Signal(),
        [Signal(3), Signal(name="own")],
    )
    assert len(seventh := Signal(7)) == 7
    signals = first, second, chained, owner.third, owner.fourth, fifth, owner.sixth, seventh
    names = "first", "second", "chained", "third", "fourth", "fifth", "own", "seventh"
    assert tuple(signal.name for signal in signals) == names
    assert other is chained


def test_a_name_behind_which_a_variable_is_loaded():
    """Python 3.13 stores ``register`` and loads ``m`` in one instruction."""
    m = Module()
    register = Signal()
    m.d.sync += register.eq(1)
    assert register.name == "register"


def test_everything_else_that_amaranth_names():
    m = Module()
    m.domains.fast = domain = ClockDomain()
    m.submodules.memory = memory = Memory(shape=4, depth=2, init=[])
    write, read = memory.write_port(), memory.read_port()
    beats = stream.Signature(4).create()
    assert (domain.name, write.en.name, read.data.name) == ("fast", "write__en", "read__data")
    assert beats.payload.name == "beats__payload"


def test_no_name():
    signals = [Signal() for _ in range(2)]
    left, right = (Signal() for _ in range(2))
    shape = Signal().shape()
    assert {signal.name for signal in (*signals, left, right)} == {"$signal"} and shape.width == 1
    with pytest.raises(tracer.NameNotFound):
        print(variable_name(1))
    assert [variable_name(1, "default")] == ["default"]


def test_without_the_source():
    """From the bytecode, as Amaranth does."""
    values: dict = {"Signal": Signal}
    exec("found = Signal()\n[lost] = [Signal()]", values)
    assert values["found"].name == "found" and values["lost"].name in ("$signal", "lost")


NETLISTS = """
import hashlib, site, sys
site.addsitedir(sys.argv[1])
from tensorloom.hw.emit import emitter
from tensorloom.hw.snap import config as snap, core
from tensorloom.hw.systolic import config as systolic, matrix_unit
emitter.rtlil_to_verilog = lambda rtlil, *_: hashlib.sha256(rtlil.encode()).hexdigest()  # Yosys is the same for all
for component in (
    matrix_unit.MatrixUnit(systolic.PRESETS["tiny"]),
    core.SnapCore(snap.PRESETS["snap-tiny"]),
    core.SnapCore(snap.PRESETS["snap-fpga"]),
):
    print(emitter.emit(component).manifest["hash"])
"""


def other_pythons() -> list[str]:
    """Interpreters of other versions on PATH, and those that TEST_PYTHONS lists."""
    found = {}
    versions = [f"python3.{minor}" for minor in range(11, 20)]
    for name in [*os.environ.get("TEST_PYTHONS", "").split(os.pathsep), *versions]:
        if path := shutil.which(name):
            script = "import sys, ctypes; print(sys.version_info[:2], sys.version_info >= (3, 11))"
            done = subprocess.run([path, "-c", script], capture_output=True, text=True, check=False)
            version, _, known = done.stdout.strip().rpartition(" ")
            if known == "True" and version != str(sys.version_info[:2]):
                found.setdefault(version, path)
    return list(found.values())


def netlists(python: str) -> list[str]:
    """Digests of what an interpreter emits, with this one's packages: all that emission needs are plain Python."""
    done = subprocess.run(
        [python, "-c", NETLISTS, sysconfig.get_path("purelib")], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parent, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return done.stdout.split()


def test_equal_bytes_under_every_python():
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python of 3.11 or later on PATH or in TEST_PYTHONS")
    expected = netlists(sys.executable)
    assert len(set(expected)) == 3
    for python in pythons:
        assert netlists(python) == expected, python
