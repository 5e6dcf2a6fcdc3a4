from typing import Any

import numpy as np
import pytest

from tensorloom.tb.bulk.pack import pack, port_bytes, unpack


def number(kind, width) -> dict[str, Any]:
    return {"kind": kind, "width": width}


def array(length, element) -> dict[str, Any]:
    return {"kind": "array", "width": length * element["width"], "length": length, "element": element}


def struct(**shapes):
    fields, offset = {}, 0
    for name, shape in shapes.items():
        fields[name] = {"offset": offset, "shape": shape}
        offset += shape["width"]
    return {"kind": "struct", "width": offset, "fields": fields}


def as_int(row):
    return int.from_bytes(row.tobytes(), "little")


@pytest.mark.parametrize("kind", ["signed", "unsigned"])
@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 16, 17, 31, 32, 33, 63, 64, 65, 100])
@pytest.mark.parametrize("dims", [(), (3,), (2, 5)])
def test_round_trip_against_integer_arithmetic(kind, width, dims, seed):
    rng = np.random.default_rng(seed)
    shape = number(kind, width)
    for length in reversed(dims):
        shape = array(length, shape)
    raw = [int.from_bytes(rng.bytes(13), "little") % (1 << width) for _ in range(4 * int(np.prod(dims, dtype=int)))]
    values = [n - (1 << width) if kind == "signed" and n >> width - 1 else n for n in raw]
    given = np.array(values, object).reshape(4, *dims)
    packed = pack("x", given if width > 64 else given.astype(np.int64 if kind == "signed" else np.uint64), shape)
    assert packed.shape == (4, port_bytes(shape["width"]))
    per_row = len(raw) // 4
    for index, row in enumerate(packed):
        part = raw[index * per_row : (index + 1) * per_row]
        assert as_int(row) == sum(n << at * width for at, n in enumerate(part))
    back = unpack(packed, shape)
    assert back.shape == given.shape and (back.astype(object) == given).all()


def test_smallest_types_come_back():
    assert unpack(pack("x", [1], number("signed", 9)), number("signed", 9)).dtype == np.int16
    assert unpack(pack("x", [1], number("unsigned", 17)), number("unsigned", 17)).dtype == np.uint32


def test_struct_from_dict_and_structured_array():
    shape = struct(a=number("signed", 5), b=array(2, number("unsigned", 3)), c=number("unsigned", 1))
    fields = {"a": np.array([-16, 15]), "b": np.array([[1, 2], [7, 0]]), "c": np.array([True, False])}
    packed = pack("x", fields, shape)
    assert [as_int(row) for row in packed] == [16 | 1 << 5 | 2 << 8 | 1 << 11, 15 | 7 << 5]
    records = np.zeros(2, [("a", "i1"), ("b", "u1", 2), ("c", "u1")])
    for name, values in fields.items():
        records[name] = values
    assert (pack("x", records, shape) == packed).all()
    back = unpack(packed, shape)
    assert all((back[name] == fields[name]).all() for name in fields)


def test_array_of_structs():
    shape = array(2, struct(a=number("unsigned", 4), b=number("signed", 6)))
    fields = {"a": np.array([[1, 2]]), "b": np.array([[-1, 3]])}
    packed = pack("x", fields, shape)
    assert as_int(packed[0]) == 1 | 63 << 4 | 2 << 10 | 3 << 14
    back = unpack(packed, shape)
    assert back["b"].tolist() == [[-1, 3]] and back["a"].tolist() == [[1, 2]]


def test_wide_port_is_padded_to_words():
    packed = pack("x", [[1] * 9], array(9, number("unsigned", 8)))
    assert packed.shape == (1, 12) and packed[0].tolist() == [1] * 9 + [0] * 3


PAIR = struct(a=number("unsigned", 4), b=number("unsigned", 4))


@pytest.mark.parametrize(
    ("value", "shape", "error", "text"),
    [
        (np.ones((3, 4), int), array(256, number("signed", 8)), ValueError, r"have shape \(\*, 256\), not \(3, 4\)"),
        (5, number("unsigned", 8), ValueError, r"x must have shape \(\*,\), not \(\)"),
        ([[1, 2], [3]], array(2, number("unsigned", 8)), ValueError, "not ragged"),
        ([[0, 0], [0, 300]], array(2, number("unsigned", 8)), ValueError, r"x\[1, 1\] must be from 0 to 255, not 300"),
        ([-1], number("unsigned", 8), ValueError, r"x\[0\] must be from 0 to 255, not -1"),
        ([0, -9], number("signed", 4), ValueError, r"x\[1\] must be from -8 to 7, not -9"),
        ([1 << 65], number("unsigned", 65), ValueError, r"x\[0\] must be from 0 to \d+, not \d+"),
        ([1.0], number("unsigned", 8), TypeError, "x must be an array of integers, not of float64"),
        (["a"], number("unsigned", 8), TypeError, "x must be an array of integers"),
        ([1], PAIR, TypeError, "x must be a dict of arrays or a structured array, not list"),
        ({"a": [1]}, PAIR, ValueError, "x must have the fields a, b, not a"),
        ({"a": [1, 2], "b": [1]}, PAIR, ValueError, r"x.b must have shape \(2,\), not \(1,\)"),
        ({"a": [1], "b": [16]}, PAIR, ValueError, r"x.b\[0\] must be from 0 to 15, not 16"),
    ],
)  # fmt: skip
def test_wrong_values(value, shape, error, text):
    with pytest.raises(error, match=text):
        pack("x", value, shape)
