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
    config: SnapChipConfig, tensors: Mapping[str, Tensor], layers: Sequence[Layer], limits: Limits
) -> dict[str, int]:
    """Lines of the bands of each tensor: as many as fit, and then so many fewer that loading overlaps with work.

    Raises
    ------
    ConfigError
        If a layer doesn't fit with a single line either.
    """
    pairs = [
        (layer.residual.tensor, layer.target) for layer in layers if isinstance(layer, Convolution) and layer.residual
    ]
    same = unions(pairs, list(tensors))
    lines = _most_lines(config, tensors, layers, same)
    _fit(tensors, layers, same, lines, limits)
    for layer in layers:
        if not limits.overlaps(layer, lines[same[layer.source]], lines[same[layer.target]]):
            lines |= _fewer(tensors, layers, same, lines, layer, limits)
    return {name: lines[same[name]] for name in tensors}


def _most_lines(
    config: SnapChipConfig, tensors: Mapping[str, Tensor], layers: Sequence[Layer], same: Mapping[str, str]
) -> dict[str, int]:
    """Lines for which the output buffer has room."""
    lines = {}
    for name, tensor in tensors.items():
        groups = -(-tensor.width // config.banks)
        if groups > config.region_pixels and any(layer.target == name for layer in layers):
            raise ConfigError(
                f"columns of {name} must be at most {config.region_pixels * config.banks}, the pixels of a region "
                f"in the output buffer, not {tensor.width}",
                field="region_pixels", value=tensor.width,
            )  # fmt: skip
        most = max(1, min(tensor.height, config.region_pixels // groups, MOST_LINES))
        lines[same[name]] = _even(tensor.height, most)
    return lines


def _fit(
    tensors: Mapping[str, Tensor],
    layers: Sequence[Layer],
    same: Mapping[str, str],
    lines: dict[str, int],
    limits: Limits,
) -> None:
    """Take fewer lines until all layers fit."""
    settled = False
    while not settled:
        settled = True
        for layer in layers:
            source, target = same[layer.source], same[layer.target]
            try:
                limits.refuse(layer, lines[source], lines[target])
            except ConfigError as error:
                ratio = tensors[layer.source].height / tensors[layer.target].height
                larger = layer.source if lines[source] >= lines[target] * ratio else layer.target
                names = (layer.target,) if error.field == "resident_bands" else (larger, layer.source, layer.target)
                for name in names:
                    if lines[same[name]] > 1:
                        lines[same[name]] = _even(tensors[name].height, lines[same[name]] - 1)
                        settled = False
                        break
                else:
                    raise ConfigError(f"layer {layer.target}: {error}", field=error.field, value=error.value) from None


def _fewer(
    tensors: Mapping[str, Tensor],
    layers: Sequence[Layer],
    same: Mapping[str, str],
    lines: Mapping[str, int],
    layer: Layer,
    limits: Limits,
) -> dict[str, int]:
    """So many fewer lines of a layer's tensors that its loading overlaps; none if that slows another layer down."""
    height = tensors[layer.source].height
    ratio = height / tensors[layer.target].height
    for most in range(lines[same[layer.source]] - 1, LEAST_LINES - 1, -1):
        band = _even(height, most)
        region = min(lines[same[layer.target]], int(band / ratio))
        changed = {same[layer.source]: band, same[layer.target]: region}
        if region < LEAST_LINES or not limits.overlaps(layer, band, region):
            continue
        if all(_accepts(tensors, other, same, {**lines, **changed}, limits) for other in layers):
            return changed
    return {}


def _accepts(
    tensors: Mapping[str, Tensor], layer: Layer, same: Mapping[str, str], lines: Mapping[str, int], limits: Limits
) -> bool:
    """Whether a layer fits and is not slowed down."""
    band, region = lines[same[layer.source]], lines[same[layer.target]]
    try:
        limits.refuse(layer, band, region)
    except ConfigError:
        return False
    return limits.affords(layer, -(-tensors[layer.target].height // region))
