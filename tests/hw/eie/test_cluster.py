"""Testbenches and proofs of EIE's clusters and their blocks."""

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bundle import PartsBundle
from tensorloom.tb.cases import cocotb_names, find_cases, parts_of
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
def cases(drawn):
    return drawn(CASES)


@pytest.fixture(scope="module")
def bundle(cases):
    return emit(PartsBundle(COMPONENTS, parts_of(cases, PARTS)))


@pytest.mark.parametrize("case", CASES)
def test_on_amaranth(case, bench_seed):
    check, part, config = CASES[case]
    rng = random_generator(bench_seed, check.__name__, part)
    assert simulate(component(part), lambda bench: check(bench, config, rng)) > 20


def test_on_verilog(cases, bundle, build_dir, bench_seed):
    """On memories that do no more than an SRAM macro promises."""
    modules, tests = [f"tensorloom.tb.eie.{name}" for name in PARTS], cocotb_names(cases, PARTS)
    bare = with_bare_memories(bundle)
    assert run_cocotb(bare, modules, tests=tests, build_dir=build_dir, seed=bench_seed) == len(tests)


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
