"""Testbench of the adder of a product and a float32."""

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .lanes import mantissa, rounded
from .parts import PARTS

BITS = 24


def operands(integer_bits: int, distance: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """Product, its exponent and addend, whose exponent is larger by `distance`; they may nearly cancel."""
    half = 1 << integer_bits - 1
    exponent, factor = int(rng.integers(60, 180)), mantissa(rng)
    number = int(rng.choice([0, 1, -1, -half, half - 1, *rng.integers(-half, half, 4)]))
    addend = int(rng.choice([0, mantissa(rng), mantissa(rng), mantissa(rng)]))
    shifted = abs(factor * number) >> distance if distance >= 0 else abs(factor * number) << -distance
    if shifted.bit_length() == BITS and rng.random() < 0.7:
        addend = min(max(shifted + int(rng.integers(-1, 2)), 1 << 23), (1 << 24) - 1)
    return factor * number, exponent, addend


async def check_sum(bench: Bench, product: int, exponent: int, addend: int, distance: int, negative: int) -> None:
    """Compare with the exact sum; the addend's exponent is larger by `distance`."""
    outputs = await bench.cycle(
        {
            "i_product": product, "i_exponent": exponent, "i_addend_negative": negative, "i_addend": addend,
            "i_addend_exponent": exponent + distance,
        }
    )  # fmt: skip
    unit = min(exponent, exponent + distance, outputs["o_exponent"] - 4)
    exact = (product << exponent - unit) + ((-addend if negative else addend) << exponent + distance - unit)
    found = outputs["o"] << outputs["o_exponent"] - 4 - unit if outputs["o"] else 0
    assert rounded(found, BITS) == rounded(exact, BITS), f"{product}, {distance}, {addend}: {outputs}"


@testbench(PARTS["aligned_adder"])
async def sums_are_right_once_rounded(bench: Bench, config: tuple[int], rng: np.random.Generator) -> None:
    """Operands at all distances, either sign, and numbers without their first bit."""
    for number in range(1200):
        distance = int(rng.integers(-45, 46 + config[0])) if number % 8 else int(rng.integers(-200, 300))
        product, exponent, addend = operands(config[0], distance, rng)
        negative = int(rng.integers(2))
        if number % 16 == 1:  # subnormal: one of the two exponents is 1
            if distance >= 0:
                product, exponent = product // (1 << 23) * int(rng.integers(1 << 23)), 1
            else:
                addend, exponent = int(rng.integers(1 << 23)), 1 - distance
        await check_sum(bench, product, exponent, addend, distance, negative)


@testbench(PARTS["aligned_adder"])
async def a_bit_below_a_tie(bench: Bench, config: tuple[int], rng: np.random.Generator) -> None:
    """One operand adds half a place of the other and one bit further down, any, which alone decides; or no such bit."""
    span = config[0] - 1
    for place in range(span + 1):
        for below in range(BITS):
            exponent, negative, sign = int(rng.integers(60, 180)), int(rng.integers(2)), int(rng.choice([-1, 1]))
            half = 1 << BITS - 1 | ((1 << below) & (1 << BITS - 1) - 1)
            number = max(-1 << span, min(sign << place, (1 << span) - 1))
            await check_sum(bench, mantissa(rng) * number, exponent, half, place - BITS, negative)
            await check_sum(bench, half * number, exponent, mantissa(rng), place + BITS, negative)
