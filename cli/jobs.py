"""What ``tensorloom sim`` runs: a product or a convolution, with random tensors or the user's."""

import dataclasses
import difflib
import io
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..hw.config import check_int, check_number
from ..hw.emit.files import write_files
from ..hw.errors import UsageError
from ..run.files import writing
from ..run.jobs import Job
from ..run.jobs import layer_job as random_layer_job
from .errors import usage_errors

if TYPE_CHECKING:
    from ..sim.golden.geometry import ConvolutionSteps
    from ..sim.workloads.layers import LayerShape

__all__ = [
    "DEFAULTS",
    "STEP_OPTIONS",
    "layer_job",
    "layer_of_shape",
    "make_job",
    "parse_densities",
    "parse_steps",
    "part_sizes",
    "read_tensor",
    "small_job",
    "write_tensor",
    "write_tensors",
]

DEFAULT_KINDS = "int8,int8"

KINDS = ("int8", "uint8", "int16", "uint16")

DEFAULTS: "ConvolutionSteps" = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}

STEP_OPTIONS = {name: f"--{name}" for name in DEFAULTS}
"""What errors about steps call them."""

INTEGER = re.compile(r"-?[0-9]{1,4000}")


def parse_steps(text: str) -> int | tuple[int, ...]:
    """Parser of ``2`` or ``2,1``: one number, or one for each axis or side."""
    parts = str(text).split(",")
    if not all(INTEGER.fullmatch(part.strip()) for part in parts):
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
        if matmul is not None or conv is not None:
            raise UsageError("give sizes (--matmul, --conv) or tensors (--a, --b), not both")
        if kinds != DEFAULT_KINDS:
            raise UsageError("--kinds is of random tensors; those of --a and --b have types of their own")
        a, b = read_tensor(a_file), read_tensor(b_file)
        if a.ndim not in (2, 4):
            raise UsageError(f"--a must be of rank 2 (M x K) or 4 (N x H x W x C), not {a.shape}")
        convolution = steps if a.ndim == 4 else None
    elif (matmul is None) == (conv is None):
        raise UsageError(
            "one of --matmul MxKxN, --conv NxHxWxC,RxS,K, --shape HxWxC,RxS,K, --layer NAME, or --a and --b is needed"
        )
    else:
        a_shape, b_shape = _matmul_shapes(str(matmul)) if conv is None else _conv_shapes(conv, steps)
        a, b = _random(a_shape, b_shape, kinds, seed)
        convolution = None if conv is None else steps
    names = ("--a", "--b") if a_file else ("activations", "weights")
    if convolution is None and steps != DEFAULTS:
        raise UsageError("--stride, --padding, --dilation and --groups go with a convolution")
    name = f"{'convolution' if convolution else 'product'} {_text(a)} by {_text(b)}"
    with usage_errors():
        return Job(name=name, a=a, b=b, convolution=convolution, wraps=wraps, names=names)


def small_job(*, matmul: str | None, a_file: Path | None, b_file: Path | None, seed: int) -> Job:
    """Make a random product that people can follow, or one of the user's tensors.

    Raises
    ------
    UsageError
        If neither or both are given, for sizes that can't be read, and files that hold no tensor.
    """
    from ..run.random_jobs import small_product

    if (matmul is None) != bool(a_file and b_file) or (matmul is not None and (a_file or b_file)):
        raise UsageError("give sizes (--matmul MxKxN), or both tensors (--a and --b)")
    if matmul is not None:
        (m, k), (_, n) = _matmul_shapes(matmul)
        with usage_errors():
            return small_product(m, k, n, seed)
    return make_job(
        matmul=None, conv=None, a_file=a_file, b_file=b_file, kinds=DEFAULT_KINDS, seed=seed, steps=DEFAULTS,
        wraps=False,
    )  # fmt: skip


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
    from ..sim.golden.tensors import check_elements
    from ..sim.workloads.layers import sample

    if layer is not None and shape is not None:
        raise UsageError("give --layer or --shape, not both")
    if layer is not None:
        if steps != DEFAULTS:
            raise UsageError("--stride, --padding, --dilation and --groups are those of the layer")
        found = _find_layer(layer)
    else:
        found = layer_of_shape(str(shape), steps)
    if part is not None:
        found = sample(found, *part_sizes(part))
    densities = parse_densities(density)
    with usage_errors(options=STEP_OPTIONS):
        assert found.geometry
        check_elements("activations", found.x_shape)
        check_elements("weights", found.w_shape)
        job = random_layer_job(found, *densities, bits=bits, seed=seed)
    return dataclasses.replace(job, wraps=wraps)


def _find_layer(name: str) -> "LayerShape":
    from ..sim.workloads.layers import NETWORKS, find_layer

    found = find_layer(name)
    if found is None:
        names = [layer.name for layers in NETWORKS.values() for layer in layers]
        near = difflib.get_close_matches(name, names, 1, 0.85)
        network = name.partition("/")[0]
        listed = f"tensorloom layers {network} lists them" if network in NETWORKS else "tensorloom layers lists them"
        hint = f"did you mean {near[0]}? {listed}" if near else f"layers are network/layer; {listed}"
        raise UsageError(f"--layer must be a layer of {', '.join(NETWORKS)}, not {name!r}", hint)
    return found


