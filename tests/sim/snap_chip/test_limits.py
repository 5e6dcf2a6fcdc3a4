"""Limits of sizes: what is just within them compiles, what is one beyond is refused by its name."""

from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.layers import Convolution, Tensor
from tensorloom.sim.snap_chip.limits import size_limits

CHIP = PRESETS["snap-chip"]
LIMITS = size_limits(CHIP)


def compile_one(shape=(1, 1, 1), kernel=(1, 1), config=CHIP, **steps: Any) -> None:
    height, width, channels = shape
    layer = Convolution(
        source="x", target="y", weights=np.ones((*kernel, channels, 1), np.int8), bias=np.zeros(1, np.int32),
        factors=np.ones(1), **steps,
    )  # fmt: skip
    compile_layers(config, {"x": Tensor(height=height, width=width, channels=channels)}, [layer], {"x": 0.01})


CASES = {
    "lines of a tensor": (lambda n: {"shape": (n, 1, 1)}, "height"),
    "columns of a tensor": (
        lambda n: {"shape": (1, n, 1), "kernel": (1, 31), "dilation": (1, 100), "stride": (1, 6)},
        "width",
    ),
    "columns of an output": (lambda n: {"shape": (1, n, 1)}, "columns of y"),
    "channels of a tensor": (lambda n: {"shape": (1, 1, n)}, "channels"),
    "kernel, down and across": (lambda n: {"shape": (n, n, 1), "kernel": (n, n)}, "layer y: kernel"),
    "stride, down and across": (lambda n: {"shape": (9, 9, 1), "stride": (n, 1)}, "layer y: stride"),
    "dilation down": (lambda n: {"shape": (n + 1, 1, 1), "kernel": (2, 1), "dilation": (n, 1)}, "layer y: dilation"),
    "dilation across": (lambda n: {"shape": (1, n + 1, 1), "kernel": (1, 2), "dilation": (1, n)}, "layer y: dilation"),
    "padding at the top": (
        lambda n: {"shape": (9, 1, 1), "kernel": (31, 1), "dilation": (2, 1), "padding": (n, 60, 0, 0)},
        "layer y: padding at the top",
    ),
    "padding at the left": (
        lambda n: {"shape": (1, 9, 1), "kernel": (1, 31), "dilation": (1, 5), "padding": (0, 0, n, 150)},
        "layer y: padding at the left",
    ),
}


@pytest.mark.parametrize("name", sorted(LIMITS.keys() - {"segments of a tensor"}))
def test_one_more_is_too_many(name):
    fields, message = CASES[name]
    compile_one(**fields(LIMITS[name]))
    with pytest.raises(ConfigError, match=f"^{message}.* must be .*{LIMITS[name]}"):
        compile_one(**fields(LIMITS[name] + 1))


def test_segments():
    """A band of four lines of one channel is a segment; 24 pixels of a region, and bands as long."""
    small = PRESETS["snap-chip-tiny"]
    compile_one((4 * size_limits(small)["segments of a tensor"], 18, 1), config=small)
    with pytest.raises(ConfigError, match="layer y: segments of x must be at most 32, not 33") as info:
        compile_one((4 * 32 + 1, 18, 1), config=small)
    assert info.value.hint == "a configuration with a larger segments has room for more"


@pytest.mark.parametrize("sizes", [(5, 4), (4, 5)])
def test_padding_behind_is_shorter_than_the_kernel(sizes):
    """Where no kernel begins in it, it does no harm."""
    down = sizes[0] == 5
    padding, name = ((0, 3, 0, 0), "bottom") if down else ((0, 0, 0, 3), "right")
    kernel = (3, 1) if down else (1, 3)
    compile_one((*sizes, 1), kernel, padding=padding, stride=3)
    with pytest.raises(ConfigError, match=f"layer y: padding at the {name} must be at most 2, less than the kernel"):
        compile_one((*sizes, 1), kernel, padding=padding)


def test_stride_and_rows():
    """Columns of a line are dealt to the rows of a core, so a stride must not skip rows."""
    tiny = PRESETS["snap-chip-tiny"]
    for stride in (3, 6):
        with pytest.raises(ConfigError, match=f"stride across must be without a common divisor with the 3 .*{stride}"):
            compile_one((9, 9, 1), config=tiny, stride=(1, stride))
    compile_one((9, 9, 1), config=tiny, stride=(3, 5))
