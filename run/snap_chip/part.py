"""A list of layers of the SNAP chip that does nodes of a network, image by image."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...hw.errors import ConfigError
from ...hw.snap_chip.config import SnapChipConfig
from ...sim.memory_timing import MemoryTiming
from ...sim.network import graph as network
from ...sim.network.graph import Value
from ...sim.snap_chip.cycles import LayerCounters, simulate_chip
from ...sim.snap_chip.layers import Convolution, Layer
from ...sim.snap_chip.work import bitmaps_of
from ..network.plan import LayerFigures, MachinePart
from .program import SnapChipProgram, compile_for

if TYPE_CHECKING:
    from .network import ListBuilder

__all__ = ["Listed", "Part"]

IMAGE = "#"
"""Between a tensor's name and the number of the image."""


@dataclasses.dataclass(frozen=True, eq=False)
class Listed:
    """A layer, and the nodes that it does."""

    layer: Layer
    nodes: tuple[network.Node, ...]


class Part(MachinePart):
    """See `MachinePart`."""

    def __init__(
        self,
        builder: "ListBuilder",
        results: tuple[Value, ...],
        listed: list[Listed],
        inputs: Mapping[str, tuple[Value, Callable[[np.ndarray], np.ndarray]]],
    ) -> None:
        self.nodes, self.results, self._builder = builder.nodes, results, builder
        self._listed, self._inputs = listed, inputs
        self._outputs = list(dict.fromkeys(builder.views[value.name].tensor for value in results))

    def program(self, values: Mapping[str, np.ndarray]) -> SnapChipProgram:
        """The program with the values that it reads."""
        builder = self._builder
        packed = {name: pack(values[value.name]) for name, (value, pack) in self._inputs.items()}
        densities = {name: float(np.mean(tensor != builder.tensors[name].zero)) for name, tensor in packed.items()}
        for node in self.nodes:
            name, made = builder.views[node.result.name].tensor, node.result
            if made.name in values and made.name == name and any(one.layer.target == name for one in self._listed):
                densities[name] = float(np.mean(values[made.name] != made.zero))
        images = range(builder.runs)
        try:
            compiled = compile_for(
                builder.config,
                {_of(name, image): builder.tensors[name] for image in images for name in packed},
                [_of_image(one.layer, image) for image in images for one in self._listed],
                {_of(name, image): tensor[image] for image in images for name, tensor in packed.items()},
                {_of(name, image): density for image in images for name, density in densities.items()},
            )
        except ConfigError as error:
            text = re.sub(rf"{IMAGE}\d+", "", str(error))
            raise type(error)(text, error.hint, field=error.field, value=error.value) from None
        results = [_of(name, image) for name in self._outputs for image in images]
        elements = sum(int(np.prod(builder.tensors[name].shape)) for name in self._outputs) * len(images)
        return SnapChipProgram(
            compiled=compiled,
            inputs_by_name={_of(name, image): tensor[image] for image in images for name, tensor in packed.items()},
            results=results, shape=(elements,), pairs=None,
        )  # fmt: skip

    def unpack(self, output: np.ndarray) -> dict[str, np.ndarray]:
        """Results by name."""
        builder, start, tensors = self._builder, 0, {}
        for name in self._outputs:
            size = int(np.prod(builder.tensors[name].shape)) * builder.runs
            tensors[name] = output[start : start + size]
            start += size
        found = {}
        for value in self.results:
            view = builder.views[value.name]
            flat = tensors[view.tensor].reshape(-1, view.sizes[2])  # with pixels that fill up a line
            found[value.name] = view.unpack(flat[: value.elements // view.sizes[2]], value)
        return found

    def cycles_at(
        self, program: SnapChipProgram, density: float, seed: int, timing: MemoryTiming | None = None
    ) -> int | None:
        """Cycles with random activations of which so many are not zero."""
        config, compiled, rng = program.compiled.config, program.compiled, np.random.default_rng(seed)
        drawn = {}
        for placed in compiled.tensors.values():
            layout = placed.layout
            there = (rng.random((*layout.shape[:2], len(placed.order)), np.float32) < density) & (placed.order >= 0)
            drawn[layout.address] = bitmaps_of(config, there)
        works = [
            dataclasses.replace(
                work, inputs=drawn[work.command["in_address"]], outputs=drawn[work.command["out_address"]],
                residual=None if work.residual is None else drawn[work.command["residual_address"]],
            )
            for work in program.works
        ]  # fmt: skip
        return simulate_chip(
            config, works, timing=timing or MemoryTiming(), list_address=compiled.list_address
        ).cycles  # fmt: skip

    def layers(self, program: SnapChipProgram, timing: MemoryTiming | None = None) -> list[LayerFigures]:
        """Figures of each node, by the cycle model."""
        config, found, groups = self._builder.config, program.simulate(timing).layers, {}
        for number, one in enumerate(self._listed):  # a node may take several layers
            groups.setdefault(one.nodes, []).extend(found[number :: len(self._listed)])
        return [_figures(config, nodes, parts) for nodes, parts in groups.items()]


def _figures(
    config: SnapChipConfig, nodes: Sequence[network.Node], parts: Sequence[LayerCounters]
) -> LayerFigures:  # fmt: skip
    """Of nodes that take some layers of all images."""
    cycles, macs = sum(part.cycles for part in parts), sum(int(part.multiplies.sum()) for part in parts)
    shares = [(part.cycles, part.where_cycles_went()) for part in parts]
    went = {name: sum(count * share[name] for count, share in shares) for name in shares[0][1]}
    beats = {name: sum(part.beats[name] for part in parts) for name in parts[0].beats}
    written = beats.pop("output") * config.bus.bytes
    return LayerFigures(
        name=" + ".join(node.name for node in nodes), operator=" + ".join(node.operator for node in nodes),
        cycles=cycles, macs=macs, utilisation=macs / max(1, cycles * config.multipliers),
        read_bytes=sum(beats.values()) * config.bus.bytes, written_bytes=written,
        bound=max(went, key=lambda name: went[name]),
    )  # fmt: skip


def _of(name: str, image: int) -> str:
    return f"{name}{IMAGE}{image}"


def _of_image(layer: Layer, image: int) -> Layer:
    changes: dict[str, Any] = {"source": _of(layer.source, image), "target": _of(layer.target, image)}
    if isinstance(layer, Convolution) and layer.residual:
        changes["residual"] = dataclasses.replace(layer.residual, tensor=_of(layer.residual.tensor, image))
    return dataclasses.replace(layer, **changes)
