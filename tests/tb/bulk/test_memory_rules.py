"""What a memory checks, and when it moves, seen with a port that is played cycle by cycle."""

import numpy as np
import pytest

from tensorloom.hw.bus.config import PortConfig
from tensorloom.hw.emit.emitter import emit
from tensorloom.sim.memory_timing import CHANNELS, MemoryTiming
from tensorloom.tb.bulk.memory import Memory
from tensorloom.tb.bulk.model import SimulationError, WatchdogError, build
from tensorloom.tb.bulk.software import Wait
from tensorloom.tb.bus.player import Player

CONFIG = PortConfig(data_bits=64, address_bits=20, id_bits=3)
BYTES = CONFIG.bytes


@pytest.fixture(scope="module")
def player(cache):
    return build(emit(Player(CONFIG)), cache=cache)


def address(channel, place, beats, **changes):
    """One cycle of AR or AW."""
    values = {"valid": 1, "addr": place, "len": beats - 1, "size": 3, "burst": 1, "cache": 3, "id": 5} | changes
    return {channel + name: value for name, value in values.items()}


def data(value=0, last=0, **changes):
    """One cycle of W."""
    return {"wvalid": 1, "wdata": value, "wstrb": 255, "wlast": last} | changes


ANSWERS = {"rready": 1, "bready": 1}


def play(player, cycles, timing=None, size=1 << 16, **options):
    """Show these values of outputs, a dict a cycle; gives the result and memory's bytes."""
    shape = next(stream for stream in player.manifest["streams"])["payload"]["fields"]
    beats = {name: np.array([cycle.get(name, 0) for cycle in cycles], np.uint64) for name in shape}
    memory = Memory(data=np.arange(size, dtype=np.uint8), timing=timing or MemoryTiming())
    options = {"watchdog": 500} | options
    return player.run({"i_play": beats}, {}, memories={"m_axi": memory}, log=True, **options), memory.data


def cycles_of(result, channel):
    chosen = result.transfers["channel"] == CHANNELS.index(channel)
    return result.transfers["cycle"][chosen].tolist()


NEVER = {channel: 1 - 2**-32 for channel in CHANNELS}
AR, AW = address("ar", 0x40, 2), address("aw", 0x40, 2)

VIOLATIONS = {
    "AR changed while its burst waited": [AR, AR, AR | {"araddr": 0x48}],
    "AW changed while its burst waited": [AW, AW | {"awid": 4}],
    "AW changed while its burst waited ": [AW, AW | {"awprot": 1}],
    "ARVALID fell before the burst was taken": [AR, {}],
    "AWVALID fell before the burst was taken": [AW, AW, {}],
    "W changed while its beat waited": [data(1), data(2)],
    "W changed while its beat waited ": [data(1), data(1, last=1)],
    "W changed while its beat waited  ": [data(1), data(1, wstrb=1)],
    "WVALID fell before the beat was taken": [data(1), {}],
}
RULES = {
    "ARSIZE must be that of a full beat of 8 bytes, not 2": [address("ar", 0, 4, size=2)],
    "ARBURST must be 1 (INCR), not 2": [address("ar", 0, 4, burst=2)],
    "AWBURST must be 1 (INCR), not 0": [{}, address("aw", 0, 4, burst=0)],
    "ARCACHE must be 3 (normal memory, bufferable), not 11": [address("ar", 0, 4, cache=11)],
    "AWPROT must be 0 (secure data, no privilege), not 4": [address("aw", 0, 4, prot=4)],
    "AWADDR must be a multiple of 8 bytes, not 0x1004": [{}, {}, address("aw", 0x1004, 4)],
    "AR crosses a page of 4 KiB with 3 beats from 0x1ff0": [address("ar", 0x1FF0, 3)],
    "WLAST must come with beat 2 of its burst, not with beat 1": [AW, data(last=1)],
    "WLAST must come with beat 2 of its burst, but did not": [AW, data(), data()],
    "WLAST must come with beat 2 of its burst, not with beat 3": [data(), data(), data(last=1), AW],
    "WLAST must come with beat 2 of its burst, but did not ": [data(), data(), AW],
}


