"""What of a network a machine does, and what the host does before, between and behind."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...sim.network.errors import ModelError
from ...sim.network.graph import Floating, Host, Network, Node, Pick, Reshape, Value, Weighted
from .views import View

if TYPE_CHECKING:
    from ...sim.memory_timing import MemoryTiming
    from ..contract import Program

__all__ = ["Builder", "HostPart", "LaterError", "LayerFigures", "MachinePart", "Plan", "RefusalError", "make_plan"]


class RefusalError(Exception):
    """A machine can't do a node: why, in a few words."""


class LaterError(Exception):
    """A node wants what it reads laid out anew: the host does so before the machine's next part."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerFigures:
    """What a node takes on a machine, by the cycle model.

    Parameters
    ----------
    name, operator
        Of the node; several if they are done at once.
    cycles
        From the end of the node before; of all images.
    macs
        Useful multiply-accumulates, as the engine counts them.
    utilisation
        As a share of the multipliers' time, which may begin before the end of the node before.
    read_bytes, written_bytes
        From and to memory.
    bound
        What most cycles went to.
    """

    name: str
    operator: str
    cycles: int
    macs: int
    utilisation: float
    read_bytes: int
    written_bytes: int
    bound: str


@dataclasses.dataclass(frozen=True, eq=False)
class HostPart:
    """Nodes that the host does.

    Parameters
    ----------
    nodes
        In order.
    """

    nodes: Sequence[Node]


class MachinePart(ABC):
    """Nodes that a machine does by one program.

    Attributes
    ----------
    nodes
        In order.
    results
        What the host gets.
    """

    nodes: Sequence[Node]
    results: Sequence[Value]

    @abstractmethod
    def program(self, values: Mapping[str, np.ndarray]) -> "Program":
        """The program with the values that it reads, by name."""

    @abstractmethod
    def unpack(self, output: np.ndarray) -> dict[str, np.ndarray]:
        """Results by name, from what `Program.assemble` or `Program.golden` gives."""

    @abstractmethod
    def layers(self, program: Any, timing: "MemoryTiming | None" = None) -> list[LayerFigures]:
        """Figures of each node, by the cycle model."""

    def cycles_at(self, program: Any, density: float, seed: int, timing: "MemoryTiming | None" = None) -> int | None:
        """Cycles with random activations of which so many aren't zero; None where they don't depend on values.

        Raises
        ------
        ConfigError
            If so many have no room.
        """
        return None


class Builder(ABC):
    """A machine's part of a network while it is made.

    Attributes
    ----------
    views
        By name: values that the machine has.
    nodes
        That it does.
    images
        Of all its values: how many; None as long as there are none.
    """

    def __init__(self) -> None:
        self.views: dict[str, View] = {}
        self.nodes: list[Node] = []
        self.images: int | None = None

    def view(self, value: Value) -> View:
        """A value as the machine has it; if it hasn't, the host gives it."""
        if value.name not in self.views:
            if self.images not in (None, value.shape[0]):
                raise LaterError
            self.images = value.shape[0]
            self.add_input(value)
            self.views[value.name] = View.of(value)
        return self.views[value.name]

    @abstractmethod
    def add_input(self, value: Value) -> None:
        """The host gives a value, laid out as `View.of` says."""

    @abstractmethod
    def add(self, node: Node) -> View:
        """Do a node; what it makes.

        Raises
        ------
        RefusalError, LaterError
            If it can't, or not yet.
        """

    def reshape(self, node: Reshape) -> View:
        """Only see a value otherwise."""
        source, permutation = node.source, node.permutation
        if source.shape[0] != node.result.shape[0] or (permutation is not None and permutation[0] != 0):
            raise RefusalError("it mixes images")
        if (source.zero, source.scale, source.dtype) != (node.result.zero, node.result.scale, node.result.dtype):
            raise RefusalError("it changes the meaning of values")
        return self.view(source).reshaped(source, permutation)

    def computes(self) -> bool:
        """Whether it does more than to see values otherwise."""
        return any(not isinstance(node, Reshape) for node in self.nodes)

    @abstractmethod
    def finish(self, results: Sequence[Value]) -> MachinePart:
        """The part, once all its nodes are there.

        Raises
        ------
        ConfigError
            If it doesn't fit the machine.
        """


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """A network on a machine.

    Parameters
    ----------
    network
        It.
    parts
        In order.
    reasons
        By name of node: why the host does it.
    """

    network: Network
    parts: Sequence[HostPart | MachinePart]
    reasons: Mapping[str, str]

    @property
    def machine_parts(self) -> list[MachinePart]:
        """Those of the machine."""
        return [part for part in self.parts if isinstance(part, MachinePart)]


