"""What a sweep runs: configurations x densities x layers, checked before anything runs."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...hw.config import Config, check, check_number
from ...hw.errors import ConfigError, did_you_mean
from ...sim.workloads.layers import NETWORKS, LayerShape, distinct, find_layer, sample
from ..registry import Design, design_name

__all__ = ["MOST_POINTS", "Point", "fields_of", "find_layers", "make_points"]

MOST_POINTS = 100_000
"""Of a sweep: more would take days."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Point:
    """A layer of some densities on a configuration.

    Parameters
    ----------
    design
        The configuration.
    changes
        What was changed for it, by the path of the field: ``core.core_rows``.
    layer, count
        The layer, and how many layers of the network have its sizes.
    densities
        Shares of activations and of weights that aren't zero.
    bits
        Width of the tensors' numbers: the design's, if there is no reason for others.
    """

    design: Design
    changes: Mapping[str, Any]
    layer: LayerShape
    count: int
    densities: tuple[float, float]
    bits: int


def fields_of(config: Config) -> dict[str, Any]:
    """Values of all fields by their paths; those of a configuration inside it one by one."""
    found: dict[str, Any] = {}
    for name in config.field_types():
        value = getattr(config, name)
        inner = fields_of(value) if isinstance(value, Config) else None
        found |= {name: value} if inner is None else {f"{name}.{field}": one for field, one in inner.items()}
    return found


def find_layers(names: Iterable[str], part: tuple[int, int, int, int] | None = None) -> list[tuple[LayerShape, int]]:
    """Layers of known networks, and how often each size comes; a network's name stands for all of its layers.

    Parameters
    ----------
    names
        Of layers and networks.
    part
        Height, width, channels and kernels that layers are cut down to, those that are larger.

    Raises
    ------
    ConfigError
        For a name that is neither.
    """
    layers: list[LayerShape] = []
    for name in names:
        found = find_layer(name)
        if found is None and name not in NETWORKS:
            known = [*NETWORKS, *(layer.name for layers in NETWORKS.values() for layer in layers)]
            rule = f"one of {', '.join(NETWORKS)} or a layer of one, such as {NETWORKS['resnet50'][1].name}"
            raise ConfigError(f"layers must be {rule}, not {name!r}", did_you_mean(name, known), field="layers")
        layers += NETWORKS[name] if found is None else [found]
    check("layers", bool(layers), "at least one", layers)
    layers = [sample(layer, *part) for layer in layers] if part else layers
    sizes = [dataclasses.replace(layer, name="") for layer in layers]
    return [(layer, sizes.count(dataclasses.replace(layer, name=""))) for layer in distinct(layers)]


def make_points(
    design: Design,
    fields: Mapping[str, Sequence[Any]],
    layers: Sequence[tuple[LayerShape, int]],
    densities: Sequence[tuple[float, float]] = ((1.0, 1.0),),
    *,
    skip: bool = False,
) -> list[Point]:
    """Every combination of fields' values, densities and layers, in this order, the last one changing fastest.

    Parameters
    ----------
    design
        What fields are changed of.
    fields
        Values by the path of a field.
    layers
        And how often each counts.
    densities
        Of activations and of weights.
    skip
        Leave combinations out that break a rule of the configuration.

    Raises
    ------
    ConfigError
        For a field that there isn't, with all that there are; for a combination that breaks a rule; if nothing is left,
        and if there are more than `MOST_POINTS`.
    """
    known = fields_of(design.config)
    for name, values in fields.items():
        if name not in known:
            inner = [path for path in known if path.rpartition(".")[2] == name]
            hint = f"did you mean {inner[0]}?" if inner else did_you_mean(name, known)
            raise ConfigError(f"field must be one of {', '.join(known)}, not {name!r}", hint, field="fields")
        check(
            name, len(values) > 0 and len({repr(value) for value in values}) == len(values), "different values", values
        )
    pairs = [(check_number("density", ia, 0, 1), check_number("density", w, 0, 1)) for ia, w in densities]
    check("densities", bool(pairs), "at least one pair", densities)
    count = len(pairs) * len(layers)
    for values in fields.values():
        count *= len(values)
    check("points", count <= MOST_POINTS, f"at most {MOST_POINTS:,} in all", count)
    designs = []
    for values in itertools.product(*fields.values()):
        changes = dict(zip(fields, values, strict=True))
        try:
            config = design.config.replace(**changes)
        except ConfigError as error:
            if skip:
                continue
            text = ", ".join(f"{field}={value}" for field, value in changes.items())
            raise type(error)(f"{text}: {error}", error.hint, field=error.field, value=error.value) from error
        name = design_name(design.name, changes)
        designs.append((Design(engine=design.engine, name=name, config=config), changes))
    check("fields", bool(designs), "such that one combination at least keeps the rules", dict(fields))
    return [
        Point(
            design=one, changes=changes, layer=layer, count=number, densities=pair,
            bits=one.engine.data_bits(one.config),
        )
        for one, changes in designs
        for pair in pairs
        for layer, number in layers
    ]  # fmt: skip
