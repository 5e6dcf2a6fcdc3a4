"""Testbenches of the unified buffer, the feeder, and both with a matrix unit, in both simulators."""

import pytest

from tensorloom.hw.tpu.config import PRESETS
from tensorloom.tb.cases import find_cases
from tensorloom.tb.formal import grouped
from tensorloom.tb.lint import lint
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.tpu.formal.proofs import window_proofs

NAMES = ("unified_buffer", "window_bounds", "window_address", "feeder", "feeding")
CASES = find_cases("tpu", *NAMES)


@pytest.mark.parametrize("case", [case for case in CASES if not case.endswith("_wide")])  # takes long
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 10


def test_on_memories_that_do_no_more_than_they_must(bundle, on_verilog):
    """On Verilog whose memories do nothing that an SRAM macro doesn't promise."""
    on_verilog(with_bare_memories(bundle), hierarchical=False)


def test_lint(bundle):
    assert lint(bundle) == []


@pytest.mark.parametrize("proof", list(grouped(window_proofs(PRESETS["tpu-16"]))), ids=lambda proof: proof.name)
def test_windows_lie_where_the_formula_says(proof):
    """And assumptions leave what is interesting."""
    proof.run(timeout_seconds=600)
