"""Parts that a bundle holds side by side, told apart by the beginnings of their ports' names."""

from itertools import permutations

import pytest

from tensorloom.tb.snap.bundle import Bundle as SnapBundle
from tensorloom.tb.systolic.bundle import Bundle as SystolicBundle


@pytest.mark.parametrize("bundle", [SnapBundle, SystolicBundle])
def test_no_part_takes_the_ports_of_another(bundle) -> None:
    names = list(bundle().signature.members)
    assert len(names) > 20
    assert not [(name, other) for name, other in permutations(names, 2) if other.startswith(f"{name}_")]
