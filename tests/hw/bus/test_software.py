"""The register file with software that nobody here wrote."""

from tensorloom.hw.bus.registers import RegisterFile
from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.bus.maps import MAPS
from tensorloom.tb.runner import run_cocotb


def test_software(build_dir, bench_seed):
    emission = emit(RegisterFile(MAPS["everything"]))
    assert run_cocotb(emission, "tensorloom.tb.bus.software", build_dir=build_dir, seed=bench_seed, optimize=False) == 8
