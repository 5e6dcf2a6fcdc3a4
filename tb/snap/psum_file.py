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
    """Additions on all lanes, often to one psum again and again, reads of complete banks, clears, overflow."""
    slots, lanes = config.psum_slots, config.pe_multipliers
    wrapped, read = False, 0
    for width in (2, config.psum_bits - 1, value_shape(config).width):
        some = rng.permutation(2 * slots)[: max(4, lanes)]  # few enough to meet again
        parts, overflow, shown = np.zeros((lanes, 2 * slots), object), False, False
        named, addresses = np.zeros(lanes, bool), np.zeros(lanes, int)
        done, slot = 0, 0  # as they were in the cycle before
        for _ in range(150):
            values = [int(value) for value in rng.integers(-(1 << width - 1), 1 << width - 1, lanes)]
            add = named & (rng.random(lanes) < 0.9)
            now = int(rng.choice(4, p=[0.4, 0.25, 0.25, 0.1]))
            clear = int(rng.choice(4, p=[0.9, 0.04, 0.04, 0.02])) & ~sum(
                1 << bank for bank in set(addresses[add] // slots)
            )
            now &= ~clear
            following = rng.choice(some, lanes) if rng.random() < 0.8 else rng.integers(2 * slots, size=lanes)
            naming = (rng.random(lanes) < 0.8) & ((now | clear) >> following // slots & 1 == 0)
            asked, bank = int(rng.choice(some)) % slots, int(rng.integers(2))
            outputs = await bench.cycle(
                {
                    "i_next": sum(1 << int(lane) for lane in np.flatnonzero(naming)),
                    "i_add": sum(1 << int(lane) for lane in np.flatnonzero(add)), "i_clear": clear,
                    "i_done": now, "i_read_slot": asked, "i_bank": bank,
                    **{f"i_next_address_{lane}": int(address) for lane, address in enumerate(following)},
                    **{f"i_address_{lane}": int(address) for lane, address in enumerate(addresses)},
                    **{f"i_value_{lane}": value for lane, value in enumerate(values)},
                }
            )  # fmt: skip
            if done >> bank & 1:
                assert outputs["o_psum"] == parts[:, bank * slots + slot].sum()
                read += 1
            shown, late = overflow, shown
            assert outputs["o_overflow"] == (late if config.pipelined else shown)
            for lane in np.flatnonzero(add):
                place = lane, addresses[lane]
                total = int(parts[place]) + values[lane]
                parts[place] = int(wrap(np.array(total), config.psum_bits))
                overflow |= parts[place] != total
            for cleared in range(2):
                if clear >> cleared & 1:
                    parts[:, cleared * slots : (cleared + 1) * slots] = 0
            named, addresses, done, slot = naming, following, now, asked
        wrapped |= overflow
        await bench.cycle({"i_next": 0, "i_add": 0, "i_clear": 0})
        await bench.reset()
    assert wrapped and read > 50
