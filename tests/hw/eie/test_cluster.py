"""Testbenches and proofs of EIE's clusters and their blocks."""

import pytest

from tensorloom.tb.cases import find_cases
from tensorloom.tb.eie.cluster_parts import PARTS, TINY, WAITS
from tensorloom.tb.eie.formal.proofs import cluster_proofs
from tensorloom.tb.eie.formal.reader import ReaderSpec
from tensorloom.tb.formal import check_bounded
from tensorloom.tb.lint import lint
from tensorloom.tb.memories import with_bare_memories

CASES = find_cases("eie", *PARTS)


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, on_amaranth):
    assert on_amaranth(case) > 20


def test_on_verilog(bundle, on_verilog):
    """On memories that do no more than an SRAM macro promises."""
    on_verilog(with_bare_memories(bundle))


def test_lint(bundle):
    assert lint(bundle) == []


@pytest.mark.parametrize("proof", list(cluster_proofs(TINY)), ids=lambda proof: proof.name)
def test_proof(proof):
    proof.run(timeout_seconds=300)


@pytest.mark.slow
@pytest.mark.parametrize("config", [TINY, WAITS], ids=["tiny", "waits"])
def test_column_reader_for_longer(config):
    (spec,) = next(proof.arguments for proof in cluster_proofs(config) if proof.name == "column_reader")
    check_bounded(ReaderSpec(spec), depth=12)
