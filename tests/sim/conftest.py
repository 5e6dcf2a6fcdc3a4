import numpy as np
import onnx
import onnxruntime
import pytest


@pytest.fixture
def onnx_run():
    """Run one ONNX operator in onnxruntime: operator name, inputs in order (None to leave one out), attributes."""

    def run(operator, *inputs, output, domain="", **attributes):
        named = {f"input_{i}": np.asarray(value) for i, value in enumerate(inputs) if value is not None}
        types = {name: onnx.helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in named.items()}
        graph = onnx.helper.make_graph(
            [
                onnx.helper.make_node(
                    operator,
                    ["" if value is None else f"input_{i}" for i, value in enumerate(inputs)],
                    ["output"],
                    domain=domain,
                    **attributes,
                )
            ],
            operator,
            [onnx.helper.make_tensor_value_info(name, types[name], value.shape) for name, value in named.items()],
            [
                onnx.helper.make_tensor_value_info(
                    "output", onnx.helper.np_dtype_to_tensor_dtype(np.dtype(output)), None
                )
            ],
        )
        opsets = [onnx.helper.make_opsetid("", 21), onnx.helper.make_opsetid("com.microsoft", 1)]
        model = onnx.helper.make_model(graph, ir_version=10, opset_imports=opsets)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, named)[0]

    return run


@pytest.fixture
def onnx_integers():
    """Random integers over a type's whole range; for int8 weights over half of it.

    On x86 processors without VNNI, onnxruntime adds two products of int8 weights in 16 bits and saturates:
    full-range int8 weights would make it wrong there.
    """

    def integers(rng, dtype, shape, weights=False):
        limits = np.iinfo(dtype)
        shrink = 2 if weights and dtype == np.int8 else 1
        return rng.integers(limits.min // shrink, limits.max // shrink, shape, dtype, endpoint=True)

    return integers
