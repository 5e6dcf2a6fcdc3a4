"""What ``tensorloom sim`` runs: a product or a convolution, with random tensors or the user's."""

import dataclasses
import difflib
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import UsageError
from ..run.files import writing
from ..run.jobs import Job
from ..run.jobs import layer_job as random_layer_job
from .errors import usage_errors

if TYPE_CHECKING:
    from ..sim.golden.geometry import ConvolutionSteps
    from ..sim.workloads.layers import LayerShape

__all__ = ["layer_job", "make_job", "parse_steps", "read_tensor", "write_tensor"]

DEFAULT_KINDS = "int8,int8"

KINDS = ("int8", "uint8", "int16", "uint16")

LARGEST = 1 << 28
"""Elements of a random tensor, a padded input or a result; more would take hours to simulate."""


DEFAULTS: "ConvolutionSteps" = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def parse_steps(text: str) -> int | tuple[int, ...]:
    """Parser of ``2`` or ``2,1``: one number, or one for each axis or side."""
    parts = str(text).split(",")
    if not all(re.fullmatch(r"-?\d+", part.strip()) for part in parts):
        raise typer.BadParameter(f"{text!r} is not a number, or numbers with commas between them")
    return tuple(map(int, parts)) if len(parts) > 1 else int(text)


def make_job(
    *,
    matmul: str | None,
    conv: str | None,
    a_file: Path | None,
    b_file: Path | None,
    kinds: str,
    seed: int,
    steps: "ConvolutionSteps",
    wraps: bool,
) -> Job:
    """Make the job that the options describe.

    Raises
    ------
    UsageError
        For options that contradict one another, sizes or kinds that can't be read, and files that hold no tensor.
    """
    if (a_file is None) != (b_file is None):
        raise UsageError("--a and --b must be given together")
    if a_file and b_file:
        if matmul or conv:
            raise UsageError("give sizes (--matmul, --conv) or tensors (--a, --b), not both")
        if kinds != DEFAULT_KINDS:
            raise UsageError("--kinds is of random tensors; those of --a and --b have types of their own")
        a, b = read_tensor(a_file), read_tensor(b_file)
        if a.ndim not in (2, 4):
            raise UsageError(f"{a_file}: the tensor must be of rank 2 (product) or 4 (convolution), not {a.ndim}")
        convolution = steps if a.ndim == 4 else None
    elif bool(matmul) == bool(conv):
        raise UsageError(
            "one of --matmul MxKxN, --conv NxHxWxC,RxS,K, --shape HxWxC,RxS,K, --layer NAME, or --a and --b is needed"
        )
    else:
        a_shape, b_shape = _conv_shapes(conv, steps.get("groups", 1)) if conv else _matmul_shapes(str(matmul))
        a, b = _random(a_shape, b_shape, kinds, seed)
        convolution = steps if conv else None
    names = ("--a", "--b") if a_file else ("activations", "weights")
    if convolution is None and steps != DEFAULTS:
        raise UsageError("--stride, --padding, --dilation and --groups go with a convolution")
    if convolution is None:
        _check_sizes(result=[*a.shape[:-1], *b.shape[1:]])
    elif b.ndim == 4:
        _check_convolution(a.shape, b.shape, convolution, names)
    name = f"{'convolution' if convolution else 'product'} {_text(a)} by {_text(b)}"
    return Job(name=name, a=a, b=b, convolution=convolution, wraps=wraps, names=names)


def layer_job(
    *,
    layer: str | None,
    shape: str | None,
    part: str | None,
    density: str,
    bits: int,
    seed: int,
    steps: "ConvolutionSteps",
    wraps: bool,
) -> Job:
    """Make a job of a known network's layer, or of a layer of the given shape, with random sparse tensors.

    Raises
    ------
    UsageError
        For an unknown layer, sizes and densities that can't be read, and steps that a layer already has.
    """
    from ..sim.workloads.layers import LayerShape, sample

    if layer and shape:
        raise UsageError("give --layer or --shape, not both")
    if layer:
        if steps != DEFAULTS:
            raise UsageError("--stride, --padding, --dilation and --groups are those of the layer")
        found = _find_layer(layer)
    else:
        (height, width, channels), (r, s), (kernels,) = _parts("--shape", str(shape), "HxWxC,RxS,K")
        with usage_errors():
            found = LayerShape(
                name="layer", height=height, width=width, channels=channels, rows=r, columns=s, kernels=kernels, **steps
            )
            assert found.geometry
    if part:
        (height, width, channels), (kernels,) = _parts("--part", part, "HxWxC,K")
        found = sample(found, height, width, channels, kernels)
    _check_sizes(activations=found.x_shape, weights=found.w_shape)
    _check_convolution((1, *found.x_shape), found.w_shape, found.steps)
    with usage_errors("--density"):
        job = random_layer_job(found, *_densities(density), bits=bits, seed=seed)
    return dataclasses.replace(job, wraps=wraps)


