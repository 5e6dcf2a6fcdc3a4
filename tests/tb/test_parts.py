"""Parts that a bundle holds side by side, told apart by the beginnings of their ports' names."""

from itertools import permutations

import pytest
from amaranth.hdl import Fragment

from tensorloom.tb.bus.bundle import Bundle as BusBundle
from tensorloom.tb.snap.bundle import Bundle as SnapBundle
from tensorloom.tb.snap_chip.bundle import Bundle as SnapChipBundle
from tensorloom.tb.systolic.bundle import Bundle as SystolicBundle


@pytest.mark.parametrize("bundle", [BusBundle, SnapBundle, SnapChipBundle, SystolicBundle])
def test_no_part_takes_the_ports_of_another(bundle) -> None:
    design = bundle()
    Fragment.get(design, None)  # or Amaranth complains later, in some other test, that parts were never used
    names = list(design.signature.members)
    assert len(names) >= 10
    assert not [(name, other) for name, other in permutations(names, 2) if other.startswith(f"{name}_")]
