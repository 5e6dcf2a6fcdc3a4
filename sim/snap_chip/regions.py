"""How many lines the regions and bands of each tensor have."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from ...hw.errors import ConfigError
from ...hw.snap_chip.config import SnapChipConfig
from .layers import Convolution, Layer, Tensor
from .orders import unions

__all__ = ["Limits", "choose_lines"]

MOST_LINES = 255
"""What a field of a command holds."""

LEAST_LINES = 3
"""Fewer are not taken for loading ahead: blocks would be too short."""


def _even(height: int, most: int) -> int:
    """Lines of each of as few equal bands as possible."""
    return -(-height // -(-height // most))


@dataclasses.dataclass(frozen=True)
class Limits:
    """What layers say to numbers of lines.

    Parameters
    ----------
    refuse
        Raises `ConfigError` where a layer's region doesn't fit, given the lines of its input's and output's bands.
    overlaps
        Whether a layer's next band can be loaded while a region is worked on.
    affords
        Whether a layer is not slowed down by so many regions.
    """

    refuse: Callable[[Layer, int, int], None]
    overlaps: Callable[[Layer, int, int], bool]
    affords: Callable[[Layer, int], bool]


def choose_lines(
    config: SnapChipConfig,
    tensors: Mapping[str, Tensor],
    layers: Sequence[Layer],
    limits: Limits,
    groups: Mapping[str, int],
) -> dict[str, int]:
    """Lines of the bands of each tensor: as many as fit, and then so many fewer that loading overlaps with work.

    Parameters
    ----------
    groups
        By tensor that a layer writes: entries of a port for each line.

    Raises
    ------
    ConfigError
        If a layer doesn't fit with a single line either.
    """
    pairs = [
        (layer.residual.tensor, layer.target) for layer in layers if isinstance(layer, Convolution) and layer.residual
    ]
    same = unions(pairs, list(tensors))
    search = _Search(tensors, layers, same, limits, _most_lines(config, tensors, groups, same))
    search.fit()
    search.overlap()
    return {name: search.lines[same[name]] for name in tensors}


def _most_lines(
    config: SnapChipConfig, tensors: Mapping[str, Tensor], groups: Mapping[str, int], same: Mapping[str, str]
) -> dict[str, int]:
    """Lines for which the output buffer has room."""
    lines = {}
    for name, tensor in tensors.items():
        count = groups.get(name, -(-tensor.width // config.banks))
        if count > config.region_pixels and name in groups:
            raise ConfigError(
                f"columns of {name} must be at most {config.region_pixels * config.banks}, the pixels of a region "
                f"in the output buffer, not {tensor.width}",
                "a configuration with a larger region_pixels has room for more",
                field="region_pixels", value=tensor.width,
            )  # fmt: skip
        most = max(1, min(tensor.height, config.region_pixels // count, MOST_LINES))
        lines[same[name]] = _even(tensor.height, most)
    return lines


@dataclasses.dataclass
class _Search:
    """Lines while they are looked for, by the first of the tensors that share them (`same`)."""

    tensors: Mapping[str, Tensor]
    layers: Sequence[Layer]
    same: Mapping[str, str]
    limits: Limits
    lines: dict[str, int]

    def fit(self) -> None:
        """Take fewer lines until all layers fit."""
        settled = False
        while not settled:
            settled = True
            for layer in self.layers:
                band, region = self._lines_of(layer)
                try:
                    self.limits.refuse(layer, band, region)
                except ConfigError as error:
                    larger = layer.source if band >= region * self._ratio(layer) else layer.target
                    names = (layer.target,) if error.field == "resident_bands" else (larger, layer.source, layer.target)
                    if not any(self._shrinks(name) for name in names):
                        text = f"layer {layer.target}: {error}"
                        raise ConfigError(text, error.hint, field=error.field, value=error.value) from None
                    settled = False

    def overlap(self) -> None:
        """Take fewer lines where loading overlaps with work by that, unless it slows another layer down."""
        for layer in self.layers:
            band, region = self._lines_of(layer)
            if self.limits.overlaps(layer, band, region):
                continue
            height = self.tensors[layer.source].height
            for most in range(band - 1, LEAST_LINES - 1, -1):
                fewer = _even(height, most)
                changed = {
                    self.same[layer.source]: fewer,
                    self.same[layer.target]: min(region, int(fewer / self._ratio(layer))),
                }
                if self._accepted(layer, changed):
                    self.lines |= changed
                    break

    def _accepted(self, layer: Layer, changed: Mapping[str, int]) -> bool:
        band, region = self._lines_of(layer, changed)
        if region < LEAST_LINES or not self.limits.overlaps(layer, band, region):
            return False
        return all(
            self._bears(other, changed)
            for other in self.layers
            if not changed.keys().isdisjoint((self.same[other.source], self.same[other.target]))
        )

    def _bears(self, layer: Layer, changed: Mapping[str, int]) -> bool:
        """Whether a layer fits and is not slowed down."""
        before, after = self._lines_of(layer), self._lines_of(layer, changed)
        try:
            self.limits.refuse(layer, *after)
        except ConfigError:
            return False
        height = self.tensors[layer.target].height
        regions = [-(-height // lines[1]) for lines in (before, after)]
        return regions[1] == regions[0] or self.limits.affords(layer, regions[1])

    def _shrinks(self, name: str) -> bool:
        lines = self.lines[self.same[name]]
        if lines > 1:
            self.lines[self.same[name]] = _even(self.tensors[name].height, lines - 1)
        return lines > 1

    def _lines_of(self, layer: Layer, changed: Mapping[str, int] | None = None) -> tuple[int, int]:
        """Lines of a layer's bands and regions."""
        lines = {**self.lines, **(changed or {})}
        return lines[self.same[layer.source]], lines[self.same[layer.target]]

    def _ratio(self, layer: Layer) -> float:
        return self.tensors[layer.source].height / self.tensors[layer.target].height
