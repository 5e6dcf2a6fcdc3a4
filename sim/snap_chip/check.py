"""Checks of commands: an illegal one is refused before it runs, by field and reason."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...hw.config import check
from ...hw.errors import ConfigError, wrong_type
from ...hw.snap_chip.command import OPERATIONS
from ...hw.snap_chip.config import NO_LINE, SnapChipConfig
from ..snap.tiles import keeps_tiles
from .command import column_dilation, command_fields, complete, float_of, left_padding
from .scales import scale_beats

__all__ = [
    "bank_need",
    "check_bands",
    "check_banks",
    "check_command",
    "check_config",
    "check_memory",
    "check_rounds",
    "most_bands",
    "needed_bands",
]


def check_config(config: object) -> None:
    """Refuse what is no configuration of the chip, such as the name of one."""
    if not isinstance(config, SnapChipConfig):
        raise wrong_type("config", "a SnapChipConfig, such as PRESETS['snap-chip'] of hw.snap_chip.config", config)


def check_memory(memory: object) -> None:
    """Refuse what is no memory."""
    if not isinstance(memory, np.ndarray) or memory.dtype != np.uint8 or memory.ndim != 1:
        raise wrong_type("memory", "an array of bytes (uint8)", getattr(memory, "dtype", memory))


def check_command(config: SnapChipConfig, command: Mapping[str, int]) -> None:
    """Refuse a command that the chip can't run, as far as the command alone says.

    Raises
    ------
    ConfigError
        ``<field> must be <rule>, not <value>``.
    """
    command = complete(config, command)
    if command["operation"] == OPERATIONS["stop"]:
        for name, _, _ in command_fields(config):
            if name != "interrupt":
                _equal(command, name, 0, "in a stop")
        return
    for name, _, field in command_fields(config):
        rule = f"from {field.lowest} to {field.highest}"
        check(name, field.lowest <= command[name] <= field.highest, rule, command[name])
    _check_shapes(config, command)
    _check_work(config, command)
    _check_steps(config, command)
    _check_values(command)
    _check_buffers(config, command)
    _check_places(config, command)


def _equal(command: Mapping[str, int], field: str, value: int, why: str) -> None:
    check(field, command[field] == value, f"{value}, {why}", command[field])


def _most(command: Mapping[str, int], field: str, most: int, why: str) -> None:
    check(field, command[field] <= most, f"at most {most}, {why}", command[field])


def _ceil(value: int, by: int) -> int:
    return -(-value // by)


def _check_shapes(config: SnapChipConfig, c: Mapping[str, int]) -> None:
    rows = config.banks
    _equal(c, "width_groups", _ceil(c["width"], rows), "ceil(width / rows)")
    _equal(c, "width_quotient", c["width"] // rows, "width // rows")
    _equal(c, "width_rest", c["width"] % rows, "width % rows")
    _most(c, "band_lines", c["height"], "the height")
    _equal(c, "bands", _ceil(c["height"], c["band_lines"]), "ceil(height / band_lines)")
    check_bands(c)
    _equal(c, "directory_line", c["width_groups"] * c["tiles"], "width_groups * tiles")
    _equal(c, "directory_band", c["directory_line"] * c["band_lines"], "directory_line * band_lines")
    _most(c, "region_lines", c["out_lines"], "the lines of the output")
    _equal(c, "regions", _ceil(c["out_lines"], c["region_lines"]), "ceil(out_lines / region_lines)")
    diagonal = c.get("diagonal", 0)
    if not diagonal:
        _equal(c, "column_groups", _ceil(c["out_columns"], rows), "ceil(out_columns / rows)")
        _equal(c, "columns_quotient", c["out_columns"] // rows, "out_columns // rows")
        _equal(c, "columns_rest", c["out_columns"] % rows, "out_columns % rows")
        if config.global_accumulator:
            _equal(c, "first_port", 0, "as the layer isn't diagonal")
    for name, rest in (("padding_rest", c["padding_rest"]), ("dilation_rest", c["dilation_rest"])):
        check(name, rest < rows, f"less than {rows}, the rows of a core", rest)
    dilation = column_dilation(config, c)
    check("dilation_rest", dilation > 0, "more than 0 where dilation_quotient is 0", c["dilation_rest"])
    common = math.gcd(c["stride_columns"], rows)
    check("stride_columns", common == 1, f"without a common divisor with the {rows} rows", c["stride_columns"])
    left = left_padding(config, c)
    axes = {"lines": (c["height"], c["out_lines"], c["kernel_lines"], c["dilation_lines"], c["padding_lines"])}
    if diagonal:
        _check_diagonal(config, c, left)
    else:
        axes["columns"] = c["width"], c["out_columns"], c["kernel_columns"], dilation, left
    for axis, sizes in axes.items():
        size, out, kernel, spread, before = sizes
        reach = spread * (kernel - 1) + 1
        name = "padding_lines" if axis == "lines" else "padding_quotient"
        check(name, 0 <= before < reach, f"for a padding from 0 to {reach - 1}, less than the kernel reaches", before)
        most = (size - 1 + before) // c[f"stride_{axis}"] + 1
        _most(c, f"out_{axis}", most, "so that each has its first input before the end")


def _check_diagonal(config: SnapChipConfig, c: Mapping[str, int], left: int) -> None:
    """Refuse columns of a layer in diagonal mode of which an output would lack an input."""
    rows, width = config.banks, config.core.core_columns
    for name, value in (("rotate", 0), ("stride_columns", 1), ("operation", OPERATIONS["convolve"])):
        _equal(c, name, value, "as in all diagonal layers")
    dilation = column_dilation(config, c)
    check("dilation_rest", dilation == width, f"so that sub-kernels are {width} columns apart", c["dilation_rest"])
    most, last_port = width * (c["kernel_columns"] - 1), width - 1
    check("padding_quotient", 0 <= left <= most, f"for a padding from 0 to {most}, that of sub-kernels", left)
    _most(c, "first_port", last_port, "the columns of a core less one")
    rule = f"{last_port} where sub-kernels have less padding than {most}"
    check("first_port", left == most or c["first_port"] == last_port, rule, c["first_port"])
    _most(c, "out_columns", c["width"] + last_port - c["first_port"] + left, "so that each has its first input")
    positions = min(c["out_columns"] + c["first_port"], c["width"] + left)
    _equal(c, "column_groups", _ceil(positions, rows), f"those of {positions} columns")
    _equal(c, "columns_quotient", c["column_groups"], "the column groups, of a diagonal layer")
    _equal(c, "columns_rest", 0, "as in all diagonal layers")
    need = c["region_lines"] * c["kernels"] + config.core.psum_slots
    rule = f"so few that at most {config.carried_sums} sums are carried, a block's included (there are {need})"
    check("region_lines", need <= config.carried_sums, rule, c["region_lines"])


def _check_work(config: SnapChipConfig, c: Mapping[str, int]) -> None:
    kernels, pools = c["kernels"], c["operation"] == OPERATIONS["pool"]
    if pools:
        _equal(c, "kernels", config.core_kernels, "as in all pooling")
        for name in ("group_tiles", "group_rounds", "block_lines"):
            _equal(c, name, 1, "as in all pooling")
        for name in ("residual", "resident", "scale_beats"):
            _equal(c, name, 0, "as in all pooling")
    check("kernels", config.core_kernels % kernels == 0, f"a divisor of {config.core_kernels}", kernels)
    _equal(c, "rounds", c["out_tiles"] * config.core_kernels // kernels, "out_tiles * core_kernels / kernels")
    _most(c, "group_rounds", c["rounds"], "the rounds")
    groups = _ceil(c["rounds"], c["group_rounds"])
    _most(c, "group_tiles", c["tiles"] // groups, f"the stored tiles / {groups} groups of rounds")
    core = config.core
    most = core.psum_slots // kernels
    _most(c, "block_lines", most, f"the {core.psum_slots} psum slots / {kernels} kernels")
    rule = "so few that dense tiles fit the activations of a PE"
    check("block_lines", keeps_tiles(core, c["block_lines"]), rule, c["block_lines"])
    if not pools:
        _equal(c, "scale_beats", scale_beats(config, c["out_tiles"]), "the beats of all kernels' scales")
    passes = 1 if c["resident"] else c["regions"]
    _equal(c, "passes", passes, "1 if resident, else the regions")


def _check_steps(config: SnapChipConfig, c: Mapping[str, int]) -> None:
    columns, width = config.core.core_columns, config.tile_channels
    full, steps, tiles = c["full_steps"], c["rest_steps"], c["rest_tiles"]
    pools = c["operation"] == OPERATIONS["pool"]
    if pools:
        _equal(c, "full_steps", 0, "as in all pooling")
    _most(c, "rest_tiles", columns, "the columns of a core")
    check("rest_tiles", (tiles > 0) == (steps > 0), "0 where there are no rest_steps, and only there", tiles)
    rule = f"so that steps have the {c['group_tiles']} stored tiles of a group"
    if c.get("diagonal"):
        _equal(c, "rest_steps", 0, "as in all diagonal layers")
        check("full_steps", full == c["group_tiles"], rule, full)
    else:
        check("rest_steps", full * columns + steps * tiles == c["group_tiles"], rule, steps)
    groups = (full + steps) * c["kernel_lines"] * c["kernel_columns"]
    _equal(c, "weight_groups", groups, "steps * kernel_lines * kernel_columns")
    for number in range(1, 8):
        if number >= columns or pools or not steps:
            _equal(c, f"cut_{number}", 0, "as there is no such column or step")
    if pools or not steps:
        return
    cuts = [0, *(c[f"cut_{number}"] for number in range(1, columns)), tiles * width]
    for number, (first, after) in enumerate(zip(cuts, cuts[1:], strict=False), 1):
        name, value = f"cut_{min(number, columns - 1)}", cuts[min(number, columns - 1)]
        check(name, first <= after <= first + width, f"so that all columns have from 0 to {width} channels", value)
        ends = np.minimum(after, np.arange(1, tiles + 1) * width) - np.maximum(first, np.arange(tiles) * width)
        beats = int((-(-np.maximum(ends, 0) // config.core.beat_entries)).sum())
        rule = f"so that all columns have at most {config.core.tile_beats} beats"
        check(name, beats <= config.core.tile_beats, rule, value)


def _check_values(c: Mapping[str, int]) -> None:
    signed = c["signed_inputs"]
    check("in_zero", c["in_zero"] <= 127 if signed else c["in_zero"] >= 0, "a value of the input's type", c["in_zero"])
    _check_range(c, "sum")
    if c["residual"]:
        _check_range(c, "residual")
        signed, zero = c["signed_residual"], c["residual_zero"]
        check("residual_zero", zero <= 127 if signed else zero >= 0, "a value of the residual's type", zero)
        for name in ("sum_factor", "residual_factor", "residual_offset"):
            value = float_of(c[name])
            check(name, bool(np.isfinite(value)), "finite", float(value))
            check(name, name == "residual_offset" or bool(value > 0), "positive", float(value))


def _check_range(c: Mapping[str, int], name: str) -> None:
    low, high = c[f"{name}_low"], c[f"{name}_high"]
    check(f"{name}_high", low <= high, f"at least {low}, as {name}_low", high)
    check(f"{name}_high", low >= 0 or high <= 127, f"at most 127, as {name}_low is negative", high)


def needed_bands(command: Mapping[str, int]) -> np.ndarray:
    """First and last band of the input that each region needs, ``[regions, 2]``."""
    c = command
    first = np.arange(c["regions"]) * c["region_lines"]
    last = np.minimum(first + c["region_lines"], c["out_lines"]) - 1
    reach = (c["kernel_lines"] - 1) * c["dilation_lines"]
    stride, padding = c["stride_lines"], c["padding_lines"]
    lines = np.stack([first * stride - padding, last * stride - padding + reach], axis=1)
    return np.clip(lines, 0, c["height"] - 1) // c["band_lines"]


def check_bands(command: Mapping[str, int]) -> None:
    """Refuse bands of which the last one would never be free: it is when all `NO_LINE` lines are."""
    lines = command["bands"] * command["band_lines"]
    rule = f"so that bands of so many lines have at most {NO_LINE:,} together (they have {lines:,})"
    check("band_lines", lines <= NO_LINE, rule, command["band_lines"])


def most_bands(command: Mapping[str, int]) -> int:
    """Bands of the input that a region needs at most."""
    bands = needed_bands(command)
    return int((bands[:, 1] - bands[:, 0]).max()) + 1


def _check_buffers(config: SnapChipConfig, c: Mapping[str, int]) -> None:
    groups = c["column_groups"] + c.get("diagonal", 0)
    pixels = config.region_pixels // groups
    why = f"the {config.region_pixels} pixels of the output buffer / {groups} column groups"
    _most(c, "region_lines", pixels, why)
    most = most_bands(c)
    rule = f"so large that a region needs at most {config.resident_bands} bands"
    check("band_lines", most <= config.resident_bands, rule, c["band_lines"])
    need = most * c["directory_band"]  # a band that ends early takes as many
    rule = f"so few that a region needs at most {config.directory_entries} entries of the directory"
    check("directory_line", need <= config.directory_entries, rule + f" (it needs {need})", c["directory_line"])
    for name, count in (("bands", c["bands"] * c["tiles"]), ("regions", c["regions"] * c["out_tiles"])):
        rule = f"so few that there are at most {config.segments} segments (there are {count})"
        check(name, count <= config.segments, rule, c[name])
    if c["resident"]:
        for ring in range(config.rings):
            _most(c, f"weight_beats_{ring}", config.weight_rows, "as they are resident")


def _segments(c: Mapping[str, int], name: str, segments: int, pitch: int, config: SnapChipConfig) -> dict[str, range]:
    address, table = c[f"{name}_address"], c[f"{name}_table"]
    return {
        f"{name}_address": range(address, address + segments * pitch),
        f"{name}_table": range(table, table + _ceil(4 * segments, config.bus.bytes)),
    }


def _check_places(config: SnapChipConfig, c: Mapping[str, int]) -> None:
    words = c["region_lines"] * c["out_columns"] * config.tile_words
    pitch = _ceil(words, config.beat_words)
    check("out_pitch", c["out_pitch"] >= pitch, f"at least {pitch}, the beats of a dense segment", c["out_pitch"])
    outputs = c["regions"] * c["out_tiles"]
    written = _segments(c, "out", outputs, c["out_pitch"], config)
    read = _segments(c, "in", c["bands"] * c["tiles"], c["in_pitch"], config)
    if c["residual"]:
        read |= _segments(c, "residual", outputs, c["out_pitch"], config)
    read["scale_address"] = range(c["scale_address"], c["scale_address"] + c["scale_beats"])
    for ring in range(config.rings):
        address = c[f"weight_address_{ring}"]
        read[f"weight_address_{ring}"] = range(address, address + c[f"weight_beats_{ring}"])
    end = 1 << config.bus.beat_address_bits
    for name, place in (written | read).items():
        check(name, place.stop <= end, f"such that it ends within the memory of {end} beats", place.start)
    for name, place in written.items():
        for other, taken in [*read.items(), *((n, p) for n, p in written.items() if n > name)]:
            apart = max(place.start, taken.start) >= min(place.stop, taken.stop)
            check(name, apart, f"such that nothing is written over what {other} says", place.start)


def check_rounds(config: SnapChipConfig, command: Mapping[str, int], rounds: Sequence[np.ndarray]) -> None:
    """Refuse weights that don't fit their buffers.

    Parameters
    ----------
    rounds
        By weight buffer: beats of each round.

    Raises
    ------
    ConfigError
        If a round that is used for several blocks is longer than its buffer.
    """
    pixels = min(command["region_lines"], command["out_lines"]) * command["column_groups"]
    if pixels <= command["block_lines"]:
        return
    for ring, beats in enumerate(rounds):
        longest = int(beats.max())
        if longest > config.weight_rows:
            raise ConfigError(
                f"weights of a round must be of at most {config.weight_rows} beats for each weight buffer, as several "
                f"blocks use them, not {longest} (buffer {ring})",
                "a configuration with a larger weight_rows has room for more",
                field="weight_beats", value=longest,
            )  # fmt: skip


def bank_need(config: SnapChipConfig, command: Mapping[str, int], words: np.ndarray | None = None) -> int:
    """Words that a bank must hold at most for a region.

    Parameters
    ----------
    words
        Words of each stored tile of the input ``[lines, columns, tiles]``, by default of dense ones.
    """
    height, width = command["height"], command["width"]
    if words is None:
        lines = np.full((height, width), command["tiles"] * config.tile_words)
    else:
        lines = words.sum(2)
    padded = np.pad(lines, ((0, 0), (0, -width % config.banks)))
    banks = padded.reshape(height, -1, config.banks).sum(1)
    before = np.concatenate([np.zeros((1, config.banks), np.int64), np.cumsum(banks, axis=0)])
    bands = needed_bands(command)
    first, after = bands[:, 0] * command["band_lines"], np.minimum((bands[:, 1] + 1) * command["band_lines"], height)
    return int((before[after] - before[first]).max())


def check_banks(config: SnapChipConfig, command: Mapping[str, int], words: np.ndarray | None = None) -> None:
    """Refuse a layer whose regions need more of the input than the banks hold; `words` as in `bank_need`.

    Raises
    ------
    ConfigError
        With what a bank would have to hold.
    """
    need, room = bank_need(config, command, words), config.bank_words
    if need > room:
        raise ConfigError(
            f"activations of a region must be of at most {room} words a bank, not {need}",
            "a configuration with a larger bank_rows has room for more",
            field="bank_rows", value=need,
        )  # fmt: skip
