"""Counters that begin elsewhere than at 0."""

import dataclasses
import random
import re

import pytest

from tensorloom.tb.counters import with_counters_at
from tensorloom.tb.sources import Sources

VERILOG = """
module chain (input clk, input rst, input [7:0] i_data, output reg [7:0] o_data);
  reg [31:0] single;
  reg [63:0] \\two.of ;
  reg [7:0] other;
  always @(posedge clk) begin
    if (rst) single <= 32'd0;
    else single <= single + i_data;
  end
  always @(posedge clk)
    if (rst) \\two.of  <= 64'h0000000000000000;
    else \\two.of  <= { \\two.of [63:32] + 32'd2, \\two.of [31:0] + 32'd1 };
  always @(posedge clk)
    if (rst) other <= 8'h00;
  reg [31:0] cleared, emptied;
  wire _01_, _02_;
  always @(posedge clk)
    if (_01_) cleared <= 32'd0;
    else cleared <= cleared + i_data;
  always @(posedge clk)
    if (_02_) emptied <= 32'd0;
  assign _01_ = | { i_data, rst };
  assign _02_ = | { i_data, single };
  always @* o_data = single[31:24] ^ \\two.of [63:56] ^ \\two.of [7:0] ^ other;
endmodule
"""


@pytest.fixture
def sources(designs, tmp_path) -> Sources:
    return Sources.load(designs.chain(tmp_path))


def test_counters_of_one_register_and_of_several(sources: Sources) -> None:
    sources = dataclasses.replace(sources, verilog=dict.fromkeys(sources.verilog, VERILOG))
    moved = with_counters_at(sources, 0xFFFF_FFFE)
    (found,) = moved.verilog.values()
    assert found.count("single <= {32'd4294967294};") == found.count("cleared <= {32'd4294967294};") == 1
    assert found.count("<= {32'd4294967294, 32'd4294967294};") == 1
    assert "other <= 8'h00;" in found and "emptied <= 32'd0;" in found


def test_what_is_no_start(sources: Sources) -> None:
    with pytest.raises(ValueError, match="start must be from 0 to 4294967295, not 4294967296"):
        with_counters_at(sources, 1 << 32)
    with pytest.raises(ValueError, match="bits must be the width of some counters, not 32"):
        with_counters_at(sources, 1)


def test_random_starts_and_names(sources: Sources) -> None:
    sources = dataclasses.replace(sources, verilog=dict.fromkeys(sources.verilog, VERILOG))
    (found,) = with_counters_at(sources, random.Random(1)).verilog.values()
    starts = {int(start) for start in re.findall(r"32'd(\d+)", found)} - {0, 1, 2}  # these are in the text itself
    assert len(starts) == 4
    with pytest.raises(ValueError, match="bits must be"):
        with_counters_at(sources, 1, names="nothing of that name")
