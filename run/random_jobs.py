"""Small random jobs, which any engine should compute."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from ..sim.golden.geometry import ConvolutionSteps
from ..sim.golden.tensors import check_elements
from .jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contract import Engine

__all__ = ["random_job", "small_product", "with_weights_for"]


def small_product(m: int, k: int, n: int, seed: int) -> Job:
    """A product of int8 from -9 to 9, which people can follow.

    Raises
    ------
    ConfigError
        If it is so large that no machine simulates it.
    """
    names, shapes = ("activations", "weights"), ((m, k), (k, n))
    for name, shape in zip(names, shapes, strict=True):
        check_elements(name, shape)
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(-9, 10, shape, np.int8) for shape in shapes)
    return Job(name=f"product {m}x{k} by {k}x{n}", a=a, b=b, names=names)


def with_weights_for(job: Job, engine: "Engine[Any, Any, Any]", config: Any) -> Job:
    """The job, its weights rounded to as many values as the engine takes, if they have more."""
    count, values = engine.weight_values(config), np.unique(job.b[job.b != 0])
    if count is None or len(values) <= count:
        return job
    kept = values[np.linspace(0, len(values) - 1, count).round().astype(int)]
    nearest = kept[np.searchsorted((kept[1:].astype(np.int64) + kept[:-1]) / 2, job.b)]
    return dataclasses.replace(job, b=np.where(job.b == 0, 0, nearest).astype(job.b.dtype))


def random_job(rng: np.random.Generator, engine: "Engine[Any, Any, Any]", config: Any) -> Job:
    """A product or a convolution of up to a few thousand pairs; densities differ by row, channel and kernel.

    Operands are of the engine's width, up to 16 bits, without the most negative number, which not all engines hold.
    Weights have no more values than the engine takes.
    """
    bits = min(engine.data_bits(config), 16)
    highest = (1 << bits - 1) - 1

    def tensor(*shape: int) -> np.ndarray:
        values = rng.integers(-highest, highest + 1, shape).astype(np.int8 if bits <= 8 else np.int16)
        keep = np.ones(shape)
        for axis, length in enumerate(shape):  # some lines empty, some full, most between
            density = rng.choice([0.0, 1.0, 1.0, 1.0, 0.7, 0.4], length)
            keep = keep * density.reshape([-1 if index == axis else 1 for index in range(len(shape))])
        return values * (rng.random(shape) < keep)

    return with_weights_for(_any_job(rng, tensor), engine, config)


def _any_job(rng: np.random.Generator, tensor: "Callable[..., np.ndarray]") -> Job:
    kind = rng.choice(["product", "row", "convolution", "convolution", "tall"])
    if kind in ("product", "row"):
        m, k, n = rng.integers(1, 20, 3).tolist()
        return Job(name="product", a=tensor(1 if kind == "row" else m, k), b=tensor(k, n))
    groups = int(rng.choice([1, 1, 2]))
    r, s = rng.integers(1, 4, 2).tolist()
    if kind == "tall":
        r = int(rng.integers(4, 12))
    channels, kernels = groups * int(rng.integers(1, 12)), groups * int(rng.integers(1, 6))
    x = tensor(int(rng.integers(1, 3)), r + int(rng.integers(0, 5)), s + int(rng.integers(0, 5)), channels)
    steps: ConvolutionSteps = {"stride": int(rng.integers(1, 3)), "padding": int(rng.integers(0, 2)), "groups": groups}
    return Job(name="convolution", a=x, b=tensor(r, s, channels // groups, kernels), convolution=steps)