@pytest.mark.parametrize("text", VIOLATIONS)
def test_what_waits_must_stay(player, text):
    cycles = VIOLATIONS[text]
    with pytest.raises(SimulationError) as error:
        play(player, cycles, MemoryTiming(stalls=NEVER))
    assert str(error.value) == f"m_axi: {text.strip()} at cycle {len(cycles)}"


@pytest.mark.parametrize("text", RULES)
def test_rules(player, text):
    cycles = RULES[text]
    with pytest.raises(SimulationError) as error:
        play(player, [*cycles, *[ANSWERS] * 9])
    assert str(error.value) == f"m_axi: {text.strip()} at cycle {len(cycles)}"


def test_page_may_be_used_to_its_end(player):
    result, _ = play(player, [address("ar", 0x1FF0, 2), *[ANSWERS] * 9])
    assert cycles_of(result, "r") == [1, 2]


def test_data_without_an_address(player):
    text = r"no transfer for 50 cycles .*: m_axi owes answers to 0 reads and 0 writes, and holds 2 beats of data"
    with pytest.raises(WatchdogError, match=text):
        play(player, [data(), data(last=1)] + [ANSWERS] * 9, watchdog=50)


def test_end_before_the_last_answer(player):
    """An output that says that all is done while the answer of a write is still to come, or in its very cycle."""
    cycles = [address("aw", 0, 1) | data(last=1), *[ANSWERS] * 20]
    timing = MemoryTiming(write_latency=6)
    for delay, fine in ((5, False), (6, True)):
        shown = [cycle | {"arprot": int(number == delay)} for number, cycle in enumerate(cycles)]
        if fine:
            assert cycles_of(play(player, shown, timing, software=[Wait("m_axi_arprot")])[0], "b") == [6]
            continue
        text = "software was told of the end while m_axi owes answers to 0 reads and 1 writes, .* at cycle 6"
        with pytest.raises(SimulationError, match=text):
            play(player, shown, timing, software=[Wait("m_axi_arprot")])


def test_data_strobes_and_order(player):
    """Data before, with and after their addresses; bytes without a strobe stay."""
    cycles = [
        data(0x1111111111111111),
        data(0x2222222222222222, last=1, wstrb=0x81) | address("aw", 0x100, 2),
        address("aw", 0x200, 1),
        data(0x3333333333333333, last=1, wstrb=0),
        address("ar", 0x100, 2, id=3),
        *[ANSWERS] * 9,
    ]
    result, memory = play(player, cycles)
    before = np.arange(1 << 16, dtype=np.uint8)
    before[0x100:0x108], before[[0x108, 0x10F]] = 0x11, 0x22
    assert np.array_equal(memory, before)
    assert [cycles_of(result, channel) for channel in CHANNELS] == [[4], [5, 6], [1, 2], [0, 1, 3], [5, 6]]
    assert (result.counters["o_read_id"], result.counters["o_write_id"]) == (3, 5)


@pytest.mark.parametrize("latency", [1, 2, 17])
def test_latency(player, latency):
    result, _ = play(player, [{}, AR, *[ANSWERS] * 40], MemoryTiming(latency=latency))
    assert cycles_of(result, "r") == [1 + latency, 2 + latency]
    cycles = [{}, data(), data(last=1), AW, *[ANSWERS] * 40]
    # Beat 0 is written in cycle 4, the one behind it in cycle 5.
    assert cycles_of(play(player, cycles, MemoryTiming(write_latency=latency))[0], "b") == [4 + latency]


def bursts(channel, count, beats):
    return [address(channel, 4096 * number, beats) for number in range(count)]


