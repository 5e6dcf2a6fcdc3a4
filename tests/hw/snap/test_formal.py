"""Formal proofs of the blocks, for small AIMs; of the full size with: scripts/test -m slow -k full_size."""

import pytest
from amaranth.hdl import Assert, Assume, Cover, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from tensorloom.hw.snap.config import PRESETS
from tensorloom.tb.formal import ProofError, check_bounded, check_reachable, prove
from tensorloom.tb.snap.formal.aim import AimsEqual, AimSpec
from tensorloom.tb.snap.formal.proofs import proofs
from tensorloom.tb.snap.parts import ONE, TINY

SMALL = ONE.replace(multipliers=3, list_depth=3)
FOUR = SMALL.replace(multipliers=4)
LANES_OF_TINY = (0, 13)


def small_proofs():
    """Lanes of the AIM are alike, so the larger size has some of them only."""
    for name, config in {"small": SMALL, "four": FOUR, "one": ONE, "tiny": TINY}.items():
        for proof in proofs(config):
            lane = int(proof.name.split("_")[-1]) if proof.name.startswith("aim") else None
            if lane is None or (name == "tiny" and lane in LANES_OF_TINY):
                yield pytest.param(proof, id=f"{name}-{proof.name}")


@pytest.mark.parametrize("proof", list(small_proofs()))
def test_proof(proof):
    proof.run(timeout_seconds=300)


@pytest.mark.slow
@pytest.mark.parametrize("proof", [pytest.param(proof, id=proof.name) for proof in proofs(PRESETS["snap-core"])])
def test_proof_of_full_size(proof):
    proof.run(timeout_seconds=3600)


@pytest.mark.parametrize(("spec", "aim"), [(AimSpec, "comparators"), (AimSpec, "table"), (AimsEqual, "table")])
def test_all_lanes_of_a_small_aim(spec, aim):
    check_bounded(spec(SMALL.replace(aim=aim)), depth=2)


class Counter(wiring.Component):
    """Counts from 0 to 5 and stays; an induction of depth 1 also meets 6 and 7."""

    step: In(1)

    def __init__(self, highest):
        self.highest = highest
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        count = Signal(3)
        m.d.comb += Assume(self.step | (count > 1))
        with m.If(self.step & (count != 5)):
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
