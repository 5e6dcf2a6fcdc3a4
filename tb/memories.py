"""Memories that do no more than they must: what a design may not rely on is wrong in them."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..hw.emit.rewriting import rewrite_modules
from .sources import EmissionLike, Sources

__all__ = ["with_bare_memories"]

FIRST_DECLARATION = re.compile(r"^  reg ", re.MULTILINE)
MEMORY = re.compile(r"^  reg \[(\d+):0\] (\w+|\\\S+ )\s*\[(\d+):0\];\n(?!  initial)", re.MULTILINE)

BODY = """\
  reg [{high}:0] memory [{last}:0];
  reg [{high}:0] data;
  wire good = i_read_enable & ~(|i_write_enable & {write} == {read});
  assign o_read_data = data;
  always @(posedge clk) begin
    {writes}
    data <= memory[{read}] ^ {{{width}{{~good}}}};
  end
endmodule
"""


def with_bare_memories(source: Sources | EmissionLike | Path | str) -> Sources:
    """The same design, in which nothing about a memory holds but what an SRAM macro promises.

    All rows begin with ones in all bits. A `hw.common.ram.Ram` that reads the row that is written in the same cycle, or
    that doesn't read, shows wrong data in the next cycle: all bits of the row turned over.
    """
    sources = Sources.load(source)
    verilog = rewrite_modules(sources.verilog, sources.manifest, "Ram", _bare)
    return dataclasses.replace(sources, verilog={name: MEMORY.sub(_filled, text) for name, text in verilog.items()})


def _bare(module: Mapping[str, Any], text: str) -> str:
    width, depth, lanes = module["config"]
    first = FIRST_DECLARATION.search(text)
    assert first is not None
    write, read = ("i_write_address", "i_read_address") if depth > 1 else ("1'b0", "1'b0")
    writes = f"if (i_write_enable) memory[{write}] <= i_write_data;"
    if lanes > 1:
        parts = [f"[{lane * width // lanes} +: {width // lanes}]" for lane in range(lanes)]
        lines = (
            f"if (i_write_enable[{n}]) memory[{write}]{part} <= i_write_data{part};" for n, part in enumerate(parts)
        )
        writes = "\n    ".join(lines)
    body = BODY.format(high=width - 1, last=depth - 1, width=width, writes=writes, write=write, read=read)
    return text[: first.start()] + body


def _filled(memory: re.Match[str]) -> str:
    high, name, last = memory.groups()
    row = f"{name}[row] = {{{int(high) + 1}{{1'b1}}}}"
    return memory[0] + f"  initial for (int row = 0; row <= {last}; row++) {row};\n"
