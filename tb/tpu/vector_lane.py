"""Testbench of a lane of the vector unit."""

import random
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES
from ...hw.tpu.granule_reducer import KEPT_BITS
from ...hw.tpu.vector_lane import FLOAT_LATENCY, TABLE_BYTES, TABLE_LATENCY
from ..bench import Bench
from ..cocotb_bench import testbench
from .vector_parts import PARTS
from .vector_reference import floats, fma

Mode = dict[str, int]


def signed_value(bits: int, width: int, signed: int) -> int:
    """A number of so many bits."""
    return bits - (1 << width) if signed and bits >> width - 1 else bits


def near(wanted: float, some: random.Random) -> int:
    """Bits of a float32 that is this number, or beside it by any bit of the mantissa; 0 if it has no such magnitude."""
    if not 2.0**-100 < abs(wanted) < 2.0**31:
        return 0
    bits = int(np.float32(wanted).view(np.uint32))
    return bits + some.choice([0, 0, -1, 1]) * (1 << some.choice([0, 0, 1, 2, some.randrange(20)]))


def operands(mode: Mode, kept: int) -> tuple[int, int, int]:
    """a, b, and the product of a pair or the sum."""
    signed = mode["signed"]
    a, b = (signed_value(kept >> place & 255, 8, signed) for place in (0, 8))
    zero_a, zero_b = (signed_value(mode[name], 8, signed) for name in ("zero_a", "zero_b"))
    return a, b, (a - zero_a) * (b - zero_b) if mode["multiply"] else signed_value(kept, KEPT_BITS, signed)


def result(mode: Mode, kept: int) -> int:
    """The byte by the maths."""
    a, b, x = (np.array(number) for number in operands(mode, kept))
    factor_a, factor_b, addend = (floats(mode[name]) for name in ("factor_a", "factor_b", "addend"))
    value = fma(a, factor_a, fma(b, factor_b, addend)) if mode["add"] else fma(x, factor_a, addend)
    return int(np.clip(np.rint(value), mode["low"], mode["high"])) & 255


def random_mode(some: random.Random, kept: int) -> Mode:
    """Factors with which this value is about half way between two results, so that any of their bits may decide."""
    kind, signed = some.choice(["add", "add", "multiply", "scale"]), some.randrange(2)
    least = -128 * signed
    low, high = sorted([some.randint(least, least + 255), some.randint(least, least + 255)])
    low, high = some.choice([(least, least + 255), (least, least + 255), (low, high)])
    mode = {name: int(name == kind) for name in ("add", "multiply", "table")} | {"signed": signed}
    mode |= {"zero_a": some.getrandbits(8), "zero_b": some.getrandbits(8), "low": low, "high": high}
    half = some.randint(low - 1, high + 1) + some.choice([0.5, 0.5, 0.5, some.random()])
    addend = some.choice([0.0, some.uniform(-200, 200), some.uniform(-2, 2)])
    mode |= {"factor_a": 0, "factor_b": 0, "addend": near(addend, some)}
    a, b, x = operands(mode, kept)
    if kind == "add":
        first, second = (("a", a), ("b", b)) if some.random() < 0.5 else (("b", b), ("a", a))
        mode[f"factor_{first[0]}"] = near(some.choice([0.0, some.uniform(-1, 1), some.uniform(-1e-3, 1e-3)]), some)
        left = half - float(floats(mode["addend"])) - first[1] * float(floats(mode[f"factor_{first[0]}"]))
        mode[f"factor_{second[0]}"] = near(left / second[1] if second[1] else 0.0, some)
    else:
        mode["factor_a"] = near((half - float(floats(mode["addend"]))) / x if x else 0.0, some)
    return mode


@testbench(PARTS["vector_lane"])
async def bits_decide(bench: Bench, config: tuple[()], rng: np.random.Generator) -> None:
    """Values beside ties in all modes, one after the other."""
    some = random.Random(int(rng.integers(1 << 32)))
    for _ in range(250):
        kept = [some.getrandbits(some.choice([4, 9, 16, KEPT_BITS])) for _ in range(4)]
        mode, inputs = random_mode(some, kept[0]), dict[str, Any](i_fill=0)
        wanted = [result(mode, value) for value in kept]
        for cycle in range(len(kept) + FLOAT_LATENCY):
            inputs["i_kept"] = kept[cycle] if cycle < len(kept) else some.getrandbits(KEPT_BITS)
            outputs = await bench.cycle(inputs | {"i_mode": mode})
            if cycle >= FLOAT_LATENCY:
                assert outputs["o_byte"] == wanted[cycle - FLOAT_LATENCY], (mode, kept, cycle)


@testbench(PARTS["vector_lane"])
async def tables(bench: Bench, config: tuple[()], rng: np.random.Generator) -> None:
    """Each byte of a table, as it was filled last."""
    some = random.Random(int(rng.integers(1 << 32)))
    table: dict[int, int] = {}
    mode = random_mode(some, 1) | {"add": 0, "multiply": 0, "table": 1}
    places = [some.randrange(TABLE_BYTES // GRANULE_BYTES) for _ in range(20)] + list(
        range(TABLE_BYTES // GRANULE_BYTES)
    )
    for place in places:
        found = [some.getrandbits(8) for _ in range(GRANULE_BYTES)]
        data = sum(byte << 8 * number for number, byte in enumerate(found))
        table |= {GRANULE_BYTES * place + number: byte for number, byte in enumerate(found)}
        inputs = {"i_mode": mode, "i_fill": 1, "i_place": place, "i_bytes": data, "i_kept": some.getrandbits(KEPT_BITS)}
        await bench.cycle(inputs)
    before: list[int] = []
    for byte in some.sample(range(TABLE_BYTES), TABLE_BYTES) + [0] * TABLE_LATENCY:
        kept = byte | some.getrandbits(KEPT_BITS - 8) << 8
        inputs = {"i_fill": 0, "i_place": some.randrange(64), "i_bytes": some.getrandbits(8 * GRANULE_BYTES)}
        outputs = await bench.cycle(inputs | {"i_kept": kept})
        if len(before) >= TABLE_LATENCY:
            assert outputs["o_byte"] == table[before[-TABLE_LATENCY]]
        before.append(byte)
