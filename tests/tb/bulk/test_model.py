import ctypes
import itertools
import os
import re
import signal
import warnings

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.systolic.config import PRESETS
from tensorloom.hw.systolic.matrix_unit import MatrixUnit
from tensorloom.tb.bulk.model import SimulationError, WatchdogError, build


@pytest.fixture(scope="module")
def adder(designs, cache, tmp_path_factory):
    return build(designs.adder(tmp_path_factory.mktemp("adder")), assertions=True, cache=cache)


@pytest.fixture(scope="module")
def accumulator(designs, cache, tmp_path_factory):
    return build(designs.accumulator(tmp_path_factory.mktemp("accumulator")), cache=cache)


def pairs(count, seed):
    rng = np.random.default_rng(seed)
    beats = {name: rng.integers(-128, 128, count) for name in "ab"} | {"negate": rng.integers(0, 2, count)}
    return beats, np.where(beats["negate"], -1, 1) * (beats["a"] + beats["b"])


@pytest.mark.parametrize("stalls", [0, 0.5, 0.95, {"o_sums": 0.9}, {"i_pairs": 0.9}])
def test_stalls_lose_nothing(adder, stalls, seed):
    beats, sums = pairs(2000, seed)
    result = adder.run({"i_pairs": beats}, {"o_sums": 2000}, stalls=stalls, seed=seed, idle_cycles=50)
    assert np.array_equal(result.outputs["o_sums"], sums) and result.outputs["o_sums"].dtype == np.int16
    assert result.counters == {"o_count": 2000} and result.beats == {"i_pairs": 2000, "o_sums": 2000}
    expected = {0: 2001, 0.5: 4000, 0.95: 40_000}.get(stalls, 20_000) if not isinstance(stalls, dict) else 20_000
    assert expected * 0.8 <= result.cycles <= expected * 1.3
    if stalls == 0:
        assert result.cycles == 2001  # one beat a cycle, one cycle through the FIFO


def test_same_seed_same_cycles(adder, seed):
    beats, _ = pairs(500, seed)
    runs = [adder.run({"i_pairs": beats}, {"o_sums": 500}, stalls=0.5, seed=s % 5).cycles for s in range(10)]
    assert runs[:5] == runs[5:] and len(set(runs)) > 2


def test_reset_undoes_an_unfinished_job(adder, seed):
    beats, sums = pairs(100, seed)
    with pytest.raises(WatchdogError):
        adder.run({"i_pairs": beats}, {"o_sums": 101}, watchdog=20)
    with pytest.raises(WatchdogError):
        adder.run({"i_pairs": beats}, {}, stalls={"o_sums": 0.999}, watchdog=20)
    result = adder.run({"i_pairs": beats}, {"o_sums": 100}, fresh=False, idle_cycles=10)
    assert np.array_equal(result.outputs["o_sums"], sums) and result.counters == {"o_count": 100}


def test_watchdog_says_who_waits(adder, seed):
    beats, _ = pairs(100, seed)
    text = r"no transfer for 50 cycles \(cycle 151\): o_sums gave 100 of 103 beats"
    with pytest.raises(WatchdogError, match=text):
        adder.run({"i_pairs": beats}, {"o_sums": 103}, watchdog=50)


def test_extra_beats_are_an_error(adder, seed):
    beats, _ = pairs(100, seed)
    with pytest.raises(SimulationError, match=r"o_sums gave more than the 99 beats expected \(cycle 101\)"):
        adder.run({"i_pairs": beats}, {"o_sums": 99}, idle_cycles=10)
    with pytest.raises(SimulationError, match=r"o_sums gave more than the 0 beats expected \(cycle 2\)"):
        adder.run({"i_pairs": beats}, {})


