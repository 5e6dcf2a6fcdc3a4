"""Testbench of the reduction-pattern selector."""

from itertools import product

import numpy as np

from ...hw.snap.config import SnapConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS


@testbench(PARTS["reduction_selector"])
async def sums_by_address(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Written sums are those of the products by address, each address once; all patterns of Table I, and AC,B.

    Every choice of valid products meets every way in which addresses can be equal, and addresses that differ in a bit.
    """
    count, space = config.pe_multipliers, 2 * config.psum_slots
    patterns = set()
    cases = list(product(product((False, True), repeat=count), product(range(count), repeat=count)))
    for valid, labels in cases * (1 + 200 // len(cases)):
        first, bit = int(rng.integers(space)), int(rng.integers(config.slot_bits + 1))
        others = [address for address in rng.permutation(space).tolist() if address not in (first, first ^ 1 << bit)]
        names = rng.permutation([first, first ^ 1 << bit, *others[:2]])[:count].tolist()
        addresses = [names[label] for label in labels]
        products = (1 << np.arange(count)).tolist()  # any set of them has a sum of its own
        expected: dict[int, int] = {}
        for lane in np.flatnonzero(valid):
            expected[addresses[lane]] = expected.get(addresses[lane], 0) + products[lane]
        mask = sum(1 << int(lane) for lane in np.flatnonzero(valid))
        outputs = await bench.cycle({"i_valid": mask, "i_addresses": addresses})
        written = [lane for lane in range(count) if outputs["o_write"] >> lane & 1]
        members = outputs["o_members"]
        assert {addresses[lane]: members[lane] for lane in written} == expected
        assert len(written) == len(expected)
        assert not any(members[lane] for lane in range(count) if lane not in written)
        assert all(valid[lane] and members[lane] & -members[lane] == 1 << lane for lane in written)
        patterns.add(tuple(sorted(expected.values())))
    full = (1 << count) - 1
    assert len({pattern for pattern in patterns if sum(pattern) == full}) == (1, 2, 5, 15)[count - 1]
