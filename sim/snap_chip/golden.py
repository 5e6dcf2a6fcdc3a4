"""Golden model of the SNAP chip: what a list of commands makes of a memory, from the bytes alone."""

import dataclasses

import numpy as np

from ...hw.config import check_int
from ...hw.errors import ConfigError
from ...hw.snap_chip.command import OPERATIONS
from ...hw.snap_chip.config import SnapChipConfig
from ..formats.runs import FormatError
from ..golden.convolution import convolution
from ..golden.residual_add import residual_add
from ..golden.wrap import wrap
from .check import check_banks, check_command, check_config, check_memory, check_rounds
from .command import Command, column_dilation, disassemble_list, float_of, kernel_across, steps_over_channels
from .scales import decode_scales, kernel_order
from .tensors import TensorLayout, decode_tensor, encode_tensor, tile_words
from .weights import RingWeights, decode_ring

__all__ = [
    "Result",
    "decode_weights",
    "input_layout",
    "layer_sums",
    "output_layout",
    "read_rings",
    "residual_layout",
    "run_list",
]


@dataclasses.dataclass(frozen=True)
class Result:
    """What a list of commands leaves.

    Parameters
    ----------
    memory
        The bytes afterwards.
    commands
        Those that ran.
    overflows
        By command: whether a sum needed more than 32 bits, or more than the psums have, and was wrapped.
    """

    memory: np.ndarray
    commands: list[Command]
    overflows: list[bool]


def run_list(config: SnapChipConfig, memory: np.ndarray, address: int) -> Result:
    """Run the list of commands at the beat `address`; `memory` is left as it is.

    Raises
    ------
    ConfigError
        With the number of the command: it is illegal, or its activations or weights don't fit their buffers.
    FormatError
        With the number of the command: a tensor or weights are malformed.
    """
    check_config(config)
    check_memory(memory)
    check_int("address", address, 0)
    memory = memory.copy()
    commands, overflows = disassemble_list(config, memory, address), []
    for number, command in enumerate(commands):
        try:
            check_command(config, command)
            overflows.append(_run(config, command, memory))
        except (ConfigError, FormatError) as error:
            raise type(error)(f"command {number}: {error}") from None
    return Result(memory, commands, overflows)


def input_layout(config: SnapChipConfig, command: Command) -> TensorLayout:
    """Of a command's input, all channels of its stored tiles."""
    return TensorLayout(
        height=command["height"], width=command["width"], channels=command["tiles"] * config.tile_channels,
        band_lines=command["band_lines"], address=command["in_address"], table=command["in_table"],
        pitch=command["in_pitch"], zero=command["in_zero"], signed=bool(command["signed_inputs"]),
    )  # fmt: skip


def output_layout(config: SnapChipConfig, command: Command) -> TensorLayout:
    """Of a command's output. Bytes are taken for unsigned, as the command doesn't say what the next layer takes."""
    return TensorLayout(
        height=command["out_lines"], width=command["out_columns"],
        channels=command["out_tiles"] * config.tile_channels, band_lines=command["region_lines"],
        address=command["out_address"], table=command["out_table"], pitch=command["out_pitch"],
        zero=command["out_zero"] & 255,
    )  # fmt: skip


def residual_layout(config: SnapChipConfig, command: Command) -> TensorLayout:
    """Of a command's residual."""
    return dataclasses.replace(
        output_layout(config, command), address=command["residual_address"], table=command["residual_table"],
        zero=command["residual_zero"], signed=bool(command["signed_residual"]),
    )  # fmt: skip


def read_rings(config: SnapChipConfig, command: Command, memory: np.ndarray) -> list[RingWeights]:
    """Decode and check the weights of all weight buffers."""
    rings, rounds = [], []
    for number in range(config.rings):
        begin = command[f"weight_address_{number}"] * config.bus.bytes
        data = memory[begin : begin + command[f"weight_beats_{number}"] * config.bus.bytes]
        ring, beats = decode_ring(
            config, data, kernels=command["kernels"], rounds=command["rounds"], groups=command["weight_groups"],
            name=f"weights of buffer {number}",
        )  # fmt: skip
        first = rings[number - number % config.core.core_columns] if number % config.core.core_columns else ring
        wrong = np.flatnonzero(first.counts != ring.counts)
        if len(wrong):
            at = int(wrong[0])
            rule = f"have {first.counts[at]} windows, as in the core's first"
            raise FormatError(f"weights of buffer {number}: group {at} must {rule}, not {ring.counts[at]}")
        rings.append(ring)
        rounds.append(beats)
    check_rounds(config, command, rounds)
    return rings


