"""Testbenches and proofs of what controls the TPU: fetch, decoder and scoreboard."""

import pytest

from tensorloom.tb.cases import find_cases
from tensorloom.tb.lint import lint
from tensorloom.tb.tpu.control_parts import NARROW, PARTS
from tensorloom.tb.tpu.formal.proofs import scoreboard_proofs

from ...marks import slow

CASES = find_cases("tpu", *PARTS)


OFTEN = "decoder-reaches-", "scoreboard-each_place-"
"""Testbenches of so many programs that Amaranth's simulator takes long; on Verilog they always run."""


@pytest.mark.parametrize("case", slow(CASES, lambda case: case.startswith(OFTEN)))
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 10


def test_on_verilog(bundle, on_verilog):
    on_verilog(bundle)


def test_lint(bundle):
    assert lint(bundle) == []


LONG = "scoreboard_matrix", "scoreboard_vector", "scoreboard_vector_waits", "scoreboard_activation_waits"
"""Proofs that take longer than all the others together."""


@pytest.mark.parametrize(
    "proof",
    [
        pytest.param(proof, marks=[pytest.mark.slow] if proof.name in LONG else [], id=proof.name)
        for proof in scoreboard_proofs(NARROW)
    ],
)
def test_what_begins_waits_for_nothing_and_what_waits_will_begin(proof):
    """And assumptions leave an instruction that waits for all others."""
    proof.run(timeout_seconds=600)
