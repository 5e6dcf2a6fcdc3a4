"""Testbenches and proofs of what is around EIE's clusters."""

import pytest

from tensorloom.tb.cases import find_cases
from tensorloom.tb.eie.formal.proofs import machine_proofs
from tensorloom.tb.eie.formal.source import LowestFlagSpec
from tensorloom.tb.eie.machine_parts import PARTS, TINY
from tensorloom.tb.formal import prove
from tensorloom.tb.lint import lint
from tensorloom.tb.memories import with_bare_memories

CASES = find_cases("eie", *PARTS)


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 10


def test_on_verilog(bundle, on_verilog):
    """On memories that do no more than an SRAM macro promises."""
    on_verilog(with_bare_memories(bundle))


def test_lint(bundle):
    assert lint(bundle) == []


@pytest.mark.parametrize("proof", list(machine_proofs(TINY)), ids=lambda proof: proof.name)
def test_proof(proof):
    proof.run(timeout_seconds=300)


def test_lowest_of_many_flags():
    prove(LowestFlagSpec(32))
