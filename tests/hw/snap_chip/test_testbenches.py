"""Every testbench of tb/snap_chip, in both simulators."""

import pytest

from tensorloom.tb.cases import find_cases
from tensorloom.tb.lint import lint
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.snap_chip.bundle import COMPONENTS

from ...marks import slow

CASES = find_cases("snap_chip", *(kind for kind in COMPONENTS if kind != "core_array"))
"""Those of the cores are too slow for all simulators but a compiled one: `test_core_array`."""

LONG = (
    "output_buffer-layers-output_buffer_middle", "block_sequencer-far_layers-block_sequencer_middle",
    "block_sequencer-most_rounds-block_sequencer_tiny", "ia_buffer-wide_outputs-ia_buffer_tiny",
    *(f"ia_loader-more_than_fits-ia_loader_{name}" for name in ("tiny", "middle", "wide")),
    "ia_loader-tall-ia_loader_tiny", *(f"ia_buffer-layers-ia_buffer_{name}" for name in ("tiny", "middle", "wide")),
    "weight_column-random_work-weight_column_middle",
)  # fmt: skip
"""Take Amaranth's simulator up to half a minute; on Verilog all but `SELDOM` always run."""

SELDOM = "block_sequencer-most_rounds-"
"""Takes a quarter of a minute on Verilog, too: with ``-m slow`` and where faults are planted."""

assert CASES.keys() >= {*LONG} and any(case.startswith(SELDOM) for case in CASES)


@pytest.mark.parametrize("case", slow(CASES, LONG.__contains__))
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 10


def test_on_verilog(bundle, on_verilog):
    """On memories that do no more than an SRAM macro promises."""
    on_verilog(with_bare_memories(bundle))


def test_lint(bundle):
    assert lint(bundle) == []
