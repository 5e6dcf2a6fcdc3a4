"""Every testbench of tb/snap, in both simulators."""

import pytest

from tensorloom.tb.cases import find_cases

BENCHES = (
    "aim", "list_queue", "sequence_decoder", "reduction_selector", "ring", "psum_file", "core_reducer",
    "job_signature", "requester", "aim_port", "index_file", "entry_file", "stream_check", "multiply_add", "row", "pe",
    "core",
)  # fmt: skip


CASES = find_cases("snap", *BENCHES)


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 20


def test_on_verilog(bundle, on_verilog):
    on_verilog(bundle, hierarchical=False)
