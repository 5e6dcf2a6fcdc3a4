"""Testbench of the rounding of float32 numbers to bytes."""

import numpy as np

from ...hw.common.round_to_byte import RoundToByte
from ..bench import Bench, play
from ..cocotb_bench import testbench
from .lanes import BYTE_ENDS, float_bits, mantissa
from .parts import PARTS

ENDS = (*BYTE_ENDS, (-256, 255), (-256, -256), (-200, -129))


def numbers(rng: np.random.Generator) -> np.ndarray:
    """Quarters from 0 to beyond the ends, and their neighbours; each exponent, subnormal and infinite too."""
    quarters = np.arange(1060, dtype=np.float32) / np.float32(4)
    beside = [np.nextafter(quarters, np.float32(end)) for end in (0, np.inf)]
    digits = np.array([mantissa(rng) for _ in range(4 * 255)])
    powers = np.ldexp(digits, np.repeat(np.arange(-149, 255 - 149), 4) - 1).astype(np.float32)
    return np.concatenate([quarters, *beside, powers, np.array([2.0**-149, np.inf], np.float32)])


@testbench(PARTS["round_to_byte"])
async def rounds_half_to_even(bench: Bench, config: tuple[()], rng: np.random.Generator) -> None:
    """Numbers of either sign and ends that change, a value a cycle."""
    values = rng.permutation(numbers(rng))
    values = np.concatenate([values, -values])
    low, high = np.array(ENDS)[rng.integers(len(ENDS), size=len(values))].T
    wanted = np.clip(np.rint(values.astype(np.float64)), low, high).astype(int).tolist()
    latency = RoundToByte.LATENCY
    await play(
        bench,
        {
            "i_value": [float_bits(value) for value in values] + [0] * latency,
            "i_low": low.tolist() + [0] * latency,
            "i_high": high.tolist() + [0] * latency,
        },
        {"o": [None] * latency + wanted},
    )
