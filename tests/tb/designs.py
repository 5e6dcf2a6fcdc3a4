"""Small hand-written designs with their manifests: the harness is tested without the emitter."""

import json
from pathlib import Path

from tensorloom.hw.emit.emission import FORMAT

BYTE = {"kind": "unsigned", "width": 8}
BIT = {"kind": "unsigned", "width": 1}
SUM = {"kind": "signed", "width": 10}
PAIR = {
    "kind": "struct",
    "width": 17,
    "fields": {
        "a": {"offset": 0, "shape": {"kind": "signed", "width": 8}},
        "b": {"offset": 8, "shape": {"kind": "signed", "width": 8}},
        "negate": {"offset": 16, "shape": BIT},
    },
}

ADDER = """
// Sums of pairs through a FIFO of four; faults for tests are behind macros.
module adder (
  input clk, input rst,
  input [16:0] i_pairs_payload, input i_pairs_valid, output i_pairs_ready,
  output [9:0] o_sums_payload, output o_sums_valid, input o_sums_ready,
  output reg [31:0] o_count
);
  reg [9:0] storage [0:3];
  reg [2:0] level;
  reg [1:0] head;
  wire signed [9:0] a = {{2{i_pairs_payload[7]}}, i_pairs_payload[7:0]};
  wire signed [9:0] b = {{2{i_pairs_payload[15]}}, i_pairs_payload[15:8]};
  wire signed [9:0] sum = a + b;
  wire push = i_pairs_valid & i_pairs_ready;
  wire pop = o_sums_valid & o_sums_ready;
  assign i_pairs_ready = level != 3'd4;
  assign o_sums_valid = VALID;
  assign o_sums_payload = storage[head];
  always @(posedge clk) begin
    if (push) storage[head + level[1:0]] <= i_pairs_payload[16] ? -sum : sum;
    if (pop) head <= head + 2'd1;
    level <= level + {2'd0, push} - {2'd0, pop};
    if (push) o_count <= o_count + 32'd1;
    if (rst) begin level <= 3'd0; head <= 2'd0; o_count <= 32'd0; end
    ASSERTION
  end
endmodule
"""

ACCUMULATOR = """
module accumulator (input clk, input rst, input [95:0] i_words, input i_clear, output reg [95:0] o_words, output o_any);
  assign o_any = |i_words;
  always @(posedge clk) begin
    o_words <= {o_words[95:64] + i_words[95:64], o_words[63:32] + i_words[63:32], o_words[31:0] + i_words[31:0]};
    if (i_clear | rst) o_words <= 96'd0;
  end
endmodule
"""

CHAIN = """
module delay (input clk, input [7:0] i_data, output reg [7:0] o_data);
  always @(posedge clk) o_data <= i_data;
endmodule
module chain (input clk, input [7:0] i_data, output [7:0] o_data);
  wire [7:0] middle;
  delay first (.clk(clk), .i_data(i_data), .o_data(middle));
  delay second (.clk(clk), .i_data(middle), .o_data(o_data));
endmodule
"""


def port(name: str, direction: str, shape: dict) -> dict:
    return {"name": name, "direction": direction, "width": shape["width"], "shape": shape}


def stream_ports(name: str, direction: str, payload: dict) -> list[dict]:
    back = {"in": "out", "out": "in"}[direction]
    return [
        port(f"{name}_payload", direction, payload),
        port(f"{name}_valid", direction, BIT),
        port(f"{name}_ready", back, BIT),
    ]


def stream(name: str, direction: str, payload: dict) -> dict:
    ports = {part: f"{name}_{part}" for part in ("payload", "valid", "ready")}
    return {"name": name, "direction": direction, "payload": payload, "width": payload["width"], "ports": ports}


def write(
    folder: Path, top: str, verilog: str, ports: list[dict], *, streams=(), modules=None, hierarchical=()
) -> Path:
    """Write Verilog, control file and manifest; return the folder."""
    waivers = "`verilator_config\n" + "".join(f'hier_block -module "{name}"\n' for name in hierarchical)
    below = modules or {top: {}}
    manifest = {
        "format": FORMAT,
        "top": top,
        "files": [f"{top}.v"],
        "waivers": f"{top}.vlt",
        "config": None,
        "config_class": None,
        "ports": ports,
        "streams": [stream(*each) for each in streams],
        "modules": [
            {"name": name, "class": name, "config": None, "instances": 1, "submodules": subs}
            for name, subs in below.items()
        ],
        "hierarchical": list(hierarchical),
        "hash": "",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{top}.v").write_text(verilog)
    (folder / f"{top}.vlt").write_text(waivers)
    (folder / f"{top}.json").write_text(json.dumps(manifest))
    return folder


def adder(folder: Path, *, valid: str = "level != 3'd0", assertion: str = "") -> Path:
    """Stream block: struct of two numbers and a sign in, sums out, a counter beside them."""
    streams = [("i_pairs", "in", PAIR), ("o_sums", "out", SUM)]
    ports = [port("clk", "in", BIT), port("rst", "in", BIT)]
    ports += [item for stream in streams for item in stream_ports(*stream)]
    ports.append(port("o_count", "out", {"kind": "unsigned", "width": 32}))
    verilog = ADDER.replace("VALID", valid).replace("ASSERTION", assertion)
    return write(folder, "adder", verilog, ports, streams=streams)


def accumulator(folder: Path) -> Path:
    """Three accumulators of 32 bits behind plain ports."""
    words = {"kind": "array", "width": 96, "length": 3, "element": {"kind": "signed", "width": 32}}
    ports = [port("clk", "in", BIT), port("rst", "in", BIT), port("i_words", "in", words), port("i_clear", "in", BIT)]
    ports += [port("o_words", "out", words), port("o_any", "out", BIT)]
    return write(folder, "accumulator", ACCUMULATOR, ports)


def chain(folder: Path, verilog: str = CHAIN) -> Path:
    """Two instances of one hierarchical block, no reset."""
    ports = [port("clk", "in", BIT), port("i_data", "in", BYTE), port("o_data", "out", BYTE)]
    modules = {"chain": {"delay": 2}, "delay": {}}
    return write(folder, "chain", verilog, ports, modules=modules, hierarchical=["delay"])
