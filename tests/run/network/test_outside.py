"""What no machine does, between what machines do: the host's part, as onnxruntime has it."""

import numpy as np
import pytest

from tensorloom.hw.errors import Error
from tensorloom.run.network.execution import run_network
from tensorloom.run.registry import find_preset
from tensorloom.sim.network.importer import from_model

from ...sim.network.models import Model, reference

SCALE = 1 / 32


def floats(values) -> np.ndarray:
    return np.array(values, np.float32)


def convolution(model: Model, source: str, rng: np.random.Generator, shape: tuple[int, ...], **attributes) -> str:
    """Quantized weights, and what quantizes the result."""
    weights = model.dequantize(rng.integers(-60, 60, shape, np.int8), SCALE / 16, np.int8(0))
    return model.around(model.node("Conv", source, weights, **attributes), SCALE, np.uint8(100))


def images(rng: np.random.Generator) -> tuple[Model, np.ndarray, set[str]]:
    """Floats that are normalized, halves that are split, sliced, resized and subtracted."""
    x, model = rng.uniform(0, 255, (2, 4, 6, 6)).astype(np.float32), Model()
    row = floats([100, 110, 120, 130]).reshape(1, 4, 1, 1)
    image = model.node("Div", model.node("Sub", model.input("x", x), row), floats([60]))
    first = convolution(model, model.around(image, SCALE, np.uint8(128)), rng, (8, 4, 3, 3), pads=[1, 1, 1, 1])
    small = model.node("Slice", first, np.array([0, 0]), np.array([6, 6]), np.array([2, 3]), np.array([2, 2]))
    second = convolution(model, small, rng, (8, 8, 1, 1))
    large = model.node(
        "Resize", second, None, floats([1, 1, 2, 2]), mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    model.quantize(model.node("Sub", large, first), SCALE, np.uint8(90), output="y")
    model.output("y")
    return model, x, {"Div", "Slice", "Resize", "Sub"}


def lines(rng: np.random.Generator) -> tuple[Model, np.ndarray, set[str]]:
    """Convolutions of one axis, a difference between them."""
    x, model = rng.integers(0, 256, (2, 4, 12), np.uint8), Model()
    first = convolution(model, model.dequantize(model.input("x", x), SCALE, np.uint8(128)), rng, (4, 4, 3), pads=[1, 1])
    row = model.node("Sub", first, floats([[1], [2], [0.5], [0]]))
    convolution(model, model.around(row, SCALE, np.uint8(100)), rng, (4, 4, 2), strides=[2])
    model.nodes[-2].output[0] = "y"
    model.nodes.pop()
    model.output("y")
    return model, x, {"Sub"}


@pytest.mark.parametrize("preset", ["tpu-16", "snap-chip-tiny"])
@pytest.mark.parametrize("made", [images, lines], ids=["images", "lines"])
def test_the_host_does_it_and_says_so(made, preset) -> None:
    model, x, operators = made(np.random.default_rng(7))
    file, design = model.finish(), find_preset(preset)
    assert design
    outcome = run_network(design, from_model(file), {"x": x})
    assert outcome.passed
    np.testing.assert_array_equal(outcome.outputs["y"], reference(file, {"x": x}, optimize=True)["y"])
    reasons = [(node.operator.split("+"), outcome.plan.reasons.get(node.name)) for node in outcome.host_nodes]
    for operator in operators:
        found = {reason for names, reason in reasons if operator in names}
        assert found == {"it picks elements" if operator in ("Slice", "Resize") else "float32"}, reasons
    assert len(outcome.layers) >= 2


def fewer_images(rng: np.random.Generator) -> tuple[Model, np.ndarray]:
    """Two of four images, and beside them all four."""
    x, model = rng.integers(0, 256, (4, 4, 6, 6), np.uint8), Model()
    source = model.dequantize(model.input("x", x), SCALE, np.uint8(128))
    some = model.node("Slice", source, np.array([1]), np.array([3]), np.array([0]))
    for name, one in (
        ("y", convolution(model, some, rng, (8, 4, 3, 3))),
        ("z", convolution(model, source, rng, (8, 4, 3, 3))),
    ):
        model.quantize(one, SCALE, np.uint8(100), output=name)
        model.output(name)
    return model, x


def more_rows(rng: np.random.Generator) -> tuple[Model, np.ndarray]:
    """Rows, and each of them three times."""
    x, model = rng.integers(0, 256, (4, 16), np.uint8), Model()
    first, second = (
        model.dequantize(rng.integers(-60, 60, shape, np.int8), SCALE / 16, np.int8(0)) for shape in ((16, 12), (12, 7))
    )
    row = model.node("MatMul", model.dequantize(model.input("x", x), SCALE, np.uint8(128)), first)
    more = model.node("Tile", model.around(row, SCALE, np.uint8(100)), np.array([3, 1]))
    model.quantize(model.node("MatMul", more, second), SCALE, np.uint8(100), output="y")
    model.output("y")
    return model, x


@pytest.mark.parametrize("preset", ["tpu-16", "snap-chip-tiny"])
@pytest.mark.parametrize("made", [fewer_images, more_rows], ids=["fewer images", "more rows"])
def test_numbers_of_images_that_change(made, preset) -> None:
    model, x = made(np.random.default_rng(8))
    file, design = model.finish(), find_preset(preset)
    assert design
    outcome = run_network(design, from_model(file), {"x": x})
    assert outcome.passed and len(outcome.layers) == 2
    for name, values in reference(file, {"x": x}, optimize=True).items():
        np.testing.assert_array_equal(outcome.outputs[name], values)


@pytest.mark.parametrize("preset", ["tpu-16", "snap-chip-tiny"])
def test_what_has_too_few_axes_is_refused_by_name(preset) -> None:
    design = find_preset(preset)
    assert design
    for shape, message in (((16,), "MatMul.*a layout that the machine can't have"), ((), "numbers without axes")):
        model, x = Model(), np.zeros(shape, np.uint8)
        source = model.dequantize(model.input("x", x), SCALE, np.uint8(128))
        weights = model.dequantize(np.ones((16, 5), np.int8), SCALE, np.int8(0))
        real = model.node("MatMul", source, weights) if shape else model.node("Sigmoid", source)
        model.quantize(real, SCALE, np.uint8(100), output="y")
        model.output("y")
        with pytest.raises(Error, match=message):
            run_network(design, from_model(model.finish()), {"x": x})
