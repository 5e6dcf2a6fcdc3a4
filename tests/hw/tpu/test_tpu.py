"""The whole TPU, with memories and software that nobody here wrote."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.tpu.tpu import Tpu
from tensorloom.tb.lint import lint
from tensorloom.tb.runner import run_cocotb
from tensorloom.tb.tpu.whole_parts import TINY


@pytest.fixture(scope="module")
def emission():
    return emit(Tpu(TINY))


def test_on_verilog(emission, build_dir, bench_seed):
    modules = [f"tensorloom.tb.tpu.{name}" for name in ("tpu", "faults", "order")]
    assert run_cocotb(emission, modules, build_dir=build_dir, seed=bench_seed) == 58


def test_lint(emission):
    assert lint(emission) == []
