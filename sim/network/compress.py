"""Deep Compression of a trained model: pruning, quantization with a calibration set, shared weights.

After Han, Mao and Dally, "Deep Compression" (ICLR 2016), sections 2 and 3, without the training in between.
Quantization is onnxruntime's own.
"""

import dataclasses
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...hw.config import check, check_number
from ...hw.errors import FailureError, UsageError, did_you_mean
from .compress_model import FloatModel, WeightLayer, first_line, import_packages, initializers, load_float_model
from .compress_weights import WeightSize, prune, share

if TYPE_CHECKING:
    import onnx

__all__ = ["Compressed", "CompressedLayer", "Recipe", "compress"]

MOST_CODES = 256
"""Values that weights of 8 bits can share."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to compress.

    Parameters
    ----------
    density
        Share of the weights that each layer keeps.
    densities
        The same for some layers, by name.
    least_weights
        Layers of fewer weights keep all, unless they are named: in small ones few weights are idle, and little is won.
    per_tensor
        One scale for all weights of a layer, not one a channel.
    symmetric
        Activations int8 with all zero points 0; otherwise uint8, with a zero point of 0 where none is negative.
    codes
        Values that the weights of a layer share, with zero; None for any. Shared values are the same in all channels,
        so there is one scale then.

    Raises
    ------
    ConfigError
        If a number is out of range.
    """

    density: float = 1.0
    densities: Mapping[str, float] = dataclasses.field(default_factory=dict)
    least_weights: int = 0
    per_tensor: bool = False
    symmetric: bool = False
    codes: int | None = None

    def __post_init__(self) -> None:
        for name, density in [("density", self.density), *self.densities.items()]:
            check_number(name, density, 0, 1)
            check(name, density > 0, "more than 0", density)
        if self.codes is not None:
            check("share", 2 <= self.codes <= MOST_CODES, f"from 2 to {MOST_CODES}", self.codes)

    def density_of(self, name: str, weights: int) -> float:
        """Density of a layer of so many weights."""
        return self.densities.get(name, 1.0 if weights < self.least_weights else self.density)

    @property
    def per_channel(self) -> bool:
        """Whether each channel has a scale."""
        return not self.per_tensor and self.codes is None


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompressedLayer:
    """A layer and what became of its weights.

    Parameters
    ----------
    name, operator, shape
        Of the layer and of its weights.
    size
        After compression.
    """

    name: str
    operator: str
    shape: tuple[int, ...]
    size: WeightSize


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Compressed:
    """A compressed model.

    Parameters
    ----------
    model
        The quantized ONNX model.
    layers
        Its layers; weights that several of them have are listed with the first.
    zero_points
        Activations by their zero point: how many have zero point 0, and how many another one.
    accuracy_before, accuracy_after
        Share of examples whose largest score is at the label, if there were any.
    """

    model: "onnx.ModelProto"
    layers: list[CompressedLayer]
    zero_points: tuple[int, int]
    accuracy_before: float | None
    accuracy_after: float | None


def compress(
    path: Path,
    calibration: np.ndarray,
    recipe: Recipe,
    examples: tuple[np.ndarray, np.ndarray] | None = None,
    progress: Callable[[str], None] = lambda detail: None,
) -> Compressed:
    """Compress a model.

    Parameters
    ----------
    path
        The ONNX model in float32, of one input.
    calibration
        Typical inputs, float32, examples x the rest of the input's shape: they give the range of each activation.
    recipe
        How.
    examples
        Inputs and labels to measure the accuracy on.
    progress
        Called with what is done next.

    Raises
    ------
    UsageError
        If the file is no such model, an array doesn't fit it, or a layer's name isn't known.
    FailureError
        If a package is missing, or the quantizer did not keep to what it was asked for.
    """
    import_packages()
    progress("reading the model")
    source = load_float_model(path)
    names = [layer.name for layer in source.layers]
    for name in recipe.densities:
        if name not in names:
            hint = did_you_mean(name, names) or "batch normalization is folded before; --density says it for all"
            raise UsageError(f"--density must be of a layer of {path} ({', '.join(names)}), not {name!r}", hint)
    for layer in source.layers:
        if not np.isfinite(source.weights(layer)).all():
            raise UsageError(f"{path}: layer {layer.name} has weights that are not finite numbers")
    source.check_input("--calibrate", calibration)
    before = after = None
    if examples:
        _check_examples(source, *examples)
        progress("measuring the accuracy before")
        before = _accuracy(source, source.model, *examples)
    layers = list({layer.weight: layer for layer in reversed(source.layers)}.values())[::-1]
    for layer in layers:
        progress(f"pruning {layer.name}")
        weights = source.weights(layer)
        weights = prune(weights, recipe.density_of(layer.name, weights.size))
        source.set_weights(layer, weights if recipe.codes is None else share(weights, recipe.codes))
    progress("quantizing")
    quantized = _quantize(source, calibration, recipe)
    progress("checking the weights")
    sizes = [check_weights(source, layer, quantized, recipe.codes) for layer in layers]
    if examples:
        progress("measuring the accuracy after")
        after = _accuracy(source, quantized, *examples)
    return Compressed(
        model=quantized,
        layers=[
            CompressedLayer(name=layer.name, operator=layer.operator, shape=source.weights(layer).shape, size=size)
            for layer, size in zip(layers, sizes, strict=True)
        ],
        zero_points=_zero_points(quantized),
        accuracy_before=before,
        accuracy_after=after,
    )


