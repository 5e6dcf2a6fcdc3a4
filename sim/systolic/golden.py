"""What the matrix unit computes, command by command, without time."""

import numpy as np

from ...hw.config import check
from ...hw.systolic.config import SystolicConfig
from ..golden.matmul import matmul
from ..golden.tensors import check_tensor
from ..golden.wrap import wrap
from .commands import MATRIX_COMMAND

__all__ = ["matrix_unit"]


def matrix_unit(
    config: SystolicConfig, weights: np.ndarray, activations: np.ndarray, commands: np.ndarray
) -> np.ndarray:
    """Run a command stream and return the rows that ``o_sums`` delivers.

    Parameters
    ----------
    config
        Sizes of the unit.
    weights
        uint8, tiles * rows x columns: the transfers of ``i_weights``.
    activations
        uint8, beats x rows: the transfers of ``i_activations``.
    commands
        `MATRIX_COMMAND` array, one-dimensional. The first one swaps, as no weights are loaded before.

    Returns
    -------
    numpy.ndarray
        int64, drained rows x columns, each value wrapped to `accumulator_bits`.

    Raises
    ------
    TypeError
        If an array has another dtype.
    ConfigError
        If a shape or a field is out of range, or the streams don't hold what the commands consume.
    """
    byte = (np.dtype(np.uint8),)
    check_tensor("weights", weights, "beats x columns", byte)
    check_tensor("activations", activations, "beats x rows", byte)
    commands = check_tensor("commands", commands, "commands", (MATRIX_COMMAND,))
    _check_stream("weights", weights, config.columns, config.rows * int(np.count_nonzero(commands["swap"])))
    _check_stream("activations", activations, config.rows, int(commands["rows"].sum(dtype=np.int64)))
    _check_field(commands, "rows", 1, config.accumulator_rows)
    _check_field(commands, "address", 0, config.accumulator_rows - 1)
    _check_field(commands, "shift", 0, 3)
    for flag in ("accumulate", "drain", "swap", "activations_signed", "weights_signed"):
        _check_field(commands, flag, 0, 1)
    check("swap of the first command", commands["swap"][0] == 1, "1", 0)

    tiles = iter(weights.reshape(-1, config.rows, config.columns))
    beats = np.split(activations, np.cumsum(commands["rows"], dtype=np.int64))
    accumulators = np.zeros((config.accumulator_rows, config.columns), np.int64)
    drained = [np.empty((0, config.columns), np.int64)]
    tile = np.empty(0)
    for command, rows in zip(commands, beats, strict=False):  # the last split is empty
        if command["swap"]:
            tile = next(tiles).view(np.int8 if command["weights_signed"] else np.uint8)
        sums = matmul(rows.view(np.int8 if command["activations_signed"] else np.uint8), tile)
        where = (int(command["address"]) + np.arange(len(rows))) % config.accumulator_rows
        kept = accumulators[where] if command["accumulate"] else 0
        accumulators[where] = wrap(kept + (sums << 8 * int(command["shift"])), config.accumulator_bits)
        if command["drain"]:
            drained.append(accumulators[where])
    return np.concatenate(drained)


def _check_stream(field: str, stream: np.ndarray, width: int, length: int) -> None:
    check(field, stream.shape == (length, width), f"of shape {(length, width)} for these commands", stream.shape)


def _check_field(commands: np.ndarray, field: str, low: int, high: int) -> None:
    values = commands[field]
    wrong = np.flatnonzero((values < low) | (values > high))
    if wrong.size:
        check(f"{field} of command {wrong[0]}", False, f"from {low} to {high}", int(values[wrong[0]]))