def test_beats_that_never_end_are_an_error_at_once(designs, cache, tmp_path, seed):
    model = build(designs.adder(tmp_path, valid="1'b1"), cache=cache)
    beats, _ = pairs(4, seed)
    with pytest.raises(SimulationError, match=r"o_sums gave more than the 3 beats expected \(cycle 4\)"):
        model.run({"i_pairs": beats}, {"o_sums": 3}, watchdog=50)


@pytest.mark.parametrize("stalls", [0, 0.5])
def test_outputs_that_are_taken_only_when_they_were_seen(adder, stalls, seed):
    beats, sums = pairs(500, seed)
    result = adder.run({"i_pairs": beats}, {"o_sums": 500}, after_valid=True, stalls=stalls, seed=seed, idle_cycles=50)
    assert np.array_equal(result.outputs["o_sums"], sums)
    if not stalls:
        assert result.cycles == 1001  # a cycle through the FIFO, then two for each sum


def test_valid_that_waits_for_ready_gets_stuck(designs, cache, tmp_path, seed):
    model = build(designs.adder(tmp_path, valid="level != 3'd0 && o_sums_ready"), cache=cache)
    beats, sums = pairs(100, seed)
    assert np.array_equal(model.run({"i_pairs": beats}, {"o_sums": 100}).outputs["o_sums"], sums)
    with pytest.raises(WatchdogError, match="o_sums gave 0 of 100 beats"):
        model.run({"i_pairs": beats}, {"o_sums": 100}, after_valid=True, watchdog=50)


def test_progress_is_told(adder, monkeypatch, seed):
    beats, _ = pairs(3000, seed)
    clock = itertools.count(0, 2)
    monkeypatch.setattr("tensorloom.tb.bulk.model.time.perf_counter", lambda: next(clock))
    seen = []
    cycles = adder.run({"i_pairs": beats}, {"o_sums": 3000}, progress=lambda *told: seen.append(told)).cycles
    assert seen == sorted(seen) and len(seen) > 2
    for cycle, fraction in seen:  # a pair in and a sum out in nearly each cycle
        assert fraction == pytest.approx(cycle / cycles, abs=0.01)


def test_interrupt_between_chunks(adder, monkeypatch, seed):
    beats, sums = pairs(3000, seed)

    def interrupt(cycle, fraction):
        raise KeyboardInterrupt

    clock = itertools.count(0, 2)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("tensorloom.tb.bulk.model.time.perf_counter", lambda: next(clock))
        adder.run({"i_pairs": beats}, {"o_sums": 3000}, progress=interrupt)
    assert np.array_equal(adder.run({"i_pairs": beats}, {"o_sums": 3000}).outputs["o_sums"], sums)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (({"i_pear": []}, {}), ValueError, "input stream must be one of i_pairs, not 'i_pear'"),
        (({"o_sums": []}, {}), ValueError, "input stream must be one of i_pairs, not 'o_sums'"),
        (({}, {"i_pairs": 1}), ValueError, "output stream must be one of o_sums, not 'i_pairs'"),
        (({}, {"o_sums": -1}), ValueError, "o_sums must be a number of beats of at least 0, not -1"),
        (({}, {"o_sums": 1.5}), TypeError, "o_sums must be an integer number of beats, not 1.5"),
        (({"i_pairs": {"a": [1], "b": [128], "negate": [0]}}, {}), ValueError, r"i_pairs.b\[0\] must be from -128"),
        (({"i_pairs": {"a": [1.5], "b": [1], "negate": [0]}}, {}), TypeError, "i_pairs.a must be an array of integers"),
    ],
)  # fmt: skip
def test_wrong_arguments(adder, arguments, error, text):
    with pytest.raises(error, match=text):
        adder.run(*arguments)


def test_wrong_stalls(adder):
    for stalls in (1, -0.1, {"o_sums": 2}):
        with pytest.raises(ValueError, match="stalls must be a probability"):
            adder.run({}, {}, stalls=stalls)
    with pytest.raises(ValueError, match="stream must be one of i_pairs, o_sums, not 'x'"):
        adder.run({}, {}, stalls={"x": 0.5})


