"""Streams that stand still in some cycles, as cycle models take them."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["GATE", "Pattern", "RandomStall", "make_gates", "random_state"]


@dataclasses.dataclass(frozen=True)
class RandomStall:
    """A stream that stands still at random, in the very cycles in which it does so in bulk simulation.

    Parameters
    ----------
    state
        Of the generator (xorshift64*), which gives 32 bits a cycle; not 0.
    threshold
        The stream goes on if they are no less: 2**32 times the probability of a stall.
    noise
        Numbers that an input takes at the end of an offer, for the wrong payload that follows.
    """

    state: int
    threshold: int
    noise: int = 0


Pattern = np.ndarray | Sequence[RandomStall] | None
"""When some streams stand still: bool ``[cycles, streams]``, repeated for ever; each at random; None: never."""

GATE = np.dtype(
    [
        ("state", "u8"), ("threshold", "i8"), ("noise", "i8"),
        ("offset", "i8"), ("period", "i8"),
        ("offered", "?"),  # a beat is on offer
        ("shown", "?"),  # one was in the cycle before
    ],
    align=True,
)  # fmt: skip
"""Whether a stream goes on: at random if there is a `threshold`; where `period` bits from `offset` on of a common array
are 0, if there is a `period`; else always."""


def make_gates(patterns: Mapping[str, tuple[Pattern, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Gates of streams, ``[streams]`` of `GATE`, and the array of bits that they refer to.

    Parameters
    ----------
    patterns
        By name of some streams, which errors give: their pattern, and how many they are.

    Raises
    ------
    ValueError
        For a pattern of another number of streams, or without a cycle.
    """
    gates = np.zeros(sum(count for _, count in patterns.values()), GATE)
    at, bits = 0, [np.zeros(0, bool)]
    for name, (pattern, count) in patterns.items():
        part = gates[at : at + count]
        if isinstance(pattern, np.ndarray):
            if pattern.ndim != 2 or pattern.shape[1] != count or not len(pattern):
                raise ValueError(f"stalls of {name} must be of shape (cycles, {count}), not {pattern.shape}")
            part["period"] = len(pattern)
            part["offset"] = sum(map(len, bits)) + np.arange(count) * len(pattern)
            bits.append(pattern.T.astype(bool).ravel())
        elif pattern is not None:
            if len(pattern) != count:
                raise ValueError(f"stalls of {name} must be those of {count} streams, not of {len(pattern)}")
            for gate, stall in zip(part, pattern, strict=True):
                gate["state"], gate["threshold"], gate["noise"] = stall.state, stall.threshold, stall.noise
        at += count
    return gates, np.concatenate(bits)


def random_state(seed: int, index: int) -> int:
    """State of a random generator that differs well between seeds and streams, never zero (splitmix64)."""
    mask = (1 << 64) - 1
    value = (seed * 0x9E3779B97F4A7C15 + (index + 1) * 0xD1B54A32D192ED03) & mask
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & mask
    return (value ^ value >> 31) or 1
