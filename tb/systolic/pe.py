"""Testbench of the PE."""

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ..bench import Bench, play
from ..cocotb_bench import testbench
from .parts import PARTS
from .vectors import pe_vectors


@testbench(PARTS["pe"])
async def random_work(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Loads, swaps, signs and values of every kind, in every order."""
    await play(bench, *pe_vectors(config, rng, 600))
