"""Mutants of a design, all in one netlist: an input that is added chooses which one is awake.

Yosys makes them (``mutate``): a bit of a cell's port is inverted, stuck, or inverted where another bit of it is 0 or 1.
"""

import dataclasses
import hashlib
import inspect
import re
from collections.abc import Collection

from amaranth.lib import wiring

from ...hw.emit.emitter import Block, emit_blocks
from ...hw.emit.waivers import verilator_control
from ...hw.emit.yosys import VERILOG, netlist_script, run_yosys
from ..sources import Sources

__all__ = ["SELECT", "Mutant", "Mutants", "design_digest", "plant"]

SELECT = "mutant"
"""Input that chooses the mutant; 0 is the design as it is."""

SELECT_BITS = 16

MODES = {
    "inv": "inverted",
    "const0": "stuck at 0",
    "const1": "stuck at 1",
    "cnot0": "inverted while bit {control} of it is 0",
    "cnot1": "inverted while bit {control} of it is 1",
}

CLOCKS = ("CLK", "clk", "RD_CLK", "WR_CLK")
REGISTERS = ("Q", "ARST", "SRST", "RD_ARST", "RD_SRST", "RD_EN", "rst")
"""Ports that stay: initial values and resets don't survive there, and a memory that is read without a clock has no
enable; a fault in the logic before them is the same."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutant:
    """One fault.

    Attributes
    ----------
    number
        Value of the input `SELECT` that wakes it.
    block
        Module that it is in.
    wire, wire_bit, cell, port, port_bit
        Where: a bit of a cell's port, and the wire there.
    change
        What happens to the bit, in words.
    source
        File and line of what the cell was made from, relative to the package.
    command
        Arguments of Yosys' ``mutate``.
    """

    number: int
    block: str
    wire: str
    wire_bit: int
    cell: str
    port: str
    port_bit: int
    change: str
    source: str
    command: str

    def __str__(self) -> str:
        """In words, with file and line."""
        wire = f" ({self.wire}[{self.wire_bit}])" if self.wire else ""
        return (
            f"{self.source}: {self.block}: bit {self.port_bit} of port {self.port} of {self.cell}{wire} {self.change}"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutants:
    """A design with its mutants.

    Attributes
    ----------
    mutants
        By number.
    blocks
        Modules by name, children before parents.
    verilog
        Verilog text by module, mutants in it.
    netlist
        RTLIL of the whole design without mutants, for `equivalence` and proofs.
    foreign
        Modules of which the netlist has ports alone.
    digest
        Hash of what Yosys was given; source lines play no part.
    """

    mutants: dict[int, Mutant]
    blocks: dict[str, Block]
    verilog: dict[str, str]
    netlist: str
    foreign: list[str]
    digest: str

    @property
    def top(self) -> str:
        """Module that holds all others."""
        return next(reversed(self.blocks))

    def sources(self, block: str) -> Sources:
        """What to simulate to see a block alone, with `SELECT` among its ports."""
        names = [name for name in self.blocks if name == block or name in self.below(block)]
        verilog = {f"{name}.v": self.verilog[name] for name in names}
        manifest = dict(self.blocks[block].manifest)
        shape = {"kind": "unsigned", "width": SELECT_BITS}
        select = {"name": SELECT, "direction": "in", "width": SELECT_BITS, "shape": shape}
        planted = any(f"input [{SELECT_BITS - 1}:0] {SELECT};" in line for line in self.verilog[block].splitlines(True))
        manifest |= {
            "ports": [*manifest["ports"], select] if planted else manifest["ports"],
            "hierarchical": [],
            "files": list(verilog),
        }
        return Sources(manifest, verilog, verilator_control(list(verilog), []))

    def below(self, block: str) -> set[str]:
        """Modules that a block is made of, itself not among them."""
        found: set[str] = set()
        for name in self.blocks[block].submodules:
            found |= {name} | self.below(name)
        return found

    def above(self, block: str) -> list[str]:
        """Modules that hold a block, the nearest first."""
        return [name for name in self.blocks if block in self.below(name)]


def design_digest(component: wiring.Component) -> str:
    """Hash of the netlist that mutants of a design are made of."""
    return _digest(emit_blocks(component)[0])


def _digest(text: str) -> str:
    return hashlib.sha256(re.sub(r"^\s*attribute \\src [^\n]*\n", "", text, flags=re.MULTILINE).encode()).hexdigest()


def plant(
    text: str,
    blocks: list[Block],
    *,
    count: int,
    seed: int,
    own: Collection[str] | None = None,
    only: str | None = None,
) -> Mutants:
    """Make mutants of a design that `emit_blocks` gave.

    Parameters
    ----------
    count
        How many; fewer if the design has no more places.
    seed
        Of the choice, which is spread evenly over source lines, wires and cells.
    own
        Modules that they may be in, by default all; what is inside of others plays no part in `equivalence`.
    only
        Module that all of them are in.

    Raises
    ------
    ValueError
        If there are more than the input that chooses can tell apart.
    """
    if count >= 1 << SELECT_BITS:
        raise ValueError(f"count must be at most {(1 << SELECT_BITS) - 1}, not {count}")
    top = blocks[-1].name
    script, files = netlist_script(text, top)
    names = {block.name for block in blocks} if own is None else set(own)
    foreign = sorted({name for block in blocks if block.name in names for name in block.submodules} - names)
    where = only or " ".join(sorted(names))
    script += f"write_rtlil netlist.il\nmutate -list {2 * count} -seed {seed} -o list.txt {where}\n"
    script += "".join(f"blackbox {name}\n" for name in foreign) + "write_rtlil bare.il\n"
    made = run_yosys(script, files=files, outputs=("netlist.il", "bare.il", "list.txt"))
    lines = [line for line in made["list.txt"].splitlines() if _usable(line, names)][:count]
    files_of = {block.name: _file(block) for block in blocks}
    mutants = {number: _parse(number, line, files_of) for number, line in enumerate(lines, 1)}
    apply = "\n".join(
        f"mutate -ctrl {SELECT} {SELECT_BITS} {mutant.number} {mutant.command}" for mutant in mutants.values()
    )
    script = f"read_rtlil netlist.il\nhierarchy -top {top}\n{apply}\n{VERILOG}"
    verilog = run_yosys(script, files={"netlist.il": made["netlist.il"]}, outputs=("design.v",))["design.v"]
    modules = {
        module[1]: module[0]
        for module in re.finditer(r"^(?:\(\*[^\n]*\n)*module (\w+).*?^endmodule\n", verilog, re.MULTILINE | re.DOTALL)
    }
    return Mutants(
        mutants=mutants,
        blocks={block.name: block for block in blocks},
        verilog=modules,
        netlist=made["bare.il"],
        foreign=foreign,
        digest=_digest(text),
    )


def _usable(line: str, names: set[str]) -> bool:
    """Whether the mutated port is neither a clock nor a register's own, and no check of the simulation."""
    option = dict(re.findall(r"-(\w+) (\S+)", line))
    if "port" not in option or option["module"] not in names:
        return False
    return option["port"] not in CLOCKS + REGISTERS and not re.search(r"\$(?:check|assert|assume|cover|print)", line)


def _parse(number: int, line: str, files: dict[str, str]) -> Mutant:
    command = line.removeprefix("mutate ")
    option = dict(re.findall(r"-(mode|module|cell|port|portbit|ctrlbit|wire|wirebit) (\S+)", command))
    change = MODES[option["mode"]].format(control=option.get("ctrlbit"))
    return Mutant(
        number=number,
        block=option["module"],
        wire=option.get("wire", ""),
        wire_bit=int(option.get("wirebit", 0)),
        cell=option["cell"],
        port=option["port"],
        port_bit=int(option["portbit"]),
        change=change,
        source=_source(re.findall(r"-src (\S+):(\d+)", command)) or files[option["module"]],
        command=re.sub(r" -src \S+", "", command),
    )


def _source(found: list[tuple[str, str]]) -> str:
    """File and line: the last that is hardware's own, for cells are made later than the wires that they drive."""
    for path, line in reversed(found):
        if "/hw/" in path and "/hw/emit/" not in path:
            return f"hw/{path.rpartition('/hw/')[2]}:{line}"
    return ""


def _file(block: Block) -> str:
    """Where a block's class is, for cells that know no line."""
    return f"hw/{inspect.getfile(block.component).rpartition('/hw/')[2]}"
