"""What the core says of malformed streams: each cause alone, in every stream, for every receiver, in every lane."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.config import SnapConfig
from tensorloom.hw.snap.core import SnapCore
from tensorloom.tb.bulk.model import Model, build
from tensorloom.tb.snap.parts import NARROW

NO_ERRORS = {"weights": 0, "activations": 0, "commands": 0, "cuts": 0, "overflow": 0}

END = {"last": 1, "group_last": 1}

Beat = dict[str, Any]
Cases = Iterator[tuple[str, list[Beat], bool]]
"""What a case is, its beats, and whether they are an error."""


@pytest.fixture(scope="module", params=NARROW)
def core(request: pytest.FixtureRequest) -> tuple[SnapConfig, Model]:
    config = NARROW[request.param]
    return config, build(emit(SnapCore(config)))


def beats_of(config: SnapConfig, stream: str, beats: list[Beat]) -> dict[str, object]:
    """Beats whose lanes are all filled, of one entry each that receiver 0 stores, but for what `beats` says."""
    fields = ["count", "mask", "last", "group_last", *(["block_last"] if stream == "weights" else ["slot", "classes"])]
    entry = ["value", "index", *(["slot", "kind"] if stream == "weights" else [])]
    entries = {name: np.zeros((len(beats), config.beat_entries), np.int64) for name in entry}
    entries["value"][:] = 1
    entries["index"][:] = np.arange(config.beat_entries)
    rest = {name: np.zeros(len(beats), np.int64) for name in fields}
    rest["count"][:] = rest["mask"][:] = 1
    for number, beat in enumerate(beats):
        for name, value in beat.items():
            if name in entries:
                entries[name][number, : len(value)] = value
            else:
                rest[name][number] = value
    return {"entries": entries, **rest}


def check(core: tuple[SnapConfig, Model], stream: str, cases: Cases) -> None:
    """Send each case on each stream of the kind: only that stream's error may come, and stays."""
    config, model = core
    for case, beats, wrong in cases:
        for number in range(config.core_columns if stream == "weights" else config.core_rows):
            inputs = {f"i_{stream}_{number}": beats_of(config, stream, beats)}
            errors = model.run(inputs, {}, idle_cycles=6).counters["o_errors"]
            assert errors == NO_ERRORS | {stream: wrong << number}, f"{case} on {stream}[{number}]"


def entry_cases(config: SnapConfig, receivers: int) -> Cases:
    """Zeros and counts, of either kind of stream."""
    width = config.beat_entries
    for receiver in range(receivers):
        mask = {"mask": 1 << receiver}
        for lane in range(width):
            zero = {"value": [int(other != lane) for other in range(width)]}
            for count in range(width + 1):
                yield f"zero in lane {lane} of {count}", [mask | zero | {"count": count} | END], lane < count
        yield "all full", [mask | {"count": width} | END], False
    everybody = (1 << receivers) - 1
    for count in range(width + 1):
        yield f"{count} zeros that nobody stores", [{"value": [0] * width, "count": count, "mask": 0} | END], False
        yield f"{count} entries for all", [{"count": count, "mask": everybody} | END], False
    for count in range(width + 1, 2 * width if width > 1 else 0):
        for mask in (0, 1, everybody):
            yield f"count of {count} for mask {mask}", [{"count": count, "mask": mask} | END], True


