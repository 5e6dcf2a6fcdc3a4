"""Reader and writer on one port, with a memory that nobody here wrote."""

from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.bus.copier import Copier
from tensorloom.tb.bus.parts import COPIER
from tensorloom.tb.lint import lint
from tensorloom.tb.runner import run_cocotb


def test_copies(build_dir, bench_seed):
    emission = emit(Copier(COPIER))
    assert lint(emission) == []
    assert run_cocotb(emission, "tensorloom.tb.bus.copying", build_dir=build_dir, seed=bench_seed, optimize=False) == 12
