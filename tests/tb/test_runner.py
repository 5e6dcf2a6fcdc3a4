from pathlib import Path

import pytest

from tensorloom.tb.build_log import BuildError
from tensorloom.tb.runner import run_cocotb

PASSING = """
import cocotb
from tensorloom.tb.runner import job_data
from tensorloom.tb.streams import StreamSink, StreamSource, reset, within

@cocotb.test()
async def sums(dut):
    data = job_data()
    manifest = data["manifest"]
    await reset(dut, manifest)
    source = StreamSource(dut, manifest, "i_pairs", stall=data["stall"], seed=data["seed"])
    late = data["after_valid"]
    sink = StreamSink(dut, manifest, "o_sums", stall=data["stall"], seed=data["seed"], after_valid=late)
    cocotb.start_soon(source.send({"a": a, "b": b, "negate": a & 1} for a, b in data["pairs"]))
    got = await within(sink.receive(len(data["pairs"])), 2000)
    assert got == [-(a + b) if a & 1 else a + b for a, b in data["pairs"]], got
    await sink.receive_nothing(5)
    assert int(dut.o_count.value) == source.transfers == sink.transfers == len(data["pairs"])
"""
FAILING = """
import cocotb
from cocotb.triggers import Timer

@cocotb.test()
async def good(dut):
    await Timer(1, unit="ns")

@cocotb.test()
async def bad(dut):
    await Timer(1, unit="ns")
    assert False, "seven is not eight"
"""
SINK = """
import cocotb
from tensorloom.tb.runner import job_data
from tensorloom.tb.streams import StreamSink, StreamSource, reset, within

@cocotb.test()
async def withdrawn(dut):
    manifest = job_data()["manifest"]
    await reset(dut, manifest)
    source = StreamSource(dut, manifest, "i_pairs", stall=0.5)
    sink = StreamSink(dut, manifest, "o_sums", stall=0.7)
    cocotb.start_soon(source.send([{"a": 1, "b": 2, "negate": 0}] * 50))
    await within(sink.receive(50), 1000)

@cocotb.test()
async def stuck(dut):
    manifest = job_data()["manifest"]
    await reset(dut, manifest)
    source = StreamSource(dut, manifest, "i_pairs")
    cocotb.start_soon(source.send([{"a": 1, "b": 2, "negate": 0}] * 50))
    await within(StreamSink(dut, manifest, "o_sums", after_valid=True).receive(50), 1000)

@cocotb.test()
async def surplus(dut):
    manifest = job_data()["manifest"]
    await reset(dut, manifest)
    source, sink = StreamSource(dut, manifest, "i_pairs"), StreamSink(dut, manifest, "o_sums")
    cocotb.start_soon(source.send([{"a": 1, "b": 2, "negate": 0}] * 50))
    await within(sink.receive(49), 1000)
    await sink.receive_nothing(5)
"""

