"""What the core says of malformed streams: each cause alone, in every stream, for every receiver, in every lane."""

from typing import Any

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.config import SnapConfig
from tensorloom.hw.snap.core import SnapCore
from tensorloom.tb.bulk.model import Model, build
from tensorloom.tb.snap.malformed import Beat, Cases, activation_cases, beats_of, weight_cases
from tensorloom.tb.snap.parts import NARROW

NO_ERRORS = {"weights": 0, "activations": 0, "commands": 0, "cuts": 0, "overflow": 0}


@pytest.fixture(scope="module", params=["narrow", pytest.param("narrow_pipelined", marks=pytest.mark.slow)])
def core(request: pytest.FixtureRequest) -> tuple[SnapConfig, Model]:
    config = NARROW[request.param]
    return config, build(emit(SnapCore(config)))


def check(core: tuple[SnapConfig, Model], stream: str, cases: Cases) -> None:
    """Send each case on each stream of the kind: only that stream's error may come, and stays."""
    config, model = core
    for case, beats, wrong in cases:
        for number in range(config.core_columns if stream == "weights" else config.core_rows):
            inputs = {f"i_{stream}_{number}": beats_of(config, stream, beats)}
            errors = model.run(inputs, {}, idle_cycles=6).counters["o_errors"]
            assert errors == NO_ERRORS | {stream: wrong << number}, f"{case} on {stream}[{number}]"


def test_weights(core) -> None:
    check(core, "weights", weight_cases(core[0]))


def test_activations(core) -> None:
    check(core, "activations", activation_cases(core[0]))


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
