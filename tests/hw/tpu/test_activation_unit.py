"""The activation unit's testbench, in both simulators."""

import pytest

from tensorloom.tb.cases import find_cases
from tensorloom.tb.lint import lint

CASES = find_cases("tpu", "activation_unit")


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 10


def test_on_verilog(bundle, on_verilog):
    on_verilog(bundle)


def test_lint(bundle):
    assert lint(bundle) == []
