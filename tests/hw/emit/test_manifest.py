# amaranth: UnusedElaboratable=no
"""Ports, streams and other values of the manifest."""

import dataclasses
import json
from typing import Any

import pytest
from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from tensorloom.hw.emit.emitter import emit


class Kind(enum.Enum, shape=2):
    A = 0
    B = 3


class Point(data.Struct):
    x: signed(5)  # pyrefly: ignore[invalid-annotation]  # shapes in place of types, as Amaranth has it
    y: 3  # pyrefly: ignore[invalid-annotation]  # likewise


POINTS: Any = Point  # a class is a shape, which the stubs don't say

UNSIGNED = {"kind": "unsigned", "width": 1}
POINT = {
    "kind": "struct",
    "width": 8,
    "fields": {
        "x": {"offset": 0, "shape": {"kind": "signed", "width": 5}},
        "y": {"offset": 5, "shape": {"kind": "unsigned", "width": 3}},
    },
}


class Ports(wiring.Component):
    """Any signature; outputs stay zero."""

    def __init__(self, signature, config=None):
        if config is not None:
            self.config = config
        super().__init__(signature)

    def elaborate(self, platform):
        m = Module()
        state = Signal()
        m.d.sync += state.eq(~state)
        return m


def ports(signature):
    return {
        port["name"]: (port["direction"], port["shape"])
        for port in emit(Ports(signature)).manifest["ports"]
        if port["name"] not in ("clk", "rst")
    }


@pytest.mark.parametrize(
    "shape, description",
    [
        (7, {"kind": "unsigned", "width": 7}),
        (unsigned(1), UNSIGNED),
        (signed(9), {"kind": "signed", "width": 9}),
        (range(-3, 4), {"kind": "signed", "width": 3}),
        (Kind, {"kind": "unsigned", "width": 2}),
        (Point, POINT),
        (
            data.ArrayLayout(POINTS, 3),
            {"kind": "array", "width": 24, "length": 3, "element": POINT},
        ),
        (
            data.StructLayout({"a": data.ArrayLayout(signed(2), 2), "p": POINTS}),
            {
                "kind": "struct",
                "width": 12,
                "fields": {
                    "a": {
                        "offset": 0,
                        "shape": {"kind": "array", "width": 4, "length": 2, "element": {"kind": "signed", "width": 2}},
                    },
                    "p": {"offset": 4, "shape": POINT},
                },
            },
        ),
        (data.UnionLayout({"a": 4, "b": 6}), {"kind": "unsigned", "width": 6}),
    ],
)
def test_shapes(shape, description):
    assert ports({"i_x": In(shape), "o_x": Out(shape)}) == {"i_x": ("in", description), "o_x": ("out", description)}


def test_ports_of_no_width_do_not_exist():
    assert ports({"i": In(0), "o": Out(data.StructLayout({})), "i_x": In(range(1)), "o_x": Out(1)}) == {
        "o_x": ("out", UNSIGNED)
    }


def test_arrays_of_ports():
    found = ports({"i": In(1).array(2, 3), "o": Out(1).array(0)})
    assert list(found) == [f"i_{x}_{y}" for x in range(2) for y in range(3)]


def test_clock_and_reset_only_where_they_are_used():
    class Wires(Ports):
        def elaborate(self, platform):
            m = Module()
            m.d.comb += self.o.eq(self.i)
            return m

    assert [port["name"] for port in emit(Wires({"i": In(2), "o": Out(2)})).manifest["ports"]] == ["i", "o"]
    clocked = emit(Ports({"i": In(2)})).manifest["ports"]
    assert [(port["name"], port["direction"], port["width"]) for port in clocked] == [
        ("clk", "in", 1),
        ("rst", "in", 1),
        ("i", "in", 2),
    ]


BUS = wiring.Signature({"request": Out(stream.Signature(POINTS)), "response": In(stream.Signature(4)), "level": Out(2)})


@pytest.mark.parametrize(
    "signature, streams",
    [
        ({"x": In(stream.Signature(4))}, {"x": "in"}),
        ({"x": Out(stream.Signature(4))}, {"x": "out"}),
        ({"x": Out(stream.Signature(4).flip())}, {"x": "in"}),
        ({"x": In(stream.Signature(4).flip())}, {"x": "out"}),
        ({"x": In(stream.Signature(4)).array(2)}, {"x_0": "in", "x_1": "in"}),
        ({"bus": Out(BUS)}, {"bus_request": "out", "bus_response": "in"}),
        ({"bus": In(BUS)}, {"bus_request": "in", "bus_response": "out"}),
        ({"bus": Out(BUS.flip())}, {"bus_request": "in", "bus_response": "out"}),
        ({"bus": In(BUS.flip())}, {"bus_request": "out", "bus_response": "in"}),
        (
            {"deep": In(wiring.Signature({"bus": In(BUS)}))},
            {"deep_bus_request": "out", "deep_bus_response": "in"},
        ),
        ({"bus": In(BUS).array(1)}, {"bus_0_request": "in", "bus_0_response": "out"}),
        (wiring.Signature({"x": In(stream.Signature(4))}).flip(), {"x": "out"}),
    ],
)
def test_direction_of_streams_agrees_with_their_ports(signature, streams):
    manifest = emit(Ports(signature)).manifest
    assert {item["name"]: item["direction"] for item in manifest["streams"]} == streams
    directions = {port["name"]: port["direction"] for port in manifest["ports"]}
    for name, direction in streams.items():
        back = {"in": "out", "out": "in"}[direction]
        assert directions[f"{name}_payload"] == directions[f"{name}_valid"] == direction
        assert directions[f"{name}_ready"] == back


def test_payload_of_streams():
    (item,) = emit(Ports({"x": In(stream.Signature(POINTS))})).manifest["streams"]
    ports = {"payload": "x_payload", "valid": "x_valid", "ready": "x_ready"}
    assert item == {"name": "x", "direction": "in", "payload": POINT, "width": 8, "ports": ports}


def test_streams_that_are_always_valid_or_ready():
    manifest = emit(Ports({"x": In(stream.Signature(4, always_valid=True, always_ready=True))})).manifest
    assert manifest["streams"][0]["direction"] == "in"
    assert manifest["streams"][0]["ports"] == {"payload": "x_payload"}
    json.dumps(manifest)


@dataclasses.dataclass(frozen=True)
class Settings:
    """A configuration."""

    size: int = 3
    name: str = "x"


@pytest.mark.parametrize(
    "config, values, name",
    [(Settings(), {"size": 3, "name": "x"}, "Settings"), (None, None, None), ((1, "a"), None, None)],
)
def test_configuration(config, values, name):
    manifest = emit(Ports({"i": In(1)}, config)).manifest
    assert (manifest["config"], manifest["config_class"]) == (values, name)
    assert json.loads(json.dumps(manifest)) == manifest


def test_modules_and_files():
    emission = emit(Ports({"i": In(1)}, Settings()), name="top")
    manifest = emission.manifest
    assert (manifest["format"], manifest["top"], manifest["files"]) == (2, "top", ["top.v"])
    assert manifest["waivers"] == "top.vlt" and manifest["hierarchical"] == []
    assert manifest["modules"] == [
        {
            "name": "top",
            "class": "Ports",
            "config": {"class": "Settings", "size": 3, "name": "x"},
            "instances": 1,
            "submodules": {},
        }
    ]
    assert json.loads(emission.files["top.json"]) == manifest
