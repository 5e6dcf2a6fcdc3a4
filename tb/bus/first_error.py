"""Testbench of the register that keeps the first error."""

import numpy as np

from ...hw.bus.config import PortConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .memory import DECERR, SLVERR
from .parts import PARTS
from .transfers import numbers


@testbench(PARTS["first_error"])
async def random_answers(bench: Bench, config: PortConfig, rng: np.random.Generator) -> None:
    """Answers of any kind at any time, cleared now and then: after each cycle the first that failed since is kept."""
    some, kept = numbers(rng), None
    for _ in range(6):
        failing, clearing = some.choice([0.1, 0.5, 0.9]), some.choice([0.02, 0.3, 0.6])
        for _ in range(60):
            answer, clear = some.randrange(2), int(some.random() < clearing)
            response = some.choice([SLVERR, DECERR]) if some.random() < failing else some.randrange(2)  # EXOKAY is none
            address = some.getrandbits(config.beat_address_bits)
            outputs = await bench.cycle(
                {"i_answer": answer, "i_response": response, "i_address": address, "i_clear": clear}
            )
            found = outputs["o_error"]
            assert found == kept if kept else not found["valid"]
            if (not kept or clear) and answer and response in (SLVERR, DECERR):
                kept = {"valid": 1, "decode": int(response == DECERR), "address": address * config.bytes}
            elif clear:
                kept = None
        await bench.cycle({"i_answer": 0, "i_clear": 0})
        await bench.reset()
        kept = None
