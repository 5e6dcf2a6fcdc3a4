"""Layer tables of well-known networks, and random sparse tensors for them.

Image networks as they were published: AlexNet in its two groups (Krizhevsky et al. 2012, 227 x 227 input), VGG-16
(Simonyan and Zisserman 2014, configuration D) and ResNet-50 (He et al. 2015, stride in the first 1x1 of a stage).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...hw.config import check_int, check_number
from ..golden.geometry import ConvolutionGeometry, ConvolutionSteps, Padding, Steps, side_padding

__all__ = ["NETWORKS", "LayerShape", "distinct", "find_layer", "random_tensors", "resnet", "sample"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerShape:
    """Sizes of a layer; a fully connected one is a 1x1 convolution of a 1x1 image.

    Parameters
    ----------
    name
        ``network/layer``.
    height, width, channels
        H x W x C.
    rows, columns, kernels
        R x S x K.
    stride, padding, dilation, groups
        As in `ConvolutionGeometry`.
    """

    name: str
    height: int
    width: int
    channels: int
    rows: int
    columns: int
    kernels: int
    stride: Steps = 1
    padding: Padding = 0
    dilation: Steps = 1
    groups: int = 1

    @property
    def x_shape(self) -> tuple[int, int, int]:
        """H, W, C."""
        return self.height, self.width, self.channels

    @property
    def w_shape(self) -> tuple[int, int, int, int]:
        """R, S, C / groups, K."""
        return self.rows, self.columns, self.channels // self.groups, self.kernels

    @property
    def steps(self) -> ConvolutionSteps:
        """Stride, padding, dilation and groups, as keyword arguments of a convolution."""
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}

    @property
    def geometry(self) -> ConvolutionGeometry:
        """Checked sizes; `ConfigError` if they make no convolution."""
        for field in ("height", "width", "channels", "rows", "columns", "kernels"):
            check_int(field, getattr(self, field), 1)
        check_int("groups", self.groups, 1)
        return ConvolutionGeometry.of((1, *self.x_shape), self.w_shape, **self.steps, names=("activations", "weights"))

    @property
    def fully_connected(self) -> bool:
        """Whether the image is a single pixel, and every kernel sees all of it and nothing else."""
        sizes = self.height, self.width, self.rows, self.columns, self.groups
        return sizes == (1, 1, 1, 1, 1) and not any(side_padding(self.padding))

    @property
    def weights(self) -> int:
        """Weights, zeros included."""
        return int(np.prod(self.w_shape, dtype=object))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the dense layer, those of the padding included."""
        x, y = self.geometry.output
        return x * y * self.weights

    @property
    def text(self) -> str:
        """Sizes in one line, ``H x W x C, R x S, K`` and what differs from the defaults."""
        steps = "".join(
            f", {field} {value if isinstance(value, int) else ','.join(map(str, value))}"
            for field, value in ((field, getattr(self, field)) for field in self.steps)
            if value != int(field != "padding")
        )
        return f"{self.height}x{self.width}x{self.channels},{self.rows}x{self.columns},{self.kernels}{steps}"


def _conv(network: str, name: str, size: int, channels: int, kernel: int, kernels: int, **steps: int) -> LayerShape:
    return LayerShape(
        name=f"{network}/{name}", height=size, width=size, channels=channels, rows=kernel, columns=kernel,
        kernels=kernels, **steps,
    )  # fmt: skip


def _alexnet() -> list[LayerShape]:
    return [
        _conv("alexnet", "conv1", 227, 3, 11, 96, stride=4),
        _conv("alexnet", "conv2", 27, 96, 5, 256, padding=2, groups=2),
        _conv("alexnet", "conv3", 13, 256, 3, 384, padding=1),
        _conv("alexnet", "conv4", 13, 384, 3, 384, padding=1, groups=2),
        _conv("alexnet", "conv5", 13, 384, 3, 256, padding=1, groups=2),
        _conv("alexnet", "fc6", 1, 9216, 1, 4096),
        _conv("alexnet", "fc7", 1, 4096, 1, 4096),
        _conv("alexnet", "fc8", 1, 4096, 1, 1000),
    ]


