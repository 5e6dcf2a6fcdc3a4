"""Compiled parts: whether a stream goes on in a cycle, see `sim.stalls`."""

import numpy as np

from .compiled import part

__all__ = ["goes", "offers"]


@part
def random32(gate):
    """Draw the next 32 random bits of a gate (S. Vigna's xorshift64*, as in bulk simulation)."""
    state = gate.state
    state ^= state >> np.uint64(12)
    state ^= state << np.uint64(25)
    state ^= state >> np.uint64(27)
    gate.state = state
    return np.int64((state * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(32))


@part
def goes(gate, bits, cycle):
    """Whether a receiver is ready; of a sender, whether it would begin to offer a beat."""
    if gate.threshold:
        return random32(gate) >= gate.threshold
    return gate.period == 0 or not bits[gate.offset + cycle % gate.period]


@part
def offers(gate, bits, cycle, more):
    """Whether a sender that has `more` beats offers one; `taken` must end the offer."""
    go = goes(gate, bits, cycle)
    if not gate.offered:
        gate.offered = more and go
        if gate.shown and not gate.offered:
            for _ in range(gate.noise):
                random32(gate)
        gate.shown = gate.offered
    return gate.offered
