import dataclasses

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.systolic.config import SystolicConfig
from tensorloom.sim.systolic.commands import MATRIX_COMMAND
from tensorloom.sim.systolic.golden import matrix_unit

CONFIG = SystolicConfig(rows=3, columns=2, tile_rows=3, tile_columns=1, accumulator_rows=8, accumulator_bits=20)


def byte(value, signed):
    return value - 256 if signed and value > 127 else value


def in_python(config, weights, activations, commands):
    """Run the commands one multiplication at a time."""
    weights, activations = iter(weights.tolist()), iter(activations.tolist())
    accumulators = [[0] * config.columns for _ in range(config.accumulator_rows)]
    sums, tile = [], []
    for command in commands:
        rows, address, accumulate, drain, swap, a_signed, w_signed, shift = command.tolist()
        if swap:
            tile = [[byte(w, w_signed) for w in next(weights)] for _ in range(config.rows)]
        places = [(address + i) % config.accumulator_rows for i in range(rows)]
        for place in places:
            row = [byte(x, a_signed) for x in next(activations)]
            for column in range(config.columns):
                total = sum(x * tile[r][column] for r, x in enumerate(row)) * 256**shift
                total += accumulators[place][column] if accumulate else 0
                half = 1 << (config.accumulator_bits - 1)
                accumulators[place][column] = (total + half) % (2 * half) - half
        if drain:
            sums += [list(accumulators[place]) for place in places]
    return sums


def random_streams(config, rng, count):
    commands = np.zeros(count, MATRIX_COMMAND)
    commands["rows"] = rng.integers(1, config.accumulator_rows, count, endpoint=True)
    commands["address"] = rng.integers(0, config.accumulator_rows, count)
    for flag in ("accumulate", "drain", "swap", "activations_signed", "weights_signed"):
        commands[flag] = rng.integers(0, 2, count)
    commands["shift"] = rng.integers(0, 4, count)
    commands["swap"][0] = 1
    weights = rng.integers(0, 256, (config.rows * int(commands["swap"].sum()), config.columns), np.uint8)
    activations = rng.integers(0, 256, (int(commands["rows"].sum()), config.rows), np.uint8)
    return weights, activations, commands


@pytest.mark.parametrize("bits", [20, 32, 64])
@pytest.mark.parametrize("seed", range(10))
def test_random_commands(seed, bits):
    config = CONFIG.replace(accumulator_bits=bits)
    streams = random_streams(config, np.random.default_rng(seed), 40)
    sums = matrix_unit(config, *streams)
    assert sums.dtype == np.int64
    assert sums.tolist() == in_python(config, *streams)


def test_nothing_drained():
    weights, activations, commands = random_streams(CONFIG, np.random.default_rng(0), 5)
    commands["drain"] = 0
    assert matrix_unit(CONFIG, weights, activations, commands).shape == (0, CONFIG.columns)


@dataclasses.dataclass
class Streams:
    weights: np.ndarray
    activations: np.ndarray
    commands: np.ndarray


def field(name, value):
    def change(streams):
        streams.commands[name][1] = value

    return change


def stream(name, change):
    return lambda streams: setattr(streams, name, change(getattr(streams, name)))


@pytest.mark.parametrize(
    "change, error, match",
    [
        (stream("weights", lambda w: w.view(np.int8)), TypeError, "weights must be of dtype uint8, not int8"),
        (
            stream("weights", lambda w: w[:-1]),
            ConfigError,
            r"weights must be of shape \(6, 2\) for these commands, not",
        ),
        (stream("weights", lambda w: w.reshape(4, 3)), ConfigError, r"weights must be of shape \(6, 2\)"),
        (stream("activations", lambda x: x[1:]), ConfigError, r"activations .* of shape \(9, 3\) .* not \(8, 3\)"),
        (stream("activations", lambda x: x[0]), ConfigError, "activations must be of rank 2"),
        (stream("commands", lambda c: c["rows"]), TypeError, "commands must be of dtype .*, not uint32"),
        (stream("commands", lambda c: c[:0]), ConfigError, "commands must be non-empty"),
        (field("address", 8), ConfigError, "address of command 1 must be from 0 to 7, not 8"),
        (field("shift", 4), ConfigError, "shift of command 1 must be from 0 to 3, not 4"),
        (field("drain", 2), ConfigError, "drain of command 1 must be from 0 to 1, not 2"),
    ],
)
def test_bad_streams(change, error, match):
    commands = np.zeros(3, MATRIX_COMMAND)
    commands["rows"], commands["swap"] = 3, [1, 1, 0]
    streams = Streams(np.ones((6, 2), np.uint8), np.ones((9, 3), np.uint8), commands)
    change(streams)
    with pytest.raises(error, match=match):
        matrix_unit(CONFIG, streams.weights, streams.activations, streams.commands)


@pytest.mark.parametrize("rows", [0, 9])
def test_bad_number_of_rows(rows):
    commands = np.zeros(1, MATRIX_COMMAND)
    commands["swap"], commands["rows"] = 1, rows
    activations = np.zeros((max(rows, 1), 3), np.uint8)[: rows or None]
    with pytest.raises(ConfigError, match="must be"):
        matrix_unit(CONFIG, np.zeros((3, 2), np.uint8), activations, commands)


def test_first_command_must_swap():
    commands = np.zeros(2, MATRIX_COMMAND)
    commands["rows"], commands["swap"] = 1, [0, 1]
    with pytest.raises(ConfigError, match="swap of the first command must be 1, not 0"):
        matrix_unit(CONFIG, np.zeros((3, 2), np.uint8), np.zeros((2, 3), np.uint8), commands)
