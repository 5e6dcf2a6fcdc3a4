"""Every testbench of tb/snap, in both simulators."""

import pytest

from tensorloom.tb.cases import find_cases

from ...marks import slow

BENCHES = (
    "aim", "list_queue", "sequence_decoder", "reduction_selector", "ring", "psum_file", "core_reducer",
    "job_signature", "requester", "aim_port", "index_file", "entry_file", "stream_check", "multiply_add", "row", "pe",
    "core",
)  # fmt: skip

CASES = find_cases("snap", *BENCHES)

LONG = tuple(
    f"core-{bench}-" for bench in ("corners", "overflows", "stalls", "counters", "different_cuts", "every_density")
)
"""Testbenches of a whole core that take Amaranth's simulator from 15 to 60 seconds; on Verilog they always run."""


@pytest.mark.parametrize("case", slow(CASES, lambda case: case.startswith(LONG)))
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 20


def test_on_verilog(bundle, on_verilog):
    on_verilog(bundle, hierarchical=False)
