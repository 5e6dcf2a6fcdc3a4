# amaranth: UnusedElaboratable=no
"""Files of an emission: what they hold, and how they are written."""

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

import tensorloom.hw
from tensorloom.hw.common.ram import Ram
from tensorloom.hw.emit.emitter import UNINITIALISED, emit
from tensorloom.hw.emit.packaging import IPXACT
from tensorloom.hw.emit.shared import shared
from tensorloom.tb.lint import lint


@dataclasses.dataclass(frozen=True)
class Size:
    """A configuration."""

    width: int = 8
    lanes: int = 4


class Lane(wiring.Component):
    """An adder behind a memory."""

    def __init__(self, config):
        self.config = config
        super().__init__({"i": In(config.width), "o": Out(config.width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.ram = ram = Ram(self.config.width, 5)
        m.submodules.table = table = Memory(shape=self.config.width, depth=4, init=[7, 1, 3, 2])
        read = table.read_port()
        m.d.comb += [
            ram.i_write_enable.eq(1),
            ram.i_write_data.eq(self.i),
            ram.i_read_enable.eq(1),
            read.addr.eq(ram.o_read_data[:2]),
            self.o.eq(ram.o_read_data + read.data),
        ]
        return m


class Lanes(wiring.Component):
    """Stream of lanes."""

    def __init__(self, config):
        self.config = config
        width = config.width * config.lanes
        super().__init__({"i_x": In(stream.Signature(width)), "o_x": Out(stream.Signature(width))})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.o_x.valid.eq(self.i_x.valid), self.i_x.ready.eq(self.o_x.ready)]
        for index in range(self.config.lanes):
            lane = Lane(self.config)
            m.submodules[f"lane_{index}"] = shared(lane, hier_block=True)
            part = slice(index * self.config.width, (index + 1) * self.config.width)
            m.d.comb += [lane.i.eq(self.i_x.payload[part]), self.o_x.payload[part].eq(lane.o)]
        return m


@pytest.fixture(scope="module")
def emission():
    return emit(Lanes(Size()))


def test_files(emission, tmp_path):
    paths = emission.write(tmp_path / "new" / "folder")
    names = ["lanes.v", "lanes.vlt", "lanes.json", "lanes_pkg.sv"]
    names += ["lanes.core", "lanes_component.xml", "lanes.sdc", "lanes.xdc"]
    assert [path.name for path in paths] == names
    assert {path.name: path.read_text() for path in paths} == emission.files
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(names)
    assert lint(emission) == []


def test_waivers_name_the_files_and_the_blocks(emission):
    assert 'hier_block -module "lane"' in emission.waivers
    assert emission.manifest["hierarchical"] == ["lane"]
    assert all("-file" in line for line in emission.waivers.splitlines() if line.startswith("lint_off"))


def test_one_file_a_module(emission, tmp_path):
    split = emission.split()
    assert set(split.verilog) == {"lanes.v", "lane.v", "lane_ram.v"}
    for name, text in split.verilog.items():
        assert re.findall(r"^module (\w+)", text, re.MULTILINE) == [name.removesuffix(".v")]
        assert text.endswith("endmodule\n") and f'-file "*/{name}"' in split.waivers
    assert "".join(split.verilog.values()).split() == "".join(emission.verilog.values()).split()
    assert split.manifest["files"] == list(split.verilog)
    assert split.manifest["hash"] != emission.manifest["hash"]
    split.write(tmp_path)
    assert lint(tmp_path) == []
    assert lint(emission) == []


def test_equal_input_gives_equal_bytes(emission):
    script = (
        "import sys, importlib.util as u\n"
        f"spec = u.spec_from_file_location('design', {str(Path(__file__))!r})\n"
        "module = u.module_from_spec(spec); sys.modules['design'] = module; spec.loader.exec_module(module)\n"
        "files = module.emit(module.Lanes(module.Size())).files\n"
        "import hashlib; print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())\n"
    )
    digests = set()
    for seed in ("0", "1", "random"):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", script],
                cwd=folder,
                env=os.environ | {"PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
            )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert emit(Lanes(Size())) == emission


def test_hash_follows_the_texts(emission):
    other = emit(Lanes(Size(lanes=3)))
    assert re.fullmatch("[0-9a-f]{64}", emission.manifest["hash"])
    assert other.manifest["hash"] != emission.manifest["hash"]


def test_no_paths_and_no_dates(emission):
    text = "".join((emission.files | emission.split().files).values()).replace(IPXACT, "")
    for folder in (Path.cwd(), Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix), *tensorloom.hw.__path__):
        assert not re.search(rf"{re.escape(str(folder))}\b", text)
    assert not re.search(r"\.py\b|\bsrc\b|/\w+/\w+", text)
    assert not re.search(r"\b(19|20)\d\d[-/ ]|\d\d:\d\d:\d\d|\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", text)
    assert not re.search(r"yosys|amaranth", text, re.IGNORECASE)


def test_only_changed_files_are_written(emission, tmp_path):
    paths = emission.write(tmp_path)
    for path in paths:
        os.utime(path, (1000, 1000))
    emission.write(tmp_path)
    assert {path.stat().st_mtime for path in paths} == {1000}
    paths[1].write_bytes(b"\xff not text")
    emission.write(tmp_path)
    assert [path.stat().st_mtime == 1000 for path in paths] == [True, False] + [True] * (len(paths) - 2)
    emit(Lanes(Size(width=9))).write(tmp_path)
    assert [path.name for path in paths if path.stat().st_mtime == 1000] == ["lanes.core", "lanes.sdc", "lanes.xdc"]


@pytest.mark.parametrize("method", ["write_bytes", "replace"])
def test_interrupted_write(emission, tmp_path, monkeypatch, method):
    emission.write(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    original = getattr(Path, method)

    def interrupted(self, *arguments):
        if method == "write_bytes":
            original(self, arguments[0][:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, method, interrupted)
    with pytest.raises(KeyboardInterrupt):
        emit(Lanes(Size(width=9))).write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
@pytest.mark.parametrize("name", ["lanes.v", "lanes.vlt", "lanes.json"])
def test_something_in_the_place_of_a_file(emission, tmp_path, make, name):
    make(tmp_path / name)
    with pytest.raises(FileExistsError, match=rf"it is not a regular file: '.*/{name}'"):
        emission.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_folder_that_cannot_be_made(emission, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        emission.write(tmp_path / "file" / "folder")


class Memories(wiring.Component):
    """Two memories of one name, with and without rows that matter."""

    def __init__(self, uninitialised):
        super().__init__({"address": In(2), "a": Out(8), "b": Out(8)})
        attributes = [{UNINITIALISED: "1"} if which in uninitialised else {} for which in "ab"]
        self.memories = [Memory(shape=8, depth=4, init=[11, 22, 33, 44], attrs=attrs) for attrs in attributes]
        self.ports = [(memory.read_port(), memory.write_port()) for memory in self.memories]

    def elaborate(self, platform):
        m = Module()
        for name, memory, (read, write) in zip("ab", self.memories, self.ports, strict=True):
            part = Module()
            part.submodules.memory = memory
            part.d.comb += [read.addr.eq(self.address), getattr(self, name).eq(read.data)]
            part.d.comb += [write.addr.eq(self.address), write.en.eq(self.address == 3), write.data.eq(5)]
            m.submodules[f"part_{name}"] = part
        return m


@pytest.mark.parametrize("uninitialised", ["", "a", "b", "ab"])
def test_initial_rows_of_memories(uninitialised):
    emission = emit(Memories(uninitialised)).split()
    for which in "ab":
        text = emission.verilog[f"memories_part_{which}.v"]
        assert bool(re.search(r"\[1\] = 8'h16", text)) == (which not in uninitialised)
    assert UNINITIALISED not in "".join(emission.files.values())


def test_emitting_leaves_memories_as_they_are():
    top = Memories("ab")
    emit(top)
    seen = []

    async def testbench(ctx):
        for address in range(3):
            ctx.set(top.address, address)
            await ctx.tick()
            seen.append(ctx.get(top.a))

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert seen == [11, 22, 33]
