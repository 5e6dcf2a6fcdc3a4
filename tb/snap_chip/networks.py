"""Small random networks for the whole chip, and layers that just fit it, or just don't."""

import random
from typing import Any

import numpy as np

from ...hw.errors import ConfigError
from ...hw.snap_chip.config import WORD_BYTES, SnapChipConfig
from ...sim.snap_chip.compiler import compile_layers
from ...sim.snap_chip.layers import MOST_CHANNELS, Convolution, Layer, MaxPool, Residual, Tensor
from ...sim.snap_chip.limits import size_limits
from ...sim.snap_chip.program import Program

__all__ = ["EXTREMES", "extreme_list", "random_list", "random_network", "single_region"]

EXTREMES = "height", "width", "channels", "kernels", "down", "across", "all"
"""What is as large as can be: a size of tensors, what a kernel reaches over, or much more than the banks hold."""


def random_network(config: SnapChipConfig, rng: random.Random) -> tuple[Program, np.ndarray]:
    """A chain of 1x1, 3x3 with a residual, pooling and 1x1 that fits the chip, and the memory before it runs."""
    while True:
        try:
            return _network(config, rng, np.random.default_rng(rng.getrandbits(32)))
        except ConfigError:  # too large
            continue


def _network(config: SnapChipConfig, rng: random.Random, numbers: np.random.Generator) -> tuple[Program, np.ndarray]:
    signed = rng.random() < 0.3
    zero = rng.choice([0, -7] if signed else [0, 3])
    low, high = (-128, 127) if signed else (0, 255)
    source = Tensor(
        height=rng.randint(3, 6), width=rng.randint(3, 6), channels=rng.choice([3, 8, 12]), zero=zero, signed=signed
    )
    kernels = rng.choice([8, 11])
    ends: dict[str, Any] = {"low": low, "high": high, "signed": signed}
    residual = Residual(
        tensor="a", sum_factor=0.7, factor=0.9, offset=rng.choice([0.0, -1.5]), zero=zero, low=low, high=high
    )
    layers: list[Layer] = [
        _half_dense(numbers, (1, 1, source.channels, kernels), source="x", target="a", zero=zero, **ends),
        _half_dense(
            numbers, (3, 3, kernels, kernels), source="a", target="b", zero=5, padding=1, residual=residual, **ends
        ),
        MaxPool(source="b", target="p", kernel=(2, 2)),
        _half_dense(numbers, (1, 1, kernels, 8), source="p", target="y"),
    ]
    program = compile_layers(config, {"x": source}, layers)
    values = numbers.integers(low, high, source.shape, endpoint=True)
    values[numbers.random(source.shape) > rng.choice([0.3, 0.6, 1])] = zero
    return program, program.memory(x=values)


def _half_dense(numbers: np.random.Generator, shape: tuple[int, ...], **fields: Any) -> Convolution:
    """A convolution of which every second weight or so is 0."""
    weights = numbers.integers(-127, 127, shape, np.int8, endpoint=True)
    weights[numbers.random(shape) < 0.5] = 0
    return Convolution(
        weights=weights, bias=numbers.integers(-500, 500, shape[3], np.int32),
        factors=numbers.uniform(0.01, 0.1, shape[3]).astype(np.float32), **fields,
    )  # fmt: skip


