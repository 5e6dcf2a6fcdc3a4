"""Networks of convolutions as large as those that the first TPU was measured with."""

import dataclasses
import math
from typing import Any

import numpy as np

from ...hw.config import check_int
from .graph import Graph, Join, Node, Pool, Product, Tensor
from .layers import Layer

__all__ = ["cnn0", "cnn1", "random_convolution"]

WEIGHT_SPREAD = 73
"""Standard deviation of random weights, in steps."""

INPUT_SPREAD, HIDDEN_SPREAD = 147, 60
"""Root of the mean square of random inputs, and about of what a ReLU gives, in steps."""

SPREAD = 85
"""Standard deviation of outputs before the ReLU, in steps."""

MODULES = (
    (64, (64, 64), (64, 96), 32, 1), (64, (64, 96), (64, 96), 64, 1), (0, (128, 160), (64, 96), 0, 2),
    (224, (64, 96), (96, 128), 128, 1), (192, (96, 128), (96, 128), 128, 1), (160, (128, 160), (128, 160), 96, 1),
    (96, (128, 192), (160, 192), 96, 1), (0, (128, 192), (192, 256), 0, 2), (352, (192, 320), (160, 224), 128, 1),
    (352, (192, 320), (192, 224), 128, 1),
)  # fmt: skip
"""Modules of BN-Inception (Ioffe and Szegedy, 2015): kernels of the 1x1 convolution; of the one before a 3x3
convolution, and of that; of the one before two 3x3 convolutions, and of each of these; behind the pool (0: the pool
itself); stride."""


