"""What is made of the registers of engines says what their hardware does."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Fragment, Module

from tensorloom.hw.bus.register_map import RegisterMap
from tensorloom.hw.bus.registers import RegisterFile
from tensorloom.hw.emit.shared import Shared
from tensorloom.run.registers import compile_systemrdl, register_files
from tensorloom.run.registry import engines
from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bus.maps import MAPS
from tensorloom.tb.bus.registers import random_accesses

OWN = {
    engine.name: registers
    for engine in engines().values()
    if (registers := engine.registers(next(iter(engine.presets.values())))) is not None
}
ALL = MAPS | OWN

ACCESSES = {
    "rw": ("read-write", None),
    "ro": ("read-only", None),
    "w1c": ("read-write", "oneToClear"),
    "pulse": ("write-only", None),
}
"""Access and modified write value in IP-XACT."""


@pytest.fixture(scope="module", params=list(ALL))
def case(request: pytest.FixtureRequest) -> tuple[RegisterMap, dict[str, bytes]]:
    """A description, and the files that are made of it."""
    for package in ("cheader", "html", "ipxact", "markdown"):
        pytest.importorskip(f"peakrdl_{package}")
    return ALL[request.param], register_files(ALL[request.param])


def all_fields(registers: RegisterMap) -> set[tuple[Any, ...]]:
    """Register, offset, bits, field, lowest bit, bits and access of all fields."""
    return {
        (register.name, register.offset, register.bits, field.name, field.low, field.bits, field.access)
        for register in registers.registers
        for field in register.fields
    }


@pytest.mark.parametrize("name", OWN)
def test_the_hardware_does_what_is_described(name: str, seed: int) -> None:
    registers = OWN[name]
    rng = np.random.default_rng(seed)
    assert simulate(RegisterFile(registers), lambda bench: random_accesses.check(bench, registers, rng)) > 100


class Shallow:
    """A platform on which shared submodules are only noted."""

    def __init__(self) -> None:
        self.parts: list[Any] = []

    def instance_of(self, shared: Shared) -> Module:
        self.parts.append(shared.component)
        vars(shared.component)["_MustUse__used"] = True  # it is only looked at
        return Module()


LARGE = 50
"""Multipliers of presets that take seconds to make."""


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        pytest.param(name, preset, marks=pytest.mark.slow if config.multipliers > LARGE else [])
        for name, engine in engines().items()
        for preset, config in engine.presets.items()
    ],
)
def test_the_hardware_has_the_registers_that_are_described(name: str, preset: str) -> None:
    engine, config = engines()[name], engines()[name].presets[preset]
    component: Any = engine.component(config)
    platform = Shallow()
    registers, ports = engine.registers(config), component.signature.members
    assert (registers is not None) == ("s_axil" in ports)
    Fragment.get(component, platform)
    if registers is not None:
        files = [part for part in platform.parts if isinstance(part, RegisterFile)]
        assert [file.config for file in files] == [registers]
        assert len(component.s_axil.awaddr) == len(component.s_axil.araddr) == registers.address_bits


def test_systemrdl(case: tuple[RegisterMap, dict[str, bytes]], tmp_path: Path) -> None:
    types = pytest.importorskip("systemrdl.rdltypes")
    registers, files = case
    (tmp_path / "registers.rdl").write_bytes(files[f"{registers.name}.rdl"])
    top = compile_systemrdl(tmp_path / "registers.rdl")
    assert (top.inst_name, top.get_property("desc")) == (registers.name, registers.text)

    def access(field: Any) -> str:
        pulse, clears = field.get_property("singlepulse"), field.get_property("onwrite") == types.OnWriteType.woclr
        readable, writable = field.is_sw_readable, field.is_sw_writable
        hardware = field.is_hw_readable, field.is_hw_writable, field.get_property("hwset")
        return {
            (True, True, False, False, (True, False, False)): "rw",
            (True, False, False, False, (False, True, False)): "ro",
            (True, True, False, True, (False, True, True)): "w1c",
            (False, True, True, False, (True, False, False)): "pulse",
        }[readable, writable, pulse, clears, hardware]

    found = {
        (register.inst_name, register.absolute_address, register.get_property("regwidth"))
        + (field.inst_name, field.low, field.width, access(field))
        for register in top.registers()
        for field in register.fields()
    }
    assert found == all_fields(registers)
    for register in top.registers():
        assert register.get_property("accesswidth") == 32
        assert register.get_property("desc") == registers[register.inst_name].text
        texts = {field.name: (field.text, field.reset) for field in registers[register.inst_name].fields}
        for field in register.fields():
            text, reset = texts[field.inst_name]
            assert field.get_property("desc") == text
            assert field.get_property("reset") == (None if access(field) == "ro" else reset)


def test_ipxact(case: tuple[RegisterMap, dict[str, bytes]]) -> None:
    registers, files = case
    root = ElementTree.fromstring(files[f"{registers.name}.xml"])
    namespace = {"": "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"}
    assert [root.findtext(name, "", namespace) for name in ("vendor", "name")] == ["tensorloom", registers.name]
    (block,) = root.iterfind("memoryMaps/memoryMap/addressBlock", namespace)

    def number(node: Any, name: str) -> int:
        text = node.findtext(name, "", namespace)
        return int(text.removeprefix("'h"), 16 if text.startswith("'h") else 10)

    assert number(block, "baseAddress") == 0
    named: dict[tuple[str, str | None], str] = {value: name for name, value in ACCESSES.items()}
    found, resets = set(), {}
    for register in block.iterfind("register", namespace):
        name = register.findtext("name", "", namespace)
        for field in register.iterfind("field", namespace):
            key = field.findtext("name", "", namespace)
            kind = (field.findtext("access", "", namespace), field.findtext("modifiedWriteValue", None, namespace))
            bits = number(field, "bitOffset"), number(field, "bitWidth")
            found.add((name, number(register, "addressOffset"), number(register, "size"), key, *bits, named[kind]))
            if field.find("resets", namespace) is not None:
                resets[name, key] = number(field, "resets/reset/value")
    assert found == all_fields(registers)
    assert resets == {
        (register.name, field.name): field.reset
        for register in registers.registers
        for field in register.fields
        if field.access != "ro"
    }


@pytest.mark.parametrize("language", ["c", "c++"])
def test_c_header(case: tuple[RegisterMap, dict[str, bytes]], language: str, tmp_path: Path) -> None:
    """Compiled, it has the places of all registers and the masks, places and values after reset of all fields."""
    registers, files = case
    name = registers.name
    (tmp_path / f"{name}.h").write_bytes(files[f"{name}.h"])
    expected, lines = {}, []
    for register in registers.registers:
        place, size = f"offsetof({name}_t, {register.name})", f"sizeof((({name}_t *)0)->{register.name})"
        expected |= {place: register.offset, size: register.bits // 8}
        for field in register.fields:
            macro = f"{name}__{register.name}__{field.name}".upper()
            expected |= {f"{macro}_bm": field.mask, f"{macro}_bp": field.low, f"{macro}_bw": field.bits}
            expected |= {} if field.access == "ro" else {f"{macro}_reset": field.reset}
    lines = [f'printf("%llu\\n", (unsigned long long)({expression}));' for expression in expected]
    code = f'#include "{name}.h"\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {{\n'
    (tmp_path / "main.c").write_text(code + "\n".join(lines) + "\nreturn 0;\n}\n")
    command = [os.environ.get("CXX", "g++"), "-x", language, "-Wall", "-Wextra", "-Werror", "main.c", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    assert dict(zip(expected, map(int, done.stdout.split()), strict=True)) == expected


def test_markdown_and_html(case: tuple[RegisterMap, dict[str, bytes]]) -> None:
    registers, files = case
    by_offset = sorted(registers.registers, key=lambda register: register.offset)
    text = files[f"{registers.name}.md"].decode()
    rows = re.findall(r"^\|\s*0x(\w+)\s*\|\s*(\w+)\s*\|", text, re.MULTILINE)
    assert [(int(offset, 16), name) for offset, name in rows] == [(one.offset, one.name) for one in by_offset]
    folder = f"{registers.name}_html"
    assert f"{registers.name} Reference" in files[f"{folder}/index.html"].decode()
    _, *nodes = json.loads(files[f"{folder}/data/ral-data-0.json"])
    assert [(node["name"], int(node["offset"], 16)) for node in nodes] == [(one.name, one.offset) for one in by_offset]
    for node, register in zip(nodes, by_offset, strict=True):
        fields = {(field["name"], field["lsb"], field["msb"]) for field in node["fields"]}
        assert fields == {(field.name, field.low, field.low + field.bits - 1) for field in register.fields}


def test_equal_registers_give_equal_bytes(case: tuple[RegisterMap, dict[str, bytes]]) -> None:
    """Neither the time nor a temporary folder is in any of the files."""
    registers, files = case
    assert register_files(registers) == files
    assert not any(b"/tmp" in content for name, content in files.items() if "/fonts/" not in name)
