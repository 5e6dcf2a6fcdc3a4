"""Networks of convolutions as large as those that the first TPU was measured with."""

import dataclasses
import math

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
    four fully connected layers with 100 million weights. Convolutions are worked on for 8 images at a time, the first
    one for 4, and the fully connected layers for all. Lines of the image are laid out by the host for the first one:
    what its seven rows see is seven times three channels of a line.

    `scale` divides channels and weights' rows, and positions as well as squares can have a fraction of them.
    """
    check_int("scale", scale, 1)
    rng, side = np.random.default_rng(seed), round(180 / math.sqrt(scale))

    def count(channels: int) -> int:
        return max(4, 4 * round(channels / scale / 4))

    layers: dict[str, Product] = {}  # the same for all images
    inputs: dict[str, Tensor] = {}
    nodes: dict[str, Node] = {}
    tensors: dict[str, int] = {}  # channels
    read_behind = {}

    def convolve(part: str, name: str, source: str, kernels: int, size: int | tuple[int, int], **fields) -> str:
        if name not in layers:
            layers[name] = random_convolution(rng, source, tensors[source], kernels, size, **fields)
        nodes[f"{name} {part}"] = dataclasses.replace(layers[name], sources=(source,))
        tensors[f"{name} {part}"] = kernels
        return f"{name} {part}"

    def pool(part: str, name: str, source: str, stride: int, average: bool) -> str:
        nodes[f"{name} {part}"] = Pool(
            sources=(source,),
            kernel=(3, 3),
            stride=stride,
            padding=1,
            average=average,
            factor=1 / 9 if average else 0.0,
        )
        tensors[f"{name} {part}"] = tensors[source]
        return f"{name} {part}"

    def join(name: str, sources: list[str], images: bool = False) -> str:
        nodes[name] = Join(sources=tuple(sources), images=images)
        tensors[name] = tensors[sources[0]] if images else sum(tensors[source] for source in sources)
        return name

    features = []
    for part in "abcd":
        halves = []
        for half in range(2):
            key = f"{part}{half}"
            inputs[f"image {key}"] = Tensor(
                images=4, height=side, width=2 * side, channels=21 if scale == 1 else count(21)
            )
            tensors[f"image {key}"] = inputs[f"image {key}"].channels
            sizes = {"stride": (1, 2), "padding": (0, 0, 3, 2), "spread": INPUT_SPREAD}
            first = convolve(key, "first", f"image {key}", count(64), (1, 7), **sizes)
            halves.append(pool(key, "pool 1", first, 2, False))
        source = join(f"pool 1 {part}", halves, images=True)
        source = convolve(part, "second", source, count(64), 1)
        source = pool(part, "pool 2", convolve(part, "third", source, count(192), 3), 2, False)
        for number, (one, third, double, behind, stride) in enumerate(MODULES):
            name = f"module {number}"
            pooled = pool(part, f"{name} pool", source, stride, bool(behind))
            branches = [convolve(part, f"{name} 1x1", source, count(one), 1)] if one else []
            before = convolve(part, f"{name} before 3x3", source, count(third[0]), 1)
            branches.append(convolve(part, f"{name} 3x3", before, count(third[1]), 3, stride=stride))
            before = convolve(part, f"{name} before double", source, count(double[0]), 1)
            before = convolve(part, f"{name} first of double", before, count(double[1]), 3)
            branches.append(convolve(part, f"{name} double", before, count(double[1]), 3, stride=stride))
            if behind:
                pooled = convolve(part, f"{name} behind pool", pooled, count(behind), 1)
            source = join(f"{name} {part}", [*branches, pooled])
        for number in range(3):
            source = convolve(part, f"last {number}", source, count(256), 1)
        nodes[f"features {part}"] = Pool(sources=(source,), kernel=(2, 2), stride=2, padding=1)
        tensors[f"features {part}"] = count(256)
        features.append(f"features {part}")
        read_behind[f"image {part}1"] = f"pool 1 {part}0"
    source = join("features", features, images=True)
    for _ in range(4):
        side = -(-side // 2)
    size = side // 2 + 1
    # While modules are worked on, the next images come.
    read_behind |= {
        f"image {part}0": f"module 0 before 3x3 {before}" for before, part in zip("dabc", "abcd", strict=True)
    }
    nodes["layer 0"] = random_convolution(rng, source, count(256), round(4096 / scale), size, padding=0)
    for number, kernels in enumerate((4096, 4096, 1000), 1):
        before, channels = f"layer {number - 1}", round(4096 / scale)
        nodes[f"layer {number}"] = random_convolution(rng, before, channels, round(kernels / scale), 1)
    return Graph(inputs=inputs, nodes=nodes, outputs=("layer 3",), read_behind=read_behind)