def make_plan(network: Network, machine: str, new_builder: Callable[[], Builder]) -> Plan:
    """Give a machine all that it can do, in as few parts as possible, and the rest to the host.

    Parameters
    ----------
    network
        What to do.
    machine
        What errors call it.
    new_builder
        Begins a part.

    Raises
    ------
    ModelError
        If the machine can't do nodes that have weights: all of these, and why.
    ConfigError
        If something doesn't fit the machine.
    """
    known, pending = {value.name for value in network.inputs}, list(network.nodes)
    reasons: dict[str, str] = {}
    refused: list[tuple[Node, str]] = []
    parts: list[HostPart | Builder] = []
    while pending:
        before = len(pending), len(reasons)
        host = _take(pending, known, lambda node: isinstance(node, Host) or node.result.name in reasons)
        if host:
            parts.append(HostPart(host))
        builder = new_builder()
        postponed: set[str] = set()

        def takes(node: Node, builder: Builder = builder, postponed: set[str] = postponed) -> bool:
            if isinstance(node, Host) or node.result.name in reasons or node.result.name in postponed:
                return False
            if isinstance(node, Floating | Pick):
                reasons[node.result.name] = "float32" if isinstance(node, Floating) else "it picks elements"
                return False
            try:
                if not all(value.shape for value in (*node.sources, node.result)):
                    raise RefusalError("numbers without axes")
                view = builder.reshape(node) if isinstance(node, Reshape) else builder.add(node)
            except (RefusalError, LaterError) as error:
                if isinstance(error, LaterError) and builder.nodes:
                    postponed.add(node.result.name)
                    return False
                if not builder.nodes:  # what it saw of its inputs binds no other node
                    builder.views.clear()
                    builder.images = None
                reason = str(error) or "it has a layout that the machine can't have"  # not even in a part of its own
                reasons[node.result.name] = reason
                if isinstance(node, Weighted):
                    refused.append((node, reason))
                return False
            builder.views[node.result.name] = view
            builder.nodes.append(node)
            return True

        done = _take(pending, known, takes)
        if builder.computes():
            parts.append(builder)
        elif done:
            parts.append(HostPart(done))
        elif (len(pending), len(reasons)) == before:
            raise AssertionError(f"nothing can do {pending[0].name}")
    if refused:
        raise _refusal(refused, machine)
    wanted = {value.name for value in network.outputs}
    for part in parts:
        wanted |= (
            {source.name for node in part.nodes for source in node.sources} if isinstance(part, HostPart) else set()
        )
    for part in parts:
        if isinstance(part, Builder):
            made = {node.result.name for node in part.nodes}
            wanted |= {source.name for node in part.nodes for source in node.sources if source.name not in made}
    finished: list[HostPart | MachinePart] = []
    for part in parts:
        if isinstance(part, Builder):
            finished.append(part.finish([node.result for node in part.nodes if node.result.name in wanted]))
        else:
            finished.append(part)
    by_name = {node.result.name: node.name for node in network.nodes}
    if not any(isinstance(part, MachinePart) for part in finished):
        told = "".join(f"\n  {by_name[name]}: {text}" for name, text in reasons.items())
        raise ModelError(f"the network has nothing that {machine} does{told}")
    return Plan(network=network, parts=finished, reasons={by_name[name]: text for name, text in reasons.items()})


def _take(pending: list[Node], known: set[str], takes: Callable[[Node], bool]) -> list[Node]:
    """Move nodes from those that are pending to those that are done, as long as there are some."""
    taken: list[Node] = []
    for node in list(pending):
        if all(source.name in known for source in node.sources) and takes(node):
            pending.remove(node)
            known.add(node.result.name)
            taken.append(node)
    return taken


def _refusal(refused: Iterable[tuple[Node, str]], machine: str) -> ModelError:
    found = tuple((node.name, node.operator, reason) for node, reason in refused)
    lines = "".join(f"\n  {name} ({operator}): {reason}" for name, operator, reason in found)
    return ModelError(f"{machine} can't do all of the network's nodes with weights:{lines}", refused=found)
