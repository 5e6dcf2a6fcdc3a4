"""Mutants of small designs, in which it is known what each fault does."""

import pytest
from amaranth.hdl import Array, Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tensorloom.hw.common.ram import Ram
from tensorloom.hw.emit.emitter import emit_blocks
from tensorloom.run.mutation.laboratory import Laboratory
from tensorloom.run.registry import find_preset
from tensorloom.tb.bench import Bench
from tensorloom.tb.bulk.model import build
from tensorloom.tb.compiled_bench import run_compiled
from tensorloom.tb.mutation.equivalence import equivalent
from tensorloom.tb.mutation.mutants import SELECT, Mutants, design_digest, plant


class Inner(wiring.Component):
    """The maximum of two numbers, a cycle late; the comparison of equal ones makes no difference."""

    def __init__(self) -> None:
        self.config = ()
        super().__init__({"i_a": In(4), "i_b": In(4), "o_high": Out(4)})

    def elaborate(self, platform) -> Module:
        m = Module()
        with m.If(self.i_a > self.i_b):
            m.d.sync += self.o_high.eq(self.i_a)
        with m.Else():
            m.d.sync += self.o_high.eq(self.i_b)
        return m


class Outer(wiring.Component):
    """Two of them, one with an input that is always 0; a memory and a product beside them."""

    def __init__(self) -> None:
        self.config = (1,)
        super().__init__({"i_a": In(4), "i_b": In(4), "o": Out(unsigned(8)), "o_late": Out(4)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.left = left = Inner()
        m.submodules.right = right = Inner()
        m.submodules.ram = ram = Ram(4, 8)
        never = Signal(4)
        m.d.comb += [left.i_a.eq(self.i_a), left.i_b.eq(self.i_b), right.i_a.eq(never), right.i_b.eq(self.i_b)]
        m.d.comb += [ram.i_write_enable.eq(1), ram.i_write_address.eq(self.i_a), ram.i_write_data.eq(self.i_b)]
        m.d.comb += [ram.i_read_enable.eq(1), ram.i_read_address.eq(self.i_b), self.o_late.eq(ram.o_read_data)]
        m.d.comb += self.o.eq(left.o_high * Array([right.o_high, ~right.o_high])[self.i_a[0]])
        return m


@pytest.fixture(scope="module")
def mutants() -> Mutants:
    return plant(*emit_blocks(Outer()), count=90, seed=1)


def test_what_there_is(mutants: Mutants) -> None:
    assert list(mutants.blocks) == ["inner", "inner_2", "ram", "outer"] and mutants.top == "outer"
    assert mutants.below("outer") == {"inner", "inner_2", "ram"} and mutants.below("inner") == set()
    assert {mutant.block for mutant in mutants.mutants.values()} == set(mutants.blocks)
    assert list(mutants.mutants) == list(range(1, len(mutants.mutants) + 1)) and len(mutants.mutants) > 30
    assert not any("CLK" in str(mutant) or "clk" in str(mutant) for mutant in mutants.mutants.values())
    one = next(mutant for mutant in mutants.mutants.values() if mutant.wire == "o_high")
    assert f"{one.block}: bit {one.port_bit} of port {one.port} of {one.cell} (o_high[{one.wire_bit}])" in str(one)


def test_seed_and_block_choose_them(mutants: Mutants) -> None:
    again = plant(*emit_blocks(Outer()), count=90, seed=1)
    assert again.mutants == mutants.mutants and again.digest == mutants.digest == design_digest(Outer())
    few, others = (plant(*emit_blocks(Outer()), count=10, seed=seed) for seed in (1, 2))
    assert len(few.mutants) == 10 and few.mutants != others.mutants
    only = plant(*emit_blocks(Outer()), count=10, seed=1, only="inner_2")
    assert {mutant.block for mutant in only.mutants.values()} == {"inner_2"}
    assert design_digest(Inner()) != mutants.digest
    with pytest.raises(ValueError, match="count must be at most 65535, not 70000"):
        plant(*emit_blocks(Outer()), count=70_000, seed=1)


def test_modules_of_others_have_no_faults_and_no_inside() -> None:
    design = plant(*emit_blocks(Outer()), count=30, seed=1, own=["inner", "outer"])
    assert design.foreign == ["inner_2", "ram"]
    assert {one.block for one in design.mutants.values()} == {"inner", "outer"}
    assert "attribute \\blackbox 1\nmodule \\ram\n" in design.netlist and "$mem_v2" not in design.netlist
    same = [one for one in design.mutants.values() if equivalent(design, "outer", one)]
    assert 0 < len(same) < len(design.mutants) / 2


async def every_pair(bench: Bench, seen: list[tuple[int, int]]) -> None:
    """Outputs for all inputs, each applied twice so that what is late is seen with it."""
    for pair in range(256):
        inputs = {"i_a": pair >> 4, "i_b": pair & 15}
        await bench.cycle(inputs)
        outputs = await bench.cycle(inputs)
        seen.append((outputs["o"], outputs["o_late"]))


def responses(mutants: Mutants) -> dict[int, list[tuple[int, int]]]:
    """Of the whole design, by mutant; 0 is the design itself."""
    model, found = build(mutants.sources("outer")), {}
    for number in (0, *mutants.mutants):
        model.hold(SELECT, number)
        seen: list[tuple[int, int]] = []
        run_compiled(model, lambda bench, seen=seen: every_pair(bench, seen))
        found[number] = seen
    return found


def test_equivalent_are_those_that_no_input_shows(mutants: Mutants) -> None:
    found = responses(mutants)
    highest = [(max(a, b) * (b if not a & 1 else ~b & 15)) for a in range(16) for b in range(16)]
    assert [product for product, _ in found[0]] == highest
    silent = {number for number in mutants.mutants if found[number] == found[0]}
    assert len(silent) < len(mutants.mutants) / 2
    some = silent | set(list(mutants.mutants)[::8])
    proven = {number for number in some if equivalent(mutants, "outer", mutants.mutants[number])}
    assert proven <= silent
    assert len(proven) > 2  # among them those of the comparison with 0
    alone = {number for number in some if equivalent(mutants, mutants.mutants[number].block, mutants.mutants[number])}
    assert alone < proven  # a block alone knows less of its inputs


class Outermost(wiring.Component):
    """It in its turn with an input that is always 0."""

    def __init__(self) -> None:
        self.config = (2,)
        super().__init__({"i_a": In(4), "o": Out(unsigned(8))})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.outer = outer = Outer()
        m.d.comb += [outer.i_a.eq(self.i_a), self.o.eq(outer.o)]
        return m


def test_equivalent_in_any_block_around() -> None:
    tiny = find_preset("tiny")
    assert tiny
    design = plant(*emit_blocks(Outermost()), count=10, seed=1, only="inner")
    assert design.above("inner") == ["outer", "outermost"]
    proven = [
        {number for number, mutant in design.mutants.items() if equivalent(design, block, mutant)}
        for block in ("inner", "outer", "outermost")
    ]
    assert proven[2] - proven[1] - proven[0], "no fault is such that only the outermost block shows it"
    laboratory = Laboratory(tiny, design, 1)
    same = {n for n in design.mutants if not laboratory.differs_inside(n) or not laboratory.differs_outside(n)}
    assert same == set.union(*proven) and len(same) < len(design.mutants)


class Glance(wiring.Component):
    """A memory that is read at another place while nobody looks."""

    def __init__(self) -> None:
        self.config = ()
        super().__init__({"i_put": In(2), "i_get": In(2), "i_look": In(1), "o": Out(2)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.rows = rows = Memory(shape=2, depth=4, init=[])
        write, read = rows.write_port(), rows.read_port(domain="comb")
        m.d.comb += [write.en.eq(1), write.addr.eq(self.i_put), write.data.eq(self.i_get)]
        m.d.comb += read.addr.eq(Mux(self.i_look, self.i_get, self.i_put))
        with m.If(self.i_look):
            m.d.sync += self.o.eq(read.data)
        return m


def test_what_a_memory_gives_while_nobody_looks_changes_nothing() -> None:
    design = plant(*emit_blocks(Glance()), count=100, seed=1)
    idle = [mutant for mutant in design.mutants.values() if mutant.port == "A"]  # of the multiplexer before the address
    looking = [mutant for mutant in design.mutants.values() if mutant.port == "B"]
    assert len(idle) > 3 and len(looking) > 2
    assert all(equivalent(design, "glance", mutant, registers=True) for mutant in idle[:4])
    assert not any(equivalent(design, "glance", mutant) for mutant in idle[:4])
    assert not any(equivalent(design, "glance", mutant, registers=True) for mutant in looking[:3])


class Eightfold(wiring.Component):
    """Eight times a number, of which the low bits are always 0, and a number that isn't."""

    def __init__(self) -> None:
        self.config = ()
        super().__init__({"i": In(3), "o": Out(7), "o_more": Out(7)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.d.comb += [self.o.eq(self.i * 8), self.o_more.eq(self.i * self.i)]
        return m


def test_low_bits_of_multiples_are_known() -> None:
    design = plant(*emit_blocks(Eightfold()), count=200, seed=1)
    stuck = {}
    for number, mutant in design.mutants.items():
        if mutant.port == "Y" and "-mode const0" in mutant.command and "-wire o " in mutant.command:
            bit = int(mutant.command.split("-portbit ")[1].split()[0])
            stuck[bit] = equivalent(design, "eightfold", design.mutants[number])
    assert stuck and all(same == (bit not in (3, 4, 5)) for bit, same in stuck.items()), stuck
    assert len(set(stuck.values())) == 2
