"""Formal proofs of a block of a design, with a fault in it or without.

A specification holds the component that it is about. Here this component is an instance of the block's module from the
netlist that faults are planted in: the fault that was simulated is the one that a proof looks at.
"""

import contextlib
import importlib
import importlib.util
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from amaranth.hdl import ClockSignal, Const, Fragment, Instance, Value
from amaranth.hdl._ast import SignalSet
from amaranth.hdl._mem import MemoryInstance
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ...hw.config import Config
from ...hw.emit.emitter import Block
from ...hw.emit.ports import port_names
from ...hw.emit.yosys import run_yosys
from ..formal import Proof, ProofError, Together
from ..tools import ToolError
from .mutants import Mutant, Mutants

__all__ = ["Planted", "block_proofs", "engine_proofs", "is_proven"]


class Planted(Together):
    """Specifications in which the components of a block are instances of the block's module.

    Attributes
    ----------
    seen
        Wires of the module that the specifications look at, which have to be made outputs.

    Raises
    ------
    ValueError
        If a specification isn't about the block, or looks at what its module has no wire for.
    """

    def __init__(self, specs: Iterable[wiring.Component], block: Block, module: str) -> None:
        super().__init__(specs)
        self._MustUse__used = True  # its fragment is what is used
        self._block, self._module, self.seen = block, module, set[str]()
        self._fragment = Fragment.get(super().elaborate(None), None)
        for spec, _, _ in self._fragment.subfragments:
            places = [(at, each) for at, each in _components(spec) if _key(each) == (block.component, block.config)]
            if not places:
                raise ValueError(f"nothing is specified of {block.name}")
            for index, component in places:
                design, name, location = spec.subfragments[index]
                spec.subfragments[index] = (Fragment(), name, location)  # for a moment: what is read is read outside
                instance = self._instance(component, design, SignalSet(_signals(spec, driven=False)))
                spec.subfragments[index] = (instance, name, location)

    def elaborate(self, platform: Any) -> Any:
        """The specifications around the instances."""
        return self._fragment

    def _instance(self, component: wiring.Component, design: Fragment, outside: SignalSet) -> Instance:
        names, inside = port_names(component), SignalSet()
        clocks = {"clk": ClockSignal("sync"), "rst": Const(0)}
        ports: dict[str, Any] = {
            f"i_{port['name']}": clocks[port["name"]]
            for port in self._block.manifest["ports"]
            if port["name"] in clocks
        }
        for path, member, value in component.signature.flatten(component):
            if not isinstance(value, Const) and len(value := Value.cast(value)):
                ports[f"{'i' if member.flow == In else 'o'}_{names[path]}"] = value
                inside.update(value._rhs_signals())
        driven = [signal for signal in SignalSet(_signals(design, driven=True)) if signal not in inside]
        count = Counter(signal.name for signal in driven)
        for signal in driven:
            if signal in outside:
                width = f"width {len(signal)} " if len(signal) > 1 else ""
                if count[signal.name] > 1 or f"\n  wire {width}\\{signal.name}\n" not in self._module:
                    raise ValueError(f"{self._block.name} has no wire for {signal.name}")
                ports[f"o_{signal.name}"] = signal
                self.seen.add(signal.name)
        return Instance(self._block.name, **ports)


def _components(spec: Fragment) -> Iterator[tuple[int, wiring.Component]]:
    """What a specification holds, with places among its fragments."""
    for index, (inner, _, _) in enumerate(spec.subfragments):
        yield from ((index, each) for each in inner.origins or () if isinstance(each, wiring.Component))


def _key(component: wiring.Component) -> tuple[Any, ...]:
    return type(component), getattr(component, "config", None)


def _signals(fragment: Fragment, *, driven: bool) -> Iterator[Any]:
    """Signals that are driven in a fragment and all in it, or those that are read there."""
    for statements in fragment.statements.values():
        for statement in statements:
            yield from statement._lhs_signals() if driven else statement._rhs_signals()
    if isinstance(fragment, Instance):
        for value, kind in fragment.ports.values():
            if (kind == "o") == driven:
                yield from value._rhs_signals()
    if isinstance(fragment, MemoryInstance):
        for port in fragment._read_ports:
            yield from port._data._rhs_signals() if driven else port._addr._rhs_signals()
        if not driven:
            for port in fragment._write_ports:
                for value in (port._data, port._addr, port._en):
                    yield from value._rhs_signals()
    for inner, _, _ in fragment.subfragments:
        yield from _signals(inner, driven=driven)


def block_proofs(engine: str, design: Mutants, block: str, config_class: type[Config]) -> dict[str, list[Proof]]:
    """Proofs of an engine that are about a block as it is in a design, by their kind, which decides how they run.

    Left out are those on another configuration (narrower numbers, say), and those that read what only a component made
    for the proof has.
    """
    found: dict[str, list[Proof]] = {}
    this = design.blocks[block]
    if isinstance(this.config, config_class):
        module = _module(design.netlist, block)
        for proof, keys in engine_proofs(engine, this.config):
            if (this.component, this.config) in keys:
                with contextlib.suppress(ValueError):
                    Planted([proof.spec(*proof.arguments)], this, module)
                    found.setdefault(proof.kind, []).append(proof)
    return found


@lru_cache
def engine_proofs(engine: str, config: Config) -> list[tuple[Proof, set[tuple[Any, ...]]]]:
    """All proofs for a configuration, each with the components that it holds."""
    if not importlib.util.find_spec(f"..{engine}.formal", __package__):
        return []
    proofs = importlib.import_module(f"..{engine}.formal.proofs", __package__).proofs(config)
    specs = ((proof, Fragment.get(proof.spec(*proof.arguments), None)) for proof in proofs)
    return [(proof, {_key(component) for _, component in _components(spec)}) for proof, spec in specs]


def is_proven(
    design: Mutants, block: str, proofs: list[Proof], mutant: Mutant | None, *, timeout_seconds: int = 300
) -> bool | None:
    """Whether proofs of one kind succeed on a block with a mutant in it, or as it is; None if they take too long."""
    this, module = design.blocks[block], _module(design.netlist, block)
    planted = Planted((proof.spec(*proof.arguments) for proof in proofs), this, module)
    change = f"mutate {mutant.command}" if mutant else ""
    script = f"read_rtlil netlist.il\nhierarchy -top {block}\n{change}\nwrite_rtlil block.il\n"
    text = run_yosys(script, files={"netlist.il": design.netlist}, outputs=("block.il",))["block.il"]
    text = re.sub(r"^attribute \\top 1\n", "", text, flags=re.MULTILINE)
    text = text.replace(module := _module(text, block), _with_outputs(module, sorted(planted.seen)))
    try:
        proofs[0].check(planted, timeout_seconds=timeout_seconds, modules=text)
    except ProofError:
        return False
    except ToolError:
        return None
    return True


def _with_outputs(module: str, wires: Iterable[str]) -> str:
    """RTLIL of a module that shows some of its wires as outputs."""
    for number, wire in enumerate(wires, 1 << 16):  # beyond those of its ports
        module = re.sub(rf"^(  wire (?:width \d+ )?)(\\{wire})$", rf"\1output {number} \2", module, flags=re.MULTILINE)
    return module


def _module(netlist: str, name: str) -> str:
    found = re.search(rf"^module \\{name}\n.*?^end\n", netlist, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[0]
