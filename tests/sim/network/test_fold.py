"""Folding of float models, compared with what they computed before."""

import numpy as np
import pytest

from tensorloom.sim.network.errors import RefusedError
from tensorloom.sim.network.fold import fold_constants, fold_normalizations

from .models import Model, reference

X = np.random.default_rng(1).normal(size=(2, 3, 6, 6)).astype(np.float32)


def numbers(*shape):
    return np.random.default_rng(sum(shape)).uniform(0.5, 2, shape).astype(np.float32)


def normalized(model, x, channels, **attributes):
    return model.node("BatchNormalization", x, *(numbers(channels) for _ in range(4)), **attributes)


def folded(model, x=X):
    """Operators that are left, once results were compared."""
    found = model.finish()
    result = fold_normalizations(found)
    before, after = (reference(one, {"x": x}, optimize=False) for one in (found, result))
    for name, values in before.items():
        np.testing.assert_allclose(after[name], values, rtol=1e-4, atol=1e-4)
    return [node.op_type for node in result.graph.node]


def convolution(model, x="x", channels=4, bias=True):
    return model.node("Conv", x, numbers(channels, 3, 3, 3), numbers(channels) if bias else None)


@pytest.mark.parametrize("bias", [False, True])
def test_behind_a_convolution(bias):
    model = Model()
    model.input("x", X)
    y = normalized(model, convolution(model, bias=bias), 4, epsilon=0.1)
    y = model.node("Mul", y, numbers(4, 1, 1))
    model.node("Relu", model.node("Add", numbers(1, 4, 1, 1), y), output="y")
    model.output("y", np.float32)
    assert folded(model) == ["Conv", "Relu"]


def test_in_front_of_everything():
    model = Model()
    model.node("Relu", normalized(model, model.input("x", X), 3), output="y")
    model.output("y", np.float32)
    assert folded(model) == ["Conv", "Relu"]


def test_behind_a_convolution_that_others_read():
    model = Model()
    model.input("x", X)
    y = convolution(model)
    model.node("Add", normalized(model, y, 4), y, output="y")
    model.output("y", np.float32)
    assert folded(model) == ["Conv", "Conv", "Add"]


def test_weights_that_two_share():
    model = Model()
    model.input("x", X)
    weights = model.constant(numbers(4, 3, 3, 3))
    first, second = (model.node("Conv", "x", weights) for _ in range(2))
    model.node("Add", normalized(model, first, 4), second, output="y")
    model.output("y", np.float32)
    assert folded(model) == ["Conv", "Conv", "Add"]


def test_other_factors_stay():
    model = Model()
    model.input("x", X)
    model.node("Mul", convolution(model), numbers(4), output="y")  # of columns
    model.output("y", np.float32)
    assert folded(model) == ["Conv", "Mul"]


def test_normalization_in_training():
    model = Model()
    model.input("x", X)
    node = [normalized(model, "x", 3, training_mode=1)]
    model.nodes[0].output.extend(["mean", "variance"])
    model.output(node[0], np.float32)
    with pytest.raises(RefusedError, match="normalizes batches as in training"):
        fold_normalizations(model.finish())


def test_constants():
    model = Model()
    shape = model.node("Concat", np.array([2]), model.node("Neg", np.array([1])), axis=0)
    model.node("Reshape", model.input("x", X), shape, output="y")
    model.output("y", np.float32)
    found = model.finish()
    result = fold_constants(found)
    assert [node.op_type for node in result.graph.node] == ["Reshape"] and len(found.graph.node) == 3