@pytest.mark.parametrize(("pace", "in_cycles"), [*((pace, 1) for pace in (1, 3, 7, 8, 12, 16, 100)), (40, 7), (9, 5)])
def test_pace_of_reading(player, pace, in_cycles):
    count, beats = 4, 16
    cycles = bursts("ar", count, beats) + [ANSWERS] * 600
    result, _ = play(player, cycles, MemoryTiming(read_pace=pace, pace_cycles=in_cycles, latency=10))
    due = [10 + max(k, k * BYTES * in_cycles // pace) for k in range(count * beats)]
    assert cycles_of(result, "r") == due


@pytest.mark.parametrize(("pace", "in_cycles"), [*((pace, 1) for pace in (1, 3, 7, 8, 12)), (30, 7)])
def test_pace_of_writing(player, pace, in_cycles):
    """Answers come as the last beats are written: beat k of all floor(k B / p) cycles after the first."""
    lengths = [1, 2, 5, 1, 7, 9, 3]
    words = [data(last=int(k == length - 1)) for length in lengths for k in range(length)]
    addresses = [address("aw", 4096 * number, length) for number, length in enumerate(lengths)]
    cycles = [one | other for one, other in zip(words, addresses + [{}] * len(words), strict=False)]
    cycles = [cycle | ANSWERS for cycle in cycles] + [ANSWERS] * 300
    result, _ = play(player, cycles, MemoryTiming(write_pace=pace, pace_cycles=in_cycles))
    last = np.cumsum(lengths) - 1
    assert cycles_of(result, "b") == [1 + max(int(k), int(k) * BYTES * in_cycles // pace) for k in last]


@pytest.mark.parametrize("pace", [4, 8, 11])
def test_pace_of_both(player, pace):
    """Reading and writing take turns."""
    beats = 16
    cycles = [address("ar", 0, beats) | address("aw", 4096, 1) | data(last=1)]
    cycles += [address("aw", 4096 * k, 1) | data(last=1) | ANSWERS for k in range(2, beats + 1)]
    result, _ = play(player, cycles + [ANSWERS] * 200, MemoryTiming(pace=pace))
    reads, writes = cycles_of(result, "r"), cycles_of(result, "b")
    due = [1 + k * BYTES // pace for k in range(2 * beats)]
    assert sorted(reads + writes) == due
    assert reads == due[::2] and writes == due[1::2]


def test_outstanding_bursts(player):
    """The third address waits until the first burst is answered, whose last beat comes in cycle 6."""
    first, second, third = (address("ar", place, 4) for place in (0, 64, 128))
    cycles = [first, second, *[third | ANSWERS] * 6, *[ANSWERS] * 30]
    result, _ = play(player, cycles, MemoryTiming(latency=3, outstanding=2))
    assert cycles_of(result, "ar") == [0, 1, 7] and cycles_of(result, "r") == list(range(3, 15))
    first, second, third = (address("aw", place, 1) | data(last=1) for place in (0, 64, 128))
    third = [third | ANSWERS] + [address("aw", 128, 1) | ANSWERS] * 4
    result, _ = play(player, [first, second, *third, *[ANSWERS] * 30], MemoryTiming(write_latency=5, outstanding=2))
    assert cycles_of(result, "aw") == [0, 1, 6] and cycles_of(result, "b") == [5, 6, 11]


def test_room_for_data(player):
    """Two beats have room; one is written in cycle 1, the next, 8 bytes at a byte a cycle, in cycle 9."""
    beats = [data(k, last=int(k == 3)) for k in range(4)]
    cycles = [address("aw", 0, 4) | beats[0], beats[1], beats[2], *[beats[3]] * 8, *[ANSWERS] * 30]
    result, memory = play(player, cycles, MemoryTiming(write_buffer=2, write_pace=1))
    assert cycles_of(result, "w") == [0, 1, 2, 10] and cycles_of(result, "b") == [25]
    assert memory[:32].view("<u8").tolist() == [0, 1, 2, 3]


def test_wrong_payload_while_nothing_is_valid(player):
    """Who looks at data that aren't valid sees something else."""
    result, memory = play(player, [address("ar", 0x10, 1), *[ANSWERS] * 9])
    shown = int.from_bytes(memory[0x10:0x18].tobytes(), "little")
    assert cycles_of(result, "r") == [1] and result.counters["o_data"] not in (0, shown)