def part_sizes(text: str) -> tuple[int, int, int, int]:
    """Height, width, channels and kernels that ``--part HxWxC,K`` says.

    Raises
    ------
    UsageError
        If it can't be read.
    """
    (height, width, channels), (kernels,) = _parts("--part", text, "HxWxC,K")
    return height, width, channels, kernels


def layer_of_shape(text: str, steps: "ConvolutionSteps" = DEFAULTS, name: str = "--shape") -> "LayerShape":
    """The layer that ``HxWxC,RxS,K`` says, with these steps; `name` is what errors call it.

    Raises
    ------
    UsageError
        If it can't be read, or sizes make no convolution.
    """
    from ..sim.workloads.layers import LayerShape

    (height, width, channels), (r, s), (kernels,) = _parts(name, text, "HxWxC,RxS,K")
    with usage_errors(options=STEP_OPTIONS):
        found = LayerShape(
            name="layer", height=height, width=width, channels=channels, rows=r, columns=s, kernels=kernels, **steps
        )
        check_int("groups", found.groups, 1)
        assert found.geometry
    return found


def parse_densities(text: str) -> tuple[float, float]:
    """Densities of activations and weights from ``IA/W``.

    Raises
    ------
    UsageError
        If they aren't two numbers from 0 to 1.
    """
    parts = text.split("/")
    try:
        activations, weights = map(float, parts if text.isascii() else ())
    except ValueError:
        raise UsageError(f"--density must be of the form IA/W, two numbers from 0 to 1, not {text!r}") from None
    with usage_errors():
        return check_number("IA in --density", activations, 0, 1), check_number("W in --density", weights, 0, 1)


def _parts(option: str, text: str, form: str) -> list[list[int]]:
    """Numbers of ``2x3x4,5``, as many as `form` has."""
    parts = text.split(",")
    forms = form.split(",")
    groups = [part.lower().split("x") for part in parts]
    fits = [len(group) for group in groups] == [names.count("x") + 1 for names in forms]
    if not fits or not all(INTEGER.fullmatch(number) for group in groups for number in group):
        raise UsageError(f"{option} must be of the form {form}, not {text!r}")
    sizes = [[int(number) for number in group] for group in groups]
    for name, size in zip(re.split("[x,]", form), sum(sizes, []), strict=True):
        if size < 1:
            raise UsageError(f"{name} in {option} must be at least 1, not {size}")
    return sizes


def read_tensor(path: Path) -> Any:
    """Read an ``.npy`` file of numbers.

    Raises
    ------
    UsageError
        If it doesn't hold one plain array.
    """
    import numpy as np

    def refuse(reason: str) -> UsageError:
        return UsageError(f"{path}: not a readable .npy file ({reason})")

    try:
        with path.open("rb") as file:
            start = file.read(len(np.lib.format.MAGIC_PREFIX))
            if start.startswith(b"PK"):
                raise UsageError(f"{path}: holds several arrays (.npz); save the one that is meant as .npy")
            if start != np.lib.format.MAGIC_PREFIX:
                raise refuse("it doesn't begin like one; numpy.save writes them")
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise refuse(error.strerror or "it can't be read") from error
    except (UsageError, MemoryError):
        raise
    except Exception as error:  # a header that is damaged brings all sorts
        objects = "allow_pickle" in str(error)
        raise refuse("it holds Python objects, not numbers" if objects else "it is cut off or damaged") from error


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


def write_tensors(path: Path, tensors: Mapping[str, Any]) -> None:
    """Write an ``.npz`` file of arrays by name; else as `write_tensor`."""
    import numpy as np

    content = io.BytesIO()
    np.savez(content, **tensors)
    with writing(path):
        write_files(path.parent, {path.name: content.getvalue()})


def _matmul_shapes(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    ((m, k, n),) = _parts("--matmul", text, "MxKxN")
    return (m, k), (k, n)


def _conv_shapes(text: str, steps: "ConvolutionSteps") -> tuple[tuple[int, ...], tuple[int, ...]]:
    from ..sim.golden.geometry import ConvolutionGeometry

    groups = steps.get("groups", 1)
    (n, height, width, channels), (r, s), (k,) = _parts("--conv", text, "NxHxWxC,RxS,K")
    if groups < 1 or channels % groups:
        raise UsageError(f"--groups must be a divisor of the {channels} channels, not {groups}")
    x_shape, w_shape = (n, height, width, channels), (r, s, channels // groups, k)
    with usage_errors(options=STEP_OPTIONS):
        ConvolutionGeometry.of(x_shape, w_shape, **steps, names=("activations", "weights"))
    return x_shape, w_shape


def _random(a_shape: tuple[int, ...], b_shape: tuple[int, ...], kinds: str, seed: int) -> tuple[Any, Any]:
    import numpy as np

    from ..sim.golden.tensors import check_elements

    names = [kind.strip() for kind in kinds.split(",")]
    if len(names) != 2 or not set(names) <= set(KINDS):
        raise UsageError(f"--kinds must be two of {', '.join(KINDS)} (activations,weights), not {kinds!r}")
    generator = np.random.default_rng(seed)
    with usage_errors():
        check_elements("activations", a_shape)
        check_elements("weights", b_shape)
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
