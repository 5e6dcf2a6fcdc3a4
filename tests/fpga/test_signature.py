import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorloom.fpga.signature import Signature
from tensorloom.hw.emit.emitter import emit
from tensorloom.sim.golden.signature import SEED, TAPS, fold, signature, step
from tensorloom.tb.bulk.model import build


def polynomial_remainder(payloads: list[int]) -> int:
    """The same by long division of polynomials over GF(2), for payloads of 32 bits."""
    reflected = int(f"{TAPS:032b}"[::-1], 2)
    state = SEED
    for payload in payloads:
        bits = int(f"{state:032b}"[::-1], 2) << 1
        state = int(f"{bits ^ (reflected | 1 << 32 if bits >> 32 else 0):032b}"[::-1], 2) ^ payload
    return state


@given(st.lists(st.integers(0, 2**32 - 1), max_size=30))
def test_it_is_a_division_of_polynomials(payloads: list[int]) -> None:
    assert signature(payloads) == polynomial_remainder(payloads)


def test_the_polynomial_has_the_longest_period() -> None:
    """2**32 - 1 steps come back to the start, and none of its largest divisors do: the polynomial is primitive."""

    def matrix(power: int) -> list[int]:
        columns = [step(1 << bit) for bit in range(32)]
        result = [1 << bit for bit in range(32)]

        def apply(columns: list[int], vector: int) -> int:
            return int(np.bitwise_xor.reduce([columns[bit] for bit in range(32) if vector >> bit & 1] or [0]))

        while power:
            if power & 1:
                result = [apply(columns, vector) for vector in result]
            columns = [apply(columns, vector) for vector in columns]
            power >>= 1
        return result

    identity = [1 << bit for bit in range(32)]
    period = 2**32 - 1
    assert matrix(period) == identity
    assert all(matrix(period // prime) != identity for prime in (3, 5, 17, 257, 65537))


@settings(max_examples=200)
@given(st.integers(1, 400), st.integers(1, 20), st.randoms(use_true_random=False))
def test_every_single_flipped_bit_shows(width: int, beats: int, numbers: random.Random) -> None:
    payloads = [numbers.getrandbits(width) for _ in range(beats)]
    changed = list(payloads)
    changed[numbers.randrange(beats)] ^= 1 << numbers.randrange(width)
    assert signature(changed) != signature(payloads)


def test_equal_errors_in_all_lanes_do_not_cancel() -> None:
    assert fold(sum(1 << 32 * lane for lane in range(12))) != 0


def test_hardware_is_the_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = random.Random(seed)
    model = build(emit(Signature(75, 4)))
    payloads = [numbers.getrandbits(75) for _ in range(40)]
    take, clear = (rng.random(40) < 0.6).astype(int), np.zeros(40, int)
    take[30:] = 0
    clear[36] = 1
    outputs = model.cycles(
        {"i_payload": np.array(payloads, object), "i_take": take, "i_clear": clear}, ["o_state", "o_beats"]
    )
    kept = [payload for payload, taken in zip(payloads, take, strict=True) if taken]
    assert outputs["o_state"][35] == signature(kept)
    assert outputs["o_beats"][35] == min(len(kept), 15)
    assert (outputs["o_state"][37], outputs["o_beats"][37]) == (SEED, 0)