def test_stream_without_a_port_for_ready(adder, monkeypatch):
    monkeypatch.delitem(adder._streams["o_sums"]["ports"], "ready")
    with pytest.raises(ValueError, match="^o_sums must have ports for valid and ready, not payload, valid alone$"):
        adder.run({}, {"o_sums": 0})


def test_no_beats_no_cycles(adder):
    result = adder.run({}, {"o_sums": 0}, idle_cycles=20)
    assert result.cycles == 0 and len(result.outputs["o_sums"]) == 0


def test_withdrawn_output_is_caught(designs, cache, tmp_path, seed):
    model = build(designs.adder(tmp_path, valid="level != 3'd0 && o_count[0]"), cache=cache)
    beats, _ = pairs(100, seed)
    with pytest.raises(SimulationError, match=r"o_sums withdrew or changed a beat that waited \(cycle \d+\)"):
        model.run({"i_pairs": beats}, {"o_sums": 100}, stalls={"o_sums": 0.5}, watchdog=50)


def test_assertion_stops_the_job(designs, cache, tmp_path, seed):
    source = designs.adder(tmp_path, assertion="assert (o_count < 32'd20);")
    beats, _ = pairs(100, seed)
    with pytest.raises(SimulationError, match=r"assertion failed in .*adder.* at cycle 2\d"):
        build(source, assertions=True, cache=cache).run({"i_pairs": beats}, {"o_sums": 100})
    assert build(source, cache=cache).run({"i_pairs": beats}, {"o_sums": 100}).cycles == 101


def test_ports_cycle_by_cycle(accumulator, seed):
    words = np.random.default_rng(seed).integers(-(2**31), 2**31, (50, 3))
    clear = np.arange(50) % 10 == 9
    got = accumulator.cycles({"i_words": words, "i_clear": clear}, ["o_words", "o_any"])
    expected = np.zeros((50, 3), np.int64)
    for cycle in range(1, 50):
        if not clear[cycle - 1]:
            expected[cycle] = expected[cycle - 1] + words[cycle - 1]
    assert np.array_equal(got["o_words"], expected.astype(np.int32)) and got["o_words"].dtype == np.int32
    assert np.array_equal(got["o_any"], words.any(axis=1))


def test_ports_go_on_where_they_ended(accumulator):
    ones = np.ones((5, 3), int)
    accumulator.cycles({"i_words": ones}, [])
    got = accumulator.cycles({"i_words": ones}, ["o_words"], reset=False, fresh=False)
    assert got["o_words"][:, 0].tolist() == [5, 6, 7, 8, 9]


def test_wrong_ports(accumulator):
    with pytest.raises(ValueError, match="port must be one of rst, i_words, i_clear, not 'i_word'"):
        accumulator.cycles({"i_word": [1]}, [])
    with pytest.raises(ValueError, match="port must be one of o_words, o_any, not 'i_words'"):
        accumulator.cycles({"i_words": np.zeros((2, 3), int)}, ["i_words"])
    with pytest.raises(ValueError, match="inputs must be given for equally many cycles"):
        accumulator.cycles({"i_words": np.zeros((2, 3), int), "i_clear": [0]}, [])


def test_an_instance_that_was_never_evaluated_can_go():
    """As that of a testbench that fails before its first cycle. A matrix unit ended the process then."""
    model = build(emit(MatrixUnit(PRESETS["tiny"])))
    for _ in range(3):
        model.steps()
        model.close()
    assert model.cycles({"i_weights_valid": [0, 0]}, ["o_sums_valid"])["o_sums_valid"].tolist() == [0, 0]


def test_a_forked_process_leaves_the_instance_alone():
    """It has none of the simulation's threads, and waited for them without end, or was aborted."""
    model = build(emit(MatrixUnit(PRESETS["tiny"])))
    model.steps()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of threads, from Python 3.12 on
        child = os.fork()
    if not child:
        code = 1
        try:
            signal.alarm(20)
            model.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert model.cycles({"i_weights_valid": [0]}, ["o_sums_valid"])["o_sums_valid"].tolist() == [0]


