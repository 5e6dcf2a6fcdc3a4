"""Every testbench of tb/common, in both simulators."""

import pytest

from tensorloom.hw.common.multiplier import Multiplier
from tensorloom.hw.common.ram import Ram
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.cases import find_cases
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.common.bundle import COMPONENTS
from tensorloom.tb.common.multiplier import products
from tensorloom.tb.common.ram import every_row, random_traffic
from tensorloom.tb.memories import with_bare_memories

CASES = find_cases("common", *COMPONENTS)


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 10


def test_on_verilog(bundle, on_verilog):
    """On memories that do no more than an SRAM macro promises."""
    on_verilog(with_bare_memories(bundle))


@pytest.mark.parametrize("config", [(9, 4096, 1), (300, 65, 1), (2, 64, 2), (9, 1, 3)])
def test_memories_of_any_size(config, bench_seed):
    for check in (every_row, random_traffic):
        rng = random_generator(bench_seed, check.check.__name__)
        simulate(Ram(*config), lambda bench, check=check, rng=rng: check.check(bench, config, rng))


@pytest.mark.parametrize("config", [(1, 1, 0), (2, 16, 3), (30, 34, 2)])
def test_multipliers_of_any_size(config, bench_seed):
    rng = random_generator(bench_seed, "products")
    simulate(Multiplier(*config), lambda bench: products.check(bench, config, rng))
