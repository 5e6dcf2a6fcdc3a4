# amaranth: UnusedElaboratable=no
"""Names of ports and signals in the Verilog."""

import re

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tensorloom.hw.emit.emission import Emission
from tensorloom.hw.emit.emitter import EmitError, emit
from tensorloom.hw.emit.shared import shared
from tensorloom.run.registry import engines
from tensorloom.tb.lint import lint

AXI_READ = wiring.Signature(
    {
        "araddr": Out(32),
        "arvalid": Out(1),
        "arready": In(1),
        "rdata": In(64),
        "rvalid": In(1),
        "rready": Out(1),
    }
)
AXI_WRITE = wiring.Signature({"awaddr": Out(12), "awvalid": Out(1), "awready": In(1)})


class Bridge(wiring.Component):
    """Memory ports as an engine will have them, an array of streams, and a register in the way."""

    def __init__(self, config=0):
        self.config = config
        super().__init__(
            {
                "m_axi": Out(AXI_READ),
                "s_axi": In(AXI_WRITE),
                "o_sums": Out(stream.Signature(64)).array(2),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.sync += [self.m_axi.araddr.eq(self.s_axi.awaddr), self.m_axi.arvalid.eq(self.s_axi.awvalid)]
        m.d.comb += [self.s_axi.awready.eq(self.m_axi.arready), self.m_axi.rready.eq(self.o_sums[0].ready)]
        for sums in self.o_sums:
            m.d.comb += [sums.payload.eq(self.m_axi.rdata), sums.valid.eq(self.m_axi.rvalid)]
        return m


class Wrapped(Bridge):
    """A bridge in a bridge, as a module of its own or as a plain submodule."""

    def __init__(self, wrap):
        super().__init__()
        self.wrap = wrap

    def elaborate(self, platform):
        m = Module()
        inner = Bridge()
        m.submodules.inner = self.wrap(inner)
        for (_, member, inside), (_, _, outside) in zip(
            inner.signature.flatten(inner), self.signature.flatten(self), strict=True
        ):
            m.d.comb += outside.eq(inside) if member.flow is Out else inside.eq(outside)
        return m


PORTS = [
    "clk", "rst", "m_axi_araddr", "m_axi_arvalid", "m_axi_arready", "m_axi_rdata", "m_axi_rvalid", "m_axi_rready",
    "s_axi_awaddr", "s_axi_awvalid", "s_axi_awready", "o_sums_0_payload", "o_sums_0_valid", "o_sums_0_ready",
    "o_sums_1_payload", "o_sums_1_valid", "o_sums_1_ready",
]  # fmt: skip


def header(emission: Emission) -> set[str]:
    """Ports of the top in the Verilog."""
    (names,) = re.findall(rf"^module {emission.top}\((.*)\);", "".join(emission.verilog.values()), re.MULTILINE)
    return set(names.split(", "))


@pytest.mark.parametrize("wrap", [shared, lambda part: part], ids=["shared", "plain"])
def test_ports_are_called_as_packagers_of_ip_expect(wrap):
    emission = emit(Wrapped(wrap))
    assert [port["name"] for port in emission.manifest["ports"]] == PORTS
    assert header(emission) == set(PORTS)
    directions = {port["name"]: port["direction"] for port in emission.manifest["ports"]}
    assert directions["m_axi_araddr"] == directions["s_axi_awready"] == directions["o_sums_1_valid"] == "out"
    assert directions["m_axi_rdata"] == directions["s_axi_awvalid"] == directions["o_sums_1_ready"] == "in"
    text = "".join(emission.files.values())
    assert "__" not in text
    if wrap is shared:
        assert ".m_axi_araddr(" in text and ".o_sums_1_ready(" in text
    assert lint(emission) == []


def test_a_stream_says_what_its_ports_are_called():
    streams = {each["name"]: each["ports"] for each in emit(Bridge()).manifest["streams"]}
    assert streams == {
        f"o_sums_{number}": {part: f"o_sums_{number}_{part}" for part in ("payload", "valid", "ready")}
        for number in range(2)
    }


class Ports(wiring.Component):
    """Any signature; outputs stay zero."""

    def elaborate(self, platform):
        return Module()


@pytest.mark.parametrize(
    ("signature", "name", "first", "second"),
    [
        ({"a_b": In(1), "a": In(wiring.Signature({"b": In(1)}))}, "a_b", "a_b", "a.b"),
        ({"x": In(stream.Signature(4)), "x_valid": Out(1)}, "x_valid", "x.valid", "x_valid"),
        ({"x": In(1).array(2), "x_1": In(1)}, "x_1", "x.1", "x_1"),
        ({"addr": In(1), "ADDR": In(1)}, "ADDR", "addr", "ADDR"),
        ({"clk": In(1)}, "clk", "the clock", "clk"),
        ({"Rst": Out(1)}, "Rst", "the reset", "Rst"),
    ],
)
def test_two_ports_of_one_name_are_refused(signature, name, first, second):
    message = f"Ports: ports must have names of their own, not '{name}' for {first} and {second}"
    with pytest.raises(EmitError, match=f"^{re.escape(message)}$"):
        emit(Ports(signature))


@pytest.mark.parametrize("name", ["a__b", "a_", "b_"])
def test_port_names_that_vhdl_does_not_know_are_refused(name):
    with pytest.raises(EmitError, match=f"port name must be letters, digits and single underscores, not '{name}"):
        emit(Ports({name: In(wiring.Signature({"x": In(1)})) if name == "b_" else In(1)}))


@pytest.mark.parametrize("name", ["reg", "output", "wire"])
def test_keywords_of_verilog_are_refused(name):
    with pytest.raises(EmitError, match=f"ports: port name must be a Verilog identifier, not the keyword '{name}'"):
        emit(Ports({name: In(1)}))


def test_signals_that_are_called_like_a_port_or_each_other():
    class Clash(wiring.Component):
        def __init__(self):
            super().__init__({"i_x": In(stream.Signature(4)), "o": Out(4)})

        def elaborate(self, platform):
            m = Module()
            m.d.comb += self.i_x.ready.eq(1)
            value = self.i_x.payload
            for name in ("i_x_payload", "state", "i_x__payload", "state"):
                register = Signal(4, name=name)
                m.d.sync += register.eq(value)
                value = register
            m.d.comb += self.o.eq(value)
            return m

    text = emit(Clash()).verilog["clash.v"]
    assert "input [3:0] i_x_payload;" in text
    before = dict(re.findall(r"else (\w+) <= (\w+);", text))
    chain = ["o"]  # the port's name stands for that of one of the registers called state
    while chain[-1] in before:
        chain.append(before[chain[-1]])
    assert len(chain) == 5 and chain[-1] == "i_x_payload"
    assert set(chain[1:-1]) - {"state", "state_2"} == {"i_x_payload_2", "i_x_payload_3"}


QUICK = ("tiny", "snap-tiny", "snap-tiny-1", "snap-fpga")
DESIGNS = {
    name + suffix: (make, config)
    for engine in engines().values()
    for name, config in engine.presets.items()
    for suffix, make in (("", engine.component), ("-self-test", engine.fpga and engine.fpga.make_self_test))
    if make and (name in QUICK or not suffix)  # big ones fit no board
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=() if name.removesuffix("-self-test") in QUICK else pytest.mark.slow)
        for name in DESIGNS
    ],
)
def design(request: pytest.FixtureRequest) -> Emission:
    make, config = DESIGNS[request.param]
    return emit(make(config))


def test_names_of_designs(design: Emission):
    """No name in an engine, or around it in its self-test, has two underscores in a row or is one of Amaranth's own."""
    text = "".join(design.files.values())
    assert not re.findall(r"\w*__\w*", text)
    assert not re.findall(r"\$(?:signal|like|signature|memory)\w*", text)
