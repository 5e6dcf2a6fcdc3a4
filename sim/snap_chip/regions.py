"""How many lines the regions and bands of each tensor have: as many as fit all buffers that they pass."""

from collections.abc import Callable, Mapping, Sequence

from ...hw.errors import ConfigError
from ...hw.snap_chip.config import SnapChipConfig
from .layers import Convolution, Layer, Tensor
from .orders import unions

__all__ = ["choose_lines"]

MOST_LINES = 255
"""What a field of a command holds."""


def _even(height: int, most: int) -> int:
    """Lines of each of as few equal bands as possible."""
    return -(-height // -(-height // most))


def choose_lines(
    config: SnapChipConfig,
    tensors: Mapping[str, Tensor],
    layers: Sequence[Layer],
    refuse: Callable[[Layer, int, int], None],
) -> dict[str, int]:
    """Lines of the bands of each tensor.

    Parameters
    ----------
    refuse
        Raises `ConfigError` where a layer's region doesn't fit, given the lines of its input's and output's bands.

    Raises
    ------
    ConfigError
        If a layer doesn't fit with a single line either.
    """
    pairs = [
        (layer.residual.tensor, layer.target) for layer in layers if isinstance(layer, Convolution) and layer.residual
    ]
    same = unions(pairs, list(tensors))
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
    settled = False
    while not settled:
        settled = True
        for layer in layers:
            source, target = same[layer.source], same[layer.target]
            try:
                refuse(layer, lines[source], lines[target])
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
    return {name: lines[same[name]] for name in tensors}
