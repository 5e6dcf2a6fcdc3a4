"""Small ONNX models, and onnxruntime beside the golden execution of them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import helper, numpy_helper

from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.importer import from_model

BYTES = (np.int8, np.uint8)
OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]


class Model:
    """A model that grows node by node; each gives the name of its output."""

    def __init__(self):
        self.nodes, self.inputs, self.outputs, self.constants = [], [], [], []

    def constant(self, array):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def input(self, name, array):
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        self.inputs.append(helper.make_tensor_value_info(name, kind, array.shape))
        return name

    def output(self, name, dtype: npt.DTypeLike = np.uint8):
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.outputs.append(helper.make_tensor_value_info(name, kind, None))
        return name

    def node(self, operator, *inputs, output=None, **attributes):
        """Inputs are names, arrays that become constants, or None."""
        names = ["" if one is None else one if isinstance(one, str) else self.constant(one) for one in inputs]
        output = output or f"value_{len(self.nodes)}"
        own = operator.startswith("QLinear") and operator not in ("QLinearConv", "QLinearMatMul")
        domain = "com.microsoft" if own or operator == "QGemm" else ""
        name = f"{operator} {len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [output], name, domain=domain, **attributes))
        return output

    def quantize(self, x, scale, zero, output=None, **attributes):
        return self.node("QuantizeLinear", x, np.float32(scale), zero, output=output, **attributes)

    def dequantize(self, x, scale, zero, output=None, **attributes):
        return self.node("DequantizeLinear", x, np.asarray(scale, np.float32), zero, output=output, **attributes)

    def around(self, x, scale, zero):
        """Quantized and dequantized."""
        return self.dequantize(self.quantize(x, scale, zero), scale, zero)

    def finish(self, opsets=OPSETS):
        graph = helper.make_graph(self.nodes, "test", self.inputs, self.outputs, self.constants)
        return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def reference(model, inputs, optimize) -> dict[str, np.ndarray]:
    """Outputs of onnxruntime: of the operators as they are, or of what it makes of them by default."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimize else levels.ORT_DISABLE_ALL
    # on x86 it fuses layers of int8 activations only if it is told to
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results: Any = session.run(None, inputs)
    return dict(zip([output.name for output in session.get_outputs()], results, strict=True))


def check(model, inputs, optimize=False, exact=True):
    """Compare all outputs; also that all nodes promise to be `exact`, or not all. Returns the network."""
    network = from_model(model)
    results = execute(network, inputs)
    expected = reference(model, inputs, optimize)
    assert results.keys() == expected.keys()
    for name, result in results.items():
        assert result.dtype == expected[name].dtype
        if exact:
            np.testing.assert_array_equal(result, expected[name])
        else:
            assert np.abs(result.astype(int) - expected[name]).max() <= 1
    assert all(node.exact for node in network.nodes) == exact
    return network


def kinds(network):
    """Kinds of nodes, in order."""
    return [type(node).__name__ for node in network.nodes]


def float_input(shape):
    return np.zeros(shape, np.float32)
