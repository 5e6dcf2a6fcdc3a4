"""Import of what picks elements: each is told by the number that the operator leaves of it."""

import dataclasses
import math
from typing import Any

import numpy as np

from .errors import RefusedError
from .floating import applied
from .graph import Pick, Value
from .moves import behind
from .operation import Operation, evaluate
from .states import Bytes, Curve, Floats, Pending, Real, State, shape_of

__all__ = ["HANDLERS"]

MOST_ELEMENTS = 1 << 28
"""Of a result; each has a number here."""

PICKS = ("DepthToSpace", "Expand", "Gather", "Slice", "SpaceToDepth", "Split", "Tile")


def _pick(operation: Operation) -> list[State]:
    """All but a Resize."""
    shape = shape_of(operation.needed(0))
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    constants = {
        name: array
        for at, name in enumerate(operation.proto.input)
        if at and name and (array := operation.constant(at, f"input {at}")) is not None
    }
    more = next(iter(constants.values()), np.ones(1))
    if operation.operator in ("Expand", "Tile"):  # before they are made
        _check_size(np.maximum(shape, 1), np.abs(more) if operation.operator == "Tile" else np.maximum(more, 1))
    if operation.operator == "Split" and constants:
        length = shape[int(operation.attributes.get("axis", 0))]
        if more.sum() != length:
            raise RefusedError(f"parts of {more.sum()} elements don't make up {length}")
    arrays = {operation.proto.input[0]: numbers, **constants}
    return _picked(operation, evaluate(operation.proto, operation.builder.opset, arrays))


def _resize(operation: Operation) -> list[State]:
    """To the nearest pixel, axis by axis; other modes are computed in floats."""
    attributes, found = operation.attributes, operation.needed(0)
    if attributes.get("keep_aspect_ratio_policy", b"stretch") != b"stretch":
        raise RefusedError(f"attribute keep_aspect_ratio_policy is {attributes['keep_aspect_ratio_policy'].decode()}")
    if attributes.get("mode", b"nearest") != b"nearest":
        return applied(operation, exact=False)
    shape, old = shape_of(found), operation.builder.opset < 11
    scales, sizes = operation.constant(1 if old else 2, "scales"), operation.constant(3, "sizes")
    axes = [int(axis) % len(shape) for axis in attributes.get("axes", range(len(shape)))]
    given = scales if sizes is None else sizes
    if given is None or given.size != len(axes) or given.min() <= 0:
        raise RefusedError(f"has no positive scales or sizes for {len(axes)} axes")
    where = attributes.get("coordinate_transformation_mode", b"asymmetric" if old else b"half_pixel").decode()
    rounding = "" if old else attributes.get("nearest_mode", b"round_prefer_floor").decode()
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    for axis, number in zip(axes, given, strict=True):
        length = int(number) if sizes is not None else int(np.float32(shape[axis]) * np.float32(number))
        _check_size(numbers.shape, [length], 1 / shape[axis])
        scale = np.float32(length) / np.float32(shape[axis]) if sizes is not None else np.float32(number)
        numbers = numbers.take(_nearest(shape[axis], length, scale, where, rounding), axis)
    return _picked(operation, [numbers])


def _check_size(*sizes: Any) -> None:
    """Refuse what would have far too many elements."""
    most = math.prod(math.prod(np.atleast_1d(one).astype(float)) for one in sizes)
    if not most <= MOST_ELEMENTS:
        raise RefusedError(f"makes up to {most:,.0f} elements; at most {MOST_ELEMENTS:,} are supported")


def _nearest(before: int, after: int, scale: np.float32, where: str, rounding: str) -> np.ndarray:
    """Numbers of the nearest elements of a line, in float32 as onnxruntime has them."""
    at, half = np.arange(after, dtype=np.float32), np.float32(0.5)
    match where:
        case "asymmetric":
            real = at / scale
        case "half_pixel":
            real = (at + half) / scale - half
        case "pytorch_half_pixel":
            real = (at + half) / scale - half if after > 1 else at * 0
        case "align_corners":
            real = at * np.float32(before - 1) / np.float32(max(after - 1, 1))
        case _:
            raise RefusedError(f"attribute coordinate_transformation_mode is {where}")
    match rounding:
        case "":  # before there was a choice
            found = np.ceil(real) if scale < 1 else np.floor(real)
        case "floor":
            found = np.floor(real)
        case "ceil":
            found = np.ceil(real)
        case "round_prefer_floor":
            found = np.ceil(real - half)
        case "round_prefer_ceil":
            found = np.floor(real + half)
        case _:
            raise RefusedError(f"attribute nearest_mode is {rounding}")
    return found.clip(0, before - 1).astype(np.int64)


def _picked(operation: Operation, orders: list[np.ndarray]) -> list[State]:
    """The states of all outputs, whose elements have these numbers."""
    found, builder = operation.needed(0), operation.builder
    if any(order.size == 0 for order in orders):
        raise RefusedError("nothing is left")

    def move(value: Value, name: str, order: np.ndarray) -> Value:
        result = dataclasses.replace(value, name=name, shape=order.shape)
        return builder.emit(
            Pick(name=operation.name, operator=operation.operator, sources=(value,), result=result, order=order)
        )

    states: list[State] = []
    for output, order in zip(operation.proto.output, orders, strict=True):
        match found:
            case Bytes():
                states.append(Bytes(move(found.value, builder.name(output), order)))
            case Floats():
                states.append(Floats(move(found.value, builder.name(output), order)))
            case Curve():
                value = move(found.value, builder.inner(output), order)
                states.append(dataclasses.replace(found, value=value, near=False))
            case Real():

                def function(*x: np.ndarray, real: Real = found, order: np.ndarray = order) -> np.ndarray:
                    return real.function(*x).reshape(-1)[order]

                operators = (*found.operators, operation.operator)
                states.append(dataclasses.replace(found, function=function, shape=order.shape, operators=operators))
            case Pending() if len(orders) == 1:

                def last(value: Value, name: str, order: np.ndarray = order) -> Value:
                    return move(value, name, order)

                states.append(behind(found, last, order.shape, False))
            case _:
                raise RefusedError("its input isn't quantized; put a QuantizeLinear and DequantizeLinear in front")
    return states


HANDLERS = {"Resize": _resize} | dict.fromkeys(PICKS, _pick)
