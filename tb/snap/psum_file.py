"""Testbench of the psum register file."""

import numpy as np

from ...hw.snap.config import SnapConfig
from ...hw.snap.psum_file import value_shape
from ...sim.golden.wrap import wrap
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS


@testbench(PARTS["psum_file"])
async def random_additions(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Additions on all lanes at different addresses, reads of complete banks, clears, with and without overflow."""
    slots, lanes = config.psum_slots, config.pe_multipliers
    file_of = np.arange(lanes) * config.split_psums
    wrapped = False
    for width in (2, config.psum_bits - 1, value_shape(config).width):
        some = rng.permutation(2 * slots)[: max(8, lanes)]  # few enough to meet again
        psums, overflow, shown = np.zeros((lanes, 2 * slots), object), False, False  # a part in each file
        for _ in range(150):
            addresses = rng.permutation(some if rng.random() < 0.8 else 2 * slots)[:lanes]
            values = [int(value) for value in rng.integers(-(1 << width - 1), 1 << width - 1, lanes)]
            add = rng.random(lanes) < 0.7
            clear = int(rng.choice(4, p=[0.9, 0.04, 0.04, 0.02]))
            add &= (clear >> addresses // slots & 1) == 0
            done = int(rng.choice(4, p=[0.4, 0.25, 0.25, 0.1])) & ~clear
            add &= (done >> addresses // slots & 1) == 0
            at = int(rng.choice(some)) if rng.random() < 0.8 else int(rng.integers(2 * slots))
            outputs = await bench.cycle(
                {
                    "i_add": sum(int(enable) << lane for lane, enable in enumerate(add)), "i_clear": clear,
                    "i_done": done,
                    "i_read_address": at,
                    **{f"i_address_{lane}": int(address) for lane, address in enumerate(addresses)},
                    **{f"i_value_{lane}": value for lane, value in enumerate(values)},
                }
            )  # fmt: skip
            assert not done >> at // slots & 1 or outputs["o_psum"] == psums[:, at].sum()
            shown, late = overflow, shown
            assert outputs["o_overflow"] == (late if config.pipelined else shown)
            for lane in np.flatnonzero(add):
                place = file_of[lane], addresses[lane]
                total = int(psums[place]) + values[lane]
                psums[place] = int(wrap(np.array(total), config.psum_bits))
                overflow |= psums[place] != total
            for bank in range(2):
                if clear >> bank & 1:
                    psums[:, bank * slots : (bank + 1) * slots] = 0
        wrapped |= overflow
        await bench.cycle({"i_add": 0, "i_clear": 0})
        await bench.reset()
    assert wrapped
