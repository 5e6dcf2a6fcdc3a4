"""What a timing of memory may be, and the stalls that it stands for."""

import pytest

from tensorloom.hw.errors import Error
from tensorloom.sim.memory_timing import CHANNELS, MemoryTiming


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"latency": 0}, "latency must be an integer from 1 to"),
        ({"write_latency": 1.5}, "write_latency must be an integer, not 1.5"),
        ({"outstanding": 0}, "outstanding must be"),
        ({"write_buffer": 1 << 17}, "write_buffer must be an integer from 1 to 65536"),
        ({"read_pace": 0}, "read_pace must be"),
        ({"pace": 8, "write_pace": 8}, "pace must be alone, without read_pace and write_pace, not 8"),
        ({"stalls": 1.0}, "stalls must be less than 1"),
        ({"stalls": {"q": 0.5}}, "stalls must be of the channels ar, r, aw, w, b, not 'q'"),
        ({"stalls": {"r": -0.5}}, "stalls of r must be from 0 to 1, not -0.5"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict, text: str) -> None:
    with pytest.raises(Error, match=text):
        MemoryTiming(**fields)


def test_stalls_of_channels() -> None:
    timing = MemoryTiming(stalls={"w": 0.25}, seed=3)
    thresholds = {channel: timing.stall(1, channel).threshold for channel in CHANNELS}
    assert thresholds == dict.fromkeys(CHANNELS, 0) | {"w": 1 << 30}
    assert timing.random and MemoryTiming(stalls=0.1).random and not MemoryTiming(latency=9, pace=4).random
    places = [(port, channel, seed) for port in range(3) for channel in CHANNELS for seed in range(3)]
    states = {MemoryTiming(stalls=0.5, seed=seed).stall(port, channel).state for port, channel, seed in places}
    assert len(states) == len(places)
