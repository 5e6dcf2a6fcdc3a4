import dataclasses
import random
from functools import cached_property

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.tpu.config import PRESETS
from tensorloom.hw.tpu.isa import KINDS, SET_REGISTERS, SWAPS, encode
from tensorloom.hw.tpu.register_map import CATEGORIES as COUNTED_CATEGORIES
from tensorloom.hw.tpu.register_map import COUNTED
from tensorloom.run.driving import drive
from tensorloom.run.tpu.program import TpuProgram, map_network
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.tpu.cycles import CATEGORIES, Stretch, TpuCycles, predict
from tensorloom.sim.tpu.networks import digits_mlp, mlp0, mlp1, perceptron, random_inputs
from tensorloom.sim.tpu.random_programs import random_program
from tensorloom.tb.bulk.model import build
from tensorloom.tb.tpu.windows import random_geometry

from ...designs import emitted

CONFIG = PRESETS["tpu-tiny"]
TIMINGS = [
    MemoryTiming(), MemoryTiming(latency=100, write_latency=30), MemoryTiming(latency=9, pace=5),
    MemoryTiming(latency=40, read_pace=340, pace_cycles=49), MemoryTiming(latency=2, read_pace=9, write_pace=3),
    MemoryTiming(latency=20, outstanding=1, write_buffer=1), MemoryTiming(latency=3, outstanding=2, write_latency=50),
]  # fmt: skip


class Shifted(TpuProgram):
    """A program whose windows begin at any beat, so that bursts end elsewhere."""

    @cached_property
    def _places(self):
        beat = self.config.bus_bytes
        first = self._whole(len(self.program)) + 5 * beat
        second = first + self._whole(len(self.host[0])) + 77 * beat
        return first, second, self._whole(second + len(self.host[1]))


@pytest.fixture(scope="module")
def counters():
    """What the hardware's counters show after a program."""
    model = build(emitted("tpu", CONFIG))

    def count(program, timing):
        driven = drive(model, program, timing=timing)
        found = driven.result.counters
        assert (driven.wrong_bytes, found["error"]) == (0, 0)
        return TpuCycles(**{name: found[f"count_{name}"] for name in COUNTED})

    return count


def networks():
    """Small ones, with one and several tiles in either direction, and more rows than half of the accumulators."""
    return [
        perceptron(20, [50, 30, 44, 9]), perceptron(80, [8, 30, 8]), mlp0(64), mlp1(64), digits_mlp(5),
    ]  # fmt: skip


def compiled(network, batches):
    return map_network(CONFIG, network, random_inputs(network, batches))


def predicted(program, timing):
    counted = program.predict(timing)
    assert counted is not None
    return counted


def simple(program, timing=TIMINGS[0], address=0, places=(4096, 8192), weights=0):
    """Counters of a program with windows and weight memory of 2 KiB."""
    first, second = (Stretch(place, 2048) for place in places)
    code = b"".join(word.to_bytes(16, "little") for word in program)
    return predict(CONFIG, code, host=[first, second], weights=Stretch(weights, 2048), address=address, timing=timing)


