"""Random command streams of the matrix unit."""

import dataclasses

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...sim.systolic.commands import MATRIX_COMMAND, command_fields
from ...sim.systolic.golden import matrix_unit
from .vectors import random_bytes

__all__ = ["Program", "make_program", "random_commands", "random_program"]


@dataclasses.dataclass(frozen=True)
class Program:
    """What the streams carry, and the rows that must come out.

    Attributes
    ----------
    weights, activations, commands
        As `sim.systolic.golden` takes them.
    sums
        What it returns.
    """

    weights: np.ndarray
    activations: np.ndarray
    commands: np.ndarray
    sums: np.ndarray

    def beats(self, stream: str) -> list:
        """Values of the payloads of an input stream."""
        if stream == "i_commands":
            return command_fields(self.commands)
        return {"i_weights": self.weights, "i_activations": self.activations}[stream].tolist()


def random_commands(config: SystolicConfig, rng: np.random.Generator, count: int) -> np.ndarray:
    """Well-formed commands of all kinds; only rows that were written before are accumulated on.

    Ranges are short and in few places, so that they meet each other before, while and after they drain; now and
    then one covers everything.
    """
    size = config.accumulator_rows
    commands = np.zeros(count, MATRIX_COMMAND)
    written = np.zeros(size, bool)
    place = 0
    for command in commands:
        rows = int(rng.choice([1, 1, int(rng.integers(1, min(7, size + 1))), int(rng.integers(1, size + 1)), size]))
        if rng.random() < 0.6:
            place = int(rng.integers(0, size))
        rows, address = min(rows, size), min(place, size - min(rows, size))
        where = slice(address, address + rows)
        command["rows"], command["address"] = rows, address
        command["accumulate"] = written[where].all() and rng.random() < 0.6
        written[where] = True
        command["drain"], command["swap"] = rng.random() < 0.6, rng.random() < 0.4
        command["activations_signed"], command["weights_signed"] = rng.integers(0, 2, 2)
        command["shift"] = rng.integers(0, 4)
    commands["swap"][0] = 1
    return commands


def make_program(config: SystolicConfig, commands: np.ndarray, rng: np.random.Generator) -> Program:
    """Give commands random operands with many extreme values."""
    weights = random_bytes(rng, config.rows * int(commands["swap"].sum()), config.columns)
    activations = random_bytes(rng, int(commands["rows"].sum()), config.rows)
    return Program(weights, activations, commands, matrix_unit(config, weights, activations, commands))


def random_program(config: SystolicConfig, rng: np.random.Generator, count: int) -> Program:
    """Random commands with random operands."""
    return make_program(config, random_commands(config, rng, count), rng)