def _vgg16() -> list[LayerShape]:
    layers, channels = [], 3
    for stage, (count, kernels) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]):
        for number in range(count):
            layers.append(
                _conv("vgg16", f"conv{stage + 1}_{number + 1}", 224 >> stage, channels, 3, kernels, padding=1)
            )
            channels = kernels
    sizes = [("fc6", 25088, 4096), ("fc7", 4096, 4096), ("fc8", 4096, 1000)]
    return layers + [_conv("vgg16", name, 1, inputs, 1, outputs) for name, inputs, outputs in sizes]


def resnet(network: str, size: int, narrow: int, blocks: Sequence[int], classes: int) -> list[LayerShape]:
    """Layers of a residual network with bottleneck blocks.

    Parameters
    ----------
    network
        What it is called.
    size
        Lines and columns of the first stage: a quarter of the image's.
    narrow
        Kernels of the first layer, and of the first two of each block of the first stage.
    blocks
        By stage.
    classes
        Kernels of the last layer.
    """
    layers = [_conv(network, "conv1", 4 * size, 3, 7, narrow, stride=2, padding=3)]
    channels, letters = narrow, "abcdef"
    for stage, count in enumerate(blocks):
        inner, side = narrow << stage, size >> stage
        for block in range(count):
            name, stride = f"res{stage + 2}{letters[block]}", 2 if stage and not block else 1
            entry = side * stride
            if not block:
                layers.append(_conv(network, f"{name}_branch1", entry, channels, 1, 4 * inner, stride=stride))
            layers += [
                _conv(network, f"{name}_branch2a", entry, channels, 1, inner, stride=stride),
                _conv(network, f"{name}_branch2b", side, inner, 3, inner, padding=1),
                _conv(network, f"{name}_branch2c", side, inner, 1, 4 * inner),
            ]
            channels = 4 * inner
    return [*layers, _conv(network, "fc1000", 1, channels, 1, classes)]


NETWORKS: dict[str, list[LayerShape]] = {
    "alexnet": _alexnet(),
    "vgg16": _vgg16(),
    "resnet50": resnet("resnet50", 56, 64, (3, 4, 6, 3), 1000),
}
"""Convolutions and fully connected layers of each network, in order."""


def find_layer(name: str) -> LayerShape | None:
    """Layer of that name, ``network/layer``, if there is one."""
    return next((layer for layers in NETWORKS.values() for layer in layers if layer.name == name), None)


def distinct(layers: list[LayerShape]) -> list[LayerShape]:
    """Layers without those whose sizes came before."""
    seen: dict[LayerShape, LayerShape] = {}
    for layer in layers:
        seen.setdefault(dataclasses.replace(layer, name=""), layer)
    return list(seen.values())


def sample(layer: LayerShape, height: int, width: int, channels: int, kernels: int) -> LayerShape:
    """Cut a layer down to at most these sizes, but no smaller than its kernel and its groups ask for.

    Groups keep their number as long as there is a channel and a kernel for each.
    """
    return dataclasses.replace(
        layer,
        height=min(layer.height, max(height, layer.rows)),
        width=min(layer.width, max(width, layer.columns)),
        channels=min(layer.channels, max(channels // layer.groups, 1) * layer.groups),
        kernels=min(layer.kernels, max(kernels // layer.groups, 1) * layer.groups),
    )


def random_tensors(
    layer: LayerShape, ia_density: float, w_density: float, seed: int, bits: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """Random activations and weights whose elements are zero independently of each other.

    Parameters
    ----------
    layer
        Sizes.
    ia_density, w_density
        Probability that an activation and a weight is not zero.
    seed
        Of the generator; the same tensors on every machine.
    bits
        Width of the numbers, 2 to 16; non-zero ones are uniform over the two's complement range.

    Returns
    -------
    tuple[numpy.ndarray, numpy.ndarray]
        int16, H x W x C and R x S x C / groups x K.

    Raises
    ------
    TypeError, ConfigError
        For densities and numbers of a wrong type or out of range.
    """
    check_number("ia_density", ia_density, 0, 1)
    check_number("w_density", w_density, 0, 1)
    check_int("seed", seed, 0)
    check_int("bits", bits, 2, 16)
    generator = np.random.default_rng(seed)

    def tensor(shape: tuple[int, ...], density: float) -> np.ndarray:
        magnitude = generator.integers(-(1 << bits - 1), (1 << bits - 1) - 1, shape, np.int16)
        magnitude[magnitude >= 0] += 1
        return magnitude * (generator.random(shape, np.float32) < density)

    return tensor(layer.x_shape, ia_density), tensor(layer.w_shape, w_density)