def random_convolution(
    rng: np.random.Generator, source: str, channels: int, kernels: int, size: int | tuple[int, int] = 1, *,
    stride: int | tuple[int, int] = 1, padding: int | tuple[int, ...] | None = None, spread: int = HIDDEN_SPREAD,
) -> Product:  # fmt: skip
    """Make a convolution with ReLU and random int8 weights, whose uint8 outputs are of a sensible scale.

    Parameters
    ----------
    rng
        Makes the weights.
    source, channels
        What it reads, and how many channels that has.
    kernels
        How many.
    size, stride
        As in `ConvolutionGeometry.of`.
    padding
        By default such that an image of stride 1 stays as large as it is.
    spread
        Of what it reads.
    """
    kernel = (size, size) if isinstance(size, int) else size
    rows = math.prod(kernel) * channels
    factor = SPREAD / (WEIGHT_SPREAD * spread * math.sqrt(rows))
    layer = Layer(
        weights=rng.integers(-127, 128, (rows, kernels), np.int8), bias=np.zeros(kernels, np.int32),
        factors=np.full(kernels, factor, np.float32),
    )  # fmt: skip
    around = tuple(one // 2 for one in kernel) if padding is None else padding
    return Product(sources=(source,), layer=layer, kernel=kernel, stride=stride, padding=around)


def cnn0(scale: int = 1, seed: int = 0) -> Graph:
    """Batch of 8 boards of 19 x 19 x 48; a 5x5 convolution, 13 of 3x3 and 2 of 1x1, each of 256 kernels.

    `scale` divides channels, and positions as well as squares can have a fraction of them.
    """
    check_int("scale", scale, 1)
    rng, side, width = np.random.default_rng(seed), round(19 / math.sqrt(scale)), 256 // scale
    first = Tensor(images=8, height=side, width=side, channels=48 // scale)
    source = "board"
    nodes: dict[str, Node] = {"layer 0": random_convolution(rng, source, first.channels, width, 5, spread=INPUT_SPREAD)}
    for number in range(1, 16):
        size = 3 if number < 14 else 1
        nodes[f"layer {number}"] = random_convolution(rng, f"layer {number - 1}", width, width, size)
    return Graph(inputs={source: first}, nodes=nodes, outputs=("layer 15",))


def cnn1(scale: int = 1, seed: int = 0) -> Graph:
    """Batch of 32 images of 360 x 360 x 3; BN-Inception without its last layer, three 1x1 convolutions, four layers.

    Of the published network only sizes are known; that it is like this one is a guess: 72 convolutions, 13 pools and
    four fully connected layers with 100 million weights. The host lays out lines of images for the first convolution:
    what its seven rows see is seven times three channels of a line.

    `scale` divides channels and weights' rows, and positions as well as squares can have a fraction of them.
    """
    check_int("scale", scale, 1)
    return _Inception(scale, np.random.default_rng(seed)).graph()


class _Inception:
    """The network while it is made: modules for 8 images at a time, what comes before them for one.

    While modules work on 8 images, the first convolutions and pools of the next 8 are worked on between them, an image
    a module: so pools of large images, which take longer than their convolutions, have time.
    """

    PARTS, IMAGES = 4, 8

    def __init__(self, scale: int, rng: np.random.Generator) -> None:
        self.scale, self.rng, self.side = scale, rng, round(180 / math.sqrt(scale))
        self.layers: dict[str, Product] = {}  # the same for all images
        self.inputs: dict[str, Tensor] = {}
        self.nodes: dict[str, Node] = {}
        self.channels: dict[str, int] = {}
        self.read_behind: dict[str, str] = {}

    def graph(self) -> Graph:
        stems = [self._join("stem 0", self._stem(0, range(-1, self.IMAGES)), True)]
        features = []
        for part in range(self.PARTS):
            features.append(self._modules(part, stems[part], stems))
        # The first images of the next batch come while the last modules are worked on, the others behind these.
        half = self.IMAGES // 2
        for image in range(half):
            self.read_behind[f"image 0.{image}"] = f"module {image + 1} pool {self.PARTS - 1}"
            self.read_behind[f"image 0.{half + image}"] = f"first 0.{image}"
        source, side = self._join("features", features, True), self.side
        for _ in range(4):
            side = -(-side // 2)
        layers = ((4096, side // 2 + 1), (4096, 1), (4096, 1), (1000, 1))
        for number, (kernels, size) in enumerate(layers):
            channels, count = self.channels[source], round(kernels / self.scale)
            self.nodes[f"layer {number}"] = random_convolution(self.rng, source, channels, count, size, padding=0)
            source = f"layer {number}"
            self.channels[source] = count
        return Graph(inputs=self.inputs, nodes=self.nodes, outputs=(source,), read_behind=self.read_behind)

    def _modules(self, part: int, source: str, stems: list[str]) -> str:
        """All modules and what follows, with the stem of the next part between them."""
        following, pooled = part + 1, []
        for number, module in enumerate(MODULES):
            source = self._module(part, number, source, *module)
            if following < self.PARTS:
                pooled += self._stem(following, range(number - 1, number))
                if number < self.IMAGES:
                    self.read_behind[f"image {following}.{number}"] = f"module {number} before 3x3 {part}"
        if following < self.PARTS:
            stems.append(self._join(f"stem {following}", pooled, True))
        for number in range(3):
            source = self._convolve(part, f"last {number}", source, 256, 1)
        self.nodes[f"features {part}"] = Pool(sources=(source,), kernel=(2, 2), stride=2, padding=1)
        self.channels[f"features {part}"] = self._count(256)
        return f"features {part}"

    def _stem(self, part: int, images: range) -> list[str]:
        """What comes before the modules, image by image: the first pool of the next one runs beside the others."""
        pooled = []
        for image in images:
            if image + 1 < self.IMAGES:
                self._first(f"{part}.{image + 1}")
            if 0 <= image < self.IMAGES:
                key = f"{part}.{image}"
                source = self._convolve(key, "second", f"pool 1 {key}", 64, 1)
                pooled.append(self._pool(key, "pool 2", self._convolve(key, "third", source, 192, 3), 2))
        return pooled

    def _first(self, key: str) -> None:
        """The first convolution and the first pool of an image."""
        name, channels = f"image {key}", 21 if self.scale == 1 else self._count(21)
        self.inputs[name] = Tensor(images=1, height=self.side, width=2 * self.side, channels=channels)
        self.channels[name] = channels
        sizes = {"stride": (1, 2), "padding": (0, 0, 3, 2), "spread": INPUT_SPREAD}
        self._pool(key, "pool 1", self._convolve(key, "first", name, 64, (1, 7), **sizes), 2)

    def _module(
        self, part: int, number: int, source: str, one: int, third: tuple[int, int], double: tuple[int, int],
        behind: int, stride: int,
    ) -> str:  # fmt: skip
        name = f"module {number}"
        pooled = self._pool(part, f"{name} pool", source, stride, average=behind > 0)
        branches = [self._convolve(part, f"{name} 1x1", source, one, 1)] if one else []
        before = self._convolve(part, f"{name} before 3x3", source, third[0], 1)
        branches.append(self._convolve(part, f"{name} 3x3", before, third[1], 3, stride=stride))
        before = self._convolve(part, f"{name} before double", source, double[0], 1)
        before = self._convolve(part, f"{name} first of double", before, double[1], 3)
        branches.append(self._convolve(part, f"{name} double", before, double[1], 3, stride=stride))
        if behind:
            pooled = self._convolve(part, f"{name} behind pool", pooled, behind, 1)
        return self._join(f"{name} of {part}", [*branches, pooled], False)

    def _count(self, channels: int) -> int:
        """So many channels, divided by the scale."""
        return max(4, 4 * round(channels / self.scale / 4))

    def _convolve(
        self, key: int | str, name: str, source: str, kernels: int, size: int | tuple[int, int], **fields: Any
    ) -> str:
        """A convolution, whose weights are those of all with its name."""
        if name not in self.layers:
            channels, count = self.channels[source], self._count(kernels)
            self.layers[name] = random_convolution(self.rng, source, channels, count, size, **fields)
        self.nodes[f"{name} {key}"] = dataclasses.replace(self.layers[name], sources=(source,))
        self.channels[f"{name} {key}"] = self._count(kernels)
        return f"{name} {key}"

    def _pool(self, key: int | str, name: str, source: str, stride: int, *, average: bool = False) -> str:
        factor = 1 / 9 if average else 0.0
        self.nodes[f"{name} {key}"] = Pool(
            sources=(source,), kernel=(3, 3), stride=stride, padding=1, average=average, factor=factor
        )
        self.channels[f"{name} {key}"] = self.channels[source]
        return f"{name} {key}"

    def _join(self, name: str, sources: list[str], images: bool) -> str:
        self.nodes[name] = Join(sources=tuple(sources), images=images)
        channels = [self.channels[source] for source in sources]
        self.channels[name] = channels[0] if images else sum(channels)
        return name
