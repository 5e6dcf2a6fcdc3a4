"""Between numpy arrays and the bits of ports: `pack` for inputs, `unpack` for outputs.

A port of `width` bits is stored as Verilator stores it: in 1, 2, 4 or 8 bytes, or in 32-bit words if it is wider, bit 0
first. Shapes are those of the manifest: numbers, arrays (element 0 in the low bits) and structs.
"""

import math
from typing import Any

import numpy as np

__all__ = ["Shape", "pack", "port_bytes", "unpack"]

Shape = dict[str, Any]


def port_bytes(width: int) -> int:
    """Bytes in which Verilator stores a port."""
    return next((size for size in (1, 2, 4, 8) if width <= 8 * size), -(-width // 32) * 4)


def pack(name: str, value: Any, shape: Shape) -> np.ndarray:
    """Pack `n` values of `shape`.

    Parameters
    ----------
    name
        What to call the value in errors.
    value
        Array of integers of shape (n, ...); for structs a structured array or a dict of arrays by field.
    shape
        Shape of one value, as in the manifest.

    Returns
    -------
    ndarray of uint8, shape (n, `port_bytes`)

    Raises
    ------
    TypeError
        If a value is not of integers, or not a struct where one is due.
    ValueError
        For a wrong array shape, a number out of range, missing or unknown fields.
    """
    leaf = shape
    dims: tuple[int, ...] = ()
    while leaf["kind"] == "array":
        dims += (leaf["length"],)
        leaf = leaf["element"]
    if leaf["kind"] != "struct" and leaf["width"] in (8, 16, 32, 64):
        array = _checked(name, value, leaf, (None, *dims))
        packed = np.ascontiguousarray(array.astype(_dtype(leaf), copy=False)).reshape(len(array), -1).view(np.uint8)
    else:
        packed = np.packbits(_to_bits(name, value, shape, (None,)), axis=-1, bitorder="little")
    size = port_bytes(shape["width"])
    if packed.shape[1] == size:
        return packed
    padded = np.zeros((len(packed), size), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded


def unpack(packed: np.ndarray, shape: Shape) -> Any:
    """Inverse of `pack`: arrays of shape (n, ...) of the smallest integer type; for structs a dict of them."""
    leaf = shape
    dims: tuple[int, ...] = ()
    while leaf["kind"] == "array":
        dims += (leaf["length"],)
        leaf = leaf["element"]
    if leaf["kind"] != "struct" and leaf["width"] in (8, 16, 32, 64):
        used = np.ascontiguousarray(packed[:, : shape["width"] // 8])
        return used.view(_dtype(leaf)).reshape(len(packed), *dims)
    bits = np.unpackbits(packed, axis=-1, count=shape["width"], bitorder="little")
    return _from_bits(bits, shape)


def _dtype(leaf: Shape) -> np.dtype:
    """Smallest integer type that holds the number; Python integers beyond 64 bits."""
    if leaf["width"] > 64:
        return np.dtype(object)
    return np.dtype(f"<{'i' if leaf['kind'] == 'signed' else 'u'}{port_bytes(leaf['width'])}")


def _checked(name: str, value: Any, leaf: Shape, dims: tuple[int | None, ...]) -> np.ndarray:
    """`value` as an array of integers of the leaf's range with the given dimensions (None: any)."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be an array of shape {_text(dims)}, not ragged") from None
    width, signed = leaf["width"], leaf["kind"] == "signed"
    if array.dtype.kind == "O" and all(isinstance(item, (int, np.integer)) for item in array.flat):
        pass  # Python integers that no numpy type holds
    elif array.dtype.kind not in "iub" and array.size:
        raise TypeError(f"{name} must be an array of integers, not of {array.dtype}")
    if array.ndim != len(dims) or any(due not in (None, got) for due, got in zip(dims, array.shape, strict=True)):
        raise ValueError(f"{name} must have shape {_text(dims)}, not {array.shape}")
    low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    info = np.iinfo(array.dtype) if array.dtype.kind in "iu" else None
    if array.size and (info is None or info.min < low or info.max > high):
        low_seen, high_seen = int(array.min()), int(array.max())
        if low_seen < low or high_seen > high:
            worst = np.argmin(array) if low_seen < low else np.argmax(array)
            index = ", ".join(map(str, np.unravel_index(int(worst), array.shape)))
            found = low_seen if low_seen < low else high_seen
            raise ValueError(f"{name}[{index}] must be from {low} to {high}, not {found}")
    return array


def _text(dims: tuple[int | None, ...]) -> str:
    return f"({', '.join('*' if size is None else str(size) for size in dims)}{',' * (len(dims) == 1)})"


def _to_bits(name: str, value: Any, shape: Shape, dims: tuple[int | None, ...]) -> np.ndarray:
    """Bits of `value`, an array of `shape` with leading `dims`: uint8 of shape (*dims, width)."""
    if shape["kind"] == "array":
        inner = _to_bits(name, value, shape["element"], (*dims, shape["length"]))
        return inner.reshape(*inner.shape[:-2], shape["width"])
    if shape["kind"] == "struct":
        return _struct_bits(name, value, shape, dims)
    width = shape["width"]
    array = _checked(name, value, shape, dims)
    if width > 64:
        size = -(-width // 8)
        raw = b"".join((int(item) & (1 << width) - 1).to_bytes(size, "little") for item in array.flat)
        raw_bytes = np.frombuffer(raw, np.uint8).reshape(*array.shape, size)
    else:
        kind = "i" if shape["kind"] == "signed" else "u"
        words = np.ascontiguousarray(array.astype(f"<{kind}8"))
        raw_bytes = words.view(np.uint8).reshape(*array.shape, 8)
    return np.unpackbits(raw_bytes, axis=-1, count=width, bitorder="little")


def _struct_bits(name: str, value: Any, shape: Shape, dims: tuple[int | None, ...]) -> np.ndarray:
    if isinstance(value, np.ndarray) and value.dtype.names:
        value = {field: value[field] for field in value.dtype.names}
    if not isinstance(value, dict):
        raise TypeError(f"{name} must be a dict of arrays or a structured array, not {type(value).__name__}")
    fields = shape["fields"]
    if set(value) != set(fields):
        raise ValueError(f"{name} must have the fields {', '.join(fields)}, not {', '.join(map(str, value))}")
    parts = {}
    for field, part in fields.items():
        parts[field] = _to_bits(f"{name}.{field}", value[field], part["shape"], dims)
        dims = parts[field].shape[: len(dims)]  # all fields have as many values as the first
    bits = np.zeros((*(size or 0 for size in dims), shape["width"]), np.uint8)
    for field, part in fields.items():
        bits[..., part["offset"] : part["offset"] + part["shape"]["width"]] = parts[field]
    return bits


def _from_bits(bits: np.ndarray, shape: Shape) -> Any:
    if shape["kind"] == "array":
        element = shape["element"]
        return _from_bits(bits.reshape(*bits.shape[:-1], shape["length"], element["width"]), element)
    if shape["kind"] == "struct":
        return {
            name: _from_bits(bits[..., part["offset"] : part["offset"] + part["shape"]["width"]], part["shape"])
            for name, part in shape["fields"].items()
        }
    dtype, width, signed = _dtype(shape), shape["width"], shape["kind"] == "signed"
    if width > 64:
        raw = np.packbits(bits, axis=-1, bitorder="little").reshape(math.prod(bits.shape[:-1]), -1)
        numbers = [int.from_bytes(row.tobytes(), "little") for row in raw]
        numbers = [n - (1 << width) if signed and n >> width - 1 else n for n in numbers]
        values = np.empty(len(numbers), object)
        values[:] = numbers
        return values.reshape(bits.shape[:-1])
    full = np.empty((*bits.shape[:-1], 8 * dtype.itemsize), np.uint8)
    full[..., :width] = bits
    full[..., width:] = bits[..., -1:] if signed and width else 0
    raw_bytes = np.packbits(full, axis=-1, bitorder="little")
    return raw_bytes.view(dtype).reshape(bits.shape[:-1])
