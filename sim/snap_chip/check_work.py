"""Checks of what layers give to do: the cycle model takes work that fits its command and its chip for granted."""

from collections.abc import Sequence

import numpy as np

from ...hw.config import check, check_int
from ...hw.errors import ConfigError, wrong_type
from ...hw.snap_chip.command import OPERATIONS
from ...hw.snap_chip.config import WINDOWS, WORD_BYTES, SnapChipConfig
from .check import check_banks, check_command, check_config, check_rounds
from .command import command_fields, steps_over_channels
from .weights import windows_fit
from .work import ColumnWork, LayerWork

__all__ = ["check_works"]


def check_works(config: SnapChipConfig, works: Sequence[LayerWork]) -> None:
    """Refuse a list of layers that the chip can't run.

    Raises
    ------
    ConfigError
        With the number of the layer: its command is illegal, or its arrays are not what the command says.
    """
    check_config(config)
    if not isinstance(works, Sequence):
        raise wrong_type("works", "a sequence of LayerWork", works)
    for number, work in enumerate(works):
        try:
            _check_work(config, work)
        except ConfigError as error:
            text = f"layer {number}: {error}"
            raise type(error)(text, error.hint, field=error.field, value=error.value) from None


def _check_work(config: SnapChipConfig, work: LayerWork) -> None:
    if not isinstance(work, LayerWork):
        raise wrong_type("work", "a LayerWork", work)
    command = work.command
    for name, _, field in command_fields(config):
        if name not in command:
            raise ConfigError(f"command must have all fields of this chip's, also {name}", field=name)
        check_int(name, command[name], field.lowest, field.highest)
    check("operation", command["operation"] != OPERATIONS["stop"], "convolve or pool", command["operation"])
    check_command(config, command)
    _check_array("inputs", work.inputs, np.uint64, (command["height"], command["width"], command["tiles"]))
    outputs = command["out_lines"], command["out_columns"], command["out_tiles"]
    _check_array("outputs", work.outputs, np.uint64, outputs)
    tensors = {"inputs": work.inputs, "outputs": work.outputs}
    if command["residual"]:
        tensors["residual"] = _check_array("residual", work.residual, np.uint64, outputs)
    else:
        check("residual", work.residual is None, "None, as the command says", type(work.residual).__name__)
    for name, bitmaps in tensors.items():
        _check_bits(name, bitmaps, config.tile_channels)
    check_banks(config, command, -(-(config.bitmap_bytes + np.bitwise_count(work.inputs).astype(int)) // WORD_BYTES))
    rings = config.rings if work.convolves else 0
    check("weights", len(work.weights) == rings, f"of {rings} weight buffers", len(work.weights))
    if work.convolves:
        check_rounds(config, command, [_check_ring(config, work, ring) for ring in range(rings)])


def _check_array(name: str, array: object, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        raise wrong_type(name, f"an array of {np.dtype(dtype)}", getattr(array, "dtype", array))
    check(name, array.shape == shape, f"of shape {shape}, as the command says", array.shape)
    return array


def _check_bits(name: str, bitmaps: np.ndarray, channels: int | np.ndarray) -> None:
    """Refuse bits behind so many channels."""
    wrong = (bitmaps >> np.asarray(channels, np.uint64)) != 0
    check(name, not wrong.any(), "bitmaps without bits behind the channels of a tile or part", int(wrong.sum()))


def _check_ring(config: SnapChipConfig, work: LayerWork, ring: int) -> np.ndarray:
    """Refuse weights of a buffer that are not what the command says; beats of each round."""
    command, one, name = work.command, work.weights[ring], f"weights[{ring}]"
    core, column = divmod(ring, config.core.core_columns)
    if not isinstance(one, ColumnWork):
        raise wrong_type(name, "a ColumnWork", one)
    rounds, kernels = command["rounds"], command["kernels"]
    groups = rounds * command["weight_groups"]
    _check_array(f"{name}.bitmaps", one.bitmaps, np.uint64, (groups, kernels))
    _check_array(f"{name}.windows", one.windows, np.int64, (groups, WINDOWS))
    _check_array(f"{name}.counts", one.counts, np.int64, (groups,))
    parts = np.diff(steps_over_channels(config, command)[:, column])  # of each step
    _check_bits(f"{name}.bitmaps", one.bitmaps.reshape(rounds, len(parts), -1), parts)
    counts, windows = one.counts, one.windows
    least, most = int(counts.min()), int(counts.max())
    check(f"{name}.counts", least >= 1 and most <= WINDOWS, f"from 1 to {WINDOWS}", least if least < 1 else most)
    first = work.weights[core * config.core.core_columns].counts
    same = np.array_equal(counts, first)
    check(f"{name}.counts", same, "those of the core's first column", "others")
    used = np.arange(WINDOWS) < counts[:, None]
    entries = np.bitwise_count(one.bitmaps).astype(np.int64)
    wrong = (windows < 0).any(1) | (windows[~used] != 0).any() | (windows.sum(1) != entries.sum(1))
    rule = "entries of the windows, which are as many as the group's bitmaps have"
    check(f"{name}.windows", not wrong.any(), rule, windows[wrong][:1].tolist())
    wrong = ~windows_fit(config, entries, windows, counts)
    rule = f"windows of at most {config.core.window_beats} beats"
    check(f"{name}.windows", not wrong.any(), rule, windows[wrong][:1].tolist())
    words = -(-(WINDOWS + kernels * config.bitmap_bytes + entries.sum(1)) // WORD_BYTES)
    beats = -(-words.reshape(rounds, -1).sum(1) // config.beat_words)
    total, field = int(beats.sum()), f"weight_beats_{ring}"
    check(field, command[field] == total, f"{total}, the beats of {name}", command[field])
    return beats
