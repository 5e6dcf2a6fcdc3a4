"""Faults that only a proof notices."""

import random
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tensorloom import tb
from tensorloom.hw.emit.emitter import emit_blocks
from tensorloom.run.registry import engines
from tensorloom.tb.bench import Bench
from tensorloom.tb.bulk.model import build
from tensorloom.tb.compiled_bench import run_compiled
from tensorloom.tb.formal import Assert, Proof, Together
from tensorloom.tb.mutation.equivalence import equivalent
from tensorloom.tb.mutation.mutants import SELECT, Mutants, plant
from tensorloom.tb.mutation.proofs import Planted, engine_proofs, is_proven
from tensorloom.tb.tools import ToolError

KEY = 0x5EED_BEEF


@pytest.mark.parametrize("engine", engines().values(), ids=lambda engine: engine.name)
def test_proofs_of_every_engine(engine) -> None:
    """They can be made for its smallest design, one of each kind side by side, and some are about blocks of it."""
    config = min(engine.presets.values(), key=lambda config: config.multipliers)
    found = engine_proofs(engine.package, config)
    assert len({proof.name for proof, _ in found}) == len(found)
    kinds = {proof.spec: proof.arguments for proof, _ in found}
    assert rtlil.convert(Together(spec(*arguments) for spec, arguments in kinds.items()))
    assert any(keys for _, keys in found) == (Path(tb.__path__[0]) / engine.package / "formal").exists()


class Lock(wiring.Component):
    """Says, a cycle late, whether the input is the one key of four billion."""

    def __init__(self) -> None:
        self.config = ()
        self.before, self.unused = Signal(32), Signal(32)
        super().__init__({"i_key": In(32), "o_open": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.d.sync += self.before.eq(self.i_key)
        m.d.comb += [self.unused.eq(~self.before), self.o_open.eq(self.before == KEY)]
        return m


class LockSpec(wiring.Component):
    """Compares it with another; `inner` looks at what is inside of the lock, which its netlist has or hasn't."""

    def __init__(self, inner: str) -> None:
        self.inner = inner
        super().__init__({"key": In(32)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.dut = dut = Lock()
        last = Signal(32)
        m.d.comb += [dut.i_key.eq(self.key), Assert(dut.o_open == (last == KEY))]
        m.d.sync += last.eq(self.key)
        m.d.comb += Assert(getattr(dut, self.inner) == (last if self.inner == "before" else ~last))
        return m


PROOFS = [Proof("lock", "inductive", LockSpec, ("before",))]


async def random_keys(bench: Bench) -> None:
    rng, before = random.Random(1), 0
    for _ in range(1000):
        key = rng.getrandbits(32)
        assert (await bench.cycle({"i_key": key}))["o_open"] == (before == KEY)
        before = key


@pytest.fixture(scope="module")
def mutants() -> Mutants:
    return plant(*emit_blocks(Lock()), count=8, seed=1)


def test_proofs_notice_what_a_testbench_never_meets(mutants: Mutants) -> None:
    assert is_proven(mutants, "lock", PROOFS, None)
    model, unnoticed = build(mutants.sources("lock")), []
    for number in (0, *mutants.mutants):
        model.hold(SELECT, number)
        try:
            run_compiled(model, random_keys)
        except AssertionError:
            continue
        unnoticed.append(number)
    assert unnoticed.pop(0) == 0
    proven = {number for number in unnoticed if is_proven(mutants, "lock", PROOFS, mutants.mutants[number])}
    assert len(unnoticed) - len(proven) > 4
    assert all(equivalent(mutants, "lock", mutants.mutants[number]) for number in proven)


def test_specifications_that_say_nothing_of_the_netlist(mutants: Mutants) -> None:
    block = mutants.blocks["lock"]
    assert Planted([LockSpec("before")], block, mutants.netlist).seen == {"before"}
    with pytest.raises(ValueError, match="lock has no wire for unused"):
        Planted([LockSpec("unused")], block, mutants.netlist)
    with pytest.raises(ValueError, match="nothing is specified of lock"):
        Planted([Lock()], block, mutants.netlist)


def test_a_proof_that_takes_too_long_notices_nothing(mutants: Mutants, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*args: object, **options: object) -> None:
        raise ToolError("no verdict in time")

    monkeypatch.setattr(Proof, "check", late)
    assert is_proven(mutants, "lock", PROOFS, None) is None