def decode_weights(config: SnapChipConfig, command: Command, rings: list[RingWeights]) -> np.ndarray:
    """Put weights where windows, parts and rounds say: R x S x channels of a group of rounds x output channels."""
    parts = steps_over_channels(config, command)
    order = kernel_order(config, command["kernels"], command["out_tiles"])
    taps = command["kernel_lines"], command["kernel_columns"]
    columns = config.core.core_columns if command.get("diagonal") else 1  # of the kernel, in a tap
    channels = command["group_tiles"] * config.tile_channels
    weights = np.zeros((taps[0], taps[1] * columns, channels, command["out_tiles"] * config.tile_channels), np.int8)
    for number, ring in enumerate(rings):
        core, column = divmod(number, config.core.core_columns)
        groups = ring.weights.reshape(len(order), len(parts), *taps, command["kernels"], config.tile_channels)
        for step, (first, after) in enumerate(parts[:, column].tolist()):
            part = groups[:, step].transpose(1, 2, 4, 0, 3)
            if part[:, :, after - first :].any():
                rule = f"be of the {after - first} channels of the buffer's part"
                raise FormatError(f"weights of buffer {number}: those of step {step} must {rule}")
            weights[:, column % columns :: columns, first:after, order[:, core]] = part[:, :, : after - first]
    return weights


def _padding(config: SnapChipConfig, command: Command) -> tuple[int, int, int, int]:
    """At the top, bottom, left and right; negative where inputs are left over."""
    columns, dilation, left = kernel_across(config, command)
    top = command["padding_lines"]
    down = (command["out_lines"] - 1) * command["stride_lines"] + (command["kernel_lines"] - 1) * command[
        "dilation_lines"
    ]
    across = (command["out_columns"] - 1) * command["stride_columns"] + (columns - 1) * dilation
    return top, down + 1 - command["height"] - top, left, across + 1 - command["width"] - left


def _padded(config: SnapChipConfig, command: Command, values: np.ndarray, blank: int) -> np.ndarray:
    """Just the lines and columns that the outputs reach."""
    top, bottom, left, right = _padding(config, command)
    sides = (top, max(0, bottom)), (left, max(0, right)), (0, 0)
    padded = np.pad(values, sides, constant_values=blank)
    return padded[: len(padded) + min(0, bottom), : padded.shape[1] + min(0, right)]


def _run(config: SnapChipConfig, command: Command, memory: np.ndarray) -> bool:
    layout = input_layout(config, command)
    values = decode_tensor(config, layout, memory)
    check_banks(config, command, tile_words(config, layout, values))
    overflow = False
    if command["operation"] == OPERATIONS["pool"]:
        outputs = _pool(config, command, values)
    else:
        outputs, overflow = _convolve(config, command, values, memory)
        if command["residual"]:
            added = decode_tensor(config, residual_layout(config, command), memory)
            terms = tuple(float_of(command[name]) for name in ("sum_factor", "residual_factor", "residual_offset"))
            low, high = command["residual_low"], command["residual_high"]
            outputs = residual_add(outputs, added, (terms[0], terms[1], terms[2]), low, high)
    encode_tensor(config, output_layout(config, command), outputs & 255, memory)
    return overflow


def layer_sums(config: SnapChipConfig, command: Command, values: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Sums of products by line, column and stored output channel, of any size, from weights and decoded `values`."""
    weights = decode_weights(config, command, read_rings(config, command, memory))
    inputs = _padded(config, command, values.astype(np.int64) - command["in_zero"], 0)
    order = kernel_order(config, command["kernels"], command["out_tiles"])
    depth = command["group_tiles"] * config.tile_channels
    dilation = command["dilation_lines"], kernel_across(config, command)[1]
    stride = command["stride_lines"], command["stride_columns"]
    sums = np.zeros((command["out_lines"], command["out_columns"], weights.shape[3]), np.int64)
    for group in range(-(-command["rounds"] // command["group_rounds"])):
        kernels = order[group * command["group_rounds"] :][: command["group_rounds"]].ravel()
        channels = inputs[None, ..., group * depth : (group + 1) * depth]
        sums[..., kernels] = convolution(channels, weights[..., kernels], stride, 0, dilation)[0]
    return sums


def _convolve(
    config: SnapChipConfig, command: Command, values: np.ndarray, memory: np.ndarray
) -> tuple[np.ndarray, bool]:
    sums = layer_sums(config, command, values, memory)
    begin = command["scale_address"] * config.bus.bytes
    scales = memory[begin : begin + command["scale_beats"] * config.bus.bytes]
    bias, factors = decode_scales(config, command["kernels"], command["out_tiles"], scales)
    kept = wrap(sums, config.core.psum_bits)
    biased = kept + bias
    limits = np.iinfo(np.int32)
    overflow = bool((kept != sums).any() or (biased < limits.min).any() or (biased > limits.max).any())
    with np.errstate(over="ignore"):
        scaled = wrap(biased, 32).astype(np.float32) * factors
    zero = command["sum_zero"]
    low, high = command["sum_low"] - zero, command["sum_high"] - zero
    return np.rint(np.clip(scaled, low, high)).astype(np.int64) + zero, overflow


def _pool(config: SnapChipConfig, command: Command, values: np.ndarray) -> np.ndarray:
    least = -128 if command["signed_inputs"] else 0
    padded = _padded(config, command, values.astype(np.int64), least)
    dilation = command["dilation_lines"], column_dilation(config, command)
    result = np.full((command["out_lines"], command["out_columns"], values.shape[2]), least)
    for r, s in np.ndindex(command["kernel_lines"], command["kernel_columns"]):
        lines = padded[r * dilation[0] :: command["stride_lines"]][: command["out_lines"]]
        window = lines[:, s * dilation[1] :: command["stride_columns"]][:, : command["out_columns"]]
        result = np.maximum(result, window)
    return result
