"""A SystemVerilog module around a design whose streams are AXI4-Stream."""

from collections.abc import Mapping
from typing import Any

__all__ = ["AxiStream", "axi_streams", "axi_stream_wrapper"]

AxiStream = tuple[str, Mapping[str, Any]]
"""Prefix of the ports, and the stream's entry in the manifest."""


def axi_streams(manifest: Mapping[str, Any]) -> list[AxiStream]:
    """Streams that can be AXI4-Stream, with the prefixes of their ports.

    Those whose other side may not pause, as they have no valid that comes in or no ready, keep their own ports.
    """
    found = []
    for stream in manifest["streams"]:
        inward = stream["direction"] == "in"
        if "payload" in stream["ports"] and ("valid" if inward else "ready") in stream["ports"]:
            found.append(
                (f"{'s' if inward else 'm'}_axis_{stream['name'].removeprefix('i_').removeprefix('o_')}", stream)
            )
    return found


def axi_stream_wrapper(manifest: Mapping[str, Any]) -> str:
    """Text of the module ``<top>_axis``.

    ``tdata`` is a payload with zeros above it up to whole bytes; what comes in there is ignored. Clock and reset are
    ``aclk`` and ``aresetn``, which is active low. All other ports keep their names.
    """
    top = manifest["top"]
    streams = axi_streams(manifest)
    wrapped = {port for _, stream in streams for port in stream["ports"].values()}
    clocks = {port["name"] for port in manifest["ports"]} & {"clk", "rst"}
    ports = ["input  wire aclk", "input  wire aresetn"]
    connections = [
        f".{clock}({'aclk' if clock == 'clk' else '!aresetn'})" for clock in ("clk", "rst") if clock in clocks
    ]
    body, unused = [], [port for port, inner in (("aclk", "clk"), ("aresetn", "rst")) if inner not in clocks]
    for prefix, stream in streams:
        inward, inner, width = stream["direction"] == "in", stream["ports"], stream["width"]
        pad = -width % 8
        there, back = ("input  wire", "output wire") if inward else ("output wire", "input  wire")
        ports += [
            f"{there} [{width + pad - 1}:0] {prefix}_tdata",
            f"{there} {prefix}_tvalid",
            f"{back} {prefix}_tready",
        ]
        connections += [f".{inner['payload']}({prefix}_tdata[{width - 1}:0])"]
        connections += [f".{inner[part]}({prefix}_t{part})" for part in ("valid", "ready") if part in inner]
        body += [f"  assign {prefix}_t{part} = 1'b1;" for part in ("valid", "ready") if part not in inner]
        if pad and inward:
            unused.append(f"{prefix}_tdata[{width + pad - 1}:{width}]")
        elif pad:
            body.append(f"  assign {prefix}_tdata[{width + pad - 1}:{width}] = {pad}'d0;")
    for port in manifest["ports"]:
        if port["name"] not in wrapped | clocks:
            direction = "input  wire" if port["direction"] == "in" else "output wire"
            size = f"[{port['width'] - 1}:0] " if port["width"] > 1 else ""
            ports.append(f"{direction} {size}{port['name']}")
            connections.append(f".{port['name']}({port['name']})")
    if unused:
        body.append(f"  wire unused = &{{1'b0, {', '.join(unused)}}};  // what lint need not look for")
    return "\n".join(
        [
            f"// {top} with AXI4-Stream in place of its streams, made from its manifest.",
            f"module {top}_axis (",
            ",\n".join(f"    {port}" for port in ports),
            ");",
            *body,
            f"  {top} engine (",
            ",\n".join(f"      {connection}" for connection in connections),
            "  );",
            "endmodule",
            "",
        ]
    )
