"""The digits networks as quantized ONNX models, QuantizeLinear and DequantizeLinear around every operator."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .digits import load_digits_mlp
from .digits_cnn import SIDE, load_digits_cnn

__all__ = ["MODELS", "digits_cnn_model", "digits_mlp_model"]

OPSET, IR_VERSION = 21, 10
"""Those that onnxruntime 1.20 and later read."""

SCORE_FACTOR = 1 / 1024
"""From the last layers' sums to scores, which are int8."""


class _Model:
    """A model while it is made. All zero points are 0, and activations have the scale 1."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self.value = "image"
        self._constant("one", np.float32(1))
        self._constant("uint8", np.uint8(0))
        self._constant("int8", np.int8(0))
        self._quantize("pixels", "uint8")

    def _constant(self, name: str, value: np.ndarray | np.generic) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _node(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operator, inputs, [f"{name}_out"], name, **attributes))
        return f"{name}_out"

    def _quantize(self, name: str, kind: str) -> None:
        stored = self._node("QuantizeLinear", [self.value, "one", kind], f"{name}_quantize")
        self.value = self._node("DequantizeLinear", [stored, "one", kind], f"{name}_dequantize")

    def reshape(self, name: str, *shape: int) -> None:
        """Change the shape; the number of images stays open."""
        to = self._constant(f"{name}_shape", np.array([-1, *shape], np.int64))
        self.value = self._node("Reshape", [self.value, to], name)
        self._quantize(name, "uint8")

    def layer(
        self, operator: str, name: str, weights: np.ndarray, bias: np.ndarray, factor: np.float32 | None,
        **attributes: Any,
    ) -> None:  # fmt: skip
        """A convolution or a product, with ReLU unless it is the last."""
        last = factor is None
        scale = self._constant(f"{name}_scale", np.float32(SCORE_FACTOR if factor is None else factor))
        operands = [
            self._node("DequantizeLinear", [self._constant(f"{name}_{what}", values), scale], f"{name}_{what}_real")
            for what, values in (("weights", weights), ("bias", bias))
        ]
        self.value = self._node(operator, [self.value, *operands], name, **attributes)
        if not last:
            self.value = self._node("Relu", [self.value], f"{name}_relu")
        self._quantize(name, "int8" if last else "uint8")

    def model(self, title: str, shape: Sequence[int]) -> onnx.ModelProto:
        """The whole, from images of this shape to ten scores."""
        self._nodes[-1].output[0] = "scores"
        graph = helper.make_graph(
            self._nodes, title, [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", *shape])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 10])], self._constants,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model


def digits_mlp_model() -> onnx.ModelProto:
    """The perceptron of `sim.workloads.digits`: images (N x 64, pixels from 0 to 16) to scores (N x 10)."""
    made = _Model()
    for number, layer in enumerate(load_digits_mlp()):
        made.layer("Gemm", f"fc{number + 1}", layer.weights, layer.bias, layer.factor)
    return made.model("digits_mlp", [SIDE * SIDE])


def digits_cnn_model() -> onnx.ModelProto:
    """The pruned network of `sim.workloads.digits_cnn`: images (N x 1 x 8 x 8, pixels from 0 to 16) to scores (N x 10).

    Activations are uint8, so they saturate at 255, not at 127 as there.
    """
    made, layers = _Model(), load_digits_cnn()
    channels, side = 1, SIDE
    for number, layer in enumerate(layers):
        if layer.weights.ndim == 4:
            made.layer(
                "Conv", f"conv{number + 1}", layer.weights.transpose(3, 2, 0, 1), layer.bias, layer.factor,
                strides=[layer.stride] * 2, pads=[layer.padding] * 4,
            )  # fmt: skip
            channels, side = layer.weights.shape[3], (side - 1) // layer.stride + 1
            continue
        made.reshape("flatten", len(layer.weights))
        rows = layer.weights.reshape(side, side, channels, -1).transpose(2, 0, 1, 3).reshape(layer.weights.shape)
        made.layer("Gemm", "fc", rows, layer.bias, layer.factor)
    return made.model("digits_cnn", [1, SIDE, SIDE])


MODELS: Mapping[str, Callable[[], onnx.ModelProto]] = {"digits_mlp": digits_mlp_model, "digits_cnn": digits_cnn_model}
"""By name of the file."""
