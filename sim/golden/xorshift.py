"""Reproducible random bits: what `fpga.random_stream.RandomStream` offers."""

import numpy as np

__all__ = ["LANE_BITS", "SHIFTS", "lane_seeds", "xorshift_words"]

LANE_BITS = 32

SHIFTS = (13, -17, 5)
"""Shifts of xorshift32 (G. Marsaglia, "Xorshift RNGs", 2003); positive ones to the left. Its period is 2**32 - 1."""


def lane_seeds(width: int, seed: int) -> list[int]:
    """First states, none of them 0, of the 32-bit generators that `width` bits a beat take."""
    states = np.random.default_rng(seed).integers(1, 1 << LANE_BITS, -(-width // LANE_BITS))
    return states.tolist()


def xorshift_words(width: int, seed: int, beats: int) -> list[int]:
    """Beats of `width` bits: the states of generators side by side, the first one lowest; beat 0 is the seeds."""
    states, words = np.array(lane_seeds(width, seed), np.uint64), []
    mask = np.uint64((1 << LANE_BITS) - 1)
    for _ in range(beats):
        word = sum(state << LANE_BITS * lane for lane, state in enumerate(states.tolist()))
        words.append(word & (1 << width) - 1)
        for shift in SHIFTS:
            states ^= (states << np.uint64(shift) if shift > 0 else states >> np.uint64(-shift)) & mask
    return words