def single_region(
    config: SnapChipConfig, rng: random.Random, words: int, pools: bool, bank: int | None = None
) -> tuple[Program, np.ndarray]:
    """A layer of a single region, of whose input a bank must hold so many words, and others fewer; memory before it.

    The compiler believes the input to be sparse, and so takes it even if that is more than there are.

    Parameters
    ----------
    bank
        Which; None for a random one.
    """
    numbers = np.random.default_rng(rng.getrandbits(32))
    words_of_line = config.tile_words * (MOST_CHANNELS // config.tile_channels)  # at most, of a bank
    height, channels = max(3, -(-(config.bank_words + 1) // words_of_line)), config.tile_channels
    tiles = -(-(config.bank_words + 1) // (height * config.tile_words))
    shape = height, config.banks, tiles * channels
    # As many tiles of the fullest bank as need be have all channels; the others have a word less.
    less = config.tile_words - 1
    fewer = less * WORD_BYTES - config.bitmap_bytes
    count = rng.choice([0, 1, fewer])
    flags = np.arange(channels) < np.full((height, config.banks, tiles, 1), count)
    bank = rng.randrange(config.banks) if bank is None else bank
    full = numbers.permutation(height * tiles) < words - height * tiles * less
    flags[:, bank] = np.where(full.reshape(height, tiles, 1), True, np.arange(channels) < fewer)
    values = np.where(numbers.permuted(flags, axis=3).reshape(shape), numbers.integers(1, 256, shape), 0)
    if pools:
        layer: Layer = MaxPool(source="x", target="y", kernel=(height, 1))
    else:
        weights = numbers.integers(-9, 10, (height, 1, shape[2], 8), np.int8)
        scale = {"bias": np.zeros(8, np.int32), "factors": np.full(8, 1e-3, np.float32)}
        layer = Convolution(source="x", target="y", weights=weights, **scale)
    source = Tensor(height=height, width=config.banks, channels=shape[2])
    program = compile_layers(config, {"x": source}, [layer], {"x": 0.3})
    return program, program.memory(x=values)


def random_list(config: SnapChipConfig, rng: random.Random) -> tuple[Program, np.ndarray]:
    """One to three layers of any kind, sizes, steps and types, each from the one before, and the memory before it."""
    while True:
        try:
            return _list(config, rng, np.random.default_rng(rng.getrandbits(32)))
        except ConfigError:  # no such layer, or too large
            continue


def extreme_list(config: SnapChipConfig, rng: random.Random, kind: str) -> tuple[Program, np.ndarray]:
    """Layers as large in one way (of `EXTREMES`) as the chip takes, small in the others; the memory before them."""
    share, seed = 1.0, rng.getrandbits(32)
    while True:
        try:
            return _extreme(config, random.Random(seed), kind, share)
        except ConfigError:  # too large
            share *= 0.9


def _extreme(config: SnapChipConfig, rng: random.Random, kind: str, share: float) -> tuple[Program, np.ndarray]:
    """Two layers of a large tensor, the second with a residual; or one with a large kernel.

    Where the tensor is high or wide, the first layer's kernel reaches over several lines or columns.
    """
    numbers, limits = np.random.default_rng(rng.getrandbits(32)), size_limits(config)
    channels = limits["segments of a tensor"] * config.tile_channels
    most = {"height": limits["lines of a tensor"], "width": limits["columns of a tensor"]}
    most |= {"channels": channels, "kernels": channels}
    sizes = {"height": rng.randint(1, 3), "width": rng.randint(1, 3), "channels": rng.randint(1, 8), "kernels": 8}
    kernel, steps = [1, 1], {}
    axis, names = int(kind in ("width", "across")), ("height", "width")

    def on_axis(value: int) -> tuple[int, int]:
        return (1, value) if axis else (value, 1)

    if kind in most:
        sizes[kind] = max(1, int(share * most[kind]))
        if kind in names:
            reach = rng.randint(1, 2)
            kernel[axis] = 3
            steps = {"dilation": on_axis(reach), "padding": (0, 0, reach, reach) if axis else (reach, reach, 0, 0)}
    elif kind == "all":  # lines must make room for others many times
        sizes = {"height": rng.randint(64, 80), "width": 2 * config.banks, "channels": 2 * config.tile_channels}
        sizes["kernels"] = config.tile_channels
        steps = {"stride": (rng.randint(1, 2), 2)}
    else:

        def largest(name: str) -> int:
            value = max(1, int(share * limits[name]))
            return rng.choice([value, rng.randint(1, value)])

        kernel[axis], dilation = largest("kernel, down and across"), largest(f"dilation {kind}")
        stride, reach = largest("stride, down and across"), (kernel[axis] - 1) * dilation
        padding = min(reach, largest(f"padding at the {('top', 'left')[axis]}"))
        sizes[names[axis]] = reach + 1 - padding + rng.randint(stride, 3 * stride)
        sides = (0, 0, padding, 0) if axis else (padding, 0, 0, 0)
        steps = {"dilation": on_axis(dilation), "stride": on_axis(stride), "padding": sides}
    channels, kernels = sizes["channels"], sizes["kernels"]
    layers: list[Layer] = [_half_dense(numbers, (*kernel, channels, kernels), source="x", target="a", **steps)]
    if kind in most:
        residual = Residual(tensor="a", sum_factor=0.7, factor=0.9, offset=0.0, zero=0, low=0, high=255)
        layers.append(_half_dense(numbers, (1, 1, kernels, kernels), source="a", target="b", residual=residual))
    density = 1 if kind == "all" else rng.choice([0.05, 0.3])
    source = Tensor(height=sizes["height"], width=sizes["width"], channels=channels)
    program = compile_layers(config, {"x": source}, layers, {"x": 0.5})
    values = numbers.integers(1, 255, source.shape, endpoint=True)
    values[numbers.random(source.shape) >= density] = 0
    return program, program.memory(x=values)


def _list(config: SnapChipConfig, rng: random.Random, numbers: np.random.Generator) -> tuple[Program, np.ndarray]:
    source = Tensor(
        height=rng.randint(1, 9), width=rng.randint(1, 10), channels=rng.choice([1, 3, 8, 12, 20, 33]),
        **_values(rng, rng.random() < 0.4, "zero"),
    )  # fmt: skip
    tensors, layers = {"x": source}, list[Layer]()
    for target in ("a", "b", "c")[: rng.choice([1, 2, 2, 3])]:
        name = list(tensors)[-1]
        make = _pool if rng.random() < 0.25 else _convolution
        layers.append(make(config, rng, numbers, tensors, name, target))
        tensors[target] = layers[-1].output(tensors[name])
    program = compile_layers(config, {"x": source}, layers)
    values = numbers.integers(*source.limits, source.shape, endpoint=True)
    keep = [rng.choice([0.2, 0.6, 1, 1, 1]) for _ in range(source.channels)]
    values[numbers.random(source.shape) >= keep] = source.zero
    return program, program.memory(x=values)


def _values(rng: random.Random, signed: bool, *names: str) -> dict[str, Any]:
    """Numbers of a type in order, often its ends, and the type."""
    least, most = (-128, 127) if signed else (0, 255)
    found = sorted(rng.choice([least, most, 0, rng.randint(least, most)]) for _ in names)
    return dict(zip(names, found, strict=True)) | {"signed": signed}


def _steps(rng: random.Random, most: int) -> tuple[int, int]:
    return rng.choice([1, 1, rng.randint(1, most)]), rng.choice([1, 1, rng.randint(1, most)])


def _pool(
    config: SnapChipConfig, rng: random.Random, numbers: np.random.Generator, tensors: dict, source: str, target: str
) -> Layer:
    kernel = rng.randint(1, 3), rng.randint(1, 3)
    padding = tuple(rng.randint(0, size - 1) for size in (kernel[0], kernel[0], kernel[1], kernel[1]))
    return MaxPool(source=source, target=target, kernel=kernel, stride=_steps(rng, 3), padding=padding)


def _convolution(
    config: SnapChipConfig, rng: random.Random, numbers: np.random.Generator, tensors: dict, source: str, target: str
) -> Layer:
    """Half of them leave lines and columns as they are; a residual is added if there is one of this shape."""
    tensor: Tensor = tensors[source]
    r, s = rng.choice([(1, 1), (3, 3), (2, 3), (rng.randint(1, 6), rng.randint(1, 4))])
    stride, dilation = _steps(rng, 3), _steps(rng, 3)
    padding = tuple(rng.randint(0, 2) for _ in range(4))
    if rng.random() < 0.5:
        r, s, stride, dilation = rng.choice([1, 3]), rng.choice([1, 3]), (1, 1), (1, 1)
        padding = (r // 2, r // 2, s // 2, s // 2)
    groups = rng.choice([1, 1, 1, *(n for n in (2, 4) if tensor.channels % n == 0)])
    kernels = tensor.channels if rng.random() < 0.4 else groups * rng.choice([1, 4, 8, 11])
    kernels -= kernels % groups
    shape = r, s, tensor.channels // groups, max(kernels, groups)
    weights = numbers.integers(-127, 127, shape, np.int8, endpoint=True)
    weights[numbers.random(shape) >= numbers.choice([0.1, 0.5, 1.0], shape[3])] = 0
    signed = rng.random() < 0.4
    spread = float(np.sqrt(shape[0] * shape[1] * shape[2])) * 60
    layer: dict[str, Any] = {
        "source": source, "target": target, "weights": weights, "stride": stride, "padding": padding,
        "dilation": dilation, "groups": groups, "bias": numbers.integers(-(1 << 12), 1 << 12, shape[3], np.int32),
        "factors": (np.exp(numbers.normal(0, 1, shape[3])) / spread).astype(np.float32),
        "diagonal": config.global_accumulator and stride == (1, 1) and rng.random() < 0.5,
        **_values(rng, signed, "low", "zero", "high"),
    }  # fmt: skip
    made = Convolution(**layer)
    like = [name for name, one in tensors.items() if one.shape == made.output(tensor).shape]
    if not like:
        return made
    ends = _values(rng, signed, "low", "zero", "high")
    ends.pop("signed")
    added = Residual(
        tensor=rng.choice(like), sum_factor=rng.uniform(0.1, 2), factor=rng.uniform(0.1, 2),
        offset=rng.uniform(-20, 20), **ends,
    )  # fmt: skip
    return Convolution(**layer, residual=added)
