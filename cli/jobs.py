"""What ``tensorloom sim`` runs: a product or a convolution, with random tensors or the user's."""

import dataclasses
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UsageError, writing

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Job", "make_job", "read_tensor", "write_tensor"]

KINDS = ("int8", "uint8", "int16", "uint16")

LARGEST = 1 << 28
"""Elements of a random tensor; more would take hours to simulate."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Job:
    """A product (`a` M x K, `b` K x N) or a convolution (`a` N x H x W x C, `b` R x S x C / groups x K).

    Parameters
    ----------
    convolution
        Stride, padding, dilation and groups, or None for a product.
    """

    name: str
    a: "np.ndarray"
    b: "np.ndarray"
    convolution: dict[str, int] | None


def make_job(
    *,
    matmul: str | None,
    conv: str | None,
    a_file: Path | None,
    b_file: Path | None,
    kinds: str,
    seed: int,
    steps: dict[str, int],
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
        a, b = read_tensor(a_file), read_tensor(b_file)
        if a.ndim not in (2, 4):
            raise UsageError(f"{a_file}: the tensor must be of rank 2 (product) or 4 (convolution), not {a.ndim}")
        convolution = steps if a.ndim == 4 else None
    elif bool(matmul) == bool(conv):
        raise UsageError("one of --matmul MxKxN, --conv NxHxWxC,RxS,K, or --a and --b is needed")
    else:
        a_shape, b_shape = _conv_shapes(conv, steps["groups"]) if conv else _matmul_shapes(str(matmul))
        a, b = _random(a_shape, b_shape, kinds, seed)
        convolution = steps if conv else None
    name = f"{'convolution' if convolution else 'product'} {_text(a)} by {_text(b)}"
    return Job(name=name, a=a, b=b, convolution=convolution)


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

    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        try:
            with partial.open("wb") as file:
                np.save(file, tensor)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


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
    form = "NxHxWxC,RxS,K"
    if text.count(",") != 2:
        raise UsageError(f"--conv must be of the form {form}, not {text!r}")
    image, kernel, kernels = text.split(",")
    n, height, width, channels = _sizes("--conv", image, "NxHxWxC")
    r, s = _sizes("--conv", kernel, "RxS")
    (k,) = _sizes("--conv", kernels, "K")
    if groups < 1 or channels % groups:
        raise UsageError(f"--groups must be a divisor of the {channels} channels, not {groups}")
    return (n, height, width, channels), (r, s, channels // groups, k)


def _random(a_shape: tuple[int, ...], b_shape: tuple[int, ...], kinds: str, seed: int) -> tuple[Any, Any]:
    import numpy as np

    names = [kind.strip() for kind in kinds.split(",")]
    if len(names) != 2 or not set(names) <= set(KINDS):
        raise UsageError(f"--kinds must be two of {', '.join(KINDS)} (activations,weights), not {kinds!r}")
    generator = np.random.default_rng(seed)
    for shape in (a_shape, b_shape):
        if math.prod(shape) > LARGEST:
            raise UsageError(f"a random tensor must have at most {LARGEST:,} elements, not {math.prod(shape):,}")
    a, b = (
        generator.integers(np.iinfo(name).min, np.iinfo(name).max, shape, name, endpoint=True)
        for shape, name in zip((a_shape, b_shape), names, strict=True)
    )
    return a, b


def _text(tensor: Any) -> str:
    return f"{'x'.join(map(str, tensor.shape))} {tensor.dtype}"
