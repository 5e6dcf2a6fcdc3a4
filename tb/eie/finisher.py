"""Testbench of the finisher."""

import numpy as np

from ...hw.eie.config import EieConfig
from ...sim.eie.golden import finish
from ...sim.golden.wrap import wrap
from ..bench import Bench
from ..cocotb_bench import testbench
from .cluster_parts import PARTS


@testbench(PARTS["finisher"])
async def activations(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Sums around every edge of rounding and of saturation, for all shifts, against the golden model."""
    lanes, rows, latency, seen = config.lanes, config.readout_rows, config.readout_latency - 1, set()
    limit = 1 << config.psum_bits - 1
    for shift in range(config.psum_bits):
        for relu in range(2):
            edges = [0, -limit, limit - 1]
            edges += [(sign << config.data_bits - 1 + shift) - (1 << shift >> 1) for sign in (-1, 1)]
            edges += [(int(n) << shift) + (1 << shift >> 1) for n in rng.integers(-9, 9, 2)]
            totals = np.array(edges)[rng.integers(len(edges), size=(8, rows))] + rng.integers(-1, 2, (8, rows))
            totals = wrap(totals, config.psum_bits)
            parts = rng.integers(-limit, limit, (8, lanes, rows))
            parts[:, 0] = wrap(totals - parts[:, 1:].sum(1), config.psum_bits)
            found = []
            for cycle in range(8 + latency):
                inputs = {"i_parts": parts[min(cycle, 7)].tolist(), "i_shift": shift, "i_relu": relu}
                found.append((await bench.cycle(inputs))["o_activations"])
            expected = finish(totals, shift, bool(relu), config.data_bits)
            assert found[latency:] == expected.tolist()
            seen |= set(expected.ravel().tolist())
    assert {-1 << config.data_bits - 1, (1 << config.data_bits - 1) - 1} <= seen
