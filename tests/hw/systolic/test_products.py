"""Whole products on the matrix unit's Verilog, in the form in which users get it."""

import time
from typing import Any

import pytest

from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.tb.runner import run_cocotb

from ...designs import emitted

MODULE = "tensorloom.tb.systolic.product"
KINDS = ("int8", "uint8", "int16", "uint16")
SIZES = [(5, 4, 4), (1, 1, 1), (7, 9, 6), (33, 3, 5)]


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_small_unit(build_dir, bench_seed, stall):
    """All pairs of operand kinds, sizes that are no multiples of the array, more rows than accumulators."""
    pairs = [(a, b) for a in KINDS for b in KINDS]
    products: Any = [[*SIZES[index % len(SIZES)], a, b] for index, (a, b) in enumerate(pairs)]
    # The accumulators hold 32 bits: 16 x 16 bits fit them only once.
    products = [[m, 1, n, a, b] if "16" in a and "16" in b else [m, k, n, a, b] for m, k, n, a, b in products]
    data = {"products": [p for p in products if p[3:] != ["uint16", "uint16"]], "stall": stall}
    emission = emitted("systolic", PRESETS["tiny"])
    assert run_cocotb(emission, MODULE, build_dir=build_dir, seed=bench_seed, data=data) == 1


@pytest.mark.slow  # the small unit has blocks that are verilated once, too
def test_hierarchical_unit(build_dir, bench_seed):
    """Blocks that are verilated once and used four times."""
    config = SystolicConfig(rows=16, columns=16, tile_rows=4, tile_columns=4, accumulator_rows=64)
    emission = emitted("systolic", config)
    blocks = {module["name"]: module["instances"] for module in emission.manifest["modules"]}
    assert blocks["block"] == 4 and "block" in emission.manifest["hierarchical"]
    data = {"products": [[70, 50, 40, "int8", "uint8"], [9, 32, 33, "int16", "int8"]], "stall": 0.1}
    assert run_cocotb(emission, MODULE, build_dir=build_dir, seed=bench_seed, data=data, hierarchical=True) == 1


@pytest.mark.slow
def test_whole_tpu(build_dir, bench_seed):
    """256 x 256 PEs: a product of four weight tiles."""
    emission = emitted("systolic", PRESETS["systolic-256"])
    data = {"products": [[300, 500, 400, "int8", "int8"]], "stall": 0.0}
    start = time.perf_counter()
    assert run_cocotb(emission, MODULE, build_dir=build_dir, seed=bench_seed, data=data, hierarchical=True) == 1
    print(f"built and simulated in {time.perf_counter() - start:.0f} s")
