"""Patterns of stalls, and the gates that are made of them."""

import numpy as np
import pytest

from tensorloom.sim.stalls import RandomStall, make_gates


def test_gates_refer_to_their_own_bits() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.random((5, 3)) < 0.5, rng.random((7, 2)) < 0.5
    random = [RandomStall(state=9, threshold=4, noise=2)]
    gates, bits = make_gates({"one": (one, 3), "none": (None, 2), "random": (random, 1), "two": (two, 2)})
    patterns = [bits[gate["offset"] :][: gate["period"]].tolist() for gate in gates]
    assert patterns == [*one.T.tolist(), [], [], [], *two.T.tolist()]
    assert gates["threshold"].tolist() == [0, 0, 0, 0, 0, 4, 0, 0]
    assert (gates[5]["state"], gates[5]["noise"]) == (9, 2)


@pytest.mark.parametrize("pattern", [np.zeros((4, 3), bool), np.zeros((0, 2), bool), np.zeros(2, bool)])
def test_patterns_of_a_wrong_shape(pattern: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"stalls of sums must be of shape \(cycles, 2\), not \("):
        make_gates({"weights": (None, 1), "sums": (pattern, 2)})


def test_wrong_number_of_streams() -> None:
    with pytest.raises(ValueError, match="stalls of sums must be those of 2 streams, not of 1"):
        make_gates({"sums": ([RandomStall(1, 1)], 2)})