def length_cases(most: int, held: int, receivers: int) -> Cases:
    """Windows or tiles of `most` beats and more, where a ring holds so many."""
    for receiver in range(receivers):
        empty = {"mask": 1 << receiver, "count": 0}
        yield f"longest for {receiver}", [empty] * (most - 1) + [empty | END], False
        yield f"two long ones for {receiver}", ([empty] * (held // 2 - 1) + [empty | END]) * 2, False
        if held > most:
            yield f"too long for {receiver}", [empty] * most + [empty | END], True
            yield f"two that are too long together, for {receiver}", ([empty] * (most - 1) + [empty | END]) * 2, False
    for one, other in permutations(range(receivers), 2):
        halves = [{"mask": 1 << one, "count": 0}] * most + [{"mask": 1 << other, "count": 0}] * most
        yield f"longest for {one}, then {other}", halves[:-1] + [halves[-1] | END], False


def order_cases(config: SnapConfig, receivers: int) -> Cases:
    """Channel indices that don't increase."""
    width, top = config.beat_entries, config.channel_tile - 1
    everybody = (1 << receivers) - 1
    for lane in range(1, width):
        for step in (0, -1):
            index = {"index": [2 * at + 1 for at in range(lane)] + [2 * lane - 1 + step], "value": [1] * width}
            index["index"] += [top - width + at + 1 for at in range(lane + 1, width)]
            for count in range(width + 1):
                for mask in (0, *(1 << receiver for receiver in range(receivers))):
                    falls = count > lane and mask > 0
                    case = f"lane {lane} of {count} falls by {-step}, mask {mask}"
                    yield case, [index | {"count": count, "mask": mask} | END], falls
    for one in range(receivers):
        mask = {"mask": 1 << one}
        empty = mask | {"count": 0, "index": [0] * width}
        for count in range(1, width + 1):
            first = mask | {"count": count}
            for step in (-1, 0, 1):
                if count - 1 + step >= 0:
                    second = mask | {"index": [count - 1 + step]}
                    yield f"{count} entries, then one {step} above", [first, second | END], step < 1
                    yield f"{count} entries, nothing, one {step} above", [first, empty, second | END], step < 1
                    yield f"{count} entries, a tile, one {step} above", [first | END, second | END], False
        yield "nothing above the last", [mask | {"index": [top]}, mask | {"index": [0]} | END], True
        yield "the last above all", [mask | {"index": [top - 1]}, mask | {"index": [top]} | END], False
        yield "one for all, the same", [mask, {"mask": everybody} | END], True
        for other in range(receivers):
            if other != one:
                same = [mask | {"index": [2]}, {"mask": 1 << other, "index": [2]}]
                yield "the same for two", same[:1] + [same[1] | END], False
                yield "falls across another's", [*same, mask | {"index": [1]} | END], True
                yield "rises across another's", [*same, mask | {"index": [3]} | END], False


def test_entries_of_weights(core) -> None:
    check(core, "weights", entry_cases(core[0], core[0].core_rows))


def test_entries_of_activations(core) -> None:
    check(core, "activations", entry_cases(core[0], core[0].core_columns))


def test_order_of_activations(core) -> None:
    check(core, "activations", order_cases(core[0], core[0].core_columns))


def test_length_of_windows_and_tiles(core) -> None:
    config = core[0]
    check(core, "weights", length_cases(config.window_beats, config.weight_beats, config.core_rows))
    check(core, "activations", length_cases(config.tile_beats, config.activation_beats, config.core_columns))


def test_ends_of_blocks(core) -> None:
    cases: list[tuple[str, list[Beat], bool]] = [
        ("block end within a group", [{"last": 1, "block_last": 1}], True),
        ("flags before the end", [{"block_last": 1}, END], False),
        ("end of a group", [END], False),
        ("end of a block", [END | {"block_last": 1}], False),
        ("repeated weights", [{}, {}, END], False),
    ]
    check(core, "weights", iter(cases))


def test_commands(core) -> None:
    """No slots, too many, and in row mode ports that have no row; not the most slots, and not all ports."""
    config, model = core
    for slots in range(2 * config.psum_slots):
        wrong = not 1 <= slots <= config.psum_slots
        assert command_error(config, model, slots, 1, 0) == wrong, slots
    for port in range(config.ports):
        for mode in range(2):
            wrong = mode == 1 and port >= config.core_rows
            assert command_error(config, model, 1, 1 << port, mode) == wrong, (port, mode)


def command_error(config: SnapConfig, model: Model, slots: int, ports: int, mode: int) -> bool:
    """Offer a command without anything to reduce."""
    payload = {"slots": np.full(3, slots), "ports": np.full(3, ports), "row_mode": np.full(3, mode)}
    errors = errors_in(model, {"i_commands_valid": np.array([1, 1, 1]), "i_commands_payload": payload})
    found = {name: int(values[-1]) for name, values in errors.items()}
    assert found == NO_ERRORS | {"commands": found["commands"]}
    return bool(found["commands"])


def errors_in(model: Model, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
    return model.cycles(inputs, ["o_errors"])["o_errors"]


def offered(config: SnapConfig, stream: str, number: int, beats: list[Beat]) -> dict[str, object]:
    """A stream offers these beats, one a cycle, whether they are taken or not."""
    valid = np.array([not beat.get("idle") for beat in beats], np.int64)
    beats = [{name: value for name, value in beat.items() if name != "idle"} for beat in beats]
    return {
        f"i_{stream}_{number}_valid": valid,
        f"i_{stream}_{number}_payload": beats_of(config, stream, beats),
    }


@pytest.mark.parametrize("stream", ["weights", "activations"])
def test_an_item_longer_than_its_ring_is_an_error_though_it_is_never_taken(core, stream: str) -> None:
    config, model = core
    counts, most = (config.core_columns, config.core_rows), config.window_beats
    if stream == "activations":
        counts, most = counts[::-1], config.tile_beats
    for number, receiver in np.ndindex(counts):
        beats = [{"count": 0, "mask": 1 << receiver}] * (2 * max(config.weight_beats, config.activation_beats))
        errors = errors_in(model, offered(config, stream, number, beats))
        np.testing.assert_array_equal(errors[stream], (np.arange(len(beats)) > most) << number)


@pytest.mark.parametrize("ends", [0, 1])
def test_a_group_that_the_ring_cannot_keep(core, ends: int) -> None:
    """With a further window to come no tile may go, and no further one fits; with the last window they go."""
    config, model = core
    cycles = 20 + 4 * config.activation_tiles
    for row, column in np.ndindex(config.core_rows, config.core_columns):
        tiles = offered(config, "activations", row, [{"count": 0, "mask": 1 << column, "last": 1}] * cycles)
        window = {"mask": 1 << row, "last": 1, "group_last": ends}
        windows = offered(config, "weights", column, [window] + [{"idle": 1}] * (cycles - 1))
        errors = errors_in(model, tiles | windows)
        assert errors["activations"][-1] == (1 - ends) << row
        assert not errors["weights"].any() and not errors["cuts"].any()


def test_a_ring_that_the_awaited_tile_fills_is_not_stuck(core) -> None:
    """The PE waits for the last tile of its group; as that comes, there is no room for the beat behind it."""
    config, model = core
    size = config.tile_beats
    for row, column in np.ndindex(config.core_rows, config.core_columns):
        empty = {"count": 0, "mask": 1 << column}
        beats: list[Beat] = [empty | {"last": int(beat % size == size - 1)} for beat in range(config.activation_beats)]
        beats[-1:] = [{"idle": 1}] * 60 + [beats[-1] | {"group_last": 1}] + [empty] * 20
        window = [{"last": 1, "group_last": 0}] + [{"idle": 1}] * (len(beats) - 1)
        inputs = offered(config, "activations", row, beats) | offered(config, "weights", column, window)
        errors = errors_in(model, inputs)
        assert not errors["activations"].any() and not errors["weights"].any()
