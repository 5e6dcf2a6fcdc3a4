"""Testbenches of the vector unit and of its parts, in both simulators."""

import pytest

from tensorloom.tb.cases import find_cases
from tensorloom.tb.lint import lint

CASES = find_cases("tpu", "vector_unit", "tap_rows", "tap_walk", "granule_reducer", "vector_lane")


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.endswith(("_narrow", "_wide"))]
)  # these take longer
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 10


def test_on_verilog(bundle, on_verilog):
    on_verilog(bundle, hierarchical=False)


def test_lint(bundle):
    assert lint(bundle) == []
