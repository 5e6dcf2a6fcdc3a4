"""Signature of a stream: what `fpga.signature.Signature` compresses a sequence of payloads to."""

from collections.abc import Iterable

__all__ = ["SEED", "SIGNATURE_BITS", "TAPS", "fold", "fold_rotation", "signature", "step"]

SIGNATURE_BITS = 32

TAPS = 0xEDB88320
"""The CRC-32 polynomial, reflected. It is primitive, so a step loses nothing and repeats after 2**32 - 1."""

SEED = 0xFFFFFFFF

MASK = (1 << SIGNATURE_BITS) - 1


def fold_rotation(word: int) -> int:
    """Bits by which a payload's 32-bit word number `word` is rotated, so that equal errors in lanes don't cancel."""
    return 7 * word % SIGNATURE_BITS


def fold(payload: int) -> int:
    """XOR of the 32-bit words of a payload, each rotated left by `fold_rotation`."""
    result = word = 0
    while payload:
        part, by = payload & MASK, fold_rotation(word)
        result ^= part << by & MASK | part >> SIGNATURE_BITS - by
        payload >>= SIGNATURE_BITS
        word += 1
    return result


def step(state: int) -> int:
    """One step of the Galois shift register."""
    return state >> 1 ^ (TAPS if state & 1 else 0)


def signature(payloads: Iterable[int]) -> int:
    """Signature of payloads, each as a number of its bits, in the order of the stream.

    It is linear and every step can be undone, so that a change of a single bit anywhere always shows; of other changes
    one in 2**32 doesn't.
    """
    state = SEED
    for payload in payloads:
        state = step(state) ^ fold(payload)
    return state
