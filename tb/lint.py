"""Lint of emitted Verilog with Verilator, every warning that the control file doesn't waive included."""

import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..hw.emit.waivers import STRICT
from .sources import MODULE, EmissionLike, Sources
from .tools import ToolError, check_tools, tool_environment

__all__ = ["lint"]

FUNCTION = re.compile(r"^[ \t]*(function|task)\b.*?^[ \t]*end\1\b", re.MULTILINE | re.DOTALL)
PORTS = re.compile(r"^[ \t]*(?:input|output|inout)\b[^;]*;", re.MULTILINE)


def lint(source: Sources | EmissionLike | Path | str) -> list[str]:
    """Lint a design with all warnings on.

    A flat elaboration of a big array takes minutes and gigabytes. So the design is cut where simulation cuts it: each
    hierarchical block is linted once, on its own, and the modules above see only its ports.

    Returns
    -------
    list of str
        Warnings and errors, ``file:line:column: message [rule]``; empty for clean Verilog.

    Raises
    ------
    ToolError
        If Verilator can't run.
    """
    sources = Sources.load(source)
    check_tools("perl")
    roots = dict.fromkeys([sources.top, *sources.manifest["hierarchical"]])
    with ThreadPoolExecutor(2) as pool:
        messages = [message for found in pool.map(lambda root: _lint_part(sources, root), roots) for message in found]
    messages += _lint_around(sources)
    return list(dict.fromkeys(messages))


def _lint_part(sources: Sources, root: str) -> list[str]:
    """Lint `root` and what is below it down to the next hierarchical blocks."""
    inside, boxes = sources.reach(root)
    with tempfile.TemporaryDirectory(prefix="tensorloom-lint-") as folder:
        stubs = []
        for name, text in sources.verilog.items():

            def keep(match: re.Match[str]) -> str:
                if match[1] in boxes:
                    stubs.append(_black_box(match[0]))
                return match[0] if match[1] in inside else "\n" * match[0].count("\n")  # same line numbers

            Path(folder, name).write_text(MODULE.sub(keep, text), encoding="utf-8")
        Path(folder, "black_boxes.v").write_text("\n".join(stubs), encoding="utf-8")
        waivers = sources.waivers + '\nlint_off -file "*black_boxes.v"\n'
        Path(folder, "waivers.vlt").write_text(waivers, encoding="utf-8")
        files = ["waivers.vlt", *sources.verilog, *(["black_boxes.v"] if stubs else [])]
        return _verilator(folder, root, files)


def _lint_around(sources: Sources) -> list[str]:
    """Lint the package and the wrapper, which no file waives anything for; of the design there are only ports."""
    if not sources.around:
        return []
    modules = {match[1]: match[0] for text in sources.verilog.values() for match in MODULE.finditer(text)}
    with tempfile.TemporaryDirectory(prefix="tensorloom-lint-") as folder:
        for name, text in sources.around.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        Path(folder, "black_boxes.v").write_text(_black_box(modules[sources.top]), encoding="utf-8")
        Path(folder, "waivers.vlt").write_text('`verilator_config\nlint_off -file "*black_boxes.v"\n', encoding="utf-8")
        *_, last = sources.around
        wrapper = MODULE.search(sources.around[last])
        top = wrapper[1] if wrapper else sources.top
        return _verilator(folder, top, ["waivers.vlt", *sources.around, "black_boxes.v"])


def _verilator(folder: str, top: str, files: list[str]) -> list[str]:
    """What Verilator has to say of files in a folder."""
    command = ["verilator", "--lint-only", "-Wall", "--quiet", f"-D{STRICT}", "--top-module", top, *files]
    done = subprocess.run(command, cwd=folder, env=tool_environment(), capture_output=True, text=True, check=False)
    messages = re.findall(r"^%(Warning|Error)(?:-(\w+))?: (.*)$", done.stdout + done.stderr, re.MULTILINE)
    found = [f"{text} [{rule or kind}]" for kind, rule, text in messages if not text.startswith("Exiting due to")]
    if done.returncode and not found:
        raise ToolError(f"verilator --lint-only failed with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    return found


def _black_box(text: str) -> str:
    """A module's ports without its contents."""
    header, _, body = FUNCTION.sub("", text).partition(";")
    return "\n".join([header + ";", *PORTS.findall(body), "endmodule", ""])
