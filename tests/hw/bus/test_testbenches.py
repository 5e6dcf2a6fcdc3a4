"""Every testbench of tb/bus, in both simulators."""

import pytest

from tensorloom.tb.bus.bundle import COMPONENTS
from tensorloom.tb.cases import find_cases
from tensorloom.tb.lint import lint
from tensorloom.tb.memories import with_bare_memories

CASES = find_cases("bus", *COMPONENTS)


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 10


def test_on_verilog(bundle, on_verilog):
    """On memories that do no more than an SRAM macro promises."""
    on_verilog(with_bare_memories(bundle))


def test_lint(bundle):
    assert lint(bundle) == []