def _find_layer(name: str) -> "LayerShape":
    from ..sim.workloads.layers import NETWORKS, find_layer

    found = find_layer(name)
    if found is None:
        names = [layer.name for layers in NETWORKS.values() for layer in layers]
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"layers are network/layer, such as {names[0]}"
        raise UsageError(f"--layer must be a layer of {', '.join(NETWORKS)}, not {name!r}", hint)
    return found


def _densities(text: str) -> tuple[float, float]:
    parts = text.split("/")
    try:
        activations, weights = map(float, parts)
    except ValueError:
        raise UsageError(f"--density must be of the form IA/W, not {text!r}") from None
    return activations, weights


def _parts(option: str, text: str, form: str) -> list[list[int]]:
    """Numbers of ``2x3x4,5``, as many as `form` has."""
    parts = text.split(",")
    if len(parts) != form.count(",") + 1:
        raise UsageError(f"{option} must be of the form {form}, not {text!r}")
    return [_sizes(option, numbers, names) for numbers, names in zip(parts, form.split(","), strict=True)]


def read_tensor(path: Path) -> Any:
    """Read an ``.npy`` file.

    Raises
    ------
    UsageError
        If it doesn't hold one plain array.
    """
    import numpy as np

    try:
        tensor = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path}: not a readable .npy file ({str(error).splitlines()[0]})") from error
    if not isinstance(tensor, np.ndarray):
        raise UsageError(f"{path}: holds several arrays (.npz); save the one that is meant as .npy")
    return tensor


def write_tensor(path: Path, tensor: Any) -> None:
    """Write an ``.npy`` file, complete or not at all.

    Raises
    ------
    UsageError
        If it can't be written.
    """
    import numpy as np

    content = io.BytesIO()
    np.save(content, tensor)
    with writing(path):
        write_files(path.parent, {path.name: content.getvalue()})


def _sizes(option: str, text: str, form: str) -> list[int]:
    """Numbers of ``2x3x4``, as many as `form` has."""
    parts = text.lower().split("x")
    if len(parts) != form.count("x") + 1 or not all(re.fullmatch(r"-?\d+", part) for part in parts):
        raise UsageError(f"{option} must be of the form {form}, not {text!r}")
    sizes = [int(part) for part in parts]
    for name, size in zip(form.split("x"), sizes, strict=True):
        if size < 1:
            raise UsageError(f"{name} in {option} must be at least 1, not {size}")
    return sizes


def _matmul_shapes(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    m, k, n = _sizes("--matmul", text, "MxKxN")
    return (m, k), (k, n)


def _conv_shapes(text: str, groups: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    (n, height, width, channels), (r, s), (k,) = _parts("--conv", text, "NxHxWxC,RxS,K")
    if groups < 1 or channels % groups:
        raise UsageError(f"--groups must be a divisor of the {channels} channels, not {groups}")
    return (n, height, width, channels), (r, s, channels // groups, k)


def _check_sizes(**shapes: Sequence[int]) -> None:
    """Refuse tensors that no machine simulates, before any memory is taken for them."""
    for name, shape in shapes.items():
        if math.prod(shape) > LARGEST:
            title = name.replace("_", " ")
            raise UsageError(f"{title} must have at most {LARGEST:,} elements, not {math.prod(shape):,}")


def _check_convolution(
    x_shape: Sequence[int],
    w_shape: Sequence[int],
    steps: "ConvolutionSteps",
    names: tuple[str, str] = ("activations", "weights"),
) -> None:
    """Check sizes and steps, and the size of what padding makes of them."""
    from ..sim.golden.geometry import ConvolutionGeometry

    with usage_errors():
        geometry = ConvolutionGeometry.of(x_shape, w_shape, **steps, names=names)
    _check_sizes(padded_activations=geometry.padded_shape(x_shape), result=geometry.output_shape)


def _random(a_shape: tuple[int, ...], b_shape: tuple[int, ...], kinds: str, seed: int) -> tuple[Any, Any]:
    import numpy as np

    names = [kind.strip() for kind in kinds.split(",")]
    if len(names) != 2 or not set(names) <= set(KINDS):
        raise UsageError(f"--kinds must be two of {', '.join(KINDS)} (activations,weights), not {kinds!r}")
    generator = np.random.default_rng(seed)
    _check_sizes(activations=a_shape, weights=b_shape)
    # The largest 16-bit magnitudes whose sums always fit 32-bit accumulators.
    budget = (2**31 - 1) // math.prod(b_shape[:-1])
    narrow = [255 for name in names if name.endswith("int8")]
    largest = budget // 255 if narrow else math.isqrt(budget)
    a, b = (
        generator.integers(max(info.min, -largest), min(info.max, largest), shape, name, endpoint=True)
        if (info := np.iinfo(name)).bits == 16
        else generator.integers(info.min, info.max, shape, name, endpoint=True)
        for shape, name in zip((a_shape, b_shape), names, strict=True)
    )
    return a, b


def _text(tensor: Any) -> str:
    return f"{'x'.join(map(str, tensor.shape))} {tensor.dtype}"
