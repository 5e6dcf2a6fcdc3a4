"""Every testbench of tb/systolic, in both simulators."""

import pytest

from tensorloom.tb.cases import find_cases

BENCHES = (
    "pe", "tile", "mesh", "edges", "weight_fifo", "weight_loader", "sequencer", "accumulators", "accumulator_column",
    "drain", "matrix_unit",
)  # fmt: skip


CASES = find_cases("systolic", *BENCHES)


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 20


def test_on_verilog(bundle, on_verilog):
    on_verilog(bundle, hierarchical=False)
