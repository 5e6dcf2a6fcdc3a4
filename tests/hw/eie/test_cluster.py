"""Testbenches and proofs of EIE's clusters and their blocks."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import find_cases
from tensorloom.tb.cocotb_bench import random_generator
from tensorloom.tb.eie.bundle import COMPONENTS, component
from tensorloom.tb.eie.cluster_parts import PARTS, TINY, WAITS
from tensorloom.tb.eie.formal.proofs import cluster_proofs
from tensorloom.tb.eie.formal.reader import ReaderSpec
from tensorloom.tb.formal import check_bounded
from tensorloom.tb.lint import lint
from tensorloom.tb.memories import with_bare_memories
from tensorloom.tb.runner import run_cocotb

CASES = {case: found for name in PARTS for case, found in find_cases("eie", name).items()}


@pytest.fixture(scope="module")
def bundle():
    return emit(PartsBundle(COMPONENTS, PARTS))


@pytest.fixture(scope="module")
def bare(bundle):
    """With memories that do no more than they must."""
    return with_bare_memories(bundle)


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 20


@pytest.mark.parametrize("name", PARTS)
def test_on_verilog(name, bare, build_dir, bench_seed):
    ran = run_cocotb(bare, f"tensorloom.tb.eie.{name}", build_dir=build_dir, seed=bench_seed)
    assert ran == len(find_cases("eie", name))


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
