# amaranth: UnusedElaboratable=no
"""Modules, sharing and refusals, on components that have nothing to do with any engine."""

import gc
import re

import pytest
from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Instance, IOPort, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from tensorloom.hw.emit.emitter import EmitError, emit
from tensorloom.hw.emit.shared import shared


class Adder(wiring.Component):
    """A leaf: adds a constant, in a register."""

    def __init__(self, constant=1, width=8, config=None):
        self.constant = constant
        self.config = (constant, width) if config is None else config
        super().__init__({"i": In(width), "o": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(self.i + self.constant)
        return m


class Chain(wiring.Component):
    """A few equal things one after the other."""

    def __init__(self, *parts, wrap=shared, domain=None):
        self.parts, self.wrap = parts, wrap
        self.config = tuple((type(part).__name__, part.config) for part in parts)
        super().__init__({"i": In(8), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        value = self.i
        for index, part in enumerate(self.parts):
            m.submodules[f"part_{index}"] = self.wrap(part)
            m.d.comb += part.i.eq(value)
            value = part.o
        m.d.comb += self.o.eq(value)
        return m


def named(name, base=Adder):
    return type(name, (base,), {})


def modules(emission):
    return {module["name"]: module["instances"] for module in emission.manifest["modules"]}


def defined(emission):
    text = "".join(emission.verilog.values())
    return re.findall(r"^module (\S+?)\(", text, re.MULTILINE)


def test_nested_sharing():
    top = Chain(*(Chain(*(Chain(Adder(), Adder()) for _ in range(3))) for _ in range(5)))
    emission = emit(top)
    assert modules(emission) == {"chain": 1, "chain_2": 5, "chain_3": 15, "adder": 30}
    assert sorted(defined(emission)) == ["adder", "chain", "chain_2", "chain_3"]
    tree = {module["name"]: module["submodules"] for module in emission.manifest["modules"]}
    assert tree == {"chain": {"chain_2": 5}, "chain_2": {"chain_3": 3}, "chain_3": {"adder": 2}, "adder": {}}
    assert len(re.findall(r"^  adder ", "".join(emission.verilog.values()), re.MULTILINE)) == 2


def test_one_module_on_several_levels():
    emission = emit(Chain(Adder(), Chain(Adder(), Adder()), Chain(Adder(), Adder())))
    assert modules(emission) == {"chain": 1, "chain_2": 2, "adder": 5}


def test_same_class_with_two_configs():
    emission = emit(Chain(Adder(1), Adder(2), Adder(1), Adder(1)))
    assert modules(emission) == {"chain": 1, "adder": 3, "adder_2": 1}
    configs = {module["name"]: module["config"] for module in emission.manifest["modules"]}
    assert configs["adder"] == [1, 8] and configs["adder_2"] == [2, 8]


def test_explicit_config_instead_of_the_components():
    emission = emit(Chain(Adder(1), Adder(2), wrap=lambda part: shared(part, part.constant % 2)))
    assert modules(emission) == {"chain": 1, "adder": 1, "adder_2": 1}


def test_two_classes_of_one_name():
    other = type("Adder", (Adder,), {})
    emission = emit(Chain(Adder(), other(), Adder()))
    assert modules(emission) == {"chain": 1, "adder": 2, "adder_2": 1}


def test_number_at_the_end_of_a_class_name_meets_a_numbered_module():
    emission = emit(Chain(Adder(1), Adder(2), named("Adder_2")(), named("Adder_2_2")()))
    assert modules(emission) == {"chain": 1, "adder": 1, "adder_2": 1, "adder_2_2": 1, "adder_2_2_2": 1}


def test_name_of_the_top_stays():
    emission = emit(Chain(Adder()), name="adder")
    assert modules(emission) == {"adder": 1, "adder_2": 1}
    assert emission.top == "adder" and set(emission.verilog) == {"adder.v"}


@pytest.mark.parametrize("name", ["Buf", "Output", "Endmodule"])
def test_verilog_keywords_as_class_names(name):
    with pytest.raises(EmitError, match=f"module name must be a Verilog identifier, not the keyword '{name.lower()}'"):
        emit(Chain(named(name)()))


@pytest.mark.parametrize("name", ["a b", "1a", "a.b", "a\n"])
def test_bad_name_of_the_top(name):
    with pytest.raises(EmitError, match=re.escape(f"module name must be a Verilog identifier, not {name!r}")):
        emit(Adder(), name=name)


class PlainParent(wiring.Component):
    """Submodules that aren't shared, under odd names."""

    def __init__(self, *names):
        self.names = names
        super().__init__({"i": In(8), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        value = self.i
        for name in self.names:
            part = Adder()
            if name is None:
                m.submodules += part
            else:
                m.submodules[name] = part
            m.d.comb += part.i.eq(value)
            value = part.o
        m.d.comb += self.o.eq(value)
        return m


def test_plain_submodules_get_plain_names():
    emission = emit(PlainParent("first", "second[1]", "third-x", None))
    assert len(defined(emission)) == 5
    assert all(re.fullmatch(r"\w+", module) for module in defined(emission))
    assert len(emission.split().verilog) == 5


def test_plain_names_that_clash_are_refused():
    with pytest.raises(EmitError, match="module names must be unique, not 'plain_parent_a_b' twice"):
        emit(PlainParent("a+b", "a-b"))


@pytest.mark.parametrize("config", [[1], {"a": 1}, {1}])
def test_unhashable_config(config):
    with pytest.raises(TypeError, match="unhashable"):
        shared(Adder(config=config))
    assert modules(emit(Adder(config=config))) == {"adder": 1}  # the top is not shared


def test_missing_config():
    class Bare(wiring.Component):
        def __init__(self):
            super().__init__({"i": In(1)})

    with pytest.raises(TypeError, match="component must have a config attribute or be given one, not"):
        shared(Bare())
    shared(Bare(), "given")._MustUse__used = True


@pytest.mark.parametrize("wrong", [None, 3, Module(), Adder])
def test_not_a_component(wrong):
    with pytest.raises(TypeError, match="component must be an Amaranth component, not"):
        emit(wrong)
    with pytest.raises(TypeError, match="component must"):
        shared(wrong, 1)


def test_equal_config_with_different_ports():
    with pytest.raises(EmitError, match="two components of equal class and config have different ports"):
        emit(Chain(Adder(config="same"), Adder(width=9, config="same")))


class Body(wiring.Component):
    """Whatever a test wants to happen in `elaborate`."""

    def __init__(self, body, config: object = "body"):
        self.body, self.config = body, config
        super().__init__({"i": In(8), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        self.body(self, m)
        return m


def in_domain(name):
    def body(self, m):
        m.d[name] += self.o.eq(self.i)

    return Body(body)


@pytest.mark.parametrize("wrap", [lambda part: part, Chain])
def test_foreign_clock_domain(wrap):
    with pytest.raises(EmitError, match="body: clock domain must be 'sync', not 'snyc'"):
        emit(wrap(in_domain("snyc")))


def test_renamed_domain_of_a_shared_module():
    """The instance takes clock and reset of the domain it is renamed to."""

    def body(self, m):
        m.domains.fast = ClockDomain()
        m.d.comb += [ClockSignal("fast").eq(self.i[0])]
        part = Adder()
        m.submodules.part = DomainRenamer("fast")(shared(part))
        m.d.comb += [part.i.eq(self.i), self.o.eq(part.o)]

    emission = emit(Body(body))
    assert re.search(r"\.clk\((?!clk\))", "".join(emission.verilog.values()))
    assert [port["name"] for port in emission.manifest["ports"]] == ["i", "o"]


def test_port_that_is_not_in_the_signature():
    def body(self, m):
        m.submodules.pads = Instance("pads", io_pad=IOPort(1, name="pad"))

    with pytest.raises(EmitError, match="body: port 'pad' is not in the signature of Body"):
        emit(Body(body))


def test_parent_drives_a_signal_inside_a_shared_module():
    hidden = Signal(8)

    def inside(self, m):
        m.d.comb += self.o.eq(self.i + hidden)

    def outside(self, m):
        part = Body(inside, "inside")
        m.submodules.part = shared(part)
        m.d.comb += [part.i.eq(self.i), self.o.eq(part.o), hidden.eq(self.i)]

    with pytest.raises(EmitError, match="body_2: signal 'hidden' belongs to body but is no port"):
        emit(Body(outside))


@pytest.mark.parametrize("which", [0, 1])
def test_parent_reads_a_signal_of_a_shared_module(which):
    """Of the first instance, which is elaborated, or of another one, which is not."""

    class Leaky(Adder):
        def __init__(self):
            super().__init__()
            self.inner = Signal(8)

        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += self.inner.eq(self.i)
            return m

    def outside(self, m):
        parts = Leaky(), Leaky()
        for index, part in enumerate(parts):
            m.submodules[f"part_{index}"] = shared(part)
            m.d.comb += part.i.eq(self.i)
        m.d.comb += self.o.eq(parts[which].inner)

    with pytest.raises(EmitError, match="body: signal 'inner' belongs to leaky but is no port"):
        emit(Body(outside))


def test_constant_signals_are_no_border_crossings():
    """A signal that nobody drives is its initial value, even if it gets the memory of a freed signal."""

    def floating(self, m):
        constants = [Signal(8, init=index, name=f"constant_{index}") for index in range(50)]
        m.d.comb += self.o.eq(self.i + sum(constants))

    def driving(self, m):
        signals = [Signal(8, name=f"signal_{index}") for index in range(50)]
        for before, after in zip(signals, signals[1:], strict=False):
            m.d.sync += after.eq(before)
        m.d.comb += [signals[0].eq(self.i), self.o.eq(signals[-1])]

    parts = [Body((driving, floating)[index % 2], index) for index in range(40)]
    gc.collect()
    assert len(modules(emit(Chain(*parts)))) == 41


def test_simulator_sees_plain_submodules():
    parts = [Chain(Adder(3), Adder(3)), Adder(10)]
    top = Chain(*parts)
    seen = []

    async def testbench(ctx):
        for value in (1, 100, 250):
            ctx.set(top.i, value)
            await ctx.tick().repeat(3)
            seen.append(ctx.get(top.o))
            seen.append(ctx.get(parts[1].i))  # signals inside are the components' own

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert seen == [17, 7, 116, 106, 10, 0]


def test_emitting_leaves_the_component_usable():
    top = Chain(Adder(3), Chain(Adder(3)))
    first = emit(top)
    assert emit(top) == first
