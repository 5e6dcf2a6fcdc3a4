"""Numbers of which any one bit decides."""

import random

__all__ = ["any_number", "beside"]


def any_number(bits: int, some: random.Random) -> int:
    """A number of so many bits: of any length, or a power of two or one close to it, or to 0 from either side."""
    if some.random() < 0.5:
        return some.getrandbits(some.randint(1, bits))
    return (some.choice([0, 1 << some.randrange(bits)]) + some.randint(-2, 3)) % (1 << bits)


def beside(edge: int, reach: int, bits: int, some: random.Random) -> int:
    """A number close to an edge (from `reach` before it on), or to a power of two before or behind it, or any."""
    away = some.choice([0, 1, -1]) << some.randrange(bits)
    return some.choice([some.getrandbits(bits), *[edge + away - some.randint(-1, reach)] * 4])
