"""Small trained networks in float32 as ONNX models: what users bring."""

import functools
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tensorloom.sim.workloads.digits import digits_images
from tensorloom.sim.workloads.digits_cnn import load_digits_cnn


def save(path: Path, nodes: Sequence, constants: dict[str, np.ndarray], shape: Sequence, result: str) -> Path:
    """Write a model of one input ``x``."""
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), str(path))
    return path


@functools.cache
def trained() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights and biases of a perceptron that scikit-learn trains."""
    from sklearn.neural_network import MLPClassifier

    digits = digits_images()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged yet; it is good enough
        found = MLPClassifier((48,), max_iter=60, random_state=0).fit(digits.train_images / 16, digits.train_labels)
    return [w.astype(np.float32) for w in found.coefs_], [b.astype(np.float32) for b in found.intercepts_]


def perceptron(path: Path) -> Path:
    """Digits by a product with bias as MatMul and Add, and one as Gemm."""
    (w0, w1), (b0, b1) = trained()
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["p"], name="hidden"),
        helper.make_node("Add", ["p", "b0"], ["s"], name="bias"),
        helper.make_node("Relu", ["s"], ["r"], name="relu"),
        helper.make_node("Gemm", ["r", "w1", "b1"], ["y"], name="scores", transB=1),
    ]
    return save(path, nodes, {"w0": w0, "b0": b0, "w1": w1.T.copy(), "b1": b1}, ["n", 64], "y")


def convolutional(path: Path, batch: object = "n") -> Path:
    """Digits by convolutions, the first with batch normalization behind it."""
    layers = load_digits_cnn()
    nodes, constants, at = [], {}, "x"
    rng = np.random.default_rng(3)
    for i, layer in enumerate(layers):
        factor = 1.0 if layer.factor is None else layer.factor
        weights = (layer.weights * factor).astype(np.float32)
        bias = (layer.bias * factor).astype(np.float32)
        if weights.ndim == 2:
            nodes.append(helper.make_node("Flatten", [at], ["flat"], name="flatten"))
            # Ours are flattened with the channels last, ONNX's with the channels first.
            side = int(np.sqrt(len(weights) // layers[i - 1].weights.shape[-1]))
            weights = weights.reshape(side, side, -1, weights.shape[1]).transpose(2, 0, 1, 3).reshape(weights.shape)
            nodes.append(helper.make_node("Gemm", ["flat", f"w{i}", f"b{i}"], ["y"], name="scores"))
            constants |= {f"w{i}": weights, f"b{i}": bias}
            continue
        weights = weights.transpose(3, 2, 0, 1)
        pads, strides = [layer.padding] * 4, [layer.stride] * 2
        if i == 0:
            gain, mean = (
                rng.uniform(0.5, 2, len(bias)).astype(np.float32),
                rng.normal(size=len(bias)).astype(np.float32),
            )
            spread = rng.uniform(0.5, 2, len(bias)).astype(np.float32)
            scale = gain / np.sqrt(spread + np.float32(1e-5))
            weights = weights / scale[:, None, None, None]
            constants |= {"gain": gain, "shift": bias + mean * scale, "mean": mean, "spread": spread, "w0": weights}
            nodes += [
                helper.make_node("Conv", [at, "w0"], ["c"], name="conv0", pads=pads, strides=strides),
                helper.make_node("BatchNormalization", ["c", "gain", "shift", "mean", "spread"], ["s0"], name="norm"),
            ]
        else:
            constants |= {f"w{i}": weights, f"b{i}": bias}
            nodes.append(
                helper.make_node("Conv", [at, f"w{i}", f"b{i}"], [f"s{i}"], name=f"conv{i}", pads=pads, strides=strides)
            )
        nodes.append(helper.make_node("Relu", [f"s{i}"], [f"r{i}"], name=f"relu{i}"))
        at = f"r{i}"
    return save(path, nodes, constants, [batch, 1, 8, 8], "y")


def flat_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs to calibrate, inputs to evaluate, labels; for the perceptron."""
    digits = digits_images()
    return (
        (digits.train_images[:100] / 16).astype(np.float32),
        (digits.test_images / 16).astype(np.float32),
        digits.test_labels,
    )


def square_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for the convolutional network, which wants pixels up to 127."""
    calibration, inputs, labels = flat_digits()
    return (
        np.round(calibration * 127).reshape(-1, 1, 8, 8).astype(np.float32),
        np.round(inputs * 127).reshape(-1, 1, 8, 8).astype(np.float32),
        labels,
    )
