# amaranth: UnusedElaboratable=no
"""The shared modules' Verilog and one flat netlist of the same component are the same circuit, by proof."""

import re
from unittest import mock

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.emit.shared import Shared, shared
from tensorloom.hw.emit.yosys import YosysError, run_yosys
from tensorloom.hw.systolic.config import SystolicConfig
from tensorloom.hw.systolic.matrix_unit import MatrixUnit
from tensorloom.hw.systolic.mesh import Mesh

SIDE = """
hierarchy -check -top top
proc
flatten
memory_map
techmap -map product.v
HIDE
opt_clean
"""
PROOF = f"""
read_verilog -sv shared.v
{SIDE}
rename top gate
design -stash gate
READ_FLAT
{SIDE}
rename top gold
design -copy-from gate gate
equiv_make gold gate equiv
hierarchy -top equiv
opt_clean
equiv_simple SEQ
equiv_induct SEQ
equiv_status -assert
"""
PRODUCT = """
(* techmap_celltype = "$mul" *)
module product #(parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1)
    (input [A_WIDTH-1:0] A, input [B_WIDTH-1:0] B, output [Y_WIDTH-1:0] Y);
  wire [Y_WIDTH-1:0] a, b;
  generate
    if (A_SIGNED) assign a = $signed(A); else assign a = A;
    if (B_SIGNED) assign b = $signed(B); else assign b = B;
  endgenerate
  assign Y = a ^ {b[Y_WIDTH-2:0], b[Y_WIDTH-1]};
endmodule
"""
"""Products are hard for SAT solvers, so both sides get this function of the same operands instead."""


def prove(make, *, converted=True, hide="", edit=lambda verilog: verilog) -> str:
    """Prove an emission equal to the same component without sharing; returns the log.

    `converted` emits the component without sharing too, which keeps names and products alike; otherwise the flat
    netlist is what Amaranth wrote. `hide` are patterns of names of intermediate values, which are numbered and must
    not be taken for the same; the proof then looks three cycles back.
    """
    shared_verilog = edit("".join(emit(make(), name="top").verilog.values()))
    files = {"shared.v": shared_verilog, "product.v": PRODUCT}
    if converted:
        with mock.patch.object(Shared, "elaborate", lambda self, platform: self.component):
            files["flat.v"] = "".join(emit(make(), name="top").verilog.values())
        assert files["flat.v"] != shared_verilog
    else:
        files["flat.il"] = rtlil.convert(make(), name="top", emit_src=False)
    script = PROOF.replace("READ_FLAT", "read_verilog -sv flat.v" if converted else "read_rtlil flat.il")
    script = script.replace("SEQ", "-seq 3" if hide else "")
    return run_yosys(script.replace("HIDE", f"rename -hide {hide}" if hide else ""), files=files)["log"]


class Leaf(wiring.Component):
    """A little state."""

    def __init__(self, config):
        self.config = config
        super().__init__({"i": In(4), "o": Out(4)})

    def elaborate(self, platform):
        m = Module()
        with m.If(self.i != 3):
            m.d.sync += self.o.eq(self.o + self.i + self.config)
        return m


class Pair(wiring.Component):
    """Two leaves of one module, one of another; one has a reset of its own."""

    config = "pair"

    def __init__(self):
        super().__init__({"i": In(4), "o": Out(4)})

    def elaborate(self, platform):
        m = Module()
        value = self.i
        for name, config in (("first", 1), ("second", 2), ("third", 1)):
            leaf = Leaf(config)
            m.submodules[name] = shared(leaf, reset=self.i == 7 if name == "third" else None)
            m.d.comb += leaf.i.eq(value)
            value = leaf.o
        m.d.comb += self.o.eq(value)
        return m


PROVEN = "Equivalence successfully proven!"


def test_small_design():
    assert PROVEN in prove(Pair, converted=False)


@pytest.mark.parametrize(
    "old, new", [(".i(i)", ".i(o)"), ("leaf_2 second", "leaf second"), ("o + i", "o - i"), (".rst(_1_)", ".rst(rst)")]
)
def test_proof_fails_for_another_circuit(old, new):
    def edit(verilog):
        assert old in verilog
        return verilog.replace(old, new, 1)

    with pytest.raises(YosysError, match=r"Found \d+ unproven \$equiv cells"):
        prove(Pair, converted=False, edit=edit)


def test_tiny_mesh():
    config = SystolicConfig(rows=4, columns=4, tile_rows=2, tile_columns=2, accumulator_rows=4, accumulator_bits=19)
    assert PROVEN in prove(lambda: Mesh(config))


def test_small_matrix_unit():
    config = SystolicConfig(
        rows=2,
        columns=2,
        tile_rows=1,
        tile_columns=1,
        accumulator_rows=4,
        accumulator_bits=18,
        weight_fifo_tiles=2,
        drain_queue=2,
    )
    numbered = "w:sequencer._?_ w:sequencer._??_ w:_?_ w:_??_ w:_???_ w:accumulators.drain._*_"
    assert PROVEN in prove(lambda: MatrixUnit(config), hide=numbered)


def test_proof_of_the_mesh_fails_for_another_mesh():
    config = SystolicConfig(rows=2, columns=2, tile_rows=1, tile_columns=1, accumulator_rows=4, accumulator_bits=18)

    def edit(verilog):
        first, second = re.findall(r"\.i_psums\((?!no)[^)]*\)", verilog)[-2:]
        return verilog.replace(first, "first", 1).replace(second, first, 1).replace("first", second, 1)

    assert PROVEN in prove(lambda: Mesh(config))
    with pytest.raises(YosysError, match=r"Found \d+ unproven \$equiv cells"):
        prove(lambda: Mesh(config), edit=edit)