def busy_program(some):
    """All units at once: in the unified buffer they get in each other's way, in quarters of it that are their own.

    What a matmul or a convolve reads is also written anew now and then.
    """
    quarter, beat = CONFIG.ub_granules // 4, CONFIG.bus_granules
    tiles = 4
    words = [
        *prologue(tiles, some.randint(1, 8)),
        encode("set", index=SET_REGISTERS["plane_step"], value=some.randint(0, quarter // 4)),
    ]
    for number in range(tiles):
        rows, repeat = some.randint(1, 100), some.randint(1, 3)
        multiplies = {"drain": 1, "swap": SWAPS.index("first"), "rows": rows, "repeat": repeat}
        if some.getrandbits(1):
            windows = random_geometry(CONFIG, some, range(CONFIG.ub_rows // 16))
            geometry, place = windows["geometry"], {"ub": windows["first"], "x": windows["x"], "y": windows["y"]}
            words += [encode("set", index=SET_REGISTERS[name], value=value) for name, value in geometry.items()]
            words.append(encode("convolve", width=some.randint(1, 2), **multiplies, **place))
        else:
            place = {"ub": some.randrange(quarter // 4), "step": some.choice([0, 1, 7]), "pitch": some.randint(1, 2)}
            words.append(encode("matmul", **multiplies, **place))
        used, pitch = some.choice([(1, 1), (1, 2), (2, 2), (2, 2)])
        fields = {"ub": quarter + some.randrange(20), "rows": rows, "pitch": pitch, "used": used}
        if number and some.random() < 0.3:
            words.append(encode("activate", kind=KINDS.index("raw"), planes=some.randrange(3), **fields))
        else:
            words.append(encode("activate", kind=KINDS.index("uint8"), hi=255, next=number == 0, **fields))
        for _ in range(some.randint(1, 3)):
            transfer = {"ub": beat * some.randrange(20), "granules": some.randint(1, quarter - 20 * beat)}
            if some.random() < 0.2:  # to where matmuls read
                words.append(encode("read_host", granules=some.randint(1, 8), ub=beat * some.randrange(20)))
            transfer["ub"] += 2 * quarter
            words.append(encode("read_host", **transfer))
            transfer["ub"] += quarter
            words.append(encode("write_host", window=1, **transfer))
    words.append(encode("halt"))
    return program_of(words, tiles)


def chained_program(some):
    """A row that is read, and written anew from what it holds or from the host, while the host gets half of the buffer.

    So the row is read again each time, and holds up what the host gets.
    """
    half, row = CONFIG.ub_granules // 2, CONFIG.row_granules * some.randrange(16)
    ub = row + some.randrange(2)  # odd: in two rows
    words = [*prologue(1, 8), encode("write_host", window=1, ub=half, granules=half)]
    for number in range(10):
        swap = SWAPS.index("none" if number else "first")
        words.append(encode("matmul", drain=1, swap=swap, ub=ub, rows=1, repeat=1, pitch=2))
        place = ub if number % 2 else ub + half // 2
        words.append(encode("activate", kind=1, hi=255, next=number == 0, ub=place, rows=1, pitch=2, used=2))
        if number % 2 == 0:
            words.append(encode("read_host", ub=row + some.choice([0, 2]), granules=2))
    words.append(encode("halt"))
    return program_of(words, 1)


def prologue(tiles, rows):
    """Fills the unified buffer, and reads weight tiles and a parameter set."""
    return [
        encode("read_host", granules=CONFIG.ub_granules),
        encode("sync", units=1),
        encode("read_parameters", count=1),
        encode("read_weights", tiles=tiles, rows=rows, chunks=1),
    ]


def program_of(words, tiles):
    """A program with random contents of memories."""
    contents = np.random.default_rng(len(words))
    return TpuProgram(
        config=CONFIG,
        program=b"".join(word.to_bytes(16, "little") for word in words),
        host=[contents.integers(0, 256, CONFIG.ub_bytes, np.uint8) for _ in range(2)],
        weights=np.frombuffer(factors(contents) + contents.bytes(tiles * 64), np.uint8),
    )


def factors(contents):
    """A parameter set, which programs read from the same place as tiles."""
    fields = np.zeros(8, [("bias", "<i4"), ("factor", "<f4")])
    fields["bias"], fields["factor"] = contents.integers(-1000, 1000, 8), 0.01
    return fields.tobytes()


@pytest.mark.parametrize("number", range(24))
@pytest.mark.parametrize("make", [busy_program, chained_program])
def test_model_counts_every_cycle_when_all_units_are_at_work(counters, seed, make, number):
    some = random.Random(seed)
    program, timing = make(some), TIMINGS[number % 2 * 2]
    assert counters(program, timing) == program.predict(timing)


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("kind", [TpuProgram, Shifted])
def test_model_counts_every_cycle_of_random_programs(counters, seed, kind, timing):
    some, halted = random.Random(seed), 0
    while halted < 3:
        made = random_program(CONFIG, some.randrange(1 << 30), instructions=some.choice([10, 40, 100]))
        if made.problem:
            continue
        halted += 1
        program = kind(config=CONFIG, program=made.program, host=made.host, weights=made.weights)
        assert counters(program, timing) == program.predict(timing)


@pytest.mark.parametrize("number", range(len(networks())))
def test_model_counts_every_cycle_of_networks(counters, number):
    network = networks()[number]
    for batches, timing in zip((1, 2, 3), (TIMINGS[0], TIMINGS[3], TIMINGS[2]), strict=True):
        program = compiled(network, batches)
        assert counters(program, timing) == program.predict(timing), batches


def test_names_are_those_of_the_hardware():
    assert tuple(COUNTED_CATEGORIES) == CATEGORIES
    assert tuple(field.name for field in dataclasses.fields(TpuCycles)) == tuple(COUNTED)


def test_each_cycle_went_somewhere():
    network = networks()[0]
    counted = predicted(compiled(network, 2), TIMINGS[3])
    shares = counted.where_cycles_went()
    assert tuple(shares) == CATEGORIES
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["active"] == counted.active / counted.cycles
    macs = 2 * 20 * (50 * 30 + 30 * 44 + 44 * 9)
    assert counted.utilisation(CONFIG, macs) == macs / counted.cycles / 64
    # every layer's N tiles with all K tiles, each with all rows of both batches
    assert counted.active == 2 * 20 * (7 * 4 + 4 * 6 + 6 * 2)
    assert counted.result_rows == 2 * 20 * (4 + 6 + 2)


def test_slow_memory_stalls_for_weights():
    program = compiled(networks()[0], 3)
    quick, slow = (predicted(program, MemoryTiming(latency=50, read_pace=pace)) for pace in (8, 1))
    assert slow.cycles > quick.cycles
    assert slow.weight_stall > quick.weight_stall
    assert set(slow.differences(quick)) <= {"cycles", "idle", "fill", "input", "raw", "weight_shift", "weight_stall"}


def test_an_empty_program_takes_the_time_of_its_fetch():
    """It is asked for, and comes; then five cycles."""
    halt = encode("halt")
    fast, slow = (simple([halt], MemoryTiming(latency=latency)) for latency in (1, 11))
    assert slow.cycles - fast.cycles == 10
    assert fast.idle == fast.cycles
    assert fast.instructions == 1
    assert simple([encode("nop"), halt]).cycles - simple([halt]).cycles == 5


def test_bursts_end_at_borders():
    """A transfer of the longest burst's beats is one burst, or two if it begins elsewhere."""
    longest = CONFIG.max_burst
    transfer = encode("read_host", granules=longest * CONFIG.bus_granules)
    program = [transfer, encode("halt")]
    timing = MemoryTiming(latency=300, outstanding=1)
    aligned, shifted = (simple(program, timing, places=(place, 8192)) for place in (4096, 4096 + 8))
    assert shifted.cycles - aligned.cycles == 300
    assert aligned.host_in_beats == shifted.host_in_beats == longest
    words = [encode("nop")] * 40 + [encode("halt")]
    assert simple(words, timing, address=1024 - 8).cycles > simple(words, timing).cycles


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ([], "without halt"),
        ([encode("nop")], "without halt"),
        ([0xFF, encode("halt")], "instruction 0: opcode"),
        ([encode("read_host", granules=4, host=256), encode("halt")], "of window 0, which has 512"),
        ([encode("read_weights", tiles=1, rows=1, chunks=1), encode("halt")], "leftover"),
    ],
)
def test_programs_that_fail_are_not_predicted(program, why):
    with pytest.raises(ConfigError, match=why):
        simple(program)


def test_memory_that_stalls_at_random_is_not_predicted():
    with pytest.raises(ConfigError, match="without random stalls"):
        simple([encode("halt")], MemoryTiming(stalls=0.1))


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("address", {"address": 4}), ("weights", {"weights": 12}), (r"host\[0\]", {"places": (1, 0)}),
        (r"host\[1\]", {"places": (0, 1)}),
    ],
)  # fmt: skip
def test_what_lies_between_beats_is_refused(name, where):
    with pytest.raises(ConfigError, match=rf"^{name} must be at a multiple of a beat's 8 bytes"):
        simple([encode("halt")], **where)