def test_bench_runs_the_cycles(accumulator):
    assert 0 < accumulator.bench(1000) < accumulator.bench(1_000_000)


def test_waveforms_of_a_window_only(adder, cache, tmp_path, seed):
    beats, sums = pairs(200, seed)
    path = tmp_path / "my $window & (1).vcd"
    result = adder.run({"i_pairs": beats}, {"o_sums": 200}, vcd=path, window=(50, 60))
    assert np.array_equal(result.outputs["o_sums"], sums)
    times = [int(time) for time in re.findall(r"^#(\d+)$", path.read_text(), re.MULTILINE)]
    assert times == list(range(500, 600, 5))
    count = re.search(r"\$var \w+ 32 (\S+) o_count ", path.read_text())
    assert count
    values = re.findall(rf"^b([01]+) {re.escape(count[1])}$", path.read_text(), re.MULTILINE)
    assert [int(value, 2) for value in values] == list(range(50, 61))


def test_waveforms_that_cannot_be_written(adder, tmp_path):
    with pytest.raises(FileNotFoundError):
        adder.run({}, {}, vcd=tmp_path / "missing" / "x.vcd")
    with pytest.raises(ValueError, match="window must be"):
        adder.run({}, {}, vcd=tmp_path / "x.vcd", window=(5, 5))


@pytest.mark.slow
def test_hierarchical_blocks(designs, cache, tmp_path, seed):
    data = np.random.default_rng(seed).integers(0, 256, 300)
    model = build(designs.chain(tmp_path), cache=cache)
    assert model.cycles({"i_data": data}, ["o_data"])["o_data"].tolist() == [0, 0, *data[:-2]]
    path = tmp_path / "blocks.vcd"
    model.cycles({"i_data": data}, ["o_data"], vcd=path, window=(3, 5))
    assert re.findall(r"^#(\d+)$", path.read_text(), re.MULTILINE) == ["30", "35", "40", "45"]
    assert "middle" in path.read_text()


@pytest.mark.parametrize(("new", "more"), [("_Znwm", ()), ("_ZnwmSt11align_val_t", (64,))])
def test_hierarchical_blocks_get_memory_that_is_empty(new, more, adder):
    """Verilator forgets to set a number of each block, which matters if it is negative and passes zero later."""
    library = adder._library
    new, delete = getattr(library, new), library._ZdlPv
    new.restype, new.argtypes, delete.argtypes = ctypes.c_void_p, [ctypes.c_size_t] * 2, [ctypes.c_void_p]
    for size in [1, 60, 200, 1000, 5000, 200_000] * 2:
        place = new(size, *more or (0,))
        assert ctypes.string_at(place, size) == bytes(size)
        ctypes.memset(place, 0xFF, size)
        delete(place)


def test_two_designs_side_by_side(adder, accumulator, seed):
    beats, sums = pairs(50, seed)
    accumulator.cycles({"i_words": np.ones((5, 3), int)}, [])
    result = adder.run({"i_pairs": beats}, {"o_sums": 50})
    got = accumulator.cycles({"i_clear": [1]}, ["o_words"], reset=False, fresh=False)
    assert np.array_equal(result.outputs["o_sums"], sums) and got["o_words"].tolist() == [[5, 5, 5]]


def test_harness_and_python_agree_on_structures(adder):
    from tensorloom.tb.bulk import library, memory, software

    structures = (
        library.Job, library.Stream, memory.PortDescription, memory.MemoryDescription, memory.CErrorRange,
        software.CStep, software.SoftwareDescription,
    )  # fmt: skip
    sizes = (ctypes.c_uint64 * len(structures))()
    adder._library.tl_sizes(sizes)
    assert list(sizes) == [ctypes.sizeof(structure) for structure in structures]