def check_weights(
    source: FloatModel, layer: WeightLayer, quantized: "onnx.ModelProto", codes: int | None
) -> WeightSize:
    """Check the quantized weights of a layer, and measure them.

    Raises
    ------
    FailureError
        If they are not int8 with zero points of 0, a pruned weight is not zero, or they have more values than `codes`.
    """
    import onnx

    constants = {name: onnx.numpy_helper.to_array(tensor) for name, tensor in initializers(quantized).items()}
    uses = [node for node in quantized.graph.node if node.op_type == "DequantizeLinear"]
    use = next((node for node in uses if node.input[0] == f"{layer.weight}_quantized"), None)
    if use is None:
        raise FailureError(f"layer {layer.name}: onnxruntime left it in float32")
    weights, scales, zeros = (constants[name] for name in use.input)
    if weights.dtype != np.int8 or zeros.any():
        raise FailureError(f"layer {layer.name}: quantized weights must be int8 with zero points of 0")
    if weights[source.weights(layer) == 0].any():
        raise FailureError(f"layer {layer.name}: a pruned weight is not zero after quantization")
    found = len(np.unique(weights[weights != 0])) + 1
    if codes is not None and found > codes:
        raise FailureError(f"layer {layer.name}: weights have {found} values after quantization, not {codes}")
    return WeightSize.of(weights, scales.size, codes)


def _quantize(source: FloatModel, calibration: np.ndarray, recipe: Recipe) -> "onnx.ModelProto":
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        """Gives the calibration set to onnxruntime, a batch after the other."""

        def __init__(self) -> None:
            self.left: Iterator[Any] = source.batches(calibration)

        def get_next(self) -> Any:
            return next(self.left, None)

    options = {"WeightSymmetric": True, "ActivationSymmetric": recipe.symmetric, "MatMulConstBOnly": True}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        given, made = Path(folder) / "given.onnx", Path(folder) / "made.onnx"
        onnx.save(source.model, str(given))
        try:
            quantize_static(
                str(given),
                str(made),
                Reader(),
                quant_format=QuantFormat.QDQ,
                per_channel=recipe.per_channel,
                activation_type=QuantType.QInt8 if recipe.symmetric else QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                extra_options=options,
            )
        except MemoryError:
            raise
        except Exception as error:  # the quantizer has no class of its own
            raise FailureError(f"onnxruntime can't quantize the model ({first_line(error)})") from error
        return onnx.load(str(made))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep advice of the quantizer off the terminal: what is wrong with its result is checked."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _zero_points(model: "onnx.ModelProto") -> tuple[int, int]:
    import onnx

    constants = initializers(model)
    found = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    zero = sum(not onnx.numpy_helper.to_array(constants[node.input[2]]).any() for node in found)
    return zero, len(found) - zero


def _check_examples(source: FloatModel, values: np.ndarray, labels: np.ndarray) -> None:
    source.check_input("--evaluate", values)
    if labels.dtype.kind not in "iu":
        raise UsageError(f"--labels must be integers, not {labels.dtype}")
    if labels.shape != (len(values),):
        raise UsageError(
            f"--labels must be one for each of the {len(values)} examples of --evaluate, not {labels.shape}"
        )


def _accuracy(source: FloatModel, model: "onnx.ModelProto", values: np.ndarray, labels: np.ndarray) -> float:
    scores = source.predict(model, values)
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise UsageError(f"--labels must be from 0 to {scores.shape[1] - 1}, not {wrong}")
    return float(np.mean(scores.argmax(axis=1) == labels))
