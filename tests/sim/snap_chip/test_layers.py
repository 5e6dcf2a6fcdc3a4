"""What fields of layers may be."""

import re
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError, WrongTypeError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.golden import run_list
from tensorloom.sim.snap_chip.layers import Convolution, MaxPool, Residual, Tensor

TINY = PRESETS["snap-chip-tiny"]
X = Tensor(height=2, width=2, channels=1, signed=True)


def layer(factor=1.0, **fields):
    """A convolution that multiplies by 1."""
    values: dict[str, Any] = {"source": "x", "target": "y"}
    values |= {"weights": np.ones((1, 1, 1, 1), np.int8), "bias": np.zeros(1, np.int32), "factors": [factor]}
    return Convolution(**values | fields)


def added(**fields):
    values: dict[str, Any] = {"tensor": "x", "sum_factor": 1.0, "factor": 1.0, "offset": 0.0, "zero": 0}
    return Residual(**values | fields)


@pytest.mark.parametrize("residual", [None, added()])
@pytest.mark.parametrize("signed", [False, True])
def test_ends_are_those_of_the_type(signed, residual):
    """Without ends of their own, values are clipped to what the type holds, and read as they are."""
    x = Tensor(height=2, width=2, channels=1, signed=signed)
    values = np.array([[0, 100], [-100, -128]] if signed else [[0, 100], [200, 255]])[..., None]
    program = compile_layers(TINY, {"x": x}, [layer(2.0, signed=signed, residual=residual)])
    memory = run_list(TINY, program.memory(x=values), program.list_address).memory
    expected = np.clip(2 * values, *x.limits)
    if residual:
        expected = np.clip(expected + values, *x.limits)
    assert program.read(memory, "y").tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"signed": True, "high": 255}, "high must be at most 127, as signed, not 255"),
        ({"signed": True, "low": -129}, "low must be at least -128, as signed, not -129"),
        ({"low": -20, "high": 100}, "low must be at least 0, as not signed, not -20"),
        ({"high": 256}, "high must be at most 255, as not signed, not 256"),
        ({"zero": -5}, "zero must be at least 0, as not signed, not -5"),
        ({"low": 9, "high": 8}, "high must be at least 9, as low, not 8"),
    ],
)
def test_ends_that_the_type_does_not_hold(fields, message):
    with pytest.raises(ConfigError) as info:
        layer(**fields)
    assert str(info.value) == message
    with pytest.raises(ConfigError) as info:
        layer(signed=fields.get("signed", False), residual=added(**{k: v for k, v in fields.items() if k != "signed"}))
    name = message.split()[0]
    assert str(info.value) == f"residual.{message}".replace("as low", "as residual.low") and name in fields


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"residual": "r"}, "residual must be a Residual or None, not 'r'"),
        ({"source": 3}, "source must be a name, not 3"),
        ({"signed": 1}, "signed must be true or false, not 1"),
        ({"high": 25.5}, "high must be an integer, not 25.5"),
        ({"low": float("nan")}, "low must be an integer, not nan"),
        ({"factors": ["a"]}, "factors must be numbers, not ['a']"),
        ({"factors": None}, "factors must be numbers, not None"),
    ],
)
def test_wrong_types(fields, message):
    with pytest.raises(WrongTypeError) as info:
        layer(**fields).geometry(X)
    assert str(info.value) == message


@pytest.mark.parametrize("value", [1e39, 1e-50, 0, -1.0, float("nan"), float("inf")])
def test_factors_beyond_float32(value):
    """Each is refused in a sentence, without a warning of numpy."""
    with pytest.raises(ConfigError, match=re.escape(f"factors must be positive and finite in float32, not {value!r}")):
        layer(value).output(X)
    for name in ("sum_factor", "factor"):
        with pytest.raises(
            ConfigError, match=re.escape(f"{name} must be positive and finite in float32, not {value!r}")
        ):
            added(**{name: value})


def test_factors_of_a_residual_are_numbers():
    with pytest.raises(WrongTypeError, match="residual.offset must be numbers, not 'a'"):
        added(offset="a")
    with pytest.raises(ConfigError, match="residual.factor must be a single number"):
        added(factor=[1.0, 2.0])
    with pytest.raises(ConfigError, match="residual.offset must be finite in float32, not 1e.39"):
        added(offset=1e39)


def test_kernel_of_a_pool():
    """One number is both sizes."""
    (one, two) = (MaxPool(source="x", target="y", kernel=kernel).geometry(X) for kernel in (2, (2, 2)))
    assert one == two and one.kernel == (2, 2)
    with pytest.raises(WrongTypeError, match="kernel must be an integer or two of them"):
        MaxPool(source="x", target="y", kernel="3").geometry(X)  # pyrefly: ignore[bad-argument-type]
