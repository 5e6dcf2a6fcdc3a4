"""Formal proofs of the blocks, for small AIMs; of the full size with: scripts/test -m slow -k full_size.

A lane of the AIM is like another, so the small size has an edge and another one, which TEST_SEED chooses, and the full
size has the lanes at the edges of both halves only; with -k every_lane come the others, which take hours.
"""

import os
import random

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from tensorloom.hw.emit.emitter import emit_blocks
from tensorloom.hw.snap.config import PRESETS, SnapConfig
from tensorloom.hw.snap.pe import PE
from tensorloom.tb.formal import Assert, Assume, Cover, ProofError, check_bounded, check_reachable, grouped, prove
from tensorloom.tb.mutation.mutants import plant
from tensorloom.tb.mutation.proofs import block_proofs, is_proven
from tensorloom.tb.snap.formal.aim import AimsEqual, AimSpec
from tensorloom.tb.snap.formal.proofs import proofs
from tensorloom.tb.snap.parts import ONE, PIPELINED, TINY

SEED = os.environ.get("TEST_SEED", "1")
SMALL = ONE.replace(pe_multipliers=3, list_depth=3)
CONFIGS = {"small": SMALL, "four": SMALL.replace(pe_multipliers=4), "one": ONE, "tiny": TINY, "pipelined": PIPELINED}
SLOW = ("small", "four")
"""More multipliers: their proofs are those of the others, of more lanes.

Of ``pipelined``, too, only those by induction in one step are quick.
"""

SOME = random.Random(f"lanes {SEED}")
LANES_OF_TINY = SOME.choice([0, TINY.window_entries - 1]), SOME.randrange(1, TINY.window_entries - 1)
FULL = PRESETS["snap-core"]
EDGES = (0, FULL.aim_entries - 1, FULL.aim_entries, FULL.window_entries - 1)


def lane_of(proof):
    """Lane of the AIM that a proof is about."""
    return int(proof.name.split("_")[-1]) if proof.name.startswith("aim") else None


def small_proofs():
    """Most in one call a size and kind; bounded ones and their ends, on the same numbers for all, of two sizes only."""
    for name, config in CONFIGS.items():
        lanes = (None, *LANES_OF_TINY) if name == "tiny" else (None,)
        chosen = [proof for proof in proofs(config) if lane_of(proof) in lanes]
        bounded = [proof for proof in chosen if proof.kind.startswith("bounded")]
        if name not in ("tiny", "pipelined"):
            chosen = [proof for proof in chosen if proof not in bounded and not proof.name.endswith("_end")]
            bounded = []
        for proof in [*grouped(proof for proof in chosen if proof not in bounded), *bounded]:
            rare = name in SLOW or (name == "pipelined" and proof.name != "inductive") or "_in_2_" in proof.name
            yield pytest.param(proof, id=f"{name}-{proof.name}", marks=pytest.mark.slow if rare else [])


def full_proofs(lanes):
    return [pytest.param(p, id=p.name) for p in proofs(FULL, longer=True) if lane_of(p) in lanes]


@pytest.mark.parametrize("proof", list(small_proofs()))
def test_proof(proof):
    proof.run(timeout_seconds=300)


@pytest.mark.slow
@pytest.mark.parametrize("proof", full_proofs((None, *EDGES)))
def test_proof_of_full_size(proof):
    proof.run(timeout_seconds=3600)


@pytest.mark.slow
@pytest.mark.parametrize("proof", full_proofs(set(range(FULL.window_entries)) - set(EDGES)))
def test_proof_of_every_lane(proof):
    proof.run(timeout_seconds=3600)


@pytest.mark.parametrize(("spec", "aim"), [(AimSpec, "comparators"), (AimSpec, "table"), (AimsEqual, "table")])
def test_all_lanes_of_a_small_aim(spec, aim):
    check_bounded(spec(SMALL.replace(aim=aim)), depth=2)


@pytest.mark.slow
def test_proofs_look_at_the_emitted_block():
    """Faults in it make them fail; those on narrower numbers, or of what only a proof's component has, are left out."""
    mutants = plant(*emit_blocks(PE(ONE)), count=6, seed=1, only="sequence_decoder")
    found = {block: block_proofs("snap", mutants, block, SnapConfig) for block in mutants.blocks}
    assert {block for block in found if found[block]} == {"reduction_selector", "sequence_decoder"}
    decoder = found["sequence_decoder"]["inductive"]
    assert [proof.name for proof in decoder] == ["lists", "sequence_decoder", "sequence_decoder_pair_0"]
    assert is_proven(mutants, "sequence_decoder", decoder, None)
    verdicts = [is_proven(mutants, "sequence_decoder", decoder, mutant) for mutant in mutants.mutants.values()]
    assert verdicts.count(False) > 3


class Counter(wiring.Component):
    """Counts from 0 to 5 and stays; an induction of depth 1 also meets 6 and 7."""

    def __init__(self, highest):
        self.highest = highest
        super().__init__({"step": In(1)})

    def elaborate(self, platform):
        m = Module()
        count = Signal(3)
        m.d.comb += Assume(self.step | (count > 1))  # pyrefly: ignore[missing-attribute]  # of its signature
        with m.If(self.step & (count != 5)):  # pyrefly: ignore[missing-attribute]  # likewise
            m.d.sync += count.eq(count + 1)
        m.d.comb += [Assert(count <= self.highest), Cover(count == 5)]
        return m


def test_verdicts_of_the_tools():
    prove(Counter(5))
    check_reachable(Counter(5), depth=7)
    with pytest.raises(ProofError, match="Unreached cover"):
        check_reachable(Counter(5), depth=5)
    check_bounded(Counter(4), depth=5)
    with pytest.raises(ProofError, match="Assert failed"):
        check_bounded(Counter(4), depth=6)
    with pytest.raises(ProofError, match="Assert failed"):
        prove(Counter(6))  # true, but not inductive: 6 becomes 7
