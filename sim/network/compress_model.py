"""A trained model in float32 as onnxruntime's quantizer wants it, its layers of weights, and its answers."""

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...hw.errors import FailureError, UsageError

if TYPE_CHECKING:
    import onnx

__all__ = ["INSTALL", "FloatModel", "WeightLayer", "import_packages", "load_float_model"]

INSTALL = "scripts/setup, or pip install '.[compress]', in a clone of tensorloom"
"""How to get the packages."""

OPERATORS = ("Conv", "Gemm", "MatMul")
"""Whose second operand may be weights."""

FIRST_OPSET = 13
"""Version of the operators from which quantization may have a scale a channel."""

FIRST_IR = 4
"""Version of the file format from which constants need not be inputs."""

BATCH = 32
"""Examples at a time, where the model leaves that open."""


def import_packages() -> None:
    """Check that all packages are there that compression needs.

    Raises
    ------
    FailureError
        Naming the one that is missing.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import sklearn  # noqa: F401
    except ModuleNotFoundError as error:
        raise FailureError(f"the Python package {error.name} is missing", INSTALL) from error


@dataclasses.dataclass(frozen=True, kw_only=True)
class WeightLayer:
    """A convolution or product with constant weights.

    Parameters
    ----------
    name, operator
        Of the node; a node without a name has that of its result.
    weight
        Name of its weights, which other layers may have too.
    channel_axis
        Axis of the weights that is the output channel.
    """

    name: str
    operator: str
    weight: str
    channel_axis: int


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FloatModel:
    """A model with batch normalization folded into its weights.

    Parameters
    ----------
    model
        The ONNX model.
    input_name
        Of its one input.
    shape
        Sizes of the input, None where the model leaves one open; the first is of the batch.
    layers
        Those with weights.
    """

    model: "onnx.ModelProto"
    input_name: str
    shape: tuple[int | None, ...]
    layers: list[WeightLayer]

    def weights(self, layer: WeightLayer) -> np.ndarray:
        """Weights of a layer."""
        import onnx

        return onnx.numpy_helper.to_array(initializers(self.model)[layer.weight])

    def set_weights(self, layer: WeightLayer, weights: np.ndarray) -> None:
        """Replace the weights of a layer."""
        import onnx

        initializers(self.model)[layer.weight].CopyFrom(onnx.numpy_helper.from_array(weights, layer.weight))

    def check_input(self, option: str, values: np.ndarray) -> None:
        """Refuse examples that the model can't take.

        Raises
        ------
        UsageError
            Saying what `option` must be and what it is.
        """
        expected = " x ".join("any" if size is None else str(size) for size in self.shape)
        fits = values.ndim == len(self.shape) and all(
            size in (None, given) for size, given in zip(self.shape[1:], values.shape[1:], strict=True)
        )
        if not fits or values.size == 0 or len(values) % (self.shape[0] or 1):
            many = f", a multiple of {self.shape[0]} examples" if (self.shape[0] or 1) > 1 else ""
            raise UsageError(f"{option} must be of shape {expected}{many}, not {values.shape}")
        if values.dtype != np.float32:
            raise UsageError(
                f"{option} must be of type float32, not {values.dtype}", "numpy.save(name, x.astype('float32'))"
            )
        if not np.isfinite(values).all():
            raise UsageError(f"{option} must have no NaN and no infinity, not {int((~np.isfinite(values)).sum())} such")

    def batches(self, values: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        """Inputs of one run after the other."""
        step = self.shape[0] or BATCH
        for at in range(0, len(values), step):
            yield {self.input_name: values[at : at + step]}

    def predict(self, model: "onnx.ModelProto", values: np.ndarray) -> np.ndarray:
        """First output of `model`, this one or what became of it, examples x scores."""
        session = make_session(model)
        found = [session.run(None, batch)[0] for batch in self.batches(values)]
        return np.concatenate([part.reshape(len(part), -1) for part in found])


def make_session(model: "onnx.ModelProto") -> Any:
    """A session of onnxruntime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def initializers(model: "onnx.ModelProto") -> dict[str, Any]:
    """Constants of a model by name."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def load_float_model(path: Path) -> FloatModel:
    """Read a model, check that it can be compressed, and fold what can be folded.

    Raises
    ------
    UsageError
        If the file is no ONNX model of one float32 input with layers of float32 weights, not quantized yet.
    """
    import onnx
    from onnx.version_converter import convert_version
    from onnxruntime.quantization.shape_inference import quant_pre_process

    model = _read(path)
    constants = initializers(model)
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1 or inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        raise UsageError(f"{path}: model must have one input of float32, not {_inputs_text(inputs)}")
    del model.graph.input[:]
    model.graph.input.extend(inputs)  # a constant that is an input too can be replaced, and so is never folded
    model.ir_version = max(model.ir_version, FIRST_IR)  # before, constants had to be inputs
    with _refusing(path, "onnxruntime can't run the model"):
        make_session(model)
    version = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), FIRST_OPSET)
    if version < FIRST_OPSET:
        with _refusing(path, f"opset must be at least {FIRST_OPSET}, and {version} can't be converted"):
            model = convert_version(model, FIRST_OPSET)
    with tempfile.TemporaryDirectory() as folder:
        source, folded = Path(folder) / "source.onnx", Path(folder) / "folded.onnx"
        onnx.save(model, str(source))
        quant_pre_process(str(source), str(folded), skip_symbolic_shape=True)
        model = onnx.load(str(folded))
    used = {node.domain for node in model.graph.node}
    opsets = [opset for opset in model.opset_import if not opset.domain or opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(opsets)  # onnxruntime adds all domains that it knows
    layers = list(_layers(model))
    if not layers:
        raise UsageError(f"{path}: model must have layers with float32 weights ({', '.join(OPERATORS)}), not none")
    # Some exporters write -1 for a size that they leave open.
    shape = tuple(size.dim_value if size.dim_value > 0 else None for size in inputs[0].type.tensor_type.shape.dim)
    return FloatModel(model=model, input_name=inputs[0].name, shape=shape, layers=layers)


def _read(path: Path) -> "onnx.ModelProto":
    import onnx

    try:
        model = onnx.load(str(path))
    except MemoryError:
        raise
    except Exception as error:  # of protobuf, of the file system, and of checks of data kept in other files
        raise UsageError(f"{path}: not a readable ONNX model ({first_line(error)})") from error
    if not model.graph.node:
        raise UsageError(f"{path}: not an ONNX model (there is no graph in it)")
    for node in model.graph.node:
        if node.op_type.startswith(("QLinear", "QuantizeLinear", "DequantizeLinear", "QGemm", "DynamicQuantize")) or (
            node.op_type in ("ConvInteger", "MatMulInteger")
        ):
            hint = "compress takes the float32 model that it was made of"
            raise UsageError(f"{path}: model is quantized already (it has {node.op_type})", hint)
    return model


def _layers(model: "onnx.ModelProto") -> Iterator[WeightLayer]:
    import onnx

    constants = initializers(model)
    for node in model.graph.node:
        tensor = constants.get(node.input[1]) if node.op_type in OPERATORS else None
        if tensor is not None and tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) >= 2:
            transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
            yield WeightLayer(
                name=node.name or node.output[0],
                operator=node.op_type,
                weight=tensor.name,
                channel_axis=0 if node.op_type == "Conv" or transposed else len(tensor.dims) - 1,
            )


def _inputs_text(inputs: list[Any]) -> str:
    import onnx

    if not inputs:
        return "none"
    kinds = [onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower() for value in inputs]
    return ", ".join(f"{value.name} ({kind})" for value, kind in zip(inputs, kinds, strict=True))


@contextmanager
def _refusing(path: Path, text: str) -> Iterator[None]:
    """Turn any error of another package into `UsageError`."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise UsageError(f"{path}: {text} ({first_line(error)})") from error


def first_line(error: BaseException) -> str:
    """First line of an error's message, or its name without one."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