BLOCKS = """
import cocotb
from cocotb.triggers import FallingEdge
from tensorloom.tb.runner import job_data
from tensorloom.tb.streams import reset

@cocotb.test()
async def delayed(dut):
    await reset(dut, job_data()["manifest"])
    seen = []
    for value in range(20):
        dut.i_data.value = value
        await FallingEdge(dut.clk)
        seen.append(int(dut.o_data.value))
    assert seen[1:] == list(range(19)), seen
    assert not hasattr(dut, "middle")  # only the ports are published
"""


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cocotb")


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a cocotb test module and return its name."""

    def make(name, text):
        Path(tmp_path, f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        return name

    return make


@pytest.mark.parametrize("after_valid", [False, True])
@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_streams_under_stalls(designs, tmp_path, build_dir, module, seed, stall, after_valid):
    pairs = [(a * 7 % 255 - 127, 100 - a * 11 % 200) for a in range(150)]
    data = {"stall": stall, "pairs": pairs, "after_valid": after_valid}
    name = module("passing", PASSING)
    assert run_cocotb(designs.adder(tmp_path), name, build_dir=build_dir, seed=seed, data=data) == 1
    if stall:
        assert len(list(build_dir.glob("adder-*/built"))) == 1  # the first test's build serves the second


def test_failure_is_raised_with_message_and_seed(designs, tmp_path, build_dir, module):
    name = module("failing", FAILING)
    with pytest.raises(AssertionError, match=r"(?s)1 of 2 tests failed.*seed 77.*bad: .*seven is not eight"):
        run_cocotb(designs.adder(tmp_path), name, build_dir=build_dir, seed=77)
    assert run_cocotb(designs.adder(tmp_path), name, build_dir=build_dir, seed=77, tests=["good"]) == 1


def test_folder_that_make_does_not_understand(designs, tmp_path):
    with pytest.raises(ValueError, match=r"build_dir must be a path of letters, digits and \./\+@-_, .*, not '.*/a b'"):
        run_cocotb(designs.adder(tmp_path), "passing", build_dir=tmp_path / "a b", seed=1)
    assert not (tmp_path / "a b").exists()


def test_no_tests_is_a_failure(designs, tmp_path, build_dir, module):
    for name, text in (("empty", "import cocotb\n"), ("broken", "import no_such_module\n")):
        with pytest.raises(AssertionError, match=r"no test ran|without results"):
            run_cocotb(designs.adder(tmp_path), module(name, text), build_dir=build_dir, seed=1)
    with pytest.raises(AssertionError, match=r"no test ran|without results"):
        run_cocotb(designs.adder(tmp_path), module("failing", FAILING), build_dir=build_dir, seed=1, tests=["other"])


def test_sink_catches_a_withdrawn_beat(designs, tmp_path, build_dir, module):
    source = designs.adder(tmp_path, valid="level != 3'd0 && o_count[0]")
    with pytest.raises(AssertionError, match="withdrew or changed a beat"):
        run_cocotb(source, module("sink", SINK), build_dir=build_dir, seed=3, tests=["withdrawn"])


def test_sink_gets_a_stream_stuck_whose_valid_waits_for_ready(designs, tmp_path, build_dir, module):
    source = designs.adder(tmp_path, valid="level != 3'd0 && o_sums_ready")
    with pytest.raises(AssertionError, match="(?s)stuck: .*SimTimeoutError"):
        run_cocotb(source, module("sink", SINK), build_dir=build_dir, seed=3, tests=["stuck"])


def test_sink_catches_beats_that_are_too_many(designs, tmp_path, build_dir, module):
    with pytest.raises(AssertionError, match="surplus: o_sums gave more than 49 beats"):
        run_cocotb(designs.adder(tmp_path), module("sink", SINK), build_dir=build_dir, seed=3, tests=["surplus"])


def test_what_all_designs_share_is_compiled_once(designs, tmp_path, module):
    name = module("failing", FAILING)
    for number, design in enumerate((designs.adder, designs.accumulator)):
        build_dir = tmp_path / f"builds_{number}"
        run_cocotb(design(tmp_path / str(number)), name, build_dir=build_dir, seed=1, tests=["good"])
    (log,) = tmp_path.glob("builds_1/*/build.log")
    assert "verilator.cpp" in log.read_text() and "verilated_vpi.cpp" not in log.read_text()


def test_build_error_is_readable(designs, tmp_path, build_dir, module):
    source = designs.adder(tmp_path, valid="missing")
    with pytest.raises(BuildError, match=r"(?s)adder doesn't build for cocotb:\n.*missing.*full log: "):
        run_cocotb(source, module("passing", PASSING), build_dir=build_dir, seed=1)


def test_hierarchical_blocks_and_waveforms(designs, tmp_path, build_dir, module):
    source = designs.chain(tmp_path)
    assert run_cocotb(source, module("blocks", BLOCKS), build_dir=build_dir, seed=1, waves=True) == 1
    (folder,) = build_dir.glob("chain-*/")
    assert list(folder.glob("**/*delay*.a"))  # built as a block of its own
    assert list(folder.glob("results/*/dump.vcd"))
