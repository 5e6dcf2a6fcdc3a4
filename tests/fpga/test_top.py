"""The whole top of a board, its PLL and pads replaced by models, in Verilator."""

import re
from pathlib import Path

import numpy as np
import pytest

import tensorloom.fpga
from tensorloom.fpga.plan import make_plan
from tensorloom.hw.config import Config
from tensorloom.hw.emit.yosys import run_yosys
from tensorloom.tb.bulk.model import build
from tensorloom.tb.sources import Sources

from .conftest import SMALL, TARGETS

SNAP = SMALL["snap"].replace(pipelined=True)
"""With the registers that the board's SNAP core has."""

MODELS = """
module EHXPLLL #(
  parameter CLKI_DIV = 1, parameter CLKFB_DIV = 1, parameter CLKOP_DIV = 1, parameter CLKOP_CPHASE = 0,
  parameter CLKOP_FPHASE = 0, parameter PLLRST_ENA = "", parameter INTFB_WAKE = "", parameter STDBY_ENABLE = "",
  parameter DPHASE_SOURCE = "", parameter OUTDIVIDER_MUXA = "", parameter OUTDIVIDER_MUXB = "",
  parameter OUTDIVIDER_MUXC = "", parameter OUTDIVIDER_MUXD = "", parameter CLKOP_ENABLE = "",
  parameter FEEDBK_PATH = ""
) (
  input CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG, PLLWAKESYNC, ENCLKOP,
  output CLKOP, LOCK
);
  reg [4:0] time_to_lock = 0;
  always @(posedge CLKI) if (!LOCK) time_to_lock <= time_to_lock + 1;
  assign CLKOP = CLKI;
  assign LOCK = &time_to_lock;
endmodule
module IB (input I, output O);
  assign O = I;
endmodule
module OBZ (input I, T, output O);
  assign O = T ? 1'b0 : I;
endmodule
module board (input clk, i_button, i_reset, output [3:0] o_leds);
  top top (
    .clk25_0__io(clk), .button_fire_0__io(i_button), .button_fire_1__io(i_reset), .led_0__io(o_leds[0]),
    .led_1__io(o_leds[1]), .led_2__io(o_leds[2]), .led_3__io(o_leds[3])
  );
endmodule
"""


def port(name: str, direction: str, width: int) -> dict:
    return {"name": name, "direction": direction, "width": width, "shape": {"kind": "unsigned", "width": width}}


def board_sources(engine: str, config: Config) -> Sources:
    """The ULX3S's top with the self-test of an engine."""
    plan = make_plan("ulx3s-85f", engine, TARGETS[engine], config, 60_000_000)
    models = MODELS + Path(tensorloom.fpga.__file__).with_name("ecp5_cells.v").read_text(encoding="utf-8")
    built = plan.build.files  # pyrefly: ignore[missing-attribute]  # not in the stubs
    files = {name: str(built[name]) for name in ("self_test.v", "top.il")} | {"models.v": models}
    script = "read_verilog self_test.v\nread_verilog -lib models.v\nread_rtlil top.il\nhierarchy -top top\n"
    script += "proc\nwrite_verilog -noattr top.v\n"
    top = run_yosys(script, files=files, outputs=("top.v",))["top.v"]
    ports = [port("clk", "in", 1), port("i_button", "in", 1), port("i_reset", "in", 1), port("o_leds", "out", 4)]
    manifest = {
        "top": "board", "files": ["top.v", "models.v"], "waivers": "board.vlt", "ports": ports, "streams": [],
        "hierarchical": [],
    }  # fmt: skip
    return Sources(manifest, {"top.v": top, "models.v": models}, "`verilator_config\n")


@pytest.mark.parametrize(
    ("engine", "config", "cycles"),
    [
        ("systolic", SMALL["systolic"], 9000),
        pytest.param("snap", SNAP, 9000, marks=pytest.mark.slow),
        pytest.param("snap", TARGETS["snap"].boards["ulx3s-85f"].config, 90_000, marks=pytest.mark.slow),
        pytest.param("eie", TARGETS["eie"].boards["ulx3s-85f"].config, 30_000, marks=pytest.mark.slow),
    ],
    ids=["systolic", "snap", "snap-fpga", "eie-4x4"],
)
def test_passes_fails_after_the_fault_button_and_passes_after_the_reset_button(
    engine: str, config: Config, cycles: int
) -> None:
    press, reset = cycles // 3, 2 * cycles // 3
    button, resets = np.zeros(cycles, int), np.zeros(cycles, int)
    button[press : press + 20] = 1
    resets[reset : reset + 20] = 1
    leds = build(board_sources(engine, config)).cycles({"i_button": button, "i_reset": resets}, ["o_leds"])["o_leds"]
    running, passed, failed = leds & 1, leds >> 1 & 1, leds >> 2 & 1
    assert not running[:16].any(), "it runs before the PLL has locked"
    assert passed[press - 1]
    assert not failed[:press].any()
    assert failed[reset - 1]
    assert not passed[reset - 1]
    assert not running[reset + 5 : reset + 20].any()
    assert not failed[reset + 5 :].any()
    assert passed[-1]


def test_each_snap_pe_has_a_reset_register() -> None:
    plan = make_plan("ulx3s-85f", "snap", TARGETS["snap"], SNAP, 60_000_000)
    verilog = str(plan.build.files["self_test.v"])  # pyrefly: ignore[missing-attribute]  # not in the stubs
    modules = dict(re.findall(r"^module (\w+)(.*?)^endmodule$", verilog, re.MULTILINE | re.DOTALL))
    assert [name for name, text in modules.items() if "rst_register <= rst;" in text] == ["pe"]
    body = modules["pe"].partition("rst_register <= rst;")[2]
    assert re.search(r"if \(rst_register\)", body)
    assert not re.search(r"(?<!\.)\brst\b", body)
